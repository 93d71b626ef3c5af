"""What became of terms, numbers and negations in; rates with verdicts, the terms missed most and examples out."""

from harness.fairness.terms.listed import TERM_LIST_COLUMNS, worst_terms
from harness.fairness.terms.rates import MEASURES, TERM_TABLE_COLUMNS, Measure, term_table
from harness.fairness.terms.shown import TERM_EXAMPLE_COLUMNS, term_examples
from harness.fairness.terms.values import TERM_VALUE_COLUMNS, term_values

__all__ = [
    "MEASURES",
    "TERM_EXAMPLE_COLUMNS",
    "TERM_LIST_COLUMNS",
    "TERM_TABLE_COLUMNS",
    "TERM_VALUE_COLUMNS",
    "Measure",
    "term_examples",
    "term_table",
    "term_values",
    "worst_terms",
]
