"""What a recogniser takes and gives: waveforms in, one `Transcript` each out, and an identity that names its decisions.

To add one, write a class with these two methods anywhere importable and a YAML file whose `_target_` names it. Import
what is heavy on first use. A backend that cannot recognise a clip raises: empty text means that nothing was heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol, TypeAlias

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
    """

    text: str
    words: tuple[Word, ...] | None = None


class Backend(Protocol):
    """Turns waveforms into text and says exactly which recogniser did it."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
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


def check_transcripts(backend: Backend, transcripts: object, *, n_waveforms: int) -> list[Transcript]:
    """Returns what a backend's `transcribe` returned once it is known to be one transcript with a text per waveform.

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
