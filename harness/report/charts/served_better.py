"""Groups and their WER before and after in, both beside one another out: a dumbbell a group, in the order given."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, Axis, extent
from harness.report.charts.drawing import Layers, Records, Told, drawn, finite, records
from harness.report.charts.marks import ALWAYS, Plot
from harness.report.charts.verdict_marks import signed
from harness.report.wording import how_many, percent, points

if TYPE_CHECKING:
    import altair as alt

MOST = 30  # groups drawn
_FIELDS = ("row", "label", "apart", "before", "after", "before_text", "after_text", "change_text")
_TOOLTIP = (("label", "group"), ("before_text", "WER before"), ("after_text", "WER at the end"))
_COLUMNS = (
    layout.Column("before_text", "before", 66, 60),
    layout.Column("after_text", "after", 56, 48),
    layout.Column("change_text", "points", 56),
)


def served_better(groups: pd.DataFrame, *, most: int = MOST) -> "alt.LayerChart":
    """Draw of every group its WER before and after.

    Args:
        groups: dimension, slice, before, after (fractions); everybody, if there, as the overall slice.
        most: Groups drawn, the first.

    Raises:
        UsageError: There is no group.
    """
    others, everybody = layout.others_of(groups), layout.everybody_of(groups)
    dimensions = list(map(str, others["dimension"]))
    first = 0 if everybody.empty else layout.TOP
    arranged = layout.arranged(others, key="before", support=None, ordered=dimensions, most=most, first=first)
    rows = _rows(arranged.with_top(everybody))
    plot = Plot(Axis(extent([*groups["before"], *groups["after"]], floor=0), "WER", PERCENT, ticks=5), arranged.depth)
    said = Told(
        title="WER before and at the end",
        finding=_finding(rows),
        notes=list(_notes(arranged.n_left_out)),
        n_left_out=arranged.n_left_out,
    )
    data = {layout.ROWS: rows, layout.HEADERS: arranged.headers, layout.ONE: [{"one": 1}]}
    layers = [*_layers(plot), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(arranged.depth))


def _layers(plot: Plot) -> Layers:
    return [
        plot.interval("after", "before", style=theme.SILENT_LINE, where=ALWAYS),
        plot.point("before", style=theme.SILENT_HOLLOW, where=ALWAYS, tooltip=_TOOLTIP),
        plot.point("after", style=theme.POINT, where=ALWAYS, tooltip=_TOOLTIP),
    ]


def _rows(frame: pd.DataFrame) -> Records:
    pairs = [(finite(before), finite(after)) for before, after in zip(frame["before"], frame["after"], strict=True)]
    texts = frame.assign(
        before_text=[percent(before) for before, _ in pairs],
        after_text=[percent(after) for _, after in pairs],
        change_text=[
            signed(points(None if before is None or after is None else after - before)) for before, after in pairs
        ],
    )
    return records(texts, _FIELDS)


def _finding(rows: Records) -> str:
    """Say of every group where its WER went."""
    told = "; ".join(f"{row['label']} {row['before_text']} to {row['after_text']}" for row in rows)
    return f"WER before and at the end: {told}."


def _notes(n_left_out: int) -> Iterator[str]:
    yield "Ring: WER before; dot: at the end."
    if n_left_out:
        yield f"{how_many(n_left_out, 'group')} more in the table."
