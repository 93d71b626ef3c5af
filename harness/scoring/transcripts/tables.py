"""Rows of cells go in, one a transcript, the frame that `score` reads comes out: what all tables have in common.

Every cell is read as text: `NA`, `null` and `nan` are words. A row that cannot be read is an error that names its
line, never a smaller corpus; the last, torn line of a file is such a row.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from harness.corpus.cells import shown
from harness.errors import HypothesesError, UsageError
from harness.transcription.store import CLEAN, COLUMNS

LONGEST_SHOWN = 200  # characters of a cell in a message
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
Row = tuple[int, Mapping[str, object]]  # the line it starts on, and the cells that it has, by our names of columns
TableRow = tuple[str, str, str | None, str | None, float, float, int]  # id, condition, text, error, seconds twice, line


@dataclass(slots=True)
class Table:
    """Gathers readable rows and the problems of the others."""

    path: Path
    names: dict[str, None] = field(default_factory=dict)  # of the file's columns, in order
    rows: list[TableRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def refuse(self, line: int, problem: str) -> None:
        """Note a row that cannot be read."""
        self.problems.append(f"{self.path}:{line}: {problem}")


def read_rows(
    table: Table,
    reader: Callable[[Table, Mapping[str, str]], Iterator[Row]],
    columns: Mapping[str, str],
    *,
    empty_is_text: bool,
) -> pd.DataFrame:
    """Return the frame of all rows.

    Args:
        table: Of the file; columns and problems are added to it.
        reader: Returns its rows, given what the file calls each column of ours.
        columns: What the file calls a column, by the name it has here.
        empty_is_text: Whether an empty cell beside no error is a transcript without words: in files of texts.

    Raises:
        UsageError: A mapped column is none of the file's or ours.
        HypothesesError: Rows cannot be read; every one is named.
    """
    sources = _sources(columns)
    _gather(table, reader(table, sources), empty_is_text=empty_is_text)
    if table.names:
        _check_columns(table, [sources[column] for column in ("utterance_id", "text", *columns)])
    if table.problems or not table.names:
        raise HypothesesError(table.problems or [f"{table.path}: is empty; expected a row per utterance"])
    return _frame(table)


def _sources(columns: Mapping[str, str]) -> dict[str, str]:
    """Map each column of ours to the file's."""
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise UsageError(f"columns {', '.join(unknown)}: no such column of hypotheses; expected {', '.join(COLUMNS)}")
    return {column: columns.get(column, column) for column in COLUMNS}


def _check_columns(table: Table, required: Iterable[str]) -> None:
    if missing := [name for name in dict.fromkeys(required) if name not in table.names]:
        raise UsageError(
            f"{table.path}: no column {', '.join(map(repr, missing))} among {', '.join(map(repr, table.names))}; "
            "say what they are called, for example columns.utterance_id=path columns.text=prediction"
        )


def _gather(table: Table, rows: Iterator[Row], *, empty_is_text: bool) -> None:
    for line, values in rows:
        try:
            table.rows.append(_row(values, line, empty_is_text=empty_is_text))
        except BadCellError as problem:
            name = shown(values.get("utterance_id"), at_most=LONGEST_SHOWN)
            table.refuse(line, f"utterance {name} {problem}")


def _row(values: Mapping[str, object], line: int, *, empty_is_text: bool) -> TableRow:
    """Return a row of the frame; most files have few of the columns, and what is not there need not be asked for."""
    text = optional_text(values, "text")
    error = (optional_text(values, "error") or None) if "error" in values else None
    if empty_is_text:
        text = text or (None if error else "")
    if text and error:
        raise BadCellError(f"has the text {shown(text)} and the error {shown(error)}; expected one of them: blank one")
    return (
        utterance_id(values),
        (optional_text(values, "condition") or CLEAN) if "condition" in values else CLEAN,
        text,
        error,
        seconds(values, "audio_s") if "audio_s" in values else math.nan,
        seconds(values, "processing_s") if "processing_s" in values else math.nan,
        line,
    )


class BadCellError(ValueError):
    """Says what is wrong with a cell, in words that follow the name of the utterance."""


def utterance_id(values: Mapping[str, object]) -> str:
    """Return the id of a row.

    Raises:
        BadCellError: It is no name.
    """
    value = values.get("utterance_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return optional_text(values, "utterance_id") or ""
    raise BadCellError("is not a name; expected a text that is the manifest's utterance_id")


def optional_text(values: Mapping[str, object], column: str) -> str | None:
    """Return a cell that is a text or nothing.

    Raises:
        BadCellError: It is something else.
    """
    value = values.get(column)
    if isinstance(value, str) and not value.isascii() and HALF_CHARACTER.search(value):
        raise BadCellError(
            f"has {column}={shown(value, at_most=LONGEST_SHOWN)}, in which a character is cut in half; write it again"
        )
    if value is None or isinstance(value, str):
        return value
    raise BadCellError(f"has {column}={shown(value, at_most=LONGEST_SHOWN)}; expected a text, or null for none")


def seconds(values: Mapping[str, object], column: str) -> float:
    """Return a cell of seconds; NaN where there is nothing.

    Raises:
        BadCellError: It is no such number.
    """
    value = values.get(column)
    if value is None or value == "":
        return math.nan
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadCellError(f"has {column}={shown(value)}; expected seconds, a finite number of at least 0, or nothing")
    return number


def _frame(table: Table) -> pd.DataFrame:
    ids, conditions, texts, errors, audio_s, processing_s, lines = (
        zip(*table.rows, strict=True) if table.rows else [()] * 7
    )
    return pd.DataFrame(
        {
            "utterance_id": pd.Series(ids, dtype=object),
            "condition": pd.Series(conditions, dtype=object),
            "text": pd.Series(texts, dtype=object),
            "error": pd.Series(errors, dtype=object),
            "audio_s": pd.Series(audio_s, dtype=float),
            "processing_s": pd.Series(processing_s, dtype=float),
            "file": pd.Series([str(table.path)] * len(table.rows), dtype=object),
            "line": pd.Series(lines, dtype="int64"),
        }
    )
