import doctest
import importlib
from itertools import combinations

import numpy as np
import pytest

from harness.fairness.multiplicity import adjusted, harmonic, step_down_max_t, strictest_level
from harness.fairness.policy import Correction

# METHODS V3.5: four measurements of two groups of four, and what R's multtest::mt.maxT makes of them.
V3_5 = np.array(
    [
        [1.2, 0.8, 1.5, 1.1, 2.9, 3.1, 2.7, 3.4],
        [0.5, 0.9, 0.4, 1.0, 0.8, 1.4, 1.1, 1.3],
        [2, 1, 3, 2, 2, 3, 1, 2],
        [5, 6, 4, 5, 7, 6, 8, 6],
    ]
)
V3_4 = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34]


def welch(rows, second):
    """Return |Welch's t| of every row, the columns `second` against all others."""
    first = [k for k in range(rows.shape[1]) if k not in second]
    gap = rows[:, second].mean(axis=1) - rows[:, first].mean(axis=1)
    squares = sum(rows[:, side].var(axis=1, ddof=1) / len(side) for side in (first, second))
    return np.abs(gap) / np.sqrt(squares)


@pytest.fixture(scope="module")
def v3_5():
    """Return the observed statistics and those of all 70 arrangements."""
    return welch(V3_5, [4, 5, 6, 7]), np.array([welch(V3_5, list(each)) for each in combinations(range(8), 4)])


def test_v3_5_step_down_max_t_is_that_of_multtest(v3_5):
    observed, drawn = v3_5
    assert observed == pytest.approx([9.028939, 2.273810, 0, 2.781518], abs=5e-7)
    assert (drawn >= observed - 1e-9).mean(axis=0) == pytest.approx([0.0285714, 0.1142857, 1, 0.0857143], abs=5e-8)
    assert step_down_max_t(observed, drawn) == pytest.approx([0.0285714, 0.2857143, 1, 0.1428571], abs=5e-8)


def test_max_t_does_not_depend_on_the_order_of_the_tests(v3_5):
    observed, drawn = v3_5
    order = [2, 0, 3, 1]
    expected = step_down_max_t(observed, drawn)[order]
    assert step_down_max_t(observed[order], drawn[:, order]).tolist() == expected.tolist()


def test_max_t_of_one_test_repeated_corrects_nothing(v3_5):
    observed, drawn = v3_5
    alone = (drawn[:, 3] >= observed[3] - 1e-9).mean()
    repeated = step_down_max_t(np.repeat(observed[3], 5), np.repeat(drawn[:, 3:], 5, axis=1))
    assert repeated == pytest.approx(np.full(5, alone))


def test_max_t_is_between_a_test_alone_and_the_largest_of_all():
    drawn = np.abs(np.random.default_rng(0).normal(size=(2_000, 6)))
    drawn[0] = [2, 4, 0.1, 3, 1, 2.5]
    single = (drawn >= drawn[0]).mean(axis=0)
    single_step = (drawn.max(axis=1)[:, None] >= drawn[0]).mean(axis=0)
    found = step_down_max_t(drawn[0], drawn)
    assert (single <= found).all()
    assert (found <= single_step).all()
    assert found[1] == single_step[1]
    assert found[0] < single_step[0]


def test_v3_4_benjamini_and_yekutieli():
    found = adjusted(V3_4, Correction.fdr_by)
    assert found[:3] == pytest.approx([0.0497734, 0.1990937, 0.4180969], abs=5e-8)


def test_benjamini_and_yekutieli_agrees_with_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(4).random(40) ** 3
    expected = multitest.multipletests(p_values, method="fdr_by")[1]
    np.testing.assert_allclose(adjusted(p_values, Correction.fdr_by), expected, rtol=1e-12)


@pytest.mark.parametrize("correction", list(Correction), ids=lambda each: each.value)
def test_the_strictest_level_is_where_the_smallest_p_value_passes(correction):
    level = strictest_level(7, correction, 0.05)
    below, above = (adjusted([level * factor, *[1.0] * 6], correction)[0] for factor in (0.999, 1.001))
    assert below < 0.05 < above


def test_a_family_without_tests_has_the_level_of_one():
    assert harmonic(0) == harmonic(1) == 1
    assert strictest_level(0, Correction.fdr_by, 0.05) == 0.05


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.multiplicity")).failed == 0
