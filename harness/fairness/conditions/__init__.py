"""Scores under conditions in, the grid of conditions and slices, extra harm and crossings out."""

from harness.fairness.conditions.crossings import CROSSING_COLUMNS, crossing_table
from harness.fairness.conditions.extra_harm import EXTRA_HARM_COLUMNS, extra_harm_table
from harness.fairness.conditions.grid import CONDITION_COLUMNS, condition_grid
from harness.fairness.conditions.harms import HarmScale

__all__ = [
    "CONDITION_COLUMNS",
    "CROSSING_COLUMNS",
    "EXTRA_HARM_COLUMNS",
    "HarmScale",
    "condition_grid",
    "crossing_table",
    "extra_harm_table",
]
