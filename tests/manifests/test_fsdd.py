"""The manifest of the Free Spoken Digit Dataset says what its recordings and its metadata say."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from harness.corpus import Manifest, Provenance
from tests.shared import DATA, REPOSITORY, needs_data

FSDD = REPOSITORY / "manifests" / "fsdd"
RECORDINGS = DATA / "fsdd" / "recordings"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def listed_rows() -> list[dict[str, str | float]]:
    return [json.loads(line) for line in (FSDD / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_six_speakers_say_each_digit_ten_times():
    counts = Counter((row["speaker_id"], row["text"]) for row in listed_rows())
    assert len(counts) == 6 * 10
    assert set(counts.values()) == {10}


def test_words_and_speakers_are_those_of_the_file_names():
    for row in listed_rows():
        digit, speaker, take = re.fullmatch(r"(\d)_([a-z]+)_(\d)\.wav", row["audio_filepath"]).groups()
        assert (row["text"], row["speaker_id"]) == (WORDS[int(digit)], speaker)
        assert row["utterance_id"] == f"{digit}_{speaker}_{take}"


def test_the_grammar_holds_the_ten_digits_and_nothing_else():
    rule = re.search(r"public <digit> = ([^;]*);", (FSDD / "digits.gram").read_text(encoding="utf-8"))[1]
    assert tuple(rule.split(" | ")) == WORDS


def test_what_the_dataset_says_of_its_speakers_is_not_called_self_reported():
    manifest = Manifest.load(FSDD / "manifest.jsonl", require_audio=False)
    assert {attribute.name: attribute.provenance for attribute in manifest.attributes} == {
        "accent": Provenance.annotated,
        "gender": Provenance.annotated,
    }
    assert manifest.notes == ()


@needs_data("fsdd")
def test_the_manifest_lists_exactly_the_first_ten_takes_of_the_recordings():
    manifest = Manifest.load(FSDD / "manifest.jsonl", audio_root=RECORDINGS)
    first_takes = [path for path in RECORDINGS.iterdir() if int(path.stem.rsplit("_", 1)[1]) < 10]
    assert sorted(map(Path, manifest.frame["audio_filepath"])) == sorted(first_takes)


@needs_data("fsdd")
def test_durations_are_those_of_the_recordings():
    for row in listed_rows():
        samples, sample_rate = soundfile.read(RECORDINGS / row["audio_filepath"])
        assert len(samples) / sample_rate == pytest.approx(row["duration"], abs=1e-6)


@needs_data("fsdd")
def test_accents_and_genders_are_those_of_the_metadata():
    with (DATA / "fsdd" / "speakers.csv").open(encoding="utf-8") as file:
        stated = {row["speaker"]: (row["accent"], row["gender"]) for row in csv.DictReader(file)}
    assert {row["speaker_id"]: (row["accent"], row["gender"]) for row in listed_rows()} == stated
