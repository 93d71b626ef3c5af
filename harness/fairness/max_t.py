"""Comparisons of several dimensions in, their statistics under joint rearrangements of the speakers out, for max-T.

One permutation relabels all speakers with everything that they are (their accent with their gender and their age), so
overlapping slices move together as they do in the data; gaps within speakers get one set of signs. The statistics are
those of the tests themselves, over a far quantile that their own permutations have in their direction (balanced: Beran
1988): as they are, the slices with the fewest speakers, whose statistics have the heaviest tails, would decide for all.

Why not the pivots |d* - d| / SE* of the bootstrap (Romano and Wolf 2005), or random signs for everybody? Share of 1,000
corpora with a significant slice at level .05; speakers' log rates spread by .5; 999 draws; Monte Carlo standard error
.007 at .05, .016 at .5.

| no slice differs | Holm | this | pivots | signs |
|---|---|---|---|---|
| 5 slices of 12 speakers | .030 | .044 | .033 | .064 |
| 5 against 5 (one test) | .048 | .048 | .008 | .064 |
| 4 attributes of 3 slices, 30 speakers | .042 | .059 | .016 | .062 |
| 4 attributes of 3 slices, 90 speakers | .038 | .047 | .035 | .062 |
| slices of 5, 8, 12 and 40 | .043 | .050 | .014 | .062 |
| accent, gender, region, accent & gender, 80 speakers | .037 | .051 | .019 | .084 |
| accent of 45 speakers, three conditions of each | .037 | .041 | | |
| **one slice is worse, and found** | | | | |
| 5 slices of 12 speakers | .734 | .764 | .342 | .496 |
| 4 attributes of 3 slices, 30 speakers | .546 | .579 | .156 | .391 |
| 4 attributes of 3 slices, 90 speakers | .603 | .630 | .425 | .537 |
| slices of 5, 8, 12 and 40: the one of 5 | .844 | .865 | .066 | .071 |
| accent, gender, region, accent & gender, 80 speakers | .664 | .670 | .105 | .529 |
| accent of 45 speakers, three conditions of each | .754 | .783 | | |
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
_CHUNK_CELLS = 1_000_000  # permuted speakers held at once: 4 MB
_SINGLE = 1e-4  # single precision: a drawn statistic this much smaller than the observed one counts as large as it
_TAIL = 0.2  # of alpha, beyond the quantile that statistics are divided by: as far out as 1,000 draws know it
_TINY = 1e-12  # stands for a quantile of zero, where most arrangements show no gap at all


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Holds the comparisons of one dimension that are corrected together with others."""

    pairs: Pairs
    rest: bool  # comparators are all who declared a value and are not in the slice; else `pairs.common`
    declared: Floats  # (3, n_speakers) errors, words, presence over every declared slice

    def of(self, columns: Indices, n_ids: int) -> "Contrasts":
        """Return some of the comparisons, of the first speakers only."""
        return Contrasts(self.pairs.pick(columns).of_first(n_ids), self.rest, self.declared[:, :n_ids])


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
    relabelled = [part.of(np.flatnonzero(~both), n_ids) for part, both in zip(parts, paired, strict=True)]
    within = np.concatenate(paired)
    statistics = np.empty((n_tests, 1 + n_permutations))
    statistics[within] = _flipped(flips, n_permutations, seed)
    statistics[~within] = _permuted(relabelled, everything[:, :n_ids], n_permutations, seed)
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


def _permuted(parts: Sequence[Contrasts], everything: Floats, n_permutations: int, seed: int) -> Floats:
    """Return statistics of gaps between speakers under random orders of them, (n_comparisons, 1 + n_permutations)."""
    sums = [once(part.pairs) for part in parts]
    observed = [studentised_gap(each.own[:5], each.other[:5], each.own[5], each.other[5]) for each in sums]
    n_tests = sum(map(len, observed))
    if not n_tests:
        return np.empty((0, 1 + n_permutations))
    people = np.flatnonzero(np.any([part.declared[2] for part in parts], axis=0))
    outcomes = [np.where(part.declared[2, people], part.declared[:2, people], everything[:, people]) for part in parts]
    alike: dict[bytes, list[int]] = {}  # dimensions that everybody declared have the same outcomes
    for i, each in enumerate(outcomes):
        alike.setdefault(each.tobytes(), []).append(i)
    groups = [_group([parts[i] for i in several], people, outcomes[several[0]]) for several in alike.values()]
    ends = np.cumsum([0, *map(len, observed)])
    rows = np.concatenate([np.arange(ends[i], ends[i + 1]) for several in alike.values() for i in several])

    def of_block(order: Indices) -> Floats:
        return np.vstack([group.under(order) for group in groups])[np.argsort(rows)]

    return np.hstack(
        [np.concatenate(observed)[:, None], *computed(of_block, _orders(len(people), n_permutations, seed))]
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Says who is on which side of the comparisons of dimensions in which everybody has the same outcome."""

    outcomes: Singles  # (5, n_people) moments of errors less `rate` x words, and of words
    rate: float  # pooled
    slices: "csr_array"  # (n_comparisons, n_people) 1 who is in the slice
    common: "csr_array"  # (n_common, n_people) 1 who is in a common comparator
    common_of: Indices  # (n_comparisons,) which one
    less_own: Floats  # (n_comparisons, 1) 1 where the comparator is the common one less the slice, else 0

    def under(self, order: Indices) -> Floats:
        """Return the statistics with everybody in the place of another, (n_people, n_block)."""
        own, common = [], []
        for outcome in self.outcomes:  # one at a time: they fit a processor's cache
            permuted = outcome.take(order)
            own.append(self.slices @ permuted)
            common.append(self.common @ permuted)
        a = self._raw(np.stack(own))
        b = self._raw(np.stack(common))[:, self.common_of] - self.less_own * a
        n_own, n_common = (each.sum(axis=1)[:, None] for each in (self.slices, self.common))
        return studentised_gap(a, b, n_own, n_common[self.common_of] - self.less_own * n_own)

    def _raw(self, sums: Singles) -> Floats:
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


def _group(parts: Sequence[Contrasts], people: Indices, outcomes: Floats) -> _Group:
    from scipy.sparse import csr_array

    errors, words = outcomes
    rate = float(errors.sum() / words.sum()) if words.any() else 0.0
    position = np.full(parts[0].declared.shape[1], -1)
    position[people] = np.arange(len(people))
    sizes = [part.pairs.n_comparisons for part in parts]
    first = np.cumsum([0, *sizes])
    rows = [column_of_cells(part.pairs.starts) + start for part, start in zip(parts, first[:-1], strict=True)]
    members = [part.pairs.own[2] > 0 for part in parts]
    cells = np.concatenate([row[member] for row, member in zip(rows, members, strict=True)])
    speakers = np.concatenate([part.pairs.speakers[member] for part, member in zip(parts, members, strict=True)])
    told = np.stack([part.pairs.common[2, people] for part in parts]).astype(np.float32)
    common, part_of = np.unique(told, axis=0, return_inverse=True)
    return _Group(
        outcomes=moments(np.stack([errors - rate * words, words, np.ones_like(words)]))[:5].astype(np.float32),
        rate=rate,
        slices=csr_array(
            (np.ones(len(cells), np.float32), (cells, position[speakers])), shape=(first[-1], len(people))
        ),
        common=csr_array(common),
        common_of=np.repeat(part_of, sizes),
        less_own=np.repeat([float(part.rest) for part in parts], sizes)[:, None],
    )


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
