"""Scores and a dimension in, who belongs to which of its slices out: single values, several values, intersections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.corpus.attributes import DECLINED, INTERSECTION_SEPARATOR, UNDECLARED
from harness.errors import UsageError

Ints = npt.NDArray[np.int64]

AND = INTERSECTION_SEPARATOR
OVERALL = "overall"  # the dimension whose one slice is everybody
EVERYBODY = "all"
_SILENT = frozenset({UNDECLARED, DECLINED})


@dataclass(frozen=True, slots=True)
class Membership:
    """Says which utterances belong to which slice of a dimension.

    An utterance is in one slice, or in several when an attribute is multi-valued.
    """

    dimension: str
    slices: tuple[str, ...]
    declared: npt.NDArray[np.bool_]  # (n_slices,) False where a part is undeclared or declined
    rows: Ints  # (n_memberships,) position of the utterance in the scores
    codes: Ints  # (n_memberships,) position of the slice in `slices`


def dimensions(attributes: Sequence[str], order: int = 1) -> list[str]:
    """Name every attribute and every intersection of up to `order` of them.

    >>> dimensions(["accent", "gender"], 2)
    ['accent', 'gender', 'accent & gender']
    """
    if order < 1:
        raise UsageError(f"intersections={order}; expected 1 (none) or more.")
    return [AND.join(names) for size in range(1, order + 1) for names in combinations(attributes, size)]


def as_list(by: str | Sequence[str]) -> list[str]:
    """Return the dimensions as a list, each once, in the order given."""
    return list(dict.fromkeys([by] if isinstance(by, str) else by))


def membership(
    scores: pd.DataFrame, dimension: str, *, orders: Mapping[str, Sequence[str]] | None = None
) -> Membership:
    """Find the slices of a dimension and the utterances in each.

    Raises:
        UsageError: The scores have no such attribute.
    """
    names = dimension.split(AND)
    unknown = [name for name in names if name not in scores.columns]
    if unknown:
        raise UsageError(f"no attribute {unknown[0]!r} to slice by; the scores have {list(scores.columns)}.")
    rows = np.arange(len(scores), dtype=np.int64)
    slices, codes = [""], np.zeros(len(scores), dtype=np.int64)
    declared = np.array([True])
    for position, name in enumerate(names):
        values, value_rows, value_codes = _values(scores[name], (orders or {}).get(name, ()))
        if len(names) > 1:
            values = [value.replace(AND, " and ") for value in values]
        rows, codes = _crossed(rows, codes, value_rows, value_codes, len(values), len(scores))
        slices = [f"{left}{AND if position else ''}{right}" for left in slices for right in values]
        declared = np.array([left and right not in _SILENT for left in declared for right in values], dtype=bool)
    used, compact = np.unique(codes, return_inverse=True)
    return Membership(
        dimension=dimension,
        slices=tuple(slices[code] for code in used),
        declared=declared[used],
        rows=rows,
        codes=compact.astype(np.int64),
    )


def everybody(scores: pd.DataFrame) -> Membership:
    """Return the one slice that everybody is in."""
    rows = np.arange(len(scores), dtype=np.int64)
    return Membership(OVERALL, (EVERYBODY,), np.array([True]), rows, np.zeros(len(scores), dtype=np.int64))


def _values(column: pd.Series, order: Sequence[str]) -> tuple[list[str], Ints, Ints]:
    """Return the values in order, and for each membership the row and the position of its value."""
    cells = [_parts(cell) for cell in column.tolist()]
    rows = np.repeat(np.arange(len(cells), dtype=np.int64), [len(cell) for cell in cells])
    flat = pd.Series([value for cell in cells for value in cell], dtype=object)
    rank = {value: position for position, value in enumerate(order)}
    values = sorted(flat.unique(), key=lambda value: (value in _SILENT, rank.get(value, len(rank)), value))
    positions = {value: position for position, value in enumerate(values)}
    return values, rows, flat.map(positions).to_numpy(np.int64)


def _parts(cell: object) -> tuple[str, ...]:
    if isinstance(cell, tuple | list | set | frozenset | np.ndarray):
        return tuple(dict.fromkeys(_value(part) for part in cell)) or (UNDECLARED,)
    return (_value(cell),)


def _value(part: object) -> str:
    return UNDECLARED if pd.isna(part) or part == "" else str(part)  # type: ignore[call-overload]


def _crossed(
    rows: Ints, codes: Ints, value_rows: Ints, value_codes: Ints, n_values: int, n_rows: int
) -> tuple[Ints, Ints]:
    """Cross the memberships so far with those of a further attribute, utterance by utterance."""
    per_row = np.bincount(value_rows, minlength=n_rows)
    first = np.concatenate([[0], np.cumsum(per_row)[:-1]])
    repeat = per_row[rows]
    left = np.repeat(np.arange(len(rows)), repeat)
    within = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    right = first[rows[left]] + within
    return rows[left], codes[left] * n_values + value_codes[right]
