"""Measure how often the default verdict is wrong: false alarms, power and coverage on corpora whose truth is known.

    python benchmarks/calibration.py [--corpora 2000] [--processes 2]

Every corpus has two slices of speakers who differ (log-normal rates), with about 30 utterances of 5 to 19 words each
whose error counts are overdispersed. Compared are the permutation test in use, with the permutations of the default
policy, the studentised difference (its absolute value) under permutations of the same kind, and the z test that takes
utterances for independent.
"""

import argparse
import multiprocessing
import time
from dataclasses import dataclass

import numpy as np

from harness.fairness import Policy
from harness.fairness.bootstrap import rate_intervals, resample_weights
from harness.fairness.gaps import Side, gap_intervals, ratio_intervals
from harness.fairness.significance import permutation_p_values

POLICY = Policy()
N_PERMUTATIONS, N_RESAMPLES, N_UTTERANCES = 999, 1_000, 30  # of the difference; of intervals; per speaker
COLUMNS = (
    *("slices", "utterances as independent: p < .05", "difference: p < .05", "test in use: p < .05", "default verdict"),
    *("first WER covered", "second WER covered", "gap covered", "ratio covered"),
)


@dataclass(frozen=True)
class Scenario:
    """Two slices: how many speakers, their expected WER, the standard deviation of the log rate over speakers."""

    name: str
    n_speakers: tuple[int, int]
    wer: tuple[float, float] = (0.2, 0.2)
    spread: tuple[float, float] = (0.5, 0.5)
    talk: float = 0.0  # standard deviation of the log number of utterances over speakers


SCENARIOS = (
    Scenario("5 v 5", (5, 5)),
    Scenario("10 v 10", (10, 10)),
    Scenario("40 v 10", (40, 10)),
    Scenario("50 v 50", (50, 50)),
    Scenario("40 v 10, spread .35 v .7", (40, 10), spread=(0.35, 0.7)),
    Scenario("40 v 10, spread .7 v .35", (40, 10), spread=(0.7, 0.35)),
    Scenario("5 v 40, spread .7 v .35", (5, 40), spread=(0.7, 0.35)),
    Scenario("40 v 10, WER .05", (40, 10), wer=(0.05, 0.05)),
    Scenario("40 v 10, some speak ten times as much", (40, 10), talk=1.0),
    Scenario("20 v 20, WER .28 v .20", (20, 20), wer=(0.28, 0.2)),
    Scenario("8 v 56, WER .25 v .11", (8, 56), wer=(0.25, 0.11), spread=(0.5, 0.7)),
)


@dataclass(frozen=True)
class Corpus:
    """Errors and words of every utterance, and who said it."""

    errors: np.ndarray  # (n_utterances,)
    words: np.ndarray  # (n_utterances,)
    speakers: np.ndarray  # (n_utterances,)
    in_first: np.ndarray  # (n_speakers,) who is in the first slice

    def per_speaker(self):
        """Return errors and words of every speaker, (2, n_speakers)."""
        return np.stack([np.bincount(self.speakers, weights=each) for each in (self.errors, self.words)])


def corpus_of(scenario, rng):
    """Draw a corpus whose expected WERs are exactly those of the scenario."""
    n_speakers = sum(scenario.n_speakers)
    wer, spread = (np.repeat(each, scenario.n_speakers) for each in (scenario.wer, scenario.spread))
    rates = wer * np.exp(rng.normal(0, spread) - spread**2 / 2)  # (n_speakers,) expected value: the WER
    talk = np.exp(rng.normal(0, scenario.talk, n_speakers) - scenario.talk**2 / 2) if scenario.talk else 1.0
    n_utterances = np.broadcast_to(np.maximum(2, np.round(N_UTTERANCES * talk)).astype(int), n_speakers)
    speakers = np.repeat(np.arange(n_speakers), n_utterances)
    words = rng.integers(5, 20, len(speakers))
    errors = rng.poisson(rates[speakers] * words * rng.gamma(2, 0.5, len(speakers)))
    return Corpus(errors, words, speakers, np.arange(n_speakers) < scenario.n_speakers[0])


def independent_p_value(corpus):
    """Return the p-value of the gap as if every utterance were somebody else's."""
    from scipy.special import ndtr

    first = corpus.in_first[corpus.speakers]
    moments = np.stack([corpus.errors, corpus.words, corpus.errors**2, corpus.errors * corpus.words, corpus.words**2])
    moments = np.vstack([moments, np.ones(len(first))]).T.astype(np.float64)
    z = studentised_difference(moments, moments[first].sum(axis=0)[None])[0]
    return 2 * ndtr(-abs(z))


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
    errors, words, errors2, products, words2, count = sums.T
    rate = errors / words
    residual = np.maximum(errors2 - 2 * rate * products + rate**2 * words2, 0)
    return rate, np.maximum(count / (count - 1) * residual, 1) / words**2


def one_corpus(task):
    """Return what one simulated corpus gives, each 0 or 1."""
    scenario, seed = task
    rng = np.random.default_rng(seed)
    corpus = corpus_of(scenario, rng)
    errors, words = corpus.per_speaker()
    members = corpus.in_first[:, None]
    p_value = permutation_p_values(errors, words, members, n_permutations=POLICY.n_permutations, seed=seed)[0]
    here = np.hstack([members, ~members])
    both = [np.where(here, each[:, None], 0.0) for each in (errors, words)]
    weights, confidence = resample_weights(len(errors), N_RESAMPLES, rng), 1 - POLICY.alpha
    first, second = rate_intervals(*both, here, weights=weights, confidence=confidence)
    sides = [Side(*(each[:, k : k + 1] for each in (*both, here))) for k in (0, 1)]
    between = gap_intervals(*sides, weights=weights, confidences=[confidence])[0][0]
    ratio = ratio_intervals(*sides, confidence=confidence)[0]
    gap = errors[corpus.in_first].sum() / words[corpus.in_first].sum() - (
        errors[~corpus.in_first].sum() / words[~corpus.in_first].sum()
    )
    true_a, true_b = scenario.wer
    return (
        independent_p_value(corpus) < POLICY.alpha,
        difference_p_value(errors, words, corpus.in_first, seed) < POLICY.alpha,
        p_value < POLICY.alpha,
        p_value < POLICY.alpha and abs(gap) >= POLICY.margin,  # two slices, each the other's rest, are one test
        first.low <= true_a <= first.high,
        second.low <= true_b <= second.high,
        between.low <= true_a - true_b <= between.high,
        ratio.low <= true_a / true_b <= ratio.high,
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
    start_s = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for scenario in SCENARIOS:
            tasks = [(scenario, seed) for seed in range(options.corpora)]
            shares = np.mean(pool.map(one_corpus, tasks, chunksize=50), axis=0)
            print(f"| {scenario.name} | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)
    print(f"\n{(time.perf_counter() - start_s) / 60:.1f} minutes on {options.processes} processes")


if __name__ == "__main__":
    main()
