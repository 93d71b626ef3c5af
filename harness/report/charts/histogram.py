"""Bins and their counts in, bars side by side out; a bin without an end stands last, apart."""

import math
from typing import TYPE_CHECKING

import pandas as pd

from harness.errors import UsageError
from harness.report.charts import theme
from harness.report.charts.axes import PLAIN, Axis, Extent
from harness.report.charts.drawing import Told, drawn
from harness.report.charts.marks import told
from harness.report.wording import how_many

if TYPE_CHECKING:
    import altair as alt

_BARS = "rows"
_HEIGHT = 190  # pixels
_TOOLTIP = (("range", "from … to"), ("count", "number"))


def histogram(bins: pd.DataFrame, *, title: str, unit: str, what: tuple[str, str]) -> "alt.LayerChart":
    """Draw how many there are of each size.

    Args:
        bins: Columns low, high (infinite: no end) and n, from the smallest on.
        title: Of the chart.
        unit: Of the sizes, as the axis says it.
        what: Is counted: one, and several.

    Raises:
        UsageError: There is nothing.
    """
    if bins.empty or not bins["n"].sum():
        raise UsageError(f"{title}: nothing to draw; expected at least one of a known size.")
    width = float(bins["high"].iloc[0] - bins["low"].iloc[0])
    shown = [
        {
            "low": low,
            "high": low + width if math.isinf(high) else high,
            "zero": 0,
            "n": n,
            "open": math.isinf(high),
            "range": f"{low:,g} or more" if math.isinf(high) else f"{low:,g} to {high:,g}",
            "count": f"{n:,}",
        }
        for low, high, n in zip(bins["low"].map(float), bins["high"].map(float), bins["n"].map(int), strict=True)
    ]
    across = Axis(Extent(0.0, max(float(bar["high"]) for bar in shown)), unit, PLAIN)
    up = Axis(Extent(0.0, 1.05 * max(int(bar["n"]) for bar in shown)), what[1], PLAIN, ticks=4)
    beyond = [bar for bar in shown if bar["open"]]
    notes = [f"At the right, grey: {how_many(int(bar['n']), *what)} of {bar['range']}." for bar in beyond]
    said = Told(title=title, finding=_finding(shown, title, what), notes=notes)
    return drawn(_layers(across, up), {_BARS: shown}, said, height=_HEIGHT)


def _layers(across: Axis, up: Axis) -> "list[alt.Chart]":
    import altair as alt

    bars = alt.Chart(alt.NamedData(_BARS))
    return [
        bars.mark_rect(style=style, xOffset=0.5, x2Offset=-0.5)
        .encode(x=across.at("low", side="bottom"), x2="high", y=up.up("n"), y2="zero", **told(_TOOLTIP))
        .transform_filter(where)
        for style, where in ((theme.LINE, "!datum.open"), (theme.SILENT_LINE, "datum.open"))
    ]


def _finding(shown: list[dict[str, object]], title: str, what: tuple[str, str]) -> str:
    most = max(shown, key=lambda bar: int(str(bar["n"])))
    total = sum(int(str(bar["n"])) for bar in shown)
    return f"{title}: of {how_many(total, *what)} most, {most['count']}, lie in {most['range']}."
