"""Decoded clips, a worker and a cache in, a hypothesis for each clip out, and what the cache should keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.transcription.cache import TranscriptCache, waveform_digest
from harness.transcription.caching.rows import CachedTranscript
from harness.transcription.decoding import Decoded
from harness.transcription.recognition import Heard
from harness.transcription.store import CLEAN, Hypothesis
from harness.transcription.words import in_words
from harness.transcription.workers import RecogniserLostError, Worker


@dataclass(frozen=True, slots=True)
class Done:
    """Is a batch with a hypothesis for every clip.

    Attributes:
        hypotheses: In the batch's order.
        new: What the cache does not have yet, by the digest of the audio.
        decode_s: Seconds that the decoding took, of whichever thread.
        waited_s: Seconds that the worker waited for it.
    """

    hypotheses: list[Hypothesis]
    new: Mapping[str, CachedTranscript]
    decode_s: float
    waited_s: float


def hear(clips: Sequence[Decoded], worker: Worker, cache: TranscriptCache | None, *, waited_s: float) -> Done:
    """Return a hypothesis for each clip: from the cache, from the worker, or the reason why there is no audio.

    Raises:
        HarnessError: As `Worker.recognise` does.
    """
    audible = {place: clip.waveform for place, clip in enumerate(clips) if clip.waveform is not None}
    digests = {place: waveform_digest(waveform) for place, waveform in audible.items()} if cache else {}
    found = cache.find(list(digests.values()), condition=CLEAN) if cache else []
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
        decode_s=sum(clip.seconds for clip in clips),
        waited_s=waited_s,
    )


def failed(clip: Decoded, lost: RecogniserLostError) -> Done:
    """Return the failure of a clip over which a recogniser was lost twice, the second time alone."""
    heard = Heard(None, in_words(lost), processing_s=lost.seconds, latency_s=lost.seconds)
    return Done([_hypothesis(clip, None, heard)], new={}, decode_s=0.0, waited_s=0.0)


def _hypothesis(clip: Decoded, known: CachedTranscript | None, heard: Heard | None) -> Hypothesis:
    name = clip.utterance.utterance_id
    if known is not None:
        return Hypothesis(name, CLEAN, known.text, audio_s=clip.audio_s, words=known.words, cached=True)
    if heard is None:
        return Hypothesis(name, CLEAN, None, error=clip.error)
    return Hypothesis(
        name,
        CLEAN,
        heard.text,
        error=heard.error,
        audio_s=clip.audio_s,
        processing_s=heard.processing_s,
        words=heard.words,
        latency_s=heard.latency_s,
        cost_usd=heard.cost_usd,
    )
