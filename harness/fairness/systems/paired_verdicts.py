"""What two systems differ in and a promise in; verdict, reason, regressions and headlines in words out.

A difference is the candidate's number less the baseline's. `better` and `worse` need significance alone: two systems,
unlike two slices of one, are not promised to be alike, and a small difference is one once it is shown. The margin, in
WER points, says what counts as equal (`within_margin`) and which `worse` is a regression (exit status 3).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Interval
from harness.fairness.membership import OVERALL
from harness.fairness.policy import Policy, Verdict

WER, SLICE_WER, MAX_GAP, WORST_SLICE, MAPSSWE = "wer", "slice_wer", "max_gap", "worst_slice_wer", "mapsswe"
NO_INTERVAL = Interval(np.nan, np.nan)
_ACCURATE = {
    "better": "{candidate} makes fewer word errors than {baseline}",
    "worse": "{candidate} makes more word errors than {baseline}",
    "within_margin": "{candidate} is as accurate as {baseline} within the margin",
    "inconclusive": "the data cannot tell whether {candidate} or {baseline} is more accurate",
    "insufficient": "the data cannot tell whether {candidate} or {baseline} is more accurate",
}
_FAIR = {
    "better": "{candidate} is fairer than {baseline}",
    "worse": "{candidate} is less fair than {baseline}",
    "within_margin": "{candidate} is as fair as {baseline} within the margin",
    "inconclusive": "the data cannot tell whether {candidate} or {baseline} is fairer",
    "insufficient": "the data cannot tell whether {candidate} or {baseline} is fairer",
}
_SERVED = {
    "better": "{candidate} serves its worst slice better",
    "worse": "{candidate} serves its worst slice worse",
    "within_margin": "both serve their worst slice equally within the margin",
    "inconclusive": "the data cannot tell which serves its worst slice better",
    "insufficient": "the data cannot tell which serves its worst slice better",
}


class ComparisonVerdict(Enum):
    """What the evidence says of the candidate against the baseline."""

    better = "better"
    worse = "worse"
    within_margin = "within_margin"  # the whole interval inside the margin: shown, not assumed
    inconclusive = "inconclusive"  # neither shown
    insufficient = "insufficient"  # below the floor: no test is run
    not_judged = "not_judged"  # a number beside the verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Holds what is known of one measure of two systems; NaN where there is no number."""

    measure: str
    dimension: str
    name: str = ""  # of the slice; empty where the measure is the dimension's
    baseline: float = np.nan
    candidate: float = np.nan
    wide: Interval = NO_INTERVAL  # 1 - alpha
    narrow: Interval = NO_INTERVAL  # 1 - 2 alpha, for equivalence
    standard_error: float = np.nan
    freedom: float = np.nan
    p_value: float = np.nan
    smallest_p_value: float = 0.0  # that the test can give
    p_adjusted: float = np.nan
    detectable: float = np.nan  # seen with 80 % probability; NaN: no difference, however large, could be
    n_speakers: int = 0
    shortfall: str = ""  # what is missing for a verdict; empty when nothing is
    remark: str = ""  # what else the reason says

    @property
    def value(self) -> float:
        """Return how much higher the candidate's number is."""
        return self.candidate - self.baseline


def verdict(row: Difference, policy: Policy) -> tuple[ComparisonVerdict, str]:
    """Return the verdict and the reason in words."""
    who = f"{row.n_speakers} speaker{'' if row.n_speakers == 1 else 's'}" + (f"; {row.remark}" if row.remark else "")
    if row.shortfall:
        return ComparisonVerdict.insufficient, f"too few to say: {row.shortfall} ({who})"
    margin = policy.for_dimension(row.dimension).margin
    promised = f"{100 * margin:g} points"
    found = f"{_evidence(row.value, row.wide, row.p_adjusted, policy)} ({who})"
    if row.p_adjusted < policy.alpha:
        better = row.value < 0
        size = f"by at least {promised}" if abs(row.value) >= margin else f"by less than {promised}"
        return ComparisonVerdict.better if better else ComparisonVerdict.worse, (
            f"the candidate is {'better' if better else 'worse'} {size}: {found}"
        )
    if row.narrow.low > -margin and row.narrow.high < margin:
        shown = f"{100 * (1 - 2 * policy.alpha):g} % interval {_points(row.narrow.low)} to {_points(row.narrow.high)}"
        return ComparisonVerdict.within_margin, f"equal within {promised}: {shown}; {found}"
    missing = f"neither a difference nor equality within {promised} is shown ({_detectable(row)})"
    return ComparisonVerdict.inconclusive, f"{missing}: {found}"


def regressions(comparisons: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the rows where the candidate is shown worse, by at least the margin, and a disparity fails the policy.

    Args:
        comparisons: As made by `comparison_table`.
        policy: Its margins and `fail_on` by dimension; one that does not fail on a disparity fails on no regression.
    """
    promises = {name: policy.for_dimension(name) for name in comparisons["dimension"].unique()}
    broken = [
        verdict == ComparisonVerdict.worse.value
        and difference >= promises[dimension].margin
        and Verdict.disparity.value in promises[dimension].fail_on
        for verdict, difference, dimension in zip(
            comparisons["verdict"], comparisons["difference"], comparisons["dimension"], strict=True
        )
    ]
    return comparisons[np.array(broken, dtype=bool)]


def headlines(
    comparisons: pd.DataFrame, policy: Policy, *, baseline: str = "the baseline", candidate: str = "the candidate"
) -> list[str]:
    """Say in one sentence which system is more accurate, and in one for each dimension which is fairer.

    Fairer is the one with the smaller largest gap. Beside it stands what became of the slice that is served worst:
    gaps also close when everyone is served worse.

    Args:
        comparisons: As made by `comparison_table`.
        policy: Its level names the intervals.
        baseline: What to call the one system.
        candidate: What to call the other.
    """
    rows = {(row["dimension"], row["measure"]): row for row in comparisons.to_dict("records")}
    names = {"baseline": baseline, "candidate": candidate}
    overall = rows[OVERALL, WER]
    sentences = [f"Overall, {_ACCURATE[overall['verdict']].format(**names)} ({_quoted(overall, policy)})."]
    for dimension in (name for name, measure in rows if measure == MAX_GAP):
        gap, worst = rows[dimension, MAX_GAP], rows[dimension, WORST_SLICE]
        sentences.append(
            f"By {dimension}, {_FAIR[gap['verdict']].format(**names)} (largest gap {_quoted(gap, policy)}); "
            f"{_SERVED[worst['verdict']].format(**names)} (its WER {_quoted(worst, policy)})."
        )
    return sentences


def _quoted(row: Mapping[Hashable, Any], policy: Policy) -> str:
    """Write a row's numbers, or why it has none to be judged by."""
    if row["verdict"] == ComparisonVerdict.insufficient.value:
        return str(row["reason"])
    interval = Interval(row["difference_low"], row["difference_high"])
    evidence = _evidence(row["difference"], interval, row["p_adjusted"], policy)
    unit = "points" if row["measure"] == MAX_GAP else "%"
    return f"{100 * row['candidate']:.1f} against {100 * row['baseline']:.1f} {unit}: {evidence}"


def _evidence(difference: float, interval: Interval, p_adjusted: float, policy: Policy) -> str:
    return (
        f"{_points(difference)} points, {100 * (1 - policy.alpha):g} % {_points(interval.low)} to "
        f"{_points(interval.high)}, adjusted p {p_adjusted:.2g}"
    )


def _detectable(row: Difference) -> str:
    if np.isnan(row.detectable):
        return "so few speakers cannot show any difference among so many comparisons"
    return f"a difference of about {100 * row.detectable:.1f} points would have been seen with 80 % probability"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f}"
