import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.discrete.discrete_model import Logit

from harness.errors import UsageError
from harness.fairness import Correction, Failures, Policy, disparity_table
from harness.fairness.matched import BALANCE_COLUMNS, MATCHED_COLUMNS, PAIR_COLUMNS, matched_table
from harness.fairness.matching.propensity import Covariates, balances, matched_pairs, no_pairs, propensity_scores
from harness.fairness.significance import adjusted
from harness.scoring import WhisperEnglish, read_hypotheses, score
from tests.fairness.builders import policy_of, row_of, scores_of
from tests.scoring.test_real_transcripts import VENDORS, artie_manifest
from tests.shared import DATA, needs_data


def matched(scores, on, by="accent", policy=None, **options):
    return matched_table(scores, by, policy or policy_of(), on, np.random.default_rng(0), **options)


def numbers_of(values):
    """Return covariates that are all numbers, (n_units, n_columns)."""
    table = np.asarray(values, dtype=np.float64)
    return Covariates(tuple(f"x{k}" for k in range(table.shape[1])), table, np.zeros(table.shape[1], dtype=bool))


def pair_ids(found):
    return found.pairs["member"].tolist(), found.pairs["comparator_member"].tolist()


def one_stratum(*sides):
    return np.zeros(sum(len(side.values) for side in sides), dtype=np.int64)


def corpus(n_speakers=60, n_utterances=4, seed=0):
    """Return people of two accents who err alike at an age; accent b is older, and older people are heard worse."""
    rng = np.random.default_rng(seed)
    accents = np.repeat(["a", "b"], n_speakers)
    old = np.arange(2 * n_speakers) % 10 < np.where(accents == "b", 8, 3)
    rates = np.where(old, 0.4, 0.1) * np.exp(rng.normal(0, 0.2, 2 * n_speakers))
    words = rng.integers(8, 13, (2 * n_speakers, n_utterances))
    errors = rng.poisson(rates[:, None] * words)
    speakers = [f"s{k:03d}" for k in range(2 * n_speakers)]
    repeat = {"accent": accents, "age": np.where(old, "old", "young"), "gender": rng.choice(["f", "m"], len(accents))}
    return scores_of(
        errors.ravel(),
        words.ravel(),
        np.repeat(speakers, n_utterances),
        **{name: np.repeat(values, n_utterances) for name, values in repeat.items()},
    )


@cache
def vector():
    """Return the published example, one utterance of one speaker a row."""
    rows = pd.read_csv(DATA / "vectors" / "match.csv")
    counts = np.random.default_rng(0).poisson(2, len(rows))
    return scores_of(counts, [10] * len(rows), g=rows["g"].astype(str), **rows[["age", "fem", "ld"]])


# The published example


@needs_data("vectors")
def test_the_published_pairs_are_found():
    found = matched(vector(), ["age", "fem", "ld"], "g", policy_of(comparator="0"), caliper=0.1)
    row = row_of(found.gaps, "1")
    assert (row["n_units"], row["n_comparator_units"], row["n_pairs"]) == (64, 56, 36)
    numbered = {f"s{k:03d}": k + 1 for k in range(120)}
    pairs = [(numbered[a], numbered[b]) for a, b in zip(*pair_ids(found), strict=True)]
    assert pairs[:4] == [(2, 38), (5, 105), (6, 50), (9, 28)]
    assert len({b for _, b in pairs}) == len({a for a, _ in pairs}) == 36
    assert found.pairs["score_distance"].max() <= 0.0122927


@needs_data("vectors")
def test_the_published_balance_is_reached():
    found = matched(vector(), ["age", "fem", "ld"], "g", policy_of(comparator="0"), caliper=0.1)
    balance = found.balance.set_index("covariate")
    assert balance["smd_before"].round(3).to_dict() == {"age": 0.242, "fem": 0.406, "ld": 0.229}
    assert balance["smd_after"].round(3).to_dict() == {"age": 0.015, "fem": 0.056, "ld": -0.135}
    row = row_of(found.gaps, "1")
    assert not row["balanced"]
    assert row["note"] == "not balanced in ld"


@needs_data("vectors")
def test_the_published_caliper_is_a_tenth_of_the_spread_of_the_scores():
    rows = pd.read_csv(DATA / "vectors" / "match.csv")
    scores = propensity_scores(rows[["age", "fem", "ld"]].to_numpy(np.float64), rows["g"].to_numpy() == 1)
    assert round(0.1 * scores.std(ddof=1), 7) == 0.0122927


# Propensity scores


@pytest.mark.parametrize("seed", range(5))
def test_propensity_scores_are_those_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(40, 12, 200), rng.integers(0, 2, 200), rng.lognormal(0, 1, 200)])
    inside = rng.random(200) < 1 / (1 + np.exp(2 - 0.05 * values[:, 0] - values[:, 1]))
    design = np.column_stack([np.ones(200), values])
    expected = Logit(inside.astype(float), design).fit(disp=0, tol=1e-12, method="newton").predict()
    np.testing.assert_allclose(propensity_scores(values, inside), expected, atol=1e-12)


def test_columns_that_others_explain_change_no_score():
    rng = np.random.default_rng(0)
    values, inside = rng.normal(size=(50, 2)), rng.random(50) < 0.4
    scores = propensity_scores(values, inside)
    more = [values, values[:, :1] - 3 * values[:, 1:], np.full((50, 1), 7.0), 1e6 * values[:, :1] + 5]
    np.testing.assert_allclose(propensity_scores(np.hstack(more), inside), scores, atol=1e-9)
    np.testing.assert_allclose(propensity_scores(np.zeros((50, 0)), inside), inside.mean())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([[1], [2], [3], [4], [5], [6]], id="apart"),
        pytest.param([[1], [2], [3], [3], [4], [5]], id="apart-but-for-one-value"),
        pytest.param([[0, 3], [1, 2], [2, 1], [0, 4], [1, 3], [2, 2]], id="apart-in-a-sum"),
    ],
)
def test_groups_that_a_line_separates_have_no_scores(values):
    inside = np.array([False, False, False, True, True, True])
    assert propensity_scores(np.array(values, dtype=np.float64), inside) is None
    found = matched_pairs(
        *(numbers_of(np.array(values)[side]) for side in (inside, ~inside)), np.zeros(6, int), caliper=1
    )
    assert "the groups do not overlap on x0" in found.problem
    assert len(found.slices) == 0


# Pairs


def greedy(scores, n_slices, strata, width):
    """Match one by one over all that is left."""
    left, pairs = list(range(n_slices, len(scores))), []
    for unit in sorted(range(n_slices), key=lambda k: (-scores[k], k)):
        offers = [(abs(scores[unit] - scores[k]), k) for k in left if strata[k] == strata[unit]]
        if offers and min(offers)[0] <= width:
            left.remove(min(offers)[1])
            pairs.append((unit, min(offers)[1] - n_slices))
    return sorted(pairs)


units = st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 1))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(units, min_size=1, max_size=25), st.lists(units, min_size=1, max_size=25), st.sampled_from([0.05, 0.5, 3])
)
def test_pairs_are_those_of_a_search_through_all_that_is_left(slices, comparators, caliper):
    rows = np.array([*slices, *comparators])
    values, strata, n_slices = rows[:, :2].astype(float), rows[:, 2], len(slices)
    inside = np.arange(len(rows)) < n_slices
    scores = propensity_scores(values, inside)
    sides = numbers_of(values[:n_slices]), numbers_of(values[n_slices:])
    found = matched_pairs(*sides, strata, caliper=caliper)
    if scores is None:
        assert "do not overlap" in found.problem
        return
    width = caliper * scores.std(ddof=1)
    expected = greedy(scores, n_slices, strata, width)
    assert list(zip(found.slices.tolist(), found.comparators.tolist(), strict=True)) == expected
    assert bool(found.problem) == (not expected)
    assert (found.distances <= width).all()
    assert len(set(found.comparators)) == len(set(found.slices)) == len(expected)
    assert (strata[found.slices] == strata[n_slices + found.comparators]).all()


def test_units_of_a_level_that_one_side_alone_has_are_alike_to_nobody():
    levels = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]]), np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0]])
    sides = [
        Covariates(("age=teens", "age=twenties", "age=old"), side.astype(float), np.ones(3, bool)) for side in levels
    ]
    found = matched_pairs(*sides, one_stratum(*sides), caliper=0.2)
    assert (found.slices.tolist(), found.comparators.tolist()) == ([1, 2], [0, 2])
    alone = [side.of(np.array([row])) for side, row in zip(sides, (0, 1), strict=True)]
    found = matched_pairs(*alone, one_stratum(*alone), caliper=0.2)
    assert found.problem == "the groups do not overlap on age: nothing can be matched"


def test_ten_thousand_units_a_side_are_matched_one_to_one():
    values = np.random.default_rng(0).normal(size=(20_000, 2))
    sides = numbers_of(values[:10_000] + 0.1), numbers_of(values[10_000:])
    found = matched_pairs(*sides, one_stratum(*sides), caliper=0.05)
    assert len(np.unique(found.comparators)) == len(found.slices) > 9_000


# Balance


def test_balance_is_measured_as_in_a_textbook():
    rng = np.random.default_rng(1)
    slices, comparators = numbers_of(rng.normal(1, 2, (30, 1))), numbers_of(rng.normal(0, 1, (40, 1)))
    pairs = matched_pairs(slices, comparators, one_stratum(slices, comparators), caliper=0.2)
    (found,) = balances(slices, comparators, pairs)
    a, b = slices.values[:, 0], comparators.values[:, 0]
    c, d = a[pairs.slices], b[pairs.comparators]
    assert found.smd_before == pytest.approx((a.mean() - b.mean()) / a.std(ddof=1))
    assert found.smd_after == pytest.approx((c.mean() - d.mean()) / a.std(ddof=1))
    assert found.variance_ratio_before == pytest.approx(a.var(ddof=1) / b.var(ddof=1))
    assert found.variance_ratio_after == pytest.approx(c.var(ddof=1) / d.var(ddof=1))
    assert found.reached == (abs(found.smd_after) < 0.1 and 0.5 <= found.variance_ratio_after <= 2)


@pytest.mark.parametrize(
    ("slices", "comparators", "expected"),
    [
        pytest.param([1, 1], [1, 1], 0.0, id="the-same-for-everybody"),
        pytest.param([1, 1], [2, 2], np.nan, id="no-spread-to-measure-by"),
        pytest.param([1, 1], [2, 0], 0.0, id="the-comparator-has-the-spread"),
    ],
)
def test_a_difference_without_spread(slices, comparators, expected):
    sides = numbers_of(np.array([slices]).T), numbers_of(np.array([comparators]).T)
    (found,) = balances(*sides, no_pairs("none"))
    np.testing.assert_equal(found.smd_before, expected)
    assert np.isnan(found.smd_after)
    assert not found.reached


# Gaps


def test_a_gap_that_age_explains_goes_away_among_people_of_an_age():
    found = row_of(matched(corpus(), ["age"], policy=Policy(comparator="a")).gaps, "b")
    assert found["unit"] == "speaker"
    assert found["raw_gap"] > 0.1
    assert found["gap_low"] < 0 < found["gap_high"]
    assert abs(found["gap"]) < 0.03
    assert found["p_value"] > 0.05
    assert found["balanced"]
    assert found["note"] == ""


def test_a_gap_that_age_does_not_explain_stays():
    scores = corpus()
    wrong = scores["substitutions"].where(scores["accent"] == "a", scores["hits"] + scores["substitutions"])
    scores = scores.assign(hits=scores["hits"] + scores["substitutions"] - wrong, substitutions=wrong)
    found = row_of(matched(scores, ["age"], policy=Policy(comparator="a")).gaps, "b")
    assert found["gap"] > 0.5
    assert found["p_adjusted"] == found["p_value"] < 0.01


@pytest.mark.parametrize(
    ("on", "unit"),
    [
        pytest.param(["age", "gender"], "speaker", id="attributes-of-people"),
        pytest.param(["age", "utterance_length"], "utterance", id="length"),
        pytest.param(["mood"], "utterance", id="an-attribute-that-varies"),
    ],
)
def test_numbers_are_those_of_the_utterances_of_the_pairs(on, unit):
    scores = corpus()
    scores["mood"] = np.random.default_rng(1).choice(["calm", "cross"], len(scores))
    policy = policy_of(comparator="a")
    found = matched(scores, on, policy=policy)
    row = row_of(found.gaps, "b")
    assert row["unit"] == unit
    ids = scores["speaker_id" if unit == "speaker" else "utterance_id"]
    member, other = ids.isin(found.pairs["member"]), ids.isin(found.pairs["comparator_member"])
    assert set(scores.loc[member, "accent"]) == {"b"}
    assert set(scores.loc[other, "accent"]) == {"a"}
    assert ids[member].nunique() == ids[other].nunique() == row["n_pairs"] == len(found.pairs)
    assert (row["n_speakers"], row["n_comparator_speakers"]) == (
        scores.loc[member, "speaker_id"].nunique(),
        scores.loc[other, "speaker_id"].nunique(),
    )
    table = disparity_table(scores[member | other], "accent", policy, np.random.default_rng(0))
    judged = row_of(table, "b")
    for column in ("wer", "comparator_wer", "gap"):
        assert row[column] == pytest.approx(judged[column])
    words = scores[["hits", "substitutions", "deletions"]].sum(axis="columns")
    errors = scores[["substitutions", "deletions", "insertions"]].sum(axis="columns")
    assert row["wer"] == pytest.approx(errors[member].sum() / words[member].sum())
    assert row["gap_low"] < row["gap"] < row["gap_high"]
    raw = row_of(disparity_table(scores, "accent", policy, np.random.default_rng(0)), "b")
    assert row["raw_gap"] == raw["gap"]


def test_columns_and_rows_are_those_promised():
    found = matched(corpus(), ["age", "utterance_length"], ["accent", "gender"])
    assert found.gaps.columns.tolist() == list(MATCHED_COLUMNS)
    assert found.balance.columns.tolist() == list(BALANCE_COLUMNS)
    assert found.pairs.columns.tolist() == list(PAIR_COLUMNS)
    assert found.gaps[["dimension", "slice"]].to_numpy().tolist() == [
        ["accent", "a"],
        ["accent", "b"],
        ["gender", "f"],
        ["gender", "m"],
    ]
    assert found.balance["covariate"].tolist() == ["age=old", "age=young", "utterance_length"] * 4
    assert found.gaps["balanced"].dtype == bool


@pytest.mark.parametrize("correction", list(Correction), ids=lambda c: c.value)
def test_p_values_are_corrected_over_all_that_were_tested(correction):
    found = matched(corpus(), ["age"], ["accent", "gender"], policy_of(correction=correction)).gaps
    expected = adjusted(found["p_value"].to_numpy(), correction)
    assert found["p_adjusted"].tolist() == expected.tolist()


def test_the_order_of_people_who_differ_changes_nothing():
    scores = corpus().assign(age=lambda s: s["speaker_id"].str[1:].astype(float) % 37)
    policy = policy_of(comparator="a", n_resamples=100)
    first, again = matched(scores, ["age"], policy=policy), matched(scores[::-1], ["age"], policy=policy)
    pd.testing.assert_frame_equal(first.gaps, again.gaps)
    pd.testing.assert_frame_equal(first.pairs, again.pairs)


def test_scores_are_left_as_they_were_and_draws_repeat():
    scores = corpus()
    before = scores.copy()
    first, again = matched(scores, ["age"]), matched(scores, ["age"])
    pd.testing.assert_frame_equal(scores, before)
    pd.testing.assert_frame_equal(first.gaps, again.gaps)


def test_partners_share_what_must_be_exact():
    scores = corpus()
    found = matched(scores, ["utterance_length"], policy=policy_of(comparator="a"), exact=["age", "gender"])
    cells = scores.set_index("utterance_id")[["age", "gender"]]
    left, right = (cells.loc[found.pairs[name]].to_numpy() for name in ("member", "comparator_member"))
    assert len(left) > 50
    assert (left == right).all()
    by_person = matched(scores, [], policy=policy_of(comparator="a"), exact=["age"])
    assert row_of(by_person.gaps, "b")["unit"] == "speaker"
    ages = scores.groupby("speaker_id")["age"].first()
    assert ages[by_person.pairs["member"]].tolist() == ages[by_person.pairs["comparator_member"]].tolist()


def test_utterances_are_matched_within_their_condition():
    clean = corpus(20)
    noisy = clean.assign(utterance_id=clean["utterance_id"] + "n", condition="noisy", hits=clean["hits"] + 1)
    scores = pd.concat([clean.assign(condition="clean"), noisy], ignore_index=True)
    found = matched(scores, ["utterance_length"], policy=policy_of(comparator="a"))
    assert (
        found.pairs["member"].str.endswith("n").tolist() == found.pairs["comparator_member"].str.endswith("n").tolist()
    )
    between = row_of(matched(scores, ["age"], "condition").gaps, "noisy")  # everybody is on both sides
    assert (between["unit"], between["n_pairs"], between["n_speakers"]) == ("utterance", 160, 40)
    assert between["gap"] < 0
    assert between["p_value"] < 0.05


def test_what_a_dimension_is_made_of_is_not_matched_on():
    found = matched(corpus(), ["accent", "age"], ["accent", "age", "accent & gender"])
    names = found.balance.groupby("dimension")["covariate"].unique().map(sorted).to_dict()
    assert names["accent"] == ["age=old", "age=young"]
    assert names["age"] == ["accent=a", "accent=b"]
    assert names["accent & gender"] == ["age=old", "age=young"]


def test_several_values_of_an_attribute_are_a_level_and_a_slice_each():
    scores = corpus()
    tongues = scores["speaker_id"].map(lambda name: [("en",), ("en", "fr"), ("fr",)][int(name[1:]) % 3])
    found = matched(scores.assign(tongue=tongues), ["age"], "tongue", policy_of(comparator="fr"))
    row = row_of(found.gaps, "en")
    assert (row["unit"], row["n_units"], row["n_comparator_units"]) == ("speaker", 80, 40)  # who is in both is in one
    on = matched(scores.assign(tongue=tongues), ["tongue"], policy=policy_of(comparator="a"))
    assert on.balance["covariate"].tolist() == ["tongue=en", "tongue=en + fr", "tongue=fr"]


# Bad input


@pytest.mark.parametrize(
    ("change", "on", "note"),
    [
        pytest.param(
            lambda s: {"age": s["accent"].map({"a": "old", "b": "young"})},
            ["age", "gender"],
            "the groups do not overlap on age: nothing can be matched",
            id="no-overlap",
        ),
        pytest.param(
            lambda s: {"x": s["accent"].map({"a": 1.0, "b": 2.0})},
            ["x", "gender"],
            "the groups do not overlap on x, gender taken together: nothing can be matched",
            id="separated-by-a-number",
        ),
        pytest.param(
            lambda s: {"prompt": s["utterance_id"]},
            ["prompt"],
            "prompt has 480 values, too many to match on (50 at most)",
            id="too-many-values",
        ),
        pytest.param(lambda _: {}, ["accent"], "nothing to match on is left beside accent itself", id="itself"),
    ],
)
def test_where_nothing_can_be_matched_a_note_says_why(change, on, note):
    scores = corpus()
    found = matched(scores.assign(**change(scores)), on).gaps
    assert found["note"].tolist() == [note, note]
    assert found["n_pairs"].tolist() == [0, 0]
    assert found[["wer", "gap", "gap_low", "p_value", "p_adjusted"]].isna().all(axis=None)
    assert found["raw_gap"].notna().all()
    assert not found["balanced"].any()


def test_collinear_and_constant_covariates_change_no_pair():
    scores = corpus()
    more = scores.assign(copy=scores["age"], planet="earth", age_s=scores["age"].map({"old": 70.0, "young": 20.0}))
    first = matched(scores, ["age"], policy=policy_of(comparator="a"))
    again = matched(more, ["age", "copy", "planet", "age_s"], policy=policy_of(comparator="a"))
    pd.testing.assert_frame_equal(first.pairs, again.pairs)
    assert again.gaps["balanced"].all()
    (note,) = again.balance.query("covariate == 'planet=earth'")["note"]
    assert note == "a share: no ratio of variances"


def test_numbers_that_were_not_measured_are_a_level_of_their_own():
    scores = corpus()
    loudness = scores["speaker_id"].str[1:].astype(float) % 10
    scores = scores.assign(loudness_db=loudness.where(loudness > 2))
    found = matched(scores, ["loudness_db"], policy=policy_of(comparator="a"))
    assert found.balance["covariate"].tolist() == ["loudness_db", "loudness_db=loudness_db not measured"]
    known = scores.groupby("speaker_id")["loudness_db"].first().isna()
    assert known[found.pairs["member"]].tolist() == known[found.pairs["comparator_member"]].tolist()


def test_undeclared_is_a_level_to_match_on_and_never_a_slice():
    scores = corpus()
    hidden = scores["speaker_id"].str[1:].astype(int) % 4 == 0
    scores = scores.assign(age=scores["age"].mask(hidden, "undeclared"), accent=scores["accent"])
    found = matched(scores, ["age"], ["accent", "age"])
    assert "age=undeclared" in found.balance["covariate"].tolist()
    assert found.gaps["slice"].tolist() == ["a", "b", "old", "young"]


def test_people_without_an_id_are_matched_by_utterance_and_get_no_test():
    found = row_of(matched(corpus().assign(speaker_id=None), ["age"], policy=Policy(comparator="a")).gaps, "b")
    assert (found["unit"], found["n_speakers"]) == ("utterance", 0)
    assert np.isfinite(found["gap"])
    assert np.isnan(found["gap_low"])
    assert np.isnan(found["p_value"])
    assert found["note"].startswith("too few to say: 0 speakers with an id where the policy asks for 5")


def test_utterances_of_nobody_are_left_out_where_people_are_matched_and_counted_in_the_note():
    scores = corpus()
    nameless = scores["speaker_id"].where(scores.index >= 8, None)
    found = row_of(matched(scores.assign(speaker_id=nameless), ["age"], policy=policy_of(comparator="a")).gaps, "b")
    assert (found["unit"], found["n_comparator_units"]) == ("speaker", 58)
    assert found["note"] == "8 utterances without a speaker id left out"


@pytest.mark.parametrize(
    ("scores", "start"),
    [
        pytest.param(
            corpus(3), "too few to match: 3 speakers with an id where the policy asks for 5, 12 utt", id="few"
        ),
        pytest.param(
            corpus().assign(speaker_id=lambda s: "only " + s["accent"]),
            "too few to say: 1 speaker with an id where the policy asks for 5",
            id="one-speaker-a-side",
        ),
        pytest.param(
            corpus().assign(hits=0, substitutions=0, insertions=1),
            "too few to match: 0 reference words where the policy asks for 100",
            id="no-words",
        ),
    ],
)
def test_below_the_policys_floors_there_is_no_test(scores, start):
    found = matched(scores, ["age", "utterance_length"], policy=Policy()).gaps
    assert found["p_value"].isna().all()
    assert found["note"].str.startswith(start).all(), found["note"].tolist()


@pytest.mark.parametrize("failures", list(Failures), ids=lambda f: f.value)
def test_failed_clips_count_as_the_policy_says(failures):
    scores = corpus()
    failing = scores["utterance_id"].isin([f"u{k}" for k in range(0, 480, 7)])
    lost = (scores["hits"] + scores["substitutions"]).where(failing, 0)
    failed = scores.assign(
        failed=failing,
        deletions=lost,
        **{name: scores[name].mask(failing, 0) for name in ("hits", "substitutions", "insertions")},
    )
    found = matched(failed, ["utterance_length"], policy=policy_of(comparator="a", failures=failures))
    used = set(found.pairs["member"]) | set(found.pairs["comparator_member"])
    assert bool(used & set(scores.loc[failing, "utterance_id"])) == (failures is Failures.deletions)


def test_error_rates_above_one_and_identical_people_have_a_gap():
    loud = matched(corpus().assign(insertions=40), ["age"], policy=policy_of(comparator="a")).gaps
    assert loud["wer"].gt(1).all()
    same = scores_of([1] * 40, [10] * 40, accent=["a", "b"] * 20, age=["old"] * 40)
    found = row_of(matched(same, ["age"], policy=policy_of(comparator="a")).gaps, "b")
    assert (found["gap"], found["n_pairs"], found["balanced"]) == (0, 20, True)
    assert found["p_value"] == 1


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(scores_of([1, 2], [10, 10], accent=["a", "a"], age=["x", "y"]), id="one-slice"),
        pytest.param(scores_of([], [], accent=[], age=[]), id="nobody"),
    ],
)
def test_without_anything_to_compare_there_are_no_rows(scores):
    found = matched(scores, ["age"])
    assert found.gaps.empty
    assert found.balance.empty
    assert found.gaps.columns.tolist() == list(MATCHED_COLUMNS)


def test_an_attribute_of_five_thousand_values_has_a_row_each():
    n = 5_000
    scores = scores_of([1] * 2 * n, [10] * 2 * n, accent=[f"a{k}" for k in range(n)] * 2, age=["x", "y"] * n)
    found = matched(scores[::10], ["age"], policy=Policy()).gaps
    assert len(found) == 500
    assert found["note"].str.startswith("too few to match").all()


@pytest.mark.parametrize(
    ("on", "options", "message"),
    [
        pytest.param([], {}, "nothing to match on; expected attributes or utterance_length", id="nothing"),
        pytest.param(["agee"], {}, "'agee' is not in the scores", id="unknown"),
        pytest.param(["hits"], {}, "'hits' is an outcome", id="an-outcome"),
        pytest.param(["age"], {"exact": ["room"]}, r"exact names \['room'\], which the scores do not have", id="exact"),
        pytest.param(["age"], {"caliper": 0}, "caliper=0; expected standard deviations", id="no-caliper"),
        pytest.param(["age"], {"caliper": np.nan}, "caliper=nan", id="caliper-nan"),
    ],
)
def test_wrong_options_are_named(on, options, message):
    with pytest.raises(UsageError, match=message):
        matched(corpus(8), on, **options)


# Real transcripts


@cache
def artie(vendor):
    with tempfile.TemporaryDirectory() as folder:
        manifest = artie_manifest(Path(folder))
    columns = {"utterance_id": "path", "text": "prediction"}
    hypotheses = read_hypotheses(DATA / "artie" / "predictions" / f"{vendor}.tsv", columns=columns)
    hypotheses["utterance_id"] = hypotheses["utterance_id"].str.removesuffix(".wav")
    return score(manifest, hypotheses, WhisperEnglish()).query("accent != 'undeclared'")


@needs_data("artie")
@pytest.mark.parametrize(
    ("vendor", "before", "after"),
    list(zip(VENDORS, [0.144, 0.158, 0.194, 0.074], [0.139, 0.164, 0.195, 0.077], strict=True)),
)
def test_artie_the_gap_of_indian_accents_is_there_among_people_and_sentences_alike(vendor, before, after):
    policy = Policy(n_resamples=500, n_permutations=999)
    found = matched(artie(vendor), ["age", "gender", "utterance_length"], policy=policy)
    row = row_of(found.gaps, "indian")
    assert (row["n_units"], row["n_pairs"], row["n_speakers"]) == (264, 264, 154)
    assert (round(row["raw_gap"], 3), round(row["gap"], 3)) == (before, after)
    assert row["balanced"]
    assert row["gap_low"] > 0
    assert row["p_adjusted"] < 0.05
    least = found.gaps.set_index("slice").loc["wales"]
    assert least["note"].startswith("too few to match: 2 speakers with an id where the policy asks for 5")
