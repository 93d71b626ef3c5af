"""Crossings of a WER along sweeps in, where each slice crosses it in words out; what lies beyond is said, not blank."""

import math
import re

import pandas as pd

from harness.report.applied import at_level, unit_of
from harness.report.conditions import Row

_BEYOND = re.compile(r"(never above|always above|no crossing|the monotone curve is (?:never|always) above)[^:;]*")


def crossing_text(row: Row) -> str:
    """Return the level at which a slice crosses the WER; where none is one, why."""
    if row["crossing"] == row["crossing"]:
        return at_level(str(row["parameter"]), _short(row["crossing"]))
    found = _BEYOND.match(str(row["note"]))
    return found[0].strip() if found else "–"


def crossing_interval(row: Row, levels: pd.DataFrame) -> str:
    """Return the interval of a crossing; an end that lies beyond the levels measured is told as above or below them."""
    low, high = (float(row[f"crossing_{end}"]) for end in ("low", "high"))
    if math.isnan(low) and math.isnan(high):
        return "–"
    measured = levels[levels["sweep"] == row["sweep"]]["level"].astype(float)
    ends = (
        f"below {measured.min():,.5g}" if math.isnan(low) else f"{_short(low):,.5g}",
        f"above {measured.max():,.5g}" if math.isnan(high) else f"{_short(high):,.5g}",
    )
    unit = unit_of(str(row["parameter"]))
    return f"{ends[0]} to {ends[1]}" + (f" {unit}" if unit else "")


def _short(level: float) -> float:
    """Return a level to the three digits that a crossing means."""
    return float(f"{level:.3g}")
