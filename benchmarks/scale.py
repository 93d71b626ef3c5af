"""Time slices, intervals, tests and max-T of a million utterances, and intervals beside scipy and fairlearn.

    python benchmarks/scale.py [--utterances 1000000] [--speakers 20000] [--draws 10000] [--rounds 3]

Two corpora of 10 attributes with 50 values: all of speakers, and two of them within speakers (conditions). Each runs in
its own process; the stages are those that the harness logs, memory is the peak of the process. Then three ways to
intervals of 50 slices of 16,000 utterances by 1,000 speakers from 1,000 resamples, each in its own process:
`slice_table`, `scipy.stats.bootstrap` (paired, vectorised, percentile: it has no bootstrap-t) of per-speaker sums, and
fairlearn's `MetricFrame` (it resamples utterances; timed with `--fairlearn-resamples` and scaled; left out where
fairlearn is not installed).
"""

import argparse
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
WAYS = ("harness", "scipy", "fairlearn")
N_ATTRIBUTES, N_VALUES = 10, 50
SMALL = {"utterances": 16_000, "speakers": 1_000, "attributes": 1, "within": 0}  # 50 slices x 1,000 resamples


def corpus(n_utterances, n_speakers, n_attributes, n_within):
    """Return scores; the last `n_within` attributes vary within a speaker, the others are the speaker's."""
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(n_speakers), n_utterances // n_speakers)
    rates = 0.2 * np.exp(rng.normal(0, 0.5, n_speakers) - 0.125)
    words = rng.integers(5, 20, len(speaker))
    errors = np.minimum(rng.poisson(rates[speaker] * words * rng.gamma(2, 0.5, len(speaker))), words)
    attributes = {}
    for number in range(n_attributes):
        if number < n_attributes - n_within:
            codes = rng.integers(N_VALUES, size=n_speakers)[speaker]
        else:
            codes = rng.integers(N_VALUES, size=len(speaker))
        attributes[f"attribute_{number}"] = np.array([f"value_{k}" for k in range(N_VALUES)], dtype=object)[codes]
    return pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(len(speaker))],
            "speaker_id": np.array([f"s{i}" for i in range(n_speakers)], dtype=object)[speaker],
            **attributes,
            "hits": words - errors,
            "substitutions": errors,
            "deletions": 0,
            "insertions": 0,
        }
    )


def time_large(options):
    """Return seconds of every stage and the peak of memory, of tables with intervals, tests and max-T."""
    from harness.fairness import Correction, Policy, disparity_table, slice_table

    scores = corpus(options.utterances, options.speakers, N_ATTRIBUTES, options.within)
    by = [f"attribute_{number}" for number in range(N_ATTRIBUTES)]
    policy = Policy(n_resamples=options.draws, n_permutations=options.draws, correction=Correction(options.correction))
    before_mb = peak_mb()
    stages = []
    handler = logging.Handler()
    handler.emit = lambda record: stages.append(record.getMessage().rsplit(" in ", 1))
    logging.getLogger("harness.fairness").addHandler(handler)
    logging.getLogger("harness.fairness").setLevel(logging.INFO)
    seconds = {}
    for table in (slice_table, disparity_table):
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        rows = len(table(scores, by, policy))
        seconds[f"`{table.__name__}` ({rows} rows)"] = time.perf_counter() - start_s
        seconds[f"`{table.__name__}`, processor"] = time.process_time() - start_cpu_s
    named = {f"- {what}": float(took.removesuffix(" s")) for what, took in stages}
    return {"seconds": named | seconds, "before_mb": before_mb, "peak_mb": peak_mb()}


def time_harness(options):
    from harness.fairness import Policy, slice_table

    scores, policy = small(), Policy(n_resamples=options.resamples)
    slice_table(small(2_000), "attribute_0", Policy(n_resamples=100))
    start_s = time.perf_counter()
    table = slice_table(scores, "attribute_0", policy)
    seconds = time.perf_counter() - start_s
    return {"seconds": seconds, "width": float((table["wer_high"] - table["wer_low"])[1:].mean())}


def time_scipy(options):
    from scipy.stats import bootstrap

    def pooled(errors, words, axis):
        return errors.sum(axis=axis) / words.sum(axis=axis)

    scores = small()
    start_s = time.perf_counter()
    counted = scores.assign(words=scores["hits"] + scores["substitutions"])
    sums = counted.groupby(["attribute_0", "speaker_id"], observed=True)[["substitutions", "words"]].sum()
    widths = []
    for _, own in sums.groupby(level=0):
        interval = bootstrap(
            (own["substitutions"].to_numpy(), own["words"].to_numpy()),
            pooled,
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=options.resamples,
            rng=np.random.default_rng(0),
        ).confidence_interval
        widths.append(interval.high - interval.low)
    return {"seconds": time.perf_counter() - start_s, "width": float(np.mean(widths))}


def time_fairlearn(options):
    from fairlearn.metrics import MetricFrame

    scores = small()
    start_s = time.perf_counter()
    frame = MetricFrame(
        metrics=lambda errors, words: errors.sum() / words.sum(),
        y_true=scores["substitutions"],
        y_pred=scores["hits"] + scores["substitutions"],
        sensitive_features=scores["attribute_0"],
        n_boot=options.fairlearn_resamples,
        ci_quantiles=[0.025, 0.975],
        random_state=0,
    )
    low, high = frame.by_group_ci
    seconds = (time.perf_counter() - start_s) * options.resamples / options.fairlearn_resamples
    return {"seconds": seconds, "width": float((high - low).mean())}


def small(n_utterances=SMALL["utterances"]):
    return corpus(n_utterances, SMALL["speakers"], SMALL["attributes"], SMALL["within"])


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(what, options, **more):
    """Measure one way in its own process; None where its package is missing."""
    arguments = vars(options) | {"what": what} | more
    command = [sys.executable, __file__, *(f"--{name.replace('_', '-')}={value}" for name, value in arguments.items())]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode and "ModuleNotFoundError" not in done.stderr:
        raise RuntimeError(done.stderr)
    return None if done.returncode else json.loads(done.stdout)


def print_large(options):
    print(f"\n{options.utterances} utterances, {options.speakers} speakers, {N_ATTRIBUTES * N_VALUES} slices, ", end="")
    print(f"{options.draws} resamples and permutations, correction {options.correction}\n")
    corpora = {"attributes of speakers": 0, "two of them within speakers": 2}
    rounds = [{name: run("large", options, within=n) for name, n in corpora.items()} for _ in range(options.rounds)]
    print("| stage, seconds | " + " | ".join(corpora) + " |\n" + "|---" * (1 + len(corpora)) + "|")
    stages = list(dict.fromkeys(stage for name in corpora for stage in rounds[0][name]["seconds"]))
    for stage in stages:
        medians = [
            statistics.median(each[name]["seconds"].get(stage, float("nan")) for each in rounds) for name in corpora
        ]
        print(f"| {stage} | " + " | ".join(f"{seconds:.1f}" for seconds in medians) + " |")
    tables = [stage for stage in stages if stage.startswith("`") and not stage.endswith("processor")]
    for label, total in (
        ("**both tables**", lambda each: sum(each["seconds"].get(stage, 0) for stage in tables)),
        ("peak memory, GiB", lambda each: each["peak_mb"] / 1024),
        ("of which the scores", lambda each: each["before_mb"] / 1024),
    ):
        medians = [statistics.median(total(each[name]) for each in rounds) for name in corpora]
        print(f"| {label} | " + " | ".join(f"{value:.2f}" for value in medians) + " |")


def print_small(options):
    print(f"\n{SMALL['utterances']} utterances, {N_VALUES} slices, {options.resamples} resamples\n")
    rounds = [{way: run(way, options) for way in WAYS} for _ in range(options.rounds)]
    print("| | seconds | harness / this | mean width |\n|---|---|---|---|")
    for way in (way for way in WAYS if rounds[0][way]):
        seconds = statistics.median(each[way]["seconds"] for each in rounds)
        ratio = statistics.median(each["harness"]["seconds"] / each[way]["seconds"] for each in rounds)
        print(f"| {way} | {seconds:.3f} | {ratio:.4f} | {rounds[0][way]['width']:.4f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=1_000_000)
    parser.add_argument("--speakers", type=int, default=20_000)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--correction", default="max_t")
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--fairlearn-resamples", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", choices=["both", "large", *WAYS], default="both", help=argparse.SUPPRESS)
    parser.add_argument("--within", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "both":
        print_large(options)
        print_small(options)
        return
    print(json.dumps(globals()[f"time_{options.what}"](options)))


if __name__ == "__main__":
    main()
