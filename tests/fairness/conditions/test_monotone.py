"""Monotone curves and where they cross: scipy's pool of adjacent violators, cases by hand, curves beyond it."""

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from harness.fairness.conditions.monotone import crossings, rising, steadiness


def test_the_curve_is_scipy_s_isotonic_regression_weighted_by_words():
    rng = np.random.default_rng(0)
    for n_levels in (1, 2, 5, 20):
        words = rng.integers(1, 50, (30, n_levels)).astype(float)
        errors = rng.poisson(words * 0.3 * np.linspace(1, 2, n_levels))
        expected = [isotonic_regression(e / w, weights=w).x for e, w in zip(errors, words, strict=True)]
        assert rising(errors.astype(float), words) == pytest.approx(np.array(expected))


def test_every_curve_of_a_table_is_the_one_it_has_alone():
    rng = np.random.default_rng(1)
    errors, words = rng.poisson(4, (3, 4, 6)).astype(float), rng.integers(5, 20, (3, 4, 6)).astype(float)
    assert np.array_equal(rising(errors, words)[2, 1], rising(errors[2, 1], words[2, 1]))


@pytest.mark.parametrize(
    ("curve", "wer", "crossing"),
    [
        pytest.param([0.1, 0.2, 0.4], 0.3, 7.5, id="between-levels"),
        pytest.param([0.1, 0.2, 0.4], 0.2, 5.0, id="at-a-level"),
        pytest.param([0.1, 0.2, 0.4], 0.5, np.inf, id="never-above"),
        pytest.param([0.1, 0.2, 0.4], 0.4, np.inf, id="at-most-it-at-the-harshest"),
        pytest.param([0.1, 0.2, 0.4], 0.05, -np.inf, id="always-above"),
        pytest.param([0.1, 0.2, 0.2], 0.2, np.inf, id="flat-at-the-wer"),
        pytest.param([0.2, 0.2, 0.4], 0.2, 5.0, id="the-harshest-level-of-a-plateau"),
        pytest.param([0.1, np.nan, 0.4], 0.2, np.nan, id="not-known"),
    ],
)
def test_a_crossing_is_the_harshest_level_at_most_the_wer(curve, wer, crossing):
    found = crossings(np.array(curve), np.array([0.0, 5, 10]), wer)
    assert found.item() == pytest.approx(crossing, nan_ok=True)


def test_steadiness_is_the_share_that_a_rising_curve_explains():
    words = np.full(4, 10.0)
    assert steadiness(np.array([1.0, 2, 3, 4]), words) == 1
    assert steadiness(np.array([4.0, 3, 2, 1]), words) == pytest.approx(0)
    assert steadiness(np.array([2.0, 2, 2, 2]), words) == 1
    assert steadiness(np.array([1.0, 9, 1, 1]), words) < 0.5
