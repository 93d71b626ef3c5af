"""Measure single questions of a bounty: how often the test errs over its level, and what gains it can show.

    python benchmarks/bounty_questions.py [levels] [power] [--repetitions 400000] [--seed 8]

`levels`: how often a question that gains nothing is accepted, over its level, by each part of the test. `power`: the
difference of error rates that 80 % of groups of so many speakers show, at the levels of some questions.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.special import ndtr, stdtr

from harness.fairness.bounty import Assumed, BountyRules, judge, level, number_of_queries
from harness.fairness.bounty.sign_tails import sign_flip_tail

RULES = BountyRules()
MEAN_RATE = 0.15  # of the groups whose power is measured
BLOCK = 10_000  # single questions at once


def print_levels(n_repetitions: int, seed: int) -> None:
    """Print how often single questions that gain nothing are accepted, over the level."""
    levels = (1e-2, 1e-3, 1e-4)
    for n in (15, 50, 200):
        for name, draw in GAINS.items():
            counts = {way: np.zeros(len(levels)) for way in ("normal", "t", "signs", "both")}
            rng = np.random.default_rng([seed, n])
            for _ in range(0, n_repetitions, BLOCK):
                for way, p in _p_values(draw(rng, (BLOCK, n))).items():
                    counts[way] += [(p <= each).sum() for each in levels]
            cells = (
                " / ".join(f"{count / n_repetitions / each:.2f}" for count, each in zip(found, levels, strict=True))
                for found in counts.values()
            )
            print(f"| {name}, {n} speakers | " + " | ".join(cells) + " |", flush=True)


def _p_values(gains: np.ndarray) -> dict[str, np.ndarray]:
    """Return one-sided p-values of what every row gains, (n_repetitions,) a way."""
    n, total = gains.shape[1], gains.sum(axis=1)
    freedom = np.maximum(np.count_nonzero(gains, axis=1) - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(total / (gains.std(axis=1, ddof=1) * np.sqrt(n)), posinf=1e9, neginf=-1e9)
        norm = np.nan_to_num(total / np.sqrt((gains**2).sum(axis=1)))
    near = np.flatnonzero(norm > 1.3)  # below, no chance of signs is near 1e-2
    signs = np.ones(len(gains))
    signs[near] = [sign_flip_tail(row) for row in gains[near]]
    by_t = stdtr(freedom, -t)
    return {"normal": ndtr(-t), "t": by_t, "signs": signs, "both": np.maximum(by_t, signs)}


def _exchangeable(spread: float, burst: float) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    def gains(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        words = np.maximum(5, 60 * np.exp(rng.normal(0, 0.7, shape))).astype(np.int64)
        rate = 0.15 * np.exp(rng.normal(0, spread, shape))
        one, other = (rng.binomial(words, np.minimum(rate * rng.gamma(1 / burst, burst, shape), 0.95)) for _ in "ab")
        return one - other

    return gains


def _one_speaks_half(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    gains = _exchangeable(0.5, 0.15)(rng, shape)
    gains[:, 0] *= shape[1]
    return gains


def _heard_alike(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.where(rng.random(shape) < 0.85, 0, _exchangeable(0.5, 0.15)(rng, shape))


def _skewed(sign: int) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    return lambda rng, shape: sign * (3 - rng.negative_binomial(1, 0.25, shape))


def _rarely(sign: int) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    return lambda rng, shape: sign * np.where(rng.random(shape) < 0.05, -19, 1)


GAINS: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "exchangeable": _exchangeable(0.5, 0.15),
    "strongly clustered": _exchangeable(1.2, 0.6),
    "one speaks half of all": _one_speaks_half,
    "85 % of speakers heard alike": _heard_alike,
    "usually a little worse, a geometric tail of gains": _skewed(-1),
    "usually a little better, a geometric tail of losses": _skewed(1),
    "1 word worse, 19 better for 5 %": _rarely(-1),
    "1 word better, 19 worse for 5 %": _rarely(1),
}


def print_power(n_repetitions: int, seed: int) -> None:
    """Print the difference of error rates that is accepted in 80 % of groups, by speakers and level."""
    columns = power_columns()
    print(
        "| speakers in the group | " + " | ".join(f"{name}: {each:.1e}" for name, (each, _) in columns.items()) + " |"
    )
    for n in (30, 50, 100, 200, 500, 1000, 2000):
        cells = [f"{needed_gain(n, column, n_repetitions, seed):.3f}" for column in columns.values()]
        print(f"| {n:,} | " + " | ".join(cells) + " |", flush=True)


def power_columns() -> dict[str, tuple[float, BountyRules]]:
    """Return levels of questions under declared rules, and under a uniform count of questions."""
    small = replace(RULES, n_submissions=20, n_acceptances=2)
    return {
        "U=20, k=2, first": (level(small, []), RULES),
        "U=100, k=5, first": (level(RULES, []), RULES),
        "first, nothing assumed": (level(RULES, []), replace(RULES, assumed=Assumed.nothing)),
        "after 1 acceptance": (level(RULES, [0]), RULES),
        "after 2": (level(RULES, [0, 0]), RULES),
        "after 4, each later one with a repair": (level(RULES, [0, 1, 1, 1]), RULES),
        "uniform, k=5": (RULES.alpha / number_of_queries(100, 5), RULES),
        "uniform, k=10": (RULES.alpha / number_of_queries(100, 10), RULES),
    }


def needed_gain(n: int, column: tuple[float, BountyRules], n_repetitions: int, seed: int) -> float:
    """Return the difference of error rates that is accepted in 80 % of groups of n speakers; NaN if none is."""
    low, high = 0.0, 1.0
    if _power(n, high, column, n_repetitions, seed) < 0.8:
        return np.nan
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(n, middle, column, n_repetitions, seed) >= 0.8 else (middle, high)
    return high * MEAN_RATE


def _power(n: int, saved: float, column: tuple[float, BountyRules], n_repetitions: int, seed: int) -> float:
    """Return how often an alternative is accepted that makes a share fewer errors."""
    of_question, rules = column[0], replace(column[1], min_gain=1e-9, gain_steps=(1e-9,))
    n_accepted = 0
    for number in range(n_repetitions):
        rng = np.random.default_rng([seed, n, number])
        words = 30 + rng.poisson(30, n)
        rate = MEAN_RATE * np.exp(rng.normal(-0.125, 0.5, n))
        own, other = (
            rng.binomial(words, np.minimum(rate * factor * rng.gamma(1 / 0.15, 0.15, n), 0.95))
            for factor in (1, 1 - saved)
        )
        everybody, codes = np.ones(n, bool), np.arange(n)
        n_accepted += judge(
            own, other, words=words, speakers=codes, in_group=everybody, rules=rules, level=of_question
        ).accepted
    return n_accepted / n_repetitions


def main() -> None:
    """Print tables as `benchmarks/README.md` has them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["levels", "power"])
    parser.add_argument("--repetitions", type=int, default=400_000, help="of questions that gain nothing")
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    parts = {
        "levels": lambda: print_levels(options.repetitions, options.seed),
        "power": lambda: print_power(100, options.seed),
    }
    for part in options.parts:
        print(f"\n{part}", flush=True)
        parts[part]()


if __name__ == "__main__":
    main()
