"""Clips for the tests of conditions: like speech in level and pauses, and recordings of noise and rooms."""

import numpy as np
import soundfile

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import (
    Chain,
    Clean,
    Clipping,
    Codec,
    Gain,
    LowPass,
    Noise,
    PacketLoss,
    Reverberation,
    Speed,
    Telephone,
    Tone,
    conditioned,
    seed_of,
)


def like_speech(duration_s=3.0, *, seed=0, level=0.1, pauses=True):
    """Coloured noise in bursts of 0.3 s, of different levels, with pauses of 0.2 s between them."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * SAMPLE_RATE)
    samples = np.convolve(rng.standard_normal(n + 31), np.hanning(32), "valid")
    place = np.arange(n) / SAMPLE_RATE
    speaks = (place % 0.5 < 0.3) if pauses else np.ones(n, dtype=bool)
    loud = 1 + 0.5 * np.sin(2 * np.pi * 0.7 * place)
    return (level * samples / samples.std() * speaks * loud).astype(np.float32)


def written(path, samples, sample_rate=SAMPLE_RATE, **options):
    soundfile.write(path, samples, sample_rate, **({"subtype": "FLOAT"} | options))
    return str(path)


def noise_file(folder, *, duration_s=4.0, seed=7, name="kitchen.wav"):
    samples = 0.05 * np.random.default_rng(seed).standard_normal(round(duration_s * SAMPLE_RATE))
    return written(folder / name, samples)


def decaying(t60_s=0.3, *, duration_s=0.5, delay=40, seed=3):
    """A direct sound and noise that falls by 60 dB in `t60_s`."""
    n = round(duration_s * SAMPLE_RATE)
    tail = np.random.default_rng(seed).standard_normal(n) * 10 ** (-3 * np.arange(n) / SAMPLE_RATE / t60_s)
    response = np.zeros(n + delay)
    response[delay:] = 0.05 * tail
    response[delay] = 1.0
    return response


def every_kind(folder):
    """One condition of every class that needs no extra, by its class's name."""
    noise = noise_file(folder)
    made = [
        Clean(),
        Noise(recording=noise, snr_db=5),
        Tone(frequency_hz=1000, harmonics=4, duty_cycle=0.5, period_s=0.4),
        Reverberation(impulse_response=written(folder / "room.wav", decaying())),
        Telephone(),
        Codec(codec="gsm"),
        Clipping(quantile=0.9),
        Gain(gain_db=-20),
        PacketLoss(loss_share=0.2),
        LowPass(cutoff_hz=2000),
        Speed(factor=1.25),
    ]
    return {type(each).__name__: each for each in [*made, Chain(steps=[made[1], made[4], made[8]])]}


def under(condition, waveform, *, utterance_id="u1"):
    return conditioned(condition, waveform, rng=seed_of(utterance_id, condition))


def mean_square(samples):
    return float(np.mean(np.square(np.asarray(samples, dtype=np.float64))))
