"""A speed table in, every slice's real-time factor out, and its latency."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PLAIN, Axis, extent
from harness.report.charts.drawing import Layers, Told, cells, drawn, finite, records
from harness.report.charts.labels import count_of, label, listed
from harness.report.charts.marks import REFERENCE_DATA, Plot
from harness.report.wording import figure, how_many

if TYPE_CHECKING:
    import altair as alt

_LONGEST_NOTE = 60  # characters
_CLIPS = layout.Column("clips", "clips", 66)
_RTFX = (layout.Column("rtfx_text", "RTFx", 60, 52), _CLIPS)
_LATENCIES = (layout.Column("p50_text", "p50 s", 60, 50), layout.Column("p95_text", "p95 s", 60, 50), _CLIPS)
_FIELDS = ("row", "label", "apart", "clips", "note", "rtfx", "rtfx_text", "latency_p50_s", "p50_text",
           "latency_p95_s", "p95_text")  # fmt: skip
_SHOWN = (0.0, 0.1)  # always on the axis, which would have no length where nothing was measured
_RTFX_TITLE = "RTFx: seconds of audio per second of processing; right: faster"
_LATENCY_TITLE = "seconds from a clip to its text; left: faster"


def speed(speeds: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80) -> "alt.LayerChart":
    """Draw the real-time factor of every slice: seconds of audio per second of processing.

    Args:
        speeds: speed.csv: dimension, slice, n_recognised, rtfx, latency_p50_s, latency_p95_s, note.
        ordered: Dimensions that keep the table's order; in the others the fastest slice comes first.
        most: Slices drawn, those of most clips.

    Raises:
        UsageError: There is no slice beside the overall one.
    """
    placed = layout.below_everybody(speeds, key="rtfx", support="n_recognised", ordered=ordered, most=most)
    frame = _frame(placed, speeds)
    plot = Plot(Axis(extent(frame["rtfx"], within=_SHOWN, floor=0), _RTFX_TITLE, PLAIN), placed.depth)
    tooltip = (("label", "slice"), ("rtfx_text", "RTFx"), ("clips", "clips"))
    marks = [
        plot.reference("rtfx"),
        plot.point("rtfx", style=theme.POINT, where="isValid(datum.rtfx)", tooltip=tooltip),
        *plot.aside("note", where="!isValid(datum.rtfx) && datum.note", left="true"),
        *layout.columns(plot.y, _RTFX),
    ]
    dashed = "" if layout.everybody_of(speeds).empty else "Dashed: everybody."
    said = Told(
        title=f"Speed by {_dimensions(speeds)}",
        finding=_finding(frame, "rtfx", ("fastest", "slowest"), "RTFx", ""),
        notes=[dashed, *_notes(frame, "rtfx"), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    return _drawn(plot, marks, placed, frame, said)


def latency(speeds: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80) -> "alt.LayerChart":
    """Draw how long a clip waits for its text in every slice: half of the clips, and 95 in 100.

    Args:
        speeds: As for `speed`.
        ordered: Dimensions that keep the table's order; in the others the longest wait comes first.
        most: Slices drawn, those of most clips.

    Raises:
        UsageError: There is no slice beside the overall one.
    """
    placed = layout.below_everybody(speeds, key="latency_p95_s", support="n_recognised", ordered=ordered, most=most)
    frame = _frame(placed, speeds)
    span = extent([*frame["latency_p50_s"], *frame["latency_p95_s"]], within=_SHOWN, floor=0)
    plot = Plot(Axis(span, _LATENCY_TITLE, PLAIN), placed.depth)
    both = "isValid(datum.latency_p50_s) && isValid(datum.latency_p95_s)"
    tooltip = (("label", "slice"), ("p50_text", "half within, s"), ("p95_text", "95 % within, s"), ("clips", "clips"))
    marks = [
        plot.interval("latency_p50_s", "latency_p95_s", style=theme.LINE, where=both),
        plot.point("latency_p50_s", style=theme.POINT, where="isValid(datum.latency_p50_s)", tooltip=tooltip),
        plot.point(
            "latency_p95_s",
            style=theme.STROKE_STRONG,
            where="isValid(datum.latency_p95_s)",
            shape="stroke",
            tooltip=tooltip,
        ),
        *plot.aside("note", where="!isValid(datum.latency_p50_s) && datum.note", left="true"),
        *layout.columns(plot.y, _LATENCIES),
    ]
    said = Told(
        title=f"Latency by {_dimensions(speeds)}",
        finding=_finding(frame, "latency_p95_s", ("longest", "shortest"), "95 % of clips within", " s"),
        notes=[
            "Dot: half of the clips had their text by then; stroke: 95 in 100.",
            *_notes(frame, "latency_p50_s"),
            placed.left_out_note,
        ],
        n_left_out=placed.n_left_out,
    )
    return _drawn(plot, marks, placed, frame, said)


def _drawn(plot: Plot, marks: Layers, placed: layout.Rows, frame: pd.DataFrame, said: Told) -> "alt.LayerChart":
    data = {
        layout.ROWS: records(frame, _FIELDS),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
        REFERENCE_DATA: records(layout.everybody_of(frame), ("rtfx",)),
    }
    return drawn([*marks, *layout.names(plot.y)], data, said, height=layout.height(placed.depth))


def _dimensions(speeds: pd.DataFrame) -> str:
    return listed(list(dict.fromkeys(layout.others_of(speeds)["dimension"])))


def _frame(placed: layout.Rows, speeds: pd.DataFrame) -> pd.DataFrame:
    """Return the rows drawn with their texts."""
    frame = placed.with_top(layout.everybody_of(speeds))
    texts = (("rtfx", "rtfx_text"), ("latency_p50_s", "p50_text"), ("latency_p95_s", "p95_text"))
    return frame.assign(
        clips=[count_of(number) for number in frame["n_recognised"]],
        note=cells(label(note, _LONGEST_NOTE) if isinstance(note, str) and note else None for note in frame["note"]),
        **{text: [figure(finite(value)) for value in frame[name]] for name, text in texts},
    )


def _finding(frame: pd.DataFrame, column: str, ends: Sequence[str], named: str, unit: str) -> str:
    """Say everybody's figure and those of the slices at either end."""
    known = frame[frame[column].notna()]
    if known.empty:
        return f"{named}: not measured, for nothing was recognised in this run."
    top, rest = layout.everybody_of(known), layout.others_of(known)
    said = [f"{figure(float(value))}{unit} overall" for value in top[column]]
    extremes = (layout.highest(rest, column), layout.lowest(rest, column)) if len(rest) else ()
    for word, row in zip(ends, extremes, strict=False):
        said.append(f"{word} {label(row['slice'])} {figure(float(row[column]))}{unit}")
    return f"{named}: {', '.join(said)}."


def _notes(frame: pd.DataFrame, column: str) -> Iterator[str]:
    yield "Differences of speed are described, not tested: clips differ in length and batch."
    n_unknown = int(frame[column].isna().sum())
    if n_unknown:
        yield f"{how_many(n_unknown, 'row')} without a figure: nothing was recognised there in this run."
