"""Nothing in, the Vega-Lite spec of trends out: a small panel a slice, the same scales in all, for a page to fill.

The page's script puts records into the data set `points`, sets the parameters `lowest` and `highest`, and says how wide
a panel is and how many stand side by side. A record: panel, rank, time (milliseconds), value, low, high (in percent or
points), line (records of one line are comparable), verdict (of `theme.VERDICTS`, or absent), changed (what is not as
before, where a line begins that is not the first), and the texts when, shown, interval, judged.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.report.charts import theme

if TYPE_CHECKING:
    import altair as alt

POINTS = "points"
LOWEST, HIGHEST = "lowest", "highest"  # of the vertical scale
_HEIGHT = 92  # pixels of a panel
_EXTENT = 46  # pixels of a vertical axis; the page counts on it
_LABEL = 240  # pixels of a panel's name
_SIZE = 32  # square pixels of a symbol: there may be 90 in a panel
_TOLD = {
    "panel": "slice",
    "when": "run",
    "shown": "measured",
    "interval": "interval",
    "judged": "verdict",
    "changed": "changed",
}


@lru_cache(maxsize=1)
def trend_panels() -> dict[str, Any]:
    """Return the spec, its data set empty; colours are the page's CSS variables. It is made once: leave it as it is."""
    import altair as alt

    layers = [_intervals(), _lines(), _points(None), *(_points(verdict) for verdict in theme.VERDICTS), _breaks()]
    panels = alt.layer(*layers, data=alt.NamedData(POINTS), height=_HEIGHT).facet(
        facet=alt.Facet("panel:N", sort=alt.EncodingSortField("rank", op="min"), header=_header()),
        columns=1,
        spacing=18,
    )
    chart = panels.properties(
        datasets={POINTS: []},
        params=[alt.VariableParameter(name=LOWEST, value=0), alt.VariableParameter(name=HIGHEST, value=100)],
    )
    own = {
        "axisY": {"minExtent": _EXTENT, "maxExtent": _EXTENT},
        "header": {"labelColor": "var(--ink)", "labelFontSize": 12, "labelFontWeight": 600},
    }
    return {**chart.to_dict(), "config": {**theme.VARIABLES, **own}}


def _header() -> "alt.Header":
    import altair as alt

    return alt.Header(title=None, labelAnchor="start", labelPadding=6, labelLimit=_LABEL)


def _x() -> "alt.X":
    import altair as alt

    axis = alt.Axis(grid=False, tickCount=3, labelFlush=False, labelBound=True, format="%-d %b", title=None)
    return alt.X("time:T", axis=axis, scale=alt.Scale(type="utc", padding=6))


def _y(field: str) -> "alt.Y":
    import altair as alt

    at_zero = {"condition": {"test": "datum.value === 0", "value": "var(--strong-line)"}, "value": "var(--line)"}
    scale = alt.Scale(domainMin=alt.ExprRef(LOWEST), domainMax=alt.ExprRef(HIGHEST), nice=False, zero=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(title=None, tickCount=3, gridColor=at_zero))


def _intervals() -> "alt.Chart":
    import altair as alt

    chart = alt.Chart().mark_rule(style=theme.SILENT_LINE, clip=True, opacity=0.55)
    made: alt.Chart = chart.encode(x=_x(), y=_y("low"), y2="high:Q").transform_filter(
        "isValid(datum.low) && isValid(datum.high)"
    )
    return made


def _lines() -> "alt.Chart":
    import altair as alt

    chart = alt.Chart().mark_line(style=theme.LINE, clip=True)
    made: alt.Chart = chart.encode(x=_x(), y=_y("value"), detail="line:N", order="time:T").transform_filter(
        "isValid(datum.value)"
    )
    return made


def _points(verdict: str | None) -> "alt.Chart":
    import altair as alt

    shape, style = theme.CIRCLE, theme.POINT
    if verdict is not None:
        shape, style = theme.VERDICTS[verdict][0], theme.verdict_style(verdict)
    chart = alt.Chart().mark_point(style=style, shape=shape, size=_SIZE, clip=True)
    tooltip = [alt.Tooltip(f"{field}:N", title=title) for field, title in _TOLD.items()]
    which = "!isValid(datum.verdict)" if verdict is None else f"datum.verdict === '{verdict}'"
    made: alt.Chart = chart.encode(x=_x(), y=_y("value"), tooltip=tooltip).transform_filter(
        f"isValid(datum.value) && {which}"
    )
    return made


def _breaks() -> "alt.Chart":
    import altair as alt

    chart = alt.Chart().mark_rule(style=theme.REFERENCE).encode(x=_x())
    made: alt.Chart = chart.transform_filter("datum.changed !== ''")
    return made
