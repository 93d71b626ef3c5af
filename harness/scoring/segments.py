"""Two alignments of one reference in, the stretches between words that both got right out, with the errors of each.

What recognisers get wrong comes in runs, one error calling the next. Between two words in a row that both systems have
right it starts anew, so that the errors of a segment may be taken as independent of the next one's (Gillick and Cox,
ICASSP 1989, section 3; segmented as NIST's SCTK does, which counts two such words and the ends of an utterance).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.scoring.alignment import CountArray, errors_by_place

MIN_GOOD = 2  # words right in both systems that end a segment, NIST's default


@dataclass(frozen=True, slots=True)
class Segments:
    """Holds the word errors of two systems, segment by segment."""

    baseline_errors: CountArray  # (n_segments,)
    candidate_errors: CountArray  # (n_segments,)


def segments(
    references: Sequence[str], baseline: Sequence[str], candidate: Sequence[str], *, min_good: int = MIN_GOOD
) -> Segments:
    """Cut utterances where both systems have at least `min_good` words in a row right, and count what lies between.

    Texts are words separated by single spaces. Every error is in one segment; what both have right is in none.

    Args:
        references: What was said, (n_utterances,).
        baseline: What one system heard, (n_utterances,).
        candidate: What the other heard, (n_utterances,).
        min_good: Words in a row that end a segment; at least 1. An insertion between two of them parts them.

    >>> found = segments(["a b c d e", "f"], ["x b c d e y", "f"], ["a b c d", "f"])
    >>> found.baseline_errors.tolist(), found.candidate_errors.tolist()
    ([1, 1], [0, 1])
    """
    if min_good < 1:
        raise ValueError(f"min_good={min_good}; expected at least 1 word")
    first, second = errors_by_place(references, baseline), errors_by_place(references, candidate)
    utterance, is_word = _places(references)
    wrong = np.flatnonzero(first + second)  # (n_wrong,) places
    right_before = np.cumsum(is_word & (first + second == 0))[wrong]  # words right in both up to there
    apart = np.diff(right_before, prepend=0) >= min_good
    starts = apart | (np.diff(utterance[wrong], prepend=-1) > 0)
    segment = np.cumsum(starts) - 1
    return Segments(
        *(
            np.bincount(segment, weights=errors[wrong], minlength=int(starts.sum())).astype(np.int64)
            for errors in (first, second)
        )
    )


def _places(references: Sequence[str]) -> tuple[CountArray, CountArray]:
    """Return the utterance that every place belongs to, and 1 where it is a word and 0 between words."""
    n_places = np.array([2 * len(reference.split()) + 1 for reference in references], dtype=np.int64)
    utterance = np.repeat(np.arange(len(references), dtype=np.int64), n_places)
    within = np.arange(len(utterance)) - np.repeat(np.cumsum(n_places) - n_places, n_places)
    return utterance, within % 2
