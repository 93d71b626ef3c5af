"""Sums of rates per speaker and slice in, rows about the worst-served speakers of every slice out."""

from collections.abc import Callable

import numpy as np

from harness.fairness.bootstrap import BOOTSTRAP_SPEAKERS, resample_weights
from harness.fairness.inequality import worst_mean, worst_quantile
from harness.fairness.metric_rows import MetricRow
from harness.fairness.policy import Policy
from harness.fairness.rate_cells import Cells, speaker_rates
from harness.fairness.rate_rows import Draws
from harness.fairness.sparse_sums import Floats

_METRICS: tuple[tuple[str, str, Callable[[Floats, Floats], Floats]], ...] = (
    ("speaker_wer_p90", "Hyndman and Fan 1996, type 1", worst_quantile),
    ("speaker_wer_cvar_10", "Rockafellar and Uryasev 2002", worst_mean),
)
_FEW = f"fewer than {BOOTSTRAP_SPEAKERS} speakers: the worst tenth is less than one of them, no interval"
_HOW = "percentile bootstrap of speakers"


def worst_speaker_rows(cells: Cells, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return P90 and CVaR (the mean of the worst tenth) of speaker WER, of every slice, declared or not."""
    speakers = speaker_rates(cells)
    starts = np.searchsorted(speakers.codes, np.arange(len(cells.part.slices) + 1))
    rows: list[MetricRow] = []
    for k, name in enumerate(cells.part.slices):
        wers = speakers.wer[starts[k] : starts[k + 1]]
        bounds = _bounds(wers, policy, draws)
        for (metric, source, of), (low, high) in zip(_METRICS, bounds, strict=True):
            value = float(of(wers, np.ones((1, len(wers))))[0]) if len(wers) else np.nan
            note = _HOW if len(wers) >= BOOTSTRAP_SPEAKERS else _FEW if len(wers) else "no speaker with an id and words"
            rows.append(
                MetricRow(cells.part.dimension, name, "", metric, value, low, high, np.nan, len(wers), source, note)
            )
    return rows


def _bounds(wers: Floats, policy: Policy, draws: Draws) -> list[tuple[float, float]]:
    """Return low and high of each metric; NaN below 10 speakers."""
    if len(wers) < BOOTSTRAP_SPEAKERS:
        return [(np.nan, np.nan)] * len(_METRICS)
    weights = resample_weights(len(wers), draws.n_resamples, np.random.default_rng(draws.seed))
    drawn = np.hstack([np.stack([of(wers, block) for _, _, of in _METRICS]) for block in weights])
    low, high = np.quantile(drawn, [policy.alpha / 2, 1 - policy.alpha / 2], axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))
