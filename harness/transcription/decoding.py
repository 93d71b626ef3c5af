"""An utterance in, its waveform out, or the reason why there is none: a broken recording never shortens a corpus."""

import time
from dataclasses import dataclass

from harness.audio import SAMPLE_RATE, Waveform, read_waveform
from harness.corpus import Utterance
from harness.transcription.words import in_words


@dataclass(frozen=True, slots=True)
class Decoded:
    """Is a clip ready for recognition, or the reason why it is not.

    Attributes:
        utterance: Which clip.
        waveform: As `audio` gives it; None when it could not be decoded.
        error: Why not; None when it could.
        seconds: What decoding took.
    """

    utterance: Utterance
    waveform: Waveform | None
    error: str | None = None
    seconds: float = 0.0

    @property
    def audio_s(self) -> float | None:
        """Return the seconds of audio; None when it could not be decoded."""
        return None if self.waveform is None else len(self.waveform) / SAMPLE_RATE


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
