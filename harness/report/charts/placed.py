"""Gaps here and in another run in, both beside one another out: a dumbbell a slice, of the worst condition."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import POINTS, Axis, extent
from harness.report.charts.drawing import Layers, Records, Told, drawn, finite, records
from harness.report.charts.labels import label, listed
from harness.report.charts.marks import REFERENCE_DATA, Plot
from harness.report.charts.verdict_marks import signed
from harness.report.wording import gap_interval, how_many, points

if TYPE_CHECKING:
    import altair as alt

MOST = 30  # slices drawn
_CLEAN = "clean"
_KEYS = ["dimension", "slice"]
_FIELDS = (
    "row", "label", "apart", "condition", "gap", "there_gap", "clean_gap", "gap_text", "there_text", "clean_text",
    "further_text", "interval", "low", "high",
)  # fmt: skip
_TOOLTIP = (
    ("label", "slice"), ("there_text", "gap there, points"), ("clean_text", "here, clean"),
    ("condition", "worst condition here"), ("gap_text", "here, under it"), ("further_text", "further"),
    ("interval", "interval of that"),
)  # fmt: skip
_COLUMNS = (
    layout.Column("there_text", "there", 48),
    layout.Column("gap_text", "here", 52, 48),
    layout.Column("further_text", "further", 62),
    layout.Column("condition", "under", 150),
)


def placed(beside: pd.DataFrame, *, there: str, most: int = MOST) -> "alt.LayerChart":
    """Draw of every slice its gap in another run, its gap here on clean audio, and that of the condition furthest off.

    Args:
        beside: placed.csv.
        there: What to call the other run.
        most: Slices drawn, those that are furthest off.

    Raises:
        UsageError: There is no row.
    """
    worst = furthest(beside)
    if worst.empty:
        raise UsageError("no gap to draw; expected a table with at least one row.")
    clean = beside[beside["condition"] == _CLEAN][[*_KEYS, "gap"]].rename(columns={"gap": "clean_gap"})
    table = worst.merge(clean, how="left", on=_KEYS, validate="one_to_one")
    arranged = layout.arranged(table, key="further", support=None, most=most)
    frame = arranged.frame
    span = extent([*frame["gap"], *frame["there_gap"], *frame["clean_gap"]], within=[0.0])
    plot = Plot(Axis(span, "WER gap, points; right: worse", POINTS, ticks=5), arranged.depth)
    rows = _rows(frame)
    data = {
        layout.ROWS: rows,
        layout.HEADERS: arranged.headers,
        layout.ONE: [{"one": 1}],
        REFERENCE_DATA: [{"zero": 0}],
    }
    dimensions = [str(name) for name in dict.fromkeys(table["dimension"])]
    said = Told(
        title=f"WER gaps by {listed(dimensions)}, here and on {label(there, 40)}",
        finding=_finding(rows, label(there, 40), first=worst.iloc[0]),
        notes=list(_notes(rows, label(there, 40), arranged.n_left_out)),
        n_left_out=arranged.n_left_out,
    )
    layers = [*_layers(plot), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(arranged.depth))


def furthest(beside: pd.DataFrame) -> pd.DataFrame:
    """Return of every slice the condition under which its gap is most above the one there, the furthest first."""
    known = beside[beside["further"].notna() & beside["there_gap"].notna()]
    ranked = known.sort_values("further", ascending=False, kind="stable")
    return ranked.drop_duplicates(_KEYS).reset_index(drop=True)


def _layers(plot: Plot) -> Layers:
    clean = "isValid(datum.clean_gap)"
    return [
        plot.reference("zero", style=theme.ZERO),
        plot.interval("low", "high", style=theme.SILENT_LINE, where="true"),
        plot.point("clean_gap", style=theme.STROKE, where=clean, shape="stroke", tooltip=_TOOLTIP),
        plot.point("there_gap", style=theme.SILENT_HOLLOW, where="true", tooltip=_TOOLTIP),
        plot.point("gap", style=theme.POINT, where="true", tooltip=_TOOLTIP),
    ]


def _rows(frame: pd.DataFrame) -> Records:
    ends = [(finite(gap), finite(there)) for gap, there in zip(frame["gap"], frame["there_gap"], strict=True)]
    texts = frame.assign(
        condition=[label(name, 24) for name in frame["condition"]],
        gap_text=[signed(points(gap)) for gap, _ in ends],
        there_text=[signed(points(gap)) for _, gap in ends],
        clean_text=[signed(points(finite(gap))) for gap in frame["clean_gap"]],
        further_text=[signed(points(finite(value))) for value in frame["further"]],
        interval=[
            signed(gap_interval(finite(low), finite(high)))
            for low, high in zip(frame["further_low"], frame["further_high"], strict=True)
        ],
        low=[min(each for each in pair if each is not None) for pair in ends],
        high=[max(each for each in pair if each is not None) for pair in ends],
    )
    return records(texts, _FIELDS)


def _finding(rows: Records, there: str, *, first: "pd.Series[Any]") -> str:
    """Name the slice that is furthest off."""
    interval = signed(gap_interval(finite(first["further_low"]), finite(first["further_high"])))
    return (
        f"WER gaps of {how_many(len(rows), 'slice')} here and on {there}: {label(first['slice'])} has "
        f"{points(finite(first['there_gap']))} points there and {points(finite(first['gap']))} here under "
        f"{label(first['condition'], 40)}, {points(finite(first['further']))} further ({interval})."
    )


def _notes(rows: Records, there: str, n_left_out: int) -> Iterator[str]:
    yield f"Ring: the gap on {there}; dot: here, under the condition furthest from it; small stroke: here, clean."
    yield "The people and their words are others in the two: what is compared is two gaps. Intervals are in the table."
    if n_left_out:
        yield f"Of {len(rows) + n_left_out:,} slices the {len(rows)} furthest off are drawn."
