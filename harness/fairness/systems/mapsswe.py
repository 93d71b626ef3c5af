"""Word errors of two systems segment by segment in, Z and p of their difference out (MAPSSWE).

The matched-pairs sentence-segment word error test (Gillick and Cox, ICASSP 1989; as in NIST's SCTK). Its unit is the
segment: it takes the people who were recorded as given, and says nothing about others. For that, see `paired`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from harness.fairness.bootstrap import Interval
from harness.fairness.membership import EVERYBODY, OVERALL
from harness.fairness.paired import COMPARISON_COLUMNS
from harness.fairness.systems.paired_verdicts import MAPSSWE, ComparisonVerdict

_UNIT = "its unit is the segment, not the speaker: it speaks of these recordings, not of other people"


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """Is the test of a mean difference; NaN where there is none, and the note says why."""

    n_segments: int
    mean: float  # errors a segment
    standard_error: float
    z: float
    p_value: float  # two-sided, normal
    note: str = ""

    def interval(self, confidence: float) -> Interval:
        """Return the normal interval of the mean difference."""
        half = float(ndtri((1 + confidence) / 2)) * self.standard_error
        return Interval(self.mean - half, self.mean + half, self.note)


def mapsswe(differences: npt.ArrayLike) -> SegmentTest:
    """Test whether two systems make equally many errors a segment.

    Args:
        differences: Errors of the one system less those of the other, (n_segments,).

    Returns:
        Z = mean / (standard deviation / sqrt(n)) and its two-sided normal p-value; both NaN below two segments, or
        where every segment has one and the same difference. Where no segment differs, Z is 0 and p 1.

    >>> test = mapsswe([1, 1, 0])
    >>> round(test.mean, 3), round(test.z, 3)
    (0.667, 2.0)
    """
    values = np.asarray(differences, np.float64)
    n_segments = len(values)
    if n_segments and not values.any():
        return SegmentTest(n_segments, 0.0, 0.0, 0.0, 1.0)
    if n_segments < 2:
        mean = float(values[0]) if n_segments else np.nan
        note = f"{n_segments} segment{'' if n_segments == 1 else 's'} with an error: no test"
        return SegmentTest(n_segments, mean, np.nan, np.nan, np.nan, note)
    mean, standard_error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n_segments))
    if np.ptp(values) == 0:
        note = f"all {n_segments} segments have one difference, nothing to measure their spread by: no test"
        return SegmentTest(n_segments, mean, np.nan, np.nan, np.nan, note)
    z = mean / standard_error
    return SegmentTest(n_segments, mean, standard_error, z, float(2 * ndtr(-abs(z))))


def mapsswe_row(baseline_errors: npt.ArrayLike, candidate_errors: npt.ArrayLike, *, alpha: float) -> pd.DataFrame:
    """Return the test as a row of the comparisons table, judged by no policy and outside its correction.

    Args:
        baseline_errors: Word errors of the one system, (n_segments,).
        candidate_errors: Of the other, (n_segments,).
        alpha: The interval of the difference is 1 - alpha.

    Returns:
        One row with COMPARISON_COLUMNS; baseline, candidate and difference are errors a segment.
    """
    errors = [np.asarray(each, np.float64) for each in (baseline_errors, candidate_errors)]
    test = mapsswe(errors[1] - errors[0])
    means = [float(each.mean()) if len(each) else np.nan for each in errors]
    interval = test.interval(1 - alpha)
    found = test.note or f"{test.n_segments} segments, Z {test.z:.3f}, two-sided normal p"
    row = (
        *(MAPSSWE, OVERALL, EVERYBODY, *means, test.mean, interval.low, interval.high, test.p_value, np.nan),
        *(ComparisonVerdict.not_judged.value, f"errors a segment; {found}; {_UNIT}"),
    )
    return pd.DataFrame([row], columns=list(COMPARISON_COLUMNS))
