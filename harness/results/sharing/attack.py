"""Published cells in, what someone who has every table can work out about the others out.

The attacker is given more than the tables hold: which combinations of attributes occur, and every count of a published
cell to the last digit. Counts are not negative; what follows from that follows by linear programming (Fischetti and
Salazar 2000), and what is known exactly by linear algebra.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.results.sharing.cells import Bools, Cells, Ints, Measure

TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Range:
    """Says between which counts a cell must lie, and which published cells tell.

    Attributes:
        low: Least count, in whole numbers.
        high: Largest count, in whole numbers.
        told_by: Positions of the published cells that either bound rests on.
    """

    low: float
    high: float
    told_by: tuple[int, ...]


def range_of(cells: Cells, measure: Measure, cell: int, published: Ints) -> Range:
    """Return what the published cells tell of one count of a hidden cell.

    Args:
        cells: All of them.
        measure: What is counted.
        cell: Position of the hidden cell.
        published: Positions of the published cells.
    """
    from scipy.optimize import linprog  # a fifth of a second, for those who share

    incidence = cells.incidence(measure)
    known = incidence[published].astype(np.float64)
    totals = (incidence[published] @ measure.values).astype(np.float64)
    target = incidence[cell].astype(np.float64)
    ends: list[float] = []
    told_by: set[int] = set()
    for sign in (1.0, -1.0):
        solved = linprog(sign * target, A_eq=known, b_eq=totals, bounds=(0, None), method="highs")
        if solved.status != 0 or solved.fun is None:  # the counts themselves are a solution: a matter of rounding
            value = float(target @ measure.values)
            return Range(value, value, tuple(published.tolist()))  # what is not shown to be unknown counts as known
        ends.append(sign * float(solved.fun))
        told_by.update(published[np.abs(solved.eqlin.marginals) > TOLERANCE].tolist())
    slack = 1e-9 * max(1e3, float(totals.max(initial=0)))
    return Range(float(np.ceil(ends[0] - slack)), float(np.floor(ends[1] + slack)), tuple(sorted(told_by)))


@dataclass(frozen=True, slots=True)
class Told:
    """Is a count that follows exactly.

    Attributes:
        value: The count.
        told_by: Positions of the published cells that tell.
    """

    value: int
    told_by: tuple[int, ...]


def known_exactly(
    incidence: Bools, totals: Ints, hidden: Sequence[int], published: Ints, *, values: Ints | None = None
) -> dict[int, Told]:
    """Return the hidden cells of which a count follows exactly.

    A published zero makes everything in it zero, which other sums then tell apart: atoms that must be zero are taken
    away first.

    Args:
        incidence: (n_cells, n_atoms) which atoms are in which cell.
        totals: (n_published,) the count of each published cell.
        hidden: Positions of the cells in question.
        published: Positions of the published cells.
        values: The count of every atom where it is at hand, so that no rounding makes one impossible.
    """
    if not len(hidden):
        return {}
    free = _can_be_positive(incidence[published], totals, values)
    known = incidence[published][:, free].astype(np.float64)
    targets = incidence[list(hidden)][:, free].astype(np.float64)
    weights = np.linalg.lstsq(known.T, targets.T, rcond=None)[0]  # (n_published, n_hidden)
    left = np.abs(known.T @ weights - targets.T).max(axis=0, initial=0)
    zeros = published[totals == 0].tolist()
    return {
        cell: Told(
            value=round(float(weights[:, i] @ totals)),
            told_by=(*published[np.abs(weights[:, i]) > TOLERANCE].tolist(), *zeros),
        )
        for i, cell in enumerate(hidden)
        if left[i] < 1e-6
    }


def _can_be_positive(known: Bools, totals: Ints, values: Ints | None) -> Bools:
    """Return the atoms that are not forced to be zero: one linear programme makes as many positive as it can."""
    from scipy.optimize import linprog

    free = np.flatnonzero(~known[totals == 0].any(axis=0))
    n_free = len(free)
    result: Bools = np.zeros(known.shape[1], dtype=bool)
    if values is not None:
        result |= values > 0
    if not n_free:
        return result
    inside = known[:, free].astype(np.float64)
    solved = linprog(  # each atom in two parts, of which the one that counts is at most 1; all may be scaled up
        np.concatenate([-np.ones(n_free), np.zeros(n_free + 1)]),
        A_eq=np.hstack([inside, inside, -totals[:, None].astype(np.float64)]),
        b_eq=np.zeros(len(totals)),
        bounds=[(0, 1)] * n_free + [(0, None)] * n_free + [(1, None)],
        method="highs",
    )
    if solved.x is not None:  # else only what is known to be possible is, which gives the attacker more
        result[free] |= solved.x[:n_free] > TOLERANCE
    return result
