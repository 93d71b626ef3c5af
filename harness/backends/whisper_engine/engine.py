"""Waveforms in, texts out: clips up to 30 s together, windows of longer ones together, each as if it were alone."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.audio.waveform import Waveform
from harness.backends.weights import Stopwatch
from harness.backends.whisper_engine.features import (
    WINDOW_FRAMES,
    WINDOW_SAMPLES,
    log_mels,
    long_log_mel,
    padded_window,
)
from harness.backends.whisper_engine.listener import Decoding, Listener
from harness.backends.whisper_engine.records import Window
from harness.backends.whisper_engine.windows import LongClip

if TYPE_CHECKING:
    import torch
    from whisper.model import Whisper as WhisperModel


class Engine:
    """Hears clips with one model.

    Args:
        model: whisper's, on its device; its linear layers and convolutions are put into `dtype` in place.
        dtype: What to compute in.
        decoding: How to decode.
        language: The code of the language; None detects it clip by clip.
        max_batch_clips: The most windows heard at once.
        stopwatch: Told the seconds spent on `features`, `encoder` and `decoder`.
    """

    def __init__(
        self,
        model: "WhisperModel",
        dtype: "torch.dtype",
        *,
        decoding: Decoding,
        language: str | None,
        max_batch_clips: int,
        stopwatch: Stopwatch,
    ) -> None:
        self._listener = Listener(model, dtype, decoding=decoding, stopwatch=stopwatch)
        self._device = model.device
        self._n_mels = int(model.dims.n_mels)
        self._frames_per_timestamp = WINDOW_FRAMES // int(model.dims.n_audio_ctx)
        self._language = language
        self._max_batch_clips = max_batch_clips
        self._stopwatch = stopwatch

    def texts(self, waveforms: Sequence[Waveform]) -> list[str]:
        """Returns what is heard in each waveform; clips of like length are heard together."""
        import torch

        by_length = sorted(range(len(waveforms)), key=lambda place: len(waveforms[place]))
        n_short = sum(len(waveform) <= WINDOW_SAMPLES for waveform in waveforms)
        texts: dict[int, str] = {}
        with torch.inference_mode():
            for start in range(0, n_short, self._max_batch_clips):
                batch = by_length[start : min(start + self._max_batch_clips, n_short)]
                texts |= zip(batch, self._short_texts([waveforms[place] for place in batch]), strict=True)
            texts |= self._long_texts({place: waveforms[place] for place in by_length[n_short:]})
        return [texts[place] for place in range(len(waveforms))]

    def _short_texts(self, waveforms: Sequence[Waveform]) -> list[str]:
        with self._stopwatch.stage("features"):
            mels = log_mels(waveforms, n_mels=self._n_mels, device=self._device)
        windows = [
            Window(mel=mel, seed=_digest(waveform), language=self._language)
            for mel, waveform in zip(mels, waveforms, strict=True)
        ]
        return [self._listener.text(heard) for heard in self._listener.heard(windows)]

    def _long_texts(self, waveforms: dict[int, Waveform]) -> Iterator[tuple[int, str]]:
        """Hears the next windows of several clips at once; where a clip ends, the next one takes its place."""
        waiting = list(waveforms)
        current: dict[int, LongClip] = {}
        while waiting or current:
            while waiting and len(current) < self._max_batch_clips:
                place = waiting.pop()
                current[place] = self._long_clip(waveforms[place])
            clips = list(current.values())
            for clip, heard in zip(clips, self._listener.heard([clip.window() for clip in clips]), strict=True):
                clip.advance(heard)
            yield from ((place, clip.text) for place, clip in current.items() if clip.ended)
            current = {place: clip for place, clip in current.items() if not clip.ended}

    def _long_clip(self, waveform: Waveform) -> LongClip:
        with self._stopwatch.stage("features"):
            mel = long_log_mel(waveform, n_mels=self._n_mels, device=self._device)
        language = self._language or self._listener.language(padded_window(mel[:, :WINDOW_FRAMES]))
        return LongClip(
            mel,
            _digest(waveform),
            language,
            tokenizer=self._listener.tokenizer(language),
            frames_per_timestamp=self._frames_per_timestamp,
        )


def _digest(waveform: Waveform) -> bytes:
    return hashlib.sha256(waveform.tobytes()).digest()
