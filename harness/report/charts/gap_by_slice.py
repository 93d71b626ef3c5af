"""A disparity table and the policy's margin in, every gap with its interval and its verdict out."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.charts import rows as layout
from harness.report.charts import theme
from harness.report.charts import verdict_marks as marks
from harness.report.charts.axes import POINTS, Axis, Extent, extent
from harness.report.charts.drawing import Layers, Records, Told, cells, drawn, finite, records, rounded
from harness.report.charts.labels import label, listed
from harness.report.charts.marks import OVER, REFERENCE_DATA, UNDER, Plot
from harness.report.wording import gap_interval, how_many, points

if TYPE_CHECKING:
    import altair as alt

INSUFFICIENT, INCONCLUSIVE = "insufficient", "inconclusive"
_FIELDS = (
    "row", "label", "apart", "comparator", "gap", "gap_low", "gap_high", "gap_text", "interval", "verdict", "word",
    "minimum_detectable_gap", "detectable", "reason", "beyond", "over", "under",
)  # fmt: skip
_TOOLTIP = (
    ("label", "slice"), ("comparator", "against"), ("gap_text", "gap, points"), ("interval", "interval, points"),
    ("word", "verdict"), ("reason", "because"),
)  # fmt: skip
_TICKS = 5  # so few that a narrow chart need not hide the one at 0
_BESIDE_MARGIN = 1.25  # the axis goes so much beyond the margin, at least
_LONGEST_REASON = 200  # characters
_MOST_NAMED = 3  # disparities in the finding
_NONE: Mapping[str, float] = {}


def gaps(
    disparities: pd.DataFrame,
    *,
    margin: float | None,
    margins: Mapping[str, float] = _NONE,
    ordered: Collection[str] = (),
    most: int = 80,
) -> "alt.LayerChart":
    """Draw every slice's gap against its comparator, its interval, its verdict in shape and words, and the margin.

    Args:
        disparities: Columns dimension, slice, comparator, gap, gap_low, gap_high, verdict, reason and
            minimum_detectable_gap, as in disparities.csv.
        margin: Of the policy, drawn as a band; None where it promises a ratio alone.
        margins: Of the dimensions that have one of their own.
        ordered: Dimensions that keep the table's order; in the others the largest gap comes first.
        most: Slices drawn, those with a verdict before those with too few people for one.

    Raises:
        UsageError: There is no slice.
    """
    placed = _placed(disparities, ordered, most)
    frame = placed.frame
    promised = {str(name): margins.get(str(name), margin) for name in dict.fromkeys(frame["dimension"])}
    span = _span(frame, [value for value in promised.values() if value is not None])
    plot = Plot(Axis(span, _axis_title(frame), POINTS, ticks=_TICKS), placed.depth)
    data = {
        layout.ROWS: _rows(frame, span),
        layout.HEADERS: _headers(placed),
        layout.ONE: [{"one": 1}],
        marks.BANDS: _bands(frame, promised),
        REFERENCE_DATA: [{"zero": 0}],
    }
    told = Told(
        title=f"WER gaps by {listed(list(dict.fromkeys(disparities['dimension'])))}",
        finding=_finding(disparities),
        notes=[*_notes(data[layout.ROWS], promised), placed.left_out_note],
        n_left_out=placed.n_left_out,
    )
    return drawn(_layers(plot), data, told, height=layout.height(placed.depth))


def _placed(disparities: pd.DataFrame, ordered: Collection[str], most: int) -> layout.Rows:
    """Place the slices, the largest gap first, those without a verdict apart at the end of their dimension."""
    judged = disparities["verdict"] != INSUFFICIENT
    return layout.arranged(
        disparities.assign(_judged=judged.astype(int)),
        key="gap",
        support="_judged",
        ordered=ordered,
        most=most,
        apart=~judged,
    )


def _axis_title(frame: pd.DataFrame) -> str:
    """Name the comparator where all gaps have the same one."""
    found = set(frame["comparator"].dropna().astype(str))
    against = f" against {label(found.pop(), 24)}" if len(found) == 1 else ""
    return f"WER gap{against}, points; right: worse"


def _headers(placed: layout.Rows) -> Records:
    """Name each dimension, and what its slices are held against where that differs between dimensions."""
    told = [
        sorted(set(part["comparator"].dropna().astype(str)))
        for _, part in placed.frame.groupby("dimension", sort=False, dropna=False)
    ]
    if len({name for names in told for name in names}) == 1:
        return placed.headers
    return [
        header | {"label": f"{header['label']} against {label(names[0])}"} if len(names) == 1 else header
        for header, names in zip(placed.headers, told, strict=True)
    ]


def _layers(plot: Plot) -> Layers:
    return [
        marks.band(plot),
        plot.reference("zero", style=theme.ZERO),
        *marks.judged(plot, "gap", tooltip=_TOOLTIP),
        marks.ticks(plot, "detectable"),
        *plot.arrows((OVER, UNDER)),
        *layout.names(plot.y),
        *layout.columns(plot.y, (layout.Column("gap_text", "gap", 50),)),
        *marks.words(plot, wide=66, narrow=10),
    ]


def _span(frame: pd.DataFrame, promised: list[float]) -> Extent:
    """Return the axis: all gaps that were judged, zero and the margin."""
    judged = frame[frame["verdict"] != INSUFFICIENT]
    seen = judged if len(judged) else frame
    within = [0.0, *(sign * _BESIDE_MARGIN * value for value in promised for sign in (-1, 1))]
    return extent(seen["gap"], [*seen["gap_low"], *seen["gap_high"], *frame["gap"]], within=within)


def _rows(frame: pd.DataFrame, span: Extent) -> Records:
    found = [
        tuple(finite(value) for value in row)
        for row in frame[["gap", "gap_low", "gap_high"]].itertuples(index=False, name=None)
    ]
    detectable = [finite(value) for value in frame["minimum_detectable_gap"]]
    texts = frame.assign(
        comparator=[label(name) for name in frame["comparator"]],
        gap_text=[marks.signed(points(gap)) for gap, _, _ in found],
        interval=[marks.signed(gap_interval(low, high)) for _, low, high in found],
        word=[label(verdict).replace("_", " ") for verdict in frame["verdict"]],
        minimum_detectable_gap=cells(detectable),
        detectable=cells(
            gap if verdict == INCONCLUSIVE and span.holds(gap) else None
            for gap, verdict in zip(detectable, frame["verdict"], strict=True)
        ),
        reason=cells(label(reason, _LONGEST_REASON) if isinstance(reason, str) else None for reason in frame["reason"]),
        beyond=[not span.holds(gap) for gap, _, _ in found],
        over=cells(span.high if any(value > span.high for value in _known(row)) else None for row in found),
        under=cells(span.low if any(value < span.low for value in _known(row)) else None for row in found),
    )
    return records(texts, _FIELDS)


def _known(values: tuple[float | None, ...]) -> list[float]:
    return [value for value in values if value is not None]


def _bands(frame: pd.DataFrame, promised: Mapping[str, float | None]) -> Records:
    return [
        {
            "top": float(part["row"].min()) - 0.5,
            "bottom": float(part["row"].max()) + 0.5,
            "low": rounded(-margin),
            "high": rounded(margin),
        }
        for dimension, part in frame.groupby("dimension", sort=False, dropna=False)
        if (margin := promised[str(dimension)]) is not None
    ]


def _finding(disparities: pd.DataFrame) -> str:
    """Name the gaps that were found, and count the other verdicts."""
    said = []
    found = disparities[disparities["verdict"] == "disparity"].sort_values("gap", ascending=False, kind="stable")
    for row in found.head(_MOST_NAMED).to_dict("records"):
        said.append(
            f"{label(row['slice'])} ({label(row['dimension'], 40)}) is worse than {label(row['comparator'])} by "
            f"{points(row['gap'])} points ({gap_interval(row['gap_low'], row['gap_high'])})"
        )
    counts = disparities["verdict"].value_counts()
    counted = [f"{counts[name]} {name.replace('_', ' ')}" for name in theme.VERDICTS if name in counts]
    opening = "; ".join(said) if said else "No gap beyond the margin was detected at this sample size"
    return f"WER gaps: {opening}. Of {how_many(len(disparities), 'slice')}: {', '.join(counted)}."


def _notes(rows: Records, promised: Mapping[str, float | None]) -> Iterator[str]:
    margins = {value for value in promised.values() if value is not None}
    if len(margins) == 1:
        yield f"Band: within the margin of {100 * margins.pop():g} points."
    elif margins:
        yield "Bands: within the margin of each dimension."
    yield "Line: the interval of one gap alone; the verdict rests on the corrected test."
    inconclusive = [row for row in rows if row["verdict"] == INCONCLUSIVE]
    if any(row["detectable"] is not None for row in inconclusive):
        yield "Upright tick: the gap that so many people would have shown, with 80 % probability."
    n_hidden = sum(row["detectable"] is None for row in inconclusive)
    if n_hidden:
        yield f"Of {how_many(n_hidden, 'inconclusive slice')} it lies beyond the axis."
    if any(row["verdict"] == INSUFFICIENT for row in rows):
        yield "Cross, apart: too few people for a verdict."
    n_clipped = sum(row["over"] is not None or row["under"] is not None for row in rows)
    if n_clipped:
        yield f"Arrow: {how_many(n_clipped, 'row goes', 'rows go')} on beyond the axis."
