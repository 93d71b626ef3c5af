"""Fractions become percent and points here and nowhere else, and what is absent is a dash and never a nought."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fairness import Correction, DimensionPolicy, Failures, Family
from harness.report.wording import (
    gap_interval,
    percent,
    plain,
    points,
    policy_sentence,
    promise_sentence,
    rate_interval,
    remarks,
    times,
)
from tests.report.builders import DEAF, finished_run, promising

ABSENT = [pytest.param(None, id="none"), pytest.param(math.nan, id="nan")]


@pytest.mark.parametrize("write", [percent, points, times])
@pytest.mark.parametrize("absent", ABSENT)
def test_what_is_absent_is_a_dash(write, absent):
    assert write(absent) == "–"


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0, "0.0 %"), (0.0, "0.0 %"), (0.1234, "12.3 %"), (1.0, "100.0 %"), (2.5, "250.0 %")],
)
def test_a_rate_is_percent_and_may_be_over_a_hundred(fraction, words):
    assert percent(fraction) == words


@pytest.mark.parametrize(("fraction", "words"), [(0.0, "+0.0"), (0.032, "+3.2"), (-0.02, "-2.0")])
def test_a_gap_is_points_with_a_sign(fraction, words):
    assert points(fraction) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        pytest.param(0.1, 0.2, "10.0 to 20.0 %", id="both"),
        pytest.param(0.0, 1.0, "0.0 to 100.0 %", id="all-there-is"),
        pytest.param(0, 0, "0.0 to 0.0 %", id="no-errors-at-all"),
        pytest.param(0.02, 1.5, "2.0 to > 100 %", id="over-a-hundred"),
        pytest.param(0.1, math.inf, "10.0 to > 100 %", id="unbounded"),
        pytest.param(1.0, 1.5, "100.0 to > 100 %", id="from-a-hundred"),
        pytest.param(1.5, 2.0, "> 150.0 %", id="both-over-a-hundred"),
        pytest.param(math.nan, 0.2, "–", id="no-lower-end"),
        pytest.param(0.1, None, "–", id="no-upper-end"),
        pytest.param(None, None, "–", id="neither"),
    ],
)
def test_an_interval_of_a_rate_has_both_ends_or_none(low, high, words):
    assert rate_interval(low, high) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        pytest.param(-0.01, 0.02, "-1.0 to +2.0", id="both"),
        pytest.param(-1.0, 1.0, "-100.0 to +100.0", id="all-there-is"),
        pytest.param(0.1, 1.2, "+10.0 to > +100", id="above"),
        pytest.param(-3.7, 0.1, "< -100 to +10.0", id="below"),
        pytest.param(-math.inf, math.inf, "< -100 to > +100", id="unbounded"),
        pytest.param(1.2, 1.5, "> +120.0", id="both-above"),
        pytest.param(-2.0, -1.5, "< -150.0", id="both-below"),
        pytest.param(math.nan, 0.1, "–", id="no-lower-end"),
        pytest.param(0.1, None, "–", id="no-upper-end"),
    ],
)
def test_an_interval_of_a_gap_is_in_points(low, high, words):
    assert gap_interval(low, high) == words


@given(st.text())
def test_a_text_from_data_is_one_line_that_moves_no_cursor(text):
    words = plain(text)
    assert len(words.splitlines()) <= 1
    assert not [letter for letter in words if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_a_policy_that_held_says_that_what_was_not_seen_may_still_be_there(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path))
    assert "held" in sentence
    assert "not detected at this sample size" in sentence


def test_a_policy_that_was_violated_says_by_how_many_slices(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, deaf_to=["south"]))
    assert sentence == "Policy default: VIOLATED by 1 of 2 slices, 2 tested (1 disparity, 1 advantage)."


def test_slices_that_were_not_tested_are_not_counted_as_tested(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, ["a", "b", "few"], deaf_to=["b"], few=["few"]))
    assert "VIOLATED by 1 of 3 slices, 2 tested (" in sentence
    assert "1 insufficient" in sentence


def test_what_was_found_and_what_failed_are_both_said(tmp_path):
    run = finished_run(tmp_path, deaf_to=["south"], failed=["00-0", "00-1", "00-2"])
    assert "VIOLATED by 1 of 2 slices, 2 tested and 3 of 40 clips failed, more than allowed (" in policy_sentence(run)


def test_too_many_failures_violate_the_policy_in_words(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, failed=["00-0", "00-1", "00-2"]))
    assert "VIOLATED by 3 of 40 clips failed, more than allowed (" in sentence


def test_slices_that_were_lost_are_named_and_not_a_share_that_is_allowed(tmp_path):
    lost = [f"0{speaker}-{clip}" for speaker in range(5) for clip in range(4)]
    policy = promising(failures=Failures.left_out, max_failed=0.9)
    sentence = policy_sentence(finished_run(tmp_path, failed=lost, policy=policy))
    assert "VIOLATED by every clip failing of accent: north" in sentence
    assert "more than allowed" not in sentence


def test_a_run_in_which_nothing_could_be_tested_is_not_said_to_hold(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, ["north"]))
    assert "held" not in sentence
    assert "not violated, but NOTHING COULD BE TESTED (no slice could be compared)" in sentence


def test_a_run_in_which_every_slice_had_too_few_people_is_not_said_to_hold(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, few=["south"]))
    assert sentence == "Policy default: not violated, but NOTHING COULD BE TESTED (2 insufficient)."


def test_a_policy_that_wants_support_is_violated_where_nothing_can_be_compared(tmp_path):
    policy = promising(name="strict", fail_on=["disparity", "insufficient"])
    sentence = policy_sentence(finished_run(tmp_path, ["north"], policy=policy))
    assert sentence == "Policy strict: VIOLATED by having nothing to compare (no slice could be compared)."


def test_a_policy_without_consequences_is_not_said_to_hold(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, deaf_to=["south"], policy=promising(fail_on=[])))
    assert sentence == "Policy default: fails nothing (1 disparity, 1 advantage)."


def test_a_policy_with_consequences_in_one_dimension_is_said_to_hold_there(tmp_path):
    policy = promising(fail_on=[], dimensions={"accent": DimensionPolicy(fail_on=["disparity"])})
    assert "held" in policy_sentence(finished_run(tmp_path, policy=policy))


def test_the_promise_is_said_with_its_margins_its_test_and_how_many_were_tested(tmp_path):
    policy = promising(margin=0.05, margin_ratio=1.5, comparator="largest", alpha=0.01)
    sentence = promise_sentence(finished_run(tmp_path, ["a", "b", "few"], few=["few"], policy=policy))
    assert "within 5 points and ×1.5 of its comparator (largest)" in sentence
    assert "corrected over 1 slices tested (holm, level 0.01)" in sentence  # the largest has nobody to compare with
    assert "Overrides" not in sentence


def test_without_a_ratio_none_is_promised_and_overrides_are_said(tmp_path):
    policy = promising(dimensions={"accent": DimensionPolicy(margin=0.1)})
    sentence = promise_sentence(finished_run(tmp_path, policy=policy))
    assert "within 3 points of its comparator (rest)" in sentence
    assert "×" not in sentence
    assert "corrected over 2 slices tested" in sentence
    overrides = sentence.partition("Overrides: ")[2]
    assert "accent" in overrides
    assert "0.1" in overrides


def test_failures_are_remarked_with_the_rate_both_ways_and_their_reasons(tmp_path):
    found = [each for each in remarks(finished_run(tmp_path, failed=["00-0", "00-1"])) if "failed" in each]
    both_ways, reason = found
    assert both_ways.startswith("2 of 40 clips failed")
    assert "as deletions: 5.0 %" in both_ways
    assert "left out: 0.0 %" in both_ways
    assert reason == f"2 clips failed with {DEAF}"


def test_without_failures_there_is_no_reason(tmp_path):
    assert not [each for each in remarks(finished_run(tmp_path)) if "failed" in each]


def test_a_reason_from_a_recogniser_is_one_plain_line_of_bounded_length(tmp_path):
    run = finished_run(tmp_path)
    reason = {"error": "RuntimeError: \x1b[31mred\u202e\n" + "x" * 500, "n": 3}
    run.write_json("summary.json", run.summary | {"failure_reasons": [reason]})
    (remark,) = [each for each in remarks(run) if "failed" in each]
    assert remark.startswith("3 clips failed with RuntimeError: [31mred xxx")
    assert len(remark) < 250


def test_a_summary_of_before_there_were_reasons_is_still_read(tmp_path):
    run = finished_run(tmp_path, failed=["00-0"])
    run.write_json("summary.json", {key: value for key, value in run.summary.items() if key != "failure_reasons"})
    assert len([each for each in remarks(run) if "failed" in each]) == 1


def test_synthetic_voices_are_said_to_be_no_people_before_anything_else(tmp_path):
    run = finished_run(tmp_path, attributes={"accent": {"kind": "accent", "provenance": "synthetic"}})
    assert remarks(run)[0].startswith("The voices are synthetic")


def test_a_corpus_without_datasheet_or_speakers_says_both(tmp_path):
    found = remarks(finished_run(tmp_path, attributes=None, speaker_id=None))
    assert any("no datasheet" in remark for remark in found)
    assert any("no speaker ids" in remark for remark in found)


def test_references_without_words_are_remarked(tmp_path):
    found = remarks(finished_run(tmp_path, text=""))
    assert "References without words: 40; words heard there are insertions." in found


def test_references_that_normalising_emptied_are_told_apart(tmp_path):
    run = finished_run(tmp_path)
    run.write_json("summary.json", run.summary | {"n_empty_references": 3, "n_references_emptied": 2})
    (remark,) = [each for each in remarks(run) if each.startswith("References without words")]
    assert remark.startswith("References without words: 3, 2 of them only after normalising;")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "(holm, level 0.05)", id="default"),
        pytest.param({"correction": Correction.max_t}, "(step-down max-T, level 0.05)", id="max-t"),
        pytest.param(
            {"correction": Correction.fdr_by, "family": Family.dimension},
            "(Benjamini-Yekutieli, each attribute on its own, level 0.05)",
            id="by-dimension",
        ),
    ],
)
def test_the_correction_and_its_families_are_said_in_words(tmp_path, options, said):
    assert said in promise_sentence(finished_run(tmp_path, policy=promising(**options)))
