import numpy as np
import pytest
from scipy import stats

from harness.fairness.bootstrap import rate_intervals, ratio_estimate, resample_weights
from harness.fairness.gaps import Side, degrees_of_freedom, gap_intervals, gaps, overlaps, ratio_intervals


def side_of(errors, words):
    """Return a side of one comparison; a speaker without words is not on it."""
    errors, words = (np.asarray(each, float)[:, None] for each in (errors, words))
    return Side(errors, words, words > 0)


def apart(errors_a, words_a, errors_b, words_b):
    """Return both sides of speakers who are on one side only."""
    zeros_a, zeros_b = np.zeros(len(errors_a)), np.zeros(len(errors_b))
    return side_of([*errors_a, *zeros_b], [*words_a, *zeros_b]), side_of([*zeros_a, *errors_b], [*zeros_a, *words_b])


def simulated_side(n_speakers, wer, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(50, 200, n_speakers)
    return rng.poisson(wer * words * rng.gamma(4, 0.25, n_speakers)), words


def apart_of(n_a, n_b, wers=(0.25, 0.15), seed=0):
    return apart(*simulated_side(n_a, wers[0], seed), *simulated_side(n_b, wers[1], seed + 1))


def both_of(n_speakers, wers=(0.25, 0.15), seed=0):
    """Return two sides with the same speakers, who err alike on both."""
    rng = np.random.default_rng(seed)
    words = rng.integers(50, 200, (2, n_speakers))
    rates = rng.gamma(4, 0.25, n_speakers)
    return tuple(side_of(rng.poisson(wer * each * rates), each) for wer, each in zip(wers, words, strict=True))


def interval_of(slices, comparators, *, confidence=0.95, n_resamples=300):
    weights = resample_weights(len(slices.errors), n_resamples, np.random.default_rng(2))
    found = gap_intervals(slices, comparators, weights=weights, confidences=[confidence])[0][0]
    return found.low, found.high


def estimate_of(side):
    found = ratio_estimate(side.errors, side.words, side.present)
    return float(found.rate[0]), float(found.standard_error[0])


def influences(a, b):
    """Return METHODS' joint influence of every speaker on the gap."""
    rate_a, rate_b = a.errors.sum() / a.words.sum(), b.errors.sum() / b.words.sum()
    shares_a = (a.errors - rate_a * a.words) / a.words.sum()
    return (shares_a - (b.errors - rate_b * b.words) / b.words.sum())[:, 0]


def test_gap_and_ratio_are_those_of_the_pooled_rates():
    measured = gaps(*apart([10, 20], [100, 100], [5, 10], [100, 50]))
    assert measured.gap[0] == pytest.approx(0.15 - 0.1)
    assert measured.ratio[0] == pytest.approx(1.5)


V3_6 = [12, 15, 11, 18, 14, 13, 16, 17], [13, 16, 12, 15, 17, 14, 18, 15, 16]  # errors in 100 words each


def test_v3_6_gap_and_standard_error_give_the_two_one_sided_tests_of_r():
    x, y = V3_6
    measured = gaps(*apart(x, [100] * 8, y, [100] * 9))
    gap, error = float(measured.gap[0]), float(measured.standard_error[0])
    spreads = [np.std(side, ddof=1) / 100 / len(side) ** 0.5 for side in V3_6]
    freedom = np.hypot(*spreads) ** 4 / (spreads[0] ** 4 / 7 + spreads[1] ** 4 / 8)
    lower, upper = stats.t.sf((gap + 0.04) / error, freedom), stats.t.cdf((gap - 0.04) / error, freedom)
    assert (lower, upper) == pytest.approx((0.0037150811, 0.0004199103), abs=5e-11)
    assert stats.t.interval(0.9, freedom, gap, error) == pytest.approx((-0.0250915, 0.0128693), abs=5e-8)
    assert 2 * stats.t.sf(abs(gap) / error, freedom) == pytest.approx(0.5785, abs=5e-5)


def test_v3_6_the_equivalence_interval_in_use_is_within_a_fifth_of_a_point_of_it():
    x, y = V3_6
    interval = interval_of(*apart(x, [100] * 8, y, [100] * 9), confidence=0.9)
    assert interval == pytest.approx((-0.0250915, 0.0128693), abs=0.002)


def test_errors_of_distinct_speakers_add_and_freedom_is_welchs_of_the_log_ratio():
    a, b = apart_of(8, 14)
    (rate_a, spread_a), (rate_b, spread_b) = estimate_of(a), estimate_of(b)
    measured = gaps(a, b)
    assert measured.standard_error[0] == pytest.approx(np.hypot(spread_a, spread_b), rel=1e-12)
    log_a, log_b = spread_a / rate_a, spread_b / rate_b
    welch = (log_a**2 + log_b**2) ** 2 / (log_a**4 / 7 + log_b**4 / 13)
    assert degrees_of_freedom(measured, overlaps(a, b))[0] == pytest.approx(welch, rel=1e-12)


def test_v3_6_two_one_sided_tests_rest_on_the_linearised_standard_error():
    x, y = [12, 15, 11, 18, 14, 13, 16, 17], [13, 16, 12, 15, 17, 14, 18, 15, 16]
    measured = gaps(*apart(x, [100] * 8, y, [100] * 9))
    gap, spread = measured.gap[0], measured.standard_error[0]
    a, b = measured.slices.standard_error[0], measured.comparators.standard_error[0]
    freedom = (a**2 + b**2) ** 2 / (a**4 / 7 + b**4 / 8)
    lower, upper = stats.t.sf((gap + 0.04) / spread, freedom), stats.t.cdf((gap - 0.04) / spread, freedom)
    assert (lower, upper) == pytest.approx((0.0037150811, 0.0004199103), abs=5e-11)
    half = stats.t.ppf(0.95, freedom) * spread
    assert (gap - half, gap + half) == pytest.approx((-0.0250915, 0.0128693), abs=5e-8)
    assert 2 * stats.t.sf(abs(gap) / spread, freedom) == pytest.approx(0.5785, abs=5e-5)


def test_speakers_on_both_sides_are_carried_jointly():
    a, b = both_of(12)
    joint = np.sqrt(12 / 11 * (influences(a, b) ** 2).sum())
    measured = gaps(a, b)
    assert measured.standard_error[0] == pytest.approx(joint, rel=1e-9)
    assert joint < 0.8 * np.hypot(estimate_of(a)[1], estimate_of(b)[1])  # who errs alike on both tells more
    assert degrees_of_freedom(measured, overlaps(a, b))[0] == 11


def test_partly_shared_speakers_lie_between_apart_and_joint():
    errors, words = [12, 7, 30, 4, 22, 9, 14, 3], [100, 80, 150, 60, 90, 120, 100, 70]
    a = side_of([*errors[:6], 0, 0], [*words[:6], 0, 0])
    b = side_of([0, 0, *errors[2:]], [0, 0, *words[2:]])
    assert overlaps(a, b).tolist() == [True]
    (rate_a, spread_a), (rate_b, spread_b) = estimate_of(a), estimate_of(b)
    shared = np.s_[2:6]
    residual_a = (a.errors - rate_a * a.words)[shared] / a.words.sum()
    residual_b = (b.errors - rate_b * b.words)[shared] / b.words.sum()
    covariance = 6 / 5 * float((residual_a * residual_b).sum())
    expected = np.sqrt(spread_a**2 + spread_b**2 - 2 * covariance)
    assert gaps(a, b).standard_error[0] == pytest.approx(expected, rel=1e-9)


def test_speakers_apart_do_not_overlap():
    assert overlaps(*apart_of(3, 4)).tolist() == [False]


def test_few_distinct_speakers_get_movers_limits():
    a, b = apart_of(4, 7)
    (rate_a, spread_a), (rate_b, spread_b) = estimate_of(a), estimate_of(b)
    factor_a = np.exp(stats.t.ppf(0.975, 3) * spread_a / rate_a)
    factor_b = np.exp(stats.t.ppf(0.975, 6) * spread_b / rate_b)
    low = rate_a - rate_b - np.hypot(rate_a - rate_a / factor_a, rate_b * factor_b - rate_b)
    high = rate_a - rate_b + np.hypot(rate_a * factor_a - rate_a, rate_b - rate_b / factor_b)
    assert interval_of(a, b) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize(
    "sides",
    [
        pytest.param(apart_of(12, 15), id="both-resampled"),
        pytest.param(apart_of(9, 30), id="one-resampled"),
        pytest.param(apart(*simulated_side(20, 0.25, 0), [1, *[0] * 11], [100] * 12), id="few-err"),
    ],
)
@pytest.mark.parametrize("confidence", [0.95, 0.9])
def test_each_side_lends_the_limits_of_its_own_rate(sides, confidence):
    weights = resample_weights(len(sides[0].errors), 300, np.random.default_rng(2))
    (rate_a, own_a), (rate_b, own_b) = (
        (estimate_of(side)[0], rate_intervals(*_arrays(side), weights=weights, confidence=confidence)[0])
        for side in sides
    )
    low = rate_a - rate_b - np.hypot(rate_a - own_a.low, own_b.high - rate_b)
    high = rate_a - rate_b + np.hypot(own_a.high - rate_a, rate_b - own_b.low)
    assert interval_of(*sides, confidence=confidence) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("n_speakers", [6, 14])
def test_shared_speakers_get_the_t_interval_of_the_joint_linearisation(n_speakers):
    a, b = both_of(n_speakers)
    measured = gaps(a, b)
    half = stats.t.ppf(0.975, n_speakers - 1) * measured.standard_error[0]
    assert interval_of(a, b) == pytest.approx((measured.gap[0] - half, measured.gap[0] + half), rel=1e-9)


def test_a_few_shared_speakers_correlate_the_two_rates():
    errors, words = simulated_side(8, 0.2, 0)
    a = side_of([*errors[:5], 0, 0, 0], [*words[:5], 0, 0, 0])
    b = side_of([0, 0, 0, *errors[3:]], [0, 0, 0, *words[3:]])
    (rate_a, spread_a), (rate_b, spread_b) = estimate_of(a), estimate_of(b)
    spread = gaps(a, b).standard_error[0]
    correlation = (spread_a**2 + spread_b**2 - spread**2) / (2 * spread_a * spread_b)
    assert abs(correlation) > 0.01
    up_b = rate_b * (np.exp(stats.t.ppf(0.975, 4) * spread_b / rate_b) - 1)
    down_a = rate_a * (1 - np.exp(-stats.t.ppf(0.975, 4) * spread_a / rate_a))
    low = rate_a - rate_b - np.sqrt(down_a**2 + up_b**2 - 2 * correlation * down_a * up_b)
    assert interval_of(a, b)[0] == pytest.approx(low, rel=1e-9)


def _arrays(side):
    return side.errors, side.words, side.present


@pytest.mark.parametrize(
    "sides",
    [apart_of(4, 6), apart_of(12, 15), both_of(5), both_of(12)],
    ids=["apart-few", "apart", "both-few", "both"],
)
def test_swapping_slice_and_comparator_negates_the_gap_and_inverts_the_ratio(sides):
    a, b = sides
    low, high = interval_of(a, b)
    assert interval_of(b, a) == pytest.approx((-high, -low), rel=1e-9)
    ratio, inverse = (ratio_intervals(*pair, confidence=0.95)[0] for pair in ((a, b), (b, a)))
    assert (inverse.low, inverse.high) == pytest.approx((1 / ratio.high, 1 / ratio.low), rel=1e-9)


def test_the_ratio_interval_is_t_on_the_logarithm():
    a, b = apart_of(8, 14)
    (rate_a, spread_a), (rate_b, spread_b) = estimate_of(a), estimate_of(b)
    freedom = degrees_of_freedom(gaps(a, b), overlaps(a, b))[0]
    factor = np.exp(stats.t.ppf(0.975, freedom) * np.hypot(spread_a / rate_a, spread_b / rate_b))
    found = ratio_intervals(a, b, confidence=0.95)[0]
    assert (found.low, found.high) == pytest.approx((rate_a / rate_b / factor, rate_a / rate_b * factor), rel=1e-9)


def test_the_ratio_interval_of_speakers_on_both_sides_is_joint():
    a, b = both_of(12)
    rate_a, rate_b = a.errors.sum() / a.words.sum(), b.errors.sum() / b.words.sum()
    shares = (a.errors - rate_a * a.words) / a.errors.sum() - (b.errors - rate_b * b.words) / b.errors.sum()
    factor = np.exp(stats.t.ppf(0.975, 11) * np.sqrt(12 / 11 * (shares**2).sum()))
    found = ratio_intervals(a, b, confidence=0.95)[0]
    assert (found.low, found.high) == pytest.approx((rate_a / rate_b / factor, rate_a / rate_b * factor), rel=1e-9)


@pytest.mark.parametrize("n_speakers", [5, 12])
@pytest.mark.parametrize("errors", [0, 8, 40], ids=["none-wrong", "all-alike", "all-wrong"])
def test_no_gap_interval_has_zero_width(n_speakers, errors):
    alike = [errors] * n_speakers, [40] * n_speakers
    for sides in (apart(*alike, *alike), (side_of(*alike), side_of(*alike))):
        low, high = interval_of(*sides)
        assert low < 0 < high
        assert high - low >= 1 / (40 * n_speakers)


@pytest.mark.parametrize("n_speakers", [5, 12])
def test_a_condition_that_changes_nothing_still_leaves_doubt(n_speakers):
    errors, words = simulated_side(n_speakers, 0.2, 3)
    sides = side_of(errors, words), side_of(errors, words)
    low, high = interval_of(*sides)
    assert low < 0 < high
    ratio = ratio_intervals(*sides, confidence=0.95)[0]
    assert ratio.low < 1 < ratio.high


def test_a_comparator_without_errors_has_a_gap_but_no_ratio():
    a, b = apart([10, 20, 5, 9, 11], [100] * 5, [0] * 5, [100] * 5)
    measured = gaps(a, b)
    assert measured.gap[0] == pytest.approx(0.11)
    assert np.isnan(measured.ratio[0])
    ratio = ratio_intervals(a, b, confidence=0.95)[0]
    assert np.isnan([ratio.low, ratio.high]).all()
    low, high = interval_of(a, b)
    assert low < 0.11 < high


def test_a_slice_without_errors_has_a_ratio_from_zero_to_what_one_error_would_show():
    ratio = ratio_intervals(*apart([0] * 5, [100] * 5, [10, 20, 5, 9, 11], [100] * 5), confidence=0.95)[0]
    assert ratio.low == 0
    assert 1 / 500 / 0.11 < ratio.high < np.inf


@pytest.mark.parametrize(
    "sides",
    [
        pytest.param(apart([3], [20], [5, 9, 4], [50, 50, 50]), id="one-speaker"),
        pytest.param(apart([], [], [5, 9, 4], [50, 50, 50]), id="nobody"),
    ],
)
def test_a_side_of_one_speaker_has_no_interval(sides):
    assert np.isnan(interval_of(*sides)).all()
    ratio = ratio_intervals(*sides, confidence=0.95)[0]
    assert np.isnan([ratio.low, ratio.high]).all()
