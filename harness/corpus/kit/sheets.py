"""Rows and sheets of a spreadsheet: texts as a spreadsheet program shows them, by the numbers that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LARGEST_SHEET = 3_000_000  # cells; a million rows of three columns, or 30,000 of a hundred


@dataclass(frozen=True, slots=True)
class Line:
    """Is one row that is not blank.

    Attributes:
        number: As the spreadsheet program shows it, from 1.
        cells: Texts as shown, without spaces around them; "" where blank. Lines may be of different lengths.
    """

    number: int
    cells: tuple[str, ...]

    def cell(self, position: int) -> str:
        """Return the text of a column; "" beyond the last one."""
        return self.cells[position] if position < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Holds the rows of one sheet.

    Attributes:
        name: As on its tab; "" in a text file.
        lines: Rows that are not blank, rising by number.
        bad_cells: By row number and column position (from 0): what a cell holds that is no value, and what to do.
        merged: Row numbers and column positions of cells that got their value from a block merged over several rows.
        hidden_rows: Numbers of the rows that the program does not show.
        hidden_columns: Positions of the columns that it does not show.
        notes: What is to be known of how it was read.
    """

    name: str
    lines: tuple[Line, ...]
    bad_cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    merged: frozenset[tuple[int, int]] = frozenset()
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_columns(self) -> int:
        """Return the length of the longest line."""
        return max((len(line.cells) for line in self.lines), default=0)


def column_letters(position: int) -> str:
    """Return what spreadsheet programs call a column.

    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def numbers_shown(numbers: tuple[int, ...]) -> str:
    """Return row numbers as a sentence has them: runs joined, at most ten named.

    >>> numbers_shown((3,)), numbers_shown((3, 4, 5, 9))
    ('row 3', 'rows 3-5, 9')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    names = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{'row' if len(numbers) == 1 else 'rows'} {', '.join(names[:10])}{more}"
