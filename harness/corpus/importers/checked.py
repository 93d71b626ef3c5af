"""A stream of records in, the same stream as lines of a manifest out; what is wrong goes to the ledger.

Everything is checked here that reading the manifest will check, a record at a time: of all records, only a number for
each id is kept.
"""

import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.corpus import cells
from harness.corpus.attributes import CONTRACT_COLUMNS
from harness.corpus.cells import SURROGATES, CellError, shown
from harness.corpus.importers.corpus import Corpus, Ledger, Record, Value
from harness.corpus.importers.embedded import Recordings
from harness.corpus.importers.folding import Folding
from harness.corpus.people import Search, Withdrawn, hashed, salt_of
from harness.corpus.selection import FREE_TEXT_SHARE, FREE_TEXT_VALUES
from harness.corpus.values import value_reader

MOST_VALUES = 20_000  # of an attribute; with more it is free text, whatever the number of rows

Reader = Callable[[object], object]  # raises a `CellError` for what reading the manifest would refuse
Readers = Mapping[str, Reader]  # by declared attribute

_ENCODE = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


@dataclass(slots=True)
class Seen:
    """Counts what went by.

    Attributes:
        n_records: Utterances written.
        ids: A number for each of them.
        speakers: A number for each one's speaker.
        n_without_speaker: Utterances nobody is known to have spoken.
        n_withdrawn: Utterances left out because their speaker withdrew, by the speaker's number.
        n_absent: People who withdrew and are nobody in the corpus.
        values: Values by attribute, until they are too many to slice on.
        multivalued: Attributes that had several values at once.
        n_with_language: Utterances that state their language.
        n_named_ids: Utterances whose id or path contains a speaker id that was to be hidden.
    """

    n_records: int = 0
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    speakers: "array[int]" = field(default_factory=lambda: array("q"))
    n_without_speaker: int = 0
    n_withdrawn: dict[int, int] = field(default_factory=dict)
    n_absent: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)
    multivalued: set[str] = field(default_factory=set)
    n_named_ids: int = 0
    n_with_language: int = 0

    @property
    def n_speakers(self) -> int:
        """Returns how many people spoke."""
        return len(np.unique(np.frombuffer(self.speakers, dtype=np.int64))) if self.speakers else 0

    def repeated_ids(self) -> frozenset[int]:
        """Returns the numbers that more than one id has."""
        numbers = np.sort(np.frombuffer(self.ids, dtype=np.int64)) if self.ids else np.array([], dtype=np.int64)
        return frozenset(numbers[1:][numbers[1:] == numbers[:-1]].tolist())

    def is_free_text(self, name: str) -> bool:
        """Returns whether an attribute has too many different values to slice on."""
        n_values = len(self.values.get(name, ()))
        return n_values >= MOST_VALUES or FREE_TEXT_VALUES < n_values > FREE_TEXT_SHARE * self.n_records


@dataclass(frozen=True, slots=True)
class Changes:
    """Says what is done to records on their way.

    Attributes:
        salt: Of hashed speaker ids; None: they stay.
        withdrawn: People whose utterances are left out.
        folding: Of attributes' values; None: none.
    """

    salt: bytes | None
    withdrawn: Withdrawn
    folding: Folding | None


def checked_lines(
    corpus: Corpus, changes: Changes, ledger: Ledger, *, seen: Seen, recordings: Recordings
) -> Iterator[str]:
    """Yields the manifest's lines; recordings that records hold are written, but not of people who withdrew."""
    declared = {each.name: value_reader(each, corpus.datasheet) for each in corpus.datasheet.attributes}
    search = Search(changes.withdrawn, changes.salt or (salt_of() if changes.withdrawn.speaker_ids else None))
    for record in corpus.records:
        speaker_id = record.speaker_id
        if speaker_id and search.names(speaker_id):
            number = hash(speaker_id)
            seen.n_withdrawn[number] = seen.n_withdrawn.get(number, 0) + 1
            continue
        try:
            row = _row(record, changes, seen, declared=declared, recordings=recordings)
        except CellError as error:
            ledger.refuse(record.place, f"utterance {shown(record.utterance_id)}: expected {error}")
            continue
        seen.n_records += 1
        seen.ids.append(hash(record.utterance_id))
        seen.n_with_language += record.language is not None
        if not speaker_id:
            seen.n_without_speaker += 1
        else:
            seen.speakers.append(hash(speaker_id))
        yield _ENCODE(row) + "\n"
    seen.n_absent = search.n_absent
    ledger.problems += search.problems()


def repeated_ids(corpus_records: Iterator[Record], seen: Seen, *, at_most: int = 1_000) -> list[str]:
    """Returns a problem for every record whose id an earlier one has, from a second look at the records."""
    suspects = seen.repeated_ids()
    first: dict[str, str] = {}
    problems: list[str] = []
    for record in corpus_records:
        if hash(record.utterance_id) not in suspects:
            continue
        before = first.get(record.utterance_id)
        if before is None:
            first[record.utterance_id] = record.place
        elif len(problems) < at_most:
            problems.append(
                f"{record.place}: has the id {shown(record.utterance_id)} of {before}. Give each its own id."
            )
    return problems


def _row(
    record: Record, changes: Changes, seen: Seen, *, declared: Readers, recordings: Recordings
) -> Mapping[str, object]:
    row: dict[str, object] = {"utterance_id": cells.identifier(record.utterance_id)}
    if record.embedded is not None:
        row["audio_filepath"] = recordings.write(record.utterance_id, record.embedded)
    elif record.audio is not None:
        row["audio_filepath"] = _path(record.audio)
    row["text"] = cells.reference(record.text)
    row["speaker_id"] = _speaker(record, changes, seen)
    if record.offset:
        row["offset"] = cells.offset_s(record.offset)
    if record.duration is not None:
        row["duration"] = cells.duration_s(record.duration)
    if record.language is not None:
        row["language"] = cells.language_tag(record.language)
    attributes = record.attributes if changes.folding is None else changes.folding.folded(record.attributes)
    for name, value in attributes.items():
        if name in CONTRACT_COLUMNS:
            raise CellError(f"an attribute that is not called {name}, which has a meaning of its own. Rename it.")
        if not name.isascii() and SURROGATES.search(name):
            raise CellError(f"an attribute whose name is valid UTF-8, not {shown(name)}. Rename it.")
        row[name] = value if value is None else _value(name, value, seen, declared.get(name))
    return row


def _speaker(record: Record, changes: Changes, seen: Seen) -> str | None:
    speaker_id = cells.optional_identifier(record.speaker_id)
    if speaker_id is None or changes.salt is None:
        return speaker_id
    if speaker_id in record.utterance_id or speaker_id in (record.audio or ""):
        seen.n_named_ids += 1
    return hashed(speaker_id, changes.salt)


def _path(audio: str) -> str:
    if not audio or cells.CONTROL_CHARACTERS.search(audio) or SURROGATES.search(audio):
        raise CellError(f"the path of a recording, without control characters, not {shown(audio)}. Rename the file.")
    if not set(audio.split("/")) - {"", "."}:
        raise CellError(f"the path of a recording, not of a folder: {shown(audio)}. Name its file or remove the row.")
    if audio.startswith("/") or ".." in audio.split("/"):
        raise CellError(f"a recording inside the source, not {shown(audio)}. Move it there, or correct the path.")
    return audio


def _value(name: str, value: Value, seen: Seen, read: Reader | None) -> Value:
    known = seen.values.setdefault(name, set())
    if isinstance(value, str):
        if value not in known:
            _add(known, value, read)
        return value
    if isinstance(value, int | float):
        if read is None:
            _add(known, repr(value), read)
        else:
            read(value)
        return value
    if value is None:
        return None
    parts = list(value)
    if read is not None:
        read(parts)
    seen.multivalued.add(name)
    for part in parts:
        if part not in known:
            _add(known, part, None)
    return parts


def _add(known: set[str], value: str, read: Reader | None) -> None:
    cells.value_text(value)
    if read is not None:
        read(value)
    if len(known) < MOST_VALUES:
        known.add(value)
