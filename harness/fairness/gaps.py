"""Per-speaker sums of slices and their comparators in, gaps and ratios with intervals out, as matrix products.

The gap is WER(slice) - WER(comparator), the ratio their quotient. Speakers who are on both sides (acoustic conditions)
are carried jointly: their influence on the two rates is added before it is squared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.fairness.bootstrap import (
    Bools,
    Estimate,
    Floats,
    Indices,
    Interval,
    Weights,
    divide,
    log_t,
    one_error,
    pivot_quantiles,
    resamplable,
    t_quantile,
    weighted_ratio,
)


@dataclass(frozen=True, slots=True)
class Side:
    """Holds the per-speaker sums of one side of every comparison."""

    errors: Floats  # (n_speakers, n_comparisons)
    words: Floats  # (n_speakers, n_comparisons)
    present: Bools  # (n_speakers, n_comparisons)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Holds gap, ratio and their linearised standard errors, per comparison or per resample and comparison."""

    slices: Estimate
    comparators: Estimate
    gap: Floats  # (..., n_comparisons)
    standard_error: Floats  # (..., n_comparisons) NaN below two speakers on a side
    ratio: Floats  # (..., n_comparisons) NaN when the comparator has no errors
    log_ratio_standard_error: Floats  # (..., n_comparisons)


def gaps(slices: Side, comparators: Side) -> Gaps:
    """Return every gap and ratio with linearised standard errors (Cochran 1977), joint where speakers overlap.

    No standard error is below that of one word error on the side where it weighs more.
    """
    once = _weighted_gaps(np.ones((1, len(slices.errors))), slices, comparators)
    return Gaps(
        slices=_first(once.slices),
        comparators=_first(once.comparators),
        gap=once.gap[0],
        standard_error=once.standard_error[0],
        ratio=once.ratio[0],
        log_ratio_standard_error=once.log_ratio_standard_error[0],
    )


def overlaps(slices: Side, comparators: Side) -> Bools:
    """Say for each comparison whether a speaker is on both sides, (n_comparisons,)."""
    both: Bools = np.any(slices.present & comparators.present, axis=0)
    return both


def degrees_of_freedom(measured: Gaps, paired: Bools) -> Floats:
    """Return Welch's degrees of freedom of the log ratio; those of the smaller side when speakers are on both."""
    a, b = measured.slices, measured.comparators
    square_a = divide(a.standard_error, np.fmax(a.rate, one_error(a.words))) ** 2
    square_b = divide(b.standard_error, np.fmax(b.rate, one_error(b.words))) ** 2
    parts = divide(square_a**2, a.n_speakers - 1) + divide(square_b**2, b.n_speakers - 1)
    return np.where(paired, np.fmin(a.n_speakers, b.n_speakers) - 1, divide((square_a + square_b) ** 2, parts))


def gap_intervals(
    slices: Side, comparators: Side, *, weights: Weights, confidences: Sequence[float]
) -> list[list[Interval]]:
    """Return the interval of every gap, at each confidence: bootstrap-t where both sides have 10 speakers who differ.

    Elsewhere the limits of the two log-linearised intervals are combined (MOVER, Zou and Donner 2008), or, with
    speakers on both sides, it is the t interval of the joint linearisation.
    """
    measured = gaps(slices, comparators)
    paired = overlaps(slices, comparators)
    varied = measured.standard_error > one_error(np.fmin(measured.slices.words, measured.comparators.words))
    columns = np.flatnonzero(
        resamplable(measured.slices, slices.errors) & resamplable(measured.comparators, comparators.errors) & varied
    )
    pivots = _gap_pivots(_pick(slices, columns), _pick(comparators, columns), weights) if len(columns) else None
    intervals = []
    for confidence in confidences:
        low, high = _small_sample(measured, paired, confidence)
        if pivots is not None:
            lower, upper = pivot_quantiles(pivots, confidence)
            low[columns] = measured.gap[columns] - upper * measured.standard_error[columns]
            high[columns] = measured.gap[columns] - lower * measured.standard_error[columns]
        intervals.append([Interval(float(lo), float(hi)) for lo, hi in zip(low, high, strict=True)])
    return intervals


def ratio_intervals(slices: Side, comparators: Side, *, confidence: float) -> list[Interval]:
    """Return the interval of every ratio: t on the logarithm; NaN when the comparator has no errors."""
    measured = gaps(slices, comparators)
    freedom = degrees_of_freedom(measured, overlaps(slices, comparators))
    spread = np.exp(t_quantile(np.fmax(freedom, 1), confidence) * measured.log_ratio_standard_error)
    centre = np.fmax(measured.slices.rate, one_error(measured.slices.words)) / np.where(
        measured.comparators.rate > 0, measured.comparators.rate, np.nan
    )
    low, high = np.where(measured.ratio > 0, measured.ratio / spread, measured.ratio * spread), centre * spread
    return [Interval(float(lo), float(hi)) for lo, hi in zip(low, high, strict=True)]


def _weighted_gaps(block: Floats, slices: Side, comparators: Side) -> Gaps:
    """Return the gaps under each row of weights, (n_block, n_comparisons)."""
    a = weighted_ratio(block, slices.errors, slices.words, slices.present)
    b = weighted_ratio(block, comparators.errors, comparators.words, comparators.present)
    covariance = _covariance(block, slices, comparators, a, b)
    variance = a.standard_error**2 + b.standard_error**2 - 2 * covariance
    floor_a, floor_b = one_error(a.words), one_error(b.words)
    centre_a, centre_b = np.fmax(a.rate, floor_a), np.fmax(b.rate, floor_b)
    log_variance = (
        (a.standard_error / centre_a) ** 2
        + (b.standard_error / centre_b) ** 2
        - 2 * divide(covariance, centre_a * centre_b)
    )
    return Gaps(
        slices=a,
        comparators=b,
        gap=a.rate - b.rate,
        standard_error=np.maximum(np.sqrt(np.maximum(variance, 0)), np.maximum(floor_a, floor_b)),
        ratio=divide(a.rate, b.rate),
        log_ratio_standard_error=np.maximum(
            np.sqrt(np.maximum(log_variance, 0)), np.maximum(floor_a / centre_a, floor_b / centre_b)
        ),
    )


def _covariance(block: Floats, slices: Side, comparators: Side, a: Estimate, b: Estimate) -> Floats:
    """Return the covariance of the two rates through speakers who are on both sides, (n_block, n_comparisons)."""
    covariance = np.zeros_like(a.rate)
    shared = np.flatnonzero(overlaps(slices, comparators))
    if not len(shared):
        return covariance
    left, right = _pick(slices, shared), _pick(comparators, shared)
    rate_a, rate_b = a.rate[:, shared], b.rate[:, shared]
    products = (
        block @ (left.errors * right.errors)
        - rate_b * (block @ (left.errors * right.words))
        - rate_a * (block @ (left.words * right.errors))
        + rate_a * rate_b * (block @ (left.words * right.words))
    )
    n_a, n_b = a.n_speakers[:, shared], b.n_speakers[:, shared]
    factor = np.sqrt(divide(n_a, n_a - 1) * divide(n_b, n_b - 1))
    covariance[:, shared] = divide(factor * products, a.words[:, shared] * b.words[:, shared])
    return covariance


def _gap_pivots(slices: Side, comparators: Side, weights: Weights) -> Floats:
    """Return (gap* - gap) / SE* for every resample and comparison, (n_resamples, n_comparisons)."""
    observed = gaps(slices, comparators).gap
    drawn = (_weighted_gaps(block, slices, comparators) for block in weights)
    return np.concatenate([(star.gap - observed) / star.standard_error for star in drawn])


def _small_sample(measured: Gaps, paired: Bools, confidence: float) -> tuple[Floats, Floats]:
    a, b = measured.slices, measured.comparators
    low_a, high_a = log_t(a, confidence)
    low_b, high_b = log_t(b, confidence)
    below = np.hypot(a.rate - low_a, high_b - b.rate)
    above = np.hypot(high_a - a.rate, b.rate - low_b)
    half = t_quantile(np.fmin(a.n_speakers, b.n_speakers) - 1, confidence) * measured.standard_error
    return measured.gap - np.where(paired, half, below), measured.gap + np.where(paired, half, above)


def _pick(side: Side, columns: Indices) -> Side:
    return Side(side.errors[:, columns], side.words[:, columns], side.present[:, columns])


def _first(estimate: Estimate) -> Estimate:
    return Estimate(estimate.rate[0], estimate.standard_error[0], estimate.words[0], estimate.n_speakers[0])
