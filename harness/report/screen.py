"""A run directory in, the table on screen out: slices by gap, intervals, speakers, verdicts, and the policy's line."""

from typing import IO

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.fairness.membership import AND
from harness.report.sentences import say
from harness.report.speed import speed_sentence
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

MAX_ROWS = 30  # more than a screen or two is read in disparities.csv
_STYLES = {"disparity": "bold red", "advantage": "green", "within_margin": "green", "insufficient": "dim"}
_WIDE = 110  # columns; below, the interval, p and comparator are left to the report
_PIPED_WIDTH = 140  # columns when standard output is no terminal


def show(run: Run, out: IO[str]) -> None:
    """Print the verdicts of a run, worst first, and whether the policy held."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else _PIPED_WIDTH)
    console.print(_table(run, narrow=console.width < _WIDE))
    left_out = len(run.disparities) - len(_shown(run.disparities))
    if left_out:
        say(console, f"… and {left_out} more slices in disparities.csv and report.md")
    say(console, overall(run))
    if speed := speed_sentence(run):
        say(console, speed)
    say(console, promise_sentence(run))
    for remark in remarks(run):
        say(console, f"Note: {remark}")
    say(console, policy_sentence(run), style="green" if run.summary["passed"] else "bold red")
    say(console, f"Run directory: {run.path} (begin with report.md)")


def _table(run: Run, *, narrow: bool) -> Table | Text:
    if run.disparities.empty:
        return Text("No slice could be compared: no attribute has two declared values.")
    speakers = run.slices.set_index(["dimension", "slice"])["n_speakers"]
    interval = f"{100 * run.summary['confidence']:g} % interval"
    table = Table(title="Slices by gap, worst first; gaps in points", title_justify="left")
    for name in ("dimension", "slice"):
        table.add_column(name, overflow="fold", min_width=8)
    for name in ("people", "WER", "gap") if narrow else ("people", "WER", "gap", interval, "p adj."):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    if not narrow:
        table.add_column("against", overflow="fold")
    for row in _shown(run.disparities).to_dict("records"):
        p_adjusted = "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}"
        evidence = (gap_interval(row["gap_low"], row["gap_high"]), p_adjusted)
        against = f"{plain(row['comparator'])} {percent(row['comparator_wer'])}"
        cells = (
            plain(row["dimension"]),
            plain(row["slice"]),
            str(speakers[row["dimension"], row["slice"]]),
            percent(row["wer"]),
            points(row["gap"]),
            *(() if narrow else evidence),
            row["verdict"].replace("_", " "),
            *(() if narrow else (against,)),
        )
        table.add_row(*(Text(cell, style=_STYLES.get(row["verdict"], "")) for cell in cells))
    return table


def _shown(disparities: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to print, by falling gap: every attribute, and the intersections where a gap was found."""
    crossed = disparities["dimension"].str.contains(AND, regex=False)
    found = disparities["verdict"].isin(["disparity", "advantage"])
    worth = disparities[~crossed | found].sort_values("gap", ascending=False, kind="stable", na_position="last")
    return worth.head(MAX_ROWS)
