"""A slice table in, the WER of every slice with its interval and support out: a forest plot."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, finite, records
from harness.report.charts.labels import count_of, is_declared, label, listed
from harness.report.charts.marks import REFERENCE_DATA, Plot, Tooltip
from harness.report.wording import how_many, percent, rate_interval

if TYPE_CHECKING:
    import altair as alt

_COLUMNS = (
    layout.Column("wer_text", "WER", 56, 52),
    layout.Column("speakers", "speakers", 66),
    layout.Column("utterances", "utterances", 78),
)
_LETTER = 6  # pixels of a letter of a heading, about
_FIELDS = (
    "row", "label", "apart", "wer", "wer_low", "wer_high", "wer_text", "interval", "speakers", "utterances", "note",
    "side", "beyond", "over",
)  # fmt: skip
_SUPPORT = ("speakers", "utterances")  # each has no column where no slice tells it, as private tables do not
_TOOLTIP = (
    ("label", "slice"), ("wer_text", "WER"), ("interval", "interval"), ("speakers", "speakers"),
    ("utterances", "utterances"), ("note", "note"),
)  # fmt: skip
_TITLE = "WER (errors per word spoken)"
_NOTED_LEFT = 0.5  # of the axis: from there on a note stands at its left end
_LONGEST_NOTE = 40  # characters
_MOST_NAMED = 3  # dimensions in the finding


def forest(slices: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80, noted: str = "") -> "alt.LayerChart":
    """Draw the WER of every slice with its interval and support, grouped by dimension, everybody as a rule.

    Args:
        slices: Columns dimension, slice, wer, wer_low, wer_high, n_speakers, n_utterances and, where there is one,
            note. The row of the dimension `overall` becomes the rule; support that no row has gets no column.
        ordered: Dimensions that keep the table's order; in the others the highest WER comes first.
        most: Slices drawn, those of most speakers.
        noted: What is said after `speakers` wherever they are counted, such as `, with noise`.

    Raises:
        UsageError: There is no slice beside the overall one.
    """
    everybody, rest = layout.everybody_of(slices), layout.others_of(slices)
    placed = layout.below_everybody(slices, key="wer", support="n_speakers", ordered=ordered, most=most)
    frame = placed.with_top(everybody)
    span = _span(frame)
    plot = Plot(Axis(span, _TITLE, PERCENT), placed.depth)
    data = {
        layout.ROWS: _rows(frame, span),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
        REFERENCE_DATA: records(everybody, ("wer", "wer_low", "wer_high")),
    }
    untold = {field for field in _SUPPORT if frame[f"n_{field}"].isna().all()}
    layers = [
        *_estimates(plot, tuple((field, _noted(name, noted)) for field, name in _TOOLTIP if field not in untold)),
        *layout.names(plot.y),
        *layout.columns(plot.y, [_column(column, noted) for column in _COLUMNS if column.field not in untold]),
    ]
    told = Told(
        title=f"WER by {listed(list(dict.fromkeys(rest['dimension'])))}",
        finding=finding(rest, everybody, noted=noted),
        notes=[*_notes(data[layout.ROWS], everybody), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    return drawn(layers, data, told, height=layout.height(placed.depth))


def finding(slices: pd.DataFrame, everybody: pd.DataFrame, *, noted: str = "") -> str:
    """Say which slice of each dimension has the highest WER and which the lowest, and the overall one."""
    parts = []
    dimensions = list(dict.fromkeys(slices["dimension"]))
    for dimension in dimensions[:_MOST_NAMED]:
        part = slices[(slices["dimension"] == dimension) & slices["wer"].notna()]
        part = part[part["slice"].map(is_declared).astype(bool)]
        sure = part[part["wer_low"].notna()]
        part = sure if len(sure) else part
        if part.empty:
            parts.append(f"WER by {label(dimension)}: nobody declared a value.")
            continue
        ends = [layout.highest(part, "wer"), layout.lowest(part, "wer")]
        named = [
            f"{word} {label(end['slice'])} {percent(end['wer'])} ({_people(end['n_speakers'], noted)})"
            for word, end in zip(("highest", "lowest"), ends, strict=True)
        ]
        parts.append(f"WER by {label(dimension)}: {', '.join(named if len(part) > 1 else named[:1])}.")
    if len(dimensions) > _MOST_NAMED:
        parts.append(f"And {how_many(len(dimensions) - _MOST_NAMED, 'more dimension')}.")
    if len(everybody):
        parts.append(f"Overall {percent(finite(everybody['wer'].iloc[0]))}.")
    return " ".join(parts)


def _people(n_speakers: object, noted: str) -> str:
    number = finite(n_speakers)
    return "speakers unknown" if number is None else f"{how_many(int(number), 'speaker')}{noted}"


def _noted(heading: str, noted: str) -> str:
    return f"{heading}{noted}" if heading == "speakers" else heading


def _column(column: layout.Column, noted: str) -> layout.Column:
    heading = _noted(column.heading, noted)
    return replace(column, heading=heading, wide=column.wide + _LETTER * (len(heading) - len(column.heading)))


def _estimates(plot: Plot, tooltip: Tooltip) -> Layers:
    seen = "!datum.beyond && isValid(datum.wer)"
    ranged = "isValid(datum.wer_low) && isValid(datum.wer_high)"
    bare = f"!({ranged})"
    return [
        plot.band("wer_low", "wer_high"),
        plot.reference("wer"),
        plot.interval("wer_low", "wer_high", style=theme.LINE, where=f"!datum.apart && {ranged}"),
        plot.interval("wer_low", "wer_high", style=theme.SILENT_LINE, where=f"datum.apart && {ranged}"),
        plot.point("wer", style=theme.POINT, where=f"{seen} && !datum.apart && {ranged}", tooltip=tooltip),
        plot.point("wer", style=theme.HOLLOW, where=f"{seen} && !datum.apart && {bare}", tooltip=tooltip),
        plot.point("wer", style=theme.SILENT_POINT, where=f"{seen} && datum.apart && {ranged}", tooltip=tooltip),
        plot.point("wer", style=theme.SILENT_HOLLOW, where=f"{seen} && datum.apart && {bare}", tooltip=tooltip),
        *plot.arrows(),
        *plot.aside("note", where=f"{seen} && datum.note", left="datum.side == 'left'"),
    ]


def _span(frame: pd.DataFrame) -> Extent:
    """Return the axis: all points with an interval, for a few words of one speaker may be far from everything."""
    sure = frame[frame["wer_low"].notna()]
    sure = sure if len(sure) else frame
    return extent(sure["wer"], [*sure["wer_low"], *sure["wer_high"]], floor=0)


def _rows(frame: pd.DataFrame, span: Extent) -> Records:
    middle = span.low + _NOTED_LEFT * (span.high - span.low)
    rates = list(zip(frame["wer"], frame["wer_low"], frame["wer_high"], strict=True))
    told = frame["note"] if "note" in frame else pd.Series("", index=frame.index)
    texts = frame.assign(
        wer_text=[percent(finite(wer)) for wer in frame["wer"]],
        interval=[rate_interval(finite(low), finite(high)) for _, low, high in rates],
        speakers=[count_of(number) for number in frame["n_speakers"]],
        utterances=[count_of(number) for number in frame["n_utterances"]],
        note=cells(
            label(note, _LONGEST_NOTE) if finite(low) is None and isinstance(note, str) and note else None
            for note, (_, low, _) in zip(told, rates, strict=True)
        ),
        side=["left" if wer > middle else "right" for wer, _, _ in rates],
        beyond=[not span.holds(finite(wer)) for wer, _, _ in rates],
        over=cells(span.high if _largest(each) > span.high else None for each in rates),
    )
    return records(texts, _FIELDS)


def _largest(values: tuple[object, ...]) -> float:
    return max((number for value in values if (number := finite(value)) is not None), default=float("-inf"))


def _notes(rows: Records, everybody: pd.DataFrame) -> Iterator[str]:
    yield "Dot: WER; line: its interval, people resampled."
    if any(row["wer_low"] is None for row in rows):
        yield "Hollow: no interval could be given."
    if any(row["apart"] for row in rows):
        yield "Grey, apart: those whose value is undeclared or declined."
    if len(everybody):
        yield f"Dashed, with its interval as a band: everybody, {percent(finite(everybody['wer'].iloc[0]))}."
    n_over = sum(row["over"] is not None for row in rows)
    if n_over:
        yield f"Arrow: {how_many(n_over, 'interval or WER goes', 'intervals or WERs go')} on beyond the axis."
