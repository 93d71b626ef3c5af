"""Sums of rates per speaker and slice in, rows about the worst-served speakers of every slice out."""

import numpy as np
from scipy.special import bdtr

from harness.fairness.kinds.inequality import WORST_SHARE, worst_mean, worst_quantile
from harness.fairness.kinds.metric_rows import MetricRow
from harness.fairness.kinds.rate_cells import Cells, speaker_rates
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import Floats

_NOBODY = "no speaker with an id and words"
_NO_LIMITS = "no interval: of so few speakers the worst heard may not be as bad as it gets"
_NO_INTERVAL = "no interval: resampling so few of the worst covers far less than it says (.34 of .95 at 10 speakers)"


def worst_speaker_rows(cells: Cells, policy: Policy) -> list[MetricRow]:
    """Return P90 and CVaR (the mean of the worst tenth) of speaker WER, of every slice, declared or not."""
    speakers = speaker_rates(cells)
    starts = np.searchsorted(speakers.codes, np.arange(len(cells.part.slices) + 1))
    rows: list[MetricRow] = []
    for k, name in enumerate(cells.part.slices):
        wers = speakers.wer[starts[k] : starts[k + 1]]
        once = np.ones((1, len(wers)))
        quantile, mean = (float(of(wers, once)[0]) if len(wers) else np.nan for of in (worst_quantile, worst_mean))
        low, high = quantile_limits(wers, policy.alpha)
        missing = _NOBODY if not len(wers) else _NO_LIMITS if np.isnan(high) else ""
        for metric, source, value, bounds, note in (
            ("speaker_wer_p90", "Hyndman and Fan 1996, type 1", quantile, (low, high), missing),
            ("speaker_wer_cvar_10", "Rockafellar and Uryasev 2002", mean, (np.nan, np.nan), _NO_INTERVAL),
        ):
            rows.append(
                MetricRow(
                    cells.part.dimension,
                    name,
                    "",
                    metric,
                    value,
                    *bounds,
                    n_speakers=len(wers),
                    source=source,
                    note=note if len(wers) else _NOBODY,
                )
            )
    return rows


def quantile_limits(wers: Floats, alpha: float) -> tuple[float, float]:
    """Return two speakers' WERs that hold the 90 % quantile of all speakers between them, whatever its distribution.

    Order statistics (Conover 1999, 3.2); NaN where there is no upper one: 36 speakers have one of 95 %.

    >>> low, high = quantile_limits(np.arange(100) / 100, 0.05)
    >>> round(low, 2), round(high, 2)
    (0.83, 0.95)
    """
    rising, n = np.sort(wers), len(wers)
    if not n:
        return np.nan, np.nan
    below = bdtr(np.arange(n), n, 1 - WORST_SHARE)  # P(at most k of n speakers are below the quantile), k = 0 ... n - 1
    lower, upper = np.flatnonzero(below <= alpha / 2), np.flatnonzero(below >= 1 - alpha / 2)
    if not len(lower) or not len(upper):
        return np.nan, np.nan
    return float(rising[lower[-1]]), float(rising[upper[0]])
