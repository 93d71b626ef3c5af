"""The VCTK Corpus, read from a hand-made release laid out as version 0.92 and from one made into 0.80."""

import shutil

import pytest

from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "vctk"


@pytest.fixture
def release(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "release")
    return tmp_path / "release"


def test_the_release_reads_into_its_sentences():
    read = rows_of("vctk", RELEASE)
    english = {"age": "23", "gender": "F", "accent": "English", "region": "Northern Isles", "microphone": "mic1"}
    assert [(each.utterance_id, each.text, each.speaker_id, dict(each.attributes)) for each in read.records] == [
        ("p901_001_mic1", "Water the plants.", "p901", english),
        ("p901_002_mic1", "It rained, all day.", "p901", english),
        (
            "p903_001_mic1",
            "Water the plants.",
            "p903",
            {"age": "26", "gender": "M", "accent": "Australian English", "region": "Newtown", "microphone": "mic1"},
        ),
        (
            "s9_001_mic1",
            "Hello there.",
            "s9",
            {"age": "24", "gender": "F", "accent": "British", "region": "", "microphone": "mic1"},
        ),
    ]
    assert read.records[0].audio == "wav48_silence_trimmed/p901/p901_001_mic1.flac"
    assert (read.corpus.audio_root, read.corpus.datasheet.version) == (RELEASE, "0.92")


def test_speakers_without_transcripts_and_sentences_without_recordings_are_left_out_with_their_reason():
    read = rows_of("vctk", RELEASE)
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 2, NO_RECORDING: 1}
    assert read.ledger.problems == []


@pytest.mark.parametrize(
    ("split", "ids"),
    [
        pytest.param("mic2", ["p901_001_mic2", "p901_002_mic2", "s9_001_mic2"], id="the-second"),
        pytest.param(
            "all",
            ["p901_001_mic1", "p901_001_mic2", "p901_002_mic1", "p901_002_mic2", "p903_001_mic1", "s9_001_mic1",
             "s9_001_mic2"],
            id="both",
        ),
    ],
)  # fmt: skip
def test_microphones_are_chosen_by_name(split, ids):
    assert [each.utterance_id for each in rows_of("vctk", RELEASE, split=split).records] == ids


def test_outputs_say_that_there_is_a_second_microphone():
    assert rows_of("vctk", RELEASE).ledger.remarks == [
        "each sentence was recorded by two microphones: mic1 is read, split=all reads both"
    ]


def test_the_first_version_has_one_microphone_and_speakers_without_their_letter(release):
    shutil.rmtree(release / "wav48_silence_trimmed")
    (release / "wav48" / "p901").mkdir(parents=True)
    (release / "wav48" / "p901" / "p901_001.wav").touch()
    (release / "speaker-info.txt").write_text(
        "ID  AGE  GENDER  ACCENTS  REGION  \n901  23  F    English    Northern  Isles\n", encoding="utf-8"
    )
    read = rows_of("vctk", release)
    assert [(each.utterance_id, each.audio) for each in read.records] == [("p901_001", "wav48/p901/p901_001.wav")]
    assert read.records[0].attributes["region"] == "Northern Isles"
    assert "microphone" not in read.records[0].attributes
    assert read.corpus.datasheet.version == "0.80"


def test_without_recordings_transcripts_are_imported_all_the_same(release):
    shutil.rmtree(release / "wav48_silence_trimmed")
    read = rows_of("vctk", release)
    assert [each.utterance_id for each in read.records] == ["p901_001", "p901_002", "p903_001", "p903_002", "s9_001"]
    assert ({each.audio for each in read.records}, read.corpus.audio_root) == ({None}, None)


def test_folders_in_capitals_are_found(release):
    (release / "wav48_silence_trimmed").rename(release / "WAV48_silence_trimmed")
    assert len(rows_of("vctk", release).records) == 4


def test_the_manifest_bins_ages_and_has_no_region_where_none_is_named(tmp_path):
    frame = imported("vctk", RELEASE, tmp_path).frame
    assert frame["age"].tolist() == ["20-25", "20-25", "25-30", "20-25"]
    assert frame["region"].tolist()[-1] == "undeclared"


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        pytest.param(
            "speaker-info.txt", b"ID AGE\np901 young F English\n", "speaker-info.txt:2: is no speaker", id="age"
        ),
        pytest.param("txt/p901/p901_001.txt", b"\xff\xfe", "txt/p901/p901_001.txt: is in UTF-16", id="utf-16"),
        pytest.param("txt/p901/p901_001.txt", b"a\xe9", "txt/p901/p901_001.txt:1: its bytes are not", id="latin-1"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(release, tmp_path, path, content, problem):
    (release / path).write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        written("vctk", release, tmp_path / "out")
    assert problem in str(caught.value)


@pytest.mark.parametrize("other", ["torgo", "timit", "fleurs"])
def test_another_corpus_is_refused_in_words(other):
    with pytest.raises(UsageError, match=r"no txt/p225/p225_001\.txt or the like in it"):
        rows_of("vctk", RELEASES / other)
