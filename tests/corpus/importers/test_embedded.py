"""Recordings that a source holds become files with safe names below OUT, and nothing of the source names them."""

import unicodedata

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.corpus.cells import CellError
from harness.corpus.importers import embedded
from harness.corpus.importers.embedded import FILES_A_FOLDER, LONGEST_NAME, MARK, RECORDINGS, Recordings, suffix_of
from harness.corpus.people import Withdrawn
from harness.errors import ManifestError, UsageError
from tests.corpus.importers.arrow_tables import held, table, tone, write_parquet
from tests.corpus.importers.builders import written


def recordings(folder):
    parts = folder / "parts"
    parts.mkdir(parents=True)
    return Recordings(parts, folder / "out")


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        pytest.param(tone(), ".wav", id="wav"),
        pytest.param(b"RF64\xff\xff\xff\xffWAVEds64", ".wav", id="rf64"),
        pytest.param(b"fLaC\0\0\0\x22", ".flac", id="flac"),
        pytest.param(b"OggS\0\2", ".ogg", id="ogg"),
        pytest.param(b"ID3\4\0", ".mp3", id="mp3-with-tags"),
        pytest.param(b"\xff\xfb\x90\x64", ".mp3", id="mp3-frame"),
        pytest.param(b"FORM\0\0\0\0AIFFCOMM", ".aiff", id="aiff"),
        pytest.param(b".snd\0\0\0\x18", ".au", id="au"),
        pytest.param(b"NIST_1A\n   1024", ".sph", id="sphere"),
        pytest.param(b"\0\0\0\x20ftypM4A ", ".m4a", id="mpeg-4"),
        pytest.param(b"\x1aE\xdf\xa3\x01", ".webm", id="webm"),
    ],
)
def test_a_suffix_is_that_of_the_first_bytes(data, suffix):
    assert suffix_of(data) == suffix


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="one-byte"),
        pytest.param(b"\xff\xf1\x50\x80", id="aac-stream-which-looks-like-mp3"),
        pytest.param(b"PK\3\4", id="zip"),
        pytest.param(b"\x7fELF", id="program"),
        pytest.param(b"#!/bin/sh", id="script"),
        pytest.param(b"<html>", id="page"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1", id="git-lfs-pointer"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", id="video"),
    ],
)
def test_what_is_no_recording_is_refused(data):
    with pytest.raises(CellError, match="the bytes of a recording"):
        suffix_of(data)


def test_a_recording_beyond_the_limit_is_refused_with_the_limit(monkeypatch):
    monkeypatch.setattr(embedded, "MOST_BYTES", 1 << 20)
    with pytest.raises(CellError, match="at most 1 MiB, not 2 MiB"):
        suffix_of(b"RIFF" + bytes(2 << 20))


@pytest.mark.parametrize(
    "utterance_id",
    [
        "../../x",
        "/etc/passwd",
        "..",
        ".",
        "a/b",
        "a\\b",
        "-rf",
        ".hidden",
        "con:aux",
        "a b",
        "x" * 5_000,
        "ü" * 300,
        "…",
    ],
)
def test_a_name_stays_in_its_folder_whatever_the_id(tmp_path, utterance_id):
    writer = recordings(tmp_path)
    path = tmp_path / "parts" / writer.write(utterance_id, tone())
    assert path.resolve().parent == tmp_path / "parts" / RECORDINGS / "0000"
    assert not path.name.startswith((".", "-"))
    assert len(path.name.encode()) <= LONGEST_NAME + 1 + 32 + len(".wav")
    assert path.read_bytes() == tone()


def test_an_id_that_is_a_safe_name_is_the_name(tmp_path):
    assert recordings(tmp_path).write("spk1_utt-2.b", tone()) == f"{RECORDINGS}/0000/spk1_utt-2.b.wav"


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(["a/b", "a_b", "a b", "a:b"], id="alike-once-made-safe"),
        pytest.param(["A", "a"], id="capitals"),
        pytest.param(["x" * 300 + "1", "x" * 300 + "2"], id="alike-once-cut"),
        pytest.param(["é", unicodedata.normalize("NFD", "é")], id="composed-and-not"),
    ],
)
def test_names_that_collide_are_told_apart(tmp_path, ids):
    writer = recordings(tmp_path)
    paths = [writer.write(each, tone(num_samples=50 * (n + 1))) for n, each in enumerate(ids)]
    assert len(set(paths)) == len(ids)
    sizes = [(tmp_path / "parts" / path).stat().st_size for path in paths]
    assert sizes == sorted(set(sizes))


def test_an_id_made_to_look_like_another_ones_name_gets_a_name_of_its_own(tmp_path):
    writer = recordings(tmp_path)
    first = writer.write("a/b", tone())
    second = writer.write(first.split("/")[-1].removesuffix(".wav"), tone(200))
    assert first != second
    assert (tmp_path / "parts" / first).read_bytes() == tone()


@given(ids=st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_different_ids_have_different_files(tmp_path_factory, ids):
    folder = tmp_path_factory.mktemp("any")
    writer = recordings(folder)
    found = {each: writer.write(each, tone() + each.encode("utf-8", "surrogatepass")) for each in ids}
    for each, path in found.items():
        assert (folder / "parts" / path).read_bytes() == tone() + each.encode("utf-8", "surrogatepass")


def test_folders_hold_a_limited_number_of_files(tmp_path):
    writer = recordings(tmp_path)
    writer.write("first", tone())
    writer.n_written = FILES_A_FOLDER
    assert writer.write("later", tone()) == f"{RECORDINGS}/0001/later.wav"


ROWS = {"id": ["u1", "u2"], "text": ["one", "two"], "audio": [held("x.wav"), held("y.wav")], "speaker_id": ["s1", "s2"]}


@pytest.fixture
def source(tmp_path):
    return write_parquet(tmp_path / "clips.parquet", table(**ROWS))


def test_the_manifest_finds_and_the_decoder_reads_what_was_written(source, tmp_path):
    found = written("parquet", source, tmp_path / "out")
    assert (found.n_recordings, found.audio_root) == (2, tmp_path / "out")
    manifest = Manifest.load(tmp_path / "out" / "manifest.jsonl", audio_root=found.audio_root)
    assert all(soundfile.info(path).samplerate == 16_000 for path in manifest.frame["audio_filepath"])


def test_the_recordings_of_who_withdrew_are_never_written(source, tmp_path):
    found = written("parquet", source, tmp_path / "out", withdrawn=Withdrawn(frozenset({"s1"})))
    assert found.n_withdrawn_utterances == 1
    assert [path.stem for path in (tmp_path / "out").rglob("*.wav")] == ["u2"]


def test_an_import_in_the_same_folder_replaces_the_recordings(source, tmp_path):
    written("parquet", source, tmp_path / "out")
    other = write_parquet(tmp_path / "other.parquet", table(**{**ROWS, "id": ["u3", "u4"]}))
    written("parquet", other, tmp_path / "out")
    assert {path.stem for path in (tmp_path / "out").rglob("*.wav")} == {"u3", "u4"}
    assert list((tmp_path / "out").glob(".*")) == []


def test_an_import_without_recordings_takes_those_of_the_one_before_away(source, tmp_path):
    written("parquet", source, tmp_path / "out")
    plain = write_parquet(tmp_path / "plain.parquet", table(id=["u1"], text=["one"]))
    assert written("parquet", plain, tmp_path / "out").audio_root is None
    assert not (tmp_path / "out" / RECORDINGS).exists()


def test_a_folder_of_that_name_that_no_import_wrote_is_left_alone(source, tmp_path):
    mine = tmp_path / "out" / RECORDINGS / "mine.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(UsageError, match=f"{RECORDINGS} is there and no import has written it"):
        written("parquet", source, tmp_path / "out")
    assert mine.read_bytes() == b"mine"
    plain = write_parquet(tmp_path / "plain.parquet", table(id=["u1"], text=["one"]))
    written("parquet", plain, tmp_path / "out")
    assert mine.read_bytes() == b"mine"


def test_a_link_of_that_name_is_not_followed(source, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / MARK).touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RECORDINGS).symlink_to(elsewhere)
    with pytest.raises(UsageError, match="no import has written it"):
        written("parquet", source, tmp_path / "out")


def test_what_a_killed_import_left_does_not_change_names(source, tmp_path):
    stale = tmp_path / "out" / ".import.part" / RECORDINGS / "0000"
    stale.mkdir(parents=True)
    (stale / "u1.wav").write_bytes(b"half")
    written("parquet", source, tmp_path / "out")
    assert (tmp_path / "out" / RECORDINGS / "0000" / "u1.wav").read_bytes() == tone()


def test_bad_recordings_are_all_named_and_nothing_is_written(tmp_path):
    bad = [held("x.wav", b"PK\3\4"), held("y.wav", b"")]
    source = write_parquet(tmp_path / "bad.parquet", table(**{**ROWS, "audio": bad}))
    with pytest.raises(ManifestError) as caught:
        written("parquet", source, tmp_path / "out")
    assert [line.split(": ")[0] for line in caught.value.problems] == ["bad.parquet:1", "bad.parquet:2"]
    assert list((tmp_path / "out").iterdir()) == []


def test_ids_that_are_there_twice_are_named_with_their_rows(tmp_path):
    source = write_parquet(tmp_path / "twice.parquet", table(**{**ROWS, "id": ["u/1", "u/1"]}))
    with pytest.raises(ManifestError, match=r"twice.parquet:2: has the id 'u/1' of twice.parquet:1"):
        written("parquet", source, tmp_path / "out")
