"""The words of a number go in, the number as it is written in digits comes out, so that both spellings are one.

It reads cardinals and ordinals as English puts them together (`two hundred and five`, `twenty third`, `two point
five`); what does not belong together stays apart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_WHOLE = re.compile(r"\d{1,15}")
_DECIMAL = re.compile(r"\d*\.\d+")
_HUNDRED = 100


class Part(NamedTuple):
    """Is a word of a number: its kind (number, weak, scale, ordinal, joint, digits) and its value."""

    kind: str
    value: str


def written(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the numbers that words make, each in digits.

    >>> written([Part("weak", "1"), Part("scale", "100"), Part("joint", "and"), Part("number", "80")])
    ('180',)
    >>> written([Part("number", "2"), Part("joint", "point"), Part("number", "5"), Part("number", "5")])
    ('2.55',)
    >>> written([Part("number", "20"), Part("ordinal", "3")]), written([Part("digits", "2.50")])
    (('23th',), ('2.5',))
    """
    numbers = _Numbers()
    for part in parts:
        numbers.add(part)
    numbers.finish()
    return tuple(numbers.found)


@dataclass(slots=True)
class _Numbers:
    """Gathers numbers from their words, one after the other."""

    found: list[str] = field(default_factory=list)
    total: int = 0  # of thousands and millions that were closed by their word
    below: int | None = None  # what is gathered since, None when nothing is
    is_open: bool = False  # a number has begun
    takes_words: bool = False  # it may grow by a word: numerals grow by scales alone
    decimals: str | None = None  # behind the point, None before it

    def add(self, part: Part) -> None:
        if part.kind == "digits":
            self._add_digits(part.value)
        elif part.kind == "joint":
            self._join(part.value)
        elif self.decimals is not None and part.kind != "scale":
            self.decimals += part.value
        elif part.kind == "scale":
            self._scale(int(part.value))
        else:
            self._add_word(int(part.value))
            if part.kind == "ordinal":
                self.finish("th")

    def finish(self, ending: str = "") -> None:
        if self.is_open:
            decimals = (self.decimals or "").rstrip("0")
            point = f".{decimals}" if decimals else ""
            self.found.append(f"{self.total + (self.below or 0)}{point}{ending}")
        self.total, self.below, self.is_open, self.decimals = 0, None, False, None

    def _add_digits(self, value: str) -> None:
        if self.decimals == "":
            self.decimals = value
            return
        self.finish()
        if _WHOLE.fullmatch(value) and str(int(value)) == value:
            self.below, self.is_open, self.takes_words = int(value), True, False
        elif _DECIMAL.fullmatch(value):
            self.found.append(("0" if value[0] == "." else "") + value.rstrip("0").removesuffix("."))
        else:
            self.found.append(value)

    def _join(self, value: str) -> None:
        if value == "point":
            self.is_open, self.decimals = True, ""

    def _scale(self, scale: int) -> None:
        if scale == _HUNDRED and (self.below is None or self.below < _HUNDRED):
            self.below = (self.below or 1) * _HUNDRED
        else:
            self.total += (1 if self.below is None else self.below) * scale
            self.below = None
        self.is_open, self.takes_words = True, True

    def _add_word(self, value: int) -> None:
        below = self.below
        ends_in_tens = below is not None and 20 <= below % _HUNDRED <= 90 and below % 10 == 0
        fits = below is None or (ends_in_tens and value < 10) or (below > 0 and below % _HUNDRED == 0 and value < 100)
        if self.is_open and not (self.takes_words and fits):
            self.finish()
        self.below = value + (self.below or 0)
        self.is_open, self.takes_words = True, True
