"""Comparisons of several dimensions in, the p-value of every gap out: speakers permuted, or flipped within them."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.fairness.bootstrap import Bools, Floats, Indices
from harness.fairness.pairs import Pairs
from harness.fairness.sign_flips import flip_p_values, flips_of, smallest_sign_flip_p_value
from harness.fairness.significance import Pool, pool_p_values, smallest_permutation_p_value
from harness.fairness.sparse_sums import counted_per_column

_PROMISING = 10  # rearrangements as extreme as the data, at most: a p-value that more of them could make small


def gap_p_values(
    parts: Sequence[Pairs], *, wanted: Sequence[Bools], n_permutations: int, n_finest: int, seed: int
) -> list[Floats]:
    """Permute labels over speakers; flip signs within speakers where a speaker is on both sides.

    A test that is promising is run again with more arrangements. Its p-value is the later one, so the chance of any
    p-value or a smaller one is still at most that under the null hypothesis (Besag and Clifford 1991).

    Args:
        parts: The comparisons of each dimension, of the same speakers.
        wanted: Which of them to test, (n_comparisons,) a part.
        n_permutations: Random arrangements; all of them where there are no more.
        n_finest: Random arrangements of promising tests.
        seed: Of the arrangements; what is drawn for one dimension does not depend on the others.

    Returns:
        (n_comparisons,) a part; NaN where no test was wanted or a side has fewer than two speakers.
    """
    p_values = _p_values(parts, wanted, n_permutations, seed)
    if n_finest <= n_permutations:
        return p_values
    promising = [found <= 2 * (1 + _PROMISING) / (n_permutations + 1) for found in p_values]  # not what is NaN
    finer = _p_values(parts, promising, n_finest, seed)
    return [np.where(again, later, found) for again, later, found in zip(promising, finer, p_values, strict=True)]


def smallest_p_values(pairs: Pairs, n_permutations: int) -> Floats:
    """Return the smallest p-value that each comparison's speakers can give, (n_comparisons,)."""
    own, other = (side[2].astype(np.intp) for side in pairs.totals())
    return np.array(
        [
            smallest_sign_flip_p_value(int(inside + outside - both), n_permutations)
            if both
            else smallest_permutation_p_value(int(inside), int(outside), n_permutations)
            for inside, outside, both in zip(own, other, pairs.n_shared(), strict=True)
        ]
    )


def degrees_of_freedom_of_test(pairs: Pairs) -> Floats:
    """Return the speakers of every comparison less two, or less one where a speaker is on both sides."""
    own, other = (side[2] for side in pairs.totals())
    shared = pairs.n_shared()
    freedom: Floats = own + other - shared - np.where(shared > 0, 1.0, 2.0)
    return freedom


def _p_values(parts: Sequence[Pairs], wanted: Sequence[Bools], n_permutations: int, seed: int) -> list[Floats]:
    p_values = [np.full(pairs.n_comparisons, np.nan) for pairs in parts]
    paired = [pairs.n_shared() > 0 for pairs in parts]
    flipped = [np.flatnonzero(some & both) for some, both in zip(wanted, paired, strict=True)]
    flips = [flips_of(pairs.pick(columns)) for pairs, columns in zip(parts, flipped, strict=True)]
    of_flips = flip_p_values(flips, n_permutations=n_permutations, seed=seed)
    for found, columns, each in zip(p_values, flipped, of_flips, strict=True):
        found[columns] = each
    pools = [
        (found, columns, pool)
        for found, pairs, some, both in zip(p_values, parts, wanted, paired, strict=True)
        for columns, pool in _pools(pairs, np.flatnonzero(some & ~both))
    ]
    of_pools = pool_p_values([pool for _, _, pool in pools], n_permutations=n_permutations, seed=seed)
    for (found, columns, _), each in zip(pools, of_pools, strict=True):
        found[columns] = each
    return p_values


def _pools(pairs: Pairs, columns: Indices) -> Iterator[tuple[Indices, Pool]]:
    """Put together the comparisons that relabel the same speakers with the same sums."""
    moved = np.any(pairs.own + pairs.other != pairs.common[:, pairs.speakers], axis=0)
    own_pool = counted_per_column(pairs.starts, moved)[columns] > 0
    if not own_pool.all():
        yield _pool(pairs, columns[~own_pool], pairs.common)
    alike: dict[bytes, list[int]] = {}
    for k in columns[own_pool]:
        alike.setdefault(np.add(*pairs.one(int(k))).tobytes(), []).append(int(k))
    for several in alike.values():
        yield _pool(pairs, np.array(several), np.add(*pairs.one(several[0])))


def _pool(pairs: Pairs, columns: Indices, sums: Floats) -> tuple[Indices, Pool]:
    here = sums[2] > 0
    position = np.cumsum(here) - 1
    members = []
    for k in columns:
        cells = slice(pairs.starts[k], pairs.starts[k + 1])
        members.append(position[pairs.speakers[cells][pairs.own[2, cells] > 0]])
    return columns, Pool(sums[0][here], sums[1][here], tuple(members))
