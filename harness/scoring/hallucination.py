"""Normalised texts and their alignment go in, signs of invented text per utterance come out, each a true or false.

None is proof: they choose what a person should read. Koenecke et al., "Careless Whisper" (FAccT 2024) found wholly
invented phrases in about 1 % of transcripts, more of them the longer the pauses of the speaker.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.scoring.alignment import UtteranceCounts

INSERTION_RUN = 4  # consecutive inserted words
LENGTH_RATIO = 2  # words of the hypothesis per word of the reference; above
MINIMUM_REFERENCE_WORDS = 3  # below, one misheard word is a large ratio
WORD_REPEATS = 5  # more in the hypothesis than in the reference, of one word
PHRASE_REPEATS = 3  # the same, of 2 to 8 words
LONGEST_PHRASE = 8  # words
COMPRESSION_RATIO = 2.4  # characters per zlib byte, Whisper's own threshold; above

# Compression grows with length: 600 correct words of conversation reach 3.0. A loop stands out from its reference.
_COMPRESSION_EXCESS = 2
_SHORTEST_COMPRESSIBLE = 27  # characters: zlib writes at least 11 bytes for as many, and 26 / 11 is below 2.4


def hallucination_flags(
    references: Sequence[str], hypotheses: Sequence[str], words: UtteranceCounts, failed: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Build a row an utterance of bool columns, False throughout for a failed one: nothing was recognised.

    Columns: `hallucination_non_speech_insertion` (words on an empty reference), `hallucination_insertion_run`,
    `hallucination_length_ratio`, `hallucination_loop`, `hallucination` (any of these), and apart from them
    `empty_output` (no word for a reference of three or more).
    """
    n_reference, n_hypothesis = words.reference_length, words.hypothesis_length
    is_long_enough = n_reference >= MINIMUM_REFERENCE_WORDS
    flags = pd.DataFrame(
        {
            "hallucination_non_speech_insertion": (n_reference == 0) & (n_hypothesis > 0),
            "hallucination_insertion_run": words.longest_insertion_run >= INSERTION_RUN,
            "hallucination_length_ratio": is_long_enough & (n_hypothesis > LENGTH_RATIO * n_reference),
            "hallucination_loop": [
                reference != hypothesis and is_loop(reference, hypothesis)
                for reference, hypothesis in zip(references, hypotheses, strict=True)
            ],
        },
        dtype=bool,
    )
    flags["hallucination"] = flags.any(axis="columns")
    flags["empty_output"] = is_long_enough & (n_hypothesis == 0) & ~failed
    return flags


def is_loop(reference: str, hypothesis: str) -> bool:
    """Say whether the hypothesis says something over and over that the reference does not.

    >>> is_loop("thank you", "thank you thank you thank you thank you")
    True
    >>> is_loop("no no no no no no no", "no no no no no no")
    False
    """
    return _repeats_a_phrase(reference, hypothesis) or _compresses(reference, hypothesis)


def consecutive_repeats(words: Sequence[str], length: int) -> int:
    """Count how often a phrase of `length` words follows itself at once, at most; 0 when none does.

    >>> consecutive_repeats("a b a b a b".split(), 2)
    2
    """
    longest = run = 0
    for word, earlier in zip(words[length:], words, strict=False):
        run = run + 1 if word == earlier else 0
        longest = max(longest, run)
    return longest // length


def compression_ratio(text: str) -> float:
    """Divide the characters of a text by the bytes of its zlib compression; a repetitive one has a high ratio.

    Characters, not bytes: a script of three bytes a letter is not a loop.

    >>> round(compression_ratio("Thank you for watching."), 3)
    0.742
    """
    return len(text) / len(zlib.compress(text.encode(errors="surrogatepass")))


def _repeats_a_phrase(reference: str, hypothesis: str) -> bool:
    words = hypothesis.split()
    if len(words) - len(set(words)) < PHRASE_REPEATS:
        return False
    reference_words = reference.split()
    return any(
        consecutive_repeats(words, length) - consecutive_repeats(reference_words, length)
        >= (WORD_REPEATS if length == 1 else PHRASE_REPEATS)
        for length in range(1, LONGEST_PHRASE + 1)
    )


def _compresses(reference: str, hypothesis: str) -> bool:
    if len(hypothesis) < _SHORTEST_COMPRESSIBLE:
        return False
    ratio = compression_ratio(hypothesis)
    return ratio > COMPRESSION_RATIO and ratio > _COMPRESSION_EXCESS * compression_ratio(reference)
