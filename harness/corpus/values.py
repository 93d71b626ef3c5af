"""An attribute's cells in, its values out: mapped to undeclared or declined, binned, split when there are several."""

from collections.abc import Callable, Sequence

from harness.corpus.attributes import DECLINED, UNDECLARED, Attribute
from harness.corpus.cells import CellError, number, value_text
from harness.corpus.datasheet import Datasheet

VALUE_SEPARATOR = "|"  # between the values of a multivalued attribute in a text cell


def value_reader(attribute: Attribute, datasheet: Datasheet) -> Callable[[object], str | tuple[str, ...]]:
    """Returns the function that turns a cell of this attribute into its value.

    The function returns a text, or for a multivalued attribute a tuple of different texts in the order written.
    Null, NaN and blank cells are undeclared whatever the datasheet says. Among several values, undeclared and
    declined count only when nothing else is there.
    """
    one = _OneValue(attribute, datasheet)
    return _SeveralValues(one) if attribute.multivalued else one


class _OneValue:
    """Turns a cell into one value, and remembers texts it has seen: a column has few different ones."""

    def __init__(self, attribute: Attribute, datasheet: Datasheet) -> None:
        self._attribute = attribute
        self._special = special_values(datasheet)
        self._known: dict[str, str] = {}

    def __call__(self, cell: object) -> str:
        if not isinstance(cell, str):
            return self._value(cell)
        value = self._known.get(cell)
        if value is None:
            value = self._known[cell] = self._value(cell)
        return value

    def _value(self, cell: object) -> str:
        if isinstance(cell, list):
            raise CellError(f"one value. Declare `multivalued: true` for {self._attribute.name}, or write one value.")
        text = value_text(cell)
        special = self._special.get(text.casefold())
        if special is not None:
            return special
        return self._bin(cell) if self._attribute.bins else text

    def _bin(self, cell: object) -> str:
        found = number(cell)
        if found is None:
            return UNDECLARED
        return self._attribute.bin_of(found)


class _SeveralValues:
    """Turns a list, or a text with separators, into a tuple of values."""

    def __init__(self, one: _OneValue) -> None:
        self._one = one

    def __call__(self, cell: object) -> tuple[str, ...]:
        parts: Sequence[object] = cell.split(VALUE_SEPARATOR) if isinstance(cell, str) else _as_list(cell)
        values = tuple(dict.fromkeys(self._one(part) for part in parts))
        named = tuple(value for value in values if value not in (UNDECLARED, DECLINED))
        if named:
            return named
        return (DECLINED,) if DECLINED in values else (UNDECLARED,)


def special_values(datasheet: Datasheet) -> dict[str, str]:
    """Returns what stands for undeclared and declined, folded, and the word it becomes."""
    undeclared = {value_text(text).casefold(): UNDECLARED for text in ("", UNDECLARED, *datasheet.undeclared)}
    return undeclared | {value_text(text).casefold(): DECLINED for text in (DECLINED, *datasheet.declined)}


def _as_list(cell: object) -> list[object]:
    return cell if isinstance(cell, list) else [cell]
