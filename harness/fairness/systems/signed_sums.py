"""Whole numbers that may as well have had the other sign in, the chance of a sum as large as theirs out.

Counted, not drawn: a sum of numbers with random signs has a product of cosines as its characteristic function, and one
Fourier transform gives the chance of every sum. The p-values of a large family must be smaller than any number of
random signs that one would wait for could give.
"""

import numpy as np
from scipy.special import betainc, ndtr, ndtri

from harness.fairness.bootstrap import Floats
from harness.fairness.power import POWER
from harness.fairness.speaker_sums import Ints

_MOST_COSINES = 20_000_000  # a sum that takes more has so many numbers, and sizes, that it is normal
_RESOLUTION = 1e-15  # of a chance: the transform rounds
_HALVINGS = 40  # of the interval that a detectable sum lies in


def signed_sums(values: Ints) -> Floats:
    """Return the chance of every sum of the values with random signs, from minus to plus the sum of their sizes.

    >>> signed_sums(np.array([1, -2])).round(9).tolist()
    [0.25, 0.0, 0.25, 0.0, 0.25, 0.0, 0.25]
    """
    sizes, counts = _sizes(values)
    total = int(sizes @ counts)
    angles = 2 * np.pi / (2 * total + 1) * np.arange(total + 1)
    transform = np.ones(total + 1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        transform *= np.cos(angles * size) ** count
    chances: Floats = np.maximum(np.roll(np.fft.irfft(transform, n=2 * total + 1), total), 0)
    return chances


def chance_of_sum(values: Ints) -> float:
    """Return the chance of a sum as large as that of the values, or larger, were their signs random.

    >>> round(chance_of_sum(np.array([3, 0, 1, 1])), 9)
    0.125
    """
    if _is_costly(values):
        return _normal_tail(int(values.sum()) - 1, _squares(values))  # sums lie two apart: half a step
    chances = signed_sums(values)
    return _chance(chances[len(chances) // 2 + int(values.sum()) :].sum())


def chance_of_difference(values: Ints, scale: int, others: Ints, other_scale: int) -> float:
    """Return the chance of sum / scale - other sum / other scale as large as that of the values, or larger.

    Args:
        values: Whose signs are random.
        scale: What their sum is divided by, e.g. reference words; NaN without any.
        others: Whose signs are random as well, and independent of the values'.
        other_scale: What their sum is divided by.
    """
    if not scale or not other_scale:
        return np.nan
    seen = int(values.sum()) * other_scale - int(others.sum()) * scale
    if _is_costly(values) or _is_costly(others):
        return _normal_tail(seen, _squares(values) * other_scale**2 + _squares(others) * scale**2)
    chances, of_others = signed_sums(values), signed_sums(others)
    most, most_others = len(chances) // 2, len(of_others) // 2
    sums = np.arange(-most_others, most_others + 1)
    least = -((-seen - sums * scale) // other_scale)  # that the values must sum to, beside each sum of the others
    tails = np.append(np.cumsum(chances[::-1])[::-1], 0.0)
    return _chance(of_others @ tails[np.clip(least + most, 0, len(chances))])


def detectable_sum(squares: Floats, n_units: Floats, most: Floats, *, level: float) -> Floats:
    """Return about the sum of ones, each given to a random unit, that is found with 80 % probability.

    Ones that units share add to the squares what they are and what they share. The chance under random signs is taken
    to be that of so many changed units, all of one size: the normal tail for many, 2^-n for n that all rose. Of EdAcc's
    accents .5 to 1.0 were found at the loss given; where units are few it is more than is needed.

    Args:
        squares: Sum of the squares of the units' changes without it, any shape.
        n_units: Same shape.
        most: Sums above it are not looked for, same shape.
        level: Of the test.

    Returns:
        Same shape; NaN where no sum up to `most` is found.
    """

    def chance(total: Floats) -> Floats:
        seen = total - float(ndtri(POWER)) * np.sqrt(squares + total)
        n_changed = np.maximum(-n_units * np.expm1(-(squares + total) / n_units), 1)
        share = np.clip(seen / np.sqrt(n_changed * (squares + total + total**2 / n_units)), -1, 1)
        n_risen = n_changed * (1 + share) / 2
        return np.asarray(betainc(n_risen, n_changed - n_risen + 1, 0.5), dtype=np.float64)

    low: Floats = np.zeros_like(most)
    high = most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = chance(middle) <= level
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(chance(most) <= level, high, np.nan)


def _sizes(values: Ints) -> tuple[Ints, Ints]:
    """Return the sizes that occur, and how often; nothing has no sign."""
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    return sizes, counts.astype(np.int64)


def _is_costly(values: Ints) -> bool:
    sizes, counts = _sizes(values)
    return len(sizes) * int(sizes @ counts) > _MOST_COSINES


def _squares(values: Ints) -> float:
    return float((values.astype(np.float64) ** 2).sum())


def _normal_tail(seen: int, variance: float) -> float:
    return _chance(ndtr(-seen / np.sqrt(variance)))


def _chance(found: float) -> float:
    """Return a chance that is never nothing: the signs seen are one of the patterns."""
    return min(1.0, max(_RESOLUTION, float(found)))
