"""Scores in, what each utterance loses out: word errors, never more than the words that were said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """Holds the utterances that questions are asked about; the development half has the same form.

    Attributes:
        frame: Declared columns only, one row an utterance, index 0..n-1.
        speakers: Codes 0..n_speakers-1, (n,).
        words: Reference words, (n,).
        errors: Clipped errors of the base and of every alternative, (n,) each.
    """

    frame: pd.DataFrame
    speakers: Ints
    words: Ints
    errors: Mapping[str, Ints]


def clipped_errors(scores: pd.DataFrame) -> pd.Series:
    """Return min(S + D + I, N) of each utterance, with the index of the scores.

    The loss of an utterance is this over N, so it lies in [0, 1], and the utterance weighs N: a hypothesis that goes
    on and on costs no more than an empty one, and an utterance in which nothing was said weighs nothing.
    """
    words = scores["hits"] + scores["substitutions"] + scores["deletions"]
    errors = scores["substitutions"] + scores["deletions"] + scores["insertions"]
    return errors.clip(upper=words).astype(np.int64)
