"""A list of terms and scores go in, what became of every term, number and negation in them comes out."""

from harness.scoring.terms.counting import SPAN_COLUMNS, TermCounts, count_terms, term_scores
from harness.scoring.terms.pairs import COUNTS, HIT, MISSED, NEGATION, NUMBER, SPURIOUS, TERM
from harness.scoring.terms.term_list import Term, TermList, read_terms

__all__ = [
    "COUNTS",
    "HIT",
    "MISSED",
    "NEGATION",
    "NUMBER",
    "SPAN_COLUMNS",
    "SPURIOUS",
    "TERM",
    "Term",
    "TermCounts",
    "TermList",
    "count_terms",
    "read_terms",
    "term_scores",
]
