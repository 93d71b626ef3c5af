"""Inequality of speakers: the vectors of the text, naive loops, decompositions, and the worst-served tenth."""

import numpy as np
import pytest

from harness.fairness.kinds.inequality import (
    above_zero,
    generalised_entropy,
    gini,
    served,
    worst_mean,
    worst_quantile,
)

WERS = np.array([0.05, 0.10, 0.12, 0.20, 0.33, 0.10, 0.18, 0.25, 0.40])
CODES = np.repeat([0, 1], [5, 4])
ONCE = np.ones((1, 9))


def parts_of(benefits, order, *, codes=CODES, weights=ONCE):
    parts = generalised_entropy(benefits, codes, order, weights)
    return [float(each[0]) for each in (parts.total, parts.between, parts.within)]


def gamma(n_speakers, seed):
    return np.random.default_rng(seed).gamma(3, 0.07, n_speakers)


def test_v2_3_of_error_rates():
    assert parts_of(WERS, 2)[0] == pytest.approx(0.1626182, abs=5e-8)
    assert parts_of(WERS, 1) == pytest.approx([0.1611060, 0.0174213, 0.1436847], abs=5e-8)
    assert parts_of(WERS, 0)[0] == pytest.approx(0.1794135, abs=5e-8)
    assert gini(WERS, ONCE)[0] == pytest.approx(0.3172768, abs=5e-8)


@pytest.mark.parametrize(("order", "expected"), [(2, 0.0092086), (1, 0.0095216), (0, 0.0099125)])
def test_v2_3_of_words_served(order, expected):
    assert parts_of(served(WERS), order)[0] == pytest.approx(expected, abs=5e-8)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_an_index_is_that_of_a_loop(order):
    wers = gamma(20, 1)
    mean = sum(wers) / 20
    if order == 0:
        expected = -sum(np.log(wer / mean) for wer in wers) / 20
    elif order == 1:
        expected = sum(wer / mean * np.log(wer / mean) for wer in wers) / 20
    else:
        expected = sum((wer / mean) ** 2 - 1 for wer in wers) / 40
    assert parts_of(wers, order, codes=np.zeros(20, int), weights=np.ones((1, 20)))[0] == pytest.approx(expected)


def test_gini_is_half_the_mean_difference_over_the_mean():
    wers = gamma(15, 2)
    differences = [abs(a - b) for a in wers for b in wers]
    assert gini(wers, np.ones((1, 15)))[0] == pytest.approx(np.mean(differences) / 2 / wers.mean())


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_parts_are_those_of_slice_means_and_of_what_is_left(order):
    total, between, within = parts_of(WERS, order)
    means = np.array([WERS[code == CODES].mean() for code in (0, 1)])[CODES]
    assert between == pytest.approx(parts_of(means, order)[0])
    assert total == pytest.approx(between + within)
    alone = [
        parts_of(WERS[c == CODES], order, codes=np.zeros(n, int), weights=np.ones((1, n)))[0]
        for c, n in ((0, 5), (1, 4))
    ]
    shares = [sum(c == CODES) / 9 * (WERS[c == CODES].mean() / WERS.mean()) ** order for c in (0, 1)]
    assert within == pytest.approx(np.dot(shares, alone))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_weights_are_repetitions_and_one_left_out_is_not_there(order):
    weights = np.array([[2, 0, 1, 1, 3, 1, 1, 0, 2], [1, 1, 1, 1, 1, 0, 0, 0, 0]], float)
    found = generalised_entropy(WERS, CODES, order, weights)
    for row, counts in enumerate(weights.astype(int)):
        repeated, codes = np.repeat(WERS, counts), np.repeat(CODES, counts)
        expected = parts_of(repeated, order, codes=codes, weights=np.ones((1, len(repeated))))
        assert [each[row] for each in (found.total, found.between, found.within)] == pytest.approx(expected)
        assert gini(WERS, weights)[row] == pytest.approx(gini(repeated, np.ones((1, len(repeated))))[0])


def test_all_alike_are_not_unequal():
    alike = np.full(9, 0.2)
    assert all(parts_of(alike, order) == pytest.approx([0, 0, 0], abs=1e-15) for order in (0, 1, 2))
    assert gini(alike, ONCE)[0] == pytest.approx(0, abs=1e-15)


def test_nobody_with_an_error_has_no_inequality():
    assert np.isnan(parts_of(np.zeros(9), 2)).all()
    assert np.isnan(parts_of(np.zeros(9), 1)).all()
    assert np.isnan(gini(np.zeros(9), ONCE)).all()


def test_who_has_none_is_taken_to_have_half_a_word():
    wers, words = np.array([0, 0.2]), np.array([100.0, 100])
    assert above_zero(wers, words).tolist() == [0.005, 0.2]
    assert above_zero(served(np.array([1.0, 3.0])), words).tolist() == [0.005, 0.005]


def test_nobody_is_served_less_than_nothing():
    assert served(np.array([0.25, 1.0, 2.5])).tolist() == [0.75, 0, 0]


@pytest.mark.parametrize("n_speakers", [1, 9, 10, 11, 35, 100])
def test_p90_is_an_order_statistic(n_speakers):
    wers = gamma(n_speakers, 3)
    expected = np.quantile(wers, 0.9, method="inverted_cdf")
    assert worst_quantile(wers, np.ones((1, n_speakers)))[0] == expected


@pytest.mark.parametrize("n_speakers", [1, 9, 10, 15, 35, 100])
def test_the_worst_tenth_counts_a_part_of_a_speaker_as_a_part(n_speakers):
    wers = gamma(n_speakers, 4)
    tenths = np.sort(np.repeat(wers, 10))[::-1]  # ten tenths of each
    assert worst_mean(wers, np.ones((1, n_speakers)))[0] == pytest.approx(tenths[:n_speakers].mean())


def test_the_worst_under_weights_are_those_of_repetitions():
    wers = gamma(30, 5)
    weights = np.random.default_rng(0).multinomial(30, [1 / 30] * 30, size=20).astype(float)
    for row, counts in enumerate(weights.astype(int)):
        repeated = np.repeat(wers, counts)
        assert worst_quantile(wers, weights)[row] == np.quantile(repeated, 0.9, method="inverted_cdf")
        assert worst_mean(wers, weights)[row] == pytest.approx(np.sort(repeated)[-3:].mean())
