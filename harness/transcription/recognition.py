"""A backend and waveforms in, what it heard in each out: a batch that fails is taken apart, a clip that fails says why.

This is what stands beside the backend, in the same process, wherever that process is.
"""

import logging
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from harness.audio import SAMPLE_RATE, Waveform
from harness.backends.base import (
    Backend,
    Closing,
    Failure,
    Identity,
    Staged,
    Transcript,
    check_transcripts,
    checked_identity,
)
from harness.errors import HarnessError
from harness.provenance import device
from harness.transcription.store import HypothesisWord
from harness.transcription.words import encodable, in_words, on_one_line

log = logging.getLogger(__name__)

MAX_CHARACTERS = 100_000  # of a transcript: two hours of speech; more is a runaway decoder, and takes hours to align
_WARM_UP_S = 0.5  # seconds of silence that load the backend before anything is timed


@dataclass(frozen=True, slots=True)
class Heard:
    """Is what a backend made of one waveform.

    Attributes:
        text: Raw; None when it failed.
        error: Why it failed; None when it did not.
        processing_s: Seconds in the backend; a batch's are shared in proportion to the audio.
        latency_s: Seconds from handing the batch to the backend to the text, or what the backend itself says.
        words: Word times; None when the backend gives none.
        cost_usd: What it cost; None where nothing is charged.
    """

    text: str | None
    error: str | None
    processing_s: float
    latency_s: float
    words: tuple[HypothesisWord, ...] | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Is what a recogniser has used since it was warm.

    Attributes:
        device: What it computed on.
        warm_up_s: Seconds to load it and to hear half a second of silence; in no other figure.
        busy_s: Seconds in the backend, failed attempts included.
        stages_s: Seconds by stage, of a backend that knows them.
        peak_memory_bytes: Resident, of its process.
        peak_device_memory_bytes: Allocated on the GPU; None without one.
        fits: Clips that fit into the device's memory at once; None when all batches did.
    """

    device: str = "cpu"
    warm_up_s: float = 0.0
    busy_s: float = 0.0
    stages_s: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    peak_device_memory_bytes: int | None = None
    fits: int | None = None


class Recogniser:
    """Is a backend with the patience to try again: nothing that it raises for a clip gets out."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._fits: int | None = None
        self._is_too_long = False  # whether a clip did not fit alone
        self._warm_up_s: float | None = None
        self._busy_s = 0.0
        self._stages_before: Mapping[str, float] = {}

    def identity(self) -> Identity:
        """Return who the backend is.

        Raises:
            HarnessError: It cannot be started.
        """
        return checked_identity(self._backend)

    def warm_up(self) -> None:
        """Load the backend, once, on half a second of silence, so that nothing measured includes it.

        Raises:
            HarnessError: The backend says that it cannot work at all: its weights cannot be had.
        """
        if self._warm_up_s is None:
            self._warm_up_s = self._warmed_up()

    def recognise(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        """Return what was heard in each waveform, in batches that fit; warm up before the first.

        Raises:
            HarnessError: As `warm_up` does.
        """
        self.warm_up()
        fitted, self._is_too_long = self._fits, False
        heard = self._in_parts(waveforms)
        if self._is_too_long:  # one clip that never fits says nothing of how many others do
            self._fits = fitted
        return heard

    def _in_parts(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        heard: list[Heard] = []
        while len(heard) < len(waveforms):
            n_at_once = self._fits or len(waveforms)
            heard += self._tried(waveforms[len(heard) : len(heard) + n_at_once])
        return heard

    def spent(self) -> Spent:
        """Return what was used since the warm-up."""
        before = self._stages_before
        return Spent(
            device=device(),
            warm_up_s=self._warm_up_s or 0.0,
            busy_s=self._busy_s,
            stages_s={name: seconds - before.get(name, 0.0) for name, seconds in self._stages_s().items()},
            peak_memory_bytes=peak_memory_bytes(),
            peak_device_memory_bytes=_peak_device_memory_bytes(),
            fits=self._fits,
        )

    def close(self) -> None:
        """End what the backend started."""
        if isinstance(self._backend, Closing):
            self._backend.close()

    def _warmed_up(self) -> float:
        """Return the seconds that it took to get ready."""
        started = time.perf_counter()
        try:
            self._backend.transcribe([np.zeros(int(_WARM_UP_S * SAMPLE_RATE), dtype=np.float32)])
        except HarnessError:
            raise
        except (Exception, SystemExit) as error:  # silence is no fair test: what matters is the clips
            log.warning("the backend failed on half a second of silence before the first clip: %s", in_words(error))
        self._stages_before = self._stages_s()
        return time.perf_counter() - started

    def _stages_s(self) -> dict[str, float]:
        told = self._backend.stage_seconds() if isinstance(self._backend, Staged) else {}
        return {str(name): float(seconds) for name, seconds in told.items() if isfinite(seconds)}

    def _tried(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        """Return what was heard; too much for the memory is halved, another failure is looked for clip by clip."""
        started = time.perf_counter()
        try:
            return self._asked(waveforms)
        except (Exception, SystemExit) as error:  # whatever a recogniser raises is a failure of the clip, not the run
            seconds, reason, is_memory = time.perf_counter() - started, in_words(error), _is_out_of_memory(error)
        if len(waveforms) == 1:
            self._is_too_long |= is_memory
            return [Heard(None, reason, processing_s=seconds, latency_s=seconds)]
        if is_memory:  # after the except block, which keeps the failed batch's frames and so its tensors alive
            self._fits = len(waveforms) // 2
            log.warning("%d clips do not fit the memory, going on with %d: %s", len(waveforms), self._fits, reason)
            _free_device_memory()
            return self._in_parts(waveforms)
        log.warning("a batch of %d failed and is retried clip by clip: %s", len(waveforms), reason)
        return [heard for waveform in waveforms for heard in self._tried([waveform])]

    def _asked(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        started = time.perf_counter()
        try:
            copies = [waveform.copy() for waveform in waveforms]  # a retry hears the same
            transcripts = check_transcripts(self._backend, self._backend.transcribe(copies), n_waveforms=len(copies))
        finally:
            seconds = time.perf_counter() - started
            self._busy_s += seconds
        return list(_timed(waveforms, transcripts, seconds))


def peak_memory_bytes() -> int:
    """Return the most memory that this process had resident."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere (getrusage(2))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _timed(
    waveforms: Sequence[Waveform], transcripts: Sequence[Transcript | Failure], seconds: float
) -> Iterator[Heard]:
    """Share the seconds of a batch in proportion to the audio."""
    total = sum(map(len, waveforms))
    for waveform, transcript in zip(waveforms, transcripts, strict=True):
        share_s = seconds * (len(waveform) / total if total else 1 / len(waveforms))
        latency_s = seconds if transcript.latency_s is None else _finite(transcript.latency_s)
        cost_usd = None if transcript.cost_usd is None else _finite(transcript.cost_usd)
        if isinstance(transcript, Failure):
            yield Heard(None, on_one_line(transcript.reason), share_s, latency_s, cost_usd=cost_usd)
            continue
        if len(transcript.text) > MAX_CHARACTERS:
            raise ValueError(f"a transcript of {len(transcript.text)} characters; expected at most {MAX_CHARACTERS}")
        yield Heard(encodable(transcript.text), None, share_s, latency_s, _word_times(transcript), cost_usd)


def _word_times(transcript: Transcript) -> tuple[HypothesisWord, ...] | None:
    if transcript.words is None:
        return None
    return tuple(
        HypothesisWord(
            encodable(word.text),
            _finite(word.start_s),
            _finite(word.end_s),
            None if word.confidence is None else _finite(word.confidence),
        )
        for word in transcript.words
    )


def _finite(value: float) -> float:
    """Return a plain float, whatever kind of number a backend gives.

    Raises:
        ValueError: It is not finite.
    """
    if not isfinite(value):
        raise ValueError(f"the backend gave {value} for a time, a confidence or a cost; expected a finite number")
    return float(value)


def _is_out_of_memory(error: BaseException) -> bool:
    """Say whether the device's or the machine's memory was too small; torch and CTranslate2 say it in these words."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def _free_device_memory() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _peak_device_memory_bytes() -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_allocated())
