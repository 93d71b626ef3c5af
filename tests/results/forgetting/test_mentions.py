"""An id is found in whatever a file is written in, and only where it is that id."""

import gzip
import html
import io
import json
import tarfile

import pandas as pd
import pytest

from harness.results.forgetting.mentions import Needles, files_of, mentions
from harness.results.forgetting.people import is_telling

NAME = 'wanda "é" <7>'


def packed(text):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("a/b.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "data"),
    [
        pytest.param("a.txt", f"x {NAME} y".encode(), id="text"),
        pytest.param("a.json", json.dumps({"id": NAME}).encode(), id="json-ascii"),
        pytest.param("a.json", json.dumps({"id": NAME}, ensure_ascii=False).encode(), id="json-utf-8"),
        pytest.param("a.html", f"<p>{html.escape(NAME)}</p>".encode(), id="html"),
        pytest.param("a.gz", gzip.compress(f"x {NAME}".encode()), id="gzip"),
        pytest.param("a.tar", packed(NAME.encode()), id="tar"),
    ],
)
def test_it_is_found(tmp_path, file, data):
    (tmp_path / file).write_bytes(data)
    assert mentions(tmp_path / file, Needles([NAME]))
    assert not mentions(tmp_path / file, Needles(["somebody"]))


def test_it_is_found_in_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"speaker_id": ["bob", NAME] * 50, "n": range(100)}).to_parquet(path)
    assert mentions(path, Needles([NAME]))
    assert not mentions(path, Needles(["wand"]))


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        pytest.param("spk1_u3.wav", True, id="part-of-a-name"),
        pytest.param("spk10", False, id="longer-number"),
        pytest.param("xspk1", False, id="longer-word"),
        pytest.param("", False, id="nothing"),
        pytest.param("spk10 spk1", True, id="after-another"),
    ],
)
def test_only_the_id_itself_counts(tmp_path, text, is_there):
    (tmp_path / "a.txt").write_text(text)
    assert mentions(tmp_path / "a.txt", Needles(["spk1"])) == is_there


def test_it_is_found_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.results.forgetting.mentions._BLOCK", 7)
    (tmp_path / "a.txt").write_text("abcde wanda-17 fghi")
    assert mentions(tmp_path / "a.txt", Needles(["wanda-17"]))


@pytest.mark.parametrize("data", [b"PAR1 no parquet", b"\x1f\x8b no gzip"], ids=["parquet", "gzip"])
def test_what_cannot_be_read_names_nobody(tmp_path, data):
    (tmp_path / "a.bin").write_bytes(data)
    assert not mentions(tmp_path / "a.bin", Needles(["wanda-17"]))


def test_links_are_nobody_s_files(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_text("wanda-17")
    (tmp_path / "in/a.txt").symlink_to(tmp_path / "out.txt")
    (tmp_path / "in/b").symlink_to(tmp_path)
    assert list(files_of(tmp_path / "in")) == []
    assert not mentions(tmp_path / "in/a.txt", Needles(["wanda-17"]))


@pytest.mark.parametrize(("name", "telling"), [("12345", False), ("s01", False), ("sp-1", True), ("wanda", True)])
def test_ids_that_are_everywhere_are_not_looked_for_in_texts(name, telling):
    assert is_telling(name) == telling
