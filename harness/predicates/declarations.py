"""A comparison as it was read and the declared columns in; what asks for something else is refused where it stands."""

from collections.abc import Mapping

from harness.predicates.columns import Column, ColumnKind
from harness.predicates.parser import Located
from harness.predicates.refusals import PredicateError, closest, listed, quoted, refusal, strange_letter
from harness.predicates.syntax import Operator, written_name, written_value
from harness.predicates.tokens import Token, TokenKind

_UNORDERED = (Operator.equal, Operator.unequal, Operator.one_of, Operator.none_of)


def check(source: str, located: Located, columns: Mapping[str, Column]) -> None:
    """Check one comparison.

    Raises:
        PredicateError: Its column is not declared, has no order, or does not have a value.
    """
    column = columns.get(located.comparison.column)
    if column is None:
        raise _undeclared(source, located.column, columns)
    if column.kind is ColumnKind.text and located.comparison.operator not in _UNORDERED:
        reason = f"{written_name(column.name)} is text, which has no order; expected ==, !=, in or not in."
        raise refusal(source, located.operator.start, reason)
    for token in located.values:
        _check_value(source, token, column)


def _check_value(source: str, token: Token, column: Column) -> None:
    if (token.kind is TokenKind.number) != (column.kind is ColumnKind.number):
        raise refusal(source, token.start, _of_another_kind(token, column))
    if token.kind is TokenKind.text and column.values and token.text not in column.values:
        raise refusal(source, token.start, _no_value(source, token, column))


def _of_another_kind(token: Token, column: Column) -> str:
    name = written_name(column.name)
    if column.kind is ColumnKind.number:
        return f"{name} is a number; expected one without quotes, found {quoted(token.text)}."
    return f'{name} is text; expected one in quotes, found {quoted(token.text)}. Did you mean "{token.text[:64]}"?'


def _no_value(source: str, token: Token, column: Column) -> str:
    meant = closest(token.text, column.values)
    strange = strange_letter(source[token.start : token.stop], token.start) if meant else ""
    hint = f"; did you mean {written_value(meant)}?" if meant else f"; its values are {listed(column.values)}."
    return f"{quoted(token.text)} is no value of {written_name(column.name)}{hint}{strange}"


def _undeclared(source: str, token: Token, columns: Mapping[str, Column]) -> PredicateError:
    meant = closest(token.text, columns)
    strange = strange_letter(source[token.start : token.stop], token.start)
    hint = f"; did you mean {written_name(meant)}?" if meant else f"; declared are {listed(tuple(columns)) or 'none'}."
    return refusal(source, token.start, f"no column is called {quoted(token.text)}{hint}{strange}")
