"""The data rows of a table in, the rows of a manifest out; every row that cannot be used is named with the reason."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.corpus import cells
from harness.corpus.cells import CellError, number_text, shown
from harness.corpus.datasheet import Datasheet
from harness.corpus.kit.attribute_columns import AttributeColumn
from harness.corpus.kit.names import AUDIO, DURATION, END, LANGUAGE, OFFSET, SPEAKER, TEXT, UTTERANCE, language_of
from harness.corpus.kit.options import EmptyText
from harness.corpus.kit.recordings import Recordings
from harness.corpus.kit.sheets import Line
from harness.corpus.kit.table import Column, Table
from harness.corpus.problems import Problems
from harness.corpus.values import value_reader
from harness.errors import HarnessError

SILENCE = '""'  # written in a cell of transcripts: nothing was said
DurationOf = Callable[[Path], float]  # seconds of a recording; an AudioError where it cannot be decoded
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{1,2}(?:[.,][0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Record:
    """Is one row of the manifest.

    Attributes:
        number: Of the spreadsheet's row.
        audio: The recording, relative to the folder.
        fields: The manifest's columns by name; what is not known is not in it.
    """

    number: int
    audio: str
    fields: Mapping[str, object]


@dataclass(slots=True)
class Reading:
    """Collects the usable rows and what is wrong with the others."""

    records: list[Record] = field(default_factory=list)
    problems: dict[int, list[str]] = field(default_factory=dict)  # by row number

    def add(self, number: int, message: str) -> None:
        """Note what is wrong with a row; the message starts with a verb."""
        self.problems.setdefault(number, []).append(message)

    def listed(self, file: str) -> Problems:
        """Return the problems in the order of the rows, as those of a manifest are."""
        problems = Problems(file, counts_rows=True)
        for number, messages in self.problems.items():
            for message in messages:
                problems.add_line(number, message)
        return problems


def read_rows(
    table: Table,
    meanings: Mapping[str, Column],
    attributes: Sequence[AttributeColumn],
    recordings: Recordings,
    *,
    empty_text: EmptyText,
    datasheet: Datasheet,
    duration_of: DurationOf | None = None,
) -> Reading:
    """Read and check every data row.

    Args:
        table: The sheet's.
        meanings: Which column is what; times only where rows are segments.
        attributes: The columns that are sliced on.
        recordings: Of the folder.
        empty_text: What an empty transcript means.
        datasheet: What stands for undeclared and declined.
        duration_of: Decodes a recording far enough to know that it can be; None leaves that to the transcription.
    """
    reader = _RowReader(table, meanings, recordings, empty_text)
    used = [*meanings.values(), *(each.column for each in attributes)]
    readers = {each.attribute.name: value_reader(each.attribute, datasheet) for each in attributes}
    for line in table.lines:
        reader.check_cells(line, used)
        fields = reader.fields(line)
        for each in attributes:
            value = " ".join(line.cell(each.column.position).split())
            fields[each.attribute.name] = value
            reader.check(line, each.column, readers[each.attribute.name], value)
        audio = fields.get("audio_filepath")
        if audio is not None:
            reader.reading.records.append(Record(line.number, str(audio), fields))
    _check_unique(reader.reading, is_segmented=OFFSET in meanings)
    if duration_of is not None:
        _check_decoded(reader.reading, recordings.folder, duration_of)
    bad = reader.reading.problems
    reader.reading.records = _with_ids([each for each in reader.reading.records if each.number not in bad])
    return reader.reading


class _RowReader:
    """Reads the cells that mean something and notes what is wrong with them."""

    def __init__(
        self, table: Table, meanings: Mapping[str, Column], recordings: Recordings, empty_text: EmptyText
    ) -> None:
        self.reading = Reading()
        self._sheet = table.sheet
        self._meanings = meanings
        self._recordings = recordings
        self._empty_text = empty_text

    def check_cells(self, line: Line, used: Sequence[Column]) -> None:
        """Note formulas and errors in the columns in use, and what was merged although each row needs its own."""
        for column in used:
            place = (line.number, column.position)
            if place in self._sheet.bad_cells:
                self.reading.add(line.number, f"in column {shown(column.name)} {self._sheet.bad_cells[place]}")
        for meaning in (AUDIO, TEXT, UTTERANCE, OFFSET, DURATION, END):
            column = self._meanings.get(meaning)  # type: ignore[assignment]
            if column is not None and (line.number, column.position) in self._sheet.merged:
                message = (
                    f"shares a merged cell of column {shown(column.name)} with a row above. Split it and fill each."
                )
                self.reading.add(line.number, message)

    def fields(self, line: Line) -> dict[str, object]:
        """Return the manifest's columns of a row; without audio_filepath where it names no one recording."""
        audio = self._audio(line)
        fields: dict[str, object] = {} if audio is None else {"audio_filepath": audio}
        fields["text"] = self._text(line)
        for meaning, name, read in (
            (SPEAKER, "speaker_id", cells.optional_identifier),
            (LANGUAGE, "language", lambda cell: cells.language_tag(language_of(cell) if cell else "")),
            (UTTERANCE, "utterance_id", cells.optional_identifier),
            (OFFSET, "offset", _seconds),
            (DURATION, "duration", _length),
        ):
            if meaning in self._meanings:
                column = self._meanings[meaning]
                found = self.check(line, column, read, " ".join(line.cell(column.position).split()))
                if found is not None:
                    fields[name] = found
        self._end(line, fields)
        return fields

    def check(self, line: Line, column: Column, read: Callable[[str], object], cell: str) -> object:
        """Return what a cell holds; None where it is bad, which is noted."""
        if (line.number, column.position) in self._sheet.bad_cells:
            return None
        try:
            return read(cell)
        except CellError as error:
            self.reading.add(line.number, f"has {shown(cell)} in column {shown(column.name)}; expected {error}")
            return None

    def _audio(self, line: Line) -> str | None:
        column = self._meanings[AUDIO]
        cell = line.cell(column.position)
        if (line.number, column.position) in self._sheet.bad_cells:
            return None
        if not cell:
            message = f"names no recording in column {shown(column.name)}. Name its file, or remove the row."
            self.reading.add(line.number, message)
            return None
        found = self._recordings.find(cell)
        if found.path is None and found.several:
            several = ", ".join(map(repr, found.several[:5]))
            message = f"names {shown(cell)}, which could be {several}. Write the path from the folder."
            self.reading.add(line.number, message)
        elif found.path is None:
            self.reading.add(line.number, f"names {shown(cell)}, {self._recordings.missing(cell)}")
        return found.path

    def _text(self, line: Line) -> str:
        column = self._meanings[TEXT]
        cell = line.cell(column.position)
        is_bad = (line.number, column.position) in self._sheet.bad_cells
        if not cell and not is_bad and self._empty_text is EmptyText.ask:
            self.reading.add(
                line.number,
                f"has no transcript in column {shown(column.name)}. Write what was said, or {SILENCE} if nothing was; "
                "kit.empty_text=silence takes every empty cell so.",
            )
        return "" if cell == SILENCE else cell

    def _end(self, line: Line, fields: dict[str, object]) -> None:
        """Turn a column of ends into the duration, which is what a manifest has."""
        column = self._meanings.get(END)
        if column is None or "duration" in fields:
            return
        end_s, start_s = self.check(line, column, _seconds, line.cell(column.position)), fields.get("offset")
        if isinstance(end_s, float) and isinstance(start_s, float):
            if end_s <= start_s:
                message = f"ends at {number_text(end_s)} s, before it begins at {number_text(start_s)} s. Correct it."
                self.reading.add(line.number, message)
            fields["duration"] = end_s - start_s


def _seconds(cell: str) -> float | None:
    """Return seconds written as 12.5, as 12,5 or as 1:02:03.5."""
    clock = _CLOCK.fullmatch(cell)
    if clock:
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    found = cells.number(cell.replace(",", "."))
    if found is not None and found < 0:
        raise CellError(">= 0, seconds from the start of the recording. Correct it.")
    return found


def _length(cell: str) -> float | None:
    found = _seconds(cell)
    if found == 0:
        raise CellError("> 0, seconds. Correct it, or leave it empty if it is not known.")
    return found


def _check_unique(reading: Reading, *, is_segmented: bool) -> None:
    """Note rows that name what a row above names: the whole recording, or the same start in it."""
    first: dict[tuple[str, object], Record] = {}
    ids: dict[object, int] = {}
    for record in reading.records:
        start_s = record.fields.get("offset", 0.0) if is_segmented else 0.0
        before = first.setdefault((record.audio, start_s), record)
        if before is not record:
            same = "and says the same" if before.fields == record.fields else "with other values"
            place = f"from {number_text(float(str(start_s)))} s on, " if is_segmented else ""
            message = f"names {record.audio!r}, {place}as row {before.number} does, {same}. Keep one of them."
            reading.add(record.number, message)
        utterance_id = record.fields.get("utterance_id")
        if utterance_id is not None and ids.setdefault(utterance_id, record.number) != record.number:
            message = f"has the id {shown(utterance_id)} of row {ids[utterance_id]}; expected unique ids. Change one."
            reading.add(record.number, message)


def _check_decoded(reading: Reading, folder: Path, duration_of: DurationOf) -> None:
    failed: dict[str, str] = {}
    for audio in dict.fromkeys(record.audio for record in reading.records):
        try:
            duration_of(folder / audio)
        except HarnessError as error:
            failed[audio] = str(error).removeprefix(f"{folder / audio}: ")
    for record in reading.records:
        if record.audio in failed:
            reading.add(record.number, f"names {record.audio!r}: {failed[record.audio]}.")


def _with_ids(records: Iterable[Record]) -> list[Record]:
    """Give each row without an id one: its recording without suffix, where that is unique, and its start."""
    kept = list(records)
    paths = {record.audio for record in kept}
    n_alike = Counter(_stem(path) for path in paths)
    given = {record.fields.get("utterance_id") for record in kept}
    done = []
    for record in kept:
        stem = _stem(record.audio)
        name = stem if n_alike[stem] == 1 and stem == stem.strip() else record.audio
        start_s = record.fields.get("offset")
        derived = f"{name}#{number_text(float(str(start_s)))}" if start_s else name
        if derived in given:
            derived = f"row {record.number}: {derived}"
        fields = {"utterance_id": record.fields.get("utterance_id", derived), **record.fields}
        done.append(Record(record.number, record.audio, fields))
    return done


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))
