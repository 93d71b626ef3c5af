"""Datasets as `save_to_disk` leaves them become records, whether `datasets` wrote them or a hand did."""

import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.corpus.importers.arrow.streams import stream_batches
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.arrow_tables import class_label, held, save_splits, save_to_disk, table, tone
from tests.corpus.importers.builders import imported, rows_of, written

FEATURES = {
    "id": {"dtype": "string", "_type": "Value"},
    "audio": {"sampling_rate": 16_000, "_type": "Audio"},
    "text": {"dtype": "string", "_type": "Value"},
    "gender": class_label("male", "female"),
    "langs": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"},
    "meta": {"a": {"dtype": "int32", "_type": "Value"}},
}


def rows(*ids):
    n_rows = len(ids)
    return table(
        id=list(ids),
        audio=[held(f"../{each}.wav") for each in ids],
        text=["one two"] * n_rows,
        gender=[1] * n_rows,
        langs=[["en", "gd"]] * n_rows,
        meta=[{"a": 1}] * n_rows,
    )


def ids_of(found):
    return [record.utterance_id for record in found.records]


def test_files_of_a_dataset_are_one_table_in_order(tmp_path):
    source = save_to_disk(tmp_path / "toy", rows("a", "b"), rows("c"), features=FEATURES)
    found = rows_of("hf_dataset", source)
    assert [record.place for record in found.records] == [
        "data-00000-of-00002.arrow:1", "data-00000-of-00002.arrow:2", "data-00001-of-00002.arrow:1",
    ]  # fmt: skip
    first = found.records[0]
    assert (first.utterance_id, first.text, first.embedded) == ("a", "one two", tone())
    assert first.attributes == {"gender": "female", "langs": ["en", "gd"]}
    assert found.ledger.remarks == ["columns of nested records, bytes or numbers in lists, not used: meta"]


def test_features_are_those_of_the_dataset_and_else_of_the_schema(tmp_path):
    shard = table({"gender": class_label("m", "f")}, text=["a"], gender=[0])
    own = save_to_disk(tmp_path / "own", shard)
    other = save_to_disk(tmp_path / "other", shard, features={"gender": class_label("male", "female")})
    assert rows_of("hf_dataset", own).records[0].attributes == {"gender": "m"}
    assert rows_of("hf_dataset", other).records[0].attributes == {"gender": "male"}


def test_the_datasheet_has_what_the_dataset_says_of_itself(tmp_path):
    about = {
        "dataset_name": "toy",
        "license": "CC0-1.0",
        "homepage": "https://example.org",
        "citation": "@article{doe,\n  title={Toy}}",
        "description": "Read\x1b[31m sentences.\n" * 500,
        "version": {"version_str": "1.2.0"},
    }
    sheet = rows_of("hf_dataset", save_to_disk(tmp_path / "d", rows("a"), **about), language="en").corpus.datasheet
    assert (sheet.name, sheet.license, sheet.version, sheet.language) == ("toy", "CC0-1.0", "1.2.0", "en")
    assert sheet.citation == "@article{doe, title={Toy}}"
    assert "\x1b" not in sheet.description
    assert len(sheet.description) <= 2_000


def test_what_was_imported_loads_with_recordings_and_attributes(tmp_path):
    found = written("hf_dataset", save_to_disk(tmp_path / "toy", rows("a", "b"), features=FEATURES), tmp_path / "out")
    manifest = Manifest.load(tmp_path / "out" / "manifest.jsonl", audio_root=found.audio_root)
    assert manifest.name == "toy"
    assert manifest.frame["gender"].tolist() == ["female", "female"]
    assert manifest.frame["langs"].tolist() == [("en", "gd"), ("en", "gd")]


@pytest.mark.parametrize(
    ("splits", "split", "ids"),
    [
        pytest.param({"train": "a", "test": "b"}, None, ["b"], id="test-by-itself"),
        pytest.param({"train": "a", "test": "b"}, "train", ["a"], id="asked-for"),
        pytest.param({"validation": "a"}, None, ["a"], id="only-one"),
    ],
)
def test_a_split_of_several_is_read(tmp_path, splits, split, ids):
    source = save_splits(tmp_path / "d", {name: [rows(key)] for name, key in splits.items()})
    assert ids_of(rows_of("hf_dataset", source, split=split)) == ids


def test_that_a_split_was_taken_is_said(tmp_path):
    source = save_splits(tmp_path / "d", {"train": [rows("a")], "test": [rows("b")]})
    assert "split test was taken of the splits test, train" in rows_of("hf_dataset", source).ledger.remarks


def test_the_folder_of_one_split_is_a_dataset_too(tmp_path):
    source = save_splits(tmp_path / "d", {"train": [rows("a")], "test": [rows("b")]}) / "train"
    assert ids_of(rows_of("hf_dataset", source)) == ["a"]
    assert ids_of(rows_of("hf_dataset", source, split="train")) == ["a"]
    with pytest.raises(UsageError, match="split=test: train is the split 'train'"):
        rows_of("hf_dataset", source, split="test")


@pytest.mark.parametrize(
    ("splits", "split", "message"),
    [
        pytest.param(["train", "dev"], None, r"split=: d has the splits 'train', 'dev'. Name one", id="two"),
        pytest.param(["train"], "test", r"split=test: d has the splits 'train'", id="none-such"),
        pytest.param(["gone"], None, "no state.json in gone, which dataset_dict.json names", id="gone"),
        pytest.param(["../outside"], None, r"names '../outside'; expected the name of a file in it", id="outside"),
        pytest.param([3, None], None, "has the splits none", id="no-names"),
    ],
)
def test_splits_that_cannot_be_taken_are_refused(tmp_path, splits, split, message):
    source = save_splits(tmp_path / "d", {name: [rows("a")] for name in ("train", "dev")})
    save_to_disk(tmp_path / "outside", rows("secret"))
    (source / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(UsageError, match=message):
        rows_of("hf_dataset", source, split=split)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("x.parquet", "holds Parquet files. Import it with format=parquet", id="parquet"),
        pytest.param("cache-0123.arrow", "it is a cache of load_dataset. Save the dataset first", id="cache"),
        pytest.param("x.txt", "no state.json and no dataset_dict.json in it", id="other"),
    ],
)
def test_a_folder_of_something_else_is_refused_with_what_to_do(tmp_path, name, message):
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=message):
        rows_of("hf_dataset", tmp_path)


def edited(source, name, **changes):
    """Change what a file of a dataset says."""
    path = source / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return source


@pytest.mark.parametrize(
    ("state", "message"),
    [
        pytest.param({"_data_files": [{"filename": "../outside/data-00000-of-00001.arrow"}]}, "expected the name of a "
                     "file in it", id="path-that-leaves"),
        pytest.param({"_data_files": [{"filename": "/etc/passwd"}]}, "expected the name of a file", id="absolute"),
        pytest.param({"_data_files": [{"filename": "..\\x.arrow"}]}, "expected the name of a file", id="backslashes"),
        pytest.param({"_data_files": [{"filename": "data-00001-of-00002.arrow"}]}, "1 of 1 files are not there",
                     id="missing"),
        pytest.param({"_data_files": []}, "state.json: no files", id="none"),
        pytest.param({"_data_files": {"filename": 3}}, "state.json: no files", id="no-list"),
        pytest.param({"_indices_data_files": [{"filename": "indices.arrow"}]}, "chooses rows by a further file",
                     id="indices"),
    ],
)  # fmt: skip
def test_a_state_that_leads_nowhere_or_elsewhere_is_refused(tmp_path, state, message):
    save_to_disk(tmp_path / "outside", rows("secret"))
    source = edited(save_to_disk(tmp_path / "d", rows("a")), "state.json", **state)
    with pytest.raises(UsageError, match=message):
        rows_of("hf_dataset", source)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, '{"a": 1}\0', "\udcff"])
@pytest.mark.parametrize("name", ["state.json", "dataset_info.json"])
def test_json_that_is_none_is_refused_with_its_name(tmp_path, name, text):
    source = save_to_disk(tmp_path / "d", rows("a"))
    (source / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ManifestError, match=f"^d/{name}: "):
        rows_of("hf_dataset", source)


def test_json_larger_than_any_is_not_read(tmp_path):
    source = save_to_disk(tmp_path / "d", rows("a"))
    with (source / "dataset_info.json").open("r+b") as file:
        file.truncate(10 << 30)  # sparse
    with pytest.raises(UsageError, match="has 10,737,418,240 bytes; expected at most"):
        rows_of("hf_dataset", source)


def test_files_whose_columns_differ_are_refused(tmp_path):
    source = save_to_disk(tmp_path / "d", rows("a"), rows("b").drop_columns(["gender"]))
    with pytest.raises(ManifestError, match=r"data-00001-of-00002.arrow: its columns are not those of the first"):
        rows_of("hf_dataset", source)


def test_a_dataset_without_rows_is_no_corpus(tmp_path):
    with pytest.raises(ManifestError, match="no utterance was found"):
        imported("hf_dataset", save_to_disk(tmp_path / "d", rows("a").slice(0, 0)), tmp_path)


def test_dictionary_columns_and_batches_of_many_rows_are_read(tmp_path):
    n_rows = 1_000
    shard = table(
        id=[str(n) for n in range(n_rows)],
        text=["x"] * n_rows,
        accent=pa.array([("us", None, "scottish")[n % 3] for n in range(n_rows)]).dictionary_encode(),
    )
    records = rows_of("hf_dataset", save_to_disk(tmp_path / "d", shard)).records
    assert [record.line for record in records] == list(range(1, n_rows + 1))
    assert [record.attributes["accent"] for record in records[:4]] == ["us", None, "scottish", "us"]


def data_file(source):
    (path,) = source.glob("data-*.arrow")
    return path


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PAR1" + bytes(60), id="parquet"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(64), id="two-gigabytes-of-metadata-declared"),
        pytest.param(b"\x80\x04\x95\x10\0\0\0", id="pickle"),
    ],
)
def test_what_is_no_stream_is_refused_with_its_name(tmp_path, data):
    source = save_to_disk(tmp_path / "d", rows("a"))
    data_file(source).write_bytes(data)
    with pytest.raises(ManifestError, match=r"^data-00000-of-00001.arrow: cannot be read as a stream of Arrow"):
        rows_of("hf_dataset", source)


def test_the_other_format_of_arrow_is_called_so(tmp_path):
    source = save_to_disk(tmp_path / "d", rows("a"))
    with pa.OSFile(str(data_file(source)), "wb") as file, pa.ipc.new_file(file, rows("a").schema) as out:
        out.write_table(rows("a"))
    with pytest.raises(ManifestError, match="it is of Arrow's file format, not a stream"):
        rows_of("hf_dataset", source)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_packed_batches_are_refused_before_they_are_unpacked(tmp_path, compression):
    """A stream of a few kilobytes declares, and would unpack to, 100 MB."""
    content = table(id=["a"], text=["x"], audio=[held(data=bytes(100_000_000))])
    source = save_to_disk(tmp_path / "d", content, compression=compression)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(ManifestError, match="its batches are compressed, which `save_to_disk` never does"):
        rows_of("hf_dataset", source)
    assert pa.default_memory_pool().max_memory() == before


def test_a_packed_dictionary_is_refused_too(tmp_path):
    content = table(text=["x"], accent=pa.array(["y" * 10_000]).dictionary_encode())
    source = save_to_disk(tmp_path / "d", content, compression="zstd")
    with pytest.raises(ManifestError, match="its batches are compressed"):
        rows_of("hf_dataset", source)


@pytest.mark.parametrize(
    "n_bytes", [pytest.param(2_000, id="in-a-batch"), pytest.param(8, id="after-the-last-batch-that-came")]
)
def test_a_stream_that_is_cut_off_is_refused(tmp_path, n_bytes):
    source = save_to_disk(tmp_path / "d", rows(*map(str, range(50))))
    data_file(source).write_bytes(data_file(source).read_bytes()[:-n_bytes])
    with pytest.raises(ManifestError, match="cannot be read as a stream of Arrow"):
        rows_of("hf_dataset", source)


def test_offsets_that_lead_out_of_the_file_are_refused_and_do_not_crash(tmp_path):
    source = save_to_disk(tmp_path / "d", table(text=["abcdefgh", "ijklmnop"]))
    data = data_file(source).read_bytes()
    offsets = (0).to_bytes(4, "little") + (8).to_bytes(4, "little") + (16).to_bytes(4, "little")
    assert data.count(offsets) == 1
    declared = (0).to_bytes(4, "little") + (8).to_bytes(4, "little") + (10**9).to_bytes(4, "little")
    data_file(source).write_bytes(data.replace(offsets, declared))
    with pytest.raises(ManifestError, match="cannot be read as a stream of Arrow"):
        rows_of("hf_dataset", source)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), data=st.binary(min_size=1, max_size=8))
def test_a_stream_with_bytes_overwritten_is_read_or_refused(tmp_path_factory, place, data):
    source = save_to_disk(tmp_path_factory.mktemp("d") / "d", rows(*map(str, range(20))))
    whole = data_file(source).read_bytes()
    start = int(place * (len(whole) - len(data)))
    data_file(source).write_bytes(whole[:start] + data + whole[start + len(data) :])
    try:
        found = rows_of("hf_dataset", source)
    except (ManifestError, UsageError):
        return
    assert len(found.records) + len(found.ledger.problems) + sum(found.ledger.n_left_out.values()) <= 20


def test_a_large_batch_is_given_in_small_ones(tmp_path):
    source = save_to_disk(tmp_path / "d", rows(*map(str, range(10))))
    assert [batch.num_rows for batch in stream_batches(data_file(source), 4)] == [4, 4, 2]


@pytest.fixture
def datasets(monkeypatch, tmp_path):
    """Give the package that writes such folders, offline and without a bar."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    package = pytest.importorskip("datasets", reason="needs the package `datasets`, which writes such folders")
    package.disable_progress_bars()
    return package


@pytest.fixture
def made(datasets):
    """Return a dataset with a column of recordings, classes and lists."""
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
            "text": datasets.Value("string"),
            "gender": datasets.ClassLabel(names=["male", "female"]),
            "langs": datasets.Sequence(datasets.Value("string")),
            "labels": datasets.Sequence(datasets.ClassLabel(names=["x", "y"])),
            "meta": {"a": datasets.Value("int32")},
        }
    )
    cells = {
        "id": ["a", "b"],
        "audio": [held("../../a.wav"), held(None)],
        "text": ["one", "two"],
        "gender": [1, -1],
        "langs": [["en", "gd"], []],
        "labels": [[0, 1], [1]],
        "meta": [{"a": 1}, {"a": 2}],
    }
    return datasets.Dataset.from_dict(cells, features=features).cast_column("audio", datasets.Audio())


ATTRIBUTES = [
    {"gender": "female", "langs": ["en", "gd"], "labels": ["x", "y"]},
    {"gender": None, "langs": [], "labels": ["y"]},
]


def test_what_datasets_saves_is_read(made, tmp_path):
    made.save_to_disk(tmp_path / "d", num_shards=2)
    found = rows_of("hf_dataset", tmp_path / "d")
    assert [record.attributes for record in found.records] == ATTRIBUTES
    assert [record.embedded for record in found.records] == [tone(), tone()]
    assert ids_of(found) == ["a", "b"]


def test_splits_that_datasets_saves_are_read(datasets, made, tmp_path):
    datasets.DatasetDict({"train": made, "test": made.select([1])}).save_to_disk(tmp_path / "d")
    assert ids_of(rows_of("hf_dataset", tmp_path / "d")) == ["b"]
    assert ids_of(rows_of("hf_dataset", tmp_path / "d", split="train")) == ["a", "b"]


def test_rows_that_were_chosen_and_shuffled_are_read_as_datasets_has_them(made, tmp_path):
    made.select([1, 0]).save_to_disk(tmp_path / "d")
    assert ids_of(rows_of("hf_dataset", tmp_path / "d")) == ["b", "a"]


def test_parquet_that_datasets_writes_has_the_same_records(made, tmp_path):
    made.to_parquet(tmp_path / "d.parquet")
    found = rows_of("parquet", tmp_path / "d.parquet")
    assert [record.attributes for record in found.records] == ATTRIBUTES
    assert [record.embedded for record in found.records] == [tone(), tone()]
