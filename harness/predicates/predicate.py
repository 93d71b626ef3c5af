"""A predicate's text and the declared columns in; who it is true of, in a frame or in one row, out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.predicates import evaluation
from harness.predicates.columns import Column
from harness.predicates.declarations import check
from harness.predicates.parser import MOST_CHARACTERS, parsed
from harness.predicates.refusals import PredicateError
from harness.predicates.syntax import Tree, columns_of, written

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Predicate:
    """Says of every utterance whether it is meant; made by `parse`."""

    tree: Tree

    @property
    def text(self) -> str:
        """Return it in the one way in which it is written: parsed again it is the same."""
        return written(self.tree)

    @property
    def columns(self) -> frozenset[str]:
        """Return the names of the columns that it asks."""
        return columns_of(self.tree)

    def mask(self, frame: "pd.DataFrame") -> npt.NDArray[np.bool_]:
        """Return of each row of a frame whether it is meant: `(n_rows,)`.

        A cell with several values (a list) is in a comparison that one of them is in, so that it may be in `==` and in
        `!=`. A cell without a value is in no comparison, also not in `!=`; `not (snr_db < 10)` holds it.

        Raises:
            DataError: A column is missing, or has a cell of another kind than the predicate asks for.
        """
        return evaluation.mask(self.tree, evaluation.Table(frame))

    def holds(self, values: Mapping[str, evaluation.Cell]) -> bool:
        """Say whether one row is meant, by the same rules.

        Args:
            values: By column; None where there is none.

        Raises:
            DataError: As `mask` raises it.
        """
        return evaluation.holds(self.tree, values)


def parse(text: str, columns: Mapping[str, Column]) -> Predicate:
    """Read a predicate over declared columns, such as `accent == "indian" and snr_db < 10`.

    Comparisons (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in ("a", "b")`, `not in`) of a column with texts in quotes or
    decimal numbers, joined by `and`, `or`, `not` and parentheses; `true` is everybody. A name that is no plain word
    stands in backquotes. It is data: nothing in it is called, looked up or matched as a pattern.

    Raises:
        PredicateError: It is none; the message shows the place and says what to do.
    """
    found = parsed(text)
    for located in found.comparisons:
        check(text, located, columns)
    predicate = Predicate(found.tree)
    if len(predicate.text) > MOST_CHARACTERS:
        raise PredicateError(
            f"predicate: {len(predicate.text):,} characters when its numbers and spaces are written out; expected at "
            f"most {MOST_CHARACTERS:,}. Say less, or ask twice."
        )
    return predicate


def named_columns(text: str) -> frozenset[str]:
    """Return the names of the columns that a predicate asks, declared or not.

    Raises:
        PredicateError: It is no predicate.
    """
    return columns_of(parsed(text).tree)
