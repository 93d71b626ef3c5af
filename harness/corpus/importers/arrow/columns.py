"""The schema of a table and the user's mapping in; which of its columns is what out, decided before a row is read.

A column of the contract's own name is taken for it. Otherwise one of the names that hub datasets usually have is, where
there is just one of them. A choice that is not the only one is the user's to make.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow

from harness.corpus.attributes import CONTRACT_COLUMNS
from harness.corpus.cells import listed, shown
from harness.corpus.importers.arrow.cells import Held, held
from harness.corpus.importers.arrow.features import Features
from harness.corpus.importers.corpus import Ledger
from harness.corpus.importers.datasheets import annotated
from harness.corpus.importers.open_attributes import OF_A_RECOGNISER
from harness.corpus.reading import MAX_COLUMNS
from harness.errors import ManifestError, UsageError

USUAL = {
    "utterance_id": ("id", "utt_id", "uttid", "segment_id", "audio_id", "clip_id", "uid"),
    "audio_filepath": ("audio", "file", "path", "audio_path", "file_name"),
    "text": ("sentence", "transcription", "transcript", "normalized_text", "raw_text", "raw_transcription"),
    "speaker_id": ("client_id", "speaker", "spk_id", "participant_id"),
    "language": ("locale", "lang"),
    "duration": ("duration_s", "duration_seconds", "audio_length_s"),  # in seconds; others do not say what they are in
    "offset": (),  # `begin_time` and the like are usually of a recording from which the clip was cut
}
_FIT = {
    "utterance_id": (Held.text, Held.number),
    "audio_filepath": (Held.recording, Held.data, Held.text),
    "text": (Held.text,),
    "speaker_id": (Held.text, Held.number),
    "language": (Held.text,),
    "duration": (Held.number,),
    "offset": (Held.number,),
}
_AN_ATTRIBUTE = (Held.text, Held.number, Held.moment, Held.texts, Held.nothing)


@dataclass(frozen=True, slots=True)
class Columns:
    """Says which column of a table is what.

    Attributes:
        contract: The table's column for each of the contract that it has one for.
        attributes: The table's column for each attribute.
        audio: What the cells of the column of audio are; None where there is none.
        parts: Of a column of recordings, those of `bytes` and `path` that its type has.
        labels: Names of classes, by column.
    """

    contract: Mapping[str, str]
    attributes: Mapping[str, str]
    audio: Held | None
    parts: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]

    @property
    def used(self) -> tuple[str, ...]:
        """Returns the table's columns that are read, once each."""
        return tuple(dict.fromkeys((*self.contract.values(), *self.attributes.values())))


def columns(schema: pyarrow.Schema, features: Features, mapping: Mapping[str, str], ledger: Ledger) -> Columns:
    """Finds the columns of the contract; all others that can be are attributes.

    Args:
        schema: Of the table.
        features: What is known of it beyond its types.
        mapping: The table's column by the name of the contract or of an attribute; "" for none.
        ledger: Is told which columns are not used.

    Raises:
        UsageError: A column is missing, of the wrong type or one of several; the message says what to choose.
    """
    _check_names(schema.names)
    finder = _Finder(schema, features, mapping)
    contract = finder.contract(ledger)
    if "text" not in contract:
        raise UsageError(f"no column of the words that were said. {finder.choose('text')}")
    taken = {*contract.values(), *mapping.values()}
    left = {column: column for column in schema.names if column not in taken}
    left |= {name: column for name, column in mapping.items() if column and name not in CONTRACT_COLUMNS}
    audio = contract.get("audio_filepath")
    return Columns(
        contract,
        dict(finder.attributes(left, ledger)),
        None if audio is None else finder.held[audio],
        _parts(schema, finder.held, audio),
        features.labels,
    )


class _Finder:
    """Finds columns by name and type."""

    def __init__(self, schema: pyarrow.Schema, features: Features, mapping: Mapping[str, str]) -> None:
        self._schema = schema
        self._features = features
        self._mapping = mapping
        self.held = {field.name: held(field.type) for field in schema}
        for name, column in mapping.items():
            if column and column not in self.held:
                raise UsageError(f"columns.{name}={column}: {_no_such(column, schema.names)}")

    def contract(self, ledger: Ledger) -> dict[str, str]:
        """Returns the column for each of the contract that there is one for."""
        found = {name: column for name in CONTRACT_COLUMNS if (column := self.column(name))}
        audio = self.held.get(found.get("audio_filepath", ""))
        if "offset" in found and "offset" not in self._mapping and audio in (Held.recording, Held.data):
            del found["offset"]
            ledger.remark(
                "the column offset is not used: each recording is held here by itself. Say columns.offset=offset where "
                "utterances begin inside these recordings"
            )
        return found

    def column(self, name: str) -> str | None:
        """Returns the column that is one of the contract's; None where there is none."""
        if name in self._mapping:
            return self._mapped(name, self._mapping[name])
        if name == "audio_filepath":
            return self._audio()
        if self._fits(name, name):
            return name
        found = [usual for usual in USUAL[name] if self._fits(name, usual)]
        return self._only(name, found)

    def choose(self, name: str) -> str:
        """Returns what to do where a column is not found."""
        there = ", ".join(f"{shown(each.name)} ({str(each.type)[:40]})" for each in list(self._schema)[:40])
        return f"Name one: columns.{name}=ITS_NAME. There are {there}."

    def attributes(self, wanted: Mapping[str, str], ledger: Ledger) -> Iterator[tuple[str, str]]:
        """Yields what can be sliced on; says which columns cannot be."""
        nested, unusable, folded = [], [], dict[str, str]()
        for name, column in wanted.items():
            if not self._is_attribute(column):
                nested.append(column)
            elif name.casefold() in CONTRACT_COLUMNS or not _is_usable(name):
                unusable.append(column)
            elif (first := folded.setdefault(name.casefold(), name)) != name:
                raise UsageError(
                    f"the columns {shown(first)} and {shown(name)} differ in capitals only. Name one anew: "
                    f"'columns.another={name}'."
                )
            else:
                yield name, column
        if nested:
            ledger.remark(f"columns of nested records, bytes or numbers in lists, not used: {listed(nested)}")
        if unusable:
            ledger.remark(
                "columns whose names mean something else in manifests or results, not used (rename them with "
                f"columns.NEW=OLD): {listed(unusable)}"
            )

    def _is_attribute(self, column: str) -> bool:
        what = self.held[column]
        return what in _AN_ATTRIBUTE or (what is Held.classes and column in self._features.labels)

    def _mapped(self, name: str, column: str) -> str | None:
        if not column:
            return None
        if name == "audio_filepath" and self._is_samples(column):
            raise UsageError(_decoded(column))
        if self.held[column] not in _FIT[name]:
            expected = " or ".join(each.value for each in _FIT[name])
            raise UsageError(
                f"columns.{name}={column}: is of type {str(self._schema.field(column).type)[:60]}; expected {expected}."
            )
        return column

    def _fits(self, name: str, column: str) -> bool:
        return self.held.get(column) in _FIT[name]

    def _audio(self) -> str | None:
        """Returns the column of recordings, or else the one that names their files."""
        candidates = [name for name, what in self.held.items() if what is Held.recording]
        candidates += [name for name in self._features.audio if self._fits("audio_filepath", name)]
        candidates += [name for name in ("audio", "audio_filepath") if self.held.get(name) is Held.data]
        usual = ("audio_filepath", *USUAL["audio_filepath"])
        found = list(dict.fromkeys(candidates)) or [name for name in usual if self._fits("audio_filepath", name)][:1]
        if not found:
            for name in ("audio", *self._features.audio):
                if name in self.held and self._is_samples(name):
                    raise UsageError(_decoded(name))
        return self._only("audio_filepath", found)

    def _is_samples(self, column: str) -> bool:
        return self.held[column] in (Held.samples, Held.classes)

    def _only(self, name: str, found: Sequence[str]) -> str | None:
        if len(found) > 1:
            several = ", ".join(map(shown, found))
            raise UsageError(
                f"several columns can be {name}: {several}. Say which: columns.{name}={found[0]}, or 'columns.{name}=' "
                "for none of them."
            )
        return found[0] if found else None


def _parts(schema: pyarrow.Schema, what: Mapping[str, Held], audio: str | None) -> tuple[str, ...]:
    if audio is None or what[audio] is not Held.recording:
        return ()
    struct = schema.field(audio).type
    return tuple(name for name in ("bytes", "path") if struct.get_field_index(name) >= 0)


def _decoded(column: str) -> str:
    return (
        f"{column}: holds decoded samples, not recordings. Make them files first: "
        f"dataset.cast_column({column!r}, datasets.Audio()) and save the dataset anew; or import without audio: "
        "'columns.audio_filepath='."
    )


def _check_names(names: Sequence[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise UsageError(f"has {len(names)} columns; expected at most {MAX_COLUMNS}.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"has the column {', '.join(map(shown, twice))} twice. Rename one.")


def _is_usable(name: str) -> bool:
    if OF_A_RECOGNISER.fullmatch(name):
        return False
    try:
        annotated(name, multivalued=False)
    except ManifestError:
        return False
    return True


def _no_such(column: str, names: Sequence[str]) -> str:
    close = get_close_matches(column, names, n=1)
    advice = f" Did you mean {close[0]}?" if close else ""
    return f"there is no such column; found {', '.join(map(shown, names[:40]))}.{advice}"
