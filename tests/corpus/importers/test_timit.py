"""TIMIT, read from a hand-made release in upper case and from copies of it in other capitals."""

import shutil

import pytest

from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "timit"


@pytest.fixture
def release(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "release")
    return tmp_path / "release"


def lower_case(source, target):
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / str(path.relative_to(source)).lower()
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return target


def said(read):
    return [(each.utterance_id, each.text, each.speaker_id, dict(each.attributes)) for each in read.records]


def test_the_release_reads_into_its_sentences():
    read = rows_of("timit", RELEASE)
    first = {"dialect_region": "DR1", "sex": "F", "age": "25", "race": "WHT", "education": "BS"}
    second = {"dialect_region": "DR8", "sex": "M", "age": None, "race": "???", "education": "??"}
    assert said(read) == [
        ("FAAA0_SA1", "The same old sentence for all of us.", "FAAA0", {**first, "sentence_type": "SA"}),
        ("FAAA0_SX11", "Ducks swim north.", "FAAA0", {**first, "sentence_type": "SX"}),
        ("MBBB0_SA1", "The same old sentence for all of us.", "MBBB0", {**second, "sentence_type": "SA"}),
    ]
    assert [each.audio for each in read.records] == [
        "TEST/DR1/FAAA0/SA1.WAV",
        "TEST/DR1/FAAA0/SX11.WAV",
        "TEST/DR8/MBBB0/SA1.WAV",
    ]
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 1, NO_RECORDING: 1}
    assert read.corpus.audio_root == RELEASE / "TIMIT"


def test_a_copy_in_lower_case_says_the_same(tmp_path):
    read = rows_of("timit", lower_case(RELEASE, tmp_path))
    assert said(read) == said(rows_of("timit", RELEASE))
    assert read.records[0].audio == "test/dr1/faaa0/sa1.wav"


@pytest.mark.parametrize("source", ["", "TIMIT"])
def test_the_folder_or_the_one_above_is_named(source):
    assert len(rows_of("timit", RELEASE / source).records) == 3


def test_documents_beside_the_data_and_copies_in_another_format_are_read(tmp_path):
    shutil.copytree(RELEASE / "TIMIT" / "TEST", tmp_path / "data" / "TEST")
    shutil.copy(RELEASE / "TIMIT" / "DOC" / "SPKRINFO.TXT", tmp_path)
    folder = tmp_path / "data" / "TEST" / "DR8" / "MBBB0"
    (folder / "SA1.WAV.wav").touch()
    (folder / "SI22.WAV.wav").touch()
    read = rows_of("timit", tmp_path)
    assert [each.audio for each in read.records[2:]] == ["TEST/DR8/MBBB0/SA1.WAV", "TEST/DR8/MBBB0/SI22.WAV.wav"]
    assert read.records[2].attributes["sex"] == "M"


@pytest.mark.parametrize(("split", "speakers"), [("train", ["MCCC1"]), ("all", ["MCCC1", "FAAA0", "FAAA0", "MBBB0"])])
def test_a_part_is_chosen_by_name(split, speakers):
    assert [each.speaker_id for each in rows_of("timit", RELEASE, split=split).records] == speakers


def test_ages_are_whole_years_between_two_dates(tmp_path):
    frame = imported("timit", RELEASE, tmp_path, split="all").frame
    assert frame["age"].tolist() == [">=50", "<30", "<30", "undeclared"]  # the first a day before a birthday
    assert frame["race"].tolist() == ["BLK", "WHT", "WHT", "undeclared"]
    assert frame["education"].tolist() == ["PHD", "BS", "BS", "undeclared"]


def test_without_a_list_of_speakers_only_folders_say_who_they_are(release):
    shutil.rmtree(release / "TIMIT" / "DOC")
    read = rows_of("timit", release)
    assert dict(read.records[0].attributes) == {"dialect_region": "DR1", "sentence_type": "SA"}
    assert "no SPKRINFO.TXT in the source" in read.ledger.remarks[0]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("SA1.TXT", b"Ducks swim north.\n", "TEST/DR1/FAAA0/SA1.TXT:1: holds 'Ducks", id="no-samples"),
        pytest.param("SA1.TXT", b"0 10 caf\xe9\n", "TEST/DR1/FAAA0/SA1.TXT:1: its bytes are not UTF-8", id="bytes"),
        pytest.param("../../../DOC/SPKRINFO.TXT", b"; x\nAAA0 F 1\n", "SPKRINFO.TXT:2: has 3 columns", id="speaker"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(release, tmp_path, name, content, problem):
    (release / "TIMIT" / "TEST" / "DR1" / "FAAA0" / name).write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        written("timit", release, tmp_path / "out")
    assert problem in str(caught.value)


def test_a_transcript_without_words_is_left_out(release):
    (release / "TIMIT" / "TEST" / "DR1" / "FAAA0" / "SA1.TXT").write_text("0 10\n", encoding="utf-8")
    assert rows_of("timit", release).ledger.n_left_out[NO_TRANSCRIPT] == 2


@pytest.mark.parametrize("other", ["torgo", "vctk", "fleurs"])
def test_another_corpus_is_refused_in_words(other):
    with pytest.raises(UsageError, match="no folder TEST with folders DR1 to DR8 in it"):
        rows_of("timit", RELEASES / other)
