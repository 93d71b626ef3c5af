"""A predicate's tree and rows in, which rows it is true of out: of a whole frame at once, or of one row.

A cell without a value (None, NaN) is in no comparison. A cell with several (a list, tuple or array) is in a comparison
that one of them is in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isnan
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.errors import DataError
from harness.predicates.refusals import quoted, shown
from harness.predicates.syntax import Comparison, Conjunction, Disjunction, Negation, Operator, Tree, Value

if TYPE_CHECKING:  # a recogniser that asks one row needs none
    import pandas as pd

Cell: TypeAlias = Value | Sequence[Value | None] | None
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]

_COMPARED = {
    Operator.equal: eq,
    Operator.unequal: ne,
    Operator.below: lt,
    Operator.at_most: le,
    Operator.above: gt,
    Operator.at_least: ge,
}
_NEGATED = (Operator.unequal, Operator.none_of)


def holds(tree: Tree, values: Mapping[str, Cell]) -> bool:
    """Say whether a tree is true of one row.

    Raises:
        DataError: A column is missing, or its value is of another kind than is asked for.
    """
    match tree:
        case Comparison():
            return _row_is_in(tree, values)
        case Negation(part=part):
            return not holds(part, values)
        case Conjunction(parts=parts):
            return all(holds(part, values) for part in parts)
        case Disjunction(parts=parts):
            return any(holds(part, values) for part in parts)
    return True


def mask(tree: Tree, table: "Table") -> Bools:
    """Return of each row whether a tree is true of it: `(n_rows,)`.

    Raises:
        DataError: As `holds` raises it.
    """
    match tree:
        case Comparison():
            return table.rows_in(tree)
        case Negation(part=part):
            return ~mask(part, table)
        case Conjunction(parts=parts):
            return reduce(np.logical_and, (mask(part, table) for part in parts))
        case Disjunction(parts=parts):
            return reduce(np.logical_or, (mask(part, table) for part in parts))
    return np.ones(table.n_rows, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Holds cells by the number of their text.

    Attributes:
        codes: Of each value: `(n_values,)`; -1 where there is none.
        numbers: Of each different text.
        rows: Of each value the row that has it; None where each row has one.
    """

    codes: Ints
    numbers: Mapping[str, int]
    rows: Ints | None

    def values_in(self, comparison: Comparison) -> Bools:
        """Return of each value whether it is in a comparison: `(n_values,)`."""
        is_in = np.zeros(len(self.numbers) + 1, dtype=np.bool_)
        is_in[[self.numbers[str(value)] for value in comparison.values if value in self.numbers]] = True
        if comparison.operator in _NEGATED:
            is_in = ~is_in
        is_in[-1] = False  # where there is no value
        return is_in[self.codes]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Holds cells that are numbers.

    Attributes:
        cells: `(n_values,)`; NaN where there is none.
        rows: As for texts.
    """

    cells: npt.NDArray[np.float64]
    rows: Ints | None

    def values_in(self, comparison: Comparison) -> Bools:
        """Return of each value whether it is in a comparison: `(n_values,)`."""
        if comparison.operator is Operator.one_of:
            return np.isin(self.cells, comparison.values)
        if comparison.operator is Operator.none_of:
            return ~np.isin(self.cells, comparison.values) & ~np.isnan(self.cells)
        found: Bools = _COMPARED[comparison.operator](self.cells, comparison.values[0])
        return found & ~np.isnan(self.cells) if comparison.operator is Operator.unequal else found


class Table:
    """Is a frame of which each column is read once, however many comparisons ask it."""

    def __init__(self, frame: "pd.DataFrame") -> None:
        self._frame = frame
        self._read: dict[tuple[str, type], _Texts | _Numbers] = {}

    @property
    def n_rows(self) -> int:
        """Return how many rows it has."""
        return len(self._frame)

    def rows_in(self, comparison: Comparison) -> Bools:
        """Return of each row whether it is in a comparison: `(n_rows,)`.

        Raises:
            DataError: The column is missing, or has a cell of another kind.
        """
        column = self._column(comparison.column, type(comparison.values[0]))
        found = column.values_in(comparison)
        if column.rows is None:
            return found
        is_in = np.zeros(self.n_rows, dtype=np.bool_)
        is_in[column.rows[found]] = True
        return is_in

    def _column(self, name: str, kind: type) -> _Texts | _Numbers:
        if (name, kind) not in self._read:
            if list(self._frame.columns).count(name) != 1:
                raise DataError(
                    f"column {quoted(name)} stands {list(self._frame.columns).count(name)} times; expected once."
                )
            cells = self._frame[name]
            self._read[name, kind] = _texts(cells) if kind is str else _numbers(cells)
        return self._read[name, kind]


def _texts(cells: "pd.Series") -> _Texts:
    """Read a column of texts.

    Raises:
        DataError: A cell is something else.
    """
    import pandas as pd

    name = str(cells.name)
    try:
        codes, different = pd.factorize(cells)
        are_several = any(isinstance(cell, tuple) for cell in different)
    except TypeError:  # lists and arrays have no hash
        are_several = True
    rows = None
    if are_several:
        flat, rows = _flat(cells)
        wrong = next((cell for cell in flat if not isinstance(cell, str) and not _is_missing(cell)), None)
        if wrong is not None:
            raise _of_another_kind(name, wrong, "a text")
        codes, different = pd.factorize(pd.Series(flat, dtype=object))
    numbers = {cell: number for number, cell in enumerate(different)}
    for cell in numbers:
        if not isinstance(cell, str):
            raise _of_another_kind(name, cell, "a text")
    return _Texts(codes.astype(np.int64), numbers, rows)


def _numbers(cells: "pd.Series") -> _Numbers:
    if cells.dtype.kind in "iuf":
        return _Numbers(cells.to_numpy(np.float64, na_value=np.nan), None)
    flat, rows = _flat(cells)
    name = str(cells.name)
    return _Numbers(np.array([_number(name, cell) for cell in flat], dtype=np.float64), rows)


def _flat(cells: "pd.Series") -> tuple[list[object], Ints]:
    """Return every value, and the row of each: `(n_values,)`."""
    parts = [_several(cell) for cell in cells]
    rows = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return [value for part in parts for value in part], rows.astype(np.int64)


def _row_is_in(comparison: Comparison, values: Mapping[str, Cell]) -> bool:
    if comparison.column not in values:
        raise DataError(f"column {quoted(comparison.column)} has no value; expected one, or None.")
    return any(_value_is_in(comparison, value) for value in _several(values[comparison.column]))


def _value_is_in(comparison: Comparison, value: object) -> bool:
    if isinstance(comparison.values[0], str):
        if _is_missing(value):
            return False
        if not isinstance(value, str):
            raise _of_another_kind(comparison.column, value, "a text")
        found: Value = value
    else:
        found = _number(comparison.column, value)
        if isnan(found):
            return False
    if comparison.operator is Operator.one_of:
        return found in comparison.values
    if comparison.operator is Operator.none_of:
        return found not in comparison.values
    return bool(_COMPARED[comparison.operator](found, comparison.values[0]))


def _several(cell: object) -> Sequence[object]:
    return list(cell) if isinstance(cell, list | tuple | np.ndarray) else (cell,)


def _number(name: str, cell: object) -> float:
    """Return a cell as a number, NaN where there is none."""
    if _is_missing(cell):
        return np.nan
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, int | float | np.integer | np.floating):
        raise _of_another_kind(name, cell, "a number")
    try:
        return float(cell)
    except OverflowError as error:
        raise _of_another_kind(name, cell, "a number below 1e308") from error


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and isnan(cell)) or type(cell).__name__ in ("NAType", "NaTType")


def _of_another_kind(name: str, cell: object, expected: str) -> DataError:
    return DataError(f"column {quoted(name)} has {shown(cell)} ({type(cell).__name__}); expected {expected}.")
