"""A recording, or a segment of one, in; how loud, how noisy, how clipped and how wide in band it is out.

A number that cannot be told is None, and a note says why: silence has no level, a clip without a pause does not let the
noise be heard alone. All but the clipping and the band of slow recordings is measured on the waveform that recognisers
get (mono, 16 kHz), less its mean: a constant offset is no sound.

The estimate of the signal-to-noise ratio was chosen among four kinds, on 78 clips (synthetic voices, digits recorded at
home, a speech of 1961) with white, pink and kitchen noise at -5 to 30 dB: `benchmarks/measurements.py` compares them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.audio import waveform as decoding
from harness.audio.speech_level import SpeechLevel, active_speech_level
from harness.audio.waveform import SAMPLE_RATE, Waveform, read_waveform

Samples = npt.NDArray[np.float32]

VERSION = 1  # of how all of this is measured; other numbers of the same recording need another

NO_SOUND = "silent: every sample has the same value"
OFFSET = "a constant offset was taken out before measuring"
NO_SPEECH_LEVEL = "too short or too even for a speech level: nothing stands out of the rest as speech does"
TOO_SHORT_FOR_NOISE = "too short to hear the noise alone"
NO_PAUSE = "no pause in which the noise could be heard alone"
EMPTY_PAUSES = "its pauses hold digital silence: the noise was cut out of them, or there was none"
ALL_NOISE = "nothing stands out of the noise"
TOO_SHORT_FOR_BAND = "too short for its band"

SMALLEST_OFFSET = 0.01  # of full scale; sound cards of this century have less
LEAST_RUN = 3  # equal samples in a row at an extreme are a flat top; quiet peaks of 16 bits have two
LEAST_TOPS = 2  # flat tops of a clipped recording; one may be a peak that two samples share with a third

_FRAME = SAMPLE_RATE // 50  # 20 ms, in which the power of speech and noise is taken
_HOP = _FRAME // 2
_LEAST_FRAMES = 25  # 0.26 s, of which the quietest fifth is five
_QUIETEST, _QUIET = 0.05, 0.2  # quantiles of the power of frames, between which pauses are level
_PAUSE_SPREAD = 2.0  # 3 dB; between those quantiles, in pauses; white noise has 0.4 dB, kitchen noise 1 to 3
_CLEAR_DB = 20.0  # from here up a floor that speech has raised still tells that the noise is lower yet
_LOWEST_DB = -5.0  # white noise alone reads -11 dB
_DIGITAL_SILENCE = 1e-9  # -90 dB: the quantisation noise of 16 bits with dither is at -96
_BAND_FRAME_S = 0.032
_BAND_RANGE = 1e-3  # 30 dB under the loudest frame; quieter ones may hold nothing but dither
_ABOVE_BAND = 1e-4  # of the energy; a telephone's stopband has less, breath and fricatives have more
_FRAMES_AT_ONCE = 4096  # spectra in memory


@dataclass(frozen=True, slots=True)
class Reading:
    """Is a measured number, or None and the note that says why it cannot be told."""

    value: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Holds what was measured of a recording; None where it cannot be told.

    Attributes:
        audio_s: Its length, seconds.
        level_dbfs: Mean square of all samples in dB; a sine wave at full scale has -3.01.
        speech_level_dbfs: Mean square while somebody speaks (ITU-T P.56), in dB on the same scale.
        speech_share: Share of the time in which somebody speaks, pauses up to 0.2 s counted in (ITU-T P.56).
        snr_db: Speech over noise, as `snr` estimates it.
        clipped_share: As `clipped` counts it.
        bandwidth_hz: As `bandwidth` finds it; at most 8,000, since nothing above is heard.
        notes: Why numbers are None, and what else to know; none names the recording.
    """

    audio_s: float
    level_dbfs: float | None
    speech_level_dbfs: float | None
    speech_share: float | None
    snr_db: float | None
    clipped_share: float | None
    bandwidth_hz: float | None
    notes: tuple[str, ...]


def measure_recording(path: Path | str, *, offset_s: float = 0.0, duration_s: float | None = None) -> Measurements:
    """Measures a recording or a segment of one, which are named as for `read_waveform`.

    Raises:
        AudioError: It cannot be heard; as `read_waveform` raises it.
    """
    waveform = read_waveform(path, offset_s=offset_s, duration_s=duration_s)
    recorded, sample_rate = _as_recorded(Path(path), offset_s=offset_s, duration_s=duration_s)
    return measure_samples(waveform, recorded, sample_rate)


def measure_samples(waveform: Waveform, recorded: Samples, sample_rate: int) -> Measurements:
    """Measures samples.

    Args:
        waveform: What recognisers get: `(num_samples,)`, 16 kHz, finite.
        recorded: The same as it was recorded: `(num_frames, num_channels)`.
        sample_rate: Of `recorded`, Hz.
    """
    audio_s = len(waveform) / SAMPLE_RATE
    offset = float(waveform.mean(dtype=np.float64))
    sound = (waveform - np.float32(offset)).astype(np.float32)
    if np.ptp(recorded, axis=0).max() == 0 or not sound.any():
        return Measurements(audio_s, None, None, None, None, None, None, (NO_SOUND,))
    speech = active_speech_level(sound)
    noisy = snr(sound, speech)
    is_slow = sample_rate < SAMPLE_RATE  # interpolation mirrors a little of the band above it
    mono = recorded.mean(axis=1, dtype=np.float64) - offset if is_slow else sound
    band = bandwidth(mono.astype(np.float32), min(sample_rate, SAMPLE_RATE))
    stands_out = speech.method == "p56"
    notes = (
        OFFSET if abs(offset) >= SMALLEST_OFFSET else "",
        "" if stands_out else NO_SPEECH_LEVEL,
        noisy.note,
        band.note,
    )
    return Measurements(
        audio_s=audio_s,
        level_dbfs=speech.long_term_db,
        speech_level_dbfs=speech.level_db if stands_out else None,
        speech_share=speech.activity if stands_out else None,
        snr_db=noisy.value,
        clipped_share=clipped(recorded),
        bandwidth_hz=band.value,
        notes=tuple(note for note in notes if note),
    )


def snr(waveform: Waveform, speech: SpeechLevel) -> Reading:
    """Estimates the signal-to-noise ratio in dB: active speech power over the power that pauses have.

    The noise is the power that a fifth of all frames of 20 ms does not exceed, where the quietest frames are level
    (within 3 dB), as noise is and speech is not. Speech is the active power (ITU-T P.56) less that of the noise.

    On mixtures of known ratio, -5 to 30 dB, the errors have mean 0.0 and standard deviation 3.1 dB, and 90 % of them
    lie between -4.7 and +5.8; 67 % of these clips of 0.3 to 11 s are told, and of those with pauses nearly all. It is
    too high where loud noise comes and goes (in a kitchen +6 dB at -5, +3 at 0, +1 at 5) and too low where little noise
    meets short pauses (-2 dB at 20, -4 at 30: from 20 up read it as "at least"). Cannot be told, and None: clips under
    0.26 s; below 20 dB, clips whose quietest frames are not level; pauses of digital silence; less than -5 dB. So who
    speaks without pauses is told less often. It hears no words: white noise alone reads None, a kitchen alone +3 dB.

    Args:
        waveform: `(num_samples,)`, 16 kHz, finite, without offset.
        speech: Its active speech level.
    """
    powers = _powers(waveform)  # (n_frames,)
    if len(powers) < _LEAST_FRAMES:
        return Reading(None, TOO_SHORT_FOR_NOISE)
    quietest, noise = (float(power) for power in np.quantile(powers, (_QUIETEST, _QUIET)))
    if noise < _DIGITAL_SILENCE:
        return Reading(None, EMPTY_PAUSES)
    ratio = speech.power / noise - 1
    if ratio < 10 ** (_LOWEST_DB / 10):
        return Reading(None, ALL_NOISE)
    ratio_db = 10 * math.log10(ratio)
    if ratio_db < _CLEAR_DB and noise > _PAUSE_SPREAD * quietest:
        return Reading(None, NO_PAUSE)
    return Reading(ratio_db)


def clipped(recorded: Samples) -> float:
    """Returns the share of samples that lie in flat tops, counted over all channels.

    A flat top is three or more equal samples in a row at a channel's largest or smallest value, of which there have to
    be two. It is looked for at any level, since what was clipped may have been turned down; a codec such as MP3
    between the clipping and the file hides it.

    Args:
        recorded: `(num_frames, num_channels)`, as recorded: resampling rounds flat tops.
    """
    return float(np.mean([_flat_samples(channel) for channel in recorded.T])) / len(recorded)


def bandwidth(samples: Samples, sample_rate: int) -> Reading:
    """Finds the upper edge of the band in Hz, above which lies a ten-thousandth of the energy.

    Frames of 32 ms within 30 dB of the loudest count alike, so that a hiss or a noise tells the band as well as a loud
    vowel does. In the benchmark, 90 % of the telephone bands (300-3400 Hz, in files of 16 kHz) are found between 3.4
    and 3.7 kHz, of recordings at 8 kHz between 3.6 and 4.0, of wide ones between 7.8 and 8.0. Noise that was added
    behind a narrow channel hides it.

    Args:
        samples: `(num_samples,)`, one channel, without offset.
        sample_rate: Hz.
    """
    width = round(_BAND_FRAME_S * sample_rate)
    if len(samples) < width:
        return Reading(None, TOO_SHORT_FOR_BAND)
    frames = np.lib.stride_tricks.sliding_window_view(samples, width)[:: width // 2]  # (n_frames, width)
    energies = np.square(frames, dtype=np.float64).sum(axis=1)
    loud = np.flatnonzero(energies >= _BAND_RANGE * energies.max())
    spectrum = np.zeros(width // 2 + 1)
    for powers in _spectra(frames, loud):
        spectrum += (powers / powers.sum(axis=1, keepdims=True)).sum(axis=0)
    above = np.cumsum(spectrum[::-1])[::-1] / spectrum.sum()
    return Reading(float(np.flatnonzero(above > _ABOVE_BAND)[-1]) * sample_rate / width)


def _as_recorded(path: Path, *, offset_s: float, duration_s: float | None) -> tuple[Samples, int]:
    """Decodes a segment that `read_waveform` has read, without averaging channels and without resampling."""
    with decoding._opened(path) as recording:
        start, stop = decoding._frame_range(path, recording, offset_s=offset_s, duration_s=duration_s)
        return decoding._read_frames(path, recording, start, stop), int(recording.samplerate)


def _powers(waveform: Waveform) -> npt.NDArray[np.float64]:
    """Returns the mean square of every frame of 20 ms: `(n_frames,)`."""
    half = np.square(waveform[: len(waveform) // _HOP * _HOP], dtype=np.float64).reshape(-1, _HOP).sum(axis=1)
    return np.asarray((half[1:] + half[:-1]) / _FRAME)


def _flat_samples(channel: Samples) -> int:
    """Counts the samples of one channel that lie in flat tops."""
    low, high = channel.min(), channel.max()
    if low == high:
        return 0
    tops = np.concatenate([_runs(channel == high), _runs(channel == low)])
    flat = tops[tops >= LEAST_RUN]
    return int(flat.sum()) if len(flat) >= LEAST_TOPS else 0


def _runs(is_at: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Returns the lengths of the runs of true values."""
    changes = np.flatnonzero(np.diff(np.concatenate(([False], is_at, [False]))))
    return np.asarray(changes[1::2] - changes[::2])


def _spectra(frames: Samples, chosen: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.float64]]:
    """Yields power spectra of the chosen frames, `(n, width // 2 + 1)`, so many at a time as fit into memory."""
    from scipy import fft

    window = np.hanning(frames.shape[1] + 1)[:-1].astype(np.float32)
    for start in range(0, len(chosen), _FRAMES_AT_ONCE):
        transformed = fft.rfft(frames[chosen[start : start + _FRAMES_AT_ONCE]] * window, axis=1)
        yield np.square(np.abs(transformed), dtype=np.float64)
