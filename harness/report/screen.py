"""A run directory in, the table on screen out: slices by gap, intervals, speakers, verdicts, and the policy's line."""

from typing import IO

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.fairness.membership import AND
from harness.report.conditions import under_conditions
from harness.report.conditions_screen import condition_lines, harms_table, term_lines
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.shown import ShownRun, withheld
from harness.report.sources import Sources
from harness.report.speed import speed_sentence
from harness.report.terms import words_that_matter
from harness.report.wording import (
    gap_interval,
    overall,
    percent,
    plain,
    points,
    policy_sentence,
    promise_sentence,
    remarks,
)
from harness.results import Run
from harness.results.run import HTML, REPORT

MAX_ROWS = 30  # more than a screen or two is read in disparities.csv
_STYLES = {"disparity": "bold red", "advantage": "green", "within_margin": "green", "insufficient": "dim"}


def show(run: Run, out: IO[str]) -> None:
    """Print the verdicts of a run, worst first, and whether the policy held."""
    console, run = console_on(out), ShownRun(run.path)
    console.print(_table(run, width=console.width))
    left_out = len(run.disparities) - len(_shown(run.disparities))
    if left_out:
        say(console, f"… and {left_out} more slices in disparities.csv and report.md")
    if sources := Sources.of_manifest(run.facts["manifest"]).sentence:
        say(console, sources)
    _show_conditions(run, console)
    say(console, overall(run))
    if speed := speed_sentence(run):
        say(console, speed)
    say(console, promise_sentence(run))
    for remark in (*withheld(run), *remarks(run)):
        say(console, f"Note: {remark}")
    say(console, policy_sentence(run), style="green" if run.summary["passed"] else "bold red")
    say(console, f"Run directory: {run.path} (begin with {opened_first(run)})")


def _show_conditions(run: Run, console: Console) -> None:
    """Print what conditions add, where a run has some, and what became of terms, where they were counted."""
    under = under_conditions(run)
    if under is not None and (harms := harms_table(under, width=console.width)) is not None:
        console.print(harms)
    lines = [*(condition_lines(under) if under is not None else []), *term_lines(words_that_matter(run))]
    for line in lines:
        say(console, line)


def _table(run: Run, *, width: int) -> Table | Text:
    if run.disparities.empty:
        return Text("No slice could be compared: no attribute has two declared values.")
    speakers = run.slices.set_index(["dimension", "slice"])["n_speakers"]
    columns = [
        Column("dimension", is_name=True),
        Column("slice", is_name=True),
        *map(Column, ("people", "WER", "gap")),
        Column(f"{100 * run.summary['confidence']:g} % interval", missed=3),
        Column("p adj.", missed=2),
        Column("verdict", is_word=True),
        Column("against", is_name=True, missed=1, least=len("rest 100.0 %")),
    ]
    records = _shown(run.disparities).to_dict("records")
    rows = [
        (
            plain(row["dimension"]),
            plain(row["slice"]),
            str(speakers[row["dimension"], row["slice"]]),
            percent(row["wer"]),
            points(row["gap"]),
            gap_interval(row["gap_low"], row["gap_high"]),
            "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}",
            row["verdict"].replace("_", " "),
            f"{plain(row['comparator'])} {percent(row['comparator_wer'])}",
        )
        for row in records
    ]
    styles = [_STYLES.get(row["verdict"], "") for row in records]
    return grid("Slices by gap, worst first; gaps in points", columns, rows, width=width, styles=styles)


def _shown(disparities: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to print, by falling gap: every attribute, and the intersections where a gap was found."""
    crossed = disparities["dimension"].str.contains(AND, regex=False)
    found = disparities["verdict"].isin(["disparity", "advantage"])
    worth = disparities[~crossed | found].sort_values("gap", ascending=False, kind="stable", na_position="last")
    return worth.head(MAX_ROWS)


def opened_first(run: Run) -> str:
    """Name the file to begin with: the page, where there is one."""
    return HTML if (run.path / HTML).is_file() else REPORT
