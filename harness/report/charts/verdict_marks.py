"""A plot of judged rows in, the layers that tell their verdicts out: intervals, shapes, words, the margin's bands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.drawing import Layers, Records, either, rounded
from harness.report.charts.marks import Plot, Tooltip

if TYPE_CHECKING:
    import altair as alt

BANDS = "bands"
_MINUS = "−"  # as on the axis


def judged(plot: Plot, value: str, *, tooltip: Tooltip) -> Layers:
    """Return the interval and the shape of every verdict; `value` is a field, its ends `value_low` and `value_high`."""
    low, high = f"{value}_low", f"{value}_high"
    ranged = f"isValid(datum.{low}) && isValid(datum.{high})"
    layers = []
    for verdict, (shape, _) in theme.VERDICTS.items():
        mine = f"datum.verdict == '{verdict}'"
        seen = f"{mine} && !datum.beyond && isValid(datum.{value})"
        layers += [
            plot.interval(low, high, style=theme.verdict_line_style(verdict), where=f"{mine} && {ranged}"),
            plot.point(value, style=theme.verdict_style(verdict), where=seen, shape=shape, tooltip=tooltip),
        ]
    return layers


def words(plot: Plot, *, wide: int, narrow: int) -> Layers:
    """Return every row's verdict in words, so many pixels right of the plot in a wide and in a narrow chart."""
    import altair as alt

    dx = either(narrow, wide)
    heading = (
        alt.Chart(alt.NamedData(layout.ONE))
        .mark_text(style=theme.QUIET, align="left", dx=dx, text="verdict")
        .encode(x=alt.value("width"), y=alt.value(-12))
    )
    return [
        heading,
        *(
            alt.Chart(alt.NamedData(layout.ROWS))
            .mark_text(style=theme.verdict_word_style(verdict), align="left", dx=dx)
            .encode(x=alt.value("width"), y=plot.y, text="word:N")
            .transform_filter(f"datum.verdict == '{verdict}'")
            for verdict in theme.VERDICTS
        ),
    ]


def ticks(plot: Plot, field: str) -> "alt.Chart":
    """Return upright ticks at a field of the rows that have it."""
    import altair as alt

    chart = alt.Chart(alt.NamedData(layout.ROWS)).mark_tick(style=theme.TICK, orient="vertical")
    made: alt.Chart = chart.encode(x=plot.axis.at(field), y=plot.y).transform_filter(f"isValid(datum.{field})")
    return made


def band(plot: Plot) -> "alt.Chart":
    """Return the margins as bands behind rows, of the data BANDS: top, bottom, low and high."""
    import altair as alt

    chart = alt.Chart(alt.NamedData(BANDS)).mark_rect(style=theme.BAND, clip=True)
    made: alt.Chart = chart.encode(x=plot.axis.at("low"), x2="high", y=layout.y_axis(plot.depth, "top"), y2="bottom")
    return made


def bands(rows: Sequence[float], margins: Sequence[float | None]) -> Records:
    """Return the band of each row's margin; none where no margin is promised."""
    return [
        {"top": round(row - 0.5, 2), "bottom": round(row + 0.5, 2), "low": rounded(-margin), "high": rounded(margin)}
        for row, margin in zip(rows, margins, strict=True)
        if margin is not None
    ]


def signed(figures: str) -> str:
    """Write figures with the axis' minus, and nothing as neither more nor less.

    >>> signed("-2.5 to +1.0"), signed("-0.0")
    ('−2.5 to +1.0', '0.0')
    """
    return "0.0" if figures in ("-0.0", "+0.0") else figures.replace("-", _MINUS)
