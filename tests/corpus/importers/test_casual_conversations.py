"""Casual Conversations, read from hand-made releases of both versions."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.attributes import Provenance
from harness.corpus.importers.casual_conversations import TRANSCRIPTIONS, VIDEOS, spoken
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, TextFileError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

FIRST, SECOND = RELEASES / "casual_conversations" / "v1", RELEASES / "casual_conversations" / "v2"


def test_version_1_reads_into_its_transcribed_videos():
    read = rows_of("casual_conversations", FIRST)
    assert [(each.utterance_id, each.text, each.speaker_id, each.duration) for each in read.records] == [
        ("CasualConversationsA/1140/1140_00", "um I walk my dog 'cause it's fun", "1140", 4.5),
        ("CasualConversationsA/1140/1140_01", "yes louder yes", "1140", 3.0),
        ("CasualConversationsH/1275/1275_07", "", "1275", 1.0),
    ]
    assert [dict(each.attributes) for each in read.records] == [
        {"age": "35", "gender": "Female", "other_voices": "no"},
        {"age": "35", "gender": "Female", "other_voices": "yes"},
        {"age": "N/A", "gender": "Other", "other_voices": "no"},  # as CasualConversations.json says
    ]
    assert [each.audio for each in read.records] == [
        "CasualConversationsA/1140/1140_00.wav",
        "CasualConversationsA/1140/1140_01.MP4",
        "CasualConversationsH/1275/1275_07.MP4",
    ]
    assert [each.line for each in read.records] == [2, 13, 24]
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 1, NO_RECORDING: 1}
    assert (read.corpus.datasheet.version, read.corpus.datasheet.language) == ("1", "en")


def test_version_2_reads_into_its_transcribed_videos():
    read = rows_of("casual_conversations", SECOND)
    assert [(each.utterance_id, each.text, each.speaker_id, each.language) for each in read.records] == [
        ("1140_english_scripted_1", "a page of a made-up book", "1140", "en"),
        ("1140_portuguese_nonscripted_2", "gosto de pão", "1140", "pt"),
    ]
    assert dict(read.records[0].attributes) == {
        "age": "35",
        "gender": "cis woman",
        "native_language": "english (united states)",
        "country": "united states",
        "scripted": "scripted",
    }
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 1}
    assert read.corpus.datasheet.version == "2"


def test_skin_tones_are_no_attributes_and_the_datasheet_says_why(tmp_path):
    for version in (FIRST, SECOND):
        manifest = imported("casual_conversations", version, tmp_path / version.name)
        assert not [each for each in manifest.frame.columns if "skin" in each]
        assert "skin tones" in manifest.datasheet.caveats[0]
        people = [each for each in manifest.datasheet.attributes if each.kind.value == "demographic"]
        assert {each.provenance for each in people} == {Provenance.self_reported}


def test_who_preferred_not_to_say_declined(tmp_path):
    frame = imported("casual_conversations", SECOND, tmp_path).frame
    assert frame["age"].tolist() == ["31-46", "declined"]
    assert frame["gender"].tolist() == ["cis woman", "declined"]


@pytest.mark.parametrize(("named", "language"), [("italian", "it"), ("TAGALOG", "tl"), ("gibberish", None)])
def test_the_language_of_a_version_2_video_is_the_one_in_its_name(tmp_path, named, language):
    video = {"video_name": f"1_{named}_scripted_1.mp4", "subject_id": "1"}
    (tmp_path / VIDEOS).write_text(json.dumps([video]), encoding="utf-8")
    (tmp_path / "transcriptions.json").write_text(json.dumps([{**video, "transcription": "x"}]), encoding="utf-8")
    (record,) = rows_of("casual_conversations", tmp_path).records
    assert record.language == language


def test_version_2_without_transcriptions_of_your_own_is_refused(tmp_path):
    shutil.copy(SECOND / VIDEOS, tmp_path)
    with pytest.raises(UsageError, match="not known to come with; expected yours"):
        rows_of("casual_conversations", tmp_path)


def test_parts_of_version_2_are_chosen_by_name():
    assert len(rows_of("casual_conversations", SECOND, split="scripted").records) == 1
    with pytest.raises(UsageError, match="expected one of scripted, nonscripted or all"):
        rows_of("casual_conversations", SECOND, split="test")
    with pytest.raises(UsageError, match="version 1 has no parts"):
        rows_of("casual_conversations", FIRST, split="scripted")


@pytest.mark.parametrize(
    ("transcription", "words"),
    [
        pytest.param("[0.000] well [2.5]", "well", id="times"),
        pytest.param("a <noise> b", "a b", id="an-event"),
        pytest.param("<overlap>both</overlap> of us", "both of us", id="words-between-tags-stay"),
        pytest.param("%um I =wen went", "um I wen went", id="marks-of-fillers-and-cut-words"),
        pytest.param("2 < 3 and more", "2 < 3 and more", id="a-sign-is-no-tag"),
        pytest.param("<no-speech>", "", id="nobody-speaks"),
    ],
)
def test_marks_are_dropped_and_words_stay(transcription, words):
    assert spoken(transcription) == words


@given(st.lists(st.from_regex(r"[\w'.,?!-]+", fullmatch=True)))
def test_words_without_marks_stay_as_they_are(words):
    assert spoken(" ".join(words)) == " ".join(" ".join(words).split())


def test_sound_in_a_folder_of_its_own_is_found(tmp_path):
    shutil.copytree(SECOND, tmp_path / "v2")
    (tmp_path / "v2" / "audio_files").mkdir()
    (tmp_path / "v2" / "audio_files" / "1140_english_scripted_1.mp3").touch()
    read = rows_of("casual_conversations", tmp_path / "v2")
    assert [each.audio for each in read.records] == ["audio_files/1140_english_scripted_1.mp3"]
    assert read.ledger.n_left_out[NO_RECORDING] == 1


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        pytest.param({"video_path": "../../etc/passwd"}, ":2: has the video_path '../../etc/passwd'", id="up"),
        pytest.param({"video_path": ["a"]}, ":2: has the video_path a list of 1", id="a-list"),
        pytest.param({}, ":2: has the video_path None", id="none"),
        pytest.param({"video_path": "A/\ud800.MP4"}, ":2: utterance 'A/\\ud800': expected valid UTF-8", id="surrogate"),
        pytest.param({"video_path": "A/1.MP4", "age": "3\n5"}, ":2: utterance 'A/1': expected a value", id="control"),
        pytest.param(7, ":2: holds 7; expected one JSON object", id="no-object"),
    ],
)
def test_bad_objects_are_refused_with_file_and_line(tmp_path, found, problem):
    entry = {"transcription": "hello", "age": "35", "gender": "Male", **found} if isinstance(found, dict) else found
    good = {"video_path": "A/0.MP4", "transcription": "x"}
    (tmp_path / TRANSCRIPTIONS).write_text(f"[{json.dumps(good)},\n{json.dumps(entry)}]", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        written("casual_conversations", tmp_path, tmp_path / "out")
    assert f"{TRANSCRIPTIONS}{problem}" in str(caught.value)


def test_a_file_that_is_cut_off_is_refused_with_its_line(tmp_path):
    data = (FIRST / TRANSCRIPTIONS).read_bytes()
    (tmp_path / TRANSCRIPTIONS).write_bytes(data[: len(data) // 2])
    with pytest.raises(TextFileError, match=rf"{TRANSCRIPTIONS}:\d+: is not JSON or cut off"):
        rows_of("casual_conversations", tmp_path)


def test_subjects_that_are_no_json_are_refused(tmp_path):
    shutil.copy(FIRST / TRANSCRIPTIONS, tmp_path)
    (tmp_path / "CasualConversations.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ManifestError, match=r"CasualConversations\.json: is not JSON"):
        rows_of("casual_conversations", tmp_path)


def test_another_corpus_and_a_release_without_transcriptions_are_refused_in_words(tmp_path):
    with pytest.raises(UsageError, match=r"neither .* nor .* in it; found no JSON file"):
        rows_of("casual_conversations", RELEASES / "torgo")
    (tmp_path / TRANSCRIPTIONS).write_text('[{"a": 1}]', encoding="utf-8")
    with pytest.raises(UsageError, match="its objects have 'a'; expected video_path and transcription among them"):
        rows_of("casual_conversations", tmp_path)
    shutil.copy(SECOND / VIDEOS, tmp_path)
    (tmp_path / TRANSCRIPTIONS).unlink()
    with pytest.raises(UsageError, match="Without them nothing can be scored"):
        rows_of("casual_conversations", tmp_path)
