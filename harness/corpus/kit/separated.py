"""The bytes of a text table in whatever dialect in, its one `Sheet` out.

UTF-8, UTF-16 or Windows-1252; commas, semicolons, tabs or bars: found from the bytes, and said where it was a guess.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator

from harness.corpus.kit.sheets import LARGEST_SHEET, Line, Sheet
from harness.corpus.reading import LONGEST_CELL, MAX_COLUMNS, UTF_16_MARKS
from harness.errors import ManifestError

SEPARATORS = (";", "\t", ",", "|")
LINES_LOOKED_AT = 200  # to find the separator
FORMULA = "holds a formula and not its value. Put in its place what it shows, or save the file from the program again."


def read_separated(data: bytes, file: str) -> Sheet:
    """Read a table of texts.

    A row's number is its place among all rows, blank ones too: what a spreadsheet program shows once it has opened the
    file. A first line `sep=;`, which names the separator for Excel, is a row like there and no data.

    Raises:
        ManifestError: The bytes are no text, no separator makes columns of it, or rows cannot be split.
    """
    text, notes = _text(data, file)
    stated, text = _stated_separator(text)
    separator = stated or _separator(text)
    if separator is None:
        raise ManifestError(
            [f"{file}: has one column; expected at least two, separated by commas, semicolons, tabs or bars."]
        )
    lines = []
    for number, row in enumerate(_rows(text, separator, file), start=2 if stated else 1):
        cells = tuple(cell.strip() for cell in row)
        if any(cells):
            lines.append(Line(number, cells))
    _check_size(lines, file)
    bad = {
        (line.number, position): FORMULA
        for line in lines
        for position, cell in enumerate(line.cells)
        if is_formula(cell)
    }
    return Sheet("", tuple(lines), bad, notes=notes)


def is_formula(text: str) -> bool:
    """Say whether a spreadsheet program would calculate this text."""
    return text.startswith("=") and len(text) > 1


def _text(data: bytes, file: str) -> tuple[str, tuple[str, ...]]:
    """Return the text and what is to be known of its encoding."""
    if data.startswith(UTF_16_MARKS):
        return _decoded(data, "utf-16", file), ()
    sample = data[:4096]
    for encoding, half in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if len(sample) > 3 and half.count(0) > 0.4 * len(half):
            return _decoded(data, encoding, file), (f"{file} was read as UTF-16",)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        text = _decoded(data, "cp1252", file)
    return text, (f"{file} is not UTF-8 and was read as Windows-1252: look whether ä, é and ñ are right",)


def _decoded(data: bytes, encoding: str, file: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            [f"{file}:{line}: is in no known encoding (UTF-8, UTF-16, Windows-1252). Save the file as UTF-8."]
        ) from error


def _stated_separator(text: str) -> tuple[str | None, str]:
    first, _, rest = text.partition("\n")
    named = first.strip().strip('"')
    if len(named) == 5 and named.lower().startswith("sep=") and named[4] in SEPARATORS:
        return named[4], rest
    if first.rstrip("\r\n").lower() == "sep=\t":  # stripping took the tab itself
        return "\t", rest
    return None, text


def _separator(text: str) -> str | None:
    """Return the separator that splits most lines into the same number of cells, at least two; None where none does."""
    best: tuple[float, int, str] | None = None
    for rank, separator in enumerate(SEPARATORS):
        widths = Counter(len(row) for row in _first_rows(text, separator) if any(cell.strip() for cell in row))
        several = Counter({width: n for width, n in widths.items() if width > 1})
        if not several:
            continue
        share = several.most_common(1)[0][1] / widths.total()
        if best is None or (share, -rank) > best[:2]:
            best = (share, -rank, separator)
    return best[2] if best else None


def _first_rows(text: str, separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for _ in range(LINES_LOOKED_AT):
            yield next(rows)
    except (StopIteration, csv.Error):
        return


def _rows(text: str, separator: str, file: str) -> Iterator[list[str]]:
    """Yield each row; strict, or one stray quote would swallow the rows after it."""
    if "\0" in text:
        raise ManifestError([f"{file}: holds NUL characters; expected text. Save it as CSV in UTF-8."])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    problems = []
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(
                f"{file}:row {number}: cannot be split into cells: {error}. Put cells with quotes in quotes, each "
                "inner quote doubled, or save the file from a spreadsheet program."
            )
            continue
        yield row
    if problems:
        raise ManifestError(problems)


def _check_size(lines: list[Line], file: str) -> None:
    widest = max((len(line.cells) for line in lines), default=0)
    if widest > MAX_COLUMNS or sum(len(line.cells) for line in lines) > LARGEST_SHEET:
        raise ManifestError(
            [f"{file}: has {len(lines):,} rows of up to {widest:,} cells; expected at most {MAX_COLUMNS:,} columns and "
             f"{LARGEST_SHEET:,} cells. Split the file."]
        )  # fmt: skip
