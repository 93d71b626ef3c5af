"""The submissions of a bounty in, their answers out, in order: accept or reject, a rounded gain, and no more.

An answer counts when its line is in the ledger. What is written after that follows from it, so that a killed command
is finished by the next one.
"""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import DataError, UsageError
from harness.fairness.bounty import State
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.bounty_rerun import NotRunError, Rerun, heard_by
from harness.report.bounties.answers import Status
from harness.results.bounties.answering import (
    Found,
    Sealed,
    asked,
    heard_bytes,
    list_bytes,
    next_level,
    not_run,
    read_handed_in,
    replayed,
    write_answers,
)
from harness.results.bounties.counting import errors_of
from harness.results.bounties.folder import ANSWERED, IDS, BountyFolder, digest, write_whole
from harness.results.bounties.heard import parsed_heard, read_ids
from harness.results.bounties.rules import PublicRules, read_rules
from harness.results.bounties.sealing import SALT_BYTES, commitment, read_salt, write_errors
from harness.results.bounties.standing import Standing, Submitted, standing_of
from harness.results.bounties.submission import HeardElsewhere, OfferedSystem, ToBeRun, own_system
from harness.transcription.progress import stage

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BountyCheckJob:
    """Holds what `harness bounty check` needs, as ordinary objects.

    Attributes:
        bounty: The folder of the bounty.
        rerun: How alternatives are run.
    """

    bounty: Path
    rerun: Rerun = field(default_factory=Rerun)


def bounty_check(job: BountyCheckJob) -> BountyOutcome:
    """Answer every submission that is not answered, until the holdout is retired.

    Raises:
        UsageError: The sealed files are not there, or another process answers.
        DataError: A file is not the one of the ledger; nothing is answered.
        StorageError: An answer cannot be written.
    """
    folder = BountyFolder.open(job.bounty)
    folder.check_is_owner_s()
    rules = read_rules(folder.rules)
    with folder.alone():
        standing = _standing(folder)
        first = len(standing.answered)
        check_unchanged(folder, standing)
        with stage("answering again what was answered", n_rows=first):
            state, sealed = replayed(folder, rules, standing)
        while standing.pending and not standing.why_over(rules.rules):
            found = _found(folder, sealed, state, standing.pending[0], job.rerun)
            state, sealed = found.state, found.sealed
            _write(folder, standing.pending[0], found, rules)
            standing = _standing(folder)
        write_answers(folder, standing, state, rules)
    log.info("submissions answered: %d", len(standing.answered) - first)
    return BountyOutcome(
        Status(
            path=folder.path,
            rules=rules,
            standing=standing,
            level=next_level(state.decisions, rules),
            over=standing.why_over(rules.rules),
            answered=standing.answered[first:],
        )
    )


def check_unchanged(folder: BountyFolder, standing: Standing) -> None:
    """Refuse to answer by other files than were published and committed to.

    Raises:
        UsageError: The rows of people were removed.
        DataError: A file was changed since the bounty was opened.
    """
    if standing.forgot is not None:
        raise UsageError(
            f"{folder.path}: every row about a person was removed on {standing.forgot.at} (line "
            f"{standing.forgot.line} of the ledger): nothing is answered any more."
        )
    for name, expected in standing.files.items():
        path = folder.public / name
        if not path.is_file() or digest(path.read_bytes()) != expected:
            raise DataError(f"{path}: is not the file that was published; the first line of the ledger has its digest.")
    if commitment(folder.sealed, read_salt(folder)) != standing.commitment:
        raise DataError(
            f"{folder.sealed}: the sealed files are not those that the first line of the ledger commits to."
        )


def _standing(folder: BountyFolder) -> Standing:
    return standing_of(folder.ledger.entries(), str(folder.ledger.path))


def _found(folder: BountyFolder, sealed: Sealed, state: State, submitted: Submitted, rerun: Rerun) -> Found:
    """Ask the holdout one submission, whose alternative is run or counted first where it brings one."""
    submission = read_handed_in(folder, submitted.n, submitted.digest, sealed.rules)
    if isinstance(submission.alternative, OfferedSystem):
        return asked(state, sealed, submission, submitted.n, submitted=submitted.digest, errors_file=None)
    try:
        errors = _counted(_texts(folder, submitted, submission.alternative, rerun), sealed)
    except NotRunError as error:
        log.info("submission %d could not be run", submitted.n)
        return not_run(state, sealed, submitted.n, submitted=submitted.digest, problem=str(error))
    sealed = sealed.having(own_system(submitted.n), errors)
    errors_file = write_errors(folder.alternative(submitted.n), errors)
    return asked(state, sealed, submission, submitted.n, submitted=submitted.digest, errors_file=errors_file)


def _texts(
    folder: BountyFolder, submitted: Submitted, alternative: HeardElsewhere | ToBeRun, rerun: Rerun
) -> Mapping[str, str | None]:
    """Return what the alternative makes of every sealed utterance, and maybe of others.

    Raises:
        NotRunError: It could not be run.
        DataError: The transcripts are not those of the ledger.
    """
    if isinstance(alternative, ToBeRun):
        return heard_by(folder, submitted.n, alternative, options=rerun)
    data = heard_bytes(folder, submitted.n, str(submitted.hypotheses))
    return parsed_heard(data, read_ids(folder.public / IDS), alternative.file)


def _counted(texts: Mapping[str, str | None], sealed: Sealed) -> npt.NDArray[np.int64]:
    """Return the clipped errors of texts.

    Raises:
        NotRunError: They cannot be counted: the normaliser fails on one, or an utterance is missing.
    """
    try:
        return errors_of(texts, sealed.frame, str(sealed.rules.normalizer))
    except DataError as error:
        raise NotRunError(str(error)) from error


def _write(folder: BountyFolder, submitted: Submitted, found: Found, rules: PublicRules) -> None:
    """Write the sealed judgement, then the line that makes the answer count."""
    judgement = found.judgement_bytes(secrets.token_hex(SALT_BYTES))
    write_whole(folder.judgement(submitted.n), judgement)
    content = {
        "submission": submitted.n,
        "digest": submitted.digest,
        "verdict": found.verdict.value,
        "gain": found.gain,
        "judgement": digest(judgement),
        "list": digest(list_bytes(found.state, rules)),
    }
    folder.ledger.append(ANSWERED, content)
