"""Batches of clips and a backend in, hypotheses out: decoding runs ahead of recognition on threads of its own."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite

import numpy as np

from harness.audio import SAMPLE_RATE, Waveform, read_waveform
from harness.backends import Backend, Transcript, check_transcripts
from harness.corpus import Utterance
from harness.errors import HarnessError, UsageError
from harness.transcription.store import CLEAN, Hypothesis, HypothesisWord

log = logging.getLogger(__name__)

MAX_CHARACTERS = 100_000  # of a transcript: two hours of speech; more is a runaway decoder, and takes hours to align
_WARM_UP_S = 0.5  # seconds of silence that load the backend before anything is timed


@dataclass(kw_only=True)
class ExecutorOptions:
    """Says how clips are batched and decoded.

    Attributes:
        batch_size: Clips handed to the backend at once, and the most that a kill can cost.
        decode_threads: Threads that decode audio ahead of recognition.
        prefetch_batches: Decoded batches that may wait; bounds memory.
        retry_failed: Whether clips that failed before are tried again.
        max_consecutive_failures: So many clips that the backend fails on, one after the other, stop the run.
    """

    batch_size: int = 16
    decode_threads: int = 2
    prefetch_batches: int = 2
    retry_failed: bool = False
    max_consecutive_failures: int = 100

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("batch_size", "decode_threads", "prefetch_batches", "max_consecutive_failures"):
            if getattr(self, name) < 1:
                raise UsageError(f"executor.{name}={getattr(self, name)}; expected 1 or more.")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Is a clip ready for recognition, or the reason why it is not."""

    utterance: Utterance
    waveform: Waveform | None
    error: str | None = None

    @property
    def audio_s(self) -> float | None:
        """Return the seconds of audio; None when it could not be decoded."""
        return None if self.waveform is None else len(self.waveform) / SAMPLE_RATE


def warm_up(backend: Backend) -> float:
    """Load the backend on half a second of silence, so that nothing measured includes it; return the seconds.

    Raises:
        HarnessError: The backend says that it cannot work at all, e.g. its weights cannot be had.
    """
    started = time.perf_counter()
    try:
        backend.transcribe([np.zeros(int(_WARM_UP_S * SAMPLE_RATE), dtype=np.float32)])
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # silence is no fair test: what matters is the clips
        log.warning("the backend failed on half a second of silence before the first clip: %s", _words(error))
    return time.perf_counter() - started


def run_local(
    batches: Sequence[Sequence[Utterance]], backend: Backend, options: ExecutorOptions
) -> Iterator[list[Hypothesis]]:
    """Yield the hypotheses of each batch, in order, while the next batches are being decoded."""
    with ThreadPoolExecutor(options.decode_threads, thread_name_prefix="decode") as threads:
        waiting: deque[list[Future[Decoded]]] = deque()
        upcoming = iter(batches)
        try:
            for batch in upcoming:
                waiting.append([threads.submit(decode, utterance) for utterance in batch])
                if len(waiting) > options.prefetch_batches:
                    yield recognise([clip.result() for clip in waiting.popleft()], backend)
            while waiting:
                yield recognise([clip.result() for clip in waiting.popleft()], backend)
        finally:
            threads.shutdown(cancel_futures=True)


def decode(utterance: Utterance) -> Decoded:
    """Decode a clip; what cannot be decoded becomes a failed clip with its reason, never a shorter corpus."""
    if utterance.audio_filepath is None:
        return Decoded(utterance, None, "AudioError: the manifest names no audio_filepath")
    try:
        waveform = read_waveform(utterance.audio_filepath, offset_s=utterance.offset_s, duration_s=utterance.duration_s)
    except Exception as error:  # an untrusted file: whatever its decoding raises is this clip's failure
        return Decoded(utterance, None, _words(error))
    return Decoded(utterance, waveform)


def recognise(batch: Sequence[Decoded], backend: Backend) -> list[Hypothesis]:
    """Return one hypothesis per clip; a batch that fails is retried clip by clip."""
    decoded = [clip for clip in batch if clip.waveform is not None]
    heard = {clip.utterance.utterance_id: hypothesis for clip, hypothesis in _recognised(decoded, backend)}
    return [
        heard.get(clip.utterance.utterance_id) or Hypothesis(clip.utterance.utterance_id, CLEAN, None, error=clip.error)
        for clip in batch
    ]


def _recognised(clips: Sequence[Decoded], backend: Backend) -> list[tuple[Decoded, Hypothesis]]:
    if not clips:
        return []
    started = time.perf_counter()
    try:
        waveforms = [clip.waveform.copy() for clip in clips if clip.waveform is not None]  # a retry hears the same
        transcripts = check_transcripts(backend, backend.transcribe(waveforms), n_waveforms=len(waveforms))
        hypotheses = list(_timed(clips, transcripts, time.perf_counter() - started))
    except (Exception, SystemExit) as error:  # whatever a recogniser raises is a failure of the clip, not of the run
        if len(clips) > 1:
            log.warning("a batch of %d failed and is retried clip by clip: %s", len(clips), _words(error))
            return [pair for clip in clips for pair in _recognised([clip], backend)]
        seconds = time.perf_counter() - started
        return [(clips[0], _failure(clips[0], error, seconds))]
    return list(zip(clips, hypotheses, strict=True))


def _timed(clips: Sequence[Decoded], transcripts: Sequence[Transcript], seconds: float) -> Iterator[Hypothesis]:
    """Share the seconds of a batch in proportion to the audio."""
    total_s = sum(clip.audio_s or 0.0 for clip in clips)
    for clip, transcript in zip(clips, transcripts, strict=True):
        if len(transcript.text) > MAX_CHARACTERS:
            raise ValueError(f"a transcript of {len(transcript.text)} characters; expected at most {MAX_CHARACTERS}")
        share = (clip.audio_s or 0.0) / total_s if total_s else 1 / len(clips)
        yield Hypothesis(
            clip.utterance.utterance_id,
            CLEAN,
            _encodable(transcript.text),
            audio_s=clip.audio_s,
            processing_s=seconds * share,
            words=_word_times(transcript),
        )


def _word_times(transcript: Transcript) -> tuple[HypothesisWord, ...] | None:
    if transcript.words is None:
        return None
    return tuple(
        HypothesisWord(
            _encodable(word.text),
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
        raise ValueError(f"a word has {value}; expected a finite time or confidence")
    return float(value)


def _failure(clip: Decoded, error: BaseException, seconds: float) -> Hypothesis:
    return Hypothesis(
        clip.utterance.utterance_id, CLEAN, None, error=_words(error), audio_s=clip.audio_s, processing_s=seconds
    )


def _encodable(text: str) -> str:
    """Return a text that any file can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _words(error: BaseException) -> str:
    """Return the kind of error and its message, on one line."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # an error that cannot say what it is
        message = "(no message)"
    return _encodable(f"{type(error).__name__}: {message}"[:500])
