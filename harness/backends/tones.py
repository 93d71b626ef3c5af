"""Generated tones in, the digits they stand for out: a toy recogniser to try conditions, pipelines and tests with.

Ten words are ten frequencies, each softer than the one before, so that added noise takes the words one after the other:
exact on clean audio and through an 8 kHz telephone, a little wrong at 10 dB, deaf well below 0 dB.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Identity, Transcript, Word, check_waveforms
from harness.errors import UsageError

VOCABULARY = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FREQUENCIES_HZ = np.array([600.0 + 250.0 * position for position in range(10)])  # (n_words,), in the telephone band
AMPLITUDES = 0.5 * 10 ** (-1.5 * np.arange(10) / 20)  # (n_words,): each word is 1.5 dB softer than the one before

TONE_S = 0.1
GAP_S = 0.05
RAMP_S = 0.005  # raised cosine at both ends of a tone, so that it stays in its band

_FRAME = 320  # samples: 20 ms, wide enough to tell tones 250 Hz apart
_HOP = 80  # samples: 5 ms
_TONALITY = 0.5  # share of a frame's energy that a tone must hold to be heard
_FLOOR_DB = -40.0  # below a clip's loudest frame a frame is silent
_SHORTEST = 10  # frames: 50 ms, half a tone


class Tones:
    """Recognises the words that `synthesise` speaks."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns the words whose tones stand out of each waveform."""
        check_waveforms("Tones", waveforms)
        return [_transcript(waveform) for waveform in waveforms]

    def identity(self) -> Identity:
        """Returns the toy's version; it has no weights and no options."""
        return {"backend": "tones", "version": 1}


def synthesise(text: str) -> Waveform:
    """Speaks digits as tones: 50 ms of silence, then each word 100 ms long and 50 ms of silence.

    Raises:
        UsageError: when a word is not one of the ten.
    """
    unknown = [word for word in text.split() if word not in VOCABULARY]
    if unknown:
        raise UsageError(
            f"Tones cannot speak {', '.join(map(repr, unknown))}; expected words of {' '.join(VOCABULARY)}"
        )
    gap = np.zeros(round(GAP_S * SAMPLE_RATE), dtype=np.float32)
    spoken = [part for word in text.split() for part in (_tone(VOCABULARY.index(word)), gap)]
    return np.concatenate([gap, *spoken])  # (num_samples,)


def _tone(position: int) -> Waveform:
    num_samples, num_ramp = round(TONE_S * SAMPLE_RATE), round(RAMP_S * SAMPLE_RATE)
    envelope = np.ones(num_samples)
    envelope[:num_ramp] = 0.5 - 0.5 * np.cos(np.pi * np.arange(num_ramp) / num_ramp)
    envelope[-num_ramp:] = envelope[:num_ramp][::-1]
    phase = 2 * np.pi * FREQUENCIES_HZ[position] * np.arange(num_samples) / SAMPLE_RATE
    tone: Waveform = (AMPLITUDES[position] * envelope * np.sin(phase)).astype(np.float32)
    return tone


def _transcript(waveform: Waveform) -> Transcript:
    words = tuple(_words(_tonality(waveform)))
    return Transcript(text=" ".join(word.text for word in words), words=words)


def _tonality(waveform: Waveform) -> npt.NDArray[np.float64]:
    """Returns each word's share of each frame's energy, `(n_frames, n_words)` in [0, 1]; 0 where a frame is silent."""
    padded = np.pad(waveform.astype(np.float64), _FRAME)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]  # (n_frames, frame)
    window = np.hanning(_FRAME)
    probes = np.exp(-2j * np.pi * np.outer(np.arange(_FRAME), FREQUENCIES_HZ) / SAMPLE_RATE)  # (frame, n_words)
    heard = 2 * np.abs((frames * window) @ probes) ** 2 * (window**2).sum() / window.sum() ** 2  # (n_frames, n_words)
    energy = ((frames * window) ** 2).sum(axis=1, keepdims=True)  # (n_frames, 1)
    silent = energy <= max(energy.max() * 10 ** (_FLOOR_DB / 10), 1e-12)
    return np.where(silent, 0.0, heard / np.where(silent, 1.0, energy))


def _words(tonality: npt.NDArray[np.float64]) -> Iterator[Word]:
    """Yields a word for every run of frames, long enough, in which the same tone stands out."""
    best = np.where(tonality.max(axis=1) > _TONALITY, tonality.argmax(axis=1), -1)  # (n_frames,), -1 where none
    start = 0
    for position, run in groupby(best.tolist()):
        stop = start + len(list(run))
        if position >= 0 and stop - start >= _SHORTEST:
            yield Word(
                text=VOCABULARY[position],
                start_s=max(0.0, (start * _HOP - _FRAME / 2) / SAMPLE_RATE),
                end_s=(stop * _HOP - _FRAME / 2) / SAMPLE_RATE,
                confidence=float(min(1.0, tonality[start:stop, position].mean())),
            )
        start = stop
