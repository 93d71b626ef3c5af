"""Times and confidences as services write them in, seconds and fractions out."""

import math
import re

from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.records import Piece

_SECONDS = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?)s")
TICK_S = 1e-7  # what Azure counts in
MILLISECOND_S = 1e-3


def piece(text: str, times: tuple[float, float], *, sureness: float | None = None, channel: str | None = None) -> Piece:
    """Return a piece; one that ends before it starts, as some aligners have them, ends as it starts."""
    return Piece(text.strip(), times[0], max(times), sureness, channel)


def confidence(node: Node, *keys: str) -> float | None:
    """Return the confidence under one of some keys; None where there is none in [0, 1].

    Raises:
        ShapeError: It is no number.
    """
    found = node.optional_number(*(keys or ("confidence",)))
    return found if found is not None and 0 <= found <= 1 else None


def channel_name(node: Node, *keys: str) -> str | None:
    """Return the name of a channel, which may be written as a number; None where none is named.

    Raises:
        ShapeError: It is neither text nor number.
    """
    found = node.optional(*keys)
    if found is None:
        return None
    return found.as_text() if isinstance(found.value, str) else f"{found.as_number():.15g}"


def optional_duration(node: Node, *keys: str) -> float | None:
    """Return a time as Google's services write it, in seconds: `"1.400s"`, or seconds and nanos; None where absent.

    Raises:
        ShapeError: It is no such time.
    """
    found = node.optional(*keys)
    if found is None:
        return None
    if isinstance(found.value, str):
        match = _SECONDS.fullmatch(found.value)
        if match is None:
            raise found.wrong('seconds such as "1.400s"')
        return float(match[1])
    whole = found.optional_seconds("seconds") or 0.0
    return whole + (found.optional_seconds("nanos", unit_s=1e-9) or 0.0)


def length(node: Node | None, *keys: str, unit_s: float = 1.0) -> float:
    """Return the length of a recording in seconds; NaN where the source does not say.

    Raises:
        ShapeError: It is no finite number of at least 0.
    """
    found = None if node is None else node.optional_seconds(*keys, unit_s=unit_s)
    return math.nan if found is None else found


def span(start_s: float | None, end_s: float | None, node: Node) -> tuple[float, float]:
    """Return both times of a word.

    Raises:
        ShapeError: One is absent.
    """
    if start_s is None or end_s is None:
        raise ShapeError(f"{node.place} has no start or no end; expected the times of a word")
    return start_s, end_s
