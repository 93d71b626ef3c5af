"""A list of predicates and the systems that they choose in, which system each utterance goes to out.

A list asks its newest node first: where its predicate is true, the utterance goes to its system, or on as an earlier
version of the list would have it; where no predicate is true, to the base (Globus-Harris, Kearns and Roth 2022). The
nodes stand in the order in which they were prepended: version v is the base and the first v nodes, version 0 the base.

    {"base": "a", "nodes": [{"predicate": "snr_db < 10", "to": {"system": "b"}},
                            {"predicate": "true", "to": {"version": 1}}]}

`about`, if there, says of columns what they are: `{"accent": "accent, self_reported"}`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError
from harness.predicates.columns import Column
from harness.predicates.evaluation import Cell, Table, mask
from harness.predicates.predicate import Predicate, named_columns, parse
from harness.predicates.refusals import PredicateError, quoted, shown

if TYPE_CHECKING:
    import pandas as pd

MOST_NODES = 10_000
MOST_CHARACTERS = 1_000_000  # of all different predicates
LONGEST_NAME = 200  # characters of a system's name
LONGEST_ABOUT = 2_000  # characters of what is said of a column


class DecisionListError(UsageError):
    """Says where something is no decision list."""


@dataclass(frozen=True, slots=True)
class Node:
    """Sends the utterances of a predicate on.

    Attributes:
        predicate: Whom.
        to: The name of a system, or the number of an earlier version of the list.
    """

    predicate: Predicate
    to: str | int


@dataclass(frozen=True, slots=True)
class DecisionList:
    """Chooses a system for every utterance.

    Attributes:
        base: The system of whoever is in no node.
        nodes: In the order in which they were prepended.
        about: What columns are, for people; it decides nothing.

    Raises:
        DecisionListError: A name is none, or a node points to a version that is not older than itself.
    """

    base: str
    nodes: tuple[Node, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        _name(self.base, "base")
        if len(self.nodes) > MOST_NODES:
            raise DecisionListError(f"decision list: {len(self.nodes):,} nodes; expected at most {MOST_NODES:,}.")
        for position, node in enumerate(self.nodes):
            _checked_target(node.to, position)

    @property
    def system_names(self) -> tuple[str, ...]:
        """Return the names of all systems, the base first."""
        return tuple(dict.fromkeys([self.base, *(node.to for node in self.nodes if isinstance(node.to, str))]))

    @property
    def columns(self) -> frozenset[str]:
        """Return the names of all columns that its predicates ask."""
        return frozenset().union(*(node.predicate.columns for node in self.nodes))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what it decides."""
        told = json.dumps(replace(self, about={}).to_dict(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()

    def version(self, number: int) -> "DecisionList":
        """Return the list as it was when it had so many nodes.

        Raises:
            DecisionListError: It never had.
        """
        if not 0 <= number <= len(self.nodes):
            raise DecisionListError(f"version {number}; expected one from 0 to {len(self.nodes)}.")
        return replace(self, nodes=self.nodes[:number])

    def prepended(self, predicate: Predicate, to: str | int) -> "DecisionList":
        """Return the next version, which asks one more node first."""
        return replace(self, nodes=(*self.nodes, Node(predicate, to)))

    def system_of_row(self, values: Mapping[str, Cell]) -> str:
        """Return the system of one utterance.

        Args:
            values: By column; None where there is none.

        Raises:
            DataError: A column is missing, or its value is of another kind than is asked for.
        """
        version = len(self.nodes)
        while version:
            node = self.nodes[version - 1]
            if not node.predicate.holds(values):
                version -= 1
            elif isinstance(node.to, str):
                return node.to
            else:
                version = node.to
        return self.base

    def systems(self, frame: "pd.DataFrame") -> npt.NDArray[np.str_]:
        """Return the system of each row of a frame: `(n_rows,)`.

        Raises:
            DataError: As `system_of_row` raises it.
        """
        table = Table(frame)
        return self._followed(table.n_rows, lambda position: mask(self.nodes[position].predicate.tree, table))

    def followed(self, masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
        """Return the system of each row where it is known already who is in which node.

        Args:
            masks: `(n_nodes, n_rows)`.
        """
        return self._followed(masks.shape[1], lambda position: masks[position])

    def _followed(self, n_rows: int, is_in: Callable[[int], npt.NDArray[np.bool_]]) -> npt.NDArray[np.str_]:
        """Ask every node once, the newest first: pointers lead to older versions only."""
        names = self.system_names
        numbers = {name: number for number, name in enumerate(names)}
        system = np.zeros(n_rows, dtype=np.int64)  # the base
        version = np.full(n_rows, len(self.nodes))  # that each row is at; 0 where nothing is left to ask
        for position in reversed(range(len(self.nodes))):
            to = self.nodes[position].to
            sent = (version == position + 1) & is_in(position)
            version[version == position + 1] = position
            version[sent] = 0 if isinstance(to, str) else to
            if isinstance(to, str):
                system[sent] = numbers[to]
        return np.asarray(names, dtype=np.str_)[system]

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        nodes = [
            {"predicate": node.predicate.text, "to": {"system" if isinstance(node.to, str) else "version": node.to}}
            for node in self.nodes
        ]
        return {"base": self.base, "nodes": nodes} | ({"about": dict(self.about)} if self.about else {})

    @classmethod
    def from_dict(cls, told: object, columns: Mapping[str, Column]) -> "DecisionList":
        """Return the list that JSON has, whoever wrote it.

        Args:
            told: As `to_dict` returns it.
            columns: That predicates may ask.

        Raises:
            DecisionListError: It is none, or a predicate is none or asks another column; the message names the node.
        """
        written = _written(told)
        known: dict[str, Predicate] = {}
        for node in written.nodes:
            if node.text not in known:
                with _in_node(node.position):
                    known[node.text] = parse(node.text, columns)
        return cls(written.base, tuple(Node(known[node.text], node.to) for node in written.nodes), written.about)


def asked_columns(told: object) -> dict[str, str]:
    """Return the names of all columns that the predicates of a list ask, declared or not.

    Args:
        told: As for `DecisionList.from_dict`.

    Returns:
        By name, in order: what the list says that it is; "" where it does not say.

    Raises:
        DecisionListError: It is no list of predicates.
    """
    written = _written(told)
    asked: set[str] = set()
    for node in {node.text: node for node in reversed(written.nodes)}.values():
        with _in_node(node.position):
            asked |= named_columns(node.text)
    return {name: written.about.get(name, "") for name in sorted(asked)}


@dataclass(frozen=True, slots=True)
class _WrittenNode:
    """Is a node whose predicate nobody has read."""

    position: int
    text: str
    to: str | int


@dataclass(frozen=True, slots=True)
class _Written:
    """Is a list whose predicates nobody has read."""

    base: str
    nodes: tuple[_WrittenNode, ...]
    about: Mapping[str, str]


def _written(told: object) -> _Written:
    """Check everything but the predicates.

    Raises:
        DecisionListError: Something is not as it should be.
    """
    entries = _mapping(told, "decision list", needed={"base", "nodes"}, allowed={"about"})
    nodes = entries["nodes"]
    if not isinstance(nodes, list):
        raise DecisionListError(f"nodes: a {type(nodes).__name__}; expected a list.")
    if len(nodes) > MOST_NODES:
        raise DecisionListError(f"nodes: {len(nodes):,} of them; expected at most {MOST_NODES:,}.")
    found = tuple(_node(node, position) for position, node in enumerate(nodes))
    n_characters = sum(map(len, {node.text for node in found}))
    if n_characters > MOST_CHARACTERS:
        raise DecisionListError(f"nodes: predicates of {n_characters:,} characters; expected {MOST_CHARACTERS:,}.")
    return _Written(_name(entries["base"], "base"), found, _about(entries.get("about", {})))


def _node(told: object, position: int) -> _WrittenNode:
    where = f"nodes[{position}]"
    node = _mapping(told, where, needed={"predicate", "to"})
    text, target = node["predicate"], _mapping(node["to"], f"{where}.to", allowed={"system", "version"})
    if not isinstance(text, str):
        raise DecisionListError(f"{where}.predicate: a {type(text).__name__}; expected a text.")
    if len(target) != 1:
        raise DecisionListError(f"{where}.to: {sorted(target)}; expected either system or version.")
    to = target.get("system", target.get("version"))
    if ("system" in target) != isinstance(to, str):
        raise DecisionListError(f"{where}.to: {shown(to)}; expected a system's name, or a version's number.")
    return _WrittenNode(position, text, _checked_target(to, position))


def _checked_target(to: object, position: int) -> str | int:
    """Return the target of a node, which has to be older than the node."""
    where = f"nodes[{position}].to"
    if isinstance(to, str):
        return _name(to, f"{where}.system")
    if not isinstance(to, int) or isinstance(to, bool) or not 0 <= to <= position:
        raise DecisionListError(f"{where}.version={shown(to)}; expected a whole number from 0 to {position}.")
    return to


def _about(told: object) -> dict[str, str]:
    about = _mapping(told, "about", allowed=None)
    for name, what in about.items():
        if not isinstance(what, str) or not what.isprintable() or len(what) > LONGEST_ABOUT:
            raise DecisionListError(f"about[{quoted(name)}]: {shown(what)}; expected a line of text.")
    return {name: str(what) for name, what in about.items()}


def _mapping(
    told: object, where: str, *, needed: Set[str] = frozenset(), allowed: Set[str] | None = frozenset()
) -> Mapping[str, object]:
    """Return a mapping by name that has what is needed and nothing that is not allowed; None allows everything."""
    if not isinstance(told, Mapping) or not all(isinstance(key, str) for key in told):
        raise DecisionListError(f"{where}: a {type(told).__name__}; expected a mapping by name.")
    missing, odd = sorted(needed - set(told)), sorted(set(told) - needed - allowed if allowed is not None else ())
    if missing or odd:
        found = f"no {missing[0]}" if missing else quoted(odd[0])
        expected = ", ".join(sorted({*needed, *(allowed or ())}))
        raise DecisionListError(f"{where}: has {found}; expected {expected}.")
    return told


def _name(told: object, where: str) -> str:
    if not isinstance(told, str) or not told or not told.isprintable() or len(told) > LONGEST_NAME:
        raise DecisionListError(f"{where}: {shown(told)}; expected the name of a system, at most {LONGEST_NAME} long.")
    return told


@contextmanager
def _in_node(position: int) -> Iterator[None]:
    """Say of a predicate that is refused whose it is."""
    try:
        yield
    except PredicateError as error:
        raise DecisionListError(f"nodes[{position}]: {error}") from error
