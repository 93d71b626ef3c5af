"""Scores in, word errors and reference words per speaker and slice out: what all evidence is computed from.

Cost downstream depends on speakers and slices, never on utterances.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import Membership
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Floats, SparseSums, starts_of

Ints = npt.NDArray[np.int64]

MOST_CELLS = 20_000_000  # speakers times slices of a dimension that are held in full; each takes about 100 bytes
WORD_COUNTS = ("hits", "substitutions", "deletions", "insertions")
CHARACTER_COUNTS = ("character_hits", "character_substitutions", "character_deletions", "character_insertions")


@dataclass(frozen=True, slots=True)
class SliceSums:
    """Holds word errors and reference words per speaker and slice of a dimension, of who is there.

    An utterance without a speaker id belongs to one further, unnamed speaker: what is not known to be independent is
    not counted as if it were.
    """

    slices: SparseSums  # present: has words or errors there; who only kept silent is no evidence
    declared: Floats  # (3, n_speakers) errors, words, presence over utterances in declared slices, once each
    n_named: Ints  # (n_slices,) speakers with an id
    n_ids: int  # rows that are speakers with an id; the unnamed one comes after them
    n_heard: Ints  # (n_slices,) of them, those who have words or errors there


def checked_scores(scores: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the columns needed, checked, with failures counted as the policy says.

    Raises:
        UsageError: A needed column is absent or holds what is not a count.
    """
    missing = [name for name in ("utterance_id", "speaker_id", *WORD_COUNTS) if name not in scores.columns]
    if missing:
        raise UsageError(f"the scores lack {missing}; expected at least utterance_id, speaker_id and {WORD_COUNTS}.")
    counted = scores.reset_index(drop=True)
    failed = counted["failed"].astype(bool) if "failed" in counted else pd.Series(False, index=counted.index)
    names = [*WORD_COUNTS, *(name for name in CHARACTER_COUNTS if name in counted)]
    for name in names:
        values = pd.to_numeric(counted[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.all(np.isfinite(values) & (values >= 0) & (values == np.floor(values))):
            raise UsageError(f"scores column {name!r} holds something other than counts; expected integers >= 0.")
    keep = ~failed if policy.failures is Failures.left_out else pd.Series(True, index=counted.index)
    counts = {name: counted[name].where(keep, 0).astype(np.int64) for name in names}
    return counted.assign(failed=failed, **counts)


def speaker_codes(scores: pd.DataFrame) -> Ints:
    """Number the speakers from 0 in sorted order; utterances without a speaker id ("" is none) share the number -1."""
    ids = scores["speaker_id"].astype(object)
    ids = ids.where(ids.notna() & (ids != ""), None)
    codes, _ = pd.factorize(ids, sort=True)
    return codes.astype(np.int64)


def slice_sums(scores: pd.DataFrame, part: Membership, speakers: Ints) -> SliceSums:
    """Sum errors and words per speaker and slice; the unnamed speaker, when there is one, comes last."""
    n_named, n_slices = int(speakers.max(initial=-1)) + 1, len(part.slices)
    n_speakers = n_named + int((speakers < 0).any())
    numbered = np.where(speakers < 0, n_named, speakers)
    errors, words = _errors_and_words(scores)
    cells, sums = _summed(part.codes * n_speakers + numbered[part.rows], np.stack([errors, words])[:, part.rows])
    columns, people = np.divmod(cells, max(1, n_speakers))
    heard, named = sums.sum(axis=0) > 0, people < n_named
    told = np.zeros(len(scores), dtype=bool)
    told[part.rows[part.declared[part.codes]]] = True
    declared = np.stack(
        [np.bincount(numbered[told], weights=each[told], minlength=n_speakers) for each in (errors, words)]
    )
    return SliceSums(
        slices=SparseSums(
            n_speakers, starts_of(columns[heard], n_slices), people[heard], np.vstack([sums, heard])[:, heard]
        ),
        declared=np.vstack([declared, declared.sum(axis=0) > 0]),
        n_named=np.bincount(columns[named], minlength=n_slices),
        n_ids=n_named,
        n_heard=np.bincount(columns[named & heard], minlength=n_slices),
    )


def sums_of_speakers(scores: pd.DataFrame, speakers: Ints) -> Floats:
    """Return errors and words of every speaker with an id over all their utterances, (2, n_speakers)."""
    named = speakers >= 0
    return np.stack([np.bincount(speakers[named], weights=each[named]) for each in _errors_and_words(scores)])


def refuse_too_many(n_speakers: int, n_slices: int, dimension: str) -> None:
    """Refuse to hold a row for every speaker in every slice when memory could not.

    Raises:
        UsageError: There are more than MOST_CELLS.
    """
    if n_speakers * n_slices > MOST_CELLS:
        raise UsageError(
            f"{dimension} has {n_slices} slices of {n_speakers} speakers: more than fits in memory. Slice by "
            "something with fewer values, or give it bins in the datasheet."
        )


def _summed(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Return the keys that occur, rising, and the sums of their values, (n_values, n_keys)."""
    if keys.max(initial=0) < 10 * len(keys):  # counting is ten times faster than sorting
        cells = np.flatnonzero(np.bincount(keys))
        return cells, np.stack([np.bincount(keys, weights=row)[cells] for row in values])
    cells, positions = np.unique(keys, return_inverse=True)
    return cells, np.stack([np.bincount(positions, weights=row) for row in values])


def _errors_and_words(scores: pd.DataFrame) -> tuple[Floats, Floats]:
    hits, substitutions, deletions, insertions = (scores[name].to_numpy(np.float64) for name in WORD_COUNTS)
    return substitutions + deletions + insertions, hits + substitutions + deletions
