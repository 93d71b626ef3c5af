"""What a command of a bounty did, as records that the screen prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from harness.results.bounties.rules import PublicRules
from harness.results.bounties.standing import Answered, Forgot, Standing, Submitted


@dataclass(frozen=True, slots=True)
class Opened:
    """Says what was opened.

    Attributes:
        path: The folder.
        rules: As published.
        notes: What the owner must know.
    """

    path: Path
    rules: PublicRules
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """Says that a submission was taken, and by which number and digest it is known."""

    path: Path
    submitted: Submitted
    receipt: str
    n_left: int


@dataclass(frozen=True, slots=True)
class Status:
    """Says where a bounty stands; `answered` are those that this command answered.

    Attributes:
        path: The folder.
        rules: As published.
        standing: By the ledger.
        level: One-sided, of the next question.
        over: Why nothing is answered any more; empty while something is.
        answered: Just now; empty for `harness bounty status`.
        notes: What else to know.
    """

    path: Path
    rules: PublicRules
    standing: Standing
    level: float
    over: str
    answered: Sequence[Answered] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClosedBounty:
    """Says what a bounty ended with; `rounds` is the table of `rounds.csv`."""

    path: Path
    page: Path
    rules: PublicRules
    standing: Standing
    rounds: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Verified:
    """Says what a check of a bounty found.

    Attributes:
        path: The folder.
        n_lines: Of the ledger.
        n_answers: That were computed again; None where the sealed files are not there.
        commitment: Whether the sealed files are those that were committed to; None where that cannot be told.
        problems: What is not as it was written.
        receipt: The line that a kept digest is of; None where none was given.
        forgot: The line by which the rows of people were removed, so that no answer can be computed again; None: none.
    """

    path: Path
    n_lines: int
    n_answers: int | None
    commitment: bool | None
    problems: tuple[str, ...]
    receipt: int | None = None
    forgot: Forgot | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Holds what the development half shows of a group: fractions, people, words; `reason` says what it lacks."""

    n_speakers: int
    n_words: int
    share: float
    own_wer: float
    other_wer: float
    gain: float
    gain_low: float
    p_value: float
    would_be_accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """Says what a submission shows on the development half.

    Attributes:
        path: The folder.
        rules: As published.
        predicate: In its one way of writing.
        system: What the alternative is.
        judgement: None where nothing could be judged.
        level: One-sided, that the holdout would ask now; 0: it answers no more.
        not_judged: Why nothing could be; empty where something was.
        evaluation_only: Columns that somebody has to be asked for, with where their values come from.
        over: Why nothing would be answered.
    """

    path: Path
    rules: PublicRules
    predicate: str
    system: str
    judgement: Preview | None
    level: float
    not_judged: str
    evaluation_only: tuple[tuple[str, str], ...]
    over: str


@dataclass(frozen=True, slots=True)
class Routed:
    """Says what router was written: its file, its systems, and the columns that it measures."""

    path: Path
    systems: tuple[str, ...]
    columns: tuple[str, ...]


BountyAnswer: TypeAlias = Opened | Taken | Status | ClosedBounty | Verified | Previewed | Routed
