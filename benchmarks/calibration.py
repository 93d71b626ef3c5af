"""Measure how often the default verdict is wrong: false alarms, power and coverage on corpora whose truth is known.

    python benchmarks/calibration.py [--corpora 2000] [--processes 2]

Every corpus has two slices of speakers who differ (log-normal rates), with 30 utterances of 5 to 19 words each whose
error counts are overdispersed. Compared are the permutation test in use (log ratio over its standard error, twice the
smaller tail) and the same permutations with the studentised difference (its absolute value), both at 999 permutations.
"""

import argparse
import multiprocessing
from dataclasses import dataclass

import numpy as np

from harness.fairness import Policy
from harness.fairness.bootstrap import rate_intervals, resample_weights
from harness.fairness.gaps import Side, gap_intervals
from harness.fairness.significance import permutation_p_values

ALPHA, MARGIN = 0.05, Policy().margin
N_PERMUTATIONS, N_RESAMPLES, N_UTTERANCES = 999, 1_000, 30
COLUMNS = (
    *("slices", "log ratio: p < .05", "difference: p < .05", "default verdict"),
    *("first WER covered", "second WER covered", "gap covered"),
)


@dataclass(frozen=True)
class Scenario:
    """Two slices: how many speakers, their expected WER, the standard deviation of the log rate over speakers."""

    name: str
    n_speakers: tuple[int, int]
    wer: tuple[float, float]
    spread: tuple[float, float] = (0.5, 0.5)


SCENARIOS = (
    Scenario("5 v 5", (5, 5), (0.2, 0.2)),
    Scenario("10 v 10", (10, 10), (0.2, 0.2)),
    Scenario("10 v 40", (10, 40), (0.2, 0.2)),
    Scenario("10 v 40, spread .7 v .35", (10, 40), (0.2, 0.2), (0.7, 0.35)),
    Scenario("50 v 50", (50, 50), (0.2, 0.2)),
    Scenario("20 v 20, WER .28 v .20", (20, 20), (0.28, 0.2)),
    Scenario("8 v 56, WER .25 v .11", (8, 56), (0.25, 0.11), (0.5, 0.7)),
)


def sums_of(scenario, rng):
    """Return word errors and reference words, (n_speakers, 2): each speaker in the column of their slice."""
    n_speakers = sum(scenario.n_speakers)
    wer, spread = (np.repeat(each, scenario.n_speakers) for each in (scenario.wer, scenario.spread))
    rates = wer * np.exp(rng.normal(0, spread) - spread**2 / 2)  # (n_speakers,) expected value: the WER
    words = rng.integers(5, 20, (n_speakers, N_UTTERANCES))
    errors = rng.poisson(rates[:, None] * words * rng.gamma(2, 0.5, words.shape))
    column = np.repeat([0, 1], scenario.n_speakers)[:, None] == [0, 1]
    return (np.where(column, each.sum(axis=1)[:, None], 0).astype(np.float64) for each in (errors, words))


def difference_p_value(errors, words, members, seed):
    """Return the permutation p-value of the absolute studentised difference (Chung and Romano 2013)."""
    moments = np.stack([errors, words, errors**2, errors * words, words**2, np.ones_like(errors)], axis=1)
    rng = np.random.default_rng(seed)
    chosen = np.argsort(rng.random((N_PERMUTATIONS, len(errors))), axis=1)[:, : members.sum()]
    drawn = studentised_difference(moments, moments[chosen].sum(axis=1))
    observed = studentised_difference(moments, moments[members].sum(axis=0)[None])[0]
    return (1 + (np.abs(drawn) >= abs(observed) - 1e-9).sum()) / (N_PERMUTATIONS + 1)


def studentised_difference(moments, inside):
    (rate_a, square_a), (rate_b, square_b) = (rate_and_square(each) for each in (inside, moments.sum(axis=0) - inside))
    return (rate_a - rate_b) / np.sqrt(square_a + square_b)


def rate_and_square(sums):
    errors, words, errors2, products, words2, n_speakers = sums.T
    rate = errors / words
    residual = np.maximum(errors2 - 2 * rate * products + rate**2 * words2, 0)
    return rate, np.maximum(n_speakers / (n_speakers - 1) * residual, 1) / words**2


def one_corpus(task):
    """Return what one simulated corpus gives, each 0 or 1."""
    scenario, seed = task
    rng = np.random.default_rng(seed)
    errors, words = sums_of(scenario, rng)
    here = words > 0
    total_errors, total_words = errors.sum(axis=1), words.sum(axis=1)
    p_log = permutation_p_values(total_errors, total_words, here[:, :1], n_permutations=N_PERMUTATIONS, seed=seed)[0]
    p_difference = difference_p_value(total_errors, total_words, here[:, 0], seed)
    rates = errors.sum(axis=0) / words.sum(axis=0)
    gap = rates[0] - rates[1]
    weights = resample_weights(len(errors), N_RESAMPLES, rng)
    first, second = rate_intervals(errors, words, here, weights=weights, confidence=1 - ALPHA)
    sides = (Side(errors[:, k : k + 1], words[:, k : k + 1], here[:, k : k + 1]) for k in (0, 1))
    between = gap_intervals(*sides, weights=weights, confidences=[1 - ALPHA])[0][0]
    true_gap = scenario.wer[0] - scenario.wer[1]
    return (
        p_log < ALPHA,
        p_difference < ALPHA,
        p_log < ALPHA and abs(gap) >= MARGIN,  # two slices, each the other's rest, are one test
        first.low <= scenario.wer[0] <= first.high,
        second.low <= scenario.wer[1] <= second.high,
        between.low <= true_gap <= between.high,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print(
        f"{options.corpora} corpora a row; Monte Carlo standard error {np.sqrt(0.0475 / options.corpora):.4f} at .05\n"
    )
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for scenario in SCENARIOS:
            tasks = [(scenario, seed) for seed in range(options.corpora)]
            shares = np.mean(pool.map(one_corpus, tasks, chunksize=50), axis=0)
            print(f"| {scenario.name} | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
