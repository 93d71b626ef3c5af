"""What was found and what became of it in, the answer of `harness forget` out: a row a place, and nobody's name."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.results.forgetting.kinds import TREATMENTS, Kind


class State(Enum):
    """Says what became of a place."""

    found = "found"  # nothing was asked to be removed
    done = "done"
    left = "left"  # should have been cleared, and was not
    remains = "remains"  # is not the harness's to change


@dataclass(frozen=True, slots=True)
class Row:
    """Is a place that keeps somebody, and what becomes of it.

    Attributes:
        path: The place.
        kind: Which.
        corpus: Whose people; empty where that says nothing.
        n_utterances: Rows of theirs; 0 where nobody counts them.
        state: What became of it.
        note: What else is to be said.
    """

    path: Path
    kind: Kind
    corpus: str
    n_utterances: int
    state: State
    note: str = ""

    @property
    def keeps(self) -> str:
        """Say what it keeps."""
        return TREATMENTS[self.kind].keeps

    @property
    def done(self) -> str:
        """Say what is done about it."""
        return TREATMENTS[self.kind].done


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Is the answer.

    Attributes:
        n_speakers: People asked for.
        n_absent: Of these, those whom nothing names.
        n_near: Of these, those whose ids differ from somebody's in capitals, blanks or invisible signs alone.
        corpora: Corpora that they are in.
        rows: Of every place.
        remarks: What else a reader should know.
        is_applied: Whether removing was asked for.
        ledger: Where it was written down; None: nothing was changed.
    """

    n_speakers: int
    n_absent: int
    n_near: int
    corpora: tuple[str, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]
    is_applied: bool
    ledger: Path | None = None

    def n(self, state: State) -> int:
        """Count places by what became of them."""
        return sum(row.state is state for row in self.rows)
