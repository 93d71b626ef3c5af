"""A cache that is killed, damaged, full, locked or no file costs a warning, never a run and never a wrong text."""

import hashlib
import logging
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from harness.transcription.cache import CachedTranscript, TranscriptCache
from harness.transcription.caching.place import file_system
from tests.shared import REPOSITORY
from tests.test_interruptions import small_disk
from tests.transcription.test_store import room_for

IDENTITY = {"backend": "whisper"}
N_KEPT = 300


@pytest.fixture
def path(tmp_path):
    return tmp_path / "transcripts.sqlite"


@pytest.fixture(autouse=True)
def _warnings_of_the_cache(caplog, monkeypatch):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("harness.transcription.caching.place.BUSY_S", 0.3)
    monkeypatch.setattr("harness.transcription.caching.file.BUSY_S", 0.3)


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def said(number):
    return CachedTranscript(f"what was said in clip {number} " + "and so on " * (number % 40), None, float(number))


def keep(cache, *numbers):
    cache.keep({digest(number): said(number) for number in numbers}, condition="clean")


def find(cache, *numbers):
    return cache.find([digest(number) for number in numbers], condition="clean")


def filled(path, n_kept=N_KEPT):
    """Make a cache of some hundred transcripts, closed."""
    with TranscriptCache(path, IDENTITY) as cache:
        for start in range(0, n_kept, 50):
            keep(cache, *range(start, min(start + 50, n_kept)))
    return path


def check_usable(path, *, number=10_001):
    """Keep one more transcript and find it again."""
    with TranscriptCache(path, IDENTITY) as cache:
        keep(cache, number)
    with TranscriptCache(path, IDENTITY) as cache:
        assert find(cache, number) == [said(number)]


def aside(path):
    return sorted(each.name.removeprefix(path.name) for each in path.parent.glob(f"{path.name}.damaged-*"))


KILLED = """
import sys
from pathlib import Path
from harness.transcription.cache import CachedTranscript, TranscriptCache

cache = TranscriptCache(Path(sys.argv[1]), {"backend": "whisper"})
print("open", flush=True)
for batch in range(int(sys.argv[2]), 10**9):
    texts = {f"{batch}-{place}": CachedTranscript(f"{batch} {place}" * 20, None, 1.0) for place in range(16)}
    cache.keep(texts, condition="clean")
    print(batch, flush=True)
"""


def test_a_run_that_is_killed_loses_at_most_its_last_batch_and_harms_nothing(path, caplog):
    rng = random.Random(4)
    said_kept = -1
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, str(path), str(said_kept + 1)]
        run = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert run.stdout.readline() == "open\n"
        told = [int(run.stdout.readline()) for _ in range(6)]
        time.sleep(rng.uniform(0, 0.25))
        run.send_signal(signal.SIGKILL)
        told += [int(line) for line in run.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        said_kept = max(told)
        with TranscriptCache(path, IDENTITY) as cache:
            for batch in range(said_kept + 1):
                found = cache.find([f"{batch}-{place}" for place in range(16)], condition="clean")
                assert [each.text for each in found] == [f"{batch} {place}" * 20 for place in range(16)]
    assert said_kept > 20
    assert caplog.messages == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def another_program_s(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (address TEXT)")
    connection.commit()
    connection.close()


def of_version(number):
    def change(path):
        filled(path)
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version={number}")
        connection.close()

    return change


def with_other_tables(path):
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE transcripts RENAME COLUMN text TO words_said")
    connection.close()


def cut(share):
    def change(path):
        filled(path)
        os.truncate(path, int(path.stat().st_size * share))

    return change


def overwritten(start, stop):
    def change(path):
        filled(path)
        content = bytearray(path.read_bytes())
        content[start:stop] = b"\x5a" * len(content[start:stop])
        path.write_bytes(content)

    return change


DAMAGES = [
    pytest.param(lambda path: path.write_text("Dear diary,\n" * 500), "not a database", id="a-letter"),
    pytest.param(lambda path: path.write_bytes(bytes(8192)), "not a database", id="zeros"),
    pytest.param(lambda path: path.write_bytes(b"x"), "not a database", id="one-byte"),
    pytest.param(lambda path: path.write_bytes(b"x" * 99), "not a database", id="part-of-a-header"),
    pytest.param(another_program_s, "another program's file", id="another-program-s"),
    pytest.param(of_version(2), "format 2, of another version.*reads 1", id="newer"),
    pytest.param(of_version(0), "format 0", id="older"),
    pytest.param(with_other_tables, "its tables are not those", id="other-tables"),
    pytest.param(overwritten(0, 100), "not a database", id="no-header"),
    pytest.param(overwritten(100, 4096), "malformed|not those|another", id="no-schema"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_a_file_that_is_no_cache_is_moved_aside_whole_with_one_warning_that_names_it(path, caplog, damage, reason):
    damage(path)
    before = path.read_bytes()
    with TranscriptCache(path, IDENTITY) as cache:
        assert find(cache, 1) == [None]
        keep(cache, 1)
        assert find(cache, 1) == [said(1)]
    assert (path.parent / f"{path.name}.damaged-1").read_bytes() == before
    (message,) = caplog.messages
    assert f"{path}.damaged-1" in message
    assert re.search(reason, message)
    check_usable(path)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(cut(0.9), id="most-of-it"),
        pytest.param(cut(0.5), id="half-of-it"),
        pytest.param(lambda path: (filled(path), os.truncate(path, 4096)), id="a-page"),
        pytest.param(lambda path: (filled(path), os.truncate(path, 1000)), id="part-of-a-page"),
        pytest.param(overwritten(4096, None), id="all-but-the-first-page"),
        pytest.param(overwritten(2 * 4096, 3 * 4096), id="a-root"),
    ],
)
def test_what_is_found_to_be_damaged_on_the_way_is_moved_aside_on_the_way(path, caplog, damage):
    damage(path)
    with TranscriptCache(path, IDENTITY) as cache:
        found = find(cache, *range(N_KEPT))
        keep(cache, *range(N_KEPT))
        keep(cache, *range(N_KEPT))
        again = find(cache, *range(N_KEPT))
    assert all(each in (None, said(number)) for number, each in enumerate(found))
    assert again == [said(number) for number in range(N_KEPT)]
    assert aside(path) == [".damaged-1"]
    assert len(caplog.messages) == 1
    check_usable(path)


def test_a_second_damage_is_not_written_over_the_first(path):
    for number in (1, 2, 3):
        path.write_text(f"letter {number}")
        check_usable(path)
    assert [(path.parent / f"{path.name}.damaged-{number}").read_text() for number in (1, 2, 3)] == [
        "letter 1",
        "letter 2",
        "letter 3",
    ]


def test_an_empty_file_is_begun_and_not_moved(path, caplog):
    path.touch(0o644)
    check_usable(path)
    assert aside(path) == []
    assert caplog.messages == []
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seed", range(12))
def test_bytes_changed_anywhere_never_give_a_wrong_text_or_stop_a_run(path, tmp_path, seed):
    rng = random.Random(seed)
    filled(path)
    whole = path.read_bytes()
    for number in range(4):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 5, 200])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        changed = tmp_path / str(number) / path.name
        changed.parent.mkdir()
        changed.write_bytes(content)
        with TranscriptCache(changed, IDENTITY) as cache:
            found = find(cache, *range(N_KEPT))
            keep(cache, *range(N_KEPT))
            again = find(cache, *range(N_KEPT))
        for each in (found, again):
            assert all(text in (None, said(place)) for place, text in enumerate(each))
        assert sum(text is None for text in again) <= 2 * 50  # what is kept while damage is found is not found again


@pytest.mark.parametrize("seed", range(6))
def test_a_log_that_was_left_and_changed_never_gives_a_wrong_text(path, tmp_path, seed):
    rng = random.Random(seed)
    with TranscriptCache(path, IDENTITY) as cache:
        keep(cache, *range(N_KEPT))
        left = tmp_path / "left" / path.name
        left.parent.mkdir()
        for suffix in ("", "-wal"):
            content = bytearray((path.parent / f"{path.name}{suffix}").read_bytes())
            if suffix:
                for _ in range(20):
                    content[rng.randrange(len(content))] ^= 0xFF
            (left.parent / f"{path.name}{suffix}").write_bytes(content)
    with TranscriptCache(left, IDENTITY) as cache:
        found = find(cache, *range(N_KEPT))
    assert all(text in (None, said(place)) for place, text in enumerate(found))
    check_usable(left)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE transcripts SET text = CAST('forged' AS BLOB)", id="text"),
        pytest.param("UPDATE transcripts SET text = 'forged'", id="text-of-another-type"),
        pytest.param("UPDATE transcripts SET text = ''", id="no-text"),
        pytest.param("UPDATE transcripts SET audio_s = audio_s + 1", id="seconds"),
        pytest.param("UPDATE transcripts SET audio_s = 'x'", id="seconds-that-are-none"),
        pytest.param("UPDATE transcripts SET words = CAST('[]' AS BLOB)", id="words"),
        pytest.param("UPDATE transcripts SET checksum = zeroblob(16)", id="checksum"),
        pytest.param("UPDATE transcripts SET key = zeroblob(31) || x'00' WHERE transcript_id = 1", id="key"),
        pytest.param(
            "UPDATE transcripts SET (text, words, audio_s, checksum) = "
            "(SELECT text, words, audio_s, checksum FROM transcripts WHERE transcript_id = 2)",
            id="another-row-s",
        ),
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_ignored_and_mended(path, change, caplog):
    filled(path, 2)
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with TranscriptCache(path, IDENTITY) as cache:
        assert find(cache, 0) == [None]
        keep(cache, 0)
        assert find(cache, 0) == [said(0)]
    assert caplog.messages == []


def test_a_damaged_file_that_another_run_has_open_stays_where_it_is(path, caplog):
    with TranscriptCache(filled(path), IDENTITY):
        path.write_bytes(b"x" * path.stat().st_size)
        with TranscriptCache(path, IDENTITY) as second:
            keep(second, 1)
            assert find(second, 1) == [None]
    assert aside(path) == []
    assert len([message for message in caplog.messages if "another run still uses it" in message]) == 1
    check_usable(path)
    assert aside(path) == [".damaged-1"]


def test_a_file_removed_while_a_run_uses_it_is_begun_anew_when_that_has_ended(path, caplog):
    with TranscriptCache(filled(path), IDENTITY) as first:
        path.unlink()
        with TranscriptCache(path, IDENTITY) as second:
            assert find(second, 1) == [None]
        assert find(first, 1) == [said(1)]
    assert "removed, and another run still uses it" in caplog.messages[0]
    check_usable(path)


def a_folder(path):
    (path / "within").mkdir(parents=True)


def a_link(path):
    path.symlink_to(filled(path.parent / "elsewhere.sqlite"))


def a_link_to_nothing(path):
    path.symlink_to(path.parent / "nowhere.sqlite")


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(a_folder, "a folder; expected a file", id="folder"),
        pytest.param(os.mkfifo, "a pipe; expected a file", id="pipe"),
        pytest.param(a_link, "a symbolic link; expected a file", id="link"),
        pytest.param(a_link_to_nothing, "a symbolic link; expected a file", id="link-to-nothing"),
        pytest.param(a_socket, "a socket; expected a file", id="socket"),
    ],
)
def test_what_is_no_file_is_left_alone_and_the_run_goes_on(path, make, kind, caplog):
    make(path)
    before = path.lstat()
    with TranscriptCache(path, IDENTITY) as cache:
        keep(cache, 1)
        assert find(cache, 1) == [None]
    assert path.lstat() == before
    (message,) = caplog.messages
    assert kind in message
    assert "goes on without a transcript cache" in message
    assert not (path.parent / "nowhere.sqlite").exists()


@pytest.mark.parametrize("make", [a_folder, os.mkfifo, a_link_to_nothing, a_socket])
@pytest.mark.parametrize("suffix", [".lock", "-wal", "-shm"])
def test_nor_does_anything_hang_that_lies_where_a_part_of_the_cache_should(path, make, suffix):
    part = filled(path).with_name(path.name + suffix)
    part.unlink(missing_ok=True)
    make(part)
    with TranscriptCache(path, IDENTITY) as cache:
        keep(cache, 1000)
        assert find(cache, 1, 1000) in ([None, None], [said(1), None], [said(1), said(1000)])
    assert not (path.parent / "nowhere.sqlite").exists()


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    with TranscriptCache(tmp_path / "file" / "transcripts.sqlite", IDENTITY) as cache:
        keep(cache, 1)
        assert find(cache, 1) == [None]
    (message,) = caplog.messages
    assert "Choose a folder on a local disk with cache.path=" in message


@pytest.mark.parametrize("n_bytes", [0, 5_000, 40_000, 100_000])
def test_files_that_cannot_grow_stop_keeping_with_a_warning_and_nothing_else(path, caplog, n_bytes):
    with room_for(n_bytes), TranscriptCache(path, IDENTITY) as cache:
        for start in range(0, 300, 20):
            keep(cache, *range(start, start + 20))
            find(cache, *range(start, start + 20))
        found = find(cache, *range(300))
    assert all(each in (None, said(number)) for number, each in enumerate(found))
    assert len(caplog.messages) == 1
    check_usable(path)
    assert aside(path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
@pytest.mark.parametrize("kib", [4, 16, 40, 80, 160])
def test_a_full_disk_costs_one_warning_and_with_room_the_same_file_goes_on(tmp_path, caplog, kib):
    path = tmp_path / "disk" / "transcripts.sqlite"
    with small_disk(path.parent, kib=kib):
        with TranscriptCache(path, IDENTITY) as cache:
            for start in range(0, 300, 20):
                keep(cache, *range(start, start + 20))
            found = find(cache, *range(300))
        assert all(each in (None, said(number)) for number, each in enumerate(found))
        assert len(caplog.messages) == 1
        assert "disk" in caplog.messages[0]
        subprocess.run(["mount", "-o", "remount,size=8m", str(path.parent)], check=True)
        with TranscriptCache(path, IDENTITY) as cache:
            kept = find(cache, *range(300))
        assert [each for each in kept if each] == [each for each in found if each]
        check_usable(path)
        assert aside(path) == []
        assert len(caplog.messages) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_disk_that_is_only_read_still_answers(tmp_path, caplog):
    path = tmp_path / "disk" / "transcripts.sqlite"
    with small_disk(path.parent, kib=8192):
        filled(path)
        subprocess.run(["mount", "-o", "remount,ro", str(path.parent)], check=True)
        with TranscriptCache(path, IDENTITY) as cache:
            keep(cache, 1000)
            assert find(cache, 1, 1000) == [said(1), None]
        (message,) = caplog.messages
        assert "cannot be written; transcripts are found in this cache, but not kept" in message


def test_a_writer_that_never_ends_is_waited_for_briefly_and_once(path, caplog):
    with TranscriptCache(filled(path), IDENTITY) as cache:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(1000, 1040):
            keep(cache, number)
        assert find(cache, 1, 1000) == [said(1), None]
        other.close()
    (message,) = caplog.messages
    assert "cannot be written (database is locked); transcripts are no longer kept" in message


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:26 / /home rw shared:2 - autofs systemd-1 rw
31 30 0:40 / /home rw shared:3 - nfs4 server:/home rw
32 31 0:41 / {scratch} rw - xfs /dev/sdb rw
33 22 0:42 / {spaced} rw - fuse.sshfs a:/b rw
"""


def test_the_file_system_is_that_of_the_innermost_and_latest_mount(tmp_path):
    scratch, spaced = tmp_path / "scratch", tmp_path / "my disk"
    for folder in (scratch / "within", spaced):
        folder.mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(scratch=scratch, spaced=str(spaced).replace(" ", "\\040")))
    found = [file_system(folder, mounts=mounts) for folder in (tmp_path, scratch / "within", spaced)]
    assert found == ["ext4", "xfs", "fuse.sshfs"]
    assert file_system(tmp_path, mounts=tmp_path / "nowhere") is None


def test_a_disk_that_machines_share_is_refused_with_the_remedy(path, caplog, monkeypatch):
    monkeypatch.setattr("harness.transcription.caching.place.file_system", lambda _: "nfs4")
    with TranscriptCache(path, IDENTITY) as cache:
        keep(cache, 1)
        assert find(cache, 1) == [None]
    (message,) = caplog.messages
    assert "lies on nfs4" in message
    assert "cache.path=" in message
    assert list(path.parent.iterdir()) == []


def test_a_copy_of_a_cache_is_a_cache(path, tmp_path):
    shutil.copy(filled(path), tmp_path / "copy.sqlite")
    with TranscriptCache(tmp_path / "copy.sqlite", IDENTITY) as cache:
        assert find(cache, *range(N_KEPT)) == [said(number) for number in range(N_KEPT)]
