"""Patterns proposed by a search in, what speakers it did not see say of them out: gap, interval, test, in words.

A pattern that speakers are wholly inside or outside of (`accent: scottish`) is tested by permuting speakers. Where
speakers are on both sides (`accent & condition: scottish & siren`) it is a t test of the log ratio over its joint
linearised standard error, with the degrees of freedom of the smaller side less one. In 2,000 corpora of 50 speakers, 5
to 50 of them inside in part of what they say, it raised .048 to .056 false alarms at level .05, sign flips of null
contributions .054 to .067; at level .01, which corrections come to, it saw twice the error rate among 7 speakers in .36
and the flips in .22, among 5 in .12 and .03 (benchmarks/discovery.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np
import pandas as pd
from scipy.special import stdtr

from harness.fairness.bootstrap import divide, one_error, resample_weights, t_quantile
from harness.fairness.gaps import Side, gap_intervals, gaps, overlaps
from harness.fairness.membership import Ints
from harness.fairness.policy import Correction, Policy
from harness.fairness.search.patterns import Cells, Pattern
from harness.fairness.significance import adjusted, permutation_p_values
from harness.fairness.sparse_sums import Bools, Floats

DISCOVERY_COLUMNS = (
    "dimension", "slice", "n_speakers", "n_utterances", "reference_words", "wer", "outside_wer", "gap", "gap_low",
    "gap_high", "discovery_gap", "discovery_n_speakers", "p_value", "p_adjusted", "confirmed", "reason",
)  # fmt: skip
_RESOLUTION = 4  # the smallest p-value of a random permutation test is at most alpha / tests / (_RESOLUTION / 2)


@dataclass(frozen=True, slots=True)
class LogRatio:
    """Is the logarithm of a quotient of two rates, neither below that of one word error."""

    value: float
    standard_error: float  # linearised, joint where speakers are on both sides; NaN below two speakers on a side
    freedom: float

    def lower(self, alpha: float) -> float:
        """Return the lower limit of the 1 - alpha interval; NaN where there is none."""
        return self.value - float(t_quantile(np.array([self.freedom]), 1 - alpha)[0]) * self.standard_error

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value of Student's t."""
        return 2 * float(stdtr(self.freedom, -abs(self.value) / self.standard_error))


def log_ratio(slices: Side, others: Side) -> LogRatio:
    """Return the log ratio of a single comparison."""
    measured = gaps(slices, others)
    rates = [float(np.fmax(side.rate, one_error(side.words))[0]) for side in (measured.slices, measured.comparators)]
    smaller = min(measured.slices.n_speakers[0], measured.comparators.n_speakers[0])
    return LogRatio(log(rates[0] / rates[1]), float(measured.log_ratio_standard_error[0]), float(smaller) - 1)


def side_of(*sums: Floats) -> Side:
    """Return sums of several patterns, each (3, n_speakers), as one side of as many comparisons."""
    errors, words, _ = np.stack(sums, axis=2)  # (3, n_speakers, n_patterns)
    return Side(errors, words, errors + words > 0)


def validated(cells: Cells, patterns: Sequence[Pattern], half: Bools, *, policy: Policy, seed: int) -> pd.DataFrame:
    """Test patterns on the speakers who are not in the half that they were found in.

    Returns:
        One row a pattern with DISCOVERY_COLUMNS.
    """
    if not patterns:
        return pd.DataFrame(columns=list(DISCOVERY_COLUMNS))
    inside, outside = zip(*(cells.sums_of(pattern) for pattern in patterns), strict=True)
    found = gaps(side_of(*(each[:, half] for each in inside)), side_of(*(each[:, half] for each in outside)))
    slices, others = (side_of(*(each[:, ~half] for each in side)) for side in (inside, outside))
    measured = gaps(slices, others)
    weights = resample_weights(int((~half).sum()), policy.n_resamples, np.random.default_rng(seed))
    (intervals,) = gap_intervals(slices, others, weights=weights, confidences=[1 - policy.alpha])
    p_values = _p_values(slices, others, policy, seed)
    p_adjusted = adjusted(p_values, Correction.holm)
    table = pd.DataFrame(
        {
            "dimension": [cells.dimension(pattern) for pattern in patterns],
            "slice": [cells.name(pattern) for pattern in patterns],
            "n_speakers": slices.present.sum(axis=0),
            "n_utterances": [int(each[2, ~half].sum()) for each in inside],
            "reference_words": slices.words.sum(axis=0).astype(np.int64),
            "wer": measured.slices.rate,
            "outside_wer": measured.comparators.rate,
            "gap": measured.gap,
            "gap_low": [interval.low for interval in intervals],
            "gap_high": [interval.high for interval in intervals],
            "discovery_gap": found.gap,
            "discovery_n_speakers": found.slices.n_speakers.astype(np.int64),
            "p_value": p_values,
            "p_adjusted": p_adjusted,
            "confirmed": (p_adjusted < policy.alpha) & (measured.gap > 0),
        }
    )
    return table.assign(reason=_reasons(table, others.present.sum(axis=0), policy))


def beyond_margin(candidates: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the confirmed candidates whose gap reaches a margin that the policy promises."""
    columns = (candidates[name] for name in ("dimension", "confirmed", "gap", "wer", "outside_wer"))
    worse = [
        bool(is_confirmed) and policy.for_dimension(dimension).worse(gap, float(divide(wer, outside_wer)))
        for dimension, is_confirmed, gap, wer, outside_wer in zip(*columns, strict=True)
    ]
    return candidates[np.array(worse, dtype=bool)]


def _p_values(slices: Side, others: Side, policy: Policy, seed: int) -> Floats:
    """Return the two-sided p-value of every pattern, (n_patterns,)."""
    n_patterns = slices.errors.shape[1]
    n_permutations = max(policy.n_permutations, ceil(_RESOLUTION * n_patterns / policy.alpha))
    p_values = np.empty(n_patterns)
    for k, paired in enumerate(overlaps(slices, others)):
        one, rest = (Side(side.errors[:, [k]], side.words[:, [k]], side.present[:, [k]]) for side in (slices, others))
        if paired:
            p_values[k] = log_ratio(one, rest).p_value
            continue
        pool = np.flatnonzero((one.present | rest.present)[:, 0])
        errors, words = (one.errors + rest.errors)[pool, 0], (one.words + rest.words)[pool, 0]
        members = one.present[pool]
        (p_values[k],) = permutation_p_values(errors, words, members, n_permutations=n_permutations, seed=seed)
    return p_values


def _reasons(table: pd.DataFrame, n_others: Ints, policy: Policy) -> list[str]:
    """Say of every pattern whether it was confirmed, and by what evidence."""
    reached = set(beyond_margin(table, policy).index)
    level = f"{100 * (1 - policy.alpha):g} %"
    names = ("dimension", "confirmed", "gap", "gap_low", "gap_high", "p_adjusted", "n_speakers")
    reasons = []
    for row, n_outside, *told in zip(table.index, n_others, *(table[name] for name in names), strict=True):
        dimension, is_confirmed, gap, low, high, p_adjusted, n_inside = told
        promise = policy.for_dimension(dimension)
        margin = f"{100 * promise.margin:g} points" + (f" or ×{promise.margin_ratio:g}" if promise.margin_ratio else "")
        verdict = "not confirmed" if gap > 0 else "not confirmed, not even worse"
        if is_confirmed:
            verdict = f"worse by {'at least' if row in reached else 'less than'} {margin}"
        reasons.append(
            f"{verdict}, among speakers the search did not see: {_points(gap)} points, {level} {_points(low)} to "
            f"{_points(high)}, adjusted p {p_adjusted:.2g} ({n_inside} speakers against {n_outside})"
        )
    return reasons


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f}"
