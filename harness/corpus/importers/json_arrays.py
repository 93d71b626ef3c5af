"""A file that holds one JSON array in; its objects out, one at a time, each with the line that it starts on.

Only the object at hand is held, so that an array of any length is read in the same memory.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from harness.corpus.cells import shown
from harness.corpus.textfiles import check_regular
from harness.errors import TextFileError

CHUNK = 1 << 16  # characters read at a time
LONGEST_OBJECT = 4_000_000  # characters

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()

Refuse = Callable[[int, str], None]  # takes the line of an element that is no object, and why


def array_objects(path: Path, refuse: Refuse, *, name: str | None = None) -> Iterator[tuple[int, dict[str, object]]]:
    """Yields the objects of an array.

    Args:
        path: The file, UTF-8.
        refuse: Told of every element that is no object.
        name: What messages call the file; its own name when not given.

    Raises:
        TextFileError: It is no JSON array or cut off; the message names the line.
    """
    name = name or path.name
    try:
        check_regular(path, name)
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _objects(_Ahead(file, name), refuse)
    except UnicodeDecodeError as error:
        raise TextFileError([f"{name}: its bytes are not UTF-8. Save the file as UTF-8."]) from error
    except OSError as error:
        raise TextFileError([f"{name}: cannot be read: {error.strerror or error}."]) from error


class _Ahead:
    """Is what was read of a file and not used yet."""

    def __init__(self, file: TextIO, name: str) -> None:
        self.name = name
        self.line = 1
        self.text = ""
        self.at = 0  # what stands before in the text is used
        self._file = file

    def read_more(self) -> bool:
        """Reads as much again as is waiting; returns whether there was more."""
        more = self._file.read(max(CHUNK, len(self.text) - self.at))
        if more:
            self.text, self.at = self.text[self.at :] + more, 0
        return bool(more)

    def use_to(self, end: int) -> None:
        """Goes on to a place in the text."""
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def next_character(self) -> str:
        """Returns the next character that is no space; "" at the end of the file."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.use_to(space.end() if space else self.at)
            if self.at < len(self.text) or not self.read_more():
                return self.text[self.at : self.at + 1]

    def problem(self, what: str) -> TextFileError:
        """Returns the error that says what is wrong here."""
        return TextFileError([f"{self.name}:{self.line}: {what}"])


def _objects(ahead: _Ahead, refuse: Refuse) -> Iterator[tuple[int, dict[str, object]]]:
    if ahead.next_character() != "[":
        raise ahead.problem(
            f"begins with {shown(ahead.text[ahead.at : ahead.at + 20])}; expected one JSON array of objects."
        )
    ahead.use_to(ahead.at + 1)
    if ahead.next_character() == "]":
        return
    while True:
        ahead.next_character()
        line, found = ahead.line, _element(ahead)
        if isinstance(found, dict):
            yield line, found
        else:
            refuse(line, f"holds {shown(found)}; expected one JSON object.")
        mark = ahead.next_character()
        if mark == "]":
            return
        if mark != ",":
            raise ahead.problem(f"has {shown(mark)} after an object; expected a comma or the end of the array.")
        ahead.use_to(ahead.at + 1)


def _element(ahead: _Ahead) -> object:
    while True:
        try:
            found, end = _DECODER.raw_decode(ahead.text, ahead.at)
            if end < len(ahead.text) or not ahead.read_more():
                ahead.use_to(end)
                element: object = found
                return element
            continue
        except RecursionError:
            raise ahead.problem("is nested too deeply; expected plain objects.") from None
        except ValueError as error:
            problem = f"is not JSON or cut off ({str(error)[:100]}). Fetch the file again."
        if len(ahead.text) - ahead.at > LONGEST_OBJECT or not ahead.read_more():
            raise ahead.problem(problem)
