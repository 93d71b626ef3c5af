"""Two samples of speakers in, their distribution as it is and under permuted labels out, on a common support.

The null hypothesis is that it makes no difference on which side a speaker is. Speakers on one side only are dealt out
anew, as many to each side as before; a speaker on both sides keeps or swaps his two numbers. The counts of what is
dealt out follow the multivariate hypergeometric distribution, so the cost depends on atoms, not on speakers.
"""

import numpy as np

from harness.fairness.distances import Pair
from harness.fairness.sparse_sums import Bools, Floats, Indices

MOST_ATOMS = 256  # distinct numbers; more are gathered to so many quantiles
_MOST_RELABELLINGS = 200_000  # of a dimension: some ten seconds
_FEWEST_RELABELLINGS = 99  # of a comparison
_BLOCK_CELLS = 2**22  # swaps held at once: 4 MB


def relabelled(own: Floats, other: Floats, *, n_permutations: int, seed: int, most_atoms: int = MOST_ATOMS) -> Pair:
    """Return both distributions as observed, in the first row, and under permuted labels.

    Args:
        own: One number a speaker, NaN for who is not on this side, (n_speakers,).
        other: The same of the other side.
        n_permutations: Random relabellings.
        seed: Of the relabellings.
        most_atoms: Of the common support; with more distinct numbers each quantile is moved to its mean.

    Returns:
        Masses of (1 + n_permutations, n_atoms).
    """
    rng = np.random.default_rng(seed)
    here, there = ~np.isnan(own), ~np.isnan(other)
    values = np.concatenate([own[here], other[there]])
    atoms, places = coarse(values, most_atoms)
    own_places, other_places = np.zeros(len(own), np.intp), np.zeros(len(own), np.intp)
    own_places[here], other_places[there] = np.split(places, [here.sum()])
    observed = _counts(own_places[here], len(atoms))
    pool = observed + _counts(other_places[there], len(atoms))
    both = here & there
    dealt = _dealt(own_places, other_places, here & ~there, there & ~here, len(atoms), n_permutations, rng)
    swapped = _swapped(own_places[both], other_places[both], len(atoms), n_permutations, rng)
    counts = np.vstack([observed, dealt + swapped])
    return Pair(atoms, counts / max(1, here.sum()), (pool - counts) / max(1, there.sum()))


def affordable(n_permutations: int, n_comparisons: int) -> int:
    """Return how often to permute each of so many comparisons: as asked up to 200 of them, then less, down to 99.

    >>> affordable(999, 20), affordable(999, 1000), affordable(999, 5000)
    (999, 200, 99)
    """
    return min(n_permutations, max(_FEWEST_RELABELLINGS, _MOST_RELABELLINGS // max(1, n_comparisons)))


def share_as_large(distances: Floats) -> float:
    """Return (1 + #{relabelled >= observed}) / (1 + n), the observed distance standing first.

    Ties within a rounding error, and that of an iteration, count.
    """
    observed, drawn = distances[0], distances[1:]
    n_as_large = int((drawn >= observed - (1e-9 + 1e-6 * abs(observed))).sum())
    return (1 + n_as_large) / (1 + len(drawn))


def coarse(values: Floats, most: int) -> tuple[Floats, Indices]:
    """Return at most so many rising atoms, and the atom of every value; equal values stay together.

    With more distinct values, those of one quantile are moved to their mean, which moves no mean of all.
    """
    distinct, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= most:
        return distinct, places
    quantiles = _quantiles(counts.astype(np.float64), most)
    return _means(distinct, counts.astype(np.float64), quantiles), quantiles[places]


def gathered(pair: Pair, most: int) -> Pair:
    """Return the same distributions on at most so many atoms, as `coarse` gathers them."""
    if len(pair.atoms) <= most:
        return pair
    pool = pair.left[0] + pair.right[0]
    quantiles = _quantiles(pool, most)
    first = np.flatnonzero(np.diff(quantiles, prepend=-1))
    left, right = (np.add.reduceat(each, first, axis=1) for each in (pair.left, pair.right))
    return Pair(_means(pair.atoms, pool, quantiles), left, right)


def _quantiles(masses: Floats, most: int) -> Indices:
    """Return the quantile of every rising atom, numbered from 0 without gaps, (n_atoms,)."""
    middle = (np.cumsum(masses) - masses / 2) / masses.sum()
    _, quantiles = np.unique(np.minimum(np.floor(middle * most), most - 1), return_inverse=True)
    return quantiles


def _means(atoms: Floats, masses: Floats, quantiles: Indices) -> Floats:
    means: Floats = np.bincount(quantiles, weights=masses * atoms) / np.bincount(quantiles, weights=masses)
    return means


def _dealt(
    own: Indices, other: Indices, own_only: Bools, other_only: Bools, n_atoms: int, n: int, rng: np.random.Generator
) -> Floats:
    """Deal out the speakers who are on one side only; counts of the first side, (n, n_atoms)."""
    pool = _counts(own[own_only], n_atoms) + _counts(other[other_only], n_atoms)
    sizes = int(own_only.sum()), int(other_only.sum())
    # The smaller side is drawn; of two equal ones it is the first speaker's: a comparison and its mirror image agree.
    mirrored = sizes[0] > sizes[1] or (sizes[0] == sizes[1] and bool(other_only[np.argmax(own_only | other_only)]))
    drawn = rng.multivariate_hypergeometric(pool.astype(np.int64), min(sizes), size=n).astype(np.float64)
    return pool - drawn if mirrored else drawn


def _swapped(own: Indices, other: Indices, n_atoms: int, n: int, rng: np.random.Generator) -> Floats:
    """Swap the two numbers of each speaker or not; counts of the first side, (n, n_atoms)."""
    counts = np.tile(_counts(own, n_atoms), (n, 1))
    rows = max(1, _BLOCK_CELLS // max(1, len(own)))
    for start in range(0, n if len(own) else 0, rows):
        row, speaker = np.nonzero(rng.integers(2, size=(min(rows, n - start), len(own)), dtype=np.int8))
        np.add.at(counts, (start + row, other[speaker]), 1)
        np.add.at(counts, (start + row, own[speaker]), -1)
    return counts


def _counts(places: Indices, n_atoms: int) -> Floats:
    return np.bincount(places, minlength=n_atoms).astype(np.float64)
