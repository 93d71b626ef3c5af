"""A bounty in, its end out: what every round did to every accepted group, a page, and the salt of the commitment."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import UsageError
from harness.fairness.bounty import rounds_table
from harness.pipelines.bounty_check import check_unchanged
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.report.bounties.answers import ClosedBounty
from harness.report.bounties.page import render_page
from harness.report.bounties.seen import Seen, seen_again
from harness.results.bounties.answering import replayed, rewrite_answers, write_answers
from harness.results.bounties.folder import CLOSED, PAGE, ROUNDS, SALT, BountyFolder, digest, write_whole
from harness.results.bounties.rules import PublicRules, read_rules
from harness.results.bounties.sealing import read_salt, read_split
from harness.results.bounties.standing import Standing, standing_of


@dataclass(frozen=True, kw_only=True)
class BountyCloseJob:
    """Holds what `harness bounty close` needs: the folder of the bounty."""

    bounty: Path


def bounty_close(job: BountyCloseJob) -> BountyOutcome:
    """End a bounty and publish what it found; a bounty that is closed already gets its page anew.

    Raises:
        UsageError: Submissions wait for an answer, or the sealed files are not there.
        DataError: A file is not the one of the ledger.
        StorageError: Something cannot be written.
    """
    folder = BountyFolder.open(job.bounty)
    folder.check_is_owner_s()
    rules = read_rules(folder.rules)
    where = str(folder.ledger.path)
    with folder.alone(), folder.ledger.held() as held:
        standing = standing_of(held.entries, where)
        if standing.pending and not standing.why_over(rules.rules):
            n = len(standing.pending)
            raise UsageError(
                f"{folder.path}: {n} submission{'s wait' if n > 1 else ' waits'} for an answer: bounty check."
            )
        if standing.forgot is not None:
            return _page_anew(folder, rules, standing)
        check_unchanged(folder, standing)
        state, sealed = replayed(folder, rules, standing)
        write_answers(folder, standing, state, rules)
        rounds = rounds_table(state.decisions, sealed.holdout)
        table = csv_bytes(rounds)
        write_whole(folder.public / ROUNDS, table)
        if standing.closed is None:
            salt, split = read_salt(folder), read_split(folder)
            held.append(CLOSED, {"salt": salt, "seed": str(split.seed), "rounds": digest(table)})
            standing = standing_of(held.entries, where)
        write_whole(folder.public / SALT, f"{read_salt(folder)}\n".encode())
        seen = Seen(rules, standing, state.decisions, rounds)
        write_whole(folder.public / PAGE, render_page(seen).encode())
    return _closed(folder, seen)


def _page_anew(folder: BountyFolder, rules: PublicRules, standing: Standing) -> BountyOutcome:
    """Write the page of what was published, where the rows of people are gone and nothing can be computed again."""
    seen = seen_again(folder, rules, standing)
    rewrite_answers(folder, standing)
    write_whole(folder.public / PAGE, render_page(seen).encode())
    return _closed(folder, seen)


def _closed(folder: BountyFolder, seen: Seen) -> BountyOutcome:
    return BountyOutcome(ClosedBounty(folder.path, folder.public / PAGE, seen.rules, seen.standing, seen.rounds))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as the bytes of a CSV file."""
    return str(table.to_csv(index=False, lineterminator="\n")).encode()
