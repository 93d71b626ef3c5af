"""Measure how often slice discovery finds what is not there, how often what is, and how long it takes.

    python benchmarks/discovery.py [--corpora 100] [--processes 2]

Corpora of 100 speakers with 30 utterances of 5 to 19 words; the speakers differ (log-normal, standard deviation .5) and
so do their utterances (gamma). Beside `discover` stand two ways that test all patterns in the data they are
searched in: utterance by utterance as DivExplorer does (Welch t of utterance WER against the whole corpus,
Benjamini-Hochberg), and speaker-clustered with Holm over all patterns.
"""

import argparse
import multiprocessing
import time
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import stdtr

from harness.fairness import Correction, Policy
from harness.fairness.bootstrap import one_error
from harness.fairness.discovery import DiscoveryOptions, discover
from harness.fairness.membership import AND
from harness.fairness.search.confirmation import log_ratio, side_of
from harness.fairness.search.patterns import crossings, grouped
from harness.fairness.significance import adjusted, sign_flip_p_values
from harness.fairness.speaker_sums import checked_scores

ALPHA, N_SPEAKERS, N_UTTERANCES, WER, SPREAD = 0.05, 100, 30, 0.2, 0.5
POLICY = Policy(n_resamples=200, n_permutations=999)
OF_SPEAKERS = {
    "accent": (0.4, 0.3, 0.2, 0.1), "gender": (0.55, 0.45), "age": (0.5, 0.35, 0.15), "first language": (0.9, 0.1),
    "place": (0.7, 0.3),
}  # fmt: skip
OF_UTTERANCES = {"noise": (0.6, 0.4)}
ATTRIBUTES = (*OF_SPEAKERS, *OF_UTTERANCES)
MIN_SPEAKERS = DiscoveryOptions().min_speakers
COLUMNS = (
    *("anything confirmed", "the planted slice", "by utterance: anything", "patterns", "whole corpus: anything"),
    *("the planted slice ", "mean gap proposed, discovery half", "the same, validation half"),
)


@dataclass(frozen=True)
class Scenario:
    """A pattern whose utterances have their error rate multiplied."""

    name: str
    planted: dict[str, int]  # position of each attribute's value
    times: float


SCENARIOS = (
    Scenario("no slice effect", {}, 1.0),
    *(Scenario(f"accent & noise × {times:g}", {"accent": 1, "noise": 1}, times) for times in (1.5, 2.0, 3.0)),
    *(Scenario(f"accent × {times:g}", {"accent": 1}, times) for times in (1.5, 2.0)),
)


def corpus(scenario, rng):
    """Return scores in which the planted utterances are worse, and everybody else is alike but for chance."""
    shape = (N_SPEAKERS, N_UTTERANCES)
    codes = {name: rng.choice(len(shares), (N_SPEAKERS, 1), p=shares) for name, shares in OF_SPEAKERS.items()}
    codes |= {name: rng.choice(len(shares), shape, p=shares) for name, shares in OF_UTTERANCES.items()}
    inside = np.full(shape, bool(scenario.planted))
    for name, value in scenario.planted.items():
        inside &= codes[name] == value
    rates = WER * np.exp(rng.normal(0, SPREAD, (N_SPEAKERS, 1)) - SPREAD**2 / 2)
    words = rng.integers(5, 20, shape)
    errors = rng.poisson(rates * words * rng.gamma(2, 0.5, shape) * np.where(inside, scenario.times, 1)).ravel()
    labels = {name: [f"{name}{code}" for code in np.broadcast_to(each, shape).flat] for name, each in codes.items()}
    return scores_of(np.repeat(np.arange(N_SPEAKERS), N_UTTERANCES), words.ravel(), errors, labels)


def scores_of(speakers, words, errors, labels):
    substitutions = np.minimum(errors, words)
    counts = {"hits": words - substitutions, "substitutions": substitutions, "deletions": 0}
    ids = {"utterance_id": [f"u{i}" for i in range(len(words))], "speaker_id": [f"s{i:04d}" for i in speakers]}
    return pd.DataFrame(ids | labels | counts | {"insertions": errors - substitutions})


def by_utterance(scores):
    """Return how many patterns DivExplorer's t with Benjamini-Hochberg calls different from the whole corpus."""
    wrong = scores["substitutions"] + scores["insertions"]
    wer, p_values = wrong / (scores["hits"] + scores["substitutions"]), []
    scores = scores.assign(wer=wer)
    for names in (list(each) for size in (1, 2, 3) for each in combinations(ATTRIBUTES, size)):
        groups = scores.groupby(names, dropna=False, observed=True)
        table = groups["wer"].agg(["mean", "var", "size"])[groups["speaker_id"].nunique() >= MIN_SPEAKERS]
        error = np.sqrt(table["var"] / table["size"] + wer.var() / len(wer))
        p_values.append(2 * stdtr(table["size"] - 1, -np.abs(table["mean"] - wer.mean()) / error))
    return int((adjusted(np.concatenate(p_values), Correction.fdr_bh) < ALPHA).sum())


def by_speaker(scores):
    """Return the patterns that are worse by a t test of the log ratio over all speakers, Holm over all patterns."""
    cells = grouped(checked_scores(scores, POLICY), ATTRIBUTES, POLICY)
    names, t, p_values = [], [], []
    for crossing in crossings(cells, 3):
        effects = crossing.effects(np.ones(N_SPEAKERS, bool))
        enough = np.flatnonzero(effects.support[:, 0].min(axis=0) >= MIN_SPEAKERS)
        gaps, patterns = effects.measured, [crossing.pattern(k) for k in enough]
        rates = [np.fmax(side.rate, one_error(side.words)) for side in (gaps.slices, gaps.comparators)]
        freedom = np.fmin(gaps.slices.n_speakers, gaps.comparators.n_speakers) - 1
        statistics = np.log(rates[0] / rates[1]) / gaps.log_ratio_standard_error
        names += [(cells.dimension(pattern), cells.name(pattern)) for pattern in patterns]
        t.append(statistics[enough])
        p_values.append(2 * stdtr(freedom, -np.abs(statistics))[enough])
    found = (adjusted(np.concatenate(p_values), Correction.holm) < ALPHA) & (np.concatenate(t) > 0)
    return [name for name, is_found in zip(names, found, strict=True) if is_found]


def one_corpus(task):
    """Return what the three ways find in one simulated corpus."""
    scenario, seed = task
    scores = corpus(scenario, np.random.default_rng(seed))
    found = discover(scores, ATTRIBUTES, POLICY, seed=seed)
    confirmed = found.candidates[found.candidates["confirmed"].astype(bool)]
    ours = list(zip(confirmed["dimension"], confirmed["slice"], strict=True))
    planted = AND.join(scenario.planted), AND.join(f"{name}{value}" for name, value in scenario.planted.items())
    naive, whole = by_utterance(scores), by_speaker(scores)
    gaps = found.candidates["discovery_gap"].sum(), found.candidates["gap"].sum(), len(found.candidates)
    return (found.n_assessed, bool(ours), planted in ours, naive > 0, naive, bool(whole), planted in whole, *gaps)


def one_comparison(task):
    """Return whether sign flips and the t test find a pattern that speakers are partly inside of, at .05 and .01."""
    n_inside, share, times, seed = task
    rng = np.random.default_rng(seed)
    shape = (N_SPEAKERS // 2, N_UTTERANCES)
    inside = (rng.random(shape) < share) & (np.arange(shape[0]) < n_inside)[:, None]
    rates = WER * np.exp(rng.normal(0, SPREAD, (shape[0], 1)) - SPREAD**2 / 2)
    words = rng.integers(5, 20, shape)
    errors = rng.poisson(rates * words * rng.gamma(2, 0.5, shape) * np.where(inside, times, 1))
    sides = [
        side_of(*[np.stack([(each * here).sum(axis=1) for each in (errors, words, here)])])
        for here in (inside, ~inside)
    ]
    sums = [(side.errors[:, 0], side.words[:, 0]) for side in sides]
    pooled = sum(e.sum() for e, _ in sums) / sum(w.sum() for _, w in sums)
    own, other = ((e - pooled * w) / w.sum() for e, w in sums)
    flips = sign_flip_p_values((own - other)[:, None], n_permutations=POLICY.n_permutations, seed=seed)[0]
    t = log_ratio(*sides).p_value
    return flips < 0.05, t < 0.05, flips < 0.01, t < 0.01


def seconds():
    """Return CPU seconds for 100,000 utterances of 1,000 speakers, 12 attributes of 10 values, and their slices."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(1_000), 100)
    rows = [rng.integers(0, 10, 1_000)[speakers] if k < 6 else rng.integers(0, 10, len(speakers)) for k in range(12)]
    labels = {f"a{k}": np.char.add("v", codes.astype(str)).astype(object) for k, codes in enumerate(rows)}
    scores = scores_of(speakers, rng.integers(5, 20, len(speakers)), rng.poisson(2, len(speakers)), labels)
    started = time.process_time()
    found = discover(scores, list(labels))
    return time.process_time() - started, found.n_assessed, found.n_not_assessable


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        show(("planted", "slices assessed", *COLUMNS))
        show(["---"] * (len(COLUMNS) + 2))
        for scenario in SCENARIOS:
            tasks = [(scenario, seed) for seed in range(options.corpora)]
            results = np.array(pool.map(one_corpus, tasks, chunksize=5), dtype=np.float64)
            shares, totals = results.mean(axis=0), results.sum(axis=0)
            points = [f"{100 * total / totals[-1]:.1f}" if totals[-1] else "–" for total in totals[-3:-1]]
            show((scenario.name, f"{shares[0]:.0f}", *(f"{share:.2f}" for share in shares[1:-3]), *points))
        print("\n")
        show(("speakers inside, share, times", "flips, .05", "t, .05", "flips, .01", "t, .01"))
        show(["---"] * 5)
        for n_inside, share in ((5, 0.2), (7, 0.33), (14, 0.33), (50, 0.05)):
            for times in (1.0, 2.0):
                tasks = [(n_inside, share, times, seed) for seed in range(20 * options.corpora)]
                shares = np.mean(pool.map(one_comparison, tasks, chunksize=50), axis=0)
                show((f"{n_inside}, {share:g}, × {times:g}", *(f"{share:.3f}" for share in shares)))
    taken_s, n_assessed, n_too_small = np.median([seconds() for _ in range(3)], axis=0)
    print(f"\n{n_assessed:.0f} slices assessed, {n_too_small:.0f} too small: {taken_s:.1f} s of CPU")


def show(cells):
    """Print a row of a Markdown table."""
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
