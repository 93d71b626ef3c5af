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
    return [
        AND.join(names)
        for size in range(1, min(order, len(attributes)) + 1)
        for names in combinations(attributes, size)
    ]


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
    rows, codes = np.arange(len(scores), dtype=np.int64), np.zeros(len(scores), dtype=np.int64)
    slices, declared = [""], np.array([True])
    for position, name in enumerate(names):
        values, value_rows, value_codes = _values(scores[name], (orders or {}).get(name, ()))
        if len(names) > 1:
            values = [value.replace(AND, " and ") for value in values]
        told = np.array([value not in _SILENT for value in values], dtype=bool)
        rows, codes = _crossed(rows, codes, value_rows, value_codes, len(values), len(scores))
        used, codes = _compact(codes, len(slices) * len(values))
        left, right = np.divmod(used, max(1, len(values)))
        joint = AND if position else ""
        slices = [f"{slices[i]}{joint}{values[j]}" for i, j in zip(left, right, strict=True)]
        declared = declared[left] & told[right]
    return Membership(dimension=dimension, slices=tuple(slices), declared=declared, rows=rows, codes=codes)


def everybody(scores: pd.DataFrame) -> Membership:
    """Return the one slice that everybody is in."""
    rows = np.arange(len(scores), dtype=np.int64)
    return Membership(OVERALL, (EVERYBODY,), np.array([True]), rows, np.zeros(len(scores), dtype=np.int64))


def _values(column: pd.Series, order: Sequence[str]) -> tuple[list[str], Ints, Ints]:
    """Return the values in order, and for each membership the row and the position of its value."""
    codes, distinct = _distinct(column)
    cells = [_parts(cell) for cell in distinct]
    rank = {value: position for position, value in enumerate(order)}
    values = sorted(
        {value for cell in cells for value in cell},
        key=lambda value: (value in _SILENT, rank.get(value, len(rank)), value),
    )
    positions = {value: position for position, value in enumerate(values)}
    sizes = np.array([len(cell) for cell in cells], dtype=np.int64)
    flat = np.array([positions[value] for cell in cells for value in cell], dtype=np.int64)
    rows = np.repeat(np.arange(len(codes), dtype=np.int64), sizes[codes])
    if (sizes == 1).all():
        return values, rows, flat[codes]
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes[codes]) - sizes[codes], sizes[codes])
    return values, rows, flat[(np.cumsum(sizes) - sizes)[codes][rows] + within]


def _distinct(column: pd.Series) -> tuple[Ints, list[object]]:
    """Number the distinct cells; where some may be equal without being alike (1 and True), every cell is its own."""
    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) == "string":
        codes, distinct = pd.factorize(column, use_na_sentinel=False)
        return codes.astype(np.int64), list(distinct)
    return np.arange(len(column), dtype=np.int64), column.tolist()


def _parts(cell: object) -> tuple[str, ...]:
    if isinstance(cell, tuple | list | set | frozenset | np.ndarray):
        return tuple(dict.fromkeys(_value(part) for part in cell)) or (UNDECLARED,)
    return (_value(cell),)


def _value(part: object) -> str:
    return UNDECLARED if pd.isna(part) or part == "" else str(part)  # type: ignore[call-overload]


def _compact(codes: Ints, n_codes: int) -> tuple[Ints, Ints]:
    """Return the codes that occur, rising, and for each membership the position of its code among them."""
    if n_codes > 10 * len(codes):  # counting is ten times faster than sorting
        used, compact = np.unique(codes, return_inverse=True)
        return used, compact.astype(np.int64)
    occurs = np.bincount(codes, minlength=n_codes) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[codes]


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
