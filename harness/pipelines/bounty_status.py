"""A bounty in, where it stands out: what anybody may see, read from the rules, the list and the ledger alone."""

from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.report.bounties.answers import Status
from harness.results.bounties.answering import next_level, read_list
from harness.results.bounties.folder import LEDGER, BountyFolder
from harness.results.bounties.rules import read_rules
from harness.results.bounties.standing import standing_of
from harness.results.bounties.taking import leftovers


@dataclass(frozen=True, kw_only=True)
class BountyStatusJob:
    """Holds what `harness bounty status` needs: the folder of the bounty."""

    bounty: Path


def bounty_status(job: BountyStatusJob) -> BountyOutcome:
    """Say where a bounty stands; nothing is written.

    Raises:
        UsageError: There is no bounty, or its ledger is not there.
        LedgerError: The ledger is damaged; the message names the line.
    """
    folder = BountyFolder.open(job.bounty)
    rules = read_rules(folder.rules)
    if not folder.ledger.path.is_file():
        raise UsageError(f"{folder.path / LEDGER}: is not there; ask the owner of the bounty for it.")
    standing = standing_of(folder.ledger.entries(), str(folder.ledger.path))
    left = leftovers(folder, len(standing.submitted))
    return BountyOutcome(
        Status(
            path=folder.path,
            rules=rules,
            standing=standing,
            level=next_level(read_list(folder, rules), rules),
            over=standing.why_over(rules.rules),
            notes=tuple(
                f"submissions/{name} is in no line of the ledger; it was not taken, and the next one takes its place."
                for name in left
            ),
        )
    )
