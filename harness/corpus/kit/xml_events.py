"""The bytes of an untrusted XML part in, calls of a reader out, in constant memory: no entities, no documents outside.

A document type is where XML keeps entities that expand to gigabytes or read files; no spreadsheet has one, so any is
refused.
"""

from collections.abc import Mapping
from typing import IO, Protocol
from xml.parsers import expat

CHUNK = 1 << 16  # bytes
DEEPEST = 64  # elements in one another; a worksheet has about eight


class PartError(ValueError):
    """Says what is wrong with a part, for the caller to add which one."""


class PartReader(Protocol):
    """Is told of every element by its name without namespace, and of the text between."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element; its attributes by name without namespace."""

    def end(self, name: str) -> None:
        """Take the end of an element."""

    def text(self, text: str) -> None:
        """Take text."""


def read_part(stream: IO[bytes], reader: PartReader, *, n_bytes: int) -> None:
    """Parse a part of at most `n_bytes`.

    Raises:
        PartError: It is not well-formed, has a document type, is nested too deeply or longer than said.
    """
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise PartError("is nested too deeply")
        reader.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(_local(name))

    def refuse(*_: object) -> None:
        raise PartError("has a document type, which no spreadsheet has")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = refuse
    n_read = 0
    try:
        while chunk := stream.read(CHUNK):
            n_read += len(chunk)
            if n_read > n_bytes:
                raise PartError("is longer than it says")
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise PartError(f"is not XML ({error})") from error


def _local(name: str) -> str:
    return name.rpartition("\n")[2]
