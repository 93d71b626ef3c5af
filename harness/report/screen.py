"""A run directory in, the table on screen out: slices by gap, intervals, speakers, verdicts, and the policy's line."""

from typing import IO

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.fairness.membership import AND
from harness.report.wording import interval, overall, percent, plain, points, policy_sentence, remarks
from harness.results import Run

MAX_ROWS = 30  # more than a screen or two is read in disparities.csv
_STYLES = {"disparity": "bold red", "advantage": "green", "within_margin": "green", "insufficient": "dim"}
_PIPED_WIDTH = 140  # columns when standard output is no terminal


def show(run: Run, out: IO[str]) -> None:
    """Print the verdicts of a run, worst first, and whether the policy held."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else _PIPED_WIDTH)
    console.print(_table(run))
    left_out = len(run.disparities) - len(_shown(run.disparities))
    if left_out:
        console.print(
            Text(f"… and {left_out} more slices, most of them intersections, in disparities.csv and report.md")
        )
    summary = run.summary
    console.print(Text(overall(run)))
    for remark in remarks(run):
        console.print(Text(f"Note: {remark}"))
    console.print(Text(policy_sentence(run), style="green" if summary["passed"] else "bold red"))
    console.print(Text(f"Run directory: {run.path} (begin with report.md)"), soft_wrap=True)


def _table(run: Run) -> Table:
    speakers = run.slices.set_index(["dimension", "slice"])["n_speakers"]
    table = Table(title="Slices by gap, worst first; gaps in points", title_justify="left")
    for name in ("dimension", "slice"):
        table.add_column(name, overflow="fold")
    for name in ("speakers", "WER", "gap", "interval", "p adj."):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("against", overflow="fold")
    for row in _shown(run.disparities).to_dict("records"):
        cells = (
            plain(row["dimension"]),
            plain(row["slice"]),
            str(speakers[row["dimension"], row["slice"]]),
            percent(row["wer"]),
            points(row["gap"]),
            interval(row["gap_low"], row["gap_high"], of_points=True),
            "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}",
            row["verdict"].replace("_", " "),
            f"{plain(row['comparator'])} {percent(row['comparator_wer'])}",
        )
        table.add_row(*(Text(cell, style=_STYLES.get(row["verdict"], "")) for cell in cells))
    return table


def _shown(disparities: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to print, by falling gap: every attribute, and the intersections where a gap was found."""
    crossed = disparities["dimension"].str.contains(AND, regex=False)
    found = disparities["verdict"].isin(["disparity", "advantage"])
    worth = disparities[~crossed | found].sort_values("gap", ascending=False, kind="stable", na_position="last")
    return worth.head(MAX_ROWS)
