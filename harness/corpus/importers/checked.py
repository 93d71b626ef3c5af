"""A stream of records in, the same stream as lines of a manifest out; what is wrong goes to the ledger.

Everything is checked here that reading the manifest will check, a record at a time: of all records, only a number for
each id is kept.
"""

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.corpus import cells
from harness.corpus.attributes import CONTRACT_COLUMNS
from harness.corpus.cells import SURROGATES, CellError, shown
from harness.corpus.importers.corpus import Corpus, Ledger, Record, Value
from harness.corpus.importers.embedded import Recordings
from harness.corpus.importers.folding import Folding
from harness.corpus.people import Withdrawn, hashed
from harness.corpus.selection import FREE_TEXT_SHARE, FREE_TEXT_VALUES

MOST_VALUES = 20_000  # of an attribute; with more it is free text, whatever the number of rows

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
        values: Values by attribute, until they are too many to slice on.
        multivalued: Attributes that had several values at once.
        n_named_ids: Utterances whose id or path contains a speaker id that was to be hidden.
    """

    n_records: int = 0
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    speakers: "array[int]" = field(default_factory=lambda: array("q"))
    n_without_speaker: int = 0
    n_withdrawn: dict[int, int] = field(default_factory=dict)
    values: dict[str, set[str]] = field(default_factory=dict)
    multivalued: set[str] = field(default_factory=set)
    n_named_ids: int = 0

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
    declared = {attribute.name for attribute in corpus.datasheet.attributes}
    for record in corpus.records:
        speaker_id = record.speaker_id
        if speaker_id is not None and changes.withdrawn.names(speaker_id, changes.salt):
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
        if speaker_id is None:
            seen.n_without_speaker += 1
        else:
            seen.speakers.append(hash(speaker_id))
        yield _ENCODE(row) + "\n"


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
    record: Record, changes: Changes, seen: Seen, *, declared: set[str], recordings: Recordings
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
        row[name] = value if value is None else _value(name, value, seen, declared)
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
    if audio.startswith("/") or ".." in audio.split("/"):
        raise CellError(f"a recording inside the source, not {shown(audio)}. Move it there, or correct the path.")
    return audio


def _value(name: str, value: Value, seen: Seen, declared: set[str]) -> Value:
    known = seen.values.setdefault(name, set())
    if isinstance(value, str):
        if value not in known:
            _add(known, value)
        return value
    if isinstance(value, int | float):
        if name not in declared:
            _add(known, repr(value))
        return value
    if value is None:
        return None
    seen.multivalued.add(name)
    for part in value:
        if part not in known:
            _add(known, part)
    return list(value)


def _add(known: set[str], value: str) -> None:
    cells.value_text(value)
    if len(known) < MOST_VALUES:
        known.add(value)
