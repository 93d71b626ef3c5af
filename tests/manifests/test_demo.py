"""The demo corpus is complete, balanced, small, and within its grammar."""

import re
from pathlib import Path

import pandas as pd
import pytest
import soundfile
from pocketsphinx import get_model_path

from harness.corpus import Manifest
from tests.shared import REPOSITORY

DEMO = REPOSITORY / "manifests" / "demo"
MAX_BYTES = 6_000_000  # what a clone should have to carry


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return Manifest.load(DEMO / "manifest.jsonl").frame


def sentence_pattern(grammar: str) -> re.Pattern[str]:
    """The grammar's public rule as a pattern of words with a space after each; its rules do not refer to themselves."""
    grammar = re.sub(r"/\*.*?\*/", "", grammar, flags=re.DOTALL)
    bodies = dict(re.findall(r"<(\w+)>\s*=\s*([^;]*);", grammar))
    rule = bodies["command"]
    while "<" in rule:
        rule = re.sub(r"<(\w+)>", lambda reference: f"({bodies[reference[1]]})", rule)
    signs = {"(": "(?:", ")": ")", "[": "(?:", "]": ")?", "|": "|"}
    return re.compile("".join(signs.get(token, f"{token} ") for token in re.findall(r"[a-z]+|[()|\[\]]", rule)))


def test_every_recording_is_listed_and_every_listed_recording_is_there(frame):
    assert sorted(frame["audio_filepath"]) == sorted(map(str, (DEMO / "audio").iterdir()))


def test_durations_are_those_of_the_decoded_audio(frame):
    for path, duration_s in zip(frame["audio_filepath"], frame["duration"], strict=True):
        waveform, sample_rate = soundfile.read(path)
        assert sample_rate == 16_000
        assert len(waveform) / sample_rate == pytest.approx(duration_s, abs=1e-6)


def test_every_recording_is_different(frame):
    assert len({Path(path).read_bytes() for path in frame["audio_filepath"]}) == len(frame)


def test_the_audio_is_small_and_short(frame):
    assert sum(Path(path).stat().st_size for path in frame["audio_filepath"]) <= MAX_BYTES
    assert frame["duration"].sum() <= 15 * 60


def test_eight_accents_have_eight_speakers_of_six_utterances(frame):
    assert frame.groupby("accent")["speaker_id"].nunique().tolist() == [8] * 8
    assert frame.groupby("speaker_id")["accent"].nunique().eq(1).all()
    assert frame.groupby("speaker_id").size().tolist() == [6] * 64


def test_every_accent_says_the_same_sentences_in_the_same_voices(frame):
    for accent, rows in frame.groupby("accent"):
        assert sorted(rows["text"]) == sorted(frame["text"].unique()), accent
        assert rows.groupby("gender")["speaker_id"].nunique().to_dict() == {"female": 4, "male": 4}, accent
        assert rows.groupby("speaking_rate")["speaker_id"].nunique().to_dict() == {"<150": 2, "150-180": 3, ">=180": 3}


def test_both_genders_say_each_sentence_equally_often(frame):
    assert frame.groupby(["text", "gender"]).size().tolist() == [4] * (48 * 2)


def test_undeclared_and_declined_ages_are_there_to_be_seen(frame):
    n_speakers = frame.groupby("age_band")["speaker_id"].nunique()
    assert n_speakers[["undeclared", "declined"]].tolist() == [8, 8]


def test_every_attribute_is_declared_synthetic():
    manifest = Manifest.load(DEMO / "manifest.jsonl")
    assert {attribute.provenance.value for attribute in manifest.attributes} == {"synthetic"}
    assert manifest.notes == ()
    assert "not people" in manifest.datasheet.description


def test_every_sentence_is_in_the_grammar(frame):
    sentence = sentence_pattern((DEMO / "commands.gram").read_text(encoding="utf-8"))
    assert [text for text in frame["text"].unique() if not sentence.fullmatch(f"{text} ")] == []


@pytest.mark.parametrize(
    ("text", "is_command"),
    [
        pytest.param("set the temperature to twenty one", True, id="optional-words-left-out"),
        pytest.param("set the temperature to twenty ten degrees", False, id="no-such-number"),
        pytest.param("turn on the", False, id="unfinished"),
    ],
)
def test_the_grammar_holds_commands_and_nothing_else(text, is_command):
    sentence = sentence_pattern((DEMO / "commands.gram").read_text(encoding="utf-8"))
    assert bool(sentence.fullmatch(f"{text} ")) == is_command


def test_the_recogniser_can_pronounce_every_word(frame):
    dictionary = Path(get_model_path()) / "en-us" / "cmudict-en-us.dict"
    words = {line.split(" ", 1)[0] for line in dictionary.read_text(encoding="utf-8").splitlines()}
    assert {word for text in frame["text"] for word in text.split()} <= words
