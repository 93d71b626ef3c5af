"""Scores in, slices out: who belongs to which slice, counts summed per slice and per speaker, the slice table.

Everything downstream works on `SpeakerSums`: cost depends on speakers and slices, never on utterances.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.corpus.attributes import DECLINED, UNDECLARED
from harness.errors import UsageError
from harness.fairness.bootstrap import Interval, rate_intervals, resample_weights
from harness.fairness.policy import Failures, Policy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WORD_COUNTS = ("hits", "substitutions", "deletions", "insertions")
CHARACTER_COUNTS = ("character_hits", "character_substitutions", "character_deletions", "character_insertions")
SLICE_COLUMNS = (
    "dimension", "slice", "n_utterances", "n_speakers", "n_failed", "reference_words", *WORD_COUNTS, "wer", "wer_low",
    "wer_high", "cer", "speaker_mean_wer", "hallucination_rate", "rtfx", "note",
)  # fmt: skip
OVERALL = "overall"  # the dimension whose one slice is everybody
EVERYBODY = "all"
AND = " & "  # joins the names of an intersection, of its dimension and of its slices
_SILENT = frozenset({UNDECLARED, DECLINED})


@dataclass(frozen=True, slots=True)
class Membership:
    """Says which utterances belong to which slice of a dimension.

    An utterance is in one slice, or in several when an attribute is multi-valued.
    """

    dimension: str
    slices: tuple[str, ...]
    declared: npt.NDArray[np.bool_]  # (n_slices,) False where a part is undeclared or declined
    rows: Ints  # (n_memberships,) position of the utterance in the scores
    codes: Ints  # (n_memberships,) position of the slice in `slices`


@dataclass(frozen=True, slots=True)
class SpeakerSums:
    """Holds word errors and reference words per speaker and slice of a dimension.

    An utterance without a speaker id belongs to one further, unnamed speaker: what is not known to be independent is
    not counted as if it were.
    """

    errors: Floats  # (n_speakers, n_slices)
    words: Floats  # (n_speakers, n_slices)
    present: npt.NDArray[
        np.bool_
    ]  # (n_speakers, n_slices) has words or errors there: who only kept silent is no evidence
    declared_errors: Floats  # (n_speakers,) over every utterance in a declared slice, once each
    declared_words: Floats  # (n_speakers,)
    outside: npt.NDArray[np.bool_]  # (n_speakers, n_slices) has words or errors in declared slices outside this one
    n_named: Ints  # (n_slices,) speakers with an id


def dimensions(attributes: Sequence[str], order: int = 1) -> list[str]:
    """Name every attribute and every intersection of up to `order` of them.

    >>> dimensions(["accent", "gender"], 2)
    ['accent', 'gender', 'accent & gender']
    """
    if order < 1:
        raise UsageError(f"intersections={order}; expected 1 (none) or more.")
    return [AND.join(names) for size in range(1, order + 1) for names in combinations(attributes, size)]


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
    parts = [_everybody(counted)] + [membership(counted, name, orders=orders) for name in as_list(by)]
    sums = [speaker_sums(counted, part, speakers) for part in parts]
    errors, words, present = (
        np.hstack([getattr(each, name) for each in sums]) for name in ("errors", "words", "present")
    )
    weights = resample_weights(len(errors), policy.n_resamples, rng)
    intervals = iter(rate_intervals(errors, words, present, weights=weights, confidence=1 - policy.alpha))
    tables = [
        _rows(counted, part, each, list(islice(intervals, len(part.slices))))
        for part, each in zip(parts, sums, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


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


def membership(
    scores: pd.DataFrame, dimension: str, *, orders: Mapping[str, Sequence[str]] | None = None
) -> Membership:
    """Find the slices of a dimension and the utterances in each.

    Raises:
        UsageError: The scores have no such attribute.
    """
    names = dimension.split(AND)
    unknown = [name for name in names if name not in scores.columns]
    if unknown:
        raise UsageError(f"no attribute {unknown[0]!r} to slice by; the scores have {list(scores.columns)}.")
    rows = np.arange(len(scores), dtype=np.int64)
    slices, codes = [""], np.zeros(len(scores), dtype=np.int64)
    declared = np.array([True])
    for position, name in enumerate(names):
        values, value_rows, value_codes = _values(scores[name], (orders or {}).get(name, ()))
        rows, codes = _crossed(rows, codes, value_rows, value_codes, len(values), len(scores))
        slices = [f"{left}{AND if position else ''}{right}" for left in slices for right in values]
        declared = np.array([left and right not in _SILENT for left in declared for right in values], dtype=bool)
    used, compact = np.unique(codes, return_inverse=True)
    return Membership(
        dimension=dimension,
        slices=tuple(slices[code] for code in used),
        declared=declared[used],
        rows=rows,
        codes=compact.astype(np.int64),
    )


def speaker_sums(scores: pd.DataFrame, part: Membership, speakers: Ints) -> SpeakerSums:
    """Sum errors and words per speaker and slice; the unnamed speaker, when there is one, comes last."""
    n_named = int(speakers.max(initial=-1)) + 1
    n_speakers, n_slices = n_named + int((speakers < 0).any()), len(part.slices)
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
        n_named=(per_cell(None)[:n_named] > 0).sum(axis=0),
    )


def as_list(by: str | Sequence[str]) -> list[str]:
    """Return the dimensions as a list, each once, in the order given."""
    return list(dict.fromkeys([by] if isinstance(by, str) else by))


def _everybody(scores: pd.DataFrame) -> Membership:
    rows = np.arange(len(scores), dtype=np.int64)
    return Membership(OVERALL, (EVERYBODY,), np.array([True]), rows, np.zeros(len(scores), dtype=np.int64))


def _values(column: pd.Series, order: Sequence[str]) -> tuple[list[str], Ints, Ints]:
    """Return the values in order, and for each membership the row and the position of its value."""
    cells = [_parts(cell) for cell in column.tolist()]
    rows = np.repeat(np.arange(len(cells), dtype=np.int64), [len(cell) for cell in cells])
    flat = pd.Series([value for cell in cells for value in cell], dtype=object)
    rank = {value: position for position, value in enumerate(order)}
    values = sorted(flat.unique(), key=lambda value: (value in _SILENT, rank.get(value, len(rank)), value))
    positions = {value: position for position, value in enumerate(values)}
    return values, rows, flat.map(positions).to_numpy(np.int64)


def _parts(cell: object) -> tuple[str, ...]:
    if isinstance(cell, tuple | list | set | frozenset | np.ndarray):
        return tuple(dict.fromkeys(_value(part) for part in cell)) or (UNDECLARED,)
    return (_value(cell),)


def _value(part: object) -> str:
    return UNDECLARED if pd.isna(part) or part == "" else str(part)  # type: ignore[call-overload]


def _crossed(
    rows: Ints, codes: Ints, value_rows: Ints, value_codes: Ints, n_values: int, n_rows: int
) -> tuple[Ints, Ints]:
    """Cross the memberships so far with those of a further attribute, utterance by utterance."""
    per_row = np.bincount(value_rows, minlength=n_rows)
    first = np.concatenate([[0], np.cumsum(per_row)[:-1]])
    repeat = per_row[rows]
    left = np.repeat(np.arange(len(rows)), repeat)
    within = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    right = first[rows[left]] + within
    return rows[left], codes[left] * n_values + value_codes[right]


def _rows(scores: pd.DataFrame, part: Membership, sums: SpeakerSums, intervals: Sequence[Interval]) -> pd.DataFrame:
    n_slices = len(part.slices)
    intervals = [_of_named(interval, int(n)) for interval, n in zip(intervals, sums.n_named, strict=True)]

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
            "wer": _quotient(errors, reference_words),
            "wer_low": [interval.low for interval in intervals],
            "wer_high": [interval.high for interval in intervals],
            "cer": _character_error_rate(scores, total, n_slices),
            "speaker_mean_wer": _speaker_mean(sums),
            "hallucination_rate": _share(scores, part, "hallucination", n_slices),
            "rtfx": _rtfx(scores, part, n_slices),
            "note": [interval.note for interval in intervals],
        }
    )[list(SLICE_COLUMNS)]


def _quotient(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Divide; NaN where the denominator is 0."""
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    quotient: Floats = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return quotient


def _character_error_rate(scores: pd.DataFrame, total: Callable[[str], Ints], n_slices: int) -> Floats:
    if any(name not in scores for name in CHARACTER_COUNTS):
        return np.full(n_slices, np.nan)
    hits, substitutions, deletions, insertions = (total(name) for name in CHARACTER_COUNTS)
    return _quotient(substitutions + deletions + insertions, hits + substitutions + deletions)


def _speaker_mean(sums: SpeakerSums) -> Floats:
    """Return the mean WER over speakers with reference words: each speaker counts once."""
    rates = _quotient(sums.errors, sums.words)  # (n_speakers, n_slices)
    spoke = ~np.isnan(rates)
    return _quotient(np.where(spoke, rates, 0).sum(axis=0), spoke.sum(axis=0))


def _share(scores: pd.DataFrame, part: Membership, flag: str, n_slices: int) -> Floats:
    """Return the share of scored utterances that carry a flag."""
    if flag not in scores:
        return np.full(n_slices, np.nan)
    scored = ~scores["failed"].to_numpy(bool)[part.rows]
    flagged = scores[flag].to_numpy(bool)[part.rows] & scored
    return _quotient(
        np.bincount(part.codes, weights=flagged, minlength=n_slices),
        np.bincount(part.codes, weights=scored, minlength=n_slices),
    )


def _rtfx(scores: pd.DataFrame, part: Membership, n_slices: int) -> Floats:
    """Return audio seconds per processing second over the utterances that have both."""
    if "audio_s" not in scores or "processing_s" not in scores:
        return np.full(n_slices, np.nan)
    audio_s = scores["audio_s"].to_numpy(np.float64, na_value=np.nan)[part.rows]
    processing_s = scores["processing_s"].to_numpy(np.float64, na_value=np.nan)[part.rows]
    timed = ~np.isnan(audio_s) & ~np.isnan(processing_s)
    codes = part.codes[timed]
    return _quotient(
        np.bincount(codes, weights=audio_s[timed], minlength=n_slices),
        np.bincount(codes, weights=processing_s[timed], minlength=n_slices),
    )


def _of_named(interval: Interval, n_named: int) -> Interval:
    """Withhold the interval where fewer than two speakers have an id: the unnamed may be the one who has."""
    if n_named >= 2:
        return interval
    return Interval(np.nan, np.nan, f"{n_named} speaker: no interval" if n_named else "no speaker ids: no interval")
