"""Scores under conditions and a policy in, the grid out: every slice under every condition, its gap and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from harness.fairness.comparisons import Comparisons, comparisons
from harness.fairness.conditions.aligned import aligned
from harness.fairness.disparity import detectable_gaps, gap_evidence, judged_rows
from harness.fairness.families import corrected, families
from harness.fairness.membership import as_list
from harness.fairness.policy import Policy
from harness.fairness.slices import slice_table
from harness.fairness.speaker_sums import WORD_COUNTS, checked_scores, speaker_codes, sums_of_speakers
from harness.fairness.verdicts import verdict
from harness.transcription.store import CLEAN

CONDITION_COLUMNS = (
    "condition", "dimension", "slice", "comparator", "n_utterances", "n_speakers", "n_failed", "reference_words",
    *WORD_COUNTS, "wer", "wer_low", "wer_high", "comparator_wer", "gap", "gap_low", "gap_high", "ratio", "ratio_low",
    "ratio_high", "p_value", "p_adjusted", "verdict", "reason", "note",
)  # fmt: skip
_KEYS = ["condition", "dimension", "slice"]


def condition_grid(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Measure every slice under every condition and judge it against its comparator under the same condition.

    Args:
        scores: As for `extra_harm_table`.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: What was promised; the default policy when None.
        rng: Draws resamples and permutations, the same for every condition; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a condition (`clean` first) and slice with CONDITION_COLUMNS: what `slice_table` and `disparity_table`
        say, with p-values corrected over the slices of clean audio, and over those of all conditions together. The
        first row of a condition is everybody, with neither comparator nor gap, as have undeclared and declined people.

    Raises:
        UsageError: A dimension, a needed column or a comparator named by the policy is not in the scores.
        DataError: The conditions are not of the same utterances.
    """
    policy, by = policy or Policy(), as_list(by)
    seed = int((rng or np.random.default_rng(0)).integers(2**62))
    heard = aligned(scores, by)
    frames = {CLEAN: heard.clean, **heard.conditions}
    slices = [
        slice_table(frame, by, policy, np.random.default_rng(seed), orders=orders).assign(condition=name)
        for name, frame in frames.items()
    ]
    apart = ({name: frames[name] for name in frames if (name == CLEAN) is clean} for clean in (True, False))
    gaps = pd.concat([_gaps(some, by, policy, orders, seed=seed) for some in apart if some], ignore_index=True)
    judged = [name for name in CONDITION_COLUMNS if name in gaps and name not in slices[0]]
    table = pd.concat(slices, ignore_index=True).merge(
        gaps[[*_KEYS, *judged]], how="left", on=_KEYS, validate="one_to_one"
    )
    texts = {name: table[name].fillna("") for name in ("comparator", "verdict", "reason")}
    numbers = {name: table[name].astype(np.float64) for name in judged if name not in texts}
    return table.assign(**texts, **numbers)[list(CONDITION_COLUMNS)]


def _gaps(
    frames: Mapping[str, pd.DataFrame],
    by: Sequence[str],
    policy: Policy,
    orders: Mapping[str, Sequence[str]] | None,
    *,
    seed: int,
) -> pd.DataFrame:
    """Return the rows of `disparity_table` under some conditions, corrected together."""
    found = {name: _comparisons(frame, by, policy, orders) for name, frame in frames.items()}
    parts = [part for several in found.values() for part in several]
    if not parts:
        return pd.DataFrame(columns=list(CONDITION_COLUMNS))
    run = families(parts, policy)
    evidence = gap_evidence(run, seed)
    nobody = np.zeros((2, parts[0].n_ids))  # what permutations move is in the comparisons, condition by condition
    p_values = evidence["p_value"].to_numpy(np.float64)
    evidence["p_adjusted"] = corrected(p_values, run, everything=nobody, seed=seed)
    evidence["minimum_detectable_gap"] = detectable_gaps(evidence, run)
    promises = [part.promise for part in parts for _ in part.slices]
    verdicts = [verdict(row, promise, policy) for row, promise in zip(judged_rows(evidence), promises, strict=True)]
    return evidence.assign(
        condition=[name for name, several in found.items() for part in several for _ in part.slices],
        verdict=[found.value for found, _ in verdicts],
        reason=[reason for _, reason in verdicts],
    )


def _comparisons(
    scores: pd.DataFrame, by: Sequence[str], policy: Policy, orders: Mapping[str, Sequence[str]] | None
) -> list[Comparisons]:
    """Return the comparisons of one condition; who did not declare a value is permuted with what they said under it."""
    counted = checked_scores(scores, policy)
    speakers = speaker_codes(counted)
    found = [comparisons(counted, name, policy, orders=orders, speakers=speakers) for name in by]
    parts = [part for part in found if part is not None]
    if not parts:
        return []
    everything = np.zeros_like(parts[0].declared)
    everything[:2, : parts[0].n_ids] = sums_of_speakers(counted, speakers)
    everything[2] = everything.sum(axis=0) > 0
    someone = np.any([part.declared[2] > 0 for part in parts], axis=0)
    return [
        replace(part, declared=np.where((part.declared[2] > 0) | ~someone, part.declared, everything)) for part in parts
    ]
