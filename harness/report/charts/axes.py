"""Numbers in, the axis that shows them out: rates in percent, gaps in points, and where an axis ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.report.charts.drawing import finite, rounded

if TYPE_CHECKING:
    import altair as alt

PERCENT = "format(100 * datum.value, ',~f') + ' %'"
POINTS = "datum.value == 0 ? '0' : format(100 * datum.value, '+,~f')"
TIMES = "'×' + format(datum.value, '~g')"
PLAIN = "format(datum.value, ',~f')"
_REACH = 0.75  # of the points' range: how far beyond them intervals are followed
_ROOM = 0.04  # of an axis, left at either end


@dataclass(frozen=True, slots=True)
class Extent:
    """Is where an axis begins and ends; what lies beyond is clipped and told by an arrow."""

    low: float
    high: float

    def holds(self, value: float | None) -> bool:
        """Say whether a value has a place on the axis; no value has none."""
        return value is not None and self.low <= value <= self.high


def extent(
    points: Iterable[object], ends: Iterable[object] = (), *, within: Iterable[float] = (), floor: float | None = None
) -> Extent:
    """Return an axis that has all points, and of intervals as much as leaves the points apart from one another.

    Args:
        points: Those that must be seen.
        ends: Of intervals: followed for three quarters of the points' range beyond them.
        within: What must be on the axis, too.
        floor: No axis begins below it.
    """
    seen = sorted([*_finite(points), *within]) or [0.0]
    ranging = (seen[-1] - seen[0]) or abs(seen[-1]) or 0.1
    reached = [max(min(end, seen[-1] + _REACH * ranging), seen[0] - _REACH * ranging) for end in _finite(ends)]
    low, high = min([*seen, *reached]), max([*seen, *reached])
    room = _ROOM * ((high - low) or abs(high) or 0.1)
    low, high = low - room, high + room
    return Extent(rounded(low if floor is None else max(low, floor)), rounded(high))


@dataclass(frozen=True, slots=True)
class Axis:
    """Is an axis of numbers; along the chart it stands on top, where reading begins.

    Attributes:
        span: Where it begins and ends.
        title: With its unit.
        labels: Expression of a tick's label: PERCENT, POINTS, TIMES or PLAIN.
        scale: Vega's name of it.
        ticks: Wanted, about; or the very values.
    """

    span: Extent
    title: str
    labels: str
    scale: Literal["linear", "log"] = "linear"
    ticks: int | tuple[float, ...] = 7

    def at(self, field: str, *, side: Literal["top", "bottom"] = "top") -> "alt.X":
        """Return the encoding of a field's number along this axis."""
        import altair as alt

        return alt.X(f"{field}:Q", scale=self._scale(), axis=self._axis(orient=side))

    def up(self, field: str) -> "alt.Y":
        """Return the encoding of a field's number along this axis when it stands upright, on the left."""
        import altair as alt

        return alt.Y(f"{field}:Q", scale=self._scale(), axis=self._axis(orient="left"))

    def _scale(self) -> "alt.Scale":
        import altair as alt

        zero = alt.Undefined if self.scale == "log" else False  # of which Vega warns: such a scale has none
        return alt.Scale(type=self.scale, domain=[self.span.low, self.span.high], nice=False, zero=zero)

    def _axis(self, *, orient: Literal["top", "bottom", "left"]) -> "alt.Axis":
        import altair as alt

        ticks = {"tickCount": self.ticks} if isinstance(self.ticks, int) else {"values": list(self.ticks)}
        return alt.Axis(title=self.title, labelExpr=self.labels, orient=orient, domain=False, ticks=False, **ticks)


def _finite(values: Iterable[object]) -> list[float]:
    return [number for value in values if (number := finite(value)) is not None]
