"""A transcript in, the row that the cache keeps of it out, and back: a row that is not as it was written is no row."""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.backends.base import Identity
from harness.errors import BackendError
from harness.transcription.store import HypothesisWord

_CHECKSUM_BYTES = 16  # against damage; who may write to the file could forge a longer one, too

StoredRow: TypeAlias = Sequence[object]  # text, words, audio_s, checksum: as SQLite gives them


@dataclass(frozen=True, slots=True)
class CachedTranscript:
    """Is what a backend heard in an earlier run.

    Attributes:
        text: What it returned, raw.
        words: Word times; None when the backend gave none.
        audio_s: Seconds of audio.
    """

    text: str
    words: tuple[HypothesisWord, ...] | None
    audio_s: float


@dataclass(frozen=True, slots=True)
class TranscriptRow:
    """Is a transcript as bytes, under its key."""

    key: bytes
    text: bytes
    words: bytes | None
    audio_s: float

    @property
    def checksum(self) -> bytes:
        """Return the digest of all there is, the key included: a row in another's place does not match."""
        words = b"" if self.words is None else self.words
        lengths = struct.pack("<dqq", self.audio_s, len(self.text), -1 if self.words is None else len(words))
        parts = b"".join((self.key, lengths, self.text, words))
        return hashlib.blake2b(parts, digest_size=_CHECKSUM_BYTES).digest()


def canonical(identity: Identity) -> str:
    """Return an identity as JSON that differs wherever the identities do: also 1, 1.0, true and "1", None and absent.

    >>> canonical({"b": None, "a": 1.0})
    '{"a":1.0,"b":null}'

    Raises:
        BackendError: A name is no text or a number is not finite: two identities could look the same.
    """
    if not all(isinstance(name, str) for name in identity):
        raise BackendError(f"the backend's identity names {list(identity)!r:.200}; expected texts")
    try:
        return json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BackendError(f"the backend's identity cannot be written down ({error}); expected plain values") from error


def digest_of(identity_json: str) -> str:
    """Return the SHA-256 of a canonical identity, in hexadecimal."""
    return hashlib.sha256(identity_json.encode()).hexdigest()


def as_bytes(text: str) -> bytes:
    """Return a text as UTF-8; half a surrogate pair, too, comes back from `as_text`."""
    return text.encode("utf-8", "surrogatepass")


def as_text(stored: bytes) -> str:
    """Return the text that was written as these bytes.

    Raises:
        UnicodeDecodeError: None was.
    """
    return stored.decode("utf-8", "surrogatepass")


def key_of(identity_digest: str, condition: bytes, audio_digest: bytes) -> bytes:
    """Return the key of a transcript: no end of a part can be taken for the beginning of the next."""
    parts = (identity_digest.encode(), condition, audio_digest)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def encoded(key: bytes, transcript: CachedTranscript) -> TranscriptRow:
    """Return the row of a transcript."""
    words = None if transcript.words is None else json.dumps([_fields(word) for word in transcript.words]).encode()
    return TranscriptRow(key, as_bytes(transcript.text), words, float(transcript.audio_s))


def decoded(key: bytes, stored: StoredRow) -> CachedTranscript | None:
    """Return the transcript of a row; None when it is not what was written under this key."""
    text, words, audio_s, checksum = stored
    if not (isinstance(text, bytes) and isinstance(words, bytes | None) and isinstance(audio_s, float)):
        return None
    row = TranscriptRow(key, text, words, audio_s)
    if row.checksum != checksum:
        return None
    times = None if words is None else tuple(HypothesisWord(*word) for word in json.loads(words))
    return CachedTranscript(as_text(text), times, audio_s)


def _fields(word: HypothesisWord) -> tuple[str, float, float, float | None]:
    return word.text, word.start, word.end, word.confidence
