"""What conditions add to slices in, how much more than to the others out: a forest plot with verdicts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts import verdict_marks as marks
from harness.report.charts.axes import POINTS, Axis, Extent, extent
from harness.report.charts.drawing import Records, Told, cells, drawn, finite, records
from harness.report.charts.labels import label
from harness.report.charts.marks import OVER, REFERENCE_DATA, UNDER, Plot
from harness.report.wording import gap_interval, how_many, points, times

if TYPE_CHECKING:
    import altair as alt

MOST = 30  # extra harms drawn
_VALUE, _LOW, _HIGH = "extra_harm", "extra_harm_low", "extra_harm_high"
_LEAST = "minimum_detectable_extra_harm"
_FIELDS = (
    "row", "label", "apart", "condition", "comparator", _VALUE, _LOW, _HIGH, "more_text", "interval", "ratio_text",
    "harm_text", "rest_text", "verdict", "word", "detectable", "reason", "beyond", OVER, UNDER,
)  # fmt: skip
_TOOLTIP = (
    ("condition", "condition"), ("label", "slice"), ("harm_text", "adds, points"), ("rest_text", "to the others"),
    ("more_text", "more than to the others"), ("interval", "interval, points"), ("ratio_text", "ratio of ratios"),
    ("word", "verdict"), ("reason", "because"),
)  # fmt: skip
_COLUMNS = (layout.Column("more_text", "points", 52), layout.Column("ratio_text", "ratio", 58))
_TITLE = "extra harm, points; right: hurt more"
_WORDS_AT = (124, 10)  # pixels right of the plot, wide and narrow
_TICKS, _BESIDE_MARGIN = 5, 1.25
_LONGEST_REASON, _MOST_NAMED = 200, 3
_INSUFFICIENT, _INCONCLUSIVE = "insufficient", "inconclusive"
_NONE: Mapping[str, float] = {}


def extra_harms(
    harms: pd.DataFrame, *, margin: float | None, margins: Mapping[str, float] = _NONE, most: int = MOST
) -> "alt.LayerChart":
    """Draw how much more each condition adds to each slice than to the rest, its interval, and its verdict.

    Args:
        harms: Rows of extra_harm.csv that have a verdict, the most evident first.
        margin: Of the policy, drawn as a band; None where verdicts are not about points.
        margins: Of the dimensions that have one of their own.
        most: Rows drawn, the first, under the conditions they are of.

    Raises:
        UsageError: There is no row.
    """
    named = harms.assign(group=harms["condition"].map(str), dimension_of=harms["dimension"], name=_names(harms))
    table = named.assign(dimension=named["group"], slice=named["name"])
    placed = layout.arranged(
        table,
        key=_VALUE,
        support=None,
        ordered=set(table["dimension"]),
        most=most,
        apart=table["verdict"] == _INSUFFICIENT,
    )
    frame = placed.frame
    promised = [margins.get(str(name), margin) for name in frame["dimension_of"]]
    span = _span(frame, [value for value in promised if value is not None])
    plot = Plot(Axis(span, _TITLE, POINTS, ticks=_TICKS), placed.depth)
    data = {
        layout.ROWS: _rows(frame, span),
        layout.HEADERS: placed.headers,
        layout.ONE: [{"one": 1}],
        marks.BANDS: marks.bands(frame["row"].tolist(), promised),
        REFERENCE_DATA: [{"zero": 0}],
    }
    layers = [
        marks.band(plot),
        plot.reference("zero", style=theme.ZERO),
        *marks.judged(plot, _VALUE, tooltip=_TOOLTIP),
        marks.ticks(plot, "detectable"),
        *plot.arrows((OVER, UNDER)),
        *layout.names(plot.y),
        *layout.columns(plot.y, _COLUMNS),
        *marks.words(plot, wide=_WORDS_AT[0], narrow=_WORDS_AT[1]),
    ]
    told = Told(
        title="Extra harm by condition and slice",
        finding=_finding(harms),
        notes=list(_notes(data[layout.ROWS], {value for value in promised if value is not None}, placed.n_left_out)),
        n_left_out=placed.n_left_out,
    )
    return drawn(layers, data, told, height=layout.height(placed.depth))


def _names(harms: pd.DataFrame) -> list[str]:
    """Return the slices' names, with their dimensions where slices of two are called alike."""
    both = list(zip(harms["slice"].map(str), harms["dimension"].map(str), strict=True))
    counts = Counter(name for name, _ in set(both))
    return [name if counts[name] == 1 else f"{label(name, 40)} ({label(dimension, 20)})" for name, dimension in both]


def _span(frame: pd.DataFrame, promised: list[float]) -> Extent:
    judged = frame[frame["verdict"] != _INSUFFICIENT]
    seen = judged if len(judged) else frame
    within = [0.0, *(sign * _BESIDE_MARGIN * value for value in promised for sign in (-1, 1))]
    return extent(seen[_VALUE], [*seen[_LOW], *seen[_HIGH], *frame[_VALUE]], within=within)


def _rows(frame: pd.DataFrame, span: Extent) -> Records:
    found = [
        [value for each in row if (value := finite(each)) is not None]
        for row in frame[[_VALUE, _LOW, _HIGH]].itertuples(index=False, name=None)
    ]
    values = [finite(value) for value in frame[_VALUE]]
    detectable = zip((finite(value) for value in frame[_LEAST]), frame["verdict"], strict=True)
    texts = frame.assign(
        condition=[label(name) for name in frame["group"]],
        comparator=[label(name) for name in frame["comparator"]],
        more_text=[marks.signed(points(value)) for value in values],
        interval=[
            marks.signed(gap_interval(finite(low), finite(high)))
            for low, high in zip(frame[_LOW], frame[_HIGH], strict=True)
        ],
        ratio_text=[times(finite(value)) for value in frame["harm_ratio"]],
        harm_text=[marks.signed(points(finite(value))) for value in frame["harm"]],
        rest_text=[marks.signed(points(finite(value))) for value in frame["comparator_harm"]],
        word=[label(verdict).replace("_", " ") for verdict in frame["verdict"]],
        detectable=cells(
            least if verdict == _INCONCLUSIVE and span.holds(least) else None for least, verdict in detectable
        ),
        reason=cells(label(reason, _LONGEST_REASON) if isinstance(reason, str) else None for reason in frame["reason"]),
        beyond=[not span.holds(value) for value in values],
        over=cells(span.high if any(value > span.high for value in row) else None for row in found),
        under=cells(span.low if any(value < span.low for value in row) else None for row in found),
    )
    return records(texts, _FIELDS)


def _finding(harms: pd.DataFrame) -> str:
    """Name the extra harms that were found, and count the other verdicts."""
    found = harms[harms["verdict"] == "disparity"]
    said = [
        f"{label(row['condition'])} adds {points(row[_VALUE])} points more to {label(row['slice'])} "
        f"({label(row['dimension'], 40)}) than to the others ({gap_interval(row[_LOW], row[_HIGH])})"
        for row in found.head(_MOST_NAMED).to_dict("records")
    ]
    counts = harms["verdict"].value_counts()
    counted = [f"{counts[name]} {name.replace('_', ' ')}" for name in theme.VERDICTS if name in counts]
    opening = "; ".join(said) if said else "none beyond the margin was detected at this sample size"
    return f"Extra harm: {opening}. Of {how_many(len(harms), 'pair')} of condition and slice: {', '.join(counted)}."


def _notes(rows: Records, margins: set[float], n_left_out: int) -> Iterator[str]:
    if n_left_out:
        yield f"The first {len(rows)} of {len(rows) + n_left_out:,} are drawn; the table goes on."
    yield "First what is shown, then the largest that is not, each under its condition."
    if len(margins) == 1:
        yield f"Band: within the margin of {100 * margins.pop():g} points."
    elif margins:
        yield "Bands: within the margin of each dimension."
    yield "Line: the interval of one pair alone; the verdict rests on the corrected test."
    yield "Ratio: by how many times word errors grew, over that of the others."
    if any(row["detectable"] is not None for row in rows):
        yield "Upright tick: what so many people would have shown, with 80 % probability."
    if any(row["verdict"] == _INSUFFICIENT for row in rows):
        yield "Cross, apart: too few people for a verdict."
    n_clipped = sum(row[OVER] is not None or row[UNDER] is not None for row in rows)
    if n_clipped:
        yield f"Arrow: {how_many(n_clipped, 'row goes', 'rows go')} on beyond the axis."
