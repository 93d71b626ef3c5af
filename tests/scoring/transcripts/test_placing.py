"""A word goes to the utterance that its middle is in; what cannot be told is refused, what is in none is listed."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HypothesesError
from harness.scoring.transcripts import MatchOptions, match, read_hypotheses
from harness.scoring.transcripts.places import Place, Places
from harness.scoring.transcripts.placing import place
from harness.scoring.transcripts.records import Heard, Piece
from tests.scoring.transcripts.builders import SERVICES, heard_in, segments, service, texts_of, written

TIMES = st.integers(0, 60).map(lambda tenths: tenths / 10)


def word(text, start_s, end_s, channel=None):
    return Piece(text, start_s, end_s, 0.5, channel)


def heard(*pieces, **more):
    return Heard("rec", " ".join(each.text for each in pieces), pieces=pieces, **more)


def texts(found):
    return {each.utterance_id: each.text for each in found.told}


@settings(deadline=None)
@given(
    utterances=st.lists(st.tuples(TIMES, TIMES.filter(bool)), min_size=2, max_size=6),
    words=st.lists(st.tuples(TIMES, TIMES), max_size=12),
)
def test_words_are_where_a_naive_loop_puts_them_and_none_is_lost(utterances, words):
    places = [Place(f"u{number}", start, start + length, None) for number, (start, length) in enumerate(utterances)]
    pieces = [word(f"w{number}", start, start + length) for number, (start, length) in enumerate(words)]
    found = place(heard(*sorted(pieces, key=lambda each: each.start_s)), Places(places))
    expected = {each.utterance_id: [] for each in places}
    outside = []
    for piece in sorted(pieces, key=lambda each: each.start_s):
        middle = (piece.start_s + piece.end_s) / 2
        inside = [each for each in places if each.start_s <= middle <= each.end_s]
        nearest = min((abs((each.start_s + each.end_s) / 2 - middle) for each in inside), default=None)
        owners = {
            each.utterance_id for each in inside if abs((each.start_s + each.end_s) / 2 - middle) - nearest < 1e-9
        }
        if not inside:
            outside.append(piece.text)
        else:
            (owner,) = {told.utterance_id for told in found.told if piece.text in told.text.split()}
            assert owner in owners
            expected[owner].append(piece.text)
    assert {name: text.split() for name, text in texts(found).items()} == expected
    assert [each.text for each in found.outside] == outside


def test_times_of_words_are_from_the_start_of_their_utterance():
    found = place(
        heard(word("a", 10.1, 10.5), word("b", 12.2, 12.4)),
        Places([Place("u1", 10, 12, None), Place("u2", 12, 15, None)]),
    )
    assert [[(each.text, each.start, each.end, each.confidence) for each in told.words] for told in found.told] == [
        [("a", 0.1, 0.5, 0.5)], [("b", 0.2, 0.4, 0.5)],
    ]  # fmt: skip


def test_where_utterances_overlap_the_nearest_middle_has_the_word_and_it_is_counted():
    places = Places([Place("u1", 0, 4, None), Place("u2", 3, 9, None)])
    found = place(heard(word("a", 3.1, 3.3), word("b", 3.8, 3.9), word("c", 8, 8.1)), places)
    assert texts(found) == {"u1": "a b", "u2": "c"}
    assert found.n_between == 2


def test_an_utterance_in_which_nothing_was_heard_has_an_empty_text_and_is_not_missing():
    found = place(heard(word("a", 0.1, 0.3)), Places([Place("u1", 0, 1, None), Place("u2", 1, 2, None)]))
    assert texts(found) == {"u1": "a", "u2": ""}


def test_a_recording_that_failed_failed_for_all_of_its_utterances():
    failed = Heard("rec", None, error="no audio")
    found = place(failed, Places([Place("u1", 0, 1, None), Place("u2", 1, 2, None)]))
    assert [(each.text, each.error) for each in found.told] == [(None, "no audio")] * 2


def test_a_recording_that_is_one_utterance_keeps_its_transcript_as_it_is_written():
    spoken = Heard("rec", "As written: 2.", pieces=(word("as", 0, 1), word("two", 1, 2.4)))
    assert texts(place(spoken, Places([Place("u1", 0, 2, None)]))) == {"u1": "As written: 2."}
    assert texts(place(spoken, Places([Place("u1", 0, math.inf, None)]))) == {"u1": "As written: 2."}
    assert texts(place(spoken, Places([Place("u1", 0, 0.9, None)]))) == {"u1": "as"}  # a part of it


class TestChannels:
    PLACES = (Place("a1", 0, 2, "A"), Place("b1", 1, 3, "B"), Place("a2", 2, 4, "A"))

    def test_words_go_to_the_utterances_of_their_channel(self):
        said = heard(
            word("x", 1.2, 1.4, "A"), word("y", 1.2, 1.4, "B"), word("z", 3.2, 3.4, "B"), word("v", 3, 3.2, "A")
        )
        found = place(said, Places(self.PLACES))
        assert texts(found) == {"a1": "x", "a2": "v", "b1": "y"}
        assert [each.text for each in found.outside] == ["z"]
        assert (found.n_between, found.are_channels_joined) == (0, False)

    def test_a_channel_that_was_not_transcribed_leaves_its_utterances_missing(self):
        assert texts(place(heard(word("x", 1.2, 1.4, "A")), Places(self.PLACES))) == {"a1": "x", "a2": ""}

    def test_one_channel_of_another_name_is_the_mix_of_all(self):
        assert texts(place(heard(word("x", 0.2, 0.4, "1")), Places(self.PLACES))) == {"a1": "x", "b1": "", "a2": ""}

    def test_channels_of_other_names_are_refused(self):
        said = heard(word("x", 0, 1, "ch_0"), word("y", 0, 1, "ch_1"))
        with pytest.raises(ValueError, match="has the channels 'ch_0', 'ch_1', and the manifest 'A', 'B'; write them"):
            place(said, Places(self.PLACES))

    def test_where_the_manifest_tells_no_channels_they_are_joined_and_that_is_told(self):
        places = Places([Place("u1", 0, 2, None), Place("u2", 2, 4, None)])
        found = place(heard(word("x", 0.1, 0.4, "A"), word("y", 0.2, 0.5, "B"), word("z", 3, 3.1, "A")), places)
        assert texts(found) == {"u1": "x y", "u2": "z"}
        assert found.are_channels_joined


class TestStretches:
    PLACES = (Place("u1", 0, 2, None), Place("u2", 1, 5, None), Place("u3", 5, 6, None))

    def said(self, *pieces):
        return heard(*pieces, are_words=False)

    def test_a_stretch_goes_whole_to_the_utterance_of_its_times(self):
        found = place(self.said(word("a b", 0.004, 1.996), word("c", 1, 5)), Places(self.PLACES))
        assert texts(found) == {"u1": "a b", "u2": "c", "u3": ""}
        assert all(each.words is None for each in found.told)

    def test_else_to_the_one_that_its_middle_is_in(self):
        assert texts(place(self.said(word("a b", 2.5, 4.5)), Places(self.PLACES))) == {"u1": "", "u2": "a b", "u3": ""}

    def test_one_that_holds_most_of_several_is_refused(self):
        with pytest.raises(ValueError, match=r"a stretch from 2 to 6 s .* holds most of 2 utterances, 'u2' and 'u3'"):
            place(self.said(word("a b", 2, 6)), Places(self.PLACES))


def manifest_of_an_hour(folder):
    rows = [("u1", "long/rec.wav", 0, 2.2), ("u2", "long/rec.wav", 2.2, 3), ("other", "clips/other.wav", 0, 5)]
    return segments(folder, rows)


def test_the_words_of_a_service_go_to_the_segments_of_its_recording(tmp_path):
    path = written(tmp_path, "rec.json", service("amazon"))
    matched = match(read_hypotheses(path), manifest_of_an_hour(tmp_path), MatchOptions())
    assert texts_of(matched.hypotheses) == {"u1": "Two blankets, please. Room", "u2": "nine."}
    assert matched.hypotheses["words"].iloc[1][0].start == pytest.approx(0.15)
    assert matched.hypotheses["audio_s"].isna().all()
    assert matched.notes == ()


def test_segments_of_whisper_are_stretches(tmp_path):
    path = written(tmp_path, "rec.json", service("whisper"))
    matched = match(read_hypotheses(path), manifest_of_an_hour(tmp_path), MatchOptions())
    assert texts_of(matched.hypotheses) == {"u1": "Snow is forecast.", "u2": "Take the bus."}
    assert "words" not in matched.hypotheses


def test_a_transcript_without_times_of_a_recording_with_segments_is_refused(tmp_path):
    path = written(tmp_path, "texts/rec.txt", "all of it")
    with pytest.raises(
        HypothesesError, match="is of a recording with 2 utterances, and has no times to tell them apart"
    ):
        match(read_hypotheses(path.parent), manifest_of_an_hour(tmp_path), MatchOptions())


def test_an_utterance_without_duration_among_others_is_refused(tmp_path):
    manifest = segments(tmp_path, [("u1", "rec.wav", 0, 1), ("u2", "rec.wav", 1, None)])
    with pytest.raises(HypothesesError, match="of which 'u2' has no duration in the manifest; add it"):
        match(read_hypotheses(written(tmp_path, "rec.json", service("amazon"))), manifest, MatchOptions())


def test_predictions_of_nemo_find_their_segments_by_path_and_offset_under_other_ids(tmp_path):
    rows = [("u1", "calls/a.wav", 0, 2.5), ("u2", "calls/b.wav", 1, 1.5), ("u3", "calls/b.wav", 3.5, 1.5)]
    path = written(tmp_path, "heard.json", (SERVICES / "nemo.json").read_text())
    matched = match(read_hypotheses(path), segments(tmp_path, rows), MatchOptions(allow_missing=True))
    assert texts_of(matched.hypotheses) == {"u1": "open a gate", "u3": "not now"}
    assert matched.counts["missing_transcript"] == 1


def test_recordings_of_one_name_are_told_apart_by_their_folders(tmp_path):
    manifest = segments(tmp_path, [("x", "a/1.wav", 0, 1), ("y", "b/1.wav", 0, 1)])
    for folder in ("a", "b"):
        written(tmp_path, f"heard/{folder}/1.txt", f"in {folder}")
    assert texts_of(match(read_hypotheses(tmp_path / "heard"), manifest, MatchOptions()).hypotheses) == {
        "x": "in a", "y": "in b",
    }  # fmt: skip
    with pytest.raises(HypothesesError, match="may be of any of 2 recordings of that name; put it in folders"):
        match(read_hypotheses(tmp_path / "heard" / "a"), manifest, MatchOptions())


@pytest.mark.parametrize(
    ("name", "parts", "words", "has_stretches"),
    [
        pytest.param("google_v1", "results", ("alternatives", 0, "words"), False, id="google-has-no-others"),
        pytest.param("whisper_words", "segments", ("words",), True, id="whisper-has-segments"),
        pytest.param("azure_fast", "phrases", ("words",), True, id="azure-fast-has-phrases"),
        pytest.param("azure_batch", "recognizedPhrases", ("nBest", 0, "displayWords"), True, id="azure-batch"),
    ],
)
def test_a_part_without_times_of_words_beside_others_with_them_is_not_lost(tmp_path, name, parts, words, has_stretches):
    document = service(name)
    silent = part = json.loads(json.dumps(document[parts][-1]))
    for key in words[:-1]:
        part = part[key]
    part[words[-1]] = part["words"] = []
    document[parts].append(silent)
    (heard,) = heard_in(written(tmp_path, "rec.json", document))
    assert len(heard.pieces) == (len(document[parts]) if has_stretches else 0)
    assert not heard.pieces or not heard.are_words


def test_the_repeated_words_of_google_s_speakers_are_not_heard_twice(tmp_path):
    document = service("google_speakers")
    once = heard_in(written(tmp_path, "rec.json", document))
    document["results"][-1]["alternatives"][0]["transcript"] = ""
    assert heard_in(written(tmp_path, "rec.json", document)) == once
