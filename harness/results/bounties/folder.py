"""The folder of a bounty in, its parts by name out: what is public, what is sealed, what was handed in, the ledger."""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StorageError, UsageError
from harness.results.ledger import Ledger

PUBLIC, SEALED, SUBMISSIONS, LEDGER = "public", "sealed", "submissions", "ledger.jsonl"
RULES, DEVELOPMENT, IDS, LIST, HOW_TO = (
    "rules.json", "development.parquet", "utterances.txt", "list.json", "HOW_TO.md",
)  # fmt: skip
ROUNDS, PAGE, ROUTER = "rounds.csv", "bounty.html", "router.yaml"
HOLDOUT, SPLIT, SALT, AUDIO = "holdout.parquet", "split.json", "salt", "audio.jsonl"
PEOPLE = "published.jsonl"  # whose clips have codes in the published half
JUDGEMENTS, ALTERNATIVES, RERUNS = "judgements", "alternatives", "reruns"
SUBMISSION, HEARD, ANSWER = "submission.json", "hypotheses.jsonl", "answer.json"
OPENED, SUBMITTED, ANSWERED = "opened", "submitted", "answered"  # kinds of entries of the ledger
CLOSED, FORGOT = "closed", "forgot"  # and these at its end
PRIVATE = 0o700  # of the sealed folder: its owner alone
PART = ".part"  # ends the names of what is being written


@dataclass(frozen=True, slots=True)
class BountyFolder:
    """Is the folder of a bounty; `public/` alone is enough for a hunter."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "BountyFolder":
        """Open the folder of a bounty.

        Raises:
            UsageError: It is none.
        """
        if path.name == PUBLIC and (path / RULES).is_file():
            path = path.parent
        folder = cls(path)
        if not folder.rules.is_file():
            raise UsageError(
                f"bounty={path}: no bounty here; {PUBLIC}/{RULES} is missing. Give the folder that harness bounty open "
                "wrote, or the one in which a copy of its public/ lies, under that name."
            )
        return folder

    @property
    def public(self) -> Path:
        """Return the folder of what everybody may read."""
        return self.path / PUBLIC

    @property
    def sealed(self) -> Path:
        """Return the folder of what the owner alone reads."""
        return self.path / SEALED

    @property
    def rules(self) -> Path:
        """Return the file of the rules."""
        return self.public / RULES

    @property
    def ledger(self) -> Ledger:
        """Return the ledger."""
        return Ledger(self.path / LEDGER)

    def submission(self, n: int) -> Path:
        """Return the folder of a submission by its number, from 1."""
        return self.path / SUBMISSIONS / f"{n:04d}"

    def judgement(self, n: int) -> Path:
        """Return the sealed file of what the holdout showed about a submission."""
        return self.sealed / JUDGEMENTS / f"{n:04d}.json"

    def alternative(self, n: int) -> Path:
        """Return the sealed file of the clipped errors of a submission's own system."""
        return self.sealed / ALTERNATIVES / f"{n:04d}.npy"

    @property
    def of_people(self) -> list[Path]:
        """Return the files and folders that tell of single people, as far as they are there.

        A judgement does, too: of a group of one it has that person's errors.
        """
        sealed = (HOLDOUT, AUDIO, PEOPLE, JUDGEMENTS, ALTERNATIVES, RERUNS)
        named = [*(self.sealed / name for name in sealed), self.public / DEVELOPMENT, self.public / IDS]
        handed_in = sorted((self.path / SUBMISSIONS).glob(f"*/{HEARD}"))
        torn = sorted(self.path.rglob(f".*{PART}"))  # by processes that were killed
        return [path for path in (*named, *handed_in, *torn) if os.path.lexists(path)]

    def is_behind_link(self, path: Path) -> bool:
        """Say whether a path below this folder is a link, or leads through one: what is there may be anybody's."""
        below = path.relative_to(self.path)
        return any((self.path / each).is_symlink() for each in (below, *below.parents[:-1]))

    def check_is_owner_s(self) -> None:
        """Refuse where the sealed files are not there.

        Raises:
            UsageError: They are not, or may not be read.
        """
        if not (self.path / LEDGER).is_file():
            raise UsageError(f"{self.path / LEDGER}: is not there. Only where the bounty was opened is this possible.")
        if not os.access(self.sealed / SALT, os.R_OK):
            raise UsageError(
                f"{self.sealed}: the sealed files are not there or not yours to read; only who opened the bounty can "
                "do this."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the sealed files, or the folder where they are not, for one process.

        Raises:
            UsageError: Another one has them.
        """
        held = self.sealed if self.sealed.is_dir() else self.path
        handle = os.open(held, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"{self.path}: another process answers or closes this bounty. Wait for it, then give the same "
                    "command again."
                ) from error
            yield
        finally:
            os.close(handle)


def canonical(told: object) -> bytes:
    """Return JSON as it is digested: keys in order, no blanks, a line's end."""
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()


def shown_json(told: Mapping[str, object]) -> bytes:
    """Return JSON as people read it."""
    return f"{json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False)}\n".encode()


def digest(data: bytes) -> str:
    """Return SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; what is in it already is not written again.

    Raises:
        StorageError: The disk is full or the folder is not writable.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):  # in its place, where nothing went wrong
            part.unlink()


def unwritable(path: Path, error: OSError) -> StorageError:
    """Return the error of what cannot be written."""
    return StorageError(
        f"{path}: cannot write ({error.strerror or error}). What is written is whole; make room, then give the same "
        "command again."
    )
