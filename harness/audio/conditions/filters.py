"""Edges of a band in, filters without delay out; and the way from 16 kHz to 8 kHz and back."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from harness.audio.convolution import Kernel, Signal, convolved
from harness.audio.waveform import SAMPLE_RATE, Waveform

N_TAPS = 257  # of the filters made here: ±8 ms, edges 270 Hz wide
KAISER_BETA = 7.0  # 70 dB beyond an edge
_CENTRE = N_TAPS // 2

Taps = npt.NDArray[np.float64]


def band_pass_taps(low_hz: float, high_hz: float) -> Taps:
    """Returns a filter that passes a band, with half the amplitude at its edges: `(N_TAPS,)`, symmetrical.

    A sinc under a Kaiser window, of gain 1 in the middle of the band. Applied centred it has no delay.

    Args:
        low_hz: Lower edge; 0 for a low-pass.
        high_hz: Upper edge, below 8 kHz.
    """
    place = np.arange(N_TAPS) - _CENTRE
    low, high = 2 * low_hz / SAMPLE_RATE, 2 * high_hz / SAMPLE_RATE
    taps = (high * np.sinc(high * place) - low * np.sinc(low * place)) * np.kaiser(N_TAPS, KAISER_BETA)
    middle_hz = (low_hz + high_hz) / 2 if low_hz else 0.0
    return np.asarray(taps / (taps * np.cos(2 * math.pi * middle_hz / SAMPLE_RATE * place)).sum())


def decimated(signal: Signal, kernel: Kernel) -> Signal:
    """Returns a signal filtered without delay and taken at half the rate: `(ceil(num_samples / 2),)`.

    Args:
        signal: `(num_samples,)` at 16 kHz.
        kernel: Of a filter from `band_pass_taps` that ends under 4 kHz; its precision is that of what comes out.
    """
    return convolved(signal, kernel, every=2)


def centred(taps: Signal) -> Kernel:
    """Returns a symmetrical filter as a kernel that does not delay."""
    return Kernel(taps, len(taps) // 2)


def interpolated(signal: Signal, *, num_samples: int) -> Waveform:
    """Returns a signal at twice its rate without delay, its own samples unchanged: `(num_samples,)`.

    Args:
        signal: `(num_samples / 2,)` at 8 kHz.
        num_samples: Twice the length of the signal, or one less.
    """
    doubled = np.empty((len(signal), 2), dtype=np.float32)
    doubled[:, 0] = signal
    doubled[:, 1] = convolved(signal, between())
    return doubled.reshape(-1)[:num_samples]


@cache
def between() -> Kernel:
    """Returns what gives the value half-way between two samples of 8 kHz.

    Its taps are the odd ones of a low-pass at 4 kHz, of which the even ones but that in the middle are zero.
    """
    place = np.arange(N_TAPS)[1::2] - _CENTRE
    taps = np.sinc(place / 2) * np.kaiser(N_TAPS, KAISER_BETA)[1::2]
    return Kernel((taps / taps.sum()).astype(np.float32), _CENTRE // 2)


def as_waveform(signal: Signal) -> Waveform:
    """Returns a signal as a waveform: float32, contiguous."""
    return np.ascontiguousarray(signal, dtype=np.float32)
