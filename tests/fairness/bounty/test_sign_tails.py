from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fairness.bounty import sign_tails
from harness.fairness.bounty.sign_tails import sign_flip_tail

GAINS = st.lists(st.integers(-40, 60), min_size=1, max_size=11).map(np.array)


def exact_tail(gains):
    """Return the chance from whole numbers: the coefficients of the product of (1 + x^size), in one long integer."""
    bits, counts = len(gains) + 1, 1
    for size in map(abs, gains.tolist()):
        counts += counts << bits * size
    lost = int(-gains[gains < 0].sum())
    return Fraction(sum(counts >> bits * k & (1 << bits) - 1 for k in range(lost + 1)), 2 ** len(gains))


@given(GAINS)
def test_every_pattern_of_signs_is_counted(gains):
    patterns = [(np.array(signs) * gains).sum() >= gains.sum() for signs in product((-1, 1), repeat=len(gains))]
    expected = np.mean(patterns) if gains.sum() > 0 else 1.0
    assert sign_flip_tail(gains) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("n", "shift"), [(60, 3), (60, 9), (200, 6), (700, 3)])
def test_a_tail_has_its_digits_far_out(n, shift):
    gains = np.random.default_rng(n + shift).normal(shift, 9, n).round().astype(np.int64)
    exact = exact_tail(gains)
    assert float(exact) < 1e-5
    assert sign_flip_tail(gains) == pytest.approx(float(exact), rel=1e-11)


def test_a_chance_too_small_for_a_number_is_zero_and_no_failure():
    assert sign_flip_tail(np.full(3000, 7)) == 0.0
    assert sign_flip_tail(np.full(30, 7)) == 2.0**-30


@given(GAINS)
def test_too_many_speakers_and_words_get_a_bound_and_never_less_than_the_chance(gains):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sign_tails, "_MOST_STEPS", 0)
        bound = sign_flip_tail(gains)
    assert sign_flip_tail(gains) <= bound * (1 + 1e-9)
    assert bound <= 1


def test_a_bound_is_not_far_from_the_chance(monkeypatch):
    gains = np.random.default_rng(0).normal(2, 9, 500).round().astype(np.int64)
    chance, errors = sign_flip_tail(gains), gains.sum() / np.sqrt((gains**2).sum())
    monkeypatch.setattr(sign_tails, "_MOST_STEPS", 0)
    assert chance < 1e-5
    assert 1 < sign_flip_tail(gains) / chance < 2.5 * errors * 1.3


def test_a_million_speakers_end():
    gains = np.random.default_rng(0).normal(0.05, 9, 1_000_000).round().astype(np.int64)
    assert 1e-12 < sign_flip_tail(gains) < 1e-6
