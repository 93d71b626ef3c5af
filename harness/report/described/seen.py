"""The run directory of a description in, its tables out as they may be shown: few people without their numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from harness.fairness.described import Redact, StepKind
from harness.fairness.membership import OVERALL
from harness.report.described.cells import rows_of
from harness.report.described.withheld import Bools, Withheld, companions, edges_of, is_crossed, withheld
from harness.report.run_files import RunFiles
from harness.report.sources import Sources
from harness.report.wording import mapping

PEOPLE, ATTRIBUTES, CONFLICTS, OVERLAPS, OVERLAP_PAIRS, DUPLICATES, LEAKAGE, LENGTHS, SPEAKERS, NEXT = (
    "people.csv", "attributes.csv", "conflicts.csv", "overlaps.csv", "overlap_pairs.csv", "duplicates.csv",
    "leakage.csv", "lengths.csv", "speakers.csv", "next.csv",
)  # fmt: skip
PAGE = "describe.html"
TABLES = (PEOPLE, ATTRIBUTES, CONFLICTS, OVERLAPS, OVERLAP_PAIRS, DUPLICATES, LEAKAGE, LENGTHS, SPEAKERS, NEXT)
_TEXTS = ("dimension", "slice", "other", "attribute", "kind", "provenance", "note", "of", "what", "file", "measure")
_WITHHELD = ("n_utterances", "n_without_speaker", "hours", "n_without_duration", "words", "words_per_speaker",
             "largest_share", "effective_speakers", "detectable_gap", "power", "n_speakers_needed")  # fmt: skip
_SAID = ("n_utterances", "n_utterances_shared", "n_texts", "n_texts_shared", "n_texts_several_read_only_here")
_SHARES = ("share", "share_expected")
_KEY = ["dimension", "slice"]
_LANGUAGE = "language"  # its dimension; no attribute has that name


@dataclass(frozen=True)
class Seen(RunFiles):
    """Is what the page is made of: a run, its tables read once.

    Where people are few, numbers are withheld as the run's own option says: on the page and in the report, never in the
    tables, which are the curator's.
    """

    @cached_property
    def sources(self) -> Sources:
        """Return who says so of every attribute."""
        return Sources.of_manifest(self.facts["manifest"])

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
        edges = edges_of(self.floor)
        between = [f"{low:,}–{high - 1:,}" for low, high in pairwise(edges)]
        return [f"<{self.floor:,}", *between, f"{edges[-1]:,}+"]

    @cached_property
    def people(self) -> pd.DataFrame:
        """Return people.csv with `people_text`, what is said of the number of people, its `band`, and its `rank`.

        What is withheld is NaN. Rows are ranked by their number of people, or by its band where that is all that is
        said; so are utterances of crossings, by which crossings are drawn. Crossings that are left out are `left_out`.
        """
        table, few, beside = self._people, self._withheld.few, self._withheld.beside
        n_people, banded = table["n_speakers"].to_numpy(np.int64), self._withheld.banded
        band = np.searchsorted(edges_of(self.floor), n_people, side="right")
        named = np.array(self.bands, dtype=object)[band]
        exact = np.array([f"{number:,}" for number in n_people], dtype=object)
        text = np.select([banded & (n_people > 0), few, beside], [named, self.bands[0], self._enough], default=exact)
        note = np.where(few, f"no verdict: fewer than {self.floor} people", "")
        hidden = self._withheld.numbers
        numbers = {name: table[name].astype(float).mask(hidden) for name in ("n_speakers", *_WITHHELD)}
        return table.assign(
            **numbers,
            note=np.where(hidden, np.where(table["note"] == "", "", note), table["note"]),
            people_text=text,
            band=named,
            rank=np.select([banded, few, beside], [band, 0.5, self.floor], default=n_people),
            size=table["n_utterances"],
            left_out=self._withheld.left_out,
        )

    @cached_property
    def _people(self) -> pd.DataFrame:
        return self._table(PEOPLE)

    @cached_property
    def _withheld(self) -> Withheld:
        return withheld(self._people, self.floor, self.redact)

    @property
    def _enough(self) -> str:
        """Say of people that they are no fewer than the floor."""
        return f"{self.floor:,}+"

    @property
    def slices(self) -> pd.DataFrame:
        """Return the rows of slices of one attribute, in the table's order."""
        dimension = self.people["dimension"]
        return self.people[~dimension.isin((OVERALL, _LANGUAGE)) & ~is_crossed(dimension)]

    @property
    def languages(self) -> pd.DataFrame:
        """Return the rows of languages."""
        return self.people[self.people["dimension"] == _LANGUAGE]

    @property
    def crossed(self) -> pd.DataFrame:
        """Return the rows of intersections that are shown."""
        return self.people[is_crossed(self.people["dimension"]) & ~self.people["left_out"]]

    @property
    def planned(self) -> pd.DataFrame:
        """Return the rows that were planned and are shown."""
        return self.people[self.people["gap_asked"].notna() & ~self.people["left_out"]]

    @cached_property
    def told(self) -> pd.DataFrame:
        """Return attributes.csv."""
        return self._table(ATTRIBUTES)

    def people_told(self, number: float) -> tuple[str, float]:
        """Return how many people something is true of as it may be shown, and what it is sorted by."""
        if self.redact is Redact.slices and 0 < number < self.floor:
            return self.bands[0], 0.5
        return f"{int(number):,}", float(number)

    def people_of(self, row: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Return how many declared, declined and are undeclared as it may be shown, and what it is sorted by."""
        names = ("declared", "declined", "undeclared")
        numbers = np.array([row[f"n_speakers_{name}"] for name in names], dtype=np.int64)
        beside = companions(numbers, np.array([True, False, False]), self.floor)
        if self.redact is not Redact.slices:
            beside[:] = False
        told = [self.people_told(float(number)) for number in numbers]
        return [
            (self._enough, float(self.floor)) if is_beside else each
            for is_beside, each in zip(beside, told, strict=True)
        ]

    @cached_property
    def overlaps(self) -> pd.DataFrame:
        """Return overlaps.csv of the slices that are shown; what is withheld is NaN."""
        table = self._table(OVERLAPS)
        hidden, unknown, left_out = (self._among(table, rows) for rows in self._hidden())
        counts = {name: table[name].astype(float).mask(hidden) for name in _SAID}
        return table.assign(**counts, **{name: table[name].mask(unknown) for name in _SHARES})[~left_out]

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Return overlap_pairs.csv of the slices of which shares are shown."""
        table, (_, unknown, _) = self._table(OVERLAP_PAIRS), self._hidden()
        others = table.assign(slice=table["other"])
        return table[~self._among(table, unknown) & ~self._among(others, unknown)]

    @cached_property
    def unpaired(self) -> dict[str, list[str]]:
        """Name the slices, by dimension, that are in no pair: those of fewest utterances."""
        paired = set(map(tuple, self._table(OVERLAP_PAIRS)[_KEY].drop_duplicates().to_numpy()))
        found: dict[str, list[str]] = {}
        for dimension, name in zip(self.overlaps["dimension"], self.overlaps["slice"], strict=True):
            if (dimension, name) not in paired:
                found.setdefault(dimension, []).append(name)
        return found

    @cached_property
    def lengths(self) -> pd.DataFrame:
        """Return lengths.csv."""
        return self._table(LENGTHS)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Return next.csv; what is withheld is NaN, and its place tells nothing.

        `people_text` is what is said of people who are not few and whose number is withheld.
        """
        table = self._table(NEXT)
        hidden, unknown, left_out = (self._among(table, rows) for rows in self._hidden())
        silent = table["kind"].eq(StepKind.ask.value).to_numpy(bool) & table["dimension"].isin(self.unasked)
        hidden = hidden | silent | self._few_in_steps(table)
        unknown = unknown | (hidden & table["kind"].ne(StepKind.share.value).to_numpy(bool))
        each = table["kind"] == StepKind.record_each.value  # as many of every value, whoever is there
        masks = {
            "n_speakers": hidden,
            "n_utterances": hidden,
            "n_more": hidden & ~each,
            **dict.fromkeys(_SHARES, unknown),
        }
        texts = self.people[self._withheld.numbers & ~self._withheld.few][[*_KEY, "people_text"]]
        masked = table.assign(**{name: table[name].astype(float).mask(mask) for name, mask in masks.items()})
        told = masked.merge(texts, on=_KEY, how="left", validate="many_to_one").fillna({"people_text": ""})
        told = told.assign(of_kind=pd.factorize(told["kind"])[0], is_hidden=hidden)[~left_out]
        ranked = told.sort_values(["of_kind", "is_hidden"], kind="stable", ignore_index=True)
        return ranked.assign(place=np.arange(1, len(ranked) + 1)).drop(columns=["of_kind", "is_hidden"])

    @property
    def unasked(self) -> list[str]:
        """Name the attributes of which it is not told how many are undeclared."""
        rows = rows_of(self.told)
        return [row["attribute"] for row in rows if self.people_of(row)[2][0] != f"{row['n_speakers_undeclared']:,}"]

    def _few_in_steps(self, table: pd.DataFrame) -> Bools:
        """Say which steps concern few people, whose number may not be shown."""
        numbers = table["n_speakers"].fillna(self.floor)
        few = (numbers > 0) & (numbers < self.floor) & (table["kind"] != StepKind.vary.value)
        if self.redact is Redact.nothing:
            return np.zeros(len(table), dtype=bool)
        looked_at = is_crossed(table["dimension"]) if self.redact is Redact.intersections else True
        hidden: Bools = few.to_numpy(bool) & looked_at
        return hidden

    def _hidden(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return the slices of which no number, no share either, and nothing at all is shown."""
        found = self._withheld
        unknown = found.few | found.beside | found.left_out
        return self._people[found.numbers], self._people[unknown], self._people[found.left_out]

    def _among(self, table: pd.DataFrame, rows: pd.DataFrame) -> Bools:
        """Say which rows of a table are about one of some slices."""
        return pd.MultiIndex.from_frame(table[_KEY]).isin(pd.MultiIndex.from_frame(rows[_KEY]))

    @property
    def ordered(self) -> list[str]:
        """Name the attributes whose values have an order of their own."""
        about = mapping(mapping(self.facts["manifest"])["attributes"])
        return [name for name, told in about.items() if mapping(told).get("order")]

    def _table(self, name: str) -> pd.DataFrame:
        """Return a table of the run; a slice may be called `NA`, and an empty text is one."""
        texts = dict.fromkeys(_TEXTS, str)
        table = pd.read_csv(self.run.path / name, keep_default_na=False, na_values=[""], dtype=texts)
        return table.fillna({name: "" for name in _TEXTS if name in table})
