"""Recordings are the same when their bytes are; only those that could be are read, and nothing but files is."""

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fairness.described import contents, sizes_of
from harness.fairness.described import recordings as module


def looked_at(folder, files):
    paths = {name: folder / name for name in files}
    for name, data in files.items():
        paths[name].write_bytes(data)
    return contents(sizes_of(map(str, paths.values()))), {name: str(path) for name, path in paths.items()}


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"", b"one", b"two", b"three", b"three!"]), min_size=1, max_size=6))
def test_files_have_one_name_where_their_bytes_are_the_same(tmp_path_factory, data):
    found, paths = looked_at(tmp_path_factory.mktemp("files"), {f"f{i}": each for i, each in enumerate(data)})
    names = [found.digests[path] for path in paths.values()]
    for (one, own), (other, theirs) in pairwise(zip(data, names, strict=True)):
        assert (one == other) == (own == theirs)
    assert len(set(names)) == len(set(data))
    assert found.n_absent == 0


def test_a_file_of_a_size_that_no_other_has_is_not_read(tmp_path, monkeypatch):
    read = []
    digest = module.digest_of_file
    monkeypatch.setattr(module, "digest_of_file", lambda path: read.append(path.name) or digest(path))
    found, _ = looked_at(tmp_path, {"long": b"x" * 100, "one": b"abc", "two": b"abd"})
    assert sorted(read) == ["one", "two"]
    assert (found.n_files, found.n_read, len(set(found.digests.values()))) == (3, 2, 3)


def test_what_is_no_file_is_counted_and_not_opened(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "a.wav").write_bytes(b"x")
    names = ["a.wav", "folder.wav", "pipe.wav", "nowhere.wav", "a\x00b.wav"]
    found = contents(sizes_of([*(str(tmp_path / name) for name in names), None]))
    assert (found.n_files, found.n_absent) == (5, 4)
    assert list(found.digests) == [str(tmp_path / "a.wav")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_counted_as_absent(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abc")
    (tmp_path / "b").chmod(0)
    found = contents(sizes_of([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert (found.n_absent, list(found.digests)) == (1, [str(tmp_path / "a")])


def test_every_read_is_told(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(b"same")
    told = []
    contents(sizes_of(str(tmp_path / name) for name in "abc"), told.append)
    assert told == [1, 1, 1]
