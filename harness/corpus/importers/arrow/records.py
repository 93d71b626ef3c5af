"""A table in, records out: cells checked, recordings found, rows counted as `datasets` counts them.

A recording is either bytes in the table, which are written to a file as they come, or the path of a file, which stays
where it is. The first rows say which; a row of the other kind is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow

from harness.corpus.cells import CellError, number, shown
from harness.corpus.importers.arrow.cells import cells, text, value
from harness.corpus.importers.arrow.first_rows import Found
from harness.corpus.importers.arrow.shards import ROWS_AT_ONCE, BatchAudio, Table, stem
from harness.corpus.importers.audio_roots import REMOTE
from harness.corpus.importers.corpus import Ledger, Record, Value
from harness.errors import ManifestError

NO_TEXT = "no reference: its text is null"
NO_AUDIO = "no recording: its audio is null"
_UNREADABLE = (pyarrow.ArrowException, ValueError, LookupError, OverflowError, AttributeError)  # of a hostile cell


@dataclass(frozen=True, slots=True)
class _Row:
    """Is a row of a batch.

    Attributes:
        cells: By column of the table; without the column of audio.
        audio: Of its batch.
        position: In its batch.
        line: In its file, from 1.
        index: In the table, from 0.
    """

    cells: Mapping[str, object]
    audio: BatchAudio
    position: int
    line: int
    index: int


def records(table: Table, found: Found, ledger: Ledger) -> Iterator[Record]:
    """Yields the records of all files, in order.

    Raises:
        ManifestError: A file is damaged.
    """
    audio = table.columns.contract.get("audio_filepath")
    wanted = [name for name in table.columns.used if name != audio]
    wanted += table.audio_columns if found.has_audio or found.has_stems else []
    index = 0
    for shard in table.shards:
        reader, line = _Reader(table, found, shard.name), 1
        for batch in shard.batches(wanted, 1 if found.embedded else ROWS_AT_ONCE):
            for row in reader.rows(batch, line, index):
                record = reader.record(row, ledger)
                if record is not None:
                    yield record
            line += batch.num_rows
            index += batch.num_rows


class _Reader:
    """Turns the rows of one file into records."""

    def __init__(self, table: Table, found: Found, file: str) -> None:
        self._columns = table.columns
        self._found = found
        self._file = file

    def rows(self, batch: pyarrow.RecordBatch, line: int, index: int) -> Iterator[_Row]:
        """Yields the rows of a batch whose first stands at that line of its file, and at that index of the table."""
        audio = BatchAudio(batch, self._columns)
        columns = self._cells(batch, line)
        for position in range(batch.num_rows):
            row = {name: column[position] for name, column in columns.items()}
            yield _Row(row, audio, position, line + position, index + position)

    def record(self, row: _Row, ledger: Ledger) -> Record | None:
        """Returns the record of a row; None where it is refused or left out."""
        place = f"{self._file}:{row.line}"
        try:
            return self._checked(row, place, ledger)
        except ValueError as error:
            ledger.refuse(place, f"expected {error}")
            return None

    def _cells(self, batch: pyarrow.RecordBatch, line: int) -> Mapping[str, list[object]]:
        audio = self._columns.contract.get("audio_filepath")
        found = {}
        for name in self._columns.used:
            if name == audio:
                continue
            try:
                found[name] = cells(batch.column(name))
            except _UNREADABLE as error:
                raise ManifestError(
                    [f"{self._file}:{line}: column {shown(name)} cannot be read there or soon after ({error})."]
                ) from error
        return found

    def _checked(self, row: _Row, place: str, ledger: Ledger) -> Record | None:
        contract = {name: row.cells[column] for name, column in self._columns.contract.items() if column in row.cells}
        reference = text(contract.get("text"))
        path = row.audio.path(row.position)
        is_held = row.audio.has_data(row.position)
        if reference is None:
            ledger.leave_out(place, NO_TEXT)
            return None
        if self._found.has_audio and not is_held and path is None:
            ledger.leave_out(place, NO_AUDIO)
            return None
        self._check_alike(path, is_held=is_held)
        return Record(
            file=self._file,
            line=row.line,
            utterance_id=self._id(contract, path, row.index),
            text=reference,
            audio=self._audio(path),
            speaker_id=text(contract.get("speaker_id")) or None,
            offset=number(contract.get("offset")) or 0.0,
            duration=number(contract.get("duration")),
            language=text(contract.get("language")) or None if self._found.has_tags else None,
            attributes=self._attributes(row.cells),
            embedded=row.audio.data(row.position) if self._found.embedded else None,
        )

    def _attributes(self, row: Mapping[str, object]) -> Mapping[str, Value]:
        labels = self._columns.labels
        return {name: value(row[column], labels.get(column)) for name, column in self._columns.attributes.items()}

    def _audio(self, path: str | None) -> str | None:
        if path is None or self._found.root is None:
            return None
        if REMOTE.match(path):
            raise CellError(f"a recording in a file, not at {shown(path)}. Download it, or save the table with it.")
        return self._found.root.relative(path)

    def _id(self, contract: Mapping[str, object], path: str | None, index: int) -> str:
        if "utterance_id" in contract:
            return text(contract["utterance_id"]) or ""
        if not self._found.has_stems:
            return str(index)
        found = stem(path)
        if found is None:
            raise CellError(
                "a recording with a name, of which ids are made. Or name a column: columns.utterance_id=NAME."
            )
        return found

    def _check_alike(self, path: str | None, *, is_held: bool) -> None:
        if self._found.embedded and not is_held:
            raise CellError(
                f"the bytes of a recording, as in the first rows, not the path {shown(path)} alone. Save the table "
                "anew with all recordings in it."
            )
        if is_held and self._found.has_audio and not self._found.embedded:
            raise CellError("the path of a recording alone, as in the first rows, not its bytes. Save the table anew.")
