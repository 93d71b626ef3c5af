"""Word errors and reference words of the speakers of every slice in, their moments under speaker weights out.

Only speakers who are in a slice take space there, so an attribute of thousands of values costs what its utterances do.
Counts are whole numbers, and so are their squares and products: below 2^53 (in single precision 2^24) sums are exact,
in whatever order they are taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]  # positions, of 64 bits

_DENSE = 1 / 8  # share of the speakers from which one product of whole columns beats gathering (measured: 1/10)
_SINGLE_SUM = 2**23  # whole numbers with a smaller sum are held in single precision, twice as fast: a resample of
_SINGLE_SPEAKERS = 1_000  # that many speakers never doubles it
_ONE_THREAD = 2**18  # multiplications that OpenBLAS does on the calling thread
_TILE = 32, 256  # most rows and columns of a piece of a product


@dataclass(frozen=True, slots=True)
class SparseSums:
    """Holds per-speaker sums, column by column (a column is a slice), of the speakers who are there."""

    n_speakers: int
    starts: Indices  # (n_columns + 1,) where the cells of each column begin
    speakers: Indices  # (n_cells,) rising within a column
    sums: Floats  # (3, n_cells) word errors, reference words, and 1 who has any of them, else 0

    @property
    def n_columns(self) -> int:
        """Count the columns."""
        return len(self.starts) - 1

    def pick(self, columns: Sequence[int] | Indices) -> "SparseSums":
        """Return some of the columns."""
        starts, cells = picked(self.starts, np.asarray(columns, dtype=np.intp))
        return SparseSums(self.n_speakers, starts, self.speakers[cells], self.sums[:, cells])

    def totals(self) -> Floats:
        """Return errors, words and speakers of every column, (3, n_columns)."""
        return per_column(self.starts, self.sums)

    def dense(self) -> Floats:
        """Return the sums with a row for every speaker, (3, n_speakers, n_columns)."""
        table = np.zeros((3, self.n_speakers, self.n_columns))
        table[:, self.speakers, column_of_cells(self.starts)] = self.sums
        return table


@dataclass(frozen=True, slots=True)
class Whole:
    """Holds the quantities of columns that most speakers are in, with a place for every speaker."""

    columns: Indices  # (n_whole,)
    values: Floats | Singles  # (n_whole, n_quantities, n_speakers) 0 for who is not there

    def under(self, weights: Floats) -> Floats | Singles:
        """Sum under each column of weights, (n_speakers, n_block), to (n_whole, n_quantities, n_block)."""
        n_whole, n_quantities, n_speakers = self.values.shape
        same: Floats | Singles = weights.astype(np.float32) if self.values.dtype == np.float32 else weights
        return product(self.values.reshape(-1, n_speakers), same).reshape(n_whole, n_quantities, -1)


@dataclass(frozen=True, slots=True)
class Columns:
    """Holds quantities of the speakers of every column, ready to be summed under weights of the speakers."""

    starts: Indices  # (n_columns + 1,)
    speakers: Indices  # (n_cells,)
    values: Floats  # (n_quantities, n_cells)
    whole: tuple[Whole, ...]
    sparse: Indices  # columns that are not empty and not whole

    def under(self, block: Floats) -> Floats:
        """Sum under each row of weights, (n_block, n_speakers), to (n_quantities, n_block, n_columns)."""
        weights = block.T
        n_quantities, n_columns, n_block = len(self.values), len(self.starts) - 1, len(block)
        sums = np.zeros((n_columns, n_quantities, n_block))
        for part in self.whole:
            sums[part.columns] = part.under(weights)
        for k in self.sparse:
            here = slice(self.starts[k], self.starts[k + 1])
            sums[k] = product(self.values[:, here], weights.take(self.speakers[here], axis=0))
        return sums.transpose(1, 2, 0)


def product(left: Floats | Singles, right: Floats | Singles) -> Floats | Singles:
    """Return left @ right, in pieces that are done on the calling thread.

    The callers run on several (`harness.fairness.threads`). Waking BLAS's own for each product costs more than it
    gains: on a busy machine (6, 20,000) by (20,000, 64) took 0.4 s instead of 0.4 ms.
    """
    if left.size * right.shape[1] <= _ONE_THREAD:
        return left @ right
    (n_rows, n_inner), n_columns = left.shape, right.shape[1]
    result = np.zeros((n_rows, n_columns), dtype=left.dtype)
    for row in range(0, n_rows, _TILE[0]):
        for column in range(0, n_columns, _TILE[1]):
            piece = result[row : row + _TILE[0], column : column + _TILE[1]]
            step = _ONE_THREAD // piece.size
            for k in range(0, n_inner, step):
                piece += left[row : row + _TILE[0], k : k + step] @ right[k : k + step, column : column + _TILE[1]]
    return result


def columns_of(n_speakers: int, starts: Indices, speakers: Indices, values: Floats) -> Columns:
    """Prepare quantities, (n_quantities, n_cells), for summing."""
    whole, single = np.diff(starts) > _DENSE * n_speakers, np.zeros(len(starts) - 1, dtype=bool)
    if n_speakers >= _SINGLE_SPEAKERS:
        odd = counted_per_column(starts, np.any((values < 0) | (values != np.floor(values)), axis=0))
        single = whole & (odd == 0) & (per_column(starts, values).max(axis=0) < _SINGLE_SUM)
    tables = []
    for columns, kind in ((np.flatnonzero(single), np.float32), (np.flatnonzero(whole & ~single), np.float64)):
        table = np.zeros((len(columns), len(values), n_speakers), dtype=kind)
        for row, k in enumerate(columns):
            here = slice(starts[k], starts[k + 1])
            table[row][:, speakers[here]] = values[:, here]
        tables.append(Whole(columns, table))
    return Columns(
        starts=starts,
        speakers=speakers,
        values=values,
        whole=tuple(each for each in tables if len(each.columns)),
        sparse=np.flatnonzero((np.diff(starts) > 0) & ~whole),
    )


def sparse_sums_of(errors: Floats, words: Floats, present: Bools) -> SparseSums:
    """Keep of three tables, each (n_speakers, n_columns), who is present or counted."""
    columns, speakers = np.nonzero((present | (errors != 0) | (words != 0)).T)
    sums = np.stack([table[speakers, columns] for table in (errors, words, present)]).astype(np.float64)
    return SparseSums(len(errors), starts_of(columns, errors.shape[1]), speakers, sums)


def side_by_side(parts: Sequence[SparseSums]) -> SparseSums:
    """Put the columns of several next to each other; their speakers are the same."""
    sizes = np.concatenate([np.diff(each.starts) for each in parts])
    return SparseSums(
        n_speakers=parts[0].n_speakers,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp),
        speakers=np.concatenate([each.speakers for each in parts]),
        sums=np.hstack([each.sums for each in parts]),
    )


def moments(sums: Floats) -> Floats:
    """Return errors, words, errors², errors x words, words² and presence, (6, ...), of sums, (3, ...)."""
    errors, words, present = sums
    return np.stack([errors, words, errors**2, errors * words, words**2, present])


def starts_of(columns: Indices, n_columns: int) -> Indices:
    """Return where each column begins among cells sorted by column, (n_columns + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n_columns))]).astype(np.intp)


def column_of_cells(starts: Indices) -> Indices:
    """Return the column of every cell, (n_cells,)."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def per_column(starts: Indices, values: Floats) -> Floats:
    """Sum the cells of every column, (n_rows, n_cells) to (n_rows, n_columns); 0 where there are none."""
    columns = column_of_cells(starts)
    return np.stack([np.bincount(columns, weights=row, minlength=len(starts) - 1) for row in values])


def counted_per_column(starts: Indices, chosen: Bools) -> Indices:
    """Count the chosen cells of every column, (n_cells,) to (n_columns,)."""
    return np.bincount(column_of_cells(starts)[chosen], minlength=len(starts) - 1)


def picked(starts: Indices, columns: Indices) -> tuple[Indices, Indices]:
    """Return where the cells of some columns begin, and which cells they are."""
    sizes = np.diff(starts)[columns]
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    cells = np.arange(begin[-1]) + np.repeat(starts[columns] - begin[:-1], sizes)
    return begin, cells
