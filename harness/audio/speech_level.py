"""A waveform in, how loud its speech is out: the active speech level of ITU-T P.56, pauses not counted.

The level of a recording sinks with every pause in it; the level of its speech does not. So signal-to-noise ratios and
the levels of tones refer to the power of the speech while somebody speaks (ITU-T P.56, 2011, method B): the power above
a threshold that lies 15.9 dB under the result, on an envelope of two 30 ms smoothings, with 200 ms of hangover.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from harness.audio.convolution import Kernel, convolved
from harness.audio.waveform import SAMPLE_RATE, Waveform

ENVELOPE_STEP = 16  # samples, 1 ms: P.56 asks for an envelope of at least 694 values a second
TIME_CONSTANT_S = 0.03  # of each of the two smoothings (P.56 §8)
HANGOVER_S = 0.2  # for which speech is taken to go on (P.56 §8)
MARGIN_DB = 15.9  # between the active level and the threshold that it is measured with (P.56 §8)
LOWEST_EXPONENT = -60  # thresholds are the powers of two from here up: 2**-60 is 361 dB under full scale
N_THRESHOLDS = 72  # up to 2**11; a waveform that was not scaled may well be larger than one
_ROUNDING = 1e-10  # of a power: what the mean of equal samples may be off by
_STEPS_PER_S = SAMPLE_RATE / ENVELOPE_STEP
_HANGOVER_STEPS = round(HANGOVER_S * _STEPS_PER_S)
_KERNEL_STEPS = round(20 * TIME_CONSTANT_S * _STEPS_PER_S)  # 0.6 s, after which e**-20 of a value is left


@dataclass(frozen=True, slots=True)
class SpeechLevel:
    """Is how loud speech is, and for how much of the time somebody speaks.

    Attributes:
        level_db: Mean square of the active samples in dB, 0 dB being that of a square wave at full scale; -inf for
            silence.
        activity: Share of the time in which somebody speaks, from 0 (silence) to 1.
        long_term_db: Mean square of all samples in dB; -inf for silence.
        method: `p56`; `rms` where nothing stands out of the rest as speech does (a click, or a clip of a few
            milliseconds): `level_db` is then `long_term_db` and `activity` 1; `silence` where all samples are equal.
    """

    level_db: float
    activity: float
    long_term_db: float
    method: str

    @property
    def power(self) -> float:
        """The mean square of the active samples; 0 for silence."""
        return 10 ** (self.level_db / 10)


def active_speech_level(waveform: Waveform) -> SpeechLevel:
    """Returns the active speech level of a waveform, less its mean, after ITU-T P.56 (2011), method B.

    The envelope is kept at 1 kHz instead of the waveform's 16, which moves the level by less than 0.1 dB. A constant
    offset is no sound.

    Args:
        waveform: `(num_samples,)`, finite, at least one sample.

    >>> level = active_speech_level(np.tile([0.1, -0.1], 8_000).astype(np.float32))
    >>> round(level.level_db, 1), round(level.activity, 2)
    (-19.9, 0.98)
    """
    mean = waveform.mean()
    sound = waveform - mean
    energy = float(np.einsum("i,i->", sound, sound, dtype=np.float64))
    if energy < _ROUNDING * len(sound) * float(mean) ** 2 and waveform.max() == waveform.min():
        energy = 0.0
    return level_of_counts(energy, len(sound), active_samples(_envelope(sound)))


def active_samples(envelope: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Counts the samples that are speech under each threshold: those above it, and 200 ms more.

    Args:
        envelope: `(n_steps,)`, one value a millisecond.

    Returns:
        `(N_THRESHOLDS,)`, for 2**LOWEST_EXPONENT and its doubles.
    """
    held = _held(envelope)  # (n_steps,)
    exponents = np.where(held > 0, np.frexp(held)[1] - 1 - LOWEST_EXPONENT, -1)  # of the highest threshold reached
    ranks = np.minimum(np.maximum(exponents, -1), N_THRESHOLDS - 1) + 1  # (n_steps,), thresholds reached
    n_steps = np.bincount(ranks, minlength=N_THRESHOLDS + 1)[1:]  # (N_THRESHOLDS,)
    return n_steps[::-1].cumsum()[::-1] * float(ENVELOPE_STEP)


def level_of_counts(energy: float, num_samples: int, n_active: npt.NDArray[np.float64]) -> SpeechLevel:
    """Returns the level at which the active power lies 15.9 dB over the threshold that it was measured with.

    Args:
        energy: Sum of the squares of all samples; 0 for silence.
        num_samples: How many samples they are.
        n_active: `(N_THRESHOLDS,)`, samples that are speech under each threshold, falling.
    """
    if energy == 0.0:
        return SpeechLevel(level_db=-math.inf, activity=0.0, long_term_db=-math.inf, method="silence")
    long_term_db = 10 * math.log10(energy / num_samples)
    reached = np.flatnonzero(n_active)
    levels_db = 10 * np.log10(energy / n_active[reached])
    margins_db = levels_db - 20 * math.log10(2) * (reached + LOWEST_EXPONENT)
    under = np.flatnonzero(margins_db <= MARGIN_DB)
    if not len(under) or under[0] == 0:
        return SpeechLevel(level_db=long_term_db, activity=1.0, long_term_db=long_term_db, method="rms")
    upper, lower = under[0], under[0] - 1
    share = (margins_db[lower] - MARGIN_DB) / (margins_db[lower] - margins_db[upper])
    level_db = max(float(levels_db[lower] + share * (levels_db[upper] - levels_db[lower])), long_term_db)
    activity = 10 ** ((long_term_db - level_db) / 10)
    return SpeechLevel(level_db=level_db, activity=activity, long_term_db=long_term_db, method="p56")


@cache
def smoothing_kernel() -> Kernel:
    """Returns what two first-order smoothings, one after the other, make of an impulse: 0.6 s of it, at 1 kHz."""
    decay = math.exp(-1 / (_STEPS_PER_S * TIME_CONSTANT_S))
    steps = np.arange(_KERNEL_STEPS)
    return Kernel((1 - decay) ** 2 * (steps + 1) * decay**steps, start=0)


def _envelope(waveform: Waveform) -> npt.NDArray[np.float64]:
    """Returns the smoothed magnitude, one value a millisecond: `(n_steps,)`."""
    magnitude = np.abs(waveform)
    n_steps = len(magnitude) // ENVELOPE_STEP
    steps = np.zeros(n_steps + 1)
    steps[:n_steps] = np.einsum("ij->i", magnitude[: n_steps * ENVELOPE_STEP].reshape(-1, ENVELOPE_STEP))
    steps[n_steps] = magnitude[n_steps * ENVELOPE_STEP :].sum()
    steps = steps[: math.ceil(len(magnitude) / ENVELOPE_STEP)] / ENVELOPE_STEP
    return np.asarray(convolved(steps, smoothing_kernel()), dtype=np.float64)


def _held(envelope: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the largest value of the last 200 ms, at each step: speech goes on for that long."""
    held = envelope.copy()
    for step in held_steps():
        np.maximum(held[step:], held[:-step], out=held[step:])
    return held


@cache
def held_steps() -> tuple[int, ...]:
    """Returns by how much to shift, one shift after the other, so that each value meets all of the 200 ms before it.

    >>> sum(held_steps())
    200
    """
    steps, width = [], 1
    while width <= _HANGOVER_STEPS:
        steps.append(min(width, _HANGOVER_STEPS + 1 - width))
        width += steps[-1]
    return tuple(steps)
