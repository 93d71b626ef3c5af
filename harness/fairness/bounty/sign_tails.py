"""What each speaker gains in whole words in, the exact chance of as large a sum under random signs out.

Were the two systems exchangeable within speakers, what a speaker gains could as well have had the other sign. The sum
of n gains with random signs is at least the observed one where the speakers whose sign is drawn as minus hold no more
words than those who lose now. How many of the 2^n draws do so is counted by adding speakers one at a time
(Pagano and Tritchler 1983): sums of counts, without a subtraction, so that a chance of 1e-14 has its digits.
"""

import numpy as np
from scipy.special import expit

from harness.fairness.bounty.losses import Ints

_MOST_STEPS = 4_000_000_000  # additions: about two seconds; more speakers and words get a bound instead
_STEEPEST, _BISECTIONS = 50.0, 60  # of tilts, per word: any tilt gives a bound
_RESCALED = 512  # speakers after whom counts, at most doubled by each, are divided by 2^512


def sign_flip_tail(gains: Ints) -> float:
    """Return P(sum of +-gains >= sum of gains) under independent fair signs.

    Args:
        gains: Words gained by each speaker, negative where lost, (n_speakers,).

    Returns:
        1 where the sum is not positive. Where speakers times words lost are more than 4e9, an upper bound of the
        chance (Chernoff 1952), about as many times too large as the gain has standard errors, times 2.5.

    >>> sign_flip_tail(np.array([2, 1, 0]))
    0.25
    """
    sizes, lost = np.abs(gains[gains != 0]), int(-gains[gains < 0].sum())
    if gains.sum() <= 0:
        return 1.0
    if len(sizes) * (lost + 1) > _MOST_STEPS:
        return _chernoff(sizes, lost)
    return _counted(sizes, lost)


def _counted(sizes: Ints, lost: int) -> float:
    """Return the share of all subsets of sizes that sum to at most `lost`."""
    counts = np.zeros(lost + 1)
    counts[0] = 1
    for drawn, size in enumerate(np.sort(sizes), start=1):
        if size <= lost:
            counts[size:] += counts[: lost + 1 - size].copy()
        if drawn % _RESCALED == 0:
            counts *= 2.0**-_RESCALED
    return float(counts.sum() * 2.0 ** -(len(sizes) % _RESCALED))


def _chernoff(sizes: Ints, lost: int) -> float:
    """Return E[exp(tilt (lost - drawn))] at the tilt that makes it least: P(drawn <= lost) is never above it."""
    low, high = 0.0, 1 / float(sizes.max())
    while _drawn(sizes, high) > lost and high < _STEEPEST:
        low, high = high, 2 * high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _drawn(sizes, middle) > lost else (low, middle)
    log_bound = high * lost + np.logaddexp(0, -high * sizes).sum() - len(sizes) * np.log(2)
    return float(np.exp(log_bound))


def _drawn(sizes: Ints, tilt: float) -> float:
    """Return the words expected to be drawn under a tilt."""
    return float((sizes * expit(-tilt * sizes)).sum())
