"""Noise: OpenDP's own proofs, the moments it must have, and ratios of probabilities where they can be counted."""

import math
import sys

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.fairness.privacy import mechanisms
from harness.fairness.privacy.mechanisms import (
    UNIT,
    composed,
    gaussian_noise,
    gaussian_sums,
    laplace_noise,
    laplace_sums,
    rho_of,
)

N_DRAWS = 100_000
SIGMAS = 5.5  # of what chance may do to a test: one in 26 million


def test_v8_1_laplace_of_scale_600_costs_one_half_where_a_speaker_has_300():
    assert laplace_noise(600).map(300) == 0.5


def test_v8_1_gaussian_of_scale_300_costs_rho_one_half_and_epsilon_5_2215():
    assert gaussian_noise(300).map(300) == 0.5
    loss = composed([gaussian_noise(UNIT)], delta=1e-6)
    assert loss.rho == 0.5
    assert loss.epsilon == pytest.approx(5.22153, abs=1e-5)


@pytest.mark.parametrize("epsilon", [0.001, 0.1, 1 / 3, 0.7, 1, math.pi, 20])
def test_the_cost_of_laplace_is_what_opendp_proves_and_within_what_was_asked(epsilon):
    mechanism = laplace_sums(epsilon)
    assert mechanism.loss == mechanism.measurement.map(UNIT) <= epsilon
    assert mechanism.loss == pytest.approx(UNIT / mechanism.scale)
    assert mechanism.loss == pytest.approx(epsilon, rel=1e-8)


@pytest.mark.parametrize("rho", [1e-7, 0.01, 1 / 3, 2])
def test_the_cost_of_gaussian_is_what_opendp_proves_and_within_what_was_asked(rho):
    mechanism = gaussian_sums(rho)
    assert mechanism.loss == mechanism.measurement.map(float(UNIT)) <= rho
    assert mechanism.loss == pytest.approx((UNIT / mechanism.scale) ** 2 / 2)


def test_losses_of_laplace_add_up():
    parts = [laplace_sums(each) for each in (0.1, 0.2, 0.3)]
    loss = composed(parts, delta=1e-6)
    assert loss.epsilon == pytest.approx(sum(part.loss for part in parts))
    assert (loss.delta, loss.rho) == (0.0, None)


def test_losses_of_gaussian_add_up_in_rho_and_turn_into_less_than_the_simple_bound():
    parts = [gaussian_sums(each) for each in (0.1, 0.2, 0.2)]
    loss = composed(parts, delta=1e-6)
    assert loss.rho == pytest.approx(0.5)
    simple = loss.rho + 2 * math.sqrt(loss.rho * math.log(1e6))  # Bun and Steinke 2016, proposition 1.3
    assert 0.8 * simple < loss.epsilon < simple


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-6), (1, 1e-6), (4, 1e-9)])
def test_rho_is_the_largest_that_epsilon_and_delta_allow(epsilon, delta):
    rho = rho_of(epsilon, delta)
    assert composed([gaussian_sums(rho)], delta=delta).epsilon <= epsilon
    assert composed([gaussian_sums(rho * 1.001)], delta=delta).epsilon > epsilon


def test_a_proof_of_more_than_was_asked_is_refused(monkeypatch):
    monkeypatch.setattr(mechanisms, "_SLACK", -1e-6)
    with pytest.raises(UsageError, match="more than the"):
        laplace_sums(1)


@pytest.mark.parametrize("scale", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("noise", [laplace_noise, gaussian_noise])
def test_no_noise_is_no_mechanism(noise, scale):
    with pytest.raises(UsageError, match="expected more than 0"):
        noise(scale)


@pytest.mark.parametrize("scale", [0.7, 3, 40])
def test_moments_of_integer_laplace_are_those_of_theory(scale):
    drawn = np.array(laplace_noise(scale).release([0] * N_DRAWS))
    shrink = math.exp(-1 / scale)
    variance = 2 * shrink / (1 - shrink) ** 2
    fourth = 2 * shrink * (1 + 10 * shrink + shrink**2) / (1 - shrink) ** 4  # of the two-sided geometric distribution
    assert abs(drawn.mean()) < SIGMAS * math.sqrt(variance / N_DRAWS)
    assert abs(np.mean(drawn**2) - variance) < SIGMAS * math.sqrt((fourth - variance**2) / N_DRAWS)


@pytest.mark.parametrize("scale", [3, 40])
def test_moments_of_integer_gaussian_are_those_of_theory(scale):
    drawn = np.array(gaussian_noise(scale).release([0] * N_DRAWS))
    assert abs(drawn.mean()) < SIGMAS * scale / math.sqrt(N_DRAWS)
    assert abs(np.mean(drawn**2) - scale**2) < SIGMAS * scale**2 * math.sqrt(2 / N_DRAWS)


def largest_excess(first: np.ndarray, second: np.ndarray, epsilon: float) -> float:
    """Return by how many standard errors the log ratio of frequencies of any value exceeds epsilon, either way."""
    values = np.union1d(first, second)
    counts = np.stack([[np.sum(each == value) for value in values] for each in (first, second)]).astype(float)
    often = counts.min(axis=0) >= 50
    above = np.abs(np.log(counts[0, often] / counts[1, often])) - epsilon
    return float(np.max(above / np.sqrt((1 / counts[:, often]).sum(axis=0))))


def test_probabilities_of_neighbours_differ_by_no_more_than_the_cost_and_by_nearly_as_much():
    noise, epsilon = laplace_noise(2.0), 1.0  # a speaker changes 2 steps
    assert noise.map(2) == epsilon
    without, with_one = (np.array(noise.release([exact] * N_DRAWS)) for exact in (0, 2))
    assert largest_excess(without, with_one, epsilon) < SIGMAS
    assert largest_excess(without, with_one, epsilon * 0.9) > SIGMAS  # so the check can fail


def test_large_sums_saturate_and_do_not_wrap_and_larger_ones_are_refused_without_being_told():
    assert min(laplace_noise(UNIT).release([2**62] * 50)) > 2**61
    with pytest.raises(DataError) as refused:
        laplace_noise(UNIT).release([2**62 + 4711])
    assert not any(character.isdigit() for character in str(refused.value).replace("62 bits", ""))


def test_what_opendp_refuses_is_said_without_the_sums(monkeypatch):
    def breaks(_self: object, sums: list[int]) -> list[int]:
        raise ValueError(f"{sums[0]} is not representable")

    noise = laplace_noise(UNIT)
    monkeypatch.setattr(type(noise.measurement), "__call__", breaks)
    with pytest.raises(DataError, match="nothing was released") as refused:
        noise.release([987_654])
    assert "987" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_mechanism_does_not_show_its_insides():
    assert "measurement" not in repr(laplace_sums(1))


def test_without_opendp_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(UsageError, match=r"asr-fairness-harness\[private\]"):
        laplace_sums(1)
