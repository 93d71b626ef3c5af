"""Tables as a run directory has them, small and made up, for the tests of charts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.report import charts

NAMES = ("north", "south", "west")
SLICE = {
    "n_utterances": 120, "n_speakers": 12, "n_failed": 0, "reference_words": 1000, "hits": 900, "substitutions": 60,
    "deletions": 40, "insertions": 23, "wer": 0.123, "wer_low": 0.1, "wer_high": 0.15, "note": None,
}  # fmt: skip
GAP = {
    "comparator": "rest", "wer": 0.15, "comparator_wer": 0.1, "gap": 0.0512345678, "gap_low": 0.01, "gap_high": 0.09,
    "verdict": "inconclusive", "reason": "too wide to tell", "minimum_detectable_gap": 0.06,
}  # fmt: skip
RATIO = {"comparator": "rest", "ratio": 1.5, "ratio_low": 1.1, "ratio_high": 2.0, "n_speakers": 12, "note": None}
SPEED = {
    "n_utterances": 9, "n_recognised": 9, "rtfx": 12.5, "latency_p50_s": 0.4, "latency_p95_s": 1.9, "note": None,
}  # fmt: skip

Rows = Sequence[Mapping[str, object]]


def table(defaults: Mapping[str, object], rows: Rows) -> pd.DataFrame:
    return pd.DataFrame([{"dimension": "accent", "slice": "north", **defaults, **row} for row in rows])


def overall(**row: object) -> dict[str, object]:
    return {"dimension": "overall", "slice": "all", **row}


def named(names: Sequence[str], **row: object) -> list[dict[str, object]]:
    """Return a row for each name, no two alike: numbers rise by a tenth from one to the next."""
    return [
        {"slice": name, **{key: _risen(value, place) for key, value in row.items()}} for place, name in enumerate(names)
    ]


def _risen(value: object, place: int) -> object:
    return value * (1 + place / 10) if isinstance(value, float) else value


def slices(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    rates = {"wer": 0.2, "wer_low": 0.15, "wer_high": 0.27} | row
    return table(SLICE, [overall(**row), *named(names, **rates)])


def pairs(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    """Return intersections with a second attribute, of which the last name has one value alone."""
    cells = [f"{name} & {other}" for name in names for other in ("low", "high")][: 2 * len(names) - 1]
    return table(SLICE, [{**each, "dimension": "accent & pitch"} for each in named(cells, **row)])


def disparities(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    return table(GAP, named(names, **row))


def ratios(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    blocks = ("none", "length", "age", "length + age")
    return table(RATIO, [{**each, "covariates": block} for each in named(names, **row) for block in blocks])


def speeds(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    return table(SPEED, [overall(**row), *named(names, **row)])


def scores(names: Sequence[str] = NAMES, n_speakers: int = 4, **row: object) -> pd.DataFrame:
    counts = {"hits": 8, "substitutions": 1, "deletions": 1, "insertions": 0}
    return pd.DataFrame(
        [
            {"speaker_id": f"secret-{name}-{i}", "accent": name, **counts, "substitutions": i % 5, **row}
            for name in names
            for i in range(n_speakers)
            for _ in range(2)
        ]
    )


def points(names: Sequence[str] = NAMES, **row: object) -> pd.DataFrame:
    rates = {"wer": 0.1, "wer_low": 0.09, "wer_high": 0.12, "gap": 0.03, "gap_low": 0.01, "gap_high": 0.06} | row
    return pd.DataFrame([{"system": each.pop("slice"), **each} for each in named(names, **rates)])


def groups(names: Sequence[str] = NAMES, *, wer: float = 0.4, **_: object) -> pd.DataFrame:
    """Return accepted groups, each of which has three quarters of its WER left."""
    rows = [overall(before=wer), *named(names, before=wer)]
    found = table({"dimension": "accepted"}, rows)
    return found.assign(after=found["before"] * 0.75)


CHARTS: Mapping[str, Callable[..., Any]] = {
    "forest": lambda *names, **row: charts.forest(slices(*names, **row)),
    "gaps": lambda *names, **row: charts.gaps(disparities(*names, **row), margin=0.03),
    "heatmap": lambda *names, **row: charts.heatmap(pairs(*names, **row), "accent & pitch"),
    "composition": lambda *names, **row: charts.composition(slices(*names, **row)),
    "speakers": lambda *names, **row: charts.speakers(scores(*names), "accent", slices=slices(*names, **row)),
    "adjusted": lambda *names, **row: charts.adjusted(ratios(*names, **row)),
    "systems": lambda *names, **row: charts.systems({"one": slices(*names), "two": slices(*names, **row)}),
    "wer_against_gap": lambda *names, **row: charts.wer_against_gap(points(*names, **row)),
    "speed": lambda *names, **row: charts.speed(speeds(*names, **row)),
    "served_better": lambda *names, **row: charts.served_better(groups(*names, **row)),
    "latency": lambda *names, **row: charts.latency(speeds(*names, **row)),
}
