"""Options in, checked; a condition's name, files and libraries out: what all conditions of the package share."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.audio.conditions.protocol import Conditioned
from harness.audio.waveform import Waveform
from harness.errors import UsageError

LONGEST_NAME = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcousticCondition(ABC):
    """Is a condition of this package: plain options in its fields, checked when it is made.

    Attributes:
        name: What outputs call it; made of the class and its main value when empty.
        VERSION: Of what it computes; a new one makes another digest and another draw.
        SWEPT: The argument that a sweep varies, and that curves are drawn over; empty where there is none.
        PAIRED: Arguments that leave the draw as it is: one noise at 20 and at 0 dB differs by its level alone.
    """

    name: str = ""
    VERSION: ClassVar[int] = 1
    SWEPT: ClassVar[str] = ""
    PAIRED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Checks every option.

        Raises:
            UsageError: An option is out of its range; the message names it.
            ConditionError: A recording that it names cannot serve.
        """
        self._check()
        name = self.name or _NOT_OF_NAMES.sub("_", self.default_name())[:LONGEST_NAME].lstrip("._-")
        if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise UsageError(
                f"{type(self).__name__}: name={self.name!r}; expected letters, digits, '.', '_' and '-', first "
                f"a letter or a digit, at most {LONGEST_NAME}. It becomes a value in tables and part of file names."
            )
        object.__setattr__(self, "name", name)

    def __call__(self, waveform: Waveform, *, rng: np.random.Generator) -> Waveform:
        """Returns the waveform under the condition, without the facts."""
        return self.apply(waveform, rng).waveform

    @abstractmethod
    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
        """Returns the waveform under the condition, and what was done to it."""

    @abstractmethod
    def default_name(self) -> str:
        """Returns the name of a condition that was not given one."""

    @property
    def value(self) -> float:
        """The swept argument's value, in the unit its name ends with; NaN where there is none."""
        return float(getattr(self, self.SWEPT)) if self.SWEPT and getattr(self, self.SWEPT) is not None else math.nan

    @property
    def stretch(self) -> float:
        """Length of what comes out divided by that of what went in."""
        return 1.0

    def files(self) -> Mapping[str, str]:
        """Returns the SHA-256 of every file, by the argument that names it."""
        return {}

    def libraries(self) -> Mapping[str, str]:
        """Returns the versions of the libraries that decide over samples, by their names."""
        return {}

    @abstractmethod
    def _check(self) -> None: ...

    def _number(self, argument: str, low: float, high: float) -> None:
        """Settles an argument as a float between two bounds, both allowed.

        Raises:
            UsageError: It is no number, or not between them.
        """
        value = getattr(self, argument)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise UsageError(
                f"{type(self).__name__}: {argument}={value!r}; expected a number from {low:g} to {high:g}."
            )
        object.__setattr__(self, argument, float(value) + 0.0)  # -0.0 is 0.0

    def _whole(self, argument: str, low: int, high: int) -> None:
        """Settles an argument as a whole number between two bounds, both allowed.

        Raises:
            UsageError: It is no whole number, or not between them.
        """
        self._number(argument, low, high)
        value = getattr(self, argument)
        if value != int(value):
            raise UsageError(f"{type(self).__name__}: {argument}={value!r}; expected a whole number.")
        object.__setattr__(self, argument, int(value))

    def _choice(self, argument: str, choices: tuple[str, ...]) -> None:
        """Refuses an argument that is none of the choices.

        Raises:
            UsageError: It is none of them.
        """
        value = getattr(self, argument)
        if value not in choices:
            raise UsageError(f"{type(self).__name__}: {argument}={value!r}; expected one of {', '.join(choices)}.")
