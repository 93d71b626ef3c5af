"""A text goes in, what openai-whisper's English rules make of it comes out, without the rules that cannot match it.

Most texts hold nothing that most rules look for. Words that were seen before, and that no rule reads together with
their neighbours, are looked up; a text with any other word passes the rules one by one, each asked first for its
trigger.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

_KEPT_SYMBOLS = ".%$¢€£"
_MOST_WORDS = 200_000  # remembered, 25 MB; past it all are forgotten at once and learnt anew
_MOST_RUNS = 50_000  # of number words

_IN_BRACKETS = re.compile(r"[<\[][^>\]]*[>\]]")
_IN_PARENTHESES = re.compile(r"\(([^)]+?)\)")
_SPACE_BEFORE_APOSTROPHE = re.compile(r"\s+'")
_COMMA_IN_NUMBER = re.compile(r"(\d),(\d)")
_PERIOD = re.compile(r"\.([^0-9]|$)")
_SYMBOL_WITHOUT_NUMBER = re.compile(r"[.$¢€£]([^0-9])")
_PERCENT_WITHOUT_NUMBER = re.compile(r"([^0-9])%")
_WHITE_SPACE = re.compile(r"\s+")
_KEPT = re.compile(f"[{_KEPT_SYMBOLS}]")
_STRAY = re.compile(r"[.$¢€£](?![0-9])|(?<![0-9])%")
_FOLLOWS_NUMERAL = re.compile(r"(?:st|nd|rd|th|s)\b").match
_HAS_DIGIT = re.compile(r"\d").search


class NumberRules(Protocol):
    """Is what this module uses of openai-whisper's `EnglishNumberNormalizer`."""

    words: set[str]

    def __call__(self, text: str) -> str:
        """Return the text with its numbers as digits."""


class SpellingRules(Protocol):
    """Is what this module uses of openai-whisper's `EnglishSpellingNormalizer`."""

    mapping: Mapping[str, str]


class EnglishRules(Protocol):
    """Is what this module uses of openai-whisper's `EnglishTextNormalizer`."""

    ignore_patterns: str
    replacers: dict[str, str]
    standardize_numbers: NumberRules
    standardize_spellings: SpellingRules

    def __call__(self, text: str) -> str:
        """Return the normalised text."""


class GatedEnglish:
    """Gives the texts of the English rules in less than a tenth of their time.

    A text is the sequence of its words, apart by white space, and the result is that of each word alone, joined by
    spaces, wherever every word is `alone`. The rules that look across white space are these, and a word that one of
    them could begin, end or join is not alone:

    - brackets and parentheses: the opening one;
    - white space before an apostrophe: an apostrophe at the beginning, also one that a removed filler leaves there;
    - `'s been` and its like: the second word of these (been, done, gone, got);
    - "and a half": half;
    - numbers: digits, words of numbers (`and` is one, but does nothing among others), and what stands behind a
      numeral as in "20 th";
    - the last rules, on symbols that have no number beside them: a symbol that would be left.

    Numbers act on their neighbours only through each other: the number rules begin anew after a word that is none, and
    the rules on currencies see numbers alone. So the longest sequences of such words are looked up, too, as if each
    were a text.

    Args:
        rules: The original, of a release whose rules these are.
        clean: Its way to turn symbols into spaces and to take marks off letters, with the symbols that are kept.
    """

    def __init__(self, rules: EnglishRules, clean: Callable[[str, str], str]) -> None:
        self._rules = _GatedRules(rules, clean)
        self._alone = _Words(self._rules)
        self._runs: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the normalised text."""
        try:
            return " ".join(filter(None, map(self._alone.__getitem__, text.split())))
        except _NotAloneError:
            return self._by_runs(text)

    def _by_runs(self, text: str) -> str:
        """Normalise a text that holds a word of a number, or one that needs all of the text."""
        found, run = [], []
        joins, alone = self._alone.joins, self._alone
        try:
            for word in text.split():
                normalised = "" if word in joins else alone[word]
                if word in joins:
                    run.append(word)
                elif normalised:
                    if run:
                        found.append(self._run(run))
                        run = []
                    found.append(normalised)
            if run:
                found.append(self._run(run))
        except _NotAloneError:
            return self._rules(text)
        return " ".join(found)

    def _run(self, words: list[str]) -> str:
        """Normalise words of numbers that stand together.

        Raises:
            _NotAloneError: What comes of them depends on the text around.
        """
        text = " ".join(words)
        normalised = self._runs.get(text)
        if normalised is None:
            normalised = self._rules(text)
            if not _stands_alone(normalised):
                raise _NotAloneError
            if len(self._runs) >= _MOST_RUNS:
                self._runs.clear()
            self._runs[text] = normalised
        return normalised


class _NotAloneError(Exception):
    """Says that a word cannot be normalised without its neighbours."""


class _Words(dict[str, str]):
    """Maps words that are alone to what the rules make of them; asked for another, it raises `_NotAloneError`.

    Attributes:
        joins: Words, alone or not, that are or could become part of a number; nothing else keeps them from being alone.
    """

    def __init__(self, rules: "_GatedRules") -> None:
        super().__init__()
        self.joins: set[str] = set()
        self._others: set[str] = set()
        self._rules = rules
        self._number_words = frozenset(rules.number_words)

    def __missing__(self, word: str) -> str:
        if word in self._others or word in self.joins:
            raise _NotAloneError
        if len(self) + len(self.joins) + len(self._others) >= _MOST_WORDS:
            self._forget()
        pieces = self._rules.pieces(word)
        if pieces is None:
            self._others.add(word)
            raise _NotAloneError
        normalised = self._rules.spelled(pieces)
        has_digit = _HAS_DIGIT(normalised) is not None
        numbers = self._number_words.intersection(pieces)
        joins = has_digit or bool(numbers) or _FOLLOWS_NUMERAL(" ".join(pieces)) is not None
        if joins:
            self.joins.add(word)
        if has_digit or not numbers <= {"and"} or not _stands_alone(normalised):
            if not joins:
                self._others.add(word)
            raise _NotAloneError
        self[word] = normalised
        return normalised

    def _forget(self) -> None:
        self.clear()
        self.joins.clear()
        self._others.clear()


class _GatedRules:
    """Runs the English rules in their order, each only on a text that holds what it looks for."""

    def __init__(self, rules: EnglishRules, clean: Callable[[str, str], str]) -> None:
        self.number_words = rules.standardize_numbers.words
        self._numbers = rules.standardize_numbers
        self._acting_number_words = frozenset(self.number_words) - {"and"}
        self._spellings = rules.standardize_spellings.mapping
        self._fillers = re.compile(rules.ignore_patterns)
        self._filler_parts = ("mm", "hm", "uh", "um")  # one of which every filler holds
        contractions = [
            (pattern.replace(r"\b", ""), re.compile(pattern).sub, replacement)
            for pattern, replacement in rules.replacers.items()
        ]
        self._contractions = contractions
        self._titles = [each for each in contractions if "'" not in each[0]]  # no rule brings an apostrophe in
        self._after_possessive = tuple(literal.split(" ")[1] for literal, _, _ in contractions if " " in literal)
        self._cleaned = _Cleaned(clean)

    def __call__(self, text: str) -> str:
        """Return the normalised text."""
        text = self._standard(self._contracted(self._without_fillers(text)))
        words = text.split()
        if not self._acting_number_words.isdisjoint(words) or "half" in text or _HAS_DIGIT(text):
            words = self._numbers(text).split()
        return self.spelled(words)

    def pieces(self, word: str) -> list[str] | None:
        """Return what the number rules see of a word; None where the others look at its neighbours."""
        if "<" in word or "[" in word or "(" in word:
            return None
        plain = self._without_fillers(word)
        contracted = self._contracted(plain)
        if plain.startswith(("'", *self._after_possessive)) or contracted.startswith(self._after_possessive):
            return None
        cleaned = self._standard(contracted)
        return None if "half" in cleaned else cleaned.split()

    def spelled(self, words: Sequence[str]) -> str:
        """Apply the rules after those of numbers."""
        text = " ".join([self._spellings.get(word, word) for word in words])
        return _without_stray_symbols(text) if _has_kept_symbol(text) else text

    def _without_fillers(self, text: str) -> str:
        text = text.lower()
        if "<" in text or "[" in text:
            text = _IN_BRACKETS.sub("", text)
        if "(" in text:
            text = _IN_PARENTHESES.sub("", text)
        if any(part in text for part in self._filler_parts):
            text = self._fillers.sub("", text)
        return text

    def _contracted(self, text: str) -> str:
        contractions = self._titles
        if "'" in text:
            text = _SPACE_BEFORE_APOSTROPHE.sub("'", text)
            contractions = self._contractions
        for literal, replace, replacement in contractions:
            if literal in text:
                text = replace(replacement, text)
        return text

    def _standard(self, text: str) -> str:
        if "," in text:
            text = _COMMA_IN_NUMBER.sub(r"\1\2", text)
        if "." in text:
            text = _PERIOD.sub(r" \1", text)
        if not text.isascii():
            text = unicodedata.normalize("NFKD", text)
        return text.translate(self._cleaned)


class _Cleaned(dict[int, str]):
    """Maps a character to what the rules make of it, as they say when asked for the first time."""

    def __init__(self, clean: Callable[[str, str], str]) -> None:
        super().__init__()
        self._clean = clean

    def __missing__(self, codepoint: int) -> str:
        self[codepoint] = self._clean(chr(codepoint), _KEPT_SYMBOLS)
        return self[codepoint]


def _without_stray_symbols(text: str) -> str:
    """Take off symbols that stand beside no number, as the last rules do."""
    text = _SYMBOL_WITHOUT_NUMBER.sub(r" \1", text)
    text = _PERCENT_WITHOUT_NUMBER.sub(r"\1 ", text)
    return _WHITE_SPACE.sub(" ", text)


def _has_kept_symbol(text: str) -> bool:
    return _KEPT.search(text) is not None


def _stands_alone(normalised: str) -> bool:
    """Say whether the last rules, which look at what stands beside a symbol, leave a text as it is wherever it is."""
    return normalised == normalised.strip() and not _STRAY.search(normalised)
