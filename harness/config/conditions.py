"""The nodes of `conditions` in, the conditions of a run out: lists are swept, and what is crossed is put together.

A node says what `harness.plugins` builds; the argument that its class names as SWEPT may be a list, which makes one
condition of each value, called after it: `kitchen_10db`. What they are a sweep of is told by `Conditions.levels`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import cast

import pandas as pd

from harness.audio.conditions import Chain, Clean, Condition, digest_of
from harness.errors import UsageError
from harness.plugins import build, class_of
from harness.transcription.store import CLEAN

MOST = 200  # conditions of a run: each hears every utterance once more
LEVEL_COLUMNS = ("condition", "sweep", "parameter", "level", "digest")
_LEFT_OUT = "???"  # in a choice's YAML: what only the user can give
_UNITS = ("db", "hz", "s", "ms", "m", "share", "percent")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Holds the conditions of a run, `clean` first.

    Attributes:
        all: In order.
        levels: One row a condition with LEVEL_COLUMNS: what it is a level of; `parameter` is empty and `level` NaN
            where nothing is swept.
    """

    all: tuple[Condition, ...]
    levels: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Level:
    """Is one condition of a node."""

    condition: Condition
    sweep: str
    parameter: str
    level: float


def conditions_of(nodes: Mapping[str, object], *, allowed: frozenset[str], crossed: Sequence[str] = ()) -> Conditions:
    """Build every condition that the nodes name, and `clean`.

    Args:
        nodes: By name: `_target_` and its constructor's arguments.
        allowed: What `_target_` may be.
        crossed: Names whose conditions are also put together, one of each, in this order.

    Raises:
        UsageError: A node cannot be built, two conditions share a name or one takes that of `clean`, there are too
            many, or a crossed name is none.
    """
    made = {name: _levels(name, node, allowed) for name, node in nodes.items()}
    unknown = [name for name in crossed if name not in made]
    if unknown:
        raise UsageError(f"crossed names {unknown[0]!r}; the conditions of this run are {list(made)}.")
    parts = [made[name] for name in dict.fromkeys(crossed)]
    alone = [level for levels in made.values() for level in levels if not _is_clean(level.condition)]
    n_together = prod(1 + len(levels) for levels in parts) - sum(map(len, parts)) - 1
    if len(alone) + n_together > MOST:
        raise UsageError(f"{len(alone) + n_together} conditions; expected at most {MOST}. Sweep or cross less.")
    found = [*alone, *_together(parts)]
    _check_names([each.condition.name for each in found])
    levels = [_Level(Clean(), CLEAN, "", math.nan), *found]
    rows = [(each.condition.name, each.sweep, each.parameter, each.level, digest_of(each.condition)) for each in levels]
    return Conditions(tuple(each.condition for each in levels), pd.DataFrame(rows, columns=list(LEVEL_COLUMNS)))


def _levels(name: str, node: object, allowed: frozenset[str]) -> list[_Level]:
    """Return the conditions of one node: one, or one a value of the swept argument."""
    if not isinstance(node, Mapping):
        raise UsageError(
            f"conditions.{name} is {node!r:.80}; expected _target_ and its arguments, or condition={name}."
        )
    plain = {str(key): value for key, value in node.items()}
    missing = [key for key, value in plain.items() if value == _LEFT_OUT]
    if missing:
        raise UsageError(f"condition={name} needs conditions.{name}.{missing[0]}=…; add it to the command.")
    swept = str(getattr(class_of("condition", plain, allowed=allowed), "SWEPT", ""))
    values = plain.get(swept) if swept else None
    if not isinstance(values, list | tuple):
        return [_level(plain, str(plain.get("name") or name), allowed, sweep=name, swept=swept)]
    if not values:
        raise UsageError(f"conditions.{name}.{swept} is an empty list; expected a value or several.")
    named = [(value, f"{name}_{_told(value, swept)}") for value in values]
    return [_level(plain | {swept: value}, each, allowed, sweep=name, swept=swept) for value, each in named]


def _level(node: Mapping[str, object], called: str, allowed: frozenset[str], *, sweep: str, swept: str) -> _Level:
    condition = cast("Condition", build("condition", dict(node) | {"name": called}, allowed=allowed))
    value = node.get(swept)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _Level(condition, sweep, swept if is_number else "", float(cast("float", value)) if is_number else math.nan)


def _told(value: object, swept: str) -> str:
    """Return a value as a name has it: `10db`, `-5db`, `1000hz`, `0.05`."""
    unit = swept.rpartition("_")[2]
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{number}{unit if unit in _UNITS and unit not in ('share', 'percent') else ''}"


def _together(parts: Sequence[Sequence[_Level]]) -> list[_Level]:
    """Return every combination of two or more parts, one condition of each."""
    found = []
    for chosen in product(*([None, *levels] for levels in parts)):
        some = [each for each in chosen if each is not None]
        if len(some) > 1:
            found.append(_chained(some))
    return found


def _chained(levels: Sequence[_Level]) -> _Level:
    """Put conditions after one another; a level of the first that is swept, among these others."""
    swept = next((each for each in levels if each.parameter), levels[0])
    name = "-".join(each.condition.name for each in levels)
    sweep = "-".join(each.sweep if each is swept else each.condition.name for each in levels)
    return _Level(Chain(steps=tuple(each.condition for each in levels), name=name), sweep, swept.parameter, swept.level)


def _is_clean(condition: Condition) -> bool:
    """Say whether a condition is `clean`.

    Raises:
        UsageError: Another one is called so: it would be taken for the recordings as they are.
    """
    if condition.name == CLEAN and not isinstance(condition, Clean):
        raise UsageError(f"{type(condition).__name__} is called {CLEAN!r}, as recordings are. Give it another name.")
    return condition.name == CLEAN


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"two conditions are called {twice[0]!r}. Give one of them another name, or leave it out.")
