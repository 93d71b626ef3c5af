"""What a closed bounty left in, as the page and the screen read it: rounds, accepted groups, answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness.bounty import PointerDecisionList
from harness.fairness.bounty.checker import ROUND_COLUMNS
from harness.results.bounties.answering import read_list
from harness.results.bounties.folder import LIST, ROUNDS, BountyFolder
from harness.results.bounties.rules import PublicRules
from harness.results.bounties.standing import Answered, Standing, Submitted, Verdict

EVERYBODY = "everybody"
_UNKNOWN = (None, None, None)
_NUMBERS = ("round", "share", "wer_before", "wer_after")


@dataclass(frozen=True, slots=True)
class Seen:
    """Holds what a bounty ended with; `rounds` is the table of `rounds.csv`."""

    rules: PublicRules
    standing: Standing
    decisions: PointerDecisionList
    rounds: pd.DataFrame

    @property
    def accepted(self) -> list[tuple[Submitted, Answered]]:
        """Return the accepted submissions with their answers, in order."""
        return [
            (self.standing.submitted[each.n - 1], each)
            for each in self.standing.answered
            if each.verdict is Verdict.accepted
        ]

    @property
    def groups(self) -> list["Group"]:
        """Return the accepted groups, each with its WER before its round and after the last."""
        found = []
        for number, (submitted, answered) in enumerate(self.accepted, start=1):
            rows = [row for row in self.of(submitted.predicate) if row["round"] >= number]
            share, before, after = (
                (rows[0]["share"], rows[0]["wer_before"], rows[-1]["wer_after"]) if rows else _UNKNOWN
            )
            found.append(Group(number, submitted.predicate, submitted.alternative, answered.gain, share, before, after))
        return found

    def counted(self, verdict: Verdict) -> int:
        """Count the answers of a kind."""
        return sum(each.verdict is verdict for each in self.standing.answered)

    @property
    def overall(self) -> tuple[float, float] | None:
        """Return the clipped WER of everybody before the first round and after the last; None without rounds."""
        rows = self.of(EVERYBODY)
        return (rows[0]["wer_before"], rows[-1]["wer_after"]) if rows else None

    def of(self, group: str) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a group, a round each."""
        return rows_of(self.rounds[self.rounds["group"] == group])


@dataclass(frozen=True, slots=True)
class Group:
    """Is an accepted group: by what round, its share of words and its clipped WER, fractions, None where not known."""

    round: int
    predicate: str
    alternative: str
    gain: float | None
    share: float | None
    before: float | None
    after: float | None


def seen_again(folder: BountyFolder, rules: PublicRules, standing: Standing) -> Seen:
    """Return what a closed bounty ended with, by the files that it published.

    Raises:
        DataError: They are not what it published.
    """
    path = folder.public / ROUNDS
    try:
        rounds = pd.read_csv(path, keep_default_na=False)
        decisions = read_list(folder, rules)
    except (UsageError, OSError, ValueError) as error:
        raise DataError(f"{folder.public}: its {ROUNDS} or {LIST} is damaged ({error}).") from error
    if list(rounds) != list(ROUND_COLUMNS) or not all(_is_numbers(rounds[name]) for name in _NUMBERS):
        raise DataError(f"{path}: is no table of rounds. Put it back as it was published.")
    return Seen(rules, standing, decisions, rounds)


def _is_numbers(column: pd.Series) -> bool:
    return column.empty or (pd.api.types.is_numeric_dtype(column) and bool(np.isfinite(column).all()))


def rows_of(rounds: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the table of rounds, cells by column."""
    return [{str(name): cell for name, cell in row.items()} for row in rounds.to_dict("records")]
