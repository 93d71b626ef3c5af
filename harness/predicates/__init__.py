"""What outsiders may say of utterances: predicates over declared columns, and lists of them that choose a system."""

from harness.predicates.columns import Column, ColumnKind
from harness.predicates.decision_lists import DecisionList, DecisionListError, Node, asked_columns
from harness.predicates.predicate import Predicate, named_columns, parse
from harness.predicates.refusals import PredicateError

__all__ = [
    "Column",
    "ColumnKind",
    "DecisionList",
    "DecisionListError",
    "Node",
    "Predicate",
    "PredicateError",
    "asked_columns",
    "named_columns",
    "parse",
]
