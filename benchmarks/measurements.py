"""Measure how well signal-to-noise ratios and bands are told, on mixtures and telephone bands of which both are known.

    HARNESS_TEST_DATA=DATA python benchmarks/measurements.py [--seed 0]

DATA holds `fsdd/recordings`, `speech/jfk.flac` and `noise/kitchen.flac`. Speech: digits recorded at home, a speech of
1961, the demo's synthetic voices, and these cut to where they speak. Noise: white, pink, kitchen, at -5 to 30 dB; at
most 20 where the speech came with noise of its own. The truth is the active speech level (ITU-T P.56) of the speech
alone over the power of the noise. Compared are WADA (Kim and Stern, 2008), a quantile of frame powers, quantiles of
every frequency's power, and the estimate in use.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import signal

from harness.audio import SAMPLE_RATE, Waveform, read_waveform
from harness.audio.measurements import bandwidth, measure_recording, snr
from harness.audio.speech_level import active_speech_level

REPOSITORY = Path(__file__).resolve().parents[1]
SNRS_DB = range(-5, 31, 5)
HIGHEST_DB = 20  # that a mixture can have with speech which is noisy itself
NOISES = ("white", "pink", "kitchen")
FRAME, HOP = 320, 160  # samples


def clips(data: Path) -> Iterator[tuple[str, Waveform]]:
    for path in sorted((data / "fsdd" / "recordings").glob("*.wav"))[::25]:
        yield "fsdd", read_waveform(path)
    speech = read_waveform(data / "speech" / "jfk.flac")
    yield "jfk", speech
    for start in range(0, 10, 2):
        yield "jfk", speech[start * SAMPLE_RATE : (start + 3) * SAMPLE_RATE]
    for path in sorted((REPOSITORY / "manifests" / "demo" / "audio").glob("*.opus"))[::16]:
        voice = read_waveform(path)
        yield "demo", voice
        yield "demo, cut", without_outer_pauses(voice)


def without_outer_pauses(voice: Waveform) -> Waveform:
    powers = frame_powers(voice, hop=FRAME)
    speaks = np.flatnonzero(powers > 1e-3 * powers.max())
    return voice[speaks[0] * FRAME : (speaks[-1] + 1) * FRAME]


def noise(kind: str, n: int, kitchen: Waveform, rng: np.random.Generator) -> np.ndarray:
    if kind == "kitchen":
        start = rng.integers(0, len(kitchen) - n)
        drawn = kitchen[start : start + n].astype(float)
    elif kind == "pink":
        frequencies = np.maximum(np.fft.rfftfreq(n), 1 / n)
        spectrum = rng.standard_normal(len(frequencies)) + 1j * rng.standard_normal(len(frequencies))
        drawn = np.fft.irfft(spectrum / np.sqrt(frequencies), n)
    else:
        drawn = rng.standard_normal(n)
    return drawn / np.sqrt(np.mean(drawn**2))


def frame_powers(waveform: Waveform, *, hop: int = HOP) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(waveform, FRAME)[::hop]
    return np.square(frames, dtype=float).mean(axis=1)


def wada() -> Callable[[Waveform], float]:
    """Return the estimator whose speech has gamma-distributed amplitudes of shape 0.4; its table is drawn here."""
    rng = np.random.default_rng(1)
    amplitudes = rng.gamma(0.4, 1, 2_000_000) * rng.choice([-1, 1], 2_000_000)
    amplitudes /= np.sqrt(np.mean(amplitudes**2))
    gaussian = rng.standard_normal(len(amplitudes))
    known_db = np.arange(-20, 101)
    known = [statistic(amplitudes + gaussian * 10 ** (-each / 20)) for each in known_db]
    return lambda waveform: float(np.interp(statistic(waveform), known, known_db))


def statistic(samples: np.ndarray) -> float:
    magnitudes = np.maximum(np.abs(samples), 1e-10)
    return float(np.log(magnitudes.mean()) - np.log(magnitudes).mean())


def by_frames(waveform: Waveform) -> float:
    return over(active_speech_level(waveform).power, float(np.quantile(frame_powers(waveform), 0.1)))


def by_frequencies(waveform: Waveform) -> float:
    """Take for noise what a fifth of the time no frequency exceeds, as if its power were exponential."""
    _, _, spectra = signal.stft(waveform, SAMPLE_RATE, nperseg=512, noverlap=384, boundary=None, padded=False)
    powers = np.abs(spectra) ** 2
    floor = np.quantile(powers, 0.2, axis=1) / -np.log(1 - 0.2)
    return over(
        active_speech_level(waveform).power, float(np.mean(waveform**2) * floor.sum() / powers.mean(axis=1).sum())
    )


def in_use(waveform: Waveform) -> float:
    told = snr(waveform, active_speech_level(waveform)).value
    return np.nan if told is None else told


def over(power: float, floor: float) -> float:
    return 10 * np.log10(max(power / floor - 1, 1e-2))


def errors(data: Path, rng: np.random.Generator) -> pd.DataFrame:
    kitchen = read_waveform(data / "noise" / "kitchen.flac")
    estimators = {"WADA": wada(), "frames": by_frames, "frequencies": by_frequencies, "in use": in_use}
    rows = []
    for kind in NOISES:
        for source, speech in clips(data):
            level_db = active_speech_level(speech).level_db
            drawn = noise(kind, len(speech), kitchen, rng)
            for snr_db in SNRS_DB:
                if snr_db > HIGHEST_DB and not source.startswith("demo"):
                    continue
                mixture = (speech + drawn * 10 ** ((level_db - snr_db) / 20)).astype(np.float32)
                told = {name: each(mixture) - snr_db for name, each in estimators.items()}
                rows += [(len(rows) // len(told), kind, source, snr_db, name, error) for name, error in told.items()]
    return pd.DataFrame(rows, columns=["mixture", "noise", "speech", "snr_db", "estimator", "error_db"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Summarise the errors of every estimator, over all mixtures and over those that the one in use tells of."""
    mixtures = found.pivot_table("error_db", "mixture", "estimator", dropna=False)
    told = mixtures[mixtures["in use"].notna()]
    rows = {}
    for which, errors_db in (("all", mixtures), ("told", told)):
        for name in mixtures.columns:
            each = errors_db[name].dropna()
            low, high = each.quantile([0.05, 0.95])
            numbers = (len(each) / len(mixtures), each.mean(), each.std(), each.abs().mean(), low, high)
            rows[f"{name}, {which}"] = numbers
    return pd.DataFrame.from_dict(rows, orient="index", columns=["told", "bias", "sd", "mean |error|", "5 %", "95 %"])


def bands(data: Path) -> pd.DataFrame:
    telephone = signal.butter(8, [300, 3400], "band", fs=SAMPLE_RATE, output="sos")
    rows = []
    for path in sorted((data / "fsdd" / "recordings").glob("*.wav"))[::25]:
        rows.append(("fsdd, 8 kHz", measure_recording(path).bandwidth_hz))
    for source, speech in clips(data):
        if source == "fsdd":
            continue
        narrow = signal.resample_poly(signal.sosfiltfilt(telephone, speech), 1, 2)
        again = signal.resample_poly(np.round(narrow * 32767) / 32767, 2, 1)  # a 16 kHz file of a telephone call
        rows.append((f"{source}, 16 kHz", bandwidth(speech, SAMPLE_RATE).value))
        rows.append((f"{source}, telephone in 16 kHz", bandwidth(again.astype(np.float32), SAMPLE_RATE).value))
    found = pd.DataFrame(rows, columns=["recordings", "hz"]).groupby("recordings")["hz"]
    return pd.DataFrame({f"{share:.0%}": found.quantile(share) for share in (0.05, 0.5, 0.95)}).round(0)


def seconds(data: Path) -> str:
    paths = sorted((data / "fsdd" / "recordings").glob("*.wav"))
    paths += sorted((REPOSITORY / "manifests" / "demo" / "audio").glob("*.opus"))
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        audio_s = sum(len(read_waveform(path)) for path in paths) / SAMPLE_RATE
        decoded = time.perf_counter()
        for path in paths:
            measure_recording(path)
        rounds.append((decoded - started, time.perf_counter() - decoded))
    decoding_s, measuring_s = np.median(rounds, axis=0)
    return f"{audio_s:.0f} s of audio: decoded in {decoding_s:.2f} s, decoded and measured in {measuring_s:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    found = errors(data, np.random.default_rng(options.seed))
    used = found[found["estimator"] == "in use"]
    print("Errors of the estimated SNR, dB\n", summary(found).round(2).to_string())
    print("Mean error in use, by truth\n", used.pivot_table("error_db", "noise", "snr_db").round(1).to_string())
    print("Told in use, by truth\n", used.pivot_table("error_db", "speech", "snr_db", aggfunc=told_share).to_string())
    print("Bandwidth, quantiles in Hz\n", bands(data).to_string())
    print(seconds(data))


def told_share(errors_db: pd.Series) -> float:
    return round(float(errors_db.notna().mean()), 2)


if __name__ == "__main__":
    main()
