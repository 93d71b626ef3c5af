"""The run directory of a plan in, its report and its table on screen out: what can be shown, and how many it takes.

No number is computed here, only shown.
"""

from collections.abc import Hashable, Mapping
from typing import IO, Any

import pandas as pd
from rich.text import Text

from harness.fairness.planning import EQUAL_GROUPS
from harness.report.grids import Column, console_on, grid
from harness.report.shown import few_sentence, without_few
from harness.report.sources import Sources
from harness.report.tables import escape, table
from harness.report.wording import mapping, percent, plain, points
from harness.results import Run
from harness.results.few import floor_of
from harness.results.run import REPORT

PLAN = "plan.csv"
MAX_ROWS = 30  # on screen; plan.csv has all
_HEADER = ("dimension", "slice", "people", "words each", "WER assumed", "speaker CV", "gap found", "chance", "needed")
_MISSED = {"speaker CV": 1, "words each": 2, "WER assumed": 3}  # on a narrow terminal, least first
_GROUPS_HEADER = ("people in each", "words each", "gap found", "chance")
_SOURCES = {
    "groups": "Nothing is recorded yet: everything is assumed.",
    "manifest": "Speakers and words are those of the manifest; the WER and how much speakers differ are assumed.",
    "run": "WER, and how much speakers differ, are estimated from the run's scores where speakers are enough.",
}


def write_plan(run: Run) -> None:
    """Write `report.md` from the files of the run."""
    run.write_text(REPORT, render_plan(run))


def render_plan(run: Run) -> str:
    """Return the report as Markdown; every text from data is escaped."""
    groups, slices = _parts(run)
    sections = [
        f"# What {escape(run.summary['name'])} can show",
        f"**{escape(plan_sentence(run))}**",
        "\n".join(f"- {escape(note)}" for note in _notes(run)),
        escape(_assumptions(run)),
        "## Two equal groups\n\n" + table(_GROUPS_HEADER, [_group_cells(row) for row in groups.to_dict("records")]),
        _slices(slices, run),
        "## How to read this\n\n" + escape(_how_to_read(run)),
        "## How this was made\n\n" + _provenance(run),
    ]
    sources = Sources.of_manifest(run.facts.get("manifest"))
    return "\n\n".join(sources.under(section) for section in sections if section) + "\n"


def show_plan(run: Run, out: IO[str]) -> None:
    """Print what slices, or two equal groups, can show, and how many people it takes."""
    console = console_on(out)
    groups, slices = _parts(run)
    rows = [_slice_cells(row) for row in slices.to_dict("records")]
    header = _HEADER if rows else _GROUPS_HEADER
    rows = rows or [_group_cells(row) for row in groups.to_dict("records")]
    title = f"Gaps in points that are found with {_chance(run.summary['power'])} probability"
    columns = [Column(name, is_name=name in _HEADER[:2], missed=_MISSED.get(name)) for name in header]
    shown = [tuple(map(plain, row)) for row in rows[:MAX_ROWS]]
    console.print(grid(title, columns, shown, width=console.width))
    more = [f"… and {len(rows) - MAX_ROWS} more rows in {PLAN} and report.md"] if len(rows) > MAX_ROWS else []
    said = Sources.of_manifest(run.facts.get("manifest")).sentence
    notes = [*([said] if said else []), *(f"Note: {plain(note)}" for note in _notes(run))]
    where = f"Run directory: {run.path} (begin with report.md)"
    for line in (*more, *notes, plain(_assumptions(run)), plain(plan_sentence(run)), where):
        console.print(Text(line), soft_wrap=True)


def plan_sentence(run: Run) -> str:
    """Say in one sentence how many it takes, and how many slices have them."""
    summary = run.summary
    planned, many = summary["n_speakers_needed_each"]
    asked = f"a gap of {_unsigned(summary['gap_asked'])} points with {_chance(summary['power'])} probability"
    each = f"{_people(planned['n_speakers'])} in each of two equal groups, {_people(many['n_speakers'])} if they said "
    each += f"{many['words_per_speaker'] / planned['words_per_speaker']:.0f} times as much"
    if not summary["n_slices"]:
        return f"To show {asked} takes {each}."
    enough = f"{summary['n_slices_enough']} of {summary['n_slices']} slices have people enough to show {asked}"
    return f"{enough}. It takes {each}."


def _assumptions(run: Run) -> str:
    summary = run.summary
    return (
        f"{_SOURCES[summary['source']]} For two equal groups: WER {percent(summary['wer'])}, speaker CV "
        f"{summary['speaker_cv']:.2f}, dispersion {summary['dispersion']:.2f}, "
        f"{summary['words_per_speaker']:.0f} words each. {_tests(run)}"
    )


def _tests(run: Run) -> str:
    summary = run.summary
    if summary["n_comparisons"] == 1:
        return f"One comparison at level {summary['level']:.2g}."
    return (
        f"{summary['n_comparisons']} comparisons ({summary['correction']}): a p-value has to be below "
        f"{summary['level']:.2g}."
    )


def _slices(slices: pd.DataFrame, run: Run) -> str:
    if slices.empty:
        nothing = "No slice could be compared: no attribute has two declared values."
        return "" if run.summary["source"] == "groups" else f"## Slices\n\n{nothing}"
    rows = [(*_slice_cells(row), row["note"]) for row in slices.to_dict("records")]
    return "## Slices\n\n" + table((*_HEADER, "note"), rows)


def _slice_cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    needed = row["n_speakers_needed"]
    more = "" if pd.isna(needed) or needed <= row["n_speakers"] else f" ({needed - row['n_speakers']:.0f} more)"
    return (
        str(row["dimension"]),
        str(row["slice"]),
        f"{row['n_speakers']:.0f}",
        f"{row['words_per_speaker']:.0f}",
        percent(row["wer_assumed"]),
        f"{row['speaker_cv']:.2f}",
        _unsigned(row["detectable_gap"]),
        f"{_chance(row['power'])} for {_unsigned(row['gap_asked'])}",
        "–" if pd.isna(needed) else f"{needed:.0f}{more}",
    )


def _group_cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    return (
        f"{row['n_speakers']:.0f}",
        f"{row['words_per_speaker']:.0f}",
        _unsigned(row["detectable_gap"]),
        f"{_chance(row['power'])} for {_unsigned(row['gap_asked'])}",
    )


def _how_to_read(run: Run) -> str:
    return (
        "Gap found, in points: how much worse than its comparator a slice must be for the test to say so with "
        f"{_chance(run.summary['power'])} probability. Chance: of saying so if the slice is worse by the gap after it. "
        "Needed: people in the slice for that gap, its comparator as it is; – where no number of them is enough, or "
        "more than 100,000. A slice that is worse also varies more, which is counted. Beyond some hundred words each, "
        "more of the same people helps little: people differ. All of this is about people drawn as these were, and "
        "about gaps that exist; it says nothing about how large they are."
    )


def _provenance(run: Run) -> str:
    facts = run.facts
    source, options = mapping(facts["source"]), mapping(facts["options"])
    digest = source.get("manifest_digest") or source.get("scores_digest")
    lines = [
        ("planned", f"{source['kind']} {source['name']}" + (f", digest {str(digest)[:16]}" if digest else "")),
        ("options", ", ".join(f"{name} {value}" for name, value in options.items())),
        ("policy", f"{run.summary['policy']}, level {run.summary['alpha']:g}, {run.summary['correction']}"),
        ("made", f"{facts['finished']} on {facts['platform']}, Python {facts['python']}"),
        ("harness", f"{mapping(facts['versions'])['asr-fairness-harness']}, commit {facts['commit'] or 'unknown'}"),
    ]
    return "\n".join(f"- {name}: {escape(value)}" for name, value in lines)


def _parts(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of equal groups and those of slices that are not of few people."""
    rows = _rows(run)
    groups = rows["dimension"] == EQUAL_GROUPS
    return rows[groups], without_few(rows[~groups], floor_of(run.facts))


def _rows(run: Run) -> pd.DataFrame:
    """Return plan.csv; only empty cells are missing, a slice may be called `NA`."""
    texts = dict.fromkeys(("dimension", "slice", "note"), str)
    return pd.read_csv(run.path / PLAN, keep_default_na=False, na_values=[""], dtype=texts).fillna({"note": ""})


def _notes(run: Run) -> list[str]:
    """Return what a reader must know: what the plan says, and how many intersections are not printed."""
    rows, floor = _rows(run), floor_of(run.facts)
    withheld = few_sentence(len(rows) - len(without_few(rows, floor)), floor)
    return [*run.summary["notes"], *([withheld] if withheld else [])]


def _people(count: float | None) -> str:
    return "more than 100,000 people" if count is None else f"{count:,.0f} people"


def _chance(probability: float) -> str:
    return "> 99 %" if 0.99 < probability < 1 else f"{100 * probability:.0f} %"


def _unsigned(gap: float) -> str:
    return "> 100" if gap > 1 else points(gap).lstrip("+")
