"""A JSON file of somebody's in, its parts by name out: what is not there, or is something else, is told with its place.

A file is untrusted: its size and the depth of its nesting are bounded, a key that stands twice is refused, and a number
is only taken where it is finite.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import shown
from harness.errors import HypothesesError
from harness.scoring.transcripts.tables import HALF_CHARACTER

LARGEST_DOCUMENT = 256 * 1024**2  # bytes; a day of speech with the times and tokens of its words is a tenth of it


class ShapeError(ValueError):
    """Says which part of a document is not as its format has it."""


def unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON.

    Raises:
        ValueError: A key stands in it twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys)  # one for all: making it takes as long as using it


@dataclass(frozen=True, slots=True)
class Node:
    """Is a part of a document.

    Attributes:
        value: As JSON has it.
        where: Its place, such as `results.channels[0]`; empty for the whole.
    """

    value: object
    where: str = ""

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def has(self, *keys: str) -> bool:
        """Say whether it is an object with any of these keys, even if nothing is under them."""
        return isinstance(self.value, dict) and any(key in self.value for key in keys)

    def optional(self, *keys: str) -> "Node | None":
        """Return what is under the first of some keys that has something; None where none has.

        Raises:
            ShapeError: It is no object.
        """
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        for key in keys:
            if (found := self.value.get(key)) is not None:
                return Node(found, f"{self.where}.{key}" if self.where else key)
        return None

    def part(self, *keys: str) -> "Node":
        """Return what is under the first of some keys that has something.

        Raises:
            ShapeError: None has.
        """
        found = self.optional(*keys)
        if found is None:
            raise ShapeError(f"{self.place} has no {' or '.join(keys)}")
        return found

    def listed(self, *keys: str) -> Iterator["Node"]:
        """Yield the elements of the list under a key; nothing where there is none.

        Raises:
            ShapeError: It is no list.
        """
        found = self.optional(*keys)
        if found is None:
            return
        if not isinstance(found.value, list):
            raise found.wrong("a list")
        for number, each in enumerate(found.value):
            yield Node(each, f"{found.where}[{number}]")

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Yield keys and what is under them.

        Raises:
            ShapeError: It is no object.
        """
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        for key, each in self.value.items():
            yield checked_text(key, self.place), Node(each, f"{self.where}[{key[:60]!r}]")

    def text(self, *keys: str) -> str:
        """Return the text under the first of some keys that has something.

        Raises:
            ShapeError: There is none.
        """
        return self.part(*keys).as_text()

    def optional_text(self, *keys: str) -> str | None:
        """Return the text under a key; None where there is nothing.

        Raises:
            ShapeError: It is no text.
        """
        found = self.optional(*keys)
        return None if found is None else found.as_text()

    def optional_number(self, *keys: str) -> float | None:
        """Return the number under a key, which may be written as a text; None where there is nothing.

        Raises:
            ShapeError: It is no finite number.
        """
        found = self.optional(*keys)
        return None if found is None else found.as_number()

    def optional_seconds(self, *keys: str, unit_s: float = 1.0) -> float | None:
        """Return the time under a key in seconds; None where there is nothing.

        Raises:
            ShapeError: It is no finite number of at least 0.
        """
        found = self.optional(*keys)
        number = None if found is None else found.as_number() * unit_s
        if found is not None and number is not None and not 0 <= number < math.inf:
            raise found.wrong("a time of at least 0")
        return number

    def as_text(self) -> str:
        """Return the text that it is.

        Raises:
            ShapeError: It is something else.
        """
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return checked_text(self.value, self.place)

    def as_number(self) -> float:
        """Return the number that it is, which may be written as a text.

        Raises:
            ShapeError: It is no finite number.
        """
        try:
            if isinstance(self.value, str | int | float) and not isinstance(self.value, bool):
                number = float(self.value)
                if math.isfinite(number):
                    return number
        except (ValueError, OverflowError):
            pass
        raise self.wrong("a finite number")

    def wrong(self, expected: str) -> ShapeError:
        """Return the error that it is something else."""
        return ShapeError(f"{self.place} is {shown(self.value)}; expected {expected}")

    @property
    def place(self) -> str:
        """Return its place for messages."""
        return self.where or "the document"


def load(path: Path) -> Node:
    """Return the document that a file is.

    Raises:
        HypothesesError: It is too large, no UTF-8, no JSON or nested too deeply.
    """
    size = path.stat().st_size
    if size > LARGEST_DOCUMENT:
        raise HypothesesError(
            [f"{path}: has {size:,} bytes; a JSON document may have {LARGEST_DOCUMENT:,}. Write one a recording."]
        )
    try:
        return Node(DECODER.decode(path.read_bytes().decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise HypothesesError([f"{path}: is not UTF-8 ({error}); save it as UTF-8"]) from error
    except RecursionError as error:
        raise HypothesesError([f"{path}: is nested too deeply; expected a transcript"]) from error
    except ValueError as error:
        raise HypothesesError([f"{path}: cannot be read as JSON ({error}); fetch or write it again"]) from error


def checked_text(text: str, place: str) -> str:
    """Return a text that any file can hold.

    Raises:
        ShapeError: A character in it is cut in half.
    """
    if not text.isascii() and HALF_CHARACTER.search(text):
        raise ShapeError(f"{place} is {text!r:.80}, in which a character is cut in half")
    return text
