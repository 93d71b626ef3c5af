import doctest
import importlib
from itertools import combinations
from math import comb, log

import numpy as np
import pytest
from scipy import stats

from harness.fairness import significance
from harness.fairness.significance import Pool, permutation_p_values, pool_p_values, smallest_permutation_p_value

V1_2 = [12, 7, 30, 4, 22, 9], [100, 80, 150, 60, 90, 120]
SIX = [True, True, True, False, False, False]


def members_of(*rows):
    return np.array(rows, bool).T


def permuted(errors, words, *members, n_permutations=9_999, seed=0):
    found = permutation_p_values(
        np.asarray(errors, float),
        np.asarray(words, float),
        members_of(*members),
        n_permutations=n_permutations,
        seed=seed,
    )
    return found.tolist()


def side_sums(errors, words, chosen):
    """Return rate, variance, one word error and degrees of freedom of some speakers, in plain Python."""
    n, total = len(chosen), sum(words[i] for i in chosen)
    rate = sum(errors[i] for i in chosen) / total
    squares = sum((errors[i] - rate * words[i]) ** 2 for i in chosen)
    return rate, max(n / (n - 1) * squares, 1) / total**2, 1 / total, n - 1


def over_its_error(gap, one, other):
    """Return a gap over its standard error, shrunk where Welch's degrees of freedom are few."""
    (square_a, freedom_a), (square_b, freedom_b) = one, other
    welch = (square_a + square_b) ** 2 / (square_a**2 / freedom_a + square_b**2 / freedom_b)
    return gap / (square_a + square_b) ** 0.5 / (1 + 1.5 / welch)


def studentised(errors, words, chosen):
    others = [i for i in range(len(errors)) if i not in chosen]
    (rate_a, square_a, floor_a, freedom_a), (rate_b, square_b, floor_b, freedom_b) = (
        side_sums(errors, words, side) for side in (chosen, others)
    )
    difference = over_its_error(rate_a - rate_b, (square_a, freedom_a), (square_b, freedom_b))
    centre_a, centre_b = max(rate_a, floor_a), max(rate_b, floor_b)
    logs = over_its_error(
        log(centre_a) - log(centre_b), (square_a / centre_a**2, freedom_a), (square_b / centre_b**2, freedom_b)
    )
    balance = min(len(chosen), len(others)) / max(len(chosen), len(others))
    return balance * difference + (1 - balance) * logs


def raw_gap(errors, words, chosen):
    others = [i for i in range(len(errors)) if i not in chosen]
    rates = (sum(errors[i] for i in side) / sum(words[i] for i in side) for side in (others, chosen))
    return next(rates) - next(rates)


def enumerated(statistic, errors, words, members):
    """Return every arrangement's statistic and the observed one."""
    chosen = [i for i, inside in enumerate(members) if inside]
    every = [statistic(errors, words, list(each)) for each in combinations(range(len(errors)), len(chosen))]
    return np.array(every), statistic(errors, words, chosen)


def equal_tailed(every, observed):
    tails = (every >= observed - 1e-9).mean(), (every <= observed + 1e-9).mean()
    return min(1, 2 * min(tails))


def drawn_speakers(n_speakers, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(30, 150, n_speakers)
    return rng.poisson(0.2 * words * rng.gamma(3, 1 / 3, n_speakers)).tolist(), words.tolist()


def test_v3_1_the_oracle_finds_the_published_p_of_the_raw_gap():
    every, observed = enumerated(raw_gap, *V1_2, SIX)
    assert len(every) == 20
    assert observed == pytest.approx(-0.0188552, abs=5e-8)
    assert (np.abs(every) >= abs(observed) - 1e-12).mean() == pytest.approx(0.7)


def test_v3_1_the_studentised_p_is_that_of_all_20_splits():
    assert permuted(*V1_2, SIX) == pytest.approx([equal_tailed(*enumerated(studentised, *V1_2, SIX))])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [2, 3, 5, 7, 8])
def test_few_speakers_are_enumerated_exactly(seed, size):
    errors, words = drawn_speakers(10, seed)
    members = [i < size for i in range(10)]
    expected = equal_tailed(*enumerated(studentised, errors, words, members))
    assert permuted(errors, words, members) == pytest.approx([expected])


def test_many_speakers_are_sampled_and_agree_with_enumeration():
    errors, words = drawn_speakers(12, 1)
    members = [i < 5 for i in range(12)]
    exact = equal_tailed(*enumerated(studentised, errors, words, members))
    sampled = [permuted(errors, words, members, n_permutations=700, seed=seed)[0] for seed in range(20)]
    assert np.mean(sampled) == pytest.approx(exact, abs=0.02)
    assert len(set(sampled)) > 1


@pytest.mark.parametrize("size", [5, 6])
def test_swapping_the_sides_changes_no_p_value(size):
    errors, words = drawn_speakers(12, 2)
    members = [i < size for i in range(12)]
    others = [not inside for inside in members]
    for n_permutations in (9_999, 200):
        first, second = permuted(errors, words, members, others, n_permutations=n_permutations)
        assert first == second


@pytest.mark.parametrize("n_permutations", [100, 999, 9_999])
@pytest.mark.parametrize("sizes", [(2, 3), (5, 5), (6, 20)])
def test_no_p_value_is_below_what_the_arrangements_allow(sizes, n_permutations):
    errors = [90 + i for i in range(sizes[0])] + [1 + i for i in range(sizes[1])]
    members = [i < sizes[0] for i in range(sum(sizes))]
    found = permuted(errors, [100] * sum(sizes), members, n_permutations=n_permutations)[0]
    arrangements = comb(sum(sizes), sizes[0])
    allowed = 2 / arrangements if arrangements <= n_permutations else 2 / (n_permutations + 1)
    assert found >= allowed * (1 - 1e-12)
    assert found == pytest.approx(allowed) or sizes == (2, 3)
    assert smallest_permutation_p_value(*sizes, n_permutations) == pytest.approx(allowed)
    assert smallest_permutation_p_value(*sizes[::-1], n_permutations) == pytest.approx(allowed)


def test_comparisons_tested_together_get_what_they_get_alone():
    errors, words = drawn_speakers(30, 3)
    rows = [[i < 8 for i in range(30)], [8 <= i < 16 for i in range(30)], [i >= 16 for i in range(30)]]
    together = permuted(errors, words, *rows, n_permutations=500)
    assert together == [permuted(errors, words, row, n_permutations=500)[0] for row in rows]


def test_the_order_of_speakers_changes_no_exact_p_value():
    errors, words = drawn_speakers(9, 4)
    members = [i < 4 for i in range(9)]
    backwards = permuted(errors[::-1], words[::-1], members[::-1])
    assert permuted(errors, words, members) == pytest.approx(backwards)


@pytest.mark.parametrize("errors", [[0] * 10, [7] * 10, [100] * 10], ids=["none-wrong", "all-alike", "all-wrong"])
def test_speakers_who_do_not_differ_show_nothing(errors):
    assert permuted(errors, [100] * 10, [i < 5 for i in range(10)]) == [1.0]


@pytest.mark.parametrize("size", [0, 1, 5, 6])
def test_a_side_of_fewer_than_two_speakers_is_not_tested(size):
    assert np.isnan(permuted([3, 4, 5, 6, 7, 8], [50] * 6, [i < size for i in range(6)])).all()


def test_more_permutations_change_no_p_value_but_by_chance():
    errors, words = drawn_speakers(40, 5)
    members = [i < 15 for i in range(40)]
    few, many = (permuted(errors, words, members, n_permutations=n)[0] for n in (2_000, 40_000))
    assert few == pytest.approx(many, abs=0.04)


def test_false_alarms_come_at_the_stated_level():
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(600):
        words = rng.integers(200, 400, 16)
        errors = rng.poisson(0.2 * words * np.exp(rng.normal(-0.125, 0.5, 16)))
        rejected += permuted(errors, words, [i < 8 for i in range(16)], n_permutations=400)[0] < 0.05
    assert rejected / 600 == pytest.approx(0.05, abs=0.025)


def test_pools_tested_together_get_what_they_get_alone():
    errors, words = (np.array(each, float) for each in drawn_speakers(40, 3))
    members = [np.arange(12), np.arange(5, 25)], [np.arange(20, 40)], [np.arange(3)]
    pools = [
        Pool(errors, words, tuple(members[0])),
        Pool(errors[::-1], words, tuple(members[1])),
        Pool(errors[:9], words[:9], tuple(members[2])),
    ]
    together = pool_p_values(pools, n_permutations=300, seed=5)
    for pool, found in zip(pools, together, strict=True):
        assert found.tolist() == pool_p_values([pool], n_permutations=300, seed=5)[0].tolist()


def test_a_small_slice_of_many_speakers_is_drawn_without_replacement_and_evenly():
    orders = np.concatenate(list(significance._orders(30, 4, 6_000, 0)), axis=1)
    assert orders.shape == (4, 6_000)
    assert all(len(set(column)) == 4 for column in orders.T)
    for place in orders:
        assert stats.chisquare(np.bincount(place, minlength=30)).pvalue > 0.001


def test_more_speakers_than_a_float_has_powers_of_two_have_a_smallest_p_value():
    assert smallest_permutation_p_value(3_000, 3_000, 999) == 2 / 1_000


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.significance")).failed == 0
