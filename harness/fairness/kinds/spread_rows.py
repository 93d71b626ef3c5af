"""Sums of rates of a dimension in, rows about how far its slices lie apart out: worst slice, range, ratio, deviation.

The largest of many noisy numbers is too large: of K slices without any gap, whose WERs have standard error s, the range
is 1.1 s for K = 2 and 2.5 s for K = 6. Resampling shows two fifths of that, which the corrected range leaves out; it is
no proof of a gap either, only the tests of the disparity table are.
"""

from dataclasses import replace

import numpy as np

from harness.fairness.bootstrap import divide, resample_weights
from harness.fairness.kinds.metric_rows import MetricRow, joined
from harness.fairness.kinds.rate_cells import WER, Cells, sparse_rates
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import Floats, Indices, columns_of

RANGE = "max_min_range"
_RATIO = "max_ratio"
_SPREADS = {
    "worst_slice_wer": "the highest WER, picked from the same data",
    RANGE: "highest less lowest WER, biased upward",
    _RATIO: "highest over lowest WER, biased upward",
    "worst_relative_gap": "highest WER less that of all who declared a value, over the latter",
    "slice_wer_deviation": "standard deviation of slice WERs, each weighing its speakers",
}  # metric: what it is
_CORRECTED = "the range less its bias under resampling, not below 0"
_NO_QUOTIENT = "nothing to divide by: a WER is 0"
SOURCE = "Efron and Tibshirani 1993"


def spread_rows(cells: Cells, kept: Indices, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return how far apart the WERs of some slices lie.

    Args:
        cells: Of the dimension.
        kept: The slices, at least two, with reference words.
        policy: Level of the intervals: basic bootstrap intervals over speakers.
        draws: Resamples.
    """
    n_speakers = named_speakers(cells)[kept]
    about = f"{len(kept)} slices"
    rows = []
    for (metric, note), values in zip(
        _SPREADS.items(), _observed_and_drawn(cells, kept, n_speakers, draws), strict=True
    ):
        value, resamples = float(values[0]), values[1:]
        low, high = (log_interval if metric == _RATIO else basic_interval)(value, resamples, policy.alpha)
        why = joined(_NO_QUOTIENT if np.isnan(value) else "", note, about)
        row = MetricRow(
            cells.part.dimension, "", "", metric, value, low, high, np.nan, int(n_speakers.sum()), SOURCE, why
        )
        rows.append(row)
        if metric == RANGE:
            corrected = max(0.0, 2 * value - float(np.nanmean(resamples)))
            rows.append(replace(row, metric=f"{RANGE}_corrected", value=corrected, note=joined(_CORRECTED, about)))
    return rows


def slice_spreads(wers: Floats, pooled: Floats, n_speakers: Floats) -> Floats:
    """Return worst WER, range, ratio, worst relative gap and deviation of the WERs of slices.

    Args:
        wers: (n, n_slices), NaN where a resample drew nobody of a slice.
        pooled: WER of everybody who declared a value, (n,).
        n_speakers: Weights of the deviation, (n_slices,).

    Returns:
        (5, n); NaN where a quotient would be by 0, and where there is no WER at all.
    """
    drawn = ~np.isnan(wers)
    some = drawn.any(axis=1)
    highest = np.where(some, np.max(wers, axis=1, where=drawn, initial=-np.inf), np.nan)
    lowest = np.where(some, np.min(wers, axis=1, where=drawn, initial=np.inf), np.nan)
    sizes, known = drawn * n_speakers, np.where(drawn, wers, 0)
    mean = divide((sizes * known).sum(axis=1), sizes.sum(axis=1))
    squares = sizes * (known - mean[:, None]) ** 2
    deviation = np.sqrt(divide(squares.sum(axis=1), sizes.sum(axis=1)))
    return np.stack([highest, highest - lowest, divide(highest, lowest), divide(highest - pooled, pooled), deviation])


def log_interval(value: float, resamples: Floats, alpha: float) -> tuple[float, float]:
    """Return what `basic_interval` does, of a quotient of 1 or more: on its logarithm."""
    low, high = basic_interval(np.log(value), np.log(resamples), alpha)
    return float(np.exp(low)), float(np.exp(high))


def basic_interval(value: float, resamples: Floats, alpha: float) -> tuple[float, float]:
    """Return 2 value - quantiles of the resamples, not below 0: mirrors the bias of resampling.

    NaN where there is no value (Davison and Hinkley 1997, eq. 5.6).
    """
    known = resamples[~np.isnan(resamples)]
    if np.isnan(value) or not len(known):
        return np.nan, np.nan
    lower, upper = np.quantile(known, [alpha / 2, 1 - alpha / 2]).tolist()
    return max(0.0, 2 * value - upper), max(0.0, 2 * value - lower)


def named_speakers(cells: Cells) -> Floats:
    """Count the speakers with an id and reference words, (n_slices,)."""
    named = (cells.chances[WER] > 0) & (cells.speakers < cells.n_ids)
    return np.bincount(cells.codes[named], minlength=len(cells.part.slices)).astype(np.float64)


def _observed_and_drawn(cells: Cells, kept: Indices, n_speakers: Floats, draws: Draws) -> Floats:
    """Return the spreads as observed, then of every resample of speakers, (5, 1 + n_resamples)."""
    sums = sparse_rates(cells, [WER]).pick(kept)
    columns = columns_of(cells.n_speakers, sums.starts, sums.speakers, sums.sums[:2])
    told = np.stack([cells.told_events[WER], cells.told_chances[WER]])
    weights = resample_weights(cells.n_speakers, draws.n_resamples, np.random.default_rng(draws.seed))
    spreads = []
    for block in (np.ones((1, cells.n_speakers)), *weights):
        errors, words = columns.under(block)  # (n_block, n_slices) each
        spreads.append(slice_spreads(divide(errors, words), divide(*(told @ block.T)), n_speakers))
    return np.hstack(spreads)
