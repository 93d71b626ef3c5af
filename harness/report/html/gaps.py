"""A run in, its gaps out: a chart with the margin as a band, and every gap with its verdict, reason and limits."""

from harness.report import charts
from harness.report.html.measured import Measured, Row, records
from harness.report.html.parts import Drawing, Part, Section, Words, drawing, table
from harness.report.pages import verdict
from harness.report.shown import withheld
from harness.report.wording import gap_interval, mapping, percent, points, promise_sentence, times
from harness.results.run import DISPARITIES

_HEADERS = (
    *("dimension", "slice", "verdict", "gap", "interval", "WER", "against", "ratio", "p adj.", "could have seen"),
    "reason",
)
_ORDER = ("disparity", "advantage", "inconclusive", "within_margin", "insufficient")


def gaps_section(measured: Measured) -> Section:
    """Return every slice against its comparator."""
    title = "Gaps against the comparator"
    if measured.disparities.empty:
        nothing = Words("No slice could be compared: no attribute has two declared values.", "none")
        return Section("gaps", title, "Gaps", [nothing])
    parts: list[Part] = [
        Words(f"A gap is a slice's WER less its comparator's, in points. {promise_sentence(measured.run)}"),
        *(Words(told, "muted") for told in withheld(measured.run) if measured.run.beside.gaps),
    ]
    if measured.tested.empty:
        parts.append(Words("No gap could be tested: every slice is below the policy's floors.", "none"))
    else:
        parts.append(_chart(measured))
    rows = [_cells(row) for row in _in_order(measured)]
    caption = (
        "Every gap. “Could have seen” is the smallest gap, in points, that this many speakers would have shown four "
        "times in five; a smaller one may exist unseen."
    )
    parts.append(table("gaps-table", _HEADERS, rows, caption=caption, file=DISPARITIES))
    return Section("gaps", title, "Gaps", parts)


def detectable(row: Row) -> str:
    """Write the smallest gap that would have been seen, in points; so few people may see none below 100."""
    gap = row["minimum_detectable_gap"]
    return "> 100" if gap > 1 else points(gap).lstrip("+")


def _chart(measured: Measured) -> Drawing:
    summary = measured.summary
    margins = {
        name: mapping(told)["margin"]
        for name, told in mapping(summary["margins_of_dimensions"]).items()
        if mapping(told)["margin"] is not None
    }
    chart = charts.gaps(measured.tested.reset_index(drop=True), margin=summary["margin"], margins=margins)
    return drawing("gaps", charts.spec(chart), table="gaps-table")


def _in_order(measured: Measured) -> list[Row]:
    """Return what was found first, then what was tested, then what was not; the largest gap first in each."""
    disparities = measured.disparities
    rank = disparities["verdict"].map({name: place for place, name in enumerate(_ORDER)})
    ordered = disparities.assign(_rank=rank).sort_values(["_rank", "gap"], ascending=[True, False], kind="stable")
    return records(ordered)


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        (verdict(row["verdict"]), row["verdict"]),
        (points(row["gap"]), row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        (percent(row["wer"]), row["wer"]),
        f"{row['comparator']} {percent(row['comparator_wer'])}",
        (times(row["ratio"]), row["ratio"]),
        ("–" if row["p_adjusted"] != row["p_adjusted"] else f"{row['p_adjusted']:.3f}", row["p_adjusted"]),
        (detectable(row), row["minimum_detectable_gap"]),
        row["reason"],
    )
