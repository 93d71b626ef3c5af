"""A last-mile grid and a finished run of something else in, each gap there beside the same slice's gap here out."""

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.results.run import Run

PLACED_COLUMNS = (
    "condition", "dimension", "slice", "comparator", "wer", "gap", "gap_low", "gap_high", "verdict", "there_wer",
    "there_gap", "there_gap_low", "there_gap_high", "there_verdict", "further", "further_low", "further_high",
)  # fmt: skip
_KEYS = ["dimension", "slice", "comparator"]
_THERE = ["wer", "gap", "gap_low", "gap_high", "verdict"]


def placed_beside(grid: pd.DataFrame, there: Run) -> pd.DataFrame:
    """Put every gap under every condition beside the gap that the same slice has in another run.

    The people are others, and so are the words: what is placed beside one another is two gaps, not two systems. The
    interval of their difference takes them as independent: each end is as far away as the root of the summed squares of
    the distances of the ends of both (MOVER: Zou and Donner 2008).

    Args:
        grid: As made by `condition_grid`.
        there: A finished run, as of a public benchmark.

    Returns:
        One row a condition and slice that both have, with PLACED_COLUMNS; `further` is the gap here less the gap there.

    Raises:
        UsageError: The two have no slice in common.
    """
    other = there.disparities[[*_KEYS, *_THERE]].rename(columns={name: f"there_{name}" for name in _THERE})
    here = grid[grid["gap"].notna()][["condition", *_KEYS, *_THERE]]
    placed = here.merge(other, on=_KEYS, how="inner", validate="many_to_one")
    if placed.empty:
        raise UsageError(
            f"beside={there.path}: has no slice in common with this run. It has {_named(other)}; this one has "
            f"{_named(here)}. Values must be written alike, and gaps have the same comparator."
        )
    low = np.hypot(placed["gap"] - placed["gap_low"], placed["there_gap_high"] - placed["there_gap"])
    high = np.hypot(placed["gap_high"] - placed["gap"], placed["there_gap"] - placed["there_gap_low"])
    further = placed["gap"] - placed["there_gap"]
    return placed.assign(further=further, further_low=further - low, further_high=further + high)[list(PLACED_COLUMNS)]


def _named(table: pd.DataFrame) -> str:
    names = (table["dimension"] + "=" + table["slice"]).drop_duplicates().head(6)
    return ", ".join(names) or "none"
