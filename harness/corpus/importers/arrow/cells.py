"""A column of a record batch in, its cells as Python values out; what its type can hold, in one word.

Nothing that a cell holds is run or trusted: extension types are read as what they are stored as, text that is no UTF-8
keeps its bytes as surrogates, which every later check refuses with its row.
"""

from collections.abc import Sequence
from enum import Enum
from math import isfinite

import pyarrow

from harness.corpus.cells import CellError, number_text, scalar_text
from harness.corpus.importers.corpus import Value
from harness.corpus.reading import LONGEST_CELL

types = pyarrow.types


class Held(Enum):
    """Says what the cells of a column are."""

    text = "text"
    number = "a number"
    moment = "a date or a yes or no"  # and other values that have one text
    texts = "several texts"
    classes = "several numbers"
    recording = "a recording"  # bytes and path
    data = "bytes"
    samples = "decoded samples"
    nothing = "nothing"  # null in every row
    other = "nested records"


_SCALARS = (
    (lambda each: types.is_string(each) or types.is_large_string(each) or types.is_string_view(each), Held.text),
    (lambda each: types.is_integer(each) or types.is_floating(each), Held.number),
    (lambda each: types.is_boolean(each) or types.is_decimal(each) or types.is_date(each) or types.is_timestamp(each)
     or types.is_time(each), Held.moment),
    (lambda each: types.is_binary(each) or types.is_large_binary(each) or types.is_binary_view(each), Held.data),
    (types.is_null, Held.nothing),
)  # fmt: skip


def readable(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Returns a schema whose names, on every level that is looked at, are known to be UTF-8.

    Raises:
        ValueError: They are not.
    """
    for arrow_type in (schema.field(position).type for position in range(len(schema.names))):
        held(arrow_type)
    return schema


def plain_type(arrow_type: pyarrow.DataType) -> pyarrow.DataType:
    """Returns the type of the values of a dictionary, or of what an extension is stored as."""
    while True:
        if isinstance(arrow_type, pyarrow.BaseExtensionType):
            arrow_type = arrow_type.storage_type
        elif types.is_dictionary(arrow_type):
            arrow_type = arrow_type.value_type
        else:
            return arrow_type


def held(arrow_type: pyarrow.DataType) -> Held:
    """Returns what cells of a type are."""
    plain = plain_type(arrow_type)
    for is_such, scalar in _SCALARS:
        if is_such(plain):
            return scalar if plain is arrow_type or scalar in (Held.text, Held.number, Held.moment) else Held.other
    if _is_dictionary(arrow_type):
        return Held.other
    if types.is_list(plain) or types.is_large_list(plain) or types.is_fixed_size_list(plain):
        inner = held(plain.value_type)
        return {Held.text: Held.texts, Held.number: Held.classes}.get(inner, Held.other)
    if types.is_struct(plain):
        return _of_struct(plain)
    return Held.other


def _of_struct(struct: pyarrow.DataType) -> Held:
    names = {struct.field(position).name: struct.field(position).type for position in range(struct.num_fields)}
    if "array" in names and "bytes" not in names:
        return Held.samples
    path = held(names["path"]) if "path" in names else Held.nothing
    data = held(names["bytes"]) if "bytes" in names else Held.nothing
    if not {"path", "bytes"} & set(names) or path not in (Held.text, Held.nothing):
        return Held.other
    return Held.recording if data in (Held.data, Held.nothing) else Held.other


def cells(column: pyarrow.Array) -> list[object]:
    """Returns the cells of a column of scalars or lists, None for null and NaN; bytes are for `data`."""
    column = _stored(column)
    if types.is_dictionary(column.type):
        return _of_dictionary(column)
    try:
        found: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        return [_cell(scalar) for scalar in column]
    return [None if cell != cell else cell for cell in found] if types.is_floating(column.type) else found


def data(column: pyarrow.Array, row: int) -> bytes | None:
    """Returns one cell of a column of bytes."""
    scalar = _stored(column)[row]
    if not scalar.is_valid:
        return None
    found: bytes = scalar.as_py()
    return found


def part(column: pyarrow.Array, name: str) -> pyarrow.Array | None:
    """Returns a part of a column of recordings, null where the recording is; None where the type has no such part."""
    column = _stored(column)
    position = column.type.get_field_index(name)
    return None if position < 0 else column.flatten()[position]


def text(cell: object) -> str | None:
    """Returns the text of a scalar; None for null.

    Raises:
        CellError: It is too long for a transcript.
    """
    found = scalar_text(cell)
    if found is not None and len(found) > LONGEST_CELL:
        raise CellError(f"a text of at most {LONGEST_CELL:,} characters, not {len(found):,}. Cut it into utterances.")
    return found


def value(cell: object, labels: Sequence[str] | None) -> Value:
    """Returns an attribute's value, as the source has it.

    Args:
        cell: A scalar or a list of them.
        labels: Names of the classes, where cells are their numbers.

    Raises:
        CellError: A class has no name, or a text is too long.
    """
    if isinstance(cell, list):
        parts = (value(each, labels) for each in cell)
        return [scalar_text(each) or "" for each in parts if each is not None]
    if labels is not None and isinstance(cell, int):
        return _label(cell, labels)
    if isinstance(cell, float):
        return cell if isfinite(cell) else number_text(cell)
    return cell if type(cell) is int else text(cell)


def _label(number: int, labels: Sequence[str]) -> str | None:
    if number == -1:  # how `datasets` writes that nobody labelled the row
        return None
    if not 0 <= number < len(labels):
        raise CellError(f"a class from 0 to {len(labels) - 1}, not {number}. Correct the number, or the names.")
    return labels[number]


def _is_dictionary(arrow_type: pyarrow.DataType) -> bool:
    while isinstance(arrow_type, pyarrow.BaseExtensionType):
        arrow_type = arrow_type.storage_type
    return bool(types.is_dictionary(arrow_type))


def _stored(column: pyarrow.Array) -> pyarrow.Array:
    while isinstance(column, pyarrow.ExtensionArray):
        column = column.storage
    return column


def _of_dictionary(column: pyarrow.DictionaryArray) -> list[object]:
    """Returns cells of which equal ones are one object, so that many rows of one long text take no more than it."""
    indices = column.indices.to_pylist()
    words = _stored(column.dictionary)
    known = {index: _cell(words[index]) for index in set(indices) if index is not None}
    return [None if index is None else known[index] for index in indices]


def _cell(scalar: pyarrow.Scalar) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        if types.is_nested(scalar.type):
            return [_cell(each) for each in scalar.values]
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
