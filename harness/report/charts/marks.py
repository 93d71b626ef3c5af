"""Names of data and styles in, the layers that charts share out: intervals, points, arrows where an axis ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.report.charts import theme
from harness.report.charts.axes import Axis
from harness.report.charts.rows import ROWS, y_axis

if TYPE_CHECKING:
    import altair as alt

OVER, UNDER = "over", "under"  # fields: the end of the axis beyond which a row goes on
ALWAYS = "true"
REFERENCE_DATA = "reference"

Tooltip: TypeAlias = Sequence[tuple[str, str]]  # field and what it is called
Layers: TypeAlias = "list[alt.Chart]"


@dataclass(frozen=True, slots=True)
class Plot:
    """Is where marks go: along an axis, on the places of rows. `where` is an expression that says for which records."""

    axis: Axis
    depth: float  # rows from the top to the bottom
    data: str = ROWS

    @property
    def y(self) -> "alt.Y":
        """Return the encoding of a row's place."""
        return y_axis(self.depth)

    def interval(self, low: str, high: str, *, style: str, where: str) -> "alt.Chart":
        """Return lines between two fields, clipped where the axis ends."""
        import altair as alt

        chart = alt.Chart(alt.NamedData(self.data)).mark_rule(style=style, clip=True)
        lines: alt.Chart = chart.encode(x=self.axis.at(low), x2=high, y=self.y)
        return lines.transform_filter(where)

    def point(
        self, field: str, *, style: str, where: str, shape: str = theme.CIRCLE, tooltip: Tooltip = ()
    ) -> "alt.Chart":
        """Return symbols; a pointer over one is told `tooltip`."""
        import altair as alt

        chart = alt.Chart(alt.NamedData(self.data)).mark_point(style=style, shape=shape)
        points: alt.Chart = chart.encode(x=self.axis.at(field), y=self.y, **told(tooltip))
        return points.transform_filter(where)

    def arrows(self, sides: Sequence[str] = (OVER,)) -> Layers:
        """Return the arrows of rows that go on beyond the axis."""
        shapes = {OVER: theme.RIGHT, UNDER: theme.LEFT}
        return [
            self.point(side, style=theme.ARROW, where=f"isValid(datum.{side})", shape=shapes[side]) for side in sides
        ]

    def aside(self, text: str, *, where: str, left: str) -> Layers:
        """Return small texts at an end of their rows: at the left where `left` holds. A narrow chart has no room."""
        import altair as alt

        texts = alt.Chart(alt.NamedData(self.data)).encode(y=self.y)
        shown = {"expr": f"narrow ? '' : datum.{text}"}
        at_left = texts.mark_text(style=theme.NOTE, align="left", dx=4, text=shown).encode(x=alt.value(0))
        at_right = texts.mark_text(style=theme.NOTE, align="right", dx=-4, text=shown).encode(x=alt.value("width"))
        return [
            at_left.transform_filter(f"({where}) && ({left})"),
            at_right.transform_filter(f"({where}) && !({left})"),
        ]

    def reference(self, field: str, *, style: str = theme.REFERENCE) -> "alt.Chart":
        """Return a line from top to bottom, at a field of REFERENCE_DATA."""
        import altair as alt

        chart = alt.Chart(alt.NamedData(REFERENCE_DATA)).mark_rule(style=style)
        line: alt.Chart = chart.encode(x=self.axis.at(field))
        return line

    def band(self, low: str, high: str) -> "alt.Chart":
        """Return a band from top to bottom, between two fields of REFERENCE_DATA."""
        import altair as alt

        chart = alt.Chart(alt.NamedData(REFERENCE_DATA)).mark_rect(style=theme.BAND, clip=True)
        rectangle: alt.Chart = chart.encode(x=self.axis.at(low), x2=high)
        return rectangle


def told(tooltip: Tooltip) -> "dict[str, list[alt.Tooltip]]":
    """Return the encoding of what a pointer is told; none where it is told nothing."""
    import altair as alt

    fields = [alt.Tooltip(f"{field}:N", title=name) for field, name in tooltip]
    return {"tooltip": fields} if fields else {}
