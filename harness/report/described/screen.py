"""The run directory of a description in, its table on screen out: who is here, what it shows, what to do next."""

from typing import IO

import pandas as pd

from harness.report.described.cells import Row, counted, in_points, measured, rows_of
from harness.report.described.seen import NEXT, PAGE, PEOPLE, Seen
from harness.report.described.steps import sentence
from harness.report.described.words import corpus_sentence, gaps_sentence, notes_of
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.wording import plain
from harness.results import Run

MAX_ROWS, MAX_STEPS = 30, 12
_COLUMNS = (
    Column("dimension", is_name=True),
    Column("slice", is_name=True),
    Column("people"),
    Column("utterances", missed=2),
    Column("hours", missed=3),
    Column("words each", missed=1),
    Column("gap found"),
    Column("needed"),
)


def show_description(run: Run, out: IO[str]) -> None:
    """Print people and the smallest gap found of every slice, and what to do next."""
    console, seen = console_on(out), Seen(run)
    slices = seen.slices
    rows = [tuple(map(plain, _cells(row))) for row in rows_of(slices.head(MAX_ROWS))]
    if rows:
        title = f"Who is here, and gaps in points that are found with {100 * seen.summary['power']:.0f} % probability"
        console.print(grid(title, _COLUMNS, rows, width=console.width))
    if len(slices) > MAX_ROWS:
        say(console, f"… and {len(slices) - MAX_ROWS} more rows in {PEOPLE} and {PAGE}")
    if seen.sources.sentence:
        say(console, seen.sources.sentence)
    for note in notes_of(seen):
        say(console, f"Note: {note}")
    for row in rows_of(seen.steps.head(MAX_STEPS)):
        say(console, f"{row['place']}. {plain(sentence(row))}")
    if len(seen.steps) > MAX_STEPS:
        say(console, f"… and {len(seen.steps) - MAX_STEPS} more steps in {NEXT} and {PAGE}")
    say(console, plain(f"{corpus_sentence(seen)} {gaps_sentence(seen)}"))
    say(console, f"Run directory: {run.path} (begin with {PAGE})")


def _cells(row: Row) -> tuple[str, ...]:
    is_planned = not pd.isna(row["gap_asked"])
    return (
        str(row["dimension"]),
        str(row["slice"]),
        str(row["people_text"]),
        counted(row["n_utterances"])[0],
        measured(row["hours"])[0],
        counted(row["words_per_speaker"])[0],
        in_points(row["detectable_gap"])[0] if is_planned else "",
        counted(row["n_speakers_needed"])[0] if is_planned else "",
    )
