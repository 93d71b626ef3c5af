"""Error and word sums along the levels of a sweep in, the monotone curve of WER and where it crosses a WER out.

Between neighbours that are out of order the WER is that of both together (pool adjacent violators: Ayer et al. 1955),
so every level weighs its words; between levels the curve is a straight line.
"""

import numpy as np

from harness.fairness.bootstrap import Bools, Floats, divide


def rising(errors: Floats, words: Floats) -> Floats:
    """Return the WERs that never fall along the last axis and are nearest to those observed, each weighing its words.

    The largest, over all stretches that end at or after a level, of the smallest WER over those that begin at or before
    it: what pooling neighbours ends with, without a loop over curves.

    Args:
        errors: Word errors, (..., n_levels).
        words: Reference words, (..., n_levels), > 0.

    >>> rising(np.array([1.0, 4, 2, 6]), np.array([10.0, 10, 10, 10])).tolist()
    [0.1, 0.3, 0.3, 0.6]
    """
    n_levels = errors.shape[-1]
    first, last = np.arange(n_levels)[:, None], np.arange(n_levels)
    pooled = divide(_stretches(errors), _stretches(words))  # (..., first, last)
    pooled = np.where(last >= first, pooled, np.inf)
    lowest = np.minimum.accumulate(pooled[..., ::-1], axis=-1)[..., ::-1]  # of those that begin there and end later
    curve: Floats = np.max(np.where(last >= first, lowest, -np.inf), axis=-2)
    return curve


def crossings(curves: Floats, levels: Floats, wer: float) -> Floats:
    """Return the last level at which each rising curve is at most a WER.

    Args:
        curves: WERs that never fall, (..., n_levels).
        levels: Rising, (n_levels,).
        wer: What is crossed.

    Returns:
        (...,) minus infinity where a curve is above at every level, infinity where it is above at none, NaN where it is
        not known.

    >>> crossings(np.array([0.1, 0.3, 0.3, 0.6]), np.array([0.0, 10, 20, 30]), 0.2).round(6).item()
    5.0
    """
    below: Bools = curves <= wer
    last = np.maximum(below.sum(axis=-1) - 1, 0)
    after = np.minimum(last + 1, len(levels) - 1)
    low, high = (np.take_along_axis(curves, each[..., None], axis=-1)[..., 0] for each in (last, after))
    between = levels[last] + divide(wer - low, high - low) * (levels[after] - levels[last])
    found = np.where(below.all(axis=-1), np.inf, np.where(below.any(axis=-1), between, -np.inf))
    return np.where(np.isnan(curves).any(axis=-1), np.nan, found)


def steadiness(errors: Floats, words: Floats) -> Floats:
    """Return the share of the variation between levels that the rising curve explains, (...,); 1 without variation."""
    rates, total = divide(errors, words), errors.sum(axis=-1, keepdims=True) / words.sum(axis=-1, keepdims=True)
    left = (words * (rates - rising(errors, words)) ** 2).sum(axis=-1)
    all_of_it = (words * (rates - total) ** 2).sum(axis=-1)
    return np.where(all_of_it > 0, 1 - np.nan_to_num(divide(left, all_of_it)), 1.0)


def _stretches(sums: Floats) -> Floats:
    """Return the sums over every stretch of levels, (..., first, last); negative ones end before they begin."""
    upto = np.cumsum(sums, axis=-1)
    before = upto - sums
    stretches: Floats = upto[..., None, :] - before[..., :, None]
    return stretches
