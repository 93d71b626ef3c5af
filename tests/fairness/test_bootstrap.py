import doctest
import importlib
from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.fairness import bootstrap
from harness.fairness.bootstrap import (
    BOOTSTRAP_SPEAKERS,
    LOW_SUPPORT_SPEAKERS,
    enough_err,
    pivot_quantiles,
    rate_intervals,
    ratio_estimate,
    resample_weights,
    t_quantile,
    weighted_ratio,
)

V1_1 = np.array([2.0, 5, 9]), np.array([20.0, 30, 40])
V1_2 = np.array([12.0, 7, 30, 4, 22, 9]), np.array([100.0, 80, 150, 60, 90, 120])


def one_slice(errors, words):
    return np.asarray(errors, float)[:, None], np.asarray(words, float)[:, None], np.ones((len(errors), 1), bool)


def every_resample(n_speakers):
    """Return how often each speaker is drawn in each of the n^n equally likely resamples."""
    draws = np.array(list(product(range(n_speakers), repeat=n_speakers)))
    return np.stack([(draws == speaker).sum(axis=1) for speaker in range(n_speakers)], axis=1).astype(float)


def interval_of(errors, words, *, confidence=0.95, seed=0, n_resamples=2_000):
    weights = resample_weights(len(errors), n_resamples, np.random.default_rng(seed))
    return rate_intervals(*one_slice(errors, words), weights=weights, confidence=confidence)[0]


def linearised(errors, words):
    """Return rate and standard error by Cochran's formula, a speaker at a time."""
    n, total = len(errors), sum(words)
    rate = sum(errors) / total
    squares = sum((e - rate * w) ** 2 for e, w in zip(errors, words, strict=True))
    return rate, max((n / (n - 1) * squares) ** 0.5 / total, 1 / total)


def differing(n_speakers, seed=0):
    rng = np.random.default_rng(seed)
    words = rng.integers(50, 200, n_speakers)
    return rng.poisson(0.2 * words * rng.gamma(4, 0.25, n_speakers)).astype(float), words.astype(float)


def test_v1_1_rate_and_linearised_standard_error():
    estimate = ratio_estimate(*one_slice(*V1_1))
    assert estimate.rate[0] == 8 / 45
    assert estimate.standard_error[0] == pytest.approx(0.0336066, abs=5e-8)
    assert (estimate.words[0], estimate.n_speakers[0]) == (90, 3)


def test_v1_1_all_27_resamples_have_the_exact_distribution():
    rates = weighted_ratio(every_resample(3), *one_slice(*V1_1)).rate[:, 0]
    atoms = {"1/10": 1, "9/70": 3, "3/20": 3, "13/80": 3, "1/6": 1, "8/45": 6, "19/100": 3, "1/5": 3, "23/110": 3}
    expected = Counter({float(Fraction(atom)): count for atom, count in (atoms | {"9/40": 1}).items()})
    assert Counter(rates.tolist()) == expected
    assert rates.mean() == pytest.approx(0.1732896, abs=5e-8)
    assert rates.std() == pytest.approx(0.0291922, abs=5e-8)
    assert np.quantile(rates, [0.025, 0.5, 0.975]) == pytest.approx([0.1185714, 0.1777778, 0.2146591], abs=5e-8)


def test_v1_2_rate_standard_error_and_all_46656_resamples():
    estimate = ratio_estimate(*one_slice(*V1_2))
    assert estimate.rate[0] == pytest.approx(0.14, abs=1e-15)
    assert estimate.standard_error[0] == pytest.approx(0.0300666, abs=5e-8)
    rates = weighted_ratio(every_resample(6), *one_slice(*V1_2)).rate[:, 0]
    assert rates.std() == pytest.approx(0.0275827, abs=5e-8)
    assert (rates < 0.14 - 1e-12).mean() == pytest.approx(0.5016289, abs=5e-8)
    assert np.quantile(rates, [0.025, 0.975]) == pytest.approx([0.0833333, 0.1916667], abs=5e-8)


def test_v1_2_jackknife_acceleration_and_the_bca_interval():
    """BCa is not used (it covers no better with few speakers); the parts of it that the vector gives are."""
    errors, words, present = one_slice(*V1_2)
    left_out = weighted_ratio(1 - np.eye(6), errors, words, present).rate[:, 0]
    away = left_out.mean() - left_out
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    assert acceleration == pytest.approx(0.0329285, abs=5e-8)
    rates = weighted_ratio(every_resample(6), errors, words, present).rate[:, 0]
    shift = stats.norm.ppf(((rates < 0.14 - 1e-12).mean() + (rates <= 0.14 + 1e-12).mean()) / 2)
    ends = shift + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(rates, stats.norm.cdf(shift + ends / (1 - acceleration * ends)))
    assert (low, high) == pytest.approx((0.0860, 0.19565), abs=1e-3)  # scipy's, from 200,000 random resamples


def test_v1_2_leaving_out_each_speaker_gives_the_published_acceleration():
    left_out = weighted_ratio(1 - np.eye(6), *one_slice(*V1_2)).rate[:, 0]
    influence = left_out.mean() - left_out
    assert (influence**3).sum() / (6 * (influence**2).sum() ** 1.5) == pytest.approx(0.0329285, abs=5e-8)


def test_v1_2_scipy_draws_the_same_percentile_interval():
    errors, words = V1_2
    found = stats.bootstrap(
        (errors, words),
        lambda e, w, axis: e.sum(axis=axis) / w.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=50_000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    rates = weighted_ratio(every_resample(6), *one_slice(*V1_2)).rate[:, 0]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])), abs=0.001)


def test_v1_2_random_resamples_have_the_moments_of_all_of_them():
    weights = resample_weights(6, 40_000, np.random.default_rng(1))
    rates = np.concatenate([weighted_ratio(block, *one_slice(*V1_2)).rate[:, 0] for block in weights])
    exact = weighted_ratio(every_resample(6), *one_slice(*V1_2)).rate[:, 0]
    assert rates.mean() == pytest.approx(exact.mean(), abs=4 * 0.0276 / 200)  # four standard errors
    assert rates.std() == pytest.approx(exact.std(), rel=0.02)


def test_every_resample_draws_as_many_speakers_as_there_are():
    blocks = list(resample_weights(7, 500, np.random.default_rng(0)))
    counts = np.concatenate(blocks)
    assert counts.shape == (500, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert (counts == np.round(counts)).all()
    assert counts.var(axis=0).mean() == pytest.approx(7 * 1 / 7 * 6 / 7, rel=0.1)  # multinomial


def test_weights_are_the_same_every_time_and_however_they_are_cut(monkeypatch):
    weights = resample_weights(11, 100, np.random.default_rng(3))
    whole = np.concatenate(list(weights))
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", 37)
    cut = list(weights)
    assert len(cut) > 30
    np.testing.assert_array_equal(np.concatenate(cut), whole)


def test_weighting_equals_repeating_speakers_in_a_loop():
    errors, words = differing(12)
    block = np.concatenate(list(resample_weights(12, 50, np.random.default_rng(0))))
    vectorised = weighted_ratio(block, *one_slice(errors, words))
    for row, times in enumerate(block.astype(int)):
        rate, standard_error = linearised(np.repeat(errors, times), np.repeat(words, times))
        assert vectorised.rate[row, 0] == pytest.approx(rate, rel=1e-12)
        assert vectorised.standard_error[row, 0] == pytest.approx(standard_error, rel=1e-9)


@pytest.mark.parametrize("n_speakers", [2, 3, 5, 9])
def test_few_speakers_get_the_t_interval_of_the_logarithm(n_speakers):
    errors, words = differing(n_speakers)
    rate, standard_error = linearised(errors, words)
    factor = np.exp(stats.t.ppf(0.975, n_speakers - 1) * standard_error / rate)
    interval = interval_of(errors, words)
    assert (interval.low, interval.high) == pytest.approx((rate / factor, rate * factor), rel=1e-9)


@pytest.mark.parametrize("n_speakers", [10, 25])
@pytest.mark.parametrize("confidence", [0.95, 0.9])
def test_ten_speakers_get_a_bootstrap_t_equal_to_a_loop(n_speakers, confidence):
    errors, words = differing(n_speakers)
    rate, standard_error = linearised(errors, words)
    pivots = []
    for block in resample_weights(n_speakers, 300, np.random.default_rng(5)):
        for times in block.astype(int):
            star, spread = linearised(np.repeat(errors, times), np.repeat(words, times))
            pivots.append((star - rate) / spread)
    lower, upper = np.quantile(pivots, [(1 - confidence) / 2, (1 + confidence) / 2])
    interval = interval_of(errors, words, confidence=confidence, seed=5, n_resamples=300)
    expected = max(0, rate - upper * standard_error), rate - lower * standard_error
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_erring", "expected"), [(0, False), (1, False), (9, False), (10, True), (12, True)])
def test_a_bootstrap_t_needs_ten_speakers_who_err(n_erring, expected):
    errors = np.array([*range(1, n_erring + 1), *[0] * (14 - n_erring)])
    columns = one_slice(errors, np.full(14, 100))
    assert enough_err(ratio_estimate(*columns), np.array([n_erring])).tolist() == [expected]


@pytest.mark.parametrize("errors", [[1, *[0] * 11], [9, 4, 5, 2, 7, 3, 8, 1, 6, 0, 0, 0]], ids=["one-errs", "nine-err"])
def test_twelve_speakers_of_whom_few_err_get_the_t_interval_of_the_logarithm(errors):
    words = [100] * 12
    rate, standard_error = linearised(errors, words)
    factor = np.exp(stats.t.ppf(0.975, 11) * standard_error / rate)
    interval = interval_of(errors, words)
    assert (interval.low, interval.high) == pytest.approx((rate / factor, rate * factor), rel=1e-9)
    assert interval.low > 0


def test_a_word_less_moves_the_interval_of_a_single_error_by_little():
    errors = [1, *[0] * 11]
    whole = interval_of(errors, [100] * 12)
    for position in (0, 11):  # who errs, who does not
        words = [100] * 12
        words[position] = 99
        less = interval_of(errors, words)
        assert (less.low, less.high) == pytest.approx((whole.low, whole.high), rel=0.02)
    assert whole.high > stats.chi2.ppf(0.975, 4) / 2 / 1_200  # the exact Poisson limit of one error


def test_slices_resampled_together_get_the_intervals_they_get_alone():
    errors, words = np.stack([differing(15, seed)[0] for seed in range(3)], 1), np.full((15, 3), 120.0)
    present = np.ones((15, 3), bool)
    weights = resample_weights(15, 200, np.random.default_rng(0))
    together = rate_intervals(errors, words, present, weights=weights, confidence=0.95)
    for k, interval in enumerate(together):
        column = np.s_[:, k : k + 1]
        alone = rate_intervals(errors[column], words[column], present[column], weights=weights, confidence=0.95)
        assert (alone[0].low, alone[0].high) == pytest.approx((interval.low, interval.high), rel=1e-12)


def test_twice_the_words_of_the_same_speakers_make_no_interval_narrower():
    errors, words = differing(12)
    once, twice = interval_of(errors, words), interval_of(2 * errors, 2 * words)
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high), rel=1e-12)


@pytest.mark.parametrize("n_speakers", [2, 5, 9, 10, 30])
@pytest.mark.parametrize(
    "wer",
    [
        pytest.param(0.0, id="none-wrong"),
        pytest.param(0.2, id="all-alike"),
        pytest.param(1.0, id="all-wrong"),
        pytest.param(1.5, id="more-wrong-than-said"),
    ],
)
def test_no_interval_has_zero_width(n_speakers, wer):
    interval = interval_of(np.full(n_speakers, 40 * wer), np.full(n_speakers, 40))
    assert interval.low <= wer < interval.high
    assert interval.high - interval.low >= 1 / (40 * n_speakers)
    assert (interval.low < wer) or wer == 0


def test_no_errors_are_bounded_by_what_one_error_would_show():
    interval = interval_of(np.zeros(10), np.full(10, 40))
    assert interval.low == 0
    assert interval.high == pytest.approx(np.exp(stats.t.ppf(0.975, 9)) / 400)


@pytest.mark.parametrize(
    ("errors", "words", "note"),
    [
        pytest.param([3], [20], "1 speaker: no interval", id="one-speaker"),
        pytest.param([0, 0, 0], [0, 0, 0], "no reference words: no rate", id="no-words"),
        pytest.param([2, 1], [0, 0], "no reference words: no rate", id="insertions-without-words"),
    ],
)
def test_there_is_no_interval_without_evidence_and_the_note_says_why(errors, words, note):
    interval = interval_of(errors, words)
    assert np.isnan([interval.low, interval.high]).all()
    assert interval.note == note


@pytest.mark.parametrize(("n_speakers", "marked"), [(2, True), (4, True), (5, False), (10, False)])
def test_few_speakers_are_marked(n_speakers, marked):
    interval = interval_of(*differing(n_speakers))
    assert interval.note == (f"low_support: interval from {n_speakers} speakers" if marked else "")
    assert (LOW_SUPPORT_SPEAKERS, BOOTSTRAP_SPEAKERS) == (5, 10)


def test_a_wer_above_one_is_not_cut_and_a_lower_bound_is_never_negative():
    interval = interval_of([90, 200, 100, 5, 150, 80, 120, 100, 140, 3], [80] * 10)
    assert interval.high > 1
    heavy = interval_of([1] * 9 + [300], [100] * 10)
    estimate = ratio_estimate(*one_slice([1] * 9 + [300], [100] * 10))
    assert enough_err(estimate, np.array([10])).all()
    assert (heavy.low, heavy.high > 1) == (0, True)  # rate less the quantile of the pivots would be negative


def test_a_speaker_outside_the_slice_changes_no_estimate():
    errors, words, present = one_slice(*V1_2)
    padded = np.vstack([errors, [[0.0]]]), np.vstack([words, [[0.0]]]), np.vstack([present, [[False]]])
    alone, beside = ratio_estimate(errors, words, present), ratio_estimate(*padded)
    assert (alone.rate[0], alone.standard_error[0]) == (beside.rate[0], beside.standard_error[0])
    assert beside.n_speakers[0] == 6


def test_resamples_without_a_spread_are_left_out_of_the_quantiles():
    lower, upper = pivot_quantiles(np.array([[-1.0], [np.nan], [0.0], [1.0]]), 0.5)
    assert (lower[0], upper[0]) == (-0.5, 0.5)


def test_t_quantiles_are_those_of_scipy_and_nan_below_one_degree_of_freedom():
    freedom = np.array([1.0, 2.5, 9, 1e5])
    np.testing.assert_allclose(t_quantile(freedom, 0.95), stats.t.ppf(0.975, freedom), rtol=1e-9)
    assert np.isnan(t_quantile(np.array([0.0, -1, np.nan]), 0.95)).all()


def test_resamples_that_memory_cannot_hold_together_are_drawn_again_for_the_next_slices(monkeypatch):
    errors, words = np.stack([differing(15, seed)[0] for seed in range(5)], 1), np.full((15, 5), 120.0)
    weights = resample_weights(15, 200, np.random.default_rng(0))
    whole = rate_intervals(errors, words, words > 0, weights=weights, confidence=0.95)
    monkeypatch.setattr(bootstrap, "_PIVOT_CELLS", 500)
    assert len(bootstrap.chunks(np.arange(5), 200)) == 2
    assert rate_intervals(errors, words, words > 0, weights=weights, confidence=0.95) == whole


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.bootstrap")).failed == 0
