"""How much more conditions add to slices in, p-values out, and the same corrected over every condition and slice.

A sweep of a frequency or a noise level is one family, and so are all conditions that belong to none. Where the policy
allows one false alarm in a family (`holm`, `max_t`) the correction is max-T: the same promise, and sharper, because the
conditions of a sweep are heard by the same people in the same utterances. One rearrangement moves each speaker, with
all that every condition did to them, under another label (or turns signs, where labels vary within speakers).

The statistic is `studentised_gap` of the rates of errors added, all raised by one error a word: between sides of one
size it is the studentised difference of METHODS; where a side is smaller, its logarithm is so far from its pole that it
is the difference but for a few per cent (raised by 30, of 120 corpora .467 found and .075 raised; by 1 .483 and .083).

Share of 240 corpora in which anything was raised, and in which the planted slice x tone was found, among 20 tones
(three in the last row of each part); speakers differ in their clean rate and in a susceptibility common to all tones,
and counts are overdispersed (benchmarks/conditions_evidence.py; Monte Carlo standard error .014 at .05, .03 at .5).
Holm has the permutations that its level needs, max-T 1,999.

| nothing planted: raised | Holm | max-T |
|---|---|---|
| 3 speakers against 3 | .000 | .000 |
| 8 against 8 | .025 | .054 |
| 4 slices of 4 | .000 | .054 |
| 4 slices of 16 | .021 | .033 |
| 4 slices of 16, clean WER .05 to .3 | .033 | .042 |
| 8 against 56 | .013 | .029 |
| 8 against 56, the eight vary twice as much | .087 | .104 |
| 4 slices of 16, three conditions alone | .033 | .042 |
| **planted: found** | | |
| 3 against 3, 30 points | .000 | .000 |
| 8 against 8, 20 points | .229 | .263 |
| 4 slices of 16, 12 points | .408 | .467 |
| 8 against 56, 15 points | .358 | .467 |
| 4 slices of 16, 8 points, three conditions alone | .400 | .421 |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Bools, Floats, Indices, divide
from harness.fairness.comparison_tests import gap_p_values, smallest_p_values
from harness.fairness.conditions.harms import ExtraHarm, HarmScale
from harness.fairness.max_t import joint_statistics
from harness.fairness.membership import AND
from harness.fairness.multiplicity import adjusted, step_down_max_t, strictest_level
from harness.fairness.policy import Correction, Family, Policy
from harness.fairness.power import minimum_detectable_gap, minimum_detectable_rise

_RESOLUTION = 4  # the smallest p-value of random permutations is at most level / (_RESOLUTION / 2)
_MOST_PERMUTATIONS = 200_000
_INTERSECTIONS = "intersections"


@dataclass(frozen=True, slots=True)
class Tested:
    """Holds the tests of all conditions and slices, (n_tests,) each; NaN where nothing was tested."""

    p_value: Floats  # of the additive scale
    ratio_p_value: Floats  # of the multiplicative scale
    p_adjusted: Floats  # of the scale that is judged
    level: Floats  # that a p-value has to meet to be found; where nothing was tested, that of a single test
    smallest: Floats  # p-value that so many speakers can give


@dataclass(frozen=True, slots=True)
class _Run:
    """Says of the tests of all conditions and slices, one part after the other, what is corrected with what."""

    parts: tuple[ExtraHarm, ...]
    policy: Policy
    scale: HarmScale
    names: npt.NDArray[np.str_]  # (n_tests,) of the family
    counted: Bools  # (n_tests,) reaches the policy's floors, and is not the mirror image of the one before

    def members(self) -> list[Indices]:
        """Return the tests counted in each family."""
        return [np.flatnonzero(self.counted & (self.names == name)) for name in np.unique(self.names[self.counted])]

    def n_finest(self) -> int:
        """Return the permutations that make the strictest level attainable; max-T needs no more for more tests."""
        policy = self.policy
        if _by_max_t(policy):
            return max(policy.n_permutations, ceil(_RESOLUTION / policy.alpha))
        levels = [strictest_level(len(members), policy.correction, policy.alpha) for members in self.members()]
        return max(policy.n_permutations, min(ceil(_RESOLUTION / min(levels, default=1.0)), _MOST_PERMUTATIONS))


def tested(parts: Sequence[ExtraHarm], sweeps: Sequence[str], policy: Policy, *, scale: HarmScale, seed: int) -> Tested:
    """Test every extra harm and correct it for all that are in its family.

    Args:
        parts: One or more, each of a condition and a dimension, of the same speakers.
        sweeps: That each belongs to; empty for conditions that are one of a kind.
        policy: Floors, level, correction, families of dimensions, permutations.
        scale: What is judged.
        seed: Of the permutations.
    """
    enough = [each.gaps.enough(policy) for each in parts]
    multiplied = [some & each.has_ratio for some, each in zip(enough, parts, strict=True)]
    first = np.concatenate([[True] + [not each.gaps.mirrored] * (each.n_slices - 1) for each in parts])
    run = _Run(
        parts=tuple(parts),
        policy=policy,
        scale=scale,
        names=np.array(
            [_family(*each, policy) for each in zip(sweeps, parts, strict=True) for _ in each[1].gaps.slices]
        ),
        counted=first & np.concatenate(enough if scale is HarmScale.additive else multiplied),
    )
    p_values, ratio_p_values = (
        np.concatenate(
            gap_p_values(pairs, wanted=wanted, n_permutations=policy.n_permutations, n_finest=run.n_finest(), seed=seed)
        )
        for pairs, wanted in (
            ([each.on(HarmScale.additive) for each in parts], enough),
            ([each.factors for each in parts], multiplied),
        )
    )
    p_adjusted, level = _corrected(p_values if scale is HarmScale.additive else ratio_p_values, run, seed)
    smallest = [smallest_p_values(each.on(scale), run.n_finest()) for each in parts]
    return Tested(p_values, ratio_p_values, p_adjusted, level, np.concatenate(smallest))


def detectable(parts: Sequence[ExtraHarm], tests: Tested, policy: Policy, scale: HarmScale) -> Floats:
    """Return the extra harm, or the ratio of ratios, that is found with 80 % probability at the level of each test.

    A slice that is harmed more also varies more by it: its speakers' susceptibility multiplies all that is added. Of
    extra harms of the size given, .74 are found (4 slices of 16 speakers); of somewhat smaller ones .59 (8 against 8,
    .40 where .48 is given) and .78 (8 against 56, .24 where .30 is given).

    Returns:
        (n_tests,) NaN where no rearrangement of so few speakers could be found, however large the extra harm.
    """
    error = np.concatenate([each.standard_error(scale) for each in parts])
    freedom = np.concatenate([each.freedom(scale) for each in parts])
    if scale is HarmScale.multiplicative:
        found = np.exp(minimum_detectable_gap(error, freedom, alpha=tests.level))
    else:
        rate = np.concatenate([each.spread_rate() for each in parts])
        found = minimum_detectable_rise(rate, divide(error, rate), freedom, alpha=tests.level)
    attained = policy.alpha if _by_max_t(policy) else tests.level  # max-T compares statistics, not p-values
    return np.where(tests.smallest < attained, found, np.nan)


def _corrected(p_values: Floats, run: _Run, seed: int) -> tuple[Floats, Floats]:
    """Return p-values corrected family by family, and the level that each had to meet."""
    policy, found = run.policy, np.full(len(p_values), np.nan)
    levels = np.full(len(p_values), policy.alpha)
    for members in run.members():
        here = members[~np.isnan(p_values[members])]
        found[here] = adjusted(p_values[here], policy.correction)
        levels[members] = strictest_level(len(here), policy.correction, policy.alpha)
        if _by_max_t(policy) and len(here) > 1:
            drawn = _drawn(run, here, seed)
            found[here] = np.maximum(step_down_max_t(drawn[0], drawn), p_values[here])
            levels[here] = np.maximum(levels[here], _levels(drawn, policy.alpha))
    mirrored = np.concatenate([[False] + [each.gaps.mirrored] * (each.n_slices - 1) for each in run.parts])
    twins = np.flatnonzero(mirrored)
    found[twins], levels[twins] = found[twins - 1], levels[twins - 1]
    return found, levels


def _levels(drawn: Floats, alpha: float) -> Floats:
    """Return how often each statistic alone reaches what the largest of all must reach, (n_tests,)."""
    critical = np.quantile(drawn.max(axis=1), 1 - alpha, method="inverted_cdf")
    levels: Floats = (drawn >= critical).mean(axis=0)
    return levels


def _drawn(run: _Run, members: Indices, seed: int) -> Floats:
    """Return the statistics of some tests under joint rearrangements, (1 + n_permutations, n_members)."""
    ends = np.cumsum([0, *(each.n_slices for each in run.parts)])
    columns = [members[(members >= start) & (members < end)] - start for start, end in pairwise(ends)]
    chosen = [(each, own) for each, own in zip(run.parts, columns, strict=True) if len(own)]
    n_ids = chosen[0][0].n_ids
    someone = np.any([each.declared(run.scale)[2] > 0 for each, _ in chosen], axis=0)
    return joint_statistics(
        [each.contrasts(own, run.scale, someone) for each, own in chosen],
        np.zeros((2, n_ids)),
        n_ids=n_ids,
        n_permutations=run.policy.n_permutations,
        alpha=run.policy.alpha,
        seed=seed,
    )


def _by_max_t(policy: Policy) -> bool:
    return policy.correction in (Correction.holm, Correction.max_t)


def _family(sweep: str, part: ExtraHarm, policy: Policy) -> str:
    if policy.family is Family.run:
        return sweep
    return f"{sweep}\n{_INTERSECTIONS if AND in part.dimension else part.dimension}"
