"""A text file of NIST's kind in, its lines without comments and blank ones out, and what their fields may hold."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.corpus.cells import NUMBER
from harness.corpus.textfiles import text_lines
from harness.errors import HypothesesError, TextFileError
from harness.scoring.transcripts.records import MOST_PROBLEMS, Heard, Piece

_COMMENT = ";;"
_NULL_WORD = "@"  # NIST's word for no word


class LineError(ValueError):
    """Says what is wrong with a line."""


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something.

    Raises:
        HypothesesError: The file is no text in UTF-8, or its lines end in nothing but carriage returns.
    """
    try:
        for line, text in text_lines(path, name=str(path)):
            if "\r" in text:
                raise HypothesesError([f"{path}:{line}: has a carriage return in it; end lines in LF or CRLF"])
            if text.strip() and not text.startswith(_COMMENT):
                yield line, text
    except TextFileError as error:
        raise HypothesesError(error.problems) from error


def gathered(path: Path, add: Callable[[int, str], None], heard: Callable[[], list[Heard]]) -> list[Heard]:
    """Return what was heard when all lines are read.

    Args:
        path: The file.
        add: Takes a line; raises a LineError.
        heard: Returns what was made of all lines.

    Raises:
        HypothesesError: Lines cannot be read; every one is named.
    """
    problems: list[str] = []
    for line, text in lines_of(path):
        try:
            add(line, text)
        except LineError as error:
            problems.append(f"{path}:{line}: {error}")
            if len(problems) >= MOST_PROBLEMS:
                problems.append(f"{path}: perhaps more: gave up after {MOST_PROBLEMS:,} problems")
                break
    if problems:
        raise HypothesesError(problems)
    found = heard()
    if not found:
        raise HypothesesError([f"{path}: is empty; expected a line per utterance"])
    return found


def by_recording(
    path: Path, parsed: Callable[[int, str], tuple[str, Piece]], heard: Callable[[str, list[Piece]], Heard]
) -> list[Heard]:
    """Return what was heard, a recording each, in the order of the file.

    Args:
        path: The file.
        parsed: Returns the recording and the piece of a line; raises a LineError.
        heard: Returns what was heard in a recording.

    Raises:
        HypothesesError: Lines cannot be read; every one is named.
    """
    pieces: dict[str, list[Piece]] = {}

    def add(line: int, text: str) -> None:
        name, found = parsed(line, text)
        pieces.setdefault(name, []).append(found)

    return gathered(path, add, lambda: [heard(name, found) for name, found in pieces.items()])


def time_of(field: str, what: str) -> float:
    """Return a field of seconds.

    Raises:
        LineError: It is none.
    """
    seconds = float(field) if NUMBER.fullmatch(field) else math.nan
    if not 0 <= seconds < math.inf:
        raise LineError(f"has the {what} {field[:40]!r}; expected seconds, a finite number of at least 0")
    return seconds


def spoken(text: str) -> str:
    """Return the words of a text.

    Raises:
        LineError: It has alternatives, of which a recogniser cannot have heard all.
    """
    words = text.split()
    if "{" in words and "/" in words and "}" in words:
        raise LineError("has alternatives in braces, as references may; expected what was heard")
    return " ".join(word for word in words if word != _NULL_WORD)
