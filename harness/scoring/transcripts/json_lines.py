"""A JSON Lines file of transcripts goes in, or a JSON array of objects; its rows come out, each with its line.

The line of an object in an array is its number there, from 1.
"""

import json
from collections.abc import Iterator, Mapping

from harness.corpus.cells import shown
from harness.scoring.transcripts.documents import DECODER, load
from harness.scoring.transcripts.tables import Row, Table


def json_rows(table: Table, sources: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a file, an object each."""
    for line, found in json_objects(table):
        yield line, {column: found[source] for column, source in sources.items() if source in found}


def json_objects(table: Table) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the objects of a file, one a line or all in one array."""
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        first = file.read(1)
        while first and first.isspace():
            first = file.read(1)
    return _array_rows(table) if first == "[" and _is_array(table) else _line_rows(table)


def _is_array(table: Table) -> bool:
    """Say whether a file that begins with a bracket is one array; a line of JSON Lines may be one by mistake."""
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        for row in file:
            if row.strip():
                try:
                    found: object = json.loads(row)
                except (ValueError, RecursionError):
                    return True  # it goes on over the next lines
                return isinstance(found, list) and all(isinstance(each, dict) for each in found)
    return False


def _array_rows(table: Table) -> Iterator[tuple[int, dict[str, object]]]:
    found = load(table.path).value
    for number, each in enumerate(found if isinstance(found, list) else [found], start=1):
        yield from _row(table, number, each, seen=shown(each))


def _line_rows(table: Table) -> Iterator[tuple[int, dict[str, object]]]:
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        for line, row in enumerate(file, start=1):
            if not row.strip():
                continue
            try:
                found: object = DECODER.decode(row)
            except (ValueError, RecursionError) as error:
                table.refuse(line, f"cannot be read as JSON ({error}); mend or redo the line, a torn one included")
                continue
            yield from _row(table, line, found, seen=repr(row.strip()[:40]))


def _row(table: Table, line: int, found: object, *, seen: str) -> Iterator[tuple[int, dict[str, object]]]:
    if isinstance(found, dict):
        table.names.update(dict.fromkeys(found))
        yield line, found
    else:
        table.refuse(line, f"holds {seen}; expected an object with utterance_id and text")
