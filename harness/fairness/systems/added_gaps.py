"""Scores of two systems in, what the second adds to every slice's gap to the rest out: interval, test, support.

Each speaker has the errors that the second system makes beyond the first, over the words that both heard. What they add
to the WER of a slice, less what they add to that of everybody else who declared a value, is a difference of
differences. Its standard error is linearised on either side, its interval Welch's t, its test permutes the labels of
speakers (or flips signs within those who are on both sides). What varies is a text, and a hallucinated one costs all
its words: no standard error is below that of one changed text of the smaller side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Floats, divide, t_quantile
from harness.fairness.comparison_tests import gap_p_values
from harness.fairness.comparisons import floors
from harness.fairness.gaps import Gaps, Side, gaps_of
from harness.fairness.membership import Membership
from harness.fairness.pairs import Pairs, pairs_of
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Bools
from harness.fairness.speaker_sums import Ints, refuse_too_many
from harness.fairness.systems.pairing import Pair

# Errors a word, given to everybody before the test. The same rate for all changes no difference of rates; it keeps the
# statistic's logarithm, which is made for rates, away from the differences around zero that it is not made for. Much
# more would drown equal statistics in rounding errors.
SHIFT = 1.0


@dataclass(frozen=True, slots=True)
class AddedGaps:
    """Holds what is added to the gap of every declared slice of a dimension, and what supports a verdict."""

    dimension: str
    slices: tuple[str, ...]
    pairs: Pairs  # errors added, words and presence of each speaker, in the slice and in the rest
    measured: Gaps
    freedom: Floats  # (n_slices,) Welch's
    n_speakers: Floats  # (n_slices, 2) with an id, of slice and rest
    support: Floats  # (n_slices, 3) the smaller of both sides: named speakers, scored utterances, words
    mirrored: bool  # the two rows are one hypothesis seen from both ends

    @property
    def gap(self) -> Floats:
        """Return what is added, fractions, (n_slices,)."""
        return self.measured.gap

    @property
    def standard_error(self) -> Floats:
        """Return that of what is added, at least one changed text of the smaller side, fractions, (n_slices,)."""
        return np.fmax(self.measured.standard_error, one_text(self.support[:, 1]))

    def bounds(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of the intervals, (n_slices,) each; NaN below two named speakers on a side."""
        half = t_quantile(self.freedom, confidence) * self.standard_error
        half = np.where(self.n_speakers.min(axis=1) >= 2, half, np.nan)
        return self.gap - half, self.gap + half

    def enough(self, policy: Policy) -> Bools:
        """Say which slices reach the policy's floors, (n_slices,)."""
        reached: Bools = np.all(self.support >= floors(policy), axis=1)
        return reached


def one_text(n_scored: Floats) -> Floats:
    """Return the WER that a single text makes which costs all its words: those of a mean text over all words.

    A side of so many texts on which nothing was seen to change may still change with one of them; one word error, the
    floor of WERs, is far less than a loop costs: with 95 % intervals from it, a gap at a margin of 3 points that 3 % of
    the 50 texts of a side make by looping was called equal in .20 of simulations, now in none. Loops that are rarer and
    longer than a mean text stay unseen: .22 (20 words for 5, 400 texts a side), .55 (100 words for 5).

    Args:
        n_scored: Utterances, any shape.
    """
    rate: Floats = 1 / np.fmax(n_scored, 1)
    return rate


def added_gaps(pair: Pair, part: Membership, speakers: Ints, policy: Policy) -> AddedGaps | None:
    """Pair what is added to every declared slice with what is added to the rest; None with fewer than two slices.

    Utterances without a speaker id are one speaker on each side, not one person on both.

    Args:
        pair: As made by `paired_scores`.
        part: Slices of its utterances.
        speakers: As numbered by `speaker_codes`.
        policy: Says what failures count as.

    Raises:
        UsageError: There are more speakers times slices than memory holds.
    """
    declared = np.flatnonzero(part.declared)
    if len(declared) < 2:
        return None
    n_named = int(speakers.max(initial=-1)) + 1
    refuse_too_many(n_named + 2, len(declared), part.dimension)
    own, other = own_and_other(_counts(pair, policy), part, np.where(speakers < 0, n_named, speakers))
    slices, rest = side_of(own, n_named, n_named), side_of(other, n_named, n_named + 1)
    pairs = pairs_of(slices, rest)
    measured = gaps_of(pairs)
    named = np.stack([(side.present[:n_named]).sum(axis=0) for side in (slices, rest)], axis=1).astype(np.float64)
    words, n_scored = (np.minimum(own[k].sum(axis=0), other[k].sum(axis=0)) for k in (1, 2))
    return AddedGaps(
        dimension=part.dimension,
        slices=tuple(part.slices[code] for code in declared),
        pairs=pairs,
        measured=measured,
        freedom=freedom_of(measured, pairs.n_shared() > 0),
        n_speakers=named,
        support=np.stack([named.min(axis=1), n_scored, words], axis=1),
        mirrored=len(declared) == 2 and np.array_equal(own[..., 0], other[..., 1]),
    )


def added_gap_p_values(parts: Sequence[AddedGaps], policy: Policy, *, n_finest: int, seed: int) -> list[Floats]:
    """Return the two-sided p-values of the slices above the policy's floors, NaN of the others.

    Args:
        parts: Of the same speakers.
        policy: Floors and permutations.
        n_finest: Permutations of tests that are promising.
        seed: Of the permutations.
    """
    return gap_p_values(
        [shifted(part.pairs) for part in parts],
        wanted=[part.enough(policy) for part in parts],
        n_permutations=policy.n_permutations,
        n_finest=n_finest,
        seed=seed,
    )


def own_and_other(counts: Floats, part: Membership, people: Ints) -> tuple[Floats, Floats]:
    """Sum counts per speaker and declared slice, and those of the rest: everybody else who declared a value.

    Args:
        counts: Of every utterance, (n_counts, n_utterances).
        part: Slices of the utterances.
        people: Whose each utterance is, (n_utterances,) >= 0.

    Returns:
        Two tables, (n_counts, n_speakers, n_slices).
    """
    declared, n_people = np.flatnonzero(part.declared), int(people.max()) + 1
    told = part.declared[part.codes]
    rows, columns = part.rows[told], np.searchsorted(declared, part.codes[told])
    n_cells = n_people * len(declared)
    cells, once = people[rows] * len(declared) + columns, np.unique(rows)  # several values: once in all
    own: Floats = np.stack([np.bincount(cells, weights=each[rows], minlength=n_cells) for each in counts])
    every: Floats = np.stack([np.bincount(people[once], weights=each[once], minlength=n_people) for each in counts])
    own = np.reshape(own, (len(counts), n_people, len(declared)))
    return own, every[:, :, None] - own


def side_of(sums: Floats, n_named: int, unnamed: int) -> Side:
    """Return one side, who has no id in the row `unnamed`; whose fourth sum is not above 0 is no evidence.

    Args:
        sums: Errors, words, any count, what says who is there, and any more, (n_counts, n_speakers, n_slices).
        n_named: Speakers with an id; who has none comes after them.
        unnamed: `n_named` or the row after it: on the other side it is the other.
    """
    table = np.zeros((len(sums), n_named + 2, sums.shape[2]))
    table[:, :n_named] = sums[:, :n_named]
    table[:, unnamed] = sums[:, n_named:].sum(axis=1)  # of nobody, where all have ids
    return Side(errors=table[0], words=table[1], present=table[3] > 0)


def shifted(pairs: Pairs) -> Pairs:
    """Give everybody the same rate more, so that differences around zero are tested as rates are."""
    own, other = pairs.own.copy(), pairs.other.copy()
    own[0] += SHIFT * own[1]
    other[0] += SHIFT * other[1]
    return replace(pairs, own=own, other=other)


def _counts(pair: Pair, policy: Policy) -> Floats:
    """Return errors added, words, whether it is scored, and errors and words in all, of every utterance."""
    before, after = _errors(pair.baseline), _errors(pair.candidate)
    words = pair.baseline[["hits", "substitutions", "deletions"]].sum(axis=1).to_numpy(np.float64)
    left_out = pair.baseline["failed"].to_numpy(bool) & (policy.failures is Failures.left_out)
    return np.stack([after - before, words, (~left_out).astype(np.float64), after + before + words])


def _errors(scores: pd.DataFrame) -> Floats:
    return scores[["substitutions", "deletions", "insertions"]].sum(axis=1).to_numpy(np.float64)


def freedom_of(measured: Gaps, paired: Bools) -> Floats:
    """Return Welch's degrees of freedom; those of the smaller side where a speaker is on both."""
    a, b = measured.slices, measured.comparators
    square_a, square_b = a.standard_error**2, b.standard_error**2
    parts = divide(square_a**2, a.n_speakers - 1) + divide(square_b**2, b.n_speakers - 1)
    welch = divide((square_a + square_b) ** 2, parts)
    return np.where(paired, np.fmin(a.n_speakers, b.n_speakers) - 1, welch)
