"""Waveforms in, transcripts out; a backend never sees what was said, by whom or under which condition."""

from harness.backends.base import Backend, Identity, Transcript, Word, check_transcripts, checked_identity
from harness.backends.pocketsphinx import PocketSphinx
from harness.backends.tones import Tones
from harness.backends.whisper import Whisper

__all__ = [
    "Backend",
    "Identity",
    "PocketSphinx",
    "Tones",
    "Transcript",
    "Whisper",
    "Word",
    "check_transcripts",
    "checked_identity",
]
