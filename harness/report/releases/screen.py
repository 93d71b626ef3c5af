"""A release that was written in, its table and what it cost on screen out."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.report.grids import Column, console_on, grid
from harness.report.releases import words
from harness.report.sentences import say
from harness.report.wording import how_many, plain
from harness.results.releases.record import PAGE, Release

MOST_ROWS = 40
_PRIVATE = (
    Column("dimension", is_name=True),
    Column("slice", is_name=True),
    Column("WER"),
    Column("interval", missed=2),
    Column("expected error"),
    Column("people", missed=1),
)
_EXACT = (
    Column("dimension", is_name=True),
    Column("slice", is_name=True),
    Column("WER"),
    Column("interval", missed=2),
    Column("people"),
    Column("utterances", missed=1),
    Column("words", missed=0),
)


@dataclass(frozen=True, slots=True)
class ReleaseWritten:
    """Says what was written.

    Attributes:
        path: The folder.
        release: What is in it.
        ledger: Where it is written down.
        notes: What the owner must know.
    """

    path: Path
    release: Release
    ledger: Path
    notes: tuple[str, ...] = ()


def show_release(written: ReleaseWritten, out: IO[str]) -> None:
    """Print the table, what it promises, what is left and where it is."""
    console, release = console_on(out), written.release
    rows = [tuple(cell[0] for cell in row) for row in words.rows(release)]
    columns = _PRIVATE if release.is_private else _EXACT
    console.print(grid(plain(words.title(release)), columns, rows[:MOST_ROWS], width=console.width))
    if len(rows) > MOST_ROWS:
        say(console, f"… and {how_many(len(rows) - MOST_ROWS, 'more row')} in {PAGE}")
    told = [words.lede(release), words.counts(release), *words.promise(release), words.budget(release)]
    for text in told:
        if text:
            say(console, text)
    for note in written.notes:
        say(console, plain(f"Note: {note}"))
    say(console, plain(f"Written down in {written.ledger}: keep it, and keep it to yourself."))
    say(console, plain(f"May be published: {written.path} (begin with {PAGE})"))
