import doctest
import importlib
from math import comb

import numpy as np
import pytest
from scipy import stats

from harness.fairness.gaps import degrees_of_freedom, gaps, overlaps
from harness.fairness.power import (
    LARGEST_GAP,
    POWER,
    Design,
    Group,
    attainable,
    detectable_gap,
    minimum_detectable_gap,
    minimum_detectable_rise,
    power_of_gap,
)
from harness.fairness.significance import permutation_p_values, smallest_permutation_p_value
from tests.fairness.test_gaps import apart


def power_of(gap, standard_error, freedom, alpha):
    """Return the chance that a two-sided t test finds a gap, in its own direction, by scipy's noncentral t."""
    return stats.nct.sf(stats.t.ppf(1 - alpha / 2, freedom), freedom, gap / standard_error)


def gap_of(standard_error, freedom, alpha=0.05, power=POWER):
    found = minimum_detectable_gap(np.array([standard_error]), np.array([float(freedom)]), alpha=alpha, power=power)
    return float(found[0])


def one(number):
    return np.array([float(number)])


def group(n_speakers, speaker_cv=0.533, words=420, dispersion=1.5, inequality=1):
    return Group(*map(one, (n_speakers, words, speaker_cv, dispersion, inequality)))


def design(n_slice, n_comparator, rate=0.2, **options):
    return Design(one(rate), group(n_slice, **options), group(n_comparator, **options))


def found_by(gap, *sizes, alpha=0.05, **options):
    return float(power_of_gap(one(gap), design(*sizes, **options), alpha=alpha)[0])


def smallest(*sizes, alpha=0.05, power=POWER, **options):
    return float(detectable_gap(design(*sizes, **options), alpha=alpha, power=power)[0])


SE = 0.13 * np.sqrt(2 / 20)  # V3.7: two groups of 20, standard deviation .13


def test_the_oracle_gives_the_power_that_r_gives():
    assert power_of(0.08, SE, 38, 0.05) == pytest.approx(0.4748014, abs=1e-6)


def test_v3_7_the_gap_of_a_power_is_the_one_that_r_gives():
    assert gap_of(SE, 38) == pytest.approx(0.1181779, abs=1e-4)  # R's root finder stops at 1e-4
    assert gap_of(SE, 38, power=0.4748014) == pytest.approx(0.08, abs=1e-7)


@pytest.mark.parametrize("n_speakers", [(5, 5), (20, 20), (8, 56), (300, 100)])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_gap_of_a_power_is_the_one_that_statsmodels_gives(n_speakers, power):
    solver = pytest.importorskip("statsmodels.stats.power").TTestIndPower()
    n_a, n_b = n_speakers
    effect = solver.solve_power(nobs1=n_a, ratio=n_b / n_a, alpha=0.05, power=power, alternative="two-sided")
    spread = 0.13 * np.sqrt(1 / n_a + 1 / n_b)
    assert gap_of(spread, n_a + n_b - 2, power=power) == pytest.approx(0.13 * effect, rel=1e-4)  # one tail, not two


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 18, 38, 98, 998, 9998])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.05 / 50])
def test_a_gap_of_that_size_is_found_four_times_in_five(freedom, alpha):
    found = power_of(gap_of(1.0, freedom, alpha), 1.0, freedom, alpha)
    assert found == pytest.approx(POWER, abs=1e-4)  # with one degree of freedom scipy inverts to 2e-5


def test_the_gap_is_proportional_to_the_standard_error():
    assert gap_of(0.4, 20) == pytest.approx(4 * gap_of(0.1, 20), rel=1e-12)


def test_more_speakers_and_a_laxer_level_detect_smaller_gaps():
    assert gap_of(0.1, 4) > gap_of(0.1, 10) > gap_of(0.1, 100)
    assert gap_of(0.1, 10, alpha=0.01) > gap_of(0.1, 10, alpha=0.05)
    assert gap_of(1.0, 1e6) == pytest.approx(stats.norm.ppf(0.975) + stats.norm.ppf(0.8), abs=1e-3)


@pytest.mark.parametrize(
    ("standard_error", "freedom"),
    [
        pytest.param(np.nan, 10, id="no-standard-error"),
        pytest.param(0.1, 0, id="no-freedom"),
        pytest.param(0.1, -1, id="negative-freedom"),
        pytest.param(0.1, np.nan, id="freedom-nan"),
    ],
)
def test_there_is_no_such_gap_without_a_spread_or_freedom(standard_error, freedom):
    assert np.isnan(gap_of(standard_error, freedom))
    rise = minimum_detectable_rise(one(0.2), one(standard_error), one(freedom), alpha=0.05)
    assert np.isnan(rise).all()


def test_a_rise_is_the_gap_of_the_logarithm():
    rise = minimum_detectable_rise(one(0.2), one(0.15), one(30), alpha=0.01)[0]
    assert np.log((0.2 + rise) / 0.2) == pytest.approx(gap_of(0.15, 30, alpha=0.01), rel=1e-12)


@pytest.mark.parametrize(("n_speakers", "expected"), [(20, 0.458), (50, 0.846)])
def test_methods_3_5_the_power_of_two_equal_groups(n_speakers, expected):
    assert found_by(0.08, n_speakers, n_speakers) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("rate", "table"),
    [
        (0.2, {5: 0.195, 10: 0.138, 20: 0.097, 30: 0.080, 50: 0.062, 100: 0.044, 200: 0.031, 500: 0.020}),
        (0.1, {10: 0.071, 20: 0.050, 50: 0.032, 100: 0.022, 500: 0.010}),
    ],
)
def test_methods_3_5_the_table_of_gaps_is_2_8_standard_errors_of_equal_groups(rate, table):
    for n_speakers, expected in table.items():  # of 400 words each
        spread = np.sqrt(2 * group(n_speakers, words=400).variance(one(rate))[0])
        assert gap_of(spread, 1e9) == pytest.approx(expected, abs=5.1e-4)
        assert smallest(n_speakers, n_speakers, rate=rate) > gap_of(spread, 1e9)  # a worse slice varies more


def noncentral(gap, n_a, n_b, rate=0.2, alpha=0.05):
    """Return the power of the test's statistic, in plain Python and by scipy's noncentral t."""
    rates, sizes = (rate + gap, rate), (n_a, n_b)
    squares = [((0.533 * p) ** 2 + 1.5 * p / 420) / n for p, n in zip(rates, sizes, strict=True)]
    logs = [square / p**2 for square, p in zip(squares, rates, strict=True)]
    balance = min(sizes) / max(sizes)
    shift = balance * gap / sum(squares) ** 0.5 + (1 - balance) * np.log(rates[0] / rates[1]) / sum(logs) ** 0.5
    welch = sum(logs) ** 2 / sum(log**2 / (n - 1) for log, n in zip(logs, sizes, strict=True))
    freedom = balance * (n_a + n_b - 2) + (1 - balance) * welch
    return stats.nct.sf(stats.t.ppf(1 - alpha / 2, freedom), freedom, shift)


@pytest.mark.parametrize("sizes", [(20, 20), (8, 56), (56, 8), (200, 30)])
@pytest.mark.parametrize("gap", [0.02, 0.08, 0.2])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_power_is_that_of_a_noncentral_t_on_the_scale_of_the_test(sizes, gap, alpha):
    assert found_by(gap, *sizes, alpha=alpha) == pytest.approx(noncentral(gap, *sizes, alpha=alpha), abs=1e-8)


@pytest.mark.parametrize("sizes", [(7, 7), (20, 20), (8, 56), (56, 8), (500, 500), (30, 5_000)])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 40])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_detectable_gap_is_the_smallest_that_is_found(sizes, alpha, power):
    gap = smallest(*sizes, alpha=alpha, power=power)
    if np.isnan(gap):
        assert found_by(LARGEST_GAP, *sizes, alpha=alpha) < power
        return
    assert found_by(gap, *sizes, alpha=alpha) == pytest.approx(power, abs=1e-6)
    assert found_by(0.99 * gap, *sizes, alpha=alpha) < power


def test_a_gap_that_cannot_be_missed_is_found_for_certain():
    gaps_asked = np.linspace(0.05, LARGEST_GAP, 400)
    many = np.full_like(gaps_asked, 2_000)
    same = Group(many, many, *(np.full_like(many, each) for each in (0.3, 1, 1)))
    found = power_of_gap(gaps_asked, Design(np.full_like(many, 0.15), same, same), alpha=0.05)
    assert (np.diff(found) > -1e-12).all()
    assert found[-1] == 1


def test_speakers_help_more_than_words_do():
    once, words, speakers = (
        smallest(*sizes, words=words) for sizes, words in (((40, 40), 400), ((40, 40), 4_000), ((80, 80), 400))
    )
    assert speakers < 0.75 * once
    assert 0.93 * once < words < once


def test_speakers_who_say_unequally_much_count_for_fewer():
    assert smallest(40, 40, inequality=2, dispersion=1e-9) == pytest.approx(
        smallest(40, 40, speaker_cv=0.533 * 2**0.5, dispersion=1e-9), rel=1e-6
    )


@pytest.mark.parametrize("sizes", [(0, 10), (1, 10), (10, 1), (2, 2), (3, 3)])
def test_too_few_speakers_find_nothing(sizes):
    assert found_by(1.9, *sizes) == 0
    assert np.isnan(smallest(*sizes))


@pytest.mark.parametrize("sizes", [(2, 3), (3, 3), (4, 4), (5, 5), (2, 40), (6, 9)])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
def test_a_level_is_attainable_when_there_are_arrangements_enough(sizes, alpha):
    smallest_p = smallest_permutation_p_value(*sizes, comb(sum(sizes), sizes[0]))
    assert attainable(*map(one, sizes), alpha=alpha).tolist() == [smallest_p < alpha]


def simulated_sides(sizes, rates, seed):
    """Return two sides of speakers with log-normal rates and bursts of errors, as in benchmarks/calibration.py."""
    rng = np.random.default_rng(seed)
    of_speaker = np.repeat(rates, sizes) * np.exp(rng.normal(-0.125, 0.5, sum(sizes)))
    words = rng.integers(5, 20, (sum(sizes), 30))
    errors = rng.poisson(of_speaker[:, None] * words * rng.gamma(2, 0.5, words.shape)).sum(axis=1)
    return errors, words.sum(axis=1)


def printed_rise(sizes, rate, seed):
    """Return what a corpus without a gap says it would have found."""
    errors, words = simulated_sides(sizes, (rate, rate), seed)
    sides = apart(errors[: sizes[0]], words[: sizes[0]], errors[sizes[0] :], words[sizes[0] :])
    measured, pooled = gaps(*sides), errors.sum() / words.sum()
    freedom = degrees_of_freedom(measured, overlaps(*sides))
    return minimum_detectable_rise(one(pooled), measured.log_ratio_standard_error, freedom, alpha=0.05)[0]


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "rate"), [((10, 10), 0.2), ((20, 20), 0.2), ((8, 56), 0.11)], ids=str)
def test_a_gap_of_the_size_that_is_printed_is_found_about_four_times_in_five(sizes, rate):
    gap = np.median([printed_rise(sizes, rate, seed) for seed in range(300)])
    members = np.repeat([True, False], sizes)[:, None]
    found = 0
    for seed in range(300):
        errors, words = (np.asarray(each, float) for each in simulated_sides(sizes, (rate + gap, rate), 1_000 + seed))
        found += permutation_p_values(errors, words, members, n_permutations=999, seed=seed)[0] < 0.05
    assert found / 300 == pytest.approx(0.8, abs=0.08)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.power")).failed == 0
