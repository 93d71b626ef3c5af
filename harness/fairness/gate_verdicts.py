"""A night's changes in, what is believed of them out: verdicts, and reasons in words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Floats, divide
from harness.fairness.gate import GAP, GateOptions, Unit
from harness.fairness.multiplicity import adjusted, strictest_level
from harness.fairness.policy import Correction
from harness.fairness.power import LARGEST_GAP
from harness.fairness.systems.signed_sums import detectable_sum

_SPOKEN: Mapping[str, str] = {Unit.speakers.value: "speakers", Unit.clips.value: "utterances"}  # units, for people


class Change(Enum):
    """What the evidence says of a measure tonight, against the blessed baseline."""

    regression = "regression"  # worse by at least the margin, and a gap also beyond the policy: fails the night
    slightly_worse = "slightly_worse"  # shown, but less than that
    better = "better"
    not_detected = "not_detected"  # neither shown at this sample size
    insufficient = "insufficient"  # below the policy's floors: no test is run


def judged(found: pd.DataFrame, options: GateOptions) -> pd.DataFrame:
    """Judge a night's changes, p-values corrected over all of them (Holm).

    Args:
        found: The `changes` of every cell; further columns are kept.
        options: Level and margin.

    Returns:
        The same rows with p_worse_adjusted, p_better_adjusted, verdict, reason, and `detectable`: the loss seen with
        80 % probability, of words here and there (whole clips: .5 to .95); NaN of gaps, and where none could be.
    """
    worse, better = (adjusted(found[name].to_numpy(float), Correction.holm) for name in ("p_worse", "p_better"))
    level = strictest_level(int(found["p_worse"].notna().sum()), Correction.holm, options.alpha)
    seen = _detectable(found, level, options.margin)
    table = found.assign(p_worse_adjusted=worse, p_better_adjusted=better, detectable=seen)
    columns = [table[field.name].tolist() for field in fields(_Judged)]
    verdicts = [_verdict(_Judged(*values), options) for values in zip(*columns, strict=True)]
    return table.assign(verdict=[verdict.value for verdict, _ in verdicts], reason=[reason for _, reason in verdicts])


def _detectable(found: pd.DataFrame, level: float, margin: float) -> Floats:
    """Return the loss that is seen with 80 % probability beside changes such as tonight's; NaN of gaps."""
    squares, n_units, words = (found[name].to_numpy(float) for name in ("squares", "n_units", "words"))
    seen = divide(detectable_sum(squares, n_units, LARGEST_GAP * words, level=level), words)
    return np.where(found["p_worse"].notna(), np.fmax(seen, np.where(np.isnan(seen), seen, margin)), np.nan)


@dataclass(frozen=True, slots=True)
class _Judged:
    """Holds what the verdict on one change rests on; NaN where there is no number."""

    measure: str
    unit: str
    n_units: int
    difference: float
    p_worse_adjusted: float
    p_better_adjusted: float
    detectable: float
    beyond: bool
    shortfall: str


def _verdict(row: _Judged, options: GateOptions) -> tuple[Change, str]:
    """Return the verdict on one row and the reason in words."""
    if row.shortfall:
        return Change.insufficient, f"too few to say: {row.shortfall}"
    least = f"{100 * options.margin:g} point{'' if options.margin == 0.01 else 's'}"
    p_adjusted = row.p_worse_adjusted if row.difference > 0 else row.p_better_adjusted
    found = f"{100 * row.difference:+.1f} points, adjusted p {p_adjusted:.2g} over {row.n_units:,} {_SPOKEN[row.unit]}"
    if row.p_better_adjusted < options.alpha:
        return Change.better, f"{'smaller' if row.measure == GAP else 'better'}: {found}"
    if not row.p_worse_adjusted < options.alpha:
        return Change.not_detected, f"no change detected at this sample size{_seen(row)}: {found}"
    if row.difference < options.margin:
        return Change.slightly_worse, f"worse by less than {least}: {found}"
    if row.measure == GAP and not row.beyond:
        return Change.slightly_worse, f"grown by at least {least}, still a gap that the policy allows: {found}"
    grown = f"grown by at least {least}, now beyond the policy" if row.measure == GAP else f"worse by at least {least}"
    return Change.regression, f"{grown}: {found}"


def _seen(row: _Judged) -> str:
    if row.measure == GAP:
        return ""
    if np.isnan(row.detectable):
        return f" (so few {_SPOKEN[row.unit]} cannot show any loss among so many tests)"
    return (
        f" (a loss of {100 * row.detectable:.1f} points over all utterances would have been seen with 80 % probability)"
    )
