"""Pairs of normalised texts go in, hits, substitutions, deletions and insertions per utterance come out.

The counts are jiwer's, taken from rapidfuzz, its engine, without the alignments that nobody reads; where alignments are
shown they are jiwer's own. Texts are words separated by single spaces. An empty reference makes every word of the
hypothesis an insertion, an empty hypothesis every word of the reference a deletion, and two empty texts count nothing:
no text is ever replaced.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import jiwer
import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

CountArray = npt.NDArray[np.int64]
WordRun: TypeAlias = tuple[str, int]  # a kind, and the number of words

EQUAL, SUBSTITUTED, DELETED, INSERTED = "esdi"
_KINDS = {"equal": EQUAL, "substitute": SUBSTITUTED, "delete": DELETED, "insert": INSERTED}

# Alignments live no longer than their chunk: kept for a million utterances they take 2.6 GB, and already with a
# thousand alive Python's cycle collector doubles the time.
_PAIRS_PER_CALL = 100


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts words or characters; addable, because counts travel and rates are derived last.

    >>> ErrorCounts(hits=8, substitutions=1, deletions=0, insertions=0) + ErrorCounts(0, 0, 1, 2)
    ErrorCounts(hits=8, substitutions=1, deletions=1, insertions=2)
    """

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """Counts the edits that turn the reference into the hypothesis."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def reference_length(self) -> int:
        """Counts the words or characters of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def error_rate(self) -> float:
        """Divides errors by the reference's length: a fraction, above 1 with many insertions, NaN for no reference."""
        return self.errors / self.reference_length if self.reference_length else math.nan


@dataclass(frozen=True, slots=True)
class UtteranceCounts:
    """Holds the counts of many utterances, each an array of shape (n_utterances,).

    `longest_insertion_run` is the largest number of insertions that stand together in the alignment.
    """

    hits: CountArray
    substitutions: CountArray
    deletions: CountArray
    insertions: CountArray
    longest_insertion_run: CountArray

    @property
    def reference_length(self) -> CountArray:
        """Counts the words or characters of each reference."""
        return self.hits + self.substitutions + self.deletions  # (n_utterances,)

    @property
    def hypothesis_length(self) -> CountArray:
        """Counts the words or characters of each hypothesis."""
        return self.hits + self.substitutions + self.insertions  # (n_utterances,)

    def at(self, index: int) -> ErrorCounts:
        """Return the counts of one utterance."""
        return ErrorCounts(
            int(self.hits[index]),
            int(self.substitutions[index]),
            int(self.deletions[index]),
            int(self.insertions[index]),
        )

    def total(self) -> ErrorCounts:
        """Return the counts of all utterances together."""
        return ErrorCounts(
            int(self.hits.sum()), int(self.substitutions.sum()), int(self.deletions.sum()), int(self.insertions.sum())
        )


def word_counts(references: Sequence[str], hypotheses: Sequence[str]) -> UtteranceCounts:
    """Count words of each pair of texts.

    >>> word_counts(["the monitor is off", ""], ["a monitor off", "thank you"]).total()
    ErrorCounts(hits=2, substitutions=1, deletions=1, insertions=2)
    """
    return _counts(references, hypotheses, str.split)


def character_counts(references: Sequence[str], hypotheses: Sequence[str]) -> UtteranceCounts:
    """Count characters of each pair of texts, the single spaces between words among them.

    >>> character_counts(["scan"], ["can"]).at(0)
    ErrorCounts(hits=3, substitutions=0, deletions=1, insertions=0)
    """
    return _counts(references, hypotheses, str)


def errors_by_place(references: Sequence[str], hypotheses: Sequence[str]) -> CountArray:
    """Return where the word errors of each pair of texts stand, one pair after the other.

    A reference of n words has 2 n + 1 places: before its first word, the first word, between the first and the second,
    and so on. A word's place counts 1 where it was substituted or deleted, a place between words its insertions.

    Returns:
        (n_places,) with the sum of 2 n + 1 over the references.

    >>> errors_by_place(["turn it off", ""], ["turn that off please", "hm"]).tolist()
    [0, 0, 0, 1, 0, 0, 1, 1]
    """
    _check_lengths(references, hypotheses)
    n_places = np.array([2 * _n_words(reference) + 1 for reference in references], dtype=np.int64)
    errors = np.zeros(int(n_places.sum()), dtype=np.int64)
    first_places = np.cumsum(n_places) - n_places  # (n_utterances,)
    differing = [i for i, pair in enumerate(zip(references, hypotheses, strict=True)) if pair[0] != pair[1]]
    pairs = ([texts[i] for i in differing] for texts in (references, hypotheses))
    for row, chunks in zip(differing, _alignments(*pairs), strict=True):
        _mark(errors[first_places[row] : first_places[row] + n_places[row]], chunks)
    return errors


def word_runs(references: Sequence[str], hypotheses: Sequence[str]) -> list[list[WordRun]]:
    """Return the alignment of each pair of texts as runs of words of one kind, to be shown.

    >>> word_runs(["turn it off"], ["turn that off please"])
    [[('e', 1), ('s', 1), ('e', 1), ('i', 1)]]
    """
    _check_lengths(references, hypotheses)
    return [[_run(chunk) for chunk in chunks] for chunks in _alignments(references, hypotheses)]


def _run(chunk: jiwer.AlignmentChunk) -> WordRun:
    n_words = max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
    return _KINDS[chunk.type], n_words


def _alignments(references: Sequence[str], hypotheses: Sequence[str]) -> Iterator[Sequence[jiwer.AlignmentChunk]]:
    """Yield jiwer's word alignment of each pair."""
    split = jiwer.ReduceToListOfListOfWords()
    for start in range(0, len(references), _PAIRS_PER_CALL):
        aligned = jiwer.process_words(
            list(references[start : start + _PAIRS_PER_CALL]),
            list(hypotheses[start : start + _PAIRS_PER_CALL]),
            reference_transform=split,
            hypothesis_transform=split,
        )
        yield from aligned.alignments


def _mark(places: CountArray, alignment: Iterable[jiwer.AlignmentChunk]) -> None:
    """Write the errors of one pair into its places."""
    for chunk in alignment:
        if chunk.type == "insert":
            places[2 * chunk.ref_start_idx] += chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "equal":
            places[2 * chunk.ref_start_idx + 1 : 2 * chunk.ref_end_idx : 2] = 1


def _counts(
    references: Sequence[str], hypotheses: Sequence[str], units: Callable[[str], Sequence[str]]
) -> UtteranceCounts:
    """Count the units that texts are made of."""
    _check_lengths(references, hypotheses)
    counts = np.zeros((5, len(references)), dtype=np.int64)
    differing = []
    for i, (reference, hypothesis) in enumerate(zip(references, hypotheses, strict=True)):
        if reference == hypothesis:
            counts[0, i] = len(units(reference))
        else:
            differing.append(i)
    for start in range(0, len(differing), _PAIRS_PER_CALL):
        rows = differing[start : start + _PAIRS_PER_CALL]
        counts[:, rows] = _count([units(references[i]) for i in rows], [units(hypotheses[i]) for i in rows])
    return UtteranceCounts(*counts)


def _count(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> CountArray:
    """Count pairs of sequences, (5, n_pairs) in the order of `UtteranceCounts`.

    Errors less the difference of the lengths are the substitutions and twice the smaller one of deletions and
    insertions. Where that is 0 or 1 the distance says everything, and no alignment is made.
    """
    errors = np.fromiter(map(Levenshtein.distance, references, hypotheses), np.int64)  # (n_pairs,)
    n_reference, n_hypothesis = (np.fromiter(map(len, each), np.int64) for each in (references, hypotheses))
    longer = n_hypothesis - n_reference
    substitutions = errors - np.abs(longer)
    deletions, insertions = np.maximum(-longer, 0), np.maximum(longer, 0)
    run = insertions.copy()
    for row in np.flatnonzero((substitutions > 1) | (insertions > 1)).tolist():
        edits = Levenshtein.editops(references[row], hypotheses[row]).as_list()
        kinds = [edit[0] for edit in edits]
        deletions[row] = kinds.count("delete")
        insertions[row] = n_insertions = kinds.count("insert")
        substitutions[row] = kinds.count("replace")
        # Before one word of the reference, insertions stand together: nothing else is between them.
        run[row] = n_insertions if n_insertions < 2 else max(Counter(e[1] for e in edits if e[0] == "insert").values())
    return np.array([n_reference - substitutions - deletions, substitutions, deletions, insertions, run])


def _check_lengths(references: Sequence[str], hypotheses: Sequence[str]) -> None:
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references and {len(hypotheses)} hypotheses; expected one for one")


def _n_words(text: str) -> int:
    return len(text.split())
