"""The path of a transcript cache in, an open and checked SQLite file out; one that is damaged is moved aside.

The file has a write-ahead log: a run that reads never waits for one that writes, a batch does not wait for the disk,
and a killed process loses nothing that it had written (a power cut may cost the last batches, never the file).
Processes share such a log through memory, which is why the file has to lie on a local disk.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StorageError
from harness.transcription.caching.place import (
    BUSY_S,
    ELSEWHERE,
    check_kind,
    claim,
    inode,
    move_aside,
    open_lock,
    share,
)

log = logging.getLogger(__name__)

APPLICATION_ID = 0x41534654  # "ASFT": says whose file it is, in its header
_HEADER_BYTES = 100  # of an SQLite file, which would write over anything shorter
VERSION = 1  # of the tables below; a file of another version is not read
_TABLES = (
    "CREATE TABLE identities (identity_id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, identity TEXT NOT NULL, "
    "first_used TEXT NOT NULL, last_used TEXT NOT NULL)",
    "CREATE TABLE transcripts (transcript_id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, "
    "identity_id INTEGER NOT NULL, condition BLOB NOT NULL, audio_digest BLOB NOT NULL, text BLOB NOT NULL, "
    "words BLOB, audio_s REAL NOT NULL, made TEXT NOT NULL, checksum BLOB NOT NULL)",
)

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)  # the second where SQLite quotes a damaged file in what it says
_OF_DAMAGE = frozenset(  # "error" is a statement that cannot be run: ours can, in a whole file
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
    | {sqlite3.SQLITE_INTERNAL, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG}
)


class DamagedCacheError(StorageError):
    """Says that a file is not, or no longer, a transcript cache that this version can read."""


class _EmptyError(StorageError):
    """Says that nothing was ever written."""


@dataclass(frozen=True, slots=True)
class CacheFile:
    """Is a cache that is open.

    Attributes:
        path: Where it lies.
        connection: Gives every text as bytes; transactions are begun and ended by hand.
        inode: Tells it from a file that was put in its place.
        lock: Holds the lock of those who use it; None: its place cannot be written to, and it is only read.
    """

    path: Path
    connection: sqlite3.Connection
    inode: int
    lock: int | None

    def close(self) -> None:
        """Close the file, then let go of the lock."""
        with suppress(*SQLITE_ERRORS):  # e.g. a full disk: the log stays beside the file
            self.connection.close()
        if self.lock is not None:
            os.close(self.lock)


def begin(path: Path, *, damaged_inode: int = 0) -> CacheFile:
    """Open the cache of a run: made where there is none, moved aside and begun anew where it is damaged.

    Args:
        path: The file.
        damaged_inode: Of the file that was found to be damaged while it was used; 0: none was.

    Raises:
        StorageError: It cannot be used here and now; the message says why.
    """

    def opened(lock: int) -> sqlite3.Connection:
        share(lock, path)
        connection = _whole(path, damaged_inode)
        if connection is None:
            claim(lock, path)
            connection = _mended(path, damaged_inode)
            share(lock, path)
        return connection

    return _locked(path, opened)


def open_existing(path: Path) -> CacheFile | None:
    """Open a cache as it is; None when there is none.

    Raises:
        DamagedCacheError: It is damaged; nothing is moved.
        StorageError: It cannot be opened here and now.
    """

    def opened(lock: int) -> sqlite3.Connection:
        share(lock, path)
        connection = _connected(path)
        if connection is None:
            raise _EmptyError
        return connection

    try:
        return _locked(path, opened) if inode(path) else None
    except _EmptyError:
        return None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all that the block writes or nothing of it, after waiting for whoever is writing.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(*SQLITE_ERRORS):  # where SQLite has rolled it back itself
            connection.execute("ROLLBACK")
        raise


def is_damage(error: Exception) -> bool:
    """Say whether one of `SQLITE_ERRORS` comes from the file's content, not from the place it lies in."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more precisely where
    return isinstance(error, UnicodeDecodeError) or code in _OF_DAMAGE


def _said(error: Exception) -> str:
    return "malformed" if isinstance(error, UnicodeDecodeError) else str(error)


def _locked(path: Path, opened: Callable[[int], sqlite3.Connection]) -> CacheFile:
    """Open a file under its lock, or only to read where nothing can be written."""
    check_kind(path)
    try:
        lock = open_lock(path)
    except OSError as error:
        return _read_only(path, error)
    try:
        return CacheFile(path, opened(lock), inode(path), lock)
    except (sqlite3.Error, OSError) as error:
        os.close(lock)
        return _read_only(path, error)
    except BaseException:
        os.close(lock)
        raise


def _whole(path: Path, damaged_inode: int) -> sqlite3.Connection | None:
    """Open a file that is a whole cache; None when it has to be made or mended."""
    if inode(path) == damaged_inode:
        return None
    try:
        return _connected(path)
    except DamagedCacheError:
        return None


def _mended(path: Path, damaged_inode: int) -> sqlite3.Connection:
    """Make the file, which nobody else has open now; what lies in its place and is no cache is moved aside."""
    reason = f"{path}: found while it was used"
    if inode(path) != damaged_inode or not damaged_inode:
        try:
            return _connected(path) or _made(path)  # another run may have been faster
        except DamagedCacheError as error:
            reason = str(error)
    aside = move_aside(path)
    log.warning("the transcript cache is damaged (%s). It is now %s, and a new one is begun", reason, aside)
    return _made(path)


def _made(path: Path) -> sqlite3.Connection:
    """Make the tables in a file that is empty or not there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        path.chmod(0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made ({error.strerror}). {ELSEWHERE}") from error
    connection = _connect(path, "mode=rw")
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode not in (b"wal", "wal"):
            raise StorageError(f"{path}: this file system cannot share a write-ahead log. {ELSEWHERE}")
        settings = (f"PRAGMA application_id={APPLICATION_ID}", f"PRAGMA user_version={VERSION}")
        for statement in ("BEGIN IMMEDIATE", *_TABLES, *settings, "COMMIT"):
            connection.execute(statement)
        return _checked(connection, path) or connection
    except BaseException:
        connection.close()
        raise


def _connected(path: Path) -> sqlite3.Connection | None:
    """Connect to a file that is this version's cache; None when there is nothing in it.

    Raises:
        DamagedCacheError: It is something else.
        sqlite3.Error: It cannot be read.
    """
    n_bytes = path.stat().st_size if inode(path) else 0
    if not n_bytes:
        return None
    if n_bytes < _HEADER_BYTES:
        raise DamagedCacheError(f"{path}: file is not a database")
    return _checked(_connect(path, "mode=rw"), path)


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection | None:
    """Return a connection that is set up and known to lead to a cache; None, and closed, when nothing is in the file.

    Raises:
        DamagedCacheError: It leads to something else.
        sqlite3.Error: The file cannot be read.
    """
    connection.text_factory = bytes  # a damaged text is found by its checksum, not by an error of the decoder
    try:
        for setting in ("synchronous=NORMAL", "trusted_schema=OFF", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {setting}")
        if _is_cache(connection, path):
            return connection
    except SQLITE_ERRORS as error:
        connection.close()
        if is_damage(error):
            raise DamagedCacheError(f"{path}: {_said(error)}") from error
        raise
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _is_cache(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether a file has the tables of a cache; False when it has none at all.

    Raises:
        DamagedCacheError: It has others, or those of another version.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {sql.decode("utf-8", "replace") for (sql,) in connection.execute("SELECT sql FROM sqlite_master") if sql}
    if (application_id, version, tables) == (APPLICATION_ID, VERSION, set(_TABLES)):
        return True
    if (application_id, version, tables) == (0, 0, set()):
        return False
    if application_id != APPLICATION_ID:
        raise DamagedCacheError(f"{path}: another program's file")
    if version != VERSION:
        raise DamagedCacheError(
            f"{path}: format {version}, of another version of the harness; this one reads {VERSION}"
        )
    raise DamagedCacheError(f"{path}: its tables are not those of a transcript cache")


def _read_only(path: Path, error: OSError | sqlite3.Error) -> CacheFile:
    """Open a file where nothing can be written, as one that nobody changes; its rows would show it.

    Raises:
        StorageError: It is not there, is damaged, or has a log that was never brought in.
    """
    reason = getattr(error, "strerror", None) or str(error)
    connection = None
    if inode(path) and not Path(f"{path}-wal").exists():
        try:
            connection = _checked(_connect(path, "mode=ro&immutable=1"), path)
        except sqlite3.Error as unread:
            reason = str(unread)
    if connection is None:
        raise StorageError(f"{path}: cannot be opened to write ({reason}). {ELSEWHERE}") from error
    return CacheFile(path, connection, inode(path), None)
