"""Scores in, slices, gaps and verdicts out; everything here works on plain frames, without Hydra."""

from harness.fairness.disparity import disparity_table, violations
from harness.fairness.membership import dimensions
from harness.fairness.policy import Correction, DimensionPolicy, Failures, Policy, Verdict
from harness.fairness.slices import slice_table

__all__ = [
    "Correction",
    "DimensionPolicy",
    "Failures",
    "Policy",
    "Verdict",
    "dimensions",
    "disparity_table",
    "slice_table",
    "violations",
]
