"""A predicate's text in, its tree and where each comparison stands out: by recursive descent, to a bounded depth."""

from dataclasses import dataclass

from harness.predicates.refusals import PredicateError, quoted, refusal, strange_letter
from harness.predicates.syntax import (
    KEYWORDS,
    Comparison,
    Conjunction,
    Disjunction,
    Everybody,
    Negation,
    Operator,
    Tree,
    Value,
    written_name,
    written_value,
)
from harness.predicates.tokens import Token, TokenKind, tokens

MOST_CHARACTERS = 2_000
MOST_LEVELS = 32  # of parentheses and of `not`
MOST_COMPARISONS = 100  # each value after `in` is one

_ORDER = {each.value: each for each in Operator if each not in (Operator.one_of, Operator.none_of)}


@dataclass(frozen=True, slots=True)
class Located:
    """Is a comparison and the tokens that it was read from."""

    comparison: Comparison
    column: Token
    operator: Token
    values: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """Is a predicate that is written as one; whether its columns are declared is another question."""

    tree: Tree
    comparisons: tuple[Located, ...]


def parsed(source: str) -> Parsed:
    """Read a predicate.

    Raises:
        PredicateError: It is none, or longer, deeper or with more comparisons than is allowed.
    """
    if not isinstance(source, str):
        raise PredicateError(f'predicate: {type(source).__name__}; expected a text, such as accent == "indian".')
    if len(source) > MOST_CHARACTERS:
        raise PredicateError(
            f"predicate: {len(source):,} characters; expected at most {MOST_CHARACTERS:,}. Say less, or ask twice."
        )
    return _Parser(source).parsed()


class _Parser:
    """Reads one predicate, a token at a time."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._next = next(self._tokens)
        self._level = 0
        self._n_comparisons = 0
        self._comparisons: list[Located] = []

    def parsed(self) -> Parsed:
        if self._is_read():
            raise PredicateError("predicate: empty; expected a comparison, or true for everybody.")
        tree = self._disjunction()
        if not self._is_read():
            raise self._unread()
        return Parsed(tree, tuple(self._comparisons))

    def _disjunction(self) -> Tree:
        parts = [self._conjunction()]
        while self._at("or"):
            self._take()
            parts.append(self._conjunction())
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, Disjunction) else (part,))]
        return Disjunction(tuple(flat)) if len(flat) > 1 else flat[0]

    def _conjunction(self) -> Tree:
        parts = [self._negation()]
        while self._at("and"):
            self._take()
            parts.append(self._negation())
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, Conjunction) else (part,))]
        return Conjunction(tuple(flat)) if len(flat) > 1 else flat[0]

    def _negation(self) -> Tree:
        if not self._at("not"):
            return self._primary()
        self._deeper(self._take())
        part = self._negation()
        self._level -= 1
        return Negation(part)

    def _primary(self) -> Tree:
        token = self._next
        if self._at("("):
            self._deeper(self._take())
            tree = self._disjunction()
            self._expect(")", f"the parenthesis of character {token.start + 1} is not closed; expected )")
            self._level -= 1
            return tree
        if self._at("true"):
            self._take()
            return Everybody()
        return self._comparison()

    def _comparison(self) -> Tree:
        column = self._column()
        operator, first = self._operator(column)
        several = operator in (Operator.one_of, Operator.none_of)
        values = self._several(first) if several else (self._value(first),)
        comparison = Comparison(column.text, operator, tuple(map(_value, values)))
        self._comparisons.append(Located(comparison, column, first, values))
        return comparison

    def _column(self) -> Token:
        token = self._next
        if token.kind is TokenKind.column or (token.kind is TokenKind.word and token.text not in KEYWORDS):
            return self._take()
        if token.kind in (TokenKind.text, TokenKind.number):
            raise self._wrong(f"a column stands on the left of its comparison; found {self._told(token)}.")
        if token.kind is TokenKind.word:
            raise self._wrong(f"expected a comparison, found {token.text}; a column of this name stands in backquotes.")
        raise self._wrong(f"expected a comparison, such as a_column < 10; found {self._told(token)}.")

    def _operator(self, column: Token) -> tuple[Operator, Token]:
        """Return the operator, and its first token."""
        token = self._next
        if token.kind is TokenKind.symbol and token.text in _ORDER:
            return _ORDER[self._take().text], token
        if self._at("in"):
            return Operator.one_of, self._take()
        if self._at("not"):
            self._take()
            self._expect("in", "expected in after not")
            return Operator.none_of, token
        if self._at("("):
            raise self._wrong("no calls, attribute access or indices; a predicate compares columns with values.")
        raise self._wrong(
            f"expected ==, !=, <, <=, >, >=, in or not in after {written_name(column.text):.64}, "
            f"found {self._told(token)}.{self._strange(token)}"
        )

    def _several(self, operator: Token) -> tuple[Token, ...]:
        self._expect("(", 'expected values in parentheses after in, such as in ("a", "b")')
        values = [self._value(operator)]
        while self._at(","):
            self._take()
            values.append(self._value(operator))
        self._expect(")", "expected , or ) after a value")
        return tuple(values)

    def _value(self, operator: Token) -> Token:
        token = self._next
        self._n_comparisons += 1
        if self._n_comparisons > MOST_COMPARISONS:
            raise refusal(
                self._source, operator.start, f"more than {MOST_COMPARISONS} comparisons. Say less, or ask twice."
            )
        if token.kind in (TokenKind.text, TokenKind.number):
            return self._take()
        said = f"expected a text in quotes or a number, found {self._told(token)}"
        if token.kind is TokenKind.word and token.text.lower() in ("nan", "inf", "infinity", "none", "null"):
            raise self._wrong(f"{said}; cells without a number are in no comparison.")
        if token.kind in (TokenKind.word, TokenKind.column) and token.text not in KEYWORDS:
            raise self._wrong(f"{said}; did you mean {written_value(token.text[:64])}?")
        raise self._wrong(f"{said}.")

    def _deeper(self, token: Token) -> None:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise refusal(
                self._source, token.start, f"more than {MOST_LEVELS} levels of parentheses and not. Write it flatter."
            )

    def _unread(self) -> PredicateError:
        """Say why a predicate does not go on as this one does."""
        token = self._next
        if token.kind is TokenKind.symbol and token.text in _ORDER:
            return self._wrong("a comparison has one operator; join two comparisons with and.")
        lower = token.text.lower()
        if token.kind is TokenKind.word and lower in KEYWORDS and lower != token.text:
            return self._wrong(f"keywords are in lower case; did you mean {lower}?")
        return self._wrong(f"expected and, or, or the end; found {self._told(token)}.{self._strange(token)}")

    def _is_read(self) -> bool:
        return self._next.kind is TokenKind.end

    def _at(self, text: str) -> bool:
        return self._next.kind in (TokenKind.word, TokenKind.symbol) and self._next.text == text

    def _take(self) -> Token:
        token, self._next = self._next, next(self._tokens, self._next)
        return token

    def _expect(self, text: str, said: str) -> None:
        if not self._at(text):
            raise self._wrong(f"{said}, found {self._told(self._next)}.")
        self._take()

    def _wrong(self, reason: str) -> PredicateError:
        return refusal(self._source, self._next.start, reason)

    def _told(self, token: Token) -> str:
        return "the end" if token.kind is TokenKind.end else quoted(self._source[token.start : token.stop])

    def _strange(self, token: Token) -> str:
        return strange_letter(self._source[token.start : token.stop], token.start)


def _value(token: Token) -> Value:
    return token.number if token.kind is TokenKind.number else token.text
