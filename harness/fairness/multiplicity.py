"""p-values of many comparisons, or their jointly drawn statistics, in; p-values corrected for their number out.

Which correction a run uses, and over which families, is declared in its policy. Step-down max-T is the sharpest of
those that allow one false alarm in a family, because it knows from the draws what overlapping slices have in common
(`harness.fairness.max_t` draws them).
"""

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Floats
from harness.fairness.policy import Correction

_TIE = 1e-9  # a drawn statistic this close to the observed one counts as at least as large


def adjusted(p_values: npt.ArrayLike, correction: Correction) -> Floats:
    """Correct the p-values of one family for their number; NaN, of what was not tested, stays NaN.

    Holm (1979), Benjamini and Hochberg (1995), Benjamini and Yekutieli (2001), or not at all. From p-values alone
    max-T is Holm: what they have in common is in the draws only, see `step_down_max_t`.

    Args:
        p_values: Any number of them, 0 to 1 or NaN.
        correction: Of the policy.

    Returns:
        As many corrected p-values, at most 1.

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
    if correction in (Correction.holm, Correction.max_t):
        stepped = np.maximum.accumulate((count - ranks + 1) * raw[order])
    else:
        factor = harmonic(count) if correction is Correction.fdr_by else 1.0
        stepped = np.minimum.accumulate((factor * count / ranks * raw[order])[::-1])[::-1]
    result[order] = np.minimum(stepped, 1)
    return result


def step_down_max_t(observed: Floats, drawn: Floats) -> Floats:
    """Correct one family by its jointly drawn statistics (Westfall and Young 1993; Romano and Wolf 2005).

    Each statistic is compared with the largest, in every arrangement, of those that are not larger than it.

    Args:
        observed: Statistics >= 0, large ones speak against the null hypothesis, (n_tests,).
        drawn: The same statistics under arrangements that the null hypothesis makes equally likely; the observed
            arrangement is one of them, (n_arrangements, n_tests).

    Returns:
        (n_tests,) corrected p-values, never below the share of arrangements that reach a statistic on its own.

    >>> step_down_max_t(np.array([2.0, 1.0]), np.array([[2.0, 1], [1, 2], [0, 0.5], [0, 0]])).tolist()
    [0.5, 0.5]
    """
    corrected = np.ones(len(observed))
    largest = np.full(len(drawn), -np.inf)
    rising = np.argsort(observed, kind="stable")
    for k in rising:
        np.maximum(largest, drawn[:, k], out=largest)
        corrected[k] = (largest >= observed[k] - _TIE).mean()
    falling = rising[::-1]
    corrected[falling] = np.maximum.accumulate(corrected[falling])
    return corrected


def strictest_level(n_tests: int, correction: Correction, alpha: float) -> float:
    """Return the level that the smallest p-value of a family has to meet.

    For max-T it is that of Holm, which no overlap of slices makes stricter.
    """
    if correction is Correction.none:
        return alpha
    return alpha / max(1, n_tests) / (harmonic(n_tests) if correction is Correction.fdr_by else 1.0)


def harmonic(count: int) -> float:
    """Return 1 + 1/2 + ... + 1/count; 1 for a count below one."""
    return float(np.sum(1 / np.arange(1, max(1, count) + 1)))
