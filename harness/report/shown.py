"""A run in, the same run without what would be printed of single people out: whatever reads it cannot show it.

Where attributes meet, a slice of fewer speakers than the policy asks for is people, not a group: its rate is theirs.
No row of such an intersection is in any table here, nor its name in any list; how many there are, and that they are
few, is all that is said. The files of the run keep every count, for counts are what other runs are made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from harness.corpus.attributes import INTERSECTION_SEPARATOR
from harness.report.wording import mapping
from harness.results import Run
from harness.results.complements import NOTHING, Complements
from harness.results.few import Key, floor_of, is_few, keys_of
from harness.results.run import METRICS, PLACED, SPEED

INSUFFICIENT, INTERSECTION = "insufficient", "intersection"
_LISTS = ("violations", "normaliser_sensitive")  # of the summary, each item of one slice
_OF_SLICES = (METRICS, SPEED)  # tables whose rows are of slices, or say with whom these are compared


@dataclass(frozen=True)
class ShownRun(Run):
    """Is a run as it is printed: without intersections of fewer speakers than its policy asks for."""

    @cached_property
    def floor(self) -> int:
        """Return the number of speakers below which a slice is of few."""
        return floor_of(super().facts)

    @cached_property
    def few(self) -> frozenset[Key]:
        """Return the slices, by dimension and name, of which nothing is printed."""
        slices = super().slices
        withheld = slices["dimension"].map(self.is_withheld).to_numpy(bool)
        rows = slices[withheld & (slices["n_speakers"] < self.floor).to_numpy(bool)]
        return frozenset(keys_of(rows))

    @property
    def tells_few(self) -> bool:
        """Say whether it may be told where few people are, of whom nothing else is."""
        return True

    @property
    def beside(self) -> Complements:
        """Return what is not printed lest a slice of few be worked out: nothing, where the run is at hand anyway."""
        return NOTHING

    @property
    def few_sentence(self) -> str:
        """Say how many slices are left out and why; empty where none is."""
        return few_sentence(len(self.few), self.floor, what=self._withheld_what, beside=self.beside)

    @cached_property
    def _left_out(self) -> frozenset[Key]:
        return self.few | self.beside.slices

    def is_withheld(self, dimension: str) -> bool:
        """Say whether slices of a dimension are withheld where they are of few: those of several attributes."""
        return INTERSECTION_SEPARATOR in dimension

    @property
    def _withheld_what(self) -> str:
        return INTERSECTION

    @property
    def slices(self) -> pd.DataFrame:
        """Return the slice table without slices of few."""
        return self._printed(super().slices, of_gaps=False)

    @property
    def disparities(self) -> pd.DataFrame:
        """Return the disparity table without slices of few, and without those compared with one."""
        return self._printed(super().disparities)

    def optional(self, name: str) -> pd.DataFrame | None:
        """Return a table that not every run has, without slices of few; None where this run has not."""
        table = super().optional(name)
        if table is None:
            return None
        if name == PLACED:  # how many speakers another run has there is not told: its verdict is
            crossed = table["dimension"].map(self.is_withheld).to_numpy(bool)
            table = table[~(crossed & (table["there_verdict"] == INSUFFICIENT).to_numpy(bool))]
        return self._printed(table, of_gaps=name not in _OF_SLICES)

    @property
    def summary(self) -> dict[str, Any]:
        """Return the headline without what it says of slices of few; its counts are of all."""
        summary = super().summary
        kept: dict[str, Any] = {
            name: [each for each in summary.get(name) or [] if not self.is_left_out(each, gap=True)] for name in _LISTS
        }
        lost = {f"{dimension}: {name}" for dimension, name in self._left_out}
        kept["slices_lost"] = [name for name in summary.get("slices_lost") or [] if name not in lost]
        if summary.get("beyond"):
            kept["beyond"] = {name: self._beyond(told) for name, told in mapping(summary["beyond"]).items()}
        return summary | kept

    def is_left_out(self, told: Mapping[str, Any], *, gap: bool = False) -> bool:
        """Say whether something that names a dimension and a slice is of what is not printed; of a gap, its gap."""
        key = str(told.get("dimension")), str(told.get("slice"))
        return key in self._left_out or (gap and key in self.beside.gaps)

    def _beyond(self, told: object) -> object:
        """Return what is said of conditions without slices of few."""
        if not isinstance(told, Mapping) or not isinstance(told.get("violations"), Sequence):
            return told
        return {**told, "violations": [each for each in told["violations"] if not self.is_left_out(each, gap=True)]}

    def _printed(self, table: pd.DataFrame, *, of_gaps: bool = True) -> pd.DataFrame:
        """Return the rows of a table that are printed; where not all are of gaps, those with a comparator are."""
        if table.empty or not self._left_out:
            return table
        about = np.zeros(len(table), dtype=bool)
        for column in ("slice", "comparator"):
            if {"dimension", column} <= set(table.columns):
                keys = keys_of(table, column)
                about |= np.fromiter((key in self._left_out for key in keys), bool, len(table))
        if {"dimension", "slice"} <= set(table.columns):
            compares = table["comparator"].notna().to_numpy(bool) if "comparator" in table else of_gaps
            about |= np.fromiter((key in self.beside.gaps for key in keys_of(table)), bool, len(table)) & compares
        return table[~about].reset_index(drop=True)


def withheld(run: ShownRun) -> list[str]:
    """Return the note on what is left out, where something is."""
    return [run.few_sentence] if run.few_sentence else []


def without_few(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Return a table's rows but those of intersections of fewer speakers, `n_speakers`, than a floor."""
    return table[~is_few(table, floor)]


def few_sentence(number: int, floor: int, *, what: str = INTERSECTION, beside: Complements = NOTHING) -> str:
    """Say how many slices are left out and why, and what is with them; empty where none is.

    >>> few_sentence(2, 5)
    '2 intersections of fewer than 5 speakers are not printed: numbers of so few would be of persons.'
    """
    if not number:
        return ""
    several = number > 1
    said = (
        f"{number:,} {what}{'s' if several else ''} of fewer than {floor} speakers {'are' if several else 'is'} not "
        "printed: numbers of so few would be of persons."
    )
    with_them = {"of more speakers": len(beside.slices), "gaps of others": len(beside.gaps - beside.slices)}
    told = " and ".join(f"{n:,} {of}" for of, n in with_them.items() if n)
    return f"{said} Nor are {told}, from which those could be worked out by subtraction." if told else said
