"""Scores and a policy in, a verdict on every slice out: gap, ratio, interval, test, and the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from math import ceil

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats, Interval, resample_weights
from harness.fairness.comparisons import Comparisons, comparisons, floors
from harness.fairness.gaps import Side, gap_intervals, gaps, overlaps, ratio_intervals
from harness.fairness.membership import as_list
from harness.fairness.policy import Correction, Policy
from harness.fairness.power import minimum_detectable_gap
from harness.fairness.significance import (
    adjusted,
    permutation_p_values,
    sign_flip_p_values,
    smallest_permutation_p_value,
    smallest_sign_flip_p_value,
)
from harness.fairness.speaker_sums import checked_scores
from harness.fairness.verdicts import Judged, shortfall, verdict

DISPARITY_COLUMNS = (
    "dimension", "slice", "comparator", "wer", "comparator_wer", "gap", "gap_low", "gap_high", "ratio", "ratio_low",
    "ratio_high", "p_value", "p_adjusted", "verdict", "reason", "minimum_detectable_gap",
)  # fmt: skip
_RESOLUTION = 4  # the smallest p-value of a random permutation test is at most alpha / tests / (_RESOLUTION / 2)


def disparity_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Judge every slice against its comparator.

    Undeclared and declined people are no slice and in no comparator. The correction runs over all comparisons that
    were tested, in every dimension given.

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
    found = [comparisons(counted, name, policy, orders=orders) for name in as_list(by)]
    parts = [part for part in found if part is not None]
    if not parts:
        return pd.DataFrame(columns=list(DISPARITY_COLUMNS))
    n_tests = sum(min(1, n) if part.mirrored else n for part in parts for n in [int(part.enough(policy).sum())])
    level = policy.alpha if policy.correction is Correction.none else policy.alpha / max(1, n_tests)
    n_permutations = max(policy.n_permutations, ceil(_RESOLUTION / level))
    finer = replace(policy, n_permutations=n_permutations)
    evidence = pd.concat([_evidence(part, finer, seed) for part in parts], ignore_index=True)
    evidence["p_adjusted"] = _corrected(evidence, parts, policy.correction)
    detectable = minimum_detectable_gap(
        evidence["standard_error"].to_numpy(np.float64), evidence["freedom"].to_numpy(np.float64), alpha=level
    )
    evidence["minimum_detectable_gap"] = np.where(evidence["smallest_p_value"] < level, detectable, np.nan)
    promises = [part.promise for part in parts for _ in part.slices]
    verdicts = [verdict(row, promise, policy) for row, promise in zip(_judged(evidence), promises, strict=True)]
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


def _corrected(evidence: pd.DataFrame, parts: Sequence[Comparisons], correction: Correction) -> Floats:
    """Correct over all tests of the run; the two rows of a mirrored pair are one test and share its p-value."""
    first = np.concatenate([[True] + [not part.mirrored] * (len(part.slices) - 1) for part in parts])
    corrected = np.full(len(evidence), np.nan)
    corrected[first] = adjusted(evidence["p_value"].to_numpy(np.float64)[first], correction)
    twins = np.flatnonzero(~first)
    corrected[twins] = corrected[twins - 1]
    return corrected


def _evidence(part: Comparisons, policy: Policy, seed: int) -> pd.DataFrame:
    """Return the numbers behind the verdicts of one dimension, one row a comparison."""
    slices, comparators = part.sides
    weights = resample_weights(len(slices.errors), policy.n_resamples, np.random.default_rng(seed))
    levels = (1 - policy.alpha, 1 - 2 * policy.alpha)
    wide, narrow = gap_intervals(slices, comparators, weights=weights, confidences=levels)
    wide_ratios, narrow_ratios = (ratio_intervals(slices, comparators, confidence=level) for level in levels)
    measured = gaps(slices, comparators)
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
            "p_value": _p_values(part, part.enough(policy), policy, seed),
            "smallest_p_value": _smallest_p_values(slices, comparators, policy.n_permutations),
            "standard_error": np.where(supported, measured.standard_error, np.nan),
            "freedom": _test_freedom(slices, comparators),
            "n_failed": part.n_failed[:, 0],
            "n_utterances": part.n_failed[:, 1],
            "n_speakers": part.named[:, 0],
            "n_comparator_speakers": part.named[:, 1],
            "shortfall": [shortfall(row, floors(policy)) for row in part.support],
        }
    )


def _p_values(part: Comparisons, wanted: Bools, policy: Policy, seed: int) -> Floats:
    """Permute labels over speakers; flip signs within speakers where a speaker is on both sides."""
    slices, comparators = part.sides
    paired = overlaps(slices, comparators)
    p_values = np.full(len(paired), np.nan)
    flipped, permuted = np.flatnonzero(wanted & paired), np.flatnonzero(wanted & ~paired)
    if len(flipped):
        contributions = np.stack([_contributions(slices, comparators, int(k)) for k in flipped], axis=1)
        p_values[flipped] = sign_flip_p_values(contributions, n_permutations=policy.n_permutations, seed=seed)
    sums = np.stack([slices.errors + comparators.errors, slices.words + comparators.words])
    alike: dict[bytes, list[int]] = {}  # comparisons that relabel the same speakers with the same sums
    for k in permuted:
        alike.setdefault(sums[:, :, k].tobytes(), []).append(int(k))
    for columns in alike.values():
        errors, words = sums[:, :, columns[0]]
        pool = np.flatnonzero(errors + words > 0)
        p_values[columns] = permutation_p_values(
            errors[pool],
            words[pool],
            slices.present[pool][:, columns],
            n_permutations=policy.n_permutations,
            seed=seed,
        )
    return p_values


def _smallest_p_values(slices: Side, comparators: Side, n_permutations: int) -> Floats:
    """Return the smallest p-value that each comparison's speakers can give, (n_comparisons,)."""
    n_inside, n_outside = slices.present.sum(axis=0), comparators.present.sum(axis=0)
    n_either = (slices.present | comparators.present).sum(axis=0)
    return np.array(
        [
            smallest_sign_flip_p_value(int(either), n_permutations)
            if paired
            else smallest_permutation_p_value(int(inside), int(outside), n_permutations)
            for paired, either, inside, outside in zip(
                overlaps(slices, comparators), n_either, n_inside, n_outside, strict=True
            )
        ]
    )


def _contributions(slices: Side, comparators: Side, k: int) -> Floats:
    """Return each speaker's share of the gap were both rates the pooled one, (n_speakers,)."""
    errors_a, words_a = slices.errors[:, k], slices.words[:, k]
    errors_b, words_b = comparators.errors[:, k], comparators.words[:, k]
    total_a, total_b = words_a.sum(), words_b.sum()
    pooled = (errors_a.sum() + errors_b.sum()) / (total_a + total_b)
    shares: Floats = (errors_a - pooled * words_a) / total_a - (errors_b - pooled * words_b) / total_b
    return shares


def _test_freedom(slices: Side, comparators: Side) -> Floats:
    """Return the degrees of freedom of the test: speakers less two, or less one where a speaker is on both sides."""
    n_speakers = (slices.present | comparators.present).sum(axis=0).astype(np.float64)
    freedom: Floats = n_speakers - np.where(overlaps(slices, comparators), 1.0, 2.0)
    return freedom


def _bounds(name: str, intervals: Sequence[Interval], supported: Bools) -> dict[str, Floats]:
    low = np.array([interval.low for interval in intervals])
    high = np.array([interval.high for interval in intervals])
    return {f"{name}_low": np.where(supported, low, np.nan), f"{name}_high": np.where(supported, high, np.nan)}


def _judged(evidence: pd.DataFrame) -> list[Judged]:
    columns = [evidence[field.name].tolist() for field in fields(Judged)]
    return [Judged(*values) for values in zip(*columns, strict=True)]
