"""Scores in, every speaker as a dot on the row of their slice out."""

import math
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import membership
from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts.axes import PERCENT, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, finite, records
from harness.report.charts.labels import label
from harness.report.charts.marks import Plot, told
from harness.report.wording import how_many, percent

if TYPE_CHECKING:
    import altair as alt

MOST_SLICES = 40
_DOTS = "dots"
_COLUMNS = (layout.Column("wer_text", "WER", 56, 52), layout.Column("speakers", "speakers", 66))
_COLUMNS_WITHOUT_WER = (layout.Column("speakers", "speakers", 78),)
_TITLE = "WER of a speaker"
_STEP = 34  # pixels of a row
_SPREAD = 0.66  # of a row, over which its dots lie
_GOLDEN = 0.618033988749895  # of neighbours in WER, multiples of it leave the dots furthest apart
_FEW = 25  # dots that every slice keeps
_HIGHEST = 1.0  # WER where the axis ends; speakers beyond are arrows
_AREA_OF_ROW = 9_000  # square pixels, about, that the dots of the fullest row may take
_LARGEST_AREA = (34, 150)  # square pixels of the dot of most words: at least, at most
_SMALLEST_AREA = 8


@dataclass(frozen=True, slots=True)
class People:
    """Holds a row for every speaker of every slice, and what is not among them.

    Attributes:
        frame: slice, speaker_id, words, wer.
        slices: In the order of the dimension's values.
        n_nameless: Utterances without a speaker id.
        n_wordless: Speakers in whose references there is no word.
    """

    frame: pd.DataFrame
    slices: tuple[str, ...]
    n_nameless: int
    n_wordless: int


def speakers(
    scores: pd.DataFrame,
    dimension: str,
    *,
    slices: pd.DataFrame | None = None,
    ordered: Collection[str] = (),
    most: int = 2_000,
) -> "alt.LayerChart":
    """Draw every speaker as a dot at their WER, as large as their words are many, on the rows of their slices.

    Args:
        scores: Columns speaker_id, hits, substitutions, deletions, insertions and the dimension's attributes. Leave
            failed utterances out before where the run's policy does. No id goes into the chart.
        dimension: An attribute or an intersection of some.
        slices: slices.csv, whose WER stands on every row as a tick; without it rows keep the attribute's order.
        ordered: Dimensions that keep the table's order; in the others the highest WER comes first.
        most: Dots drawn, about: of the others it is said how many there are.

    Raises:
        UsageError: Nobody has an id and a word, or the scores lack an attribute.
    """
    people = _people(scores, dimension)
    if people.frame.empty:
        raise UsageError(f"{label(dimension)}: no utterance has both a speaker id and a word; nobody to draw.")
    placed = layout.arranged(
        _slices(people, dimension, slices),
        key="wer",
        support="n_speakers",
        ordered=(*ordered, *([dimension] if slices is None else [])),
        most=MOST_SLICES,
        step=_STEP,
    )
    shown = people.frame.merge(placed.frame[["slice", "row", "apart"]], on="slice", validate="many_to_one")
    kept = _chosen(shown, most)
    span = _span(shown, placed.frame)
    plot = Plot(Axis(span, _TITLE, PERCENT), placed.depth)
    data = {
        layout.ROWS: _rows(placed.frame, span),
        _DOTS: _dots(kept, span),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
    }
    said = Told(
        title=f"Every speaker's WER, by {label(dimension)}",
        finding=_finding(people, dimension),
        notes=[
            "A dot is a speaker, the larger the more words they spoke; where dots lie within a row means nothing.",
            "Upright: the slice's WER over all its words." if placed.frame["wer"].notna().any() else "",
            *_notes(people, data[_DOTS], len(shown)),
            placed.left_out_note,
        ],
        n_left_out=len(people.frame) - len(kept),
    )
    columns = _COLUMNS if placed.frame["wer"].notna().any() else _COLUMNS_WITHOUT_WER
    layers = [*_layers(plot, kept), *layout.names(plot.y), *layout.columns(plot.y, columns)]
    return drawn(layers, data, said, height=layout.height(placed.depth, _STEP))


def _people(scores: pd.DataFrame, dimension: str) -> People:
    """Sum the counts of every speaker in every slice."""
    part, ids = membership(scores, dimension), scores["speaker_id"].where(scores["speaker_id"] != "")
    counts = scores[["hits", "substitutions", "deletions", "insertions"]].iloc[part.rows].reset_index(drop=True)
    every = pd.DataFrame(
        {
            "slice": np.array(part.slices, dtype=object)[part.codes],
            "speaker_id": ids.to_numpy()[part.rows],
            "words": counts[["hits", "substitutions", "deletions"]].sum(axis=1),
            "errors": counts[["substitutions", "deletions", "insertions"]].sum(axis=1),
        }
    )
    summed = every.groupby(["slice", "speaker_id"], sort=True, observed=True)[["words", "errors"]].sum().reset_index()
    spoken = summed[summed["words"] > 0]
    return People(
        frame=spoken.assign(wer=spoken["errors"] / spoken["words"])[["slice", "speaker_id", "words", "wer"]],
        slices=part.slices,
        n_nameless=int(ids.isna().sum()),
        n_wordless=len(summed) - len(spoken),
    )


def _slices(people: People, dimension: str, slices: pd.DataFrame | None) -> pd.DataFrame:
    """Return the slices that somebody speaks in, with the table's WER, in the table's order where there is one."""
    counts = people.frame.groupby("slice", sort=False)["speaker_id"].size()
    order = [name for name in people.slices if name in counts.index]
    wer = pd.Series(math.nan, index=counts.index)
    if slices is not None:
        mine = slices[slices["dimension"] == dimension].drop_duplicates("slice").set_index("slice")["wer"]
        wer = mine.reindex(counts.index)
        order = [name for name in mine.index if name in counts.index] + [name for name in order if name not in mine]
    return pd.DataFrame(
        {
            "dimension": dimension,
            "slice": order,
            "wer": [wer[name] for name in order],
            "n_speakers": [int(counts[name]) for name in order],
        }
    )


def _chosen(shown: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return as many speakers of every slice as its share of the dots, by a hash: the same ones in every chart."""
    if len(shown) <= most:
        return shown
    hashed = shown.assign(_hash=[zlib.crc32(str(name).encode(errors="replace")) for name in shown["speaker_id"]])
    ranked = hashed.sort_values(["_hash", "speaker_id"], kind="stable").groupby("slice", sort=False)
    place, size = ranked.cumcount(), ranked["slice"].transform("size")
    return hashed[place.reindex(hashed.index) < np.maximum(_FEW, size.reindex(hashed.index) * most / len(shown))]


def _span(shown: pd.DataFrame, slices: pd.DataFrame) -> Extent:
    highest = min(float(shown["wer"].max()), max([_HIGHEST, *(wer for wer in slices["wer"] if wer == wer)]))
    return extent([highest], slices["wer"], within=[0.0], floor=0)


def _rows(slices: pd.DataFrame, span: Extent) -> Records:
    texts = slices.assign(
        wer_text=[percent(finite(wer)) for wer in slices["wer"]],
        speakers=[f"{number:,}" for number in slices["n_speakers"]],
        pooled=cells(wer if span.holds(finite(wer)) else None for wer in slices["wer"]),
    )
    return records(texts, ("row", "label", "apart", "wer_text", "speakers", "pooled"))


def _dots(kept: pd.DataFrame, span: Extent) -> Records:
    """Return the dots from left to right, each a golden step above or below the one before."""
    ordered = kept.sort_values(["row", "wer", "words", "speaker_id"], kind="stable")
    place = ordered.groupby("row", sort=False).cumcount()
    above = ordered["row"] + _SPREAD * ((place * _GOLDEN + 0.5) % 1 - 0.5)
    beyond = ordered["wer"] > span.high
    spots = ordered.assign(
        row=above.round(3),
        wer_text=[percent(wer) for wer in ordered["wer"]],
        over=cells(span.high if out else None for out in beyond),
    )
    return records(spots, ("row", "apart", "wer", "words", "wer_text", "over"))


def _size(kept: pd.DataFrame) -> "alt.Size":
    """Return the encoding of a speaker's words: dots are smaller where a row has many."""
    import altair as alt

    words, fullest = int(kept["words"].max()), int(kept["row"].value_counts().max())
    largest = min(_LARGEST_AREA[1], max(_LARGEST_AREA[0], _AREA_OF_ROW // fullest))
    power = 10 ** (len(str(words)) - 1)
    most = words // power * power  # one digit, of which a legend is read at a glance
    return alt.Size(
        "words:Q",
        scale=alt.Scale(domain=[0, words], range=[_SMALLEST_AREA, largest]),
        legend=alt.Legend(title="words spoken", values=sorted({max(1, most // 4), most}), format=",d"),
    )


def _layers(plot: Plot, kept: pd.DataFrame) -> Layers:
    import altair as alt

    dots, size = Plot(plot.axis, plot.depth, _DOTS), _size(kept)
    tooltip = told((("wer_text", "WER"), ("words", "words")))
    drawn_dots = [
        alt.Chart(alt.NamedData(_DOTS))
        .mark_point(style=style)
        .encode(x=plot.axis.at("wer"), y=plot.y, size=size, **tooltip)
        .transform_filter(f"!isValid(datum.over) && {where}")
        for style, where in ((theme.DOT, "!datum.apart"), (theme.SILENT_DOT, "datum.apart"))
    ]
    pooled = (
        alt.Chart(alt.NamedData(layout.ROWS))
        .mark_tick(style=theme.POOLED, orient="vertical")
        .encode(x=plot.axis.at("pooled"), y=plot.y)
        .transform_filter("isValid(datum.pooled)")
    )
    return [*drawn_dots, *dots.arrows(), pooled]


def _finding(people: People, dimension: str) -> str:
    """Say how many people there are, and between which WER they lie."""
    frame = people.frame
    n_people = frame["speaker_id"].nunique()
    return (
        f"WER of every speaker by {label(dimension)}: {how_many(n_people, 'speaker')} in "
        f"{how_many(frame['slice'].nunique(), 'slice')}, from {percent(float(frame['wer'].min()))} to "
        f"{percent(float(frame['wer'].max()))}."
    )


def _notes(people: People, dots: Records, n_shown: int) -> Iterator[str]:
    if len(dots) < n_shown:
        yield f"Of {n_shown:,} dots {len(dots):,} are drawn, chosen by a hash of the speaker's id."
    n_over = sum(dot["over"] is not None for dot in dots)
    if n_over:
        yield f"Arrow: {how_many(n_over, 'speaker')} beyond the axis."
    if people.n_nameless:
        verb = "has" if people.n_nameless == 1 else "have"
        yield f"{how_many(people.n_nameless, 'utterance')} {verb} no speaker id and no dot."
    if people.n_wordless:
        yield f"{how_many(people.n_wordless, 'speaker')} without a word spoken not drawn."
