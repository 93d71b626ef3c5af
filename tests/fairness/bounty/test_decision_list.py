import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.fairness.bounty import Holdout, PointerDecisionList, Repair
from harness.predicates import DecisionListError
from tests.fairness.bounty.builders import COLUMNS, G1, G2, group, ten_points

N_POINTS = 12


def mean_loss(decisions, holdout, predicate=None, version=None):
    errors = decisions.errors(holdout, version=version)
    members = slice(None) if predicate is None else predicate.mask(holdout.frame)
    return errors[members].sum() / holdout.words[members].sum()


def test_the_published_example_is_repaired_to_every_digit():
    holdout = ten_points()
    opened = PointerDecisionList.opened("f0")
    assert mean_loss(opened, holdout) == 0.5
    first = opened.updated(G1, "h1", holdout)
    assert first.repairs == ()
    assert mean_loss(first.decisions, holdout) == 0.32
    assert mean_loss(first.decisions, holdout, G2) == pytest.approx(0.4)
    second = first.decisions.updated(G2, "h2", holdout)
    assert mean_loss(second.decisions, holdout, version=2) == 0.28  # before the repair
    assert mean_loss(second.decisions, holdout, G1, version=2) == 0.4
    assert second.repairs == (Repair(group=1, version=1),)
    assert mean_loss(second.decisions, holdout) == 0.16
    assert mean_loss(second.decisions, holdout, G1) == 0.2
    assert mean_loss(second.decisions, holdout, G2) == pytest.approx(0.1333333, abs=5e-8)
    assert second.decisions.rounds == (0, 1, 3)
    assert second.decisions.groups == (G1, G2)


def test_a_new_group_gets_what_served_it_better_before_anybody_accepted_it():
    errors = {"a": np.array([5, 5]), "b": np.array([0, 9]), "c": np.array([10, 8])}
    holdout = Holdout(pd.DataFrame({"x": [0.0, 1.0]}), np.arange(2), np.full(2, 10), errors)
    first = PointerDecisionList.opened("a").updated(group("true"), "b", holdout)
    second = first.decisions.updated(group("x == 1"), "c", holdout)
    assert second.repairs == (Repair(group=2, version=0),)
    assert second.decisions.errors(holdout).tolist() == [0, 5]


def plainly(decisions, holdout):
    """Return the errors of a list as it is defined, one utterance after the other."""
    nodes, found = decisions.to_dict()["nodes"], []
    for row in range(len(holdout.words)):
        version, system = len(nodes), decisions.to_dict()["base"]
        while version:
            node = nodes[version - 1]
            if not group(node["predicate"]).mask(holdout.frame)[row]:
                version -= 1
            elif "system" in node["to"]:
                version, system = 0, node["to"]["system"]
            else:
                version = node["to"]["version"]
        found.append(holdout.errors[system][row])
    return np.array(found)


@st.composite
def bounties(draw):
    """Return a holdout of some points and the pairs that are handed in, in order."""
    words = np.array(draw(st.lists(st.integers(0, 6), min_size=N_POINTS, max_size=N_POINTS)))
    shares = st.lists(st.floats(0, 1), min_size=N_POINTS, max_size=N_POINTS)
    errors = {name: (np.array(draw(shares)) * words).round().astype(np.int64) for name in "abcd"}
    frame = pd.DataFrame({"x": np.arange(float(N_POINTS))})
    ends = st.tuples(st.integers(0, N_POINTS), st.integers(1, N_POINTS), st.integers(1, 4))
    cuts = draw(st.lists(st.tuples(ends, st.sampled_from("abcd")), min_size=1, max_size=8))
    pairs = [
        (group(f"x >= {first} and x < {first + size} or x in ({first % every}, {N_POINTS - every})"), system)
        for (first, size, every), system in cuts
    ]
    return Holdout(frame, np.arange(N_POINTS), words, errors), pairs


@settings(max_examples=60, deadline=None)
@given(bounties())
def test_no_accepted_group_ever_gets_worse_and_everybody_better_every_time(bounty):
    holdout, pairs = bounty
    decisions, accepted, rounds = PointerDecisionList.opened("a"), [], [holdout.errors["a"]]
    for predicate, system in pairs:
        members = predicate.mask(holdout.frame)
        if holdout.errors[system][members].sum() >= rounds[-1][members].sum():
            continue
        updated = decisions.updated(predicate, system, holdout)
        allowed = {(number, version) for number in range(1, len(accepted) + 2) for version in decisions.rounds}
        allowed.add((len(accepted) + 1, len(decisions.decisions.nodes) + 1))
        assert {(each.group, each.version) for each in updated.repairs} <= allowed  # what a level pays for
        accepted.append((members, holdout.errors[system][members].sum()))
        decisions = updated.decisions
        now = decisions.errors(holdout)
        assert now.sum() < rounds[-1].sum()
        for each, promised in accepted:
            assert now[each].sum() <= promised
            assert all(now[each].sum() <= earlier[each].sum() for earlier in rounds)
        rounds.append(now)
        assert len(decisions.rounds) == len(rounds)
    assert decisions.errors(holdout).tolist() == plainly(decisions, holdout).tolist()
    assert [decisions.errors(holdout, version=each).sum() for each in decisions.rounds] == [r.sum() for r in rounds]


def test_a_list_is_the_same_after_it_was_written_and_read():
    decisions = PointerDecisionList.opened("f0").updated(G1, "h1", ten_points()).decisions
    decisions = decisions.updated(G2, "h2", ten_points()).decisions
    told = json.loads(json.dumps(decisions.to_dict()))
    assert told["nodes"][2] == {"predicate": "x <= 5", "to": {"version": 1}}
    again = PointerDecisionList.from_dict(told, COLUMNS)
    assert again == decisions
    assert again.system_of(ten_points().frame).tolist() == ["h1"] * 6 + ["h2"] * 4


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param([{"predicate": "x < 3", "to": {"version": 0}}], id="a-pointer-first"),
        pytest.param(
            [{"predicate": "x < 3", "to": {"system": "b"}}, {"predicate": "x < 4", "to": {"version": 0}}],
            id="a-repair-of-nobody",
        ),
    ],
)
def test_a_pointer_that_repairs_no_accepted_group_is_refused(nodes):
    with pytest.raises(DecisionListError, match=r"nodes\[\d\]: .*expected a repair of an accepted group"):
        PointerDecisionList.from_dict({"base": "a", "nodes": nodes}, COLUMNS)


def test_a_system_without_hypotheses_is_named():
    with pytest.raises(UsageError, match=r"system 'h3' has no hypotheses here; expected one of \['f0', 'h1', 'h2'\]"):
        PointerDecisionList.opened("f0").updated(G1, "h3", ten_points())
    with pytest.raises(UsageError, match="'h3'"):
        PointerDecisionList.opened("h3").errors(ten_points())
