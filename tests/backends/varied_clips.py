"""Clips to hear alone and in a batch, for every backend that pads."""

import numpy as np

from harness.audio import SAMPLE_RATE, Waveform, read_waveform
from harness.backends.tones import synthesise
from tests.shared import DATA


def varied_clips() -> list[Waveform]:
    """Clips of very different lengths and levels, real speech among them where there is some."""
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE // 10).astype(np.float32)
    generated = [synthesise("zero nine one"), 0.01 * synthesise("three"), synthesise("seven two " * 20), 0.1 * noise]
    speech = DATA / "speech" / "jfk.flac"
    if not speech.exists():
        murmur = np.random.default_rng(1).standard_normal(3 * SAMPLE_RATE).astype(np.float32).cumsum(dtype=np.float32)
        return [*generated, 0.002 * murmur, synthesise("two four one")[:7000] + 0.001 * murmur[:7000]]
    return [*generated, read_waveform(speech, offset_s=0.3, duration_s=4.0), read_waveform(speech, offset_s=8.0)]
