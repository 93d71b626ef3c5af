import doctest
import importlib

import numpy as np
import pytest
from scipy import stats

from harness.fairness.power import POWER, minimum_detectable_gap


def power_of(gap, standard_error, freedom, alpha):
    """Return the chance that a two-sided t test finds a gap, in its own direction, by scipy's noncentral t."""
    return stats.nct.sf(stats.t.ppf(1 - alpha / 2, freedom), freedom, gap / standard_error)


def gap_of(standard_error, freedom, alpha=0.05):
    found = minimum_detectable_gap(np.array([standard_error]), np.array([float(freedom)]), alpha=alpha)
    return float(found[0])


SE = 0.13 * np.sqrt(2 / 20)  # V3.7: two groups of 20, standard deviation .13


def test_the_oracle_gives_the_power_that_r_gives():
    assert power_of(0.08, SE, 38, 0.05) == pytest.approx(0.4748014, abs=1e-6)


def test_the_gap_of_80_percent_power_is_the_one_that_r_gives():
    assert gap_of(SE, 38) == pytest.approx(0.1181779, abs=1e-4)  # R's root finder stops at 1e-4


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


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.power")).failed == 0
