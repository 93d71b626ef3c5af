"""Scores and a policy in, a verdict on every slice out: gap, ratio, interval, test, and the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, Indices, Interval, divide, resample_weights
from harness.fairness.gaps import Side, gap_intervals, gaps, overlaps, ratio_intervals
from harness.fairness.policy import Correction, Policy, Promise, Verdict
from harness.fairness.power import minimum_detectable_gap
from harness.fairness.significance import adjusted, permutation_p_values, sign_flip_p_values
from harness.fairness.slices import (
    Membership,
    SpeakerSums,
    as_list,
    checked_scores,
    membership,
    speaker_codes,
    speaker_sums,
)

DISPARITY_COLUMNS = (
    "dimension", "slice", "comparator", "wer", "comparator_wer", "gap", "gap_low", "gap_high", "ratio", "ratio_low",
    "ratio_high", "p_value", "p_adjusted", "verdict", "reason", "minimum_detectable_gap",
)  # fmt: skip
REST = "rest"


@dataclass(frozen=True, slots=True)
class _Judged:
    """Holds what the verdict on one comparison rests on; NaN where there is no number."""

    comparator: str
    shortfall: str  # what is missing for a verdict; empty when nothing is
    n_speakers: float
    n_comparator_speakers: float
    gap: float
    gap_low: float
    gap_high: float
    narrow_low: float  # of the equivalence interval, 1 - 2 alpha
    narrow_high: float
    ratio: float
    narrow_ratio_low: float
    narrow_ratio_high: float
    p_value: float
    p_adjusted: float
    minimum_detectable_gap: float


@dataclass(frozen=True, slots=True)
class _Comparisons:
    """Holds every comparison of one dimension: parallel tuples, one entry a slice that is judged."""

    dimension: str
    slices: tuple[str, ...]
    comparators: tuple[str, ...]
    sides: tuple[Side, Side]  # of slices and of comparators, (n_speakers, n_comparisons)
    support: Floats  # (n_comparisons, 3) the smaller of both sides: named speakers, utterances, words
    named: Floats  # (n_comparisons, 2) named speakers of slice and comparator
    promise: Promise


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
    speakers = speaker_codes(counted)
    parts = [_comparisons(counted, name, speakers, policy, orders) for name in as_list(by)]
    judged = [part for part in parts if part is not None]
    if not judged:
        return pd.DataFrame(columns=list(DISPARITY_COLUMNS))
    evidence = pd.concat([_evidence(part, policy, seed) for part in judged], ignore_index=True)
    evidence["p_adjusted"] = adjusted(evidence["p_value"], policy.correction)
    n_tested = int(evidence["p_value"].notna().sum())
    corrected = policy.alpha if policy.correction is Correction.none else policy.alpha / max(1, n_tested)
    evidence["minimum_detectable_gap"] = minimum_detectable_gap(
        evidence["standard_error"].to_numpy(np.float64), evidence["freedom"].to_numpy(np.float64), alpha=corrected
    )
    promises = [part.promise for part in judged for _ in part.slices]
    verdicts = [_verdict(row, promise, policy) for row, promise in zip(_judged(evidence), promises, strict=True)]
    evidence["verdict"] = [verdict.value for verdict, _ in verdicts]
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


def _comparisons(
    scores: pd.DataFrame,
    dimension: str,
    speakers: Indices,
    policy: Policy,
    orders: Mapping[str, Sequence[str]] | None,
) -> _Comparisons | None:
    """Pair every declared slice with its comparator; None when there is nobody to compare with."""
    part = membership(scores, dimension, orders=orders)
    declared = np.flatnonzero(part.declared)
    if len(declared) < 2:
        return None
    promise = policy.for_dimension(dimension)
    sums = speaker_sums(scores, part, speakers)
    n_utterances = np.bincount(part.codes, minlength=len(part.slices))
    chosen = _comparator(part, sums, declared, n_utterances, promise, policy)
    judged = declared if chosen is None else declared[declared != chosen]
    slices = Side(sums.errors[:, judged], sums.words[:, judged], sums.present[:, judged])
    n_named = int(speakers.max(initial=-1)) + 1
    if chosen is None:
        totals = sums.declared_errors[:, None], sums.declared_words[:, None]
        rest = Side(totals[0] - slices.errors, totals[1] - slices.words, sums.outside[:, judged])
        told = np.unique(part.rows[part.declared[part.codes]])
        others = len(told) - n_utterances[judged]
    else:
        columns = np.full(len(judged), chosen)
        rest = Side(sums.errors[:, columns], sums.words[:, columns], sums.present[:, columns])
        others = n_utterances[columns]
    named = np.stack([side.present[:n_named].sum(axis=0) for side in (slices, rest)], axis=1)
    support = np.stack(
        [
            named.min(axis=1),
            np.minimum(n_utterances[judged], others),
            np.minimum(slices.words.sum(axis=0), rest.words.sum(axis=0)),
        ],
        axis=1,
    )
    return _Comparisons(
        dimension=dimension,
        slices=tuple(part.slices[code] for code in judged),
        comparators=(REST if chosen is None else part.slices[chosen],) * len(judged),
        sides=(slices, rest),
        support=support.astype(np.float64),
        named=named.astype(np.float64),
        promise=promise,
    )


def _comparator(
    part: Membership,
    sums: SpeakerSums,
    declared: Indices,
    n_utterances: Indices,
    promise: Promise,
    policy: Policy,
) -> int | None:
    """Return the position of the slice that gaps are measured against; None for the rest."""
    if promise.comparator == REST:
        return None
    if promise.comparator in ("best", "largest"):
        words = sums.words.sum(axis=0)
        enough = (
            (sums.n_named >= policy.min_speakers)
            & (n_utterances >= policy.min_utterances)
            & (words >= policy.min_words)
        )
        candidates = declared[enough[declared]]
        candidates = candidates if len(candidates) else declared
        rates = np.nan_to_num(divide(sums.errors.sum(axis=0), words), nan=np.inf)
        keys = rates if promise.comparator == "best" else -sums.n_named.astype(np.float64)
        return int(candidates[np.lexsort((-words[candidates], keys[candidates]))[0]])
    names = [part.slices[code] for code in declared]
    if promise.comparator not in names:
        raise UsageError(
            f"policy comparator {promise.comparator!r} is no declared slice of {part.dimension}; expected rest, best, "
            f"largest or one of {names}. Set policy.dimensions.{part.dimension}.comparator."
        )
    return int(declared[names.index(promise.comparator)])


def _evidence(part: _Comparisons, policy: Policy, seed: int) -> pd.DataFrame:
    """Return the numbers behind the verdicts of one dimension, one row a comparison."""
    slices, comparators = part.sides
    weights = resample_weights(len(slices.errors), policy.n_resamples, np.random.default_rng(seed))
    confidence = 1 - policy.alpha
    wide, narrow = gap_intervals(slices, comparators, weights=weights, confidences=(confidence, 1 - 2 * policy.alpha))
    ratios = ratio_intervals(slices, comparators, confidence=confidence)
    narrow_ratios = ratio_intervals(slices, comparators, confidence=1 - 2 * policy.alpha)
    measured = gaps(slices, comparators)
    floors = (policy.min_speakers, policy.min_utterances, policy.min_words)
    enough = (part.support >= np.array(floors)).all(axis=1)
    has_rate = ~np.isnan(measured.gap)
    p_values = _p_values(part, enough & has_rate, policy, seed)
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "comparator": part.comparators,
            "wer": measured.slices.rate,
            "comparator_wer": measured.comparators.rate,
            "gap": measured.gap,
            **_bounds("gap", wide),
            **_bounds("narrow", narrow),
            "ratio": measured.ratio,
            **_bounds("ratio", ratios),
            **_bounds("narrow_ratio", narrow_ratios),
            "p_value": p_values,
            "standard_error": measured.standard_error,
            "freedom": _test_freedom(slices, comparators),
            "n_speakers": part.named[:, 0],
            "n_comparator_speakers": part.named[:, 1],
            "shortfall": [_shortfall(row, floors) for row in part.support],
        }
    )


def _p_values(part: _Comparisons, wanted: Bools, policy: Policy, seed: int) -> Floats:
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


def _bounds(name: str, intervals: Sequence[Interval]) -> dict[str, list[float]]:
    return {
        f"{name}_low": [interval.low for interval in intervals],
        f"{name}_high": [interval.high for interval in intervals],
    }


def _shortfall(support: Floats, floors: Sequence[int]) -> str:
    """Say what is missing for a verdict; empty when nothing is."""
    units = ("speaker", "utterance", "reference word")
    return ", ".join(
        f"{_counted(found, unit)} where the policy asks for {floor}"
        for found, unit, floor in zip(support, units, floors, strict=True)
        if found < floor
    )


def _judged(evidence: pd.DataFrame) -> list[_Judged]:
    columns = [evidence[field.name].tolist() for field in fields(_Judged)]
    return [_Judged(*values) for values in zip(*columns, strict=True)]


def _verdict(row: _Judged, promise: Promise, policy: Policy) -> tuple[Verdict, str]:
    """Return the verdict and the reason in words."""
    who = f"{_counted(row.n_speakers, 'speaker')} against {row.n_comparator_speakers:.0f}"
    if row.shortfall:
        return Verdict.insufficient, f"too few to say: {row.shortfall} ({who})"
    if np.isnan(row.p_value):
        return Verdict.insufficient, f"no rate to compare: a side has no reference words ({who})"
    confidence, narrow = 100 * (1 - policy.alpha), 100 * (1 - 2 * policy.alpha)
    found = (
        f"{_points(row.gap)} points, {confidence:g} % {_points(row.gap_low)} to {_points(row.gap_high)}, "
        f"adjusted p {row.p_adjusted:.2g} ({who})"
    )
    margin = f"{100 * promise.margin:g} points" + (f" or ×{promise.margin_ratio:g}" if promise.margin_ratio else "")
    if row.p_adjusted < policy.alpha and promise.worse(row.gap, row.ratio):
        return Verdict.disparity, f"worse than {row.comparator} by at least {margin}: {found}"
    if row.p_adjusted < policy.alpha and promise.better(row.gap, row.ratio):
        return Verdict.advantage, f"better than {row.comparator} by at least {margin}: {found}"
    if _inside(row, promise):
        shown = f"{narrow:g} % interval {_points(row.narrow_low)} to {_points(row.narrow_high)}"
        return Verdict.within_margin, f"equal to {row.comparator} within {margin}: {shown}; {found}"
    could = f"{100 * row.minimum_detectable_gap:.1f}"
    return Verdict.inconclusive, (
        f"neither a gap of {margin} nor equality within it is shown: {found}; "
        f"so many speakers would have shown a gap of {could} points"
    )


def _inside(row: _Judged, promise: Promise) -> bool:
    """Say whether the whole equivalence interval lies inside every margin promised."""
    inside = row.narrow_low > -promise.margin and row.narrow_high < promise.margin
    if promise.margin_ratio is None:
        return bool(inside)
    ratio = promise.margin_ratio
    return bool(inside and row.narrow_ratio_low > 1 / ratio and row.narrow_ratio_high < ratio)


def _counted(count: float, unit: str) -> str:
    return f"{count:.0f} {unit}{'' if count == 1 else 's'}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f}"
