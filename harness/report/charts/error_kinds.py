"""A slice table in, what the errors of every slice are made of out: substitutions, deletions, insertions."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts.axes import PERCENT, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, either, finite, records, rounded
from harness.report.charts.labels import count_of, is_declared, label, listed
from harness.report.charts.marks import Plot, told
from harness.report.wording import how_many, percent

if TYPE_CHECKING:
    import altair as alt

KINDS = ("substitutions", "deletions", "insertions")
_SEGMENTS = "segments"
_COLUMNS = (layout.Column("wer_text", "WER", 56, 52), layout.Column("words", "words", 72))
_TOOLTIP = (("label", "slice"), ("kind", "errors"), ("count", "number"), ("share", "per word spoken"))
_TITLE = "errors per word spoken"
_THICKNESS = 13  # pixels of a bar


def composition(slices: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80) -> "alt.LayerChart":
    """Draw substitutions, deletions and insertions per reference word, one after another, of every slice.

    Args:
        slices: Columns dimension, slice, wer, wer_low, n_speakers, reference_words, substitutions, deletions,
            insertions. The row of the dimension `overall` stands on top.
        ordered: Dimensions that keep the table's order; in the others the highest WER comes first.
        most: Slices drawn, those of most speakers.

    Raises:
        UsageError: There is no slice beside the overall one.
    """
    everybody, rest = layout.everybody_of(slices), layout.others_of(slices)
    placed = layout.below_everybody(slices, key="wer", support="n_speakers", ordered=ordered, most=most)
    frame = placed.with_top(everybody)
    sure = frame[frame["wer_low"].notna()]
    span = extent((sure if len(sure) else frame)["wer"], frame["wer"], within=[0.0], floor=0)
    plot = Plot(Axis(span, _TITLE, PERCENT), placed.depth)
    data = {
        layout.ROWS: _rows(frame, span),
        _SEGMENTS: [segment for row in frame.to_dict("records") for segment in _segments(row)],
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
    }
    said = Told(
        title=f"What errors are made of, by {listed(list(dict.fromkeys(rest['dimension'])))}",
        finding=_finding(rest, everybody),
        notes=[*_notes(data[layout.ROWS]), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    layers = [*_bars(plot), *plot.arrows(), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(placed.depth))


def _bars(plot: Plot) -> Layers:
    import altair as alt

    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(KINDS), range="ordinal"),
        legend=alt.Legend(title=None, symbolType="square", symbolSize=140, columns=either(2, len(KINDS))),
    )
    bars = alt.Chart(alt.NamedData(_SEGMENTS)).mark_bar(orient="horizontal", size=_THICKNESS, clip=True)
    return [bars.encode(x=plot.axis.at("start"), x2="end", y=plot.y, color=colour, **told(_TOOLTIP))]


def _rows(frame: pd.DataFrame, span: Extent) -> Records:
    texts = frame.assign(
        wer_text=[percent(finite(wer)) for wer in frame["wer"]],
        words=[count_of(number) for number in frame["reference_words"]],
        over=cells(span.high if (finite(wer) or 0) > span.high else None for wer in frame["wer"]),
    )
    return records(texts, ("row", "label", "apart", "wer", "wer_text", "words", "over"))


def _segments(row: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    """Yield a bar's parts: each kind's errors per reference word begin where those before it end."""
    words, before = int(row["reference_words"]), 0
    for kind in KINDS:
        count = int(row[kind])
        if words and count:
            yield {
                "row": row["row"],
                "label": row["label"],
                "kind": kind,
                "count": count,
                "start": rounded(before / words),
                "end": rounded((before + count) / words),
                "share": percent(count / words),
            }
        before += count


def _finding(slices: pd.DataFrame, everybody: pd.DataFrame) -> str:
    """Say what everybody's errors are made of, and whose lose most words."""
    parts = []
    for row in everybody.to_dict("records"):
        words = int(row["reference_words"])
        shares = [f"{percent(row[kind] / words) if words else '–'} {kind}" for kind in KINDS]
        parts.append(f"Of the words spoken, over everybody: {', '.join(shares)}.")
    told_slices = slices[slices["slice"].map(is_declared).astype(bool) & slices["wer_low"].notna()]
    if len(told_slices):
        spoken = told_slices[told_slices["reference_words"] > 0]
        if len(spoken):
            most = layout.highest(spoken.assign(lost=spoken["deletions"] / spoken["reference_words"]), "lost")
            parts.append(
                f"Most words are lost of {label(most['slice'])} ({label(most['dimension'], 40)}): "
                f"{percent(float(most['lost']))} deletions."
            )
    return " ".join(parts) or "Errors by kind."


def _notes(rows: Records) -> Iterator[str]:
    yield "Together the three are the WER."
    n_over = sum(row["over"] is not None for row in rows)
    if n_over:
        yield f"Arrow: {how_many(n_over, 'bar goes', 'bars go')} on beyond the axis."
