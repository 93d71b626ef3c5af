"""Fractions become percent and points here and nowhere else, and what is absent is a dash and never a nought."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.wording import interval, percent, plain, points, policy_sentence, remarks, times
from tests.report.builders import finished_run

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
        pytest.param(0.1, 0.2, "10.0 – 20.0", id="both"),
        pytest.param(0.0, 1.0, "0.0 – 100.0", id="all-there-is"),
        pytest.param(0.1, 1.7, "10.0 – > 100", id="over-a-hundred"),
        pytest.param(0.1, math.inf, "10.0 – > 100", id="unbounded"),
        pytest.param(math.nan, 0.2, "–", id="no-lower-end"),
        pytest.param(0.1, None, "–", id="no-upper-end"),
    ],
)
def test_an_interval_of_a_rate_has_both_ends_or_none(low, high, words):
    assert interval(low, high) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.01, 0.02, "-1.0 to +2.0"), (0.1, 1.2, "+10.0 to > +100"), (math.nan, 0.1, "–")],
)
def test_an_interval_of_a_gap_is_in_points(low, high, words):
    assert interval(low, high, of_points=True) == words


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
    assert "VIOLATED by 1 of 2 slices" in sentence


def test_too_many_failures_violate_the_policy_in_words(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, failed=["00-0", "00-1", "00-2"]))
    assert "3 of 40 clips failed, more than allowed" in sentence


def test_a_run_in_which_nothing_could_be_tested_is_not_said_to_hold(tmp_path):
    sentence = policy_sentence(finished_run(tmp_path, ["north"]))
    assert "held" not in sentence
    assert "NOTHING COULD BE TESTED" in sentence


def test_failures_are_remarked_with_the_rate_both_ways(tmp_path):
    (remark,) = [each for each in remarks(finished_run(tmp_path, failed=["00-0", "00-1"])) if "failed" in each]
    assert remark.startswith("2 of 40 clips failed")
    assert "as deletions: 5.0 %" in remark
    assert "left out: 0.0 %" in remark


def test_synthetic_voices_are_said_to_be_no_people_before_anything_else(tmp_path):
    run = finished_run(tmp_path, attributes={"accent": {"kind": "accent", "provenance": "synthetic"}})
    assert remarks(run)[0].startswith("The voices are synthetic")


def test_a_corpus_without_datasheet_or_speakers_says_both(tmp_path):
    found = remarks(finished_run(tmp_path, attributes=None, speaker_id=None))
    assert any("no datasheet" in remark for remark in found)
    assert any("no speaker ids" in remark for remark in found)


def test_references_without_words_are_remarked(tmp_path):
    assert any("40 references hold no words" in remark for remark in remarks(finished_run(tmp_path, text="")))
