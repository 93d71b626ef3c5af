"""A file of transcripts made elsewhere goes in (CSV, TSV, JSON Lines), the frame that `score` reads comes out.

Every cell is read as text: `NA`, `null` and `nan` are words. A row that cannot be read is an error that names its
line, never a smaller corpus; the last, torn line of a file is such a row.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from harness.corpus.reading import LONGEST_CELL
from harness.errors import HypothesesError, UsageError
from harness.transcription.store import CLEAN, COLUMNS

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_Row = tuple[int, Mapping[str, object]]  # the line it starts on, and its cells by column


@dataclass(slots=True)
class _Table:
    """Gathers readable rows and the problems of the others."""

    path: Path
    names: dict[str, None] = field(default_factory=dict)  # of the file's columns, in order
    rows: list[tuple[str, str, str | None, str | None, float, float, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def refuse(self, line: int, problem: str) -> None:
        self.problems.append(f"{self.path}:{line}: {problem}")


def read_hypotheses(path: Path | str, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read one row per transcript: utterance_id, condition, text, error, audio_s, processing_s, file, line.

    `text` is None where recognition failed: in JSON Lines where it is null or absent, in CSV and TSV where the cell is
    empty beside an `error`; otherwise an empty text is a transcript without words. `condition` is `clean` when not
    given, seconds are NaN. `file` and `line` say where a row stands, for messages.

    Args:
        path: A file whose name ends in .csv, .tsv, or .jsonl, .ndjson or .json (an object a line), in UTF-8.
        columns: What the file calls a column, by the name it has here; other columns of the file are ignored.

    Raises:
        UsageError: The file is not there, its format is unknown, or a mapped column is none of its or ours.
        HypothesesError: Rows cannot be read; every one is named.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: cannot tell the format of {path.suffix!r}; expected one of {', '.join(_READERS)}")
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give the file of transcripts")
    table = _Table(path)
    sources = _sources(columns or {})
    try:
        _read_rows(table, reader(table), sources)
    except UnicodeDecodeError as error:
        raise HypothesesError([f"{path}: is not UTF-8 ({error}); save it as UTF-8"]) from error
    if table.names:
        _check_columns(table, [sources[column] for column in ("utterance_id", "text", *(columns or {}))])
    if table.problems or not table.names:
        raise HypothesesError(table.problems or [f"{path}: is empty; expected a row per utterance"])
    return _frame(table)


def _sources(columns: Mapping[str, str]) -> dict[str, str]:
    """Map each column of ours to the file's."""
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise UsageError(f"columns {', '.join(unknown)}: no such column of hypotheses; expected {', '.join(COLUMNS)}")
    return {column: columns.get(column, column) for column in COLUMNS}


def _check_columns(table: _Table, required: Iterable[str]) -> None:
    if missing := [name for name in dict.fromkeys(required) if name not in table.names]:
        raise UsageError(
            f"{table.path}: no column {', '.join(map(repr, missing))} among {', '.join(map(repr, table.names))}; "
            "say what they are called, for example columns.utterance_id=path columns.text=prediction"
        )


def _read_rows(table: _Table, rows: Iterator[_Row], sources: Mapping[str, str]) -> None:
    is_delimited = table.path.suffix.lower() in _DELIMITED
    for line, cells in rows:
        values = {column: cells.get(source) for column, source in sources.items()}
        try:
            error = _optional_text(values, "error") or None
            text = _optional_text(values, "text")
            if is_delimited:
                text = text or (None if error else "")
            if text and error:
                raise _BadCellError(f"has the text {text!r} and the error {error!r}; expected one of them: blank one")
            table.rows.append(
                (
                    _utterance_id(values),
                    _optional_text(values, "condition") or CLEAN,
                    text,
                    error,
                    _seconds(values, "audio_s"),
                    _seconds(values, "processing_s"),
                    line,
                )
            )
        except _BadCellError as problem:
            table.refuse(line, f"utterance {values.get('utterance_id')!r} {problem}")


class _BadCellError(ValueError):
    """Says what is wrong with a cell, in words that follow the name of the utterance."""


def _utterance_id(values: Mapping[str, object]) -> str:
    value = values.get("utterance_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return _optional_text(values, "utterance_id") or ""
    raise _BadCellError("is not a name; expected a text that is the manifest's utterance_id")


def _optional_text(values: Mapping[str, object], column: str) -> str | None:
    value = values.get(column)
    if isinstance(value, str) and not value.isascii() and _HALF_CHARACTER.search(value):
        raise _BadCellError(f"has {column}={value!r}, in which a character is cut in half; write it again")
    if value is None or isinstance(value, str):
        return value
    raise _BadCellError(f"has {column}={value!r}; expected a text, or null for none")


def _seconds(values: Mapping[str, object], column: str) -> float:
    value = values.get(column)
    if value is None or value == "":
        return math.nan
    try:
        seconds = math.nan if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _BadCellError(f"has {column}={value!r}; expected seconds, a finite number of at least 0, or nothing")
    return seconds


def _read_csv(table: _Table) -> Iterator[_Row]:
    return _named_cells(_csv_lines(table), table)


def _read_tsv(table: _Table) -> Iterator[_Row]:
    return _named_cells(_tsv_lines(table), table)


def _csv_lines(table: _Table) -> Iterator[tuple[int, list[str]]]:
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        csv.field_size_limit(LONGEST_CELL)
        reader = csv.reader(file, strict=True)
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            table.refuse(line, f"cannot be read as CSV ({error}); mend the quotation marks from this line on")


def _tsv_lines(table: _Table) -> Iterator[tuple[int, list[str]]]:
    """Yield a row a line; a cell loses its quotation marks only where they are those of a quoted cell throughout.

    Files with tabs come both quoted and with bare quotation marks in them, often in one file.
    """
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        for line, row in enumerate(file, start=1):
            cells = row.rstrip("\r\n").split("\t")
            yield line, [match[1].replace('""', '"') if (match := _QUOTED.fullmatch(cell)) else cell for cell in cells]


def _named_cells(lines: Iterator[tuple[int, list[str]]], table: _Table) -> Iterator[_Row]:
    _, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise HypothesesError([f"{table.path}:1: column {', '.join(map(repr, repeated))} appears twice; rename one"])
    table.names.update(dict.fromkeys(names))
    for line, cells in lines:
        if len(cells) == len(names):
            yield line, dict(zip(names, cells, strict=True))
        elif any(cells):
            table.refuse(line, f"has {len(cells)} cells; expected {len(names)}, as in the first line. Mend the row.")


def _read_json_lines(table: _Table) -> Iterator[_Row]:
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        for line, row in enumerate(file, start=1):
            if not row.strip():
                continue
            try:
                cells = json.loads(row)
            except (ValueError, RecursionError) as error:
                table.refuse(line, f"cannot be read as JSON ({error}); mend or redo the line, a torn one included")
                continue
            if isinstance(cells, dict):
                table.names.update(dict.fromkeys(cells))
                yield line, cells
            else:
                table.refuse(line, f"holds {row.strip()[:40]!r}; expected an object with utterance_id and text")


def _frame(table: _Table) -> pd.DataFrame:
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


_DELIMITED = {".csv": _read_csv, ".tsv": _read_tsv}
_READERS: dict[str, Callable[[_Table], Iterator[_Row]]] = {
    **_DELIMITED,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,  # NeMo's name for JSON Lines
}
