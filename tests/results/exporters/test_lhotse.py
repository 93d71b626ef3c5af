"""What is written for lhotse loads and validates in lhotse, and holds all that the manifest does."""

import dataclasses
import gzip
import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.results.exporters.lhotse import write_lhotse
from tests.results.exporters.json_round_trips import (
    ANY_TEXT,
    IDS,
    ON_ONE_LINE,
    VALUES,
    again,
    cells,
    manifest_of,
    table_of,
    with_run,
)

lhotse = pytest.importorskip("lhotse", reason="the extra lhotse is not installed")

LENGTH_S = 0.5  # of every recording here
RECORDINGS = ("a.wav", "a.flac", "b c/ü.wav", "stereo.wav")
NAMES = ("accent", "gender", "channel", "split", "language_name", "start", "text_", "größe")

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "utterance_id": IDS,
            "audio_filepath": st.sampled_from([None, "gone.wav", *RECORDINGS]),
            "offset": st.floats(0, LENGTH_S * 0.9),
            "duration": st.floats(1e-3, LENGTH_S),
            "text": ANY_TEXT,
            "speaker_id": st.none() | IDS,
            "language": st.sampled_from([None, "en", "pt-BR"]),
        },
        optional={name: VALUES | st.lists(ON_ONE_LINE, max_size=3) for name in NAMES},
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row["utterance_id"],
)


def record(folder):
    """Write recordings of one and two channels."""
    (folder / "b c").mkdir(parents=True)
    for name in RECORDINGS:
        n_channels = 2 if name.startswith("stereo") else 1
        soundfile.write(folder / name, np.zeros((int(LENGTH_S * 8_000), n_channels)), 8_000)


def validated(folder):
    """Load and validate all that was written, in lhotse; return recordings, supervisions and cuts."""
    recordings = lhotse.RecordingSet.from_file(folder / "recordings.jsonl.gz")
    supervisions = lhotse.SupervisionSet.from_file(folder / "supervisions.jsonl.gz")
    cuts = lhotse.CutSet.from_file(folder / "cuts.jsonl.gz")
    lhotse.validate_recordings_and_supervisions(recordings, supervisions, read_data=True)
    lhotse.validate(cuts, read_data=True)
    return list(recordings), list(supervisions), list(cuts)


@pytest.fixture
def folder(tmp_path):
    record(tmp_path)
    (tmp_path / "out").mkdir()
    return tmp_path


def written(folder, *rows):
    manifest = manifest_of(folder, rows)
    return [path.name for path in write_lhotse(table_of(manifest, folder), folder / "out")]


def row(name="u1", audio="a.wav", **more):
    return {"utterance_id": name, "audio_filepath": audio, "text": "go on", "duration": 0.25, **more}


@settings(deadline=None, max_examples=25)
@given(rows=ROWS)
def test_what_is_exported_and_imported_again_is_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("lhotse")
    record(folder)
    table = table_of(manifest_of(folder, rows), folder)
    (folder / "out").mkdir()
    names = {path.name for path in write_lhotse(table, folder / "out")}
    if "recordings.jsonl.gz" in names:
        validated(folder / "out")
    expected = cells(table)
    for each in expected.values():
        if each.get("audio_filepath", "").endswith("gone.wav"):
            del each["audio_filepath"]  # the one thing that is not kept, as the docstring says
    assert cells(again("lhotse", folder / "out", folder / "again")) == expected


def test_three_manifests_load_and_validate_in_lhotse(folder):
    said = row(offset=0.125, speaker_id="s1", language="en", accent="scottish", gender="f", age=34)
    assert written(folder, said, row("u2", "stereo.wav", text="")) == [
        "recordings.jsonl.gz",
        "supervisions.jsonl.gz",
        "cuts.jsonl.gz",
        "datasheet.yaml",
    ]
    recordings, (first, second), cuts = validated(folder / "out")
    assert [(each.id, each.num_samples, each.num_channels) for each in recordings] == [
        ("a", 4000, 1),
        ("stereo", 4000, 2),
    ]
    assert (first.start, first.end, first.speaker, first.gender, first.language) == (0.125, 0.375, "s1", "f", "en")
    assert first.custom == {"accent": "scottish", "age": 34}
    assert (second.text, second.channel) == ("", [0, 1])
    assert [each.supervisions[0].start for each in cuts] == [0.0, 0.0]
    assert cuts[0].load_audio().shape == (1, 2_000)


def test_recordings_of_one_name_and_two_types_have_ids_of_their_own(folder):
    written(folder, row(), row("u2", "a.flac"))
    recordings, supervisions, _ = validated(folder / "out")
    assert sorted(each.id for each in recordings) == ["a", "a.flac"]
    assert [each.recording_id for each in supervisions] == ["a", "a.flac"]


def test_an_utterance_rounded_up_ends_with_its_recording_and_comes_back_as_stated(folder):
    written(folder, row(offset=0.3, duration=0.21))
    _, [first], _ = validated(folder / "out")
    assert first.duration == pytest.approx(0.2)
    assert first.custom["duration_as_stated"] == 0.21
    assert again("lhotse", folder / "out", folder / "again").frame["duration"].tolist() == [0.21]


def test_an_unknown_duration_is_what_is_left_of_the_recording(folder):
    written(folder, row(duration=None, offset=0.1))
    _, [first], _ = validated(folder / "out")
    assert first.duration == pytest.approx(0.4)


def test_without_any_recording_supervisions_are_written_alone(folder, caplog):
    assert written(folder, row(audio="gone.wav"), row("u2", None)) == ["supervisions.jsonl.gz", "datasheet.yaml"]
    assert "2 utterances are supervisions alone" in caplog.text
    first, second = lhotse.SupervisionSet.from_file(folder / "out" / "supervisions.jsonl.gz")
    assert (first.recording_id, second.recording_id) == ("gone", "u2")


def test_what_has_no_recording_stands_apart_from_what_has_one(folder):
    (folder / "broken.wav").write_bytes(b"RIFF")
    beside = [row("u2", "gone.wav"), row("u3", "broken.wav"), row("u4", offset=0.6)]
    assert "supervisions_without_recordings.jsonl.gz" in written(folder, row(), *beside)
    _, [first], _ = validated(folder / "out")
    assert first.id == "u1"
    assert len(again("lhotse", folder / "out", folder / "again").frame) == 4


def test_an_utterance_that_nobody_knows_the_length_of_is_refused(folder):
    with pytest.raises(UsageError, match="1 utterances have no duration and no recording to take it from, such as u2"):
        written(folder, row(), row("u2", "gone.wav", duration=None))
    assert not (folder / "out" / "supervisions.jsonl.gz").exists()


def test_a_run_is_in_custom_and_a_failed_clip_has_its_error(folder):
    table = table_of(manifest_of(folder, [row(accent="us"), row("u2", accent="us")]), folder)
    run = with_run(table, pred_text=["go un", None], error=[None, "timeout"], wer=[0.5, 1.0])
    write_lhotse(run, folder / "out")
    _, (first, second), _ = validated(folder / "out")
    assert (first.custom["accent"], first.custom["pred_text"], first.custom["wer"]) == ("us", "go un", 0.5)
    assert "error" not in first.custom
    assert (second.custom["pred_text"], second.custom["error"]) == ("", "timeout")
    assert [each.name for each in again("lhotse", folder / "out", folder / "again").attributes] == ["accent"]


def test_every_condition_has_supervisions_and_cuts_of_its_own(folder):
    table = table_of(manifest_of(folder, [row()]), folder)
    both = dataclasses.replace(table, frame=pd.concat([table.frame] * 2, ignore_index=True))
    paths = write_lhotse(with_run(both, condition=["clean", "noise"]), folder / "out")
    assert [path.name for path in paths][1:-1] == [
        "supervisions_clean.jsonl.gz",
        "cuts_clean.jsonl.gz",
        "supervisions_noise.jsonl.gz",
        "cuts_noise.jsonl.gz",
    ]
    with gzip.open(paths[3], "rt", encoding="utf-8") as file:
        assert json.loads(file.read())["custom"]["condition"] == "noise"


def test_an_attribute_that_would_be_taken_for_a_transcript_is_refused(folder):
    with pytest.raises(UsageError, match="the attribute pred_text would be taken"):
        written(folder, row(pred_text="b"))


def test_the_same_table_is_the_same_bytes(folder):
    names = written(folder, row(), row("u2", "stereo.wav"))
    first = {name: (folder / "out" / name).read_bytes() for name in names}
    written(folder, row(), row("u2", "stereo.wav"))
    assert {name: (folder / "out" / name).read_bytes() for name in names} == first
