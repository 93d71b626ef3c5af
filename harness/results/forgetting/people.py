"""Ids of people in; whether an id in a file is one of them, and what tells their rows from other people's, out."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

import pandas as pd

from harness.corpus.people import Search, Withdrawn, hashed
from harness.errors import UsageError
from harness.fairness.membership import AND

SPEAKER, UTTERANCE = "speaker_id", "utterance_id"


@dataclass(frozen=True, slots=True)
class Theirs:
    """Is what a corpus knows people by.

    Attributes:
        speaker_ids: As the corpus calls them.
        utterance_ids: Of what they said, also as runs that compare file names call it.
        recordings: Names of their recordings, with and without extension, which words that nobody was found for have.
    """

    speaker_ids: frozenset[str] = frozenset()
    utterance_ids: frozenset[str] = frozenset()
    recordings: frozenset[str] = field(default=frozenset(), compare=False)

    def __or__(self, other: "Theirs") -> "Theirs":
        """Return what both know."""
        return Theirs(
            self.speaker_ids | other.speaker_ids,
            self.utterance_ids | other.utterance_ids,
            self.recordings | other.recordings,
        )

    def __bool__(self) -> bool:
        """Say whether anything is known."""
        return bool(self.speaker_ids or self.utterance_ids)

    def has(self, column: str, cell: object) -> bool:
        """Say whether a cell of a column of ids is theirs."""
        return cell in (self.speaker_ids if column == SPEAKER else self.utterance_ids)

    def has_slice(self, dimension: object, value: object) -> bool:
        """Say whether a slice is one of a person: dimensions may be the speaker, or cross it."""
        parts = str(dimension).split(AND)
        values = str(value).split(AND) if len(parts) > 1 else [str(value)]
        return any(name == SPEAKER and each in self.speaker_ids for name, each in zip(parts, values, strict=False))

    @property
    def of_unmatched(self) -> "Theirs":
        """Return the same, for whom their recordings' names are ids, as those of words that belong to nothing."""
        return Theirs(self.speaker_ids, self.utterance_ids | self.recordings)

    @property
    def needles(self) -> tuple[str, ...]:
        """Return the ids that a text of anything may be searched for; short ones and numbers are everywhere."""
        return tuple(sorted(each for each in {*self.speaker_ids, *self.utterance_ids} if is_telling(each)))


def is_telling(name: str) -> bool:
    """Say whether an id found in a text is that id: one of four characters or more that is no plain number.

    >>> is_telling("spk-17"), is_telling("17"), is_telling("s1")
    (True, False, False)
    """
    return len(name) >= 4 and not name.isdecimal()


class Sought:
    """Is who is to be forgotten, by their own ids or, with the salt that they were hashed with, by the hash."""

    def __init__(self, speaker_ids: Iterable[str], salt: bytes | None) -> None:
        """Look for people.

        Raises:
            UsageError: Nobody is named.
        """
        self.speaker_ids = frozenset(speaker_ids)
        self.salt = salt
        if not self.speaker_ids:
            raise UsageError("nobody is named; expected speaker=ID, speaker=[ID,ID] or withdrawn=FILE.")
        self._search = Search(Withdrawn(self.speaker_ids), salt)
        self.found: set[str] = set()

    def __len__(self) -> int:
        return len(self.speaker_ids)

    def among(self, speakers: Iterable[object]) -> frozenset[str]:
        """Return those of some ids that are theirs."""
        theirs = frozenset(each for each in speakers if isinstance(each, str) and self._search.names(each))
        self.found |= theirs
        return theirs

    @property
    def n_near(self) -> int:
        """Count people whom nothing names, and whose ids differ from somebody's in capitals or blanks alone."""
        return len(self._search.problems())

    @property
    def n_absent(self) -> int:
        """Count people whom nothing names."""
        return self._search.n_absent

    @property
    def written(self) -> frozenset[str]:
        """Return all that may stand for them: their ids however composed, their hashes, and the ids that were found."""
        forms = {
            unicodedata.normalize(form, each) for each in self.speaker_ids for form in ("NFC", "NFD")
        } | self.speaker_ids
        hashes = {hashed(each, self.salt) for each in forms} if self.salt else set()
        return frozenset(forms | hashes | self.found)


def theirs_of(rows: pd.DataFrame, people: frozenset[str]) -> Theirs:
    """Return what rows with `speaker_id` and `utterance_id` know of people."""
    said = rows.loc[rows[SPEAKER].isin(list(people)), UTTERANCE]
    return Theirs(people, frozenset(map(str, said)))


def names_of_recordings(paths: Iterable[object]) -> frozenset[str]:
    """Return what words of recordings are called by: their paths' names, with and without extension."""
    found = [PurePath(path) for path in paths if isinstance(path, str) and path]
    return frozenset(name for path in found for name in (path.name, path.stem))
