"""An accepted pair of a group and a system in, the list with repairs out, so that no accepted group gets worse.

Every acceptance prepends a pair to the list, and then repairs: an accepted group that would now err more than under
the list after some earlier round is pointed back to that list (Globus-Harris, Kearns and Roth 2022). A repair lowers
the errors of its group and changes nobody else's, so it lowers those of everybody, and repairs end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bounty.losses import Holdout, Ints
from harness.predicates import Column, DecisionList, DecisionListError, Predicate


@dataclass(frozen=True, slots=True)
class Repair:
    """Points an accepted group back to an earlier version of the list."""

    group: int  # the acceptance, from 1
    version: int  # how many nodes the list had


@dataclass(frozen=True, slots=True)
class PointerDecisionList:
    """Is a decision list whose nodes are accepted pairs, each followed by its repairs."""

    decisions: DecisionList

    @property
    def base(self) -> str:
        """Return the system of whoever is in no group."""
        return self.decisions.base

    @property
    def groups(self) -> tuple[Predicate, ...]:
        """Return the accepted groups, in order."""
        return tuple(node.predicate for node in self.decisions.nodes if isinstance(node.to, str))

    @property
    def rounds(self) -> tuple[int, ...]:
        """Return the versions of the list before the first round and after each, (n_rounds + 1,)."""
        nodes = self.decisions.nodes
        return (*(version for version, node in enumerate(nodes) if isinstance(node.to, str)), len(nodes))

    def system_of(self, frame: pd.DataFrame) -> npt.NDArray[np.str_]:
        """Return the system that each row goes to, (n_rows,)."""
        return self.decisions.systems(frame)

    def errors(self, holdout: Holdout, *, version: int | None = None) -> Ints:
        """Return the clipped errors of each utterance under the list, or under a version of it, (n_utterances,).

        Raises:
            UsageError: The holdout has no errors of a system that the list names.
        """
        decisions = self.decisions if version is None else self.decisions.version(version)
        systems = decisions.systems(holdout.frame)
        errors = np.zeros(len(systems), np.int64)
        for name in decisions.system_names:
            np.copyto(errors, errors_of(holdout, name), where=systems == name)
        return errors

    def updated(self, group: Predicate, system: str, holdout: Holdout) -> "Updated":
        """Return the list with one more pair and the repairs that this takes.

        After it, no accepted group has more errors on the holdout than after any earlier round, nor the new group more
        than its system gives it.
        """
        with_pair = self.decisions.prepended(group, system)
        versions = {version: self.errors(holdout, version=version) for version in self.rounds}
        now = np.where(group.mask(holdout.frame), errors_of(holdout, system), versions[len(self.decisions.nodes)])
        promises = [_best(each, versions, holdout) for each in self.groups]
        promises.append(_best(group, {**versions, len(with_pair.nodes): now}, holdout))
        repairs: list[Repair] = []
        decisions = with_pair
        while broken := [number for number, each in enumerate(promises) if now[each.members].sum() > each.errors.sum()]:
            promise = promises[broken[0]]
            now[promise.members] = promise.errors
            decisions = decisions.prepended(promise.group, promise.version)
            repairs.append(Repair(broken[0] + 1, promise.version))
        return Updated(PointerDecisionList(decisions), tuple(repairs))

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it: a decision list like any other."""
        return self.decisions.to_dict()

    @classmethod
    def opened(cls, base: str) -> "PointerDecisionList":
        """Return the list before the first acceptance."""
        return cls(DecisionList(base))

    @classmethod
    def from_dict(cls, told: object, columns: Mapping[str, Column]) -> "PointerDecisionList":
        """Return the list that JSON has, whoever wrote it.

        Raises:
            DecisionListError: It is none, or a node points back that is no repair of an accepted group.
        """
        decisions = DecisionList.from_dict(told, columns)
        accepted: set[Predicate] = set()
        for position, node in enumerate(decisions.nodes):
            if isinstance(node.to, str):
                accepted.add(node.predicate)
            elif node.predicate not in accepted:
                raise DecisionListError(
                    f"nodes[{position}]: points a group to version {node.to} that no earlier node sends to a system; "
                    "expected a repair of an accepted group."
                )
        return cls(decisions)


@dataclass(frozen=True, slots=True)
class Updated:
    """Is a list after an acceptance, and what it took to keep every earlier promise."""

    decisions: PointerDecisionList
    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Promise:
    """Says how few errors an accepted group was seen to have."""

    group: Predicate
    members: npt.NDArray[np.intp]
    version: int
    errors: Ints  # of its members under that version


def errors_of(holdout: Holdout, system: str) -> Ints:
    """Return the clipped errors of a system, (n_utterances,).

    Raises:
        UsageError: The holdout has none of it.
    """
    if system not in holdout.errors:
        raise UsageError(f"system {system!r} has no hypotheses here; expected one of {sorted(holdout.errors)}.")
    return holdout.errors[system]


def _best(group: Predicate, versions: Mapping[int, Ints], holdout: Holdout) -> _Promise:
    """Return the version with the fewest errors for a group, the newest of several."""
    members = np.flatnonzero(group.mask(holdout.frame))
    version = min(versions, key=lambda each: (versions[each][members].sum(), -each))
    return _Promise(group, members, version, versions[version][members])
