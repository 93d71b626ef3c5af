"""A run and what may be shown of it in, `report.html` out: its sections in a reader's order, in one file."""

from functools import partial

from harness.report.conditions import UnderConditions, under_conditions
from harness.report.explorer import SPEAKERS, explorer_data
from harness.report.html.conditions import of_clean
from harness.report.html.explained import errors_section, explained_section, speakers_section
from harness.report.html.findings import findings_section
from harness.report.html.gaps import gaps_section
from harness.report.html.last_mile import last_mile_sections, most_hurt
from harness.report.html.made import made_section, reading_section
from harness.report.html.measured import Measured, system_name
from harness.report.html.normalizers import normalizers_section
from harness.report.html.options import ReportOptions
from harness.report.html.parts import Drawing, Section, typeset
from harness.report.html.people import people_section
from harness.report.html.redacted import RedactedRun
from harness.report.html.slices import intersections_section, slices_section
from harness.report.html.sourced import sourced
from harness.report.html.speed import speed_section
from harness.report.html.systems import checked_beside, systems_section
from harness.report.pages import page
from harness.report.shown import ShownRun
from harness.report.wording import gap_interval, mapping, percent, plain, points, policy_sentence, rate_interval
from harness.results import Run
from harness.results.run import HTML
from harness.scoring.beside import beside

EXPLORED_BESIDE = 5_000  # utterances from which the explorer is filled in another process


def write_html(run: Run, options: ReportOptions) -> None:
    """Write `report.html` from the files of a finished run, whole or not at all.

    Raises:
        UsageError: A run beside it is not finished, or not of the same utterances.
        StorageError: It cannot be written.
    """
    if options.html:
        run.write_text(HTML, render_html(run, options))


def render_html(run: Run, options: ReportOptions) -> str:
    """Return the report as one HTML file.

    Raises:
        UsageError: A run beside it is not finished, or not of the same utterances.
    """
    others = [Run.open(path) for path in options.beside]
    checked_beside(run, others)
    measured = Measured(_shown(run, options))
    under = under_conditions(measured.run)
    explorer = partial(explorer_data, run, options, measured.run)
    with beside(explorer, n_rows=measured.summary["n_utterances"], worth_it=EXPLORED_BESIDE) as utterances:
        sections = [
            *last_mile_sections(measured, under),
            *_sections(measured, [_shown(other, options) for other in others], options, under),
        ]
        explored = utterances()
    sections = [sourced(section, measured.sources) for section in sections]
    return page(
        "report",
        title=f"{plain(mapping(measured.facts['manifest'])['name'])} through {system_name(run)}",
        description=policy_sentence(measured.run),
        charts={part.name: part.spec for each in sections for part in each.parts if isinstance(part, Drawing)},
        data={"utterances": explored},
        scripts=["explorer.js"],
        sections=_rail(sections),
        parts=sections,
        passed=measured.summary["passed"],
        tested=measured.summary["n_tested"],
        verdict_sentence=policy_sentence(measured.run),
        made=plain(measured.facts["finished"]),
        headline=_headline(measured, under),
        redacted=sorted(set(options.redact)),
        who_says=measured.sources.sentence,
        typeset=typeset,
    )


def _shown(run: Run, options: ReportOptions) -> ShownRun:
    return RedactedRun(run.path, frozenset(options.redact)) if options.redact else ShownRun(run.path)


def _sections(
    measured: Measured, others: list[ShownRun], options: ReportOptions, under: UnderConditions | None
) -> list[Section]:
    """Return the sections that have something to say, in a reader's order; under conditions they are of clean audio."""
    first = findings_section(measured)
    found = [
        first if under is None else of_clean(first),
        people_section(measured),
        slices_section(measured),
        gaps_section(measured),
        intersections_section(measured),
        errors_section(measured),
        None if SPEAKERS in options.redact else speakers_section(measured),
        explained_section(measured),
        systems_section(measured, others),
        normalizers_section(measured),
        speed_section(measured),
        Section("utterances", "Utterances", "Utterances", ()),  # the explorer's template
        made_section(measured),
        reading_section(measured, under),
    ]
    return [section for section in found if section is not None]


def _rail(sections: list[Section]) -> list[tuple[str, str]]:
    return [(section.id, section.short) for section in sections]


def _headline(measured: Measured, under: UnderConditions | None) -> list[tuple[str, str, str]]:
    """Return the figures at the top: what, how much, and how sure or of whom."""
    summary, clean = measured.summary, ", clean" if under else ""
    gap = mapping(summary["max_gap"])
    figures = [
        (f"word error rate{clean}", percent(summary["wer"]), rate_interval(summary["wer_low"], summary["wer_high"])),
        ("promised", f"{100 * summary['margin']:g} points", "at most, against its comparator"),
        ("speakers", f"{summary['n_speakers']:,}", f"{summary['n_utterances']:,} utterances"),
    ]
    figures[2:2] = most_hurt(under) if under else []
    if gap:
        interval = gap_interval(gap["gap_low"], gap["gap_high"])
        where = f"{plain(gap['slice'])}, {str(gap['verdict']).replace('_', ' ')}"
        figures.insert(2, (f"largest gap tested{clean}", f"{points(gap['gap'])} points", f"{interval}: {where}"))
    if summary["n_failed"]:
        figures.append(("failed", f"{summary['n_failed']:,}", "clips"))
    return figures
