"""A reference, a hypothesis and their alignment go in, counts and outcomes of what matters in them come out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from harness.scoring.alignment import WordRun
from harness.scoring.terms.critical_words import CriticalWords, NumberSpan
from harness.scoring.terms.lexicon import Lexicon, Span, Words
from harness.scoring.terms.matching import (
    NOT_HEARD,
    NOT_SAID,
    Columns,
    TermMatches,
    columns_of,
    match_negations,
    match_numbers,
    match_terms,
)

COUNTS = (
    "term_spans", "term_hits", "term_hypothesis_spans", "term_spurious",
    "keyword_words", "keyword_hits", "keyword_substitutions", "keyword_deletions", "keyword_insertions",
    "weighted_hits", "weighted_substitutions", "weighted_deletions", "weighted_insertions",
    "number_spans", "number_hits", "number_hypothesis_spans", "number_spurious", "dose_spans", "dose_hits",
    "negations", "negations_lost", "negations_added",
)  # fmt: skip
TERM, NUMBER, NEGATION = "term", "number", "negation"
HIT, MISSED, SPURIOUS = "hit", "missed", "spurious"
NO_TERM = -1

_Place: TypeAlias = tuple[int, int, int]  # first word, the one after the last, and the term or NO_TERM


@dataclass(frozen=True, slots=True)
class Rules:
    """Says what matters in a language."""

    lexicon: Lexicon
    critical: CriticalWords


@dataclass(frozen=True, slots=True)
class Tagged:
    """Is a normalised text with what matters in it."""

    text: str
    words: Words
    terms: Sequence[Span]
    numbers: Sequence[NumberSpan]
    negations: Sequence[int]

    @property
    def matters(self) -> bool:
        """Says whether anything was found."""
        return bool(self.terms or self.numbers or self.negations)


class Outcome(NamedTuple):
    """Says what became of something that was said, or that it was heard and not said."""

    what: str
    position: int  # of the term in the list, or NO_TERM
    said: str
    heard: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Is a reference and its hypothesis, aligned and judged.

    Attributes:
        rules: What matters in their language.
        said: The reference.
        heard: The hypothesis.
        columns: Their alignment.
        terms: What became of the terms.
        numbers: For each number of the reference whether it was heard; of the hypothesis, whether none was said so.
        negations: For each negation of the reference whether it was kept; of the hypothesis, whether it was added.
    """

    rules: Rules
    said: Tagged
    heard: Tagged
    columns: Columns
    terms: TermMatches
    numbers: tuple[Sequence[bool], Sequence[bool]]
    negations: tuple[Sequence[bool], Sequence[bool]]


def tagged(rules: Rules, text: str) -> Tagged:
    """Find what matters in a text."""
    words = tuple(text.split())
    return Tagged(
        text,
        words,
        rules.lexicon.spans(words),
        rules.critical.numbers(text, words),
        rules.critical.negation_places(text, words),
    )


def judged(rules: Rules, said: Tagged, heard: Tagged, runs: Sequence[WordRun]) -> Pair:
    """Say what became of everything that was found in a pair of texts with this alignment."""
    columns = columns_of(runs)
    return Pair(
        rules,
        said,
        heard,
        columns,
        match_terms(rules.lexicon, said.terms, heard.terms, columns, (said.words, heard.words)),
        match_numbers(said.numbers, heard.numbers, columns),
        match_negations(said.negations, heard.negations, columns),
    )


def counts_of(pair: Pair) -> tuple[int, ...]:
    """Return COUNTS of a pair; of the weighted ones, what they are above those of words that all weigh 1."""
    numbers, (number_hits, number_spurious) = pair.said.numbers, pair.numbers
    doses = [is_hit for number, is_hit in zip(numbers, number_hits, strict=True) if number.has_unit]
    kept, added = pair.negations
    return (
        *(len(pair.said.terms), sum(pair.terms.hits), len(pair.heard.terms), sum(pair.terms.spurious)),
        *_keyword_counts(pair),
        *_extra_weights(pair),
        *(len(numbers), sum(number_hits), len(pair.heard.numbers), sum(number_spurious), len(doses), sum(doses)),
        *(len(kept), len(kept) - sum(kept), sum(added)),
    )


def outcomes(pair: Pair) -> Iterator[Outcome]:
    """Yield what became of everything that was said, and what was heard and not said."""
    judged_ones = {
        TERM: (pair.terms.hits, pair.terms.spurious),
        NUMBER: pair.numbers,
        NEGATION: pair.negations,
    }
    for what, (hits, spurious) in judged_ones.items():
        for place, is_hit in zip(_places(pair.said, what), hits, strict=True):
            yield _of_said(pair, what, place, HIT if is_hit else MISSED)
        for place, is_spurious in zip(_places(pair.heard, what), spurious, strict=True):
            if is_spurious:
                yield _of_heard(pair, what, place)


def _places(text: Tagged, what: str) -> Sequence[_Place]:
    if what == TERM:
        return text.terms
    if what == NUMBER:
        return [(number.begin, number.end, NO_TERM) for number in text.numbers]
    return [(position, position + 1, NO_TERM) for position in text.negations]


def _keyword_counts(pair: Pair) -> tuple[int, int, int, int, int]:
    """Return words, hits, substitutions, deletions and insertions of words of terms; a term that was heard has hits."""
    columns, n_words, hits, deletions = pair.columns, 0, 0, 0
    for span, is_hit in zip(pair.said.terms, pair.terms.hits, strict=True):
        places = columns.of_said[span.begin : span.end]
        n_words += len(places)
        hits += len(places) if is_hit else sum(columns.equal[place] for place in places)
        deletions += 0 if is_hit else sum(columns.heard[place] == NOT_HEARD for place in places)
    listed, excused = pair.rules.lexicon.words, pair.terms.excused
    insertions = sum(
        word in listed and columns.said[place] == NOT_SAID and position not in excused
        for position, (word, place) in enumerate(zip(pair.heard.words, columns.of_heard, strict=True))
    )
    return n_words, hits, n_words - hits - deletions, deletions, insertions


def _extra_weights(pair: Pair) -> tuple[int, int, int, int]:
    """Return what the words of terms weigh above 1: hits, substitutions, deletions, insertions as aligned."""
    columns, terms = pair.columns, pair.rules.lexicon.terms
    hits = substitutions = deletions = insertions = 0
    for span in pair.said.terms:
        extra = terms[span.term].weight - 1
        for place in columns.of_said[span.begin : span.end] if extra else ():
            hits += extra * columns.equal[place]
            deletions += extra * (columns.heard[place] == NOT_HEARD)
            substitutions += extra * (not columns.equal[place] and columns.heard[place] != NOT_HEARD)
    for span in pair.heard.terms:
        extra = terms[span.term].weight - 1
        for place in columns.of_heard[span.begin : span.end] if extra else ():
            insertions += extra * (columns.said[place] == NOT_SAID)
    return hits, substitutions, deletions, insertions


def _of_said(pair: Pair, what: str, place: _Place, outcome: str) -> Outcome:
    begin, end, term = place
    said = pair.said.words[begin:end]
    heard = said if pair.columns.is_right(begin, end) else _words_heard(pair, begin, end)
    return Outcome(what, term, " ".join(said), " ".join(heard), outcome)


def _of_heard(pair: Pair, what: str, place: _Place) -> Outcome:
    begin, end, term = place
    there = [pair.columns.said[column] for column in pair.columns.of_heard[begin:end]]
    said = " ".join(pair.said.words[position] for position in there if position != NOT_SAID)
    return Outcome(what, term, said, " ".join(pair.heard.words[begin:end]), SPURIOUS)


def _words_heard(pair: Pair, begin: int, end: int) -> Words:
    """Return what was heard for words of the reference, what was inserted beside wrong ones too."""
    columns = pair.columns
    return tuple(
        pair.heard.words[position]
        for position in columns.heard_there(begin, end)
        if (said := columns.said[columns.of_heard[position]]) == NOT_SAID or begin <= said < end
    )
