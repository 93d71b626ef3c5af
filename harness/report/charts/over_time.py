"""Finished runs with a measure each in, lines over time with their intervals out."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd

from harness.errors import UsageError
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, POINTS, Axis, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, either, finite, records, rounded
from harness.report.charts.labels import apart, how_many
from harness.report.charts.marks import told
from harness.report.wording import gap_interval, percent, points, rate_interval

if TYPE_CHECKING:
    import altair as alt

WER, GAP = "WER", "gap"
MOST_RUNS = 400  # of a line, the last ones
_RUNS, _ENDS = "runs", "ends"
_HEIGHT = 260  # pixels
_LINE = 15  # pixels that a name takes
_LONGEST = 40  # characters of a name
_FORMATS = ((2, "%d %b %H:%M"), (300, "%d %b"), (math.inf, "%b %Y"))  # up to so many days between first and last
_TICKS = 6  # on the axis of time
_FIELDS = ("finished", "line", "value", "low", "high", "violated", "when", "value_text", "interval")
_TOOLTIP = (("line", "of"), ("when", "run finished"), ("value_text", "value"), ("interval", "interval"))


def trend(history: pd.DataFrame, *, measure: Literal["WER", "gap"] = "WER") -> "alt.LayerChart":
    """Draw a measure over runs: a line for every system and slice, its interval as a band, violations as triangles.

    Args:
        history: Columns finished (times, or texts of them; UTC where they do not say), value, low, high, system,
            slice and violated. The first six lines are drawn, of each its last 400 runs.
        measure: What `value` is, a fraction: WER, or a gap.

    Raises:
        UsageError: There is no run.
    """
    if history.empty:
        raise UsageError("no run to draw; expected a table with at least one row.")
    frame = _frame(history)
    lines = list(dict.fromkeys(frame["line"]))
    shown = frame[frame["line"].isin(lines[: theme.N_SERIES])]
    recent = shown.sort_values("finished", kind="stable").groupby("line", sort=False).tail(MOST_RUNS)
    recent = recent.sort_values(["line", "finished"], kind="stable")
    span = extent(recent["value"], [*recent["low"], *recent["high"]], floor=0 if measure == WER else None)
    title = "WER" if measure == WER else "WER gap, points"
    axis = Axis(span, title, PERCENT if measure == WER else POINTS, ticks=5)
    said = Told(
        title="WER over time" if measure == WER else "WER gap over time",
        finding=_finding(recent, measure),
        notes=list(_notes(recent, len(lines), len(shown) - len(recent))),
        n_left_out=max(0, len(lines) - theme.N_SERIES),
    )
    data = {_RUNS: _records(recent, measure), _ENDS: _ends(recent, span.high - span.low)}
    return drawn(
        _layers(axis, lines[: theme.N_SERIES], (recent["finished"].max() - recent["finished"].min()).days),
        data,
        said,
        height=_HEIGHT,
    )


def _frame(history: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a name of their line: what tells it from the others, system or slice or both."""
    parts = [name for name in ("system", "slice") if len(set(history[name].astype(str))) > 1] or ["system", "slice"]
    keys = history[parts].astype(str).agg(": ".join, axis=1)
    names = dict(zip(dict.fromkeys(keys), apart(list(dict.fromkeys(keys)), _LONGEST), strict=True))
    finished = pd.to_datetime(history["finished"], utc=True, format="mixed")
    return history.assign(
        line=keys.map(names),
        finished=finished,
        **{name: cells(finite(value) for value in history[name]) for name in ("value", "low", "high")},
    )


def _records(recent: pd.DataFrame, measure: str) -> Records:
    number, interval = (percent, rate_interval) if measure == WER else (points, gap_interval)
    values = [finite(value) for value in recent["value"]]
    ends = [(finite(low), finite(high)) for low, high in zip(recent["low"], recent["high"], strict=True)]
    texts = recent.assign(
        finished=_milliseconds(recent),
        violated=recent["violated"].fillna(value=False).astype(bool),
        when=recent["finished"].dt.strftime("%Y-%m-%d %H:%M UTC"),
        value_text=[number(value) for value in values],
        interval=[interval(low, high) for low, high in ends],
    )
    return records(texts, _FIELDS)


def _milliseconds(recent: pd.DataFrame) -> list[int]:
    return [round(moment.timestamp() * 1_000) for moment in recent["finished"]]


def _ends(recent: pd.DataFrame, height: float) -> Records:
    """Return each line's name at its last value, above the name of another that it would cover."""
    known = recent[recent["value"].notna()].assign(finished=lambda frame: _milliseconds(frame))
    last = known.groupby("line", sort=False).tail(1).sort_values(["value", "line"], kind="stable")
    free, places = float("-inf"), []
    for row in last.to_dict("records"):
        free = max(float(row["value"]), free)
        places.append({"line": row["line"], "finished": int(known["finished"].max()), "value": rounded(free)})
        free += _LINE / _HEIGHT * height
    return places


def _times(days: int) -> "alt.X":
    """Return the encoding of a run's time; no two ticks read alike."""
    import altair as alt

    pattern = next(pattern for most, pattern in _FORMATS if days <= most)
    daily = _FORMATS[0][0] < days <= _FORMATS[1][0]
    ticks = alt.TimeIntervalStep(interval="day", step=math.ceil(days / _TICKS)) if daily else _TICKS
    axis = alt.Axis(title=None, format=pattern, grid=False, tickCount=ticks, labelFlush=True)
    return alt.X("finished:T", scale=alt.Scale(type="utc", padding=12), axis=axis)


def _layers(axis: Axis, lines: Sequence[str], days: int) -> Layers:
    import altair as alt

    x = _times(days)
    colour = alt.Color("line:N", scale=alt.Scale(domain=list(lines), range="category"), legend=None)
    shape = alt.Shape(
        "line:N", scale=alt.Scale(domain=list(lines), range=list(theme.SERIES_SHAPES[: len(lines)])), legend=None
    )
    runs = alt.Chart(alt.NamedData(_RUNS))
    known = runs.transform_filter("isValid(datum.value)")
    ranged = runs.transform_filter("isValid(datum.low) && isValid(datum.high)")
    y = axis.up("value")
    return [
        ranged.mark_area(style=theme.SERIES_BAND, clip=True).encode(x=x, y=axis.up("low"), y2="high", color=colour),
        known.mark_line(style=theme.SERIES_LINE).encode(x=x, y=y, color=colour),
        known.transform_filter("!datum.violated")
        .mark_point(style=theme.SERIES_POINT)
        .encode(x=x, y=y, color=colour, shape=shape, **told(_TOOLTIP)),
        known.transform_filter("datum.violated")
        .mark_point(style=theme.verdict_style("disparity"), shape=theme.UP)
        .encode(x=x, y=y, **told(_TOOLTIP)),
        alt.Chart(alt.NamedData(_ENDS))
        .mark_text(style=theme.SERIES_NAME, align="left", dx=10, limit=either(90, 220))
        .encode(x=x, y=y, text="line:N", color=colour),
    ]


def _finding(recent: pd.DataFrame, measure: str) -> str:
    """Say of every line where it began and where it is, and how often the policy was violated."""
    said = []
    for name, part in recent[recent["value"].notna()].groupby("line", sort=False):
        number = percent if measure == WER else points
        first, last = (number(float(part["value"].iloc[place])) for place in (0, -1))
        said.append(f"{name} {first} at first, {last} at last, of {how_many(len(part), 'run')}")
    n_violated = int(recent["violated"].fillna(value=False).astype(bool).sum())
    violated = f" The policy was violated {how_many(n_violated, 'time')}." if n_violated else ""
    return f"{'WER' if measure == WER else 'WER gap'} over time: {'; '.join(said) or 'no run has a value'}.{violated}"


def _notes(recent: pd.DataFrame, n_lines: int, n_earlier: int) -> Iterator[str]:
    if recent["low"].notna().any():
        yield "Band: the interval of one run alone."
    if recent["violated"].fillna(value=False).astype(bool).any():
        yield "Red triangle: the run violated the policy."
    if n_lines > theme.N_SERIES:
        yield f"{how_many(n_lines - theme.N_SERIES, 'more line is', 'more lines are')} not drawn."
    if n_earlier:
        yield f"{how_many(n_earlier, 'earlier run is', 'earlier runs are')} not drawn."
