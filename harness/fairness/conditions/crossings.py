"""Scores of sweeps and the WER a customer can live with in, the level at which every slice crosses it out.

Clean is no level of a sweep (a signal-to-noise ratio has no largest one); where the WER is above at every level, the
note tells the clean one. A sweep of frequencies has a crossing only where WER rises or falls with them.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import (
    LOW_SUPPORT_SPEAKERS,
    Floats,
    Weights,
    divide,
    resample_weights,
    sparse_rate_intervals,
)
from harness.fairness.conditions.aligned import Aligned, aligned
from harness.fairness.conditions.monotone import crossings, rising, steadiness
from harness.fairness.conditions.sweeps import Level, levels_of, swept
from harness.fairness.membership import Membership, as_list, everybody, membership
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import sparse_sums_of
from harness.fairness.speaker_sums import Ints, checked_scores, refuse_too_many, speaker_codes

log = logging.getLogger(__name__)

CROSSING_COLUMNS = (
    "sweep", "parameter", "dimension", "slice", "wer", "crossing", "crossing_low", "crossing_high", "n_speakers",
    "note",
)  # fmt: skip
_LEAST_SPEAKERS = 2  # with an id, for an interval
_STEADY = 0.5  # of the variation between levels that a monotone curve has to explain to be one


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Holds the levels of a sweep from the mildest to the harshest, and the checked scores of each."""

    name: str
    parameter: str
    sign: float  # -1 where WER falls with the level, else 1
    severity: Floats  # (n_levels,) rising: sign times the level
    frames: tuple[pd.DataFrame, ...]

    @property
    def span(self) -> str:
        """Name the levels measured."""
        low, high = sorted((self.sign * self.severity[0], self.sign * self.severity[-1]))
        return f"at every {self.parameter or 'level'} measured, {low:g} to {high:g}"


@dataclass(frozen=True, slots=True)
class _Curves:
    """Holds the sums of a dimension's slices along a sweep."""

    part: Membership
    errors: Floats  # (n_levels, n_people, n_slices)
    words: Floats  # same shape
    n_speakers: Ints  # (n_slices,) with an id and with words
    clean: Floats  # (n_slices,) WER


def crossing_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    levels: pd.DataFrame,
    *,
    wer: float,
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Say for every sweep and slice at which level its WER crosses a WER that the customer names.

    The curve is monotone along the sweep, in the direction that everybody's WER takes, and straight between levels. Its
    crossing is the harshest level up to which the WER is at most what was named. Its interval is of all levels whose
    WER's own interval, made of the same resamples of speakers at each, holds what was named: of crossings of 3 to 64
    speakers it covers .95 to .97, where percentiles of resampled crossings cover .75 to .93.

    Args:
        scores: As for `extra_harm_table`.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        levels: One row a condition: condition, sweep, parameter, level. Only sweeps of two or more levels have rows.
        wer: What is crossed, a fraction > 0.
        policy: Level of the intervals, resamples, and the rule for failures; the default policy when None.
        rng: Draws the resamples; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a sweep and slice with CROSSING_COLUMNS, in the unit of the parameter; the first of a sweep is
        everybody, and undeclared people are a slice. `crossing` is NaN where no level is one, and `note` says why:
        never above, always above, or WER does not rise or fall with the level. An end of the interval is NaN where it
        lies beyond the levels measured, or where fewer than two speakers with an id were heard.

    Raises:
        UsageError: `wer` is no WER, a dimension or a needed column is not in the scores, or a sweep has two parameters
            or two conditions at one level.
        DataError: The conditions are not of the same utterances.
    """
    if not (np.isfinite(wer) and wer > 0):
        raise UsageError(f"wer={wer!r}; expected the word error rate to be crossed, a fraction above 0: 20 % are 0.2.")
    policy, by, start_s = policy or Policy(), as_list(by), time.perf_counter()
    heard = aligned(scores, by)
    speakers = speaker_codes(heard.clean)
    n_people = int(speakers.max(initial=-1)) + 1 + int((speakers < 0).any())
    weights = resample_weights(n_people, policy.n_resamples, rng or np.random.default_rng(0))
    parts = [everybody(heard.clean), *(membership(heard.clean, name, orders=orders) for name in by)]
    clean = checked_scores(heard.clean, policy)
    rows = [
        row
        for sweep in _sweeps(heard, levels_of(heard.conditions, levels), policy)
        for part in parts
        for row in _rows(sweep, _curves(sweep, part, speakers, clean), weights, wer, policy)
    ]
    log.info("%d crossings in %.1f s", len(rows), time.perf_counter() - start_s)
    return pd.DataFrame(rows, columns=list(CROSSING_COLUMNS))


def _sweeps(heard: Aligned, told: Mapping[str, Level], policy: Policy) -> Iterator[_Sweep]:
    for name, conditions in swept(told).items():
        placed = [each for each in conditions if np.isfinite(told[each].level)]
        parameters = sorted({told[each].parameter for each in placed})
        if len(parameters) > 1:
            raise UsageError(f"the sweep {name!r} has levels of {parameters}; expected one parameter.")
        values, first = np.unique([told[each].level for each in placed], return_index=True)
        if len(values) < len(placed):
            raise UsageError(f"the sweep {name!r} has two conditions at one level; give them sweeps of their own.")
        if len(values) > 1:
            frames = [checked_scores(heard.conditions[placed[k]], policy) for k in first]
            sign = _direction(frames)
            yield _Sweep(name, parameters[0], sign, np.sort(sign * values), tuple(frames[:: int(sign)]))


def _direction(frames: Sequence[pd.DataFrame]) -> float:
    """Return 1 where everybody's WER rises along the frames rather than falls, else -1."""
    errors, words = np.array([[each.sum() for each in _errors_and_words(frame)] for frame in frames]).T
    return 1.0 if steadiness(errors, words) >= steadiness(errors[::-1], words[::-1]) else -1.0


def _curves(sweep: _Sweep, part: Membership, speakers: Ints, clean: pd.DataFrame) -> _Curves:
    n_named, n_slices = int(speakers.max(initial=-1)) + 1, len(part.slices)
    n_people = n_named + int((speakers < 0).any())
    refuse_too_many(n_people * (len(sweep.frames) + 1), n_slices, part.dimension)
    cells = np.where(speakers < 0, n_named, speakers)[part.rows] * n_slices + part.codes
    counts = [each[part.rows] for frame in (clean, *sweep.frames) for each in _errors_and_words(frame)]
    sums: Floats = np.stack([np.bincount(cells, weights=each, minlength=n_people * n_slices) for each in counts])
    sums = np.reshape(sums, (len(sweep.frames) + 1, 2, n_people, n_slices))
    return _Curves(
        part=part,
        errors=sums[1:, 0],
        words=sums[1:, 1],
        n_speakers=(sums[1:, :, :n_named].sum(axis=(0, 1)) > 0).sum(axis=0),
        clean=divide(*sums[0].sum(axis=1)),
    )


def _errors_and_words(scores: pd.DataFrame) -> tuple[Floats, Floats]:
    hits, substitutions, deletions, insertions = (
        scores[name].to_numpy(np.float64) for name in ("hits", "substitutions", "deletions", "insertions")
    )
    return substitutions + deletions + insertions, hits + substitutions + deletions


def _rows(
    sweep: _Sweep, curves: _Curves, weights: Weights, wer: float, policy: Policy
) -> Iterator[dict[str, str | float]]:
    lowest, highest = _limits(curves, weights, 1 - policy.alpha)
    for k, name in enumerate(curves.part.slices):
        errors, words = (each[:, :, k].sum(axis=1) for each in (curves.errors, curves.words))
        found, note = _crossing(sweep, errors, words, wer, float(curves.clean[k]))
        n_speakers, ends = int(curves.n_speakers[k]), (np.nan, np.nan)
        if not np.isnan(found) and n_speakers >= _LEAST_SPEAKERS:
            mildest, harshest = (float(crossings(each[k], sweep.severity, wer)) for each in (highest, lowest))
            ends = mildest, harshest
            note = _joined(note, *_open_ends(sweep, [end for end in ends if end != found], wer))
        low, high = ends if sweep.sign > 0 else (-ends[1], -ends[0])
        yield {
            "sweep": sweep.name,
            "parameter": sweep.parameter,
            "dimension": curves.part.dimension,
            "slice": name,
            "wer": wer,
            "crossing": _measured(sweep.sign * found),
            "crossing_low": _measured(low),
            "crossing_high": _measured(high),
            "n_speakers": n_speakers,
            "note": _joined(note, _support(n_speakers)),
        }


def _limits(curves: _Curves, weights: Weights, confidence: float) -> tuple[Floats, Floats]:
    """Return the lower and upper limits of WER along the sweep, never falling, (n_slices, n_levels) each."""
    n_levels, n_people, n_slices = curves.errors.shape
    errors, words = (each.transpose(1, 2, 0).reshape(n_people, -1) for each in (curves.errors, curves.words))
    sums = sparse_sums_of(errors, words, errors + words > 0)
    intervals = sparse_rate_intervals(sums, weights=weights, confidence=confidence)
    said = words.sum(axis=0).reshape(n_slices, n_levels)
    low, high = (
        rising(np.reshape([getattr(each, end) for each in intervals], said.shape) * said, said)
        for end in ("low", "high")
    )
    return low, high


def _crossing(sweep: _Sweep, errors: Floats, words: Floats, wer: float, clean: float) -> tuple[float, str]:
    """Return the severity at which a slice crosses the WER, infinite beyond the levels, NaN where it has none; why."""
    rates, named = divide(errors, words), f"{100 * wer:g} %"
    if np.isnan(rates).any():
        return np.nan, "no reference words at some level: no crossing"
    if (rates <= wer).all():
        return np.inf, f"never above {named}: at most {100 * rates.max():.1f} % {sweep.span}"
    if (rates > wer).all():
        least = f"at least {100 * rates.min():.1f} % {sweep.span}; {100 * clean:.1f} % clean"
        return -np.inf, f"always above {named}: {least}"
    if steadiness(errors, words) < _STEADY:
        along = sweep.parameter or "the level"
        return np.nan, f"no crossing: WER neither rises nor falls steadily with {along}"
    found = float(crossings(rising(errors, words), sweep.severity, wer))
    return found, "" if np.isfinite(found) else f"the monotone curve is {_beyond(found)} {named} {sweep.span}"


def _open_ends(sweep: _Sweep, ends: Sequence[float], wer: float) -> Iterator[str]:
    """Say in which directions the interval goes beyond the levels measured."""
    for end in dict.fromkeys(end for end in ends if np.isinf(end)):
        side = "lower" if sweep.sign * end < 0 else "upper"
        yield f"no {side} end: other such speakers may be {_beyond(end)} {100 * wer:g} % {sweep.span}"


def _beyond(severity: float) -> str:
    return "never above" if severity > 0 else "always above"


def _support(n_speakers: int) -> str:
    """Say how far to trust an interval, as `slice_table` does."""
    if n_speakers < _LEAST_SPEAKERS:
        return f"{n_speakers} speaker{'' if n_speakers == 1 else 's'}: no interval"
    return f"low_support: interval from {n_speakers} speakers" if n_speakers < LOW_SUPPORT_SPEAKERS else ""


def _measured(level: float) -> float:
    return level if np.isfinite(level) else np.nan


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
