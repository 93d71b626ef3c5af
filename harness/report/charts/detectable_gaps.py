"""What every slice could show in, the smallest gap that would be found as a dot out."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import Axis, extent
from harness.report.charts.drawing import Layers, Told, cells, drawn, finite, records
from harness.report.charts.labels import count_of, label, listed
from harness.report.charts.marks import REFERENCE_DATA, Plot
from harness.report.wording import how_many

if TYPE_CHECKING:
    import altair as alt

_UNSIGNED = "format(100 * datum.value, ',~f')"
_COLUMNS = (layout.Column("gap_text", "points", 56, 52), layout.Column("people_text", "people", 66))
_FIELDS = ("row", "label", "apart", "detectable_gap", "gap_text", "people_text", "missing", "enough", "over")
_TOOLTIP = (("label", "slice"), ("gap_text", "points"), ("people_text", "people"))
_NONE = "none up to 200 points"  # harness.fairness.power.LARGEST_GAP
_WITHHELD = "not shown here"
_NEAREST = 0.1  # to where the axis always goes
_FURTHEST = 0.5  # WER difference where the axis ends; who could show only larger gaps than that could show nothing


def detectable_gaps(people: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80) -> "alt.LayerChart":
    """Draw the smallest gap that every slice could show, and the gap that is asked for as a line.

    Args:
        people: The rows of people.csv that were planned: dimension, slice, n_speakers, people_text, detectable_gap,
            gap_asked (of all of them the same, or that of their dimension).
        ordered: Dimensions that keep the table's order; in the others the largest gap comes first.
        most: Slices drawn, those of most people.

    Raises:
        UsageError: There is no slice.
    """
    placed = layout.arranged(people, key="detectable_gap", support="n_speakers", ordered=ordered, most=most)
    frame, asked = placed.frame, sorted(set(people["gap_asked"].dropna()))
    frame = frame.assign(
        gap_text=["–" if finite(gap) is None else f"{100 * gap:.1f}" for gap in frame["detectable_gap"]],
        missing=cells(
            None if finite(gap) is not None else _WITHHELD if finite(n_people) is None else _NONE
            for gap, n_people in zip(frame["detectable_gap"], frame["n_speakers"], strict=True)
        ),
        enough=frame["detectable_gap"] <= frame["gap_asked"],
    )
    span = extent(frame["detectable_gap"].clip(upper=_FURTHEST), within=[0.0, _NEAREST, *asked], floor=0)
    frame = frame.assign(over=cells(span.high if gap > span.high else None for gap in frame["detectable_gap"]))
    plot = Plot(Axis(span, "smallest gap found, points of WER", _UNSIGNED), placed.depth)
    data = {
        layout.ROWS: records(frame, _FIELDS),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
        REFERENCE_DATA: [{"gap_asked": gap} for gap in asked],
    }
    said = Told(
        title=f"The smallest gap found, by {listed(list(dict.fromkeys(people['dimension'])))}",
        finding=_finding(people),
        notes=[*_notes(people), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    layers = [*_marks(plot), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(placed.depth))


def _marks(plot: Plot) -> Layers:
    valid, within = "isValid(datum.detectable_gap)", "!isValid(datum.over)"
    return [
        plot.reference("gap_asked"),
        plot.point("detectable_gap", style=theme.POINT, where=f"{valid} && datum.enough", tooltip=_TOOLTIP),
        plot.point(
            "detectable_gap", style=theme.HOLLOW, where=f"{valid} && {within} && !datum.enough", tooltip=_TOOLTIP
        ),
        *plot.arrows(),
        *plot.aside("missing", where="isValid(datum.missing)", left="false"),
    ]


def _finding(people: pd.DataFrame) -> str:
    enough = int((people["detectable_gap"] <= people["gap_asked"]).sum())
    known = people[people["detectable_gap"].notna()]
    said = f"{how_many(enough, 'slice')} of {len(people):,} could show the gap that is asked for."
    if known.empty:
        return said
    best = layout.lowest(known, "detectable_gap")
    who = f"{label(best['slice'])} ({count_of(best['n_speakers'])} people)"
    return f"{said} The smallest gap found is {100 * best['detectable_gap']:.1f} points, of {who}."


def _notes(people: pd.DataFrame) -> Iterator[str]:
    asked = ", ".join(f"{100 * gap:g}" for gap in sorted(set(people["gap_asked"].dropna())))
    yield f"Dashed: the gap that is asked for, {asked} points. Filled: it would be found; hollow: only larger ones."
    n_over = int((people["detectable_gap"] > _FURTHEST).sum())
    if n_over:
        yield f"Arrow: {how_many(n_over, 'slice')} that would show only gaps beyond the axis."
