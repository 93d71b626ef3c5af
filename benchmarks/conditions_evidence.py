"""Measure how often a condition is said to hurt one slice more when it does not, and how often when it does.

    python benchmarks/conditions_evidence.py [--corpora 400] [--processes 2]

A sweep of 20 frequencies over slices of speakers whose clean rates differ (log-normal), who share a susceptibility to
noise over all frequencies (log-normal) beside one of their own at each, in utterances of 5 to 15 words whose errors are
overdispersed and hang together over the frequencies. Planted is a slice that one frequency hurts more. Compared are
max-T over joint rearrangements of the speakers with Holm on p-values of as many permutations as its level needs; and
intervals that are clustered by speaker with those of the Poisson model, which takes word errors for independent.
"""

import argparse
import multiprocessing
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from harness.fairness import Policy
from harness.fairness.comparison_tests import gap_p_values
from harness.fairness.conditions import crossing_table
from harness.fairness.conditions.families import detectable, tested
from harness.fairness.conditions.harms import ExtraHarm, HarmScale
from harness.fairness.gaps import Side, gaps_of
from harness.fairness.multiplicity import adjusted
from harness.fairness.pairs import pairs_of
from harness.fairness.policy import Correction
from harness.fairness.systems.added_gaps import AddedGaps, freedom_of

POLICY = Policy(min_speakers=2, min_utterances=1, min_words=1, n_permutations=1_999)
N_UTTERANCES, PLANTED = 20, 7  # of each speaker; the frequency that hurts one slice more
FOUR = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Scenario:
    """Who speaks, how they err, and what is planted."""

    name: str
    accents: tuple[str, ...]  # of each speaker
    planted: float = 0.0  # WER that the planted frequency adds to accent a beyond what all add
    clean: dict[str, float] = field(default_factory=dict)  # expected clean WER; .1 of who is not there
    susceptibility: dict[str, float] = field(default_factory=dict)  # spread of the logarithm over speakers; .6
    n_conditions: int = 20


SCENARIOS = (
    Scenario("3 v 3", ("a", "b") * 3),
    Scenario("8 v 8", ("a", "b") * 8),
    Scenario("4 of 4", FOUR * 4),
    Scenario("4 of 16", FOUR * 16),
    Scenario("4 of 16, clean WER .05 to .3", FOUR * 16, clean=dict(zip(FOUR, (0.05, 0.1, 0.2, 0.3), strict=True))),
    Scenario("8 v 56", ("a", *"b" * 7) * 8),
    Scenario("8 v 56, susceptibility .9 v .45", ("a", *"b" * 7) * 8, susceptibility={"a": 0.9, "b": 0.45}),
    Scenario("4 of 16, three conditions alone", FOUR * 16, n_conditions=3),
    Scenario("3 v 3, 30 points more", ("a", "b") * 3, planted=0.3),
    Scenario("8 v 8, 20 points more", ("a", "b") * 8, planted=0.2),
    Scenario("4 of 16, 12 points more", FOUR * 16, planted=0.12),
    Scenario("8 v 56, 15 points more", ("a", *"b" * 7) * 8, planted=0.15),
    Scenario("8 v 8, 40 points more", ("a", "b") * 8, planted=0.4),
    Scenario("4 of 16, 17.5 points more", FOUR * 16, planted=0.175),
    Scenario("8 v 56, 24 points more", ("a", *"b" * 7) * 8, planted=0.24),
    Scenario("4 of 16, 8 points more, three alone", FOUR * 16, planted=0.08, n_conditions=3),
)


def corpus_of(scenario, rng):
    """Draw word errors of every speaker and condition, the first clean, and words: (1 + n_conditions, n), (n,)."""
    accents, n = np.array(scenario.accents), len(scenario.accents)
    clean = np.array([scenario.clean.get(each, 0.1) for each in accents])
    spread = np.array([scenario.susceptibility.get(each, 0.6) for each in accents])
    rate = clean * log_normal(rng, 0.5, n)
    common = log_normal(rng, spread, n)
    words = rng.integers(5, 16, (n, N_UTTERANCES))
    heard = rng.poisson(rate[:, None] * words * rng.gamma(2, 0.5, words.shape))
    hard = rng.gamma(2, 0.5, words.shape)  # at every frequency
    errors = [heard.sum(axis=1)]
    for k in range(scenario.n_conditions):
        added = 0.1 + (scenario.planted if k == PLANTED % scenario.n_conditions else 0) * (accents == "a")
        mean = (added * common * log_normal(rng, 0.3, n))[:, None] * words * hard * rng.gamma(2, 0.5, words.shape)
        again = rng.binomial(heard, 0.8) + rng.poisson(0.2 * rate[:, None] * words)  # other errors, as many
        errors.append((again + rng.poisson(mean)).sum(axis=1))
    return np.array(errors), words.sum(axis=1)


def log_normal(rng, spread, n):
    """Draw factors whose mean is 1."""
    return np.exp(rng.normal(0, spread, n) - np.square(spread) / 2)


def part_of(name, members, errors, words):
    """Return the extra harm of one condition over slices of speakers, (n_speakers, n_slices) of who is in which."""
    clean, noisy = errors

    def sides(over, under):
        own = members * over[:, None], members * under[:, None], members
        rest = ~members * over[:, None], ~members * under[:, None], ~members
        return pairs_of(Side(*own), Side(*rest))

    pairs = sides((noisy - clean).astype(float), words.astype(float))
    measured = gaps_of(pairs)
    n = np.stack([members.sum(axis=0), (~members).sum(axis=0)], axis=1).astype(float)
    support = np.stack([n.min(axis=1), n.min(axis=1) * N_UTTERANCES, n.min(axis=1) * 100], axis=1)
    names = tuple(f"s{k}" for k in range(members.shape[1]))
    factors = sides(noisy.astype(float), clean.astype(float))
    zeros = np.zeros(len(names), dtype=np.int64)
    return ExtraHarm(
        condition=name,
        gaps=AddedGaps(
            "accent", names, pairs, measured, freedom_of(measured, pairs.n_shared() > 0), n, support, len(names) == 2
        ),
        factors=factors,
        measured=gaps_of(factors),
        everything=np.stack([noisy, clean, words, np.ones(len(words))]).astype(float),
        least_error=zeros.astype(float),
        n_failed=zeros,
        n_utterances=zeros,
    )


def measured(scenario, seed):
    """Return what one corpus shows: raised and found by each way, and which intervals cover."""
    rng = np.random.default_rng(seed)
    errors, words = corpus_of(scenario, rng)
    accents = np.array(scenario.accents)
    members = np.stack([accents == each for each in sorted(set(scenario.accents))], axis=1)
    parts = [part_of(f"t{k}", members, errors[[0, k]], words) for k in range(1, len(errors))]
    seed_of_test = int(rng.integers(2**31))
    by_max_t = tested(parts, ["tone"] * len(parts), POLICY, scale=HarmScale.additive, seed=seed_of_test)
    first = np.tile([True] + [members.shape[1] > 2] * (members.shape[1] - 1), len(parts))
    planted = np.repeat(np.arange(len(parts)) == PLANTED % len(parts), members.shape[1])
    target = planted & np.tile(np.arange(members.shape[1]) == 0, len(parts))
    null = ~planted if scenario.planted else np.ones(len(planted), dtype=bool)
    levels = adjusted(np.where(first, fine_p_values(parts, int(first.sum()), seed_of_test), np.nan), Correction.holm)
    found = {"max-T": by_max_t.p_adjusted < 0.05, "Holm": levels < 0.05}
    result = {f"{name} raised": (each & null).any() for name, each in found.items()}
    result |= {f"{name} found": (each & target).any() for name, each in found.items()}
    result["detectable"] = (
        np.nanmedian(detectable(parts, by_max_t, POLICY, HarmScale.additive)[null])
        if len(scenario.accents) > 6
        else np.nan
    )
    return result | covered(scenario, parts, by_max_t, null)


def fine_p_values(parts, n_tests, seed):
    """Return p-values of as many permutations as Holm over so many tests needs."""
    return np.concatenate(
        gap_p_values(
            [each.on(HarmScale.additive) for each in parts],
            wanted=[np.ones(each.n_slices, dtype=bool) for each in parts],
            n_permutations=POLICY.n_permutations,
            n_finest=max(POLICY.n_permutations, int(4 * n_tests / 0.05)),
            seed=seed,
        )
    )


def covered(scenario, parts, tests, null):
    """Return the shares of extra harms and ratios that are covered, and raised alone, where nothing is planted."""
    names = sorted(set(scenario.accents))
    sizes = np.array([scenario.accents.count(each) for each in names])
    clean = np.array([scenario.clean.get(each, 0.1) for each in names])
    rest = ((sizes * clean).sum() - sizes * clean) / (sizes.sum() - sizes)
    truth = np.tile(((clean + 0.1) / clean) / ((rest + 0.1) / rest), len(parts))
    low, high = (np.concatenate(ends) for ends in zip(*(each.bounds(0.95) for each in parts), strict=True))
    ratio_low, ratio_high = (
        np.concatenate(ends) for ends in zip(*(each.ratio_bounds(0.95) for each in parts), strict=True)
    )
    ratio = np.concatenate([each.measured.ratio for each in parts])
    inverse = np.concatenate(
        [sum(1 / np.maximum(row, 1) for side in each.factors.totals() for row in side[:2]) for each in parts]
    )
    half = stats.norm.ppf(0.975) * np.sqrt(inverse)  # of the Poisson model with an effect of each speaker
    return {
        "extra harm covered": ((low <= 0) & (high >= 0))[null].mean(),
        "ratio covered": ((ratio_low <= truth) & (ratio_high >= truth))[null].mean(),
        "ratio covered, Poisson": (np.abs(np.log(ratio / truth)) <= half)[null].mean(),
        "alone raised": (tests.p_value < 0.05)[null].mean(),
        "ratio alone raised": (tests.ratio_p_value < 0.05)[null].mean() if not scenario.clean else np.nan,
    }


def crossing_of(n_speakers, seed):
    """Return whether the interval of a crossing covers it, and its width: the WER is .2 at 8 dB."""
    rng, levels = np.random.default_rng(seed), np.array([20.0, 15, 10, 5, 0])
    rate = 0.2 * np.exp(-(levels - 8) / 8)
    factor = log_normal(rng, 0.5, n_speakers)
    words = rng.integers(5, 16, (n_speakers, N_UTTERANCES))
    hard = rng.gamma(2, 0.5, words.shape)
    frames = [("clean", 0.02 * np.ones_like(words))]
    frames += [(f"{level:g}db", each * factor[:, None] * hard) for level, each in zip(levels, rate, strict=True)]
    speakers = np.repeat([f"s{k}" for k in range(n_speakers)], N_UTTERANCES)
    said = words.ravel()
    rows = []
    for name, each in frames:
        wrong = rng.poisson(each.ravel() * said)
        hit = np.maximum(said - wrong, 0)
        rows.append(
            pd.DataFrame(
                {"utterance_id": np.arange(len(said)), "speaker_id": speakers, "condition": name, "hits": hit}
                | {"substitutions": said - hit, "deletions": 0, "insertions": wrong - (said - hit)}
            )
        )
    told = pd.DataFrame(
        {"condition": [f"{each:g}db" for each in levels], "sweep": "kitchen", "parameter": "snr_db", "level": levels}
    )
    row = crossing_table(pd.concat(rows), [], told, wer=0.2, policy=Policy(n_resamples=1_000), rng=rng).iloc[0]
    low, high = (
        row[end] if np.isfinite(row[end]) else edge
        for end, edge in (("crossing_low", -np.inf), ("crossing_high", np.inf))
    )
    truth = true_crossing(levels, rate)
    return low <= truth <= high, high - low


def true_crossing(levels, rate):
    """Return where the straight line between the expected WERs crosses .2."""
    return float(np.interp(0.2, rate, levels))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=int, default=400)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with multiprocessing.Pool(options.processes) as pool:
        for scenario in SCENARIOS:
            if options.only in scenario.name:
                start_s = time.perf_counter()
                found = pd.DataFrame(pool.map(partial(measured, scenario), range(options.corpora), chunksize=5))
                told = ", ".join(f"{name} {value:.3f}" for name, value in found.mean().items())
                print(f"{scenario.name} ({time.perf_counter() - start_s:.0f} s): {told}", flush=True)
        for n_speakers in (3, 5, 6, 8, 16, 64) if options.only in "crossing" else ():
            pairs = np.array(
                pool.map(partial(crossing_of, n_speakers), range(options.corpora), chunksize=5), dtype=float
            )
            print(
                f"crossing, {n_speakers} speakers: covered {pairs[:, 0].mean():.3f}, "
                f"median width {np.median(pairs[:, 1]):.2f} dB",
                flush=True,
            )


if __name__ == "__main__":
    main()
