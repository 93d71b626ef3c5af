"""FLEURS, read from a hand-made release of two languages."""

import shutil

import pytest

from harness.corpus.importers.fleurs import bcp47
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "fleurs"
GOOD = "1\t7.wav\tRaw.\traw\tr a w |\t16000\tMALE"


def one_list(tmp_path, *rows, language="cy_gb"):
    path = tmp_path / language / "test.tsv"
    path.parent.mkdir()
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return tmp_path


def test_the_release_reads_into_its_recordings():
    read = rows_of("fleurs", RELEASE)
    assert [(each.utterance_id, each.text, each.language, each.duration) for each in read.records] == [
        ("17000000000000000001", 'Die hond "blaf" om 7:30.', "af-ZA", 2.0),
        ("17000000000000000002", 'Die hond "blaf" om 7:30.', "af-ZA", 1.5),
        ("13000000000000000001", "狗在七點半叫。", "cmn-Hans-CN", 2.5),
    ]
    assert read.records[2].audio == "cmn_hans_cn/audio/test/13000000000000000001.wav"
    assert [each.attributes for each in read.records] == [
        {"gender": "FEMALE"},
        {"gender": "MALE"},
        {"gender": "FEMALE"},
    ]
    assert {each.speaker_id for each in read.records} == {None}
    assert read.ledger.n_left_out == {NO_TRANSCRIPT: 1, NO_RECORDING: 1}
    assert read.corpus.audio_root == (RELEASE / "data").absolute()


def test_one_language_is_that_of_the_datasheet(tmp_path):
    assert rows_of("fleurs", RELEASE / "data" / "af_za").corpus.datasheet.language == "af-ZA"
    assert rows_of("fleurs", RELEASE).corpus.datasheet.language is None
    assert set(imported("fleurs", RELEASE, tmp_path).frame["language"]) == {"af-ZA", "cmn-Hans-CN"}


@pytest.mark.parametrize("language", ["af-ZA", "af_za", "af"])
def test_one_language_of_several_is_read_by_its_tag(language):
    assert {each.language for each in rows_of("fleurs", RELEASE, language=language).records} == {"af-ZA"}


def test_a_part_is_chosen_by_name():
    read = rows_of("fleurs", RELEASE, split="dev")
    assert [each.text for each in read.records] == ["Om te oefen."]
    assert read.corpus.audio_root is None  # of the part, nothing is unpacked
    with pytest.raises(UsageError, match=r"no data/LANGUAGE_REGION/train\.tsv in it; found data/af_za/dev\.tsv"):
        rows_of("fleurs", RELEASE, split="train")


def test_without_recordings_transcripts_are_imported_all_the_same(tmp_path):
    (tmp_path / "af_za").mkdir()
    shutil.copy(RELEASE / "data" / "af_za" / "test.tsv", tmp_path / "af_za")
    read = rows_of("fleurs", tmp_path)
    assert ([each.audio for each in read.records], read.corpus.audio_root) == ([None] * 3, None)
    assert "no folder audio beside the lists" in read.ledger.remarks[0]


@pytest.mark.parametrize(
    ("folder", "tag"),
    [("en_us", "en-US"), ("fil_ph", "fil-PH"), ("yue_hant_hk", "yue-Hant-HK"), ("es_419", "es-419")],
)
def test_a_folder_is_named_with_its_language(folder, tag):
    assert bcp47(folder) == tag


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("1\t7.wav", "cy_gb/test.tsv:2: has 2 cells; expected 7: sentence id", id="cells-missing"),
        pytest.param("1\t../7.wav\ta\ta\ta\t1\tMALE", "cy_gb/test.tsv:2: has the file name '../7.wav'", id="up"),
        pytest.param("1\t8.wav\ta\ta\ta\t1.5\tMALE", "cy_gb/test.tsv:2: has '1.5' samples", id="no-number"),
        pytest.param("1\t8.wav\ta\ta\ta\t٣\tMALE", "cy_gb/test.tsv:2: has '٣' samples", id="other-digits"),
        pytest.param("1\t8.wav\ta\ta\ta\t0\tMALE", "cy_gb/test.tsv:2: utterance '8': expected > 0", id="no-sample"),
        pytest.param("1\t7.wav\tb\tb\tb\t16000\tMALE", "cy_gb/test.tsv:2: has the id '7' of cy_gb", id="id-twice"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(tmp_path, row, problem):
    with pytest.raises(ManifestError) as caught:
        written("fleurs", one_list(tmp_path, GOOD, row), tmp_path / "out")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "language"),
    [
        pytest.param(["path\tsentence", "a\tb"], "cy_gb", id="other-columns"),
        pytest.param([GOOD], "Welsh", id="no-language"),
    ],
)
def test_another_corpus_is_refused_in_words(tmp_path, rows, language):
    with pytest.raises(UsageError, match=r"is no list of FLEURS; expected LANGUAGE_REGION/test\.tsv without a header"):
        rows_of("fleurs", one_list(tmp_path, *rows, language=language))


def test_a_folder_without_lists_is_refused_in_words():
    with pytest.raises(UsageError, match="found no list"):
        rows_of("fleurs", RELEASES / "torgo")
