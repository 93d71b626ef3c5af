import doctest
import importlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Correction, DimensionPolicy, Failures, Policy
from harness.fairness.planning import (
    EQUAL_GROUPS,
    MOST_SPEAKERS,
    PLAN_COLUMNS,
    PlanOptions,
    plan_groups,
    plan_manifest,
    plan_scores,
    speakers_needed,
)
from harness.fairness.policy import Family
from harness.fairness.power import Design, Group, detectable_gap, power_of_gap
from harness.fairness.speaker_spread import ENOUGH_SPEAKERS, Spread, spread_of_scores
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import row_of, scores_of, simulated

ASSUMED = Spread(wer=0.15, speaker_cv=0.5, dispersion=1.5, words_per_speaker=400)


def manifest_of(accents, *, n_utterances=4, words=10, **columns):
    """Return a manifest's frame: each entry is a speaker, who says `n_utterances` sentences of so many words."""
    speakers = np.repeat(np.arange(len(accents)), n_utterances)
    return pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(len(speakers))],
            "speaker_id": pd.Series([f"s{i:03d}" for i in speakers], dtype=object),
            "text": " ".join(["word"] * words),
            "accent": pd.Series([accents[i] for i in speakers], dtype=object),
            **{name: [values[i] for i in speakers] for name, values in columns.items()},
        }
    )


def slices_of(plan):
    return plan.table[plan.table["dimension"] != EQUAL_GROUPS]


def groups_of(plan):
    return plan.table[plan.table["dimension"] == EQUAL_GROUPS]


def planned(accents, policy=None, by=("accent",), options=None, **manifest):
    return plan_manifest(manifest_of(accents, **manifest), list(by), policy or Policy(), options or PlanOptions())


def equal(n_speakers, words=400.0, rate=0.15):
    arrays = (np.array([float(value)]) for value in (n_speakers, words, 0.5, 1.5, 1.0))
    same = Group(*arrays)
    return Design(np.array([rate]), same, same)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("wer", 0), ("wer", 15), ("gap", 0), ("gap", 3), ("speaker_cv", 0), ("speaker_cv", float("nan")),
        ("dispersion", -1), ("words_per_speaker", 0), ("words_per_speaker", float("inf")), ("power", 0), ("power", 1),
        ("n_comparisons", 0), ("speakers", []), ("speakers", [10, 1]),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_meant_is_refused_by_name(option, wrong):
    with pytest.raises(UsageError, match=rf"plan\.{option}="):
        PlanOptions(**{option: wrong})


def test_two_equal_groups_have_a_row_for_every_size_and_again_for_ten_times_the_words():
    plan = plan_groups(Policy(), PlanOptions(speakers=[50, 10, 10]))
    assert tuple(plan.table.columns) == PLAN_COLUMNS
    assert plan.table["n_speakers"].tolist() == [10, 50, 10, 50]
    assert plan.table["words_per_speaker"].tolist() == [400, 400, 4_000, 4_000]
    assert set(plan.table["dimension"]) == {EQUAL_GROUPS}
    expected = [detectable_gap(equal(n, words), alpha=0.05)[0] for words in (400, 4_000) for n in (10, 50)]
    assert plan.table["detectable_gap"].tolist() == pytest.approx(expected)
    assert (plan.table["gap_asked"] == Policy().margin).all()


def test_the_people_needed_are_the_fewest_that_are_enough():
    needed = plan_groups(Policy(), PlanOptions(gap=0.05)).table["n_speakers_needed"].iloc[0]
    gap = np.array([0.05])
    assert power_of_gap(gap, equal(needed), alpha=0.05)[0] >= 0.8 > power_of_gap(gap, equal(needed - 1), alpha=0.05)[0]


def test_ten_times_the_words_hardly_save_people():
    needed = plan_groups(Policy(), PlanOptions()).table.drop_duplicates("words_per_speaker")["n_speakers_needed"]
    assert 0.9 < needed.iloc[1] / needed.iloc[0] < 1


@pytest.mark.parametrize(
    ("correction", "level"),
    [(Correction.holm, 0.005), (Correction.fdr_bh, 0.005), (Correction.max_t, 0.005), (Correction.none, 0.05)],
)
def test_the_level_is_that_of_the_comparisons_planned(correction, level):
    plan = plan_groups(Policy(correction=correction), PlanOptions(n_comparisons=10))
    assert plan.level == pytest.approx(level)
    needed = plan.table["n_speakers_needed"].iloc[0]
    assert power_of_gap(np.array([0.03]), equal(needed), alpha=level)[0] == pytest.approx(0.8, abs=0.01)


def test_a_gap_that_no_number_of_people_shows_has_none_needed():
    assert plan_groups(Policy(margin=0.0001), PlanOptions()).table["n_speakers_needed"].isna().all()
    assert speakers_needed(lambda n: np.where(n >= MOST_SPEAKERS, 1.0, 0.0), 1, power=0.8).tolist() == [MOST_SPEAKERS]
    few = speakers_needed(lambda n: 1 - 1 / n**2, 3, power=np.array([0.7, 0.75, 0.76]))
    assert few.tolist() == [2, 2, 3]


def test_a_slice_of_a_manifest_is_planned_against_the_rest():
    plan = planned(["north"] * 20 + ["south"] * 30 + ["west"] * 50, words=25)
    north = row_of(slices_of(plan), "north")
    sides = [Group(*(np.array([float(v)]) for v in (n, 100, 0.5, 1.5, 1))) for n in (20, 80)]
    design = Design(np.array([0.15]), *sides)
    assert (north["n_speakers"], north["words_per_speaker"]) == (20, 100)
    assert (north["wer_assumed"], north["speaker_cv"]) == (0.15, 0.5)
    assert north["detectable_gap"] == pytest.approx(detectable_gap(design, alpha=0.05 / 3)[0])
    assert north["power"] == pytest.approx(power_of_gap(np.array([0.03]), design, alpha=0.05 / 3)[0])
    assert north["note"].startswith("more speakers here alone are not enough: its comparator has 80")
    assert (plan.n_comparisons, plan.level) == (3, 0.05 / 3)


def test_people_needed_in_a_slice_leave_its_comparator_as_it_is():
    plan = planned(["north"] * 10 + ["south"] * 400, options=PlanOptions(gap=0.04), words=100)
    north = row_of(slices_of(plan), "north")
    of_south = Group(*(np.array([float(v)]) for v in (400, 400, 0.5, 1.5, 1)))

    def power(n_speakers):
        sides = replace(of_south, n_speakers=np.array([n_speakers])), of_south
        return power_of_gap(np.array([0.04]), Design(np.array([0.15]), *sides), alpha=0.05)[0]

    assert power(north["n_speakers_needed"]) >= 0.8 > power(north["n_speakers_needed"] - 1)


def test_two_slices_are_one_comparison_and_small_ones_count_too():
    both = planned(["north"] * 9 + ["south"] * 9, by=["accent", "room"], room=(["a"] * 3 + ["b"] * 6) * 2)
    assert both.n_comparisons == 2
    three = planned(["north"] * 9 + ["south"] * 9 + ["west"])
    assert three.n_comparisons == 3
    assert "1 speaker with an id where the policy asks for 5" in row_of(slices_of(three), "west")["note"]


def test_a_family_a_dimension_is_corrected_alone():
    rooms = ["a", "b", "c"] * 8
    plan = planned(["north", "south"] * 12, Policy(family=Family.dimension), by=["accent", "room"], room=rooms)
    one, three = row_of(slices_of(plan), "north"), row_of(slices_of(plan), "a")
    alone = planned(["north", "south"] * 12)
    assert one["detectable_gap"] == row_of(slices_of(alone), "north")["detectable_gap"]
    assert three["detectable_gap"] > one["detectable_gap"]
    assert plan.n_comparisons == 3


def test_unequal_shares_of_the_words_cost_people():
    even = manifest_of(["north", "south"] * 20)
    lengths = np.where(even["speaker_id"].isin(["s000", "s001"]), 20, 2)
    uneven = even.assign(text=[" ".join(["word"] * n) for n in lengths])
    gaps = [
        row_of(slices_of(plan_manifest(frame, ["accent"], Policy(), PlanOptions())), "north")["detectable_gap"]
        for frame in (even, uneven)
    ]
    assert gaps[1] > 1.5 * gaps[0]


def test_who_declares_nothing_is_in_no_slice_and_in_no_comparator():
    told = planned(["north"] * 10 + ["south"] * 10)
    more = planned(["north"] * 10 + ["south"] * 10 + ["undeclared"] * 30 + ["declined"] * 5)
    assert slices_of(more)["slice"].tolist() == ["north", "south"]
    pd.testing.assert_frame_equal(slices_of(told), slices_of(more))


def test_multi_valued_attributes_and_intersections_are_sliced():
    several = planned([("north", "south")] * 6 + ["south"] * 8 + ["west"] * 8)
    assert slices_of(several)["n_speakers"].tolist() == [6, 14, 8]
    crossed = planned(["north", "south"] * 20, by=["accent & room"], room=["a"] * 20 + ["b"] * 20)
    assert slices_of(crossed)["n_speakers"].tolist() == [10] * 4


def test_people_on_both_sides_are_said_to_be():
    frame = manifest_of(["north"] * 12)
    noisy = frame.assign(noise=np.where(np.arange(len(frame)) % 2, "kitchen", "none"))
    rows = slices_of(plan_manifest(noisy, ["noise"], Policy(), PlanOptions()))
    assert rows["n_speakers"].tolist() == [12, 12]
    assert rows["note"].str.contains("the same people are on both sides").all()


def test_before_a_run_the_rest_stands_in_for_the_best_slice():
    best = Policy(comparator="best", dimensions={"accent": DimensionPolicy(comparator="best", margin=0.05)})
    found = planned(["north", "south", "west"] * 10, best)
    rest = Policy(dimensions={"accent": DimensionPolicy(margin=0.05)})
    pd.testing.assert_frame_equal(found.table, planned(["north", "south", "west"] * 10, rest).table)
    assert (slices_of(found)["gap_asked"] == 0.05).all()
    largest = planned(["north"] * 20 + ["south", "west"] * 10, Policy(comparator="largest"))
    assert slices_of(largest)["slice"].tolist() == ["south", "west"]


def test_a_comparator_that_is_no_slice_is_refused():
    with pytest.raises(UsageError, match="comparator 'east' is no declared slice of accent"):
        planned(["north", "south"] * 10, Policy(comparator="east"))


def test_nobody_to_compare_with_leaves_the_equal_groups():
    plan = planned(["north"] * 20)
    assert slices_of(plan).empty
    assert len(groups_of(plan)) == 16


def test_people_without_an_id_count_for_nobody():
    frame = manifest_of(["north", "south"] * 10)
    unnamed = frame.assign(speaker_id=None)
    rows = slices_of(plan_manifest(unnamed, ["accent"], Policy(), PlanOptions()))
    assert rows["n_speakers"].tolist() == [0, 0]
    assert rows["power"].tolist() == [0, 0]
    assert rows["detectable_gap"].isna().all()
    assert rows["note"].str.contains("no gap, however large, is shown by 0 against 0").all()
    some = frame.assign(speaker_id=frame["speaker_id"].where(frame["speaker_id"] != "s000", ""))
    assert slices_of(plan_manifest(some, ["accent"], Policy(), PlanOptions()))["n_speakers"].tolist() == [9, 10]


@pytest.mark.parametrize("text", [None, "", "  "], ids=["none", "empty", "blank"])
def test_references_without_words_are_no_evidence(text):
    plan = plan_manifest(manifest_of(["north", "south"] * 9).assign(text=text), ["accent"], Policy(), PlanOptions())
    assert slices_of(plan)["n_speakers"].tolist() == [0, 0]
    assert plan.spread.words_per_speaker == 400


def test_what_is_nan_has_a_note():
    policy = Policy(margin=0.001)
    for accents in (["north"] * 3 + ["south"] * 3, ["north"] + ["south"] * 40, ["north", "south"] * 5):
        rows = slices_of(planned(accents, policy))
        silent = rows[["detectable_gap", "n_speakers_needed"]].isna().any(axis=1) & (rows["note"] == "")
        assert not silent.any()


def test_five_thousand_values_are_planned():
    accents = [f"a{i:04d}" for i in range(5_000)]
    plan = planned(accents, n_utterances=1)
    assert len(slices_of(plan)) == plan.n_comparisons == 5_000


def speakers_with(speaker_cv, dispersion, n_speakers=400, n_utterances=30, wer=0.2, seed=0):
    """Return scores of speakers whose rates and errors vary as said, in two accents."""
    rng = np.random.default_rng(seed)
    spread = np.sqrt(np.log1p(speaker_cv**2))
    rates = wer * np.exp(rng.normal(-(spread**2) / 2, spread, n_speakers))
    words = rng.integers(8, 30, (n_speakers, n_utterances))
    expected = rates[:, None] * words
    bursts = rng.gamma(expected / (dispersion - 1), (dispersion - 1) / expected) if dispersion > 1 else 1.0
    errors = rng.poisson(expected * bursts)
    speakers = [f"s{i:03d}" for i in range(n_speakers)]
    return scores_of(
        errors.ravel(),
        words.ravel(),
        np.repeat(speakers, n_utterances),
        accent=np.repeat(["north", "south"] * (n_speakers // 2), n_utterances),
    )


def test_speakers_who_do_not_differ_at_all_are_planned_with_the_error_of_one_word():
    rows = [
        {"utterance_id": f"u{who}_{i}", "speaker_id": f"s{who:02d}", "accent": f"a{who % 2}", "hits": 7}
        for who in range(24)
        for i in range(6)
    ]
    alike = pd.DataFrame(rows).assign(substitutions=1, deletions=0, insertions=0, failed=False)
    found = plan_scores(alike, ["accent"], Policy(), PlanOptions())
    assert found.spread.dispersion == pytest.approx(1 / 144)
    groups = found.table[found.table["dimension"] == EQUAL_GROUPS]
    assert groups["detectable_gap"].notna().all()
    slices = found.table[found.table["dimension"] == "accent"]
    one_word = np.sqrt(2) / (72 * 8)
    assert (slices["detectable_gap"] > one_word).all()
    assert (slices["detectable_gap"] < 0.03).all()


@pytest.mark.parametrize("speaker_cv", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("dispersion", [1.0, 2.0, 4.0])
def test_the_spread_that_was_planted_is_estimated(speaker_cv, dispersion):
    found = [
        spread_of_scores(checked_scores(speakers_with(speaker_cv, dispersion, seed=seed), Policy()), ASSUMED)
        for seed in range(5)
    ]
    assert np.mean([each.wer for each in found]) == pytest.approx(0.2, rel=0.1)
    assert np.mean([each.speaker_cv for each in found]) == pytest.approx(speaker_cv, rel=0.15)
    assert np.mean([each.dispersion for each in found]) == pytest.approx(dispersion, rel=0.1)
    assert not any(each.notes for each in found)


def test_a_run_is_planned_with_the_spread_of_its_slices():
    calm, wild = speakers_with(0.2, 2, n_speakers=60), speakers_with(0.8, 2, n_speakers=60, seed=1)
    scores = pd.concat([calm.assign(accent="calm"), wild.assign(accent="wild", speaker_id="w" + wild["speaker_id"])])
    rows = slices_of(plan_scores(scores, ["accent"], Policy(), PlanOptions()))
    assert row_of(rows, "calm")["speaker_cv"] < 0.3 < 0.6 < row_of(rows, "wild")["speaker_cv"]
    others = scores[scores["accent"] == "calm"]
    errors = others[["substitutions", "deletions", "insertions"]].sum().sum()
    assert row_of(rows, "wild")["wer_assumed"] == pytest.approx(
        errors / (others["hits"] + others["substitutions"]).sum()
    )
    assert (rows["note"] == "").all() or rows["note"].str.startswith("more speakers here alone").any()


def test_few_speakers_borrow_the_spread_of_everybody():
    scores = speakers_with(0.5, 2, n_speakers=60)
    few = scores.assign(accent=np.where(scores["speaker_id"].isin(["s000", "s001", "s002"]), "few", "many"))
    plan = plan_scores(few, ["accent"], Policy(), PlanOptions())
    row = row_of(slices_of(plan), "few")
    assert row["speaker_cv"] == plan.spread.speaker_cv
    assert f"fewer than {ENOUGH_SPEAKERS}" in row["note"]


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        pytest.param(scores_of([0] * 40, [10] * 40, accent=["a", "b"] * 20), "nothing estimated", id="no-errors"),
        pytest.param(scores_of([3] * 40, [0] * 40, accent=["a", "b"] * 20), "nothing estimated", id="no-words"),
        pytest.param(scores_of([3, 1] * 20, [10] * 40, [None] * 40, accent=["a", "b"] * 20), "nothing", id="no-ids"),
        pytest.param(scores_of([3, 1] * 20, [10] * 40, accent=["a", "b"] * 20), "dispersion", id="one-utterance-each"),
        pytest.param(scores_of([3, 1] * 20, [10] * 40, ["s", "t"] * 20, accent=["a", "b"] * 20), "differ", id="two"),
        pytest.param(scores_of([3, 1] * 20, [10] * 40, ["s"] * 40, accent=["a", "b"] * 20), "differ", id="one"),
    ],
)
def test_what_the_scores_do_not_tell_is_assumed_and_said(scores, note):
    plan = plan_scores(scores, ["accent"], Policy(), PlanOptions())
    assert any(note in each for each in plan.spread.notes)
    rows = slices_of(plan)
    assert len(rows) == 2
    assert rows["wer_assumed"].notna().all()
    assert (rows["detectable_gap"].notna() | (rows["note"] != "")).all()


def test_identical_slices_and_rates_above_one_are_planned():
    alike = scores_of([2, 3] * 100, [10, 12] * 100, np.repeat([f"s{i:02d}" for i in range(20)], 10),
                      accent=np.repeat(["a", "b"] * 10, 10))  # fmt: skip
    above = scores_of([30, 50] * 100, [20] * 200, np.repeat([f"s{i:02d}" for i in range(20)], 10),
                      accent=np.repeat(["a", "b"] * 10, 10))  # fmt: skip
    for scores, wer in ((alike, 5 / 22), (above, 2.0)):
        plan = plan_scores(scores, ["accent"], Policy(), PlanOptions())
        assert plan.spread.wer == pytest.approx(wer)
        assert plan.spread.speaker_cv == 0
        assert slices_of(plan)["detectable_gap"].gt(0).all()


def test_failed_clips_count_as_the_policy_says():
    scores = speakers_with(0.5, 2, n_speakers=40)
    failed = scores.assign(failed=np.arange(len(scores)) % 10 == 0)
    left_out, deleted = (
        plan_scores(failed, ["accent"], Policy(failures=failures), PlanOptions()).spread
        for failures in (Failures.left_out, Failures.deletions)
    )
    assert left_out.words_per_speaker == pytest.approx(0.9 * deleted.words_per_speaker, rel=0.02)


@pytest.mark.slow
def test_a_gap_that_is_planned_is_found_as_often_as_asked():
    from harness.fairness import disparity_table

    first = simulated(np.random.default_rng(0), [0.2] * 2, n_speakers=[25, 25])
    gap = slices_of(plan_scores(first, ["accent"], Policy(), PlanOptions()))["detectable_gap"].max()
    found = []
    for seed in range(80):
        scores = simulated(np.random.default_rng(1_000 + seed), [0.2 + gap, 0.2], n_speakers=[25, 25])
        table = disparity_table(scores, "accent", Policy(n_resamples=100, n_permutations=999))
        found.append(row_of(table, "a0")["p_value"] < 0.05)
    assert 0.65 <= np.mean(found) <= 0.97  # one corpus tells the spread of its speakers, with an error


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.planning")).failed == 0
