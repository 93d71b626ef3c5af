"""A way to make a backend in; what it hears in given or generated clips out, each hearing checked for its form."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Backend, Closing, Failure, Transcript, check_transcripts
from harness.backends.tones import synthesise
from harness.errors import UsageError


class BrokenError(AssertionError):
    """Says how a backend breaks a claim."""


class NotShownError(Exception):
    """Says why a claim could not be tried, or was kept where it had nothing to show."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Is one sentence of the contract.

    Attributes:
        name: What it is called where it is run.
        says: The sentence.
        check: Tries it: raises `BrokenError` where the backend breaks it, `NotShownError` where nothing can be shown.
    """

    name: str
    says: str
    check: "Callable[[Trial], None]"


class Trial:
    """Is a backend on trial and what it is tried with.

    Args:
        make: Returns a new backend, always with the same options.
        speech: Clips `(num_samples,)` at 16 kHz, at best with different texts; None generates tones.
        variants: Return backends each of which has an option that decides texts set otherwise.
        failing: A clip that the backend cannot recognise; None when none is known.
        longest_s: Seconds of the longest clip.

    Raises:
        UsageError: when there is no speech, or no longest clip.
    """

    def __init__(
        self,
        make: Callable[[], Backend],
        *,
        speech: Sequence[Waveform] | None = None,
        variants: Sequence[Callable[[], Backend]] = (),
        failing: Waveform | None = None,
        longest_s: float = 600.0,
    ) -> None:
        if speech is not None and not len(speech):
            raise UsageError("contract: speech is empty; expected clips, or None for generated ones")
        if not (math.isfinite(longest_s) and longest_s > 0):
            raise UsageError(f"contract: longest_s={longest_s}; expected a finite number of seconds > 0")
        self._make = make
        self.speech = tuple(_generated() if speech is None else speech)
        self.variants = tuple(variants)
        self.failing = failing
        self.longest_s = longest_s

    @cached_property
    def backend(self) -> Backend:
        """Returns the backend that the claims share."""
        return self._make()

    def release(self) -> None:
        """Closes the shared backend and forgets it; who asks for it next makes another."""
        backend = self.__dict__.pop("backend", None)
        if isinstance(backend, Closing):
            backend.close()

    @cached_property
    def alone(self) -> list[str]:
        """Returns the text of each clip of speech, heard alone."""
        return [self.texts([waveform])[0] for waveform in self.speech]

    @contextmanager
    def another(self, make: Callable[[], Backend] | None = None) -> Iterator[Backend]:
        """Makes a backend and closes it in the end."""
        backend = (make or self._make)()
        try:
            yield backend
        finally:
            if isinstance(backend, Closing):
                backend.close()

    def heard(self, waveforms: Sequence[Waveform], by: Backend | None = None) -> list[Transcript]:
        """Returns what a backend hears in copies of the waveforms, the shared one unless another is given.

        Raises:
            BrokenError: when it raises, or fails on a clip, or returns what it should not.
        """
        backend = by or self.backend
        try:
            returned = backend.transcribe([waveform.copy() for waveform in waveforms])
            transcripts = check_transcripts(backend, returned, n_waveforms=len(waveforms))
        except Exception as error:
            raise BrokenError(f"{_clips(waveforms)}: {type(error).__name__}: {error}") from error
        for transcript, waveform in zip(transcripts, waveforms, strict=True):
            if isinstance(transcript, Failure):
                raise BrokenError(f"{_clips([waveform])}: a failure: {transcript.reason}; expected a transcript")
        return [transcript for transcript in transcripts if isinstance(transcript, Transcript)]

    def texts(self, waveforms: Sequence[Waveform], by: Backend | None = None) -> list[str]:
        """Returns the texts of what `heard` returns."""
        return [transcript.text for transcript in self.heard(waveforms, by)]

    def several(self, n_clips: int) -> list[Waveform]:
        """Returns so many clips of speech, from the first on again where there are fewer."""
        return [self.speech[position % len(self.speech)] for position in range(n_clips)]

    def lasting(self, seconds: float) -> Waveform:
        """Returns speech, over and over, of so many seconds."""
        return np.resize(np.concatenate(self.speech), round(seconds * SAMPLE_RATE))  # (num_samples,)

    def expect_alone(self, texts: Sequence[str], where: str) -> None:
        """Compares texts, from the first clip of speech on, with those heard alone.

        Raises:
            BrokenError: when one is another.
            NotShownError: when all are alike, and an exchange of two would not be seen.
        """
        for position, text in enumerate(texts):
            alone = self.alone[position % len(self.alone)]
            if text != alone:
                raise BrokenError(f"{where} the text of clip {position} is {text!r}; alone it is {alone!r}")
        if len(set(self.alone)) < 2:
            raise NotShownError(f"kept, but it hears the same in every clip ({self.alone[0]!r}): give speech=[…]")


def _generated() -> Iterator[Waveform]:
    """Yields eight clips of 0.2 to 4 s, loud and soft, clean and in noise."""
    rng = np.random.default_rng(0)
    numbers = ("one", "seven three", "nine", "zero two four", "six " * 25, "five eight", "three one " * 6, "two")
    for position, text in enumerate(numbers):
        waveform = synthesise(text) * (1.0, 0.1)[position % 2]
        noise = rng.normal(0, (0.0, 0.003)[position // 4], len(waveform))
        yield (waveform + noise).astype(np.float32)


def _clips(waveforms: Sequence[Waveform]) -> str:
    lengths = ", ".join(f"{len(waveform) / SAMPLE_RATE:.2f}" for waveform in waveforms[:8])
    return f"{len(waveforms)} clip{'s' if len(waveforms) != 1 else ''} of {lengths} s"
