"""A question and the state of a bounty in, its answer and the next state out: the same questions, the same answers.

Everything that is published of the holdout while a bounty is open is in the `State`: the list with its repairs, and of
each question whether it was accepted, with a rounded gain if so. `levels` pays for that and for nothing else, so why a
question was rejected, its `Judgement`, the holdout's losses and tables made of them stay sealed until the holdout is
retired.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bounty.certificate import Judgement, judge
from harness.fairness.bounty.decision_list import PointerDecisionList, Repair, errors_of
from harness.fairness.bounty.levels import level
from harness.fairness.bounty.losses import Bools, Holdout, Ints
from harness.fairness.bounty.rules import BountyRules
from harness.predicates import Predicate

EVERYBODY = "everybody"
ROUND_COLUMNS = ("round", "group", "system", "share", "wer_before", "wer_after", "repaired")


@dataclass(frozen=True, slots=True)
class Question:
    """Asks whether a system serves a group better than the list does."""

    predicate: Predicate
    system: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Is all that may be published of a judgement."""

    accepted: bool
    gain: float | None  # one of the rules' gain_steps where accepted


@dataclass(frozen=True, slots=True)
class State:
    """Holds what a bounty has published: its list, its answers, and the repairs of each acceptance."""

    decisions: PointerDecisionList
    answers: tuple[Answer, ...] = ()
    repairs: tuple[tuple[Repair, ...], ...] = ()

    @classmethod
    def opened(cls, base: str) -> "State":
        """Return the state before the first question."""
        return cls(PointerDecisionList.opened(base))


@dataclass(frozen=True, slots=True)
class Answered:
    """Is an answer with the sealed judgement behind it and the state that it leaves."""

    answer: Answer
    judgement: Judgement
    state: State
    repairs: tuple[Repair, ...] = ()


def answer(state: State, question: Question, holdout: Holdout, rules: BountyRules) -> Answered:
    """Answer one question at the level that its transcript leaves it.

    What the group gets from the list with all its repairs so far is compared with the system asked about; where that is
    accepted, the list is updated. Who is in a group depends on attributes alone, and too few of them is a rejection
    like any other.

    Raises:
        UsageError: The holdout is retired, or has no errors of the system.
    """
    if closed(state, rules):
        raise UsageError(
            f"this bounty is closed: {len(state.answers)} of {rules.n_submissions} questions asked and "
            f"{len(state.repairs)} of {rules.n_acceptances} accepted. Open another on other people."
        )
    judgement = judge(
        state.decisions.errors(holdout),
        errors_of(holdout, question.system),
        words=holdout.words,
        speakers=holdout.speakers,
        in_group=question.predicate.mask(holdout.frame),
        rules=rules,
        level=level(rules, [len(each) for each in state.repairs]),
    )
    if not judgement.accepted:
        told = Answer(accepted=False, gain=None)
        return Answered(told, judgement, State(state.decisions, (*state.answers, told), state.repairs))
    told = Answer(accepted=True, gain=rules.told_gain(judgement.gain))
    updated = state.decisions.updated(question.predicate, question.system, holdout)
    after = State(updated.decisions, (*state.answers, told), (*state.repairs, updated.repairs))
    return Answered(told, judgement, after, updated.repairs)


def closed(state: State, rules: BountyRules) -> bool:
    """Say whether the holdout is retired: every question asked, or as many accepted as were declared."""
    return len(state.answers) >= rules.n_submissions or len(state.repairs) >= rules.n_acceptances


def rounds_table(decisions: PointerDecisionList, holdout: Holdout) -> pd.DataFrame:
    """Return what each round did to everybody and to each group accepted until then; sealed until closed.

    Returns:
        A row a round and group, with ROUND_COLUMNS: rates are clipped word errors over words, NaN without words;
        `system` is the one that the group was accepted with, empty of everybody; `share` is of words; `repaired` says
        that the group was pointed back in this round.
    """
    rows = [row for number in range(1, len(decisions.rounds)) for row in _round(decisions, number, holdout)]
    return pd.DataFrame(rows, columns=list(ROUND_COLUMNS))


def _round(decisions: PointerDecisionList, number: int, holdout: Holdout) -> Iterator[tuple[object, ...]]:
    first, last = decisions.rounds[number - 1], decisions.rounds[number]
    before, after = (decisions.errors(holdout, version=version) for version in (first, last))
    accepted = [node for node in decisions.decisions.nodes[:last] if isinstance(node.to, str)]
    repaired = {node.predicate for node in decisions.decisions.nodes[first:last] if not isinstance(node.to, str)}
    total = int(holdout.words.sum())

    def row(members: Bools, group: str, system: str) -> tuple[object, ...]:
        words = int(holdout.words[members].sum())
        rates = (_rate(errors[members], words) for errors in (before, after))
        return (number, group, system, words / total if total else np.nan, *rates)

    yield (*row(np.ones(len(holdout.words), bool), EVERYBODY, ""), False)
    for node in accepted:
        members = node.predicate.mask(holdout.frame)
        yield (*row(members, node.predicate.text, str(node.to)), node.predicate in repaired)


def _rate(errors: Ints, words: int) -> float:
    return int(errors.sum()) / words if words else np.nan
