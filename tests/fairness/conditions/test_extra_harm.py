"""Whom a condition hurts more: the example of METHODS, statsmodels, a recount, planted tones, and who cannot say."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from harness.errors import UsageError
from harness.fairness import Correction, Failures, Policy
from harness.fairness.conditions import EXTRA_HARM_COLUMNS, HarmScale, extra_harm_table
from tests.fairness.builders import policy_of
from tests.fairness.conditions.builders import A, B, example, levels, levels_of_tones, name_of, one, tones, under

SE_A, SE_B = 0.0049195, 0.0105112


def found(scores, by="accent", *, told=None, scale=HarmScale.additive, orders=None, **options):
    return extra_harm_table(scores, by, policy_of(**options), levels=told, scale=scale, orders=orders)


def studentised(inside):
    """Return the difference of what is added, over its standard error, with these speakers as B."""
    rows = np.array([*A, *B], float)
    rates, squares = [], []
    for side in (inside, [k for k in range(10) if k not in inside]):
        words, added = rows[list(side), 0], rows[list(side), 2] - rows[list(side), 1]
        rate, n = added.sum() / words.sum(), len(side)
        rates.append(rate)
        squares.append(n / (n - 1) * ((added - rate * words) ** 2).sum() / words.sum() ** 2)
    return (rates[0] - rates[1]) / np.sqrt(sum(squares))


def test_the_example_of_methods_on_both_scales():
    table = found(example())
    assert tuple(table.columns) == EXTRA_HARM_COLUMNS
    row = one(table, slice="b")
    assert row[["clean_wer", "wer"]].tolist() == pytest.approx([0.1043478, 0.2152174], abs=1e-7)
    assert row["extra_harm"] == pytest.approx(0.0598057, abs=1e-7)
    assert row["harm"] - row["comparator_harm"] == pytest.approx(row["extra_harm"])
    freedom = (SE_A**2 + SE_B**2) ** 2 / ((SE_A**4 + SE_B**4) / 4)
    half = stats.t.ppf(0.975, freedom) * np.hypot(SE_A, SE_B)
    assert row["extra_harm_high"] - row["extra_harm"] == pytest.approx(half, rel=1e-4)
    assert row["extra_harm"] / np.hypot(SE_A, SE_B) == pytest.approx(5.153, abs=1e-3)
    assert np.log(row["harm_ratio"]) == pytest.approx(0.0307717, abs=1e-7)
    assert row["harm_ratio_p_value"] > 0.5


def test_the_p_value_of_the_example_is_that_of_the_studentised_difference_over_all_252_labellings():
    observed = abs(studentised(range(5, 10)))
    drawn = [abs(studentised(inside)) for inside in combinations(range(10), 5)]
    exact = np.mean(np.array(drawn) >= observed - 1e-9)
    assert observed == pytest.approx(5.153, abs=1e-3)
    assert exact == pytest.approx(0.0079365, abs=1e-7)
    assert one(found(example()), slice="b")["p_value"] == pytest.approx(exact)


def test_the_ratio_of_ratios_is_the_interaction_of_the_poisson_model_with_an_effect_of_each_speaker():
    rows = np.array([*A, *B])
    errors, words = rows[:, 1:].T.ravel(), np.tile(rows[:, 0], 2)  # clean ones first
    noisy, group = np.repeat([0, 1], 10), np.tile(np.repeat([0, 1], 5), 2)
    design = np.column_stack([np.tile(np.eye(10), (2, 1)), noisy, noisy * group])
    fit = sm.GLM(errors, design, family=sm.families.Poisson(), offset=np.log(words)).fit()
    assert [fit.params[-1], fit.bse[-1]] == pytest.approx([0.0307717, 0.2161416], abs=1e-6)
    assert fit.pvalues[-1] == pytest.approx(0.887, abs=1e-3)
    row = one(found(example()), slice="b")
    assert np.log(row["harm_ratio"]) == pytest.approx(fit.params[-1], abs=1e-6)


def test_the_interval_of_the_ratio_is_clustered_by_speaker():
    shares = []
    for side in (A, B):
        _, clean, noisy = np.array(side, float).T
        influence = noisy / noisy.sum() - clean / clean.sum()
        shares.append(5 / 4 * (influence**2).sum())
    row = one(found(example()), slice="b")
    freedom = sum(shares) ** 2 / sum(share**2 / 4 for share in shares)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(shares))
    assert np.log(row["harm_ratio_high"] / row["harm_ratio"]) == pytest.approx(half)


def test_the_words_say_what_is_added_to_whom():
    table = found(example())
    rest = "95 % +3.1 to +8.9, adjusted p 0.0079 (5 speakers against 5)"
    told = f"noisy adds 6.0 points more to b than to the rest, and at least 3 points: {rest}"
    assert one(table, slice="b")[["verdict", "reason"]].tolist() == ["disparity", told]
    assert one(table, slice="a")["verdict"] == "advantage"
    assert "adds 6.0 points less to a" in one(table, slice="a")["reason"]


def test_everybody_comes_first_with_a_harm_and_without_a_verdict():
    row = found(example()).iloc[0]
    assert row[["condition", "dimension", "slice", "comparator", "verdict", "reason"]].tolist() == [
        *("noisy", "overall", "all", "", "", "")
    ]
    words, clean, noisy = np.array([*A, *B]).T
    assert row["harm"] == pytest.approx((noisy - clean).sum() / words.sum())
    assert row["harm_low"] < row["harm"] < row["harm_high"]
    assert np.isnan(row["extra_harm"])


def test_two_mirrored_slices_are_one_test():
    table = found(example(), correction=Correction.none)
    assert found(example(), correction=Correction.holm)["p_adjusted"].tolist()[1:] == table["p_value"].tolist()[1:]
    left, right = one(table, slice="a"), one(table, slice="b")
    assert left["extra_harm"] == -right["extra_harm"]
    assert left[["p_value", "p_adjusted"]].tolist() == right[["p_value", "p_adjusted"]].tolist()


def test_a_naive_recount_with_several_values_and_people_without_an_id():
    rng = np.random.default_rng(3)
    accents = [("x", "y") if k % 7 == 0 else ("x",) if k % 2 else ("y",) if k % 3 else () for k in range(60)]
    speakers = [None if k % 11 == 0 else f"s{k % 13}" for k in range(60)]
    words, clean, noisy = rng.integers(1, 9, 60), rng.integers(0, 5, 60), rng.integers(0, 5, 60)
    table = found(under({"clean": clean, "noisy": noisy}, words, speakers, accent=accents))
    for name in ("x", "y"):
        sides = np.array([[name in each, len(each) > 0 and name not in each] for each in accents]).T
        added = [(noisy - clean)[side].sum() / words[side].sum() for side in sides]
        ratio = np.divide(*[noisy[side].sum() / clean[side].sum() for side in sides])
        row = one(table, slice=name)
        assert row[["harm", "comparator_harm", "harm_ratio"]].tolist() == pytest.approx([*added, ratio])


def test_a_planted_tone_of_twenty_is_found_and_no_other():
    scores = tones(np.random.default_rng(1), ["a"] * 10 + ["b"] * 30, planted=0.4, gender=["f", "m"] * 20)
    table = found(scores, ["accent", "gender"], told=levels_of_tones())
    raised = table[table["verdict"].isin(["disparity", "advantage"])]
    assert set(raised["condition"]) == {name_of(7)}
    row = one(raised, slice="a")
    assert row[["verdict", "sweep", "level"]].tolist() == ["disparity", "tone", 630.0]
    assert row["reason"].startswith("tone_07 adds ")


@pytest.mark.slow
def test_without_a_plant_nothing_is_raised_in_nineteen_of_twenty_seeds():
    raised = 0
    for seed in range(20):
        scores = tones(np.random.default_rng(seed), ["a", "b", "c", "d"] * 4, n_utterances=4)
        table = found(scores, told=levels_of_tones(), n_permutations=399)
        raised += table["verdict"].isin(["disparity", "advantage"]).any()
    assert raised <= 1


def test_six_people_are_no_evidence_however_much_is_planted_and_the_row_says_so():
    scores = tones(np.random.default_rng(2), ["a", "b"] * 3, planted=2.0, n_conditions=8)
    row = one(found(scores, told=levels_of_tones(8)), condition=name_of(7), slice="a")
    assert row["verdict"] == "inconclusive"
    assert np.isnan(row["minimum_detectable_extra_harm"])
    assert "so few speakers cannot show any difference, however large: no p-value below 0.1 can come" in row["reason"]
    default = extra_harm_table(scores, "accent", Policy(), levels=levels_of_tones(8))
    row = one(default, condition=name_of(7), slice="a")
    assert row["verdict"] == "insufficient"
    assert row["reason"].startswith("too few to say: 3 speakers with an id where the policy asks for 5")
    assert "so few speakers cannot show any difference" in row["reason"]


def test_an_inconclusive_row_says_what_so_many_speakers_would_have_shown():
    scores = tones(np.random.default_rng(5), ["a", "b"] * 8, n_conditions=2)
    row = one(found(scores, told=levels_of_tones(2)), condition=name_of(1), slice="a")
    assert row["verdict"] == "inconclusive"
    assert row["minimum_detectable_extra_harm"] > 0.03
    size = f"about {100 * row['minimum_detectable_extra_harm']:.3g} points more would have been seen with 80 %"
    assert size in row["reason"]


def test_a_sweep_is_a_family_and_conditions_that_are_in_none_are_another():
    scores = tones(np.random.default_rng(5), ["a", "b"] * 8, n_conditions=4)
    tone = levels({name_of(k): float(k) for k in (0, 1)}, "tone")
    together, apart = found(scores), found(scores, told=tone)
    only = scores[scores["condition"].isin(["clean", name_of(0), name_of(1)])]
    sweep_alone = found(only, told=tone)
    in_sweep = apart["condition"].isin([name_of(0), name_of(1)])
    assert apart[in_sweep]["p_adjusted"].tolist() == pytest.approx(sweep_alone["p_adjusted"].tolist(), nan_ok=True)
    assert (together["p_adjusted"].dropna() >= apart["p_adjusted"].dropna()).all()
    assert apart["sweep"].tolist() == ["tone"] * 6 + [""] * 6


def test_a_policy_that_allows_a_share_of_false_alarms_keeps_its_correction():
    scores = tones(np.random.default_rng(6), ["a", "b", "c"] * 6, n_conditions=5)
    table = found(scores, told=levels_of_tones(5), correction=Correction.none)
    assert table["p_adjusted"].equals(table["p_value"])


def test_a_condition_that_changes_nothing_harms_nobody():
    words, clean, _ = zip(*A, *B, strict=True)
    scores = under({"clean": clean, "same": clean}, words, accent=["a"] * 5 + ["b"] * 5)
    table = found(scores)
    assert table[["harm"]].eq(0).all(axis=None)
    assert table["p_value"].tolist()[1:] == [1, 1]
    assert set(table["verdict"][1:]) == {"inconclusive"}  # one of five texts may still change
    assert table["harm_ratio"].tolist()[1:] == [1, 1]
    assert (table["harm_low"] < 0).all()


def test_equality_is_shown_by_many_texts_that_hardly_change():
    scores = under(
        {"clean": [1] * 800, "same": [1] * 800}, [10] * 800, [f"s{k % 40}" for k in range(800)], accent=["a", "b"] * 400
    )
    row = one(found(scores), slice="a")
    assert row["verdict"] == "within_margin"
    assert row["reason"].startswith("same adds as much to a as to the rest within 3 points: 90 % interval")


def test_without_clean_errors_there_is_no_ratio_and_the_row_says_why():
    scores = under({"clean": [0] * 5 + [3] * 5, "noisy": range(2, 12)}, [90] * 10, accent=["a"] * 5 + ["b"] * 5)
    table = found(scores)
    assert table[["harm_ratio", "harm_ratio_low", "harm_ratio_p_value"]].isna().all(axis=None)
    assert one(table, slice="a")["reason"].endswith("; no ratio: a made no word error on clean audio")
    assert one(table, slice="b")["reason"].endswith("; no ratio: the rest made no word error on clean audio")
    assert table["p_value"].notna().tolist() == [False, True, True]


def test_undeclared_people_and_a_slice_alone_have_harm_and_no_verdict():
    table = found(example(accent=["a"] * 5 + [""] * 5, region=["north"] * 10), ["accent", "region"])
    assert table["slice"].tolist() == ["all", "a", "undeclared", "north"]
    assert table["harm"].notna().all()
    assert table["extra_harm"].isna().all()
    assert set(table["verdict"]) == {""}


def test_speakers_on_both_sides_are_tested_by_signs():
    speakers = [f"s{k % 8}" for k in range(16)]
    scores = under(
        {"clean": [5] * 16, "noisy": [9] * 8 + [30, 31, 28, 33, 29, 35, 30, 31]},
        [100] * 16,
        speakers,
        place=["office"] * 8 + ["floor"] * 8,
    )
    row = one(found(scores, "place"), slice="floor")
    assert row["p_value"] == 2 / 2**8
    assert row["verdict"] == "disparity"


def test_clips_that_failed_under_one_condition_are_counted_as_deleted_or_left_out_of_both():
    words, clean, noisy = (list(each) for each in zip(*A, *B, strict=True))
    noisy[9] = words[9]
    scores = under({"clean": clean, "noisy": noisy}, words, accent=["a"] * 5 + ["b"] * 5)
    scores.loc[19, "failed"] = True
    row = one(found(scores), slice="b")
    assert "1 of its 5 clips failed, every word of them counted as deleted" in row["reason"]
    left = one(found(scores, failures=Failures.left_out), slice="b")
    assert left["clean_wer"] == pytest.approx(sum(clean[5:9]) / sum(words[5:9]))
    assert left["harm"] == pytest.approx((sum(noisy[5:9]) - sum(clean[5:9])) / sum(words[5:9]))
    assert "1 of its 5 clips failed, left out" in left["reason"]


def test_without_ids_there_is_no_interval_and_no_verdict():
    scores = example().assign(speaker_id=None)
    table = found(scores)
    bounds = table[["harm_low", "harm_high", "extra_harm_low", "extra_harm_high", "harm_ratio_low"]]
    assert bounds.isna().all(axis=None)
    assert set(table["verdict"][1:]) == {"insufficient"}
    assert one(table, slice="a")["reason"].startswith("too few to say: 0 speakers with an id")


def test_a_slice_without_words_has_no_rate_and_breaks_nothing():
    scores = under(
        {"clean": [1] * 8 + [0] * 4, "noisy": [3] * 12}, [50] * 8 + [0] * 4, accent=["a", "b"] * 4 + ["c"] * 4
    )
    row = one(found(scores), slice="c")
    assert np.isnan(row[["clean_wer", "wer", "harm", "harm_low", "extra_harm"]].astype(float)).all()
    assert row["verdict"] == "insufficient"


def test_the_multiplicative_scale_is_judged_on_its_own_margin():
    with pytest.raises(UsageError, match="margin_ratio"):
        found(example(), scale=HarmScale.multiplicative)
    table = found(example(), scale=HarmScale.multiplicative, margin_ratio=1.5)
    row = one(table, slice="b")
    assert row["p_adjusted"] == row["harm_ratio_p_value"]
    assert row["verdict"] == "within_margin"
    assert row["reason"].startswith("noisy multiplies the word errors of b as much as those of the rest within ×1.50")
    words, clean, noisy = (list(each) for each in zip(*A, *B, strict=True))
    worse = under(
        {"clean": clean, "noisy": noisy[:5] + [3 * each for each in noisy[5:]]}, words, accent=["a"] * 5 + ["b"] * 5
    )
    row = one(found(worse, scale=HarmScale.multiplicative, margin_ratio=1.5), slice="b")
    assert row["verdict"] == "disparity"
    assert row["reason"].startswith(
        "noisy multiplies the word errors of b by 3.09 of what it does to the rest's, and at"
    )


def test_order_of_rows_and_seed_do_not_change_the_table():
    scores = tones(np.random.default_rng(7), ["a", "b", "c"] * 5, n_conditions=3, gender=["f", "m", "m"] * 5)
    table = found(scores, ["accent", "accent & gender"], told=levels_of_tones(3))
    again = found(scores.sample(frac=1, random_state=2), ["accent", "accent & gender"], told=levels_of_tones(3))
    pd.testing.assert_frame_equal(table, again)


def test_only_clean_scores_make_an_empty_table():
    table = found(example().query("condition == 'clean'"))
    assert (len(table), tuple(table.columns)) == (0, EXTRA_HARM_COLUMNS)


def test_slices_stand_in_the_order_of_the_attribute():
    table = found(example(), orders={"accent": ["b", "a"]})
    assert table["slice"].tolist() == ["all", "b", "a"]
