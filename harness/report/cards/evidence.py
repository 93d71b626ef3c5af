"""A run directory in, claims about what its files say out: every number of a card is read here and nowhere else.

A claim can be read again from what it says of itself, which is what `reread` does for a card that is checked.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from harness.corpus.attributes import DECLINED, INTERSECTION_SEPARATOR, UNDECLARED
from harness.errors import RunDirectoryError
from harness.fairness.membership import OVERALL
from harness.provenance import digest_of_file
from harness.report.cards.blocks import Claim
from harness.report.cards.units import Value, cell_value, shown
from harness.report.wording import mapping, plain
from harness.results import Run
from harness.results.complements import NOTHING, Complements, complements
from harness.results.few import Key as Name
from harness.results.few import floor_of, is_few, keys_of
from harness.results.releases.record import CSV, JSON, ReleasedRun
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    DISPARITIES,
    FACTS,
    MATCHED,
    METRICS,
    NORMALIZERS,
    SLICES,
    SPEED,
    SUMMARY,
)

KEYS: Mapping[str, tuple[str, ...]] = {  # columns that name one row of a table
    SLICES: ("dimension", "slice"),
    DISPARITIES: ("dimension", "slice"),
    METRICS: ("dimension", "slice", "comparator", "metric"),
    ADJUSTED: ("dimension", "slice", "covariates"),
    NORMALIZERS: ("dimension", "slice", "normalizer"),
    MATCHED: ("dimension", "slice"),
    BALANCE: ("dimension", "slice", "covariate"),
    SPEED: ("dimension", "slice"),
    CSV: ("dimension", "slice"),
}
FLOORS = {"n_speakers": "min_speakers", "n_utterances": "min_utterances", "reference_words": "min_words"}
AT_LEAST, WITHOUT = "at least", "without"  # conditions on a column: a number; values that no part of a cell may be
_SPEAKER = "speaker_id"  # a dimension that would name people
NOBODYS_VALUE = (UNDECLARED, DECLINED)
VALUE, ROWS, SUM = "value", "rows", "sum"

Row = Mapping[str, object]


@dataclass(frozen=True)
class Evidence:
    """Holds the files of one run, read when asked for.

    Attributes:
        name: What the card calls the configuration that the run measured.
        run: The run.
        folder: What the run directory was called when the card was made.
        place: Of the configuration in the card, from 1.
        n_configurations: Of the card.
    """

    name: str
    run: Run
    folder: str
    place: int = 1
    n_configurations: int = 1

    @property
    def of(self) -> str:
        """Return what a caption says of whose table it is; nothing where there is one configuration only."""
        return f", {plain(self.name)}" if self.n_configurations > 1 else ""

    @cached_property
    def facts(self) -> Mapping[str, object]:
        """Return run.json."""
        return self.run.facts

    @cached_property
    def summary(self) -> Mapping[str, object]:
        """Return summary.json."""
        return self.run.summary

    @cached_property
    def slices(self) -> pd.DataFrame:
        """Return slices.csv without slices from which, with the others shown, a smaller one could be worked out."""
        table = self.table(SLICES)
        return table[[key not in self.beside.slices for key in keys_of(table)]].reset_index(drop=True)

    @cached_property
    def disparities(self) -> pd.DataFrame:
        """Return disparities.csv without rows from which a smaller slice could be worked out."""
        table, hidden = self.table(DISPARITIES), self.beside.slices | self.beside.gaps
        if not hidden:
            return table
        told = [
            key not in hidden and other not in self.beside.slices
            for key, other in zip(keys_of(table), keys_of(table, "comparator"), strict=True)
        ]
        return table[told].reset_index(drop=True)

    @cached_property
    def beside(self) -> Complements:
        """Return the intersections not shown though they have enough people; of a release, which hid its own, none."""
        if isinstance(self.run, ReleasedRun):
            return NOTHING
        table, floors = self.table(SLICES), mapping(self.facts["policy"])
        table = table[[_SPEAKER not in str(name).split(INTERSECTION_SEPARATOR) for name in table["dimension"]]]
        small = (table["n_speakers"] < floors["min_speakers"]) & (table["dimension"] != OVERALL)
        shown = table[has_enough(table, floors) & declared(table["slice"])]
        return complements(
            self.run, shown, keys_of(table[small]), is_kept=lambda name: INTERSECTION_SEPARATOR not in name
        )

    @cached_property
    def few(self) -> frozenset[Name]:
        """Return the intersections of few people, which are not named."""
        table = self.table(SLICES)
        return frozenset(keys_of(table[is_few(table, floor_of(self.facts))]))

    @property
    def all_have_lines(self) -> bool:
        """Say whether all slices with enough people, and all their gaps, are shown."""
        return not (self.beside.slices or self.beside.gaps)

    @cached_property
    def digest(self) -> str:
        """Return a digest of the bytes of every table that a card can be made of, and of the summary."""
        found = {name: digest_of_file(self.run.path / name) for name in (*KEYS, SUMMARY, JSON) if self.has(name)}
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    def has(self, file: str) -> bool:
        """Say whether the run has a file."""
        return (self.run.path / file).is_file()

    def table(self, file: str) -> pd.DataFrame:
        """Return a table; without rows where the run has none."""
        if file not in self._tables:
            found = self.run.optional(file)
            self._tables[file] = pd.DataFrame(columns=list(KEYS[file])) if found is None else found
        return self._tables[file]

    def values(self, file: str, row: Row, columns: Sequence[str], *, how: str = VALUE) -> tuple[Value, ...]:
        """Return what a file says.

        Raises:
            RunDirectoryError: It has no such row, or no such column.
        """
        if file not in KEYS:
            return tuple(self._pointed(file, pointer) for pointer in columns)
        table = self.table(file)
        if how == VALUE:
            return tuple(cell_value(self._cell(file, row, column)) for column in columns)
        chosen = table[_chosen(table, row)]
        if how == ROWS:
            return (len(chosen),)
        return tuple(int(chosen[column].sum()) if column in chosen else 0 for column in columns)

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def _places(self) -> dict[str, dict[tuple[str, ...], int]]:
        return {}

    def _cell(self, file: str, row: Row, column: str) -> object:
        table, keys = self.table(file), KEYS[file]
        if file not in self._places:
            names = zip(*(table[key].fillna("").astype(str) for key in keys), strict=True)
            self._places[file] = {name: place for place, name in enumerate(names)}
        place = self._places[file].get(tuple(str(row.get(key, "")) for key in keys))
        if place is None or column not in table.columns:
            raise RunDirectoryError(f"{self.run.path / file}: no row {dict(row)} with a column {column!r}.")
        return table[column].iloc[place]

    def _pointed(self, file: str, pointer: str) -> Value:
        node: object = self.facts if file == FACTS else self.summary
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and name in node:
                node = node[name]
            elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            else:
                raise RunDirectoryError(f"{self.run.path / file}: nothing at {pointer}.")
        return cell_value(", ".join(map(str, node)) if isinstance(node, list) else node)


@dataclass
class Ledger:
    """Makes claims, each once, and numbers them in the order in which they are made."""

    _made: dict[str, Claim] = field(default_factory=dict)

    def cite(
        self, evidence: Evidence, file: str, columns: str | tuple[str, ...], unit: str, *, row: Row | None = None
    ) -> Claim:
        """Return the claim that a row of a file has a value, or the two ends of an interval."""
        return self._claim(evidence, file, _names(columns), unit, row=row or {}, how=VALUE)

    def count(self, evidence: Evidence, file: str, row: Row) -> Claim:
        """Return the claim that a table has so many rows of a kind."""
        return self._claim(evidence, file, (), "count", row=row, how=ROWS)

    def sum(self, evidence: Evidence, file: str, column: str, row: Row) -> Claim:
        """Return the claim that a count adds up to so much over the rows of a kind."""
        return self._claim(evidence, file, (column,), "count", row=row, how=SUM)

    def _claim(
        self, evidence: Evidence, file: str, columns: tuple[str, ...], unit: str, *, row: Row, how: str
    ) -> Claim:
        key = json.dumps([evidence.name, file, columns, unit, dict(row), how])
        if key not in self._made:
            values = evidence.values(file, row, columns, how=how)
            claim_id = f"c{len(self._made) + 1}"
            self._made[key] = Claim(
                claim_id, shown(values, unit), values, unit, evidence.name, file, dict(row), columns, how
            )
        return self._made[key]


def pointer(*parts: str) -> str:
    """Return where something lies in a JSON file, as RFC 6901 writes it.

    >>> pointer("manifest", "attributes", "a/b")
    '/manifest/attributes/a~1b'
    """
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def has_enough(slices: pd.DataFrame, policy: Mapping[str, object]) -> pd.Series:
    """Say of each row of slices.csv whether it has what the policy asks of a slice."""
    enough = pd.Series(True, index=slices.index)
    for column, floor in FLOORS.items():
        enough &= slices[column] >= policy[floor]
    return enough


def declared(names: pd.Series) -> pd.Series:
    """Say of each slice's name whether everybody in it declared a value."""
    told = [not set(str(name).split(INTERSECTION_SEPARATOR)) & set(NOBODYS_VALUE) for name in names]
    return pd.Series(told, index=names.index, dtype=bool)


def _names(columns: str | tuple[str, ...]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else columns


def _chosen(table: pd.DataFrame, row: Row) -> pd.Series:
    """Return which rows of a table meet every condition."""
    chosen = pd.Series(True, index=table.index)
    for column, condition in row.items():
        if isinstance(condition, list):
            chosen &= table[column].isin(condition)
        elif isinstance(condition, Mapping) and AT_LEAST in condition:
            chosen &= table[column] >= condition[AT_LEAST]
        elif isinstance(condition, Mapping):
            chosen &= declared(table[column])
        else:
            chosen &= table[column] == condition
    return chosen
