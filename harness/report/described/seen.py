"""The run directory of a description in, its tables out as they may be shown: few people without their numbers."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.described import Redact, StepKind
from harness.fairness.membership import AND, OVERALL
from harness.report.wording import mapping
from harness.results import Run

Bools = npt.NDArray[np.bool_]

PEOPLE, ATTRIBUTES, CONFLICTS, OVERLAPS, OVERLAP_PAIRS, DUPLICATES, LEAKAGE, LENGTHS, SPEAKERS, NEXT = (
    "people.csv", "attributes.csv", "conflicts.csv", "overlaps.csv", "overlap_pairs.csv", "duplicates.csv",
    "leakage.csv", "lengths.csv", "speakers.csv", "next.csv",
)  # fmt: skip
PAGE = "describe.html"
TABLES = (PEOPLE, ATTRIBUTES, CONFLICTS, OVERLAPS, OVERLAP_PAIRS, DUPLICATES, LEAKAGE, LENGTHS, SPEAKERS, NEXT)
_TEXTS = ("dimension", "slice", "other", "attribute", "kind", "provenance", "note", "of", "what", "file", "measure")
_WITHHELD = ("n_utterances", "n_without_speaker", "hours", "n_without_duration", "words", "words_per_speaker",
             "largest_share", "effective_speakers", "detectable_gap", "power")  # fmt: skip
_LANGUAGE = "language"  # its dimension; no attribute has that name


@dataclass(frozen=True)
class Seen:
    """Is what the page is made of: a run, its tables read once.

    Where people are few, numbers are withheld as the run's own option says: on the page and in the report, never in the
    tables, which are the curator's.
    """

    run: Run

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return run.json."""
        return self.run.facts

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Return summary.json."""
        return self.run.summary

    @property
    def redact(self) -> Redact:
        """Say of which slices numbers are withheld."""
        return Redact(self.summary["redact"])

    @property
    def floor(self) -> int:
        """Return the number of people below which they are."""
        return int(self.summary["min_speakers"])

    @property
    def bands(self) -> list[str]:
        """Name how many people a crossing has, from few to many."""
        between = [f"{low:,}–{high - 1:,}" for low, high in pairwise(self._edges)]
        return [f"<{self.floor:,}", *between, f"{self._edges[-1]:,}+"]

    @property
    def _edges(self) -> list[int]:
        return [self.floor * times for times in (1, 2, 5, 10, 50)]

    @cached_property
    def people(self) -> pd.DataFrame:
        """Return people.csv with `people_text`, what is said of the number of people, its `band`, and its `rank`.

        What is withheld is NaN. Rows are ranked by their number of people, or by its band where that is all that is
        said; so are utterances of crossings, by which crossings are drawn.
        """
        table = self._table(PEOPLE)
        n_people = table["n_speakers"].to_numpy(np.int64)
        crossed = _is_crossed(table["dimension"])
        few = self._few(n_people, crossed)
        band = np.searchsorted(self._edges, n_people, side="right")
        banded = crossed & (self.redact is not Redact.nothing)
        exact = np.array([f"{number:,}" for number in n_people], dtype=object)
        named = np.array(self.bands, dtype=object)[band]
        hidden = few | banded
        withheld = {name: table[name].astype(float).mask(hidden) for name in ("n_speakers", *_WITHHELD)}
        return table.assign(
            **withheld,
            people_text=np.where(banded & (n_people > 0), named, np.where(few, self.bands[0], exact)),
            band=named,
            rank=np.where(banded, band, np.where(few, 0.5, n_people)),
            size=table["n_utterances"],
        )

    @property
    def slices(self) -> pd.DataFrame:
        """Return the rows of slices of one attribute, in the table's order."""
        dimension = self.people["dimension"]
        return self.people[~dimension.isin((OVERALL, _LANGUAGE)) & ~_is_crossed(dimension)]

    @property
    def languages(self) -> pd.DataFrame:
        """Return the rows of languages."""
        return self.people[self.people["dimension"] == _LANGUAGE]

    @property
    def crossed(self) -> pd.DataFrame:
        """Return the rows of intersections."""
        return self.people[_is_crossed(self.people["dimension"])]

    @cached_property
    def told(self) -> pd.DataFrame:
        """Return attributes.csv."""
        return self._table(ATTRIBUTES)

    def people_told(self, number: float) -> tuple[str, float]:
        """Return how many people something is true of as it may be shown, and what it is sorted by."""
        if self.redact is Redact.slices and 0 < number < self.floor:
            return self.bands[0], 0.5
        return f"{int(number):,}", float(number)

    @cached_property
    def overlaps(self) -> pd.DataFrame:
        """Return overlaps.csv."""
        return self._table(OVERLAPS)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Return overlap_pairs.csv."""
        return self._table(OVERLAP_PAIRS)

    @cached_property
    def lengths(self) -> pd.DataFrame:
        """Return lengths.csv."""
        return self._table(LENGTHS)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Return next.csv; numbers of few people are NaN where they are withheld."""
        table = self._table(NEXT)
        crossed = _is_crossed(table["dimension"])
        counts_values = (table["kind"] == StepKind.vary.value).to_numpy(bool)
        hidden = self._few(table["n_speakers"].fillna(self.floor).to_numpy(), crossed) & ~counts_values
        names = ["n_speakers", "n_utterances", "n_more", "share", "share_expected"]
        return table.assign(**{name: table[name].astype(float).mask(hidden) for name in names})

    @property
    def ordered(self) -> list[str]:
        """Name the attributes whose values have an order of their own."""
        about = mapping(mapping(self.facts["manifest"])["attributes"])
        return [name for name, told in about.items() if mapping(told).get("order")]

    def _few(self, n_people: npt.NDArray[Any], crossed: Bools) -> Bools:
        """Say of which rows the people are too few to be shown."""
        if self.redact is Redact.nothing:
            return np.zeros(len(n_people), dtype=bool)
        looked_at = crossed if self.redact is Redact.intersections else np.ones(len(n_people), dtype=bool)
        few: Bools = looked_at & (n_people < self.floor) & (n_people > 0)
        return few

    def _table(self, name: str) -> pd.DataFrame:
        """Return a table of the run; a slice may be called `NA`, and an empty text is one."""
        texts = dict.fromkeys(_TEXTS, str)
        table = pd.read_csv(self.run.path / name, keep_default_na=False, na_values=[""], dtype=texts)
        return table.fillna({name: "" for name in _TEXTS if name in table})


def _is_crossed(dimensions: "pd.Series[str]") -> Bools:
    return dimensions.str.contains(AND, regex=False).to_numpy(bool)
