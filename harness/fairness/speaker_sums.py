"""Scores in, word errors and reference words per speaker and slice out: what all evidence is computed from.

Cost downstream depends on speakers and slices, never on utterances.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats
from harness.fairness.membership import Membership
from harness.fairness.policy import Failures, Policy

Ints = npt.NDArray[np.int64]

MOST_CELLS = 20_000_000  # speakers times slices of a dimension; each takes about 100 bytes on the way
WORD_COUNTS = ("hits", "substitutions", "deletions", "insertions")
CHARACTER_COUNTS = ("character_hits", "character_substitutions", "character_deletions", "character_insertions")


@dataclass(frozen=True, slots=True)
class SpeakerSums:
    """Holds word errors and reference words per speaker and slice of a dimension.

    An utterance without a speaker id belongs to one further, unnamed speaker: what is not known to be independent is
    not counted as if it were.
    """

    errors: Floats  # (n_speakers, n_slices)
    words: Floats  # (n_speakers, n_slices)
    present: Bools  # (n_speakers, n_slices) has words or errors there: who only kept silent is no evidence
    declared_errors: Floats  # (n_speakers,) over every utterance in a declared slice, once each
    declared_words: Floats  # (n_speakers,)
    outside: Bools  # (n_speakers, n_slices) has words or errors in declared slices outside this one
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


def speaker_sums(scores: pd.DataFrame, part: Membership, speakers: Ints) -> SpeakerSums:
    """Sum errors and words per speaker and slice; the unnamed speaker, when there is one, comes last."""
    n_named = int(speakers.max(initial=-1)) + 1
    n_speakers, n_slices = n_named + int((speakers < 0).any()), len(part.slices)
    if n_speakers * n_slices > MOST_CELLS:
        raise UsageError(
            f"{part.dimension} has {n_slices} slices of {n_speakers} speakers: more than fits in memory. Slice by "
            "something with fewer values, or give it bins in the datasheet."
        )
    numbered = np.where(speakers < 0, n_named, speakers)
    hits, substitutions, deletions, insertions = (scores[name].to_numpy(np.float64) for name in WORD_COUNTS)
    errors, words = substitutions + deletions + insertions, hits + substitutions + deletions
    cells = numbered[part.rows] * n_slices + part.codes

    def per_cell(weights: Floats | None) -> Floats:
        picked = None if weights is None else weights[part.rows]
        counts = np.bincount(cells, weights=picked, minlength=n_speakers * n_slices)
        return counts.reshape(n_speakers, n_slices).astype(np.float64)

    told = np.zeros(len(scores), dtype=bool)
    told[part.rows[part.declared[part.codes]]] = True
    errors_here, words_here = per_cell(errors), per_cell(words)
    errors_told, words_told = (
        np.bincount(numbered[told], weights=each[told], minlength=n_speakers).astype(np.float64)
        for each in (errors, words)
    )
    heard = errors_here + words_here
    return SpeakerSums(
        errors=errors_here,
        words=words_here,
        present=heard > 0,
        declared_errors=errors_told,
        declared_words=words_told,
        outside=(errors_told + words_told)[:, None] > np.where(part.declared, heard, 0),
        n_ids=n_named,
        n_named=(per_cell(None)[:n_named] > 0).sum(axis=0),
        n_heard=(heard[:n_named] > 0).sum(axis=0),
    )
