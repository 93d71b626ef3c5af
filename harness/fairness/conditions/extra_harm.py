"""Scores under conditions in, for whom each condition makes it worse, and by how much more than for others, out."""

import logging
import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.comparisons import floors
from harness.fairness.conditions.aligned import Aligned, aligned
from harness.fairness.conditions.families import Tested, detectable, tested
from harness.fairness.conditions.harms import ExtraHarm, HarmScale, extra_harm, harms
from harness.fairness.conditions.sweeps import Level, levels_of, swept
from harness.fairness.conditions.words import Harmed, verdict
from harness.fairness.membership import as_list, everybody, membership
from harness.fairness.policy import REST, Policy
from harness.fairness.speaker_sums import speaker_codes
from harness.fairness.verdicts import shortfall

log = logging.getLogger(__name__)

EXTRA_HARM_COLUMNS = (
    "condition", "sweep", "level", "dimension", "slice", "comparator", "n_utterances", "n_speakers", "clean_wer", "wer",
    "harm", "harm_low", "harm_high", "comparator_harm", "extra_harm", "extra_harm_low", "extra_harm_high", "p_value",
    "p_adjusted", "harm_ratio", "harm_ratio_low", "harm_ratio_high", "harm_ratio_p_value", "verdict", "reason",
    "minimum_detectable_extra_harm",
)  # fmt: skip
_KEYS = ["condition", "dimension", "slice"]
_TEXTS = ["comparator", "verdict", "reason"]


def extra_harm_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    levels: pd.DataFrame | None = None,
    scale: HarmScale = HarmScale.additive,
) -> pd.DataFrame:
    """Say of every condition what it adds to everybody's WER, to every slice's, and how much more than to the rest.

    Args:
        scores: One row an utterance and condition, as for `slice_table`, with `condition`; the same utterances under
            `clean` and under every other.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Margins, level, correction, floors and the rule for failures; the default policy when None. Whatever its
            comparators, a slice is judged against the rest.
        rng: Draws permutations; seed 0 when None.
        orders: Order of the values of an attribute.
        levels: One row a condition: condition, sweep, parameter, level; None where nothing is a sweep.
        scale: What verdicts are about, on `margin` (additive) or `margin_ratio` (multiplicative).

    Returns:
        One row a condition (but `clean`) and slice with EXTRA_HARM_COLUMNS; the first of a condition is everybody.
        `harm` is the slice's WER less its clean WER; `extra_harm` is that less the harm to everybody else who declared
        a value, `harm_ratio` the slice's WER over its clean WER, over the same of the rest. Their intervals are
        Welch's t and t on the logarithm, with speakers as the unit. p-values permute speakers' labels, or flip signs
        within speakers; `p_adjusted` is that of the scale judged, over all conditions and slices of a sweep, and over
        those of all conditions that belong to none. NaN where there is no number; `reason` says why. Undeclared and
        declined people, and dimensions with one declared slice, are rows without extra harm.

    Raises:
        UsageError: A dimension or a needed column is not in the scores, `levels` names other conditions, or the
            multiplicative scale is to be judged by a policy without `margin_ratio`.
        DataError: The conditions are not of the same utterances.
    """
    policy, by = policy or Policy(), as_list(by)
    _check_margins(by, policy, scale)
    seed, start_s = int((rng or np.random.default_rng(0)).integers(2**62)), time.perf_counter()
    heard = aligned(scores, by)
    told = levels_of(heard.conditions, levels)
    rows, parts = _measured(heard, list(told), by, policy, orders)
    sweeps = swept(told)
    families = [told[each.condition].sweep if told[each.condition].sweep in sweeps else "" for each in parts]
    judged = _judged(parts, tested(parts, families, policy, scale=scale, seed=seed), policy, scale) if parts else None
    log.info("%d conditions, %d extra harms in %.1f s", len(told), len(rows), time.perf_counter() - start_s)
    return _table(rows, judged, told)


def _check_margins(by: Sequence[str], policy: Policy, scale: HarmScale) -> None:
    for dimension in by if scale is HarmScale.multiplicative else ():
        if policy.for_dimension(dimension).margin_ratio is None:
            raise UsageError(
                f"the policy promises no ratio for {dimension}, so no extra harm can be judged on the multiplicative "
                "scale. Set policy.margin_ratio, or judge on the additive scale."
            )


def _measured(
    heard: Aligned,
    conditions: Sequence[str],
    by: Sequence[str],
    policy: Policy,
    orders: Mapping[str, Sequence[str]] | None,
) -> tuple[pd.DataFrame, list[ExtraHarm]]:
    """Return what every condition adds to every slice, and how much more to those that are declared."""
    speakers = speaker_codes(heard.clean)
    dimensions = [membership(heard.clean, name, orders=orders) for name in by]
    rows, parts = [pd.DataFrame(columns=_KEYS)], []
    for condition in conditions:
        pair = heard.pair(condition, policy)
        rows += [
            harms(pair, part, speakers, policy).assign(condition=condition)
            for part in (everybody(heard.clean), *dimensions)
        ]
        found = [extra_harm(condition, pair, part, speakers=speakers, policy=policy) for part in dimensions]
        parts += [each for each in found if each is not None]
    return pd.concat(rows[1:] or rows, ignore_index=True), parts


def _judged(parts: Sequence[ExtraHarm], tests: Tested, policy: Policy, scale: HarmScale) -> pd.DataFrame:
    evidence = pd.concat([_evidence(each, policy, scale) for each in parts], ignore_index=True)
    evidence["p_value"], evidence["harm_ratio_p_value"] = tests.p_value, tests.ratio_p_value
    evidence["p_adjusted"], evidence["smallest_p_value"] = tests.p_adjusted, tests.smallest
    evidence["detectable"] = detectable(parts, tests, policy, scale)
    evidence["minimum_detectable_extra_harm"] = evidence["detectable"] if scale is HarmScale.additive else np.nan
    promises = {name: policy.for_dimension(name) for name in evidence["dimension"].unique()}
    records = evidence[list(Harmed.__dataclass_fields__)].to_dict("records")
    verdicts = [
        verdict(Harmed(**{str(name): value for name, value in record.items()}), promises[name], policy, scale=scale)
        for record, name in zip(records, evidence["dimension"], strict=True)
    ]
    texts = {"verdict": [found.value for found, _ in verdicts], "reason": [reason for _, reason in verdicts]}
    return evidence.assign(comparator=REST, **texts)


def _evidence(part: ExtraHarm, policy: Policy, scale: HarmScale) -> pd.DataFrame:
    """Return the numbers behind the verdicts, one row a declared slice."""
    gaps, least = part.gaps, floors(policy)
    (low, high), narrow = (part.bounds(1 - level) for level in (policy.alpha, 2 * policy.alpha))
    (ratio_low, ratio_high), narrow_ratio = (part.ratio_bounds(1 - level) for level in (policy.alpha, 2 * policy.alpha))
    additive = scale is HarmScale.additive
    return pd.DataFrame(
        {
            "condition": part.condition,
            "dimension": part.dimension,
            "slice": gaps.slices,
            "name": gaps.slices,
            "comparator_harm": gaps.measured.comparators.rate,
            "extra_harm": gaps.gap,
            "extra_harm_low": low,
            "extra_harm_high": high,
            "harm_ratio": part.measured.ratio,
            "harm_ratio_low": ratio_low,
            "harm_ratio_high": ratio_high,
            "value": gaps.gap if additive else part.measured.ratio,
            "low": low if additive else ratio_low,
            "high": high if additive else ratio_high,
            "narrow_low": narrow[0] if additive else narrow_ratio[0],
            "narrow_high": narrow[1] if additive else narrow_ratio[1],
            "shortfall": [shortfall(row, least) for row in gaps.support],
            "no_ratio": part.why_no_ratio(),
            "n_failed": part.n_failed,
            "n_clips": part.n_utterances,
            "n_named": gaps.n_speakers[:, 0],
            "n_rest": gaps.n_speakers[:, 1],
        }
    )


def _table(rows: pd.DataFrame, judged: pd.DataFrame | None, told: Mapping[str, Level]) -> pd.DataFrame:
    names = [name for name in EXTRA_HARM_COLUMNS if name not in rows and name not in ("sweep", "level")]
    found = pd.DataFrame(columns=[*_KEYS, *names]) if judged is None else judged[[*_KEYS, *names]]
    table = rows.merge(found, how="left", on=_KEYS, validate="one_to_one")
    texts = {name: table[name].fillna("") for name in _TEXTS}
    numbers = {name: table[name].astype(np.float64) for name in names if name not in _TEXTS}
    sweep, level = ([getattr(told[name], of) for name in table["condition"]] for of in ("sweep", "level"))
    return table.assign(sweep=sweep, level=level, **texts, **numbers)[list(EXTRA_HARM_COLUMNS)]
