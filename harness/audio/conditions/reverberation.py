"""A clip in, the clip in a room out: by a measured impulse response, or by one that a simulated room gives."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.audio.conditions import simulation
from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.filters import as_waveform
from harness.audio.conditions.mixing import peak_of, scale_for
from harness.audio.conditions.protocol import Conditioned
from harness.audio.conditions.recordings import kept, recording_of, resolved, sha256_of
from harness.audio.conditions.responses import Response, response_of
from harness.audio.convolution import convolved
from harness.audio.waveform import Waveform
from harness.errors import ConditionError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverberant(AcousticCondition):
    """Convolves with a response: y = (s * h)[k : k + len], k the direct sound, at the energy of the clip.

    So words stay where they were spoken; what rings on after the end of the clip is cut off with it.
    """

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the reverberant clip; facts: t60_s, drr_db of the room, scale below 1 where it would have clipped."""
        response = self.response()
        rung = convolved(waveform, response.kernel)
        factor, scale = factors(energy_of(waveform), energy_of(rung), peak_of(as_waveform(rung)))
        return Conditioned(as_waveform(rung * np.float32(factor)), response.facts | {"scale": scale})

    @abstractmethod
    def response(self) -> Response:
        """Returns the impulse response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverberation(Reverberant):
    """Puts the clip into a room whose impulse response was measured.

    Attributes:
        impulse_response: A recording of it, any rate, channels averaged; it may be longer than a clip.
    """

    impulse_response: str
    _digest: str = field(init=False, repr=False, default="")

    def response(self) -> Response:
        """Returns the measured response."""
        return _measured(self.impulse_response, self._digest)

    def files(self) -> Mapping[str, str]:
        """Returns the SHA-256 of the response."""
        return {"impulse_response": self._digest}

    def default_name(self) -> str:
        """Returns `reverberation_lobby`."""
        return f"reverberation_{Path(self.impulse_response).stem}"

    def _check(self) -> None:
        object.__setattr__(
            self, "impulse_response", resolved(self.impulse_response, of="Reverberation: impulse_response")
        )
        object.__setattr__(self, "_digest", sha256_of(self.impulse_response))
        self.response()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(Reverberant):
    """Puts the clip into a simulated room: a box, by the image method (Allen and Berkley, 1979; pyroomacoustics).

    The microphone stands off the middle, the talker `distance_m` from it in the room's longer direction, both at
    `height_m`. The walls' absorption is settled so that the response decays in `t60_s`, which Sabine's formula alone
    missed by 18 to 67 % in three rooms.

    Attributes:
        dimensions_m: Length, width and height, 1 to 100 m each.
        t60_s: Reverberation time, 0.1 to 2 s. Half a second is simulated in about a second, 2 s in a small room in a
            minute, once in each process.
        distance_m: From the mouth to the microphone, 0.1 m up to what the room allows.
        height_m: Of both over the floor.
    """

    dimensions_m: tuple[float, ...] = (6.0, 5.0, 3.0)
    t60_s: float = 0.5
    distance_m: float = 2.0
    height_m: float = 1.3
    SWEPT: ClassVar[str] = "t60_s"
    PAIRED: ClassVar[tuple[str, ...]] = ("t60_s", "distance_m")

    def response(self) -> Response:
        """Returns the simulated response, computed once in a process."""
        return _simulated(self.dimensions_m, self.t60_s, self.distance_m, self.height_m)

    def libraries(self) -> Mapping[str, str]:
        """Returns the version of pyroomacoustics."""
        return {"pyroomacoustics": simulation.version()}

    def default_name(self) -> str:
        """Returns `room_0.5s`."""
        return f"room_{self.t60_s:g}s"

    def _check(self) -> None:
        object.__setattr__(self, "dimensions_m", _three_lengths(self.dimensions_m))
        self._number("t60_s", 0.1, 2)
        self._number("distance_m", 0.1, 100)
        self._number("height_m", 0.1, 100)
        simulation.check_room(self.dimensions_m, self.distance_m, self.height_m)


def factors(energy_in: float, energy_out: float, peak_out: float) -> tuple[float, float]:
    """Returns what the reverberant clip is multiplied by, and the part of it that keeps it from clipping.

    >>> factors(1.0, 4.0, 1.0)
    (0.5, 1.0)
    """
    equal = math.sqrt(energy_in / energy_out) if energy_out > 0 else 1.0
    scale = scale_for(peak_out * equal)
    return equal * scale, scale


def energy_of(waveform: np.ndarray[tuple[int], np.dtype[np.floating]]) -> float:
    """Returns the sum of squares, in double precision."""
    return float(np.square(waveform, dtype=np.float64).sum())


@kept
def _measured(path: str, sha256: str) -> Response:
    waveform = recording_of(path, sha256)
    if not waveform.any():
        raise ConditionError(f"{path}: the impulse response is silent; expected the sound of a room")
    return response_of(waveform)


@kept
def _simulated(dimensions_m: tuple[float, ...], t60_s: float, distance_m: float, height_m: float) -> Response:
    return response_of(simulation.impulse_response(dimensions_m, t60_s, distance_m=distance_m, height_m=height_m))


def _three_lengths(dimensions_m: object) -> tuple[float, ...]:
    try:
        lengths = tuple(float(length) for length in dimensions_m)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        lengths = ()
    if len(lengths) != 3 or not all(1 <= length <= 100 for length in lengths):
        raise UsageError(f"Room: dimensions_m={dimensions_m!r}; expected length, width and height, 1 to 100 m each.")
    return lengths
