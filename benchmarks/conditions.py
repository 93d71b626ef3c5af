"""Time acoustic conditions against decoding the same clips, in one run on two threads; on a GPU too, if there is one.

    OMP_NUM_THREADS=1 python benchmarks/conditions.py [--data FOLDER] [--rounds 15] [--threads 2]

A ratio below 1 is a condition that costs less than decoding did. In each round every clip is decoded, then put under
each condition; a ratio is that of the medians over rounds of the processor seconds of all threads, which other work on
the machine changes little, and beside it that of the seconds that passed. What is computed once in a process (reading
the noise, generating it) comes before the first round.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
PROMISED = ("noise", "tone", "telephone")  # these three are to cost less than decoding what is not plain WAV


def sources_in(data, folder):
    """Return what decodes each clip, by kind of recording; those that are not there are left out and said so."""
    from harness.audio import read_waveform

    found = {}
    opus = sorted((REPOSITORY / "manifests/demo/audio").glob("*.opus"))[:48]
    found["demo, Opus, 2 s"] = [partial(read_waveform, path) for path in opus]
    digits = sorted((data / "fsdd/recordings").glob("*.wav"))[:200]
    found["FSDD, 8 kHz WAV, 0.4 s"] = [partial(read_waveform, path) for path in digits]
    kitchen, speech = data / "noise/kitchen.flac", data / "speech/jfk.flac"
    if kitchen.exists() and speech.exists():
        for path in segments_of(kitchen, folder, 10.0, 12):
            found.setdefault("FLAC, 16 kHz, 10 s", []).append(partial(read_waveform, path))
        for path in segments_of(kitchen, folder, 2.0, 60):
            found.setdefault("FLAC, 16 kHz, 2 s", []).append(partial(read_waveform, path))
        found["FLAC, 44.1 kHz stereo, 11 s"] = [partial(read_waveform, speech)] * 4
        for path in segments_of(kitchen, folder, 10.0, 12, suffix=".wav"):
            found.setdefault("WAV, 16 kHz, 10 s (not promised)", []).append(partial(read_waveform, path))
    for kind in [kind for kind, clips in found.items() if not clips]:
        print(f"left out, not in {data}: {kind}")
        del found[kind]
    return found


def segments_of(recording, folder, duration_s, n, *, suffix=".flac"):
    """Write `n` clips of a recording as files of their own."""
    import soundfile

    from harness.audio import read_waveform

    for i in range(n):
        path = Path(folder) / f"{duration_s:g}s_{i}{suffix}"
        soundfile.write(path, read_waveform(recording, offset_s=duration_s * i, duration_s=duration_s), 16_000)
        yield path


def conditions_to_time(data):
    """Return one condition of each kind, those that are promised first."""
    from harness.audio.conditions import (
        Chain,
        Clipping,
        Codec,
        Gain,
        LowPass,
        Noise,
        PacketLoss,
        Speed,
        Telephone,
        Tone,
    )

    kitchen = data / "noise/kitchen.flac"
    source = {"recording": str(kitchen)} if kitchen.exists() else {"colour": "pink"}
    noise = Noise(**source, snr_db=10, name="noise")
    telephone = Telephone(name="telephone")
    tone = Tone(frequency_hz=1_000, harmonics=5, duty_cycle=0.5, period_s=0.5, level_db=0, name="tone")
    made = [noise, tone, telephone, LowPass(cutoff_hz=3_000), Gain(gain_db=-20), Clipping(quantile=0.95)]
    made += [PacketLoss(loss_share=0.1), Speed(factor=1.1), Chain(steps=[noise, telephone], name="noise-telephone")]
    return [*made, Codec(codec="gsm"), Codec(codec="mp3"), Codec(codec="opus")]


def under(condition, numbered):
    """Apply a condition to one clip."""
    from harness.audio.conditions import conditioned, seed_of

    number, waveform = numbered
    return conditioned(condition, waveform, rng=seed_of(f"u{number}", condition))


def timed(pool, function, items):
    """Return what came out, and the seconds of the processor and of the clock."""
    n_threads = pool._max_workers
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    shares = list(
        pool.map(lambda share: [function(item) for item in share], [items[i::n_threads] for i in range(n_threads)])
    )
    taken = time.process_time() - start_cpu_s, time.perf_counter() - start_s
    return [shares[i % n_threads][i // n_threads] for i in range(len(items))], *taken


def measure(decoders, made, pool, rounds):
    """Return the medians over rounds of both seconds, of decoding first and then of each condition."""
    seconds = {"decode": []} | {condition.name: [] for condition in made}
    for number in range(rounds + 1):  # the first warms up
        waveforms, *taken = timed(pool, lambda decode: decode(), decoders)
        found = {"decode": taken}
        for condition in made:
            _, *found[condition.name] = timed(pool, partial(under, condition), list(enumerate(waveforms)))
        if number:
            for name, each in found.items():
                seconds[name].append(each)
    audio_s = sum(len(waveform) for waveform in waveforms) / 16_000
    return {
        name: [statistics.median(each) for each in zip(*taken, strict=True)] for name, taken in seconds.items()
    }, audio_s


def report(kind, medians, audio_s):
    """Print one table; return the promised conditions that cost more than decoding."""
    cpu_s, wall_s = medians["decode"]
    print(f"\n{kind}: decoding {1000 * cpu_s / audio_s:.3f} ms of processor time a second of audio")
    print(f"{'condition':24} {'ms / s of audio':>16} {'ratio':>7} {'by the clock':>13}")
    for name, (own_cpu_s, own_wall_s) in medians.items():
        if name != "decode":
            ratios = f"{own_cpu_s / cpu_s:7.2f} {own_wall_s / wall_s:13.2f}"
            print(f"{name:24} {1000 * own_cpu_s / audio_s:16.3f} {ratios}")
    return [f"{name}: {kind}" for name in PROMISED if medians[name][0] >= cpu_s and "not promised" not in kind]


def on_gpu(made, n_clips=64, duration_s=10):
    """Print what a batch takes on the GPU against one core, and the largest difference of a sample."""
    import numpy as np
    import torch

    from harness.audio.conditions import apply_batch, seed_of

    if not torch.cuda.is_available():
        print("\nno CUDA device: batches were not timed")
        return
    rng = np.random.default_rng(0)
    clips = [(0.1 * rng.standard_normal(duration_s * 16_000)).astype(np.float32) for _ in range(n_clips)]
    print(f"\n{n_clips} clips of {duration_s} s on {torch.cuda.get_device_name()}, against one core one by one")
    for condition in made[:6]:
        seconds = {}
        for way in ("warm-up", "cuda"):
            start_s = time.perf_counter()
            rngs = [seed_of(f"u{i}", condition) for i in range(n_clips)]
            together = apply_batch(condition, clips, rngs, device="cuda")
            seconds[way] = time.perf_counter() - start_s
        start_s = time.perf_counter()
        alone = [under(condition, numbered) for numbered in enumerate(clips)]
        one_by_one_s = time.perf_counter() - start_s
        apart = max(float(np.abs(a.waveform - b.waveform).max()) for a, b in zip(together, alone, strict=True))
        print(f"{condition.name:24} {seconds['cuda']:7.3f} s {one_by_one_s:7.3f} s  largest difference {apart:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with noise/kitchen.flac, speech/, fsdd/")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    made = conditions_to_time(options.data)
    dearer = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.threads) as pool:
        for kind, decoders in sources_in(options.data, folder).items():
            dearer += report(kind, *measure(decoders, made, pool, options.rounds))
    on_gpu(made)
    print("\ndearer than decoding:", "; ".join(dearer) or f"none of {', '.join(PROMISED)}")


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
