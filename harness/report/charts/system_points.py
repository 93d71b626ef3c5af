"""Systems with their WER and their largest gap in, a point each out: low and left is better for everybody."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from harness.errors import UsageError
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, POINTS, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, either, finite, records, rounded
from harness.report.charts.labels import apart, label
from harness.report.charts.marks import told
from harness.report.charts.rows import lowest
from harness.report.wording import gap_interval, how_many, percent, points, rate_interval

if TYPE_CHECKING:
    import altair as alt

MOST = 40  # systems
_SYSTEMS = "systems"
_UP = "largest gap, points; low: more equal"
_HEIGHT, _WIDTH = 380, 640  # pixels; the width about
_LINE, _LETTER, _RADIUS = 15, 6.4, 6  # pixels: height of a name, width of its letters, half of a point
_NAMED_LEFT = 0.55  # of the axis: from there on names stand left of their points
_PLACES = (0, 11, -11, 20, -20, 30, -30)  # pixels of a name above its point, the best first
_LONGEST = 40  # characters of a name
_OPTIONAL = ("wer_low", "wer_high", "gap_low", "gap_high", "slice")
_NUMBERS = ("wer", "wer_low", "wer_high", "gap", "gap_low", "gap_high")
_FIELDS = (
    "system", "wer", "wer_low", "wer_high", "gap", "gap_low", "gap_high", "name_at", "side", "wer_text", "gap_text",
    "wer_interval", "gap_interval", "slice_label",
)  # fmt: skip
_TOOLTIP = (
    ("system", "system"), ("wer_text", "WER"), ("wer_interval", "interval"), ("gap_text", "largest gap, points"),
    ("gap_interval", "interval, points"), ("slice_label", "of"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """Is where a name stands: on which side of its point, and how high on the axis of gaps."""

    side: str
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """Is a rectangle of pixels."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def of_name(cls, x: float, y: float, length: float, side: str) -> "Box":
        """Return the room of a name beside the point at `x`."""
        near = x + 10 if side == "right" else x - 10 - length
        return cls(near, near + length, y - _LINE / 2, y + _LINE / 2)

    def shared(self, other: "Box") -> float:
        """Return the area that two have in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        return max(0.0, width) * max(0.0, min(self.high, other.high) - max(self.low, other.low))

    def outside(self) -> float:
        """Return the area beyond the plot."""
        return (self.right - self.left) * _LINE - self.shared(Box(0, _WIDTH, 0, _HEIGHT))


def wer_against_gap(points_of: pd.DataFrame) -> "alt.LayerChart":
    """Draw every system at its WER and its largest gap, with their intervals where they are known.

    Args:
        points_of: Columns system, wer, gap and, where they are known, wer_low, wer_high, gap_low, gap_high, slice
            (the one that has the gap). Of systems without a WER or a gap it is said how many there are.

    Raises:
        UsageError: There is no system.
    """
    if points_of.empty:
        raise UsageError("no system to draw; expected a table with at least one row.")
    frame = points_of.assign(**{name: None for name in _OPTIONAL if name not in points_of})
    frame = frame.assign(system=apart(list(frame["system"]), _LONGEST))
    both = zip(frame["wer"], frame["gap"], strict=True)
    known = frame[[finite(wer) is not None and finite(gap) is not None for wer, gap in both]].head(MOST)
    across = extent(known["wer"], [*known["wer_low"], *known["wer_high"]], floor=0)
    up = extent(known["gap"], [*known["gap_low"], *known["gap_high"]], within=[0.0])
    n_left_out = len(frame) - len(known)
    said = Told(
        title="WER against the largest gap",
        finding=_finding(known),
        notes=list(_notes(frame, n_left_out)),
        n_left_out=n_left_out,
    )
    layers = _layers(Axis(across, "WER over everybody; left: better", PERCENT), Axis(up, _UP, POINTS))
    return drawn(layers, {_SYSTEMS: _records(known, across, up)}, said, height=_HEIGHT)


def _layers(across: Axis, up: Axis) -> Layers:
    import altair as alt

    x, y = across.at("wer", side="bottom"), up.up("gap")
    base = alt.Chart(alt.NamedData(_SYSTEMS))
    ranged_across = base.transform_filter("isValid(datum.wer_low) && isValid(datum.wer_high)")
    ranged_up = base.transform_filter("isValid(datum.gap_low) && isValid(datum.gap_high)")
    return [
        ranged_across.mark_rule(style=theme.FAINT_LINE, clip=True).encode(
            x=across.at("wer_low", side="bottom"), x2="wer_high", y=y
        ),
        ranged_up.mark_rule(style=theme.FAINT_LINE, clip=True).encode(x=x, y=up.up("gap_low"), y2="gap_high"),
        base.mark_point(style=theme.POINT, size=90).encode(x=x, y=y, **told(_TOOLTIP)),
        *(named for style in (theme.HALO, theme.LABEL) for named in _names(base.encode(x=x), up, style)),
    ]


def _names(systems: "alt.Chart", up: Axis, style: str) -> Layers:
    """Return the systems' names, left or right of their points."""
    names, limit = systems.encode(y=up.up("name_at"), text="system:N"), either(120, 240)
    return [
        names.mark_text(style=style, align="right", dx=-10, limit=limit).transform_filter("datum.side == 'left'"),
        names.mark_text(style=style, align="left", dx=10, limit=limit).transform_filter("datum.side == 'right'"),
    ]


def _records(known: pd.DataFrame, across: Extent, up: Extent) -> Records:
    rates = {name: [finite(value) for value in known[name]] for name in (*_NUMBERS,)}
    spots = _names_at(known, across, up)
    texts = known.assign(
        **{name: cells(values) for name, values in rates.items()},
        name_at=[spot.height for spot in spots],
        side=[spot.side for spot in spots],
        wer_text=[percent(wer) for wer in rates["wer"]],
        gap_text=[points(gap) for gap in rates["gap"]],
        wer_interval=[rate_interval(*ends) for ends in zip(rates["wer_low"], rates["wer_high"], strict=True)],
        gap_interval=[gap_interval(*ends) for ends in zip(rates["gap_low"], rates["gap_high"], strict=True)],
        slice_label=cells(label(name) if isinstance(name, str) else None for name in known["slice"]),
    )
    return records(texts, _FIELDS)


def _names_at(known: pd.DataFrame, across: Extent, up: Extent) -> list[Spot]:
    """Return where each name stands: the first of the places around its point where it covers least."""
    spots = [
        (_WIDTH * (float(wer) - across.low) / (across.high - across.low),
         _HEIGHT * (float(gap) - up.low) / (up.high - up.low))
        for wer, gap in zip(known["wer"], known["gap"], strict=True)
    ]  # fmt: skip
    taken = [Box(x - _RADIUS, x + _RADIUS, y - _RADIUS, y + _RADIUS) for x, y in spots]
    found = []
    for name, (x, y) in zip(known["system"], spots, strict=True):
        length, side = _LETTER * len(name), "left" if x > _NAMED_LEFT * _WIDTH else "right"
        choices = [
            (
                Box.of_name(x, y + height, length, side),
                Spot(side, rounded(up.low + (y + height) / _HEIGHT * (up.high - up.low))),
            )
            for height in _PLACES
        ]
        box, spot = min(
            choices, key=lambda choice: sum(choice[0].shared(other) for other in taken) + choice[0].outside()
        )
        taken.append(box)
        found.append(spot)
    return found


def _finding(known: pd.DataFrame) -> str:
    """Name the system with the lowest WER and that with the smallest largest gap."""
    if known.empty:
        return "WER against the largest gap: no system has both."
    best, most_equal = lowest(known, "wer"), lowest(known, "gap")
    return (
        f"WER against the largest gap of {how_many(len(known), 'system')}: lowest WER {best['system']} "
        f"{percent(finite(best['wer']))} (largest gap {points(finite(best['gap']))} points), smallest largest gap "
        f"{most_equal['system']} {points(finite(most_equal['gap']))} points (WER {percent(finite(most_equal['wer']))})."
    )


def _notes(frame: pd.DataFrame, n_left_out: int) -> Iterator[str]:
    yield "Point: a system; lines: its intervals, where they are known."
    if n_left_out:
        verb = "is" if n_left_out == 1 else "are"
        yield f"{how_many(n_left_out, 'system')} of {len(frame)} {verb} not drawn, for want of a WER, a gap or room."
