"""The WER of slices along a sweep in, a curve of each out, with intervals and the level at which it crosses a WER."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, either, finite, records
from harness.report.charts.labels import apart, count_of, label
from harness.report.charts.marks import told
from harness.report.wording import how_many, percent, rate_interval

if TYPE_CHECKING:
    import altair as alt

MOST = theme.N_SERIES
_POINTS, _CROSSED, _ONE = "points", "crossed", "one"
_HEIGHT = 320  # pixels
_BESIDE = 5  # pixels between the intervals of two slices at one level
_TOP = -1  # the series of everybody
_FIELDS = ("series", "name", "condition", "level", "wer", "wer_low", "wer_high", "wer_text", "interval", "speakers")
_TOOLTIP = (
    ("condition", "condition"), ("name", "slice"), ("wer_text", "WER"), ("interval", "interval"),
    ("speakers", "speakers"),
)  # fmt: skip
_CROSSED_TOOLTIP = (("name", "slice"), ("at", "crosses at"), ("wer_text", "WER"))


@dataclass(frozen=True, slots=True)
class Along:
    """Says what a sweep is along.

    Attributes:
        title: What varies, with its unit.
        scale: `log` for frequencies.
        falls: Whether the first condition of the sweep has the highest level, as one of signal-to-noise ratios does.
    """

    title: str
    scale: Literal["linear", "log"] = "linear"
    falls: bool = False


def level_curves(
    curves: pd.DataFrame,
    along: Along,
    *,
    crossings: pd.DataFrame,
    wer: float | None,
    most: int = MOST,
) -> "alt.LayerChart":
    """Draw the WER of every slice of a dimension at every level of a sweep.

    Args:
        curves: Rows of conditions.csv of one sweep and one dimension, and of everybody, with `level`: condition,
            dimension, slice, level, wer, wer_low, wer_high, gap, n_speakers.
        along: What the sweep is along.
        crossings: Rows of crossings.csv of the same; may be empty.
        wer: The WER that was asked for, drawn as a line; None: none.
        most: Slices drawn, at most six: those with the largest gaps.

    Raises:
        UsageError: There is nothing to draw.
    """
    known = curves[curves["level"].notna() & curves["wer"].notna()]
    rest = known[known["dimension"] != OVERALL]
    if rest.empty:
        raise UsageError("no level to draw; expected rows of a sweep with a level and a WER.")
    names = _shown(rest, min(most, theme.N_SERIES))
    series = {name: place for place, name in enumerate(names)}
    called = dict(zip(names, apart(names), strict=True))
    shown = pd.concat([known[known["dimension"] == OVERALL], rest[rest["slice"].isin(names)]])
    points = _points(shown, series, called)
    span = extent(shown["wer"], [*shown["wer_low"], *shown["wer_high"]], within=[] if wer is None else [wer], floor=0)
    crossed = _crossed(crossings, series, called)
    data = {_POINTS: points, _CROSSED: crossed, _ONE: _named_line(wer)}
    n_left_out = rest["slice"].nunique() - len(names)
    dimension = label(rest["dimension"].iloc[0])
    said = Told(
        title=f"WER by {along.title} and {dimension}",
        finding=_finding(points, along, dimension),
        notes=list(_notes(points, crossed, wer, n_left_out)),
        n_left_out=n_left_out,
    )
    levels = sorted({float(level) for level in shown["level"]})
    return drawn(_layers(list(called.values()), along, levels, span, wer=wer), data, said, height=_HEIGHT)


def _shown(rest: pd.DataFrame, most: int) -> list[str]:
    """Return the slices with the largest gaps, in the table's order; all of them where they are few."""
    names = [str(name) for name in dict.fromkeys(rest["slice"])]
    size = rest["gap"].abs().fillna(-1.0).groupby(rest["slice"]).max()
    kept = set(sorted(names, key=lambda name: -float(size.get(name, -1.0)))[:most])
    return [name for name in names if name in kept]


def _points(shown: pd.DataFrame, series: dict[str, int], called: dict[str, str]) -> Records:
    top = shown["dimension"] == OVERALL
    texts = shown.assign(
        series=[_TOP if is_top else series[str(name)] for name, is_top in zip(shown["slice"], top, strict=True)],
        name=["everybody" if is_top else called[str(name)] for name, is_top in zip(shown["slice"], top, strict=True)],
        condition=[label(name) for name in shown["condition"]],
        wer_text=[percent(finite(value)) for value in shown["wer"]],
        interval=[
            rate_interval(finite(low), finite(high))
            for low, high in zip(shown["wer_low"], shown["wer_high"], strict=True)
        ],
        speakers=[count_of(number) for number in shown["n_speakers"]],
    )
    return records(texts, _FIELDS)


def _crossed(crossings: pd.DataFrame, series: dict[str, int], called: dict[str, str]) -> Records:
    if crossings.empty:
        return []
    mine = crossings[crossings["crossing"].notna() & crossings["slice"].isin(list(series))]
    mine = mine[mine["dimension"] != OVERALL]
    texts = mine.assign(
        series=[series[str(name)] for name in mine["slice"]],
        name=[called[str(name)] for name in mine["slice"]],
        at=cells(f"{float(level):.3g}" for level in mine["crossing"]),
        wer_text=[percent(finite(value)) for value in mine["wer"]],
    )
    return records(texts, ("series", "name", "crossing", "wer", "at", "wer_text"))


def _named_line(wer: float | None) -> Records:
    return [] if wer is None else [{"wer": wer, "text": f"WER {100 * wer:g} %"}]


def _layers(names: Sequence[str], along: Along, levels: Sequence[float], span: Extent, *, wer: float | None) -> Layers:
    import altair as alt

    x, up = _x("level", along, levels), Axis(span, "WER", PERCENT)
    legend = alt.Legend(title=None, columns=either(2, len(names)), labelLimit=either(140, 200))
    colour = alt.Color("name:N", scale=alt.Scale(domain=list(names), range="category"), legend=legend)
    shapes = list(theme.SERIES_SHAPES[: len(names)])
    shape = alt.Shape("name:N", scale=alt.Scale(domain=list(names), range=shapes), legend=legend)
    layers = [*_threshold(up, wer), *_everybody(x, up)]
    for place in range(len(names)):
        beside = _BESIDE * (place - (len(names) - 1) / 2)
        mine = alt.Chart(alt.NamedData(_POINTS)).transform_filter(f"datum.series === {place}")
        ranged = mine.transform_filter("isValid(datum.wer_low) && isValid(datum.wer_high)")
        layers += [
            ranged.mark_rule(style=theme.SERIES_LINE, clip=True, xOffset=beside).encode(
                x=x, y=up.up("wer_low"), y2="wer_high", color=colour
            ),
            mine.mark_line(style=theme.SERIES_LINE, clip=True, xOffset=beside).encode(
                x=x, y=up.up("wer"), color=colour
            ),
            mine.mark_point(style=theme.SERIES_POINT, xOffset=beside).encode(
                x=x, y=up.up("wer"), color=colour, shape=shape, **told(_TOOLTIP)
            ),
        ]
    crossed = alt.Chart(alt.NamedData(_CROSSED)).mark_point(style=theme.SERIES_HOLLOW, shape=theme.DIAMOND, size=150)
    return [
        *layers,
        crossed.encode(x=_x("crossing", along, levels), y=up.up("wer"), color=colour, **told(_CROSSED_TOOLTIP)),
    ]


def _x(field: str, along: Along, levels: Sequence[float]) -> "alt.X":
    """Return the encoding of a level: from the left the first condition of the sweep to the last."""
    import altair as alt

    low, high = levels[0], levels[-1]
    room = 0.06 * ((high - low) or abs(high) or 1)
    ends = [low / 1.1, high * 1.1] if along.scale == "log" else [low - room, high + room]
    zero = alt.Undefined if along.scale == "log" else False  # of which Vega warns: such a scale has none
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(type=along.scale, domain=ends, reverse=along.falls, nice=False, zero=zero),
        axis=alt.Axis(
            title=along.title, values=list(levels), orient="bottom", grid=False, labelExpr="format(datum.value, ',~g')"
        ),
    )


def _threshold(up: Axis, wer: float | None) -> Layers:
    import altair as alt

    if wer is None:
        return []
    line = alt.Chart(alt.NamedData(_ONE))
    return [
        line.mark_rule(style=theme.ZERO).encode(y=up.up("wer")),
        line.mark_text(style=theme.NOTE, align="right", dx=-4, dy=-8, text={"expr": "datum.text"}).encode(
            x=alt.value("width"), y=up.up("wer")
        ),
    ]


def _everybody(x: "alt.X", up: Axis) -> Layers:
    import altair as alt

    top = alt.Chart(alt.NamedData(_POINTS)).transform_filter(f"datum.series === {_TOP}")
    return [
        top.mark_line(style=theme.REFERENCE, clip=True).encode(x=x, y=up.up("wer")),
        top.mark_point(style=theme.SILENT_HOLLOW, size=26).encode(x=x, y=up.up("wer"), **told(_TOOLTIP)),
    ]


def _finding(points: Records, along: Along, dimension: str) -> str:
    """Say which slice has the highest WER at the last level, which the lowest, and everybody's."""
    levels = [float(point["level"]) for point in points]
    last = min(levels) if along.falls else max(levels)
    there = [point for point in points if point["level"] == last]
    slices = [point for point in there if point["series"] != _TOP]
    everybody = [f"everybody {point['wer_text']}" for point in there if point["series"] == _TOP]
    ends: list[dict[str, Any]] = []
    if slices:
        ends = [pick(slices, key=lambda point: float(point["wer"])) for pick in (max, min)]
    named = [f"{end['name']} {end['wer_text']}" for end in ends[: len(slices)]]
    return f"WER by {along.title} and {dimension}; at {last:g}: {', '.join([*named, *everybody])}."


def _notes(points: Records, crossed: Records, wer: float | None, n_left_out: int) -> Iterator[str]:
    yield "Lines: intervals, people resampled, beside one another so that all are seen. Dashed: everybody."
    if any(point["wer_low"] is None for point in points if point["series"] != _TOP):
        yield "Without a line: too few people for an interval."
    if wer is not None:
        yield f"Level line: the WER of {100 * wer:g} % that was asked for."
    if crossed:
        yield "Diamond: where a slice's monotone curve crosses it."
    if n_left_out:
        yield f"Drawn are the {MOST} slices with the largest gaps; {how_many(n_left_out, 'slice')} more in the table."
