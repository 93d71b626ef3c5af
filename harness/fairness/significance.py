"""Per-speaker sums in, p-values out: the labels of speakers are permuted, never those of utterances.

The statistic is the gap over its linearised standard error (studentised: Chung and Romano 2013), and the p-value is
twice the smaller tail. The gap is the difference of the rates where both sides have as many speakers, the logarithm of
their ratio where one has far fewer, and in between the mean of both statistics, weighted by the smaller number over the
larger. Speakers' rates are skewed: a small slice that is worse shows on the logarithmic scale, at the levels that many
comparisons leave (6 speakers at .35 against 100 at .11, level .0025: power .88 where the difference has .76); between
equal sides the difference shows more (20 at .28 against 20 at .20: .47 and .46, and .41 against .35 where one speaker
in ten is four times as bad). False alarms at level .05: .044 to .054; .09 where the spread of few speakers is twice
that of many (benchmarks/calibration.py). All arrangements are enumerated when there are few; the test is then exact if
speakers are exchangeable under the null hypothesis. For attributes that vary within a speaker see
`harness.fairness.sign_flips`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Bools, Floats, Indices, divide
from harness.fairness.multiplicity import adjusted as adjusted
from harness.fairness.sign_flips import sign_flip_p_values as sign_flip_p_values
from harness.fairness.sign_flips import smallest_sign_flip_p_value as smallest_sign_flip_p_value
from harness.fairness.sparse_sums import moments

_CHUNK_CELLS = 10_000_000
_T_OVER_NORMAL = 1.5  # t / normal quantile at 5 % less one, times the degrees of freedom: 1.7 at 4, 1.4 at 9, 1.3 at 30
_TIE = 1e-9  # a rearrangement this close to the observed statistic counts as at least as extreme


@dataclass(frozen=True, slots=True)
class Pool:
    """Holds speakers whose labels are permuted, and the slices that each compare some of them with all others."""

    errors: Floats  # (n_speakers,)
    words: Floats  # (n_speakers,)
    members: tuple[Indices, ...]  # per comparison, who is in the slice


def permutation_p_values(errors: Floats, words: Floats, members: Bools, *, n_permutations: int, seed: int) -> Floats:
    """Return two-sided p-values of gaps between members and the others of one pool of speakers.

    Args:
        errors: Word errors, (n_speakers,).
        words: Reference words, (n_speakers,).
        members: Who is in the slice, (n_speakers, n_comparisons); the others are its comparator.
        n_permutations: Random rearrangements; all of them are used when there are no more than this.
        seed: Of the rearrangements.

    Returns:
        (n_comparisons,) twice the smaller of (1 + #{T* >= T}) / (n + 1) and (1 + #{T* <= T}) / (n + 1), or the exact
        shares, at most 1; NaN where a side has fewer than two speakers.
    """
    pool = Pool(errors, words, tuple(np.flatnonzero(column) for column in members.T))
    return pool_p_values([pool], n_permutations=n_permutations, seed=seed)[0]


def pool_p_values(pools: Sequence[Pool], *, n_permutations: int, seed: int) -> list[Floats]:
    """Return what `permutation_p_values` does, of several pools; those of one size share their rearrangements."""
    tests = [_prepared(pool) for pool in pools]
    p_values = [_exact_p_values(test, n_permutations) for test in tests]
    left = [np.flatnonzero(test.testable & np.isnan(found)) for test, found in zip(tests, p_values, strict=True)]
    for n_speakers in sorted({test.n_speakers for test, columns in zip(tests, left, strict=True) if len(columns)}):
        here = [i for i, test in enumerate(tests) if test.n_speakers == n_speakers and len(left[i])]
        counts = [np.zeros((2, len(left[i]))) for i in here]
        longest = max(int(tests[i].smaller[left[i]].max()) for i in here)
        for order in _orders(n_speakers, longest, n_permutations, seed):
            for i, count in zip(here, counts, strict=True):
                count += _drawn_extremes(tests[i], left[i], order)
        for i, count in zip(here, counts, strict=True):
            p_values[i][left[i]] = np.minimum(1, 2 * (1 + count.min(axis=0)) / (n_permutations + 1))
    return p_values


@dataclass(frozen=True, slots=True)
class _Test:
    """Is a pool with the statistic of each comparison, taken of the side that is drawn: the smaller one."""

    moments: Floats  # (5, n_speakers)
    smaller: Indices  # (n_comparisons,) speakers on that side
    observed: Floats  # (n_comparisons,)
    testable: Bools  # (n_comparisons,) two speakers on either side

    @property
    def n_speakers(self) -> int:
        return int(self.moments.shape[1])


def _prepared(pool: Pool) -> _Test:
    table = moments(np.stack([pool.errors, pool.words, np.ones_like(pool.errors)]))[:5]
    n_speakers = len(pool.errors)
    sizes = np.array([len(side) for side in pool.members], dtype=np.intp)
    smaller = np.minimum(sizes, n_speakers - sizes)
    # Of two equal sides it is the first speaker's: a comparison and its mirror image have the same p-value.
    first = np.array([len(side) > 0 and side[0] == 0 for side in pool.members], dtype=bool)
    swapped = (sizes > smaller) | ((2 * sizes == n_speakers) & first)
    inside = np.stack([table[:, side].sum(axis=1) for side in pool.members], axis=1)
    inside = np.where(swapped, table.sum(axis=1)[:, None] - inside, inside)
    testable = (sizes >= 2) & (n_speakers - sizes >= 2)
    return _Test(table, smaller, _statistics(table, inside, smaller), testable)


def _exact_p_values(test: _Test, n_permutations: int) -> Floats:
    """Return p-values over all rearrangements where these are few; NaN elsewhere."""
    p_values = np.full(len(test.smaller), np.nan)
    for size in np.unique(test.smaller[test.testable]):
        if comb(test.n_speakers, int(size)) <= n_permutations:
            columns = np.flatnonzero(test.testable & (test.smaller == size))
            every = np.array(list(combinations(range(test.n_speakers), int(size))))
            drawn = _statistics(test.moments, test.moments[:, every].sum(axis=2), size)
            extreme = _n_extreme(drawn[:, None], test.observed[columns])
            p_values[columns] = np.minimum(1, 2 * extreme.min(axis=0) / len(drawn))
    return p_values


def _drawn_extremes(test: _Test, columns: Indices, order: Indices) -> Floats:
    """Count the rearrangements at least as high and at least as low, (2, n_columns)."""
    sizes, positions = np.unique(test.smaller[columns], return_inverse=True)
    drawn = _statistics(test.moments, _sums_of_first(test.moments, order, sizes), sizes)  # (n_block, n_sizes)
    return _n_extreme(drawn[:, positions], test.observed[columns])


def smallest_permutation_p_value(n_inside: int, n_outside: int, n_permutations: int) -> float:
    """Return the smallest p-value that `permutation_p_values` can give for so many speakers."""
    n_subsets = comb(n_inside + n_outside, n_inside)
    return 2 / n_subsets if n_subsets <= n_permutations else 2 / (n_permutations + 1)


def _statistics(moments: Floats, inside: Floats, n_inside: npt.ArrayLike) -> Floats:
    """Return the statistics of speakers with the sums `inside`, (5, ...), against all others, (...)."""
    outside = moments.sum(axis=1).reshape(5, *(1,) * (inside.ndim - 1)) - inside
    return studentised_gap(inside, outside, n_inside, moments.shape[1] - np.asarray(n_inside))


def studentised_gap(a: Floats, b: Floats, n_a: npt.ArrayLike, n_b: npt.ArrayLike) -> Floats:
    """Return the statistic of two sides with sums of the first five `moments`, (5, ...), and so many speakers."""
    freedoms = np.asarray(n_a, np.float64) - 1, np.asarray(n_b, np.float64) - 1
    (rate_a, centre_a, variance_a), (rate_b, centre_b, variance_b) = _moments_of_rate(a, n_a), _moments_of_rate(b, n_b)
    difference = _studentised(rate_a - rate_b, (variance_a, variance_b), freedoms)
    relative = variance_a / centre_a**2, variance_b / centre_b**2
    log_ratio = _studentised(np.log(centre_a / centre_b), relative, freedoms)
    balance = np.minimum(n_a, n_b) / np.maximum(n_a, n_b)
    statistics: Floats = np.nan_to_num(balance * difference + (1 - balance) * log_ratio)
    return statistics


def _studentised(gap: Floats, variances: tuple[Floats, Floats], freedoms: tuple[Floats, Floats]) -> Floats:
    """Return a gap over its standard error, and over how far t exceeds the normal at Welch's degrees of freedom.

    Few speakers who vary more than the many of the other side are otherwise raised too often.
    """
    variance = variances[0] + variances[1]
    inverse = [divide(np.ones_like(freedom), freedom) for freedom in freedoms]
    inverse_freedom = (inverse[0] * variances[0] ** 2 + inverse[1] * variances[1] ** 2) / variance**2
    return gap / np.sqrt(variance) / (1 + _T_OVER_NORMAL * inverse_freedom)


def _moments_of_rate(sums: Floats, n_speakers: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the rate, what its logarithm is taken of, and its linearised variance, each (...).

    Neither of the last two is below that of one word error.
    """
    errors, words, errors2, products, words2 = sums
    one_error = divide(np.ones_like(words), words)
    rate = divide(errors, words)
    residual = np.maximum(errors2 - 2 * rate * products + rate**2 * words2, 0)
    factor = divide(n_speakers, np.asarray(n_speakers) - 1)
    return rate, np.maximum(rate, one_error), np.maximum(factor * residual, 1) * one_error**2


def _n_extreme(drawn: Floats, observed: Floats) -> Floats:
    """Count the rearrangements at least as high and at least as low as each observed statistic, (2, n_comparisons)."""
    above, below = (drawn >= observed - _TIE).sum(axis=0), (drawn <= observed + _TIE).sum(axis=0)
    return np.stack([above, below]).astype(np.float64)


def _orders(n_speakers: int, n_first: int, n_permutations: int, seed: int) -> Iterator[Indices]:
    """Yield blocks of the first speakers of random orders, (n_first, n_block); their first k are a random subset.

    Fisher and Yates' shuffle from the front, a place of all orders at a time, stopped where nobody looks further.
    """
    rng = np.random.default_rng([seed, n_speakers])
    block = max(1, _CHUNK_CELLS // n_speakers)
    for start in range(0, n_permutations, block):
        n_columns = min(block, n_permutations - start)
        columns = np.arange(n_columns)
        order = np.repeat(np.arange(n_speakers, dtype=np.int32)[:, None], n_columns, axis=1)
        for place in range(n_first):
            other = rng.integers(place, n_speakers, size=n_columns)
            chosen = order[other, columns]
            order[other, columns] = order[place]
            order[place] = chosen
        yield order[:n_first].astype(np.intp)


def _sums_of_first(moments: Floats, order: Indices, sizes: Indices) -> Floats:
    """Return the sums over the first `size` speakers of every order, for each rising size, (5, n_block, n_sizes)."""
    first = order[: sizes[-1]]
    starts = np.concatenate([[0], sizes[:-1]])
    return np.stack([np.add.reduceat(moment[first], starts, axis=0).cumsum(axis=0).T for moment in moments])
