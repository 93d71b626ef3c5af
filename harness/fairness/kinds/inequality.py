"""Benefits of speakers and their slices in, how unequal they are out: overall, between slices and within them.

A benefit is a number > 0 that each speaker has: his error rate (how unequally errors fall), or what is left of one (how
unequally a working transcript does: Speicher et al. 2018). Every function takes weights of (n, n_speakers), a row a
resample, and returns a value a row.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from harness.fairness.bootstrap import divide
from harness.fairness.sparse_sums import Floats, Indices

WORST_SHARE = 0.1  # of the speakers


@dataclass(frozen=True, slots=True)
class Parts:
    """Holds an index of inequality, (n,) each; the two parts sum to the whole."""

    total: Floats
    between: Floats  # were everyone in a slice as well off as its mean
    within: Floats


def generalised_entropy(benefits: Floats, codes: Indices, order: int, weights: Floats) -> Parts:
    """Return GE(order): 2 is half the squared coefficient of variation, 1 is Theil's T, 0 the mean log deviation.

    Args:
        benefits: > 0, or >= 0 for the orders 1 and 2, (n_speakers,).
        codes: Slice of each, rising, (n_speakers,).
        order: >= 0 (Shorrocks 1980).
        weights: How often each speaker counts, (n, n_speakers).

    Returns:
        NaN where nobody has any benefit.

    >>> wers, codes = np.array([0.05, 0.10, 0.12, 0.20, 0.33, 0.10, 0.18, 0.25, 0.40]), np.repeat([0, 1], [5, 4])
    >>> parts = generalised_entropy(wers, codes, 1, np.ones((1, 9)))
    >>> [round(float(part[0]), 7) for part in (parts.total, parts.between, parts.within)]
    [0.161106, 0.0174213, 0.1436847]
    """
    total = _entropy(np.broadcast_to(benefits, weights.shape), weights, order)
    first = np.flatnonzero(np.concatenate([[True], np.diff(codes) > 0]))
    sizes = np.add.reduceat(weights, first, axis=1)  # (n, n_slices)
    means = divide(np.add.reduceat(weights * benefits, first, axis=1), sizes)
    between = _entropy(np.where(sizes > 0, means, 1), sizes, order)
    return Parts(total, between, total - between)


def gini(benefits: Floats, weights: Floats) -> Floats:
    """Return the Gini coefficient: half the mean difference of two speakers, over the mean, (n,).

    >>> round(float(gini(np.array([0.05, 0.10, 0.12, 0.20, 0.33, 0.10, 0.18, 0.25, 0.40]), np.ones((1, 9)))[0]), 7)
    0.3172768
    """
    order = np.argsort(benefits, kind="stable")
    ranked, counts = benefits[order], weights[:, order]
    ranks = 2 * np.cumsum(counts, axis=1) - counts
    return divide((ranks * counts) @ ranked, counts.sum(axis=1) * (counts @ ranked)) - 1


def worst_quantile(values: Floats, weights: Floats, *, worst: float = WORST_SHARE) -> Floats:
    """Return the value that all but the worst share stay below or at: P90 of error rates for 0.1, (n,).

    The smallest value that at least 1 - worst of the speakers do not exceed.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    enough = reached >= (1 - worst) * reached[:, -1:] - 1e-9
    quantile: Floats = values[order][np.argmax(enough, axis=1)]
    return quantile


def worst_mean(values: Floats, weights: Floats, *, worst: float = WORST_SHARE) -> Floats:
    """Return the mean of the worst share of the speakers, a part of one counting as a part: CVaR, (n,).

    Rockafellar and Uryasev 2002. With fewer than 1 / worst speakers it is the worst of them.
    """
    order = np.argsort(values, kind="stable")[::-1]
    counts = weights[:, order]
    wanted = worst * counts.sum(axis=1, keepdims=True)
    taken = np.diff(np.minimum(np.cumsum(counts, axis=1), wanted), axis=1, prepend=0)
    return divide(taken @ values[order], wanted[:, 0])


def served(wers: Floats) -> Floats:
    """Return what is left of one: the share of words served, 0 at a WER of 1 and above."""
    return 1 - np.minimum(wers, 1)


def above_zero(benefits: Floats, words: Floats) -> Floats:
    """Give half a word to who has none, so that his logarithm exists.

    A speaker of 100 words without an error may err in the next: he counts as 0.5 errors in 100.
    """
    return np.maximum(benefits, 0.5 / words)


def _entropy(benefits: Floats, weights: Floats, order: int) -> Floats:
    """Return GE(order) of benefits of (n, n_speakers), (n,)."""
    size = weights.sum(axis=1)
    mean = divide((weights * benefits).sum(axis=1), size)
    relative = divide(benefits, np.broadcast_to(mean[:, None], benefits.shape))
    return divide((weights * _deviations(relative, order)).sum(axis=1), size)


def _deviations(relative: Floats, order: int) -> Floats:
    """Return what each benefit, relative to the mean, adds to GE(order)."""
    if order == 0:
        deviations = -np.log(relative)
    elif order == 1:
        deviations = np.asarray(xlogy(relative, relative), np.float64)
    else:
        deviations = (relative**order - 1) / (order * (order - 1))
    return deviations
