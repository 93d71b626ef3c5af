"""A transcript cache in; what it holds by backend identity, or what was removed from it, out."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.errors import StorageError, UsageError
from harness.transcription.caching.file import (
    SQLITE_ERRORS,
    CacheFile,
    DamagedCacheError,
    is_damage,
    open_existing,
    transaction,
)
from harness.transcription.caching.rows import digest_of

_CHUNK = 1_000  # rows removed in one transaction, so that a run which is writing waits for milliseconds
_ROW_BYTES = 220  # of a row beside its texts: key, again in the index, audio digest, numbers
_SHORTEST = 4  # characters of a digest that name an identity


@dataclass(frozen=True, slots=True)
class CachedIdentity:
    """Is a backend identity and what the cache holds, or held, of it.

    Attributes:
        digest: SHA-256 of the identity, in hexadecimal; "" where the file no longer tells whose the transcripts are.
        identity: As the backend gave it; empty where the file no longer tells.
        n_transcripts: How many.
        audio_s: Seconds of audio that they stand for.
        n_bytes: What they take in the file, about.
        first_made: Day (UTC) of the oldest transcript, as 2026-01-31; "" when there are none.
        last_used: Day (UTC) of the last run that asked for this backend; "" where the file no longer tells.
    """

    digest: str
    identity: Mapping[str, object]
    n_transcripts: int
    audio_s: float
    n_bytes: int
    first_made: str
    last_used: str


@dataclass(frozen=True, slots=True)
class CacheContents:
    """Is what a cache holds; `n_bytes` are those of its files."""

    path: Path
    identities: tuple[CachedIdentity, ...]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """Is what was removed, or would be, and how many bytes its files have now."""

    path: Path
    identities: tuple[CachedIdentity, ...]
    n_bytes: int
    dry_run: bool


@dataclass(kw_only=True)
class PruneOptions:
    """Says which transcripts are removed: those that fit all that is given.

    Attributes:
        older_than_days: Made more than so many days ago.
        unused_days: Of backend identities that no run has asked for in so many days.
        backend: Of backends of this name.
        keep_identity: Of any identity but these, named by at least four first characters of their digests.
        all: All of them; nothing else may be given.
    """

    older_than_days: float | None = None
    unused_days: float | None = None
    backend: str | None = None
    keep_identity: list[str] = field(default_factory=list)
    all: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("older_than_days", "unused_days"):
            days = getattr(self, name)
            if days is not None and not 0 <= days < 100_000:
                raise UsageError(f"prune.{name}={days}; expected a number of days >= 0.")
        short = [digest for digest in self.keep_identity if len(digest) < _SHORTEST]
        if short:
            raise UsageError(f"prune.keep_identity={short}: expected at least {_SHORTEST} characters of a digest.")
        if self.all and self.given:
            raise UsageError(f"prune.all=true and {self.given}: expected one or the other.")

    @property
    def given(self) -> list[str]:
        """Return the names of what is given, but for `all`."""
        values = {name: value for name, value in asdict(self).items() if name != "all"}
        return [f"prune.{name}" for name, value in values.items() if value is not None and value != []]


def contents(path: Path) -> CacheContents:
    """Return what a cache holds, by backend identity, the last used first; nothing when there is no such file.

    Raises:
        StorageError: It is damaged or cannot be read.
    """
    with existing(path) as file:
        return CacheContents(path, () if file is None else _sums(file.connection, _Selection()), _n_bytes(path))


def selected(path: Path, options: PruneOptions) -> Pruned:
    """Return what `prune` would remove.

    Raises:
        UsageError: Nothing says what is to be removed, or an identity to be kept is not there.
        StorageError: The file is damaged or cannot be read.
    """
    _check_given(options)
    with existing(path) as file:
        found = () if file is None else _sums(file.connection, _selection(file.connection, options))
        return Pruned(path, found, _n_bytes(path), dry_run=True)


def prune(path: Path, options: PruneOptions) -> Pruned:
    """Remove transcripts, a thousand at a time between those of runs; their bytes are overwritten, then given back.

    Raises:
        UsageError: Nothing says what is to be removed, or an identity to be kept is not there.
        StorageError: The file is damaged or cannot be written.
    """
    _check_given(options)
    with existing(path) as file:
        if file is None:
            return Pruned(path, (), 0, dry_run=False)
        selection = _selection(file.connection, options)
        found = _sums(file.connection, selection)
        _remove(file.connection, selection)
    return Pruned(path, found, _n_bytes(path), dry_run=False)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Says which rows are meant; by default all of them."""

    made_before: str = "~"  # after every date
    unused_before: str | None = None
    backend: str | None = None
    kept: frozenset[str] = frozenset()  # digests

    def has(self, identity: "StoredIdentity") -> bool:
        """Say whether the rows of an identity are meant, as far as they are old enough."""
        return (
            (self.unused_before is None or identity.last_used < self.unused_before)
            and (self.backend is None or identity.identity.get("backend") == self.backend)
            and identity.digest not in self.kept
        )


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """Is a backend identity as the file has it."""

    digest: str = ""
    identity: Mapping[str, object] = field(default_factory=dict)
    last_used: str = ""


UNKNOWN = StoredIdentity()  # of rows whose identity was damaged


def _selection(connection: sqlite3.Connection, options: PruneOptions) -> _Selection:
    now = datetime.now(UTC)
    older, unused = (
        None if days is None else now - timedelta(days=days) for days in (options.older_than_days, options.unused_days)
    )
    digests = [identity.digest for identity in identities_of(connection).values()]
    kept = [[digest for digest in digests if digest.startswith(beginning)] for beginning in options.keep_identity]
    wrong = [beginning for beginning, found in zip(options.keep_identity, kept, strict=True) if len(found) != 1]
    if wrong:
        raise UsageError(
            f"prune.keep_identity={wrong}: expected the first characters of exactly one of "
            f"{[digest[:12] for digest in digests]}; nothing was removed."
        )
    return _Selection(
        made_before="~" if older is None else f"{older:%Y-%m-%dT%H:%M:%SZ}",
        unused_before=None if unused is None else f"{unused:%Y-%m-%d}",
        backend=options.backend,
        kept=frozenset(digest for found in kept for digest in found),
    )


def _check_given(options: PruneOptions) -> None:
    if not options.all and not options.given:
        raise UsageError(
            "nothing says what to remove; expected prune.older_than_days=, prune.unused_days=, prune.backend=, "
            "prune.keep_identity=[…] or prune.all=true."
        )


def identities_of(connection: sqlite3.Connection) -> dict[int, StoredIdentity]:
    """Return the identities that are as they were written, by their numbers in the file."""
    found: dict[int, StoredIdentity] = {}
    for number, digest, identity, last_used in connection.execute(
        "SELECT identity_id, CAST(digest AS BLOB), CAST(identity AS BLOB), CAST(last_used AS BLOB) FROM identities"
    ):
        told, name, day = (part.decode("utf-8", "replace") for part in (identity, digest, last_used))
        if digest_of(told) == name:
            found[number] = StoredIdentity(name, json.loads(told), day)
    return found


def _sums(connection: sqlite3.Connection, selection: _Selection) -> tuple[CachedIdentity, ...]:
    identities = identities_of(connection)
    rows = connection.execute(
        "SELECT identity_id, count(*), total(audio_s), total(length(text) + coalesce(length(words), 0)), "
        "CAST(min(made) AS BLOB) FROM transcripts WHERE made < ? GROUP BY identity_id",
        (selection.made_before,),
    ).fetchall()
    found = []
    for number, n_transcripts, audio_s, n_bytes, first_made in rows:
        known = identities.pop(number, UNKNOWN)
        if selection.has(known):
            size = int(n_bytes) + _ROW_BYTES * n_transcripts
            made = first_made.decode("utf-8", "replace")[:10]
            found.append(_summed(known, n_transcripts=n_transcripts, audio_s=audio_s, n_bytes=size, first_made=made))
    if selection == _Selection():
        unused = identities.values()
        found += [_summed(known, n_transcripts=0, audio_s=0.0, n_bytes=0, first_made="") for known in unused]
    return tuple(sorted(found, key=lambda each: (each.last_used, each.digest), reverse=True))


def _summed(
    known: StoredIdentity, *, n_transcripts: int, audio_s: float, n_bytes: int, first_made: str
) -> CachedIdentity:
    return CachedIdentity(
        known.digest, known.identity, n_transcripts, audio_s, n_bytes, first_made, last_used=known.last_used
    )


def _remove(connection: sqlite3.Connection, selection: _Selection) -> None:
    connection.execute("PRAGMA secure_delete=ON")  # what was said is personal data: its bytes go, too
    identities = identities_of(connection)
    rows = connection.execute(
        "SELECT transcript_id, identity_id FROM transcripts WHERE made < ?", (selection.made_before,)
    )
    numbers = [(number,) for number, identity in rows if selection.has(identities.get(identity, UNKNOWN))]
    for start in range(0, len(numbers), _CHUNK):
        with transaction(connection):
            connection.executemany("DELETE FROM transcripts WHERE transcript_id = ?", numbers[start : start + _CHUNK])
    with transaction(connection):
        connection.execute("DELETE FROM identities WHERE identity_id NOT IN (SELECT identity_id FROM transcripts)")
    n_before, n_free = -1, _n_free(connection)
    while n_free and n_free != n_before:  # a file that was made without auto_vacuum never gets shorter
        connection.execute(f"PRAGMA incremental_vacuum({_CHUNK})").fetchall()
        n_before, n_free = n_free, _n_free(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # the log, too, held what was removed


def _n_free(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


@contextmanager
def existing(path: Path) -> Iterator[CacheFile | None]:
    """Open a cache as it is for a block; None when there is none.

    Raises:
        StorageError: It is damaged or cannot be read or written.
    """
    file = None
    try:
        file = open_existing(path)
        yield file
    except DamagedCacheError as error:
        raise StorageError(f"the transcript cache is damaged ({error}). {_REMEDY}") from error
    except SQLITE_ERRORS as error:
        if is_damage(error):
            raise StorageError(f"the transcript cache is damaged ({path}: {error}). {_REMEDY}") from error
        raise StorageError(f"{path}: {error}. Make room, or wait for the run that uses it.") from error
    finally:
        if file is not None:
            file.close()


def _n_bytes(path: Path) -> int:
    """Return the bytes that a cache and its log take on the disk."""
    n_bytes = 0
    for name in (path, Path(f"{path}-wal")):
        with suppress(OSError):
            n_bytes += name.stat().st_size
    return n_bytes


_REMEDY = "Move it away or remove it; the next run begins a new one."
