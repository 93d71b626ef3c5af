"""Pooled WERs of slices, their shares and a p-value in, the FAAS of ASR-FairBench out, to compare with theirs.

Rai, Rahangdale, Anand and Mukherjee 2025. It is no evidence, and nothing here uses it so. (a) Rescaling to the best and
the worst slice throws the size of the gap away: two equal slices with WER .100 and .101, or .10 and .40, both score
50. (b) Multiplying by p / 0.05 punishes who measured more: p = 1e-10 turns the same 50 into 1e-7. (c) In the published
model the number of words is a covariate and no offset. (d) The published package fits a linear model and exponentiates
it. Here the WERs are pooled, not predicted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.fairness.sparse_sums import Floats

SIGNIFICANCE = 0.05  # below, a category's score is multiplied by p over this
DEFECTS = (
    "compatibility score, no evidence: the size of the gap is scaled away, p punishes sample size, the published model "
    "takes words as a covariate and the published package fits another; here from pooled WERs"
)


def raw_scores(wers: npt.ArrayLike) -> Floats:
    """Return 100 for the slice with the lowest WER, 0 for the highest, and what is between; NaN where all are equal.

    >>> raw_scores([0.10, 0.12, 0.20]).round(6).tolist()
    [100.0, 80.0, 0.0]
    """
    found = np.asarray(wers, np.float64)
    spread = found.max() - found.min()
    if spread <= 0:
        return np.full_like(found, np.nan)
    scores: Floats = 100 * (1 - (found - found.min()) / spread)
    return scores


def category_score(wers: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """Return the mean of the raw scores, each slice weighing its share.

    >>> round(category_score([0.10, 0.12, 0.20], [0.5, 0.3, 0.2]), 6)
    74.0
    """
    weights = np.asarray(shares, np.float64)
    return float(raw_scores(wers) @ weights / weights.sum())


def adjusted_score(score: float, p_value: float) -> float:
    """Multiply a category's score by p / 0.05 where p is below 0.05; without a test (NaN) it stays.

    >>> round(adjusted_score(62, 0.02), 6), adjusted_score(50, 0.3)
    (24.8, 50)
    """
    return score * p_value / SIGNIFICANCE if p_value < SIGNIFICANCE else score


def overall_score(adjusted: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Return the weighted mean of the categories' adjusted scores; all alike without weights."""
    return float(np.average(adjusted, weights=weights))


def faas(score: float, wer: float) -> float:
    """Return 10 log10(score / WER), decibels; NaN where either is not above 0.

    >>> round(faas(50, 0.2), 5)
    23.9794
    """
    return float(10 * np.log10(score / wer)) if score > 0 and wer > 0 else float("nan")
