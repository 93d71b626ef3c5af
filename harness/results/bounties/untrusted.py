"""A file that somebody handed in goes in, what its JSON says comes out: bounded, and nothing of it is run or followed.

A link, a pipe or a device is not opened; what is larger than allowed is not read; a key that stands twice, a number
that is none, and nesting that has no end are refused.
"""

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from harness.corpus.cells import shown
from harness.errors import UsageError

DEEPEST = 20  # levels of nesting; a submission has three


def read_untrusted(path: Path, *, most: int, what: str) -> bytes:
    """Return the bytes of a plain file.

    Args:
        path: The file.
        most: Bytes that it may have.
        what: What messages call it.

    Raises:
        UsageError: It is not there, is a link or no file, cannot be read, or is larger.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        if isinstance(error, OSError) and path.is_symlink():
            raise UsageError(f"{what}: is a link; expected the file itself. Copy it there.") from error
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{what}: cannot be read ({reason}). Give a file.") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise UsageError(f"{what}: is no plain file. Give a file.")
    with os.fdopen(handle, "rb") as file:
        if found.st_size > most:
            raise UsageError(f"{what}: has {found.st_size:,} bytes; expected at most {most:,}.")
        data = file.read(most + 1)
    if len(data) > most:
        raise UsageError(f"{what}: grew to more than {most:,} bytes while it was read. Give a file at rest.")
    return data


def parsed(data: bytes, what: str) -> object:
    """Return what a JSON text says.

    Raises:
        UsageError: It is no JSON in UTF-8, is nested too deeply, has a key twice, a number that is none, or half a
            character.
    """
    try:
        text = data.decode("utf-8")
        found: object = _DECODER.decode(text)
        _check(found, DEEPEST)
    except RecursionError as error:
        raise UsageError(f"{what}: is nested without end; expected {DEEPEST} levels at most.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{what}: is not UTF-8 (byte {error.start:,}). Save it as UTF-8.") from error
    except ValueError as error:
        raise UsageError(f"{what}: is no JSON that can be taken ({error}).") from error
    return found


def object_of(found: object, what: str, *, needed: frozenset[str], optional: frozenset[str]) -> Mapping[str, object]:
    """Return a JSON object with exactly the keys that are known.

    Raises:
        UsageError: It is none, a key is missing, or one is unknown.
    """
    if not isinstance(found, dict):
        raise UsageError(f"{what}: is {shown(found)}; expected an object with {_listed(needed)}.")
    unknown, missing = sorted(found.keys() - needed - optional), sorted(needed - found.keys())
    if unknown or missing:
        problems = [f"has the key {shown(name)}" for name in unknown[:3]] + [f"lacks {name!r}" for name in missing]
        further = f", and if need be {_listed(optional)}" if optional else ""
        raise UsageError(f"{what}: {', '.join(problems)}; expected {_listed(needed)}{further}.")
    return found


def text_of(found: object, what: str, *, most: int, empty: bool = False) -> str:
    """Return a text.

    Raises:
        UsageError: It is none, is empty where it may not be, or is longer.
    """
    if not isinstance(found, str):
        raise UsageError(f"{what}: is {shown(found)}; expected a text.")
    if not found.strip() and not empty:
        raise UsageError(f"{what}: is empty; expected a text.")
    if len(found) > most:
        raise UsageError(f"{what}: has {len(found):,} characters; expected at most {most:,}.")
    return found


def _listed(names: frozenset[str]) -> str:
    return ", ".join(map(repr, sorted(names)))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shown(twice)} stands twice in one object")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _check(node: object, levels: int) -> None:
    """Refuse what is nested deeper, numbers without end, and texts that cannot be written."""
    if levels < 0:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(node, float) and not math.isfinite(node):
        raise ValueError("a number is too large")
    if isinstance(node, str):
        _check_text(node)
    elif isinstance(node, dict):
        for key, value in node.items():
            _check_text(key)
            _check(value, levels - 1)
    elif isinstance(node, list):
        for value in node:
            _check(value, levels - 1)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"half a character at place {error.start}") from error
