"""Utterances and a condition in, what a recogniser is given out, or why there is nothing: no corpus gets shorter."""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from harness.audio import SAMPLE_RATE, Waveform, read_waveform
from harness.audio.conditions import Condition, Conditioned, apply_batch, conditioned, seed_of, stretch_of
from harness.corpus import Utterance
from harness.transcription.store import CLEAN
from harness.transcription.words import in_words

log = logging.getLogger(__name__)

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Batch:
    """Is what is heard at once: utterances under one condition.

    Attributes:
        utterances: Which.
        condition: What is done to their audio; None: nothing.
        key: What tells the condition from every other in the cache.
    """

    utterances: Sequence[Utterance]
    condition: Condition | None = None
    key: str = CLEAN


@dataclass(frozen=True, slots=True)
class Decoded:
    """Is a clip ready for recognition, or the reason why it is not.

    Attributes:
        utterance: Which clip.
        waveform: As `audio` gives it, under the condition; None when it could not be decoded.
        error: Why not; None when it could.
        seconds: What decoding took, and the condition.
        condition: Its name.
        key: What tells the condition from every other in the cache.
        applied: What the condition did to this clip, by name.
        stretch: How much longer the waveform is than what was recorded.
    """

    utterance: Utterance
    waveform: Waveform | None
    error: str | None = None
    seconds: float = 0.0
    condition: str = CLEAN
    key: str = CLEAN
    applied: Mapping[str, float] = field(default_factory=dict)
    stretch: float = 1.0

    @property
    def audio_s(self) -> float | None:
        """Return the seconds of audio; None when it could not be decoded."""
        return None if self.waveform is None else len(self.waveform) / SAMPLE_RATE


class Decoders:
    """Decodes batches on threads; conditions that follow one another share what was decoded for the first."""

    def __init__(self, n_threads: int, *, device: str = CPU) -> None:
        self.threads = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")
        self.device = device
        self._key = ""
        self._waiting: dict[str, Future[Decoded]] = {}  # of the last batch, before its condition

    def submit(self, batch: Batch) -> list[Future[Decoded]]:
        """Begin to decode a batch.

        A clip waits in its thread for its decoding, which stands before it in the line and so cannot wait for it.
        """
        known = {} if batch.key == self._key else self._waiting
        self._key = batch.key
        self._waiting = {
            each.utterance_id: known.get(each.utterance_id) or self.threads.submit(decode, each)
            for each in batch.utterances
        }
        decoded = [
            self.threads.submit(_once_more, self._waiting[each.utterance_id])
            if each.utterance_id in known
            else self._waiting[each.utterance_id]
            for each in batch.utterances
        ]
        if batch.condition is None:
            return decoded
        if self.device == CPU:
            return [self.threads.submit(_under, batch.condition, batch.key, each) for each in decoded]
        together = self.threads.submit(all_under, batch.condition, batch.key, decoded, device=self.device)
        return [self.threads.submit(_one_of, together, place) for place in range(len(decoded))]


def decode(utterance: Utterance) -> Decoded:
    """Decode a clip; what cannot be decoded becomes a failed clip with its reason."""
    if utterance.audio_filepath is None:
        return Decoded(utterance, None, "AudioError: the manifest names no audio_filepath")
    started = time.perf_counter()
    try:
        waveform = read_waveform(utterance.audio_filepath, offset_s=utterance.offset_s, duration_s=utterance.duration_s)
    except Exception as error:  # an untrusted file: whatever its decoding raises is this clip's failure
        return Decoded(utterance, None, in_words(error), time.perf_counter() - started)
    return Decoded(utterance, waveform, None, time.perf_counter() - started)


def all_under(condition: Condition, key: str, decoding: Sequence[Future[Decoded]], *, device: str) -> list[Decoded]:
    """Apply a condition to a batch on a device; where that fails, clip by clip: only the clip at fault fails then."""
    clips = [replace(each.result(), condition=condition.name, key=key) for each in decoding]
    audible = {place: clip.waveform for place, clip in enumerate(clips) if clip.waveform is not None}
    rngs = [seed_of(clips[place].utterance.utterance_id, condition) for place in audible]
    started = time.perf_counter()
    try:
        changed = apply_batch(condition, list(audible.values()), rngs, device=device)
    except Exception as error:  # one clip's, or the device's: alone, on the CPU, each says what is wrong with it
        log.warning("condition %s is applied clip by clip: %s", condition.name, in_words(error))
        return [_under(condition, key, each) for each in decoding]
    seconds = (time.perf_counter() - started) / max(1, len(audible))
    for place, each in zip(audible, changed, strict=True):
        clips[place] = _changed(clips[place], each, condition, seconds)
    return clips


def _once_more(decoding: Future[Decoded]) -> Decoded:
    """Return a clip that was decoded for another condition, which it took its seconds for."""
    return replace(decoding.result(), seconds=0.0)


def _one_of(together: Future[list[Decoded]], place: int) -> Decoded:
    return together.result()[place]


def _under(condition: Condition, key: str, decoding: Future[Decoded]) -> Decoded:
    """Apply a condition to a decoded clip; one that it cannot be applied to fails with the reason."""
    clip = replace(decoding.result(), condition=condition.name, key=key)
    if clip.waveform is None:
        return clip
    started = time.perf_counter()
    try:
        changed = conditioned(condition, clip.waveform, rng=seed_of(clip.utterance.utterance_id, condition))
    except Exception as error:  # of a third party's condition too: whatever it raises is this clip's failure
        seconds = clip.seconds + time.perf_counter() - started
        return replace(clip, waveform=None, error=in_words(error), seconds=seconds)
    return _changed(clip, changed, condition, time.perf_counter() - started)


def _changed(clip: Decoded, changed: Conditioned, condition: Condition, seconds: float) -> Decoded:
    return replace(
        clip,
        waveform=changed.waveform,
        seconds=clip.seconds + seconds,
        applied=changed.facts,
        stretch=stretch_of(condition),
    )
