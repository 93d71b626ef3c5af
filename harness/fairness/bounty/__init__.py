"""Questions of outsiders about a sealed holdout in, answers that hold whatever they ask out."""

from harness.fairness.bounty.certificate import Judgement, Reason, judge
from harness.fairness.bounty.checker import Answer, Answered, Question, State, answer, closed, rounds_table
from harness.fairness.bounty.decision_list import PointerDecisionList, Repair
from harness.fairness.bounty.levels import level, number_of_queries
from harness.fairness.bounty.losses import Holdout, clipped_errors
from harness.fairness.bounty.rules import Assumed, BountyRules

__all__ = [
    "Answer",
    "Answered",
    "Assumed",
    "BountyRules",
    "Holdout",
    "Judgement",
    "PointerDecisionList",
    "Question",
    "Reason",
    "Repair",
    "State",
    "answer",
    "clipped_errors",
    "closed",
    "judge",
    "level",
    "number_of_queries",
    "rounds_table",
]
