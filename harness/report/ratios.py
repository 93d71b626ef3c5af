"""The rows of adjusted.csv on one slice in, which of them is its ratio as it is, with all held equal, with one, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.fairness.adjusted import WITH
from harness.report.wording import times

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Ratios:
    """Holds rows of adjusted.csv on one slice; of those with covariates, the ones that have a ratio.

    Attributes:
        raw: Without covariates.
        alone: With one covariate each.
        everything: With all that one model can have, which may be one; None where there is no such model.
    """

    raw: Row
    alone: tuple[Row, ...]
    everything: Row | None

    @property
    def moving(self) -> Row | None:
        """Return the covariate that moves the ratio most; None without any."""
        return max(self.alone, key=lambda row: abs(row["ratio"] - self.raw["ratio"]), default=None)

    @property
    def note(self) -> str:
        """Return what is to be known of the ratio as it is and with all held equal, each remark once."""
        rows = [self.raw] if self.everything is None else [self.raw, self.everything]
        told = [str(row["note"]) for row in rows if pd.notna(row["note"])]
        return "; ".join(dict.fromkeys(part for note in told for part in note.split("; ") if part))


def fitted_slices(adjusted: pd.DataFrame) -> list[Ratios]:
    """Return the slices of the table that have a ratio, in its order."""
    parts = [part for _, part in adjusted.groupby(["dimension", "slice"], sort=False, dropna=False)]
    return [ratios_of(part.to_dict("records")) for part in parts if part["ratio"].notna().any()]


def ratios_of(rows: Sequence[Row]) -> Ratios:
    """Tell a slice's rows apart: without covariates, with each, and last, where there are two, with all."""
    raw, *others = rows
    fitted = [row for row in others if pd.notna(row["ratio"])]
    has_all = len(fitted) > 1 and fitted[-1]["covariates"] == WITH.join(row["covariates"] for row in fitted[:-1])
    alone = tuple(fitted[:-1] if has_all else fitted)
    return Ratios(raw, alone, fitted[-1] if has_all or len(fitted) == 1 else None)


def ratio_interval(row: Row) -> str:
    """Write the interval of a ratio; – where there is none."""
    low, high = row["ratio_low"], row["ratio_high"]
    return "–" if pd.isna(low) or pd.isna(high) else f"{times(low)} to {times(high)}"
