"""Dimensions in, who is in each of their slices out: people, hours, words, and how unevenly people share them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.bootstrap import divide
from harness.fairness.described.coded import Coded, Floats
from harness.fairness.membership import Membership, everybody, membership
from harness.fairness.sparse_sums import column_of_cells, per_column
from harness.fairness.speaker_sums import WORD_COUNTS, slice_sums

SUPPORT_COLUMNS = (
    "dimension", "slice", "n_speakers", "n_utterances", "n_without_speaker", "hours", "n_without_duration", "words",
    "words_per_speaker", "largest_share", "effective_speakers",
)  # fmt: skip
PLANNED_COLUMNS = ("detectable_gap", "gap_asked", "power", "n_speakers_needed", "note")


def support_table(
    frame: pd.DataFrame, them: Coded, by: Sequence[str], *, orders: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Count people, utterances, hours and words of everybody and of every slice.

    Args:
        frame: As `Manifest.frame`.
        them: The same, coded.
        by: Dimensions: attributes (`accent`), intersections (`accent & gender`), or `language`.
        orders: Order of the values of an attribute.

    Returns:
        One row a slice with SUPPORT_COLUMNS; the first row is everybody. `n_speakers` counts those with an id, `hours`
        are of utterances whose length is stated (NaN: of none). `words_per_speaker` is the mean over speakers who said
        a word, `largest_share` the share of the slice's words by whom most are from, `effective_speakers` how many
        people with as many words each would tell as much: (sum w)^2 / sum w^2 (Kish 1965). NaN without a speaker id.

    Raises:
        UsageError: The manifest has no such attribute.
    """
    words = pd.DataFrame({name: them.words if name == "hits" else 0 for name in WORD_COUNTS})
    parts = [everybody(frame)]
    tables = [_rows(them, words, parts[0])]
    tables += [_rows(them, words, membership(frame, name, orders=orders)) for name in by]
    return pd.concat(tables, ignore_index=True)


def people_table(support: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """Join what slices have with what they could show.

    Args:
        support: As made by `support_table`.
        planned: The table of a plan; its rows of equal groups are of nobody here.

    Returns:
        The rows of `support` with PLANNED_COLUMNS of `harness.fairness.planning`; NaN and "" for slices without a plan.
    """
    kept = planned[["dimension", "slice", *PLANNED_COLUMNS]]
    both = support.merge(kept, on=["dimension", "slice"], how="left", validate="one_to_one")
    return both.assign(note=both["note"].fillna(""))


def _rows(them: Coded, words: pd.DataFrame, part: Membership) -> pd.DataFrame:
    n_slices = len(part.slices)
    sums = slice_sums(words, part, them.speakers)
    of_people = sums.slices.speakers < sums.n_ids
    starts, said = sums.slices.starts, np.where(of_people, sums.slices.sums[1], 0.0)
    named, squares, n_heard = per_column(starts, np.stack([said, said**2, of_people & (said > 0)]))
    largest = np.zeros(n_slices)
    np.maximum.at(largest, column_of_cells(starts), said)

    def total(values: npt.NDArray[Any]) -> Floats:
        weights = values[part.rows].astype(np.float64)
        return np.bincount(part.codes, weights=weights, minlength=n_slices).astype(np.float64)

    n_utterances = np.bincount(part.codes, minlength=n_slices)
    n_without = total(np.isnan(them.duration_s)).astype(np.int64)
    hours = total(np.nan_to_num(them.duration_s)) / 3600
    n_words = total(them.words)
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "n_speakers": sums.n_named,
            "n_utterances": n_utterances,
            "n_without_speaker": total(them.speakers < 0).astype(np.int64),
            "hours": np.where(n_without == n_utterances, np.nan, hours),
            "n_without_duration": n_without,
            "words": n_words.astype(np.int64),
            "words_per_speaker": divide(named, n_heard),
            "largest_share": np.where(n_heard > 0, divide(largest, n_words), np.nan),
            "effective_speakers": divide(named**2, squares),
        }
    )[list(SUPPORT_COLUMNS)]
