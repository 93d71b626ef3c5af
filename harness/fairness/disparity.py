"""Scores and a policy in, a verdict on every slice out: gap, ratio, interval, test, and the reason in words."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats, Interval, resample_weights
from harness.fairness.comparison_tests import gap_p_values, smallest_p_values
from harness.fairness.comparisons import Comparisons, comparisons, floors
from harness.fairness.families import Families, corrected, families, n_finest_permutations
from harness.fairness.gaps import degrees_of_freedom, gap_ratio_intervals, gaps_of, pair_gap_intervals, pooled_rate
from harness.fairness.membership import as_list
from harness.fairness.policy import Correction, Policy
from harness.fairness.power import minimum_detectable_rise
from harness.fairness.speaker_sums import checked_scores, speaker_codes, sums_of_speakers
from harness.fairness.verdicts import Judged, shortfall, verdict

log = logging.getLogger(__name__)

DISPARITY_COLUMNS = (
    "dimension", "slice", "comparator", "wer", "comparator_wer", "gap", "gap_low", "gap_high", "ratio", "ratio_low",
    "ratio_high", "p_value", "p_adjusted", "verdict", "reason", "minimum_detectable_gap",
)  # fmt: skip


def disparity_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Judge every slice against its comparator.

    Undeclared and declined people are no slice and in no comparator. The correction runs over all comparisons of a
    family that were tested. The minimum detectable gap is the one that the strictest level of the correction detects,
    for max-T that of Holm: max-T itself detects no larger one.

    Args:
        scores: As for `slice_table`.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: What was promised; the default policy when None.
        rng: Draws resamples and permutations; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a slice with DISPARITY_COLUMNS. Gaps are differences of fractions. NaN where there is no interval, no
        test or no ratio; `reason` says why. A dimension with a single declared slice has no rows.

    Raises:
        UsageError: A dimension, a needed column or a comparator named by the policy is not in the scores.
    """
    policy = policy or Policy()
    rng = rng or np.random.default_rng(0)
    seed = int(rng.integers(2**62))
    counted = checked_scores(scores, policy)
    speakers = speaker_codes(counted)
    found = [comparisons(counted, name, policy, orders=orders, speakers=speakers) for name in as_list(by)]
    parts = [part for part in found if part is not None]
    if not parts:
        return pd.DataFrame(columns=list(DISPARITY_COLUMNS))
    run = families(parts, policy)
    evidence = gap_evidence(run, seed)
    p_values = evidence["p_value"].to_numpy(np.float64)
    evidence["p_adjusted"] = corrected(p_values, run, everything=sums_of_speakers(counted, speakers), seed=seed)
    evidence["minimum_detectable_gap"] = detectable_gaps(evidence, run)
    promises = [part.promise for part in parts for _ in part.slices]
    verdicts = [verdict(row, promise, policy) for row, promise in zip(judged_rows(evidence), promises, strict=True)]
    evidence["verdict"] = [found.value for found, _ in verdicts]
    evidence["reason"] = [reason for _, reason in verdicts]
    return evidence[list(DISPARITY_COLUMNS)]


def violations(disparities: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the rows whose verdict the policy does not allow."""
    promises = {name: policy.for_dimension(name).fail_on for name in disparities["dimension"].unique()}
    broken = [
        verdict in promises[name]
        for name, verdict in zip(disparities["dimension"], disparities["verdict"], strict=True)
    ]
    return disparities[np.array(broken, dtype=bool)]


def gap_evidence(run: Families, seed: int) -> pd.DataFrame:
    """Return the numbers behind the verdicts, one row a comparison, dimension by dimension."""
    policy, pairs = run.policy, [part.pairs for part in run.parts]
    levels = (1 - policy.alpha, 1 - 2 * policy.alpha)
    weights = resample_weights(pairs[0].common.shape[1], policy.n_resamples, np.random.default_rng(seed))
    start_s = time.perf_counter()
    intervals = pair_gap_intervals(pairs, weights=weights, confidences=levels)
    log.info("%d gap intervals in %.1f s", len(run.names), time.perf_counter() - start_s)
    start_s, n_finest = time.perf_counter(), n_finest_permutations(run)
    wanted = [part.enough(policy) for part in run.parts]
    p_values = gap_p_values(pairs, wanted=wanted, n_permutations=policy.n_permutations, n_finest=n_finest, seed=seed)
    log.info("%d tests in %.1f s", run.counted.sum(), time.perf_counter() - start_s)
    evidence = zip(run.parts, intervals, p_values, strict=True)
    return pd.concat([_rows(*each, policy=policy, n_permutations=n_finest) for each in evidence], ignore_index=True)


def _rows(
    part: Comparisons,
    intervals: Sequence[Sequence[Interval]],
    p_values: Floats,
    *,
    policy: Policy,
    n_permutations: int,
) -> pd.DataFrame:
    measured, paired = gaps_of(part.pairs), part.pairs.n_shared() > 0
    wide, narrow = intervals
    wide_ratios, narrow_ratios = (
        gap_ratio_intervals(measured, paired, confidence=1 - level) for level in (policy.alpha, 2 * policy.alpha)
    )
    supported = part.named.min(axis=1) >= 2  # below, the unnamed may be all there is: no interval
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "comparator": part.comparator,
            "wer": measured.slices.rate,
            "comparator_wer": measured.comparators.rate,
            "gap": measured.gap,
            **_bounds("gap", wide, supported),
            **_bounds("narrow", narrow, supported),
            "ratio": measured.ratio,
            **_bounds("ratio", wide_ratios, supported),
            **_bounds("narrow_ratio", narrow_ratios, supported),
            "p_value": p_values,
            "smallest_p_value": smallest_p_values(part.pairs, n_permutations),
            "pooled_wer": pooled_rate(measured),
            "log_standard_error": np.where(supported, measured.log_ratio_standard_error, np.nan),
            "freedom": degrees_of_freedom(measured, paired),
            "n_failed": part.n_failed[:, 0],
            "n_utterances": part.n_failed[:, 1],
            "n_speakers": part.named[:, 0],
            "n_comparator_speakers": part.named[:, 1],
            "shortfall": [shortfall(row, floors(policy)) for row in part.support],
        }
    )


def detectable_gaps(evidence: pd.DataFrame, run: Families) -> Floats:
    """Return the minimum detectable gap of every comparison; NaN where none, however large, could pass."""
    rate, spread, freedom = (
        evidence[name].to_numpy(np.float64) for name in ("pooled_wer", "log_standard_error", "freedom")
    )
    detectable = minimum_detectable_rise(rate, spread, freedom, alpha=run.levels)
    attained = run.policy.alpha if run.policy.correction is Correction.max_t else run.levels
    return np.where(evidence["smallest_p_value"] < attained, detectable, np.nan)


def _bounds(name: str, intervals: Sequence[Interval], supported: Bools) -> dict[str, Floats]:
    low = np.array([interval.low for interval in intervals])
    high = np.array([interval.high for interval in intervals])
    return {f"{name}_low": np.where(supported, low, np.nan), f"{name}_high": np.where(supported, high, np.nan)}


def judged_rows(evidence: pd.DataFrame) -> list[Judged]:
    """Return what a verdict rests on, one a row."""
    columns = [evidence[field.name].tolist() for field in fields(Judged)]
    return [Judged(*values) for values in zip(*columns, strict=True)]
