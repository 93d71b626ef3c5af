"""Scores, a policy and covariates in, gaps between units matched on those covariates out, and how well they match.

What a gap is among people, or utterances, who are alike in age, length, and so on: the nearest thing to an experiment
that a corpus allows, and no more than that. What is not among the covariates is not balanced.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools
from harness.fairness.comparisons import Comparisons, comparisons, floors
from harness.fairness.disparity import disparity_table
from harness.fairness.gaps import gaps
from harness.fairness.matching.matching_units import Units, units_of
from harness.fairness.matching.propensity import Balance, Pairs, balances, matched_pairs, no_pairs
from harness.fairness.membership import as_list
from harness.fairness.policy import REST, Correction, Policy, Verdict
from harness.fairness.regression.adjusted_covariates import UTTERANCE_LENGTH
from harness.fairness.significance import adjusted
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, checked_scores, speaker_codes
from harness.fairness.verdicts import shortfall

MATCHED_COLUMNS = (
    "dimension", "slice", "comparator", "unit", "n_units", "n_comparator_units", "n_pairs", "n_speakers",
    "n_comparator_speakers", "wer", "comparator_wer", "gap", "gap_low", "gap_high", "p_value", "p_adjusted", "raw_gap",
    "balanced", "note",
)  # fmt: skip
BALANCE_COLUMNS = (
    "dimension", "slice", "covariate", "smd_before", "smd_after", "variance_ratio_before", "variance_ratio_after",
    "note",
)  # fmt: skip
PAIR_COLUMNS = ("dimension", "slice", "member", "comparator_member", "score_distance")
_SIDES = ("slice", "comparator")
_RESOLUTION = 4  # as for disparities: the smallest random p-value passes the correction
_JUDGED = ("wer", "comparator_wer", "gap", "gap_low", "gap_high", "p_value")


@dataclass(frozen=True, slots=True)
class Matched:
    """Holds what matching found."""

    gaps: pd.DataFrame  # one row a slice, MATCHED_COLUMNS
    balance: pd.DataFrame  # one row a slice and covariate, BALANCE_COLUMNS
    pairs: pd.DataFrame  # one row a pair of speakers or utterances, PAIR_COLUMNS


def matched_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy,
    on: Sequence[str],
    rng: np.random.Generator,
    *,
    exact: Sequence[str] = (),
    caliper: float = 0.2,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Matched:
    """Match every slice's units one to one with units of its comparator, and measure the gap between those.

    A unit is a speaker where nothing that is matched on varies within a speaker, and otherwise an utterance; the gap is
    that of the pooled WER of the matched units, and interval and test resample and permute their speakers, as for
    `disparity_table`. Partners are found as `matched_pairs` says. Two slices against each other give two matched sets:
    each slice seeks partners for its own.

    Args:
        scores: As for `slice_table`.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Names comparators, floors (of the matched units), level and correction.
        on: What units are alike in: attributes, of which undeclared is a level like others, columns of numbers, and
            `utterance_length` (the logarithm of the reference words). What a dimension is made of is left out there.
        rng: Draws resamples and permutations.
        exact: Attributes that partners share, value by value. Matching utterances of several conditions, `condition`
            is one of them.
        caliper: Largest distance of partners' propensity scores, in standard deviations of all scores.
        orders: Order of the values of an attribute.

    Returns:
        `gaps`: gaps are differences of fractions; `raw_gap` is the one before matching. `balanced` says that all
        covariates differ by less than 0.1 standard deviations after matching, and that ratios of variances of numbers
        lie between 0.5 and 2. Without pairs the numbers are NaN, below the policy's floors there is no p-value, and
        `note` says why. `balance`: what both rest on. `pairs`: who was matched with whom, by id.

    Raises:
        UsageError: An option is out of its range, or a name is not in the scores.
    """
    _check_options(on, exact, caliper, scores.columns.tolist())
    counted = checked_scores(scores, policy)
    seed = int(rng.integers(2**62))
    found = [comparisons(counted, name, policy, orders=orders) for name in as_list(by)]
    parts = [part for part in found if part is not None]
    n_tests = sum(len(part.slices) for part in parts)
    level = policy.alpha if policy.correction is Correction.none else policy.alpha / max(1, n_tests)
    judging = replace(
        policy,
        comparator=_SIDES[1],
        dimensions={},
        correction=Correction.none,
        n_permutations=max(policy.n_permutations, ceil(_RESOLUTION / level)),
    )
    job = _Job(counted, speaker_codes(counted), judging, caliper, seed)
    results = [
        result
        for part in parts
        for result in _matched_dimension(job, part, units_of(counted, part.dimension, on, exact=exact, orders=orders))
    ]
    table = pd.DataFrame([result.gap for result in results], columns=list(MATCHED_COLUMNS))
    return Matched(
        gaps=table.assign(p_adjusted=adjusted(table["p_value"].to_numpy(np.float64), policy.correction)),
        balance=pd.DataFrame([row for result in results for row in result.balance], columns=list(BALANCE_COLUMNS)),
        pairs=pd.DataFrame([row for result in results for row in result.pairs], columns=list(PAIR_COLUMNS)),
    )


@dataclass(frozen=True, slots=True)
class _Job:
    """Holds what every comparison needs."""

    counted: pd.DataFrame
    speakers: Ints  # (n_utterances,) -1: without an id
    policy: Policy  # of two sides called as in _SIDES
    caliper: float
    seed: int


@dataclass(frozen=True, slots=True)
class _Result:
    """Holds the rows of one slice."""

    gap: Mapping[str, object]
    balance: Sequence[tuple[object, ...]]
    pairs: Sequence[tuple[object, ...]]


def _check_options(on: Sequence[str], exact: Sequence[str], caliper: float, columns: Sequence[str]) -> None:
    if not on and not exact:
        raise UsageError(f"nothing to match on; expected attributes or {UTTERANCE_LENGTH}.")
    if not (isfinite(caliper) and caliper > 0):
        raise UsageError(f"caliper={caliper}; expected standard deviations of the propensity score, > 0, e.g. 0.2.")
    if unknown := [name for name in exact if name not in columns]:
        raise UsageError(f"exact names {unknown}, which the scores do not have; expected some of {list(columns)}.")


def _matched_dimension(job: _Job, part: Comparisons, units: Units) -> Iterator[_Result]:
    for k, raw_gap in enumerate(gaps(*part.sides).gap.tolist()):
        found = _matched_slice(job, part, units, k)
        yield replace(found, gap={**found.gap, "raw_gap": raw_gap})


def _matched_slice(job: _Job, part: Comparisons, units: Units, k: int) -> _Result:
    """Match the units of a slice and measure the gap between those that found a partner."""
    name = part.slices[k]
    inside = units.members(name)
    is_rest = part.promise.comparator == REST
    outside = (units.told() if is_rest else units.members(part.comparator)) & ~inside
    sides = (units.among(inside), units.among(outside))
    too_few = part.support[k, 1:] < floors(job.policy)[1:]  # speakers may be unknown
    problem = units.problem
    if too_few.any():
        problem = f"too few to match: {shortfall(part.support[k], floors(job.policy))}"
    own, other = units.covariates.of(sides[0]), units.covariates.of(sides[1])
    strata = np.concatenate([units.strata[side] for side in sides])
    pairs = no_pairs(problem) if problem else matched_pairs(own, other, strata, caliper=job.caliper)
    found = [] if problem else balances(own, other, pairs)
    matched = (sides[0][pairs.slices], sides[1][pairs.comparators])
    rows = (inside & units.utterances_of(matched[0]), outside & units.utterances_of(matched[1]))
    judged, reason = _judged(job, rows) if len(matched[0]) else ({}, "")
    skewed = [each.covariate for each in found if len(matched[0]) and not each.reached]
    notes = (pairs.problem, reason, f"not balanced in {', '.join(skewed)}" if skewed else "", units.note)
    row = {
        "dimension": part.dimension,
        "slice": name,
        "comparator": part.comparator,
        "unit": units.kind,
        "n_units": len(sides[0]),
        "n_comparator_units": len(sides[1]),
        "n_pairs": len(matched[0]),
        "n_speakers": _n_named(job.speakers[rows[0]]),
        "n_comparator_speakers": _n_named(job.speakers[rows[1]]),
        **{column: judged.get(column, np.nan) for column in _JUDGED},
        "balanced": bool(len(matched[0])) and not skewed,
        "note": "; ".join(note for note in notes if note),
    }
    ids = zip(units.ids[matched[0]], units.ids[matched[1]], pairs.distances.tolist(), strict=True)
    return _Result(
        gap=row,
        balance=[(part.dimension, name, *_balance_row(each, pairs)) for each in found],
        pairs=[(part.dimension, name, *each) for each in ids],
    )


def _judged(job: _Job, rows: tuple[Bools, Bools]) -> tuple[Mapping[str, float], str]:
    """Compare the matched utterances as any two slices; say what is missing for a test."""
    columns = ["utterance_id", "speaker_id", *WORD_COUNTS, "failed"]
    chosen = rows[0] | rows[1]
    scores = job.counted.loc[chosen, columns].assign(side=np.where(rows[0][chosen], *_SIDES))
    table = disparity_table(scores, "side", job.policy, np.random.default_rng(job.seed), orders={"side": _SIDES})
    found = table.iloc[0]
    untested = found["verdict"] == Verdict.insufficient.value
    return {column: float(found[column]) for column in _JUDGED}, str(found["reason"]) if untested else ""


def _n_named(speakers: Ints) -> int:
    return int((np.unique(speakers) >= 0).sum())


def _balance_row(balance: Balance, pairs: Pairs) -> tuple[object, ...]:
    """Return the cells of a row of the balance table, with a note of what is NaN and why."""
    notes = []
    if np.isnan(balance.smd_before):
        notes.append("each side has one value, and not the same: no spread to measure by")
    if not len(pairs.slices):
        notes.append("no pairs")
    if balance.is_level:
        notes.append("a share: no ratio of variances")
    elif np.isnan(balance.variance_ratio_after) and len(pairs.slices):
        notes.append("the same for everybody matched")
    return (
        balance.covariate,
        balance.smd_before,
        balance.smd_after,
        balance.variance_ratio_before,
        balance.variance_ratio_after,
        "; ".join(notes),
    )
