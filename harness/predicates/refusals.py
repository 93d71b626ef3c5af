"""A place in a predicate and what is wrong there in, an error that shows the place and says what to do out."""

import difflib
import unicodedata
from collections.abc import Iterable

from harness.errors import UsageError

_BEFORE, _AFTER = 24, 36  # characters shown around the place
_LONGEST_GUESSED = 64  # characters; nobody means a name with what is longer
_MOST_GUESSED = 1_000  # names that are looked through
_NAMED = 8  # values that a message lists
_DIGITS = 20  # of a whole number that a message shows

# Letters of other scripts that look like Latin ones; what only has another width or weight is told by NFKC.
_LOOKALIKES = dict(
    zip(
        "авсԁеһіјӏкмпорԛгѕтуԝхѵзАВСЕНІЈКМОРЅТУХѴԌԚԜαβεικνορτυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑɡ",
        "abcdehijlkmnopqrstuwxv3ABCEHIJKMOPSTYXVGQWabeiknoptuxyABEZHIKMNOPTYXiag",
        strict=True,
    )
)


class PredicateError(UsageError):
    """Says where a predicate is wrong, and what to write instead.

    Attributes:
        position: Of the character that is meant, from 1; 0 where all of it is.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        self.position = position
        super().__init__(message)


def refusal(source: str, start: int, reason: str) -> PredicateError:
    """Return the error of a place in a predicate.

    Args:
        source: The predicate.
        start: Where, from 0.
        reason: What is wrong and what to do, a sentence or two.
    """
    before, after = source[max(0, start - _BEFORE) : start], source[start : start + _AFTER]
    head = "…" if start > _BEFORE else ""
    tail = "…" if start + _AFTER < len(source) else ""
    place = f"{head}{visible(before)}>>>{visible(after)}{tail}"
    return PredicateError(f"predicate, character {start + 1}: {reason} Here: {place}", start + 1)


def visible(text: str) -> str:
    """Return a text on one line, what cannot be seen or would drive a terminal escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def quoted(text: str) -> str:
    """Return what was found as a message has it, short."""
    shown = visible(text[:_LONGEST_GUESSED])
    return f"'{shown}{'…' if len(text) > _LONGEST_GUESSED else ''}'"


def shown(value: object) -> str:
    """Return any value that was found as a message has it: short, and not what is inside of it."""
    if isinstance(value, str):
        return quoted(value)
    return str(value) if isinstance(value, bool | float | None) else _short(value)


def character(char: str) -> str:
    """Return a character's name: `U+0430 CYRILLIC SMALL LETTER A`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '(a control character)')}"


def closest(found: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, look-alike letters and capitals aside; None where none is close."""
    if len(found) > _LONGEST_GUESSED:
        return None
    known = {_latin(name).casefold(): name for name, _ in zip(names, range(_MOST_GUESSED), strict=False)}
    meant = difflib.get_close_matches(_latin(found).casefold(), known, n=1)
    return known[meant[0]] if meant else None


def strange_letter(found: str, start: int) -> str:
    """Return a sentence that names the first letter that only looks like a Latin one; "" where there is none.

    Args:
        found: A word of the predicate, as it stands there.
        start: Where it begins in the predicate, from 0.
    """
    place = next((place for place, char in enumerate(found) if _latin(char) != char and _latin(char).isascii()), None)
    if place is None:
        return ""
    return (
        f" Character {start + place + 1} is {character(found[place])}, which only looks like '{_latin(found[place])}'."
    )


def listed(values: tuple[str, ...]) -> str:
    """Return the first of several values, and how many there are."""
    named = ", ".join(quoted(value) for value in values[:_NAMED])
    return f"{named}, … ({len(values)})" if len(values) > _NAMED else named


def _short(value: object) -> str:
    """Return a whole number, which may have more digits than can be written, or what else it is."""
    is_short = isinstance(value, int) and abs(value) < 10**_DIGITS
    return str(value) if is_short else f"a {type(value).__name__}"


def _latin(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(_LOOKALIKES.get(char, char) for char in plain)
