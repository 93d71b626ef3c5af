"""A folder in; the right to change it alone, and the note that says that a forgetting was begun there, out.

Who forgets writes the note first and removes it last. It names nobody: people are told apart by a hash whose key is
drawn for this note alone and goes with it.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.results.forgetting.rows import write_text

MARKER = ".forgetting.json"
_PART = ".part"
_WRITER = re.compile(r"\.(\d{1,10})-[0-9a-f]{8}\.part$")  # ends the name of what a process of this number writes


class InUseError(RunDirectoryError):
    """Says that somebody works in a folder now."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Says what was begun in a folder.

    Attributes:
        at: When, in UTC, ISO 8601; by which a run knows its own note of it again.
        key: Of the hashes, in hexadecimal.
        people: Hash of everybody whose data was being removed.
        n_speakers: How many are forgotten, those of earlier notes among them.
        n_utterances: What they said.
        had: Names of the files that were there and are made anew.
        redact: What the page of the run left out.
        notes: What the run said on its face, of nobody who is forgotten.
        is_removed: Whether all rows are gone, so that only what is made of the rest is left to be done.
    """

    at: str
    key: str
    people: tuple[str, ...]
    n_speakers: int
    n_utterances: int
    had: tuple[str, ...]
    redact: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_removed: bool = False

    def is_of(self, speaker_ids: Iterable[str]) -> bool:
        """Say whether it is about just these people."""
        return set(self.people) == set(_hashes(self.key, speaker_ids))

    def write(self, folder: Path) -> "Marker":
        """Put it into the folder; it is on the disk when this returns."""
        write_text(folder / MARKER, json.dumps(asdict(self)) + "\n")
        return self

    def removed(self, folder: Path) -> "Marker":
        """Note that all rows are gone."""
        return replace(self, is_removed=True).write(folder)


def begun(speaker_ids: Iterable[str], *, n_speakers: int, n_utterances: int, had: Iterable[str]) -> Marker:
    """Return the note of a forgetting that begins: of people asked for, of whom so many are here."""
    key = secrets.token_hex(16)
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    return Marker(at, key, _hashes(key, speaker_ids), n_speakers, n_utterances, tuple(sorted(had)))


def marker_in(folder: Path) -> Marker | None:
    """Return the note in a folder; None where there is none.

    Raises:
        RunDirectoryError: It is damaged.
    """
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Marker(
            at=str(told["at"]),
            key=bytes.fromhex(told["key"]).hex(),
            people=tuple(map(str, told["people"])),
            n_speakers=int(told["n_speakers"]),
            n_utterances=int(told["n_utterances"]),
            had=tuple(map(str, told["had"])),
            redact=tuple(map(str, told["redact"])),
            notes=tuple(map(str, told["notes"])),
            is_removed=bool(told["is_removed"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(
            f"{path}: damaged ({error}). Remove the folder, for nobody knows what is left in it."
        ) from error


def unmark(folder: Path) -> None:
    """Take the note away: what it announced is done."""
    (folder / MARKER).unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder as a run does that is being made, and clear away what killed writers left.

    Raises:
        InUseError: Another process works in it, or writes a file there.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError(f"{folder}: another process works in it. Give the same command again later.") from error
        _remove_parts(folder)
        yield
    finally:
        os.close(handle)


def _remove_parts(folder: Path) -> None:
    """Remove what killed processes had begun to write: it may be anybody's."""
    for inside in (folder, folder / "hypotheses"):
        for part in inside.glob(f"*{_PART}"):
            if part.is_symlink() or not part.is_file():
                continue
            if _is_being_written(part.name):
                raise InUseError(f"{part}: is being written. Give the same command again later.")
            part.unlink(missing_ok=True)


def _is_being_written(name: str) -> bool:
    """Say whether the process whose number is in the name of a part is there, and is not this one."""
    found = _WRITER.search(name)
    if found is None or int(found[1]) == os.getpid():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _hashes(key: str, speaker_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        sorted(
            hmac.new(bytes.fromhex(key), each.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
            for each in speaker_ids
        )
    )
