"""Per-speaker sums in, p-values out: speakers are permuted or flipped, never utterances; then corrected.

Speaker-level attributes: labels are permuted over speakers; the statistic is the log ratio of the two rates over its
linearised standard error (studentised: Chung and Romano 2013), and the p-value is twice the smaller tail. On the log
scale, because speakers' error rates are skewed: for 8 speakers against 56 and WER .25 against .11 the power is .95,
where the studentised difference has .63; for a small slice that is better the difference is the stronger one. For 20
against 20 and .28 against .20 they have .44 and .46. False alarms at level .05 are as many, .044 to .055, up to .09
where the spread of few speakers is twice that of many (benchmarks/calibration.py). Attributes that vary within a
speaker: each speaker's contribution to the gap keeps or changes its sign (the null-imposed cluster wild bootstrap,
Cameron, Gelbach and Miller 2008). Both enumerate all arrangements when there are few, and are then exact if speakers
are exchangeable under the null hypothesis.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Bools, Floats, Indices, divide
from harness.fairness.policy import Correction

_CHUNK_CELLS = 10_000_000
_TIE = 1e-9  # a rearrangement this close to the observed statistic counts as at least as extreme


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
    moments = np.stack([errors, words, errors**2, errors * words, words**2])  # (5, n_speakers)
    sizes = members.sum(axis=0)
    n_speakers = len(errors)
    p_values = np.full(members.shape[1], np.nan)
    testable = (sizes >= 2) & (n_speakers - sizes >= 2)
    smaller = np.minimum(sizes, n_speakers - sizes)  # the smaller side is drawn, the other is what remains
    # Of two equal sides it is the first speaker's: a comparison and its mirror image have the same p-value.
    swapped = (sizes > smaller) | ((2 * sizes == n_speakers) & members[:1].any(axis=0))
    drawn_side = np.where(swapped, ~members, members)
    observed = np.array([_statistics(moments, moments @ side, side.sum()) for side in drawn_side.T.astype(np.float64)])
    for size in np.unique(smaller[testable]):
        if comb(n_speakers, int(size)) <= n_permutations:
            columns = np.flatnonzero(testable & (smaller == size))
            every = np.array(list(combinations(range(n_speakers), int(size))))
            drawn = _statistics(moments, moments[:, every].sum(axis=2), size)
            above, below = _n_extreme(drawn, observed[columns])
            p_values[columns] = np.minimum(1, 2 * np.minimum(above, below) / len(drawn))
    left = np.flatnonzero(testable & np.isnan(p_values))
    above, below = np.zeros(len(left)), np.zeros(len(left))
    wanted = np.unique(smaller[left])
    for order in _orders(n_speakers, n_permutations, seed) if len(left) else ():
        sums = _sums_of_first(moments, order, wanted)  # (5, n_block, n_sizes)
        for position, size in enumerate(wanted):
            here = smaller[left] == size
            more = _n_extreme(_statistics(moments, sums[:, :, position], size), observed[left[here]])
            above[here] += more[0]
            below[here] += more[1]
    p_values[left] = np.minimum(1, 2 * (1 + np.minimum(above, below)) / (n_permutations + 1))
    return p_values


def sign_flip_p_values(contributions: Floats, *, n_permutations: int, seed: int) -> Floats:
    """Return two-sided p-values of sums of per-speaker contributions whose signs are arbitrary under the null.

    Args:
        contributions: Each speaker's share of the gap when both sides have the pooled rate, (n_speakers,
            n_comparisons); 0 for a speaker who is on neither side.
        n_permutations: Random sign vectors; all 2^n are used when there are no more than this.
        seed: Of the signs.

    Returns:
        (n_comparisons,) 1 where nobody contributes anything.
    """
    observed = np.abs(contributions.sum(axis=0)) * (1 - _TIE)
    n_contributing = (contributions != 0).sum(axis=0)
    p_values = np.full(contributions.shape[1], np.nan)
    few = n_contributing < n_permutations.bit_length()  # 2^n <= n_permutations, without the power
    for k in np.flatnonzero(few):
        shares = contributions[contributions[:, k] != 0, k]
        patterns = np.arange(2 ** len(shares))[:, None] >> np.arange(len(shares)) & 1
        p_values[k] = (np.abs((1 - 2 * patterns) @ shares) >= observed[k]).mean()
    columns = np.flatnonzero(~few)
    n_extreme = np.zeros(len(columns))
    for signs in _signs(len(contributions), n_permutations, seed) if len(columns) else ():
        n_extreme += (np.abs(signs @ contributions[:, columns]) >= observed[columns]).sum(axis=0)
    p_values[columns] = (1 + n_extreme) / (n_permutations + 1)
    return p_values


def smallest_permutation_p_value(n_inside: int, n_outside: int, n_permutations: int) -> float:
    """Return the smallest p-value that `permutation_p_values` can give for so many speakers."""
    n_subsets = comb(n_inside + n_outside, n_inside)
    return 2 / n_subsets if n_subsets <= n_permutations else 2 / (n_permutations + 1)


def smallest_sign_flip_p_value(n_contributing: int, n_permutations: int) -> float:
    """Return the smallest p-value that `sign_flip_p_values` can give for so many speakers."""
    few = n_contributing < n_permutations.bit_length()  # 2^n <= n_permutations, without the power
    return 2.0 ** (1 - n_contributing) if few else 1 / (n_permutations + 1)


def adjusted(p_values: npt.ArrayLike, correction: Correction) -> Floats:
    """Correct p-values for their number: Holm (1979), Benjamini and Hochberg (1995), or not at all; NaN stays NaN.

    >>> adjusted([0.01, 0.04, 0.03], Correction.holm).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    raw = np.asarray(p_values, np.float64)
    result = raw.copy()
    tested = np.flatnonzero(~np.isnan(raw))
    if correction is Correction.none or not len(tested):
        return result
    order = tested[np.argsort(raw[tested], kind="stable")]
    count, ranks = len(order), np.arange(1, len(order) + 1)
    if correction is Correction.holm:
        stepped = np.maximum.accumulate((count - ranks + 1) * raw[order])
    else:
        stepped = np.minimum.accumulate((count / ranks * raw[order])[::-1])[::-1]
    result[order] = np.minimum(stepped, 1)
    return result


def _statistics(moments: Floats, inside: Floats, n_inside: float) -> Floats:
    """Return log(R_a / R_b) / SE of speakers with the sums `inside`, (5, ...), against all others, (...)."""
    totals = moments.sum(axis=1).reshape(5, *(1,) * (inside.ndim - 1))
    rate_a, relative_a = _log_rate_and_error(inside, n_inside)
    rate_b, relative_b = _log_rate_and_error(totals - inside, moments.shape[1] - n_inside)
    statistics: Floats = np.nan_to_num((rate_a - rate_b) / np.hypot(relative_a, relative_b))
    return statistics


def _log_rate_and_error(sums: Floats, n_speakers: float) -> tuple[Floats, Floats]:
    """Return log rate and its linearised standard error, each (...); neither below that of one word error."""
    errors, words, errors2, products, words2 = sums
    one_error = divide(np.ones_like(words), words)
    rate = divide(errors, words)
    residual = np.maximum(errors2 - 2 * rate * products + rate**2 * words2, 0)
    factor = n_speakers / (n_speakers - 1) if n_speakers > 1 else np.nan
    standard_error = np.sqrt(factor * residual) * one_error
    floor = np.maximum(rate, one_error)
    return np.log(floor), np.maximum(standard_error, one_error) / floor


def _n_extreme(drawn: Floats, observed: Floats) -> tuple[Floats, Floats]:
    """Count the rearrangements at least as high and at least as low as each observed statistic."""
    above = (drawn[:, None] >= observed - _TIE).sum(axis=0)
    below = (drawn[:, None] <= observed + _TIE).sum(axis=0)
    return above.astype(np.float64), below.astype(np.float64)


def _orders(n_speakers: int, n_permutations: int, seed: int) -> Iterator[Indices]:
    """Yield blocks of random orders of the speakers, (n_block, n_speakers); their first k are a random subset."""
    rng = np.random.default_rng([seed, n_speakers])
    block = max(1, _CHUNK_CELLS // n_speakers)
    for start in range(0, n_permutations, block):
        n_rows = min(block, n_permutations - start)
        yield rng.permuted(np.broadcast_to(np.arange(n_speakers), (n_rows, n_speakers)), axis=1)


def _sums_of_first(moments: Floats, order: Indices, sizes: Indices) -> Floats:
    """Return the sums over the first `size` speakers of every order, for each rising size, (5, n_block, n_sizes)."""
    first = order[:, : sizes[-1]]
    starts = np.concatenate([[0], sizes[:-1]])
    return np.stack([np.add.reduceat(moment[first], starts, axis=1).cumsum(axis=1) for moment in moments])


def _signs(n_speakers: int, n_permutations: int, seed: int) -> Iterator[Floats]:
    """Yield blocks of rows of random +-1, (n_block, n_speakers)."""
    rng = np.random.default_rng([seed, n_speakers])
    block = max(1, _CHUNK_CELLS // n_speakers)
    for start in range(0, n_permutations, block):
        coins = rng.integers(2, size=(min(block, n_permutations - start), n_speakers), dtype=np.int8)
        yield (1 - 2 * coins).astype(np.float64)
