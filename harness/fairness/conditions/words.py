"""How much more a condition adds to a slice in, the verdict and its reason in words out."""

from dataclasses import dataclass

import numpy as np

from harness.fairness.conditions.harms import HarmScale
from harness.fairness.policy import Failures, Policy, Promise, Verdict

_FAILED = {Failures.deletions: "every word of them counted as deleted", Failures.left_out: "left out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmed:
    """Holds what the verdict on a condition and a slice rests on; NaN where there is no number.

    Numbers are differences of WERs on the additive scale, quotients of factors on the multiplicative one.
    """

    condition: str
    name: str  # of the slice
    shortfall: str  # what is missing for a verdict; empty when nothing is
    no_ratio: str  # why there is no ratio of ratios; empty where there is
    n_failed: float
    n_clips: float
    n_named: float  # speakers with an id
    n_rest: float
    value: float
    low: float
    high: float
    narrow_low: float  # of the equivalence interval, 1 - 2 alpha
    narrow_high: float
    p_adjusted: float
    smallest_p_value: float  # that so many speakers can give
    detectable: float  # found with 80 % probability; NaN: nothing, however large, could be


def verdict(row: Harmed, promise: Promise, policy: Policy, *, scale: HarmScale) -> tuple[Verdict, str]:
    """Return the verdict and the reason in words.

    Args:
        row: What was found.
        promise: Of the dimension: its margin on the scale.
        policy: Level, and what failures count as.
        scale: Of the row's numbers.
    """
    found, told = _verdict(row, promise, policy, scale)
    return found, "; ".join(part for part in (told, row.no_ratio) if part)


def _verdict(row: Harmed, promise: Promise, policy: Policy, scale: HarmScale) -> tuple[Verdict, str]:
    who = f"{row.n_named:.0f} speaker{'' if row.n_named == 1 else 's'} against {row.n_rest:.0f}"
    if row.n_failed:
        who += f"; {row.n_failed:.0f} of its {row.n_clips:.0f} clips failed, {_FAILED[policy.failures]}"
    if row.shortfall or np.isnan(row.p_adjusted):
        missing = row.shortfall or "there is nothing to multiply"
        return Verdict.insufficient, f"too few to say: {missing} ({who}); {_could_be_shown(row, scale)}"
    low, high = _margins(promise, scale)
    margin = _size(promise.margin if scale is HarmScale.additive else high, scale)
    interval = f"{100 * (1 - policy.alpha):g} % {_number(row.low, scale)} to {_number(row.high, scale)}"
    found = f"{interval}, adjusted p {row.p_adjusted:.2g} ({who})"
    significant = row.p_adjusted < policy.alpha
    if significant and (row.value >= high or row.value <= low):
        told = _told(row, scale)
        kind = Verdict.disparity if row.value >= high else Verdict.advantage
        return kind, f"{told}, and at least {margin}: {found}"
    found = f"{_number(row.value, scale)}{' points' if scale is HarmScale.additive else ''}, {found}"
    if row.narrow_low > low and row.narrow_high < high:
        shown = f"{_number(row.narrow_low, scale)} to {_number(row.narrow_high, scale)}"
        interval = f"{100 * (1 - 2 * policy.alpha):g} % interval {shown}"
        return Verdict.within_margin, f"{_as_much(row, scale)} within {margin}: {interval}; {found}"
    if significant:
        missing = f"a difference is shown, but neither that it reaches {margin} nor that it stays inside"
        return Verdict.inconclusive, f"{missing}: {found}"
    missing = f"not evidence that {row.condition} harms {row.name} more or less than the rest by {margin}, nor that it"
    return Verdict.inconclusive, f"{missing} harms both alike within it ({_could_be_shown(row, scale)}): {found}"


def _margins(promise: Promise, scale: HarmScale) -> tuple[float, float]:
    if scale is HarmScale.additive:
        return -promise.margin, promise.margin
    ratio = promise.margin_ratio or np.inf
    return 1 / ratio, ratio


def _told(row: Harmed, scale: HarmScale) -> str:
    """Say what was found of a slice."""
    if scale is HarmScale.additive:
        more = "more" if row.value > 0 else "less"
        return f"{row.condition} adds {100 * abs(row.value):.1f} points {more} to {row.name} than to the rest"
    return f"{row.condition} multiplies the word errors of {row.name} by {row.value:.2f} of what it does to the rest's"


def _as_much(row: Harmed, scale: HarmScale) -> str:
    if scale is HarmScale.additive:
        return f"{row.condition} adds as much to {row.name} as to the rest"
    return f"{row.condition} multiplies the word errors of {row.name} as much as those of the rest"


def _could_be_shown(row: Harmed, scale: HarmScale) -> str:
    """Say what so many speakers could have shown."""
    if np.isnan(row.smallest_p_value):
        return "a side of one speaker can show nothing"
    if np.isnan(row.detectable):
        return (
            "so few speakers cannot show any difference, however large: no p-value below "
            f"{row.smallest_p_value:.2g} can come of them"
        )
    size = _size(row.detectable, scale)
    return f"about {size}{' more' if scale is HarmScale.additive else ''} would have been seen with 80 % probability"


def _size(value: float, scale: HarmScale) -> str:
    return f"{100 * value:.3g} points" if scale is HarmScale.additive else f"×{value:.2f}"


def _number(value: float, scale: HarmScale) -> str:
    return f"{100 * value:+.1f}" if scale is HarmScale.additive else f"×{value:.2f}"
