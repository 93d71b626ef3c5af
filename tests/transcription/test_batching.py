"""Every clip is in exactly one batch, the longest clips come first, and the same durations give the same batches."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transcription.batching import batches_by_duration

DURATIONS = st.lists(st.one_of(st.floats(0, 100), st.just(math.nan)), max_size=50)


@given(DURATIONS, st.integers(1, 9))
def test_every_clip_is_in_exactly_one_batch_of_at_most_the_size_asked_for(durations_s, batch_size):
    batches = batches_by_duration(durations_s, batch_size)
    assert sorted(position for batch in batches for position in batch) == list(range(len(durations_s)))
    assert all(1 <= len(batch) <= batch_size for batch in batches)
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(DURATIONS, st.integers(1, 9))
def test_durations_fall_and_unknown_ones_come_last(durations_s, batch_size):
    order = [position for batch in batches_by_duration(durations_s, batch_size) for position in batch]
    known = [durations_s[position] for position in order if not math.isnan(durations_s[position])]
    assert known == sorted(known, reverse=True)
    assert all(math.isnan(durations_s[position]) for position in order[len(known) :])


@pytest.mark.parametrize("duration_s", [pytest.param(1.0, id="equal"), pytest.param(math.nan, id="unknown")])
def test_clips_that_cannot_be_told_apart_keep_the_order_of_the_manifest(duration_s):
    assert batches_by_duration([duration_s] * 5, 2) == [[0, 1], [2, 3], [4]]


def test_nothing_to_do_is_no_batch():
    assert batches_by_duration([], 4) == []
