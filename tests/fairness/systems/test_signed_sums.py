"""Chances of sums with random signs, against all patterns of signs, binomial tails, and random signs."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.fairness.systems import signed_sums as module
from harness.fairness.systems.signed_sums import chance_of_difference, chance_of_sum, detectable_sum, signed_sums


def patterns(n):
    """Return all patterns of n signs."""
    return np.array(list(product([-1, 1], repeat=n)), dtype=np.int64).reshape(2**n, n)


VALUES = [
    pytest.param([], id="nothing"),
    pytest.param([0, 0], id="nothing-changed"),
    pytest.param([3], id="one"),
    pytest.param([1, 1, 1, 1], id="all-rose"),
    pytest.param([-2, -1, -4], id="all-fell"),
    pytest.param([5, -3, 0, 1, 1, -7, 2, 0, 4], id="mixed"),
    pytest.param([40, 1, -1, 1, -1, 1, 1], id="one-outlier"),
    pytest.param([8, 4, 2, 1, -16, 32], id="powers"),
]


@pytest.mark.parametrize("values", VALUES)
def test_every_sum_has_the_share_of_the_patterns_that_give_it(values):
    values = np.array(values, dtype=np.int64)
    sums, counts = np.unique(patterns(len(values)) @ values, return_counts=True)
    chances = signed_sums(values)
    most = int(np.abs(values).sum())
    expected = np.zeros(2 * most + 1)
    expected[sums + most] = counts / counts.sum()
    assert chances == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("values", VALUES)
def test_the_chance_of_a_sum_is_the_share_of_patterns_that_reach_it(values):
    values = np.array(values, dtype=np.int64)
    expected = (patterns(len(values)) @ values >= values.sum()).mean()
    assert chance_of_sum(values) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_the_chance_of_a_difference_is_the_share_of_pairs_of_patterns_that_reach_it(seed):
    rng = np.random.default_rng(seed)
    values, others = rng.integers(-4, 6, 7), rng.integers(-3, 4, 6)
    scale, other_scale = (int(each) for each in rng.integers(1, 60, 2))
    sums = (patterns(7) @ values)[:, None] * other_scale - (patterns(6) @ others)[None, :] * scale
    seen = values.sum() * other_scale - others.sum() * scale
    assert chance_of_difference(values, scale, others, other_scale) == pytest.approx((sums >= seen).mean(), abs=1e-13)


def test_both_directions_together_are_all_and_what_equals_the_sum_twice():
    values = np.array([3, -1, 2, 2, 0, -5, 1])
    chances = signed_sums(values)
    equal = chances[len(chances) // 2 + values.sum()]
    assert chance_of_sum(values) + chance_of_sum(-values) == pytest.approx(1 + equal)


def test_a_difference_to_what_did_not_change_is_the_sum():
    values, still = np.array([2, 1, -1, 3]), np.zeros(5, dtype=np.int64)
    assert chance_of_difference(values, 50, still, 700) == pytest.approx(chance_of_sum(values))


def test_nothing_to_divide_by_has_no_chance():
    assert np.isnan(chance_of_difference(np.array([1]), 0, np.array([1]), 5))


def test_small_chances_are_counted_to_the_last_pattern():
    """No number of random signs that one would wait for could give this."""
    assert chance_of_sum(np.ones(40, dtype=np.int64)) == pytest.approx(2.0**-40, rel=0.01)
    n, risen = 400, 260
    signs = np.where(np.arange(n) < risen, 1, -1)
    assert chance_of_sum(signs) == pytest.approx(stats.binom.sf(risen - 1, n, 0.5), rel=1e-6)


def test_what_would_take_too_long_to_count_is_normal_and_agrees_with_what_is_counted(monkeypatch):
    rng = np.random.default_rng(0)
    values, others = rng.integers(-6, 7, 4000), rng.integers(-6, 7, 9000)
    values[:60], others[:100] = 6, -2
    counted = chance_of_sum(values), chance_of_difference(values, 30_000, others, 70_000)
    monkeypatch.setattr(module, "_MOST_COSINES", 100)
    normal = chance_of_sum(values), chance_of_difference(values, 30_000, others, 70_000)
    assert 1e-4 < counted[0] < 0.2
    assert normal == pytest.approx(counted, rel=0.01)


def test_a_large_corpus_is_within_what_is_counted_or_normal():
    """200,000 utterances of which a fifth changed: neither memory nor hours."""
    rng = np.random.default_rng(1)
    values = rng.integers(-3, 4, 200_000) * (rng.random(200_000) < 0.2)
    assert 0 < chance_of_sum(values) < 1


@pytest.mark.parametrize("n_units", [14, 20, 60, 500])
def test_a_detectable_sum_is_found_as_often_as_it_says_or_more(n_units):
    rng, level = np.random.default_rng(n_units), 1e-3
    noise = 0.2  # a changed word in five units, on average
    (total,) = detectable_sum(np.array([noise * n_units]), np.array([n_units]), np.array([10.0 * n_units]), level=level)
    found = 0
    for _ in range(200):
        changes = rng.choice([-1, 1], n_units) * (rng.random(n_units) < noise)
        changes = changes + np.bincount(rng.integers(n_units, size=round(total)), minlength=n_units)
        found += chance_of_sum(changes) <= level
    assert found / 200 > 0.6


def test_units_that_cannot_show_anything_have_no_detectable_sum():
    few = detectable_sum(np.zeros(2), np.array([9.0, 40.0]), np.array([1000.0, 1000.0]), level=2.0**-10)
    assert np.isnan(few[0])
    assert 10 < few[1] < 30
