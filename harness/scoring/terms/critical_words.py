"""A language's table of numbers, units and negations goes in, `CriticalWords` comes out: it finds them among words.

The table is `harness/scoring/data/critical_words.csv`; a language is added there by its rows. Its kinds: `number`
(also alone), `weak` (`one` is mostly a pronoun: counts beside another number or before a unit), `scale`, `ordinal`,
`joint` (between parts of a number), `unit` (counts behind a number), `negation` (`*n't`: every word that ends so).
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from harness.scoring.terms.written_numbers import Part, written

TABLE = Path(__file__).parents[1] / "data" / "critical_words.csv"
COLUMNS = ("language", "kind", "word", "meaning")

# What stands before a numeral, the numeral, its ending, and a unit written without a space.
_NUMERAL = re.compile(r"([$¢€£]?)(\d[\d.,]*|\.\d+)(st|nd|rd|th)?([^\W\d]*|[%°¢€£])")
_DIGIT = re.compile(r"\d")
_NUMERIC = frozenset({"number", "weak", "scale", "ordinal", "digits"})
_MOST_UNITS = 4  # words of one: milligrams per kilogram per hour is cut
_PER = "per"
_POINT = "point"

Key: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]  # values and units


class NumberSpan(NamedTuple):
    """Is a number, with its unit if it has one: words `begin` to `end`, the latter not included, of a text.

    Two of them say the same when their keys are equal. With a unit the key keeps numbers apart: `2 10 mg` is not
    `210 mg`. Without one their digits are joined: 9 15 is 915, as times, years and telephone numbers are written.
    """

    begin: int
    end: int
    key: Key

    @property
    def has_unit(self) -> bool:
        """Says whether it is an amount of something."""
        return bool(self.key[1])


class _Word(NamedTuple):
    """Is what a word means: its kind, its value, and the unit it is or carries."""

    kind: str = ""
    value: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class CriticalWords:
    """Finds numbers and negations of a language; numerals in digits are found in every language."""

    words: Mapping[str, _Word]
    numerals: frozenset[str]  # words that can begin a number
    negations: frozenset[str]
    negation_endings: tuple[str, ...]
    known: dict[str, _Word]  # words that were read before

    def numbers(self, text: str, words: Sequence[str]) -> list[NumberSpan]:
        """Return the numbers of a text and its words, from left to right.

        >>> critical_words("en").numbers("", "take ten mg at six".split())
        [NumberSpan(begin=1, end=3, key=(('10',), ('milligram',))), NumberSpan(begin=4, end=5, key=(('6',), ()))]
        """
        if self.numerals.isdisjoint(words) and not _DIGIT.search(text):
            return []
        return list(_number_spans(list(map(self._read, words))))

    def negation_places(self, text: str, words: Sequence[str]) -> list[int]:
        """Return the positions of negations.

        >>> critical_words("en").negation_places("", "he didn't say no".split())
        [1, 3]
        """
        endings = self.negation_endings
        if self.negations.isdisjoint(words) and not any(ending in text for ending in endings):
            return []
        return [i for i, word in enumerate(words) if word in self.negations or word.endswith(endings)]

    def _read(self, word: str) -> _Word:
        found = self.known.get(word)
        if found is None:
            found = self.words.get(word) or _numeral(word, self.words)
            if len(self.known) < 100_000:
                self.known[word] = found
        return found


@cache
def critical_words(language: str | None) -> CriticalWords:
    """Return the words of a primary language (`en`); where the table has none, only numerals in digits are found."""
    rows = [row for row in _table() if row["language"] == language]
    negations = [row["word"] for row in rows if row["kind"] == "negation"]
    words = {
        row["word"]: _Word(row["kind"], *(("", row["meaning"]) if row["kind"] == "unit" else (row["meaning"], "")))
        for row in rows
        if row["kind"] != "negation"
    }
    return CriticalWords(
        words,
        frozenset(row["word"] for row in rows if row["kind"] in _NUMERIC) | {_POINT},
        frozenset(word for word in negations if not word.startswith("*")),
        tuple(word[1:] for word in negations if word.startswith("*")),
        {},
    )


def languages_with_words() -> frozenset[str]:
    """Return the languages that the table has numbers, units and negations of."""
    return frozenset(row["language"] for row in _table())


@cache
def _table() -> tuple[dict[str, str], ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _numeral(word: str, words: Mapping[str, _Word]) -> _Word:
    """Read a word with digits in it, with a unit before or behind them if there is one; others mean nothing."""
    if not _DIGIT.search(word):
        return _Word()
    parts = _NUMERAL.fullmatch(word)
    units = [words.get(each, _Word()).unit for each in (parts[1], parts[4]) if each] if parts else []
    if parts is None or not all(units):
        return _Word("digits", word)
    return _Word("digits", parts[2].replace(",", "") + ("th" if parts[3] else ""), " ".join(units))


def _number_spans(read: Sequence[_Word]) -> Iterator[NumberSpan]:
    end = 0
    for begin, word in enumerate(read):
        if begin < end or not word.kind:
            continue
        after = _number_end(read, begin)
        if after == begin:
            continue
        end = _unit_end(read, after)
        number = read[begin:after]
        units = tuple(word.unit for word in read[begin:end] if word.unit)
        if units or any(word.kind not in ("weak", "joint") for word in number):
            values = written([Part(word.kind, word.value) for word in number])
            yield NumberSpan(begin, end, (values, units) if units else (("".join(values),), ()))


def _number_end(read: Sequence[_Word], begin: int) -> int:
    """Return where the number ends that begins here; `begin` where none does."""
    end = begin
    while end < len(read):
        word = read[end]
        if word.kind not in _NUMERIC and not _joins(read, begin, end):
            break
        end += 1
        if word.unit:
            break
    return end


def _joins(read: Sequence[_Word], begin: int, place: int) -> bool:
    """Say whether a word is part of a number: `and` behind a hundred or thousand, `point` before a number."""
    word = read[place]
    if word.kind != "joint" or place + 1 == len(read) or read[place + 1].kind not in _NUMERIC:
        return False
    return word.value == _POINT or (place > begin and read[place - 1].kind == "scale")


def _unit_end(read: Sequence[_Word], begin: int) -> int:
    """Return where the unit ends that may begin here; `per` ends none."""
    end = begin
    while end < min(len(read), begin + _MOST_UNITS) and read[end].kind == "unit":
        end += 1
    while end > begin and read[end - 1].unit == _PER:
        end -= 1
    return end
