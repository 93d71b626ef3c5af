"""A checked submission in, its folder and its line in the ledger out: all of it, or no trace.

Its folder is moved into its place before its line is written. A folder without a line is what a killed process left:
the next submission takes its number.
"""

import shutil
from pathlib import Path

from harness.errors import StorageError, UsageError
from harness.results.bounties.folder import (
    HEARD,
    PART,
    SUBMISSION,
    SUBMISSIONS,
    SUBMITTED,
    BountyFolder,
    digest,
    unwritable,
    write_whole,
)
from harness.results.bounties.rules import PublicRules
from harness.results.bounties.standing import Standing, Submitted, standing_of
from harness.results.bounties.submission import Submission
from harness.results.ledger import Entry

LONGEST_TOLD = 500  # characters of an alternative in the ledger


def take(
    folder: BountyFolder, rules: PublicRules, submission: Submission, *, data: bytes, heard: bytes | None
) -> tuple[Submitted, Entry]:
    """Copy a submission into the bounty and write its line; several processes may, one after the other.

    Args:
        folder: Of the bounty.
        rules: Of the bounty.
        submission: As `data` says.
        data: The bytes of its file, which are kept as they are.
        heard: The bytes of its transcripts; None where it brought none.

    Raises:
        UsageError: Nothing is taken any more, or the same was handed in before.
        LedgerError: The ledger is damaged.
        StorageError: It cannot be written; no trace is left.
    """
    with folder.ledger.held() as held:
        standing = standing_of(held.entries, str(folder.ledger.path))
        n = len(standing.submitted) + 1
        check_taken(folder, rules, standing)
        if n > rules.rules.n_submissions:
            raise UsageError(
                f"{folder.path}: submissions declared: {rules.rules.n_submissions}, and there are as many. The "
                "holdout answers no more: each answer tells a little of it."
            )
        earlier = [each.n for each in standing.submitted if each.digest == digest(data)]
        if earlier and heard is None:
            raise UsageError(
                f"the same file was handed in as submission {earlier[0]}, and every submission counts. To ask it again "
                "after the list has changed, say so in `why`."
            )
        _place(folder, n, data, heard)
        told = {
            "submission": n,
            "digest": digest(data),
            "hypotheses": None if heard is None else digest(heard),
            "predicate": submission.predicate.text,
            "alternative": submission.told[:LONGEST_TOLD],
        }
        try:
            entry = held.append(SUBMITTED, told)
        except StorageError:
            _remove(folder.submission(n))
            raise
    return standing_of(held.entries, str(folder.ledger.path)).submitted[-1], entry


def check_taken(folder: BountyFolder, rules: PublicRules, standing: Standing) -> None:
    """Refuse to take anything where nothing is answered any more.

    Raises:
        UsageError: It is over; the message says why.
    """
    if over := standing.why_over(rules.rules):
        raise UsageError(f"{folder.path}: nothing is taken any more: {over}.")


def _place(folder: BountyFolder, n: int, data: bytes, heard: bytes | None) -> None:
    place = folder.submission(n)
    part = place.with_name(f".{place.name}{PART}")
    _remove(part, place)
    try:
        write_whole(part / SUBMISSION, data)
        if heard is not None:
            write_whole(part / HEARD, heard)
        part.rename(place)
    except OSError as error:
        raise unwritable(place, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove(*places: Path) -> None:
    """Remove what a killed process left: a folder that the ledger knows nothing of."""
    for place in places:
        try:
            if place.is_symlink() or place.is_file():
                place.unlink()
            elif place.exists():
                shutil.rmtree(place)
        except OSError as error:
            raise unwritable(place, error) from error


def leftovers(folder: BountyFolder, n_submitted: int) -> list[str]:
    """Name what lies among the submissions and is in no line of the ledger."""
    place = folder.path / SUBMISSIONS
    known = {folder.submission(n).name for n in range(1, n_submitted + 1)}
    return sorted(each.name for each in place.iterdir() if each.name not in known) if place.is_dir() else []
