"""A file of Kaldi's, a key and a value a line, in; the value of one key after another out, from little memory.

Kaldi keeps its files in the order of their keys. Those that are so are read in step with the one that leads; any other
is held in memory.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Ledger
from harness.corpus.textfiles import text_lines
from harness.corpus.tokens import BLANKS

Unused = Callable[[int], None]  # told the line of every key that was not asked for


class Lookup(Protocol):
    """Gives values by key, each once."""

    def value(self, key: str) -> str | None:
        """Returns what stands behind a key; None where it has no line."""

    def close(self) -> None:
        """Tells of the lines that nobody asked for."""


def keyed_lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yields line, key and value; blank lines say nothing, and blanks around a value are not part of it."""
    for number, text in text_lines(path):
        key, separator, value = text.strip(BLANKS).partition(" ")
        if "\t" in key:
            key, _, rest = key.partition("\t")
            value = f"{rest}{separator}{value}"
        if key:
            yield number, key, value.lstrip(BLANKS)


def is_in_order(path: Path) -> bool:
    """Returns whether keys stand in the order of their bytes, as `LC_ALL=C sort` has them."""
    before = ""
    for _, key, _ in keyed_lines(path):
        if key < before:
            return False
        before = key
    return True


def lookup(path: Path, ledger: Ledger, unused: Unused) -> Lookup:
    """Returns a file's values for a reader whose own keys are in order."""
    return InStep(path, ledger, unused) if is_in_order(path) else InMemory(path, ledger, unused)


class InStep:
    """Reads a file whose keys are in order, for keys that are asked for in order."""

    def __init__(self, path: Path, ledger: Ledger, unused: Unused) -> None:
        self._lines = keyed_lines(path)
        self._refuse = _Refusal(path, ledger)
        self._unused = unused
        self._next = next(self._lines, None)

    def value(self, key: str) -> str | None:
        """Returns what stands behind a key; None where it has no line."""
        while self._next is not None and self._next[1] < key:
            self._unused(self._next[0])
            self._next = next(self._lines, None)
        if self._next is None or self._next[1] != key:
            return None
        value = self._next[2]
        self._next = next(self._lines, None)
        while self._next is not None and self._next[1] == key:
            self._refuse.second(self._next[0], key)
            self._next = next(self._lines, None)
        return value

    def close(self) -> None:
        """Tells of the lines that nobody asked for."""
        while self._next is not None:
            self._unused(self._next[0])
            self._next = next(self._lines, None)


class InMemory:
    """Holds a file, for keys that are asked for in any order."""

    def __init__(self, path: Path, ledger: Ledger, unused: Unused) -> None:
        self._values: dict[str, tuple[int, str]] = {}
        self._unused = unused
        refuse = _Refusal(path, ledger)
        for number, key, value in keyed_lines(path):
            if key in self._values:
                refuse.second(number, key)
            else:
                self._values[key] = number, value

    def value(self, key: str) -> str | None:
        """Returns what stands behind a key; None where it has no line."""
        found = self._values.pop(key, None)
        return None if found is None else found[1]

    def close(self) -> None:
        """Tells of the lines that nobody asked for."""
        for number, _ in self._values.values():
            self._unused(number)
        self._values.clear()


class _Refusal:
    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._name = path.name
        self._ledger = ledger

    def second(self, number: int, key: str) -> None:
        self._ledger.refuse(f"{self._name}:{number}", f"is a second line of {shown(key)}. Keep one of them.")
