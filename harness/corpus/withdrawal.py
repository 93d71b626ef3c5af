"""The rows of a manifest and a list of people who withdrew in; the rows of the others, and what was left out, out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import nan
from typing import TypeVar

import pandas as pd

from harness.corpus.attributes import UNDECLARED
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError, duration_s, optional_identifier
from harness.corpus.people import SALT, Search, Withdrawn, is_hash, salt_of
from harness.corpus.reading import Table
from harness.corpus.rows import read_rows
from harness.corpus.selection import Selection
from harness.corpus.values import value_reader
from harness.errors import ManifestError, UsageError

CHANNEL = "channel"  # the attribute that says of which channel of its recording an utterance is
_COLUMNS = ("utterance_id", "audio_filepath", "offset", "duration", CHANNEL)
Read = TypeVar("Read")


def _nobody() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Says who was left out.

    Attributes:
        n_speakers: People of the list who are in the manifest.
        n_absent: Those who are not.
        utterances: A row each of theirs, so that what was heard of them is neither taken for a mistake nor for
            somebody else's words: utterance_id, audio_filepath, offset and duration as in the manifest's frame (NaN
            duration: unknown, or no such number), channel (or `undeclared`).
        people: The lists of all who withdrew, in the manifest or not.
    """

    n_speakers: int = 0
    n_absent: int = 0
    utterances: pd.DataFrame = field(default_factory=_nobody)
    people: Withdrawn = field(default_factory=lambda: Withdrawn(frozenset()))

    @property
    def utterance_ids(self) -> frozenset[str]:
        """Returns the ids of their utterances."""
        return frozenset(self.utterances["utterance_id"])

    @property
    def note(self) -> tuple[str, ...]:
        """Returns what outputs must say; nothing where nobody withdrew."""
        notes = []
        if self.n_speakers:
            people = "person" if self.n_speakers == 1 else "people"
            n_utterances = len(self.utterances)
            notes.append(f"{self.n_speakers} {people} withdrew consent: {n_utterances} utterances are left out")
        if self.n_absent:
            notes.append(
                f"{self.n_absent} of the list of those who withdrew are not in this manifest by their ids; where ids "
                f"were hashed, {SALT} finds them"
            )
        return tuple(notes)


def without_withdrawn(
    table: Table, selection: Selection, withdrawn: Withdrawn, folder: AudioFolder
) -> tuple[Table, LeftOut]:
    """Returns the table without the rows of people who withdrew; their recordings need not exist any more.

    Raises:
        UsageError: There is a list, and the manifest does not say who speaks.
        ManifestError: Nobody is left, or a slip of spelling would keep somebody in.
    """
    if not withdrawn.speaker_ids:
        return table, LeftOut(people=withdrawn)
    column = selection.columns.get("speaker_id")
    speakers = [] if column is None else [_speaker(cell) for cell in table.columns[column]]
    known = {speaker for speaker in speakers if speaker is not None}
    if not known:
        raise UsageError(
            f"{table.problems.file}: people withdrew, and no column says who speaks. Map it: "
            "manifest.columns.speaker_id=ITS_NAME."
        )
    salt = salt_of()
    _check_salt(table, known, withdrawn, salt)
    search = Search(withdrawn, salt)
    named = {speaker for speaker in sorted(known) if search.names(speaker)}
    if problems := search.problems():
        raise ManifestError(problems)
    gone = {row for row, speaker in enumerate(speakers) if speaker in named}
    if len(gone) == len(table):
        raise ManifestError([f"{table.problems.file}: everybody in it withdrew; nothing is left to measure."])
    theirs = _utterances(_rows_of(table, sorted(gone)), selection, folder) if gone else _nobody()
    kept = _rows_of(table, [row for row in range(len(table)) if row not in gone]) if gone else table
    return kept, LeftOut(len(named), search.n_absent, theirs, withdrawn)


def _check_salt(table: Table, known: set[str], withdrawn: Withdrawn, salt: bytes | None) -> None:
    """Refuses a list of names for a manifest of hashed ids without the salt that tells which is whose.

    Raises:
        UsageError: There is no salt.
    """
    if salt is None and all(map(is_hash, known)) and not all(map(is_hash, withdrawn.speaker_ids)):
        raise UsageError(
            f"{table.problems.file}: its speaker ids are hashed, and the list of those who withdrew has names. Set "
            f"{SALT} to the salt that they were hashed with; nothing was measured."
        )


def _speaker(cell: object) -> str | None:
    try:
        return optional_identifier(cell)
    except CellError:
        return None  # named later, as every bad cell is


def _rows_of(table: Table, rows: list[int]) -> Table:
    columns = {name: [cells[row] for row in rows] for name, cells in table.columns.items()}
    return replace(table, columns=columns, lines=[table.lines[row] for row in rows])


def _utterances(table: Table, selection: Selection, folder: AudioFolder) -> pd.DataFrame:
    """Returns the rows, read without asking for their recordings and without what else may be wrong in them."""
    columns = {
        name: column
        for name, column in selection.columns.items()
        if name in ("utterance_id", "audio_filepath", "offset")
    }
    bare = replace(selection, columns=columns, datasheet=replace(selection.datasheet, attributes=()))
    rows = read_rows(table, bare, folder.not_looking())
    column = selection.columns.get("duration")
    durations = [None] * len(table) if column is None else table.columns[column]
    return pd.DataFrame(
        {
            "utterance_id": pd.Series(rows.utterance_ids, dtype=object),
            "audio_filepath": pd.Series(rows.audio_filepaths, dtype=object),
            "offset": pd.Series(rows.offsets_s, dtype=float),
            "duration": pd.Series([_or_else(nan, duration_s, cell) for cell in durations], dtype=float),
            CHANNEL: pd.Series(_channels(table, selection), dtype=object),
        }
    )


def _channels(table: Table, selection: Selection) -> list[object]:
    attribute = next((each for each in selection.datasheet.attributes if each.name == CHANNEL), None)
    if attribute is None:
        return [UNDECLARED] * len(table)
    read = value_reader(attribute, selection.datasheet)
    cells = table.columns[selection.columns[CHANNEL]]
    return [_or_else(UNDECLARED, lambda cell: str(read(cell)), cell) for cell in cells]


def _or_else(default: Read, read: Callable[[object], Read], cell: object) -> Read:
    """Returns what is in a cell; the default where it is bad."""
    try:
        return read(cell)
    except CellError:
        return default
