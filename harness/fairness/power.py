"""How speakers vary and a level in, what so many of them would show out: power, the smallest gap that is found.

A slice that is worse by a gap also varies more by it: the spread of speakers grows with the rate. With the spread of
equal slices, a gap "found with 80 % probability" is found with 55 to 65 (10 to 50 speakers a side).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, nctdtr, nctdtrinc, stdtrit

from harness.fairness.bootstrap import Bools, Floats

POWER = 0.8  # chance of being seen that "could have shown" means
_LARGEST_SHIFT = 100.0  # of a logarithm; what is beyond is beyond any gap
LARGEST_GAP = 2.0  # WER difference; what needs a larger one to be found is not found at all
_HALVINGS = 50
_CERTAIN = 30  # a noncentrality above which scipy gives NaN for some chances of missing that are below 1e-100


@dataclass(frozen=True, slots=True)
class Group:
    """Says how many speakers a side has and how they vary; arrays of one shape, one entry a comparison.

    The squared standard error of a WER p is (inequality (speaker_cv p)^2 + dispersion p / words_per_speaker) over
    n_speakers: speakers differ, and each says only so many words.
    """

    n_speakers: Floats
    words_per_speaker: Floats
    speaker_cv: Floats  # standard deviation of speakers' expected WER over its mean
    dispersion: Floats  # variance of a speaker's errors over their expected number; 1 is Poisson
    inequality: Floats  # n sum(w^2) / sum(w)^2 of the speakers' words; 1 where all say as much

    def variance(self, rate: Floats) -> Floats:
        """Return the squared standard error of the WER."""
        between = self.inequality * (self.speaker_cv * rate) ** 2
        return (between + self.dispersion * rate / self.words_per_speaker) / np.maximum(self.n_speakers, 1)


@dataclass(frozen=True, slots=True)
class Design:
    """Is a slice, its comparator and the comparator's WER."""

    rate: Floats  # of the comparator
    slices: Group
    comparators: Group


def minimum_detectable_gap(
    standard_error: Floats, degrees_of_freedom: Floats, *, alpha: Floats | float, power: float = POWER
) -> Floats:
    """Return the gap that a two-sided t test at level alpha finds with a power (noncentral t).

    Args:
        standard_error: Of the gap, whatever its size, any shape.
        degrees_of_freedom: Of that standard error, same shape; below 1 there is no such gap.
        alpha: Level of the test; the caller divides it by the number of comparisons where it corrects for them.
        power: Chance of being found.

    Returns:
        Differences >= 0; NaN where there is no standard error.

    Two groups of 20 with standard deviation 0.13:

    >>> se = np.array([0.13 * (2 / 20) ** 0.5])
    >>> minimum_detectable_gap(se, np.array([38.0]), alpha=0.05).round(5).tolist()
    [0.11819]
    """
    usable = np.where(degrees_of_freedom >= 1, degrees_of_freedom, np.nan)
    critical = stdtrit(usable, np.broadcast_to(1 - np.asarray(alpha) / 2, usable.shape))
    shift = nctdtrinc(usable, np.full_like(usable, 1 - power), critical).astype(np.float64)
    return standard_error * shift


def minimum_detectable_rise(
    rate: Floats, log_standard_error: Floats, degrees_of_freedom: Floats, *, alpha: Floats | float, power: float = POWER
) -> Floats:
    """Return by how much a slice must exceed a WER to be found with a power: rate (exp(shift SE) - 1).

    On the logarithmic scale a slice that is worse varies as much as one that is not. Of gaps given for 80 % the test
    finds 73 to 83 % (5 to 50 speakers a side, 8 against 56, 6 against 200), and 63 % where the slice is the larger side
    (56 against 8).

    Args:
        rate: WER of both sides together, any shape.
        log_standard_error: Of the logarithm of their ratio, same shape.
        degrees_of_freedom: Of that standard error, same shape; below 1 there is no such gap.
        alpha: As for `minimum_detectable_gap`.
        power: Chance of being found.

    Returns:
        WER differences from 0 to `LARGEST_GAP`; NaN where there is no standard error, or only a larger one is found.
    """
    shift = minimum_detectable_gap(log_standard_error, degrees_of_freedom, alpha=alpha, power=power)
    rise: Floats = rate * np.expm1(np.minimum(shift, _LARGEST_SHIFT))
    return np.where(rise <= LARGEST_GAP, rise, np.nan)


def power_of_gap(gap: Floats, design: Design, *, alpha: Floats | float) -> Floats:
    """Return the chance that a slice which is worse by a gap is found so, by the noncentral t distribution.

    The noncentrality is what the test's statistic is (`studentised_gap`): the gap over its standard error for sides of
    one size, the log ratio over its own where one side is far smaller, and their weighted mean in between; so are the
    degrees of freedom, n_a + n_b - 2 and Welch's. Sides of fewer than two speakers, or so few that no arrangement of
    them reaches the level, find nothing.

    Args:
        gap: WER difference > 0, same shape as the design's arrays.
        design: Both sides.
        alpha: Level of the two-sided test.
    """
    rate_a, rate_b = design.rate + gap, design.rate
    n_a, n_b = design.slices.n_speakers, design.comparators.n_speakers
    square_a, square_b = design.slices.variance(rate_a), design.comparators.variance(rate_b)
    log_a, log_b = square_a / rate_a**2, square_b / rate_b**2
    balance = np.minimum(n_a, n_b) / np.maximum(np.maximum(n_a, n_b), 1)
    difference, logs = gap / np.sqrt(square_a + square_b), np.log(rate_a / rate_b) / np.sqrt(log_a + log_b)
    enough = np.minimum(n_a, n_b) >= 2
    few_a, few_b = np.where(enough, n_a - 1, 1), np.where(enough, n_b - 1, 1)
    welch = (log_a + log_b) ** 2 / (log_a**2 / few_a + log_b**2 / few_b)
    freedom = balance * (few_a + few_b) + (1 - balance) * welch
    critical = stdtrit(freedom, np.broadcast_to(1 - np.asarray(alpha) / 2, freedom.shape))
    noncentrality = balance * difference + (1 - balance) * logs
    missed = nctdtr(freedom, noncentrality, critical)
    missed = np.where(np.isnan(missed) & (noncentrality > _CERTAIN), 0.0, missed)
    return np.where(enough & attainable(n_a, n_b, alpha=alpha), 1 - missed, 0.0)


def attainable(n_slice: Floats, n_comparator: Floats, *, alpha: Floats | float) -> Bools:
    """Say whether so many speakers can be arranged in enough ways for a p-value below alpha, same shape."""
    log_arrangements = gammaln(n_slice + n_comparator + 1) - gammaln(n_slice + 1) - gammaln(n_comparator + 1)
    reached: Bools = np.log(2) - log_arrangements < np.log(alpha)
    return reached


def detectable_gap(design: Design, *, alpha: Floats | float, power: float = POWER) -> Floats:
    """Return the smallest gap that is found with a power; NaN where none up to LARGEST_GAP is."""
    below, found = np.zeros_like(design.rate), np.full_like(design.rate, LARGEST_GAP)
    never = ~(power_of_gap(found, design, alpha=alpha) >= power)
    for _ in range(_HALVINGS):
        middle = (below + found) / 2
        seen = power_of_gap(middle, design, alpha=alpha) >= power
        below, found = np.where(seen, below, middle), np.where(seen, middle, found)
    return np.where(never, np.nan, found)
