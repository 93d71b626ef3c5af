"""Scores of the same utterances under two settings in, what the setting changes out: texts, WER, and for whom.

A setting is anything that should not matter, such as the size of a batch. Shares of changed texts have
speaker-clustered intervals; WER differences are paired by utterance; what a setting adds to the gap of a slice is a
disparity that no speaker made, but the harness, and is judged as any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats, resample_weights, t_quantile
from harness.fairness.comparison_tests import smallest_p_values
from harness.fairness.comparisons import floors
from harness.fairness.gaps import gaps_of, pair_gap_intervals
from harness.fairness.membership import Membership, as_list, everybody, membership
from harness.fairness.multiplicity import adjusted, strictest_level
from harness.fairness.policy import REST, Failures, Policy
from harness.fairness.power import minimum_detectable_gap
from harness.fairness.slices import slice_table
from harness.fairness.speaker_sums import Ints, speaker_codes
from harness.fairness.systems.added_gaps import AddedGaps, added_gap_p_values, added_gaps, one_text
from harness.fairness.systems.pairing import Pair, PairedSums, paired_scores, paired_sums
from harness.fairness.verdicts import Judged, shortfall, verdict

INVARIANCE_COLUMNS = (
    "setting", "changes", "against", "dimension", "slice", "n_utterances", "n_speakers", "n_failed", "n_changed",
    "share_changed", "share_changed_low", "share_changed_high", "n_changed_normalised", "wer", "against_wer",
    "wer_difference", "wer_difference_low", "wer_difference_high", "added_gap", "added_gap_low", "added_gap_high",
    "p_value", "p_adjusted", "verdict", "reason", "note",
)  # fmt: skip
_KEYS = ["setting", "dimension", "slice"]
_RESOLUTION = 4  # the smallest p-value of random permutations is at most level / (_RESOLUTION / 2)
_MOST_PERMUTATIONS = 200_000


@dataclass(frozen=True, slots=True)
class Hearing:
    """Holds the scores of the same utterances under a setting and under the one that it is compared with.

    Attributes:
        setting: Its name.
        changes: What differs between the two.
        against: Name of the other.
        before: Scores under the other, with `text`: raw, None where the clip failed.
        after: Scores under this one, likewise.
    """

    setting: str
    changes: str
    against: str
    before: pd.DataFrame
    after: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Measured:
    rows: pd.DataFrame
    gaps: list[AddedGaps]
    n_failed: dict[tuple[str, str], tuple[int, int]]  # failed clips and all clips by dimension and slice


def invariance_table(
    hearings: Sequence[Hearing],
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Say of every setting what it changes, overall and in every slice.

    Args:
        hearings: One a setting, all of the same manifest.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Margins, level, correction, floors and the rule for failures; the default policy when None. Whatever its
            comparators, a slice is judged against the rest; ratio margins play no part.
        rng: Draws resamples and permutations; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a setting and slice with INVARIANCE_COLUMNS; the first of a setting is everybody. `n_changed` counts
        other raw texts, a clip that failed under one of both settings among them; `wer_difference` is the setting's WER
        less that of `against`; `added_gap` is a slice's less that of the rest, and what p-values, corrected over all
        settings and slices, and verdict are about. Shares and rates are fractions; NaN where there is no number, and
        `note` or `reason` says why. Undeclared and declined people are rows without a verdict.

    Raises:
        UsageError: A dimension or a needed column is not in the scores.
        DataError: Scores are not of the same utterances.
    """
    policy = policy or Policy()
    seed = int((rng or np.random.default_rng(0)).integers(2**62))
    measured = [_measured(each, as_list(by), policy, seed, orders) for each in hearings]
    table = pd.concat([each.rows for each in measured], ignore_index=True)
    judged = _judged(hearings, measured, policy, seed)
    table = table.merge(judged, how="left", on=_KEYS, validate="one_to_one")
    texts = {name: table[name].fillna("") for name in ("verdict", "reason")}
    return table.assign(**texts)[list(INVARIANCE_COLUMNS)]


def texts_differ(before: pd.Series, after: pd.Series) -> Bools:
    """Say where two columns of texts differ; None equals None alone, (n_utterances,)."""
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    return np.array([_told(one) != _told(other) for one, other in pairs], dtype=bool)


def _told(text: object) -> object:
    return text if isinstance(text, str) else None  # pandas has several ways to say that there is none


def _measured(
    hearing: Hearing, by: Sequence[str], policy: Policy, seed: int, orders: Mapping[str, Sequence[str]] | None
) -> _Measured:
    pair = paired_scores(hearing.before, hearing.after, by, policy)
    speakers = speaker_codes(pair.baseline)
    parts = [everybody(pair.baseline), *(membership(pair.baseline, name, orders=orders) for name in by)]
    rows = _shares(pair, by, policy, seed, orders).merge(
        pd.concat([_differences(pair, part, speakers, policy, seed) for part in parts], ignore_index=True),
        on=["dimension", "slice"],
        validate="one_to_one",
    )
    found = [added_gaps(pair, part, speakers, policy) for part in parts[1:]]
    keys = zip(rows["dimension"], rows["slice"], strict=True)
    counts = zip(rows["n_failed"].tolist(), rows["n_utterances"].tolist(), strict=True)
    return _Measured(
        rows.assign(setting=hearing.setting, changes=hearing.changes, against=hearing.against),
        [each for each in found if each is not None],
        dict(zip(keys, counts, strict=True)),
    )


def _shares(
    pair: Pair, by: Sequence[str], policy: Policy, seed: int, orders: Mapping[str, Sequence[str]] | None
) -> pd.DataFrame:
    """Return how many texts changed in every slice: a text is one word, and a changed one is wrong."""
    changed = texts_differ(pair.baseline["text"], pair.candidate["text"])
    counts = {"hits": ~changed, "substitutions": changed, "deletions": False, "insertions": False}
    names = ["utterance_id", "speaker_id", *dict.fromkeys(part for name in by for part in name.split(" & "))]
    failed = pair.candidate["text"].isna()
    scores = pair.baseline[names].assign(**{key: np.asarray(value) * 1 for key, value in counts.items()}, failed=failed)
    counting = replace(policy, failures=Failures.deletions)  # a clip that failed has no text, and is still a clip
    shares = slice_table(scores, by, counting, np.random.default_rng(seed), orders=orders)
    return shares.rename(
        columns={
            "substitutions": "n_changed",
            "wer": "share_changed",
            "wer_low": "share_changed_low",
            "wer_high": "share_changed_high",
        }
    )[
        [
            *("dimension", "slice", "n_utterances", "n_speakers", "n_failed", "n_changed"),
            *("share_changed", "share_changed_low", "share_changed_high", "note"),
        ]
    ].assign(share_changed_high=lambda rows: rows["share_changed_high"].clip(upper=1))


def _differences(pair: Pair, part: Membership, speakers: Ints, policy: Policy, seed: int) -> pd.DataFrame:
    """Return both WERs and their difference in every slice, declared or not, and the texts that count differently."""
    sums = paired_sums(pair, replace(part, declared=np.ones(len(part.slices), dtype=bool)), speakers, policy)
    found = gaps_of(sums.pairs)
    low, high = _difference_bounds(sums, found.gap, policy, seed)
    normalised = texts_differ(pair.baseline["hypothesis"], pair.candidate["hypothesis"])
    normalised |= (pair.baseline["text"].isna() != pair.candidate["text"].isna()).to_numpy(bool)
    n_normalised = np.bincount(part.codes, weights=normalised[part.rows], minlength=len(part.slices))
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "n_changed_normalised": n_normalised.astype(np.int64),
            "wer": found.slices.rate,
            "against_wer": found.comparators.rate,
            "wer_difference": found.gap,
            "wer_difference_low": low,
            "wer_difference_high": high,
        }
    )


def _difference_bounds(sums: PairedSums, difference: Floats, policy: Policy, seed: int) -> tuple[Floats, Floats]:
    """Return the intervals of WER differences, no narrower than one changed text makes them; NaN below two speakers."""
    weights = resample_weights(sums.pairs.common.shape[1], policy.n_resamples, np.random.default_rng(seed))
    ((intervals,),) = pair_gap_intervals([sums.pairs], weights=weights, confidences=[1 - policy.alpha])
    n_named, n_scored, _ = sums.support.T  # below two, the unnamed may be all there is: no interval
    half = t_quantile(n_named - 1, 1 - policy.alpha) * one_text(n_scored)
    low, high = (np.array([getattr(each, end) for each in intervals]) for end in ("low", "high"))
    return np.minimum(low, difference - half), np.maximum(high, difference + half)  # NaN, where one is


def _judged(hearings: Sequence[Hearing], measured: Sequence[_Measured], policy: Policy, seed: int) -> pd.DataFrame:
    """Return what every setting adds to the gap of every declared slice, with its verdict."""
    found = [
        (hearing.setting, each, gaps) for hearing, each in zip(hearings, measured, strict=True) for gaps in each.gaps
    ]
    parts = [gaps for _, _, gaps in found]
    counted = [_counted(part, policy) for part in parts]
    level = strictest_level(int(sum(each.sum() for each in counted)), policy.correction, policy.alpha)
    n_finest = max(policy.n_permutations, min(ceil(_RESOLUTION / level), _MOST_PERMUTATIONS))
    p_values = added_gap_p_values(parts, policy, n_finest=n_finest, seed=seed) if parts else []
    corrected = _corrected(parts, p_values, counted, policy)
    rows = [
        {"setting": setting, "dimension": gaps.dimension, "slice": gaps.slices[k]} | cells
        for (setting, each, gaps), raw, of_family in zip(found, p_values, corrected, strict=True)
        for k, cells in enumerate(_verdicts(gaps, each, raw, of_family, policy=policy, level=level, n_finest=n_finest))
    ]
    names = ["added_gap", "added_gap_low", "added_gap_high", "p_value", "p_adjusted", "verdict", "reason"]
    return pd.DataFrame(rows, columns=[*_KEYS, *names])


def _counted(part: AddedGaps, policy: Policy) -> Bools:
    """Say which tests of a dimension count in the correction: of two slices that are each other's rest, one."""
    counted = part.enough(policy)
    if part.mirrored:
        counted[1] = False
    return counted


def _corrected(
    parts: Sequence[AddedGaps], p_values: Sequence[Floats], counted: Sequence[Bools], policy: Policy
) -> list[Floats]:
    """Correct over all that was tested; the second of a mirrored pair has what the first has."""
    raw = [np.where(which, each, np.nan) for each, which in zip(p_values, counted, strict=True)]
    flat = adjusted(np.concatenate([np.empty(0), *raw]), policy.correction)
    found = np.split(flat, np.cumsum([len(each) for each in raw])[:-1]) if raw else []
    return [np.repeat(each[:1], 2) if part.mirrored else each for part, each in zip(parts, found, strict=True)]


def _verdicts(
    gaps: AddedGaps,
    measured: _Measured,
    p_values: Floats,
    corrected: Floats,
    *,
    policy: Policy,
    level: float,
    n_finest: int,
) -> list[dict[str, object]]:
    wide, narrow = gaps.bounds(1 - policy.alpha), gaps.bounds(1 - 2 * policy.alpha)
    detectable = minimum_detectable_gap(gaps.standard_error, gaps.freedom, alpha=level)
    detectable = np.where(smallest_p_values(gaps.pairs, n_finest) < level, detectable, np.nan)
    promise = replace(policy.for_dimension(gaps.dimension), comparator=REST, margin_ratio=None)
    rows: list[dict[str, object]] = []
    for k, name in enumerate(gaps.slices):
        n_failed, n_utterances = measured.n_failed[gaps.dimension, name]
        row = Judged(
            comparator=REST,
            shortfall=shortfall(gaps.support[k], floors(policy)),
            n_failed=n_failed,
            n_utterances=n_utterances,
            n_speakers=gaps.n_speakers[k, 0],
            n_comparator_speakers=gaps.n_speakers[k, 1],
            gap=gaps.gap[k],
            gap_low=wide[0][k],
            gap_high=wide[1][k],
            narrow_low=narrow[0][k],
            narrow_high=narrow[1][k],
            ratio=np.nan,
            narrow_ratio_low=np.nan,
            narrow_ratio_high=np.nan,
            p_adjusted=corrected[k],
            minimum_detectable_gap=detectable[k],
        )
        found, reason = verdict(row, promise, policy)
        rows.append(
            {
                "added_gap": row.gap,
                "added_gap_low": row.gap_low,
                "added_gap_high": row.gap_high,
                "p_value": p_values[k],
                "p_adjusted": row.p_adjusted,
                "verdict": found.value,
                "reason": reason,
            }
        )
    return rows
