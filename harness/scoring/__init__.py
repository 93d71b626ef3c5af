"""Texts and the manifest they answer go in, error counts per utterance come out: normalise, align, count, flag."""

from harness.scoring.alignment import ErrorCounts, UtteranceCounts, character_counts, word_counts
from harness.scoring.hallucination import hallucination_flags
from harness.scoring.normalization import (
    ByLanguage,
    LowercaseNoPunctuation,
    Normalizer,
    Verbatim,
    WhisperBasic,
    WhisperEnglish,
)
from harness.scoring.score import score
from harness.scoring.transcripts import read_hypotheses

__all__ = [
    "ByLanguage",
    "ErrorCounts",
    "LowercaseNoPunctuation",
    "Normalizer",
    "UtteranceCounts",
    "Verbatim",
    "WhisperBasic",
    "WhisperEnglish",
    "character_counts",
    "hallucination_flags",
    "read_hypotheses",
    "score",
    "word_counts",
]
