"""What a person's clips are known by in; what a transcript cache keeps of them, counted or removed, out.

A cache knows nobody's name: a row has the digest of the audio. A person's rows are those of their recordings' digests,
those that say what a run heard of them in audio as long as theirs, and, of audio under a condition, whose digest only
that condition could make again, all that is exactly as long as one of theirs. That may be somebody else's transcript:
it costs the time to hear it again, and nobody's words are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StorageError
from harness.transcription.caching.contents import existing
from harness.transcription.caching.file import transaction
from harness.transcription.caching.rows import as_bytes
from harness.transcription.store import CLEAN

_CHUNK = 1_000  # rows removed in one transaction, so that a run which is writing waits for milliseconds
_LOGS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Clips:
    """Is what a person's clips are known by.

    Attributes:
        audio_digests: Of their recordings as they are, as `waveform_digest` makes them.
        heard: What runs heard of them: the text as UTF-8, and seconds of audio.
        lengths_s: Seconds of their recordings as they are.
    """

    audio_digests: frozenset[bytes] = frozenset()
    heard: frozenset[tuple[bytes, float]] = frozenset()
    lengths_s: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class CachedOfThem:
    """Is what a cache keeps of a person, or kept.

    Attributes:
        path: The cache.
        n_transcripts: Of them, or perhaps of them.
        n_by_length: Of these, those that nothing but the length of the audio tells.
        damaged: Files of caches that were moved aside: nobody can look into them, so they go whole.
    """

    path: Path
    n_transcripts: int
    n_by_length: int
    damaged: tuple[Path, ...]


def heard_as(text: str, audio_s: float) -> tuple[bytes, float]:
    """Return what a transcript is found by."""
    return as_bytes(text), float(audio_s)


def cached_of(path: Path, clips: Clips) -> CachedOfThem:
    """Count what a cache keeps of somebody.

    Raises:
        StorageError: It is damaged or cannot be read.
    """
    return _told(path, list(_rows(path, clips)))


def forget_cached(path: Path, clips: Clips) -> CachedOfThem:
    """Remove what a cache keeps of somebody; the whole file is written anew, so that no free page holds it.

    Raises:
        StorageError: It is damaged or cannot be written, or a run reads it and so keeps its log; the message says what
            to do. What is removed is removed.
    """
    rows = list(_rows(path, clips))
    told = _told(path, rows)
    with existing(path) as file:
        if file is not None:
            connection = file.connection
            connection.execute("PRAGMA secure_delete=ON")
            for start in range(0, len(rows), _CHUNK):
                with transaction(connection):
                    some = [(number,) for number, _ in rows[start : start + _CHUNK]]
                    connection.executemany("DELETE FROM transcripts WHERE transcript_id = ?", some)
            with transaction(connection):
                connection.execute(
                    "DELETE FROM identities WHERE identity_id NOT IN (SELECT identity_id FROM transcripts)"
                )
            connection.execute("VACUUM")  # rows that were replaced earlier left their texts in free pages
            (busy, *_), *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if busy:
                raise StorageError(
                    f"{path}: a run reads the transcript cache, whose log still holds what was removed. Give the same "
                    "command again when it has ended."
                )
    for damaged in told.damaged:
        for each in (damaged, *(Path(f"{damaged}{suffix}") for suffix in _LOGS)):
            each.unlink(missing_ok=True)
    return told


def _told(path: Path, rows: list[tuple[int, bool]]) -> CachedOfThem:
    return CachedOfThem(path, len(rows), sum(by_length for _, by_length in rows), _damaged(path))


def _damaged(path: Path) -> tuple[Path, ...]:
    """Return the files that were moved aside, without their logs."""
    prefix = f"{path.name}.damaged-"
    beside = sorted(path.parent.glob("*.damaged-*")) if path.parent.is_dir() else []
    return tuple(
        each
        for each in beside
        if each.name.startswith(prefix) and each.name[len(prefix) :].isdigit() and not each.is_symlink()
    )


def _rows(path: Path, clips: Clips) -> Iterator[tuple[int, bool]]:
    """Yield the number of each row of theirs, and whether its length alone tells it."""
    clean = as_bytes(CLEAN)
    with existing(path) as file:
        if file is None:
            return
        for number, condition, digest, text, audio_s in file.connection.execute(
            "SELECT transcript_id, condition, audio_digest, text, audio_s FROM transcripts"
        ):
            if digest in clips.audio_digests or (text, audio_s) in clips.heard:
                yield number, False
            elif condition != clean and audio_s in clips.lengths_s:
                yield number, True
