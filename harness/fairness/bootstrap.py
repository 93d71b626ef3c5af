"""Per-speaker sums in, speaker-clustered intervals out, as matrix products.

A word error rate is a ratio of sums over speakers. Its interval is a bootstrap-t from 10 speakers (Efron and
Tibshirani 1993, ch. 12, with speakers resampled whole: Liu and Peng 2020), a t interval on the logarithm of the
linearised ratio (Cochran 1977, ch. 6) for 2 to 9, and none for fewer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from harness.fairness.sparse_sums import SparseSums, columns_of, counted_per_column, moments, per_column, sparse_sums_of
from harness.fairness.threads import computed

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

BOOTSTRAP_SPEAKERS = 10  # who err; at 5 it is twice as wide as the t interval for the same coverage (.57, .28)
LOW_SUPPORT_SPEAKERS = 5  # below, the t interval is shown and marked
_CHUNK_CELLS = 1_250_000  # weights held at once: 10 MB, which stay in a processor's cache while slices gather them
_PIVOT_CELLS = 100_000_000  # studentised resamples held at once: 800 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds a rate, a gap or a ratio; NaN where there is none, and the note says why or how far to trust it."""

    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Is a ratio of sums and its linearised standard error, per slice or per resample and slice."""

    rate: Floats  # (..., n_slices) NaN without words
    standard_error: Floats  # (..., n_slices) NaN below two speakers
    words: Floats  # (..., n_slices)
    n_speakers: Floats  # (..., n_slices)


@dataclass(frozen=True, slots=True)
class Weights:
    """Says how often each speaker was drawn in each resample: multinomial counts, drawn when iterated over."""

    n_speakers: int
    n_resamples: int
    seed: int

    def __iter__(self) -> Iterator[Floats]:
        """Yield blocks of resamples, each (n_block, n_speakers); the same blocks every time.

        In memory a block is laid out speaker by speaker, so that gathering some speakers copies whole rows.
        """
        rng = np.random.default_rng(self.seed)
        block = max(1, min(self.n_resamples, _CHUNK_CELLS // max(1, self.n_speakers)))
        for start in range(0, self.n_resamples, block):
            n_rows = min(block, self.n_resamples - start)
            drawn = rng.integers(self.n_speakers, size=(n_rows, self.n_speakers))
            drawn *= n_rows
            drawn += np.arange(n_rows)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=n_rows * self.n_speakers)
            yield counts.astype(np.float64).reshape(self.n_speakers, n_rows).T


def resample_weights(n_speakers: int, n_resamples: int, rng: np.random.Generator) -> Weights:
    """Prepare resamples of speakers; one set serves every slice, which keeps their covariances."""
    return Weights(n_speakers=n_speakers, n_resamples=n_resamples, seed=int(rng.integers(2**63)))


def ratio_estimate(errors: Floats, words: Floats, present: Bools) -> Estimate:
    """Return each slice's WER and its linearised, speaker-clustered standard error (Cochran 1977, eq. 6.13).

    The standard error is never below that of one word error, 1 / words: no errors in sight does not mean that none
    can happen, and identical speakers do not mean certainty.

    Args:
        errors: Word errors, (n_speakers, n_slices).
        words: Reference words, (n_speakers, n_slices).
        present: Who has utterances in the slice, (n_speakers, n_slices).

    >>> ones = np.ones((3, 1), bool)
    >>> estimate = ratio_estimate(np.array([[2.0], [5], [9]]), np.array([[20.0], [30], [40]]), ones)
    >>> round(float(estimate.rate[0]), 7), round(float(estimate.standard_error[0]), 7)
    (0.1777778, 0.0336066)
    """
    return estimate_of(sparse_sums_of(errors, words, present))


def estimate_of(sums: SparseSums) -> Estimate:
    """Return what `ratio_estimate` does, of sparse sums."""
    return ratio_of(per_column(sums.starts, moments(sums.sums)))


def rate_intervals(
    errors: Floats, words: Floats, present: Bools, *, weights: Weights, confidence: float
) -> list[Interval]:
    """Return the interval of every slice's word error rate.

    Args:
        errors: Word errors, (n_speakers, n_slices).
        words: Reference words, (n_speakers, n_slices).
        present: Who has utterances in the slice, (n_speakers, n_slices).
        weights: Resamples of the same speakers.
        confidence: Nominal coverage, e.g. 0.95.

    Returns:
        One interval a slice; NaN bounds where the slice has fewer than two speakers or no words.
    """
    return sparse_rate_intervals(sparse_sums_of(errors, words, present), weights=weights, confidence=confidence)


def sparse_rate_intervals(sums: SparseSums, *, weights: Weights, confidence: float) -> list[Interval]:
    """Return what `rate_intervals` does, of sparse sums."""
    estimate = estimate_of(sums)
    low, high = log_t(estimate, confidence)
    for columns in chunks(np.flatnonzero(enough_err(estimate, erring(sums))), weights.n_resamples):
        lower, upper = pivot_quantiles(_rate_pivots(sums.pick(columns), estimate.rate[columns], weights), confidence)
        low[columns] = estimate.rate[columns] - upper * estimate.standard_error[columns]
        high[columns] = estimate.rate[columns] - lower * estimate.standard_error[columns]
    notes = [_support_note(int(n), float(total)) for n, total in zip(estimate.n_speakers, estimate.words, strict=True)]
    low = np.maximum(low, 0)  # NaN stays NaN
    return [Interval(float(lo), float(hi), note) for lo, hi, note in zip(low, high, notes, strict=True)]


def enough_err(estimate: Estimate, n_erring: Indices) -> Bools:
    """Say where a bootstrap-t can be had: 10 speakers who err, and who do not all err alike.

    With fewer it rests on the few who do: one error among 12 speakers gave an upper bound of 2 errors, where the exact
    Poisson limit is 5.6. Where all have one rate, so has every resample, and the interval would have no width.

    Args:
        estimate: Of every slice.
        n_erring: Speakers who err, (n_slices,).
    """
    enough: Bools = n_erring >= BOOTSTRAP_SPEAKERS
    return enough & (estimate.standard_error > one_error(estimate.words))


def erring(sums: SparseSums) -> Indices:
    """Count the speakers who err, per slice."""
    return counted_per_column(sums.starts, sums.sums[0] > 0)


def chunks(columns: Indices, n_resamples: int) -> list[Indices]:
    """Cut columns into as few parts as memory can hold all resamples of."""
    n_chunks = -(-len(columns) * n_resamples // _PIVOT_CELLS)
    return np.array_split(columns, n_chunks) if n_chunks else []


def pivot_quantiles(pivots: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the lower and upper quantiles of studentised resamples, per column.

    A resample that drew fewer than two of the slice's speakers has no standard error and is left out: at ten
    speakers that is one in two thousand.
    """
    tail = (1 - confidence) / 2
    lower, upper = np.nanquantile(pivots, [tail, 1 - tail], axis=0)
    return lower, upper


def weighted_ratio(block: Floats, errors: Floats, words: Floats, present: Bools) -> Estimate:
    """Return each slice's ratio and linearised standard error under each row of weights, (n_block, n_slices)."""
    sums = sparse_sums_of(errors, words, present)
    return ratio_of(columns_of(sums.n_speakers, sums.starts, sums.speakers, moments(sums.sums)).under(block))


def ratio_of(sums: Floats) -> Estimate:
    """Return the ratio and its standard error of sums of `moments`, (6, ..., n_slices)."""
    errors, total_words, squared_errors, products, squared_words, n_speakers = sums
    rate = divide(errors, total_words)
    squares = squared_errors - 2 * rate * products + rate**2 * squared_words
    factor = divide(n_speakers, n_speakers - 1)
    spread = np.sqrt(factor * np.maximum(squares, 0)) / np.where(total_words > 0, total_words, np.nan)
    return Estimate(rate, floored(spread, total_words), total_words, n_speakers)


def _rate_pivots(sums: SparseSums, rate: Floats, weights: Weights) -> Floats:
    """Return (R* - R) / SE* for every resample and slice, (n_resamples, n_slices)."""
    columns = columns_of(sums.n_speakers, sums.starts, sums.speakers, moments(sums.sums))

    def drawn(block: Floats) -> Floats:
        star = ratio_of(columns.under(block))
        return ((star.rate - rate) / star.standard_error).T

    return np.hstack(list(computed(drawn, weights))).T


def log_t(estimate: Estimate, confidence: float) -> tuple[Floats, Floats]:
    """Return R exp(-+ t SE / R); without errors the upper bound is the one a single error would have."""
    quantile = t_quantile(estimate.n_speakers - 1, confidence)
    centre = np.fmax(estimate.rate, one_error(estimate.words))
    spread = np.exp(quantile * estimate.standard_error / centre)
    low = np.where(estimate.rate > 0, estimate.rate / spread, np.where(np.isnan(spread), np.nan, 0.0))
    return low, centre * spread


def t_quantile(degrees_of_freedom: Floats, confidence: float) -> Floats:
    """Return the two-sided t quantile; NaN below one degree of freedom."""
    usable = np.where(degrees_of_freedom >= 1, degrees_of_freedom, np.nan)
    quantile: Floats = stdtrit(usable, np.full_like(usable, (1 + confidence) / 2))
    return quantile


def _support_note(n_speakers: int, words: float) -> str:
    if words <= 0:
        return "no reference words: no rate"
    if n_speakers < 2:
        return f"{n_speakers} speaker: no interval"
    if n_speakers < LOW_SUPPORT_SPEAKERS:
        return f"low_support: interval from {n_speakers} speakers"
    return ""


def floored(spread: Floats, total_words: Floats) -> Floats:
    """Raise a standard error to that of one word error; NaN stays NaN."""
    return np.maximum(spread, one_error(total_words))


def one_error(words: Floats) -> Floats:
    """Return the rate that a single word error makes; NaN without words."""
    return divide(np.ones_like(words), words)


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Divide; NaN where the denominator is not positive."""
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    shape = np.broadcast_shapes(above.shape, below.shape)
    quotient: Floats = np.divide(above, below, out=np.full(shape, np.nan), where=below > 0)
    return quotient
