"""Scores and declared slices in, a table that protects every speaker, its cost and its proofs out.

The only noise is OpenDP's. Suppression, which is no differential privacy, is not counted here.
"""

from harness.fairness.privacy.declared import OTHER
from harness.fairness.privacy.expected import expected_error, plan_release, speakers_needed
from harness.fairness.privacy.foreseen import fitting_caps, foreseen_errors
from harness.fairness.privacy.options import Caps, PrivacyOptions, ReleaseMethod, Statistic
from harness.fairness.privacy.records import PRIVATE_COLUMNS, PrivateTable, Proof, Spent, Statement
from harness.fairness.privacy.table import private_table

__all__ = [
    "OTHER",
    "PRIVATE_COLUMNS",
    "Caps",
    "PrivacyOptions",
    "PrivateTable",
    "Proof",
    "ReleaseMethod",
    "Spent",
    "Statement",
    "Statistic",
    "expected_error",
    "fitting_caps",
    "foreseen_errors",
    "plan_release",
    "private_table",
    "speakers_needed",
]
