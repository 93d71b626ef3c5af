"""A predicate's text in, its tokens out, in one pass; what no predicate has is refused where it stands."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from math import isinf

from harness.predicates.refusals import character, quoted, refusal

_SPACE = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBER_LIKE = re.compile(r"-?[\w.]+")  # all that somebody took for a number
_SYMBOL = re.compile(r"==|!=|<=|>=|<|>|\(|\)|,")
_PLAIN = re.compile(r"[^\\\"'`]+")  # inside quotes, up to what ends them or may

_MEANT = {  # what other languages have; by what a predicate is written with
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not",
    "~": "not",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    ";": "and",
}
_ARITHMETIC = "+-*/%^@"
_TYPOGRAPHIC = "“”„«»‘’‚´"
_UNSEEN = frozenset(  # what changes the order in which a text is read, or is not seen at all
    "\u200b\u200e\u200f\u061c\u2028\u2029\ufeff" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
)


class TokenKind(Enum):
    """Says what a token is."""

    word = "word"  # a keyword or a column's name
    column = "column"  # a name in backquotes
    text = "text"
    number = "number"
    symbol = "symbol"
    end = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """Is a token of a predicate.

    Attributes:
        kind: What it is.
        text: What it says, without quotes and escapes.
        number: Of a number; 0 of others.
        start: Where it begins, from 0.
        stop: Where it ends; the first character after it.
    """

    kind: TokenKind
    text: str
    start: int
    stop: int
    number: float = 0.0


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a predicate, and its end.

    Raises:
        PredicateError: Something stands there that no predicate has.
    """
    position = 0
    while position < len(source):
        if space := _SPACE.match(source, position):
            position = space.end()
            continue
        token = _token(source, position)
        yield token
        position = token.stop
    yield Token(TokenKind.end, "", len(source), len(source))


def _token(source: str, start: int) -> Token:
    char = source[start]
    if char in "\"'":
        return _in_quotes(source, start, TokenKind.text)
    if char == "`":
        return _in_quotes(source, start, TokenKind.column)
    if _NUMBER.match(source, start):
        return _number(source, start)
    for kind, pattern in ((TokenKind.word, _WORD), (TokenKind.symbol, _SYMBOL)):
        if found := pattern.match(source, start):
            return Token(kind, found.group(), start, found.end())
    raise refusal(source, start, _unexpected(source, start))


def _number(source: str, start: int) -> Token:
    """Read a number.

    Raises:
        PredicateError: More follows than a decimal number has, or it is too large or too small.
    """
    read, all_of_it = _NUMBER.match(source, start), _NUMBER_LIKE.match(source, start)
    if read is None or all_of_it is None or read.end() < all_of_it.end():
        found = quoted(all_of_it.group() if all_of_it else source[start])
        raise refusal(source, start, f"{found} is no number; expected decimal digits, such as 10, -0.5 or 1e-3.")
    number = float(read.group())
    mantissa = re.split("[eE]", read.group())[0]
    if isinf(number) or (number == 0 and mantissa.strip("-0.")):
        reason = f"{quoted(read.group())} is out of range; expected a number between 1e-300 and 1e300, or 0."
        raise refusal(source, start, reason)
    return Token(TokenKind.number, read.group(), start, read.end(), number)


def _in_quotes(source: str, start: int, kind: TokenKind) -> Token:
    """Read a text, or a name in backquotes, in which a backslash stands before a quote or another backslash.

    Raises:
        PredicateError: It has no end, is empty where a name is expected, or holds what cannot be seen.
    """
    quote, parts, position = source[start], list[str](), start + 1
    while position < len(source) and source[position] != quote:
        if plain := _PLAIN.match(source, position):
            parts.append(_checked(source, position, plain.group()))
            position = plain.end()
        elif source[position] == "\\":
            parts.append(_escaped(source, position))
            position += 2
        else:
            parts.append(source[position])
            position += 1
    if position >= len(source):
        raise refusal(source, start, f"{quote} is opened and never closed; expected another {quote} at its end.")
    text = "".join(parts)
    if kind is TokenKind.column and not text:
        raise refusal(source, start, "`` names no column; expected a column's name between backquotes.")
    return Token(kind, text, start, position + 1)


def _escaped(source: str, position: int) -> str:
    found = source[position + 1 : position + 2]
    if found and found in "\"'`\\":
        return found
    raise refusal(
        source, position, "a backslash stands only before a quote or another backslash; for a backslash write \\\\."
    )


def _checked(source: str, start: int, text: str) -> str:
    """Return a part of a text in which everything can be seen."""
    for place, char in enumerate(text):
        if char in _UNSEEN or unicodedata.category(char) in ("Cc", "Cs"):
            raise refusal(source, start + place, f"{character(char)} cannot be seen in a text. Remove it.")
    return text


def _unexpected(source: str, start: int) -> str:
    """Say what is wrong with a character that begins no token."""
    char = source[start]
    if char in _MEANT:
        return f"{quoted(char)} is no operator of predicates; did you mean {_MEANT[char]}?"
    if char == "." and source[start + 1 : start + 2].isdecimal():
        return "a number begins with a digit; write 0 before the point."
    if char in ".[":
        return "no attribute access, calls or indices; a predicate compares columns with values."
    if char in _ARITHMETIC:
        return f"no arithmetic; expected a number, found {quoted(char)}. Write the result."
    if char in _TYPOGRAPHIC:
        return f"{character(char)}: expected straight quotes, \" or '."
    if not char.isascii() or not char.isprintable():
        return f"{character(char)} stands in no predicate outside of quotes. Remove it."
    return f"{quoted(char)} stands in no predicate outside of quotes; expected a column, an operator or a value."
