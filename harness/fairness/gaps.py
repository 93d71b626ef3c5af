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
    chunks,
    divide,
    enough_err,
    log_t,
    one_error,
    pivot_quantiles,
    ratio_of,
    t_quantile,
)
from harness.fairness.pairs import Pairs, PairSums, once, pairs_of, weighed
from harness.fairness.pairs import Side as Side
from harness.fairness.threads import computed


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
    return gaps_of(pairs_of(slices, comparators))


def gaps_of(pairs: Pairs) -> Gaps:
    """Return what `gaps` does, of pairs."""
    return _gaps(once(pairs))


def pooled_rate(measured: Gaps) -> Floats:
    """Return the WER of both sides together, or one word error's where that is more, (n_comparisons,)."""
    a, b = measured.slices, measured.comparators
    words = a.words + b.words
    errors = np.nan_to_num(a.rate) * a.words + np.nan_to_num(b.rate) * b.words
    return np.fmax(divide(errors, words), one_error(words))


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
    """Return the interval of every gap, at each confidence: the limits of the two rates combined.

    MOVER (Zou and Donner 2008) of the intervals that the rates have on their own, with the correlation that shared
    speakers make. Where at least half of the larger side are on both sides, it is the t interval of the joint
    linearisation, which is narrower there. A bootstrap-t of the gap itself covers less: .91 to .94 where this one
    covers .93 to .96 (10 to 50 speakers a side; 10 against 40 that vary half as much: .919 and .939).
    """
    return pair_gap_intervals([pairs_of(slices, comparators)], weights=weights, confidences=confidences)[0]


def pair_gap_intervals(
    parts: Sequence[Pairs], *, weights: Weights, confidences: Sequence[float]
) -> list[list[list[Interval]]]:
    """Return what `gap_intervals` does, of the comparisons of several dimensions under the same resamples."""
    measured = [gaps_of(pairs) for pairs in parts]
    quantiles = _side_quantiles(parts, measured, weights, confidences)
    intervals: list[list[list[Interval]]] = []
    for pairs, found, of_part in zip(parts, measured, quantiles, strict=True):
        repeated, correlation = _repeated(pairs, found), _correlation(found)
        intervals.append([])
        for confidence, quantile in zip(confidences, of_part, strict=True):
            (low_a, high_a), (low_b, high_b) = (
                _limits(side, confidence, of_side)
                for side, of_side in zip((found.slices, found.comparators), quantile, strict=True)
            )
            half = _joint_half_width(found, confidence)
            below = _combined(found.slices.rate - low_a, high_b - found.comparators.rate, correlation)
            above = _combined(high_a - found.slices.rate, found.comparators.rate - low_b, correlation)
            low, high = found.gap - np.where(repeated, half, below), found.gap + np.where(repeated, half, above)
            intervals[-1].append([Interval(float(lo), float(hi)) for lo, hi in zip(low, high, strict=True)])
    return intervals


def ratio_intervals(slices: Side, comparators: Side, *, confidence: float) -> list[Interval]:
    """Return the interval of every ratio: t on the logarithm; NaN when the comparator has no errors."""
    return gap_ratio_intervals(gaps(slices, comparators), overlaps(slices, comparators), confidence=confidence)


def gap_ratio_intervals(measured: Gaps, paired: Bools, *, confidence: float) -> list[Interval]:
    """Return what `ratio_intervals` does, of measured gaps."""
    freedom = degrees_of_freedom(measured, paired)
    spread = np.exp(t_quantile(np.fmax(freedom, 1), confidence) * measured.log_ratio_standard_error)
    centre = np.fmax(measured.slices.rate, one_error(measured.slices.words)) / np.where(
        measured.comparators.rate > 0, measured.comparators.rate, np.nan
    )
    low, high = np.where(measured.ratio > 0, measured.ratio / spread, measured.ratio * spread), centre * spread
    return [Interval(float(lo), float(hi)) for lo, hi in zip(low, high, strict=True)]


def _gaps(sums: PairSums) -> Gaps:
    """Return the gaps of sums of moments, (..., n_comparisons)."""
    a, b = ratio_of(sums.own), ratio_of(sums.other)
    covariance = _covariance(sums, a, b)
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


def _covariance(sums: PairSums, a: Estimate, b: Estimate) -> Floats:
    """Return the covariance of the two rates through speakers who are on both sides, (..., n_comparisons)."""
    covariance = np.zeros_like(a.rate)
    shared = sums.shared
    rate_a, rate_b = a.rate[..., shared], b.rate[..., shared]
    errors, errors_words, words_errors, words = sums.products
    products = errors - rate_b * errors_words - rate_a * words_errors + rate_a * rate_b * words
    n_a, n_b = a.n_speakers[..., shared], b.n_speakers[..., shared]
    factor = np.sqrt(divide(n_a, n_a - 1) * divide(n_b, n_b - 1))
    covariance[..., shared] = divide(factor * products, a.words[..., shared] * b.words[..., shared])
    return covariance


def _repeated(pairs: Pairs, measured: Gaps) -> Bools:
    """Say which comparisons have at least half of their larger side's speakers on both sides."""
    repeated: Bools = 2 * pairs.n_shared() >= np.fmax(measured.slices.n_speakers, measured.comparators.n_speakers)
    return repeated


def _correlation(measured: Gaps) -> Floats:
    """Return the correlation of the two rates, through the speakers they share, (n_comparisons,)."""
    a, b, both = measured.slices.standard_error, measured.comparators.standard_error, measured.standard_error
    return np.clip(np.nan_to_num(divide(a**2 + b**2 - both**2, 2 * a * b)), -1, 1)


def _combined(one: Floats, other: Floats, correlation: Floats) -> Floats:
    """Return the distance to a limit of a difference, from the distances to the limits of its two sides."""
    combined: Floats = np.sqrt(np.maximum(one**2 + other**2 - 2 * correlation * one * other, 0))
    return combined


def _joint_half_width(measured: Gaps, confidence: float) -> Floats:
    fewer = np.fmin(measured.slices.n_speakers, measured.comparators.n_speakers)
    return t_quantile(fewer - 1, confidence) * measured.standard_error


def _limits(side: Estimate, confidence: float, quantiles: Floats) -> tuple[Floats, Floats]:
    """Return the limits of each rate: bootstrap-t where there are `quantiles`, (2, n_comparisons), else log t."""
    low, high = log_t(side, confidence)
    lower, upper = quantiles
    low = np.where(np.isnan(upper), low, side.rate - upper * side.standard_error)
    high = np.where(np.isnan(lower), high, side.rate - lower * side.standard_error)
    return np.maximum(low, 0), high


def _side_quantiles(
    parts: Sequence[Pairs], measured: Sequence[Gaps], weights: Weights, confidences: Sequence[float]
) -> list[Floats]:
    """Return lower and upper quantiles of (R* - R) / SE* of both sides; NaN where a side is not resampled.

    Of each part (n_confidences, 2 sides, 2 ends, n_comparisons).
    """
    usable = [_resamplable(pairs, found) for pairs, found in zip(parts, measured, strict=True)]
    columns = [np.flatnonzero(each.any(axis=0)) for each in usable]
    quantiles = [np.full((len(confidences), 2, 2, pairs.n_comparisons), np.nan) for pairs in parts]
    for several in _passes(columns, 2 * weights.n_resamples):
        picked = [(i, columns[i][here]) for i, here in several]
        rates = [np.stack([measured[i].slices.rate[own], measured[i].comparators.rate[own]]) for i, own in picked]
        drawn = _pivots([parts[i].pick(own) for i, own in picked], rates, weights)
        for (i, own), pivots in zip(picked, drawn, strict=True):
            for side, table in enumerate(pivots):
                here = usable[i][side, own]
                for row, confidence in enumerate(confidences) if here.any() else ():
                    quantiles[i][row, side][:, own[here]] = pivot_quantiles(table[:, here], confidence)
    return quantiles


def _resamplable(pairs: Pairs, measured: Gaps) -> Bools:
    """Say which sides have 10 speakers who err, and not all alike; none where the joint interval is used."""
    n_erring, n_others_erring = pairs.erring()
    sides = enough_err(measured.slices, n_erring), enough_err(measured.comparators, n_others_erring)
    usable: Bools = np.stack(sides) & ~_repeated(pairs, measured)
    return usable


def _passes(columns: Sequence[Indices], n_resamples: int) -> list[list[tuple[int, Indices]]]:
    """Return which columns of which parts to resample together: all, as long as memory holds their resamples."""
    pieces = [(i, here) for i, each in enumerate(columns) for here in chunks(np.arange(len(each)), n_resamples)]
    if len(chunks(np.concatenate([np.arange(len(each)) for each in columns]), n_resamples)) <= 1:
        return [pieces]
    return [[piece] for piece in pieces]


def _pivots(parts: Sequence[Pairs], rates: Sequence[Floats], weights: Weights) -> list[Floats]:
    """Return (R* - R) / SE* of every resample and side, of each part (2, n_resamples, n_comparisons)."""
    prepared = [weighed(pairs) for pairs in parts]

    def drawn(block: Floats) -> list[Floats]:
        stars = [[ratio_of(side) for side in pairs.under(block)] for pairs in prepared]
        return [
            np.stack([((star.rate - own) / star.standard_error).T for star, own in zip(sides, rate, strict=True)])
            for sides, rate in zip(stars, rates, strict=True)
        ]

    return [np.dstack(blocks).transpose(0, 2, 1) for blocks in zip(*computed(drawn, weights), strict=True)]
