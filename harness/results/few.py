"""What a run says of its policy and slices in, of which slices nothing may be printed out: intersections of few people.

Where attributes meet, a slice of fewer speakers than the policy asks for is people, not a group: its rate is theirs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness import Policy
from harness.fairness.membership import AND

Bools = npt.NDArray[np.bool_]
Key = tuple[str, str]


def floor_of(facts: Mapping[str, Any]) -> int:
    """Return the policy's floor of speakers; that of the usual policy where a run.json does not say it."""
    policy = facts.get("policy")
    told = policy.get("min_speakers") if isinstance(policy, Mapping) else None
    return int(told or Policy().min_speakers)


def is_crossed(dimensions: "pd.Series[str]") -> Bools:
    """Say which dimensions are of several attributes, (n_rows,)."""
    return dimensions.astype(str).str.contains(AND, regex=False).to_numpy(bool)


def is_few(table: pd.DataFrame, floor: int) -> Bools:
    """Say which rows, with `dimension` and `n_speakers`, are of intersections of fewer speakers than a floor."""
    return is_crossed(table["dimension"]) & (table["n_speakers"] < floor).to_numpy(bool)


def keys_of(table: pd.DataFrame, column: str = "slice") -> list[Key]:
    """Return dimension and slice of every row, or the slice that another column names."""
    return list(zip(table["dimension"], table[column], strict=True))
