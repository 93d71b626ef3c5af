"""Scores of two systems on the same utterances in, the comparisons table out: differences, intervals, verdicts.

Everything is computed from per-speaker sums. A difference of word error rates over the same words is a sum of one
contribution a speaker: its interval is the t interval of the joint linearisation of both systems' rates, and its test
flips the contributions' signs (exact when they are few), which is swapping the two systems within speakers. Differences
of extremes: see `extremes`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Floats, Weights, resample_weights
from harness.fairness.comparisons import floors
from harness.fairness.gaps import gaps_of, pair_gap_intervals
from harness.fairness.membership import OVERALL, as_list, everybody, membership
from harness.fairness.multiplicity import adjusted, strictest_level
from harness.fairness.policy import Failures, Policy
from harness.fairness.power import minimum_detectable_gap
from harness.fairness.significance import sign_flip_p_values, smallest_sign_flip_p_value
from harness.fairness.speaker_sums import speaker_codes
from harness.fairness.systems.extremes import ExtremeDifference, extremes
from harness.fairness.systems.paired_verdicts import (
    MAX_GAP,
    NO_INTERVAL,
    SLICE_WER,
    WER,
    WORST_SLICE,
    Difference,
    verdict,
)
from harness.fairness.systems.pairing import Pair, PairedSums, paired_scores, paired_sums
from harness.fairness.verdicts import shortfall

COMPARISON_COLUMNS = (
    "measure", "dimension", "slice", "baseline", "candidate", "difference", "difference_low", "difference_high",
    "p_value", "p_adjusted", "verdict", "reason",
)  # fmt: skip
_RESOLUTION = 4  # the smallest p-value of random sign flips is at most alpha / tests / _RESOLUTION
_FAILED = {Failures.deletions: "every word of them counted as deleted", Failures.left_out: "left out of both"}


def comparison_table(
    baseline: pd.DataFrame,
    candidate: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Compare two systems: overall, in every slice, in the largest gap and in the worst slice of every dimension.

    Undeclared and declined people count overall and in no slice. The correction runs over all tests of the table.

    Args:
        baseline: Scores as for `slice_table`; with `reference`, that too must be the same in both.
        candidate: Scores of the other system on the same utterances and conditions, in any order.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Margins, level, correction, floors and the rule for failures; the default policy when None. Neither
            comparators nor ratio margins play a part: they are promises between slices.
        rng: Draws resamples and signs; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a measure with COMPARISON_COLUMNS: `wer` of everybody, then for each dimension `max_gap` (highest less
        lowest WER of the declared slices above the floors), `worst_slice_wer` (the highest) and each declared slice's
        `slice_wer`. Differences are candidate less baseline, fractions; below 0 the candidate is better. `slice` is
        empty where the measure is the dimension's. NaN where there is no interval or test; `reason` says why.

    Raises:
        UsageError: A dimension or a needed column is not in the scores.
        DataError: The scores are not of the same utterances.
    """
    policy = policy or Policy()
    pair = paired_scores(baseline, candidate, as_list(by), policy)
    return pair_comparisons(pair, as_list(by), policy, rng=rng or np.random.default_rng(0), orders=orders)


def pair_comparisons(
    pair: Pair,
    by: Sequence[str],
    policy: Policy,
    *,
    rng: np.random.Generator,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return what `comparison_table` does, of scores that `paired_scores` matched."""
    seed = int(rng.integers(2**62))
    speakers = speaker_codes(pair.baseline)
    parts = [everybody(pair.baseline), *(membership(pair.baseline, name, orders=orders) for name in by)]
    sums = [paired_sums(pair, part, speakers, policy) for part in parts]
    level = strictest_level(_n_tests(sums, policy), policy.correction, policy.alpha)
    finer = replace(policy, n_permutations=max(policy.n_permutations, ceil(_RESOLUTION / level)))
    weights = resample_weights(sums[0].pairs.common.shape[1], policy.n_resamples, np.random.default_rng(seed))
    found = [*_rate_differences(sums[0], finer, weights, seed=seed)]
    for each in sums[1:]:
        found += [*_extreme_differences(each, finer, weights), *_rate_differences(each, finer, weights, seed=seed)]
    return _judged(found, policy, level)


def _n_tests(sums: Sequence[PairedSums], policy: Policy) -> int:
    n_enough = [int(each.enough(policy).sum()) for each in sums]
    return sum(n_enough) + 2 * sum(n >= 2 for n in n_enough[1:])


def _rate_differences(sums: PairedSums, policy: Policy, weights: Weights, *, seed: int) -> Iterator[Difference]:
    """Yield the difference in word error rate of every slice of a dimension."""
    measured = gaps_of(sums.pairs)
    levels = (1 - policy.alpha, 1 - 2 * policy.alpha)
    ((wide, narrow),) = pair_gap_intervals([sums.pairs], weights=weights, confidences=levels)
    p_values = _sign_flips(sums, policy, seed)
    for k, name in enumerate(sums.slices):
        supported = sums.support[k, 0] >= 2  # below, the unnamed may be all there is: no interval
        yield Difference(
            measure=WER if sums.dimension == OVERALL else SLICE_WER,
            dimension=sums.dimension,
            name=name,
            baseline=float(measured.comparators.rate[k]),
            candidate=float(measured.slices.rate[k]),
            wide=wide[k] if supported else NO_INTERVAL,
            narrow=narrow[k] if supported else NO_INTERVAL,
            standard_error=float(measured.standard_error[k]) if supported else np.nan,
            freedom=float(measured.slices.n_speakers[k] - 1),
            p_value=float(p_values[k]),
            smallest_p_value=smallest_sign_flip_p_value(int(measured.slices.n_speakers[k]), policy.n_permutations),
            n_speakers=int(sums.support[k, 0]),
            shortfall=shortfall(sums.support[k], floors(policy)),
            remark=_failures(sums.n_failed[k], policy),
        )


def _sign_flips(sums: PairedSums, policy: Policy, seed: int) -> Floats:
    """Return the p-values of the slices above the floors, NaN of the others, (n_slices,)."""
    enough = np.flatnonzero(sums.enough(policy))
    candidate, baseline = sums.pairs.pick(enough).sides()
    contributions = candidate.errors - baseline.errors  # over the words of all, which change no p-value
    p_values = np.full(len(sums.slices), np.nan)
    p_values[enough] = sign_flip_p_values(contributions, n_permutations=policy.n_permutations, seed=seed)
    return p_values


def _extreme_differences(sums: PairedSums, policy: Policy, weights: Weights) -> list[Difference]:
    """Return the differences in largest gap and in worst slice over the slices above the floors."""
    columns = np.flatnonzero(sums.enough(policy))
    pairs = sums.pairs.pick(columns)
    n_speakers = int((np.unique(pairs.speakers) < sums.n_named).sum())
    if len(columns) < 2:
        found = f"{len(columns)} slice{'' if len(columns) == 1 else 's'}"
        missing = Difference(
            measure=MAX_GAP,
            dimension=sums.dimension,
            n_speakers=n_speakers,
            shortfall=f"{found} above the policy's floors where a gap needs 2",
        )
        return [missing, replace(missing, measure=WORST_SLICE)]
    ends = extremes(pairs, weights=weights)
    names = [sums.slices[column] for column in columns]
    worst, best = ([names[position] for position in positions] for positions in (ends.worst, ends.best))
    told = f"{best[0]} to {worst[0]} in the baseline, {best[1]} to {worst[1]} in the candidate"
    common = Difference(measure=MAX_GAP, dimension=sums.dimension, n_speakers=n_speakers, remark=told)
    worst_told = replace(common, measure=WORST_SLICE, remark=f"{worst[0]} in the baseline, {worst[1]} in the candidate")
    return [_with_extreme(common, ends.max_gap, policy), _with_extreme(worst_told, ends.worst_slice, policy)]


def _with_extreme(row: Difference, extreme: ExtremeDifference, policy: Policy) -> Difference:
    """Return the row with its numbers; p is no smaller than sign flips of the speakers at the ends could give."""
    smallest = smallest_sign_flip_p_value(extreme.n_speakers, policy.n_permutations)
    return replace(
        row,
        baseline=extreme.baseline,
        candidate=extreme.candidate,
        wide=extreme.interval(1 - policy.alpha),
        narrow=extreme.interval(1 - 2 * policy.alpha),
        standard_error=extreme.standard_error,
        freedom=extreme.freedom,
        p_value=max(extreme.p_value, smallest),
        smallest_p_value=smallest,
    )


def _judged(found: Sequence[Difference], policy: Policy, level: float) -> pd.DataFrame:
    """Return the table, p-values corrected for their number."""
    corrected = adjusted([row.p_value for row in found], policy.correction)
    standard_errors = np.array([row.standard_error for row in found])
    detectable = minimum_detectable_gap(standard_errors, np.array([row.freedom for row in found]), alpha=level)
    return pd.DataFrame(
        [
            _cells(
                replace(row, p_adjusted=p_adjusted, detectable=seen if row.smallest_p_value < level else np.nan), policy
            )
            for row, p_adjusted, seen in zip(found, corrected.tolist(), detectable.tolist(), strict=True)
        ],
        columns=list(COMPARISON_COLUMNS),
    )


def _cells(row: Difference, policy: Policy) -> tuple[str | float, ...]:
    judged, reason = verdict(row, policy)
    return (
        *(row.measure, row.dimension, row.name, row.baseline, row.candidate, row.value, row.wide.low, row.wide.high),
        *(row.p_value, row.p_adjusted, judged.value, reason),
    )


def _failures(n_failed: Floats, policy: Policy) -> str:
    in_baseline, in_candidate, n_utterances = (int(count) for count in n_failed)
    if not in_baseline and not in_candidate:
        return ""
    return (
        f"the baseline failed on {in_baseline} and the candidate on {in_candidate} of its {n_utterances} clips, "
        f"{_FAILED[policy.failures]}"
    )
