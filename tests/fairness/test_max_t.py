import numpy as np
import pytest

from harness.errors import UsageError
from harness.fairness import max_t
from harness.fairness.comparisons import comparisons
from harness.fairness.max_t import Contrasts, joint_statistics
from harness.fairness.multiplicity import step_down_max_t
from harness.fairness.sign_flips import flips_of, random_signs
from harness.fairness.significance import studentised_gap
from harness.fairness.sparse_sums import moments
from harness.fairness.speaker_sums import checked_scores, speaker_codes, sums_of_speakers
from tests.fairness.builders import policy_of, simulated

N_PERMUTATIONS, ALPHA, SEED = 120, 0.05, 3


@pytest.fixture(scope="module")
def scores():
    """Return accents and genders of speakers, of whom some declare none, and conditions within speakers."""
    rng = np.random.default_rng(0)
    scores = simulated(rng, [0.2, 0.3, 0.15], n_speakers=(7, 9, 12), n_utterances=9)
    genders = np.repeat(rng.choice(["f", "m", "x", ""], 28), 9)
    return scores.assign(gender=genders, condition=rng.choice(["clean", "noise"], len(scores)))


def drawn_of(scores, dimensions, comparator="rest", n_permutations=N_PERMUTATIONS):
    counted = checked_scores(scores, policy_of())
    parts = [comparisons(counted, name, policy_of(comparator=comparator)) for name in dimensions]
    speakers = speaker_codes(counted)
    statistics = joint_statistics(
        [Contrasts(part.pairs, comparator == "rest", part.declared) for part in parts],
        sums_of_speakers(counted, speakers),
        n_ids=speakers.max() + 1,
        n_permutations=n_permutations,
        alpha=ALPHA,
        seed=SEED,
    )
    return parts, statistics


def scaled(statistics):
    """Return statistics over the far quantile of their own sign, a test at a time."""
    result = np.empty_like(statistics)
    for k, column in enumerate(statistics.T):
        low, high = np.quantile(column, [0.2 * ALPHA, 1 - 0.2 * ALPHA])
        result[:, k] = [value / (high if value > 0 else low) for value in column]
    return result


def side_sums(errors, words, chosen):
    table = moments(np.stack([errors[chosen], words[chosen], np.ones(chosen.sum())]))
    return table[:5].sum(axis=1)


@pytest.mark.parametrize("comparator", ["rest", "f"])
def test_permuted_statistics_are_those_of_a_loop_that_relabels_everybody(scores, comparator):
    dimensions = ["accent", "gender"] if comparator == "rest" else ["gender"]
    parts, found = drawn_of(scores, dimensions, comparator)
    counted = checked_scores(scores, policy_of())
    errors, words = sums_of_speakers(counted, speaker_codes(counted))
    people = np.flatnonzero(np.any([part.declared[2] for part in parts], axis=0))
    orders = np.concatenate(list(max_t._orders(len(people), N_PERMUTATIONS, SEED)), axis=1).T
    expected = []
    for order in [np.arange(len(people)), *orders]:
        e, w = errors[people][order], words[people][order]
        row = []
        for part in parts:
            a, b = part.sides
            for own, other in zip(a.present[people].T, b.present[people].T, strict=True):
                sums = side_sums(e, w, own), side_sums(e, w, other)
                row.append(float(studentised_gap(*sums, own.sum(), other.sum())))
        expected.append(row)
    np.testing.assert_allclose(found, scaled(np.array(expected)), rtol=3e-4)


def test_gaps_within_speakers_get_the_same_signs_and_are_over_their_spread(scores):
    (part,), found = drawn_of(scores, ["condition"])
    flips = flips_of(part.pairs)
    signs = np.concatenate([np.ones((1, 28)), *random_signs(28, N_PERMUTATIONS, SEED)])
    np.testing.assert_allclose(found, scaled(flips.under(signs) / flips.norm), rtol=3e-4)


def test_a_slice_that_is_another_under_a_second_name_moves_with_it(scores):
    _, found = drawn_of(scores.assign(region=scores["accent"].str.replace("a", "r")), ["accent", "region"])
    np.testing.assert_array_equal(found[:, :3], found[:, 3:])
    twice, once = step_down_max_t(found[0], found), step_down_max_t(found[0, :3], found[:, :3])
    assert twice.tolist() == [*once] * 2


def test_a_further_dimension_changes_no_statistic_of_the_same_people(scores):
    _, alone = drawn_of(scores, ["accent"])
    _, beside = drawn_of(scores, ["gender", "condition", "accent"])
    np.testing.assert_array_equal(alone, beside[:, -3:])


def test_slices_of_all_sizes_reach_their_quantile_as_often():
    scores = simulated(np.random.default_rng(5), [0.2] * 4, n_speakers=(4, 8, 20, 60))
    _, found = drawn_of(scores, ["accent"], n_permutations=2_000)
    assert (found > 1).mean(axis=0) == pytest.approx(np.full(4, 2 * 0.2 * ALPHA), abs=0.002)


def test_blocks_of_permutations_are_as_large_as_they_may(monkeypatch):
    monkeypatch.setattr(max_t, "_CHUNK_CELLS", 28 * 50)
    sizes = [order.shape for order in max_t._orders(28, N_PERMUTATIONS, SEED)]
    assert sizes == [(28, 50), (28, 50), (28, 20)]


def test_more_statistics_than_memory_holds_are_refused_with_a_way_out(scores, monkeypatch):
    monkeypatch.setattr(max_t, "MOST_STATISTICS", 300)
    with pytest.raises(UsageError, match=r"max-T over 3 comparisons .* policy.correction to holm"):
        drawn_of(scores, ["accent"])
