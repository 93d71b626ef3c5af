"""Untrusted cells of any file format in, text and numbers out, or a `CellError` that says what was expected."""

import datetime
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from math import isfinite, isnan

# C0 and C1 controls, and the two Unicode line breaks: they tear lines of logs and tables, and can drive a terminal.
CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SURROGATES = re.compile("[\ud800-\udfff]")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # BCP 47 without registered oddities
SHOWN_CHARACTERS = 60  # of a found value in a message
SHOWN_PATH_CHARACTERS = 1_000


class CellError(ValueError):
    """Says what was expected of a cell and what to do; the caller adds file, line and what was found."""


def shown(value: object, *, at_most: int = SHOWN_CHARACTERS) -> str:
    """Returns a found value as a message shows it: on one line, short, without raw control characters."""
    if isinstance(value, list | tuple | set | dict):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = ascii(value) if isinstance(value, str) and SURROGATES.search(value) else repr(value)
    return text if len(text) <= at_most else f"{text[:at_most]}…"


def shown_path(path: str) -> str:
    """Returns a path as a message shows it: like a value, but whole, so that it can be copied."""
    return shown(path, at_most=SHOWN_PATH_CHARACTERS)


def listed(names: Iterable[str]) -> str:
    """Returns names from a file, separated by commas; those a line of text cannot hold are escaped."""
    return ", ".join(name if name.isprintable() else ascii(name) for name in names)


def number_text(number: float) -> str:
    """Returns a number without a needless fraction.

    >>> number_text(30.0), number_text(0.5)
    ('30', '0.5')
    """
    return str(int(number)) if isfinite(number) and number == int(number) else str(number)


def scalar_text(cell: object) -> str | None:
    """Returns the text of a cell of any scalar type; None where nothing is recorded (null or NaN)."""
    if isinstance(cell, str):
        if not cell.isascii() and SURROGATES.search(cell):
            raise CellError("valid UTF-8. Save the file as UTF-8.")
        return cell
    if cell is None or (isinstance(cell, float | Decimal) and isnan(cell)):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, int | Decimal):
        return str(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    raise CellError("one value, a text or a number. Write one value.")


def identifier(cell: object) -> str:
    """Returns an id, which is kept exactly as written.

    Raises:
        CellError: It is empty, or holds spaces around it or control characters, which two files rarely keep alike.
    """
    if type(cell) is str and cell.isascii() and cell.isprintable() and cell == cell.strip() != "":
        return cell  # nearly all are such, and every rule below is slower
    _refuse_boolean(cell, "a text or a whole number")
    text = scalar_text(cell)
    if not text:
        raise CellError("an id that is not empty. Give the utterance a unique id.")
    if text != text.strip():
        raise CellError("an id without spaces around it. Remove the spaces, here and in files that name the id.")
    if CONTROL_CHARACTERS.search(text):
        raise CellError(
            "an id without NUL or other control characters. Remove them, here and in files that name the id."
        )
    return text


def optional_identifier(cell: object) -> str | None:
    """Returns an id, or None where the cell is empty."""
    if type(cell) is str:
        return identifier(cell) if cell else None
    return None if scalar_text(cell) in (None, "") else identifier(cell)


def reference(cell: object) -> str:
    """Returns the reference text as written; the empty text is a reference too: nothing was said."""
    if type(cell) is str and cell.isascii():
        return cell
    _refuse_boolean(cell, "the words that were said")
    text = scalar_text(cell)
    if text is None:
        raise CellError('the words that were said, or "" when nothing was said. Write what was said or remove the row.')
    return text


def language_tag(cell: object) -> str | None:
    """Returns a BCP 47 language tag, or None where the cell is empty."""
    text = scalar_text(cell)
    if not text:
        return None
    if not LANGUAGE_TAG.fullmatch(text):
        raise CellError("a BCP 47 tag such as en or en-GB. Write the language as such a tag.")
    return text


def number(cell: object) -> float | None:
    """Returns a finite number, or None where the cell is empty; NaN is refused, since no file means it the same way."""
    _refuse_boolean(cell, "a finite number")
    if cell is None:
        return None
    if isinstance(cell, str) and not cell.strip():
        return None
    value = _float(cell)
    if value is None or not isfinite(value):
        raise CellError("a finite number written like 12.5. Correct it, or leave it empty if it is not known.")
    return value


def duration_s(cell: object) -> float:
    """Returns seconds above zero; NaN where the cell is empty."""
    value = number(cell)
    if value is None:
        return float("nan")
    if value <= 0:
        raise CellError("> 0. Re-measure it or remove the row.")
    return value


def offset_s(cell: object) -> float:
    """Returns seconds from the start of the recording; 0 where the cell is empty."""
    value = number(cell)
    if value is None:
        return 0.0
    if value < 0:
        raise CellError(">= 0, seconds from the start of the recording. Correct it or remove the row.")
    return value


def value_text(cell: object) -> str:
    """Returns an attribute's value without spaces around it, composed (NFC) so that two spellings are one value."""
    text = unicodedata.normalize("NFC", (scalar_text(cell) or "").strip())
    if CONTROL_CHARACTERS.search(text):
        raise CellError("a value on one line, without control characters. Remove them.")
    return text


def _float(cell: object) -> float | None:
    if isinstance(cell, str):
        return float(cell) if NUMBER.fullmatch(cell.strip()) else None
    if not isinstance(cell, int | float | Decimal):
        return None
    try:
        return float(cell)
    except OverflowError:
        return None


def _refuse_boolean(cell: object, expected: str) -> None:
    if isinstance(cell, bool):
        raise CellError(f"{expected}, not a yes or no. Correct it or remove the row.")
