"""The tree of a predicate, and the one way in which it is written."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

KEYWORDS = frozenset({"and", "or", "not", "in", "true"})
_BARE = re.compile(r"[^\W\d]\w*")  # a name that needs no backquotes
_LARGEST_WHOLE = 1e16  # from here up numbers are written with an exponent


class Operator(Enum):
    """Compares a cell with a value, or with several."""

    equal = "=="
    unequal = "!="
    below = "<"
    at_most = "<="
    above = ">"
    at_least = ">="
    one_of = "in"
    none_of = "not in"


Value: TypeAlias = str | float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Asks a column; one value, or several after `in` and `not in`, all texts or all numbers."""

    column: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Everybody:
    """Is true."""


@dataclass(frozen=True, slots=True)
class Negation:
    """Is true where its part is false."""

    part: "Tree"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Is true where all of its parts are; none of them is a conjunction."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Is true where one of its parts is; none of them is a disjunction."""

    parts: tuple["Tree", ...]


Tree: TypeAlias = Comparison | Everybody | Negation | Conjunction | Disjunction


def columns_of(tree: Tree) -> frozenset[str]:
    """Return the names of the columns that a tree asks."""
    match tree:
        case Comparison(column=column):
            return frozenset({column})
        case Negation(part=part):
            return columns_of(part)
        case Conjunction(parts=parts) | Disjunction(parts=parts):
            return frozenset().union(*map(columns_of, parts))
    return frozenset()


def written(tree: Tree) -> str:
    """Return a tree as text, with no more parentheses than it needs."""
    match tree:
        case Comparison(column=column, operator=operator, values=values):
            several = operator in (Operator.one_of, Operator.none_of)
            told = ", ".join(map(written_value, values))
            return f"{written_name(column)} {operator.value} {f'({told})' if several else told}"
        case Negation(part=part):
            return f"not {_within(part, Conjunction, Disjunction)}"
        case Conjunction(parts=parts):
            return " and ".join(_within(part, Disjunction) for part in parts)
        case Disjunction(parts=parts):
            return " or ".join(map(written, parts))
    return "true"


def written_name(name: str) -> str:
    """Return a column's name as predicates have it: in backquotes where it is no plain word.

    >>> written_name("snr_db"), written_name("first language"), written_name("in")
    ('snr_db', '`first language`', '`in`')
    """
    is_plain = _BARE.fullmatch(name) is not None and name.lower() not in KEYWORDS
    return name if is_plain else _quoted(name, "`")


def written_value(value: Value) -> str:
    r"""Return a text in quotes, or a number without a needless fraction.

    >>> print(written_value('a "b"'), written_value(10.0), written_value(-0.5))
    "a \"b\"" 10 -0.5
    """
    if isinstance(value, str):
        return _quoted(value, '"')
    return str(int(value)) if value.is_integer() and abs(value) < _LARGEST_WHOLE else repr(value)


def _quoted(text: str, quote: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


def _within(part: Tree, *looser: type) -> str:
    return f"({written(part)})" if isinstance(part, looser) else written(part)
