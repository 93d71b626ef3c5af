"""Begin and end of a segment, as files write them, in; its offset and duration out; and back, without rounding.

0.1 and 0.3 are no numbers that a computer has, and their difference is not 0.2; as decimals it is.
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from math import isfinite

from harness.corpus.cells import NUMBER, CellError

# Digits that hold the sum of the largest and the smallest number of 64 bits exactly.
_EXACT = Context(prec=1_100)


@dataclass(frozen=True, slots=True)
class Span:
    """Is where a segment lies in its recording; seconds.

    Attributes:
        offset_s: Its start, at least 0.
        duration_s: Its length; 0 where it ends as it begins.
    """

    offset_s: float
    duration_s: float


def span(begin: str, end: str) -> Span:
    """Returns where a segment lies.

    >>> span("0.10", "0.30")
    Span(offset_s=0.1, duration_s=0.2)

    Raises:
        CellError: One is no number of seconds, or the segment ends before it begins.
    """
    first, last = _seconds(begin), _seconds(end)
    if first < 0 or last < first:
        raise CellError("a begin of at least 0 and an end after it, in seconds. Correct them or remove the line.")
    return Span(float(first), float(_EXACT.subtract(last, first)))


def end_text(offset_s: float, duration_s: float) -> str:
    """Returns the end of a segment, so that `span` finds offset and duration again.

    >>> end_text(0.1, 0.2), end_text(2.0, 30.0)
    ('0.3', '32')
    """
    return seconds_text(_EXACT.add(Decimal(repr(float(offset_s))), Decimal(repr(float(duration_s)))))


def seconds_text(seconds: Decimal | float) -> str:
    """Returns seconds with the digits they need, never as a power of ten.

    >>> seconds_text(1e-07), seconds_text(Decimal("12.50")), seconds_text(3.0)
    ('0.0000001', '12.5', '3')
    """
    text = format(seconds if isinstance(seconds, Decimal) else Decimal(repr(float(seconds))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_seconds(written: str) -> str:
    """Returns seconds as `seconds_text` writes them, however a file does: 0.10 and 0.1 are the same.

    Raises:
        CellError: They are no number of seconds.
    """
    return seconds_text(_seconds(written))


def _seconds(text: str) -> Decimal:
    if not NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise CellError("seconds written like 12.5. Correct them or remove the line.")
    return Decimal(text)
