import doctest
import importlib
from itertools import combinations, product
from math import comb, log

import numpy as np
import pytest

from harness.fairness import Correction
from harness.fairness.significance import (
    adjusted,
    permutation_p_values,
    sign_flip_p_values,
    smallest_permutation_p_value,
    smallest_sign_flip_p_value,
)

V1_2 = [12, 7, 30, 4, 22, 9], [100, 80, 150, 60, 90, 120]
V3_4 = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34]
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


def flips(contributions, **options):
    found = sign_flip_p_values(
        np.asarray(contributions, float)[:, None], **({"n_permutations": 9_999, "seed": 0} | options)
    )
    return float(found[0])


@pytest.mark.parametrize("n_speakers", [2, 3, 8, 12])
def test_few_signs_are_enumerated_exactly(n_speakers):
    contributions = np.random.default_rng(n_speakers).normal(0.4, 1, n_speakers)
    sums = [
        abs(sum(s * c for s, c in zip(signs, contributions, strict=True)))
        for signs in product((1, -1), repeat=n_speakers)
    ]
    exact = np.mean(np.array(sums) >= abs(contributions.sum()) - 1e-12)
    assert flips(contributions) == pytest.approx(exact)


def test_many_signs_are_sampled_and_agree_with_enumeration():
    contributions = np.random.default_rng(1).normal(0.4, 1, 12)
    exact = flips(contributions)
    sampled = [flips(contributions, n_permutations=800, seed=seed) for seed in range(20)]
    assert np.mean(sampled) == pytest.approx(exact, abs=0.02)


def test_no_sign_flip_p_is_below_what_the_signs_allow():
    assert flips([1.0] * 6) == pytest.approx(2 / 2**6)
    assert flips([1.0] * 40, n_permutations=999) == pytest.approx(1 / 1_000)


@pytest.mark.parametrize("n_permutations", [100, 1_023, 1_024, 1_025, 9_999])
@pytest.mark.parametrize("n_speakers", [1, 2, 6, 7, 10, 13, 14, 1_100])
def test_the_smallest_sign_flip_p_is_that_of_speakers_who_all_move_alike(n_speakers, n_permutations):
    found = flips([1.0] * n_speakers, n_permutations=n_permutations)
    smallest = smallest_sign_flip_p_value(n_speakers, n_permutations)
    sampled = 2**n_speakers > n_permutations
    assert smallest == pytest.approx(1 / (n_permutations + 1) if sampled else 2 / 2**n_speakers)
    extreme = n_permutations * 2 / 2**n_speakers  # random signs that are all alike, on average
    assert smallest * (1 - 1e-12) <= found <= smallest * (2 + 4 * extreme if sampled else 1 + 1e-12)


def test_more_speakers_than_a_float_has_powers_of_two_are_tested():
    assert smallest_sign_flip_p_value(5_000, 999) == 1 / 1_000
    assert smallest_permutation_p_value(3_000, 3_000, 999) == 2 / 1_000
    assert flips([1.0, -1.0] * 2_500, n_permutations=100) == 1.0


@pytest.mark.parametrize(
    "contributions", [[0.0] * 6, [0.0] * 30, [0.0, 0.0, 0.3, 0.0]], ids=["six", "thirty", "one-moves"]
)
def test_a_condition_that_moves_at_most_one_speaker_shows_nothing(contributions):
    assert flips(contributions) == 1.0


def test_flipping_all_signs_changes_no_p_value():
    contributions = np.random.default_rng(2).normal(0.4, 1, 10)
    assert flips(contributions) == flips(-contributions)


def test_sign_flips_together_are_those_alone():
    contributions = np.random.default_rng(3).normal(0.2, 1, (20, 3))
    together = sign_flip_p_values(contributions, n_permutations=500, seed=4)
    alone = [flips(column, n_permutations=500, seed=4) for column in contributions.T]
    assert together.tolist() == alone


def test_v3_4_holm_and_benjamini_hochberg():
    holm, fdr = adjusted(V3_4, Correction.holm), adjusted(V3_4, Correction.fdr_bh)
    assert holm.round(10).tolist() == [0.015, 0.112, 0.507, 0.507, 0.507, 0.6, 0.666] + [1.0] * 8
    expected = [0.015, 0.06, 0.126, 0.126, 0.126, 0.15, 0.1585714] + [0.2946429] * 7 + [0.34]
    assert fdr.round(7).tolist() == expected
    assert adjusted(V3_4, Correction.none).tolist() == V3_4


@pytest.mark.parametrize("correction", [Correction.holm, Correction.fdr_bh])
def test_corrections_agree_with_statsmodels(correction):
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is no dependency")
    p_values = np.random.default_rng(0).random(40) ** 3
    expected = multitest.multipletests(p_values, method=correction.value)[1]
    np.testing.assert_allclose(adjusted(p_values, correction), expected, rtol=1e-12)


@pytest.mark.parametrize("correction", list(Correction), ids=lambda c: c.value)
def test_a_correction_ignores_order_keeps_nan_and_never_lowers_a_p_value(correction):
    p_values = np.random.default_rng(1).random(12)
    shuffled = np.random.default_rng(2).permutation(12)
    np.testing.assert_array_equal(adjusted(p_values, correction)[shuffled], adjusted(p_values[shuffled], correction))
    with_gaps = adjusted([np.nan, *p_values, np.nan], correction)
    assert np.isnan(with_gaps[[0, -1]]).all()
    np.testing.assert_array_equal(with_gaps[1:-1], adjusted(p_values, correction))
    assert (adjusted(p_values, correction) >= p_values).all()
    assert adjusted([], correction).tolist() == []


def test_a_correction_changes_no_argument():
    p_values = np.array(V3_4)
    adjusted(p_values, Correction.holm)
    assert p_values.tolist() == V3_4


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.significance")).failed == 0
