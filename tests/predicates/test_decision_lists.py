"""A pointer decision list sends every utterance where following it by hand does, and is read from anybody's JSON."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.predicates import (
    Column,
    ColumnKind,
    DecisionList,
    DecisionListError,
    Node,
    asked_columns,
    parse,
)

COLUMNS = {"x": Column("x", ColumnKind.number), "who": Column("who", ColumnKind.text)}


def predicate(text):
    return parse(text, COLUMNS)


def by_hand(decisions, version, row):
    """Follow a list by its definition: version v asks node v, then is version v - 1, or the one pointed to."""
    if version == 0:
        return decisions.base
    node = decisions.nodes[version - 1]
    if not node.predicate.holds(row):
        return by_hand(decisions, version - 1, row)
    return node.to if isinstance(node.to, str) else by_hand(decisions, node.to, row)


@st.composite
def lists(draw):
    decisions = DecisionList("base")
    for version in range(draw(st.integers(0, 12))):
        low, high = draw(st.integers(0, 9)), draw(st.integers(0, 9))
        text = draw(st.sampled_from([f"x >= {low} and x < {high}", f"not x == {low}", "true", "x != 3"]))
        to = draw(st.one_of(st.sampled_from(["base", "a", "b"]), st.integers(0, version)))
        decisions = decisions.prepended(predicate(text), to)
    return decisions


@given(decisions=lists())
@settings(max_examples=150, deadline=None)
def test_frames_rows_and_masks_are_sent_where_the_definition_says(decisions):
    rows = [{"x": value, "who": None} for value in (*range(10), None)]
    frame = pd.DataFrame(rows)
    expected = [by_hand(decisions, len(decisions.nodes), row) for row in rows]
    assert [decisions.system_of_row(row) for row in rows] == expected
    assert decisions.systems(frame).tolist() == expected
    masks = np.array([node.predicate.mask(frame) for node in decisions.nodes], dtype=bool).reshape(-1, len(rows))
    assert decisions.followed(masks).tolist() == expected
    assert set(expected) <= set(decisions.system_names)


@given(decisions=lists())
@settings(max_examples=80, deadline=None)
def test_a_list_is_the_same_after_json_and_its_versions_are_what_it_was(decisions):
    told = json.loads(json.dumps(decisions.to_dict()))
    again = DecisionList.from_dict(told, COLUMNS)
    assert (again, again.digest, again.to_dict()) == (decisions, decisions.digest, told)
    assert set(asked_columns(told)) == decisions.columns
    shorter = DecisionList(decisions.base)
    for version, node in enumerate(decisions.nodes):
        assert decisions.version(version) == shorter
        shorter = shorter.prepended(node.predicate, node.to)
    assert shorter == decisions


def test_the_lists_of_the_vector_v7_1():
    """METHODS 7: ten points; the second pair makes the first group worse, and the repair points it back."""
    accepted = DecisionList("f0").prepended(predicate("x <= 5"), "h1").prepended(predicate("x >= 4"), "h2")
    repaired = accepted.prepended(predicate("x <= 5"), 1)
    frame = pd.DataFrame({"x": range(10)})
    assert accepted.systems(frame).tolist() == ["h1"] * 4 + ["h2"] * 6
    assert repaired.systems(frame).tolist() == ["h1"] * 6 + ["h2"] * 4
    error = {"h1": [0.2] * 6 + [0.9] * 4, "h2": [0.9] * 4 + [0.8] * 2 + [0.1] * 4}
    assert np.mean([error[name][x] for x, name in enumerate(repaired.systems(frame))]) == pytest.approx(0.16)


def test_10000_pointers_are_followed_without_recursion_and_each_node_is_asked_once():
    nodes = [Node(predicate("x > 0"), "a"), *(Node(predicate("x > 0"), version) for version in range(1, 10_000))]
    decisions = DecisionList("base", tuple(nodes))
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(300)
        assert decisions.system_of_row({"x": 1}) == "a"
        assert decisions.systems(pd.DataFrame({"x": [1.0, -1.0]})).tolist() == ["a", "base"]
    finally:
        sys.setrecursionlimit(limit)
    told = decisions.to_dict()
    assert DecisionList.from_dict(told, COLUMNS) == decisions
    assert isinstance(told["nodes"], list)
    with pytest.raises(DecisionListError, match="10,001 of them; expected at most 10,000"):
        DecisionList.from_dict({"base": "base", "nodes": [*told["nodes"], told["nodes"][0]]}, COLUMNS)
    with pytest.raises(DecisionListError, match="10,001 nodes"):
        decisions.prepended(predicate("true"), "a")


def test_what_a_column_is_said_to_be_decides_nothing():
    plain = DecisionList("a", (Node(predicate('who == "x"'), "b"),))
    about = DecisionList("a", plain.nodes, {"who": "accent, self_reported"})
    assert (about, about.digest) == (plain, plain.digest)
    assert DecisionList.from_dict(about.to_dict(), COLUMNS).about == {"who": "accent, self_reported"}
    assert asked_columns(about.to_dict()) == {"who": "accent, self_reported"}
    assert asked_columns(plain.to_dict()) == {"who": ""}


NODE = {"predicate": "x < 1", "to": {"system": "b"}}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param(None, "decision list: a NoneType; expected a mapping", id="nothing"),
        pytest.param([NODE], "decision list: a list; expected a mapping", id="a-list"),
        pytest.param({1: 2}, "decision list: a dict; expected a mapping by name", id="numbers-for-names"),
        pytest.param({"base": "a"}, "decision list: has no nodes; expected about, base, nodes", id="no-nodes"),
        pytest.param({"nodes": []}, "decision list: has no base", id="no-base"),
        pytest.param({"base": "a", "nodes": [], "x": 1}, "decision list: has 'x'; expected", id="another-key"),
        pytest.param({"base": 5, "nodes": []}, "base: 5; expected the name of a system", id="base-is-a-number"),
        pytest.param({"base": "", "nodes": []}, "base: ''; expected the name", id="no-name"),
        pytest.param({"base": "a\x1b[2J", "nodes": []}, r"base: 'a\\x1b\[2J'; expected", id="a-terminal-s-escape"),
        pytest.param({"base": "a" * 201, "nodes": []}, "at most 200 long", id="a-long-name"),
        pytest.param({"base": "a", "nodes": {}}, "nodes: a dict; expected a list", id="nodes-are-no-list"),
        pytest.param({"base": "a", "nodes": ["x"]}, r"nodes\[0\]: a str; expected a mapping", id="node-is-no-mapping"),
        pytest.param({"base": "a", "nodes": [{}]}, r"nodes\[0\]: has no predicate", id="an-empty-node"),
        pytest.param({"base": "a", "nodes": [NODE | {"y": 1}]}, r"nodes\[0\]: has 'y'", id="another-key-in-a-node"),
        pytest.param(
            {"base": "a", "nodes": [NODE | {"predicate": 5}]}, "predicate: a int; expected a text", id="no-text"
        ),
        pytest.param(
            {"base": "a", "nodes": [NODE | {"predicate": "x <"}]},
            r"nodes\[0\]: predicate, character 4",
            id="no-predicate",
        ),
        pytest.param(
            {"base": "a", "nodes": [NODE, NODE | {"predicate": "y < 1"}]},
            r"nodes\[1\]: .*no column is called 'y'",
            id="undeclared",
        ),
        pytest.param(
            {"base": "a", "nodes": [NODE | {"to": "b"}]}, r"nodes\[0\].to: a str; expected a mapping", id="to"
        ),
        pytest.param(
            {"base": "a", "nodes": [NODE | {"to": {}}]}, r"expected either system or version", id="to-nothing"
        ),
        pytest.param(
            {"base": "a", "nodes": [NODE | {"to": {"system": "b", "version": 0}}]},
            "either system or version",
            id="to-both",
        ),
        pytest.param({"base": "a", "nodes": [NODE | {"to": {"system": 0}}]}, "expected a system's name", id="system-0"),
        pytest.param({"base": "a", "nodes": [NODE | {"to": {"version": "b"}}]}, "a version's number", id="version-b"),
        *(
            pytest.param(
                {"base": "a", "nodes": [NODE, NODE | {"to": {"version": version}}]},
                r"nodes\[1\].to.version=.*; expected a whole number from 0 to 1",
                id=f"version-{version:.6}" if isinstance(version, str) else f"version-{type(version).__name__}",
            )
            for version in (2, -1, 10**5000, 0.0, True, None, float("nan"), [0])
        ),
        pytest.param({"base": "a", "nodes": [], "about": []}, "about: a list; expected a mapping", id="about"),
        pytest.param(
            {"base": "a", "nodes": [], "about": {"x": "\n"}}, r"about\['x'\]: '\\n'; expected a line", id="lines"
        ),
    ],
)
def test_what_is_no_list_is_refused_at_its_place(told, words):
    with pytest.raises(DecisionListError, match=words) as refused:
        DecisionList.from_dict(told, COLUMNS)
    assert isinstance(refused.value, UsageError)
    assert str(refused.value).isprintable()


def test_a_list_of_endless_predicates_is_refused_before_one_is_read():
    nodes = [NODE | {"predicate": f"x == {n} and {' and '.join(['true'] * 200)}"} for n in range(1_000)]
    with pytest.raises(DecisionListError, match=r"predicates of 1,\d{3},\d{3} characters; expected 1,000,000"):
        DecisionList.from_dict({"base": "a", "nodes": nodes}, COLUMNS)


@pytest.mark.parametrize("number", [-1, 1])
def test_a_version_that_never_was_is_an_error(number):
    with pytest.raises(DecisionListError, match="expected one from 0 to 0"):
        DecisionList("a").version(number)
