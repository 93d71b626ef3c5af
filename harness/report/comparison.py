"""A comparison's run directory in, `report.md` and the table on screen out: which system is better, and for whom."""

from collections.abc import Hashable, Iterable, Mapping
from typing import IO, Any

import pandas as pd
from rich.table import Table

from harness.fairness.membership import AND, OVERALL
from harness.fairness.systems.paired_verdicts import MAPSSWE, MAX_GAP, SLICE_WER, WER, WORST_SLICE
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import made_lines, say
from harness.report.shown import INSUFFICIENT
from harness.report.sources import Sources
from harness.report.tables import escape, table
from harness.report.wording import gap_interval, mapping, percent, plain, points
from harness.results import Run
from harness.results.run import COMPARISONS, REPORT

MAX_ROWS = 30  # on screen; comparisons.csv has all
_MEASURES = {
    WER: "WER",
    MAPSSWE: "errors a segment (MAPSSWE)",
    MAX_GAP: "largest gap",
    WORST_SLICE: "WER of the worst slice",
}
_STYLES = {"worse": "bold red", "better": "green", "within_margin": "green", "insufficient": "dim", "not_judged": "dim"}


def write_comparison_report(run: Run) -> None:
    """Write `report.md` from the files of the run."""
    run.write_text(REPORT, render_comparison(run))


def render_comparison(run: Run) -> str:
    """Return the report as Markdown; every text from data is escaped."""
    summary, comparisons = run.summary, comparisons_of(run)
    sections = [
        f"# {escape(summary['candidate'])} against {escape(summary['baseline'])}",
        f"**{escape(regression_sentence(run))}**",
        "\n".join(f"- {escape(sentence)}" for sentence in summary["headlines"]),
        "\n".join(f"- Note: {escape(note)}" for note in _remarks(run)),
        "## Comparisons\n\n" + escape(_how_to_read(run)),
        *(_section(name, part) for name, part in comparisons.groupby("dimension", sort=False, dropna=False)),
        "## How this was made\n\n" + _provenance(run),
    ]
    sources = _sources(run)
    return "\n\n".join(sources.under(section) for section in sections if section) + "\n"


def show_comparison(run: Run, out: IO[str]) -> None:
    """Print the comparison: extremes and the slices that differ most, then what follows from them."""
    console = console_on(out)
    comparisons = comparisons_of(run)
    shown = _shown(comparisons)
    console.print(_screen_table(run, shown, width=console.width))
    if len(comparisons) > len(shown):
        say(console, f"… and {len(comparisons) - len(shown)} more slices in comparisons.csv and report.md")
    if sources := _sources(run).sentence:
        say(console, sources)
    for sentence in run.summary["headlines"]:
        say(console, plain(sentence))
    for note in _remarks(run):
        say(console, f"Note: {note}")
    say(console, regression_sentence(run), style="green" if run.summary["passed"] else "bold red")
    say(console, f"Run directory: {run.path} (begin with report.md)")


def comparisons_of(run: Run) -> pd.DataFrame:
    """Return the comparisons table of a run without intersections of too few people: their numbers are of persons."""
    comparisons = run.optional(COMPARISONS)
    if comparisons is None:
        return pd.DataFrame()
    crossed = comparisons["dimension"].astype(str).str.contains(AND, regex=False)
    few = crossed & (comparisons["measure"] == SLICE_WER) & (comparisons["verdict"] == INSUFFICIENT)
    return comparisons[~few]


def regression_sentence(run: Run) -> str:
    """Say in one sentence whether a regression was found."""
    summary = run.summary
    judged = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary["verdicts"].items() if count)
    name, broken = plain(summary["policy"]), summary["regressions"]
    found = [f"{len(broken)} regression{'' if len(broken) == 1 else 's'} of at least the margin"] if broken else []
    if summary["max_failed_exceeded"]:
        n_failed = mapping(summary["n_failed"])
        several = f"{n_failed['baseline']} and {n_failed['candidate']} of {summary['n_utterances']}"
        found.append(f"{several} clips failed, more than allowed")
    if found:
        return f"Policy {name}: VIOLATED by {' and '.join(found)} ({judged})."
    if not summary["n_tested"]:
        return f"Policy {name}: not violated, but NOTHING COULD BE TESTED ({judged})."
    if not summary["fails_on_regression"]:
        return f"Policy {name}: fails on no regression ({judged})."
    return f"Policy {name}: held ({judged}); no regression seen at this sample size is not the same as none."


def _how_to_read(run: Run) -> str:
    summary, policy = run.summary, mapping(run.facts["policy"])
    return (
        "Differences are candidate less baseline, in points: below 0 the candidate is better. "
        f"{summary['n_utterances']} utterances of {summary['n_speakers']} speakers, heard by both. "
        f"{100 * summary['confidence']:g} % intervals and tests are over speakers; p-values are corrected over "
        f"{summary['n_tested']} tests ({policy['correction']}, level {policy['alpha']:g}), intervals are for one "
        "measure alone. The largest gap is the highest less the lowest WER of the slices with enough people. Equal is "
        f"what lies within {100 * summary['margin']:g} points; a regression is worse by at least that."
    )


def _section(dimension: object, part: pd.DataFrame) -> str:
    header = ("measure", "baseline", "candidate", "difference", "interval", "p adj.", "verdict", "reason")
    title = "Overall" if dimension == OVERALL else f"By {escape(dimension)}"
    return f"### {title}\n\n" + table(header, [(*_cells(row), row["reason"]) for row in _records(part)])


def _cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    """Return measure, both numbers, difference, interval, corrected p and verdict as texts."""
    numbers: Iterable[str]
    if row["measure"] == MAPSSWE:  # errors, not fractions
        values = (row["baseline"], row["candidate"])
        bounds = (row["difference_low"], row["difference_high"])
        numbers = (
            *("–" if pd.isna(value) else f"{value:.3f}" for value in values),
            "–" if pd.isna(row["difference"]) else f"{row['difference']:+.3f}",
            "–" if pd.isna(bounds[0]) else f"{bounds[0]:+.3f} to {bounds[1]:+.3f}",
        )
    else:
        written = points if row["measure"] == MAX_GAP else percent
        numbers = (
            *(written(row[name]).lstrip("+") for name in ("baseline", "candidate")),
            points(row["difference"]),
            gap_interval(row["difference_low"], row["difference_high"]),
        )
    p_adjusted = "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}"
    name = plain(row["slice"]) if row["measure"] == SLICE_WER else _MEASURES[row["measure"]]
    return name, *numbers, p_adjusted, row["verdict"].replace("_", " ")


def _screen_table(run: Run, shown: pd.DataFrame, *, width: int) -> Table:
    summary = run.summary
    title = f"{plain(summary['candidate'])} against {plain(summary['baseline'])}; differences in points, < 0: better"
    columns = [
        Column("dimension", is_name=True),
        Column("measure or slice", is_name=True),
        *map(Column, ("baseline", "candidate", "difference")),
        Column(f"{100 * summary['confidence']:g} % interval", missed=2),
        Column("p adj.", missed=1),
        Column("verdict", is_word=True),
    ]
    records = _records(shown)
    rows = [(plain(row["dimension"]), *_cells(row)) for row in records]
    styles = [_STYLES.get(row["verdict"], "") for row in records]
    return grid(title, columns, rows, width=width, styles=styles)


def _shown(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to print: what is not a slice, and the slices that differ most, in the table's order."""
    is_slice = comparisons["measure"] == SLICE_WER
    tested = comparisons[is_slice & (comparisons["verdict"] != INSUFFICIENT)]
    room = max(0, MAX_ROWS - int((~is_slice).sum()))
    most = tested["difference"].abs().sort_values(ascending=False, kind="stable").index[:room]
    return comparisons[~is_slice | comparisons.index.isin(most)]


def _remarks(run: Run) -> list[str]:
    summary = run.summary
    n_failed, told = mapping(summary["n_failed"]), [plain(note) for note in summary["notes"]]
    if any(n_failed.values()):
        counted = str(summary["failures_count_as"]).replace("_", " ")
        told.append(f"Clips that failed, counted as {counted}: {n_failed['baseline']} and {n_failed['candidate']}.")
    return told


def _sources(run: Run) -> Sources:
    """Return who says so of the attributes that were compared in; both runs have the same values of them."""
    return Sources.of_manifest(mapping(run.facts["baseline"]).get("manifest"))


def _provenance(run: Run) -> str:
    facts = run.facts
    sources = [
        (name, f"run {mapping(facts[name])['name']}, scores {str(mapping(facts[name])['scores_digest'])[:16]}")
        for name in ("baseline", "candidate")
    ]
    lines = [
        *sources,
        ("normaliser", facts["normalizer"]),
        *made_lines(facts),
    ]
    return "\n".join(f"- {name}: {escape(value)}" for name, value in lines)


def _records(part: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return part.to_dict("records")
