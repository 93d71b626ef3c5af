"""Planning: what the noise will do before it is spent, and how the cost is split."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.fairness.privacy import (
    Caps,
    PrivacyOptions,
    ReleaseMethod,
    Statistic,
    expected_error,
    plan_release,
    speakers_needed,
)
from harness.fairness.privacy.expected import ABOVE, BELOW, SPREAD, noises
from harness.fairness.privacy.intervals import NoisySums, expected_errors

ONE = {"accent": ("us",)}
TWO = {"accent": ("us",), "gender": ("f", "m")}


@pytest.mark.parametrize("method", [ReleaseMethod.laplace, ReleaseMethod.gaussian])
@pytest.mark.parametrize("statistic", [Statistic.ratio_of_sums, Statistic.mean_of_speakers])
def test_no_other_split_within_a_dimension_has_a_smaller_expected_error(statistic, method):
    options = PrivacyOptions(statistic=statistic, method=method, spread_share=0)
    least = expected_error(100, options, dimensions=ONE)
    parts = noises(options, ONE)["accent"]
    above, below = parts[ABOVE], parts[BELOW]
    total = above.mechanism.loss + below.mechanism.loss
    power = 1 if method is ReleaseMethod.laplace else 0.5
    per_speaker = 1 if statistic is Statistic.mean_of_speakers else options.caps.words
    for share in np.linspace(0.05, 0.95, 19):
        error = above.error * (above.mechanism.loss / (total * share)) ** power
        other = below.error * (below.mechanism.loss / (total * (1 - share))) ** power
        assert np.hypot(error, options.expected_wer * other) / (100 * per_speaker) >= least * (1 - 1e-9)


def test_errors_measured_in_simulations_are_what_is_expected():
    def expected(n_speakers: int, epsilon: float, **more: object) -> float:
        options = PrivacyOptions(epsilon=epsilon, spread_share=0, **more)
        return expected_error(n_speakers, options, dimensions=ONE, words_per_speaker=300)

    even = {"statistic": Statistic.ratio_of_sums, "expected_wer": 0.5}
    assert expected(400, 1, **even) == pytest.approx(0.0083, abs=1e-4)  # at a WER of .5; at .15 it is .0061
    assert expected(100, 1) == pytest.approx(0.0123, abs=1e-4)
    assert expected(100, 1, words_are_public=True) == pytest.approx(0.0118, abs=1e-4)
    assert expected(100, 4) == pytest.approx(0.0031, abs=1e-4)


@pytest.mark.parametrize("method", [ReleaseMethod.laplace, ReleaseMethod.gaussian])
@pytest.mark.parametrize("quantity", [ABOVE, BELOW, SPREAD])
def test_noise_that_is_added_has_the_error_that_is_stated(quantity, method):
    n_draws, noise = 40_000, noises(PrivacyOptions(method=method), TWO)["accent"][quantity]
    drawn = noise.noisy([0] * n_draws)
    kurtosis = 6 if method is ReleaseMethod.laplace else 3
    assert abs(np.mean(drawn)) < 5.5 * noise.error / np.sqrt(n_draws)
    assert np.mean(drawn**2) / noise.error**2 == pytest.approx(1, abs=5.5 * np.sqrt((kurtosis - 1) / n_draws))


def test_the_cost_is_split_over_dimensions_evenly_or_as_asked():
    even = noises(PrivacyOptions(), TWO)
    assert even["accent"][ABOVE].mechanism.loss == even["gender"][ABOVE].mechanism.loss
    weighted = noises(PrivacyOptions(shares={"accent": 3.0}), TWO)
    assert weighted["accent"][ABOVE].mechanism.loss == pytest.approx(3 * weighted["gender"][ABOVE].mechanism.loss)
    assert sum(part.mechanism.loss for found in weighted.values() for part in found.values()) <= 1


def test_the_spread_gets_its_share_and_none_where_none_is_given():
    assert noises(PrivacyOptions(spread_share=0.25), ONE)["accent"][SPREAD].mechanism.loss == pytest.approx(0.25)
    assert SPREAD not in noises(PrivacyOptions(spread_share=0), ONE)["accent"]


@pytest.mark.parametrize("error", [0.001, 0.01, 0.02])
def test_speakers_needed_are_the_fewest_of_whom_a_release_states_the_error(error):
    options = PrivacyOptions(epsilon=2)
    needed = speakers_needed(error, options, dimensions=TWO)
    assert expected_error(needed, options, dimensions=TWO) <= error
    assert [stated(n, options) <= error for n in (needed - 1, needed)] == [False, True]


def stated(n_speakers: int, options: PrivacyOptions) -> float:
    """Return the error that a release states of so many speakers, where its noise happens to be 0."""
    noise, wer = noises(options, TWO)["accent"], options.expected_wer
    below = np.array([float(n_speakers)])
    sums = NoisySums(options.method, wer * below, below, noise[ABOVE].error, noise[BELOW].error, options.caps.rate)
    return float(expected_errors(sums)[0])


def test_an_error_that_nobody_can_reach_is_refused():
    with pytest.raises(UsageError, match="out of reach"):
        speakers_needed(1e-12, PrivacyOptions(), dimensions=ONE)


def test_the_plan_says_which_sizes_are_worth_releasing():
    plan = plan_release(PrivacyOptions(), TWO, speakers=(10, 1000))
    assert plan["worth"].tolist() == [False, True, False, True]
    assert plan["n_speakers_needed"].nunique() == 1
    assert plan.loc[0, "expected_error"] == pytest.approx(100 * plan.loc[1, "expected_error"])


def test_a_slice_that_speakers_share_with_others_takes_as_much_more_noise():
    conditions = {"condition": tuple("abcd")}
    options = PrivacyOptions(cells={"condition": 4})
    whole = expected_error(100, options, dimensions=conditions)
    assert whole == pytest.approx(4 * expected_error(100, PrivacyOptions(), dimensions=conditions))
    gaussian = PrivacyOptions(method=ReleaseMethod.gaussian, cells={"condition": 4})
    one = expected_error(100, PrivacyOptions(method=ReleaseMethod.gaussian), dimensions=conditions)
    assert expected_error(100, gaussian, dimensions=conditions) == pytest.approx(2 * one)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epsilon": 0}, "release.epsilon"),
        ({"epsilon": float("nan")}, "release.epsilon"),
        ({"epsilon": 100}, "release.epsilon"),
        ({"delta": 0.5}, "release.delta"),
        ({"spread_share": 0.9}, "release.spread_share"),
        ({"largest_error": 0}, "release.largest_error"),
        ({"confidence": 1}, "release.confidence"),
        ({"expected_wer": 0}, "release.expected_wer"),
        ({"cells": {"accent": 0}}, r"release.cells\[accent\]"),
        ({"shares": {"accent": 0}}, r"release.shares\[accent\]"),
        ({"statistic": Statistic.public_words}, "release.statistic"),
    ],
)
def test_options_out_of_range_are_refused_by_name(wrong, said):
    with pytest.raises(UsageError, match=said):
        PrivacyOptions(**wrong)


@pytest.mark.parametrize(("name", "value"), [("words", 0), ("errors", 0), ("rate", 0), ("rate", float("nan"))])
def test_caps_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"release.caps.{name}"):
        Caps(**{name: value})


def test_auto_is_decided_by_what_is_public():
    assert PrivacyOptions().counted is Statistic.mean_of_speakers
    assert PrivacyOptions(words_are_public=True).counted is Statistic.public_words
    assert PrivacyOptions(statistic=Statistic.ratio_of_sums).counted is Statistic.ratio_of_sums
