"""A CSV or TSV file of transcripts goes in, its rows of cells come out, each with the line it starts on."""

import csv
import re
from collections.abc import Iterator, Mapping

from harness.corpus.reading import LONGEST_CELL
from harness.errors import HypothesesError
from harness.scoring.transcripts.tables import Row, Table

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def csv_rows(table: Table, sources: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a file with commas; cells with commas, quotation marks or line breaks are quoted."""
    return _named_cells(_csv_lines(table), table, sources)


def tsv_rows(table: Table, sources: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a file with tabs, a line a row."""
    return _named_cells(_tsv_lines(table), table, sources)


def _csv_lines(table: Table) -> Iterator[tuple[int, list[str]]]:
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


def _tsv_lines(table: Table) -> Iterator[tuple[int, list[str]]]:
    """Yield a row a line; a cell loses its quotation marks only where they are those of a quoted cell throughout.

    Files with tabs come both quoted and with bare quotation marks in them, often in one file.
    """
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        for line, row in enumerate(file, start=1):
            cells = row.rstrip("\r\n").split("\t")
            yield line, [match[1].replace('""', '"') if (match := _QUOTED.fullmatch(cell)) else cell for cell in cells]


def _named_cells(lines: Iterator[tuple[int, list[str]]], table: Table, sources: Mapping[str, str]) -> Iterator[Row]:
    _, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise HypothesesError([f"{table.path}:1: column {', '.join(map(repr, repeated))} appears twice; rename one"])
    table.names.update(dict.fromkeys(names))
    places = [(column, names.index(source)) for column, source in sources.items() if source in table.names]
    for line, cells in lines:
        if len(cells) == len(names):
            yield line, {column: cells[place] for column, place in places}
        elif any(cells):
            table.refuse(line, f"has {len(cells)} cells; expected {len(names)}, as in the first line. Mend the row.")
