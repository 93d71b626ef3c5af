"""Sums of rates per speaker and slice in, a row a rate and slice out, with speaker-clustered intervals."""

from dataclasses import dataclass

import numpy as np

from harness.fairness.bootstrap import Interval, estimate_of, resample_weights, sparse_rate_intervals
from harness.fairness.kinds.metric_rows import MetricRow
from harness.fairness.kinds.rate_cells import Cells, sparse_rates
from harness.fairness.kinds.word_metrics import Rate, Sense
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import per_column


@dataclass(frozen=True, slots=True)
class Draws:
    """Says how many resamples and permutations the metrics beside WER have, and where they begin."""

    n_resamples: int
    n_permutations: int
    seed: int


def rate_rows(cells: Cells, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return every rate of every slice, declared or not.

    The first rate, the WER itself, is left to the slice table, and so is what nobody had a chance of: see
    `unmeasured_rows`.
    """
    positions = _measured(cells)
    sums = sparse_rates(cells, positions)
    weights = resample_weights(cells.n_speakers, draws.n_resamples, np.random.default_rng(draws.seed))
    intervals = sparse_rate_intervals(sums, weights=weights, confidence=1 - policy.alpha)
    harms = estimate_of(sums).rate
    heard = sums.sums[2] * (sums.speakers < cells.n_ids)
    n_heard = per_column(sums.starts, heard[None])[0].astype(int)
    n_slices = len(cells.part.slices)
    rows = []
    for code in range(n_slices):
        for row, position in enumerate(positions):
            column = row * n_slices + code
            interval = _of_named(intervals[column], int(n_heard[column]), cells.n_ids)
            rows.append(_row(cells, code, cells.rates[position], float(harms[column]), interval, int(n_heard[column])))
    return rows


def unmeasured_rows(cells: Cells) -> list[MetricRow]:
    """Return a row for each rate that nobody in these slices had a chance of; the note says why."""
    return [
        MetricRow(
            cells.part.dimension, cells.part.slices[0], "", rate.name, np.nan, source=rate.source, note=rate.without
        )
        for rate, chances in zip(cells.rates, cells.chances, strict=True)
        if not chances.any()
    ]


def _measured(cells: Cells) -> list[int]:
    """Return the positions of the rates beside WER that somebody had a chance of."""
    return [position for position in range(1, len(cells.rates)) if cells.chances[position].any()]


def _row(cells: Cells, code: int, rate: Rate, harm: float, interval: Interval, n_heard: int) -> MetricRow:
    low, high = _reported(rate, interval)
    return MetricRow(
        dimension=cells.part.dimension,
        slice_name=cells.part.slices[code],
        comparator="",
        metric=rate.name,
        value=rate.reported(harm),
        value_low=low,
        value_high=high,
        n_speakers=n_heard,
        source=rate.source,
        note=rate.without if np.isnan(harm) else interval.note,
    )


def _of_named(interval: Interval, n_heard: int, n_ids: int) -> Interval:
    """Withhold the interval where fewer than two speakers with an id had a chance."""
    if n_heard >= 2:
        return interval
    why = f"{n_heard} speaker{'s' * (n_heard != 1)} with an id" if n_ids else "no speaker ids"
    return Interval(np.nan, np.nan, f"{why}: no interval")


def _reported(rate: Rate, interval: Interval) -> tuple[float, float]:
    """Return the bounds of what is reported of a harm, no larger than that can be; NaN stays NaN."""
    low, high = np.minimum([interval.low, interval.high], rate.most).tolist()
    return (low, high) if rate.sense is Sense.harm else (1 - high, 1 - low)
