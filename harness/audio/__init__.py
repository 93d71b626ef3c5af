"""Recordings in, mono 16 kHz float32 waveforms out."""

from harness.audio.waveform import SAMPLE_RATE, AudioHeader, Waveform, audio_duration_s, audio_header, read_waveform

__all__ = ["SAMPLE_RATE", "AudioHeader", "Waveform", "audio_duration_s", "audio_header", "read_waveform"]
