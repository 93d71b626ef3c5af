"""Scores in, the slice table out: counts summed per slice, rates with speaker-clustered intervals."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Floats, Interval, divide, resample_weights, sparse_rate_intervals
from harness.fairness.membership import Membership, as_list, everybody, membership
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import per_column, side_by_side
from harness.fairness.speaker_sums import (
    CHARACTER_COUNTS,
    WORD_COUNTS,
    Ints,
    SliceSums,
    checked_scores,
    slice_sums,
    speaker_codes,
)
from harness.fairness.speed import clip_seconds, rtfx

log = logging.getLogger(__name__)

SLICE_COLUMNS = (
    "dimension", "slice", "n_utterances", "n_speakers", "n_failed", "reference_words", *WORD_COUNTS, "wer", "wer_low",
    "wer_high", "cer", "speaker_mean_wer", "hallucination_rate", "rtfx", "note",
)  # fmt: skip


def slice_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Sum the counts of every slice and give its word error rate with an interval.

    Args:
        scores: One row an utterance: utterance_id, speaker_id, the attributes, hits, substitutions, deletions and
            insertions; optionally failed, character counts, hallucination, audio_s, processing_s.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Level of the intervals, resamples and the rule for failures; the default policy when None.
        rng: Draws the resamples; seed 0 when None.
        orders: Order of the values of an attribute; others are sorted by name. Undeclared and declined come last.

    Returns:
        One row a slice with SLICE_COLUMNS. The first row is everybody. Rates are fractions; NaN where there is no
        reference word. Intervals are speaker-clustered, at 1 - alpha; NaN below two speakers, where `note` says so.

    Raises:
        UsageError: A dimension or a needed column is not in the scores.
    """
    policy = policy or Policy()
    rng = rng or np.random.default_rng(0)
    counted = checked_scores(scores, policy)
    speakers = speaker_codes(counted)
    parts = [everybody(counted)] + [membership(counted, name, orders=orders) for name in as_list(by)]
    sums = [slice_sums(counted, part, speakers) for part in parts]
    together = side_by_side([each.slices for each in sums])
    weights = resample_weights(together.n_speakers, policy.n_resamples, rng)
    start_s = time.perf_counter()
    intervals = iter(sparse_rate_intervals(together, weights=weights, confidence=1 - policy.alpha))
    elapsed_s = time.perf_counter() - start_s
    log.info("%d intervals of %d speakers in %.1f s", together.n_columns, together.n_speakers, elapsed_s)
    tables = [
        _rows(counted, part, each, list(islice(intervals, len(part.slices))))
        for part, each in zip(parts, sums, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def _rows(scores: pd.DataFrame, part: Membership, sums: SliceSums, intervals: Sequence[Interval]) -> pd.DataFrame:
    n_slices = len(part.slices)
    heard = zip(intervals, sums.n_named, sums.n_heard, strict=True)
    intervals = [_of_named(interval, int(n_named), int(n_heard)) for interval, n_named, n_heard in heard]

    def total(name: str) -> Ints:
        weights = scores[name].to_numpy(np.float64)[part.rows]
        return np.bincount(part.codes, weights=weights, minlength=n_slices).astype(np.int64)

    n_utterances = np.bincount(part.codes, minlength=n_slices)
    counts = {name: total(name) for name in WORD_COUNTS}
    reference_words = counts["hits"] + counts["substitutions"] + counts["deletions"]
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "n_utterances": n_utterances,
            "n_speakers": sums.n_named,
            "n_failed": total("failed"),
            "reference_words": reference_words,
            **counts,
            "wer": divide(errors, reference_words),
            "wer_low": [interval.low for interval in intervals],
            "wer_high": [interval.high for interval in intervals],
            "cer": _character_error_rate(scores, total, n_slices),
            "speaker_mean_wer": _speaker_mean(sums),
            "hallucination_rate": _share(scores, part, "hallucination", n_slices),
            "rtfx": rtfx(clip_seconds(scores), part),
            "note": [interval.note for interval in intervals],
        }
    )[list(SLICE_COLUMNS)]


def _character_error_rate(scores: pd.DataFrame, total: Callable[[str], Ints], n_slices: int) -> Floats:
    if any(name not in scores for name in CHARACTER_COUNTS):
        return np.full(n_slices, np.nan)
    hits, substitutions, deletions, insertions = (total(name) for name in CHARACTER_COUNTS)
    return divide(substitutions + deletions + insertions, hits + substitutions + deletions)


def _speaker_mean(sums: SliceSums) -> Floats:
    """Return the mean WER over named speakers with reference words: each counts once; NaN without any."""
    errors, words, _ = sums.slices.sums
    counted = (sums.slices.speakers < sums.n_ids) & (words > 0)
    rates = np.where(counted, divide(errors, words), 0)
    total, n_counted = per_column(sums.slices.starts, np.stack([rates, counted]))
    return divide(total, n_counted)


def _share(scores: pd.DataFrame, part: Membership, flag: str, n_slices: int) -> Floats:
    """Return the share of scored utterances that carry a flag."""
    if flag not in scores:
        return np.full(n_slices, np.nan)
    scored = ~scores["failed"].to_numpy(bool)[part.rows]
    flagged = scores[flag].to_numpy(bool)[part.rows] & scored
    return divide(
        np.bincount(part.codes, weights=flagged, minlength=n_slices),
        np.bincount(part.codes, weights=scored, minlength=n_slices),
    )


def _of_named(interval: Interval, n_named: int, n_heard: int) -> Interval:
    """Withhold the interval where fewer than two speakers with an id were heard: the unnamed may be the one who was."""
    if not n_named:
        return Interval(np.nan, np.nan, "no speaker ids: no interval")
    if n_heard >= 2 or np.isnan(interval.low):
        return interval
    return Interval(np.nan, np.nan, f"{n_heard} speaker: no interval")
