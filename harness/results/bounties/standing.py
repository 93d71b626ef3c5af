"""The entries of a bounty's ledger in, where it stands out: what was handed in and answered, and whether it is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from harness.fairness.bounty import BountyRules
from harness.results.bounties.folder import ANSWERED, CLOSED, FORGOT, OPENED, SUBMITTED
from harness.results.ledger import Entry, LedgerError


class Verdict(Enum):
    """Says how a submission was answered."""

    accepted = "accepted"
    rejected = "rejected"
    could_not_be_run = "could_not_be_run"


@dataclass(frozen=True, slots=True)
class Submitted:
    """Is a submission as the ledger has it."""

    n: int
    line: int
    at: str
    digest: str
    hypotheses: str | None  # digest of the transcripts; None: it brought none
    predicate: str
    alternative: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Is an answer as the ledger has it; `receipt` is the digest of its line."""

    n: int
    line: int
    at: str
    digest: str
    verdict: Verdict
    gain: float | None  # rounded down to one of the rules' steps; None unless accepted
    judgement: str  # digest of the sealed file
    decisions: str  # digest of the list after it
    receipt: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Is the end of a bounty."""

    line: int
    at: str
    salt: str
    seed: str  # of the split
    rounds: str  # digest of the table
    receipt: str


@dataclass(frozen=True, slots=True)
class Forgot:
    """Says that the rows of people were removed after the end: as somebody withdrew, by its owner's word."""

    line: int
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Says where a bounty stands.

    Attributes:
        files: Digests of the public files by name.
        commitment: To the sealed files.
        submitted: In order; the first has number 1.
        answered: In order, always the first ones of those submitted.
        closed: None while it is not over.
        last: The digest of the last line.
        n_lines: Of the ledger.
        forgot: None while the rows of people are there.
    """

    at: str
    files: Mapping[str, str]
    commitment: str
    submitted: tuple[Submitted, ...]
    answered: tuple[Answered, ...]
    closed: Closed | None
    last: str
    n_lines: int
    forgot: Forgot | None = None

    @property
    def pending(self) -> tuple[Submitted, ...]:
        """Return what was handed in and is not answered."""
        return self.submitted[len(self.answered) :]

    @property
    def n_accepted(self) -> int:
        """Count the acceptances."""
        return sum(each.verdict is Verdict.accepted for each in self.answered)

    def why_over(self, rules: BountyRules) -> str:
        """Say why nothing is answered any more; empty while something is."""
        if self.closed is not None:
            gone = f", and its rows of people were removed on {self.forgot.at}" if self.forgot is not None else ""
            return f"it was closed on {self.closed.at}{gone}"
        if self.n_accepted >= rules.n_acceptances:
            return f"acceptances declared: {self.n_accepted}, and there were as many"
        if len(self.answered) >= rules.n_submissions:
            return f"submissions declared: {rules.n_submissions}, and all are answered"
        return ""


def standing_of(entries: Sequence[Entry], where: str) -> Standing:
    """Return where a bounty stands by its ledger.

    Args:
        entries: Chained, as `Ledger.entries` returns them.
        where: The ledger's path, for messages.

    Raises:
        LedgerError: It is not the ledger of a bounty, or says what cannot be; the message names the line.
    """
    try:
        return _read(entries, where)
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(f"{where}: not the ledger of a bounty ({error!r}).") from error


def _read(entries: Sequence[Entry], where: str) -> Standing:
    if not entries or entries[0].kind != OPENED:
        raise LedgerError(f"{where}:1: does not open a bounty; the ledger was cut, or is another's.")
    submitted: list[Submitted] = []
    answered: list[Answered] = []
    closed: Closed | None = None
    forgot: Forgot | None = None
    for entry in entries[1:]:
        is_at_end = entry.kind == FORGOT and forgot is None
        problem = "" if closed is None or is_at_end else "follows the end of the bounty"
        if entry.kind == SUBMITTED:
            submitted.append(_submitted(entry))
            problem = problem or ("" if submitted[-1].n == len(submitted) else "is not the next submission")
        elif entry.kind == ANSWERED:
            answered.append(_answered(entry))
            problem = problem or _wrong_answer(answered, submitted)
        elif entry.kind == CLOSED:
            closed = _closed(entry)
        elif entry.kind == FORGOT:
            forgot = Forgot(entry.n, entry.at)
            problem = problem or ("" if closed is not None else "forgets people of a bounty that is not closed")
        else:
            problem = f"is of the kind {entry.kind!r:.40}, which no bounty writes"
        if problem:
            raise LedgerError(f"{where}:{entry.n}: {problem}.")
    files = entries[0].content["files"]
    if not isinstance(files, dict):
        raise TypeError("files are no mapping")
    return Standing(
        at=entries[0].at,
        files=files,
        commitment=str(entries[0].content["commitment"]),
        submitted=tuple(submitted),
        answered=tuple(answered),
        closed=closed,
        last=entries[-1].digest,
        n_lines=len(entries),
        forgot=forgot,
    )


def _submitted(entry: Entry) -> Submitted:
    told = entry.content
    heard = told["hypotheses"]
    return Submitted(
        n=_number(told["submission"]),
        line=entry.n,
        at=entry.at,
        digest=str(told["digest"]),
        hypotheses=None if heard is None else str(heard),
        predicate=str(told["predicate"]),
        alternative=str(told["alternative"]),
    )


def _answered(entry: Entry) -> Answered:
    told = entry.content
    gain = told["gain"]
    return Answered(
        n=_number(told["submission"]),
        line=entry.n,
        at=entry.at,
        digest=str(told["digest"]),
        verdict=Verdict(told["verdict"]),
        gain=None if gain is None else float(str(gain)),
        judgement=str(told["judgement"]),
        decisions=str(told["list"]),
        receipt=entry.digest,
    )


def _closed(entry: Entry) -> Closed:
    told = entry.content
    return Closed(
        line=entry.n,
        at=entry.at,
        salt=str(told["salt"]),
        seed=str(told["seed"]),
        rounds=str(told["rounds"]),
        receipt=entry.digest,
    )


def _wrong_answer(answered: Sequence[Answered], submitted: Sequence[Submitted]) -> str:
    """Say what is wrong with the newest answer; empty where nothing is."""
    last = answered[-1]
    if last.n != len(answered) or last.n > len(submitted):
        return "does not answer the next submission"
    if last.digest != submitted[last.n - 1].digest:
        return f"answers another text than was submitted on line {submitted[last.n - 1].line}"
    if (last.gain is not None) != (last.verdict is Verdict.accepted):
        return "tells a gain of what was not accepted, or none of what was"
    return ""


def _number(found: object) -> int:
    if not isinstance(found, int):
        raise TypeError(f"{found!r:.40} is no number of a submission")
    return found
