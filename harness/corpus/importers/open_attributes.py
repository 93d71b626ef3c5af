"""Keys and values of a row whose format declares none of them in; the attributes among them, as written, out.

What a recogniser returned, or what was counted of that, is no attribute of an utterance; nor is what has parts of its
own. Such keys are left out, and a remark says which.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite, isnan
from numbers import Integral, Real
from typing import TypeVar

from harness.corpus.attributes import CONTRACT_COLUMNS, OUTPUT_COLUMNS
from harness.corpus.cells import CellError, scalar_text, shown
from harness.corpus.importers.corpus import Ledger, Value
from harness.corpus.importers.datasheets import annotated
from harness.corpus.reading import MAX_COLUMNS
from harness.errors import ManifestError

OF_A_RECOGNISER = re.compile(r"(pred|prediction|predicted|hyp)(_.*)?|(.*_)?pred_text(_.*)?", re.IGNORECASE)
Read = TypeVar("Read")

MOST_ATTRIBUTES = MAX_COLUMNS - len(CONTRACT_COLUMNS)


class OpenAttributes:
    """Takes what rows say beyond the contract as attributes, and remembers which names are none."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._is_taken: dict[str, bool] = {}
        self._spellings: dict[str, str] = {}
        self._of_recognisers: list[str] = []
        self._with_parts: dict[str, None] = {}

    def tell(self) -> None:
        """Tells the ledger what was left out, once all rows are read."""
        if self._of_recognisers:
            names = ", ".join(map(shown, self._of_recognisers))
            self._ledger.remark(f"keys that say what a recogniser made of the speech, no attributes, left out: {names}")
        if self._with_parts:
            names = ", ".join(map(shown, self._with_parts))
            self._ledger.remark(f"keys that hold records or lists of lists, left out where they do: {names}")

    def of(self, cells: Mapping[str, object]) -> dict[str, Value]:
        """Returns the attributes of a row.

        Raises:
            CellError: A name can be no attribute's, or a number is infinite; the message begins with the key.
        """
        attributes: dict[str, Value] = {}
        for name, cell in cells.items():
            taken = self._is_taken.get(name)
            if taken is None:
                taken = self._is_taken[name] = self._take(name)
            if taken and not self._has_parts(name, cell):
                attributes[name] = _value(name, cell)
        return attributes

    def _take(self, name: str) -> bool:
        """Returns whether a name is an attribute's; raises where it should be and cannot."""
        if name in CONTRACT_COLUMNS:
            self._ledger.remark(f"{name}: another key stands for it, not used")
            return False
        if name.casefold() in OUTPUT_COLUMNS or OF_A_RECOGNISER.fullmatch(name):
            self._of_recognisers.append(name)
            return False
        try:
            annotated(name, multivalued=False)
        except ManifestError as error:
            raise CellError(f"has the key {shown(name)}: {' '.join(error.problems)}") from error
        first = self._spellings.setdefault(name.casefold(), name)
        if first != name:
            raise CellError(
                f"has the key {shown(name)}, which differs from {shown(first)} in capitals only. Rename it."
            )
        if len(self._spellings) > MOST_ATTRIBUTES:
            raise CellError(
                f"has the key {shown(name)}, the {MOST_ATTRIBUTES + 1}th; expected the same few in all rows."
            )
        return True

    def _has_parts(self, name: str, cell: object) -> bool:
        if isinstance(cell, str | int | float | None):
            return False
        parts = cell if isinstance(cell, list | tuple) else ()
        if isinstance(cell, Mapping) or any(isinstance(part, list | tuple | Mapping) for part in parts):
            self._with_parts[name] = None
            return True
        return False


def read_cell(name: str, cell: object, read: Callable[[object], Read]) -> Read:
    """Returns a cell as `read` reads it; what it raises begins with the cell's name and what was found.

    Raises:
        CellError: The cell is unusable.
    """
    try:
        return read(cell)
    except CellError as error:
        raise CellError(f"has {name}={shown(cell)}; expected {error}") from error


def _value(name: str, cell: object) -> Value:
    if isinstance(cell, str | bool | int | None):
        return cell
    if isinstance(cell, list | tuple):
        return [_text(name, part) for part in cell]
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real):  # also those of numpy
        return _number(name, float(cell))
    return _text(name, cell)


def _number(name: str, number: float) -> float | None:
    """Returns a finite number; None for NaN, which is what tables write where nothing is recorded."""
    if isnan(number):
        return None
    if not isfinite(number):
        raise CellError(f"has {shown(name)}={number}; expected a finite number. Correct it or remove the row.")
    return number


def _text(name: str, cell: object) -> str:
    if not isinstance(cell, str | int | float | Decimal | datetime.date | datetime.time | None):
        raise CellError(f"has {shown(name)}={shown(cell)}; expected a text, a number or a list of them. Correct it.")
    return read_cell(shown(name), cell, scalar_text) or ""
