"""Scores and cells in, what every speaker contributes to every cell out, bounded so that one changes at most UNIT.

Why adding or removing one speaker changes a vector of sums by at most UNIT steps: a contribution is a function of that
speaker's own utterances and of public numbers alone; it is a whole number, 0 or more; and the contributions of a
speaker to all cells of a dimension add up to at most UNIT (or, where speakers are counted and the noise is Gaussian,
have at most that Euclidean length). The order of rows, a seed and other speakers have no part in it. Whoever has more
than a cap is scaled and not cut: all their utterances count, none has to be chosen, and their WER stays what it is.
"""

from dataclasses import dataclass, field
from math import isqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError
from harness.fairness.privacy.declared import Cells
from harness.fairness.privacy.mechanisms import UNIT
from harness.fairness.privacy.options import ReleaseMethod
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, speaker_codes

Floats = npt.NDArray[np.float64]

_MOST_CAPS = 9  # that an amount is taken for: its steps times UNIT fit into 64 bits
_MOST_WORDS = 1_000_000  # of an utterance that are counted, and as many errors
_LARGEST_COUNT = 2**61  # three of them fit into 64 bits


@dataclass(frozen=True, slots=True)
class Pairs:
    """Holds the word errors and reference words of every speaker in every cell they are in; exact, so never shown."""

    n_cells: int
    speakers: Ints = field(repr=False)  # (n_pairs,)
    cells: Ints = field(repr=False)  # (n_pairs,)
    errors: Ints = field(repr=False)  # (n_pairs,)
    words: Ints = field(repr=False)  # (n_pairs,)

    def those(self, kept: npt.NDArray[np.bool_]) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.n_cells, self.speakers[kept], self.cells[kept], self.errors[kept], self.words[kept])

    def sums(self, contributions: Ints) -> list[int]:
        """Return the sum of contributions, (n_pairs,), to every cell; exact."""
        sums = np.zeros(self.n_cells, dtype=np.int64)
        np.add.at(sums, self.cells, contributions)
        return [int(each) for each in sums]


def named_speakers(scores: pd.DataFrame) -> Ints:
    """Number the speakers.

    Raises:
        DataError: An utterance has no speaker id.
    """
    speakers = speaker_codes(scores)
    if (speakers < 0).any():
        raise DataError(
            "some utterances have no speaker id: whoever said them cannot be protected, for nobody knows which others "
            "are theirs. Give them ids, or leave them out of the release."
        )
    return speakers


def pairs_of(scores: pd.DataFrame, cells: Cells, speakers: Ints) -> Pairs:
    """Sum errors and words of every speaker in every cell.

    Args:
        scores: As returned by `checked_scores`.
        cells: Of these scores.
        speakers: As returned by `named_speakers`.
    """
    hits, substitutions, deletions, insertions = (
        np.clip(scores[name].to_numpy(np.int64), 0, _LARGEST_COUNT) for name in WORD_COUNTS
    )
    errors = np.minimum(substitutions + deletions + insertions, _MOST_WORDS)
    words = np.minimum(hits + substitutions + deletions, _MOST_WORDS)  # of the sum: what is misheard leaves it alone
    keys = speakers[cells.rows] * len(cells.names) + cells.codes
    found, positions = np.unique(keys, return_inverse=True)
    sums = [np.zeros(len(found), dtype=np.int64) for _ in range(2)]
    for total, each in zip(sums, (errors, words), strict=True):
        np.add.at(total, positions, each[cells.rows])
    people, codes = np.divmod(found, len(cells.names))
    return Pairs(n_cells=len(cells.names), speakers=people, cells=codes, errors=sums[0], words=sums[1])


def per_speaker(values: Ints, pairs: Pairs) -> Ints:
    """Return the sum over all cells of a speaker, for each of their pairs, (n_pairs,)."""
    totals = np.zeros(int(pairs.speakers.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(totals, pairs.speakers, values)
    return totals[pairs.speakers]


def bounded(amounts: Floats, pairs: Pairs) -> Ints:
    """Return amounts, given in caps, in steps; those of a speaker who has more than a cap in all are scaled to it."""
    steps = np.rint(np.clip(np.nan_to_num(amounts), 0, _MOST_CAPS) * UNIT).astype(np.int64)
    return steps * UNIT // np.maximum(per_speaker(steps, pairs), UNIT)


def bounded_shares(shares: Floats, pairs: Pairs, *, n_cells: int, method: ReleaseMethod) -> Ints:
    """Return shares from 0 to 1 in steps; a full one is `full_share` in each of up to `n_cells` cells, less in more."""
    in_cells = np.maximum(per_speaker(np.ones_like(pairs.speakers), pairs), n_cells)
    distinct, positions = np.unique(in_cells, return_inverse=True)
    full = np.array([full_share(int(each), method) for each in distinct], dtype=np.int64)
    return np.rint(np.clip(np.nan_to_num(shares), 0, 1) * UNIT).astype(np.int64) * full[positions] // UNIT


def full_share(n_cells: int, method: ReleaseMethod) -> int:
    """Return the steps that `n_cells` cells of one speaker can take each: their sum, or their length, is UNIT at most.

    >>> full_share(4, ReleaseMethod.laplace), full_share(4, ReleaseMethod.gaussian)
    (250000000, 500000000)
    """
    return isqrt(UNIT**2 // n_cells) if method is ReleaseMethod.gaussian else UNIT // n_cells
