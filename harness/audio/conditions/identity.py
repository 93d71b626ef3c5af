"""A condition in, what makes it the one it is out: an identity, its digest, and the draw for an utterance.

A digest is part of the key of every transcript that is kept: it holds all that decides over samples (the class, the
version of its algorithm, options, contents of files, versions of codecs) and nothing else, so neither the name nor the
place of a file. The draw depends on less: on nothing that a sweep varies, so that the levels of a sweep share it, and
on no library's version, so that an update does not draw anew.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache

import numpy as np

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.protocol import Condition
from harness.errors import ConditionError

_DIGEST_LENGTH = 16  # hexadecimal digits, 64 bits


def identity_of(condition: Condition) -> dict[str, object]:
    """Returns what decides over a condition's samples, as plain JSON-able values.

    Of a condition that is not ours it is what its method `identity()` returns or, without one, its public attributes.

    Raises:
        ConditionError: when those are no plain values.
    """
    if isinstance(condition, AcousticCondition):
        return _described(condition, without=())
    return _foreign(condition)


def digest_of(condition: Condition) -> str:
    """Returns 16 hexadecimal digits that change with everything that decides over samples, and with nothing else."""
    return hashlib.sha256(_canonical(identity_of(condition))).hexdigest()[:_DIGEST_LENGTH]


def seed_of(utterance_id: str, condition: Condition) -> np.random.Generator:
    """Returns the generator for one utterance under one condition: the same on every machine, night and order.

    The utterances of a sweep's levels (20, 10, 0 dB; 125, 160, 200 Hz) are drawn alike, so that they differ by the
    level alone; nothing depends on the other conditions of a run, nor on a condition's name.
    """
    seed = hashlib.sha256(_draw_key(condition))
    seed.update(b"\0")
    seed.update(utterance_id.encode("utf-8", "surrogatepass"))
    return np.random.default_rng(int.from_bytes(seed.digest(), "little"))


def spawned(rng: np.random.Generator, n: int) -> list[np.random.Generator]:
    """Returns generators of their own for the steps of a chain, so that no step's draw depends on another step."""
    return [np.random.default_rng(int(seed)) for seed in rng.integers(0, 2**63, size=n)]


def _draw_key(condition: Condition) -> bytes:
    if not isinstance(condition, AcousticCondition):
        return _canonical(_foreign(condition))
    try:
        return _key_of_ours(condition)
    except TypeError:  # a chain with a step of somebody's that cannot be hashed
        return _canonical(_drawn(condition))


@lru_cache(maxsize=1024)
def _key_of_ours(condition: AcousticCondition) -> bytes:
    return _canonical(_drawn(condition))


def _drawn(condition: AcousticCondition) -> dict[str, object]:
    described = _described(condition, without=condition.PAIRED)
    described.pop("libraries")
    return described | {"steps": [json.loads(_draw_key(step)) for step in _steps(condition)]}


def _described(condition: AcousticCondition, *, without: tuple[str, ...]) -> dict[str, object]:
    files = dict(condition.files())
    left_out = {"name", "steps", *without, *(argument.partition("[")[0] for argument in files)}
    options = {
        field.name: getattr(condition, field.name)
        for field in fields(condition)
        if field.init and field.name not in left_out
    }
    return {
        "condition": type(condition).__name__,
        "version": condition.VERSION,
        "options": options,
        "files": files,
        "libraries": dict(condition.libraries()),
        "steps": [identity_of(step) for step in _steps(condition)],
    }


def _steps(condition: AcousticCondition) -> tuple[Condition, ...]:
    return tuple(getattr(condition, "steps", ()))


def _foreign(condition: Condition) -> dict[str, object]:
    """Returns what can be told of somebody's condition; a name of ours cannot be mistaken for theirs."""
    made = type(condition)
    identity = getattr(condition, "identity", None)
    try:
        described = identity() if callable(identity) else _attributes(condition)
        found: dict[str, object] = {"condition": f"{made.__module__}.{made.__qualname__}", "attributes": described}
        _canonical(found)
    except (TypeError, ValueError) as error:
        raise ConditionError(
            f"condition '{condition.name}' ({made.__qualname__}) cannot be told from others: {error}. Give it a method "
            "identity() that returns its options, the digests of its files and a version, as plain values"
        ) from error
    return found


def _attributes(condition: Condition) -> Mapping[str, object]:
    if is_dataclass(condition):
        return {field.name: getattr(condition, field.name) for field in fields(condition) if field.name != "name"}
    found: dict[str, object] = {key: value for key, value in vars(condition).items() if not key.startswith("_")}
    found.pop("name", None)
    return found


def _canonical(identity: Mapping[str, object]) -> bytes:
    if _holds_nan(identity):
        raise ValueError("NaN is no value that could be compared")
    return json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _holds_nan(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_nan(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_nan(each) for each in value)
    return isinstance(value, float) and math.isnan(value)
