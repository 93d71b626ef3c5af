"""TORGO, read from a hand-made release of one dysarthric speaker and one of the control group."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.corpus.importers.torgo import INSTRUCTION, NOT_KNOWN, PICTURE, prompt_words
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "torgo"


@pytest.fixture
def release(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "release")
    return tmp_path / "release"


def test_the_release_reads_into_its_recordings():
    read = rows_of("torgo", RELEASE)
    assert [(each.utterance_id, each.text, each.speaker_id) for each in read.records] == [
        ("F01_Session1_arrayMic_0001", "cup", "F01"),
        ("F01_Session1_headMic_0001", "cup", "F01"),
        ("F01_Session1_arrayMic_0002", "row", "F01"),
        ("MC04_Session2_3_headMic_0001", "cup", "MC04"),
    ]
    assert [dict(each.attributes) for each in read.records[1::2]] == [
        {"speech": "dysarthric", "gender": "F", "microphone": "headMic"},
        {"speech": "control", "gender": "M", "microphone": "headMic"},
    ]
    assert read.records[3].audio == "MC/MC04/Session2_3/wav_headMic/0001.wav"
    assert read.corpus.audio_root == RELEASE


def test_prompts_that_are_no_transcripts_are_left_out_with_their_reason():
    read = rows_of("torgo", RELEASE)
    assert read.ledger.n_left_out == {INSTRUCTION: 1, PICTURE: 1, NOT_KNOWN: 1, NO_RECORDING: 1, NO_TRANSCRIPT: 1}


@pytest.mark.parametrize(
    ("prompt", "words", "reason"),
    [
        pytest.param("Two roads met.", "Two roads met.", "", id="words"),
        pytest.param("row [as in a row of boats]", "row", "", id="a-remark"),
        pytest.param("[say Oh-B-Eee again and again]", "", INSTRUCTION, id="an-instruction"),
        pytest.param("[relax your mouth", "", INSTRUCTION, id="an-instruction-cut-off"),
        pytest.param("input/images/garden7.JPG", "", PICTURE, id="a-picture"),
        pytest.param("xxx", "", NOT_KNOWN, id="not-known"),
        pytest.param("  ", "", NO_TRANSCRIPT, id="blank"),
        pytest.param("The sum is 1/2.", "The sum is 1/2.", "", id="a-slash-is-no-picture"),
    ],
)
def test_a_prompt_is_words_or_has_a_reason(prompt, words, reason):
    assert prompt_words(prompt) == (words, reason)


@given(st.text())
def test_any_prompt_is_words_or_has_a_reason(prompt):
    words, reason = prompt_words(prompt)
    assert bool(words) != bool(reason)
    assert "[" not in words


@pytest.mark.parametrize(("split", "n_records"), [("headMic", 2), ("ARRAYMIC", 2), ("All", 4)])
def test_a_microphone_is_chosen_by_name(split, n_records):
    assert len(rows_of("torgo", RELEASE, split=split).records) == n_records


def test_an_unknown_microphone_is_refused():
    with pytest.raises(
        UsageError, match="split=test: is no part of this corpus; expected one of arraymic, headmic or all"
    ):
        rows_of("torgo", RELEASE, split="test")


def test_the_manifest_has_one_speaker_for_all_their_sessions(tmp_path):
    manifest = imported("torgo", RELEASE, tmp_path)
    assert manifest.frame.groupby("speech", observed=True, dropna=False)["speaker_id"].nunique().to_dict() == {
        "control": 1,
        "dysarthric": 1,
    }


def test_without_recordings_prompts_are_imported_all_the_same(release):
    for folder in release.rglob("wav_*"):
        shutil.rmtree(folder)
    read = rows_of("torgo", release)
    assert [each.utterance_id for each in read.records] == [
        "F01_Session1_0001",
        "F01_Session1_0002",
        "F01_Session1_0006",
        "MC04_Session2_3_0001",
    ]
    assert ({each.audio for each in read.records}, read.corpus.audio_root) == ({None}, None)


def test_speakers_without_the_folders_of_groups_and_in_lower_case_are_found(release):
    (release / "F" / "F01").rename(release / "f01")
    shutil.rmtree(release / "F")
    shutil.rmtree(release / "MC")
    assert [each.speaker_id for each in rows_of("torgo", release).records] == ["F01"] * 3


def test_one_speaker_is_read_by_their_folder():
    read = rows_of("torgo", RELEASE / "F" / "F01", split="headMic")
    assert [(each.speaker_id, each.audio) for each in read.records] == [("F01", "Session1/wav_headMic/0001.wav")]


def test_a_bad_prompt_is_refused_with_file_and_line(release, tmp_path):
    (release / "MC" / "MC04" / "Session2_3" / "prompts" / "0001.txt").write_bytes(b"one\ntw\xff")
    with pytest.raises(ManifestError, match=r"MC/MC04/Session2_3/prompts/0001\.txt:2: its bytes are not UTF-8"):
        written("torgo", release, tmp_path / "out")


@pytest.mark.parametrize("other", ["vctk", "timit", "fleurs"])
def test_another_corpus_is_refused_in_words(other):
    with pytest.raises(UsageError, match="no F01/Session1/prompts or the like in it"):
        rows_of("torgo", RELEASES / other)
