"""A list of terms and a normaliser go in, a `Lexicon` comes out: it finds the terms among normalised words.

Of terms that begin at one word the longest counts; words that belong to a term begin no other. What is found depends
on the words alone, never on the order of the list, because no two terms share a rendering.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from harness.corpus.cells import shown
from harness.errors import DataError
from harness.scoring.normalization import ByLanguage, Normalizer
from harness.scoring.terms.term_list import Term, TermList

log = logging.getLogger(__name__)

MOST_WORDS = 20  # of a rendering; a term is a few words
Words: TypeAlias = tuple[str, ...]


class Span(NamedTuple):
    """Is a term that was found: words `begin` to `end`, the latter not included, of a text."""

    begin: int
    end: int
    term: int  # its position in the list


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Holds the terms of a language as normalised words.

    Attributes:
        terms: The whole list; spans name positions in it.
        by_first_word: Renderings that begin with a word, the longest first, with the position of their term.
        accepted: For each term the renderings that are right in place of others: its variants.
        canonical: For each term its first form.
        words: All words of renderings: what an inserted word is looked up in.
    """

    terms: tuple[Term, ...]
    by_first_word: Mapping[str, Sequence[tuple[Words, int]]]
    accepted: Mapping[int, Sequence[Words]]
    canonical: Mapping[int, Words]
    words: frozenset[str]

    def spans(self, words: Sequence[str]) -> list[Span]:
        """Return the terms among words, from left to right, none overlapping another.

        >>> from harness.scoring.normalization import Verbatim
        >>> drugs = lexicon(TermList((Term("vitamin d"), Term("d three"))), Verbatim())
        >>> drugs.spans("vitamin d three".split())
        [Span(begin=0, end=2, term=0)]
        """
        found: list[Span] = []
        if self.by_first_word.keys().isdisjoint(words):
            return found
        position, n_words = 0, len(words)
        while position < n_words:
            for rendering, term in self.by_first_word.get(words[position], ()):
                end = position + len(rendering)
                if tuple(words[position:end]) == rendering:
                    found.append(Span(position, end, term))
                    position = end
                    break
            else:
                position += 1
        return found

    def accepts(self, term: int, said: Words) -> Sequence[Words]:
        """Return what is right in place of what was said, as a whole; the same words aside."""
        variants = self.accepted[term]
        return (*variants, self.canonical[term]) if said in variants else variants


def primary_language(tag: str | None) -> str | None:
    """Return the language of a BCP 47 tag without region or script; None stays None.

    >>> primary_language("en-NG"), primary_language("eng"), primary_language(None)
    ('en', 'en', None)
    """
    primary = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    return {"eng": "en"}.get(primary, primary) or None


def lexicon(terms: TermList, normalizer: Normalizer | ByLanguage, language: str | None = None) -> Lexicon:
    """Normalise the terms of a language, and those of every language, by its rules.

    Args:
        terms: The list.
        normalizer: The run's, so that terms are found as they stand in its texts.
        language: A primary language; None takes the terms that name none.

    Raises:
        DataError: Terms have no word left, too many, or a rendering that another one has; all are named.
    """
    rules = normalizer.for_language(language) if isinstance(normalizer, ByLanguage) else normalizer
    renderings: dict[Words, int] = {}
    accepted: dict[int, list[Words]] = {}
    canonical: dict[int, Words] = {}
    problems: list[str] = []
    for position, term in enumerate(terms.terms):
        if term.language is not None and primary_language(term.language) != language:
            continue
        accepted[position] = []
        for text in (term.term, *term.forms, *term.variants):
            words = tuple(rules(text).split())
            if problem := _problem(terms, text, words, renderings.get(words, position), position, rules):
                problems.append(f"{term.where or 'terms'}: {problem}")
                continue
            canonical.setdefault(position, words)
            if text in term.variants and words not in accepted[position]:
                accepted[position].append(words)
            renderings[words] = position
    if problems:
        raise DataError("\n".join(problems))
    return Lexicon(
        terms.terms,
        _by_first_word(renderings),
        {position: tuple(sorted(each, key=_longest_first)) for position, each in accepted.items()},
        canonical,
        frozenset(word for words in renderings for word in words),
    )


def lexicons(
    terms: TermList, normalizer: Normalizer | ByLanguage, languages: Collection[str | None]
) -> dict[str | None, Lexicon]:
    """Return a lexicon for each primary language, and say in the log whose terms no utterance can have."""
    unheard = [term for term in terms.terms if term.language and primary_language(term.language) not in languages]
    if unheard:
        log.warning(
            "%d terms (%s...) are of languages that no utterance is in; they are not looked for",
            len(unheard),
            unheard[0].where or "the first",
        )
    return {language: lexicon(terms, normalizer, language) for language in languages}


def _problem(terms: TermList, text: str, words: Words, owner: int, position: int, rules: Normalizer) -> str:
    """Say what is wrong with a rendering; empty when nothing is."""
    if not words:
        return f"{shown(text)} has no word left under {rules.id}; write it as it is spoken, or remove it"
    if len(words) > MOST_WORDS:
        return f"{shown(text)} has {len(words)} words; expected at most {MOST_WORDS}. Write the few that matter."
    if owner != position:
        other = terms.terms[owner]
        return (
            f"{shown(text)} of term {shown(terms.terms[position].term)} is, under {rules.id}, also one of term "
            f"{shown(other.term)} ({other.where or 'in the same list'}); keep it in one of them"
        )
    return ""


def _by_first_word(renderings: Mapping[Words, int]) -> dict[str, list[tuple[Words, int]]]:
    index: dict[str, list[tuple[Words, int]]] = {}
    for words in sorted(renderings, key=_longest_first):
        index.setdefault(words[0], []).append((words, renderings[words]))
    return index


def _longest_first(words: Words) -> tuple[int, Words]:
    return -len(words), words
