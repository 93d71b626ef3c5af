"""Lengths fall into bins that hold all of them, and people's words add up to what was said."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fairness.described import LENGTH_COLUMNS, SPEAKER_COLUMNS, coded, lengths_table, speakers_table
from harness.fairness.described.lengths import effective_number
from tests.fairness.described.builders import ROWS, frame_of, row


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60))
def test_every_length_is_in_one_bin_and_bins_meet(durations):
    frame = frame_of([row(duration=duration) for duration in durations])
    them = coded(frame)
    table = lengths_table(them, speakers_table(them))
    assert tuple(table.columns) == LENGTH_COLUMNS
    bins = table[table["measure"] == "duration_s"]
    assert bins["n"].sum() == len(durations)
    assert bins["low"].tolist()[1:] == pytest.approx(bins["high"].tolist()[:-1])
    assert bins["low"].iloc[0] == 0
    assert len(bins) <= 45
    last = bins.iloc[-1]
    if math.isinf(last["high"]):
        assert last["n"] == sum(duration >= last["low"] * (1 - 1e-9) for duration in durations)


@settings(deadline=None)
@given(ROWS)
def test_speakers_have_the_words_that_a_loop_counts(rows):
    them = coded(frame_of(rows))
    table = speakers_table(them)
    assert tuple(table.columns) == SPEAKER_COLUMNS
    total = sum(len(cells["text"].split()) for cells in rows)
    expected = {}
    for cells in rows:
        if cells["speaker_id"]:
            expected.setdefault(cells["speaker_id"], []).append(len(cells["text"].split()))
    assert dict(zip(table["speaker_id"], table["words"], strict=True)) == {s: sum(n) for s, n in expected.items()}
    assert dict(zip(table["speaker_id"], table["n_utterances"], strict=True)) == {
        s: len(n) for s, n in expected.items()
    }
    assert table["words"].is_monotonic_decreasing
    if total:
        assert table["share_of_words"].tolist() == pytest.approx((table["words"] / total).tolist())


def test_lengths_that_nobody_stated_have_no_bins():
    them = coded(frame_of([row(text=""), row(text="")]))
    table = lengths_table(them, speakers_table(them))
    assert set(table["measure"]) == {"words", "words_per_speaker"}
    assert table["n"].tolist() == [2, 1]


def test_words_are_counted_in_whole_words():
    them = coded(frame_of([row(text="a " * n) for n in (1, 2, 3)]))
    words = lengths_table(them, speakers_table(them)).query("measure == 'words'")
    assert words[["low", "n"]].to_numpy().tolist() == [[0, 0], [1, 1], [2, 1], [3, 1]]


def test_one_who_says_nearly_everything_weighs_nearly_as_one():
    assert effective_number(np.array([1000.0, 1, 1, 1])) == pytest.approx(1.006, abs=0.001)
    assert effective_number(np.array([5.0, 5, 5])) == 3
    assert math.isnan(effective_number(np.array([0.0])))
