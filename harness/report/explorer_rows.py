"""Scores in, the utterances worth reading out, most worth first: so many of each sort that a page can carry.

Taken are the worst overall and the worst of every slice, clips that failed, and some without an error, so that a reader
also sees what goes right. Sorts take turns, in the proportions below, until a page is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.membership import Membership

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SEED = 0  # of the order of what is drawn
WITH_ERRORS, FAILED, CORRECT = 0, 1, 2  # the sorts of an utterance
_OVERALL = np.array([100, 50, 10])  # taken of a sort a turn
_PER_SLICE = np.array([2, 1, 0.25])  # the same of each slice


@dataclass(frozen=True, slots=True)
class Sample:
    """Says what is sure to be among the first utterances of a ranking, and of how many.

    Attributes:
        worst: Those with the most errors overall, that many.
        failed: Of the clips that failed, that many; drawn where it is not all.
        correct: Of those without an error, that many, drawn.
        worst_of_slice: Of every slice the worst, that many or all there are.
        failed_of_slice: The same of those that failed.
        correct_of_slice: The same of those without an error.
        n_with_errors: Of the run.
        n_failed: Of the run.
        n_correct: Of the run.
    """

    worst: int
    failed: int
    correct: int
    worst_of_slice: int
    failed_of_slice: int
    correct_of_slice: int
    n_with_errors: int
    n_failed: int
    n_correct: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Orders utterances by how much they are worth reading.

    Attributes:
        order: (n_utterances,) positions in the scores, most worth first.
        turns: (n_utterances,) in which turn the utterance at that position is taken, rising with `order`.
        sizes: (3,) utterances of each sort.
    """

    order: Ints
    turns: Floats
    sizes: Ints

    def first(self, n_rows: int) -> Sample | None:
        """Return what is sure to be among the first `n_rows`; None where that is every one."""
        if n_rows >= len(self.order):
            return None
        done = self.turns[self.order[n_rows]]  # every earlier turn is whole
        overall = np.minimum(np.ceil(done * _OVERALL), self.sizes).astype(np.int64)
        of_slice = np.minimum(np.ceil(done * _PER_SLICE), self.sizes).astype(np.int64)
        return Sample(*overall.tolist(), *of_slice.tolist(), *self.sizes.tolist())


def ranking(scores: pd.DataFrame, parts: Sequence[Membership]) -> Ranking:
    """Order the utterances of some scores; `parts` are the dimensions of whose every slice some are taken."""
    sorts = _sorts(scores)
    ranks = _ranks(scores, sorts)
    turns = ranks / _OVERALL[sorts]
    for part in parts:
        within = _within(part.codes * len(_PER_SLICE) + sorts[part.rows], ranks[part.rows])
        np.minimum.at(turns, part.rows, within / _PER_SLICE[sorts[part.rows]])
    return Ranking(np.lexsort((ranks, sorts, turns)), turns, np.bincount(sorts, minlength=len(_OVERALL)))


def errors_of(scores: pd.DataFrame) -> Ints:
    """Return the word errors of each utterance."""
    return _sum(scores, ["substitutions", "deletions", "insertions"])


def words_of(scores: pd.DataFrame) -> Ints:
    """Return the reference words of each utterance."""
    return _sum(scores, ["hits", "substitutions", "deletions"])


def _sum(scores: pd.DataFrame, names: list[str]) -> Ints:
    total: Ints = scores[names].to_numpy(np.int64).sum(axis=1)
    return total


def _sorts(scores: pd.DataFrame) -> Ints:
    sorts = np.where(errors_of(scores) > 0, WITH_ERRORS, CORRECT)
    return np.where(scores["failed"].to_numpy(bool), FAILED, sorts).astype(np.int64)


def _ranks(scores: pd.DataFrame, sorts: Ints) -> Ints:
    """Return each utterance's place in its sort: by errors, then by error rate; drawn where it failed or is correct."""
    errors = errors_of(scores)
    rates = errors / np.maximum(words_of(scores), 0.5)  # an insertion where nothing was said is worse than any word
    drawn = np.random.default_rng(SEED).permutation(len(scores))
    is_ranked = sorts == WITH_ERRORS
    first = np.where(is_ranked, -errors, drawn)
    return _within(sorts, first, np.where(is_ranked, -rates, 0))


def _within(groups: Ints, *keys: npt.NDArray[np.generic]) -> Ints:
    """Return the place of each row in its group, from 0, by the keys and then by position."""
    order = np.lexsort((*reversed(keys), groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(ordered)])
    places = np.empty(len(groups), np.int64)
    places[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return places
