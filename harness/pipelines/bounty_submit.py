"""A hunter's file in, its place among the submissions and a receipt out; what is refused leaves no trace."""

from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.report.bounties.answers import Taken
from harness.results.bounties.folder import IDS, BountyFolder
from harness.results.bounties.heard import read_heard, read_ids
from harness.results.bounties.rules import read_rules
from harness.results.bounties.standing import standing_of
from harness.results.bounties.submission import LARGEST, HeardElsewhere, parsed_submission
from harness.results.bounties.taking import check_taken, take
from harness.results.bounties.untrusted import read_untrusted


@dataclass(frozen=True, kw_only=True)
class BountySubmitJob:
    """Holds what `harness bounty submit` needs, as ordinary objects.

    Attributes:
        bounty: The folder of the bounty.
        submission: The JSON file; transcripts that it names lie beside it.
    """

    bounty: Path
    submission: Path


def bounty_submit(job: BountySubmitJob) -> BountyOutcome:
    """Check a submission and take it.

    Raises:
        UsageError: It is not as the rules ask, nothing is taken any more, or only what hunters have is here.
        LedgerError: The ledger is damaged.
        StorageError: It cannot be written.
    """
    folder = BountyFolder.open(job.bounty)
    rules = read_rules(folder.rules)
    data = read_untrusted(job.submission, most=LARGEST, what=job.submission.name)
    submission = parsed_submission(data, rules, what=job.submission.name)
    if folder.ledger.path.is_file():  # what it says comes before what transcripts lack
        check_taken(folder, rules, standing_of(folder.ledger.entries(), str(folder.ledger.path)))
    heard: bytes | None = None
    if isinstance(submission.alternative, HeardElsewhere):
        beside = job.submission.parent / submission.alternative.file
        heard, _ = read_heard(beside, read_ids(folder.public / IDS))
    if not folder.ledger.path.is_file():
        raise UsageError(f"{folder.ledger.path}: is not there; the owner of the bounty hands in {job.submission.name}.")
    submitted, entry = take(folder, rules, submission, data=data, heard=heard)
    return BountyOutcome(Taken(folder.path, submitted, entry.digest, rules.rules.n_submissions - submitted.n))
