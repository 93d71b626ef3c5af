"""Scores in, one table out of what kind of unfairness there is: which words are lost, who is served worst, how far.

The verdicts are in the disparity table. This one describes: its p-values stand alone, uncorrected, and no row of it
decides anything.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import divide
from harness.fairness.comparisons import comparisons
from harness.fairness.kinds.barycentre_rows import RAI, barycentre_row, faas_row
from harness.fairness.kinds.distance_rows import distance_rows
from harness.fairness.kinds.faas import DEFECTS, faas, overall_score
from harness.fairness.kinds.gap_rows import gap_rows
from harness.fairness.kinds.inequality_rows import inequality_rows
from harness.fairness.kinds.metric_rows import METRIC_COLUMNS as METRIC_COLUMNS
from harness.fairness.kinds.metric_rows import MetricRow, joined, metric_frame
from harness.fairness.kinds.rate_cells import WER, Cells, slice_totals, sum_rates
from harness.fairness.kinds.rate_rows import Draws, rate_rows, unmeasured_rows
from harness.fairness.kinds.speaker_rows import worst_speaker_rows
from harness.fairness.kinds.spread_rows import RANGE, SOURCE, named_speakers, spread_rows
from harness.fairness.kinds.word_metrics import USABLE_WER, rates
from harness.fairness.membership import AND, OVERALL, as_list, everybody, membership
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Floats, Indices
from harness.fairness.speaker_sums import checked_scores, speaker_codes

MOST_RESAMPLES = 1_000  # of these metrics; the WER itself has the policy's
MOST_PERMUTATIONS = 999


def metrics_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    usable_wer: float = USABLE_WER,
) -> pd.DataFrame:
    """Describe every slice, every slice against its comparator, and every dimension.

    Args:
        scores: As for `slice_table`; optionally hallucination flags, empty_output and audio_s.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Comparators, floors, level, the rule for failures; at most 1,000 of its resamples and 999 of its
            permutations are drawn. The default policy when None.
        rng: Draws them; seed 0 when None.
        orders: Order of the values of an attribute.
        usable_wer: The largest WER of an utterance that is still of use, a fraction.

    Returns:
        One row a metric with METRIC_COLUMNS. Of a slice (`comparator` empty; `overall`, `all` is everybody): rates and
        the worst speakers, with speaker-clustered intervals. Of a slice against its comparator: gaps, distances between
        speaker WERs and their tests, where the policy's floors are reached. Of a dimension (`slice` empty): spread,
        inequality and barycentre of the slices that reach the floors. Rates and gaps are fractions, minutes for what is
        said of them. NaN where there is no number; `note` says why.

    Raises:
        UsageError: A dimension, a needed column or a comparator is not in the scores, or `usable_wer` is no WER.
    """
    policy = policy or Policy()
    rng = rng or np.random.default_rng(0)
    draws = Draws(
        n_resamples=min(policy.n_resamples, MOST_RESAMPLES),
        n_permutations=min(policy.n_permutations, MOST_PERMUTATIONS),
        seed=int(rng.integers(2**62)),
    )
    counted = checked_scores(scores, policy)
    speakers = speaker_codes(counted)
    every = rates(counted, usable_wer=usable_wer)
    overall = sum_rates(every, everybody(counted), speakers)
    rows = [*_slice_rows(overall, policy, draws), *unmeasured_rows(overall)]
    categories: dict[str, float] = {}
    for dimension in as_list(by):
        cells = sum_rates(every, membership(counted, dimension, orders=orders), speakers)
        rows += _slice_rows(cells, policy, draws)
        part = comparisons(counted, dimension, policy, orders=orders, speakers=speakers)
        if part is not None:
            rows += [*gap_rows(cells, part, policy, draws), *distance_rows(part, policy, draws)]
        of_dimension, categories[dimension] = _dimension_rows(cells, _n_scored(counted, cells, policy), policy, draws)
        rows += of_dimension
    return metric_frame([*rows, *_faas_rows(overall, categories)])


def _slice_rows(cells: Cells, policy: Policy, draws: Draws) -> list[MetricRow]:
    return [*rate_rows(cells, policy, draws), *worst_speaker_rows(cells, policy)]


def _dimension_rows(cells: Cells, n_scored: Floats, policy: Policy, draws: Draws) -> tuple[list[MetricRow], float]:
    """Return the rows of a dimension and its score as a FAAS category, NaN without one."""
    kept = _kept(cells, n_scored, policy)
    inequality = inequality_rows(cells, policy, draws)
    if len(kept) < 2:
        n_declared = int(cells.part.declared.sum())
        note = f"{len(kept)} of {n_declared} declared slices reach the policy's floors: no range"
        return [MetricRow(cells.part.dimension, "", "", RANGE, np.nan, source=SOURCE, note=note), *inequality], np.nan
    barycentre = barycentre_row(cells, kept, draws)
    compatible, category = faas_row(cells, kept, n_scored, barycentre.p_value)
    return [*spread_rows(cells, kept, policy, draws), *inequality, barycentre, compatible], category


def _kept(cells: Cells, n_scored: Floats, policy: Policy) -> Indices:
    """Return the declared slices that reach the policy's floors: the range of tiny ones shows that they are tiny."""
    reached = [
        named_speakers(cells) >= policy.min_speakers,
        n_scored >= policy.min_utterances,
        slice_totals(cells, WER)[1] >= policy.min_words,
    ]
    return np.flatnonzero(cells.part.declared & np.all(reached, axis=0))


def _n_scored(scores: pd.DataFrame, cells: Cells, policy: Policy) -> Floats:
    """Count the utterances of every slice, without failures where these are left out, (n_slices,)."""
    lost = scores["failed"].to_numpy(np.float64) * (policy.failures is Failures.left_out)
    part = cells.part
    return np.bincount(part.codes, weights=(1 - lost)[part.rows], minlength=len(part.slices)).astype(np.float64)


def _faas_rows(overall: Cells, categories: Mapping[str, float]) -> list[MetricRow]:
    """Return the FAAS of the run: its attributes are the categories, all weighing alike; intersections are none."""
    known = [score for name, score in categories.items() if AND not in name and not np.isnan(score)]
    if not known:
        return []
    wer = float(divide(*slice_totals(overall, WER))[0])
    note = joined(f"mean of {len(known)} attribute{'s' * (len(known) > 1)}", DEFECTS)
    value, n_speakers = faas(overall_score(known), wer), int(named_speakers(overall)[0])
    return [MetricRow(OVERALL, "", "", "faas", value, n_speakers=n_speakers, source=RAI, note=note)]
