"""Meta's Fair-Speech, read from a hand-made release."""

import shutil

import pytest

from harness.corpus.attributes import Provenance
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "fair_speech"
TABLE = "asr_fairness_metadata.tsv"
HEADER = "hash_name\ttranscription\tage\n"


def test_the_release_reads_into_its_commands():
    read = rows_of("fair_speech", RELEASE)
    first, second = read.records
    assert (first.utterance_id, first.text, first.audio) == (
        "0123456789abcdef0123456789abcdef",
        'hey assistant play the "slow" song',
        "asr_fairness_audio/0123456789abcdef0123456789abcdef.wav",
    )
    assert second.attributes == {
        "age": "31 - 45",
        "gender": "male",
        "first_language": "Spanish",
        "ethnicity": "White",
        "socioeconomic_background": "Affluent",
    }
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 1, NO_RECORDING: 1}
    assert read.corpus.audio_root == RELEASE


def test_nobody_is_known_to_have_spoken_and_outputs_say_so(tmp_path):
    read = rows_of("fair_speech", RELEASE)
    assert {each.speaker_id for each in read.records} == {None}
    assert any("does not say who spoke" in each for each in read.ledger.remarks)
    attributes = imported("fair_speech", RELEASE, tmp_path).datasheet.attributes
    assert {each.provenance for each in attributes} == {Provenance.self_reported}


def test_the_list_is_found_by_its_columns_whatever_its_name(tmp_path):
    shutil.copy(RELEASE / TABLE, tmp_path / "downloaded_file.tsv")
    (tmp_path / "another.tsv").write_text("a\tb\n", encoding="utf-8")
    (tmp_path / "empty.tsv").touch()
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "fedcba9876543210fedcba9876543210.wav").touch()
    read = rows_of("fair_speech", tmp_path)
    assert [each.audio for each in read.records] == ["audio/fedcba9876543210fedcba9876543210.wav"]
    assert len(rows_of("fair_speech", tmp_path / "downloaded_file.tsv").records) == 1


def test_without_recordings_transcripts_are_imported_all_the_same(tmp_path):
    shutil.copy(RELEASE / TABLE, tmp_path)
    read = rows_of("fair_speech", tmp_path)
    assert ([each.audio for each in read.records], read.corpus.audio_root) == ([None] * 3, None)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("a\tb", f"{TABLE}:2: has 2 cells; expected 3", id="cells-missing"),
        pytest.param("../a\thello\t18 - 22", f"{TABLE}:2: has the hash_name '../a'", id="up"),
        pytest.param("a\thello\t1\x858", f"{TABLE}:2: utterance 'a': expected a value on one line", id="control"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(tmp_path, row, problem):
    (tmp_path / TABLE).write_text(f"{HEADER}{row}\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        written("fair_speech", tmp_path, tmp_path / "out")
    assert problem in str(caught.value)


def test_another_corpus_is_refused_in_words():
    with pytest.raises(UsageError, match="no list with the columns hash_name and transcription in it; found no list"):
        rows_of("fair_speech", RELEASES / "torgo")
