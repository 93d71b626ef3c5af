"""FAAS: the vectors of the text, and the defects that keep it from being evidence."""

import numpy as np
import pytest

from harness.fairness.kinds.faas import adjusted_score, category_score, faas, overall_score, raw_scores


def test_v2_2_of_one_category():
    assert raw_scores([0.10, 0.12, 0.20]) == pytest.approx([100, 80, 0])
    assert category_score([0.10, 0.12, 0.20], [0.5, 0.3, 0.2]) == pytest.approx(74)


@pytest.mark.parametrize(("score", "wer", "expected"), [(50, 0.2, 23.97940), (40, 0.25, 22.04120), (80, 0.1, 29.03090)])
def test_v2_2_of_a_score(score, wer, expected):
    assert faas(score, wer) == pytest.approx(expected, abs=5e-6)


def test_v2_2_of_two_categories():
    adjusted = [adjusted_score(62, 0.02), adjusted_score(50, 0.3)]
    assert adjusted == pytest.approx([24.8, 50])
    assert overall_score(adjusted) == pytest.approx(37.4)
    assert overall_score(adjusted, [1, 3]) == pytest.approx((24.8 + 150) / 4)
    assert faas(37.4, 0.15) == pytest.approx(23.96780, abs=5e-6)


def test_shares_need_not_sum_to_one():
    assert category_score([0.10, 0.12, 0.20], [50, 30, 20]) == pytest.approx(74)


def test_defect_a_the_size_of_the_gap_is_thrown_away():
    assert category_score([0.100, 0.101], [1, 1]) == category_score([0.10, 0.40], [1, 1]) == 50


def test_defect_b_a_small_p_value_punishes_who_measured_more():
    assert faas(adjusted_score(50, 1e-10), 0.2) == pytest.approx(-63.0, abs=0.05)


def test_without_a_test_the_score_stays():
    assert adjusted_score(62, np.nan) == 62


@pytest.mark.parametrize(("score", "wer"), [(0, 0.2), (np.nan, 0.2), (50, 0), (50, np.nan)])
def test_there_is_no_logarithm_of_nothing(score, wer):
    assert np.isnan(faas(score, wer))


def test_slices_that_are_all_equal_have_no_score():
    assert np.isnan(raw_scores([0.2, 0.2])).all()
    assert np.isnan(category_score([0.2, 0.2], [1, 1]))
