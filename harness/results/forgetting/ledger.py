"""What is about to be forgotten, and what was, in; entries of a ledger that show it and name nobody out.

An id, or a hash of one that anybody could make, would itself keep the person. So the ledger has dates, numbers and
names of runs; with a salt, which only its owner has, also the salted hash of each person, by which the owner can show
that somebody was forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.corpus.people import hashed
from harness.results.forgetting.answer import Forgotten, Row, State
from harness.results.forgetting.mentions import Needles
from harness.results.forgetting.people import Sought, is_telling
from harness.results.ledger import Ledger

FILE = "forgotten.jsonl"  # in the first folder that is looked through
BEGUN, DONE = "begun", "forgotten"
_MOST_NAMES = 1_000  # of runs in an entry
_UNNAMED = "(a folder that names them)"


class Audit:
    """Writes what is forgotten into the ledger of a folder."""

    def __init__(self, folder: Path, sought: Sought) -> None:
        self.path = folder / FILE
        self._folder = folder
        self._sought = sought
        self._needles = Needles([each for each in sought.written if is_telling(each)])

    def begun(self, rows: Sequence[Row], answer: Forgotten) -> None:
        """Write down what is to be cleared, before anything is.

        Raises:
            LedgerError: The ledger is damaged.
            StorageError: It cannot be written.
        """
        self._append(BEGUN, rows, {"n_speakers": answer.n_speakers - answer.n_absent})

    def done(self, answer: Forgotten) -> None:
        """Write down what was cleared, and what was not.

        Raises:
            LedgerError: The ledger is damaged.
            StorageError: It cannot be written.
        """
        cleared = [row for row in answer.rows if row.state is State.done]
        told = {
            "n_speakers": answer.n_speakers - answer.n_absent,
            "n_left": answer.n(State.left),
            "n_remaining": answer.n(State.remains),
        }
        self._append(DONE, cleared, told)

    def _append(self, kind: str, rows: Sequence[Row], told: Mapping[str, object]) -> None:
        names = [self._name(row.path) for row in rows[:_MOST_NAMES]]
        content = {**told, "n_places": len(rows), "places": names, **self._hashes()}
        Ledger(self.path).append(kind, content)

    def _hashes(self) -> dict[str, object]:
        salt = self._sought.salt
        return {} if salt is None else {"people": sorted(_hashed(self._sought.speaker_ids, salt))}

    def _name(self, path: Path) -> str:
        """Return a place as seen from the folder; one that itself names them is not told."""
        told = path.relative_to(self._folder) if path.is_relative_to(self._folder) else Path(path.name)
        name = told.as_posix()
        return _UNNAMED if self._needles.are_in(name.encode(errors="surrogateescape")) else name


def _hashed(speaker_ids: Iterable[str], salt: bytes) -> set[str]:
    return {hashed(each, salt) for each in speaker_ids}
