"""A clip in, the clip through a telephone line or a mask out: what is left of its band, and of its 16 bits."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.companding import FULL_SCALE, companding_table
from harness.audio.conditions.filters import (
    as_waveform,
    band_pass_taps,
    centred,
    decimated,
    interpolated,
)
from harness.audio.conditions.mixing import peak_of
from harness.audio.conditions.protocol import Conditioned
from harness.audio.convolution import Kernel, Signal, convolved
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import UsageError

HIGHEST_HZ = 3_860.0  # upper edge of a line of 8 kHz, from where the filter falls to nothing at 4 kHz
_LAWS = ("mulaw", "alaw", "none")
_MASK_TAPS, _MASK_GRID = 1023, 8192

Whole = npt.NDArray[np.float64]  # whole numbers, exact as long as they stay under 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephone(AcousticCondition):
    """Passes 300 to 3,400 Hz without delay, at 8 kHz and 16 bits, companded after G.711, and comes back to 16 kHz.

    Up to the 16 bits everything is in double precision: companded samples are the same or a whole step apart, and in
    single precision one in 170,000 (20 of 3.5 million, by up to 0.003) fell on the other side of a step.

    Attributes:
        low_hz: Lower edge of the band, half the amplitude, 0 (no lower edge) to 3,000.
        high_hz: Upper edge, 500 to 3,860.
        codec: `mulaw` (North America, Japan), `alaw` (elsewhere) or `none`.
    """

    low_hz: float = 300.0
    high_hz: float = 3_400.0
    codec: str = "mulaw"
    SWEPT: ClassVar[str] = "high_hz"

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the clip as the other end of the line hears it; facts: clipped_share, where it was beyond 16 bits."""
        samples, clipped_share = whole_samples(waveform)
        line = settled(decimated(samples, self.kernel()))
        heard = interpolated(self.companded(line), num_samples=len(waveform))
        return Conditioned(heard, {"clipped_share": clipped_share})

    def kernel(self) -> Kernel:
        """Returns the band-pass, in double precision."""
        return _band_pass(self.low_hz, self.high_hz)

    def companded(self, line: Whole) -> Waveform:
        """Returns 16-bit samples after the codec, as fractions of full scale."""
        if self.codec == "none":
            return (line / FULL_SCALE).astype(np.float32)
        return companding_table(self.codec).take(line.astype(np.int16).view(np.uint16))

    def default_name(self) -> str:
        """Returns `telephone_mulaw`."""
        return f"telephone_{self.codec}" if self.codec != "none" else "telephone"

    def _check(self) -> None:
        self._number("low_hz", 0, 3_000)
        self._number("high_hz", 500, HIGHEST_HZ)
        self._choice("codec", _LAWS)
        if self.low_hz >= self.high_hz:
            raise UsageError(f"Telephone: low_hz={self.low_hz:g}, high_hz={self.high_hz:g}; expected low_hz below it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LowPass(AcousticCondition):
    """Damps what lies above a frequency, without delay, as a mask, a wall or a hand before the microphone does.

    The amplitude falls as a Butterworth filter's, 1 / sqrt(1 + (f / cutoff)^(2 order)): half the power at the cutoff.

    Attributes:
        cutoff_hz: 200 to 7,900.
        order: 1 to 8; the slope is 6 dB an octave for each.
    """

    cutoff_hz: float
    order: int = 2
    SWEPT: ClassVar[str] = "cutoff_hz"

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the clip without its treble."""
        return Conditioned(as_waveform(convolved(waveform, self.kernel())))

    def kernel(self) -> Kernel:
        """Returns the filter: 1,023 taps, symmetrical."""
        return _mask(self.cutoff_hz, self.order)

    def default_name(self) -> str:
        """Returns `lowpass_3000hz`."""
        return f"lowpass_{self.cutoff_hz:g}hz"

    def _check(self) -> None:
        self._number("cutoff_hz", 200, 7_900)
        self._whole("order", 1, 8)


def whole_samples(waveform: Waveform) -> tuple[Waveform, float]:
    """Returns 16-bit samples as whole numbers, `(num_samples,)`, and the share that did not fit and was clipped."""
    samples = waveform * np.float32(FULL_SCALE)
    np.rint(samples, out=samples)
    if peak_of(samples) < FULL_SCALE:
        return samples, 0.0
    clipped_share = float(np.count_nonzero(np.abs(waveform) > 1) / len(waveform))
    return np.clip(samples, -FULL_SCALE, FULL_SCALE - 1), clipped_share


def settled(filtered: Signal) -> Whole:
    """Returns 16-bit samples of what a filter gave: whole numbers."""
    whole: Whole = np.rint(filtered, dtype=np.float64)
    return np.clip(whole, -FULL_SCALE, FULL_SCALE - 1, out=whole)


@cache
def line() -> Kernel:
    """Returns the filter that a signal passes on its way to 8 kHz: nearly all below 4 kHz."""
    return centred(band_pass_taps(0.0, HIGHEST_HZ).astype(np.float32))


@lru_cache(maxsize=16)
def _band_pass(low_hz: float, high_hz: float) -> Kernel:
    return centred(band_pass_taps(low_hz, high_hz))


@lru_cache(maxsize=32)
def _mask(cutoff_hz: float, order: int) -> Kernel:
    frequencies = np.arange(_MASK_GRID // 2 + 1) * (SAMPLE_RATE / _MASK_GRID)
    response = np.fft.irfft(1 / np.sqrt(1 + (frequencies / cutoff_hz) ** (2 * order)), _MASK_GRID)
    half = response[: _MASK_TAPS // 2 + 1]  # it dies away within ±32 ms, whatever the options
    taps = np.concatenate([half[:0:-1], half])
    return Kernel((taps / taps.sum()).astype(np.float32), _MASK_TAPS // 2)
