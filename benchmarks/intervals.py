"""Time speaker-clustered intervals of many slices against a plain loop over slices and scipy.stats.bootstrap.

    python benchmarks/intervals.py [--slices 50] [--speakers 1000] [--resamples 1000] [--rounds 5]

Two corpora: every speaker in one slice (accents), and every speaker in every slice (conditions). Each way runs in its
own process, in turn. The loop and the harness give a bootstrap-t; scipy has none, so it is timed at its cheapest
(percentile), on as many slices as `--scipy-slices`, and scaled.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
WAYS = ("harness", "harness gaps", "harness slice_table", "harness disparity_table", "loop", "scipy")


def sums_of(options):
    """Return word errors and reference words of every speaker and slice, (n_speakers, n_slices); 0 where absent."""
    rng = np.random.default_rng(0)
    words = rng.integers(200, 600, (options.speakers, options.slices))
    if options.corpus == "accents":
        words = np.where(np.arange(options.speakers)[:, None] % options.slices == np.arange(options.slices), words, 0)
    rates = 0.2 * rng.gamma(4, 0.25, (options.speakers, 1))
    return rng.poisson(rates * words).astype(np.float64), words.astype(np.float64)


def time_harness(options, errors, words):
    from harness.fairness.bootstrap import rate_intervals, resample_weights

    start_s = time.perf_counter()
    weights = resample_weights(len(errors), options.resamples, np.random.default_rng(1))
    found = rate_intervals(errors, words, words > 0, weights=weights, confidence=0.95)
    return time.perf_counter() - start_s, [[interval.low, interval.high] for interval in found]


def time_harness_gaps(options, errors, words):
    from harness.fairness.bootstrap import resample_weights
    from harness.fairness.gaps import Side, gap_intervals

    start_s = time.perf_counter()
    rest_errors, rest_words = (each.sum(axis=1, keepdims=True) - each for each in (errors, words))
    sides = Side(errors, words, words > 0), Side(rest_errors, rest_words, rest_words > 0)
    weights = resample_weights(len(errors), options.resamples, np.random.default_rng(1))
    found = gap_intervals(*sides, weights=weights, confidences=[0.95, 0.9])[0]
    return time.perf_counter() - start_s, [[interval.low, interval.high] for interval in found]


def time_harness_slice_table(options, errors, words):
    from harness.fairness import Policy, slice_table

    scores, policy = scores_of(errors, words), Policy(n_resamples=options.resamples)
    start_s = time.perf_counter()
    table = slice_table(scores, "part", policy)
    return time.perf_counter() - start_s, table[["wer_low", "wer_high"]].iloc[1:].to_numpy().tolist()


def time_harness_disparity_table(options, errors, words):
    from harness.fairness import Policy, disparity_table

    scores, policy = scores_of(errors, words), Policy(n_resamples=options.resamples)
    start_s = time.perf_counter()
    table = disparity_table(scores, "part", policy)
    return time.perf_counter() - start_s, table[["gap_low", "gap_high"]].to_numpy().tolist()


def scores_of(errors, words):
    """Return twenty utterances of every speaker in every slice that has them, the sums spread evenly."""
    import pandas as pd

    speakers, slices = np.nonzero(words)
    parts = []
    for k in range(20):
        said, wrong = ((each[speakers, slices] + k) // 20 for each in (words, errors))
        parts.append(
            pd.DataFrame({"speaker_id": speakers, "part": slices, "hits": said - wrong, "substitutions": wrong})
        )
    scores = pd.concat(parts, ignore_index=True).astype({"speaker_id": str, "part": str})
    return scores.assign(utterance_id=scores.index.astype(str), deletions=0, insertions=0)


def time_loop(options, errors, words):
    """Resample each slice on its own by indexing its speakers, as one would write it first."""
    rng = np.random.default_rng(1)
    start_s = time.perf_counter()
    found = []
    for k in range(options.slices):
        here = words[:, k] > 0
        e, w, n = errors[here, k], words[here, k], int(here.sum())
        rate, spread = studentised(e[None], w[None], n)
        drawn = rng.integers(n, size=(options.resamples, n))
        star, star_spread = studentised(e[drawn], w[drawn], n)
        lower, upper = np.quantile((star - rate) / star_spread, [0.025, 0.975])
        found.append([float(rate[0] - upper * spread[0]), float(rate[0] - lower * spread[0])])
    return time.perf_counter() - start_s, found


def studentised(errors, words, n_speakers):
    rate = errors.sum(axis=1) / words.sum(axis=1)
    squares = ((errors - rate[:, None] * words) ** 2).sum(axis=1)
    return rate, np.sqrt(n_speakers / (n_speakers - 1) * squares) / words.sum(axis=1)


def time_scipy(options, errors, words):
    from scipy.stats import bootstrap

    def pooled(e, w, axis):
        return e.sum(axis=axis) / w.sum(axis=axis)

    start_s = time.perf_counter()
    found = []
    for k in range(options.scipy_slices):
        here = words[:, k] > 0
        result = bootstrap(
            (errors[here, k], words[here, k]),
            pooled,
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=options.resamples,
            rng=np.random.default_rng(k),
        )
        found.append([float(bound) for bound in result.confidence_interval])
    return (time.perf_counter() - start_s) * options.slices / options.scipy_slices, found


def measure(way, options):
    """Time one way after a small warm-up, and say by how much the peak of memory grew."""
    timed = globals()[f"time_{way.replace(' ', '_')}"]
    errors, words = sums_of(options)
    small = argparse.Namespace(slices=2, speakers=30, resamples=100, scipy_slices=1, corpus=options.corpus)
    timed(small, *sums_of(small))
    before_mb = peak_mb()
    seconds, found = timed(options, errors, words)
    return {"seconds": seconds, "memory_mb": peak_mb() - before_mb, "intervals": found}


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(way, corpus, options):
    """Measure one way in its own process."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in vars(options).items() if value is not None]
    command = [sys.executable, __file__, *arguments, f"--way={way}", f"--corpus={corpus}"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=50)
    parser.add_argument("--speakers", type=int, default=1_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--scipy-slices", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", choices=["accents", "conditions"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options)))
        return
    print(f"{options.slices} slices, {options.resamples} resamples of {options.speakers} speakers")
    for corpus in ("accents", "conditions"):
        rounds = [{way: run(way, corpus, options) for way in WAYS} for _ in range(options.rounds)]
        for way in WAYS:
            seconds = statistics.median(each[way]["seconds"] for each in rounds)
            memory_mb = statistics.median(each[way]["memory_mb"] for each in rounds)
            ratios = [each["harness"]["seconds"] / each[way]["seconds"] for each in rounds]
            ratio = statistics.median(ratios)
            print(f"{corpus:12}{way:26}{seconds:9.3f} s{memory_mb:8.0f} MB   harness / this: {ratio:.3f}")
        widths = [np.diff(rounds[0][way]["intervals"]).mean() for way in ("harness", "loop", "scipy")]
        print(f"{corpus:12}mean width: harness {widths[0]:.4f}, loop {widths[1]:.4f}, scipy {widths[2]:.4f}")


if __name__ == "__main__":
    main()
