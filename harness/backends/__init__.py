"""Waveforms in, transcripts out; a backend never sees what was said, by whom or under which condition."""

from harness.backends.base import (
    Backend,
    Failure,
    Identity,
    Transcript,
    Word,
    check_transcripts,
    check_waveforms,
    checked_identity,
)
from harness.backends.pocketsphinx import PocketSphinx
from harness.backends.tones import Tones
from harness.backends.whisper import Whisper

__all__ = [
    "Backend",
    "Failure",
    "Identity",
    "PocketSphinx",
    "Tones",
    "Transcript",
    "Whisper",
    "Word",
    "check_transcripts",
    "check_waveforms",
    "checked_identity",
]
