"""VoxPopuli, read from a hand-made release; recordings have colons in their names and are made here."""

import gzip
import shutil

import pytest

from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "voxpopuli"
FIRST = "20130114-0900-PLENARY-1-en_20130114-17:12:30_0"
SECOND = "20130114-0900-PLENARY-1-en_20130114-17:12:40_1"
ACCENTED = "20180704-0900-PLENARY-4-en_20180704-10:11:12_0"
HEADER = "id\traw_text\tnormalized_text\tspeaker_id\tsplit\tgender\n"


@pytest.fixture
def release(tmp_path):
    """Return a copy of the release with recordings of three segments."""
    root = tmp_path / "release"
    shutil.copytree(RELEASE, root)
    for language, year, segment in (("en", "2013", FIRST), ("en", "2013", SECOND), ("en_accented", "2018", ACCENTED)):
        folder = root / "transcribed_data" / language / year
        folder.mkdir(exist_ok=True)
        (folder / f"{segment}.ogg").touch()
    return root


def one_list(tmp_path, *rows, header=HEADER):
    path = tmp_path / "en" / "asr_test.tsv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return tmp_path


def test_the_release_reads_into_its_segments(release):
    read = rows_of("voxpopuli", release)
    assert [(each.utterance_id, each.text, each.speaker_id, each.language) for each in read.records] == [
        (FIRST, "we said no to three of them.", "1122", "en"),
        (SECOND, "the next item is the report.", None, "en"),
        (ACCENTED, "i agree.", "77", "en"),
    ]
    assert [each.audio for each in read.records] == [
        f"en/2013/{FIRST}.ogg",
        f"en/2013/{SECOND}.ogg",
        f"en_accented/2018/{ACCENTED}.ogg",
    ]
    assert read.records[2].attributes == {"gender": "male", "accent": "en_nl", "is_gold_transcript": "True"}
    assert read.corpus.audio_root == (release / "transcribed_data").absolute()
    assert read.ledger.n_left_out == {NO_RECORDING: 1, NO_TRANSCRIPT: 1}


def test_what_is_written_none_is_undeclared(release, tmp_path):
    manifest = imported("voxpopuli", release, tmp_path)
    assert manifest.frame["gender"].tolist() == ["female", "undeclared", "male"]
    assert manifest.frame["accent"].tolist() == ["undeclared", "undeclared", "en_nl"]


def test_raw_text_stands_in_where_the_normalised_is_empty():
    assert [each.text for each in rows_of("voxpopuli", RELEASE).records][2] == "1."


def test_one_language_is_read_by_its_name(release):
    assert [each.utterance_id for each in rows_of("voxpopuli", release, language="en_accented").records] == [ACCENTED]
    assert len(rows_of("voxpopuli", release, language="en").records) == 2
    with pytest.raises(UsageError, match=r"no transcribed_data/de/asr_test.tsv in it; found transcribed_data/en/asr"):
        rows_of("voxpopuli", release, language="de")


def test_a_part_is_chosen_and_a_language_without_it_is_not_asked():
    assert [each.speaker_id for each in rows_of("voxpopuli", RELEASE, split="dev").records] == ["55"]
    assert len(rows_of("voxpopuli", RELEASE, split="all").records) == 5
    with pytest.raises(UsageError, match=r"asr_train\.tsv in it; found transcribed_data/en/asr_dev\.tsv"):
        rows_of("voxpopuli", RELEASE, split="train")


def test_the_layout_of_the_hub_is_read(tmp_path):
    (tmp_path / "data").mkdir()
    source = one_list(tmp_path / "data", f"{FIRST}\tYes.\tyes.\t1\ttest\tmale")
    shards = tmp_path / "data" / "en" / "test" / "test_part_0"
    shards.mkdir(parents=True)
    (shards / f"{FIRST}.wav").touch()
    read = rows_of("voxpopuli", tmp_path)
    assert [each.audio for each in read.records] == [f"en/test/test_part_0/{FIRST}.wav"]
    assert read.corpus.audio_root == source


def test_packed_lists_are_read_once(tmp_path):
    shutil.copytree(RELEASE / "transcribed_data" / "en", tmp_path / "en")
    plain = tmp_path / "en" / "asr_test.tsv"
    (tmp_path / "en" / "asr_test.tsv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    n_plain = len(rows_of("voxpopuli", tmp_path).records)
    plain.unlink()
    assert len(rows_of("voxpopuli", tmp_path).records) == n_plain == 3


def test_a_packed_list_that_is_cut_off_is_refused_with_its_line(tmp_path):
    (tmp_path / "en").mkdir()
    packed = gzip.compress((RELEASE / "transcribed_data" / "en" / "asr_test.tsv").read_bytes())
    (tmp_path / "en" / "asr_test.tsv.gz").write_bytes(packed[:-12])
    with pytest.raises(Exception, match=r"en/asr_test\.tsv\.gz:\d+: the packed file is cut off"):
        rows_of("voxpopuli", tmp_path)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("a\tb", "en/asr_test.tsv:2: has 2 cells; expected 6", id="cells-missing"),
        pytest.param("../../x\tYes.\tyes.\t1\ttest\tmale", "en/asr_test.tsv:2: has the id '../../x'", id="up"),
        pytest.param("\tYes.\tyes.\t1\ttest\tmale", "en/asr_test.tsv:2: has the id ''", id="no-id"),
        pytest.param("a\tYes.\tyes.\t 1\ttest\tmale", "en/asr_test.tsv:2: utterance 'a': expected an id", id="spaces"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(tmp_path, row, problem):
    with pytest.raises(ManifestError) as caught:
        written("voxpopuli", one_list(tmp_path, row), tmp_path / "out")
    assert problem in str(caught.value)


def test_another_corpus_is_refused_in_words(tmp_path):
    with pytest.raises(UsageError, match="Is it a list of VoxPopuli, as its own scripts write it"):
        rows_of("voxpopuli", one_list(tmp_path, "1|2", header="session_id|id_\n"))
    with pytest.raises(UsageError, match="found no list"):
        rows_of("voxpopuli", RELEASES / "torgo")
