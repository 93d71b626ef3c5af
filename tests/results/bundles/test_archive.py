"""An archive is the same bytes for the same files, every tool reads it, and nothing else is read as one."""

import os
import tarfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import StorageError, UsageError
from harness.results.bundles.archive import BundleError, header, opened, write_archive

FILES = {"b.txt": b"second", "a/x.csv": b"", "c.bin": bytes(range(256)) * 5}
KNOWN = dict.fromkeys(FILES, 10_000)


@pytest.fixture
def archive(tmp_path):
    return written(tmp_path, "made.tar", FILES)


def written(folder, name, files):
    parts = {}
    for place, (entry, content) in enumerate(files.items()):
        parts[entry] = folder / f"{name}.{place}"
        parts[entry].write_bytes(content)
    write_archive(folder / name, parts)
    return folder / name


def refusal(path, known=None):
    """Return the words with which an archive is refused, within a second."""
    started = time.process_time()
    with pytest.raises(BundleError) as raised, opened(path, (known or KNOWN).get):
        pass
    assert time.process_time() - started < 1
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_the_standard_library_reads_it_and_so_do_we(tmp_path, archive):
    with tarfile.open(archive, "r:") as read:
        assert read.getnames() == sorted(FILES)
        assert {each.name: read.extractfile(each).read() for each in read} == FILES
        assert {(each.mtime, each.uid, each.gid, each.uname, each.mode, each.type) for each in read.getmembers()} == {
            (0, 0, 0, "", 0o644, tarfile.REGTYPE)
        }
    with opened(archive, KNOWN.get) as ours:
        for name, content in FILES.items():
            ours.copy(name, tmp_path / "copy")
            assert (tmp_path / "copy").read_bytes() == content
            (tmp_path / "copy").unlink()


def test_neither_order_nor_umask_nor_time_changes_a_byte(tmp_path, archive):
    before = os.umask(0o077)
    try:
        again = written(tmp_path, "again.tar", dict(reversed(FILES.items())))
    finally:
        os.umask(before)
    assert again.read_bytes() == archive.read_bytes()


@given(name=st.from_regex(r"[a-z]{1,20}(/[a-z.]{1,30})?", fullmatch=True), size=st.integers(0, 8**11 - 1))
def test_a_header_is_what_the_standard_library_would_write(name, size):
    told = tarfile.TarInfo(name)
    told.size = size
    read = tarfile.TarInfo.frombuf(header(name, size), "ascii", "strict")  # checks the sum
    assert (read.name, read.size, read.mode, read.type) == (name, size, told.mode, tarfile.REGTYPE)


def test_the_same_bundle_may_be_written_again_and_another_takes_no_place(tmp_path, archive):
    content = archive.read_bytes()
    written(tmp_path, "made.tar", FILES)
    with pytest.raises(UsageError, match="another bundle or none"):
        written(tmp_path, "made.tar", {"b.txt": b"other"})
    assert archive.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        write_archive(tmp_path / "nowhere" / "out.tar", {})


def entry(name, **changes):
    """Return a header of the standard library's with something changed."""
    told = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(told, key, value)
    return told


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param(entry("b.txt", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link", id="symbolic-link"),
        pytest.param(entry("b.txt", type=tarfile.LNKTYPE, linkname="c.bin"), "is a link", id="hard-link"),
        pytest.param(entry("b.txt", type=tarfile.DIRTYPE), "is a folder", id="folder"),
        pytest.param(entry("b.txt", type=tarfile.CHRTYPE), "is a device", id="device"),
        pytest.param(entry("b.txt", type=tarfile.FIFOTYPE), "is a pipe", id="pipe"),
        pytest.param(entry("../b.txt"), "is not written as", id="above"),
        pytest.param(entry("/b.txt"), "is not written as", id="absolute"),
        pytest.param(entry("b.txt", mode=0o755), "is not written as", id="runs"),
        pytest.param(entry("b.txt", mtime=1), "is not written as", id="another-time"),
        pytest.param(entry("b.txt", uid=1000), "is not written as", id="somebody-s"),
        pytest.param(entry("x" * 150), "is not written as|extension", id="long-name"),
        pytest.param(entry("ü.txt"), "is not written as|extension", id="other-letters"),
    ],
)
def test_an_entry_that_is_no_plain_file_of_a_known_name_is_refused(tmp_path, told, words):
    path = tmp_path / "sent.tar"
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(told)
    with pytest.raises(BundleError, match=words), opened(path, KNOWN.get):
        pass


def test_two_entries_of_one_name_are_refused_and_so_is_another_order(tmp_path):
    for names in (["b.txt", "b.txt"], ["c.bin", "b.txt"]):
        path = tmp_path / f"{names[0]}.tar"
        path.write_bytes(b"".join(header(name, 0) for name in names) + bytes(1024))
        assert "twice, or out of order" in refusal(path)


def test_a_name_that_no_bundle_has_is_refused_and_steers_no_terminal(tmp_path):
    path = written(tmp_path, "sent.tar", {"\x1b[2Jevil": b""})
    told = refusal(path)
    assert "no file of a bundle" in told
    assert "\x1b" not in told


def test_declared_sizes_are_believed_only_as_far_as_the_file_goes(tmp_path):
    path = tmp_path / "sent.tar"
    path.write_bytes(header("b.txt", 9_999) + b"few" + bytes(1024))
    assert "cut off in b.txt" in refusal(path)
    path.write_bytes(header("b.txt", 8**11 - 1) + bytes(1024))
    assert "a bundle has 10,000 at most" in refusal(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no bundle", id="empty"),
        pytest.param(b"hello", "no bundle", id="text"),
        pytest.param(b"\x1f\x8b" + bytes(600), "gunzip", id="gzip"),
        pytest.param(b"PK\x03\x04" + bytes(600), "unzip", id="zip"),
        pytest.param(bytes(range(256)) * 4, "no bundle", id="noise"),
        pytest.param(bytes(512), "cut off", id="half-an-end"),
    ],
)
def test_what_is_no_bundle_is_told_what_it_is(tmp_path, content, words):
    path = tmp_path / "sent.tar"
    path.write_bytes(content)
    assert words in refusal(path)


@pytest.mark.parametrize("kind", ["nothing", "folder", "pipe"])
def test_a_path_that_is_no_file_is_wrong_usage(tmp_path, kind):
    path = tmp_path / "sent.tar"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(UsageError, match="no such file"), opened(path, KNOWN.get):
        pass


def test_wherever_it_is_cut_it_is_refused(tmp_path, archive):
    content = archive.read_bytes()
    path = tmp_path / "cut.tar"
    for length in {*range(0, len(content), 97), *range(len(content) - 600, len(content), 7)}:
        path.write_bytes(content[:length])
        refusal(path)


@given(more=st.binary(min_size=1, max_size=1100))
def test_nothing_may_stand_behind_its_end(tmp_path_factory, more):
    folder = tmp_path_factory.mktemp("behind")
    archive = written(folder, "made.tar", FILES)
    archive.write_bytes(archive.read_bytes() + more)
    assert "behind its end" in refusal(archive)


def test_what_stands_between_entries_is_seen(tmp_path, archive):
    content = bytearray(archive.read_bytes())
    place = content.index(b"second") + 100
    content[place] = 1
    archive.write_bytes(content)
    with opened(archive, KNOWN.get) as ours, pytest.raises(BundleError, match=r"damaged behind b\.txt"):
        ours.copy("b.txt", tmp_path / "copy")
