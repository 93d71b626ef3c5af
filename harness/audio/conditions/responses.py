"""An impulse response in, when its direct sound comes, how long it rings and how loud the room is in it out."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.audio.convolution import Kernel
from harness.audio.waveform import SAMPLE_RATE, Waveform

DIRECT_S = 0.0025  # around its peak that are the direct sound, the rest being the room (Zahorik, 2002)
FALL_DB = ((-5.0, -35.0), (-5.0, -25.0), (-5.0, -15.0))  # of the decay that is measured, T30, T20 and T10 (ISO 3382-2)
_BLOCK = SAMPLE_RATE // 100  # samples, 10 ms
_LEAST_BLOCKS = 5

Energy = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Response:
    """Is the impulse response of a room, with what can be told of it.

    Attributes:
        kernel: Its samples, 16 kHz, in time at its direct sound, argmax |h|.
        t60_s: Reverberation time; NaN where it does not decay by 15 dB, as that of no room.
        drr_db: Energy of the direct sound over that of the rest; NaN where there is no rest.
    """

    kernel: Kernel
    t60_s: float
    drr_db: float

    @property
    def facts(self) -> dict[str, float]:
        """What is known of `t60_s` and `drr_db`."""
        found = {"t60_s": self.t60_s, "drr_db": self.drr_db}
        return {fact: value for fact, value in found.items() if math.isfinite(value)}


def response_of(waveform: Waveform) -> Response:
    """Describes an impulse response: `(num_samples,)`, not silent."""
    direct = int(np.abs(waveform).argmax())
    return Response(Kernel(waveform, direct), reverberation_time_s(waveform), direct_to_reverberant_db(waveform))


def reverberation_time_s(waveform: Waveform) -> float:
    """Returns the time for a fall of 60 dB from the slope of the backward-integrated energy (Schroeder, 1965).

    The line is fitted from -5 to -35 dB, or to -25 or -15 dB where the recording ends before; NaN where even that is
    not to be had.
    """
    decay_db = _decay_db(np.square(waveform[int(np.abs(waveform).argmax()) :], dtype=np.float64))
    for start_db, end_db in FALL_DB:
        within = np.flatnonzero((decay_db <= start_db) & (decay_db >= end_db))
        if len(decay_db) and decay_db[-1] <= end_db and len(within) > _BLOCK:
            slope, _ = np.polyfit(within / SAMPLE_RATE, decay_db[within], 1)
            return float(-60 / slope)
    return math.nan


def _decay_db(energy: Energy) -> Energy:
    """Returns the energy that is still to come, in dB of all, up to 10 ms before it sinks into the recording's noise.

    The noise is that of the last tenth; its power is subtracted (Chu, 1978), or what is left of it would be summed up.

    Args:
        energy: `(num_samples,)`, squares from the direct sound on.
    """
    n_blocks = len(energy) // _BLOCK
    if n_blocks < _LEAST_BLOCKS:
        return np.empty(0)
    floor = float(energy[-(len(energy) // 10) :].mean())
    blocks = energy[: n_blocks * _BLOCK].reshape(n_blocks, _BLOCK).mean(axis=1)
    sunken = np.flatnonzero(blocks <= 2 * floor)
    end = (int(sunken[0]) if len(sunken) else n_blocks) * _BLOCK
    left = np.cumsum((energy[:end] - floor)[::-1])[::-1][: max(end - _BLOCK, 0)]
    return np.asarray(10 * np.log10(np.maximum(left, np.finfo(np.float64).tiny) / left[0])) if len(left) else left


def direct_to_reverberant_db(waveform: Waveform) -> float:
    """Returns the energy within 2.5 ms of the peak over that of all else, in dB; NaN where nothing else is."""
    energy: Energy = np.square(waveform, dtype=np.float64)
    peak, width = int(energy.argmax()), round(DIRECT_S * SAMPLE_RATE)
    direct = float(energy[max(0, peak - width) : peak + width + 1].sum())
    rest = float(energy.sum()) - direct
    return 10 * math.log10(direct / rest) if rest > 0 else math.nan
