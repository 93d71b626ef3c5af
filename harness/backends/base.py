"""What a recogniser takes and gives: waveforms in, one `Transcript` each out, and an identity that names its decisions.

To add one, write a class with the two methods of `Backend` anywhere importable and a YAML file whose `_target_` names
it. Import what is heavy on first use. A backend that cannot recognise a clip raises, or returns a `Failure` in its
place when the clips beside it were heard: empty text means that nothing was heard. `harness.backends.testing` checks
all this.

Three more methods are used where a backend has them: `load()` starts the recogniser, `stage_seconds()` returns the
seconds spent so far in stages of its own (`features`, `encoder`, `decoder`, `waiting`), `close()` ends what it started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from harness.audio.waveform import Waveform
from harness.errors import BackendError

Identity: TypeAlias = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Word:
    """Holds one recognised word and where it was heard.

    Attributes:
        text: The word as the recogniser wrote it.
        start_s: Where it begins in the clip, in seconds.
        end_s: Where it ends, in seconds.
        confidence: The recogniser's own, in [0, 1]; None when it gives none.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """Holds what a recogniser heard in one clip, raw: normalisation is scoring's.

    Attributes:
        text: The words as the recogniser wrote them; "" when it heard none.
        words: The same words with their times; None when the recogniser gives none.
        latency_s: Seconds from asking for this clip to its text; None when only the batch's time is known.
        cost_usd: What the clip cost; None where nothing is charged, or the price is not known.
    """

    text: str
    words: tuple[Word, ...] | None = None
    latency_s: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Says why one clip could not be recognised while others of its batch were; it is not tried again in this run.

    Attributes:
        reason: One sentence: what was expected, what was found.
        latency_s: Seconds until it was known; None when only the batch's time is.
        cost_usd: What the attempts cost; None where nothing is charged, or the price is not known.
    """

    reason: str
    latency_s: float | None = None
    cost_usd: float | None = None


class Backend(Protocol):
    """Turns waveforms into text and says exactly which recogniser did it."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> Sequence[Transcript | Failure]:
        """Returns one transcript per waveform, in order; a text does not depend on the other clips of the batch.

        Raises:
            Exception: when any clip cannot be recognised; the caller then tries them one by one.
        """
        ...

    def identity(self) -> Identity:
        """Returns all that decides a text but the waveform: package, weights digest, decoding options.

        Raises:
            HarnessError: when the recogniser cannot be started, so that a run fails before its first clip.
        """
        ...


@runtime_checkable
class Staged(Protocol):
    """Is a backend that knows where its time goes."""

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds spent in each stage since the backend was made; the device has finished them."""
        ...


@runtime_checkable
class Closing(Protocol):
    """Is a backend that has something to end: a process, a connection."""

    def close(self) -> None:
        """Ends it; a second call does nothing."""
        ...


def check_waveforms(name: str, waveforms: Sequence[Waveform]) -> None:
    """Refuses what no recogniser can hear: a backend calls this first.

    Raises:
        BackendError: A waveform is not `(num_samples,)` of finite float32 numbers.
    """
    for position, waveform in enumerate(waveforms):
        if not isinstance(waveform, np.ndarray) or waveform.dtype != np.float32 or waveform.ndim != 1:
            found = (
                f"{waveform.dtype} {waveform.shape}" if isinstance(waveform, np.ndarray) else type(waveform).__name__
            )
            raise BackendError(f"{name}: waveform {position} is {found}; expected a float32 array (num_samples,)")
        if not np.isfinite(waveform).all():
            raise BackendError(f"{name}: waveform {position} has samples that are no finite number; mend the recording")


def check_transcripts(backend: Backend, transcripts: object, *, n_waveforms: int) -> list[Transcript | Failure]:
    """Returns what a backend's `transcribe` returned once it is known to be a transcript or a failure per waveform.

    Raises:
        BackendError: naming the backend's class, what it returned and what was expected.
    """
    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    expected = f"expected a list of {n_waveforms} Transcript, one per waveform in order"
    if not isinstance(transcripts, list | tuple):
        raise BackendError(f"{name}.transcribe returned {type(transcripts).__name__}; {expected}")
    if len(transcripts) != n_waveforms:
        raise BackendError(f"{name}.transcribe returned {len(transcripts)} transcripts; {expected}")
    for position, transcript in enumerate(transcripts):
        if isinstance(transcript, Failure):
            continue
        if not isinstance(transcript, Transcript):
            raise BackendError(f"{name}.transcribe returned {type(transcript).__name__} at {position}; {expected}")
        if not isinstance(transcript.text, str):
            raise BackendError(
                f"{name}.transcribe returned a text of type {type(transcript.text).__name__} at {position}; "
                "expected str. Raise when a clip cannot be recognised; return '' when nothing was said"
            )
    return list(transcripts)


def checked_identity(backend: Backend) -> Identity:
    """Returns a backend's identity once it is known to be what a run can be recognised by.

    Raises:
        BackendError: It is no mapping of names to texts, finite numbers, booleans or None.
    """
    identity = backend.identity()
    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    if not isinstance(identity, dict):
        raise BackendError(f"{name}.identity returned {type(identity).__name__}; expected a dict")
    for key, value in identity.items():
        plain = value is None or isinstance(value, str | int | bool) or (isinstance(value, float) and isfinite(value))
        if not isinstance(key, str) or not plain:
            raise BackendError(f"{name}.identity has {key!r}: {value!r:.80}; expected a text, a finite number or None")
    return identity
