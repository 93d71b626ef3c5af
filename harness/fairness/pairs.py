"""Slices and their comparators in, the sums of both sides of every comparison under speaker weights out.

A comparator is mostly the same people for every slice of a dimension (all who declared a value, or one named slice), so
only the speakers who tell a slice from it take space and time.
"""

from dataclasses import dataclass

import numpy as np

from harness.fairness.sparse_sums import (
    Bools,
    Columns,
    Floats,
    Indices,
    column_of_cells,
    columns_of,
    counted_per_column,
    moments,
    per_column,
    picked,
    product,
    sparse_sums_of,
    starts_of,
)


@dataclass(frozen=True, slots=True)
class Side:
    """Holds the per-speaker sums of one side of every comparison, in full."""

    errors: Floats  # (n_speakers, n_comparisons)
    words: Floats  # (n_speakers, n_comparisons)
    present: Bools  # (n_speakers, n_comparisons)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Holds both sides of every comparison by their speakers' word errors, reference words and presence (0 or 1).

    Speakers without a cell in a comparison are not in its slice, and in its comparator as `common` says.
    """

    starts: Indices  # (n_comparisons + 1,) where the cells of each comparison begin
    speakers: Indices  # (n_cells,) rising within a comparison
    own: Floats  # (3, n_cells) the slice's sums
    other: Floats  # (3, n_cells) the comparator's
    common: Floats  # (3, n_speakers)

    @property
    def n_comparisons(self) -> int:
        """Count the comparisons."""
        return len(self.starts) - 1

    def pick(self, columns: Indices) -> "Pairs":
        """Return some of the comparisons."""
        starts, cells = picked(self.starts, columns)
        return Pairs(starts, self.speakers[cells], self.own[:, cells], self.other[:, cells], self.common)

    def of_first(self, n_speakers: int) -> "Pairs":
        """Return the comparisons of the first speakers only."""
        keep = self.speakers < n_speakers
        starts = starts_of(column_of_cells(self.starts)[keep], self.n_comparisons)
        own, other = self.own[:, keep], self.other[:, keep]
        return Pairs(starts, self.speakers[keep], own, other, self.common[:, :n_speakers])

    def totals(self) -> tuple[Floats, Floats]:
        """Return errors, words and speakers of both sides, each (3, n_comparisons)."""
        replaced = per_column(self.starts, self.other - self.common[:, self.speakers])
        return per_column(self.starts, self.own), self.common.sum(axis=1)[:, None] + replaced

    def erring(self) -> tuple[Indices, Indices]:
        """Count the speakers who err on either side, each (n_comparisons,)."""
        in_common = self.common[0] > 0
        gained = counted_per_column(self.starts, self.other[0] > 0)
        lost = counted_per_column(self.starts, in_common[self.speakers])
        return counted_per_column(self.starts, self.own[0] > 0), in_common.sum() + gained - lost

    def n_shared(self) -> Indices:
        """Count the speakers who are on both sides, (n_comparisons,)."""
        return counted_per_column(self.starts, self.own[2] * self.other[2] > 0)

    def one(self, k: int) -> tuple[Floats, Floats]:
        """Return both sides of one comparison in full, each (3, n_speakers)."""
        here = slice(self.starts[k], self.starts[k + 1])
        own, other = np.zeros_like(self.common), self.common.copy()
        own[:, self.speakers[here]], other[:, self.speakers[here]] = self.own[:, here], self.other[:, here]
        return own, other

    def sides(self) -> tuple[Side, Side]:
        """Return both sides in full."""
        columns, shape = column_of_cells(self.starts), (*self.common.shape, self.n_comparisons)
        own, other = np.zeros(shape), np.broadcast_to(self.common[:, :, None], shape).copy()
        own[:, self.speakers, columns], other[:, self.speakers, columns] = self.own, self.other
        return Side(own[0], own[1], own[2] > 0), Side(other[0], other[1], other[2] > 0)


@dataclass(frozen=True, slots=True)
class PairSums:
    """Holds sums of the `moments` of both sides, and of the products of who is on both."""

    own: Floats  # (6, n_comparisons)
    other: Floats  # (6, n_comparisons)
    shared: Indices  # (n_shared,) comparisons with speakers on both sides
    products: Floats  # (4, n_shared) error x error, error x word, word x error, word x word


@dataclass(frozen=True, slots=True)
class WeighedPairs:
    """Is `Pairs` prepared for summing: what every comparison shares is summed once."""

    own: Columns
    common: Floats  # (6, n_speakers)
    less_own: Floats  # (n_comparisons,) 1 where the comparator is the common one less the slice, else 0
    moved: Columns  # what the comparator differs by, beyond that

    def under(self, block: Floats) -> tuple[Floats, Floats]:
        """Sum the `moments` of slices and comparators under each row of weights, (n_block, n_speakers).

        Returns:
            Two tables, (6, n_block, n_comparisons).
        """
        own = self.own.under(block)
        common = product(self.common, block.T)[:, :, None]
        return own, common - self.less_own * own + self.moved.under(block)


def pairs_of(slices: Side, comparators: Side) -> Pairs:
    """Return two full sides as pairs; the common comparator is nobody."""
    either = slices.present | comparators.present
    cells = sparse_sums_of(slices.errors + comparators.errors, slices.words + comparators.words, either)
    columns = column_of_cells(cells.starts)

    def sums(side: Side) -> Floats:
        tables = side.errors, side.words, side.present.astype(np.float64)
        return np.stack([table[cells.speakers, columns] for table in tables])

    return Pairs(cells.starts, cells.speakers, sums(slices), sums(comparators), np.zeros((3, len(slices.errors))))


def weighed(pairs: Pairs) -> WeighedPairs:
    """Prepare pairs for summing."""
    n_speakers = pairs.common.shape[1]
    common = pairs.common[:, pairs.speakers]
    gone = np.all((pairs.own == common) & (pairs.other == 0), axis=0)
    less_own = 2 * counted_per_column(pairs.starts, gone) > np.diff(pairs.starts)
    own = moments(pairs.own)
    moved = moments(pairs.other) - moments(common) + less_own[column_of_cells(pairs.starts)] * own
    keep = np.any(moved != 0, axis=0)
    moved_starts = starts_of(column_of_cells(pairs.starts)[keep], pairs.n_comparisons)
    return WeighedPairs(
        own=columns_of(n_speakers, pairs.starts, pairs.speakers, own),
        common=moments(pairs.common),
        less_own=less_own.astype(np.float64),
        moved=columns_of(n_speakers, moved_starts, pairs.speakers[keep], moved[:, keep]),
    )


def once(pairs: Pairs) -> PairSums:
    """Sum with every speaker once, as observed."""
    replaced = moments(pairs.other) - moments(pairs.common[:, pairs.speakers])
    shared = np.flatnonzero(pairs.n_shared())
    both = pairs.pick(shared)
    (errors_a, words_a), (errors_b, words_b) = both.own[:2], both.other[:2]
    products = np.stack([errors_a * errors_b, errors_a * words_b, words_a * errors_b, words_a * words_b])
    return PairSums(
        own=per_column(pairs.starts, moments(pairs.own)),
        other=moments(pairs.common).sum(axis=1)[:, None] + per_column(pairs.starts, replaced),
        shared=shared,
        products=per_column(both.starts, products),
    )
