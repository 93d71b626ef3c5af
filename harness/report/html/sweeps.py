"""A last-mile run in, WER along its sweeps out: a curve of each slice, and where it crosses the WER of use."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from harness.fairness.membership import AND, OVERALL
from harness.report import charts
from harness.report.applied import called, unit_of
from harness.report.conditions import Row, UnderConditions, listed
from harness.report.crossings import crossing_interval, crossing_text
from harness.report.html.frames import frame_table
from harness.report.html.measured import text
from harness.report.html.parts import Heading, Part, Section, Words, drawing
from harness.report.wording import percent, plain
from harness.results.run import CROSSINGS

MOST_CURVES = 6
_HEADERS = ("sweep", "dimension", "slice", "WER", "crosses it at", "interval", "speakers", "note")


def sweeps_section(under: UnderConditions) -> Section | None:
    """Return every sweep's curves and crossings; None where nothing is swept over two levels."""
    swept = [name for name in dict.fromkeys(under.levels["sweep"]) if _n_levels(under, str(name)) > 1]
    if not swept:
        return None
    wer = _named(under)
    crosses = "" if wer is None else f" A WER of {100 * wer:g} % is what was named as still of use."
    parts: list[Part] = [Words(f"How WER goes along with {swept_by(under)}.{crosses}")]
    parts += list(_drawings(under, [str(name) for name in swept], wer))
    if len(under.crossings):
        caption = (
            "The harshest level up to which a slice's WER is at most what was named, by a curve that never turns back. "
            "Above or below the levels measured nothing was heard: such an end is told as above or below them."
        )
        parts.append(_table(under, caption))
    return Section("sweeps", "How far it stays of use", "Sweeps", parts)


def _drawings(under: UnderConditions, sweeps: list[str], wer: float | None) -> Iterator[Part]:
    dimensions = [str(name) for name in dict.fromkeys(under.grid["dimension"]) if name != OVERALL and AND not in name]
    pairs = [(sweep, dimension) for sweep in sweeps for dimension in dimensions]
    linked = "crossings-table" if len(under.crossings) else "conditions-table"
    for number, (sweep, dimension) in enumerate(pairs[:MOST_CURVES]):
        curves = _curves(under, sweep, dimension)
        if curves["wer"].notna().any() and (curves["dimension"] != OVERALL).any():
            crossed = under.crossings
            mine = crossed[(crossed["sweep"] == sweep) & (crossed["dimension"] == dimension)]
            chart = charts.level_curves(curves, _along(under, sweep), crossings=mine, wer=wer)
            yield Heading(f"{plain(sweep)}, by {plain(dimension)}", dimension)
            yield drawing(f"curves-{number}", charts.spec(chart), table=linked)
    if len(pairs) > MOST_CURVES:
        yield Words(f"{len(pairs) - MOST_CURVES} more pairs of sweep and dimension are in the tables only.", "muted")


def _curves(under: UnderConditions, sweep: str, dimension: str) -> pd.DataFrame:
    """Return the rows of a sweep with their levels, of one dimension and of everybody."""
    levels = under.levels[under.levels["sweep"] == sweep][["condition", "level"]]
    rows = under.grid[under.grid["dimension"].isin([OVERALL, dimension])]
    return rows.merge(levels.astype({"level": float}), on="condition", validate="many_to_one")


def _along(under: UnderConditions, sweep: str) -> charts.Along:
    told = under.levels[under.levels["sweep"] == sweep]
    parameter, levels = text(told["parameter"].iloc[0]), told["level"].astype(float)
    unit = unit_of(parameter)
    is_log = unit == "Hz" and bool((levels > 0).all())
    title = f"{called(parameter)}, {unit}" if unit else called(parameter)
    falls = bool(levels.iloc[0] > levels.iloc[-1])
    return charts.Along(title, scale="log" if is_log else "linear", falls=falls)


def _table(under: UnderConditions, caption: str) -> Part:
    return frame_table(
        "crossings-table",
        _HEADERS,
        under.crossings,
        partial(_cells, levels=under.levels),
        caption=caption,
        file=CROSSINGS,
        folded=False,
    )


def _named(under: UnderConditions) -> float | None:
    """Return the WER that was named; None where no crossing was looked for."""
    return float(under.crossings["wer"].iloc[0]) if len(under.crossings) else None


def _n_levels(under: UnderConditions, sweep: str) -> int:
    levels = under.levels[under.levels["sweep"] == sweep]["level"].astype(float)
    return int(levels.dropna().nunique())


def swept_by(under: UnderConditions) -> str:
    """Name what is swept, as in `the SNR of kitchen`."""
    told = under.levels[under.levels["parameter"] != ""].drop_duplicates("sweep").to_dict("records")
    swept = [row for row in told if _n_levels(under, row["sweep"]) > 1]
    return listed([f"the {called(row['parameter'])} of {row['sweep']}" for row in swept], MOST_CURVES)


def _cells(row: Row, levels: pd.DataFrame) -> tuple[object, ...]:
    level = row["crossing"]
    return (
        row["sweep"],
        row["dimension"],
        "everybody" if row["dimension"] == OVERALL else row["slice"],
        (percent(row["wer"]), row["wer"]),
        (crossing_text(row), None if level != level else level),
        crossing_interval(row, levels),
        int(row["n_speakers"]),
        text(row["note"]),
    )
