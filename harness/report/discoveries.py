"""The run directory of a search in, its report and its table on screen out: what was found, and who was not assessable.

No number is computed here, only shown.
"""

from collections.abc import Hashable, Mapping
from typing import IO, Any

import pandas as pd
from rich.text import Text

from harness.fairness.membership import AND
from harness.report.grids import Column, console_on, grid
from harness.report.sources import Sources
from harness.report.tables import escape, table
from harness.report.wording import gap_interval, mapping, percent, plain, points
from harness.results import Run
from harness.results.run import REPORT

DISCOVERIES, NOT_ASSESSABLE = "discoveries.csv", "not_assessable.csv"
MOST_SHOWN = 50  # rows of the slices that are not assessable; all are in the file
_HEADER = ("dimension", "slice", "people", "WER", "others", "gap", "interval", "p adj.", "in the search", "reason")
_ON_SCREEN = (
    *(Column(name, is_name=True) for name in _HEADER[:2]),
    *map(Column, _HEADER[2:4]),
    Column("others", missed=2),
    Column("gap"),
    Column("interval", missed=4),
    Column("p adj.", missed=3),
    Column("in the search", missed=1),
    Column("confirmed", is_word=True),
)
_HALVES = (
    "WER, gap, interval and p are those of the validation half: speakers that the search did not see. In the discovery "
    "half, where it looked for the worst, the gap is the largest of many and overstates. Others are everybody else who "
    "declared a value of each attribute; p-values are corrected over the candidates (Holm)."
)
_UNSEEN = "A slice that is not here was not detected at this sample size, which is not the same as none."


def write_discoveries(run: Run) -> None:
    """Write `report.md` from the files of the run."""
    run.write_text(REPORT, render(run))


def render(run: Run) -> str:
    """Return the report as Markdown; every text from data is escaped."""
    facts, candidates = run.facts, _read(run, DISCOVERIES)
    found = candidates["confirmed"].astype(bool)
    sections = [
        f"# What a search finds in {escape(_subject(facts))}",
        f"**{escape(sentence(run))}**",
        "\n".join(f"- {escape(note)}" for note in run.summary["notes"]),
        f"{_HALVES} {_UNSEEN}",
        _part("## Confirmed", candidates[found]),
        _part("## Proposed by the search, not confirmed", candidates[~found]),
        _not_assessable(run),
        "## How this was made\n\n" + _provenance(facts),
    ]
    sources = Sources.of_manifest(facts["manifest"])
    return "\n\n".join(sources.under(section) for section in sections if section) + "\n"


def show_discoveries(run: Run, out: IO[str]) -> None:
    """Print the candidates of a run, in the order of the search, and what was found."""
    console = console_on(out)
    candidates = _read(run, DISCOVERIES)
    if not candidates.empty:
        records = candidates.to_dict("records")
        verdicts = ["confirmed" if row["confirmed"] else "no" for row in records]
        rows = [(*map(plain, _cells(row)[:-1]), verdict) for row, verdict in zip(records, verdicts, strict=True)]
        styles = ["bold red" if row["confirmed"] else "" for row in records]
        title = "Slices that the search proposed; gaps in points"
        console.print(grid(title, _ON_SCREEN, rows, width=console.width, styles=styles))
    said = Sources.of_manifest(run.facts["manifest"]).sentence
    for line in (*([said] if said else []), sentence(run), *(f"Note: {plain(note)}" for note in run.summary["notes"])):
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"Run directory: {run.path} (begin with report.md)"), soft_wrap=True)


def sentence(run: Run) -> str:
    """Say in one sentence what was searched and what was found."""
    summary = run.summary
    searched = (
        f"{summary['n_assessed']} slices of {summary['n_dimensions']} dimensions searched among "
        f"{summary['n_discovery_speakers']} speakers, {summary['n_candidates']} tested on "
        f"{summary['n_validation_speakers']} others"
    )
    found = f"{summary['n_confirmed']} confirmed, {summary['n_beyond_margin']} of them by at least the policy's margin"
    unseen = f"{summary['n_not_assessable']} slices have too few people for a statement"
    broken = "" if summary["passed"] else f" Policy {plain(summary['policy'])}: VIOLATED."
    return f"{searched}: {found}. {unseen}.{broken}"


def _part(title: str, candidates: pd.DataFrame) -> str:
    rows = [_cells(row) for row in candidates.to_dict("records")]
    return f"{title}\n\n" + (table(_HEADER, rows) if rows else "None.")


def _cells(row: Mapping[Hashable, Any]) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        row["n_speakers"],
        percent(row["wer"]),
        percent(row["outside_wer"]),
        points(row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        f"{row['p_adjusted']:.3f}",
        f"{points(row['discovery_gap'])} ({row['discovery_n_speakers']})",
        row["reason"],
    )


def _not_assessable(run: Run) -> str:
    """Return the slices of single attributes that have too few people, as many as one reads, and count the others."""
    small = _read(run, NOT_ASSESSABLE)
    title = "## Not assessable\n\nToo few people for a statement, which is not the same as no gap."
    if small.empty:
        return "## Not assessable\n\nEvery slice that occurs has enough people."
    single = small[~small["dimension"].str.contains(AND, regex=False)]
    rows = single[["dimension", "slice", "n_speakers", "reason"]].head(MOST_SHOWN).itertuples(index=False)
    left_out, n_crossed = len(single) - MOST_SHOWN, len(small) - len(single)
    more = f"\n\n… and {left_out} more rows in {NOT_ASSESSABLE}" if left_out > 0 else ""
    more += f"\n\nIntersections of too few people, of whom nothing is printed: {n_crossed:,}." if n_crossed else ""
    return f"{title}\n\n{table(('dimension', 'slice', 'people', 'reason'), list(rows))}{more}"


def _provenance(facts: Mapping[str, Any]) -> str:
    source = mapping(facts["run"])
    lines = [
        ("run", f"{source['name']}, digest of its scores {str(source['scores_digest'])[:16]}"),
        ("searched", ", ".join(Sources.of_manifest(facts["manifest"]).named(name) for name in facts["searched"])),
        ("search", ", ".join(f"{name} {value}" for name, value in mapping(facts["options"]).items())),
        ("halves", f"by SHA-256 of the speaker id, salt {facts['halves']!r}: the same for every run"),
        ("made", f"{facts['finished']} on {facts['platform']}, Python {facts['python']}"),
        ("harness", f"{mapping(facts['versions'])['asr-fairness-harness']}, commit {facts['commit'] or 'unknown'}"),
        ("seed", facts["seed"]),
    ]
    return "\n".join(f"- {name}: {escape(value)}" for name, value in lines)


def _subject(facts: Mapping[str, Any]) -> str:
    backend = mapping(facts.get("backend")).get("name") or mapping(facts.get("hypotheses")).get("file")
    manifest = mapping(facts["manifest"])["name"]
    return f"{manifest} through {backend}" if backend else str(manifest)


def _read(run: Run, name: str) -> pd.DataFrame:
    """Read a table of the run; only an empty cell is missing, a slice may be called `NA`."""
    texts = dict.fromkeys(("dimension", "slice", "reason"), str)
    return pd.read_csv(run.path / name, keep_default_na=False, na_values=[""], dtype=texts)
