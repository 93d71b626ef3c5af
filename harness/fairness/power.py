"""A gap's standard error in, the smallest gap that so many speakers would have shown out."""

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from harness.fairness.bootstrap import Floats

POWER = 0.8  # chance of being seen that "could have shown" means


def minimum_detectable_gap(standard_error: Floats, degrees_of_freedom: Floats, *, alpha: float) -> Floats:
    """Return the gap that a two-sided t test at level alpha finds with 80 % probability (noncentral t).

    Args:
        standard_error: Of the gap, a WER difference, any shape.
        degrees_of_freedom: Of that standard error, same shape; below 1 there is no such gap.
        alpha: Level of the test; the caller divides it by the number of comparisons where it corrects for them.

    Returns:
        WER differences >= 0; NaN where there is no standard error.

    Two groups of 20 with standard deviation 0.13:

    >>> se = np.array([0.13 * (2 / 20) ** 0.5])
    >>> minimum_detectable_gap(se, np.array([38.0]), alpha=0.05).round(5).tolist()
    [0.11819]
    """
    usable = np.where(degrees_of_freedom >= 1, degrees_of_freedom, np.nan)
    critical = stdtrit(usable, np.full_like(usable, 1 - alpha / 2))
    shift = nctdtrinc(usable, np.full_like(usable, 1 - POWER), critical).astype(np.float64)
    return standard_error * shift
