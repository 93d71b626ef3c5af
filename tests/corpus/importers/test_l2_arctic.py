"""L2-ARCTIC is read folder by folder; first language and gender are those of its README."""

import shutil
from collections import Counter

import pytest

from harness.corpus.attributes import Provenance
from harness.corpus.importers.l2_arctic import TABLE
from harness.errors import TextFileError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of

RELEASE = RELEASES / "l2_arctic"


def test_sentences_that_were_read_are_named_by_speaker_and_sentence():
    found = rows_of("l2_arctic", RELEASE)
    assert [(record.utterance_id, record.text, record.audio) for record in found.records] == [
        ("ABA_arctic_a0001", "The tide ran out.", "ABA/wav/arctic_a0001.wav"),
        ("ABA_arctic_a0002", "Nobody saw the boat.", "ABA/wav/arctic_a0002.wav"),
        ("YKWK_arctic_a0001", "The tide ran out.", "YKWK/wav/arctic_a0001.wav"),
    ]
    assert found.records[0].attributes == {"native_language": "Arabic", "gender": "M"}
    assert found.records[2].attributes == {"native_language": "Korean", "gender": "M"}
    assert not found.ledger.remarks


def test_stories_that_were_told_are_read_when_asked_for():
    (record,) = rows_of("l2_arctic", RELEASE, split="suitcase").records
    assert (record.utterance_id, record.speaker_id) == ("ABA_suitcase", "ABA")
    assert (record.text, record.audio) == ("so a man um he take a bag and he go", "suitcase_corpus/wav/aba.wav")


def test_archives_may_have_been_unpacked_into_folders_of_their_name(tmp_path):
    for name in ("ABA", "suitcase_corpus"):
        shutil.copytree(RELEASE / name, tmp_path / name / name)
    assert rows_of("l2_arctic", tmp_path).records[0].audio == "ABA/ABA/wav/arctic_a0001.wav"
    (record,) = rows_of("l2_arctic", tmp_path, split="suitcase").records
    assert record.audio == "suitcase_corpus/suitcase_corpus/wav/aba.wav"


def test_a_release_becomes_a_manifest(tmp_path):
    manifest = imported("l2_arctic", RELEASE, tmp_path)
    assert Counter(manifest.frame["native_language"]) == {"Arabic": 2, "Korean": 1}
    assert set(manifest.frame["language"]) == {"en"}


def test_first_languages_that_nobody_is_known_to_have_stated_are_not_called_self_reported(tmp_path):
    sheet = imported("l2_arctic", RELEASE, tmp_path).datasheet
    assert {each.provenance for each in sheet.attributes} == {Provenance.annotated}


def test_without_recordings_transcripts_can_be_scored(tmp_path):
    shutil.copytree(RELEASE / "ABA" / "transcript", tmp_path / "ABA" / "transcript")
    found = rows_of("l2_arctic", tmp_path)
    assert found.corpus.audio_root is None
    assert {record.audio for record in found.records} == {None}


def test_the_table_of_speakers_is_balanced_as_the_corpus_says():
    rows = [line.split(",") for line in TABLE.read_text().splitlines()[1:]]
    assert len({speaker for speaker, _, _ in rows}) == 24
    languages = ("Arabic", "Chinese", "Hindi", "Korean", "Spanish", "Vietnamese")
    assert Counter((language, gender) for _, gender, language in rows) == {
        (language, gender): 2 for language in languages for gender in "FM"
    }


def test_a_story_of_nobody_in_the_corpus_is_named(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "l2")
    (tmp_path / "l2" / "suitcase_corpus" / "transcript" / "zzz.txt").write_text("a\n")
    found = rows_of("l2_arctic", tmp_path / "l2", split="suitcase")
    assert len(found.records) == 1
    assert found.ledger.problems[0].startswith("suitcase_corpus/transcript/zzz.txt: is of a speaker")


def test_a_transcript_that_is_no_text_is_refused(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "l2")
    path = tmp_path / "l2" / "ABA" / "transcript" / "arctic_a0002.txt"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(TextFileError, match=r"ABA/transcript/arctic_a0002\.txt:1: its bytes are not UTF-8"):
        rows_of("l2_arctic", tmp_path / "l2")
    path.write_text("a\n" * 1_001)
    with pytest.raises(UsageError, match="has more than 1,000 lines"):
        rows_of("l2_arctic", tmp_path / "l2")


def test_another_folder_or_split_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no ABA/transcript/arctic_a0001\.txt or alike"):
        rows_of("l2_arctic", tmp_path)
    with pytest.raises(UsageError, match="no suitcase_corpus/transcript"):
        rows_of("l2_arctic", tmp_path, split="suitcase")
    with pytest.raises(UsageError, match="expected read"):
        rows_of("l2_arctic", RELEASE, split="test")
