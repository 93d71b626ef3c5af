"""A clip in, the clip with the tone of a machine out: an alarm, a scanner, the hum of the mains."""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil, pi
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.mixing import POWERS, disturbed, speech_level_of
from harness.audio.conditions.protocol import Conditioned
from harness.audio.conditions.recordings import cut_from
from harness.audio.speech_level import SpeechLevel
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import UsageError

RAMP_S = 0.01  # in which it goes on and off, as a raised cosine: no click
SHORTEST_PULSE_S = 0.02  # two ramps
HIGHEST_HZ = 7_900.0  # there is nothing above 8 kHz at 16 kHz

_N_COLUMNS = 512  # samples of a row

Phases = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone(AcousticCondition):
    """Adds sum_k a_k sin(2 pi k f t + phi_k), a_k = 1/k, on and off; phases and the moment it goes on are drawn.

    With a_k = 1/k five harmonics stay within 15 dB of the first, as IEC 60601-1-8 asks of medical alarms. The level is
    over that of all of the speech, not of its critical band: the tones of a sweep have one power and mask unequally.

    Attributes:
        frequency_hz: Of the first harmonic, 20 to 7,900.
        harmonics: How many, the first one counted; those from 8 kHz up cannot be heard and are left out.
        duty_cycle: Share of the period for which it sounds, above 0 to 1 (always).
        period_s: From one beginning to the next.
        level_db: Level while it sounds over the active speech level (ITU-T P.56): 0 is as loud as the speech.
        speech_power: `active`, or `rms` of the whole clip.
    """

    frequency_hz: float
    harmonics: int = 1
    duty_cycle: float = 1.0
    period_s: float = 1.0
    level_db: float = -5.0
    speech_power: str = "active"
    SWEPT: ClassVar[str] = "frequency_hz"
    PAIRED: ClassVar[tuple[str, ...]] = ("frequency_hz", "level_db", "speech_power")

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
        """Returns the clip with the tone; facts as of noise, and the share of the clip in which it sounds."""
        level = self.level_of(waveform)
        phases, start = self.drawn(rng)
        tone = _harmonics(phases, len(waveform), frequency_hz=self.frequency_hz)
        envelope = self.envelope(start, len(waveform))
        if envelope is not None:
            tone *= envelope
        return self.told(disturbed(waveform, tone, level=level, power=1.0, ratio_db=-self.level_db), envelope)

    def level_of(self, waveform: Waveform) -> SpeechLevel:
        """Returns the level of the speech that the tone's refers to.

        Raises:
            ConditionError: when the clip is silent.
        """
        return speech_level_of(waveform, power=self.speech_power, name=self.name)

    def drawn(self, rng: np.random.Generator) -> tuple[Phases, int]:
        """Returns the phase of each harmonic below 8 kHz, and the sample of the period that the clip begins at."""
        phases = rng.uniform(0, 2 * pi, size=self.harmonics)
        start = int(rng.integers(self._period()))
        return phases[: self.n_audible], start

    @property
    def n_audible(self) -> int:
        """How many harmonics lie below 8 kHz."""
        return min(self.harmonics, ceil(SAMPLE_RATE / 2 / self.frequency_hz) - 1)

    def envelope(self, start: int, num_samples: int) -> Waveform | None:
        """Returns how loud it is at each sample, from 0 to 1: `(num_samples,)`; None where it always sounds."""
        if self.duty_cycle == 1:
            return None
        period = _period_envelope(self._period(), round(self.duty_cycle * self._period()))
        return cut_from(period, start, num_samples)

    def told(self, done: Conditioned, envelope: Waveform | None) -> Conditioned:
        """Adds the share of the clip in which the tone sounds at half its amplitude or more."""
        share = 1.0 if envelope is None else float(np.count_nonzero(envelope >= 0.5)) / len(envelope)
        return Conditioned(done.waveform, dict(done.facts) | {"tone_share": share})

    def default_name(self) -> str:
        """Returns `tone_1000hz`."""
        return f"tone_{self.frequency_hz:g}hz"

    def _period(self) -> int:
        return round(self.period_s * SAMPLE_RATE)

    def _check(self) -> None:
        self._number("frequency_hz", 20, HIGHEST_HZ)
        self._whole("harmonics", 1, 100)
        self._number("duty_cycle", 0, 1)
        self._number("period_s", SHORTEST_PULSE_S, 3600)
        self._number("level_db", -100, 60)
        self._choice("speech_power", POWERS)
        if self.duty_cycle * self.period_s < SHORTEST_PULSE_S:
            raise UsageError(
                f"Tone: duty_cycle={self.duty_cycle:g} of period_s={self.period_s:g} sounds for "
                f"{self.duty_cycle * self.period_s:g} s; expected {SHORTEST_PULSE_S} s or more, or it is a click."
            )


@cache
def amplitudes(n_harmonics: int) -> Phases:
    """Returns 1/k for each harmonic, scaled so that their sum has a mean square of 1: `(n_harmonics,)`."""
    falling = 1 / np.arange(1, n_harmonics + 1)
    return np.asarray(falling / np.sqrt(np.square(falling).sum() / 2))


def _harmonics(phases: Phases, num_samples: int, *, frequency_hz: float) -> Waveform:
    """Returns the sum of the harmonics, `(num_samples,)`: sin(a + b) = sin a cos b + cos a sin b, a row and a column.

    So there are sines of a few hundred angles to be had instead of one a sample. The sum goes through `einsum`, which
    adds in one order, whatever the number of threads.
    """
    first = np.arange(ceil(num_samples / _N_COLUMNS))[:, None] * float(_N_COLUMNS)  # (n_rows, 1)
    rows = _steps(len(phases), frequency_hz) * first + phases  # (n_rows, n_harmonics) radians
    scale = amplitudes(len(phases))
    left = np.concatenate([scale * np.sin(rows), scale * np.cos(rows)], axis=1, dtype=np.float32)
    tone: Waveform = np.einsum("rk,kc->rc", left, _columns(len(phases), frequency_hz)).reshape(-1)[:num_samples]
    return tone


def _steps(n_harmonics: int, frequency_hz: float) -> Phases:
    """Returns by how much each harmonic turns in a sample, in radians: `(n_harmonics,)`."""
    return np.asarray(2 * pi * frequency_hz / SAMPLE_RATE * np.arange(1, n_harmonics + 1))


@lru_cache(maxsize=64)
def _columns(n_harmonics: int, frequency_hz: float) -> Waveform:
    """Returns cosine and sine of what each harmonic turns within a row: `(2 * n_harmonics, _N_COLUMNS)`."""
    angles = _steps(n_harmonics, frequency_hz)[:, None] * np.arange(_N_COLUMNS)
    return np.concatenate([np.cos(angles), np.sin(angles)], dtype=np.float32)


@lru_cache(maxsize=64)
def _period_envelope(num_samples: int, n_on: int) -> Waveform:
    """Returns one period, `(num_samples,)`: up within 10 ms, on, down within 10 ms, off; half-way points n_on apart."""
    n_ramp = min(round(RAMP_S * SAMPLE_RATE), num_samples - n_on, n_on)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_ramp) + 0.5) / max(n_ramp, 1))
    envelope = np.zeros(num_samples, dtype=np.float32)
    envelope[:n_ramp] = ramp
    envelope[n_ramp:n_on] = 1.0
    envelope[n_on : n_on + n_ramp] = ramp[::-1]
    envelope.flags.writeable = False
    return envelope
