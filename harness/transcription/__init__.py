"""Utterances and a backend in, hypotheses on disk out: batched, resumable, nothing lost."""

from harness.transcription.executors import ExecutorOptions
from harness.transcription.store import Hypothesis, HypothesisStore
from harness.transcription.transcribe import Transcribed, transcribe

__all__ = ["ExecutorOptions", "Hypothesis", "HypothesisStore", "Transcribed", "transcribe"]
