"""Comparisons of several dimensions in, their statistics under joint rearrangements of the speakers out, for max-T.

One permutation relabels all speakers with everything that they are (their accent with their gender and their age), so
overlapping slices move together as they do in the data; gaps within speakers get one set of signs. The statistics are
those of the tests themselves. They are divided by the (1 - alpha/2) quantile that their own permutations have in their
direction: without it the slices with the fewest speakers, whose statistics have the heaviest tails, decide for all
(balanced: Beran 1988).

Why not the pivots |d* - d| / SE* of the bootstrap (Romano and Wolf 2005), or signs for everybody? Share of corpora with
a significant slice at level .05, speakers' log rates spread by .5, 300 corpora a row, 999 draws (the first, the third
and the last column 2,000 corpora without an effect):

| no slice differs | Holm | bootstrap pivots | signs | joint permutations |
|---|---|---|---|---|
| 5 slices of 12 | .041 | .037 | .073 | .051 |
| 5 against 5 | .046 | .003 | .033 | .041 |
| 4 attributes of 3 slices, 30 speakers | .050 | .003 | .047 | .061 |
| the same, 90 speakers | .044 | .030 | .073 | .051 |
| slices of 5, 8, 12, 40 | .043 | .020 | .047 | .047 |
| accent, gender, region, accent & gender, 80 | .028 | .010 | .060 | .048 |
| **one slice of them is worse: found** | | | | |
| 5 slices of 12 | .80 | .36 | .50 | .80 |
| 4 attributes of 3 slices, 30 speakers | .59 | .19 | .43 | .64 |
| slices of 5, 8, 12, 40: the one of 5 | .87 | .07 | .09 | .91 |
| accent, gender, region, accent & gender, 80 | .66 | .08 | .52 | .70 |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError
from harness.fairness.pairs import Pairs, once
from harness.fairness.sign_flips import Flips, flips_of, random_signs
from harness.fairness.significance import studentised_gap
from harness.fairness.sparse_sums import Floats, Indices, column_of_cells, moments
from harness.fairness.threads import computed

Singles = npt.NDArray[np.float32]

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_STATISTICS = 100_000_000  # comparisons times arrangements held at once: 800 MB
_CHUNK_CELLS = 2_500_000  # permuted speakers held at once, in each of five tables of 10 MB
_SINGLE = 1e-5  # single precision: a drawn statistic this much smaller than the observed one counts as large as it
_TAIL = 0.2  # of alpha, beyond the quantile that statistics are divided by: as far out as 1,000 draws know it
_TINY = 1e-12  # stands for a quantile of zero, where most arrangements show no gap at all


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Holds the comparisons of one dimension that are corrected together with others."""

    pairs: Pairs
    rest: bool  # comparators are all who declared a value and are not in the slice; else `pairs.common`
    declared: Floats  # (3, n_speakers) errors, words, presence over every declared slice


def joint_statistics(
    parts: Sequence[Contrasts], everything: Floats, *, n_ids: int, n_permutations: int, alpha: float, seed: int
) -> Floats:
    """Return how far every gap is from zero, as observed and under the same random arrangements of all speakers.

    Utterances without a speaker id take no part in permutations.

    Args:
        parts: One a dimension; each comparison has two speakers with an id on either side.
        everything: Errors and words of each speaker over all utterances, (2, n_speakers): what is permuted of those
            who did not declare a value of a dimension.
        n_ids: How many of the speakers have an id; they come first.
        n_permutations: Random arrangements.
        alpha: Level of the correction.
        seed: Of the arrangements.

    Returns:
        (1 + n_permutations, n_comparisons) statistics >= 0, those of all parts one after the other; the first row is
        the observed one. Drawn statistics are of single precision and rounded up.

    Raises:
        UsageError: There are more comparisons and permutations than memory holds.
    """
    n_tests = sum(part.pairs.n_comparisons for part in parts)
    if n_tests * n_permutations > MOST_STATISTICS:
        raise UsageError(
            f"max-T over {n_tests} comparisons with n_permutations={n_permutations} is more than fits in memory. Set "
            "policy.correction to holm, policy.n_permutations lower, or slice by something with fewer values."
        )
    paired = [part.pairs.n_shared() > 0 for part in parts]
    flips = [flips_of(part.pairs.pick(np.flatnonzero(both))) for part, both in zip(parts, paired, strict=True)]
    people = np.flatnonzero(np.any([part.declared[2, :n_ids] for part in parts], axis=0))
    relabellings = [
        _relabelling(part, np.flatnonzero(~both), everything[:, :n_ids], people)
        for part, both in zip(parts, paired, strict=True)
    ]
    within = np.concatenate(paired)
    statistics = np.empty((n_tests, 1 + n_permutations))
    statistics[within] = _flipped(flips, n_permutations, seed)
    statistics[~within] = _permuted(relabellings, n_permutations, seed)
    return _balanced(statistics, alpha).T


def _flipped(flips: Sequence[Flips], n_permutations: int, seed: int) -> Floats:
    """Return gaps within speakers over their spread under random signs, (n_comparisons, 1 + n_permutations)."""
    gap, norm = np.concatenate([each.gap for each in flips]), np.concatenate([each.norm for each in flips])
    if not len(gap):
        return np.empty((0, 1 + n_permutations))

    def of_block(signs: Floats) -> Floats:
        return np.hstack([each.under(signs) for each in flips]).T

    drawn = computed(of_block, random_signs(flips[0].common.shape[1], n_permutations, seed))
    return np.hstack([gap[:, None], *drawn]) / np.where(norm > 0, norm, np.inf)[:, None]


@dataclass(frozen=True, slots=True)
class _Relabelling:
    """Says who is on which side of the comparisons of a dimension, and what is relabelled."""

    observed: Floats  # (n_comparisons,)
    outcomes: Singles  # (5, n_people) moments of errors less `rate` x words, and words, of each
    rate: float  # pooled
    own: "csr_array"  # (n_comparisons, n_people) 1 who is in the slice
    n_own: Floats  # (n_comparisons, 1)
    common: "csr_array | None"  # (1, n_people) 1 who is in the common comparator; None: everybody
    n_others: Floats  # (n_comparisons, 1)
    rest: bool

    def under(self, permuted: Singles) -> Floats:
        """Return the statistics of permuted moments, (5, n_people, n_block) to (n_comparisons, n_block)."""
        own = self._raw(np.stack([self.own @ each for each in permuted]))
        if self.common is None:
            common = self._raw(self.outcomes.sum(axis=1, dtype=np.float64)[:, None, None])
        else:
            common = self._raw(np.stack([self.common @ each for each in permuted]))
        others = common - own if self.rest else np.broadcast_to(common, own.shape)
        return studentised_gap(own, others, self.n_own, self.n_others)

    def _raw(self, sums: Singles | Floats) -> Floats:
        """Return sums of the moments of errors and words: summed as they are, their residuals would drown."""
        residuals, words, squares, products, squared_words = sums.astype(np.float64)
        return np.stack(
            [
                residuals + self.rate * words,
                words,
                squares + 2 * self.rate * products + self.rate**2 * squared_words,
                products + self.rate * squared_words,
                squared_words,
            ]
        )


def _relabelling(part: Contrasts, columns: Indices, everything: Floats, people: Indices) -> _Relabelling:
    from scipy.sparse import csr_array

    n_ids = everything.shape[1]
    pairs = part.pairs.pick(columns).of_first(n_ids)
    sums = once(pairs)
    member = pairs.own[2] > 0
    position = np.cumsum(np.isin(np.arange(n_ids), people)) - 1
    own = csr_array(
        (
            np.ones(member.sum(), dtype=np.float32),
            (column_of_cells(pairs.starts)[member], position[pairs.speakers[member]]),
        ),
        shape=(len(columns), len(people)),
    )
    told = part.declared[2, people] > 0
    present = pairs.common[2, people].astype(np.float32)
    errors, words = np.where(told, part.declared[:2, people], everything[:, people])
    rate = float(errors.sum() / words.sum()) if words.any() else 0.0
    return _Relabelling(
        observed=studentised_gap(sums.own[:5], sums.other[:5], sums.own[5], sums.other[5]),
        outcomes=moments(np.stack([errors - rate * words, words, told]))[:5].astype(np.float32),
        rate=rate,
        own=own,
        n_own=sums.own[5][:, None],
        common=None if present.all() else csr_array(present[None]),
        n_others=sums.other[5][:, None],
        rest=part.rest,
    )


def _permuted(relabellings: Sequence[_Relabelling], n_permutations: int, seed: int) -> Floats:
    """Return statistics of gaps between speakers under random orders of them, (n_comparisons, 1 + n_permutations)."""
    observed = np.concatenate([each.observed for each in relabellings])
    if not len(observed):
        return np.empty((0, 1 + n_permutations))
    alike: dict[bytes, list[int]] = {}  # dimensions that everybody declared have the same outcomes
    for i, each in enumerate(relabellings):
        alike.setdefault(each.outcomes.tobytes(), []).append(i)

    def of_block(order: Indices) -> Floats:
        drawn: dict[int, Floats] = {}
        for several in alike.values():
            permuted = relabellings[several[0]].outcomes.take(order, axis=1)
            drawn |= {i: relabellings[i].under(permuted) for i in several}
        return np.vstack([drawn[i] for i in range(len(relabellings))])

    orders = _orders(relabellings[0].outcomes.shape[1], n_permutations, seed)
    return np.hstack([observed[:, None], *computed(of_block, orders)])


def _orders(n_people: int, n_permutations: int, seed: int) -> Iterator[Indices]:
    """Yield blocks of random orders, (n_people, n_block)."""
    rng = np.random.default_rng([seed, n_people, 1])
    block = max(1, _CHUNK_CELLS // n_people)
    for start in range(0, n_permutations, block):
        rows = np.broadcast_to(np.arange(n_people, dtype=np.int64), (min(block, n_permutations - start), n_people))
        yield np.ascontiguousarray(rng.permuted(rows, axis=1).T)


def _balanced(statistics: Floats, alpha: float) -> Floats:
    """Divide positive statistics by their upper quantile and negative ones by their lower one, row by row."""
    balanced = np.empty_like(statistics)
    for row, result in zip(statistics, balanced, strict=True):
        low, high = np.quantile(row, [_TAIL * alpha, 1 - _TAIL * alpha])
        np.divide(row, np.where(row > 0, max(high, _TINY), min(low, -_TINY)), out=result)
    balanced[:, 1:] *= 1 + _SINGLE
    return balanced
