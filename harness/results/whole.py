"""A run in, whether its tables are those that a run writes out: what is checked before anything is built on them."""

from pathlib import Path

import pandas as pd

from harness.errors import RunDirectoryError
from harness.results.headlines import LeftOutError, columns_of, headline
from harness.results.history import TABLES, TEXT
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    DISPARITIES,
    MATCHED,
    METRICS,
    NORMALIZERS,
    SCORES,
    SLICES,
    SPEED,
    Run,
)

_SCORES = (  # columns that every comparison and every page begins with
    *("utterance_id", "speaker_id", "condition", "reference", "hypothesis"),
    *("hits", "substitutions", "deletions", "insertions", "failed", "audio_s", "processing_s"),
)
_KEY = ("dimension", "slice")
_BESIDE = {  # tables that not every run has: what their readers begin with, texts and numbers
    METRICS: ((*_KEY, "comparator", "metric"), ("value", "value_low", "value_high")),
    ADJUSTED: ((*_KEY, "comparator", "covariates", "note"), ("ratio", "ratio_low", "ratio_high", "n_speakers")),
    MATCHED: (
        (*_KEY, "comparator", "balanced", "note"),
        ("n_pairs", "raw_gap", "gap", "gap_low", "gap_high", "p_adjusted"),
    ),
    BALANCE: ((*_KEY, "covariate"), ("smd_before", "smd_after")),
    NORMALIZERS: ((*_KEY, "normalizer", "verdict"), ("wer", "gap", "gap_low", "gap_high", "edited_share")),
    SPEED: ((*_KEY, "note"), ("n_recognised", "audio_s", "processing_s", "rtfx", "latency_p50_s", "latency_p95_s")),
}
_LONGEST = 200  # characters of what a reader of Parquet says


def check_whole(run: Run) -> None:
    """Refuse a run whose facts, summary or tables are torn, or are not what a run of this harness writes.

    Raises:
        RunDirectoryError: One of them is; the message names it.
    """
    try:
        headline(run.path)
    except LeftOutError as error:
        raise RunDirectoryError(f"{run.path}: {error}. Make the run again.") from error
    check_tables(run)
    _check_beside(run)


def check_tables(run: Run) -> None:
    """Refuse a run, or a copy of its tables, where one of these is torn or another's.

    Raises:
        RunDirectoryError: One of them is; the message names it.
    """
    try:
        for name, kinds in TABLES.items():
            columns_of(run.path / name, list(kinds))
            numbers = [column for column, kind in kinds.items() if kind != TEXT]
            _check_numbers(run.path / name, run.slices if name == SLICES else run.disparities, numbers)
        pd.read_parquet(run.path / SCORES, columns=list(_SCORES))
    except LeftOutError as error:
        raise RunDirectoryError(f"{run.path}: {error}. Make the run again.") from error
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())[:_LONGEST]
        raise RunDirectoryError(f"{run.path / SCORES}: damaged ({told}). Make the run again.") from error


def _check_beside(run: Run) -> None:
    """Check the tables that a run may have: one that is another's would be a traceback, or be passed over."""
    try:
        for name, (texts, numbers) in _BESIDE.items():
            table = run.optional(name)
            if table is not None:
                columns_of(run.path / name, [*texts, *numbers])
                _check_numbers(run.path / name, table, list(numbers))
        if (run.path / NORMALIZERS).is_file():
            columns_of(run.path / DISPARITIES, ["normaliser_sensitive"])
    except LeftOutError as error:
        raise RunDirectoryError(f"{run.path}: {error}. Make the run again.") from error


def _check_numbers(file: Path, table: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        cells = table[column]
        if (pd.to_numeric(cells, errors="coerce").isna() & cells.notna()).any():
            raise RunDirectoryError(f"{file}: {column} has a cell that is no number. Make the run again.")
