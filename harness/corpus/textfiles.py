"""A text file in, plain or packed with gzip; its lines, rows or JSON objects out, one at a time, each with its line.

Nothing is held but the line at hand, so a file of any length is read in the same memory. Text is UTF-8, with or without
its mark; lines end in LF or CRLF, and no other sign ends one. What is no such text is an error that names the file and
the line.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from harness.corpus.cells import CONTROL_CHARACTERS, SURROGATES, shown
from harness.corpus.reading import LONGEST_CELL, MAX_COLUMNS, UTF_16_MARKS
from harness.errors import TextFileError

LONGEST_LINE = LONGEST_CELL  # characters
GZIP_MARK, GZIP_SUFFIX = b"\x1f\x8b", ".gz"
UTF_32_MARKS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
BZIP2_FIRST = (b"1AY&SY", b"\x17rE8P\x90")  # of a first block, of the end; text may begin with BZh
ARCHIVE_MARKS = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive with nothing in it",
    **{b"BZh%d%b" % (level, first): "packed with bzip2" for level in range(1, 10) for first in BZIP2_FIRST},
    b"\xfd7zXZ\x00": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstandard",
}

Refuse = Callable[[int, str], None]  # takes the line of a row that cannot be read, and why


@dataclass(frozen=True, slots=True)
class Row:
    """Is a row of a file with a header.

    Attributes:
        line: Where it starts, counted from 1.
        cells: Its cells by the names of the header.
    """

    line: int
    cells: dict[str, str]


def text_lines(path: Path, *, name: str | None = None) -> Iterator[tuple[int, str]]:
    """Yields every line with its number, without its end.

    Args:
        path: The file.
        name: What messages call it; its own name when not given.

    Raises:
        TextFileError: It cannot be opened, is cut off or no UTF-8, or a line is too long; the message names the line.
    """
    for line, text in _whole_lines(path, name or path.name):
        yield line, text.removesuffix("\n").removesuffix("\r")


def csv_rows(path: Path, refuse: Refuse, *, separator: str = ",", name: str | None = None) -> Iterator[Row]:
    """Yields the rows of a file whose cells may be quoted and then hold separators and line ends.

    Args:
        path: The file; its first row is the header.
        refuse: Told of every row that cannot be split as the header says; such a row is not yielded.
        separator: Between cells.
        name: What messages call the file.

    Raises:
        TextFileError: As `text_lines`, or the header is unusable.
    """
    name = name or path.name
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader((text for _, text in _whole_lines(path, name)), delimiter=separator, strict=True)
    names: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if not names:
                raise TextFileError([f"{name}:{line}: the header cannot be split into cells: {error}."]) from error
            refuse(line, f"cannot be split into cells: {error}. Put cells with quotes in quotes, each quote doubled.")
            continue
        if not names:
            names = _header(cells, name, line)
        elif len(cells) == len(names):
            yield Row(line, dict(zip(names, cells, strict=True)))
        elif any(cells):
            refuse(line, _wrong_count(cells, len(names), separator))
    if not names:
        raise TextFileError([_no_header(name)])


def tab_rows(path: Path, refuse: Refuse, *, name: str | None = None) -> Iterator[Row]:
    r"""Yields the rows of a file with tabs between cells, a line a row; quotation marks are letters like others.

    Corpora write such files without quoting, and their sentences begin with quotation marks. Arguments and errors are
    those of `csv_rows`.
    """
    rows = tab_cells(path, refuse, name=name)
    _, names = next(rows)
    for line, cells in rows:
        yield Row(line, dict(zip(names, cells, strict=True)))


def tab_cells(path: Path, refuse: Refuse, *, name: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yields the line and the cells of every row as `tab_rows` does, and first those of the header.

    Who takes few of many columns takes them by position; over two million rows that is several seconds less.
    """
    name = name or path.name
    n_columns = 0
    for line, text in text_lines(path, name=name):
        cells = text.split("\t")
        if len(cells) == n_columns and text:
            yield line, cells
        elif n_columns:
            if text:
                refuse(line, _wrong_count(cells, n_columns, "\t"))
        elif text.strip():
            names = _header(cells, name, line)
            n_columns = len(names)
            yield line, names
    if not n_columns:
        raise TextFileError([_no_header(name)])


def json_objects(path: Path, refuse: Refuse, *, name: str | None = None) -> Iterator[tuple[int, dict[str, object]]]:
    """Yields the JSON object of every line that is not blank; arguments and errors are those of `csv_rows`."""
    for line, text in text_lines(path, name=name):
        if not text.strip():
            continue
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            refuse(line, f"is not JSON ({str(error)[:100]}); expected one object a line. Mend or redo the line.")
            continue
        if isinstance(found, dict):
            yield line, found
        else:
            refuse(line, f"holds {shown(found)}; expected one JSON object.")


def _whole_lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """Yields lines with their ends."""
    line = 0
    try:
        with _opened(path, name) as file:
            while text := file.readline(LONGEST_LINE + 1):
                line += 1
                if len(text) > LONGEST_LINE:
                    raise TextFileError([f"{name}:{line}: is longer than {LONGEST_LINE:,} characters; expected rows."])
                if not text.isascii() and SURROGATES.search(text):
                    raise TextFileError([f"{name}:{line}: its bytes are not UTF-8. Save the file as UTF-8."])
                yield line, text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TextFileError(
            [f"{name}:{line + 1}: the packed file is cut off or damaged there ({error}). Fetch it again."]
        ) from error
    except OSError as error:
        raise TextFileError([f"{name}: cannot be read: {error.strerror or error}."]) from error


def check_regular(path: Path, name: str) -> None:
    """Refuses what is there and no file, such as a pipe, at which a reader would wait for ever.

    Raises:
        TextFileError: It is such.
    """
    if path.exists() and not path.is_file():
        raise TextFileError([f"{name}: is a folder, a pipe or a device; expected a file."])


def _opened(path: Path, name: str) -> TextIO:
    check_regular(path, name)
    with path.open("rb") as file:
        start = file.read(10)
    for mark, what in ARCHIVE_MARKS.items():
        if start.startswith(mark):
            raise TextFileError([f"{name}: is {what}; expected text, or text packed with gzip. Unpack it first."])
    if start.startswith((*UTF_16_MARKS, *UTF_32_MARKS)):
        raise TextFileError([f"{name}: is in UTF-16 or UTF-32; expected UTF-8. Save it as UTF-8."])
    if start.startswith(GZIP_MARK):
        data: BinaryIO = gzip.GzipFile(path)  # type: ignore[assignment]
    elif path.suffix == GZIP_SUFFIX:
        raise TextFileError([f"{name}: is not packed with gzip, as its name says, or cut off. Fetch it again."])
    else:
        data = path.open("rb")
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="\n")


def _header(cells: list[str], name: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(names) > MAX_COLUMNS:
        raise TextFileError([f"{name}:{line}: has {len(names)} columns; expected at most {MAX_COLUMNS}."])
    if odd := [each for each in names if CONTROL_CHARACTERS.search(each)]:
        raise TextFileError(
            [
                f"{name}:{line}: has the column {shown(odd[0])}, with control characters in its name; expected text "
                "whose lines end in LF or CRLF. Save it so."
            ]
        )
    if twice := sorted({each for each in names if each and names.count(each) > 1}):
        raise TextFileError([f"{name}:{line}: has the column {', '.join(map(shown, twice))} twice. Rename one."])
    return names


def _no_header(name: str) -> str:
    return f"{name}: is empty; expected a line with the names of columns, then a row a line."


def _wrong_count(cells: list[str], expected: int, separator: str) -> str:
    return f"has {len(cells)} cells; expected {expected} as in the header, with {separator!r} between them."
