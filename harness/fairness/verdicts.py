"""The numbers behind one comparison and a promise in, the verdict and its reason in words out."""

from dataclasses import dataclass

import numpy as np

from harness.fairness.bootstrap import Floats
from harness.fairness.policy import Failures, Policy, Promise, Verdict

_FAILED = {Failures.deletions: "every word of them counted as deleted", Failures.left_out: "left out"}


@dataclass(frozen=True, slots=True)
class Judged:
    """Holds what the verdict on one comparison rests on; NaN where there is no number."""

    comparator: str
    shortfall: str  # what is missing for a verdict; empty when nothing is
    n_failed: float
    n_utterances: float
    n_speakers: float
    n_comparator_speakers: float
    gap: float
    gap_low: float
    gap_high: float
    narrow_low: float  # of the equivalence interval, 1 - 2 alpha
    narrow_high: float
    ratio: float
    narrow_ratio_low: float
    narrow_ratio_high: float
    p_adjusted: float
    minimum_detectable_gap: float  # NaN: no gap, however large, could pass the correction


def verdict(row: Judged, promise: Promise, policy: Policy) -> tuple[Verdict, str]:
    """Return the verdict and the reason in words."""
    who = f"{_counted(row.n_speakers, 'speaker')} against {row.n_comparator_speakers:.0f}"
    if row.n_failed:
        who += f"; {row.n_failed:.0f} of its {row.n_utterances:.0f} clips failed, {_FAILED[policy.failures]}"
    if row.shortfall:
        return Verdict.insufficient, f"too few to say: {row.shortfall} ({who})"
    found = (
        f"{_points(row.gap)} points, {100 * (1 - policy.alpha):g} % {_points(row.gap_low)} to {_points(row.gap_high)}, "
        f"adjusted p {row.p_adjusted:.2g} ({who})"
    )
    if promise.comparator == "best":
        found += "; p ignores that the best slice was picked from the same data"
    margin = f"{100 * promise.margin:g} points" + (f" or ×{promise.margin_ratio:g}" if promise.margin_ratio else "")
    significant = row.p_adjusted < policy.alpha
    if significant and promise.worse(row.gap, row.ratio):
        return Verdict.disparity, f"worse than {row.comparator} by at least {margin}: {found}"
    if significant and promise.better(row.gap, row.ratio):
        return Verdict.advantage, f"better than {row.comparator} by at least {margin}: {found}"
    if _inside(row, promise):
        shown = f"{100 * (1 - 2 * policy.alpha):g} % interval {_points(row.narrow_low)} to {_points(row.narrow_high)}"
        return Verdict.within_margin, f"equal to {row.comparator} within {margin}: {shown}; {found}"
    return Verdict.inconclusive, f"{_what_is_missing(row, margin, significant=significant)}: {found}"


def shortfall(support: Floats, floors: Floats) -> str:
    """Say what is missing for a verdict; empty when nothing is.

    Args:
        support: The smaller side's speakers with an id, scored utterances and reference words, (3,).
        floors: What the policy asks for, (3,).
    """
    units = ("speaker", "utterance", "reference word")
    return ", ".join(
        f"{_counted(found, unit)}{' with an id' if unit == 'speaker' else ''} where the policy asks for {floor:.0f}"
        for found, unit, floor in zip(support, units, floors, strict=True)
        if found < floor
    )


def _what_is_missing(row: Judged, margin: str, *, significant: bool) -> str:
    if significant:
        return f"a difference is shown, but neither that it reaches {margin} nor that it stays inside"
    if np.isnan(row.minimum_detectable_gap):
        return (
            f"neither a gap of {margin} nor equality within it is shown, and so few speakers cannot show any gap among "
            "so many comparisons"
        )
    return (
        f"neither a gap of {margin} nor equality within it is shown (a gap of about "
        f"{100 * row.minimum_detectable_gap:.1f} points would have been seen with 80 % probability)"
    )


def _inside(row: Judged, promise: Promise) -> bool:
    """Say whether the whole equivalence interval lies inside every margin promised."""
    inside = row.narrow_low > -promise.margin and row.narrow_high < promise.margin
    if promise.margin_ratio is None:
        return bool(inside)
    ratio = promise.margin_ratio
    return bool(inside and row.narrow_ratio_low > 1 / ratio and row.narrow_ratio_high < ratio)


def _counted(count: float, unit: str) -> str:
    return f"{count:.0f} {unit}{'' if count == 1 else 's'}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f}"
