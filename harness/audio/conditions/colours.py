"""A colour of noise in, two minutes of it out, generated: white, pink, brown, and a babble that holds no word.

Each is a period of an endless noise, made from its spectrum, so that it has no seam; and it is always the same period,
from which every clip takes a piece of its own, as it would from a recording.
"""

import numpy as np
import numpy.typing as npt

from harness.audio.conditions.recordings import kept, unit_power
from harness.audio.waveform import SAMPLE_RATE, Waveform

COLOURS = ("white", "pink", "brown", "babble")
NUM_SAMPLES = 2**21  # 131 s at 16 kHz
LOWEST_HZ = 20.0  # below which pink and brown noise would be all inaudible rumble
N_VOICES = 8  # of the babble
MODULATION_HZ = (1.0, 8.0)  # where speech is modulated most (Houtgast and Steeneken, 1985)
MODULATION_DEPTH = 0.8  # standard deviation of the logarithm of a voice's amplitude, 7 dB
_SPEECH_SPECTRUM = (  # Hz, dB per Hz: speech of normal effort (ANSI S3.5-1997, table 3)
    (160, 32.41), (200, 34.48), (250, 34.75), (315, 33.98), (400, 34.59), (500, 34.27), (630, 32.06), (800, 28.30),
    (1000, 25.01), (1250, 23.00), (1600, 20.15), (2000, 17.32), (2500, 13.18), (3150, 11.55), (4000, 9.33),
    (5000, 5.31), (6300, 2.59), (8000, 1.13),
)  # fmt: skip
_NUM_SLOW = 2**15  # values of a modulation in the same time, 250 a second
_SLOPE_BELOW_DB = 12.0  # per octave, under the table's lowest band

Samples = npt.NDArray[np.float64]


@kept
def generated_loop(colour: str) -> Waveform:
    """Returns a period of generated noise: `(2**21,)`, of mean square 1.

    Args:
        colour: One of COLOURS. Pink has equal power in every octave (-3 dB an octave), brown -6 dB an octave, both from
            20 Hz up. Babble is the sum of eight voices, each a noise with the long-term spectrum of speech and with its
            slow modulations, but without words: a recogniser that hears words in it hears what nobody said. Give
            `talkers` instead for babble of real voices.
    """
    rng = np.random.default_rng(COLOURS.index(colour))
    if colour == "babble":
        amplitude = _speech_shape(_frequencies())
        return unit_power(np.sum([_voice(rng, amplitude) for _ in range(N_VOICES)], axis=0))
    shape = {"white": _white, "pink": _pink, "brown": _brown}[colour]
    return unit_power(_shaped(rng, shape(_frequencies()), NUM_SAMPLES))


def _voice(rng: np.random.Generator, amplitude: Samples) -> Samples:
    """Returns noise with the spectrum and the slow modulations of speech: `(NUM_SAMPLES,)`."""
    frequencies = np.arange(_NUM_SLOW // 2 + 1) * (SAMPLE_RATE / NUM_SAMPLES)
    slow = (frequencies >= MODULATION_HZ[0]) & (frequencies <= MODULATION_HZ[1])
    modulation = _shaped(rng, slow.astype(np.float64), _NUM_SLOW)
    envelope = np.exp(MODULATION_DEPTH * modulation / modulation.std())
    places = np.arange(NUM_SAMPLES) * (_NUM_SLOW / NUM_SAMPLES)
    smooth = np.interp(places, np.arange(_NUM_SLOW + 1), np.append(envelope, envelope[0]))
    return np.asarray(_shaped(rng, amplitude, NUM_SAMPLES) * smooth)


def _shaped(rng: np.random.Generator, amplitude: Samples, num_samples: int) -> Samples:
    """Returns a period of noise whose spectrum has these amplitudes on average: `(num_samples,)`."""
    from scipy import fft

    n = len(amplitude)
    spectrum = amplitude * (rng.standard_normal(n) + 1j * rng.standard_normal(n))  # (num_samples / 2 + 1,)
    spectrum[0] = 0.0
    return np.asarray(fft.irfft(spectrum, num_samples))


def _frequencies() -> Samples:
    return np.arange(NUM_SAMPLES // 2 + 1, dtype=np.float64) * (SAMPLE_RATE / NUM_SAMPLES)


def _white(frequencies: Samples) -> Samples:
    return np.ones_like(frequencies)


def _pink(frequencies: Samples) -> Samples:
    return np.asarray(np.sqrt(_brown(frequencies)))


def _brown(frequencies: Samples) -> Samples:
    return np.where(frequencies < LOWEST_HZ, 0.0, 1 / np.maximum(frequencies, LOWEST_HZ))


def _speech_shape(frequencies: Samples) -> Samples:
    bands, levels_db = np.array(_SPEECH_SPECTRUM).T
    octaves = np.log2(np.maximum(frequencies, 1.0) / bands[0])
    level_db = np.interp(octaves, np.log2(bands / bands[0]), levels_db) + _SLOPE_BELOW_DB * np.minimum(octaves, 0.0)
    return np.asarray(10 ** (level_db / 20))
