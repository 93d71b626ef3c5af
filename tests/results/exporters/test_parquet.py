"""The Parquet file of an export has types, reads back as a manifest, and is read by pandas and DuckDB."""

import math
import os

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.corpus.datasheet import parse_datasheet
from harness.results.exporters.parquet import write_parquet
from harness.results.exporters.table import export_table
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest
from tests.corpus.importers.builders import imported
from tests.results.exporters.test_table import run_of

ROWS = [
    row("a/u1", age=34, accent="NA", device=["phone", "far"], offset=1.5, duration=2.0, snr=12.5, text="open the gate"),
    row("a/u2", age=None, accent="scottish", device="phone|near", text="", speaker_id=None, snr=None),
    row("a/u3", age=61, accent="prefer not to say", device=None, text='say "it", José', language="es", snr=3.25),
]
ATTRIBUTES = {
    "age": self_reported(bins=[30, 60]),
    "accent": self_reported("accent"),
    "device": self_reported("acoustic", multivalued=True),
    "snr": self_reported("acoustic", bins=[10]),
}


@pytest.fixture
def path(tmp_path):
    write_datasheet(tmp_path, ATTRIBUTES, undeclared=["NA"], license="CC0-1.0")
    return write_manifest(tmp_path, ROWS)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def same(one, other):
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.attributes == other.attributes
    assert (one.datasheet.undeclared, one.datasheet.license) == (other.datasheet.undeclared, other.datasheet.license)


def test_what_was_written_reads_back_as_the_same_manifest(path, out):
    manifest = load(path)
    written, sheet = write_parquet(export_table(manifest, {}), out)
    assert (written.name, sheet.name) == ("toy_corpus.parquet", "datasheet.yaml")
    same(load(written), manifest)


def test_an_import_of_what_was_written_is_the_same_corpus(path, out, tmp_path):
    run = run_of(path.parent, ["a/u1,Open a gate,", "a/u2,hello,", "a/u3,,out of memory"])
    manifest = load(path)
    write_parquet(export_table(manifest, {}, run=run), out)
    same(imported("parquet", out, tmp_path), manifest)


def test_columns_have_types(path, out):
    written, _ = write_parquet(export_table(load(path), {}), out)
    schema = pq.read_schema(written)
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types == {
        "utterance_id": "string", "audio_filepath": "string", "offset": "double", "duration": "double",
        "text": "string", "speaker_id": "string", "language": "string", "accent": "string", "age": "int64",
        "device": "list<element: string>", "snr": "double",
    }  # fmt: skip
    assert pq.read_table(written).column("duration").to_pylist() == [2.0, None, None]


def test_the_datasheet_is_in_the_file_too(path, out):
    manifest = load(path)
    written, _ = write_parquet(export_table(manifest, {}, audio_root=path.parent), out)
    metadata = pq.read_schema(written).metadata
    assert parse_datasheet(metadata[b"datasheet"], out / "x").attributes == manifest.attributes
    assert metadata[b"audio_root"] == os.fsencode(path.parent)


def test_audio_paths_start_from_the_audio_root(tmp_path, out):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").touch()
    manifest = Manifest.load(write_manifest(tmp_path, [row(audio_filepath="clips/a.wav")]))
    written, _ = write_parquet(export_table(manifest, {}, audio_root=tmp_path), out)
    assert pq.read_table(written).column("audio_filepath").to_pylist() == ["clips/a.wav"]
    again = Manifest.load(written, audio_root=tmp_path)
    assert again.frame["audio_filepath"].tolist() == manifest.frame["audio_filepath"].tolist()


def test_a_run_adds_what_was_heard_with_integers_and_is_still_a_manifest(path, out):
    run = run_of(path.parent, ["a/u1,Open a gate,", "a/u2,hello,", "a/u3,,out of memory"])
    manifest = load(path)
    written, _ = write_parquet(export_table(manifest, {}, run=run), out)
    frame = pd.read_parquet(written)
    assert frame["hits"].tolist() == [2, 0, 0]
    assert [str(frame[name].dtype) for name in ("hits", "substitutions", "deletions", "insertions")] == ["int64"] * 4
    assert frame["wer"].tolist()[::2] == [pytest.approx(1 / 3), 1.0]
    assert math.isnan(frame["wer"][1])
    assert frame["pred_text"].tolist()[:2] == ["Open a gate", "hello"]
    assert pq.read_table(written).column("pred_text").to_pylist()[2] is None
    same(load(written), manifest)


def test_duckdb_sums_what_pandas_sums(path, out):
    run = run_of(path.parent, ["a/u1,Open a gate,", "a/u2,hello,", "a/u3,x,"])
    written, _ = write_parquet(export_table(load(path), {}, run=run), out)
    query = f"SELECT accent, sum(hits)::BIGINT FROM read_parquet('{written}') GROUP BY accent ORDER BY accent"
    found = duckdb.connect().execute(query).fetchall()
    assert found == list(pd.read_parquet(written).groupby("accent")["hits"].sum().items())


def test_a_manifest_without_a_datasheet_gets_one_that_declares_what_was_used(tmp_path, out):
    manifest = load(write_manifest(tmp_path, [row("u1", accent="us"), row("u2", accent="uk")]))
    written, _ = write_parquet(export_table(manifest, {}), out)
    assert load(written).frame["accent"].tolist() == ["us", "uk"]
    assert [(each.name, each.provenance.value) for each in load(written).attributes] == [("accent", "annotated")]


@pytest.mark.parametrize(
    ("cells", "arrow_type", "found"),
    [
        pytest.param([1, None], "int64", [1, None], id="integers"),
        pytest.param([2**63, 1], "string", [str(2**63), "1"], id="too-large"),
        pytest.param([1.5, None], "double", [1.5, None], id="numbers"),
        pytest.param([1, 1.5], "string", ["1", "1.5"], id="both"),
        pytest.param([True, False], "string", ["true", "false"], id="booleans"),
        pytest.param(["x", 3], "string", ["x", "3"], id="texts-and-numbers"),
    ],
)
def test_cells_of_an_attribute_decide_its_type(tmp_path, out, cells, arrow_type, found):
    manifest = load(write_manifest(tmp_path, [row("u1", kind=cells[0]), row("u2", kind=cells[1])]))
    written, _ = write_parquet(export_table(manifest, {}), out)
    column = pq.read_table(written).column("kind")
    assert (str(column.type), column.to_pylist()) == (arrow_type, found)
    assert load(written).frame["kind"].tolist() == manifest.frame["kind"].tolist()


def test_an_export_that_cannot_be_written_leaves_the_one_before(path, out, monkeypatch):
    table = export_table(load(path), {})
    written, _ = write_parquet(table, out)
    before = written.read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_parquet(table, out)
    assert written.read_bytes() == before
    assert sorted(each.name for each in out.iterdir()) == ["datasheet.yaml", "toy_corpus.parquet"]


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), WORDS, st.lists(WORDS, max_size=3)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_texts_and_values_come_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    (folder / "out").mkdir()
    attributes = {"accent": self_reported("accent"), "device": self_reported("acoustic", multivalued=True)}
    write_datasheet(folder, attributes, undeclared=["NA"])
    cells = [row(f"u{n}", text=text, accent=accent, device=device) for n, (text, accent, device) in enumerate(rows)]
    manifest = load(write_manifest(folder, cells))
    written, _ = write_parquet(export_table(manifest, {}), folder / "out")
    same(load(written), manifest)


def test_the_schema_needs_nothing_of_pandas(path, out):
    written, _ = write_parquet(export_table(load(path), {}), out)
    assert b"pandas" not in pq.read_schema(written).metadata
    assert pa.types.is_string(pq.read_schema(written).field("text").type)
