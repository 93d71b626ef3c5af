"""What utterances have in common is found whatever the rows: people, texts but for case and punctuation, segments."""

import numpy as np
import pytest
from hypothesis import given

from harness.fairness.described import coded
from harness.fairness.described.coded import NOTHING, hashes
from tests.fairness.described.builders import ROWS, fold, frame_of, row


def alike(keys):
    """Return which rows have the same key, as a table of yes and no; nothing is like nothing."""
    return (keys[:, None] == keys[None, :]) & (keys != NOTHING)[:, None]


@given(ROWS)
def test_keys_are_equal_where_what_they_stand_for_is(rows):
    them = coded(frame_of(rows))

    def expected(told):
        names = [told(cells) for cells in rows]
        return np.array([[bool(one) and one == other for other in names] for one in names])

    assert (alike(them.texts) == expected(lambda cells: fold(cells["text"]))).all()
    assert (alike(them.people) == expected(lambda cells: cells["speaker_id"])).all()
    assert (alike(them.paths) == expected(lambda cells: cells["audio_filepath"])).all()
    segment = expected(
        lambda cells: cells["audio_filepath"] and (cells["audio_filepath"], cells["offset"], str(cells["duration"]))
    )
    assert (alike(them.segments(them.paths)) == segment).all()
    assert them.words.tolist() == [len(str(cells["text"]).split()) for cells in rows]


@given(ROWS)
def test_texts_are_numbered_from_0_and_those_without_a_word_are_not(rows):
    them = coded(frame_of(rows))
    numbers = them.numbered_texts()
    assert set(numbers[numbers >= 0]) == set(range(len({fold(cells["text"]) for cells in rows} - {""})))
    assert ((numbers < 0) == [not fold(cells["text"]) for cells in rows]).all()
    assert ((numbers[:, None] == numbers[None, :])[numbers >= 0] == alike(them.texts)[numbers >= 0]).all()


def test_keys_are_the_same_in_another_manifest_and_other_texts_have_others():
    first = coded(frame_of([row(text="Good day"), row(text="bad day")]))
    second = coded(frame_of([row(text="x"), row(text="good  DAY!", speaker_id="s1")]))
    assert first.texts[0] == second.texts[1]
    assert first.people[0] == second.people[1]
    assert len(set(first.texts) | set(second.texts)) == 3


@pytest.mark.parametrize("text", ["é", "é".encode().hex(), "👩‍👩‍👧", "قيمة", "x" * 100_000, "a\x00b"])
def test_any_text_has_a_key(text):
    keys = hashes(np.array([text, f"{text} "], dtype=object))
    assert keys[0] != keys[1]


def test_speakers_are_numbered_in_sorted_order_and_nobody_is_no_speaker():
    them = coded(frame_of([row(speaker_id=name) for name in ("b", None, "a", "b")]))
    assert them.speakers.tolist() == [1, -1, 0, 1]
    assert them.speaker_ids.tolist() == ["a", "b"]
    assert coded(frame_of([row(speaker_id=None)])).speaker_ids.tolist() == []
