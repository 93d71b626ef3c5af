"""Clips in, the lines that ask a program for them out; its lines in, transcripts and failures out."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Failure, Identity, Transcript, Word
from harness.backends.programs.process import ProgramError, shown

AUDIO_FORMATS = ("wav", "wav_float", "base64")
_PCM, _IEEE_FLOAT = 1, 3  # WAVE_FORMAT_*


@dataclass(frozen=True, slots=True)
class Answer:
    """Is what a program said of one clip."""

    number: int  # the line's `id`
    heard: Transcript | Failure
    makes_no_sense: bool = False  # a failure because of what is in the line, not because the program said so


@dataclass(frozen=True, slots=True)
class Greeting:
    """Is what a program said of itself."""

    identity: Identity


def wav_file(waveform: Waveform, audio: str) -> bytes:
    """Returns a mono WAV file at 16 kHz: of 32-bit floats for `wav_float`, else of 16-bit samples, clipped.

    Samples that were decoded from 16 bits are exactly their own again. Source: Multimedia Programming Interface and
    Data Specifications 1.0 (1991), "WAVE"; RFC 2361 for the float format.
    """
    if audio == "wav_float":
        return _riff(_IEEE_FLOAT, waveform.astype("<f4").tobytes(), n_bytes=4)
    samples = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype("<i2")  # (num_samples,)
    return _riff(_PCM, samples.tobytes(), n_bytes=2)


def asked_line(number: int, audio: Path | bytes, duration_s: float) -> bytes:
    """Returns the line that asks for a clip: by its path, or with its WAV file in the line."""
    given = {"audio": str(audio)} if isinstance(audio, Path) else {"audio_base64": base64.b64encode(audio).decode()}
    return json.dumps({"id": number, **given, "duration_s": round(duration_s, 6)}).encode()


def read_line(line: bytes) -> Answer | Greeting:
    """Returns what a program's line says; an answer to a clip that makes no sense is that clip's failure.

    Raises:
        ProgramError: when the line is no answer at all, so that nobody knows what the next ones answer.
    """
    try:
        found: object = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"wrote a line to stdout that is no JSON: {shown(line)}") from error
    if not isinstance(found, dict):
        raise ProgramError(f"wrote a line to stdout that is no JSON object: {shown(line)}")
    if "identity" in found and "id" not in found:
        return Greeting(_greeting(found["identity"]))
    number = found.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ProgramError(f"wrote a line to stdout whose id is no number: {shown(line)}")
    try:
        return Answer(number, _heard(found))
    except _SenselessError as error:
        return Answer(number, Failure(f"the program answered {error}: {shown(line)}"), makes_no_sense=True)


class _SenselessError(Exception):
    """Says what is wrong with an answer."""


def _riff(kind: int, samples: bytes, *, n_bytes: int) -> bytes:
    form = struct.pack("<HHIIHH", kind, 1, SAMPLE_RATE, SAMPLE_RATE * n_bytes, n_bytes, 8 * n_bytes)
    chunks = b"WAVE" + _chunk(b"fmt ", form)
    if kind != _PCM:  # a format that is not PCM states its number of samples
        chunks += _chunk(b"fact", struct.pack("<I", len(samples) // n_bytes))
    return _chunk(b"RIFF", chunks + _chunk(b"data", samples))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def _greeting(identity: object) -> Identity:
    if not isinstance(identity, dict):
        raise ProgramError(f"wrote an identity that is no object: {str(identity)[:80]!r}")
    for key, value in identity.items():
        plain = value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))
        if not plain:
            raise ProgramError(
                f"wrote an identity whose {key!r} is no text, finite number or null: {str(value)[:80]!r}"
            )
    return dict(identity)


def _heard(found: Mapping[str, object]) -> Transcript | Failure:
    cost_usd = _number(found, "cost_usd") if found.get("cost_usd") is not None else None
    error = found.get("error")
    if error is not None:
        return Failure(f"the program answered with an error: {str(error)[:400]}", cost_usd=cost_usd)
    text, words = found.get("text"), found.get("words")
    if not isinstance(text, str):
        raise _SenselessError("with no text (a JSON string) and no error")
    if not _is_writable(text):
        raise _SenselessError("with half a character (a lone surrogate)")
    if words is not None and not isinstance(words, list):
        raise _SenselessError("with words that are no list")
    return Transcript(text=text.strip(), words=None if words is None else _words(words), cost_usd=cost_usd)


def _words(words: Sequence[object]) -> tuple[Word, ...]:
    return tuple(_word(position, word) for position, word in enumerate(words))


def _word(position: int, word: object) -> Word:
    if not isinstance(word, dict) or not isinstance(word.get("text"), str) or not _is_writable(word["text"]):
        raise _SenselessError(f"with a word that has no text, at {position}")
    start_s, end_s = _number(word, "start_s"), _number(word, "end_s")
    if not 0 <= start_s <= end_s:
        raise _SenselessError(f"with a word from {start_s} s to {end_s} s, at {position}")
    confidence = None if word.get("confidence") is None else _number(word, "confidence")
    if confidence is not None and not 0 <= confidence <= 1:
        raise _SenselessError(f"with a confidence of {confidence}, at {position}")
    return Word(word["text"], start_s, end_s, confidence)


def _number(found: Mapping[str, object], name: str) -> float:
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _SenselessError(f"with a {name} that is no finite number")
    return float(value)


def _is_writable(text: str) -> bool:
    """Tells whether any file can hold a text: JSON can write halves of characters that UTF-8 cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
