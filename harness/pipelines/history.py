"""Folders with run directories in; their runs over time, a file of them and the board out. Nothing is measured."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from harness.errors import StorageError, UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.report.board import write_board
from harness.report.history import HistoryAnswer
from harness.results.history import History, Where, read_history
from harness.results.sharing.tables import defused
from harness.transcription.progress import stage

_SUFFIXES = (".csv", ".parquet")
_KEY = ["run", "dimension", "slice"]
_OF_RUNS = ["run", "finished", "manifest", "condition", "system", "series", "changed", "path"]


@dataclass(frozen=True, kw_only=True)
class HistoryJob:
    """Holds what `harness history` needs, as ordinary objects.

    Attributes:
        runs: Folders with run directories, at any depth.
        where: Which part is wanted.
        last: How many rows, the newest first.
        board: Folder that the board is written to, of everything found; None: it is not.
        out: File that the rows are written to, CSV or Parquet; None: they are not.
    """

    runs: tuple[Path, ...]
    where: Where = field(default_factory=Where)
    last: int = 20
    board: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        if not self.runs:
            raise UsageError("runs is empty; expected a folder with run directories, e.g. runs=runs")
        if self.last < 1:
            raise UsageError(f"last={self.last}; expected 1 or more.")
        if self.out is not None and self.out.suffix not in _SUFFIXES:
            raise UsageError(f"out={self.out}: expected a file whose name ends in {' or '.join(_SUFFIXES)}.")


@dataclass(frozen=True, slots=True)
class HistoryOutcome:
    """Says what was found, and how the command ends."""

    answer: HistoryAnswer
    exit_status: int = EXIT_WITHIN_POLICY


def history(job: HistoryJob) -> HistoryOutcome:
    """Read the history, and write what was asked for.

    Raises:
        UsageError: A folder is not there, or a name fits nothing.
        StorageError: A file cannot be written.
    """
    with stage("reading runs"):
        found = read_history(job.runs)
    with stage("drawing the board"):
        files = [] if job.board is None else [write_board(found, job.board)]
    part = found.where(job.where) if len(found.runs) else found
    rows = slices_over_time(part) if job.where.of_slices else part.runs
    newest = rows.iloc[::-1].reset_index(drop=True)
    shown = newest.head(job.last)
    if job.out is not None:
        _write(job.out, shown)
        files.append(job.out)
    return HistoryOutcome(HistoryAnswer(part, shown, job.where.of_slices, len(newest), tuple(files)))


def slices_over_time(history: History) -> pd.DataFrame:
    """Return a row a run and slice, oldest run first: its WER, and its gap and verdict where it has them."""
    slices, gaps = (part.drop_duplicates(_KEY) for part in (history.slices, history.gaps))
    joined = slices.merge(gaps, on=_KEY, how="left", validate="one_to_one")
    return joined.merge(history.runs[_OF_RUNS], on="run", validate="many_to_one")


def _write(file: Path, rows: pd.DataFrame) -> None:
    """Write rows whole or not at all; in CSV no text is one that a spreadsheet program takes for a formula.

    Raises:
        StorageError: The disk is full or the folder is not writable.
    """
    told = {"sources": rows["sources"].map(_sources)} if "sources" in rows else {}
    plain = rows.assign(path=rows["path"].map(str), **told).drop(columns="violations", errors="ignore")
    part = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        if file.suffix == ".parquet":
            plain.to_parquet(part, index=False)
        else:
            plain.map(lambda cell: defused(cell) if isinstance(cell, str) else cell).to_csv(
                part, index=False, lineterminator="\n"
            )
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"out={file}: cannot write ({error.strerror or error}). Choose another file.") from error


def _sources(told: Sequence[tuple[str, str]]) -> str:
    """Return who says so of each attribute, as one text."""
    return "; ".join(f"{name}: {source}" for name, source in told)
