"""What a command of a bounty did, and how it ends."""

from dataclasses import dataclass

from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.report.bounties.answers import BountyAnswer


@dataclass(frozen=True, slots=True)
class BountyOutcome:
    """Says what a command of a bounty did, and how it ends."""

    answer: BountyAnswer
    exit_status: int = EXIT_WITHIN_POLICY
