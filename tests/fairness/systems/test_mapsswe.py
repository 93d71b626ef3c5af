import doctest

import numpy as np
import pytest
from scipy import stats

from harness.fairness.paired import COMPARISON_COLUMNS
from harness.fairness.systems import mapsswe as module
from harness.fairness.systems.mapsswe import mapsswe, mapsswe_row

V3_2 = [1, 1, 0]  # SCTK's fixture test1a
V3_3 = [-2] * 2 + [-1] * 11 + [0] * 3  # its run on sctk/*.trn


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("differences", "n_segments", "mean", "deviation", "z"),
    [
        pytest.param(V3_2, 3, 0.667, 0.577, 2.000, id="v3.2"),
        pytest.param(V3_3, 16, -0.938, 0.574, -6.536, id="v3.3"),
    ],
)
def test_z_is_what_nist_sctk_prints(differences, n_segments, mean, deviation, z):
    test = mapsswe(differences)
    assert test.n_segments == n_segments
    assert test.mean == pytest.approx(mean, abs=5.1e-4)  # SCTK rounds -0.9375 away from zero
    assert test.standard_error * n_segments**0.5 == pytest.approx(deviation, abs=5e-4)
    assert test.z == pytest.approx(z, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_z_is_the_one_sample_t_statistic_and_p_the_normal_s(seed):
    differences = np.random.default_rng(seed).integers(-3, 4, 200)
    test = mapsswe(differences)
    expected = stats.ttest_1samp(differences, 0).statistic
    assert test.z == pytest.approx(expected)
    assert test.p_value == pytest.approx(2 * stats.norm.sf(abs(expected)))
    low, high = stats.norm.interval(0.95, loc=differences.mean(), scale=stats.sem(differences))
    assert (test.interval(0.95).low, test.interval(0.95).high) == pytest.approx((low, high))


def test_swapping_the_systems_changes_only_the_sign():
    there, back = mapsswe(V3_3), mapsswe(-np.array(V3_3))
    assert (there.z, there.p_value) == (-back.z, back.p_value)


@pytest.mark.parametrize(
    ("differences", "p_value", "note"),
    [
        pytest.param([0, 0, 0], 1.0, "", id="no-difference"),
        pytest.param([0], 1.0, "", id="one-segment-without-difference"),
        pytest.param([], None, "0 segments with an error: no test", id="no-segment"),
        pytest.param([2], None, "1 segment with an error: no test", id="one-segment"),
        pytest.param([1, 1, 1], None, "all 3 segments have one difference", id="no-spread"),
    ],
)
def test_where_there_is_no_test_the_note_says_why(differences, p_value, note):
    test = mapsswe(differences)
    assert test.note.startswith(note)
    assert (p_value is None and np.isnan([test.p_value, test.z]).all()) or test.p_value == p_value


def test_the_row_has_errors_a_segment_and_is_judged_by_nobody():
    baseline = np.array([3, 2] + [1] * 14)
    table = mapsswe_row(baseline, baseline + np.array(V3_3), alpha=0.05)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    (row,) = table.to_dict("records")
    assert (row["measure"], row["dimension"], row["slice"]) == ("mapsswe", "overall", "all")
    assert row["candidate"] - row["baseline"] == pytest.approx(row["difference"]) == pytest.approx(-15 / 16)
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(6.536), rel=0.01)
    assert np.isnan(row["p_adjusted"])
    assert row["verdict"] == "not_judged"
    assert row["reason"].startswith("errors a segment; 16 segments, Z -6.536, two-sided normal p; its unit is the seg")


def test_a_row_without_a_test_says_why():
    (row,) = mapsswe_row([], [], alpha=0.05).to_dict("records")
    assert np.isnan([row[name] for name in ("baseline", "candidate", "difference", "p_value")]).all()
    assert "0 segments with an error: no test" in row["reason"]
