"""How many people every slice has in, whose numbers may not be shown out: of few people, and what gives those away."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.described import Redact
from harness.fairness.membership import AND
from harness.report.charts.labels import is_declared

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Says of every row of people.csv what is not shown of it, (n_rows,) each.

    Attributes:
        few: Fewer people than the floor: that, and no number.
        beside: As many as the floor, and no number: with it, that of few people could be worked out.
        banded: Where attributes meet: between which two numbers, and no other number.
        left_out: Where a value meets another that fewer people than the floor have, for what those few are is not told;
            and where that other's bands and its people together would tell the number of a few.
    """

    few: Bools
    beside: Bools
    banded: Bools
    left_out: Bools

    @property
    def numbers(self) -> Bools:
        """Say of which rows no number is shown."""
        return self.few | self.beside | self.banded | self.left_out


def withheld(people: pd.DataFrame, floor: int, redact: Redact) -> Withheld:
    """Choose what is not shown of people.csv.

    Args:
        people: Columns dimension, slice and n_speakers.
        floor: People below whom they are few.
        redact: Of which slices.
    """
    n_people = people["n_speakers"].to_numpy(np.int64)
    crossed, nothing = is_crossed(people["dimension"]), np.zeros(len(people), dtype=bool)
    if redact is Redact.nothing:
        return Withheld(nothing, nothing, nothing, nothing)
    few = (n_people > 0) & (n_people < floor)
    left_out = _of_few(people, crossed, floor)
    if redact is Redact.intersections:
        return Withheld(few & crossed, nothing, crossed, left_out)
    beside, declared = nothing.copy(), people["slice"].map(is_declared).to_numpy(bool)
    for dimension in people.loc[~crossed, "dimension"].unique():
        rows = np.flatnonzero(people["dimension"] == dimension)
        beside[rows] = companions(n_people[rows], declared[rows], floor)
    return Withheld(few, beside, crossed, left_out)


def companions(numbers: npt.NDArray[np.int64], first: Bools, floor: int) -> Bools:
    """Choose the numbers that are withheld beside those below a floor, so that their sum does not give these away.

    Args:
        numbers: Whose sum is known, (n,).
        first: Which are chosen before all others; of both the smallest come first.
        floor: Below which a number is withheld.

    >>> companions(np.array([40, 9, 1]), np.array([True, True, True]), 5).tolist()
    [False, True, False]
    """
    few, beside = (numbers > 0) & (numbers < floor), np.zeros(len(numbers), dtype=bool)
    order = np.lexsort((numbers, ~first))
    for place in order[numbers[order] >= floor]:
        if not _worked_out(numbers, few, beside, floor):
            break
        beside[place] = True
    return beside


def is_crossed(dimensions: "pd.Series[str]") -> Bools:
    """Say which dimensions are of several attributes."""
    return dimensions.str.contains(AND, regex=False).to_numpy(bool)


def edges_of(floor: int) -> list[int]:
    """Return where each band of people begins, but for the first."""
    return [floor * times for times in (1, 2, 5, 10, 50)]


def _worked_out(numbers: npt.NDArray[np.int64], few: Bools, beside: Bools, floor: int) -> bool:
    """Say whether only one number below the floor each goes with the sum of what is withheld."""
    n_few = int(few.sum())
    more = int(numbers[few | beside].sum()) - n_few - floor * int(beside.sum())  # than there are at least
    if not n_few:
        return False
    return more == 0 if beside.any() else n_few == 1 or more in (0, n_few * (floor - 2))


def _of_few(people: pd.DataFrame, crossed: Bools, floor: int) -> Bools:
    """Say in which intersections a value is that few people have, or of which the bands give a few away."""
    own = people[~crossed]
    names = (value.replace(AND, " and ") for value in own["slice"])
    n_people = dict(zip(zip(own["dimension"], names, strict=True), own["n_speakers"], strict=True))
    columns = people["dimension"], people["slice"], people["n_speakers"], crossed
    lines: dict[tuple[str, str, str], list[int]] = {}  # of each value in each intersection: people in its cells
    of_row: list[list[tuple[str, str, str]]] = []
    for dimension, name, number, is_several in zip(*columns, strict=True):
        parts = zip(dimension.split(AND), name.split(AND), strict=True) if is_several else ()
        of_row.append([(dimension, *part) for part in parts])
        for line in of_row[-1]:
            lines.setdefault(line, []).append(int(number))
    untold = {
        line
        for line, cells in lines.items()
        if n_people.get(line[1:], sum(cells)) < floor
        or (n_people.get(line[1:]) == sum(cells) and _banded_away(cells, floor))
    }
    return np.array([not untold.isdisjoint(each) for each in of_row], dtype=bool)


def _banded_away(cells: list[int], floor: int) -> bool:
    """Say whether the bands of some cells and their sum tell the exact number of one below the floor."""
    numbers, edges = np.array(cells, dtype=np.float64), np.array(edges_of(floor), dtype=np.float64)
    few, band = (numbers > 0) & (numbers < floor), np.searchsorted(edges, numbers, side="right")
    least = np.where(numbers > 0, np.concatenate([[1.0], edges])[band], 0)
    most = np.where(numbers > 0, np.concatenate([edges - 1, [numbers.sum()]])[band], 0)
    low = np.maximum(least, numbers.sum() - (most.sum() - most))
    high = np.minimum(most, numbers.sum() - (least.sum() - least))
    return bool((few & (low == high)).any())
