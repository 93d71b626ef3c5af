"""What befell everybody widens no gap, what befell one slice does; exchanged labels against a loop and Welch."""

import numpy as np
import pytest
from scipy import stats

from harness.fairness import Policy
from harness.fairness.gate import GAP, GateOptions, changes
from harness.fairness.gate_verdicts import judged
from harness.fairness.significance import studentised_gap
from harness.fairness.sparse_sums import moments
from harness.fairness.systems.exchanged_labels import chance_of_labels
from harness.fairness.systems.pairing import Pair, paired_scores
from tests.fairness.builders import scores_of

N_SEEDS = 20
SMALL, N_REST, WORDS = 20, 1_700, 9  # clips of the slice and of all others, and words of a clip, as of the Artie corpus


def corpus(rng, *, n_small=SMALL):
    """Return scores of one clip a person, a third of whose words are wrong; a few are of a small slice."""
    n = n_small + N_REST
    accent = np.array(["small"] * n_small + ["rest"] * N_REST)
    return scores_of(
        rng.binomial(WORDS, 0.33, n).tolist(), [WORDS] * n, [f"s{k}" for k in range(n)], accent=accent.tolist()
    )


def changed(scores, by):
    return scores.assign(hits=scores["hits"] - by, substitutions=scores["substitutions"] + by)


def regressed_gaps(baseline, tonight):
    policy, options = Policy(min_words=1), GateOptions()
    paired = paired_scores(baseline, tonight, ["accent"], policy)
    table = judged(changes(Pair(paired.baseline, paired.candidate), ["accent"], policy, options), options)
    return set(table.loc[(table["measure"] == GAP) & (table["verdict"] == "regression"), "slice"])


def test_a_small_slice_stays_behind_nobody_when_everybody_gets_better():
    for seed in range(N_SEEDS):
        rng = np.random.default_rng(seed)
        scores = corpus(rng)
        better = rng.binomial(scores["substitutions"], 0.3)  # some 10 % of the words
        assert regressed_gaps(scores, changed(scores, -better)) == set(), seed


@pytest.mark.parametrize(("n_small", "n_seeds"), [(60, 2), (120, 10)], ids=["drawn", "normal-tail"])
def test_a_slice_that_alone_loses_has_a_gap_that_grew(n_small, n_seeds):
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        scores = corpus(rng, n_small=n_small)
        lost = rng.binomial(scores["hits"], 0.12 / 0.67) * (scores["accent"] == "small")
        assert regressed_gaps(scores, changed(scores, lost)) == {"small"}, seed


def units(rng, n, *, rate=0.0, spread=1.0):
    """Return changes and words of so many units, whole numbers."""
    words = rng.integers(5, 15, n)
    return np.rint(rng.normal(rate * words, spread, n)).astype(np.int64), words


def statistic(change, words, inside):
    sides = [moments(np.stack([change + words, words, np.ones(len(words))])[:, side])[:5] for side in (inside, ~inside)]
    return studentised_gap(*(side.sum(axis=1) for side in sides), inside.sum(), (~inside).sum())


@pytest.mark.parametrize("rate", [0.0, 0.08, -0.1])
def test_the_chance_is_that_of_labels_exchanged_one_by_one(rate):
    rng = np.random.default_rng(4)
    own, other = units(rng, 12, rate=rate), units(rng, 40)
    change, words = (np.concatenate(both).astype(float) for both in zip(own, other, strict=True))
    inside, n_draws = np.arange(52) < 12, 9_999
    seen = statistic(change, words, inside)
    drawn = np.array([statistic(change, words, rng.permutation(inside)) for _ in range(n_draws)])
    chance = 2 * min((drawn >= seen - 1e-9).mean(), (drawn <= seen + 1e-9).mean())
    error = 2 * np.sqrt(max(chance, 1 / n_draws) / 2 / n_draws)
    assert chance_of_labels(*own, *other) == pytest.approx(chance, abs=4 * error)


@pytest.mark.parametrize("rate", [0.0, 0.02, -0.03])
def test_between_many_units_of_as_many_words_the_chance_is_that_of_welch_s_test(rate):
    rng = np.random.default_rng(1)
    own, other = (np.rint(rng.normal(10 * each, 1.5, n)).astype(np.int64) for each, n in ((rate, 300), (0.0, 2_000)))
    chance = chance_of_labels(own, np.full(300, 10), other, np.full(2_000, 10))
    assert chance == pytest.approx(stats.ttest_ind(own, other, equal_var=False).pvalue, rel=0.15, abs=0.01)


def test_one_unit_has_nobody_to_exchange_labels_with():
    one, many = np.array([1]), np.array([1, 2, 3])
    assert np.isnan(chance_of_labels(one, one, many, many))
