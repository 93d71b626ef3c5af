"""Speaker WERs of a dimension in, rows about how unequal they are out: overall, between slices and within them.

A speaker's WER is measured on few words, and that noise is inequality, too: the same people with more words are less
unequal. So are slice means: those of few speakers differ even where slices do not. Where a speaker is in several
slices, each of his WERs counts.
"""

import numpy as np

from harness.fairness.bootstrap import resample_weights
from harness.fairness.kinds.inequality import above_zero, generalised_entropy, gini, served
from harness.fairness.kinds.metric_rows import MetricRow, joined
from harness.fairness.kinds.rate_cells import Cells, SpeakerRates, speaker_rates
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.kinds.spread_rows import basic_interval
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import Floats

_ORDERS = {"generalised_entropy_2": 2, "theil": 1, "mean_log_deviation": 0}  # index: order
_PARTS = {  # suffix: what to know
    "": "interval too narrow: .55 of .95 at 10 speakers, .75 at 50, .86 at 200",
    "_between": "biased upward where slices have few speakers; no interval",
    "_within": "no interval",
}
_BENEFITS = {"of_errors": "benefit: speaker WER", "of_served_words": "benefit: 1 - min(WER, 1) of a speaker"}
_HALF_A_WORD = "0 taken as half a word"
_SPEICHER, _GINI = "Speicher et al. 2018", "Gini 1912"


def inequality_rows(cells: Cells, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return generalised entropy, Theil's T, mean log deviation and Gini of the speakers in declared slices.

    Of errors and of words served, each with its parts between and within slices. The totals have basic bootstrap
    intervals over speakers, whose notes say how little they cover. No rows below two speakers.
    """
    speakers = _declared(cells)
    if len(speakers.wer) < 2:
        return []
    weights = resample_weights(cells.n_ids, draws.n_resamples, np.random.default_rng(draws.seed))
    blocks = [np.ones((1, len(speakers.wer))), *(block[:, speakers.speakers] for block in weights)]
    values = np.hstack([_indices(speakers, block) for block in blocks])  # (n_metrics, 1 + n_resamples)
    rows = []
    for (metric, source, note), found in zip(_metrics(), values, strict=True):
        value = float(found[0])
        low, high = (np.nan, np.nan) if "no interval" in note else basic_interval(value, found[1:], policy.alpha)
        why = joined("nobody has any" if np.isnan(value) else "", note)
        rows.append(
            MetricRow(
                cells.part.dimension,
                "",
                "",
                metric,
                value,
                low,
                high,
                n_speakers=len(np.unique(speakers.speakers)),
                source=source,
                note=why,
            )
        )
    return rows


def _declared(cells: Cells) -> SpeakerRates:
    every = speaker_rates(cells)
    kept = cells.part.declared[every.codes]
    return SpeakerRates(every.wer[kept], every.words[kept], every.speakers[kept], every.codes[kept])


def _metrics() -> list[tuple[str, str, str]]:
    """Name every metric, its source and what it is, in the order of `_indices`."""
    named = []
    for suffix, benefit in _BENEFITS.items():
        for index, order in _ORDERS.items():
            note = joined(benefit, _HALF_A_WORD if order == 0 else "")
            named += [(f"{index}_{suffix}{part}", _SPEICHER, joined(note, more)) for part, more in _PARTS.items()]
        named.append((f"gini_{suffix}", _GINI, joined(benefit, _PARTS[""])))
    return named


def _indices(speakers: SpeakerRates, weights: Floats) -> Floats:
    """Return every index under each row of weights, (n_metrics, n)."""
    found = []
    for benefits in (speakers.wer, served(speakers.wer)):
        positive = above_zero(benefits, speakers.words)
        for order in _ORDERS.values():
            parts = generalised_entropy(benefits if order else positive, speakers.codes, order, weights)
            found += [parts.total, parts.between, parts.within]
        found.append(gini(benefits, weights))
    return np.stack(found)
