"""A clip in, the clip as it is, louder, softer or clipped out."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.mixing import peak_of
from harness.audio.conditions.protocol import Conditioned
from harness.audio.waveform import Waveform
from harness.errors import ConditionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean(AcousticCondition):
    """Leaves the clip as it is: what every other condition is compared with."""

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the clip, the same array."""
        return Conditioned(waveform)

    def default_name(self) -> str:
        """Returns `clean`."""
        return "clean"

    def _check(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain(AcousticCondition):
    """Makes the clip louder or softer; what goes beyond full scale is clipped, as an input stage would.

    Attributes:
        gain_db: -120 to 60; below 0 is softer.
    """

    gain_db: float
    SWEPT: ClassVar[str] = "gain_db"

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the clip at its new level; facts: gain_db, clipped_share."""
        louder = waveform * np.float32(10 ** (self.gain_db / 20))
        limited, clipped_share = limited_to(louder, 1.0)
        return Conditioned(limited, {"gain_db": self.gain_db, "clipped_share": clipped_share})

    def default_name(self) -> str:
        """Returns `gain_-20db`."""
        return f"gain_{self.gain_db:g}db"

    def _check(self) -> None:
        self._number("gain_db", -120, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipping(AcousticCondition):
    """Cuts off what is louder than a quantile of the magnitude: y = max(-c, min(c, x)), c = quantile of |x|.

    A silent clip stays as it is.

    Attributes:
        quantile: Share of the samples that stay as they are, 0.01 to 1.
    """

    quantile: float
    SWEPT: ClassVar[str] = "quantile"

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the clipped clip; facts: clipped_share, clipped_at (amplitude).

        Raises:
            ConditionError: when so much of the clip is silent that nothing would be left of the rest.
        """
        threshold = float(np.quantile(np.abs(waveform), self.quantile))
        self.check_limit(threshold, peak=peak_of(waveform))
        limited, clipped_share = limited_to(waveform, threshold)
        return Conditioned(limited, {"clipped_share": clipped_share, "clipped_at": threshold})

    def check_limit(self, threshold: float, *, peak: float) -> None:
        """Refuses to silence a clip.

        Raises:
            ConditionError: when nothing is allowed to sound though something does.
        """
        if threshold == 0 and peak > 0:
            raise ConditionError(
                f"condition '{self.name}': more than {self.quantile:g} of the clip's samples are zero, so clipping at "
                "that quantile would silence it. Cut the silence off, or choose a larger quantile"
            )

    def default_name(self) -> str:
        """Returns `clipping_0.9`."""
        return f"clipping_{self.quantile:g}"

    def _check(self) -> None:
        self._number("quantile", 0.01, 1)


def limited_to(waveform: Waveform, limit: float) -> tuple[Waveform, float]:
    """Returns a waveform within ±limit, and the share of its samples that were beyond."""
    if peak_of(waveform) <= limit:
        return waveform, 0.0
    n_beyond = np.count_nonzero(waveform > limit) + np.count_nonzero(waveform < -limit)
    return np.clip(waveform, -limit, limit).astype(np.float32, copy=False), float(n_beyond / len(waveform))
