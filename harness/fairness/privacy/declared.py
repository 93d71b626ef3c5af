"""Scores and the declared slices of a dimension in, the cell of every utterance out; the cells never come from data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from harness.corpus.attributes import DECLINED, UNDECLARED
from harness.corpus.cells import number_text
from harness.errors import UsageError
from harness.fairness.membership import AND, EVERYBODY, OVERALL, everybody, membership
from harness.fairness.speaker_sums import Ints

OTHER = "other values"  # the cell of values that were not declared
_ALWAYS = (UNDECLARED, DECLINED, OTHER)


@dataclass(frozen=True, slots=True)
class Cells:
    """Says which utterances belong to which cell of a dimension; an utterance with several values is in several."""

    dimension: str
    names: tuple[str, ...]  # declared slices in the order given, then undeclared, declined and other values
    rows: Ints  # (n_memberships,) position of the utterance in the scores
    codes: Ints  # (n_memberships,) position of the cell in `names`


def cell_names(dimension: str, declared: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a dimension: what is declared, and the three that every dimension but overall has.

    >>> cell_names("accent", ["indian"])
    ('indian', 'undeclared', 'declined', 'other values')
    """
    if dimension == OVERALL:
        return (EVERYBODY,)
    return tuple(dict.fromkeys([*declared, *_ALWAYS]))


def check_declared(dimensions: Mapping[str, Sequence[str]]) -> None:
    """Refuse dimensions without slices, and slices named twice.

    Raises:
        UsageError: Nothing is declared, or not as expected; the message names it.
    """
    if not dimensions:
        raise UsageError("a private release needs declared slices, e.g. accent: [indian, scottish]; none are given.")
    for dimension, declared in dimensions.items():
        if isinstance(declared, str):
            raise UsageError(f"the slices of {dimension!r} are one text; expected a list, e.g. [indian, scottish].")
        if dimension != OVERALL and not declared:
            raise UsageError(
                f"dimension {dimension!r} has no declared slices; a private release takes none from the data. "
                "Name them, or give the attribute an order or bins in the datasheet."
            )
        if len(set(declared)) < len(declared):
            raise UsageError(f"dimension {dimension!r} declares a slice twice; name each once.")


def cells_of(scores: pd.DataFrame, dimension: str, declared: Sequence[str]) -> Cells:
    """Find the cell of every utterance; where a part of an intersection is not known, so is the whole.

    Raises:
        UsageError: The scores have no such attribute.
    """
    names = cell_names(dimension, declared)
    part = everybody(scores) if dimension == OVERALL else membership(_texts(scores, dimension), dimension)
    positions = {name: position for position, name in enumerate(names)}
    cell = np.array([positions[_cell(name, positions)] for name in part.slices], dtype=np.int64)
    keys = np.unique(part.rows * len(names) + cell[part.codes])  # two values not declared are one membership
    rows, codes = np.divmod(keys, len(names))
    return Cells(dimension=dimension, names=names, rows=rows, codes=codes)


def _texts(scores: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """Return scores in which numbers with a fraction have the text of whole ones where they are: 25.0 is "25".

    pandas keeps whole numbers as such until one is missing: the cells of all would change for one speaker's silence.
    """
    names = [name for name in dimension.split(AND) if name in scores and is_float_dtype(scores[name])]
    return scores.assign(**{name: scores[name].map(number_text, na_action="ignore").astype(object) for name in names})


def _cell(name: str, declared: Mapping[str, int]) -> str:
    if name in declared:
        return name
    parts = name.split(AND)
    return next((silent for silent in (UNDECLARED, DECLINED) if silent in parts), OTHER)
