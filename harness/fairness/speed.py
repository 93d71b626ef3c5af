"""Scores and the times of their hypotheses in, the speed of every slice out: of what was recognised in this run.

A difference of speed between slices is described, not tested: clips differ in length, batch and neighbours.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.bootstrap import Floats, divide
from harness.fairness.membership import Ints, Membership, as_list, everybody, membership
from harness.transcription.store import CLEAN, TIMES

Bools = npt.NDArray[np.bool_]

SPEED_COLUMNS = (
    "dimension", "slice", "n_utterances", "n_recognised", "n_cached", "n_failed", "n_untimed", "audio_s",
    "processing_s", "rtfx", "latency_p50_s", "latency_p95_s", "latency_per_audio_p50", "cost_usd", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClipSeconds:
    """Holds what each utterance adds to a real-time factor.

    Attributes:
        recognised: (n_utterances,) whether a recogniser gave a text for it in this run, and both seconds are known.
        audio_s: (n_utterances,) of those recognised, else 0: audio that was not turned into text makes nothing fast.
        processing_s: (n_utterances,) of all that a recogniser was given, failures too: their time was spent.
    """

    recognised: Bools
    audio_s: Floats
    processing_s: Floats


def clip_seconds(scores: pd.DataFrame) -> ClipSeconds:
    """Return the seconds that count; where either is unknown (cached, not decoded, not told), neither does."""
    audio_s, processing_s = (_numbers(scores, name) for name in ("audio_s", "processing_s"))
    failed = scores["failed"].to_numpy(bool) if "failed" in scores else np.zeros(len(scores), dtype=bool)
    timed = ~np.isnan(audio_s) & ~np.isnan(processing_s)
    recognised = timed & ~failed
    return ClipSeconds(recognised, np.where(recognised, audio_s, 0.0), np.where(timed, processing_s, 0.0))


def rtfx(seconds: ClipSeconds, part: Membership) -> Floats:
    """Return audio seconds per processing second of each slice; NaN where nothing was recognised."""
    return divide(_sums(part, seconds.audio_s), _sums(part, seconds.processing_s) * _any(part, seconds.recognised))


def speed_table(
    scores: pd.DataFrame,
    hypotheses: pd.DataFrame,
    by: str | Sequence[str],
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Tell how fast the clips of every slice were recognised, and how long each waited for its text.

    Args:
        scores: One row an utterance and condition: utterance_id, condition, failed, audio_s, processing_s and the
            attributes; order and index do not matter.
        hypotheses: utterance_id, condition and those of latency_s, cost_usd and cached that are known.
        by: Dimensions, as `slice_table` takes them.
        orders: Order of the values of an attribute.

    Returns:
        One row a slice with SPEED_COLUMNS, the first is everybody. n_utterances is the sum of n_recognised (a text and
        its seconds), n_cached (a text from the cache), n_failed (no text) and n_untimed (a text without seconds).
        `rtfx` is audio_s / processing_s, where processing_s holds failed attempts, too. Latencies are of n_recognised,
        with linear interpolation between order statistics; a clip of a batch waits for its batch. cost_usd is of all.
        NaN: nothing to tell, and `note` says why there is no speed.

    Raises:
        UsageError: A dimension is not in the scores.
    """
    rows = scores.reset_index(drop=True)
    clips = _clips(rows, hypotheses)
    parts = [everybody(rows)] + [membership(rows, name, orders=orders) for name in as_list(by)]
    return pd.concat([_rows(clips, part) for part in parts], ignore_index=True)


@dataclass(frozen=True, slots=True)
class _Clips:
    """Holds what is known of each utterance, all (n_utterances,)."""

    seconds: ClipSeconds
    failed: Bools
    cached: Bools
    latency_s: Floats  # NaN: not recognised in this run, or not known
    cost_usd: Floats  # NaN: nothing was charged


def _clips(scores: pd.DataFrame, hypotheses: pd.DataFrame) -> _Clips:
    times = _times_of(scores, hypotheses)
    seconds, failed = clip_seconds(scores), scores["failed"].to_numpy(bool)
    return _Clips(
        seconds,
        failed,
        cached=times["cached"].eq(True).to_numpy(bool) & ~seconds.recognised & ~failed,  # NaN is not True
        latency_s=np.where(seconds.recognised, _numbers(times, "latency_s"), np.nan),
        cost_usd=_numbers(times, "cost_usd"),
    )


def _times_of(scores: pd.DataFrame, hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Return TIMES in the order of the scores; missing where the hypotheses do not tell."""
    known = [name for name in TIMES if name in hypotheses]
    if not known:
        return pd.DataFrame(np.nan, index=scores.index, columns=list(TIMES))
    keys = ["utterance_id", "condition"]
    told = hypotheses.assign(condition=hypotheses.get("condition", CLEAN))
    found = scores[keys].merge(told[[*keys, *known]], on=keys, how="left", validate="one_to_one")
    return found.reindex(columns=list(TIMES))


def _rows(clips: _Clips, part: Membership) -> pd.DataFrame:
    seconds, everyone = clips.seconds, np.ones(len(clips.failed), dtype=bool)
    untimed = ~seconds.recognised & ~clips.cached & ~clips.failed
    table = pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "n_utterances": _count(part, everyone),
            "n_recognised": _count(part, seconds.recognised),
            "n_cached": _count(part, clips.cached),
            "n_failed": _count(part, clips.failed),
            "n_untimed": _count(part, untimed),
            "audio_s": _sums(part, seconds.audio_s),
            "processing_s": _sums(part, seconds.processing_s),
            "rtfx": rtfx(seconds, part),
            "latency_p50_s": _quantile(part, clips.latency_s, 0.5),
            "latency_p95_s": _quantile(part, clips.latency_s, 0.95),
            "latency_per_audio_p50": _quantile(part, divide(clips.latency_s, seconds.audio_s), 0.5),
            "cost_usd": _cost(part, clips.cost_usd),
        }
    )
    lost_s = _sums(part, np.where(clips.failed, seconds.processing_s, 0.0))
    notes = [_note(row, float(lost)) for row, lost in zip(table.to_dict("records"), lost_s, strict=True)]
    return table.assign(note=notes)[list(SPEED_COLUMNS)]


def _note(row: Mapping[Hashable, Any], lost_s: float) -> str:
    """Say why there is no speed, and what it holds beside the clips that were recognised."""
    notes = []
    if not row["n_recognised"]:
        others = {"from the cache": row["n_cached"], "failed": row["n_failed"], "without times": row["n_untimed"]}
        told = ", ".join(f"{n} {what}" for what, n in others.items() if n)
        notes.append("nothing was recognised" + (f": {told}" if told else ""))
    if lost_s:
        notes.append(f"{lost_s:.3g} s went into clips that failed")
    return "; ".join(notes)


def _numbers(table: pd.DataFrame, name: str) -> Floats:
    if name not in table:
        return np.full(len(table), np.nan)
    numbers: Floats = table[name].to_numpy(np.float64, na_value=np.nan)
    return numbers


def _count(part: Membership, chosen: Bools) -> Ints:
    return np.bincount(part.codes[chosen[part.rows]], minlength=len(part.slices)).astype(np.int64)


def _any(part: Membership, chosen: Bools) -> Bools:
    return _count(part, chosen) > 0


def _sums(part: Membership, values: Floats) -> Floats:
    return np.bincount(part.codes, weights=values[part.rows], minlength=len(part.slices)).astype(np.float64)


def _quantile(part: Membership, values: Floats, share: float) -> Floats:
    """Return the quantile of each slice's known values; NaN where none is known."""
    known = ~np.isnan(values[part.rows])
    of_slices = pd.Series(values[part.rows][known]).groupby(part.codes[known]).quantile(share)
    return np.asarray(of_slices.reindex(np.arange(len(part.slices))), np.float64)


def _cost(part: Membership, cost_usd: Floats) -> Floats:
    """Return what each slice cost; NaN where nothing was charged."""
    known = ~np.isnan(cost_usd)
    return np.where(_any(part, known), _sums(part, np.where(known, cost_usd, 0.0)), np.nan)
