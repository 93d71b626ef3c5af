"""Slice tables of several systems in, their WER side by side out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, either, finite, records
from harness.report.charts.labels import apart, count_of, is_declared, label, listed
from harness.report.charts.marks import OVER, Plot, told
from harness.report.wording import how_many, percent, rate_interval

if TYPE_CHECKING:
    import altair as alt

_ESTIMATES = "estimates"
_KEYS = ["dimension", "slice"]
_LINE, _MARGIN = 11, 10  # pixels of a system's line, and between slices
_COLUMNS = (layout.Column("speakers", "speakers", 78),)
_FIELDS = ("row", "system", "label", "wer", "wer_low", "wer_high", "wer_text", "interval", "beyond", OVER)
_TOOLTIP = (("system", "system"), ("label", "slice"), ("wer_text", "WER"), ("interval", "interval"))
_TITLE = "WER (errors per word spoken)"


def systems(slices: Mapping[str, pd.DataFrame], *, ordered: Collection[str] = (), most: int = 40) -> "alt.LayerChart":
    """Draw the WER of every slice under several systems, one line beneath another, with intervals.

    Args:
        slices: A system's name and its slices.csv, with the columns that `forest` needs. The first six are drawn.
        ordered: Dimensions that keep the first table's order; in the others the highest WER of any comes first.
        most: Slices drawn, those of most speakers.

    Raises:
        UsageError: There is no system, or none has a slice beside the overall one.
    """
    if not slices:
        raise UsageError("no system to draw; expected at least one.")
    shown = dict(zip(apart(list(slices)), slices.values(), strict=True))
    shown = {name: shown[name] for name in list(shown)[: theme.N_SERIES]}
    every = pd.concat([table.assign(system=name) for name, table in shown.items()], ignore_index=True)
    top = every[(every["dimension"] == OVERALL) & (every["slice"] == EVERYBODY)]
    step = _LINE * len(shown) + _MARGIN
    placed = _placed(every, ordered, most, first=1.3 if len(top) else 0, step=step)
    frame = _frame(placed.with_top(top.drop_duplicates(_KEYS)), every)
    spread = {name: (i - (len(shown) - 1) / 2) * _LINE / step for i, name in enumerate(shown)}
    sure = frame[frame["wer_low"].notna()]
    sure = sure if len(sure) else frame
    span = extent(sure["wer"], [*sure["wer_low"], *sure["wer_high"]], floor=0)
    plot = Plot(Axis(span, _TITLE, PERCENT), placed.depth, _ESTIMATES)
    data = {
        layout.ROWS: records(frame.drop_duplicates("row"), ("row", "label", "apart", "speakers")),
        _ESTIMATES: _estimates(frame.assign(row=frame["row"] + frame["system"].map(spread)), span),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
    }
    rest = layout.others_of(every)
    said = Told(
        title=f"WER of {how_many(len(slices), 'system')} by {listed(list(dict.fromkeys(rest['dimension'])))}",
        finding=_finding(every),
        notes=[*_notes(data[_ESTIMATES], len(slices) - len(shown)), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    layers = [*_layers(plot, list(shown)), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(placed.depth, step))


def _placed(every: pd.DataFrame, ordered: Collection[str], most: int, *, first: float, step: float) -> layout.Rows:
    """Place every slice once, by the highest WER that any system has on it."""
    rest = layout.others_of(every)
    table = rest.groupby(_KEYS, sort=False, dropna=False)[["wer", "n_speakers"]].max().reset_index()
    return layout.arranged(table, key="wer", support="n_speakers", ordered=ordered, most=most, first=first, step=step)


def _frame(rows: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """Give each system's row of a slice the slice's place."""
    texts = rows.assign(speakers=[count_of(number) for number in rows["n_speakers"]])
    return texts[[*_KEYS, "row", "label", "apart", "speakers"]].merge(
        every[[*_KEYS, "system", "wer", "wer_low", "wer_high"]], on=_KEYS, validate="one_to_many"
    )


def _estimates(frame: pd.DataFrame, span: Extent) -> Records:
    rates = [
        tuple(finite(value) for value in row)
        for row in frame[["wer", "wer_low", "wer_high"]].itertuples(index=False, name=None)
    ]
    texts = frame.assign(
        row=frame["row"].round(3),
        wer_text=[percent(wer) for wer, _, _ in rates],
        interval=[rate_interval(low, high) for _, low, high in rates],
        beyond=[not span.holds(wer) for wer, _, _ in rates],
        over=cells(
            span.high if any(value is not None and value > span.high for value in row) else None for row in rates
        ),
    )
    return records(texts, _FIELDS)


def _layers(plot: Plot, names: Sequence[str]) -> Layers:
    import altair as alt

    legend = alt.Legend(title=None, columns=either(1, len(names)), labelLimit=either(300, 200))
    colour = alt.Color("system:N", scale=alt.Scale(domain=list(names), range="category"), legend=legend)
    shapes = list(theme.SERIES_SHAPES[: len(names)])
    shape = alt.Shape("system:N", scale=alt.Scale(domain=list(names), range=shapes), legend=legend)
    ranged = "isValid(datum.wer_low) && isValid(datum.wer_high)"
    seen = "!datum.beyond"
    return [
        plot.interval("wer_low", "wer_high", style=theme.SERIES_LINE, where=ranged).encode(color=colour),
        *(
            alt.Chart(alt.NamedData(plot.data))
            .mark_point(style=style)
            .encode(x=plot.axis.at("wer"), y=plot.y, color=colour, shape=shape, **told(_TOOLTIP))
            .transform_filter(f"{seen} && {where}")
            for style, where in ((theme.SERIES_POINT, ranged), (theme.SERIES_HOLLOW, f"!({ranged})"))
        ),
        *plot.arrows(),
    ]


def _finding(every: pd.DataFrame) -> str:
    """Say every system's overall WER, and of which declared slice it is highest."""
    said = []
    for name, table in every.groupby("system", sort=False):
        top, rest = layout.everybody_of(table), layout.others_of(table)
        rest = rest[rest["wer"].notna() & rest["wer_low"].notna() & rest["slice"].map(is_declared).astype(bool)]
        overall = f" {percent(finite(top['wer'].iloc[0]))} overall" if len(top) else ""
        worst = layout.highest(rest, "wer") if len(rest) else None
        highest = "" if worst is None else f", highest {label(worst['slice'])} {percent(finite(worst['wer']))}"
        said.append(f"{name}{overall}{highest}")
    return f"WER by system: {'; '.join(said)}."


def _notes(estimates: Records, n_more: int) -> Iterator[str]:
    yield "Line: the interval of one system alone; whether two differ is tested on the same utterances by compare."
    if any(row["wer_low"] is None for row in estimates):
        yield "Hollow: no interval could be given."
    n_over = sum(row[OVER] is not None for row in estimates)
    if n_over:
        yield f"Arrow: {how_many(n_over, 'interval or WER goes', 'intervals or WERs go')} on beyond the axis."
    if n_more:
        yield f"{how_many(n_more, 'more system is', 'more systems are')} not drawn."
