"""Speech and what disturbs it in, their sum at a stated ratio out, with one scale for both where it would clip."""

import math

import numpy as np

from harness.audio.conditions.protocol import Conditioned
from harness.audio.speech_level import SpeechLevel, active_speech_level
from harness.audio.waveform import Waveform
from harness.errors import ConditionError

POWERS = ("active", "rms")


def noise_gain(speech_power: float, noise_power: float, snr_db: float) -> float:
    """Returns the factor of the noise that gives an SNR: sqrt(P_s / (P_n 10^(SNR/10))).

    Args:
        speech_power: Mean square of the speech, > 0.
        noise_power: Mean square of the noise over the samples that are used, > 0.
        snr_db: Of the sum.

    >>> round(noise_gain(1.0, 4.0, 6.0206), 6)
    0.25
    """
    return math.sqrt(speech_power / noise_power) * 10 ** (-snr_db / 20)


def speech_level_of(waveform: Waveform, *, power: str, name: str) -> SpeechLevel:
    """Returns the level that a ratio refers to.

    Args:
        waveform: The speech.
        power: `active`: by ITU-T P.56, pauses not counted; `rms`: of all samples.
        name: Of the condition, for the message.

    Raises:
        ConditionError: when the clip is silent: nothing can be a number of dB louder than silence.
    """
    return level_to_refer_to(active_speech_level(waveform), power=power, name=name)


def level_to_refer_to(level: SpeechLevel, *, power: str, name: str) -> SpeechLevel:
    """Returns a measured level, or its long-term part; as `speech_level_of`, which it is the end of."""
    if level.method == "silence":
        raise ConditionError(
            f"condition '{name}': the clip is silent (all samples are equal), so there is no speech that noise or a "
            "tone could be louder or softer than. Remove the row, or record it again"
        )
    if power == "active":
        return level
    return SpeechLevel(level.long_term_db, activity=1.0, long_term_db=level.long_term_db, method="rms")


def mean_square(waveform: Waveform) -> float:
    """Returns the power of a waveform, summed in double precision."""
    return float(np.einsum("i,i->", waveform, waveform, dtype=np.float64)) / len(waveform)


def scale_for(peak: float) -> float:
    """Returns the factor that brings a peak to full scale; 1 where it is not beyond."""
    return 1 / peak if peak > 1 else 1.0


def peak_of(waveform: Waveform) -> float:
    """Returns the largest magnitude."""
    return max(float(waveform.max()), -float(waveform.min()))


def mixed(speech: Waveform, disturbance: Waveform, *, gain: float) -> tuple[Waveform, float]:
    """Returns speech + gain × disturbance, and the one scale that both were given so that the sum does not clip."""
    together = disturbance * np.float32(gain)
    together += speech
    scale = scale_for(peak_of(together))
    if scale != 1:
        together *= np.float32(scale)
    return together, scale


def disturbed(
    speech: Waveform, disturbance: Waveform, *, level: SpeechLevel, power: float, ratio_db: float
) -> Conditioned:
    """Mixes a disturbance so far below the speech, and tells what was done.

    Args:
        speech: `(num_samples,)`.
        disturbance: `(num_samples,)`.
        level: Of the speech.
        power: Of the disturbance, mean square, > 0.
        ratio_db: Level of the speech over that of the disturbance.
    """
    gain = noise_gain(level.power, power, ratio_db)
    waveform, scale = mixed(speech, disturbance, gain=gain)
    return Conditioned(waveform, facts_of_mix(level, ratio_db=ratio_db, scale=scale))


def facts_of_mix(level: SpeechLevel, *, ratio_db: float, scale: float) -> dict[str, float]:
    """Returns what is told of every mix; the levels are those before the scale."""
    return {
        "speech_level_db": level.level_db,
        "speech_activity": level.activity,
        "noise_level_db": level.level_db - ratio_db,
        "scale": scale,
    }
