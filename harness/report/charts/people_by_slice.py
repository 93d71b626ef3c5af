"""The people of every slice in, a bar for those who are there and a stroke at those who are needed out."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PLAIN, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, finite, records
from harness.report.charts.labels import count_of, is_declared, label, listed
from harness.report.charts.marks import Plot, told
from harness.report.wording import how_many

if TYPE_CHECKING:
    import altair as alt

_COLUMNS = (
    layout.Column("people_text", "people", 56, 52),
    layout.Column("needed_text", "needed", 66),
    layout.Column("words_text", "words", 82),
)
_FIELDS = (
    "row", "label", "apart", "zero", "n_speakers", "n_speakers_needed", "people_text", "needed_text", "words_text",
    "over",
)  # fmt: skip
_TOOLTIP = (("label", "slice"), ("people_text", "people"), ("needed_text", "needed"), ("words_text", "words"))
_LEAST = 5.0  # people, to where the axis always goes
_THICKNESS = 13  # pixels of a bar


def people_by_slice(people: pd.DataFrame, *, ordered: Collection[str] = (), most: int = 80) -> "alt.LayerChart":
    """Draw how many people are in every slice, and how many it takes for the gap that is asked for.

    Args:
        people: people.csv: dimension, slice, n_speakers, words, n_speakers_needed and people_text, what is said of
            n_speakers where that is withheld (NaN).
        ordered: Dimensions that keep the table's order; in the others most people come first.
        most: Slices drawn, those of most people.

    Raises:
        UsageError: There is no slice.
    """
    rest = layout.others_of(people)
    placed = layout.arranged(rest, key="n_speakers", support="n_speakers", ordered=ordered, most=most)
    needed = placed.frame["n_speakers_needed"].where(placed.frame["slice"].map(is_declared))
    span = extent(placed.frame["n_speakers"], needed, within=[0.0, _LEAST], floor=0)
    data = {
        layout.ROWS: _rows(placed.frame.assign(n_speakers_needed=needed), span),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
    }
    plot = Plot(Axis(span, "people", PLAIN), placed.depth)
    said = Told(
        title=f"People by {listed(list(dict.fromkeys(rest['dimension'])))}",
        finding=_finding(rest),
        notes=[*_notes(data[layout.ROWS]), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    layers = [*_marks(plot), *layout.names(plot.y), *layout.columns(plot.y, _COLUMNS)]
    return drawn(layers, data, said, height=layout.height(placed.depth))


def _marks(plot: Plot) -> Layers:
    import altair as alt

    bars = alt.Chart(alt.NamedData(layout.ROWS))
    there = "isValid(datum.n_speakers)"
    return [
        *(
            bars.mark_bar(style=style, orient="horizontal", size=_THICKNESS, clip=True)
            .encode(x=plot.axis.at("zero"), x2="n_speakers", y=plot.y, **told(_TOOLTIP))
            .transform_filter(where)
            for style, where in (
                (theme.LINE, f"{there} && !datum.apart"),
                (theme.SILENT_LINE, f"{there} && datum.apart"),
            )
        ),
        plot.point(
            "n_speakers_needed",
            style=theme.STROKE_STRONG,
            where="isValid(datum.n_speakers_needed) && !isValid(datum.over)",
            shape="stroke",
            tooltip=_TOOLTIP,
        ),
        *plot.arrows(),
    ]


def _rows(frame: pd.DataFrame, span: Extent) -> Records:
    texts = frame.assign(
        zero=0,
        needed_text=[count_of(number) for number in frame["n_speakers_needed"]],
        words_text=[count_of(number) for number in frame["words"]],
        over=cells(span.high if (finite(number) or 0) > span.high else None for number in frame["n_speakers_needed"]),
    )
    return records(texts, _FIELDS)


def _finding(people: pd.DataFrame) -> str:
    """Name the largest and the smallest slice of every dimension."""
    parts = []
    for dimension, part in people.groupby("dimension", sort=False):
        known = part[part["slice"].map(is_declared).astype(bool) & part["n_speakers"].notna()]
        if known.empty:
            parts.append(f"People by {label(dimension)}: none to tell of.")
            continue
        ends = [layout.highest(known, "n_speakers"), layout.lowest(known, "n_speakers")]
        named = [
            f"{word} {label(end['slice'])} {count_of(end['n_speakers'])}"
            for word, end in zip(("most", "fewest"), ends, strict=True)
        ]
        parts.append(f"People by {label(dimension)}: {', '.join(named)}.")
        if len(parts) == 3:  # dimensions in a sentence
            break
    return " ".join(parts)


def _notes(rows: Records) -> Iterator[str]:
    yield "Bar: people in the slice."
    if any(row["n_speakers_needed"] is not None for row in rows):
        yield "Stroke: people it takes to show the gap that is asked for."
    n_over = sum(row["over"] is not None for row in rows)
    if n_over:
        yield f"Arrow: {how_many(n_over, 'slice needs', 'slices need')} more people than the axis has room for."
    if any(row["n_speakers"] is None for row in rows):
        yield "Without a bar: too few people for their number to be shown, or who would give that away."
