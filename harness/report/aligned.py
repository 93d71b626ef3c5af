"""Pairs of normalised texts in, their word alignments as short texts out, which the explorer turns into marked words.

An alignment is written as runs: `e5s2d` is five words that are equal, two substituted and one deleted. Equal words
stand in the reference alone; `heard` has only the words of the hypothesis that were substituted or inserted. Of a long
text the errors are shown with the words around them: `x40` is forty equal words that are not written at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.pages import visible
from harness.scoring.alignment import DELETED, EQUAL, INSERTED, SUBSTITUTED, WordRun, word_runs

PASSED_OVER = "x"  # equal words that are not written
LONGEST_TEXT = 2_000  # characters of a line, some 350 words of English; more is shortened
AROUND = 5  # equal words before and after an error in a text that is shortened
LONGEST_WORD = 300  # characters; a sentence is a word where a script has no spaces


@dataclass(frozen=True, slots=True)
class AlignedTexts:
    """Is what a page shows of a pair of texts.

    Attributes:
        reference: Its words, every character visible.
        heard: The hypothesis's words that are substituted or inserted; the others are the reference's.
        edits: The alignment as runs; empty where the texts are equal.
        is_shortened: Whether words are missing, in the middle or at the end.
        n_reference_cut: Words of the reference beyond what is shown, at the end.
        n_hypothesis_cut: Words of the hypothesis beyond what is shown, at the end.
    """

    reference: str
    heard: str
    edits: str
    is_shortened: bool
    n_reference_cut: int
    n_hypothesis_cut: int


def aligned_texts(references: Sequence[str], hypotheses: Sequence[str]) -> list[AlignedTexts]:
    """Align each pair of texts, word by word.

    >>> aligned_texts(["turn it off"], ["turn that off please"])[0].edits
    'esei'
    """
    said, heard = ([text.split() for text in texts] for texts in (references, hypotheses))
    runs = word_runs([" ".join(words) for words in said], [" ".join(words) for words in heard])
    return [_shown(*each) for each in zip(said, heard, runs, strict=True)]


def _shown(said: Sequence[str], heard: Sequence[str], runs: Sequence[WordRun]) -> AlignedTexts:
    """Return what is shown of a pair of texts."""
    is_equal = all(kind == EQUAL for kind, _ in runs)
    is_long = sum(map(len, said)) + sum(map(len, heard)) + len(said) + len(heard) > LONGEST_TEXT
    shown = _fitting(said, heard, _passing_over(runs)) if is_long else list(runs)
    reference: list[str] = []
    differing: list[str] = []
    at_said = at_heard = 0
    for kind, n_words in shown:
        if kind not in (INSERTED, PASSED_OVER):
            reference += said[at_said : at_said + n_words]
        if kind in (SUBSTITUTED, INSERTED):
            differing += heard[at_heard : at_heard + n_words]
        at_said, at_heard = at_said + n_words * (kind != INSERTED), at_heard + n_words * (kind != DELETED)
    is_shortened = at_said < len(said) or at_heard < len(heard) or any(kind == PASSED_OVER for kind, _ in shown)
    return AlignedTexts(
        reference=_line(reference),
        heard=_line(differing),
        edits="" if is_equal and not is_shortened else _written(shown),
        is_shortened=is_shortened,
        n_reference_cut=len(said) - at_said,
        n_hypothesis_cut=len(heard) - at_heard,
    )


def _passing_over(runs: Iterable[WordRun]) -> list[WordRun]:
    """Return the runs with the middle of every long stretch of equal words passed over."""
    shortened: list[WordRun] = []
    for kind, n_words in runs:
        if kind == EQUAL and n_words > 3 * AROUND:
            shortened += [(EQUAL, AROUND), (PASSED_OVER, n_words - 2 * AROUND), (EQUAL, AROUND)]
        else:
            shortened.append((kind, n_words))
    return shortened


def _fitting(said: Sequence[str], heard: Sequence[str], runs: Iterable[WordRun]) -> list[WordRun]:
    """Return the runs for as long as the longer of two lines has room; a first word always has."""
    room, at_said, at_heard, fitting = LONGEST_TEXT, 0, 0, []
    for kind, n_words in runs:
        n_fit = n_words if kind == PASSED_OVER and room > 0 else 0
        at_said, at_heard = at_said + n_fit, at_heard + n_fit
        while n_fit < n_words and room > 0:
            lengths = [len(said[at_said]) if kind != INSERTED else 0, len(heard[at_heard]) if kind != DELETED else 0]
            room -= min(LONGEST_WORD, max(lengths)) + 1
            at_said, at_heard, n_fit = at_said + (kind != INSERTED), at_heard + (kind != DELETED), n_fit + 1
        if n_fit:
            fitting.append((kind, n_fit))
    return fitting


def _written(runs: Iterable[WordRun]) -> str:
    return "".join(kind if n_words == 1 else f"{kind}{n_words}" for kind, n_words in runs)


def _line(words: Sequence[str]) -> str:
    shown = (word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…" for word in words)
    return visible(" ".join(shown))
