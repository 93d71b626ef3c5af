"""Columns and rows of a table in, what of it fits the terminal out: numbers are never cut, names are broken.

Where there is no room, whole columns are left out, those first that a reader misses least; the report has them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 140  # columns when standard output is no terminal
LONGEST = 120  # columns of a name; who is meant is clear by then, and the files have it whole
_FRAME = 3  # columns that the frame takes of each column, and one more


@dataclass(frozen=True, slots=True)
class Column:
    """Is a column of a table on screen.

    Attributes:
        name: Its header.
        is_name: Whether it holds names, which may be broken.
        is_word: Whether it holds words of the harness, which may not; else numbers, at the right.
        missed: How much a reader misses it where there is no room for all, the least first; None: it always stays.
        least: How wide names are at least, where they are as wide.
    """

    name: str
    is_name: bool = False
    is_word: bool = False
    missed: int | None = None
    least: int = 8


def console_on(out: IO[str]) -> Console:
    """Return the console of a stream."""
    return Console(file=out, highlight=False, width=None if out.isatty() else PIPED_WIDTH)


def grid(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    styles: Sequence[str] | None = None,
) -> Table:
    """Return the table that fits.

    Args:
        title: What it shows; markup is shown as it is.
        columns: From left to right.
        rows: A text a column, free of control characters.
        width: Columns of the terminal.
        styles: Of each row.
    """
    cells = [
        [_shortened(text) if each.is_name else text for each, text in zip(columns, row, strict=True)] for row in rows
    ]
    places = _fitting(columns, cells, width)
    widths = _widths([columns[place] for place in places], [[row[place] for place in places] for row in cells], width)
    table = Table(title=Text(title), title_justify="left")
    for place, columns_wide in zip(places, widths, strict=True):
        justify: Literal["left", "right"] = "left" if columns[place].is_name or columns[place].is_word else "right"
        table.add_column(columns[place].name, justify=justify, overflow="fold", width=columns_wide)
    for row, style in zip(cells, styles or [""] * len(cells), strict=True):
        table.add_row(*(Text(row[place], style=style) for place in places))
    return table


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the places of the columns there is room for."""
    places = list(range(len(columns)))
    droppable = sorted((each.missed, place) for place, each in enumerate(columns) if each.missed is not None)
    for _, place in droppable:
        if sum(_least(columns, rows, each) + _FRAME for each in places) + 1 <= width:
            break
        places.remove(place)
    return places


def _least(columns: Sequence[Column], rows: Sequence[Sequence[str]], place: int) -> int:
    needed = _natural(columns[place], [row[place] for row in rows])
    column = columns[place]
    return min(needed, max(column.least, *map(len, _header(column)))) if column.is_name else needed


def _natural(column: Column, texts: Sequence[str]) -> int:
    """Return how wide a column is where nothing is broken but a long header, between words."""
    return max(cell_len(text) for text in (*_header(column), *texts))


def _header(column: Column) -> list[str]:
    return column.name.split() if len(column.name) > column.least else [column.name]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the width of each column: names share what numbers leave, and none takes more than it needs."""
    widths = [_least(columns, rows, place) for place in range(len(columns))]
    room = max(0, width - 1 - sum(each + _FRAME for each in widths))
    wanting = [_natural(column, [row[place] for row in rows]) - widths[place] for place, column in enumerate(columns)]
    for left, (more, place) in enumerate(sorted((more, place) for place, more in enumerate(wanting))):
        given = min(more, room // (len(columns) - left))
        widths[place] += given
        room -= given
    return widths


def _shortened(text: str) -> str:
    return text if cell_len(text) <= LONGEST else set_cell_size(text, LONGEST - 1).rstrip() + "…"
