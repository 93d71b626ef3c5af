"""Found words of a pair of texts and their alignment go in, which of them were heard, missed or invented comes out.

An alignment is a row of columns: a word that is equal, substituted, deleted or inserted. Columns that are not equal and
stand together are a stretch. Inside a stretch which word answers which is the aligner's choice among equally short
alignments, so words of a stretch are compared as a whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.scoring.alignment import DELETED, EQUAL, INSERTED, WordRun
from harness.scoring.terms.critical_words import NumberSpan
from harness.scoring.terms.lexicon import Lexicon, Span, Words

NOT_HEARD, NOT_SAID = -1, -1


@dataclass(frozen=True, slots=True)
class Columns:
    """Is the word alignment of a pair of texts, column by column.

    Attributes:
        of_said: The column of each word of the reference.
        of_heard: The column of each word of the hypothesis.
        said: For each column the position of its word of the reference, or NOT_SAID.
        heard: For each column the position of its word of the hypothesis, or NOT_HEARD.
        stretch: For each column a number, rising: equal columns have one each, columns of a stretch have one together.
        equal: For each column whether its words are equal.
    """

    of_said: Sequence[int]
    of_heard: Sequence[int]
    said: Sequence[int]
    heard: Sequence[int]
    stretch: Sequence[int]
    equal: Sequence[bool]

    def is_right(self, begin: int, end: int) -> bool:
        """Say whether words of the reference were all heard, with nothing between them."""
        first, last = self.of_said[begin], self.of_said[end - 1]
        return last - first == end - 1 - begin and all(self.equal[first : last + 1])

    def was_said(self, begin: int, end: int) -> bool:
        """Say whether words of the hypothesis are all in the reference there, with nothing between them."""
        first, last = self.of_heard[begin], self.of_heard[end - 1]
        return last - first == end - 1 - begin and all(self.equal[first : last + 1])

    def stretches(self, columns: Sequence[int], begin: int, end: int) -> tuple[int, int]:
        """Return the first and the last stretch that words are in; `columns` is that of either text."""
        return self.stretch[columns[begin]], self.stretch[columns[end - 1]]

    def heard_there(self, begin: int, end: int) -> list[int]:
        """Return the positions of what was heard where words of the reference were said, and in their stretches."""
        first, last = self.stretches(self.of_said, begin, end)
        low, high = self.of_said[begin], self.of_said[end - 1]
        while low > 0 and self.stretch[low - 1] == first:
            low -= 1
        while high + 1 < len(self.stretch) and self.stretch[high + 1] == last:
            high += 1
        return [position for position in self.heard[low : high + 1] if position != NOT_HEARD]


def columns_of(runs: Iterable[WordRun]) -> Columns:
    """Lay out an alignment.

    >>> columns_of([("e", 1), ("d", 1), ("i", 2), ("e", 1)]).stretch
    [1, 2, 2, 2, 3]
    """
    said: list[int] = []
    heard: list[int] = []
    stretch: list[int] = []
    equal: list[bool] = []
    of_said: list[int] = []
    of_heard: list[int] = []
    number = 0
    for kind, n_words in runs:
        is_equal = kind == EQUAL
        for _ in range(n_words):
            number += is_equal or not equal or equal[-1]
            column = len(equal)
            said.append(NOT_SAID if kind == INSERTED else len(of_said))
            heard.append(NOT_HEARD if kind == DELETED else len(of_heard))
            if kind != INSERTED:
                of_said.append(column)
            if kind != DELETED:
                of_heard.append(column)
            stretch.append(number)
            equal.append(is_equal)
    return Columns(of_said, of_heard, said, heard, stretch, equal)


@dataclass(frozen=True, slots=True)
class TermMatches:
    """Says what became of the terms of a pair of texts.

    Attributes:
        hits: For each span of the reference whether it was heard: every word, or a variant as a whole.
        spurious: For each span of the hypothesis whether it is there and was not said.
        excused: Positions of words of the hypothesis that stand for a term as its variant.
    """

    hits: Sequence[bool]
    spurious: Sequence[bool]
    excused: frozenset[int]


def match_terms(
    lexicon: Lexicon, said: Sequence[Span], heard: Sequence[Span], columns: Columns, texts: tuple[Words, Words]
) -> TermMatches:
    """Decide on every term of a reference and of a hypothesis, from left to right.

    A word of the hypothesis stands for one term at most. A span of the hypothesis is not spurious when its words were
    all said there, if only as part of another term.
    """
    hits: list[bool] = []
    excused: dict[int, int] = {}  # positions of the hypothesis and the term they stand for
    for span in said:
        is_hit = columns.is_right(span.begin, span.end)
        if not is_hit:
            variant = _variant(lexicon, span, columns, texts, excused)
            excused |= dict.fromkeys(variant, span.term)
            is_hit = bool(variant)
        hits.append(is_hit)
    spurious = [
        not columns.was_said(span.begin, span.end)
        and not any(excused.get(position) == span.term for position in range(span.begin, span.end))
        for span in heard
    ]
    return TermMatches(hits, spurious, frozenset(excused))


def match_numbers(
    said: Sequence[NumberSpan], heard: Sequence[NumberSpan], columns: Columns
) -> tuple[list[bool], list[bool]]:
    """Say which numbers of the reference were heard and which of the hypothesis answer none.

    A number answers another when both say the same and stand in a column or a stretch together; each answers one. The
    whole number counts: 25 for 5 is wrong though a 5 was heard.
    """
    answered = [False] * len(heard)
    hits = [False] * len(said)
    places = [columns.stretches(columns.of_heard, each.begin, each.end) for each in heard]
    for i, number in enumerate(said):
        first, last = columns.stretches(columns.of_said, number.begin, number.end)
        for j, (other_first, other_last) in enumerate(places):
            if not answered[j] and heard[j].key == number.key and other_first <= last and first <= other_last:
                hits[i] = answered[j] = True
                break
    return hits, [not each for each in answered]


def match_negations(said: Sequence[int], heard: Sequence[int], columns: Columns) -> tuple[list[bool], list[bool]]:
    """Say which negations of the reference were kept and which of the hypothesis were added.

    In a stretch as many are kept as both have: `did not` for `didn't` keeps one, whichever words are paired.
    """
    places = [
        [columns.stretch[of[i]] for i in each] for of, each in ((columns.of_said, said), (columns.of_heard, heard))
    ]
    return _kept(*places), [not kept for kept in _kept(*reversed(places))]


def _kept(own: Sequence[int], other: Sequence[int]) -> list[bool]:
    """Say of each place whether the other side still has one there."""
    left = {place: other.count(place) for place in other}
    kept = []
    for place in own:
        kept.append(left.get(place, 0) > 0)
        left[place] = left.get(place, 0) - 1
    return kept


def _variant(
    lexicon: Lexicon, span: Span, columns: Columns, texts: tuple[Words, Words], taken: dict[int, int]
) -> Sequence[int]:
    """Return the positions of a variant that was heard in place of a whole term; empty where none was.

    All that was heard in the term's own columns has to be part of it.
    """
    said, heard = texts
    accepted = lexicon.accepts(span.term, said[span.begin : span.end])
    if not accepted:
        return ()
    around = columns.heard_there(span.begin, span.end)
    own = set(columns.heard[columns.of_said[span.begin] : columns.of_said[span.end - 1] + 1]) - {NOT_HEARD}
    for variant in accepted:
        for start in range(len(around) - len(variant) + 1):
            there = around[start : start + len(variant)]
            is_free = own <= set(there) and taken.keys().isdisjoint(there)
            if is_free and tuple(heard[there[0] : there[-1] + 1]) == variant:
                return there
    return ()
