"""A transcript cache in, all of it as JSON Lines out: whole or not at all, and for its owner only."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import StorageError, UsageError
from harness.transcription.caching.contents import UNKNOWN, StoredIdentity, existing, identities_of
from harness.transcription.caching.rows import as_text, decoded, key_of
from harness.transcription.store import HypothesisWord


@dataclass(frozen=True, slots=True)
class Exported:
    """Says how many transcripts were written where, and how many were left out because they are damaged."""

    path: Path
    out: Path
    n_transcripts: int
    n_damaged: int


def export(path: Path, out: Path) -> Exported:
    """Write all transcripts as JSON Lines; the file is there when it is whole, and only its owner may read it.

    Raises:
        UsageError: There is a file already, or no folder for it.
        StorageError: The cache is damaged or cannot be read, or the disk is full.
    """
    if os.path.lexists(out) or not out.parent.is_dir():
        raise UsageError(f"out={out}: expected a new file in a folder that is there; nothing is written over.")
    part = Path(f"{out}.part")
    with existing(path) as file, _written(part, out) as lines:
        n_transcripts = n_damaged = 0
        for line in () if file is None else _lines(file.connection):
            n_damaged += line is None
            n_transcripts += line is not None
            lines.write(line or "")
    return Exported(path, out, n_transcripts, n_damaged)


def _lines(connection: sqlite3.Connection) -> Iterator[str | None]:
    """Yield the transcripts as lines, oldest first; None for one that is damaged."""
    identities = identities_of(connection)
    for number, *row in connection.execute(
        "SELECT identity_id, key, condition, audio_digest, CAST(made AS BLOB), text, words, audio_s, checksum "
        "FROM transcripts ORDER BY transcript_id"
    ):
        yield _line(identities.get(number, UNKNOWN), *row)


def _line(
    known: StoredIdentity, key: bytes, condition: object, audio_digest: object, made: bytes, *stored: object
) -> str | None:
    transcript = decoded(key, stored)
    if not (transcript and isinstance(condition, bytes) and isinstance(audio_digest, bytes)):
        return None
    if key_of(known.digest, condition, audio_digest) != key:
        return None
    record = {
        "key": key.hex(),
        "identity": known.identity,
        "condition": as_text(condition),
        "audio_digest": as_text(audio_digest),
        "text": transcript.text,
        "words": None if transcript.words is None else [_word(word) for word in transcript.words],
        "audio_s": transcript.audio_s,
        "made": made.decode("utf-8", "replace"),
    }
    return json.dumps(record, ensure_ascii=True) + "\n"


def _word(word: HypothesisWord) -> dict[str, object]:
    return {"text": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}


@contextmanager
def _written(part: Path, out: Path) -> Iterator[IO[str]]:
    """Give a file to write to, and put it in its place when it is whole.

    Raises:
        StorageError: The disk is full or the folder cannot be written to.
    """
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(f"{out}: cannot be written ({error.strerror}). Make room or choose another out=.") from error
