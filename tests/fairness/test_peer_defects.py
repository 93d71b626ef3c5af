"""Defects found in good projects (numbered as in the survey of peers) and demands of their users: slices, verdicts."""

import numpy as np
import pandas as pd
import pytest

from harness.fairness import Correction, disparity_table, slice_table
from tests.fairness.builders import policy_of, row_of, scores_of, simulated, speakers_of

TWENTY = [20, 24, 16, 22, 18, 21, 19, 23, 17, 20]  # word errors of ten speakers, 100 words each


def slices_of(scores, by="accent", policy=None):
    return slice_table(scores, by, policy or policy_of(), np.random.default_rng(0))


def judged(scores, by="accent", policy=None):
    return disparity_table(scores, by, policy or policy_of(), np.random.default_rng(0))


def test_1_an_empty_reference_turns_no_slice_into_nan():
    scores = scores_of([2, 1, 3, 0], [0, 10, 10, 10], accent=["a", "a", "b", "b"], mood=["x", "y", "x", "y"])
    table = slices_of(scores, ["accent", "mood", "accent & mood"]).set_index("slice")
    assert table.loc["a", "wer"] == 0.3
    assert table.loc["x", "wer"] == 0.5
    assert table["wer"].isna().sum() == 1  # a & x: nothing was said there
    assert np.isnan(table.loc["a & x", "wer"])
    assert table.loc["a & x", "insertions"] == 2


def test_2_utterances_without_the_attribute_are_a_row_with_a_count():
    scores = scores_of([1] * 6, [10] * 6, accent=["a", "a", None, None, None, "b"])
    table = slices_of(scores)
    assert row_of(table, "undeclared")["n_utterances"] == 3
    assert table.loc[table["dimension"] == "accent", "n_utterances"].sum() == len(scores)


@pytest.mark.parametrize(
    ("errors", "verdict"), [(TWENTY, "within_margin"), ([count + 30 for count in TWENTY], "disparity")]
)
def test_10_a_verdict_depends_on_the_size_of_the_gap_of_two_equal_slices(errors, verdict):
    row = row_of(judged(speakers_of({"a": errors, "b": TWENTY})), "a")
    assert row["gap"] == pytest.approx((sum(errors) - sum(TWENTY)) / 1000)
    assert row["verdict"] == verdict


def test_10_more_words_of_the_same_people_change_neither_gap_nor_evidence():
    high = [count + 3 for count in TWENTY]
    once = judged(speakers_of({"a": high, "b": TWENTY}))
    twice = judged(speakers_of({"a": [2 * c for c in high], "b": [2 * c for c in TWENTY]}, words=200))
    pd.testing.assert_frame_equal(once, twice)


def test_17_intervals_resample_speakers_not_rows():
    scores = simulated(np.random.default_rng(0), [0.2], n_speakers=20, n_utterances=30)
    by_speaker, by_row = (
        row_of(slices_of(each), "a0") for each in (scores, scores.assign(speaker_id=scores["utterance_id"]))
    )
    assert by_speaker["wer"] == by_row["wer"]
    width, narrow = (row["wer_high"] - row["wer_low"] for row in (by_speaker, by_row))
    assert width > 1.5 * narrow


def test_17_a_slice_that_vanishes_from_most_resamples_still_says_how_little_is_known():
    scores = speakers_of({"tiny": [20, 35], "b": TWENTY * 20})
    row = row_of(slices_of(scores), "tiny")
    assert row["note"] == "low_support: interval from 2 speakers"
    assert row["wer_high"] - row["wer_low"] > 0.5
    assert row_of(judged(scores, policy=policy_of(min_speakers=5)), "tiny")["verdict"] == "insufficient"


def test_19_a_p_value_does_not_shrink_with_resamples_or_permutations():
    scores = simulated(np.random.default_rng(2), [0.2, 0.24], n_speakers=15)
    few, many = (
        judged(scores, policy=policy_of(n_resamples=resamples, n_permutations=permutations))
        for resamples, permutations in ((100, 999), (5_000, 29_999))
    )
    assert few["p_value"].to_numpy() == pytest.approx(many["p_value"].to_numpy(), abs=0.08)  # three standard errors


def test_19_a_p_value_does_not_shrink_when_every_row_is_repeated():
    scores = simulated(np.random.default_rng(3), [0.2, 0.24], n_speakers=15)
    repeated = pd.concat([scores] * 10)
    columns = ["gap", "gap_low", "gap_high", "p_value", "minimum_detectable_gap", "verdict"]
    pd.testing.assert_frame_equal(judged(repeated)[columns], judged(scores)[columns])


@pytest.mark.parametrize("errors", [0, 100], ids=["none-wrong", "all-wrong"])
@pytest.mark.parametrize("n_speakers", [5, 30])
def test_demand_20_no_interval_is_certain_at_0_or_100_percent(errors, n_speakers):
    scores = speakers_of({"a": [errors] * n_speakers, "b": [errors] * n_speakers})
    row = row_of(slices_of(scores), "a")
    assert row["wer_high"] - row["wer_low"] >= 1 / (100 * n_speakers)
    gap = row_of(judged(scores), "a")
    assert gap["gap_low"] < 0 < gap["gap_high"]


def test_demand_20_every_row_says_what_gap_it_could_have_shown_and_how_many_were_compared():
    scores = simulated(np.random.default_rng(4), [0.2] * 6, n_speakers=8)
    holm, alone = (judged(scores, policy=policy_of(correction=each)) for each in (Correction.holm, Correction.none))
    assert (holm["p_adjusted"] >= alone["p_adjusted"]).all()
    assert (holm["minimum_detectable_gap"] > alone["minimum_detectable_gap"]).all()
    assert holm["minimum_detectable_gap"].between(0.01, 0.5).all()


def test_demand_21_a_corpus_of_small_slices_does_not_look_fair():
    scores = speakers_of({"a": [10, 60, 15], "b": [5, 20, 40], "c": [33, 8, 21]})
    table = judged(scores, policy=policy_of(min_speakers=5))
    assert set(table["verdict"]) == {"insufficient"}
    assert table["reason"].str.contains("3 speakers").all()


def test_demand_5_failed_clips_stay_in_the_denominator():
    scores = scores_of([1, 10, 1], [10, 10, 10], accent=["a"] * 3).assign(failed=[False, True, False])
    row = row_of(slices_of(scores), "a")
    assert (row["reference_words"], row["n_failed"], row["wer"]) == (30, 1, 0.4)


def test_demand_26_pooled_and_per_speaker_rates_have_their_own_columns():
    row = row_of(slices_of(scores_of([5, 30], [10, 90], accent=["a", "a"])), "a")
    assert row["wer"] == 0.35
    assert row["speaker_mean_wer"] == pytest.approx((0.5 + 30 / 90) / 2)
