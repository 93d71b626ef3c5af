"""Noisy sums of every cell in, its rate, what noise does to it, and an interval that holds noise and sampling, out.

Everything here is computed from numbers that were released or are public, so it costs nothing more.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

from harness.fairness.privacy.options import ReleaseMethod

Floats = npt.NDArray[np.float64]

_N_CANDIDATES = 201  # rates that are tried between two ends, twice: over all rates, then between the ends found
ALLOWED_DEVIATIONS = 2  # of the noise below, that an expected error allows for
_SMALLEST_VARIANCE = 1e-12  # instead of none, which has no distribution
_FLATTEST = 1e4  # deviations of the normal part over the scale of the Laplace part, beyond which the latter is nothing


@dataclass(frozen=True, slots=True)
class NoisySums:
    """Holds what was released of the cells of a dimension, in errors, words, speakers or rates.

    A rate is `above` over `below`. The errors are standard deviations of their noise, 0 where there is none.
    """

    method: ReleaseMethod
    above: Floats  # (n_cells,)
    below: Floats  # (n_cells,)
    above_error: float
    below_error: float
    highest: float  # rate that can be


@dataclass(frozen=True, slots=True)
class Spread:
    """Bounds how far `above` lies from rate x `below` because these people were recorded and not others.

    The variance is at most `squares`, the sum over speakers of their squared deviations, whose noise has standard
    deviation `squares_error`; and at most below x (rate x `per_rate` + rate^2 x `per_square`), whoever they are.
    """

    squares: Floats  # (n_cells,) infinite where not released
    squares_error: Floats  # (n_cells,)
    per_rate: float
    per_square: float


def rates(sums: NoisySums) -> Floats:
    """Return the rate of every cell, (n_cells,), from 0 to the highest; NaN where the sum below it is not above 0."""
    quotients = np.full(len(sums.above), np.nan)
    np.divide(sums.above, sums.below, out=quotients, where=sums.below > 0)
    clipped: Floats = np.clip(quotients, 0, sums.highest)
    return clipped


def expected_errors(sums: NoisySums) -> Floats:
    """Return the root mean square of what noise does to the rates, (n_cells,), to first order; at most the highest.

    It is that of a cell with somewhat less below than the noisy sum says. Otherwise a cell that looks large because of
    its noise would look precise too: of slices of 55 speakers at epsilon 1, 3 % would pass for slices of 62 and more,
    with twice the error that they state.
    """
    noise = np.hypot(sums.above_error, np.nan_to_num(rates(sums), nan=sums.highest) * sums.below_error)
    surely = sums.below - ALLOWED_DEVIATIONS * sums.below_error
    errors = np.full(len(noise), sums.highest)
    np.divide(noise, surely, out=errors, where=surely > 0)
    limited: Floats = np.minimum(errors, sums.highest)
    return limited


def intervals(sums: NoisySums, spread: Spread, *, confidence: float) -> tuple[Floats, Floats]:
    """Return the lowest and highest rates that the noisy sums are compatible with, (n_cells,) each (Fieller 1954).

    A rate is compatible where above - rate x below is no further from 0 than noise and sampling take it: nothing is
    divided by a sum that may be nearly 0. Where no rate is compatible, the noise was beyond its limits and the interval
    is everything.
    """
    n_cells = len(sums.above)
    low, high = _compatible(sums, spread, np.zeros(n_cells), np.full(n_cells, sums.highest), confidence)
    return _compatible(sums, spread, low, high, confidence)


def _compatible(sums: NoisySums, spread: Spread, low: Floats, high: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the ends of the compatible rates between two rates of every cell, not further than a step outside."""
    tried = np.linspace(low, high, _N_CANDIDATES, axis=1)  # (n_cells, n_candidates)
    sampling = np.sqrt(_sampling_variance(sums, spread, tried))
    tail = _chance_below(sums.above[:, None] - tried * sums.below[:, None], sums, tried, sampling)
    kept = 2 * np.minimum(tail, 1 - tail) >= 1 - confidence
    first, last = np.argmax(kept, axis=1), _N_CANDIDATES - 1 - np.argmax(kept[:, ::-1], axis=1)
    cell, some = np.arange(len(low)), kept.any(axis=1)
    lowest = tried[cell, np.maximum(first - 1, 0)]
    highest = tried[cell, np.minimum(last + 1, _N_CANDIDATES - 1)]
    return np.where(some, lowest, low), np.where(some, highest, high)


def _sampling_variance(sums: NoisySums, spread: Spread, tried: Floats) -> Floats:
    """Return the variance of above - rate x below by who was recorded, (n_cells, n_candidates); rather too large."""
    below = np.maximum(sums.below, 0) + sums.below_error
    whoever = below[:, None] * (tried * spread.per_rate + tried**2 * spread.per_square)
    told = np.maximum(spread.squares, 0) + spread.squares_error
    return np.maximum(np.minimum(whoever, told[:, None]), _SMALLEST_VARIANCE)


def _chance_below(distance: Floats, sums: NoisySums, tried: Floats, sampling: Floats) -> Floats:
    """Return the chance that noise and sampling together stay below a distance, (n_cells, n_candidates)."""
    below_error = tried * sums.below_error
    if sums.method is ReleaseMethod.gaussian:
        return np.asarray(ndtr(distance / np.sqrt(sampling**2 + sums.above_error**2 + below_error**2)))
    first, second = np.full_like(tried, sums.above_error / np.sqrt(2)), below_error / np.sqrt(2)
    second = np.where(np.abs(second / first - 1) < 1e-4, first * (1 + 1e-4), second)  # equal ones have another formula
    heavy, light = (chance_of_laplace_and_normal(distance, scale, sampling) for scale in (first, second))
    mixed: Floats = np.clip((first**2 * heavy - second**2 * light) / (first**2 - second**2), 0, 1)
    return mixed


def chance_of_laplace_and_normal(distance: Floats, scale: Floats, deviation: Floats) -> Floats:
    """Return the chance that a Laplace and a normal variable add up to less than a distance (Reed 2006).

    Two Laplace variables of scales a and b and the normal one: the mixture a^2 F(a) - b^2 F(b), over a^2 - b^2.
    """
    shaped = np.maximum(scale, deviation / _FLATTEST)
    ratio, x, z = deviation / shaped, distance / shaped, distance / deviation
    up = np.exp(np.minimum(ratio**2 / 2 + x + log_ndtr(-z - ratio), 0))
    down = np.exp(np.minimum(ratio**2 / 2 - x + log_ndtr(z - ratio), 0))
    return np.asarray(ndtr(z) + (up - down) / 2)
