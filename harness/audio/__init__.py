"""Recordings in, mono 16 kHz float32 waveforms out."""

from harness.audio.waveform import SAMPLE_RATE, Waveform, audio_duration_s, read_waveform

__all__ = ["SAMPLE_RATE", "Waveform", "audio_duration_s", "read_waveform"]
