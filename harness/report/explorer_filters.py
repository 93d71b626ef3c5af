"""Scores and facts of a run in, what its utterances can be filtered by out: values of attributes, conditions, kinds.

Every filter says how many utterances of the run it holds, also where a page shows fewer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from harness.fairness.membership import AND, Membership, membership
from harness.report.explorer_rows import Ints, errors_of, words_of
from harness.report.wording import mapping

MOST_VALUES = 500  # of an attribute that is offered as a filter; a longer list is none that people choose from
MOST_FILTERS, MOST_TOGETHER = 24, 3_000  # attributes, and values of all of them, that a page has room for

FAILED = "failed, no transcript"
_FLAGS = {  # columns of the scores, as a reader calls them
    "empty_output": "empty output",
    "hallucination": "any sign of hallucination",
    "hallucination_non_speech_insertion": "words where nothing was said",
    "hallucination_insertion_run": "run of inserted words",
    "hallucination_length_ratio": "much longer than the reference",
    "hallucination_loop": "repeats itself",
    "reference_emptied": "reference without words after normalising",
}
SIGNS = frozenset(_FLAGS.values()) - {_FLAGS["hallucination"]}  # said of an utterance itself, in words


@dataclass(frozen=True, slots=True)
class Filter:
    """Is a column whose values utterances are filtered by.

    Attributes:
        name: Of the attribute.
        values: In the order they are offered, undeclared and declined last.
        totals: Utterances of the run with each value.
        cells: The values of each distinct cell, several where the attribute is multi-valued.
        of: (n_utterances,) the cell of each utterance.
    """

    name: str
    values: tuple[str, ...]
    totals: Ints
    cells: tuple[tuple[int, ...], ...]
    of: Ints


@dataclass(frozen=True, slots=True)
class Filters:
    """Holds every filter of a run.

    Attributes:
        attributes: Those offered.
        left_out: The other attributes, each with its number of values.
        condition: Also where there is only one.
        kinds: What went wrong, by name: (n_utterances,) whether an utterance is of that kind.
        parts: Dimensions of whose every slice some utterances are to be shown.
    """

    attributes: tuple[Filter, ...]
    left_out: tuple[tuple[str, int], ...]
    condition: Filter
    kinds: Mapping[str, "np.ndarray[Any, np.dtype[np.bool_]]"]
    parts: tuple[Membership, ...]


def filters(scores: pd.DataFrame, facts: Mapping[str, Any], *, without: str | None = None) -> Filters:
    """Return what the utterances of a run can be filtered by; `without` is a column that must not be told."""
    sliced_by = [str(name) for name in facts["sliced_by"] if without not in str(name).split(AND)]
    orders = _orders(facts)
    names = list(dict.fromkeys([*(name for name in sliced_by if AND not in name), *orders]))
    parts = {
        name: membership(scores, name, orders=orders)
        for name in dict.fromkeys([*names, *sliced_by])
        if set(name.split(AND)) <= set(scores.columns)
    }
    attributes = [name for name in names if name in parts]
    offered = _offered({name: len(parts[name].slices) for name in attributes})
    kinds = _kinds(scores)
    condition = membership(scores, "condition", orders=orders)
    sliced = [parts[name] for name in parts if name in offered or name in sliced_by]
    return Filters(
        attributes=tuple(_filter(parts[name], len(scores)) for name in offered),
        left_out=tuple((name, len(parts[name].slices)) for name in attributes if name not in offered),
        condition=_filter(condition, len(scores)),
        kinds=kinds,
        parts=(*sliced, condition, _kinds_as_part(kinds)),
    )


def combinations(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Return the combinations of several columns of codes that occur.

    Returns:
        (n_combinations,) where each stands first, and (n_combinations,) how often it occurs.
    """
    codes = columns[0]
    for column in columns[1:]:
        codes = np.unique(codes * (int(column.max()) + 1) + column, return_inverse=True)[1]
    _, firsts, totals = np.unique(codes, return_index=True, return_counts=True)
    return firsts, totals


def _offered(sizes: Mapping[str, int]) -> list[str]:
    """Return the attributes that a page has room for, by the number of values of each; the first ones come first."""
    short = [name for name, size in sizes.items() if size <= MOST_VALUES][:MOST_FILTERS]
    together = np.cumsum([sizes[name] for name in short])
    return short[: int(np.searchsorted(together, MOST_TOGETHER, side="right"))]


def _orders(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the declared attributes, each with the order of its values."""
    attributes = mapping(mapping(facts["manifest"])["attributes"])
    return {name: [str(value) for value in mapping(about).get("order") or ()] for name, about in attributes.items()}


def _filter(part: Membership, n_rows: int) -> Filter:
    totals = np.bincount(part.codes, minlength=len(part.slices))
    if len(part.rows) == n_rows:
        single = tuple((code,) for code in range(len(part.slices)))
        return Filter(part.dimension, part.slices, totals, single, part.codes)
    starts = np.searchsorted(part.rows, np.arange(n_rows + 1)).tolist()
    codes = part.codes.tolist()
    cells = [tuple(codes[start:end]) for start, end in pairwise(starts)]
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    of = np.fromiter((numbers[cell] for cell in cells), np.int64, n_rows)
    return Filter(part.dimension, part.slices, totals, tuple(numbers), of)


def _kinds(scores: pd.DataFrame) -> dict[str, "np.ndarray[Any, np.dtype[np.bool_]]"]:
    """Return the kinds in the order they are offered; those of the flags that these scores do not have are absent."""
    failed, errors = scores["failed"].to_numpy(bool), errors_of(scores)
    only = {
        f"only {name}": ~failed & (errors > 0) & (scores[name].to_numpy(np.int64) == errors)
        for name in ("substitutions", "deletions", "insertions")
    }
    return {
        "with errors": ~failed & (errors > 0),
        "without an error": ~failed & (errors == 0),
        FAILED: failed,
        **only,
        **{told: scores[name].to_numpy(bool) for name, told in _FLAGS.items() if name in scores},
        "reference without words": words_of(scores) == 0,
    }


def _kinds_as_part(kinds: Mapping[str, "np.ndarray[Any, np.dtype[np.bool_]]"]) -> Membership:
    rows = [np.flatnonzero(is_of) for is_of in kinds.values()]
    codes = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    declared = np.ones(len(rows), dtype=bool)
    return Membership("kind", tuple(kinds), declared, np.concatenate(rows).astype(np.int64), codes.astype(np.int64))
