import numpy as np
import pytest

from harness.fairness.comparison_tests import degrees_of_freedom_of_test, gap_p_values, smallest_p_values
from harness.fairness.comparisons import comparisons
from harness.fairness.pairs import Side, pairs_of
from harness.fairness.significance import permutation_p_values
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, simulated


@pytest.fixture(scope="module")
def parts():
    """Return accents of which one is far worse, and conditions within speakers."""
    rng = np.random.default_rng(1)
    scores = simulated(rng, [0.2, 0.2, 0.2, 0.6], n_speakers=(30, 30, 30, 10), n_utterances=6)
    scores["condition"] = rng.choice(["clean", "noise"], len(scores))
    counted = checked_scores(scores, policy_of())
    return [comparisons(counted, name, policy_of()).pairs for name in ("accent", "condition")]


def p_values_of(parts, wanted=None, **options):
    wanted = [np.ones(pairs.n_comparisons, bool) for pairs in parts] if wanted is None else wanted
    defaults = {"n_permutations": 300, "n_finest": 300, "seed": 0}
    return gap_p_values(parts, wanted=wanted, **(defaults | options))


def test_slices_of_speakers_are_permuted_within_everybody(parts):
    a, b = parts[0].sides()
    errors, words = (a.errors + b.errors)[:, 0], (a.words + b.words)[:, 0]
    expected = permutation_p_values(errors, words, a.present, n_permutations=300, seed=0)
    assert p_values_of(parts)[0].tolist() == expected.tolist()


def test_what_is_not_wanted_is_not_tested_and_changes_nothing(parts):
    found = p_values_of(parts, [np.array([True, False, True, False]), np.array([False, True])])
    everything = p_values_of(parts)
    assert np.isnan(found[0][1])
    assert np.isnan(found[1][0])
    assert found[0][[0, 2]].tolist() == everything[0][[0, 2]].tolist()
    assert found[1][1] == everything[1][1]


def test_only_promising_tests_are_run_again_with_more_permutations(parts):
    first, later = p_values_of(parts), p_values_of(parts, n_finest=5_000)
    finest = p_values_of(parts, n_permutations=5_000, n_finest=5_000)
    promising = [each <= 2 * 11 / 301 for each in first]
    assert 0 < promising[0].sum() < 4
    for again, one, two, alone in zip(promising, first, later, finest, strict=True):
        assert two.tolist() == np.where(again, alone, one).tolist()
    assert later[0][3] == pytest.approx(2 / 5_001)


def test_freedom_and_the_smallest_p_value_count_speakers(parts):
    assert degrees_of_freedom_of_test(parts[0]).tolist() == [98] * 4
    assert degrees_of_freedom_of_test(parts[1]).tolist() == [99] * 2
    assert smallest_p_values(parts[0], 999).tolist() == [2 / 1_000] * 4
    assert smallest_p_values(parts[1], 999).tolist() == [1 / 1_000] * 2


@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_speaker_who_only_lost_errors_is_still_the_one_in_the_slice(place):
    """Of added errors there may be fewer than none; the others keep their places all the same."""
    errors, words = np.array([9.0, 1, 8, 2, 9, 1, 2, 1]), np.full(8, 10.0)
    inside = np.array([1, 0, 1, 0, 1, 0, 0, 0], dtype=bool)
    errors, words, inside = (
        np.insert(each, place, new) for each, new in ((errors, -3.0), (words, 1.0), (inside, True))
    )

    def side(chosen):
        return Side((errors * chosen)[:, None], (words * chosen)[:, None], chosen[:, None])

    found = p_values_of([pairs_of(side(inside), side(~inside))])[0]
    assert found.tolist() == permutation_p_values(errors, words, inside[:, None], n_permutations=300, seed=0).tolist()
