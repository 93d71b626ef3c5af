"""Digests of audio in, what a backend heard in earlier runs out: nobody pays twice, and no other backend is quoted.

The key is the digest of the decoded audio × the condition × the whole of the backend's identity. A cache that is
damaged, full or out of reach costs a warning and the time it would have saved, never a run and never a wrong text.
"""

import hashlib
import logging
import os
import sqlite3
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from harness.audio import SAMPLE_RATE, Waveform
from harness.backends.base import Identity
from harness.errors import StorageError, UsageError
from harness.transcription.caching.file import SQLITE_ERRORS, CacheFile, begin, is_damage, transaction
from harness.transcription.caching.rows import (
    CachedTranscript,
    StoredRow,
    TranscriptRow,
    as_bytes,
    canonical,
    decoded,
    digest_of,
    encoded,
    key_of,
)

__all__ = ["CacheFileOptions", "CacheOptions", "CachedTranscript", "TranscriptCache", "waveform_digest"]

log = logging.getLogger(__name__)

_MAX_VARIABLES = 500  # of one query; SQLite before 3.32 takes 999
_FOLDER, _FILE = "asr-fairness-harness", "transcripts.sqlite"


@dataclass(kw_only=True)
class CacheFileOptions:
    """Says where the transcript cache lies.

    Attributes:
        path: The file, on a local disk; None: `asr-fairness-harness/transcripts.sqlite` in `$XDG_CACHE_HOME`, which is
            `~/.cache` where it is not set.
    """

    path: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.path is not None and (not self.path.strip() or "\0" in self.path):
            raise UsageError(f"cache.path={self.path!r}; expected a file.")

    @property
    def file(self) -> Path:
        """Return the file.

        Raises:
            UsageError: None is named, and this user has no home folder.
        """
        if self.path is not None:
            return Path(self.path)
        named = os.environ.get("XDG_CACHE_HOME", "")
        if Path(named).is_absolute():  # else it is to be ignored (XDG Base Directory Specification 0.8)
            return Path(named) / _FOLDER / _FILE
        try:
            return Path.home() / ".cache" / _FOLDER / _FILE
        except RuntimeError as error:
            raise UsageError(f"cache.path is not given and there is no home folder ({error}). Name a file.") from error


@dataclass(kw_only=True)
class CacheOptions(CacheFileOptions):
    """Says whether what earlier runs heard is used, and where it lies.

    Attributes:
        enabled: Whether transcripts are looked up and kept.
    """

    enabled: bool = True


def waveform_digest(waveform: Waveform) -> str:
    """Return the SHA-256 of what a backend would hear, in hexadecimal: sample rate, length and every sample.

    >>> waveform_digest(np.zeros(1, dtype=np.float32))[:12]
    'df3d30371875'
    """
    digest = hashlib.sha256(struct.pack("<qq", SAMPLE_RATE, len(waveform)))
    digest.update(np.ascontiguousarray(waveform, dtype="<f4").data)
    return digest.hexdigest()


class TranscriptCache:
    """Keeps what one backend heard; several threads, and several runs on one machine, may use the same file at once.

    Nothing here raises because of the file: what it cannot do is said once, and the run goes on without.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        """Open the cache of a backend; it is made where there is none.

        Raises:
            BackendError: The identity cannot be told from others.
        """
        self.path = path
        self._identity = canonical(identity)
        self._digest = digest_of(self._identity)
        self._turn = threading.Lock()
        self._is_writable = False
        self._was_mended = False
        self._file: CacheFile | None = None
        self._begin(damaged_inode=0)

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; from then on nothing is found and nothing kept."""
        with self._turn:
            self._close()

    def find(self, audio_digests: Sequence[str], *, condition: str) -> list[CachedTranscript | None]:
        """Return what was heard in each clip, in order; None where it was not heard before.

        Args:
            audio_digests: As `waveform_digest` makes them, of what is heard.
            condition: What tells it from every other: `clean`, or a digest of all that decides what it does to audio.
        """
        label = as_bytes(condition)
        keys = [key_of(self._digest, label, as_bytes(digest)) for digest in audio_digests]
        with self._turn:
            rows = self._read(keys)
        return [decoded(key, rows[key]) if key in rows else None for key in keys]

    def keep(self, entries: Mapping[str, CachedTranscript], *, condition: str) -> None:
        """Keep what was heard, by the digest of the audio; all of it or nothing, and never a failure.

        Args:
            entries: Transcripts; one for audio that is there already takes the place of the older.
            condition: As for `find`.
        """
        label = as_bytes(condition)
        rows: dict[bytes, TranscriptRow] = {}
        for digest, transcript in entries.items():
            audio = as_bytes(digest)
            rows[audio] = encoded(key_of(self._digest, label, audio), transcript)
        with self._turn:
            if self._file is None or not self._is_writable or not rows:
                return
            try:
                self._write(self._file.connection, rows, label)
            except SQLITE_ERRORS as error:
                self._write_failed(error)

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, StoredRow]:
        rows: dict[bytes, StoredRow] = {}
        for start in range(0, len(keys), _MAX_VARIABLES):
            part = keys[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, text, words, audio_s, checksum FROM transcripts WHERE key IN ({marks})"
            if self._file is None:
                return rows
            try:
                rows |= {key: row for key, *row in self._file.connection.execute(query, part)}
            except SQLITE_ERRORS as error:
                self._read_failed(error)
        return rows

    def _write(self, connection: sqlite3.Connection, rows: Mapping[bytes, TranscriptRow], condition: bytes) -> None:
        made = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        with transaction(connection):
            number = self._used(connection, day=made[:10])
            connection.executemany(
                "INSERT OR REPLACE INTO transcripts "
                "(key, identity_id, condition, audio_digest, text, words, audio_s, made, checksum) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (row.key, number, condition, audio, row.text, row.words, row.audio_s, made, row.checksum)
                    for audio, row in rows.items()
                ],
            )

    def _used(self, connection: sqlite3.Connection, *, day: str) -> int:
        """Write down that the backend was used on a day; return its number, which pruning may have taken away."""
        told = connection.execute(
            "INSERT INTO identities (digest, identity, first_used, last_used) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET last_used = excluded.last_used",
            (self._digest, self._identity, day, day),
        )
        told.close()
        (number,) = connection.execute(
            "SELECT identity_id FROM identities WHERE digest = ?", (self._digest,)
        ).fetchone()
        return int(number)

    def _begin(self, *, damaged_inode: int) -> None:
        try:
            self._file = begin(self.path, damaged_inode=damaged_inode)
        except StorageError as error:
            log.warning("%s The run goes on without a transcript cache.", error)
            return
        self._is_writable = self._file.lock is not None
        if not self._is_writable:
            log.warning("%s: cannot be written; transcripts are found in this cache, but not kept", self.path)
            return
        try:
            with transaction(self._file.connection):
                self._used(self._file.connection, day=f"{datetime.now(UTC):%Y-%m-%d}")
        except SQLITE_ERRORS as error:
            self._write_failed(error)

    def _read_failed(self, error: Exception) -> None:
        if not self._begun_anew(error):
            log.warning("%s: cannot be read (%s); the run goes on without this transcript cache", self.path, error)
            self._close()

    def _write_failed(self, error: Exception) -> None:
        if not self._begun_anew(error):
            log.warning("%s: cannot be written (%s); transcripts are no longer kept in this cache", self.path, error)
            self._is_writable = False

    def _begun_anew(self, error: Exception) -> bool:
        """Say whether an error came from a damaged file, which is moved aside: once a run."""
        damaged = self._file
        if damaged is None or not is_damage(error) or not self._is_writable or self._was_mended:
            return False
        self._was_mended = True
        self._close()
        self._begin(damaged_inode=damaged.inode)
        return True

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
