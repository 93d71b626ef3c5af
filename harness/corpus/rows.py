"""A table and the choice of its columns in, checked columns of utterances out; every bad cell goes to `problems`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TypeVar

from harness.corpus import cells
from harness.corpus.attributes import UNDECLARED
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError, number_text, shown
from harness.corpus.reading import Table
from harness.corpus.selection import Selection
from harness.corpus.values import value_reader

Read = TypeVar("Read")


@dataclass(slots=True)
class Rows:
    """Holds the checked columns of a manifest, one element a row, in file order.

    Attributes:
        utterance_ids: None only where a problem was found.
        audio_filepaths: Absolute, or None.
        offsets_s: Seconds; 0 where none is given.
        durations_s: Seconds; NaN where unknown.
        references: As written.
        speaker_ids: None where unknown.
        languages: BCP 47, or None.
        attributes: Values by attribute: texts, or tuples of texts where multivalued.
    """

    utterance_ids: list[str | None]
    audio_filepaths: list[str | None]
    offsets_s: list[float]
    durations_s: list[float]
    references: list[str]
    speaker_ids: list[str | None]
    languages: list[str | None]
    attributes: dict[str, list[str | tuple[str, ...]]] = field(default_factory=dict)


def read_rows(table: Table, selection: Selection, folder: AudioFolder) -> Rows:
    """Reads and checks every cell in use.

    Raises:
        ManifestError: Any row is bad; all of them are named, by id where it can be read.
    """
    reader = _ColumnReader(table, selection)
    has_ids = "utterance_id" in selection.columns
    is_audio_optional = has_ids and not folder.must_exist
    read_audio = folder.absolute_or_none if is_audio_optional else folder.absolute
    audio_filepaths = reader.column("audio_filepath", read_audio, None)
    offsets_s = reader.column("offset", cells.offset_s, 0.0)
    if has_ids:
        utterance_ids = reader.column("utterance_id", _identifier, None)
        remedy = "Give each utterance its own id, or remove the row."
    else:
        utterance_ids = _derived_ids(table, audio_filepaths, offsets_s, folder)
        remedy = (
            "Ids are derived from audio paths and offsets; map a column of ids: manifest.columns.utterance_id=ITS_NAME."
        )
    _check_unique(table, utterance_ids, remedy)
    rows = Rows(
        utterance_ids=utterance_ids,
        audio_filepaths=audio_filepaths,
        offsets_s=offsets_s,
        durations_s=reader.column("duration", cells.duration_s, float("nan")),
        references=reader.column("text", cells.reference, ""),
        speaker_ids=reader.column("speaker_id", remembering(cells.optional_identifier), None),
        languages=reader.column("language", remembering(cells.language_tag), None),
    )
    for attribute in selection.datasheet.attributes:
        read = value_reader(attribute, selection.datasheet)
        rows.attributes[attribute.name] = reader.column(attribute.name, read, UNDECLARED)
    table.problems.raise_if_any(utterance_ids)
    return rows


def remembering(read: Callable[[object], Read]) -> Callable[[object], Read]:
    """Returns the same function with a memory for texts, of which a column has few different ones."""
    known: dict[str, Read] = {}

    def remembered(cell: object) -> Read:
        if type(cell) is not str:
            return read(cell)
        if cell not in known:
            known[cell] = read(cell)
        return known[cell]

    return remembered


class _ColumnReader:
    """Reads columns by their contract names and notes every bad cell under the name the file has for it."""

    def __init__(self, table: Table, selection: Selection) -> None:
        self._table = table
        self._columns = selection.columns

    def column(self, name: str, read: Callable[[object], Read], default: Read) -> list[Read]:
        """Returns the column's cells as `read` reads them; `default` where one is bad or the column is absent."""
        column = self._columns.get(name)
        if column is None:
            return [default] * len(self._table)
        try:
            return list(map(read, self._table.columns[column]))
        except CellError:
            pass  # every bad cell is to be named
        values = []
        for row, cell in enumerate(self._table.columns[column]):
            try:
                values.append(read(cell))
            except CellError as error:
                message = f"has {column}={shown(cell)}; expected {error}"
                self._table.problems.add_row(self._table.lines[row], row, message)
                values.append(default)
        return values


def _identifier(cell: object) -> str | None:
    return cells.identifier(cell)


def _derived_ids(
    table: Table, audio_filepaths: list[str | None], offsets_s: list[float], folder: AudioFolder
) -> list[str | None]:
    """Returns audio paths without extension; a segment that starts later in its recording gets `#` and its offset."""
    utterance_ids: list[str | None] = []
    for row, (path, start_s) in enumerate(zip(audio_filepaths, offsets_s, strict=True)):
        stem = None if path is None else str(PurePath(folder.relative(path)).with_suffix(""))
        utterance_id = f"{stem}#{number_text(start_s)}" if stem and start_s else stem
        if utterance_id != (utterance_id and utterance_id.strip()):
            message = (
                f"gets its id from its audio path: {shown(utterance_id)}; expected no spaces around it. Rename it."
            )
            table.problems.add_row(table.lines[row], row, message)
        utterance_ids.append(utterance_id)
    return utterance_ids


def _check_unique(table: Table, utterance_ids: list[str | None], remedy: str) -> None:
    first_rows: dict[str, int] = {}
    for row, utterance_id in enumerate(utterance_ids):
        if utterance_id is None:
            continue
        first = first_rows.setdefault(utterance_id, row)
        if first != row:
            unit = "row" if table.problems.counts_rows else "line"
            message = f"has the id of {unit} {table.lines[first]}; expected unique ids. {remedy}"
            table.problems.add_row(table.lines[row], row, message)
