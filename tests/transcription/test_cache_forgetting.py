"""A cache gives up what it keeps of a person, to the last byte, and keeps what it has of everybody else."""

import sqlite3

import pytest

from harness.errors import StorageError
from harness.transcription.cache import CachedTranscript, TranscriptCache
from harness.transcription.caching.contents import contents
from harness.transcription.caching.forgetting import Clips, cached_of, forget_cached, heard_as

TEXT, OTHER = "quokkas said it in the cache", "somebody else said this"
IDENTITY = {"backend": "scripted"}


@pytest.fixture
def path(tmp_path):
    """Return a cache with a text of theirs under two conditions and two backends, and one of somebody else."""
    path = tmp_path / "transcripts.sqlite"
    for identity in (IDENTITY, {"backend": "other"}):
        with TranscriptCache(path, identity) as cache:
            cache.keep({"d1": transcript(TEXT, 1.5), "d2": transcript(OTHER, 2.0)}, condition="clean")
            cache.keep({"d3": transcript(f"{TEXT} loudly", 1.5)}, condition="noise")
    return path


def transcript(text, audio_s):
    return CachedTranscript(text, None, audio_s)


def texts(path):
    with sqlite3.connect(path) as connection:
        found = [text.decode() for (text,) in connection.execute("SELECT text FROM transcripts")]
    connection.close()
    return sorted(found)


@pytest.mark.parametrize(
    ("clips", "n", "n_by_length"),
    [
        pytest.param(Clips(audio_digests=frozenset({b"d1"})), 2, 0, id="by-recording"),
        pytest.param(Clips(heard=frozenset({heard_as(TEXT, 1.5)})), 2, 0, id="by-what-a-run-heard"),
        pytest.param(Clips(lengths_s=frozenset({1.5})), 2, 2, id="by-length-under-a-condition-alone"),
        pytest.param(Clips(frozenset({b"d1"}), frozenset(), frozenset({1.5})), 4, 2, id="by-both"),
        pytest.param(Clips(heard=frozenset({heard_as(TEXT, 1.25)})), 0, 0, id="the-same-words-of-other-audio"),
        pytest.param(Clips(), 0, 0, id="nothing-known"),
    ],
)
def test_what_is_theirs_is_found_and_removed(path, clips, n, n_by_length):
    before = texts(path)
    found = cached_of(path, clips)
    assert (found.n_transcripts, found.n_by_length) == (n, n_by_length)
    assert texts(path) == before
    assert forget_cached(path, clips) == found
    assert len(texts(path)) == len(before) - n
    assert texts(path).count(OTHER) == 2
    assert cached_of(path, clips).n_transcripts == 0


def test_no_byte_of_it_is_left_in_any_file(path):
    """Not in free pages either: a row that was replaced leaves its text behind until the file is written anew."""
    with TranscriptCache(path, IDENTITY) as cache:
        cache.keep({"d1": transcript("heard once more", 1.5)}, condition="clean")
    clips = Clips(audio_digests=frozenset({b"d1"}), lengths_s=frozenset({1.5}))
    forget_cached(path, clips)
    files = [each for each in path.parent.iterdir() if each.is_file()]
    assert all(word not in each.read_bytes() for each in files for word in (b"quokkas", b"once more"))
    assert any(OTHER.encode() in each.read_bytes() for each in files)
    assert contents(path).identities


def test_caches_that_were_moved_aside_go_whole(path):
    aside = path.with_name(f"{path.name}.damaged-1")
    aside.write_bytes(b"SQLite? " + TEXT.encode())
    path.with_name(f"{path.name}.damaged-1-wal").write_bytes(TEXT.encode())
    kept = path.with_name("another.sqlite.damaged-1")
    kept.write_bytes(TEXT.encode())
    assert cached_of(path, Clips()).damaged == (aside,)
    forget_cached(path, Clips())
    assert sorted(each.name for each in path.parent.glob("*damaged*")) == [kept.name]


def test_a_run_that_reads_the_cache_keeps_its_log_and_that_is_said(path):
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM transcripts").fetchall()
    with pytest.raises(StorageError, match="log still holds what was removed"):
        forget_cached(path, Clips(audio_digests=frozenset({b"d1"})))
    reader.execute("COMMIT")
    reader.close()
    forget_cached(path, Clips(audio_digests=frozenset({b"d1"})))
    assert TEXT not in texts(path)


def test_no_cache_keeps_nothing(tmp_path):
    assert forget_cached(tmp_path / "none.sqlite", Clips(audio_digests=frozenset({b"d1"}))).n_transcripts == 0
    assert list(tmp_path.iterdir()) == []
