"""Scores in, slices, gaps, verdicts and the evidence beside them out, on plain frames and without Hydra."""

from harness.fairness.adjusted import adjusted_table
from harness.fairness.discovery import DiscoveryOptions, discover
from harness.fairness.disparity import disparity_table, violations
from harness.fairness.matched import matched_table
from harness.fairness.membership import dimensions
from harness.fairness.metrics import metrics_table
from harness.fairness.paired import comparison_table
from harness.fairness.policy import Correction, DimensionPolicy, Failures, Family, Policy, Verdict
from harness.fairness.slices import slice_table

__all__ = [
    "Correction",
    "DimensionPolicy",
    "DiscoveryOptions",
    "Failures",
    "Family",
    "Policy",
    "Verdict",
    "adjusted_table",
    "comparison_table",
    "dimensions",
    "discover",
    "disparity_table",
    "matched_table",
    "metrics_table",
    "slice_table",
    "violations",
]
