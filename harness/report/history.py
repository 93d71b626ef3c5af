"""What `harness history` found in; its table, newest first, and what it leaves out on screen out."""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import pandas as pd
from rich.console import Console
from rich.table import Table

from harness.report.board_trends import system_of
from harness.report.grids import Column, grid
from harness.report.sentences import say
from harness.report.wording import gap_interval, percent, plain, points, rate_interval
from harness.results.history import History

Row: TypeAlias = Mapping[Hashable, Any]

_WIDTH = 100  # columns, where standard output is no terminal, and at most
_MOST_LEFT_OUT = 5  # named on screen; the board names more
_STANDINGS = {"held": "held", "violated": "VIOLATED", "untested": "nothing tested", "judges_nothing": "fails nothing"}
_STYLES = {"violated": "bold red", "disparity": "bold red", "advantage": "green", "insufficient": "dim"}
_RUNS = (
    Column("finished", is_word=True),
    Column("manifest", is_name=True),
    Column("system", is_name=True, least=12),
    Column("WER"),
    Column("interval", missed=2),
    Column("gap"),
    Column("of", is_name=True, missed=1),
    Column("policy", is_word=True),
)
_SLICES = (
    Column("finished", is_word=True),
    Column("manifest", is_name=True, missed=0),
    Column("system", is_name=True, least=12),
    Column("dimension", is_name=True, missed=1),
    Column("slice", is_name=True, least=10),
    Column("people"),
    Column("WER"),
    Column("gap"),
    Column("interval", missed=2),
    Column("verdict", is_word=True),
)
_BROKEN = "≠"  # beside a number that cannot be compared with the run before


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """Is what `harness history` answers.

    Attributes:
        history: What is left of the history after the choices.
        shown: The rows that are printed, newest first: of runs, or of slices where slices were asked for.
        of_slices: Whether they are of slices.
        n_rows: How many there are in all.
        files: What was written.
    """

    history: History
    shown: pd.DataFrame
    of_slices: bool
    n_rows: int
    files: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """Return where the history lies."""
        return self.files[0] if self.files else self.history.roots[0]


def show_history(answer: HistoryAnswer, out: IO[str]) -> None:
    """Print the rows, then what they do not say."""
    width = min(_WIDTH, Console(file=out).width) if out.isatty() else _WIDTH
    console = Console(file=out, highlight=False, width=width)
    if len(answer.shown):
        console.print((_slices if answer.of_slices else _runs)(answer.shown, width=width))
    if answer.n_rows > len(answer.shown):
        say(console, f"… and {answer.n_rows - len(answer.shown):,} older; last={answer.n_rows} shows all")
    say(console, _sentence(answer))
    for sentence in [*_breaks(answer.shown), *_left_out(answer.history)]:
        say(console, f"Note: {sentence}")
    for file in answer.files:
        say(console, f"Written: {file}")


def _runs(rows: pd.DataFrame, *, width: int) -> Table:
    records = rows.to_dict("records")
    cells = [
        (
            f"{row['finished']:%Y-%m-%d %H:%M}",
            plain(row["manifest"]),
            system_of(row),
            _marked(row) + percent(row["wer"]),
            rate_interval(row["wer_low"], row["wer_high"]),
            points(row["gap"]),
            plain(row["gap_slice"]) or "–",
            _STANDINGS[row["held"]],
        )
        for row in records
    ]
    styles = [_STYLES.get(row["held"], "") for row in records]
    return grid("Runs, newest first; times are UTC, gaps in points", _RUNS, cells, width=width, styles=styles)


def _slices(rows: pd.DataFrame, *, width: int) -> Table:
    records = rows.to_dict("records")
    cells = [
        (
            f"{row['finished']:%Y-%m-%d %H:%M}",
            plain(row["manifest"]),
            system_of(row),
            plain(row["dimension"]),
            plain(row["slice"]),
            f"{row['n_speakers']:.0f}",
            _marked(row) + percent(row["wer"]),
            points(row["gap"]),
            gap_interval(row["gap_low"], row["gap_high"]),
            _verdict(row).replace("_", " ") or "–",
        )
        for row in records
    ]
    styles = [_STYLES.get(_verdict(row), "") for row in records]
    return grid("Slices, newest first; times are UTC, gaps in points", _SLICES, cells, width=width, styles=styles)


def _marked(row: Row) -> str:
    return f"{_BROKEN} " if row["changed"] else ""


def _verdict(row: Row) -> str:
    return plain(row["verdict"]) if isinstance(row["verdict"], str) else ""


def _sentence(answer: HistoryAnswer) -> str:
    """Say what there is in all."""
    runs, roots = answer.history.runs, ", ".join(str(root) for root in answer.history.roots)
    if runs.empty:
        return f"No finished run in {roots}."
    n_systems, n_manifests = runs["system"].nunique(), runs["manifest"].nunique()
    of = f"{_number(n_systems, 'system')} on {_number(n_manifests, 'manifest')}"
    return f"{_number(len(runs), 'run')} of {of} in {roots}."


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _breaks(rows: pd.DataFrame) -> list[str]:
    """Say where numbers cannot be compared with those before."""
    changed = rows[rows["changed"] != ""].drop_duplicates("run") if len(rows) else rows
    return [
        f"{_BROKEN} {row['finished']:%Y-%m-%d %H:%M} {system_of(row)} on {plain(row['manifest'])}: not comparable with "
        f"the run before ({row['changed']} changed)"
        for row in changed.to_dict("records")
    ]


def _left_out(history: History) -> list[str]:
    """Say which folders are left out, and of some why."""
    if not history.left_out:
        return []
    counts = Counter(each.kind.value for each in history.left_out)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    named = [f"{each.path}: {plain(each.reason)}" for each in history.left_out[:_MOST_LEFT_OUT]]
    return [f"left out: {kinds}", *named]
