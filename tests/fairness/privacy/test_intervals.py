"""Intervals: probabilities against integrals and draws, ends against a textbook, and what is left where nobody is."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import laplace, norm

from harness.fairness.privacy import ReleaseMethod
from harness.fairness.privacy.intervals import (
    NoisySums,
    Spread,
    _chance_below,
    _sampling_variance,
    chance_of_laplace_and_normal,
    expected_errors,
    intervals,
    rates,
)


def sums_of(above, below, *, above_error=1.0, below_error=1.0, method=ReleaseMethod.laplace, highest=0.5) -> NoisySums:
    return NoisySums(method, np.array(above, float), np.array(below, float), above_error, below_error, highest)


def told(squares: list[float]) -> Spread:
    return Spread(np.array(squares), np.zeros(len(squares)), 0.5, -1.0)


@pytest.mark.parametrize(("scale", "deviation"), [(1, 1), (0.1, 2), (3, 0.01), (1e-9, 1), (5, 1e-6)])
@pytest.mark.parametrize("distance", [-4.0, -0.3, 0.0, 0.7, 6.0])
def test_the_sum_of_laplace_and_normal_has_the_chance_that_integration_gives(distance, scale, deviation):
    found = chance_of_laplace_and_normal(np.array([distance]), np.array([scale]), np.array([deviation]))[0]
    near = distance / deviation + np.array([-1, 1]) * 40 * scale / deviation  # where the Laplace part changes
    points = sorted({float(each) for each in np.clip([*near, distance / deviation], -9.9, 9.9)})

    def integrand(x: float) -> float:
        return float(laplace.cdf(distance - deviation * x, scale=scale) * norm.pdf(x))

    edges = [-10.0, *points, 10.0]
    expected = sum(quad(integrand, low, high, limit=200)[0] for low, high in pairwise(edges))
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("above_error", "below_error"), [(1, 1), (1, 5), (1, 10), (2, 0)])
def test_two_laplace_noises_and_sampling_have_the_chance_that_draws_give(above_error, below_error):
    rng, n_draws = np.random.default_rng(0), 200_000
    first, second = (rng.laplace(0, error / np.sqrt(2), n_draws) for error in (above_error, 0.2 * below_error))
    drawn = first - second + rng.normal(0, 0.5, n_draws)
    sums = sums_of([0], [0], above_error=above_error, below_error=below_error)
    for distance in (-2.0, 0.1, 1.5):
        found = _chance_below(np.array([[distance]]), sums, np.array([[0.2]]), np.array([[0.5]]))[0, 0]
        assert found == pytest.approx(np.mean(drawn <= distance), abs=5 * 0.5 / np.sqrt(n_draws))


def test_intervals_of_gaussian_noise_without_noise_below_are_the_textbooks():
    sums = sums_of([20.0], [100.0], below_error=0.0, method=ReleaseMethod.gaussian)
    low, high = intervals(sums, told([3.0]), confidence=0.95)
    half = norm.ppf(0.975) * np.sqrt(3 + 1) / 100
    assert [low[0], high[0]] == pytest.approx([0.2 - half, 0.2 + half], abs=2e-4)
    assert low[0] <= 0.2 - half
    assert high[0] >= 0.2 + half


def test_more_noise_more_sampling_and_more_confidence_widen_an_interval():
    def width(*, error: float = 1.0, squares: float = 3.0, confidence: float = 0.95) -> float:
        low, high = intervals(sums_of([20.0], [100.0], above_error=error), told([squares]), confidence=confidence)
        return float(high[0] - low[0])

    assert width() < min(width(error=2), width(squares=20), width(confidence=0.99))


def test_sampling_is_never_taken_for_more_than_rates_within_the_cap_can_have():
    within = intervals(sums_of([20.0], [100.0]), told([np.inf]), confidence=0.95)
    most = intervals(sums_of([20.0], [100.0]), told([101 * 0.5**2 / 4]), confidence=0.95)
    assert within[0] >= most[0]
    assert within[1] <= most[1]


def test_intervals_allow_for_the_noise_in_what_tells_how_speakers_differ():
    def width(error: float, *, squares: float = 0.0, below_error: float = 0.0) -> float:
        spread = Spread(np.array([squares]), np.array([error]), 0.5, -1.0)
        sums = sums_of([2.0], [10.0], above_error=0.01, below_error=below_error, method=ReleaseMethod.gaussian)
        low, high = intervals(sums, spread, confidence=0.95)
        return float(high[0] - low[0])

    assert width(0.4) == pytest.approx(width(0.0, squares=0.4))
    assert width(0.4) > 3 * width(0.0)


def test_the_bound_on_sampling_allows_for_more_people_than_the_noisy_number():
    few = sums_of([0.4], [2.0], above_error=0.01, below_error=0.01, method=ReleaseMethod.gaussian)
    unsure = sums_of([0.4], [2.0], above_error=0.01, below_error=2.0, method=ReleaseMethod.gaussian)
    rate = np.array([[0.2]])
    variances = [_sampling_variance(sums, told([np.inf]), rate)[0, 0] for sums in (few, unsure)]
    assert variances == pytest.approx([2.01 * 0.2 * 0.3, 4 * 0.2 * 0.3])


@pytest.mark.parametrize("below", [0.0, -3.0])
def test_where_the_noise_says_nobody_is_there_nothing_is_told(below):
    sums = sums_of([1.0], [below], above_error=5.0, below_error=5.0)
    assert np.isnan(rates(sums)[0])
    assert expected_errors(sums)[0] == 0.5
    low, high = intervals(sums, told([np.inf]), confidence=0.95)
    assert (low[0], high[0]) == (0.0, 0.5)


def test_noise_beyond_its_limits_leaves_everything_open():
    low, high = intervals(sums_of([-1e6], [100.0]), told([1.0]), confidence=0.95)
    assert (low[0], high[0]) == (0.0, 0.5)


def test_rates_stay_between_0_and_the_highest():
    assert rates(sums_of([-5.0, 5.0, 90.0], [100.0] * 3)).tolist() == [0.0, 0.05, 0.5]


def test_an_expected_error_allows_for_there_being_fewer_than_the_noisy_number():
    sums = sums_of([20.0], [100.0], above_error=3.0, below_error=4.0)
    assert expected_errors(sums)[0] == pytest.approx(np.hypot(3, 0.2 * 4) / 92)
    public = sums_of([20.0], [100.0], above_error=3.0, below_error=0.0)
    assert expected_errors(public)[0] == pytest.approx(0.03)
