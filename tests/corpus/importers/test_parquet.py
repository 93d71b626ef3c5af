"""Parquet files as the hub lays them out become records: columns found or asked for, rows used, refused or left out."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus.importers.arrow import cells as arrow_cells
from harness.errors import ManifestError, UsageError
from tests.corpus.builders import self_reported, write_datasheet
from tests.corpus.importers.arrow_tables import RECORDING, class_label, held, table, tone, write_parquet
from tests.corpus.importers.builders import imported, rows_of, written
from tests.shared import REPOSITORY

TWO = {"id": ["u1", "u2"], "text": ["one two", ""], "audio": [held("x.wav"), held("y.wav")]}


def read(tmp_path, content, **options):
    return rows_of("parquet", write_parquet(tmp_path / "clips.parquet", content), **options)


def problems_of(tmp_path, content, **options):
    """Return what an import of a table refuses, without the advice."""
    source = write_parquet(tmp_path / "clips.parquet", content)
    with pytest.raises(ManifestError) as caught:
        written("parquet", source, tmp_path / "out", **options)
    return list(caught.value.problems)


def test_a_row_is_a_record_with_its_recording_and_its_attributes(tmp_path):
    content = table(
        {"gender": class_label("male", "female"), "audio": {"sampling_rate": 16_000, "_type": "Audio"}},
        **TWO,
        speaker_id=[7, None],
        gender=[1, -1],
        accents=[["scottish", "us"], []],
        age=[34, None],
        duration=[1.5, float("nan")],
        language=["en-GB", None],
    )
    first, second = read(tmp_path, content).records
    assert (first.utterance_id, first.text, first.speaker_id) == ("u1", "one two", "7")
    assert (first.duration, first.language, first.offset) == (1.5, "en-GB", 0.0)
    assert first.attributes == {"gender": "female", "accents": ["scottish", "us"], "age": 34}
    assert first.embedded == tone()
    assert (second.speaker_id, second.duration, second.language, second.text) == (None, None, None, "")
    assert second.attributes == {"gender": None, "accents": [], "age": None}
    assert [each.place for each in (first, second)] == ["clips.parquet:1", "clips.parquet:2"]


def test_what_was_imported_loads_as_a_manifest_with_its_attributes(tmp_path):
    content = table({"gender": class_label("male", "female")}, **TWO, speaker_id=["a", "b"], gender=[1, 0])
    manifest = imported("parquet", write_parquet(tmp_path / "clips.parquet", content), tmp_path, language="en")
    assert manifest.frame["gender"].tolist() == ["female", "male"]
    assert manifest.frame["language"].tolist() == ["en", "en"]
    assert [(each.name, each.kind.value, each.provenance.value) for each in manifest.attributes] == [
        ("gender", "demographic", "annotated")
    ]


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("text", "sentence"), ("text", "transcription"), ("text", "normalized_text"), ("speaker_id", "client_id"),
        ("speaker_id", "speaker"), ("utterance_id", "segment_id"), ("language", "locale"),
        ("duration", "audio_length_s"),
    ],
)  # fmt: skip
def test_a_usual_name_stands_for_that_of_the_contract(tmp_path, name, usual):
    columns = {"utterance_id": "u1", "text": "one", "speaker_id": "s1", "language": "de", "duration": 2.0}
    content = table(**{usual if key == name else key: [cell] for key, cell in columns.items()})
    (record,) = read(tmp_path, content).records
    assert {each: getattr(record, each) for each in columns} == columns


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        pytest.param({"sentence": ["a"], "transcription": ["b"]}, "text: 'sentence', 'transcription'", id="texts"),
        pytest.param({"text": ["a"], "client_id": ["b"], "speaker": ["c"]}, "speaker_id: 'client_id'", id="speakers"),
        pytest.param({"text": ["a"], "id": ["b"], "audio_id": ["c"]}, "utterance_id: 'id', 'audio_id'", id="ids"),
    ],
)
def test_a_choice_that_is_not_the_only_one_is_the_users(tmp_path, columns, named):
    with pytest.raises(UsageError) as caught:
        read(tmp_path, table(**columns))
    assert f"several columns can be {named}" in str(caught.value)
    assert f"columns.{named.split(':')[0]}=" in str(caught.value)


def test_two_columns_of_recordings_are_the_users_choice_too(tmp_path):
    near = pa.array([held(data=tone(100))], type=RECORDING)
    content = table(text=["a"], audio=[held()], near=near)
    with pytest.raises(UsageError, match="several columns can be audio_filepath: 'audio', 'near'"):
        read(tmp_path, content)
    (record,) = read(tmp_path, content, columns={"audio_filepath": "near"}).records
    assert record.embedded == tone(100)


def test_a_mapping_names_columns_renames_attributes_and_says_that_there_are_none(tmp_path):
    content = table(key=["k"], raw=["words"], client_id=["c"], reference=["x"], begin=[2.5], id=["no"])
    chosen = {"utterance_id": "key", "text": "raw", "speaker_id": "", "origin": "reference", "offset": "begin"}
    found = read(tmp_path, content, columns=chosen)
    (record,) = found.records
    assert (record.utterance_id, record.text, record.speaker_id, record.offset) == ("k", "words", None, 2.5)
    assert record.attributes == {"client_id": "c", "origin": "x", "id": "no"}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"text": "sentense"}, "columns.text=sentense: there is no such column; found .* Did you mean sentence"),
        ({"text": "n"}, "columns.text=n: is of type int64; expected text"),
        ({"audio_filepath": "n"}, "columns.audio_filepath=n: is of type int64; expected a recording or bytes or text"),
        ({"speaker_id": "clip"}, "is of type struct<bytes: binary, path: string>; expected text or a number"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path, chosen, message):
    clip = pa.array([held()], type=RECORDING)
    with pytest.raises(UsageError, match=message):
        read(tmp_path, table(sentence=["a"], n=[1], clip=clip), columns=chosen)


def test_without_a_column_of_words_the_columns_are_shown(tmp_path):
    with pytest.raises(UsageError, match=r"no column of the words .* columns.text=ITS_NAME. There are 'id' \(string\)"):
        read(tmp_path, table(id=["a"], embedding=[[0.5, 1.0]]))


def test_columns_that_cannot_be_attributes_are_named_in_a_remark(tmp_path):
    content = table(id=["a"], text=["b"], meta=[{"a": 1}], vector=[[0.5]], blob=[b"x"], note=["n"], wer=[0.5])
    found = read(tmp_path, content)
    assert found.records[0].attributes == {}
    assert "columns of nested records, bytes or numbers in lists, not used: meta, vector, blob" in found.ledger.remarks
    assert any(remark.endswith("(rename them with columns.NEW=OLD): note, wer") for remark in found.ledger.remarks)


def test_columns_that_differ_in_capitals_only_are_the_users_to_rename(tmp_path):
    content = table(text=["a"], Gender=["f"], gender=["m"])
    with pytest.raises(UsageError, match="'Gender' and 'gender' differ in capitals only"):
        read(tmp_path, content)
    (record,) = read(tmp_path, content, columns={"another": "Gender"}).records
    assert record.attributes == {"gender": "m", "another": "f"}


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        pytest.param(pa.array(["x"]), "x", id="text"),
        pytest.param(pa.array(["x"], pa.large_string()), "x", id="large-text"),
        pytest.param(pa.array(["x"]).dictionary_encode(), "x", id="dictionary"),
        pytest.param(pa.array([3], pa.int8()), 3, id="small-integer"),
        pytest.param(pa.array([2**63], pa.uint64()), 2**63, id="large-integer"),
        pytest.param(pa.array([0.5], pa.float32()), 0.5, id="float"),
        pytest.param(pa.array([float("nan")]), None, id="nan"),
        pytest.param(pa.array([float("inf")]), "inf", id="infinite"),
        pytest.param(pa.array([True]), "true", id="boolean"),
        pytest.param(pa.array([Decimal("1.50")]), "1.50", id="decimal"),
        pytest.param(pa.array([datetime.date(2024, 2, 29)]), "2024-02-29", id="date"),
        pytest.param(pa.array([None], pa.null()), None, id="nothing"),
        pytest.param(pa.array([["x", None, "y"]]), ["x", "y"], id="list-with-null"),
        pytest.param(pa.array([["x"]], pa.list_(pa.string(), 1)), ["x"], id="fixed-size-list"),
        pytest.param(pa.array([None], pa.list_(pa.string())), None, id="null-list"),
        pytest.param(pa.array(["\u202eabc"]), "\u202eabc", id="right-to-left-override"),
    ],
)
def test_a_value_stays_as_the_table_has_it(tmp_path, cells, value):
    (record,) = read(tmp_path, table(text=["a"], kind=cells)).records
    assert record.attributes == {"kind": value}


def test_values_of_extension_types_are_what_they_are_stored_as(tmp_path):
    found = read(
        tmp_path, table(text=["a"], odd=pa.array(['{"a": 1}'], pa.json_()), key=pa.array([b"k" * 16], pa.uuid()))
    )
    assert found.records[0].attributes == {"odd": '{"a": 1}'}
    assert "columns of nested records, bytes or numbers in lists, not used: key" in found.ledger.remarks


def test_classes_in_lists_become_their_names_in_every_spelling_of_lists(tmp_path):
    names = class_label("x", "y")
    features = {
        "a": {"feature": names, "_type": "Sequence"},
        "b": {"feature": names, "length": -1, "_type": "List"},
        "c": [names],
    }
    (record,) = read(tmp_path, table(features, text=["t"], a=[[0, 1]], b=[[1]], c=[[-1, 0]])).records
    assert record.attributes == {"a": ["x", "y"], "b": ["y"], "c": ["x"]}


def test_a_class_without_a_name_is_refused_with_its_row(tmp_path):
    content = table({"gender": class_label("m", "f")}, id=["a", "b"], text=["x", "y"], gender=[0, 2])
    assert problems_of(tmp_path, content) == [
        "clips.parquet:2: expected a class from 0 to 1, not 2. Correct the number, or the names."
    ]


@pytest.mark.parametrize(
    "metadata",
    [
        b"{",
        b"[]",
        b'{"info": 3}',
        b'{"info": {"features": {"gender": {"_type": "ClassLabel", "names": [1]}}}}',
        b"[" * 99_999,
    ],
)
def test_features_that_are_not_understood_say_nothing(tmp_path, metadata):
    content = table(text=["a"], gender=[1]).replace_schema_metadata({b"huggingface": metadata})
    assert read(tmp_path, content).records[0].attributes == {"gender": 1}


def test_rows_without_words_or_recording_are_left_out_and_counted(tmp_path):
    content = table(id=["a", "b", "c"], text=["x", None, "z"], audio=[held(), held(), None])
    found = read(tmp_path, content)
    assert [record.utterance_id for record in found.records] == ["a"]
    assert found.ledger.n_left_out == {"no reference: its text is null": 1, "no recording: its audio is null": 1}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        pytest.param({"id": [""]}, "an id that is not empty", id="empty-id"),
        pytest.param({"id": ["a\nb"]}, "without NUL or other control characters", id="torn-id"),
        pytest.param({"duration": [-1.0]}, "> 0", id="negative-duration"),
        pytest.param({"duration": [float("inf")]}, "a finite number", id="infinite-duration"),
        pytest.param({"language": ["en", "no tag"]}, "a BCP 47 tag", id="language"),
    ],
)
def test_cells_that_cannot_be_used_are_refused_with_file_and_row(tmp_path, cells, problem, monkeypatch):
    monkeypatch.setattr("harness.corpus.importers.arrow.first_rows.LOOKED_AT", 1)
    n_rows = max(map(len, cells.values()))
    content = table(**{"id": [f"u{n}" for n in range(n_rows)], "text": ["x"] * n_rows} | cells)
    (found,) = problems_of(tmp_path, content)
    assert found.startswith(f"clips.parquet:{n_rows}: ")
    assert problem in found


def test_a_column_of_languages_by_name_is_not_used_and_said(tmp_path):
    found = read(tmp_path, table(text=["a"], language=["English"]), language="en")
    assert found.records[0].language is None
    assert found.corpus.datasheet.language == "en"
    assert any("holds 'English', which is no BCP 47 tag" in remark for remark in found.ledger.remarks)


def test_an_offset_beside_recordings_that_are_held_is_used_when_asked_for(tmp_path):
    content = table(**TWO, offset=[3.0, 4.0])
    found = read(tmp_path, content)
    assert [record.offset for record in found.records] == [0.0, 0.0]
    assert any("the column offset is not used" in remark for remark in found.ledger.remarks)
    asked = read(tmp_path, content, columns={"offset": "offset"})
    assert [record.offset for record in asked.records] == [3.0, 4.0]


def test_without_ids_the_names_of_recordings_are_ids(tmp_path):
    content = table(text=["a", "b"], audio=[held("clips/c1.mp3"), held("..\\c2.mp3")])
    found = read(tmp_path, content)
    assert [record.utterance_id for record in found.records] == ["c1", "c2"]
    assert "no column of ids: ids are the names of recordings" in found.ledger.remarks


@pytest.mark.parametrize("paths", [["audio.wav", "audio.wav"], [None, "x.wav"]])
def test_without_ids_and_names_the_numbers_of_rows_are_ids(tmp_path, paths):
    found = read(tmp_path, table(text=["a", "b"], audio=[held(path) for path in paths]))
    assert [record.utterance_id for record in found.records] == ["0", "1"]


@pytest.mark.parametrize("data_type", [pa.binary(), pa.large_binary()])
def test_a_column_of_bytes_is_one_of_recordings(tmp_path, data_type):
    content = table(id=["a"], text=["x"], audio=pa.array([tone()], data_type))
    assert read(tmp_path, content).records[0].embedded == tone()


def test_paths_of_recordings_stay_paths_and_the_files_where_they_are(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").write_bytes(tone())
    content = table(id=["a", "b"], text=["x", "y"], audio=["clips/a.wav", str(tmp_path / "clips" / "a.wav")])
    found = written("parquet", write_parquet(tmp_path / "clips.parquet", content), tmp_path / "out")
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["audio_filepath"] for line in lines] == ["clips/a.wav", "clips/a.wav"]
    assert (found.audio_root, found.n_recordings) == (tmp_path, 0)


def test_recordings_with_paths_and_no_bytes_are_paths(tmp_path):
    (tmp_path / "a.wav").write_bytes(tone())
    found = read(tmp_path, table(id=["a"], text=["x"], audio=[held("a.wav", None)]))
    assert (found.records[0].audio, found.records[0].embedded) == ("a.wav", None)


@pytest.mark.parametrize("path", ["/not/here/a.wav", "https://host/a.wav", "hf://datasets/x/a.wav", "/\0.wav"])
def test_paths_of_another_machine_and_addresses_are_said_to_be_so(tmp_path, path):
    found = read(tmp_path, table(id=["a"], text=["x"], audio=[held(path, None)]))
    assert (found.records[0].audio, found.corpus.audio_root) == (None, None)
    assert any("are not here: transcripts made elsewhere can be scored" in remark for remark in found.ledger.remarks)


def test_absolute_paths_of_files_that_are_there_start_from_the_folder_they_share(tmp_path):
    clips = tmp_path / "far" / "clips"
    clips.mkdir(parents=True)
    for name in ("a.wav", "b.wav"):
        (clips / name).write_bytes(tone())
    content = table(id=["a", "b"], text=["x", "y"], audio=[str(clips / "a.wav"), str(clips / "b.wav")])
    found = rows_of("parquet", write_parquet(tmp_path / "near" / "clips.parquet", content))
    assert found.corpus.audio_root == clips
    assert [record.audio for record in found.records] == ["a.wav", "b.wav"]


def test_a_datasheet_beside_the_file_says_what_attributes_are(tmp_path):
    write_datasheet(tmp_path, {"accent": self_reported("accent")}, license="CC0-1.0")
    manifest = imported("parquet", write_parquet(tmp_path / "a.parquet", table(text=["x"], accent=["us"])), tmp_path)
    assert manifest.datasheet.license == "CC0-1.0"
    assert [(each.name, each.provenance.value) for each in manifest.attributes] == [("accent", "self_reported")]


def test_what_a_recogniser_made_is_no_attribute(tmp_path):
    found = read(tmp_path, table(text=["x"], pred_text=["y"], hypothesis=["y"], hits=[1], accent=["us"]))
    assert found.records[0].attributes == {"accent": "us"}


@pytest.mark.parametrize("path", ["../../x.wav", "hf://datasets/x/a.wav", "a/../../x.wav"])
def test_a_path_that_leaves_the_folder_among_others_is_refused(tmp_path, path):
    (tmp_path / "a.wav").write_bytes(tone())
    content = table(id=["a", "b"], text=["x", "y"], audio=["a.wav", path])
    (problem,) = problems_of(tmp_path, content)
    assert problem.startswith("clips.parquet:2: ")


def test_a_path_beside_bytes_never_names_a_file(tmp_path):
    content = table(id=["a"], text=["x"], audio=[held("../../x.wav")])
    written("parquet", write_parquet(tmp_path / "in" / "clips.parquet", content), tmp_path / "in" / "out")
    assert [path.relative_to(tmp_path / "in" / "out").as_posix() for path in tmp_path.rglob("*.wav")] == [
        "recordings/0000/a.wav"
    ]


@pytest.mark.parametrize(
    ("audio", "problem"),
    [
        pytest.param(
            [held("a.wav"), held("a.wav", None)], "the bytes of a recording, as in the first rows", id="bytes"
        ),
        pytest.param([held("a.wav", None), held("a.wav")], "the path of a recording alone", id="paths"),
    ],
)
def test_a_table_that_mixes_paths_and_bytes_is_refused_row_by_row(tmp_path, audio, problem, monkeypatch):
    monkeypatch.setattr("harness.corpus.importers.arrow.first_rows.LOOKED_AT", 1)
    (tmp_path / "a.wav").write_bytes(tone())
    (found,) = problems_of(tmp_path, table(id=["a", "b"], text=["x", "y"], audio=audio))
    assert found.startswith("clips.parquet:2: ")
    assert problem in found


@pytest.mark.parametrize(
    "audio",
    [
        pytest.param(pa.array([{"array": [0.5], "sampling_rate": 16_000}]), id="array"),
        pytest.param(pa.array([[0.5, 0.25]]), id="list"),
    ],
)
def test_decoded_samples_are_refused_with_what_to_do(tmp_path, audio):
    content = table(id=["a"], text=["x"], audio=audio)
    with pytest.raises(UsageError, match=r"audio: holds decoded samples, not recordings. Make them files first"):
        read(tmp_path, content)
    assert len(read(tmp_path, content, columns={"audio_filepath": ""}).records) == 1


HUB = {
    "data/train-00000-of-00001.parquet": "t1",
    "data/test-00000-of-00002.parquet": "a",
    "data/test-00001-of-00002.parquet": "b",
}


def folder_of(tmp_path, files):
    for name, key in files.items():
        write_parquet(tmp_path / "hub" / name, table(id=[key], text=["x"]))
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("files", "split", "ids"),
    [
        pytest.param(HUB, None, ["a", "b"], id="hub-test-by-itself"),
        pytest.param(HUB, "train", ["t1"], id="hub-train"),
        pytest.param({"test/0000.parquet": "a", "test/0001.parquet": "b", "train/0000.parquet": "c"}, None, ["a", "b"],
                     id="converted"),
        pytest.param({"test.parquet": "a", "train.parquet": "b"}, "train", ["b"], id="by-hand"),
        pytest.param({"part-1.parquet": "a", "x/part-2.parquet": "b"}, None, ["a", "b"], id="no-splits"),
        pytest.param({"validation-00000-of-00001-0123abcd.parquet": "a"}, None, ["a"], id="only-split-with-a-digest"),
        pytest.param({"test.parquet": "a", ".cache/test.parquet": "b"}, None, ["a"], id="hidden-folder"),
    ],
)  # fmt: skip
def test_files_of_a_split_are_read_in_order(tmp_path, files, split, ids):
    found = rows_of("parquet", folder_of(tmp_path, files), split=split)
    assert [record.utterance_id for record in found.records] == ids


@pytest.mark.parametrize(
    ("files", "split", "message"),
    [
        pytest.param(HUB, "dev", "has the splits test, train", id="no-such-split"),
        pytest.param({"train.parquet": "a", "dev.parquet": "b"}, None, "the splits dev, train. Name one", id="two"),
        pytest.param({"train.parquet": "a", "x.parquet": "b"}, None, "train and 1 files whose names say", id="unnamed"),
        pytest.param({"test-00001-of-00003.parquet": "a"}, None, "shards are missing: 00000-of-00003, 00002", id="gap"),
        pytest.param({"test-00000-of-00001.parquet": "a", "test-00000-of-00001-ab.parquet": "b"}, None, "twice",
                     id="twice"),
        pytest.param({"en/test-00000-of-00001.parquet": "a", "de/test-00000-of-00001.parquet": "b"}, None,
                     "several configurations: de, en. Name the folder of one", id="configurations"),
        pytest.param({}, None, "no Parquet file in it", id="empty"),
    ],
)  # fmt: skip
def test_files_that_leave_a_choice_or_a_gap_are_refused(tmp_path, files, split, message):
    (tmp_path / "hub").mkdir()
    with pytest.raises(UsageError, match=message):
        rows_of("parquet", folder_of(tmp_path, files), split=split)


def test_a_file_alone_is_the_whole_corpus_whatever_its_name(tmp_path):
    source = folder_of(tmp_path, HUB) / "data" / "test-00001-of-00002.parquet"
    assert [record.utterance_id for record in rows_of("parquet", source).records] == ["b"]
    with pytest.raises(UsageError, match=r"split=train: test-00001-of-00002.parquet is of another"):
        rows_of("parquet", source, split="train")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(table(id=["b"], text=["x"], gender=["f"]), id="type"),
        pytest.param(table(id=["b"], text=["x"]), id="missing"),
        pytest.param(table({"gender": class_label("f", "m")}, id=["b"], text=["x"], gender=[0]), id="classes"),
    ],
)
def test_files_of_a_split_whose_columns_differ_are_refused(tmp_path, other):
    first = table({"gender": class_label("m", "f")}, id=["a"], text=["x"], gender=[0])
    write_parquet(tmp_path / "hub" / "test-00000-of-00002.parquet", first)
    write_parquet(tmp_path / "hub" / "test-00001-of-00002.parquet", other)
    with pytest.raises(ManifestError, match=r"test-00001-of-00002.parquet: its columns are not those of the first"):
        rows_of("parquet", tmp_path / "hub")


def test_a_table_without_rows_is_no_corpus(tmp_path):
    content = table(id=pa.array([], pa.string()), text=pa.array([], pa.string()), audio=pa.array([], RECORDING))
    assert problems_of(tmp_path, content) == ["no utterance was found in the source (no row at all)."]


def test_a_name_that_stands_twice_is_refused(tmp_path):
    content = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    with pytest.raises(UsageError, match="has the column 'text' twice"):
        read(tmp_path, content)


def test_more_columns_than_a_corpus_has_are_refused(tmp_path):
    with pytest.raises(UsageError, match="has 1001 columns"):
        read(tmp_path, table(text=["a"], **{f"c{n}": [n] for n in range(1_000)}))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PAR1", id="magic-alone"),
        pytest.param(b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1", id="footer-longer-than-the-file"),
        pytest.param(b"PAR1" + bytes(20) + b"\x08\0\0\0PARE", id="encrypted-footer"),
        pytest.param(b"id,text\na,b\n", id="csv"),
        pytest.param(b"ARROW1\0\0" + bytes(64), id="arrow-file"),
    ],
)
def test_what_is_no_parquet_is_refused_with_its_name(tmp_path, data):
    path = tmp_path / "clips.parquet"
    path.write_bytes(data)
    with pytest.raises(ManifestError, match=r"^clips.parquet: cannot be read as Parquet"):
        rows_of("parquet", path)


def test_text_that_is_no_utf_8_is_refused_with_its_row(tmp_path):
    texts = pa.array([b"fine", b"caf\xe9"]).view(pa.string())
    problems = problems_of(tmp_path, table(id=["a", "b"], text=texts))
    assert problems == ["clips.parquet:2: expected valid UTF-8. Save the file as UTF-8."]


def test_a_text_longer_than_a_transcript_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_cells, "LONGEST_CELL", 100)
    (problem,) = problems_of(tmp_path, table(id=["a", "b"], text=["x", "y" * 101]))
    assert problem.startswith("clips.parquet:2: expected a text of at most 100 characters, not 101.")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), data=st.binary(min_size=1, max_size=8))
def test_a_file_with_bytes_overwritten_is_read_or_refused_and_never_shortened(tmp_path_factory, place, data):
    path = tmp_path_factory.mktemp("damaged") / "clips.parquet"
    write_parquet(path, table(id=[f"u{n}" for n in range(50)], text=["x" * n for n in range(50)], n=list(range(50))))
    whole = path.read_bytes()
    start = int(place * (len(whole) - len(data)))
    path.write_bytes(whole[:start] + data + whole[start + len(data) :])
    try:
        found = rows_of("parquet", path)
    except (ManifestError, UsageError):
        return  # said, with words that other tests look at
    assert len(found.records) + len(found.ledger.problems) + sum(found.ledger.n_left_out.values()) == 50


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.text()), st.lists(st.text(), max_size=3)), min_size=1))
def test_any_text_comes_through_as_it_is(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    rows = [tuple(_encodable(cell) for cell in row) for row in rows]
    content = table(
        id=[str(n) for n in range(len(rows))],
        text=[text for text, _, _ in rows],
        accent=pa.array([accent for _, accent, _ in rows], pa.string()),
        tags=pa.array([tags for _, _, tags in rows], pa.list_(pa.string())),
    )
    records = rows_of("parquet", write_parquet(folder / "clips.parquet", content)).records
    assert [(each.text, each.attributes["accent"], each.attributes["tags"]) for each in records] == rows


def _encodable(cell):
    if isinstance(cell, list):
        return [_encodable(each) for each in cell]
    return cell if cell is None else cell.encode("utf-8", "ignore").decode()


MEASURED = """
import resource, sys
from pathlib import Path
from harness.errors import ManifestError
from tests.corpus.importers.builders import written
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    n = written("parquet", Path(sys.argv[1]), Path(sys.argv[2])).n_utterances
except ManifestError as error:
    n = -len(error.problems)
print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(source, out):
    """Return how many utterances an import had, below 0 how many were refused, and its peak memory in MiB."""
    command = [sys.executable, "-c", MEASURED, str(source), str(out)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return tuple(map(int, ended.stdout.split()))


@pytest.mark.slow
def test_memory_is_that_of_a_page_and_not_of_the_file(tmp_path):
    rows = [held(f"{n}.wav", tone() + bytes(250_000)) for n in range(400)]
    content = table(id=[str(n) for n in range(400)], text=["x"] * 400, audio=rows)
    options = {"row_group_size": 100, "compression": "none", "use_dictionary": False}
    path = write_parquet(tmp_path / "clips.parquet", content, **options)
    assert path.stat().st_size > 100_000_000
    n_utterances, raised_mib = measured(path, tmp_path / "out")
    assert n_utterances == 400
    assert raised_mib < 75


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_much_is_one_recording_at_a_time(tmp_path):
    """A dictionary holds 8 MB once, and 500 rows point to it: 4 GB."""
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array([bytes(8_000_000)]))
    content = table(id=[str(n) for n in range(500)], text=["x"] * 500, audio=bomb)
    path = tmp_path / "bomb.parquet"
    pq.write_table(content, path, compression="zstd", dictionary_pagesize_limit=1 << 30, store_schema=False)
    assert path.stat().st_size < 100_000
    n_refused, raised_mib = measured(path, tmp_path / "out")
    assert n_refused == -500
    assert raised_mib < 150
