"""Scores and dimensions in, the cells of every table out: who is in each slice and in the rest beside it.

Utterances that no table tells apart are one atom, and so are speakers: a cell is a set of atoms, and every count in a
table is a sum over its cell. What can be worked out from tables is worked out from these sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.membership import AND, EVERYBODY, OVERALL, everybody, membership
from harness.fairness.speaker_sums import WORD_COUNTS, speaker_codes

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SLICE, REST = "slice", "rest"  # a slice itself, and everyone else who declared a value in its dimension
WORDS, HALLUCINATION, EMPTY = "kinds of errors", "hallucinations", "empty transcripts"  # what is counted more rarely


@dataclass(frozen=True, slots=True)
class Key:
    """Names a cell."""

    dimension: str
    slice_name: str
    side: str = SLICE


ALL = Key(OVERALL, EVERYBODY)
EVERYBODY_AT = 0  # the position of this cell


@dataclass(frozen=True, slots=True)
class Measure:
    """Is a count that tables publish.

    Attributes:
        name: As messages call it.
        of_speakers: Whether it is counted over atoms of speakers and not of utterances.
        values: Per atom, >= 0.
    """

    name: str
    of_speakers: bool
    values: Ints


@dataclass(frozen=True, slots=True)
class Cells:
    """Holds every cell, in the order in which they are worth publishing: everybody first.

    Attributes:
        keys: Their names.
        utterances: (n_cells, n_atoms) whether an atom of utterances is in the cell.
        speakers: (n_cells, n_speaker_atoms) the same for atoms of speakers.
        support: Of every cell: speakers, utterances, reference words; what is protected as a range.
        errors: What is protected against being known exactly: wrong words, of all conditions and of each.
        kinds: Rarer counts, by what they are of; each kind is published only where it gives no small cell away.
        largest_share: (n_cells,) of a cell's reference words, those of one speaker.
    """

    keys: tuple[Key, ...]
    utterances: Bools
    speakers: Bools
    support: tuple[Measure, ...]
    errors: tuple[Measure, ...]
    kinds: Mapping[str, tuple[Measure, ...]]
    largest_share: Floats

    def incidence(self, measure: Measure) -> Bools:
        """Return which atoms that a measure is counted over are in which cell."""
        return self.speakers if measure.of_speakers else self.utterances

    def values(self, measure: Measure) -> Ints:
        """Return a measure of every cell, (n_cells,)."""
        counted: Ints = self.incidence(measure) @ measure.values
        return counted

    @property
    def n_speakers(self) -> Ints:
        """Return the speakers with an id, (n_cells,)."""
        return self.values(self.support[0])


def cells_of(scores: pd.DataFrame, by: Sequence[str]) -> Cells:
    """Build the cells of the tables over some dimensions.

    Args:
        scores: As `harness.scoring.score` makes them; failed utterances count as their counts say.
        by: Dimensions: attributes, intersections, `condition`.
    """
    scores = scores.reset_index(drop=True)
    attributes = list(dict.fromkeys(name for dimension in by for name in dimension.split(AND)))
    atom_of_row, atoms = _atoms(scores, attributes)
    keys, utterances = _incidence(atoms, by)
    n_people, person, words = _speakers(scores)
    words_of = np.zeros((n_people + 1, len(atoms)), dtype=np.int64)  # the unnamed are one more
    np.add.at(words_of, (person, atom_of_row), words)
    there = np.zeros((n_people + 1, len(atoms)), dtype=bool)
    there[person, atom_of_row] = True
    is_in = (there[:n_people].astype(np.int64) @ utterances.T.astype(np.int64)) > 0  # (n_people, n_cells)
    patterns, n_alike = np.unique(is_in, axis=0, return_counts=True)
    in_cell = words_of @ utterances.T.astype(np.int64)  # (n_people + 1, n_cells)
    total = in_cell.sum(axis=0)
    share = np.divide(in_cell.max(axis=0), total, out=np.zeros(len(keys)), where=total > 0)
    n_atoms = len(atoms)
    support = (
        Measure("speakers", of_speakers=True, values=n_alike.astype(np.int64)),
        Measure("utterances", of_speakers=False, values=np.bincount(atom_of_row, minlength=n_atoms).astype(np.int64)),
        Measure("reference words", of_speakers=False, values=_summed(atom_of_row, words, n_atoms)),
    )
    order = _worth(keys, patterns.T.astype(np.int64) @ n_alike, by)
    return Cells(
        keys=tuple(keys[i] for i in order),
        utterances=utterances[order],
        speakers=patterns.T[order],
        support=support,
        errors=tuple(_errors(scores, atom_of_row, n_atoms)),
        kinds=_kinds(scores, atom_of_row, n_atoms),
        largest_share=share[order],
    )


def members_of(scores: pd.DataFrame, by: Sequence[str]) -> tuple[list[Key], Bools]:
    """Return the names of the cells over some dimensions, and (n_cells, n_atoms) who is in each."""
    attributes = list(dict.fromkeys(name for dimension in by for name in dimension.split(AND)))
    return _incidence(_atoms(scores.reset_index(drop=True), attributes)[1], by)


def _atoms(scores: pd.DataFrame, attributes: Sequence[str]) -> tuple[Ints, pd.DataFrame]:
    """Return the atom of each row and a frame with one row an atom."""
    if not attributes:
        return np.zeros(len(scores), dtype=np.int64), pd.DataFrame(index=[0])
    told = pd.DataFrame({name: [_hashable(cell) for cell in scores[name]] for name in attributes})
    codes = told.groupby(list(attributes), dropna=False, observed=True, sort=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(codes, return_index=True)[1]
    return codes, told.iloc[first].reset_index(drop=True)


def _hashable(cell: object) -> object:
    return tuple(map(str, cell)) if isinstance(cell, list | tuple | np.ndarray) else cell


def _incidence(atoms: pd.DataFrame, by: Sequence[str]) -> tuple[list[Key], Bools]:
    """Return the cells' names and their atoms; a rest that is nobody is no cell."""
    keys, rows = [ALL], [np.ones(len(atoms), dtype=bool)]
    for dimension in by:
        part = membership(atoms, dimension) if len(atoms.columns) else everybody(atoms)
        inside = np.zeros((len(part.slices), len(atoms)), dtype=bool)
        inside[part.codes, part.rows] = True
        declared = inside[part.declared].any(axis=0)
        for name, told, row in zip(part.slices, part.declared, inside, strict=True):
            keys.append(Key(dimension, name))
            rows.append(row)
            if told and (declared & ~row).any():
                keys.append(Key(dimension, name, REST))
                rows.append(declared & ~row)
    return keys, np.array(rows)


def _speakers(scores: pd.DataFrame) -> tuple[int, Ints, Ints]:
    """Return how many have an id, each row's person (the last for all without) and its reference words."""
    codes = speaker_codes(scores)
    n_people = int(codes.max(initial=-1)) + 1
    words = scores[["hits", "substitutions", "deletions"]].sum(axis=1).to_numpy(np.int64)
    return n_people, np.where(codes < 0, n_people, codes), words


def _errors(scores: pd.DataFrame, atom_of_row: Ints, n_atoms: int) -> list[Measure]:
    """Return the wrong words of all rows and, where there are several conditions, of each."""
    errors = scores[["substitutions", "deletions", "insertions"]].sum(axis=1).to_numpy(np.int64)
    found = [Measure("errors", of_speakers=False, values=_summed(atom_of_row, errors, n_atoms))]
    conditions = scores["condition"].unique() if "condition" in scores else ()
    for condition in conditions if len(conditions) > 1 else ():
        here = (scores["condition"] == condition).to_numpy()
        values = _summed(atom_of_row[here], errors[here], n_atoms)
        found.append(Measure(f"errors under {condition}", of_speakers=False, values=values))
    return found


def _kinds(scores: pd.DataFrame, atom_of_row: Ints, n_atoms: int) -> dict[str, tuple[Measure, ...]]:
    kinds = {WORDS: WORD_COUNTS, HALLUCINATION: ("hallucination",), EMPTY: ("empty_output",)}
    return {
        kind: tuple(
            Measure(name, of_speakers=False, values=_summed(atom_of_row, scores[name].to_numpy(np.int64), n_atoms))
            for name in names
        )
        for kind, names in kinds.items()
        if set(names) <= set(scores.columns)
    }


def _summed(atom_of_row: Ints, values: Ints, n_atoms: int) -> Ints:
    return np.bincount(atom_of_row, weights=values, minlength=n_atoms).astype(np.int64)


def _worth(keys: Sequence[Key], n_speakers: Ints, by: Sequence[str]) -> list[int]:
    """Order cells: everybody, slices of one attribute, what they are compared with, then intersections; large first."""
    places = {dimension: dimension.count(AND) for dimension in by}

    def worth(i: int) -> tuple[int, bool, int, int]:
        key = keys[i]
        return (places.get(key.dimension, -1), key.side == REST, -int(n_speakers[i]), i)

    return sorted(range(len(keys)), key=worth)
