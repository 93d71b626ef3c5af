"""A run in, the sections that only a last-mile run has out, in a reader's order; and its figure at the top."""

from harness.report.applied import configured
from harness.report.conditions import INSUFFICIENT, UnderConditions
from harness.report.html.conditions import audio_section, conditions_section
from harness.report.html.extra_harm import extra_harm_section
from harness.report.html.measured import Measured
from harness.report.html.parts import Section
from harness.report.html.placed import placed_section
from harness.report.html.sweeps import sweeps_section
from harness.report.html.terms import terms_section
from harness.report.wording import gap_interval, plain, points


def last_mile_sections(measured: Measured, under: UnderConditions | None) -> list[Section]:
    """Return what is said of conditions and of the words that matter; nothing where a run has neither.

    Args:
        measured: The run, redacted where that was asked for.
        under: Its conditions; None where it has none.
    """
    if under is None:
        found = [terms_section(measured)]
    else:
        scale = str(configured(measured.run).get("scale", "additive"))
        found = [
            conditions_section(under),
            extra_harm_section(measured, under, scale=scale),
            sweeps_section(under),
            placed_section(under),
            terms_section(measured),
            audio_section(measured, under),
        ]
    return [section for section in found if section is not None]


def most_hurt(under: UnderConditions) -> list[tuple[str, str, str]]:
    """Return the figure of who is hurt most; none where nobody could be told from the others."""
    row = under.worst
    if row is None:
        return []
    interval = gap_interval(row["extra_harm_low"], row["extra_harm_high"])
    word = "too few to say" if row["verdict"] == INSUFFICIENT else str(row["verdict"]).replace("_", " ")
    told = f"{plain(row['slice'])} under {plain(row['condition'])}, {word}"
    about = told if interval == "–" else f"{interval}: {told}"
    return [("largest extra harm", f"{points(row['extra_harm'])} points", about)]
