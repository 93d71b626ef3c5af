"""A last-mile run in, who is hurt more than others by a condition out: a forest plot, and every pair in a table."""

from harness.report import charts
from harness.report.conditions import Row, UnderConditions, unshown
from harness.report.html.frames import frame_table
from harness.report.html.measured import Measured, text
from harness.report.html.parts import Part, Section, Words, drawing
from harness.report.pages import verdict
from harness.report.wording import gap_interval, mapping, percent, points, times
from harness.results.run import EXTRA_HARM

_HEADERS = (
    *("condition", "dimension", "slice", "verdict", "clean WER", "WER", "adds", "interval", "adds to others"),
    *("more", "interval", "ratio", "interval", "p adj.", "could have seen", "speakers", "utterances", "reason"),
)
_ADDITIVE = "additive"


def extra_harm_section(measured: Measured, under: UnderConditions, *, scale: str = _ADDITIVE) -> Section:
    """Return how much more every condition adds to every slice than to the rest.

    Args:
        measured: The run.
        under: Its conditions.
        scale: What its verdicts are about: `additive` or `multiplicative`.
    """
    title = "Who is hurt more than others"
    if under.judged.empty:
        nothing = Words("No extra harm could be told: no attribute has two declared values.", "none")
        return Section("extra-harm", title, "Extra harm", [nothing])
    judged = "the points added" if scale == _ADDITIVE else "the ratio"
    told = (
        "Harm is what a condition adds to a slice's own WER, in points. Extra harm is that less what it adds to "
        "everybody else: the same clips, clean and under the condition, with speakers as the unit. The ratio beside it "
        f"says how many times more word errors grew than those of the others. Verdicts are about {judged}."
    )
    seen = unshown(under)
    parts: list[Part] = [Words(told), *([Words(seen)] if seen else [])]
    drawn = under.judged[under.judged["extra_harm"].notna()]
    if len(drawn):
        margin = measured.summary["margin"] if scale == _ADDITIVE else None
        chart = charts.extra_harms(drawn, margin=margin, margins=_margins(measured) if scale == _ADDITIVE else {})
        parts.append(drawing("extra-harm", charts.spec(chart), table="extra-harm-table"))
    caption = (
        "Every pair of condition and slice, the most evident first. “Could have seen” is the smallest extra harm, in "
        "points, that this many speakers would have shown four times in five."
    )
    parts.append(frame_table("extra-harm-table", _HEADERS, under.judged, _cells, caption=caption, file=EXTRA_HARM))
    return Section("extra-harm", title, "Extra harm", parts)


def _margins(measured: Measured) -> dict[str, float]:
    """Return the margins of the dimensions that have one of their own."""
    told = mapping(measured.summary["margins_of_dimensions"]).items()
    return {name: mapping(about)["margin"] for name, about in told if mapping(about)["margin"] is not None}


def _cells(row: Row) -> tuple[object, ...]:
    least = row["minimum_detectable_extra_harm"]
    return (
        row["condition"],
        row["dimension"],
        row["slice"],
        (verdict(row["verdict"]), row["verdict"]),
        (percent(row["clean_wer"]), row["clean_wer"]),
        (percent(row["wer"]), row["wer"]),
        (points(row["harm"]), row["harm"]),
        gap_interval(row["harm_low"], row["harm_high"]),
        (points(row["comparator_harm"]), row["comparator_harm"]),
        (points(row["extra_harm"]), row["extra_harm"]),
        gap_interval(row["extra_harm_low"], row["extra_harm_high"]),
        (times(row["harm_ratio"]), row["harm_ratio"]),
        _ratio_interval(row),
        ("–" if row["p_adjusted"] != row["p_adjusted"] else f"{row['p_adjusted']:.3f}", row["p_adjusted"]),
        ("> 100" if least > 1 else points(least).lstrip("+"), least),
        int(row["n_speakers"]),
        int(row["n_utterances"]),
        text(row["reason"]),
    )


def _ratio_interval(row: Row) -> str:
    low, high = row["harm_ratio_low"], row["harm_ratio_high"]
    return "–" if low != low or high != high else f"{times(low)} to {times(high)}"
