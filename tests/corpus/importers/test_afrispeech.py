"""AfriSpeech-200, read from a hand-made release of two accents."""

import shutil

import pytest

from harness.corpus.attributes import Provenance
from harness.corpus.importers.afrispeech import LISTED_TWICE
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "afrispeech"
HEADER = "user_ids,accent,transcript,audio_paths,duration"


@pytest.fixture
def one_list(tmp_path):
    def make(*rows, header=HEADER):
        path = tmp_path / "transcripts" / "zulu" / "test.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return tmp_path

    return make


def test_the_release_reads_into_its_clips():
    read = rows_of("afrispeech", RELEASE)
    zulu, first, second = read.records
    assert (first.utterance_id, first.text, first.speaker_id, first.duration, first.place) == (
        "11111111-aaaa/0a1b",
        "Keep the bandage dry, please.",
        "speaker-one",
        2.5,
        "yoruba/test.csv:2",
    )
    assert first.attributes == {
        "accent": "yoruba",
        "age_group": "19-25",
        "gender": "Female",
        "country": "NG",
        "origin": "nigerian",
        "domain": "clinical",
    }
    assert [each.audio for each in read.records] == [
        "audio/isizulu/33333333-cccc/0a5b.wav",
        "audio/yoruba/test/11111111-aaaa/0a1b.wav",
        "audio/yoruba/test/22222222-bbbb/0c2d.wav",
    ]
    assert (zulu.text, zulu.speaker_id) == ("She said: “count to three”.", "speaker-three")
    assert second.attributes["age_group"] == ""
    assert read.corpus.audio_root == RELEASE.absolute()


def test_rows_that_cannot_be_scored_are_left_out_with_their_reason():
    read = rows_of("afrispeech", RELEASE)
    assert read.ledger.n_left_out == {LISTED_TWICE: 1, NO_TRANSCRIPT: 1, NO_RECORDING: 1}
    assert read.ledger.problems == []


def test_attributes_that_nobody_is_known_to_have_stated_are_not_called_self_reported(tmp_path):
    manifest = imported("afrispeech", RELEASE, tmp_path)
    assert {each.provenance for each in manifest.datasheet.attributes} == {Provenance.annotated}
    assert sorted(manifest.frame["age_group"]) == ["19-25", "26-40", "undeclared"]


@pytest.mark.parametrize(
    ("source", "n_records"),
    [
        pytest.param(RELEASE / "transcripts", 3, id="the-folder-of-lists"),
        pytest.param(RELEASE / "transcripts" / "yoruba", 2, id="one-accent"),
        pytest.param(RELEASE / "transcripts" / "isizulu" / "test.csv", 1, id="one-list"),
    ],
)
def test_a_part_of_the_release_is_read_with_the_same_recordings(source, n_records):
    read = rows_of("afrispeech", source)
    assert len(read.records) == n_records
    assert read.corpus.audio_root == RELEASE.absolute()


def test_another_part_is_read_on_request():
    assert rows_of("afrispeech", RELEASE, split="train").records == []  # its clips are not unpacked
    with pytest.raises(UsageError, match="expected one of train, dev, test or all"):
        rows_of("afrispeech", RELEASE, split="validation")


def test_without_recordings_transcripts_are_imported_all_the_same(tmp_path):
    shutil.copytree(RELEASE / "transcripts", tmp_path / "transcripts")
    read = rows_of("afrispeech", tmp_path)
    assert {each.audio for each in read.records} == {None}
    assert len(read.records) == 4
    assert read.corpus.audio_root is None
    assert "no folder audio beside the lists" in read.ledger.remarks[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("u,zulu,hello", "zulu/test.csv:2: has 3 cells; expected 5", id="cells-missing"),
        pytest.param("u,zulu,hello,../../etc/..,1", "zulu/test.csv:2: has audio_paths='../../etc/..'", id="up"),
        pytest.param("u,zulu,hello,,1", "zulu/test.csv:2: has audio_paths=''", id="no-path"),
        pytest.param("u,zulu,hello,a/b.wav,soon", "zulu/test.csv:2: has duration='soon'", id="no-number"),
        pytest.param("u,zulu,hello,a/b.wav,-1", "zulu/test.csv:2: utterance 'a/b': expected > 0", id="negative"),
        pytest.param("u,zu\x07lu,hello,a/b.wav,1", "zulu/test.csv:2: utterance 'a/b': expected a value", id="control"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(one_list, tmp_path, row, problem):
    with pytest.raises(ManifestError) as caught:
        written("afrispeech", one_list(row), tmp_path / "out")
    assert problem in str(caught.value)


def test_one_id_with_two_texts_is_refused(one_list, tmp_path):
    source = one_list("u,zulu,hello,a/b.wav,1", "u,zulu,goodbye,a/b.wav,1")
    with pytest.raises(ManifestError, match=r"zulu/test.csv:3: has the id 'a/b' of zulu/test.csv:2"):
        written("afrispeech", source, tmp_path / "out")


def test_another_corpus_is_refused_in_words(one_list):
    with pytest.raises(UsageError, match="Is it a list of AfriSpeech-200"):
        rows_of("afrispeech", one_list("a,b", header="path,sentence"))
    with pytest.raises(UsageError, match=r"no transcripts/ACCENT/test\.csv in it; found no list"):
        rows_of("afrispeech", RELEASES / "torgo")


def test_every_list_is_looked_at_and_not_only_the_first(tmp_path):
    shutil.copytree(RELEASE / "transcripts", tmp_path / "transcripts")
    (tmp_path / "transcripts" / "yoruba" / "test.csv").write_text("path,sentence\na,b\n")
    with pytest.raises(UsageError, match="Is it a list of AfriSpeech-200"):
        rows_of("afrispeech", tmp_path)
