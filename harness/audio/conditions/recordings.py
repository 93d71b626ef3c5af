"""A recording's path in, its digest, its samples and an endless loop of it out; each is read once in a process.

A condition keeps a path and a digest, never samples: it pickles small, and a worker process reads the file itself and
refuses one that has changed since.
"""

import hashlib
import math
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack

import numpy as np
import numpy.typing as npt

from harness.audio.speech_level import active_speech_level
from harness.audio.waveform import SAMPLE_RATE, Waveform, read_waveform
from harness.errors import AudioError, ConditionError, UsageError

SHORTEST_NOISE_S = 0.1  # less would repeat fast enough to be a tone
CROSS_FADE_S = 0.05  # in which a loop's end goes over into its beginning
_KEPT = 32  # decoded recordings a process; two minutes are 8 MB

Samples = npt.NDArray[np.float64]
R = TypeVar("R")
Keys = TypeVarTuple("Keys")


def kept(function: Callable[[Unpack[Keys]], R]) -> Callable[[Unpack[Keys]], R]:
    """Keeps what a function returned, and lets threads that ask at the same time wait for the one that computes it."""
    remembered = lru_cache(maxsize=_KEPT)(function)
    lock = threading.Lock()

    @wraps(function)
    def once(*keys: *Keys) -> R:
        with lock:
            return remembered(*keys)

    return once


def resolved(path: Path | str, *, of: str) -> str:
    """Returns the absolute path of a file that an option names, so that it means the same in every process.

    Args:
        path: As it was given.
        of: The option, for the message.

    Raises:
        UsageError: when there is no such file.
    """
    if not isinstance(path, Path | str) or not str(path):
        raise UsageError(f"{of}={path!r}; expected the path of a recording.")
    found = Path(path).expanduser().resolve()
    if not found.is_file():
        raise UsageError(f"{of}={path}: no such file; expected a recording (WAV, FLAC, OGG, Opus or MP3).")
    return str(found)


def sha256_of(path: str) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recording_of(path: str, sha256: str) -> Waveform:
    """Decodes a recording of any rate and any number of channels: `(num_samples,)`, 16 kHz, not to be written to.

    Raises:
        ConditionError: when it cannot be decoded, or its bytes are no longer those of `sha256`.
    """
    try:
        if sha256_of(path) != sha256:
            raise ConditionError(f"{path}: the recording has changed since the run began. Begin the run anew")
        waveform = read_waveform(path)
    except (AudioError, OSError) as error:
        raise ConditionError(f"{error}\nThe condition that names it cannot be had without it") from error
    waveform.flags.writeable = False
    return waveform


@kept
def noise_loop(path: str, sha256: str) -> Waveform:
    """Returns a recording of noise as a loop without a seam: `(num_samples,)`, of mean square 1, mean 0.

    The mean is taken out: an offset cannot be heard, yet would count as power.

    Raises:
        ConditionError: when it cannot be decoded, is shorter than 0.1 s, or is silent.
    """
    recording = recording_of(path, sha256)
    if len(recording) < SHORTEST_NOISE_S * SAMPLE_RATE:
        raise ConditionError(
            f"{path}: {len(recording) / SAMPLE_RATE:.3f} s of noise; expected at least {SHORTEST_NOISE_S} s"
        )
    centred = recording.astype(np.float64)
    centred -= centred.mean()
    if np.abs(centred).max() < np.finfo(np.float32).tiny or not np.ptp(recording):
        raise ConditionError(f"{path}: the recording is silent; expected noise. No gain makes noise of silence")
    return unit_power(looped(centred))


@kept
def voice_loop(path: str, sha256: str) -> Waveform:
    """Returns a recording of one talker as such a loop, at an active speech level of 0 dB instead (ITU-T P.56)."""
    loop = noise_loop(path, sha256)
    voice: Waveform = loop / np.float32(math.sqrt(active_speech_level(loop).power))
    voice.flags.writeable = False
    return voice


def looped(samples: Samples) -> Samples:
    """Fades the end of a recording into its beginning, so that it can go round and round.

    The two fades keep the power of sounds that have nothing to do with each other, as noise 50 ms apart has not.

    Args:
        samples: `(num_samples,)`.

    Returns:
        `(num_samples - num_faded,)`, 50 ms less, or a quarter less of a recording that is shorter than 0.2 s.
    """
    n_faded = min(round(CROSS_FADE_S * SAMPLE_RATE), len(samples) // 4)
    angle = (np.arange(n_faded) + 0.5) / n_faded * (np.pi / 2)
    loop = samples[: len(samples) - n_faded].copy()
    loop[:n_faded] = samples[len(samples) - n_faded :] * np.cos(angle) + loop[:n_faded] * np.sin(angle)
    return loop


def unit_power(samples: Samples) -> Waveform:
    """Returns samples scaled to a mean square of 1, not to be written to."""
    waveform: Waveform = (samples / np.sqrt(np.square(samples).mean())).astype(np.float32)
    waveform.flags.writeable = False
    return waveform


def cut_from(loop: Waveform, start: int, num_samples: int) -> Waveform:
    """Returns a piece of a loop: `(num_samples,)`, going round as often as it takes; a view where it need not."""
    if start + num_samples <= len(loop):
        return loop[start : start + num_samples]
    pieces = [loop[start:]]
    n_left = num_samples - len(pieces[0])
    pieces += [loop] * (n_left // len(loop)) + [loop[: n_left % len(loop)]]
    return np.concatenate(pieces)
