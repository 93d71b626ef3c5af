"""Distances between distributions of speaker WERs, against brute force, scipy and POT; relabelling and its p-values."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from harness.fairness.distances import (
    Pair,
    barycentre_distances,
    bernstein_half_width,
    energy_distance_squared,
    hoeffding_half_width,
    mmd_squared,
    mmd_squared_unbiased,
    pair_of,
    quantile_breaks,
    signed_areas,
    sinkhorn_divergence,
    wasserstein,
)
from harness.fairness.kinds.relabelling import coarse, gathered, relabelled, share_as_large

X, Y = [0.05, 0.10, 0.12, 0.20, 0.33], [0.10, 0.18, 0.25, 0.40]
WORDS_X, WORDS_Y = [100, 80, 120, 60, 40], [90, 110, 50, 150]
ABSENT = np.nan


def wers_of(n_speakers, seed, *, mean=0.2):
    """Return WERs in steps of a hundredth: with ties, as measured on few words."""
    return np.round(np.random.default_rng(seed).gamma(3, mean / 3, n_speakers), 2)


def apart(own, other):
    """Return two columns of one number a speaker, NaN who is on the other side."""
    return np.r_[own, np.full(len(other), ABSENT)], np.r_[np.full(len(own), ABSENT), other]


def one(found):
    assert found.shape == (1,)
    return float(found[0])


def test_v2_4():
    pair = pair_of(X, Y)
    assert one(wasserstein(pair)) == pytest.approx(0.0725, abs=1e-12)
    assert one(wasserstein(pair_of(X, Y, left_weights=WORDS_X, right_weights=WORDS_Y))) == pytest.approx(0.12175)
    assert one(energy_distance_squared(pair)) == pytest.approx(0.03815)
    assert one(energy_distance_squared(pair)) ** 0.5 == pytest.approx(0.1953202, abs=5e-8)
    assert one(mmd_squared(pair, bandwidth=0.1)) == pytest.approx(0.0984018, abs=5e-8)
    assert one(mmd_squared_unbiased(pair, 5, 4, bandwidth=0.1)) == pytest.approx(-0.1588393, abs=5e-8)
    assert one(sinkhorn_divergence(pair, regularisation=0.01)) == pytest.approx(0.00555171, abs=5e-9)
    to_barycentre = barycentre_distances([np.array([X]), np.array([Y])], np.array([0.5, 0.5]))
    assert to_barycentre == pytest.approx(np.full((1, 2), 0.03625))


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_those_of_scipy(seed):
    x, y = wers_of(30, seed), wers_of(50, seed + 100, mean=0.3)
    pair = pair_of(x, y)
    assert one(wasserstein(pair)) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-12)
    assert one(energy_distance_squared(pair)) == pytest.approx(stats.energy_distance(x, y) ** 2, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_distances_are_those_of_scipy(seed):
    x, y = wers_of(12, seed), wers_of(20, seed + 100)
    words_x, words_y = (np.random.default_rng(seed).integers(20, 200, len(each)) for each in (x, y))
    pair = pair_of(x, y, left_weights=words_x, right_weights=words_y)
    assert one(wasserstein(pair)) == pytest.approx(stats.wasserstein_distance(x, y, words_x, words_y), abs=1e-12)
    assert one(energy_distance_squared(pair)) == pytest.approx(
        stats.energy_distance(x, y, words_x, words_y) ** 2, abs=1e-12
    )


def test_mmd_is_that_of_a_loop():
    def kernel(a, b):
        return np.array([[np.exp(-((i - j) ** 2) / (2 * 0.1**2)) for j in b] for i in a])

    x, y = wers_of(9, 1), wers_of(14, 2)
    own, other, cross = kernel(x, x), kernel(y, y), kernel(x, y).mean()
    assert one(mmd_squared(pair_of(x, y))) == pytest.approx(own.mean() + other.mean() - 2 * cross, abs=1e-12)
    off = [(each.sum() - np.trace(each)) / (len(each) * (len(each) - 1)) for each in (own, other)]
    assert one(mmd_squared_unbiased(pair_of(x, y), 9, 14)) == pytest.approx(sum(off) - 2 * cross, abs=1e-12)


@pytest.mark.parametrize(("seed", "mean"), [(0, 0.1), (1, 0.2)])
def test_the_sinkhorn_divergence_is_that_of_pot(seed, mean):
    ot = pytest.importorskip("ot")
    x, y = wers_of(15, seed, mean=mean), wers_of(25, seed + 100, mean=mean)

    def cost(a, b):
        solved = ot.solve_sample(a[:, None], b[:, None], reg=0.01, reg_type="KL", max_iter=2_000, tol=1e-7)
        return float(solved.value)

    debiased = cost(x, y) - cost(x, x) / 2 - cost(y, y) / 2
    assert one(sinkhorn_divergence(pair_of(x, y), regularisation=0.01)) == pytest.approx(debiased, abs=1e-8)


@pytest.mark.parametrize(("seed", "mean"), [(0, 0.2), (1, 0.3)])
def test_the_sinkhorn_divergence_is_that_of_plain_updates_of_logarithms(seed, mean):
    x, y = wers_of(15, seed, mean=mean), wers_of(25, seed + 100, mean=mean)

    def cost(a, b):
        closeness = -((a[:, None] - b) ** 2) / 0.01
        g = np.zeros(len(b))
        for _ in range(1_000):
            f = -logsumexp(closeness + g - np.log(len(b)), axis=1)
            g = -logsumexp(closeness.T + f - np.log(len(a)), axis=1)
        return 0.01 * (f.mean() + g.mean())

    debiased = cost(x, y) - cost(x, x) / 2 - cost(y, y) / 2
    assert one(sinkhorn_divergence(pair_of(x, y), regularisation=0.01)) == pytest.approx(debiased, abs=1e-8)


def test_wasserstein_is_that_of_pot():
    ot = pytest.importorskip("ot")
    x, y = wers_of(15, 3), wers_of(25, 4)
    assert one(wasserstein(pair_of(x, y))) == pytest.approx(float(ot.wasserstein_1d(x, y, p=1)), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_signed_parts_add_to_the_distance_and_differ_by_the_gap_of_the_means(seed):
    x, y = wers_of(20, seed), wers_of(30, seed + 50)
    higher, lower = (one(part) for part in signed_areas(pair_of(x, y)))
    assert higher + lower == pytest.approx(one(wasserstein(pair_of(x, y))))
    assert higher - lower == pytest.approx(x.mean() - y.mean())


DISTANCES = [wasserstein, energy_distance_squared, mmd_squared, sinkhorn_divergence]


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_distance_is_symmetric_and_zero_only_between_equals(distance):
    x, y = wers_of(20, 1), wers_of(30, 2, mean=0.3)
    assert one(distance(pair_of(x, y))) == pytest.approx(one(distance(pair_of(y, x))), abs=1e-10)
    assert one(distance(pair_of(x, np.tile(x, 3)))) == pytest.approx(0, abs=1e-10)
    assert one(distance(pair_of(x, y))) > 1e-4


@pytest.mark.parametrize("distance", DISTANCES)
def test_many_labellings_at_once_are_those_one_by_one(distance):
    own, other = apart(wers_of(12, 1), wers_of(20, 2))
    many = relabelled(own, other, n_permutations=20, seed=0)
    singly = [
        one(distance(Pair(many.atoms, many.left[k : k + 1], many.right[k : k + 1]))) for k in range(len(many.left))
    ]
    assert distance(many) == pytest.approx(singly, abs=1e-9)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("worst", [1.5, 40.0])
def test_a_wer_far_above_one_is_a_number(distance, worst):
    found = one(distance(pair_of([*wers_of(20, 1), worst], wers_of(30, 2))))
    assert np.isfinite(found)
    assert found > 0


def test_everyone_alike_is_at_no_distance():
    pair = relabelled(*apart([0.2] * 5, [0.2] * 7), n_permutations=99, seed=0)
    for distance in DISTANCES:
        assert distance(pair) == pytest.approx(np.zeros(100), abs=1e-12)
        assert share_as_large(distance(pair)) == 1


def test_relabelling_keeps_the_sizes_and_the_pool():
    own, other = apart(wers_of(8, 1), wers_of(15, 2))
    pair = relabelled(own, other, n_permutations=50, seed=0)
    counts = pair.left * 8 + pair.right * 15
    assert counts == pytest.approx(np.broadcast_to(counts[0], counts.shape))
    assert pair.left.sum(axis=1) == pytest.approx(np.ones(51))
    assert one(wasserstein(pair.first())) == pytest.approx(one(wasserstein(pair_of(own[:8], other[8:]))))
    assert len({row.tobytes() for row in pair.left}) > 40


def test_relabelling_deals_every_choice_of_speakers_alike():
    """Two of four speakers: six choices; chi-squared on 5 degrees of freedom is below 20.5 with probability .999."""
    own, other = apart([0.1, 0.2], [0.3, 0.4])
    pair = relabelled(own, other, n_permutations=6_000, seed=1)
    _, counts = np.unique(pair.left[1:], axis=0, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 20.5


def test_a_speaker_on_both_sides_keeps_or_swaps_his_own_two_numbers():
    own, other = np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5, 0.6])
    pair = relabelled(own, other, n_permutations=200, seed=0)
    assert (pair.left[:, :3] + pair.left[:, 3:]) == pytest.approx(np.full((201, 3), 1 / 3))
    assert len({row.tobytes() for row in pair.left}) == 8


def test_speakers_on_one_side_and_on_both_are_dealt_apart():
    own, other = np.array([0.1, 0.2, 0.3, ABSENT]), np.array([0.4, ABSENT, ABSENT, 0.5])
    pair = relabelled(own, other, n_permutations=300, seed=0)
    assert pair.atoms.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert (pair.left[:, 0] + pair.left[:, 3]) == pytest.approx(np.full(301, 1 / 3))  # the first speaker's two
    assert pair.left[:, [1, 2, 4]].sum(axis=1) == pytest.approx(np.full(301, 2 / 3))  # two of the three others


@pytest.mark.parametrize("sizes", [(6, 9), (7, 7)])
def test_a_comparison_and_its_mirror_image_have_one_p_value(sizes):
    own, other = apart(wers_of(sizes[0], 1), wers_of(sizes[1], 2))
    here, there = (
        [share_as_large(distance(relabelled(*sides, n_permutations=99, seed=3))) for distance in DISTANCES]
        for sides in ((own, other), (other, own))
    )
    assert here == there


def test_p_values_are_uniform_where_labels_mean_nothing():
    """200 corpora of 6 against 10 speakers; 5 % of p-values are below .05, give or take 3.1 at two sigma."""
    rng = np.random.default_rng(0)
    p_values = []
    for seed in range(200):
        wers = rng.gamma(3, 0.07, 16)
        pair = relabelled(*apart(wers[:6], wers[6:]), n_permutations=99, seed=seed)
        p_values.append([share_as_large(distance(pair)) for distance in DISTANCES])
    shares = (np.array(p_values) <= 0.05).mean(axis=0)
    assert (shares <= 0.1).all(), shares
    assert (np.abs(np.mean(p_values, axis=0) - 0.5) < 0.07).all()


def test_a_planted_distance_is_found_even_between_equal_means():
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0.3, 0.02, 40), rng.normal(0.3, 0.15, 40)
    pair = relabelled(*apart(wide, narrow), n_permutations=199, seed=0)
    assert all(share_as_large(distance(pair)) == 0.005 for distance in DISTANCES)


def test_more_numbers_than_atoms_are_gathered_to_quantiles_with_the_same_mean():
    values = np.random.default_rng(0).gamma(3, 0.07, 5_000)
    atoms, places = coarse(values, 256)
    assert len(atoms) == 256
    assert (np.diff(atoms) > 0).all()
    assert atoms[places].mean() == pytest.approx(values.mean())
    assert np.abs(np.bincount(places) - 5_000 / 256).max() <= 1
    assert np.abs(atoms[places] - values).mean() < 0.001


def test_few_numbers_stay_as_they_are():
    atoms, places = coarse(np.array([0.3, 0.1, 0.3]), 2)
    assert atoms.tolist() == [0.1, 0.3]
    assert places.tolist() == [1, 0, 1]


def test_gathering_hardly_moves_a_distance():
    x, y = (np.random.default_rng(seed).gamma(3, 0.07, 400) for seed in (0, 1))
    full = pair_of(x, y * 1.2)
    few = gathered(full, 64)
    assert len(few.atoms) == 64
    for distance in DISTANCES:
        assert one(distance(few)) == pytest.approx(one(distance(full)), rel=0.1)


def naive_barycentre(samples, shares):
    grid = (np.arange(60_000) + 0.5) / 60_000
    quantiles = [np.quantile(sample, grid, method="inverted_cdf") for sample in samples]
    middle = sum(share * each for share, each in zip(shares, quantiles, strict=True))
    return [np.abs(each - middle).mean() for each in quantiles]


@pytest.mark.parametrize(("most", "tolerance"), [(512, 1e-9), (64, 2e-3)])
def test_distances_to_the_barycentre_are_those_of_a_fine_grid(most, tolerance):
    samples, shares = [wers_of(6, 1), wers_of(10, 2, mean=0.3), wers_of(15, 3)], np.array([0.2, 0.3, 0.5])
    found = barycentre_distances([sample[None] for sample in samples], shares, most_pieces=most)
    assert found[0] == pytest.approx(naive_barycentre(samples, shares), abs=tolerance)


def test_quantile_functions_are_cut_where_any_of_them_steps():
    middles, widths = quantile_breaks([2, 3], 512)
    assert middles == pytest.approx([1 / 6, 5 / 12, 7 / 12, 5 / 6])
    assert widths.sum() == pytest.approx(1)


def test_bounds_are_those_of_the_text():
    n = np.array([100.0, 1000.0])
    assert hoeffding_half_width(n, n_groups=2, delta=0.05) == pytest.approx([0.148, 0.047], abs=5e-4)
    assert bernstein_half_width(n[1:], np.array([0.0114]), n_groups=2, delta=0.05)[0] == pytest.approx(0.023, abs=5e-4)


def test_one_speaker_has_no_bernstein_bound():
    assert np.isnan(bernstein_half_width(np.array([1.0]), np.array([0.1]), n_groups=2, delta=0.05)).all()


def test_the_bounds_hold_in_far_more_than_95_percent_of_skewed_samples():
    rng, kept = np.random.default_rng(0), 0
    for _ in range(300):
        losses = np.minimum(rng.exponential(0.2, 40), 1)
        half = bernstein_half_width(np.array([40.0]), np.array([losses.var(ddof=1)]), n_groups=2, delta=0.05)[0]
        kept += abs(losses.mean() - 0.2 * (1 - np.exp(-5))) <= half
    assert kept == 300
