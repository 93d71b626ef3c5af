"""The bytes of a JSON Lines, CSV, TSV or Parquet file in, a `Table` of raw cells with their line numbers out.

Cells stay as the file has them: text files give texts ("NA" and "None" are texts like any other), JSON gives what JSON
can say, Parquet what its types say. Nothing is guessed and no row that can be read is dropped.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow
import pyarrow.parquet

from harness.corpus.cells import SURROGATES, shown
from harness.corpus.problems import Problems
from harness.errors import UsageError

MAX_COLUMNS = 1_000  # a file whose every line brings new keys would fill the memory with empty cells
RECORDS_AT_ONCE = 10_000  # turned into columns together
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

LONGEST_CELL = 10_000_000  # characters; the csv module's own limit of 131,072 is less than an hour's transcript


@dataclass(slots=True)
class Table:
    """Holds raw cells by column.

    Attributes:
        problems: What could not be read so far; later checks add to it.
        columns: Cells by column name, one per row that could be read; None where JSON or Parquet has nothing.
        lines: For each row its line in the file, or its row number in Parquet, counted from 1.
        unreadable: Columns that hold bytes or nested records, by name, with their type in words.
    """

    problems: Problems
    columns: dict[str, list[object]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)


def read_table(file: str, suffix: str, data: bytes) -> Table:
    """Reads the rows of a file by its suffix.

    Raises:
        UsageError: No format has that suffix.
        ManifestError: The file as a whole cannot be read; single bad lines are in `problems` of what is returned.
    """
    reader = READERS.get(suffix.lower())
    if reader is None:
        raise UsageError(f"{file}: the suffix {suffix!r} is of no known format; expected one of {', '.join(READERS)}.")
    table = Table(Problems(file, counts_rows=reader is _read_parquet))
    if not data.strip():
        table.problems.add_file("is empty; expected one row an utterance.")
    elif data.startswith(UTF_16_MARKS):
        table.problems.add_file("is in UTF-16; expected UTF-8. Save it as UTF-8.")
    table.problems.raise_if_any()
    reader(data, table)
    if not table.lines:
        _refuse_empty(table)
    return table


def _refuse_empty(table: Table) -> None:
    table.problems.raise_if_any()
    table.problems.add_file("has no rows; expected one row an utterance.")
    table.problems.raise_if_any()


def _read_json_lines(data: bytes, table: Table) -> None:
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        table.problems.add_file("starts with a JSON array; expected one JSON object a line. Write JSON Lines.")
        table.problems.raise_if_any()
    for names, lines, rows in _alike(_json_records(data, table.problems)):
        _append_records(table, names, lines, rows)
        _check_column_count(table)
    for cells in table.columns.values():
        cells.extend([None] * (len(table) - len(cells)))


def _json_records(data: bytes, problems: Problems) -> Iterator[tuple[int, dict[str, object]]]:
    for line, text in enumerate(_text_lines(data, newline="\n"), start=1):
        if not text.strip():
            continue
        try:
            record = _json_object(text)
        except RecursionError:
            problems.add_line(line, "is nested too deeply; expected one flat JSON object. Correct the line.")
        except ValueError as error:
            problems.add_line(line, f"is not one JSON object: {error}. Correct the line.")
        else:
            yield line, record


def _alike(
    records: Iterator[tuple[int, dict[str, object]]],
) -> Iterator[tuple[list[str], list[int], list[list[object]]]]:
    """Yield consecutive records with the same keys in the same order together: the keys, the lines and the cells."""
    names: list[str] = []
    lines: list[int] = []
    rows: list[list[object]] = []
    for line, record in records:
        if rows and (len(rows) == RECORDS_AT_ONCE or list(record) != names):
            yield names, lines, rows
            lines, rows = [], []
        if not rows:
            names = list(record)
        lines.append(line)
        rows.append(list(record.values()))
    if rows:
        yield names, lines, rows


def _json_object(text: str) -> dict[str, object]:
    if not text.isascii() and SURROGATES.search(text):
        raise ValueError("its bytes are not UTF-8; save the file as UTF-8")
    record: object = _DECODER.decode(text)
    if not isinstance(record, dict):
        raise ValueError(f"found {shown(record)}")
    return record


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key stands in it twice")
    return record


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys)  # one for all lines: making it takes as long as using it


def _append_records(table: Table, names: list[str], lines: list[int], rows: list[list[object]]) -> None:
    n_before = len(table)
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        cells = table.columns.setdefault(name, [])
        cells.extend([None] * (n_before - len(cells)))
        cells.extend(column)
    table.lines.extend(lines)


def _check_column_count(table: Table) -> None:
    if len(table.columns) > MAX_COLUMNS:
        table.problems.add_file(f"has more than {MAX_COLUMNS} columns; expected the same few keys on every line.")
        table.problems.raise_if_any()


def _read_comma_separated(data: bytes, table: Table) -> None:
    _read_separated(data, table, ",")


def _read_tab_separated(data: bytes, table: Table) -> None:
    _read_separated(data, table, "\t")


def _read_separated(data: bytes, table: Table, separator: str) -> None:
    rows = _separated_rows(data, separator, table.problems)
    _, header = next(rows, (0, []))
    table.problems.raise_if_any()  # a header that cannot be split must not make the next row the header
    names = [name.strip() for name in header]
    _check_header(table, names)
    columns = [table.columns.setdefault(name, []) for name in names]
    for line, row in rows:
        if len(row) != len(names):
            table.problems.add_line(
                line,
                f"has {len(row)} cells; expected {len(names)} as in the header. "
                f"Quote cells that contain {separator!r}, or add what is missing.",
            )
            continue
        for cells, cell in zip(columns, row, strict=True):
            cells.append(cell)
        table.lines.append(line)


def _separated_rows(data: bytes, separator: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yields each row that is not blank with the line it starts on; strict, or one stray quote swallows many rows."""
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(_text_lines(data, newline=""), delimiter=separator, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add_line(
                line, f"cannot be split into cells: {error}. Put cells with quotes in quotes, each inner quote doubled."
            )
            continue
        if row:
            yield line, row


def _check_header(table: Table, names: list[str]) -> None:
    for position, name in enumerate(names, start=1):
        if not name:
            table.problems.add_file(f"has no name for column {position}. Name it, or leave the column out.")
        elif SURROGATES.search(name):
            table.problems.add_file(f"has a header that is not UTF-8, in column {position}. Save the file as UTF-8.")
        elif name in names[: position - 1]:
            table.problems.add_file(f"has two columns called {shown(name)}. Rename one of them.")
    if len(names) > MAX_COLUMNS:
        table.problems.add_file(f"has {len(names)} columns; expected at most {MAX_COLUMNS}.")
    table.problems.raise_if_any()


def _text_lines(data: bytes, *, newline: str) -> io.TextIOWrapper:
    """Returns lines of UTF-8 text without its mark; bytes that are not UTF-8 become surrogates, found cell by cell."""
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _read_parquet(data: bytes, table: Table) -> None:
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(data))
        names: list[str] = list(file.schema_arrow.names)
        _check_header(table, names)
        table.unreadable = {
            name: reason for name in names if (reason := _unreadable(file.schema_arrow.field(name).type))
        }
        wanted = [name for name in names if name not in table.unreadable]
        content = file.read(columns=wanted)
        table.columns = {name: content.column(name).to_pylist() for name in wanted}
        table.lines = list(range(1, content.num_rows + 1))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        table.problems.add_file(f"is not a readable Parquet file: {reason}. Write it again.")
        table.problems.raise_if_any()


def _unreadable(arrow_type: pyarrow.DataType) -> str | None:
    types = pyarrow.types
    inner = arrow_type.value_type if _is_list(arrow_type) or types.is_dictionary(arrow_type) else arrow_type
    if (
        types.is_nested(inner)
        or types.is_binary(inner)
        or types.is_large_binary(inner)
        or types.is_fixed_size_binary(inner)
    ):
        return str(arrow_type)[:60]
    return None


def _is_list(arrow_type: pyarrow.DataType) -> bool:
    types = pyarrow.types
    return bool(types.is_list(arrow_type) or types.is_large_list(arrow_type) or types.is_fixed_size_list(arrow_type))


READERS: dict[str, Callable[[bytes, Table], None]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,  # NeMo's name for JSON Lines
    ".csv": _read_comma_separated,
    ".tsv": _read_tab_separated,
    ".parquet": _read_parquet,
}
