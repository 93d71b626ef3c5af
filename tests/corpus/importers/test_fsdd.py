"""FSDD is read as its repository has it: digits from file names, people from its metadata, takes into its two parts."""

import csv
import json
import shutil
from collections import Counter

import pytest

from harness.errors import ManifestError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of
from tests.shared import DATA, REPOSITORY, needs_data

RELEASE = RELEASES / "fsdd"


def test_a_release_is_read_with_its_metadata():
    found = rows_of("fsdd", RELEASE)
    assert len(found.records) == 16
    record = next(record for record in found.records if record.utterance_id == "9_theo_49")
    assert (record.text, record.speaker_id, record.audio) == ("nine", "theo", "9_theo_49.wav")
    assert record.attributes == {"gender": "male", "accent": "USA/neutral"}
    assert found.corpus.audio_root == RELEASE / "recordings"


@pytest.mark.parametrize(("split", "takes"), [("test", {"0", "4"}), ("train", {"5", "49"})])
def test_a_split_is_the_takes_that_the_dataset_says(split, takes):
    found = rows_of("fsdd", RELEASE, split=split)
    assert {record.utterance_id.rpartition("_")[2] for record in found.records} == takes
    assert found.ledger.n_left_out == {f"is of another part than {split}": 8}


def test_the_folder_of_recordings_may_be_the_source():
    assert rows_of("fsdd", RELEASE / "recordings").records == rows_of("fsdd", RELEASE).records


def test_people_may_be_in_a_table_instead(tmp_path):
    shutil.copytree(RELEASE / "recordings", tmp_path / "recordings")
    (tmp_path / "speakers.csv").write_text("speaker,gender,accent\ntheo,male,USA/neutral\n")
    found = rows_of("fsdd", tmp_path)
    assert {(record.speaker_id, record.attributes["accent"]) for record in found.records} == {
        ("theo", "USA/neutral"),
        ("jackson", None),
    }


def test_without_metadata_nobody_s_gender_is_known(tmp_path):
    shutil.copytree(RELEASE / "recordings", tmp_path / "recordings")
    found = rows_of("fsdd", tmp_path)
    assert {record.attributes["gender"] for record in found.records} == {None}
    assert "undeclared for everybody" in found.ledger.remarks[0]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import os\nmetadata = os.environ", id="code"),
        pytest.param("metadata = __import__('os').system('true')", id="a call"),
        pytest.param("metadata = [1]", id="a list"),
        pytest.param("metadata = {'theo': 'male'}", id="no mapping of mappings"),
        pytest.param("metadata = {'theo': {", id="cut off"),
        pytest.param("", id="nothing"),
        pytest.param("metadata = " + "(" * 5_000, id="nested deeply"),
        pytest.param("metadata = {'a\x00': {}}", id="NUL"),
        pytest.param("metadata = {[]: {}}", id="a list as a key"),
        pytest.param("#" * 1_000_001, id="a megabyte"),
    ],
)
def test_metadata_that_are_no_plain_mapping_are_refused_and_never_run(tmp_path, code):
    shutil.copytree(RELEASE / "recordings", tmp_path / "recordings")
    (tmp_path / "metadata.py").write_text(code)
    with pytest.raises(ManifestError, match=r"metadata\.py: "):
        rows_of("fsdd", tmp_path)


@pytest.mark.parametrize(
    "name", ["x_theo_1.wav", "10_theo_1.wav", "1_theo.wav", "1__1.wav", "1_theo_x.wav", "1_theo_١.wav"]
)
def test_a_recording_that_is_of_no_digit_is_named(tmp_path, name):
    (tmp_path / "1_theo_0.wav").touch()
    (tmp_path / name).touch()
    found = rows_of("fsdd", tmp_path)
    assert len(found.records) == 1
    assert found.ledger.problems == [
        f"{name}: is no recording of a digit; expected DIGIT_SPEAKER_TAKE.wav. Rename or remove it."
    ]


def test_a_folder_without_recordings_or_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no recordings such as recordings/7_jackson_32\.wav"):
        rows_of("fsdd", tmp_path)
    with pytest.raises(UsageError, match="expected test"):
        rows_of("fsdd", RELEASE, split="dev")


@needs_data("fsdd")
def test_the_real_dataset_is_the_manifest_that_comes_with_the_harness(tmp_path):
    manifest = imported("fsdd", DATA / "fsdd", tmp_path)
    lines = (REPOSITORY / "manifests" / "fsdd" / "manifest.jsonl").read_text().splitlines()
    names = ["utterance_id", "text", "speaker_id", "accent", "gender", "language"]
    expected = sorted([json.loads(line) for line in lines], key=lambda row: row["utterance_id"])
    found = manifest.frame[names].sort_values("utterance_id").to_dict("records")
    assert found == [{name: row[name] for name in names} for row in expected]


@needs_data("fsdd")
def test_the_real_dataset_has_the_slices_that_its_table_says(tmp_path):
    manifest = imported("fsdd", DATA / "fsdd", tmp_path)
    with (DATA / "fsdd" / "speakers.csv").open() as file:
        accents = {row["speaker"]: row["accent"] for row in csv.DictReader(file)}
    names = [path.stem for path in (DATA / "fsdd" / "recordings").glob("*.wav")]
    assert Counter(manifest.frame["accent"]) == Counter(accents[name.split("_")[1]] for name in names)
    assert len(manifest.frame) == 600
