"""The elements of one worksheet in, its `Sheet` out: values as shown, merged blocks spread, what is hidden noted."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.corpus.kit.number_formats import number_shown
from harness.corpus.kit.separated import FORMULA, is_formula
from harness.corpus.kit.sheets import LARGEST_SHEET, Line, Sheet
from harness.corpus.kit.xml_events import PartError
from harness.corpus.reading import MAX_COLUMNS

MOST_ROWS = 1_048_576  # of the format
MOST_MERGED = 100_000  # blocks
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ERROR = "holds the error {text}. Correct the formula, or put a value in its place."


@dataclass(frozen=True, slots=True)
class Values:
    """Holds what cells refer to: the workbook's texts, and the number format of each cell style."""

    texts: Sequence[str]
    codes: Sequence[str | None]
    from_1904: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """Is a merged block: first and last row numbers, first and last column positions."""

    top: int
    bottom: int
    left: int
    right: int


class SheetReader:
    """Takes the elements of a worksheet part, as `read_part` tells them."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._rows: dict[int, dict[int, str]] = {}
        self._bad: dict[tuple[int, int], str] = {}
        self._blocks: list[_Block] = []
        self._hidden_rows: list[int] = []
        self._hidden_columns: set[int] = set()
        self._n_cells = self._n_formulas = 0
        self._row = 0
        self._position = -1
        self._cell: Mapping[str, str] = {}
        self._value: list[str] | None = None
        self._has_formula = self._takes = False
        self._aside = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element."""
        if name == "row":
            self._start_row(attributes)
        elif name == "c":
            self._start_cell(attributes)
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._aside += 1
        elif name in ("v", "t") and not self._aside:
            self._value = self._value or []
            self._takes = True
        elif name == "mergeCell":
            self._add_block(attributes.get("ref", ""))
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = (_number(attributes.get(key, ""), MOST_ROWS) for key in ("min", "max"))
            self._hidden_columns.update(range(first - 1, min(last, MAX_COLUMNS)))

    def end(self, name: str) -> None:
        """Take the end of an element."""
        self._takes = False
        if name == "rPh":
            self._aside -= 1
        elif name == "c":
            self._end_cell()

    def text(self, text: str) -> None:
        """Take text; what stands in a formula is passed over."""
        if self._takes and self._value is not None:
            self._value.append(text)

    def sheet(self, name: str) -> Sheet:
        """Return what was read."""
        merged, bad = self._spread_blocks()
        if sum(max(cells) + 1 for cells in self._rows.values()) > LARGEST_SHEET:
            raise PartError(f"spans more than {LARGEST_SHEET:,} cells; move its columns together, or split it")
        lines = [Line(number, _texts(cells)) for number, cells in sorted(self._rows.items())]
        notes = []
        if self._n_formulas:
            notes.append(f"{self._n_formulas} cells are formulas: the values last calculated are used")
        filled = {line.number for line in lines}
        return Sheet(
            name,
            tuple(lines),
            bad,
            frozenset(merged),
            tuple(sorted(filled.intersection(self._hidden_rows))),
            tuple(sorted(self._hidden_columns)),
            tuple(notes),
        )

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = _number(attributes.get("r", str(self._row + 1)), MOST_ROWS)
        if number <= self._row:
            raise PartError(f"has row {number} after row {self._row}")
        self._row, self._position = number, -1
        if attributes.get("hidden") in ("1", "true"):
            self._hidden_rows.append(number)

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        self._position = self._position + 1 if reference is None else _place(reference)[1]
        self._cell, self._value, self._has_formula = attributes, None, False

    def _end_cell(self) -> None:
        text = None if self._value is None else "".join(self._value)
        kind = self._cell.get("t", "n")
        if self._has_formula and (text is None or (not text and kind != "str")):
            self._put("=", FORMULA)
            return
        self._n_formulas += self._has_formula
        if not text:
            return
        if kind == "e":
            self._put(text, _ERROR.format(text=text[:20]))
            return
        value = self._shown(text, kind).strip()
        if value:
            self._put(value, FORMULA if is_formula(value) else None)

    def _put(self, value: str, message: str | None) -> None:
        """Keep a value; the message says what is wrong with it."""
        self._n_cells += 1
        if self._n_cells > LARGEST_SHEET:
            raise PartError(f"has more than {LARGEST_SHEET:,} filled cells; split it")
        if self._position >= MAX_COLUMNS:
            raise PartError(f"has a value in column {self._position + 1:,}; expected at most {MAX_COLUMNS:,} columns")
        self._rows.setdefault(self._row, {})[self._position] = value
        if message is not None:
            self._bad[self._row, self._position] = message

    def _shown(self, text: str, kind: str) -> str:
        if kind == "s":
            index = _number(text.strip(), len(self._values.texts) - 1, least=0)
            return self._values.texts[index]
        if kind == "b":
            return "TRUE" if text.strip() == "1" else "FALSE"
        if kind != "n":
            return unescaped(text)
        style = _number(self._cell.get("s", "0"), MOST_ROWS, least=0)
        code = self._values.codes[style] if style < len(self._values.codes) else None
        return number_shown(text.strip(), code, from_1904=self._values.from_1904)

    def _add_block(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        (top, left), (bottom, right) = _place(first), _place(last or first)
        self._blocks.append(_Block(top, bottom, left, right))
        if len(self._blocks) > MOST_MERGED:
            raise PartError(f"has more than {MOST_MERGED:,} merged blocks")

    def _spread_blocks(self) -> tuple[set[tuple[int, int]], dict[tuple[int, int], str]]:
        """Give the value of each merged block to the filled rows that it spans, in its first column."""
        merged, bad = set(), dict(self._bad)
        numbers = sorted(self._rows)
        n_steps = 0
        for block in self._blocks:
            value = self._rows.get(block.top, {}).get(block.left)
            if value is None:
                continue
            spanned = numbers[bisect_right(numbers, block.top) : bisect_right(numbers, block.bottom)]
            n_steps += len(spanned)
            if n_steps > LARGEST_SHEET:
                raise PartError("has merged blocks that lie on one another")
            for number in spanned:
                if block.left in self._rows[number]:
                    continue  # blocks that overlap: the first one counts
                self._rows[number][block.left] = value
                merged.add((number, block.left))
                if (block.top, block.left) in bad:
                    bad[number, block.left] = bad[block.top, block.left]
        return merged, bad


def unescaped(text: str) -> str:
    """Return a text with the characters that XML cannot hold and spreadsheet programs write as `_x000D_`.

    >>> unescaped("a_x0041_b")
    'aAb'
    """
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text) if "_x" in text else text


def _texts(cells: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(cells.get(position, "") for position in range(max(cells) + 1))


def _place(reference: str) -> tuple[int, int]:
    """Return the row number and the column position of a reference such as `C5`."""
    match = _REFERENCE.fullmatch(reference.replace("$", ""))
    if match is None:
        raise PartError(f"has a cell at {reference[:20]!r}, which is no place")
    position = 0
    for letter in match.group(1):
        position = position * 26 + ord(letter) - ord("A") + 1
    return _number(match.group(2), MOST_ROWS), position - 1


def _number(text: str, most: int, *, least: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise PartError(f"has {text[:20]!r} where a number from {least} to {most:,} is expected")
    return int(text)
