"""What conditions a run had in, which of them belong to one sweep, and at which level, out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.transcription.store import CLEAN

LEVEL_COLUMNS = ("condition", "sweep", "parameter", "level")


@dataclass(frozen=True, slots=True)
class Level:
    """Says where a condition stands in its sweep."""

    sweep: str  # empty where it belongs to none
    parameter: str
    level: float  # in the unit of the parameter; NaN where it has none


def levels_of(conditions: Iterable[str], levels: pd.DataFrame | None) -> dict[str, Level]:
    """Return the level of every condition but `clean`, in the order of `levels`; conditions it does not name are last.

    Args:
        conditions: That the scores have.
        levels: One row a condition with LEVEL_COLUMNS; None where nothing is a sweep.

    Raises:
        UsageError: A column is missing, a condition is there twice or not in the scores, or a level is no number.
    """
    there = dict.fromkeys(name for name in conditions if name != CLEAN)
    told = _told(levels) if levels is not None else {}
    unknown = [name for name in told if name not in there and name != CLEAN]
    if unknown:
        raise UsageError(
            f"levels name the condition {unknown[0]!r}, which the scores do not have; they have {[*there]}."
        )
    return {name: level for name, level in told.items() if name != CLEAN} | {
        name: Level("", "", np.nan) for name in there if name not in told
    }


def swept(levels: Mapping[str, Level]) -> dict[str, list[str]]:
    """Return the conditions of every sweep that has two or more, each in the order of `levels`."""
    sweeps: dict[str, list[str]] = {}
    for name, level in levels.items():
        if level.sweep:
            sweeps.setdefault(level.sweep, []).append(name)
    return {sweep: names for sweep, names in sweeps.items() if len(names) > 1}


def _told(levels: pd.DataFrame) -> dict[str, Level]:
    missing = [name for name in LEVEL_COLUMNS if name not in levels]
    if missing:
        raise UsageError(f"levels lack {missing}; expected one row a condition with {LEVEL_COLUMNS}.")
    values = pd.to_numeric(levels["level"], errors="coerce").astype(np.float64)
    wrong = levels["condition"][levels["level"].notna() & ~values.map(isfinite)]
    if len(wrong):
        raise UsageError(
            f"the level of condition {wrong.iloc[0]!r} is no number; expected one, or NaN where it has none."
        )
    if levels["condition"].duplicated().any():
        raise UsageError(f"levels have two rows of {levels['condition'][levels['condition'].duplicated()].iloc[0]!r}.")
    texts = (levels[name].fillna("").astype(str) for name in ("condition", "sweep", "parameter"))
    return {
        name: Level(sweep, parameter, level)
        for name, sweep, parameter, level in zip(*texts, values.tolist(), strict=True)
    }
