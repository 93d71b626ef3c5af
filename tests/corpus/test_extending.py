"""A manifest with new columns keeps every cell it had, also those that nobody uses."""

import json

import pytest
import yaml

from harness.corpus import Attribute, AttributeKind, Manifest, Provenance
from harness.corpus.extending import Extension, check_extension, extended_datasheet, extended_lines
from harness.errors import UsageError
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest

SNR = Attribute("snr_db", AttributeKind.acoustic, Provenance.measured, "In dB.", bins=(0.0, 10.0))


def extension(manifest, values):
    return Extension({"snr_db": values}, [SNR], manifest.frame["audio_filepath"].tolist())


def extended(manifest, values, mapping=None):
    return [
        json.loads(line)
        for line in extended_lines(manifest, mapping or {}, extension(manifest, values)).split("\n")[:-1]
    ]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param({"deep": [1, {"er": None}]}, id="nested"),
        pytest.param("\ud800", id="half-a-surrogate-pair"),
        pytest.param("tab\tand\nline\u2028", id="control-characters"),
        pytest.param(10**20, id="large-number"),
        pytest.param(True, id="yes"),
        pytest.param("=1+1", id="formula"),
    ],
)
def test_a_cell_of_a_column_that_nobody_uses_stays(tmp_path, cell):
    write_datasheet(tmp_path)
    manifest = load(write_manifest(tmp_path, [row(other=cell), row("u2")]))
    (first, second) = extended(manifest, [1.5, None])
    assert (first["other"], first["snr_db"]) == (cell, 1.5)
    assert (second["other"], second["snr_db"]) == (None, None)


def test_what_is_written_loads_as_the_manifest_it_was_with_the_new_attribute_binned(tmp_path):
    write_datasheet(tmp_path, {"accent": self_reported("accent", order=["b", "a"])}, language="en", version=3)
    manifest = load(write_manifest(tmp_path, [row(accent="a"), row("u2", accent="b"), row("u3", accent="")]))
    more = extension(manifest, [-3.0, 10, None])
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "datasheet.yaml").write_text(extended_datasheet(manifest, more))
    (tmp_path / "new" / "m.jsonl").write_text(extended_lines(manifest, {}, more))
    new = Manifest.load(tmp_path / "new" / "m.jsonl", require_audio=False)
    assert new.frame["snr_db"].tolist() == ["<0", ">=10", "undeclared"]
    assert new.frame[manifest.frame.columns].equals(manifest.frame)
    assert (new.name, new.datasheet.version, new.attributes[:-1]) == ("toy corpus", "3", manifest.attributes)
    assert new.attributes[-1].bins == SNR.bins


def test_a_name_that_is_taken_in_other_capitals_or_by_an_unused_column_is_refused(tmp_path):
    write_datasheet(tmp_path)
    manifest = load(write_manifest(tmp_path, [row(SNR_db="3")]))
    with pytest.raises(UsageError, match="has a column 'snr_db' already"):
        check_extension(manifest, {}, ["snr_db"])
    check_extension(manifest, {}, ["measured_snr_db"])


def test_a_language_given_at_loading_is_written_out(tmp_path):
    write_datasheet(tmp_path)
    manifest = load(write_manifest(tmp_path, [row(language="cy"), row("u2")]), language="en-GB")
    assert [each["language"] for each in extended(manifest, [0, 0])] == ["cy", "en-GB"]


def test_the_datasheet_is_plain_yaml_whatever_the_old_one_said(tmp_path):
    write_datasheet(tmp_path, description="!!python/object: x", homepage="'<b>'")
    manifest = load(write_manifest(tmp_path, [row()]))
    sheet = yaml.safe_load(extended_datasheet(manifest, extension(manifest, [1.0])))
    assert (sheet["description"], sheet["homepage"]) == ("!!python/object: x", "'<b>'")
