from itertools import product

import numpy as np
import pytest

from harness.fairness.gaps import Side, gaps
from harness.fairness.pairs import pairs_of
from harness.fairness.sign_flips import flip_p_values, flips_of, sign_flip_p_values, smallest_sign_flip_p_value


def sides_of(n_speakers, n_comparisons, seed=0):
    """Return two sides of which some speakers are on one only, and one who says nothing."""
    rng = np.random.default_rng(seed)
    words = rng.integers(20, 90, (2, n_speakers, n_comparisons)) * (rng.random((2, n_speakers, n_comparisons)) < 0.8)
    words[:, 0] = 0
    errors = rng.binomial(words, 0.2)
    return tuple(Side(e.astype(float), w.astype(float), w > 0) for e, w in zip(errors, words, strict=True))


def shares_of(a, b, k):
    """Return each speaker's share of a gap were both rates the pooled one, in plain Python."""
    total_a, total_b = a.words[:, k].sum(), b.words[:, k].sum()
    pooled = (a.errors[:, k].sum() + b.errors[:, k].sum()) / (total_a + total_b)
    return [
        (a.errors[s, k] - pooled * a.words[s, k]) / total_a - (b.errors[s, k] - pooled * b.words[s, k]) / total_b
        for s in range(len(a.errors))
    ]


def flips(contributions, **options):
    found = sign_flip_p_values(
        np.asarray(contributions, float)[:, None], **({"n_permutations": 9_999, "seed": 0} | options)
    )
    return float(found[0])


@pytest.mark.parametrize("n_speakers", [2, 3, 8, 12])
def test_few_signs_are_enumerated_exactly(n_speakers):
    contributions = np.random.default_rng(n_speakers).normal(0.4, 1, n_speakers)
    sums = [
        abs(sum(s * c for s, c in zip(signs, contributions, strict=True)))
        for signs in product((1, -1), repeat=n_speakers)
    ]
    exact = np.mean(np.array(sums) >= abs(contributions.sum()) - 1e-12)
    assert flips(contributions) == pytest.approx(exact)


def test_many_signs_are_sampled_and_agree_with_enumeration():
    contributions = np.random.default_rng(1).normal(0.4, 1, 12)
    exact = flips(contributions)
    sampled = [flips(contributions, n_permutations=800, seed=seed) for seed in range(20)]
    assert np.mean(sampled) == pytest.approx(exact, abs=0.02)


def test_no_sign_flip_p_is_below_what_the_signs_allow():
    assert flips([1.0] * 6) == pytest.approx(2 / 2**6)
    assert flips([1.0] * 40, n_permutations=999) == pytest.approx(1 / 1_000)


@pytest.mark.parametrize("n_permutations", [100, 1_023, 1_024, 1_025, 9_999])
@pytest.mark.parametrize("n_speakers", [1, 2, 6, 7, 10, 13, 14, 1_100])
def test_the_smallest_sign_flip_p_is_that_of_speakers_who_all_move_alike(n_speakers, n_permutations):
    found = flips([1.0] * n_speakers, n_permutations=n_permutations)
    smallest = smallest_sign_flip_p_value(n_speakers, n_permutations)
    sampled = 2**n_speakers > n_permutations
    assert smallest == pytest.approx(1 / (n_permutations + 1) if sampled else 2 / 2**n_speakers)
    extreme = n_permutations * 2 / 2**n_speakers  # random signs that are all alike, on average
    assert smallest * (1 - 1e-12) <= found <= smallest * (2 + 4 * extreme if sampled else 1 + 1e-12)


def test_more_speakers_than_a_float_has_powers_of_two_are_tested():
    assert smallest_sign_flip_p_value(5_000, 999) == 1 / 1_000
    assert flips([1.0, -1.0] * 2_500, n_permutations=100) == 1.0


@pytest.mark.parametrize(
    "contributions", [[0.0] * 6, [0.0] * 30, [0.0, 0.0, 0.3, 0.0]], ids=["six", "thirty", "one-moves"]
)
def test_a_condition_that_moves_at_most_one_speaker_shows_nothing(contributions):
    assert flips(contributions) == 1.0


def test_flipping_all_signs_changes_no_p_value():
    contributions = np.random.default_rng(2).normal(0.4, 1, 10)
    assert flips(contributions) == flips(-contributions)


def test_sign_flips_together_are_those_alone():
    contributions = np.random.default_rng(3).normal(0.2, 1, (20, 3))
    together = sign_flip_p_values(contributions, n_permutations=500, seed=4)
    alone = [flips(column, n_permutations=500, seed=4) for column in contributions.T]
    assert together.tolist() == alone


def test_the_shares_of_a_gap_add_up_to_it():
    a, b = sides_of(12, 3)
    flips_ = flips_of(pairs_of(a, b))
    np.testing.assert_allclose(flips_.gap, gaps(a, b).gap, rtol=1e-12)
    for k in range(3):
        expected = shares_of(a, b, k)
        assert sorted(flips_.shares(k)) == pytest.approx(sorted(share for share in expected if share), abs=1e-15)
        assert flips_.norm[k] == pytest.approx(np.linalg.norm(expected), rel=1e-12)


@pytest.mark.parametrize("n_speakers", [9, 40], ids=["enumerated", "drawn"])
def test_sums_of_both_sides_are_tested_like_their_contributions(n_speakers):
    a, b = sides_of(n_speakers, 2, seed=1)
    contributions = np.stack([shares_of(a, b, k) for k in range(2)], axis=1)
    expected = sign_flip_p_values(contributions, n_permutations=700, seed=2)
    found = flip_p_values([flips_of(pairs_of(a, b))], n_permutations=700, seed=2)[0]
    assert found.tolist() == pytest.approx(expected.tolist())


def test_rates_that_are_equal_but_for_rounding_are_no_gap():
    words = np.array([[30.0], [70], [110], [90]])
    a, b = Side(words * 0.1, words, words > 0), Side(words[::-1] * 0.1, words[::-1], words > 0)
    assert flip_p_values([flips_of(pairs_of(a, b))], n_permutations=999, seed=0)[0].tolist() == [1.0]
