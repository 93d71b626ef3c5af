"""Per-speaker sums in, p-values out: speakers are permuted or flipped, never utterances; then corrected.

Speaker-level attributes: labels are permuted over speakers; the statistic is the log ratio of the two rates over its
linearised standard error (studentised: Chung and Romano 2013), and the p-value is twice the smaller tail. On the log
scale, because speakers' error rates are skewed: for 8 speakers against 56 and WER .25 against .11 the power is .95,
where the studentised difference has .71; for slices of unequal spread the false alarms fall from .094 to .079
(benchmarks/calibration.py). Attributes that vary within a speaker: each speaker's contribution to the gap keeps or
changes its sign (the null-imposed cluster wild bootstrap, Cameron, Gelbach and Miller 2008). Both are exact when all
arrangements can be enumerated.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Bools, Floats, divide
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
    moments = np.stack([errors, words, errors**2, errors * words, words**2, np.ones_like(errors)], axis=1)
    sizes = members.sum(axis=0)
    p_values = np.full(members.shape[1], np.nan)
    for size in np.unique(sizes):
        if min(size, len(errors) - size) < 2:
            continue
        columns = np.flatnonzero(sizes == size)
        observed = np.array([_statistics(moments, np.flatnonzero(members[:, k])[None])[0] for k in columns])
        exact = comb(len(errors), int(size)) <= n_permutations
        above, below, n_drawn = np.zeros(len(columns)), np.zeros(len(columns)), 0
        for chosen in _subsets(len(errors), int(size), n_permutations, seed):
            drawn = _statistics(moments, chosen)[:, None]
            above += (drawn >= observed - _TIE).sum(axis=0)
            below += (drawn <= observed + _TIE).sum(axis=0)
            n_drawn += len(drawn)
        fewer = np.minimum(above, below)
        tail = fewer / n_drawn if exact else (1 + fewer) / (n_drawn + 1)
        p_values[columns] = np.minimum(1, 2 * tail)
    return p_values


def sign_flip_p_value(contributions: Floats, *, n_permutations: int, seed: int) -> float:
    """Return the two-sided p-value of a sum of per-speaker contributions whose signs are arbitrary under the null.

    Args:
        contributions: Each speaker's share of the gap when both sides have the pooled rate, (n_speakers,).
        n_permutations: Random sign vectors; all 2^n are used when there are no more than this.
        seed: Of the signs.
    """
    n_speakers = len(contributions)
    if n_speakers < 2:
        return float("nan")
    observed = abs(contributions.sum()) * (1 - _TIE)
    exact = n_speakers < 60 and 2**n_speakers <= n_permutations
    n_extreme = n_drawn = 0
    for signs in _signs(n_speakers, n_permutations, seed, exact=exact):
        n_extreme += int((np.abs(signs @ contributions) >= observed).sum())
        n_drawn += len(signs)
    return n_extreme / n_drawn if exact else (1 + n_extreme) / (n_drawn + 1)


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


def _statistics(moments: Floats, chosen: npt.NDArray[np.int64]) -> Floats:
    """Return log(R_a / R_b) / SE for each set of chosen speakers against the others, (n_sets,)."""
    inside = moments[chosen].sum(axis=1)  # (n_sets, 6)
    rate_a, relative_a = _log_rate_and_error(inside)
    rate_b, relative_b = _log_rate_and_error(moments.sum(axis=0) - inside)
    statistics: Floats = np.nan_to_num((rate_a - rate_b) / np.hypot(relative_a, relative_b))
    return statistics


def _log_rate_and_error(sums: Floats) -> tuple[Floats, Floats]:
    """Return log rate and its linearised standard error, each (n_sets,); neither below that of one word error."""
    errors, words, errors2, products, words2, n_speakers = sums.T
    one_error = divide(np.ones_like(words), words)
    rate = divide(errors, words)
    residual = np.maximum(errors2 - 2 * rate * products + rate**2 * words2, 0)
    standard_error = np.sqrt(n_speakers / (n_speakers - 1) * residual) * one_error
    floor = np.maximum(rate, one_error)
    return np.log(floor), np.maximum(standard_error, one_error) / floor


def _subsets(n_speakers: int, size: int, n_permutations: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield blocks of subsets of `size` speakers: every one when they are few, random ones otherwise.

    The smaller side is drawn and the larger one is what remains, so the cost depends on the smaller.
    """
    if comb(n_speakers, size) <= n_permutations:
        yield np.array(list(combinations(range(n_speakers), size)), dtype=np.int64)
        return
    rng = np.random.default_rng([seed, n_speakers, size])
    block = max(1, _CHUNK_CELLS // n_speakers)
    for start in range(0, n_permutations, block):
        shape = (min(block, n_permutations - start), n_speakers)
        keys = rng.random(shape, dtype=np.float32)
        yield np.argpartition(keys, size - 1, axis=1)[:, :size].astype(np.int64)


def _signs(n_speakers: int, n_permutations: int, seed: int, *, exact: bool) -> Iterator[Floats]:
    """Yield blocks of rows of +-1: every pattern when they are few, random ones otherwise."""
    if exact:
        patterns = np.arange(2**n_speakers)[:, None] >> np.arange(n_speakers) & 1
        yield (1 - 2 * patterns).astype(np.float64)
        return
    rng = np.random.default_rng([seed, n_speakers])
    block = max(1, _CHUNK_CELLS // n_speakers)
    for start in range(0, n_permutations, block):
        coins = rng.integers(2, size=(min(block, n_permutations - start), n_speakers))
        yield (1 - 2 * coins).astype(np.float64)
