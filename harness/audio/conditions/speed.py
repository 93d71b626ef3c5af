"""A clip in, the clip played faster or slower out, and with it how much longer it became."""

from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.filters import as_waveform
from harness.audio.conditions.protocol import Conditioned
from harness.audio.waveform import Waveform

STEPS = 100  # a factor is settled to hundredths


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed(AcousticCondition):
    """Plays the clip at another speed by resampling it: pitch and formants go along, as on a tape.

    Word times heard in what comes out are those of the recording times `stretch_of`.

    Attributes:
        factor: Above 1 is faster; 0.25 to 4, settled to hundredths.
    """

    factor: float
    SWEPT: ClassVar[str] = "factor"

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns ceil(num_samples / factor) samples; facts: stretch."""
        from scipy.signal import resample_poly

        common = gcd(self._hundredths, STEPS)
        played = resample_poly(waveform, STEPS // common, self._hundredths // common)
        return Conditioned(as_waveform(played), {"stretch": self.stretch})

    @property
    def stretch(self) -> float:
        """1 / factor."""
        return STEPS / self._hundredths

    @property
    def _hundredths(self) -> int:
        return round(self.factor * STEPS)

    def default_name(self) -> str:
        """Returns `speed_1.25`."""
        return f"speed_{self.factor:g}"

    def _check(self) -> None:
        self._number("factor", 0.25, 4)
        object.__setattr__(self, "factor", self._hundredths / STEPS)
