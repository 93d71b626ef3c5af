"""Scores in, every conjunction of up to three attribute values out, as sums per pattern and speaker.

Utterances are first grouped into cells (a speaker and a combination of values), then only cells are crossed: cost
depends on speakers and distinct combinations, never on utterances. Only combinations that occur are held.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from harness.corpus.attributes import UNDECLARED, bin_labels
from harness.fairness.gaps import Gaps, gaps_of
from harness.fairness.membership import AND, Ints, membership
from harness.fairness.pairs import Pairs
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Bools, Floats, Indices, per_column, starts_of
from harness.fairness.speaker_sums import WORD_COUNTS, speaker_codes

_QUARTILES = (0.25, 0.5, 0.75)


Pattern = tuple[tuple[int, int], ...]  # of each of its attributes: its position in the cells, and that of the value


@dataclass(frozen=True, slots=True)
class Column:
    """Says which declared values of one attribute each cell has; several where it is multi-valued."""

    name: str
    values: tuple[str, ...]  # declared ones, sorted
    contents: Ints  # (n_cells,) position of what stands in the cell among all that stands anywhere
    first: Ints  # (n_contents,) where a content's values begin in `codes`
    count: Ints  # (n_contents,) how many they are; 0: undeclared or declined
    codes: Ints  # positions in `values`

    @property
    def declared(self) -> Bools:
        """Say which cells have a value, (n_cells,)."""
        told: Bools = self.count[self.contents] > 0
        return told

    def holds(self, value: int) -> Bools:
        """Say which cells have this value, (n_cells,)."""
        owners = np.repeat(np.arange(len(self.count)), self.count)
        holding: Bools = np.bincount(owners[self.codes == value], minlength=len(self.count)) > 0
        return holding[self.contents]


@dataclass(frozen=True, slots=True)
class Cells:
    """Holds what a speaker said under one combination of values, one entry a cell; named speakers only."""

    speaker_ids: tuple[str, ...]
    columns: tuple[Column, ...]
    speakers: Ints  # (n_cells,) positions in `speaker_ids`
    sums: Floats  # (3, n_cells) word errors, reference words, scored utterances
    n_unnamed: int  # utterances without a speaker id, which are in no cell

    def dimension(self, pattern: Pattern) -> str:
        """Return the name of a pattern's dimension, as in `accent & gender`."""
        return AND.join(self.columns[place].name for place, _ in pattern)

    def name(self, pattern: Pattern) -> str:
        """Return the name of a pattern's slice, as in `scottish & female`."""
        parts = [self.columns[place].values[value] for place, value in pattern]
        return parts[0] if len(parts) == 1 else AND.join(part.replace(AND, " and ") for part in parts)

    def sums_of(self, pattern: Pattern) -> tuple[Floats, Floats]:
        """Return the sums inside a pattern and of everyone else who declared its attributes, each (3, n_speakers)."""
        told = np.all([self.columns[place].declared for place, _ in pattern], axis=0)
        inside = np.all([self.columns[place].holds(value) for place, value in pattern], axis=0)
        return self._by_speaker(inside), self._by_speaker(told & ~inside)

    def _by_speaker(self, chosen: Bools) -> Floats:
        speakers = self.speakers[chosen]
        return np.stack([_summed(speakers, len(self.speaker_ids), each[chosen]) for each in self.sums])


@dataclass(frozen=True, slots=True)
class Crossing:
    """Holds every conjunction of values of some attributes that occurs, sorted by values.

    Outside a pattern are the utterances of everyone else who declared a value of each of its attributes.
    """

    places: tuple[int, ...]  # of the attributes among those of the cells
    values: Ints  # (n_patterns, n_attributes) positions among each attribute's values
    patterns: Ints  # (n_entries,) position of the pattern; one entry a pattern and speaker
    speakers: Ints  # (n_entries,)
    inside: Floats  # (3, n_entries) word errors, reference words, scored utterances
    declared: Floats  # (3, n_speakers) the same, over all patterns, each utterance once

    def pattern(self, position: int) -> Pattern:
        """Return a pattern by its position."""
        return tuple(zip(self.places, self.values[position].tolist(), strict=True))

    def effects(self, among: Bools) -> "Effects":
        """Return what the speakers `among`, (n_speakers,), show of every pattern."""
        here = among[self.speakers]
        speakers, inside = self.speakers[here], self.inside[:, here]
        outside = self.declared[:, speakers] - inside
        everyone = self.declared[:, among]
        starts = starts_of(self.patterns[here], len(self.values))
        rows = (np.cumsum(among) - 1)[speakers]
        measured = gaps_of(Pairs(starts, rows, _sums(inside), _sums(outside), _sums(everyone)))
        sides = (measured.slices, measured.comparators)
        (utterances,) = per_column(starts, inside[2:])
        scored = (utterances, everyone[2].sum() - utterances)
        support = [[side.n_speakers, number, side.words] for side, number in zip(sides, scored, strict=True)]
        return Effects(support=np.array(support), measured=measured)


@dataclass(frozen=True, slots=True)
class Effects:
    """Holds what some speakers show of every pattern of a crossing."""

    support: Floats  # (2, 3, n_patterns) inside and outside: speakers, scored utterances, reference words
    measured: Gaps  # of the patterns against everyone else


def quartiles(numbers: pd.Series) -> pd.Series:
    """Return the quarter that each number lies in, as the half-open ranges of `bin_labels`; NaN is undeclared.

    Edges are rounded to three digits. Equal edges are one: there may be fewer than four ranges.
    """
    values = pd.to_numeric(numbers, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = np.isfinite(values)
    cuts = np.quantile(values[known], _QUARTILES, method="inverted_cdf") if known.any() else np.empty(0)
    edges = [float(edge) for edge in np.unique([float(f"{cut:.3g}") for cut in cuts]) if edge > values[known].min()]
    labels = np.array(bin_labels(tuple(edges)) if edges else ("all",), dtype=object)
    bins = labels[np.searchsorted(edges, np.where(known, values, 0), side="right")]
    return pd.Series(np.where(known, bins, UNDECLARED), index=numbers.index, dtype=object)


def grouped(scores: pd.DataFrame, attributes: Sequence[str], policy: Policy) -> Cells:
    """Group the utterances of named speakers into cells.

    Args:
        scores: As returned by `checked_scores`; the attributes hold texts, or tuples of texts.
        attributes: Columns; one with a single declared value separates nobody and is left out.
        policy: Says whether failed utterances count.
    """
    codes = speaker_codes(scores)
    named = scores[codes >= 0]
    speakers = codes[codes >= 0]
    keys, contents_of = speakers, []
    for name in attributes:
        contents, distinct = pd.factorize(_hashable(named[name]), use_na_sentinel=False)
        contents_of.append((name, contents, list(distinct)))
        keys = _compact(keys * max(1, len(distinct)) + contents)[1]
    _, first_rows, cell = np.unique(keys, return_index=True, return_inverse=True)
    hits, substitutions, deletions, insertions = (named[name].to_numpy(np.float64) for name in WORD_COUNTS)
    counted = policy.failures is Failures.deletions
    scored = np.ones(len(named)) if counted else 1.0 - named["failed"].to_numpy(np.float64)
    sums = (substitutions + deletions + insertions, hits + substitutions + deletions, scored)
    columns = [_column(name, contents[first_rows], distinct) for name, contents, distinct in contents_of]
    ids = pd.Series(named["speaker_id"].to_numpy(), index=speakers).groupby(level=0, dropna=False).first()
    return Cells(
        speaker_ids=tuple(map(str, ids)),
        columns=tuple(column for column in columns if len(column.values) > 1),
        speakers=speakers[first_rows],
        sums=np.stack([_summed(cell, len(first_rows), each) for each in sums]),
        n_unnamed=len(scores) - len(named),
    )


def crossings(cells: Cells, max_attributes: int) -> Iterator[Crossing]:
    """Yield every crossing of up to so many attributes: first single attributes, then pairs, then triples."""
    places = range(len(cells.columns))
    for size in range(1, max_attributes + 1):
        prefixes: Mapping[tuple[int, ...], _Members] = {}
        for chosen in combinations(places, size):
            prefix = chosen[:-1]
            if prefix not in prefixes:  # combinations of one prefix follow each other
                prefixes = {prefix: _members(cells, prefix)}
            yield _crossing(cells, chosen, _extended(prefixes[prefix], cells.columns[chosen[-1]]))


@dataclass(frozen=True, slots=True)
class _Members:
    """Says which cells are in which conjunction of the attributes so far."""

    cells: Ints  # (n_members,)
    codes: Ints  # (n_members,) position of the conjunction
    values: Ints  # (n_conjunctions, n_attributes)


def _members(cells: Cells, places: Sequence[int]) -> _Members:
    n_cells = len(cells.speakers)
    members = _Members(np.arange(n_cells), np.zeros(n_cells, dtype=np.int64), np.empty((1, 0), dtype=np.int64))
    for place in places:
        members = _extended(members, cells.columns[place])
    return members


def _extended(members: _Members, column: Column) -> _Members:
    """Cross the conjunctions so far with the values of a further attribute, cell by cell."""
    contents = column.contents[members.cells]
    repeat = column.count[contents]
    left = np.repeat(np.arange(len(repeat)), repeat)
    within = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    right = column.codes[column.first[contents[left]] + within]
    keys, codes = _compact(members.codes[left] * len(column.values) + right)
    before, last = np.divmod(keys, len(column.values))
    return _Members(members.cells[left], codes, np.column_stack([members.values[before], last]))


def _crossing(cells: Cells, places: tuple[int, ...], members: _Members) -> Crossing:
    n_speakers = len(cells.speaker_ids)
    keys, entries = _compact(members.codes * max(1, n_speakers) + cells.speakers[members.cells])
    told = np.all([cells.columns[place].declared for place in places], axis=0)
    return Crossing(
        places=places,
        values=members.values,
        patterns=keys // max(1, n_speakers),
        speakers=keys % max(1, n_speakers),
        inside=np.stack([_summed(entries, len(keys), each[members.cells]) for each in cells.sums]),
        declared=np.stack([_summed(cells.speakers[told], n_speakers, each[told]) for each in cells.sums]),
    )


def _column(name: str, contents: Ints, distinct: Sequence[object]) -> Column:
    """Return an attribute whose declared values are found once for each distinct content."""
    part = membership(pd.DataFrame({name: distinct}, dtype=object), name)
    told = part.declared[part.codes]
    codes = (np.cumsum(part.declared) - 1)[part.codes[told]]
    count = np.bincount(part.rows[told], minlength=len(distinct))
    values = tuple(value for value, declared in zip(part.slices, part.declared, strict=True) if declared)
    return Column(name, values, contents.astype(np.int64), np.cumsum(count) - count, count, codes)


def _sums(counts: Floats) -> Floats:
    """Return errors, words and presence, (3, ...), of errors, words and utterances: who only kept silent is absent."""
    errors, words, _ = counts
    return np.stack([errors, words, errors + words > 0])


def _hashable(cells: pd.Series) -> pd.Series:
    """Return cells that can be told apart; a Parquet file gives several values as an array."""
    if pd.api.types.infer_dtype(cells, skipna=True) == "string":
        return cells
    return cells.map(lambda cell: tuple(cell) if isinstance(cell, list | set | frozenset | np.ndarray) else cell)


def _compact(keys: Ints) -> tuple[Ints, Ints]:
    """Return the distinct keys, sorted, and the position of each key among them."""
    codes, distinct = pd.factorize(keys)
    order: Indices = np.argsort(distinct, kind="stable")
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return distinct[order], ranks[codes].astype(np.int64)


def _summed(positions: Ints, count: int, weights: Floats) -> Floats:
    return np.bincount(positions, weights=weights, minlength=count).astype(np.float64)
