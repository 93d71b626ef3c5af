"""What was exported in, a sentence on screen out."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.report.grids import console_on
from harness.report.sentences import say
from harness.report.wording import plain


@dataclass(frozen=True, slots=True)
class Exported:
    """Says what was exported.

    Attributes:
        format: Its name.
        path: The folder.
        files: That were written in it.
        n_rows: Utterances, or utterances under conditions.
        notes: What must be said of what was left out.
    """

    format: str
    path: Path
    files: tuple[Path, ...]
    n_rows: int
    notes: tuple[str, ...] = ()


def show_exported(exported: Exported, out: IO[str]) -> None:
    """Print what was written, and where."""
    console = console_on(out)
    say(console, plain(f"{exported.n_rows:,} rows written for {exported.format}:"))
    for path in exported.files:
        say(console, plain(f"  {path}"))
    for note in exported.notes:
        say(console, plain(f"Note: {note}"))
