"""Adjusted ratios in, every slice's ratio as it is beside the ratio with covariates held equal out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import TIMES, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, drawn, finite, rounded
from harness.report.charts.labels import label, listed
from harness.report.charts.marks import OVER, REFERENCE_DATA, UNDER, Plot
from harness.report.ratios import Row, ratio_interval, ratios_of
from harness.report.wording import how_many, times

if TYPE_CHECKING:
    import altair as alt

RAW, EVERYTHING, ALONE = "raw", "adjusted", "alone"  # without covariates, with all, with one
_ESTIMATES = "estimates"
_STEP = 28  # pixels of a row, which has two lines
_APART = 0.19  # of a row, from its middle to either line
_TICKS = (  # for axes whose ends are at most so many times apart: few, so that ×1 is never hidden by its neighbours
    (4, (0.5, 0.75, 1, 1.5, 2)),
    (16, (0.125, 0.25, 0.5, 1, 2, 4, 8)),
    (80, (0.1, 0.2, 0.5, 1, 2, 5, 10)),
    (1_000, (0.03, 0.1, 0.3, 1, 3, 10, 30)),
    (float("inf"), (0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000)),
)
_COLUMNS = (layout.Column("raw_text", "raw", 52, 46), layout.Column("adjusted_text", "adjusted", 68, 60))
_TOOLTIP = (
    ("label", "slice"), ("comparator", "against"), ("covariates", "held equal"), ("ratio_text", "ratio"),
    ("interval", "interval"), ("note", "note"),
)  # fmt: skip
_TITLE = "WER ratio; right: worse"
_LONGEST_NOTE = 200  # characters


def adjusted(ratios: pd.DataFrame, *, most: int = 40) -> "alt.LayerChart":
    """Draw the WER ratio of every slice without covariates and, beneath it, with all of them, and with each alone.

    Args:
        ratios: Columns dimension, slice, comparator, covariates, ratio, ratio_low, ratio_high, n_speakers, note, the
            rows of a slice as in adjusted.csv: without covariates, with each, and last with all that one model can
            have. Slices without a ratio are not drawn unless there is no other.
        most: Slices drawn, those of most speakers.

    Raises:
        UsageError: There is no row.
    """
    if ratios.empty:
        raise UsageError("no ratio to draw; expected a table with at least one row.")
    parts = dict(iter(ratios.groupby(["dimension", "slice"], sort=False, dropna=False)))
    fitted = {key: part for key, part in parts.items() if part["ratio"].notna().any()}
    table = pd.DataFrame([_slice(part) for part in (fitted or parts).values()])
    placed = layout.arranged(table, key="ratio", support="n_speakers", most=most, step=_STEP)
    estimates = [estimate for row in placed.frame.to_dict("records") for estimate in _estimates(row, parts[_key(row)])]
    span = _span(estimates)
    plot = Plot(Axis(span, _TITLE, TIMES, "log", _ticks(span)), placed.depth, _ESTIMATES)
    data = {
        layout.ROWS: _rows(placed.frame),
        _ESTIMATES: [_placed(estimate, span) for estimate in estimates],
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
        REFERENCE_DATA: [{"same": 1}],
    }
    n_unfitted = len(parts) - len(fitted)
    said = Told(
        title=f"WER ratios by {listed(list(dict.fromkeys(table['dimension'])))}, raw and adjusted",
        finding=_finding(table),
        notes=[*_notes(data[_ESTIMATES], n_unfitted), placed.left_out_note],
        n_left_out=placed.n_left_out + (n_unfitted if fitted else 0),
    )
    layers = [*_layers(plot), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(placed.depth, _STEP))


def _key(row: Mapping[Any, Any]) -> tuple[Any, Any]:
    return row["dimension"], row["slice"]


def _kinds(part: pd.DataFrame) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a slice that have a ratio, and what each is."""
    ratios = ratios_of(part.to_dict("records"))
    if finite(ratios.raw["ratio"]) is not None:
        yield RAW, ratios.raw
    yield from ((ALONE, row) for row in ratios.alone if row is not ratios.everything)
    if ratios.everything is not None:
        yield EVERYTHING, ratios.everything


def _slice(part: pd.DataFrame) -> dict[str, Any]:
    """Return a slice's row: its raw ratio and that with everything held equal, which may be missing."""
    found = {kind: row for kind, row in _kinds(part) if kind != ALONE}
    first = part.iloc[0]
    raw, everything = (finite(found[kind]["ratio"]) if kind in found else None for kind in (RAW, EVERYTHING))
    return {
        "dimension": first["dimension"],
        "slice": first["slice"],
        "ratio": np.nan if raw is None else raw,
        "n_speakers": finite(part["n_speakers"].max()) or 0,
        "raw_text": times(raw),
        "adjusted_text": times(everything),
        "everything": everything,
        "held": found[EVERYTHING]["covariates"] if EVERYTHING in found else None,
    }


def _estimates(row: Mapping[Any, Any], part: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for kind, found in _kinds(part):
        yield {
            "row": round(row["row"] + (-_APART if kind == RAW else _APART), 3),
            "kind": kind,
            "label": row["label"],
            "comparator": label(found["comparator"]),
            "covariates": label(found["covariates"], 120),
            "ratio": finite(found["ratio"]),
            "ratio_low": finite(found["ratio_low"]),
            "ratio_high": finite(found["ratio_high"]),
            "interval": ratio_interval(found),
            "note": label(found["note"], _LONGEST_NOTE) if isinstance(found["note"], str) else None,
        }


def _placed(estimate: Mapping[str, Any], span: Extent) -> dict[str, Any]:
    """Return an estimate as data: rounded, in words, and whether it goes on beyond the axis."""
    ratio, low, high = (estimate[name] for name in ("ratio", "ratio_low", "ratio_high"))
    known = [value for value in (ratio, low, high) if value is not None]
    return {
        **{name: rounded(value) if isinstance(value, float) else value for name, value in estimate.items()},
        "ratio_text": times(ratio),
        "beyond": not span.holds(ratio),
        OVER: span.high if max(known) > span.high else None,
        UNDER: span.low if min(known) < span.low else None,
    }


def _span(estimates: Sequence[Mapping[str, Any]]) -> Extent:
    """Return the axis of ratios, which multiply: as far to half as to twice."""
    logs = {
        name: [float(np.log(value)) for each in estimates if (value := each[name]) is not None and value > 0]
        for name in ("ratio", "ratio_low", "ratio_high")
    }
    span = extent(logs["ratio"], [*logs["ratio_low"], *logs["ratio_high"]], within=[-0.2, 0.2])
    return Extent(rounded(float(np.exp(span.low))), rounded(float(np.exp(span.high))))


def _ticks(span: Extent) -> tuple[float, ...]:
    return next(
        tuple(tick for tick in ticks if span.holds(tick)) for most, ticks in _TICKS if span.high <= most * span.low
    )


def _rows(frame: pd.DataFrame) -> Records:
    return [
        {name: row[name] for name in ("row", "label", "apart", "raw_text", "adjusted_text")}
        for row in frame.to_dict("records")
    ]


def _layers(plot: Plot) -> Layers:
    ranged = "isValid(datum.ratio_low) && isValid(datum.ratio_high)"
    styles = {RAW: (theme.SILENT_LINE, theme.SILENT_HOLLOW), EVERYTHING: (theme.LINE, theme.POINT)}
    alone = f"datum.kind == '{ALONE}' && !datum.beyond"
    layers = [
        plot.reference("same", style=theme.REFERENCE),
        plot.point("ratio", style=theme.STROKE, where=alone, shape="stroke", tooltip=_TOOLTIP),
    ]
    for kind, (line, symbol) in styles.items():
        mine = f"datum.kind == '{kind}'"
        layers += [
            plot.interval("ratio_low", "ratio_high", style=line, where=f"{mine} && {ranged}"),
            plot.point("ratio", style=symbol, where=f"{mine} && !datum.beyond", tooltip=_TOOLTIP),
        ]
    return [*layers, *plot.arrows((OVER, UNDER))]


def _finding(table: pd.DataFrame) -> str:
    """Name the highest raw ratio and what is left of it with covariates held equal."""
    known = table[table["ratio"].notna()]
    if known.empty:
        return "WER ratios: none could be fitted."
    row = layout.highest(known, "ratio")
    held = f", {times(row['everything'])} with {label(row['held'], 120)} held equal" if row["held"] else ""
    return (
        f"WER ratios of {how_many(len(known), 'slice')}: highest {label(row['slice'])} "
        f"({label(row['dimension'], 40)}) {times(row['ratio'])}{held}."
    )


def _notes(estimates: Records, n_unfitted: int) -> Iterator[str]:
    kinds = {each["kind"] for each in estimates}
    yield "Ring, above: the raw ratio; dot, beneath: with all covariates held equal that one model can have."
    if ALONE in kinds:
        yield "Small strokes: with one covariate alone."
    yield "Lines: intervals of the model. The verdict rests on the permutation test, never on this model."
    n_clipped = sum(each[OVER] is not None or each[UNDER] is not None for each in estimates)
    if n_clipped:
        yield f"Arrow: {how_many(n_clipped, 'ratio or interval goes', 'ratios or intervals go')} on beyond the axis."
    if n_unfitted:
        yield f"{how_many(n_unfitted, 'slice')} could not be fitted; adjusted.csv says why."
