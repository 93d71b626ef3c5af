"""lhotse's own recipes prepare tiny corpora, laid out by hand as their releases are; nothing but a recipe is called."""

import gc
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.corpus.importers import lhotse_recipe
from harness.errors import UsageError
from tests.corpus.importers.builders import imported, rows_of

lhotse = pytest.importorskip("lhotse", reason="the extra lhotse is not installed")

SAMPLE_RATE = 16_000


def recorded(path, sample_rate=SAMPLE_RATE):
    """Write 10 ms of silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(sample_rate // 100), sample_rate)


@pytest.fixture
def librispeech(tmp_path):
    """Return a tree with two parts of mini LibriSpeech: PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac."""
    root = tmp_path / "LibriSpeech"
    for part, speaker in (("train-clean-5", "19"), ("dev-clean-2", "84")):
        folder = root / part / speaker / "121123"
        for number in range(2):
            recorded(folder / f"{speaker}-121123-000{number}.flac")
        said = (f"{speaker}-121123-000{number} GO ON WITH {number}\n" for number in range(2))
        (folder / f"{speaker}-121123.trans.txt").write_text("".join(said))
    return root


@pytest.fixture
def yesno(tmp_path):
    """Return the layout of yesno: 60 recordings named after the eight words that they hold."""
    for number in range(60):
        recorded(tmp_path / "waves_yesno" / f"{'_'.join(f'{number:08b}')}.wav", 8_000)
    return tmp_path / "waves_yesno"


@pytest.fixture
def l2_arctic(tmp_path):
    """Return the layout of L2-ARCTIC: SPEAKER/wav and SPEAKER/transcript."""
    for speaker in ("ABA", "YBAA"):
        folder = tmp_path / "l2arctic" / speaker
        recorded(folder / "wav" / "arctic_a0001.wav", 44_100)
        (folder / "transcript").mkdir()
        (folder / "transcript" / "arctic_a0001.txt").write_text("We went up the hill.")
    return tmp_path / "l2arctic"


@pytest.fixture
def audio_mnist(tmp_path):
    """Return the layout of AudioMNIST: data/SPEAKER/DIGIT_SPEAKER_TAKE.wav, and what 60 speakers said of themselves."""
    said = {"accent": "german", "age": "30", "native speaker": "no"}
    recorded(tmp_path / "AudioMNIST" / "data" / "01" / "7_01_0.wav", 48_000)
    people = {f"{number:02}": said for number in range(1, 61)}
    (tmp_path / "AudioMNIST" / "data" / "audioMNIST_meta.txt").write_text(json.dumps(people))
    return tmp_path / "AudioMNIST"


def test_every_part_of_librispeech_is_read_in_the_order_of_names(librispeech):
    read = rows_of("lhotse_recipe", librispeech, recipe="librispeech")
    assert [each.utterance_id for each in read.records] == [
        "84-121123-0000",
        "84-121123-0001",
        "19-121123-0000",
        "19-121123-0001",
    ]
    first = read.records[0]
    assert (first.text, first.speaker_id, first.language, first.duration) == ("GO ON WITH 0", "84", "en", 0.01)
    assert first.audio == "dev-clean-2/84/121123/84-121123-0000.flac"
    assert [each.attributes["split"] for each in read.records] == ["dev-clean-2"] * 2 + ["train-clean-5"] * 2
    assert read.corpus.audio_root == librispeech
    assert lhotse.__version__.split("+")[0] in read.ledger.remarks[0]


def test_one_part_of_mini_librispeech_is_read_alone(librispeech, tmp_path):
    frame = imported("lhotse_recipe", librispeech, tmp_path, recipe="mini_librispeech", split="dev-clean-2").frame
    assert frame["speaker_id"].tolist() == ["84", "84"]
    assert "split" not in frame


def test_yesno_is_read_with_the_language_that_the_recipe_names(yesno):
    read = rows_of("lhotse_recipe", yesno, recipe="yesno", split="test")
    assert len(read.records) == 30
    assert read.records[0].utterance_id == "0_0_0_0_0_0_0_1"
    assert read.records[0].text == "NO NO NO NO NO NO NO YES"
    assert {each.language for each in read.records} == {"he"}


def test_accents_of_l2_arctic_are_attributes(l2_arctic):
    read = rows_of("lhotse_recipe", l2_arctic, recipe="l2_arctic")
    assert [(each.speaker_id, each.attributes) for each in read.records] == [
        ("aba", {"gender": "M", "accent": "Arabic"}),
        ("ybaa", {"gender": "M", "accent": "Arabic"}),
    ]


def test_a_recipe_that_wants_a_folder_to_write_into_gets_one_that_is_thrown_away(audio_mnist):
    before = {path.name for path in Path(tempfile.gettempdir()).glob("lhotse_recipe_*")}
    read = rows_of("lhotse_recipe", audio_mnist, recipe="audio_mnist")
    assert [(each.utterance_id, each.text, each.speaker_id) for each in read.records] == [("7_01_0", "seven", "01")]
    assert read.records[0].attributes == {"accent": "german", "age": "30", "native speaker": "no"}
    del read
    gc.collect()
    assert {path.name for path in Path(tempfile.gettempdir()).glob("lhotse_recipe_*")} <= before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("libripseech", "Did you mean librispeech?", id="misspelt"),
        pytest.param("zzzzzzz", "Expected one of adept, aidatatang_200zh", id="unknown"),
        pytest.param("os", "lhotse has none of that name", id="another-package"),
        pytest.param("utils", "lhotse has none of that name", id="a-helper"),
        pytest.param("../yesno", "lhotse has none of that name", id="a-path"),
        pytest.param("audio_grouped", "lhotse has none of that name", id="a-part-of-a-recipe"),
        pytest.param(None, "expected one of lhotse's: adept", id="none-given"),
        pytest.param("babel", "has no recipe called so, but single_babel_language", id="a-module-of-another-recipe"),
        pytest.param("gale_arabic", "needs more than the corpus: transcript_dirs", id="two-folders"),
        pytest.param("must_c", "needs more than the corpus: tgt_lang", id="a-language-beside"),
    ],
)
def test_what_is_no_recipe_for_one_folder_is_refused(yesno, name, words):
    with pytest.raises(UsageError, match=words):
        rows_of("lhotse_recipe", yesno, recipe=name)


def test_a_source_that_the_recipe_cannot_read_is_named_with_its_reason(tmp_path):
    with pytest.raises(UsageError, match=r"recipe librispeech cannot read it \(ValueError: Could not find any"):
        rows_of("lhotse_recipe", tmp_path, recipe="librispeech")


def test_a_part_that_the_recipe_does_not_make_is_named(yesno):
    with pytest.raises(UsageError, match="makes no such part; found test, train"):
        rows_of("lhotse_recipe", yesno, recipe="yesno", split="dev")


def needs_more(name):
    """Return whether a recipe needs more than the corpus, or has another name than its module."""
    try:
        needed = lhotse_recipe.needed_folders(lhotse_recipe.recipe_of(name), name)
    except UsageError:
        return True
    assert set(needed) <= {"output_dir", "manifest_dir"}
    return False


def test_recipes_that_need_no_more_than_the_corpus_are_most_of_them():
    names = lhotse_recipe.known_recipes()
    assert len(names) > 90
    assert sum(map(needs_more, names)) < len(names) / 5
