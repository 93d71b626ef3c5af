"""Utterances and recognisers in, hypotheses on disk out: batched, cached, resumable, nothing lost."""

from harness.transcription.cache import CacheOptions, TranscriptCache
from harness.transcription.executors import ExecutorOptions, recognisers
from harness.transcription.sessions import Session
from harness.transcription.store import Hypothesis, HypothesisStore
from harness.transcription.transcribe import Transcribed, transcribe

__all__ = [
    "CacheOptions",
    "ExecutorOptions",
    "Hypothesis",
    "HypothesisStore",
    "Session",
    "Transcribed",
    "TranscriptCache",
    "recognisers",
    "transcribe",
]
