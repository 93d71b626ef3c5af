"""A bounty in, everything of it that is not as its ledger says out: digests, the chain, the answers computed again."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np

from harness.errors import DataError, HarnessError, UsageError
from harness.fairness.bounty import State, rounds_table
from harness.pipelines.bounty_close import csv_bytes
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.evaluation import EXIT_VIOLATED, EXIT_WITHIN_POLICY
from harness.predicates import Predicate
from harness.provenance import digest_of_file
from harness.report.bounties.answers import Verified
from harness.report.bounties.page import render_page
from harness.report.bounties.seen import seen_again
from harness.results.bounties.answering import (
    Sealed,
    again,
    answer_bytes,
    heard_bytes,
    list_bytes,
    read_handed_in,
    read_list,
    read_sealed,
)
from harness.results.bounties.counting import errors_of
from harness.results.bounties.folder import (
    ANSWER,
    DEVELOPMENT,
    HEARD,
    HOLDOUT,
    IDS,
    LIST,
    PAGE,
    ROUNDS,
    SALT,
    SPLIT,
    SUBMISSION,
    BountyFolder,
    digest,
)
from harness.results.bounties.heard import parsed_heard, read_ids
from harness.results.bounties.rules import PublicRules, read_rules
from harness.results.bounties.sealing import commitment, read_salt, read_split
from harness.results.bounties.standing import Answered, Standing, Verdict, standing_of
from harness.results.bounties.submission import OfferedSystem
from harness.results.bounties.taking import LONGEST_TOLD, leftovers
from harness.results.ledger import check_is_digest

Read = TypeVar("Read")


@dataclass(frozen=True, kw_only=True)
class BountyVerifyJob:
    """Holds what `harness bounty verify` needs, as ordinary objects.

    Attributes:
        bounty: The folder of the bounty; without its sealed files, or the right to read them, answers are not
            computed again.
        receipt: A digest that somebody kept, of a line that must be there; None: none.
    """

    bounty: Path
    receipt: str | None = None


def bounty_verify(job: BountyVerifyJob) -> BountyOutcome:
    """Check a bounty; one that is not as its ledger says ends the command as a violated policy does.

    Raises:
        UsageError: There is no bounty, or the receipt is no digest.
    """
    folder = BountyFolder.open(job.bounty)
    problems: list[str] = []
    receipt = None
    if job.receipt is not None:
        check_is_digest(str(job.receipt))
        receipt = _tried(problems, lambda: folder.ledger.check_contains(str(job.receipt)).n)
    standing = _tried(problems, lambda: standing_of(folder.ledger.entries(), str(folder.ledger.path)))
    rules = _tried(problems, lambda: read_rules(folder.rules))
    n_answers, committed = None, None
    if standing is not None and rules is not None:
        problems += _wrong_files(folder, standing, rules)
        problems += _wrong_claims(folder, standing, rules)
        salt = _salt(folder, standing)
        if salt is not None and standing.forgot is None and os.access(folder.sealed / HOLDOUT, os.R_OK):
            committed = commitment(folder.sealed, salt) == standing.commitment
            problems += [] if committed else [f"{folder.sealed}: not the files that line 1 of the ledger commits to."]
            problems += _wrong_seed(folder, standing)
            n_answers, wrong = _answered_again(folder, rules, standing)
            problems += wrong
    found = Verified(
        path=folder.path,
        n_lines=0 if standing is None else standing.n_lines,
        n_answers=n_answers,
        commitment=committed,
        problems=tuple(problems),
        receipt=receipt,
        forgot=None if standing is None else standing.forgot,
    )
    return BountyOutcome(found, EXIT_VIOLATED if problems else EXIT_WITHIN_POLICY)


def _tried(problems: list[str], read: Callable[[], Read]) -> Read | None:
    """Return what is read; None where it cannot be, and why is added to the problems."""
    try:
        return read()
    except (DataError, UsageError) as error:
        problems.append(str(error))
        return None


def _salt(folder: BountyFolder, standing: Standing) -> str | None:
    """Return the salt: the owner's file, or what the end of the bounty published; None while it is secret."""
    if standing.closed is not None:
        return standing.closed.salt
    return read_salt(folder) if os.access(folder.sealed / SALT, os.R_OK) else None


def _wrong_files(folder: BountyFolder, standing: Standing, rules: PublicRules) -> Iterator[str]:
    """Yield what is said of every file that is not as the ledger has it."""
    gone = () if standing.forgot is None else (DEVELOPMENT, IDS)
    for name, expected in standing.files.items():
        if name not in gone:
            yield from _differs(folder.public / name, expected, "line 1")
    empty = digest(list_bytes(State.opened(rules.base), rules))
    last = standing.answered[-1] if standing.answered else None
    where = "the list before any answer" if last is None else f"line {last.line}"
    yield from _differs(folder.public / LIST, empty if last is None else last.decisions, where)
    for each in standing.submitted:
        place = folder.submission(each.n)
        yield from _differs(place / SUBMISSION, each.digest, f"line {each.line}")
        if each.hypotheses is not None and standing.forgot is None:
            yield from _differs(place / HEARD, each.hypotheses, f"line {each.line}")
    writer = "bounty check" if standing.closed is None else "bounty close"
    remedy = f"{writer} writes it again" if folder.sealed.is_dir() else "ask its owner for submissions/ as they are"
    for entry in standing.answered:
        path = folder.submission(entry.n) / ANSWER
        if not path.is_file() or digest_of_file(path) != digest(answer_bytes(entry)):
            yield f"{path}: not the answer on line {entry.line} of the ledger; {remedy}."
    if standing.forgot is not None:
        for path in folder.of_people:
            yield f"{path}: is there, and line {standing.forgot.line} says that what tells of people went. Delete it."
    if standing.closed is not None:
        where = f"line {standing.closed.line}"
        yield from _differs(folder.public / ROUNDS, standing.closed.rounds, where)
        yield from _differs(folder.public / SALT, digest(f"{standing.closed.salt}\n".encode()), where)
        yield from _wrong_page(folder, standing, rules)
    for name in leftovers(folder, len(standing.submitted)):
        yield f"{folder.path}/submissions/{name}: in no line of the ledger; it was not taken."
    if len(standing.submitted) > rules.rules.n_submissions or standing.n_accepted > rules.rules.n_acceptances:
        yield f"{folder.ledger.path}: more submissions or acceptances than {folder.rules} declares."


def _differs(path: Path, expected: str, where: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: is not there; {where} of the ledger has its digest."
    elif digest_of_file(path) != expected:
        yield f"{path}: was changed; its digest is not the one of {where} of the ledger."


def _wrong_page(folder: BountyFolder, standing: Standing, rules: PublicRules) -> Iterator[str]:
    """Yield where the page that people read is not the one that ledger, list and table make."""
    path = folder.public / PAGE
    try:
        page = render_page(seen_again(folder, rules, standing)).encode()
    except DataError as error:
        yield f"{path}: cannot be made again of {ROUNDS} and {LIST} ({error})."
        return
    if not path.is_file() or digest_of_file(path) != digest(page):
        yield f"{path}: not what the ledger makes with this harness; changed, or another version's: bounty close again."


def _wrong_claims(folder: BountyFolder, standing: Standing, rules: PublicRules) -> Iterator[str]:
    """Yield what the ledger says of submissions that they do not say, and of answers that they cannot be."""
    accepted = []
    if rules.commitment != standing.commitment:
        yield f"{folder.rules}: commits to other sealed files than line 1 of the ledger."
    for told, answer in zip_longest(standing.submitted, standing.answered):
        try:
            submission = read_handed_in(folder, told.n, told.digest, rules)
        except DataError:  # the file is named already
            return
        if (told.predicate, told.alternative) != (submission.predicate.text, submission.told[:LONGEST_TOLD]):
            yield f"{folder.ledger.path}:{told.line}: tells of submission {told.n} what its file does not say."
        if answer is None:
            continue
        if answer.gain is not None and answer.gain not in rules.rules.gain_steps:
            yield f"{folder.ledger.path}:{answer.line}: a gain of {answer.gain} is none of the rules' steps."
        if answer.verdict is Verdict.could_not_be_run and isinstance(submission.alternative, OfferedSystem):
            yield f"{folder.ledger.path}:{answer.line}: says that a system on offer, run before all, could not be run."
        if answer.verdict is Verdict.accepted:
            accepted.append((submission.predicate, submission.system(told.n)))
    yield from _wrong_list(folder, rules, accepted)


def _wrong_list(folder: BountyFolder, rules: PublicRules, accepted: list[tuple[Predicate, str]]) -> Iterator[str]:
    try:
        nodes = read_list(folder, rules).decisions.nodes
    except UsageError as error:
        yield str(error)
        return
    if accepted != [(node.predicate, node.to) for node in nodes if isinstance(node.to, str)]:
        yield f"{folder.public / LIST}: sends other groups to systems than the ledger says were accepted."


def _wrong_seed(folder: BountyFolder, standing: Standing) -> Iterator[str]:
    if standing.closed is None:
        return
    try:
        seed = str(read_split(folder).seed)
    except DataError as error:
        yield str(error)
        return
    if seed != standing.closed.seed:
        yield f"{folder.ledger.path}:{standing.closed.line}: another seed than {folder.sealed / SPLIT} was divided by."


def _answered_again(folder: BountyFolder, rules: PublicRules, standing: Standing) -> tuple[int, list[str]]:
    """Compute every answer again; return how many are the same, and what is wrong with the first that is not."""
    n = 0
    try:
        state, sealed = State.opened(rules.base), read_sealed(folder, rules)
        for entry in standing.answered:
            found = again(folder, state, sealed, entry)
            state, sealed = found.state, found.sealed
            if wrong := _recounted(folder, sealed, standing, entry):
                return n, [wrong]
            n += 1
        if standing.closed is not None and digest(csv_bytes(rounds_table(state.decisions, sealed.holdout))) != (
            standing.closed.rounds
        ):
            return n, [
                f"{folder.public / ROUNDS}: computed again, it is another table than line {standing.closed.line} has."
            ]
    except HarnessError as error:
        return n, [str(error)]
    return n, []


def _recounted(folder: BountyFolder, sealed: Sealed, standing: Standing, entry: Answered) -> str:
    """Count the transcripts of a submission again; say what is wrong where other counts, or none, were kept."""
    submitted = standing.submitted[entry.n - 1]
    if submitted.hypotheses is None:
        return ""
    submission = read_handed_in(folder, entry.n, entry.digest, sealed.rules)
    data = heard_bytes(folder, entry.n, submitted.hypotheses)
    texts = parsed_heard(data, read_ids(folder.public / IDS), HEARD)
    try:
        counted = errors_of(texts, sealed.frame, str(sealed.rules.normalizer))
    except DataError as error:
        return "" if entry.verdict is Verdict.could_not_be_run else f"submission {entry.n}: {error}"
    if entry.verdict is Verdict.could_not_be_run:
        return f"{folder.ledger.path}:{entry.line}: the transcripts of submission {entry.n} can be counted."
    kept = sealed.holdout.errors[submission.system(entry.n)]
    if np.array_equal(counted, kept):
        return ""
    return f"{folder.alternative(entry.n)}: the transcripts of submission {entry.n} have other errors, counted again."
