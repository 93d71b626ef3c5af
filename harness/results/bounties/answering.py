"""The sealed half, the ledger and a submission in, its answer and what it leaves behind out; answered again, the same.

Of the holdout an answer tells whether it was accepted and, if so, a step that its gain reaches. What else the holdout
showed is written to a sealed file, whose digest stands in the ledger. What it says of few people could be guessed from
a digest of that alone, so each file has a salt of its own, which is never published.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError, HarnessError, UsageError
from harness.fairness.bounty import Holdout, Judgement, PointerDecisionList, Question, State, answer, level
from harness.results.bounties.folder import (
    ANSWER,
    HEARD,
    HOLDOUT,
    IDS,
    LIST,
    SALT,
    SUBMISSION,
    BountyFolder,
    canonical,
    digest,
    shown_json,
    write_whole,
)
from harness.results.bounties.halves import check_counts, counted, holdout_of
from harness.results.bounties.heard import most_bytes, read_ids
from harness.results.bounties.rules import PublicRules
from harness.results.bounties.sealing import read_errors, read_parquet
from harness.results.bounties.standing import Answered, Standing, Verdict
from harness.results.bounties.submission import LARGEST, OfferedSystem, Submission, own_system, parsed_submission
from harness.results.bounties.untrusted import parsed, read_untrusted

LARGEST_LIST = 4_000_000  # bytes of list.json
MEANS = {
    Verdict.accepted: "On people whom nobody outside has seen, the alternative serves this group better, at the level "
    "that pays for every answer given so far. The list has it now.",
    Verdict.rejected: "It was not shown that the alternative serves this group better. That is no evidence that both "
    "serve it alike: the group may be too small, the gain too small, or the level too strict.",
    Verdict.could_not_be_run: "The alternative could not be run or counted, so that nothing was asked of the holdout. "
    "It counts among the submissions.",
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """Holds what questions are asked about: the rules, the sealed half, and the same as questions are asked of it."""

    rules: PublicRules
    frame: pd.DataFrame
    holdout: Holdout

    def having(self, system: str, errors: npt.NDArray[np.int64]) -> "Sealed":
        """Return the same with the clipped errors of one more system, (n_rows,)."""
        return replace(self, holdout=replace(self.holdout, errors={**self.holdout.errors, system: errors}))


@dataclass(frozen=True, slots=True)
class Found:
    """Is what became of a submission.

    Attributes:
        verdict: Accepted, rejected, or not run.
        gain: The step that is told of an acceptance's gain.
        state: After it.
        sealed: With its own system, where it brought one.
        judgement: What is written to the sealed file, but for its salt.
    """

    verdict: Verdict
    gain: float | None
    state: State
    sealed: Sealed
    judgement: Mapping[str, object]

    def judgement_bytes(self, salt: str) -> bytes:
        """Return the sealed file."""
        return canonical({**self.judgement, SALT: salt})


def read_sealed(folder: BountyFolder, rules: PublicRules) -> Sealed:
    """Return the sealed half.

    Raises:
        DataError: It cannot be read, or is of other people than the rules say.
    """
    path = folder.sealed / HOLDOUT
    frame = read_parquet(path)
    check_counts(frame, rules.columns, [rules.base, *rules.systems], str(path))
    if counted(frame) != rules.holdout:
        raise DataError(f"{path}: has {counted(frame)}; {folder.rules} says {rules.holdout}.")
    return Sealed(rules, frame, holdout_of(frame, rules.columns))


def read_handed_in(folder: BountyFolder, n: int, expected: str, rules: PublicRules) -> Submission:
    """Return a submission as it was handed in.

    Raises:
        DataError: It is not the one whose digest stands in the ledger.
    """
    path = folder.submission(n) / SUBMISSION
    data = handed_in(path, expected, most=LARGEST)
    try:
        return parsed_submission(data, rules, what=f"{path.parent.name}/{SUBMISSION}")
    except HarnessError as error:
        raise DataError(f"{path}: was taken and is no submission now ({error}).") from error


def handed_in(path: Path, expected: str, *, most: int) -> bytes:
    """Return the bytes of a file that was handed in, at most as many as were taken.

    Raises:
        DataError: It is gone, or its digest is not the ledger's.
    """
    try:
        data = read_untrusted(path, most=most, what=str(path))
    except UsageError as error:
        raise DataError(f"{error} The ledger says that it was handed in.") from error
    if digest(data) != expected:
        raise DataError(f"{path}: was changed after it was handed in; its digest is not the ledger's.")
    return data


def asked(
    state: State, sealed: Sealed, submission: Submission, n: int, *, submitted: str, errors_file: str | None
) -> Found:
    """Ask the holdout.

    Args:
        state: Before the question.
        sealed: With the errors of the submission's own system, if it brought one.
        submission: What is asked.
        n: Its number.
        submitted: Digest of its file.
        errors_file: Digest of the file with its own system's errors; None where the owner offered the system.
    """
    question = Question(submission.predicate, submission.system(n))
    found = answer(state, question, sealed.holdout, sealed.rules.rules)
    return Found(
        verdict=Verdict.accepted if found.answer.accepted else Verdict.rejected,
        gain=found.answer.gain,
        state=found.state,
        sealed=sealed,
        judgement={
            "submission": n,
            "digest": submitted,
            "system": question.system,
            "errors": errors_file,
            "problem": None,
            "judgement": plain_judgement(found.judgement),
        },
    )


def not_run(state: State, sealed: Sealed, n: int, *, submitted: str, problem: str) -> Found:
    """Return what becomes of a submission whose alternative could not be run or counted."""
    told = {
        "submission": n,
        "digest": submitted,
        "system": own_system(n),
        "errors": None,
        "problem": problem,
        "judgement": None,
    }
    return Found(Verdict.could_not_be_run, None, state, sealed, told)


def plain_judgement(judgement: Judgement) -> dict[str, object]:
    """Return a judgement as JSON has it; null for what is no number."""
    return {name: _plain(value) for name, value in asdict(judgement).items()}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value


def list_bytes(state: State, rules: PublicRules) -> bytes:
    """Return `list.json`: the pointer decision list with its repairs, and what the columns that it asks are."""
    decisions = state.decisions.decisions
    about = {each.name: f"{each.describes}, {each.provenance}" for each in rules.columns}
    told = {name: about[name] for name in sorted(decisions.columns)}
    return shown_json(replace(decisions, about=told).to_dict())


def read_list(folder: BountyFolder, rules: PublicRules) -> PointerDecisionList:
    """Return the list that is published.

    Raises:
        UsageError: It is none.
    """
    path = folder.public / LIST
    data = read_untrusted(path, most=LARGEST_LIST, what=str(path))
    return PointerDecisionList.from_dict(parsed(data, str(path)), rules.predicate_columns)


def next_level(decisions: PointerDecisionList, rules: PublicRules) -> float:
    """Return the level of the next question; 0 where nothing is asked any more."""
    n_repairs: list[int] = []
    for node in decisions.decisions.nodes:
        if isinstance(node.to, str):
            n_repairs.append(0)
        else:
            n_repairs[-1] += 1
    return level(rules.rules, n_repairs) if len(n_repairs) < rules.rules.n_acceptances else 0.0


def answer_bytes(entry: Answered) -> bytes:
    """Return `answer.json` of a submission: all that its hunter is told, and the receipt."""
    return shown_json(
        {
            "submission": entry.n,
            "answer": entry.verdict.value,
            "gain_rounded_down": entry.gain,
            "means": MEANS[entry.verdict],
            "ledger_line": entry.line,
            "receipt": entry.receipt,
        }
    )


def write_answers(folder: BountyFolder, standing: Standing, state: State, rules: PublicRules) -> None:
    """Write what follows from the ledger and may be missing after a kill: every answer, and the list.

    Raises:
        StorageError: They cannot be written.
    """
    rewrite_answers(folder, standing)
    write_whole(folder.public / LIST, list_bytes(state, rules))


def rewrite_answers(folder: BountyFolder, standing: Standing) -> None:
    """Write every answer that is not there as the ledger has it.

    Raises:
        StorageError: One cannot be written.
    """
    for entry in standing.answered:
        write_whole(folder.submission(entry.n) / ANSWER, answer_bytes(entry))


def replayed(folder: BountyFolder, rules: PublicRules, standing: Standing) -> tuple[State, Sealed]:
    """Answer everything again that the ledger says was answered, with the errors that were kept.

    Raises:
        DataError: A file is not the one of the ledger, or an answer is another now; the message names the line.
    """
    state, sealed = State.opened(rules.base), read_sealed(folder, rules)
    for entry in standing.answered:
        found = again(folder, state, sealed, entry)
        state, sealed = found.state, found.sealed
    return state, sealed


def again(folder: BountyFolder, state: State, sealed: Sealed, entry: Answered) -> Found:
    """Answer one submission again and compare.

    Raises:
        DataError: As `replayed` raises it.
    """
    where = f"{folder.ledger.path}:{entry.line}"
    kept = _kept_judgement(folder, entry)
    submission = read_handed_in(folder, entry.n, entry.digest, sealed.rules)
    if entry.verdict is Verdict.could_not_be_run:
        if isinstance(submission.alternative, OfferedSystem):
            raise DataError(f"{where}: says that a system on offer could not be run; it was run before all questions.")
        return not_run(state, sealed, entry.n, submitted=entry.digest, problem=str(kept["problem"]))
    errors_file = None if kept["errors"] is None else str(kept["errors"])
    if errors_file is not None:
        errors = read_errors(folder.alternative(entry.n), errors_file, len(sealed.frame))
        sealed = sealed.having(own_system(entry.n), errors)
    found = asked(state, sealed, submission, entry.n, submitted=entry.digest, errors_file=errors_file)
    if (found.verdict, found.gain) != (entry.verdict, entry.gain):
        raise DataError(
            f"{where}: says that submission {entry.n} was {entry.verdict.value} (gain {entry.gain}); answered again it "
            f"is {found.verdict.value} ({found.gain})."
        )
    if digest(list_bytes(found.state, sealed.rules)) != entry.decisions:
        raise DataError(f"{where}: the list after submission {entry.n} is another one now.")
    if not _alike(found.judgement, {name: value for name, value in kept.items() if name != SALT}):
        raise DataError(f"{where}: the sealed judgement of submission {entry.n} has other numbers now.")
    return found


def heard_bytes(folder: BountyFolder, n: int, expected: str) -> bytes:
    """Return the transcripts that came with a submission.

    Raises:
        DataError: They are not those of the ledger.
    """
    most = most_bytes(len(read_ids(folder.public / IDS)))
    return handed_in(folder.submission(n) / HEARD, expected, most=most)


def _kept_judgement(folder: BountyFolder, entry: Answered) -> Mapping[str, object]:
    path = folder.judgement(entry.n)
    try:
        data = read_untrusted(path, most=LARGEST, what=str(path))
    except UsageError as error:
        raise DataError(str(error)) from error
    if digest(data) != entry.judgement:
        raise DataError(f"{path}: its digest is not the one on line {entry.line} of the ledger; it was exchanged.")
    told = parsed(data, str(path))
    if not isinstance(told, dict):
        raise DataError(f"{path}: is no judgement.")
    return told


def _alike(found: object, kept: object) -> bool:
    """Say whether two judgements are the same but for the last digits, which another machine may have otherwise."""
    if isinstance(found, float) and isinstance(kept, int | float):
        return math.isclose(found, kept, rel_tol=1e-9, abs_tol=1e-15)
    if isinstance(found, Mapping) and isinstance(kept, Mapping):
        return found.keys() == kept.keys() and all(_alike(found[name], kept[name]) for name in found)
    return found == kept
