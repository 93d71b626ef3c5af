from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness.bounty import (
    Answer,
    BountyRules,
    PointerDecisionList,
    Question,
    Reason,
    Repair,
    State,
    answer,
    closed,
    rounds_table,
)
from tests.fairness.bounty.builders import G1, G2, group, ten_points

RULES = BountyRules()
HOLDOUT = ten_points(copies=400)


def asked(*questions, holdout=HOLDOUT, rules=RULES):
    """Return what is answered to one question after the other."""
    state, found = State.opened("f0"), []
    for predicate, system in questions:
        found.append(answer(state, Question(predicate, system), holdout, rules))
        state = found[-1].state
    return found


def test_two_pairs_are_accepted_with_the_repair_that_the_second_takes():
    first, second = asked((G1, "h1"), (G2, "h2"))
    assert (first.answer, first.repairs) == (Answer(True, 0.05), ())
    assert (second.answer, second.repairs) == (Answer(True, 0.02), (Repair(1, 1),))
    assert first.judgement.gain == pytest.approx(0.6 * 0.3)
    assert second.judgement.gain == pytest.approx(0.6 * 0.0666667, abs=5e-8)
    assert second.state.repairs == ((), (Repair(1, 1),))
    assert second.state.decisions.errors(HOLDOUT).sum() / HOLDOUT.words.sum() == 0.16
    assert first.judgement.level == 0.05 / 5 / 100
    assert second.judgement.level == pytest.approx(0.05 / 5 / (100 * 99 / 2) / 5)


def test_a_question_is_judged_against_the_list_with_its_repairs():
    between = group("x >= 4 and x <= 5")
    *_, third = asked((G1, "h1"), (G2, "h2"), (between, "h1"))
    assert third.judgement.gain == 0  # h2 had it, and the repair gave it back to h1
    assert third.judgement.reason is Reason.small_gain
    unrepaired = State(PointerDecisionList(third.state.decisions.decisions.version(2)))
    assert answer(unrepaired, Question(between, "h1"), HOLDOUT, RULES).answer.accepted


def test_too_few_people_are_rejected_like_any_others():
    few, worse = asked((group("x < 0.5"), "h1"), (G1, "h2"), holdout=ten_points())
    assert few.answer == worse.answer == Answer(accepted=False, gain=None)
    assert few.judgement.reason is Reason.few_speakers
    assert worse.judgement.reason is Reason.few_speakers  # six people


def test_the_same_questions_get_the_same_answers_and_change_nothing_they_were_given():
    questions = [(G1, "h2"), (G1, "h1"), (group("x < 20"), "h2"), (G2, "h2")]
    before = {name: each.copy() for name, each in HOLDOUT.errors.items()}
    one, other = asked(*questions), asked(*questions)
    assert [each.answer for each in one] == [each.answer for each in other]
    assert one[-1].state == other[-1].state
    assert one[-1].judgement == other[-1].judgement
    assert one[0].state.decisions == PointerDecisionList.opened("f0")
    assert all((HOLDOUT.errors[name] == each).all() for name, each in before.items())


def test_a_holdout_is_retired_after_the_questions_or_the_acceptances_that_were_declared():
    few = replace(RULES, n_submissions=2, n_acceptances=2)
    *_, last = asked((G1, "h2"), (G1, "h2"), rules=few)
    assert closed(last.state, few)
    one = replace(RULES, n_acceptances=1)
    (accepted,) = asked((G1, "h1"), rules=one)
    assert closed(accepted.state, one)
    assert not closed(accepted.state, RULES)
    with pytest.raises(UsageError, match="this bounty is closed: 1 of 100 questions asked and 1 of 1 accepted"):
        answer(accepted.state, Question(G2, "h2"), HOLDOUT, one)


def test_a_system_that_nobody_knows_is_no_question():
    with pytest.raises(UsageError, match="'h9' has no hypotheses here"):
        asked((G1, "h9"))


def test_a_table_shows_everybody_and_every_accepted_group_after_every_round():
    *_, last = asked((G1, "h1"), (G2, "h2"))
    expected = [
        (1, "everybody", "", 1.0, 0.5, 0.32, False),
        (1, "x <= 5", "h1", 0.6, 0.5, 0.2, False),
        (2, "everybody", "", 1.0, 0.32, 0.16, False),
        (2, "x <= 5", "h1", 0.6, 0.2, 0.2, True),
        (2, "x >= 4", "h2", 0.6, 0.4, 0.1333333, False),
    ]
    names = ["round", "group", "system", "share", "wer_before", "wer_after", "repaired"]
    found = rounds_table(last.state.decisions, HOLDOUT)
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected, columns=names), atol=5e-8)
    assert list(rounds_table(PointerDecisionList.opened("f0"), HOLDOUT).columns) == names


def test_words_that_nobody_said_make_no_rate():
    silent = replace(HOLDOUT, words=np.zeros_like(HOLDOUT.words), errors={"f0": np.zeros_like(HOLDOUT.words)})
    (found,) = asked((G1, "f0"), holdout=silent)
    assert not found.answer.accepted
    (accepted,) = asked((G1, "h1"))
    row = rounds_table(accepted.state.decisions, replace(HOLDOUT, words=silent.words)).iloc[1]
    assert np.isnan([row["share"], row["wer_before"], row["wer_after"]]).all()
