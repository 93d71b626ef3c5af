"""Largest gaps and worst slices of two systems, against loops and corpora whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from harness.fairness.bootstrap import resample_weights
from harness.fairness.pairs import Side, pairs_of
from harness.fairness.systems.extremes import ExtremeDifference, extremes


def systems(seed, wers=((0.2, 0.3, 0.25), (0.2, 0.3, 0.4)), n_speakers=8, own=0.3):
    """Return words and two systems' errors, each (n_speakers of all slices, n_slices)."""
    rng = np.random.default_rng(seed)
    column = np.repeat(np.eye(len(wers[0])), n_speakers, axis=0)
    words = rng.integers(200, 400, len(column))
    voice = rng.normal(0, 0.4, len(column))
    errors = [
        rng.poisson(
            column @ np.array(wer) * np.exp(voice + rng.normal(0, own, len(column)) - (0.16 + own**2) / 2) * words
        )
        for wer in wers
    ]
    return [each[:, None] * column for each in (words, *errors)]


def compared(words, baseline, candidate, *, n_resamples=300, seed=0):
    present = words > 0
    weights = resample_weights(len(words), n_resamples, np.random.default_rng(seed))
    pairs = pairs_of(Side(candidate, words, present), Side(baseline, words, present))
    return extremes(pairs, weights=weights), weights


def looped(words, baseline, candidate, weights, statistic):
    """Return the observed values of both systems and the differences of every resample, in plain loops."""

    def value(errors, counts):
        rates = [
            (counts @ errors[:, k]) / (counts @ words[:, k]) for k in range(words.shape[1]) if counts @ words[:, k] > 0
        ]
        return statistic(rates)

    observed = [value(each, np.ones(len(words))) for each in (baseline, candidate)]
    drawn = [value(candidate, row) - value(baseline, row) for block in weights for row in block]
    return observed, np.array(drawn)


@pytest.mark.parametrize("seed", range(3))
def test_values_and_standard_errors_are_those_of_plain_loops(seed):
    words, baseline, candidate = systems(seed)
    found, weights = compared(words, baseline, candidate)
    for measure, statistic in ((found.max_gap, lambda rates: max(rates) - min(rates)), (found.worst_slice, max)):
        observed, drawn = looped(words, baseline, candidate, weights, statistic)
        assert (measure.baseline, measure.candidate) == pytest.approx(tuple(observed))
        assert measure.standard_error == pytest.approx(drawn.std(ddof=1))
        seen = drawn.mean() - (observed[1] - observed[0])
        assert measure.bias == pytest.approx((1 + 2**0.5) * seen)


def test_the_slices_at_the_ends_are_named_for_each_system():
    words = np.full((4, 3), 100.0)
    baseline, candidate = np.tile([10.0, 20, 30], (4, 1)), np.tile([40.0, 20, 10], (4, 1))
    found, _ = compared(words, baseline, candidate)
    assert (found.worst, found.best) == ((2, 0), (0, 2))
    assert (found.max_gap.baseline, found.max_gap.candidate) == pytest.approx((0.2, 0.3))
    assert (found.worst_slice.baseline, found.worst_slice.candidate) == pytest.approx((0.3, 0.4))
    assert found.max_gap.freedom == 2  # 4 speakers in 2 slices
    assert found.worst_slice.n_speakers == 4


def test_swapping_the_systems_negates_every_difference():
    words, baseline, candidate = systems(5)
    there, back = (compared(words, *each)[0] for each in ((baseline, candidate), (candidate, baseline)))
    for one, other in ((there.max_gap, back.max_gap), (there.worst_slice, back.worst_slice)):
        assert one.difference == -other.difference
        assert one.p_value == pytest.approx(other.p_value)
        assert one.interval(0.95).low == pytest.approx(-other.interval(0.95).high)


def test_a_system_against_itself_differs_in_nothing():
    words, baseline, _ = systems(1)
    found, _ = compared(words, baseline, baseline)
    for measure in (found.max_gap, found.worst_slice):
        assert (measure.difference, measure.p_value) == (0, 1)
        interval = measure.interval(0.95)
        assert -0.01 < interval.low < 0 < interval.high < 0.01, "one word error is always possible"


@pytest.mark.parametrize(
    ("bias", "low", "high", "from_zero"),
    [
        pytest.param(0.0, 0.10, 0.10, 0.10, id="none"),
        pytest.param(0.04, 0.06, 0.10, 0.06, id="made-it-larger"),
        pytest.param(-0.04, 0.10, 0.14, 0.10, id="made-it-smaller"),
        pytest.param(0.15, -0.05, 0.10, 0.0, id="made-all-of-it"),
    ],
)
def test_the_interval_holds_every_estimate_and_the_test_takes_the_nearest_to_zero(bias, low, high, from_zero):
    measure = ExtremeDifference(0.1, 0.2, bias, 0.02, 12, 10)
    half = stats.t.ppf(0.975, 10) * 0.02
    interval = measure.interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low - half, high + half))
    assert measure.p_value == pytest.approx(2 * stats.t.sf(from_zero / 0.02, 10))


@pytest.mark.parametrize("bias", [0.0, 0.03, -0.03])
def test_p_is_below_the_level_where_the_interval_leaves_out_zero(bias):
    for difference in (0.02, 0.06, 0.08, 0.2):
        measure = ExtremeDifference(0.1, 0.1 + difference, bias, 0.02, 12, 10)
        interval = measure.interval(0.95)
        assert (measure.p_value < 0.05) == (interval.low > 0 or interval.high < 0)


def test_slices_that_vanish_from_a_resample_are_no_end_of_it():
    words, baseline, candidate = systems(2, n_speakers=2)
    found, weights = compared(words, baseline, candidate, n_resamples=2_000)
    assert any((row @ words == 0).any() for block in weights for row in block)
    assert np.isfinite([found.max_gap.standard_error, found.max_gap.bias, found.max_gap.p_value]).all()


@pytest.mark.parametrize(
    ("wers", "most"),
    [
        pytest.param(((0.2,) * 6,) * 2, 0.07, id="equal-systems-equal-slices"),
        pytest.param(((0.1, 0.2, 0.3),) * 2, 0.07, id="equal-systems-unequal-slices"),
        pytest.param(((0.1,) * 4, (0.2,) * 4), 0.1, id="twice-the-errors-but-no-gap"),
    ],
)
def test_systems_with_the_same_gap_are_seldom_told_apart(wers, most):
    alarms = [compared(*systems(seed, wers), n_resamples=200)[0].max_gap.p_value < 0.05 for seed in range(100)]
    assert np.mean(alarms) <= most


def test_a_gap_that_doubles_is_found():
    wers = ((0.1, 0.2), (0.1, 0.4))
    found = [compared(*systems(seed, wers, n_speakers=20), n_resamples=200)[0] for seed in range(40)]
    assert np.mean([each.max_gap.p_value < 0.05 for each in found]) > 0.8
    assert np.mean([each.worst_slice.p_value < 0.05 for each in found]) > 0.8
    covered = [each.max_gap.interval(0.95).low <= 0.2 <= each.max_gap.interval(0.95).high for each in found]
    assert np.mean(covered) > 0.85
