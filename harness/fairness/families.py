"""The comparisons of a run and their p-values in, p-values corrected family by family out.

A family is declared before the run (`Policy.family`). Two slices that are each other's comparator are one test.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from harness.fairness.comparisons import Comparisons
from harness.fairness.max_t import Contrasts, joint_statistics
from harness.fairness.membership import AND
from harness.fairness.multiplicity import adjusted, step_down_max_t, strictest_level
from harness.fairness.policy import REST, Correction, Family, Policy
from harness.fairness.sparse_sums import Bools, Floats

log = logging.getLogger(__name__)

_RESOLUTION = 4  # the smallest p-value of a random permutation test is at most level / (_RESOLUTION / 2)
_MOST_PERMUTATIONS = 200_000  # half a minute for 20,000 speakers; what 2,500 tests by Holm need
_INTERSECTIONS = "intersections"


@dataclass(frozen=True, slots=True)
class Families:
    """Says for every comparison of a run, dimension by dimension, what it is corrected with."""

    parts: tuple[Comparisons, ...]  # one a dimension
    policy: Policy
    names: npt.NDArray[np.str_]  # (n_comparisons,) of its family
    counted: Bools  # (n_comparisons,) is tested, and not the mirror image of the one before
    levels: Floats  # (n_comparisons,) that the smallest p-value of its family has to meet

    def members(self) -> list[npt.NDArray[np.intp]]:
        """Return the comparisons counted in each family."""
        return [np.flatnonzero(self.counted & (self.names == name)) for name in np.unique(self.names)]


def families(parts: Sequence[Comparisons], policy: Policy) -> Families:
    """Return the families of a run."""
    names = np.array([_family(part.dimension, policy.family) for part in parts for _ in part.slices])
    first = np.concatenate([[True] + [not part.mirrored] * (len(part.slices) - 1) for part in parts])
    counted = first & np.concatenate([part.enough(policy) for part in parts])
    levels = np.empty(len(names))
    for name in np.unique(names):
        n_tests = int(counted[names == name].sum())
        levels[names == name] = strictest_level(n_tests, policy.correction, policy.alpha)
    return Families(tuple(parts), policy, names, counted, levels)


def n_finest_permutations(run: Families) -> int:
    """Return the permutations that make the strictest level attainable, as far as time allows.

    Max-T compares statistics, not p-values, and needs no more of them for more tests.
    """
    policy = run.policy
    if policy.correction is Correction.max_t:
        return max(policy.n_permutations, ceil(_RESOLUTION / policy.alpha))
    wanted = ceil(_RESOLUTION / float(run.levels.min()))
    if wanted > max(policy.n_permutations, _MOST_PERMUTATIONS):
        log.warning(
            "%d comparisons need finer p-values than %d permutations give: a gap may be significant and not shown. Use "
            "policy.correction=max_t, policy.family=dimension or fewer dimensions.",
            run.counted.sum(),
            _MOST_PERMUTATIONS,
        )
    return max(policy.n_permutations, min(wanted, _MOST_PERMUTATIONS))


def corrected(p_values: Floats, run: Families, *, everything: Floats, seed: int) -> Floats:
    """Correct the p-values of a run.

    Args:
        p_values: Of every comparison, (n_comparisons,); NaN where none was tested.
        run: Its families.
        everything: Errors and words of each speaker over all utterances, (2, n_speakers).
        seed: Of the permutations of max-T.

    Returns:
        (n_comparisons,) at least as large as `p_values`; NaN where none was tested.
    """
    found = np.full(len(p_values), np.nan)
    by_max_t = run.policy.correction is Correction.max_t
    several = [members for members in run.members() if by_max_t and (~np.isnan(p_values[members])).sum() > 1]
    for members in run.members():
        found[members] = adjusted(p_values[members], run.policy.correction)
    if several:
        tested = run.counted & ~np.isnan(p_values)
        start_s = time.perf_counter()
        drawn = _drawn(run, tested, everything, seed)
        log.info("%d statistics permuted jointly in %.1f s", tested.sum(), time.perf_counter() - start_s)
        column = np.cumsum(tested) - 1
        for members in several:
            rows = members[tested[members]]
            stepped = step_down_max_t(drawn[0, column[rows]], drawn[:, column[rows]])
            found[rows] = np.maximum(stepped, p_values[rows])
    mirrored = np.concatenate([[False] + [part.mirrored] * (len(part.slices) - 1) for part in run.parts])
    twins = np.flatnonzero(mirrored)
    found[twins] = found[twins - 1]
    return found


def _drawn(run: Families, tested: Bools, everything: Floats, seed: int) -> Floats:
    """Return the statistics of all tests under joint permutations, (1 + n_permutations, n_tests)."""
    rows = np.split(tested, np.cumsum([len(part.slices) for part in run.parts])[:-1])
    return joint_statistics(
        [
            Contrasts(part.pairs.pick(np.flatnonzero(here)), part.comparator == REST, part.declared)
            for part, here in zip(run.parts, rows, strict=True)
        ],
        everything,
        n_ids=run.parts[0].n_ids,
        n_permutations=run.policy.n_permutations,
        alpha=run.policy.alpha,
        seed=seed,
    )


def _family(dimension: str, family: Family) -> str:
    if family is Family.run:
        return Family.run.name
    return _INTERSECTIONS if len(dimension.split(AND)) > 1 else dimension
