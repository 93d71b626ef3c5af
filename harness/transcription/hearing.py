"""Decoded clips, a worker and a cache in, a hypothesis for each clip out, and what the cache should keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.transcription.cache import TranscriptCache, waveform_digest
from harness.transcription.caching.rows import CachedTranscript
from harness.transcription.decoding import Decoded
from harness.transcription.recognition import Heard
from harness.transcription.store import CLEAN, Hypothesis, HypothesisWord
from harness.transcription.words import in_words
from harness.transcription.workers import RecogniserLostError, Worker


@dataclass(frozen=True, slots=True)
class Done:
    """Is a batch with a hypothesis for every clip.

    Attributes:
        hypotheses: In the batch's order.
        new: What the cache does not have yet, by the digest of the audio.
        key: Under which condition, as the cache knows it.
        decode_s: Seconds that the decoding took, of whichever thread.
        waited_s: Seconds that the worker waited for it.
    """

    hypotheses: list[Hypothesis]
    new: Mapping[str, CachedTranscript]
    key: str
    decode_s: float
    waited_s: float


def hear(clips: Sequence[Decoded], worker: Worker, cache: TranscriptCache | None, *, waited_s: float) -> Done:
    """Return a hypothesis for each clip: from the cache, from the worker, or the reason why there is no audio.

    All clips are under one condition. Cached is what was heard in the very same samples: a condition of another name or
    a later version that leaves them as they are is another condition all the same.

    Raises:
        HarnessError: As `Worker.recognise` does.
    """
    audible = {place: clip.waveform for place, clip in enumerate(clips) if clip.waveform is not None}
    digests = {place: waveform_digest(waveform) for place, waveform in audible.items()} if cache else {}
    key = clips[0].key if clips else CLEAN
    found = cache.find(list(digests.values()), condition=key) if cache else []
    known = {place: each for place, each in zip(digests, found, strict=True) if each is not None}
    unknown = [place for place in audible if place not in known]
    heard = dict(zip(unknown, worker.recognise([audible[place] for place in unknown]), strict=True)) if unknown else {}
    return Done(
        [_hypothesis(clip, known.get(place), heard.get(place)) for place, clip in enumerate(clips)],
        new={
            digests[place]: CachedTranscript(each.text, each.words, clips[place].audio_s or 0.0)
            for place, each in heard.items()
            if place in digests and each.text is not None
        },
        key=key,
        decode_s=sum(clip.seconds for clip in clips),
        waited_s=waited_s,
    )


def failed(clip: Decoded, lost: RecogniserLostError) -> Done:
    """Return the failure of a clip over which a recogniser was lost twice, the second time alone."""
    heard = Heard(None, in_words(lost), processing_s=lost.seconds, latency_s=lost.seconds)
    return Done([_hypothesis(clip, None, heard)], new={}, key=clip.key, decode_s=0.0, waited_s=0.0)


def _hypothesis(clip: Decoded, known: CachedTranscript | None, heard: Heard | None) -> Hypothesis:
    name, applied = clip.utterance.utterance_id, dict(clip.applied) or None
    if known is not None:
        words = _in_recording(known.words, clip.stretch)
        return Hypothesis(
            name, clip.condition, known.text, audio_s=clip.audio_s, words=words, cached=True, applied=applied
        )
    if heard is None:
        return Hypothesis(name, clip.condition, None, error=clip.error)
    return Hypothesis(
        name,
        clip.condition,
        heard.text,
        error=heard.error,
        audio_s=clip.audio_s,
        processing_s=heard.processing_s,
        words=_in_recording(heard.words, clip.stretch),
        latency_s=heard.latency_s,
        cost_usd=heard.cost_usd,
        applied=applied,
    )


def _in_recording(words: tuple[HypothesisWord, ...] | None, stretch: float) -> tuple[HypothesisWord, ...] | None:
    """Tell the times of words in seconds of what was recorded, whatever the condition did to its speed."""
    if words is None or stretch == 1.0:
        return words
    return tuple(replace(word, start=word.start / stretch, end=word.end / stretch) for word in words)
