"""Two distributions of numbers in, how far apart they are out, for one labelling or for many at once.

Distributions stand on a common support: `atoms`, rising, (n_atoms,), and masses of (n, n_atoms) whose rows sum to one,
one row a labelling: all permutations of a test are a few matrix products. The numbers are WERs of speakers, fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.fairness.bootstrap import Floats, divide

MMD_BANDWIDTH = 0.1  # WER; fixed, so that runs compare: the median distance of a run would change with the run
SINKHORN_REGULARISATION = 0.01  # WER squared: blurs differences below 10 points
SINKHORN_LARGEST = 1.5  # WER above the lowest; beyond, exp(-difference^2 / regularisation) leaves the range of numbers
_ITERATIONS_PER_CHECK = 4
_MOST_ITERATIONS = 2_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Holds two distributions on a common support."""

    atoms: Floats  # (n_atoms,) rising
    left: Floats  # (n, n_atoms) rows sum to 1
    right: Floats  # (n, n_atoms)

    def first(self) -> "Pair":
        """Return the first labelling alone."""
        return Pair(self.atoms, self.left[:1], self.right[:1])


def pair_of(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    left_weights: npt.ArrayLike | None = None,
    right_weights: npt.ArrayLike | None = None,
) -> Pair:
    """Put two samples on their common support, each number weighing as much as given, or all alike."""
    samples = [np.asarray(each, np.float64) for each in (left, right)]
    weights = [
        np.ones(len(sample)) if given is None else np.asarray(given, np.float64)
        for sample, given in zip(samples, (left_weights, right_weights), strict=True)
    ]
    atoms, places = np.unique(np.concatenate(samples), return_inverse=True)
    own, other = np.split(places, [len(samples[0])])
    masses = [
        np.bincount(place, weights=weight, minlength=len(atoms))[None] / weight.sum()
        for place, weight in zip((own, other), weights, strict=True)
    ]
    return Pair(atoms, *masses)


def signed_areas(pair: Pair) -> tuple[Floats, Floats]:
    """Return by how much the left distribution lies higher and by how much lower than the right one, (n,) each.

    The integrals of the positive part of F_right - F_left and of F_left - F_right. Their difference is the difference
    of the means, their sum the Wasserstein-1 distance.
    """
    lead = np.cumsum(pair.left - pair.right, axis=1)[:, :-1]  # F_left - F_right between atoms
    steps = np.diff(pair.atoms)
    return np.maximum(-lead, 0) @ steps, np.maximum(lead, 0) @ steps


def wasserstein(pair: Pair) -> Floats:
    """Return the Wasserstein-1 distance, in the units of the atoms, (n,).

    >>> wasserstein(pair_of([0.05, 0.10, 0.12, 0.20, 0.33], [0.10, 0.18, 0.25, 0.40])).round(4).tolist()
    [0.0725]
    """
    higher, lower = signed_areas(pair)
    return higher + lower


def energy_distance_squared(pair: Pair) -> Floats:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'| = 2 times the integral of (F - G)^2, (n,) (Székely and Rizzo 2013)."""
    lead = np.cumsum(pair.left - pair.right, axis=1)[:, :-1]
    area: Floats = 2 * lead**2 @ np.diff(pair.atoms)
    return area


def mmd_squared(pair: Pair, *, bandwidth: float = MMD_BANDWIDTH) -> Floats:
    """Return the squared maximum mean discrepancy of a Gaussian kernel, biased: >= 0, (n,) (Gretton et al. 2012)."""
    difference = pair.left - pair.right
    return _products(difference @ _gaussian(pair.atoms, bandwidth), difference)


def mmd_squared_unbiased(pair: Pair, n_left: int, n_right: int, *, bandwidth: float = MMD_BANDWIDTH) -> Floats:
    """Return its unbiased estimate from unweighted samples of these sizes, which may be negative, (n,)."""
    kernel = _gaussian(pair.atoms, bandwidth)
    smooth = pair.left @ kernel
    own, cross = _products(smooth, pair.left), _products(smooth, pair.right)
    other = _products(pair.right @ kernel, pair.right)
    return (n_left * own - 1) / (n_left - 1) + (n_right * other - 1) / (n_right - 1) - 2 * cross


def sinkhorn_divergence(
    pair: Pair, *, regularisation: float = SINKHORN_REGULARISATION, tolerance: float = 1e-12
) -> Floats:
    """Return the debiased entropic transport cost of squared differences, (n,) >= 0 (Feydy et al. 2019).

    OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2 of the dual values, entropy relative to the product of a and b. Atoms more
    than SINKHORN_LARGEST times sqrt(regularisation / 0.01) above the lowest are moved there: the kernel has no farther.

    Args:
        pair: Two distributions.
        regularisation: In squared units of the atoms, > 0.
        tolerance: Change of a dual value, between iterations, that ends them.
    """
    largest = SINKHORN_LARGEST * np.sqrt(regularisation / SINKHORN_REGULARISATION)
    atoms = np.minimum(pair.atoms, pair.atoms[0] + largest)
    kernel = np.exp(-((atoms[:, None] - atoms) ** 2) / regularisation)
    start = _self_scaling((pair.left[:1] + pair.right[:1]) / 2, kernel, tolerance / regularisation)
    cross = _cross_value(pair, kernel, start, tolerance / regularisation)
    own, other = (
        _self_value(masses, kernel, _self_scaling(masses, kernel, tolerance / regularisation))
        for masses in (pair.left, pair.right)
    )
    return regularisation * (cross - own / 2 - other / 2)


def quantile_breaks(sizes: Sequence[int], most: int) -> tuple[Floats, Floats]:
    """Return where the quantile functions of samples of these sizes are constant: middles and widths, (n_pieces,).

    With more than `most` pieces, as many equal ones instead.
    """
    steps = np.unique(np.concatenate([np.arange(size + 1) / size for size in set(sizes)]))
    breaks = steps[np.concatenate([[True], np.diff(steps) > 1e-12])]
    breaks = breaks if len(breaks) <= most + 1 else np.linspace(0, 1, most + 1)
    return (breaks[1:] + breaks[:-1]) / 2, np.diff(breaks)


def barycentre_distances(samples: Sequence[Floats], shares: Floats, *, most_pieces: int = 512) -> Floats:
    """Return the Wasserstein-1 distance of every group to the barycentre of all, (n, n_groups).

    The quantile function of the barycentre is the mean of the groups' (Chzhen et al. 2020); the unfairness of a
    dimension is the mean of the distances, both weighted by shares.

    Args:
        samples: One a group, each (n, n_in_group): n labellings of the same numbers.
        shares: Of the groups, summing to 1, (n_groups,).
        most_pieces: Of the quantile functions; with more they are read at as many equal steps.
    """
    middles, widths = quantile_breaks([sample.shape[1] for sample in samples], most_pieces)
    quantiles = [
        np.sort(sample, axis=1)[:, np.floor(middles * sample.shape[1]).astype(np.intp)] for sample in samples
    ]  # (n, n_pieces) each
    barycentre = sum(share * each for share, each in zip(shares, quantiles, strict=True))
    return np.stack([np.abs(each - barycentre) @ widths for each in quantiles], axis=1)


def hoeffding_half_width(n_speakers: Floats, *, n_groups: int, delta: float) -> Floats:
    """Return how far a mean of numbers in [0, 1] may lie from the truth, for all groups at once (Hoeffding 1963).

    >>> hoeffding_half_width(np.array([100.0]), n_groups=2, delta=0.05).round(3).tolist()
    [0.148]
    """
    return np.sqrt(divide(np.full_like(n_speakers, np.log(2 * n_groups / delta)), 2 * n_speakers))


def bernstein_half_width(n_speakers: Floats, variances: Floats, *, n_groups: int, delta: float) -> Floats:
    """Return the same from the sample variance (Maurer and Pontil 2009, theorem 4); NaN below two speakers.

    >>> bernstein_half_width(np.array([1000.0]), np.array([0.0114]), n_groups=2, delta=0.05).round(4).tolist()
    [0.0226]
    """
    log = np.log(4 * n_groups / delta)
    return np.sqrt(divide(2 * variances * log, n_speakers)) + divide(
        np.full_like(n_speakers, 7 * log / 3), n_speakers - 1
    )


def _gaussian(atoms: Floats, bandwidth: float) -> Floats:
    kernel: Floats = np.exp(-((atoms[:, None] - atoms) ** 2) / (2 * bandwidth**2))
    return kernel


def _products(left: Floats, right: Floats) -> Floats:
    """Return the inner product of every row with its counterpart, (n,)."""
    inner: Floats = np.einsum("ij,ij->i", left, right)
    return inner


def _self_scaling(masses: Floats, kernel: Floats, tolerance: float) -> Floats:
    """Return exp(f / eps) of the symmetric problem, (n, n_atoms): averaged updates, which halve the error at least."""
    scaling, value = np.ones_like(masses), np.full(len(masses), np.inf)
    for _ in range(0, _MOST_ITERATIONS, _ITERATIONS_PER_CHECK):
        before, value = value, _self_value(masses, kernel, scaling)
        if np.max(np.abs(value - before)) < tolerance:
            break
        for _ in range(_ITERATIONS_PER_CHECK):
            scaling = np.sqrt(scaling / ((scaling * masses) @ kernel))
    return scaling


def _self_value(masses: Floats, kernel: Floats, scaling: Floats) -> Floats:
    """Return the dual value over eps; its error is that of the scaling squared."""
    moved = scaling * masses
    return 2 * _products(masses, np.log(scaling)) - _products(moved @ kernel, moved) + 1


def _cross_value(pair: Pair, kernel: Floats, start: Floats, tolerance: float) -> Floats:
    """Return the dual value over eps between left and right.

    Sinkhorn's updates u = 1 / K b v, after the first few overrelaxed by half: u = u_old^(-1/2) (K b v)^(-3/2). They
    take a quarter of the iterations where speakers spread by .15 (Thibault et al. 2021).
    """
    right = np.repeat(start, len(pair.left), axis=0)  # a relabelled pair is close to twice the pool
    left = 1 / ((right * pair.right) @ kernel)
    right = 1 / ((left * pair.left) @ kernel)
    value = np.full(len(pair.left), np.inf)
    for _ in range(0, _MOST_ITERATIONS, _ITERATIONS_PER_CHECK):
        for _ in range(_ITERATIONS_PER_CHECK):
            reached = (right * pair.right) @ kernel
            left = 1 / (reached * np.sqrt(left * reached))
            reached = (left * pair.left) @ kernel
            right = 1 / (reached * np.sqrt(right * reached))
        moved = _products((left * pair.left) @ kernel, right * pair.right)
        before, value = value, _products(pair.left, np.log(left)) + _products(pair.right, np.log(right)) - moved + 1
        if np.max(np.abs(value - before)) < tolerance:
            break
    return value
