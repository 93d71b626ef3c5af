"""The rows of a manifest and a list of people who withdrew in; the rows of the others, and what was left out, out."""

from dataclasses import dataclass, field, replace

from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError, optional_identifier
from harness.corpus.people import Withdrawn, salt_of
from harness.corpus.reading import Table
from harness.corpus.rows import read_rows
from harness.corpus.selection import Selection
from harness.errors import ManifestError, UsageError


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Says who was left out.

    Attributes:
        n_speakers: People of the list who are in the manifest.
        utterance_ids: Of their utterances, so that transcripts of these are not taken for mistakes.
        people: The lists of all who withdrew, in the manifest or not.
    """

    n_speakers: int = 0
    utterance_ids: frozenset[str] = frozenset()
    people: Withdrawn = field(default_factory=lambda: Withdrawn(frozenset()))

    @property
    def note(self) -> tuple[str, ...]:
        """Returns what outputs must say; nothing where nobody was left out."""
        if not self.n_speakers:
            return ()
        people = "person" if self.n_speakers == 1 else "people"
        n_utterances = len(self.utterance_ids)
        return (f"{self.n_speakers} {people} withdrew consent: {n_utterances} utterances are left out",)


def without_withdrawn(
    table: Table, selection: Selection, withdrawn: Withdrawn, folder: AudioFolder
) -> tuple[Table, LeftOut]:
    """Returns the table without the rows of people who withdrew; their recordings need not exist any more.

    Raises:
        UsageError: There is a list, and the manifest does not say who speaks.
        ManifestError: Nobody is left.
    """
    if not withdrawn.speaker_ids:
        return table, LeftOut(people=withdrawn)
    column = selection.columns.get("speaker_id")
    if column is None:
        raise UsageError(
            f"{table.problems.file}: people withdrew, and no column says who speaks. Map it: "
            "manifest.columns.speaker_id=ITS_NAME."
        )
    speakers = [_speaker(cell) for cell in table.columns[column]]
    salt = salt_of()
    named = {speaker for speaker in set(speakers) if speaker is not None and withdrawn.names(speaker, salt)}
    gone = [row for row, speaker in enumerate(speakers) if speaker in named]
    if not gone:
        return table, LeftOut(people=withdrawn)
    if len(gone) == len(table):
        raise ManifestError([f"{table.problems.file}: everybody in it withdrew; nothing is left to measure."])
    left_out = set(gone)
    kept = [row for row in range(len(table)) if row not in left_out]
    ids = _ids(_rows_of(table, gone), selection, folder)
    return _rows_of(table, kept), LeftOut(len(named), ids, withdrawn)


def _speaker(cell: object) -> str | None:
    try:
        return optional_identifier(cell)
    except CellError:
        return None  # named later, as every bad cell is


def _rows_of(table: Table, rows: list[int]) -> Table:
    columns = {name: [cells[row] for row in rows] for name, cells in table.columns.items()}
    return replace(table, columns=columns, lines=[table.lines[row] for row in rows])


def _ids(table: Table, selection: Selection, folder: AudioFolder) -> frozenset[str]:
    """Returns the ids of rows, read without asking for their recordings and without what else may be wrong in them."""
    columns = {
        name: column
        for name, column in selection.columns.items()
        if name in ("utterance_id", "audio_filepath", "offset")
    }
    bare = replace(selection, columns=columns, datasheet=replace(selection.datasheet, attributes=()))
    rows = read_rows(table, bare, folder.not_looking())
    return frozenset(each for each in rows.utterance_ids if each is not None)
