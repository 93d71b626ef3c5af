"""Entries in, a file of them that cannot be changed unseen out: each line carries the digest of the one before it.

A line is one entry as JSON. Whoever keeps the digest of a line can show later that a ledger with another line in its
place, or cut before it, is not the one they saw. Beside the ledger lies its head, the digest of its last line, so that
a cut is seen without that, too; who can write both can cut both, which only a kept digest shows.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import DataError, StorageError, UsageError

BEGINNING = "0" * 64  # what the first entry gives as the digest before it
HEAD = ".head"  # ends the name of the file beside a ledger
LONGEST_LINE = 1_000_000  # bytes; an entry is a few hundred
LARGEST = 200_000_000  # bytes of a ledger
LONGEST_HEAD = 200  # characters; a number and a digest are fewer than 100
_KEYS = {"n", "at", "kind", "content", "previous", "digest"}
_DIGEST = re.compile(r"[0-9a-f]{64}")


class LedgerError(DataError):
    """Says at which line a ledger is not what was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Is a line of a ledger.

    Attributes:
        n: Its number, from 1, which is its line.
        at: When it was written, in UTC, ISO 8601.
        kind: What it says, in a word.
        content: What it says.
        previous: The digest of the entry before it.
        digest: SHA-256 of all of this, in hexadecimal.
    """

    n: int
    at: str
    kind: str
    content: Mapping[str, object]
    previous: str
    digest: str

    @property
    def line(self) -> str:
        """Return the entry as it is written, without the end of the line."""
        return _canonical({**_said(self.n, self.at, self.kind, self.content, self.previous), "digest": self.digest})


@dataclass(frozen=True, slots=True)
class Ledger:
    """Is a file of entries, of which each vouches for the one before it."""

    path: Path

    def entries(self) -> list[Entry]:
        """Read every entry and check the chain; none where there is no file.

        A last line that was not finished was never answered for: it is left out, and replaced by the next entry.

        Raises:
            LedgerError: A line was changed, taken away or put in, or the end was cut; the message names the line.
        """
        for each in (self.path, self._head_file):
            if each.exists() and not each.is_file():
                raise LedgerError(f"{each}: no plain file; a pipe or a folder was put in its place.")
        if not self.path.exists():
            if self._head_file.exists():
                raise LedgerError(f"{self.path}: is gone; {self._head_file.name} beside it says that it was there.")
            return []
        entries = list(self._read())
        self._check_head(entries)
        return entries

    def append(self, kind: str, content: Mapping[str, object]) -> Entry:
        """Write one more entry; several processes may, one after the other.

        Raises:
            LedgerError: The ledger is damaged; nothing is written.
            StorageError: It cannot be written.
        """
        with self.held() as held:
            return held.append(kind, content)

    @contextmanager
    def held(self) -> Iterator["HeldLedger"]:
        """Hold the ledger, so that nobody writes between what is read and what is written for it.

        Raises:
            LedgerError: The ledger is damaged.
            StorageError: It cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield HeldLedger(self, self.entries())

    def check_contains(self, digest: str) -> Entry:
        """Return the entry of a digest that somebody kept.

        Raises:
            UsageError: It is no digest.
            LedgerError: The ledger has no such entry: it was cut before it, or made anew.
        """
        check_is_digest(digest)
        found = next((entry for entry in self.entries() if entry.digest == digest), None)
        if found is None:
            raise LedgerError(f"{self.path}: no line has the digest {digest}. It was cut before it, or written anew.")
        return found

    @property
    def _head_file(self) -> Path:
        return self.path.with_name(self.path.name + HEAD)

    def _read(self) -> Iterator[Entry]:
        previous, n = BEGINNING, 0
        if self.path.stat().st_size > LARGEST:
            raise LedgerError(f"{self.path}: larger than {LARGEST:,} bytes; no ledger of this harness is.")
        with self.path.open("rb") as file:
            while line := file.readline(LONGEST_LINE + 1):
                n += 1
                if len(line) > LONGEST_LINE:
                    raise LedgerError(f"{self.path}:{n}: longer than {LONGEST_LINE:,} bytes; no entry is.")
                if not line.endswith(b"\n"):
                    return
                entry = self._entry(line, n)
                if entry.previous != previous:
                    where = "begins with" if n == 1 else "follows"
                    raise LedgerError(
                        f"{self.path}:{n}: this line {where} another one than stands before it; a line was changed, "
                        "taken away or put in here."
                    )
                previous = entry.digest
                yield entry

    def _entry(self, line: bytes, n: int) -> Entry:
        """Return the entry of a line whose digest is that of what it says."""
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"{self.path}:{n}: no JSON ({error}); the line was damaged.") from error
        if not isinstance(told, dict) or set(told) != _KEYS or not isinstance(told["content"], dict):
            raise LedgerError(f"{self.path}:{n}: no entry of a ledger; expected the keys {', '.join(sorted(_KEYS))}.")
        said = {key: value for key, value in told.items() if key != "digest"}
        if told["digest"] != _digest(said) or told["n"] != n or line[:-1] != _canonical(told).encode():
            raise LedgerError(f"{self.path}:{n}: changed after it was written; its digest is of another text.")
        return Entry(**told)

    def _check_head(self, entries: Sequence[Entry]) -> None:
        """Refuse a ledger that ends before its head; one line more is what a killed process had written."""
        try:
            told = self._head()
        except (OSError, ValueError) as error:
            raise LedgerError(f"{self._head_file}: cannot be read ({error}).") from error
        if not told and len(entries) <= 1:
            return
        digests = [entry.digest for entry in entries[-2:]]
        if len(told) != 2 or told[1] not in digests:
            said = f"says that it has {told[0]}" if len(told) == 2 else "is gone or damaged"
            raise LedgerError(
                f"{self.path}:{len(entries) + 1}: the ledger ends here, after {len(entries)} lines; "
                f"{self._head_file.name} {said}. It was cut, or the two are not of one ledger."
            )

    def _head(self) -> list[str]:
        """Return the number and the digest that the head has; nothing where there is no head."""
        if not self._head_file.exists():
            return []
        with self._head_file.open(encoding="ascii") as file:
            return file.read(LONGEST_HEAD).split()

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot write ({error.strerror or error}).")


class HeldLedger:
    """Is a ledger that this process alone writes to."""

    def __init__(self, ledger: Ledger, entries: Sequence[Entry]) -> None:
        self._ledger = ledger
        self.entries = list(entries)

    def append(self, kind: str, content: Mapping[str, object]) -> Entry:
        """Write one more entry; it is on the disk when this returns.

        Raises:
            StorageError: It cannot be written.
        """
        previous = self.entries[-1].digest if self.entries else BEGINNING
        said = _said(len(self.entries) + 1, _now(), kind, content, previous)
        entry = Entry(**said, digest=_digest(said))  # type: ignore[arg-type]
        path = self._ledger.path
        try:
            with path.open("rb+") as file:
                file.seek(sum(len(each.line.encode()) + 1 for each in self.entries))
                file.truncate()  # a line that was not finished
                file.write(f"{entry.line}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            head = path.with_name(path.name + HEAD)
            part = head.with_name(f".{head.name}.part")
            part.write_text(f"{entry.n} {entry.digest}\n", encoding="ascii")
            part.replace(head)
        except OSError as error:
            raise self._ledger._unwritable(error) from error
        self.entries.append(entry)
        return entry


def check_is_digest(text: str) -> None:
    """Refuse what is no digest of a line.

    Raises:
        UsageError: It is none.
    """
    if not _DIGEST.fullmatch(text):
        raise UsageError(f"{text!r:.100}: no digest; expected 64 hexadecimal digits, as an answer carries them.")


def _said(n: int, at: str, kind: str, content: Mapping[str, object], previous: str) -> dict[str, object]:
    return {"n": n, "at": at, "kind": kind, "content": dict(content), "previous": previous}


def _canonical(told: Mapping[str, object]) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(said: Mapping[str, object]) -> str:
    return hashlib.sha256(_canonical(said).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
