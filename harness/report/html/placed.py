"""A last-mile run that another is placed beside in, gaps here and there out: sentences, a dumbbell each, a table."""

from harness.report import charts
from harness.report.charts.placed import furthest
from harness.report.conditions import Row, UnderConditions
from harness.report.html.frames import frame_table
from harness.report.html.parts import Listing, Part, Section, Words, drawing
from harness.report.pages import verdict
from harness.report.placed import placed_sentences, there
from harness.report.wording import gap_interval, percent, points
from harness.results.run import PLACED

_HEADERS = (
    *("condition", "dimension", "slice", "gap there", "interval", "verdict there", "gap here", "interval"),
    *("verdict here", "further", "interval", "WER there", "WER here"),
)


def placed_section(under: UnderConditions) -> Section | None:
    """Return every gap here beside the one there; None where no run is beside this one."""
    if under.placed.empty:
        return None
    other = there(under)
    sentences = placed_sentences(under)
    parts: list[Part] = [
        Words(
            f"The same slices on {other}, and here: two gaps stand side by side, not two systems. Further: the gap "
            "here less the gap there, in points; its interval takes both as independent, as they are where people and "
            "words are others (of the same people it is too wide). Nothing is tested."
        ),
        Listing(sentences) if sentences else Words(f"No gap is larger here than on {other}."),
    ]
    if len(furthest(under.placed)):
        parts.append(drawing("placed", charts.spec(charts.placed(under.placed, there=other)), table="placed-table"))
    caption = f"Every gap under every condition here, beside the gap on {other}."
    parts.append(
        frame_table("placed-table", _HEADERS, under.placed, _cells, caption=caption, file=PLACED, first_by="further")
    )
    return Section("placed", f"Beside another run: {other}", "Beside", parts)


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row["condition"],
        row["dimension"],
        row["slice"],
        (points(row["there_gap"]), row["there_gap"]),
        gap_interval(row["there_gap_low"], row["there_gap_high"]),
        (verdict(row["there_verdict"]), row["there_verdict"]) if row["there_verdict"] else "–",
        (points(row["gap"]), row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        (verdict(row["verdict"]), row["verdict"]) if row["verdict"] else "–",
        (points(row["further"]), row["further"]),
        gap_interval(row["further_low"], row["further_high"]),
        (percent(row["there_wer"]), row["there_wer"]),
        (percent(row["wer"]), row["wer"]),
    )
