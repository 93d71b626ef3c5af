"""The Speech Accent Archive is read as its copy has it: one passage for all, people without a recording left out."""

import shutil

import pytest

from harness.errors import UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of

RELEASE = RELEASES / "speech_accent_archive"
PASSAGE = "Tell Ann to bring the lamp. It is by the door."
HEADER = "age,age_onset,birthplace,filename,native_language,sex,speakerid,country,file_missing?,,,\n"


def saved(folder, rows, header=HEADER):
    (folder / "speakers_all.csv").write_text(header + rows)
    (folder / "reading-passage.txt").write_text(PASSAGE)
    return folder


def test_everybody_reads_the_passage_and_values_stay_as_the_list_has_them():
    found = rows_of("speech_accent_archive", RELEASE)
    first, second = found.records
    assert {record.text for record in found.records} == {PASSAGE}
    assert (first.utterance_id, first.speaker_id, first.audio) == (
        "afrikaans1",
        "1",
        "recordings/recordings/afrikaans1.mp3",
    )
    assert second.attributes == {
        "native_language": "english",
        "sex": "famale",
        "country": "uk",
        "age": "18.5",
        "age_onset": "0",
    }


def test_people_without_a_recording_are_left_out_with_the_reason():
    assert rows_of("speech_accent_archive", RELEASE).ledger.n_left_out == {
        "has no recording in the archive": 1,
        "has a recording that is not in the source, though others are": 1,
    }


def test_ages_become_ranges_in_the_manifest(tmp_path):
    manifest = imported("speech_accent_archive", RELEASE, tmp_path)
    assert list(manifest.frame["age"]) == ["20-30", "<20"]
    assert list(manifest.frame["age_onset"]) == ["6-12", "<1"]


@pytest.mark.parametrize(("folder", "suffix"), [("recordings", ".mp3"), ("soundtracks", ".mp3"), ("wav", ".wav")])
def test_recordings_are_found_where_copies_have_them(tmp_path, folder, suffix):
    saved(tmp_path, "27,9,x,afrikaans1,afrikaans,female,1,south africa,FALSE,,,\n")
    (tmp_path / folder).mkdir()
    (tmp_path / folder / f"afrikaans1{suffix}").touch()
    assert rows_of("speech_accent_archive", tmp_path).records[0].audio == f"{folder}/afrikaans1{suffix}"


def test_without_recordings_everybody_who_has_one_is_read(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "saa", ignore=shutil.ignore_patterns("*.mp3"))
    found = rows_of("speech_accent_archive", tmp_path / "saa")
    assert [record.utterance_id for record in found.records] == ["afrikaans1", "english7", "afrikaans2"]
    assert found.corpus.audio_root is None


def test_an_age_that_is_no_number_is_named_and_an_empty_one_is_undeclared(tmp_path):
    saved(tmp_path, "old,9,x,a1,a,female,1,y,FALSE,,,\n,9,x,a2,a,female,2,y,FALSE,,,\n27,no,x,a3,a,male,3,y,FALSE,,,\n")
    found = rows_of("speech_accent_archive", tmp_path)
    assert [record.utterance_id for record in found.records] == ["a2"]
    assert [problem.split(";")[0] for problem in found.ledger.problems] == [
        "speakers_all.csv:2: has age='old'",
        "speakers_all.csv:4: has age_onset='no'",
    ]


def test_what_is_not_the_archive_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no speakers_all\.csv in it; found nothing"):
        rows_of("speech_accent_archive", tmp_path)
    saved(tmp_path, "a,b\n", header="name,age\n")
    with pytest.raises(UsageError, match="no column filename, native_language, sex, country; found 'name', 'age'"):
        rows_of("speech_accent_archive", tmp_path)
    (tmp_path / "reading-passage.txt").write_text("\n\n")
    with pytest.raises(UsageError, match="expected the passage that everybody read"):
        rows_of("speech_accent_archive", tmp_path)
