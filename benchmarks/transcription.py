"""Time what stands around a recogniser, and its memory on a manifest of 168,000 short clips, against a plain loop.

    python benchmarks/transcription.py [--clips 168000] [--workers 2]

The recogniser answers at once, so that all the time is the harness's: reading the manifest, decoding, handing over to
another process and back, writing. The plain loop is what one would write first: soundfile, the recogniser, one list.
Clips are segments of one recording of tones (0.35 s each): a peer ran out of memory on a manifest of that size.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CLIP_S, N_SEGMENTS = 0.35, 1000


class Instant:
    """Hears nothing, at once."""

    def transcribe(self, waveforms):
        """Return as many texts, all the same."""
        from harness.backends import Transcript

        return [Transcript("zero one") for _ in waveforms]

    def identity(self):
        """Return a name."""
        return {"backend": "instant", "version": 1}


def write_corpus(folder, n_clips):
    import numpy as np
    import soundfile

    from harness.audio import SAMPLE_RATE
    from harness.backends.tones import synthesise

    soundfile.write(folder / "tones.wav", np.tile(synthesise("zero one"), N_SEGMENTS), SAMPLE_RATE)
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        for i in range(n_clips):
            row = {
                "utterance_id": f"u{i}", "audio_filepath": "tones.wav", "text": "zero one", "duration": CLIP_S,
                "offset": CLIP_S * (i % N_SEGMENTS), "speaker_id": f"s{i % 1000}", "accent": f"a{i % 8}",
            }  # fmt: skip
            manifest.write(json.dumps(row) + "\n")


def time_plain(folder, _):
    import soundfile

    backend, texts = Instant(), []
    start_s = time.perf_counter()
    for line in (folder / "manifest.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        start = round(row["offset"] * 16_000)
        waveform, _ = soundfile.read(folder / row["audio_filepath"], start=start, frames=5_600, dtype="float32")
        texts.append((row["utterance_id"], backend.transcribe([waveform])[0].text))
    return {"seconds": time.perf_counter() - start_s, "n": len(texts)}


def time_harness(folder, workers, cache=None):
    from harness.corpus import Manifest
    from harness.transcription import ExecutorOptions, HypothesisStore, TranscriptCache, recognisers, transcribe

    options = ExecutorOptions(workers=workers, batch_size=64)
    start_s = time.perf_counter()
    manifest = Manifest.load(folder / "manifest.jsonl")
    store = HypothesisStore(Path(tempfile.mkdtemp(dir=folder)) / "hypotheses")
    with recognisers(Instant, options) as workers_:
        kept = None if cache is None else TranscriptCache(folder / cache, workers_[0].identity())
        if kept is None:
            done = transcribe(manifest, workers_, store, options)
        else:
            with kept:
                done = transcribe(manifest, workers_, store, options, cache=kept)
    return {"seconds": time.perf_counter() - start_s, "n": done.n_done, "n_cached": done.n_cached}


def time_command(folder, workers):
    """Run the whole command in a process of its own; the peak is the larger of it and its recogniser."""
    arguments = [
        "benchmark",
        f"manifest.path={folder / 'manifest.jsonl'}",
        "backend=tones",
        f"executor.workers={workers}",
    ]
    arguments += ["executor.batch_size=64", "cache.enabled=false", "policy=report_only", f"run_dir={folder / 'run'}"]
    start_s = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}  # not this folder, whose whisper.py hides a package
    subprocess.run([sys.executable, "-m", "harness", *arguments], check=False, capture_output=True, env=environment)
    seconds = time.perf_counter() - start_s
    sessions = (folder / "run" / "sessions.jsonl").read_text(encoding="utf-8").splitlines()
    worker_mb = json.loads(sessions[-1])["peak_worker_memory_bytes"] / 2**20
    return {
        "seconds": seconds,
        "command_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "worker_mb": worker_mb,
    }


WAYS = {
    "plain loop": time_plain,
    "harness, same process": lambda folder, _: time_harness(folder, 0),
    "harness, worker processes": time_harness,
    "harness, first with cache": partial(time_harness, cache="cache.sqlite"),
    "harness, all from cache": partial(time_harness, cache="cache.sqlite"),
    "harness benchmark, tones": time_command,
}


def run(way, folder, workers):
    """Run one way in its own process and return what it measured."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder), "--workers", str(workers)]
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{Path(__file__).parent}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=168_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        import transcription as own  # under the name by which a worker process can import it

        measured = own.WAYS[options.way](options.folder, options.workers)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peak_mb": measured.pop("command_mb", peak_mb)} | measured))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder), options.clips)
        print(f"{options.clips:,} clips of {CLIP_S} s, {options.workers} worker(s)")
        plain_s = None
        for way in WAYS:
            measured = run(way, folder, options.workers)
            plain_s = plain_s or measured["seconds"]
            more = {key: round(value) for key, value in measured.items() if key not in ("seconds", "peak_mb")}
            ratio = measured["seconds"] / plain_s
            print(f"{way:28} {measured['seconds']:7.1f} s  {ratio:5.2f}x  {measured['peak_mb']:6.0f} MB  {more}")


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
