"""A sheet and the recordings in, its table out: the row that is the header, the columns, and the rows of data."""

from dataclasses import dataclass

from harness.corpus.cells import CONTROL_CHARACTERS
from harness.corpus.kit.names import names_of
from harness.corpus.kit.recordings import Recordings
from harness.corpus.kit.sheets import Line, Sheet, column_letters, numbers_shown

LINES_LOOKED_AT = 50  # a header further down is none


@dataclass(frozen=True, slots=True)
class Column:
    """Is one column of a table.

    Attributes:
        position: From 0.
        name: Its header on one line, unique in the table; `column C` where it has none.
        is_named: Whether it has a header.
    """

    position: int
    name: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Holds the data rows of a sheet under named columns.

    Attributes:
        sheet: Where it is from.
        header: The row of column names.
        columns: Those that have a name or hold anything.
        lines: The data rows, by row number.
        notes: What was passed over.
    """

    sheet: Sheet
    header: Line
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    def cells(self, column: Column) -> list[str]:
        """Return a column's texts, one a data row."""
        return [line.cell(column.position) for line in self.lines]

    def column(self, name: str) -> Column | None:
        """Return the column of this name, or of this letter (`column C`)."""
        for column in self.columns:
            if name in (column.name, f"column {column_letters(column.position)}"):
                return column
        return None


def table_of(sheet: Sheet, recordings: Recordings) -> Table | None:
    """Find the header, which is the row above the data with the most known names; None where no row can be one."""
    at = _header_at(sheet, recordings)
    if at is None:
        return None
    header = sheet.lines[at]
    above = tuple(line.number for line in sheet.lines[:at])
    below = sheet.lines[at + 1 :]
    repeated = tuple(line.number for line in below if line.cells == header.cells)
    lines = tuple(line for line in below if line.cells != header.cells)
    notes = []
    if above:
        notes.append(f"{numbers_shown(above)} above the header in row {header.number}: not used")
    if repeated:
        notes.append(f"{numbers_shown(repeated)}: the header again, not used")
    return Table(sheet, header, _columns(header, lines), lines, tuple(notes))


def _header_at(sheet: Sheet, recordings: Recordings) -> int | None:
    """Return the position of the header among the lines."""
    candidates = sheet.lines[: min(LINES_LOOKED_AT, len(sheet.lines))]
    first_data = next(
        (at for at, line in enumerate(candidates) if any(recordings.find(cell).with_suffix for cell in line.cells)),
        len(candidates),
    )
    above = [(at, line) for at, line in enumerate(candidates[:first_data]) if sum(map(bool, line.cells)) > 1]
    if not above:
        return None
    known = {at: sum(bool(names_of(cell)) for cell in line.cells if cell) for at, line in above}
    filled = {at: sum(map(bool, line.cells)) for at, line in above}
    return max(known, key=lambda at: (known[at], filled[at], -at))


def _columns(header: Line, lines: tuple[Line, ...]) -> tuple[Column, ...]:
    columns: list[Column] = []
    taken: set[str] = set()
    for position in range(max((len(line.cells) for line in (header, *lines)), default=0)):
        written = " ".join(CONTROL_CHARACTERS.sub(" ", header.cell(position)).split())
        letter = f"column {column_letters(position)}"
        if not written and not any(line.cell(position) for line in lines):
            continue  # a blank column
        name = f"{written} ({letter})" if written.casefold() in taken else written or letter
        taken.add(name.casefold())
        columns.append(Column(position, name, bool(written)))
    return tuple(columns)
