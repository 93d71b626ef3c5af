import numpy as np
import pytest

from harness.fairness import Correction, Policy, disparity_table
from harness.fairness.comparisons import comparisons
from harness.fairness.families import families, n_finest_permutations
from harness.fairness.multiplicity import adjusted
from harness.fairness.policy import Family
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, simulated

DIMENSIONS = ["accent", "gender", "condition", "accent & gender", "accent & condition"]


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    scores = simulated(rng, [0.15, 0.3, 0.12], n_speakers=(7, 12, 15), n_utterances=6)
    return scores.assign(
        gender=np.repeat(rng.choice(["f", "m"], 34), 6), condition=rng.choice(["clean", "tone"], len(scores))
    )


def judged(scores, by=tuple(DIMENSIONS), **options):
    return disparity_table(scores, list(by), policy_of(**options), np.random.default_rng(0))


def run_of(scores, by=tuple(DIMENSIONS), **options):
    policy = policy_of(**options)
    counted = checked_scores(scores, policy)
    return families([comparisons(counted, name, policy) for name in by], policy)


def test_attributes_are_families_and_all_intersections_are_one(scores):
    run = run_of(scores, family=Family.dimension)
    sizes = {run.names[rows[0]]: len(rows) for rows in run.members()}
    assert sizes == {"accent": 3, "gender": 1, "condition": 1, "intersections": 12}
    whole = run_of(scores)
    assert [len(rows) for rows in whole.members()] == [17]


@pytest.mark.parametrize("correction", [Correction.holm, Correction.fdr_bh, Correction.fdr_by, Correction.none])
def test_each_family_is_corrected_on_its_own(scores, correction):
    table = judged(scores, correction=correction, family=Family.dimension)
    crossed = table["dimension"].str.contains("&")
    for rows in (table[table["dimension"] == "accent"], table[crossed]):
        assert rows["p_adjusted"].tolist() == adjusted(rows["p_value"], correction).tolist()
    pair = table[table["dimension"] == "gender"]
    assert pair["p_adjusted"].tolist() == pair["p_value"].tolist()


@pytest.mark.parametrize("family", list(Family), ids=lambda each: each.value)
@pytest.mark.parametrize("comparator", ["rest", "largest"])
def test_max_t_never_lowers_a_p_value_and_mirrored_slices_share_it(scores, family, comparator):
    table = judged(scores, correction=Correction.max_t, family=family, comparator=comparator)
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["p_adjusted"] <= 1).all()
    for name in ("gender", "condition"):
        found = table.loc[table["dimension"] == name, "p_adjusted"]
        assert len(set(found)) == 1


def test_a_family_of_one_test_needs_no_correction(scores):
    for correction in Correction:
        table = judged(scores, ["gender"], correction=correction)
        assert table["p_adjusted"].tolist() == table["p_value"].tolist()


def test_what_is_below_a_floor_is_in_no_family(scores):
    run = run_of(scores, ["accent"], min_speakers=8)
    assert run.counted.tolist() == [False, True, True]
    table = judged(scores, ["accent"], min_speakers=8, correction=Correction.max_t)
    assert table["p_adjusted"].isna().tolist() == [True, False, False]


def test_max_t_asks_no_more_of_a_slice_that_is_tested_twice_and_holm_does(scores):
    twice = scores.assign(region=scores["accent"].str.replace("a", "r"))
    once = judged(scores, ["accent"], correction=Correction.max_t)
    both = judged(twice, ["accent", "region"], correction=Correction.max_t)
    assert both["p_adjusted"].tolist() == once["p_adjusted"].tolist() * 2
    holm = judged(twice, ["accent", "region"])
    assert holm["p_adjusted"].min() == pytest.approx(6 * holm["p_value"].min())


def test_one_seed_gives_the_same_max_t_and_a_further_attribute_may_only_raise_it(scores):
    alone = judged(scores, ["accent"], correction=Correction.max_t)
    assert judged(scores, ["accent"], correction=Correction.max_t).equals(alone)
    beside = judged(scores, ["accent", "gender", "condition"], correction=Correction.max_t)
    assert (beside["p_adjusted"][:3].to_numpy() >= alone["p_adjusted"].to_numpy()).all()


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        pytest.param(Correction.none, 9_999, id="none"),
        pytest.param(Correction.max_t, 9_999, id="max-t"),
        pytest.param(Correction.holm, 4 * 300 / 0.05, id="holm"),
    ],
)
def test_many_tests_get_the_permutations_that_their_correction_needs(correction, expected):
    scores = simulated(np.random.default_rng(0), [0.2] * 300, n_speakers=2, n_utterances=1)
    run = run_of(scores, ["accent"], correction=correction, n_permutations=9_999)
    assert n_finest_permutations(run) == expected


def test_more_tests_than_time_allows_to_resolve_are_named_in_a_warning(scores, monkeypatch, caplog):
    monkeypatch.setattr("harness.fairness.families._MOST_PERMUTATIONS", 200)
    assert n_finest_permutations(run_of(scores, n_permutations=150)) == 200
    assert "17 comparisons need finer p-values than 200 permutations give" in caplog.text
    assert n_finest_permutations(run_of(scores, n_permutations=999)) == 999


def test_the_default_is_holm_over_the_whole_run():
    assert (Policy().correction, Policy().family) == (Correction.holm, Family.run)
