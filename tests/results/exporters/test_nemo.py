"""A NeMo manifest holds all that a manifest does, and what a run says, under the names that NeMo's tools read."""

import dataclasses
import json
import math

import jiwer
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.results.exporters.nemo import write_nemo
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

NAMES = ("accent", "speaker", "lang", "answer", "source_lang", "target_lang", "normalized_text", "shard_id", "größe")

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "utterance_id": IDS,
            "audio_filepath": st.none() | st.sampled_from(["a.wav", "b c/d.flac", "ü\u0301.wav"]),
            "offset": st.floats(0, 1e6),
            "duration": st.none() | st.floats(1e-6, 1e6),
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


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def table(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(1_600), 16_000)
    rows = [
        {"utterance_id": "u1", "audio_filepath": "a.wav", "text": "go on", "speaker_id": "s1", "accent": "us"},
        {"utterance_id": "u2", "audio_filepath": "gone.wav", "offset": 1.5, "text": "", "accent": None},
    ]
    return table_of(manifest_of(tmp_path, rows))


@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_what_is_exported_and_imported_again_is_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("nemo")
    (folder / "b c").mkdir()
    table = table_of(manifest_of(folder, rows))
    (folder / "out").mkdir()
    write_nemo(table, folder / "out")
    assert cells(again("nemo", folder / "out", folder / "again")) == cells(table)


def test_the_datasheet_goes_with_it(tmp_path):
    (tmp_path / "datasheet.yaml").write_text(
        "name: toy\nlicense: CC0-1.0\nlanguage: en\nundeclared: [NA]\nattributes:\n"
        "  age: {kind: demographic, provenance: self_reported, bins: [30, 60], description: in years}\n"
    )
    row = {"utterance_id": "u1", "audio_filepath": "a.wav", "text": "go on", "age": 34}
    table = table_of(manifest_of(tmp_path, [row]))
    (tmp_path / "out").mkdir()
    write_nemo(table, tmp_path / "out")
    assert again("nemo", tmp_path / "out", tmp_path / "again").datasheet == table.datasheet
    directly = Manifest.load(tmp_path / "out" / "manifest.json", audio_root=tmp_path, require_audio=False)
    assert directly.frame["age"].tolist() == ["30-60"]


def test_a_line_has_nemos_names_and_a_duration_from_the_header(table, tmp_path):
    first, second = lines_of(write_nemo(table, tmp_path)[0])
    assert first == {
        "audio_filepath": str(tmp_path / "a.wav"),
        "offset": 0.0,
        "duration": 0.1,
        "text": "go on",
        "utterance_id": "u1",
        "speaker": "s1",
        "lang": None,
        "accent": "us",
    }
    assert (second["duration"], second["offset"], second["speaker"], second["accent"]) == (None, 1.5, None, None)


def test_a_run_is_under_the_names_that_nemos_evaluator_and_explorer_read(table, tmp_path):
    run = with_run(
        table,
        pred_text=["go un", None],
        error=[None, "out of memory"],
        reference=["go on", ""],
        hypothesis=["go un", ""],
        hits=[1, 0],
        substitutions=[1, 0],
        wer=[0.5, math.nan],
    )
    first, second = lines_of(write_nemo(run, tmp_path)[0])
    measured = jiwer.process_words(first["text"], first["pred_text"])  # as both tools count
    assert (first["hits"], first["substitutions"], first["wer"]) == (
        measured.hits,
        measured.substitutions,
        measured.wer,
    )
    assert "error" not in first
    assert (second["pred_text"], second["error"], second["wer"]) == ("", "out of memory", None)


def test_what_a_run_says_is_no_attribute_when_it_is_imported_again(table, tmp_path):
    (tmp_path / "out").mkdir()
    write_nemo(with_run(table), tmp_path / "out")
    assert [each.name for each in again("nemo", tmp_path / "out", tmp_path / "again").attributes] == ["accent"]


def test_every_condition_has_a_file_of_its_own(table, tmp_path):
    both = pd.concat([table.frame, table.frame], ignore_index=True)
    two = with_run(dataclasses.replace(table, frame=both), condition=["clean"] * 2 + ["noise 10 dB/../x"] * 2)
    names = [path.name for path in write_nemo(two, tmp_path)]
    assert names == ["manifest_clean.json", "manifest_noise_10_dB_.._x.json", "datasheet.yaml"]
    assert [each["condition"] for each in lines_of(tmp_path / names[0])] == ["clean", "clean"]


def test_an_attribute_that_would_be_taken_for_a_transcript_is_refused(tmp_path):
    table = table_of(manifest_of(tmp_path, [{"utterance_id": "u", "text": "a", "pred_text": "b"}]))
    with pytest.raises(UsageError, match="the attribute pred_text would be taken"):
        write_nemo(table, tmp_path)


def test_what_stands_there_stays_when_writing_fails(table, tmp_path):
    (tmp_path / "manifest.json").write_text("before")
    broken = dataclasses.replace(table, frame=table.frame.assign(accent=[object(), None]))
    with pytest.raises(ValueError, match="one value"):
        write_nemo(broken, tmp_path)
    assert (tmp_path / "manifest.json").read_text() == "before"
    assert not list(tmp_path.glob("*.part"))
