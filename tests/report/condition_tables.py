"""Tables of a last-mile run, small and made up, for the tests of its charts."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.report import charts
from harness.report.charts import Along

NAMES = ("north", "south", "west")
LEVELS = {"kitchen_20db": 20.0, "kitchen_10db": 10.0, "kitchen_0db": 0.0}
CELL = {
    "dimension": "accent", "n_speakers": 12, "n_utterances": 120, "wer": 0.2, "wer_low": 0.15, "wer_high": 0.27,
    "gap": 0.05, "gap_low": 0.01, "gap_high": 0.09, "verdict": "inconclusive",
}  # fmt: skip
HARM = {
    "dimension": "accent", "comparator": "rest", "harm": 0.2, "comparator_harm": 0.1, "extra_harm": 0.1,
    "extra_harm_low": 0.04, "extra_harm_high": 0.16, "harm_ratio": 1.5, "verdict": "inconclusive",
    "reason": "too wide to tell", "minimum_detectable_extra_harm": 0.12,
}  # fmt: skip
PLACED = {
    "dimension": "accent", "gap": 0.09, "there_gap": 0.03, "further": 0.06, "further_low": 0.01, "further_high": 0.11,
}  # fmt: skip
ALONG = Along("SNR, dB", falls=True)


def grid(names: Sequence[str] = NAMES, conditions: Sequence[str] = ("clean", *LEVELS), **row: object) -> pd.DataFrame:
    """Return conditions.csv: everybody and the slices under every condition, no two rates alike."""
    rows = []
    for place, condition in enumerate(conditions):
        rows.append(
            {**CELL, "condition": condition, "dimension": "overall", "slice": "all", "gap": math.nan, "verdict": ""}
        )
        for number, name in enumerate(names):
            cell = {"wer": 0.1 + 0.1 * place + 0.01 * number, **row}
            rows.append({**CELL, "condition": condition, "slice": name, **cell})
    return pd.DataFrame(rows)


def harms(names: Sequence[str] = NAMES, conditions: Sequence[str] = tuple(LEVELS), **row: object) -> pd.DataFrame:
    """Return the judged rows of extra_harm.csv, the largest first."""
    pairs = [(condition, name) for condition in conditions for name in names]
    rows = [
        {**HARM, "condition": condition, "slice": name, "extra_harm": 0.3 - 0.01 * place, **row}
        for place, (condition, name) in enumerate(pairs)
    ]
    return pd.DataFrame(rows)


def curves(names: Sequence[str] = NAMES, levels: Mapping[str, float] = LEVELS, **row: object) -> pd.DataFrame:
    table = grid(names, tuple(levels), **row)
    return table.assign(level=table["condition"].map(levels))


def crossings(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    told = {"sweep": "kitchen", "parameter": "snr_db", "dimension": "accent", "wer": 0.2, "crossing": 7.5, **row}
    return pd.DataFrame([{**told, "slice": name} for name in names])


def placed(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    rows = [
        {**PLACED, "condition": condition, "slice": name, "further": 0.06 + 0.01 * place + more, **row}
        for more, condition in ((0.0, "clean"), (0.05, "kitchen_0db"))
        for place, name in enumerate(names)
    ]
    return pd.DataFrame(rows)


CHARTS: Mapping[str, Callable[..., Any]] = {
    "conditions_grid": lambda *names, **row: charts.conditions_grid(grid(*names, **row), "accent"),
    "extra_harms": lambda *names, **row: charts.extra_harms(harms(*names, **row), margin=0.03),
    "level_curves": lambda *names, **row: charts.level_curves(
        curves(*names, **row), ALONG, crossings=crossings(*names), wer=0.2
    ),
    "placed": lambda *names, **row: charts.placed(placed(*names, **row), there="benchmark"),
}
