"""Simulated corpora whose truth is known: intervals hold it, false alarms are rare, a planted disparity is found.

Seeds are fixed; the figures in comments are what these seeds give. `benchmarks/calibration.py` measures far more.
"""

from dataclasses import replace

import numpy as np
import pytest

from harness.fairness import disparity_table, slice_table
from tests.fairness.builders import policy_of, simulated

N_CORPORA = 150
FLOORS = {"min_speakers": 5, "min_utterances": 20, "min_words": 100, "n_resamples": 1_000}
POLICY = policy_of(**FLOORS, margin=0.001)  # a margin that forbids next to nothing: every significant gap is raised


def corpora(n_corpora, wers, **options):
    for seed in range(n_corpora):
        yield simulated(np.random.default_rng(seed), wers, **options), np.random.default_rng(seed)


@pytest.fixture(scope="module")
def equal():
    """Judge 150 corpora of 5 slices of 12 speakers each: speakers differ, slices do not."""
    slices, disparities = [], []
    for scores, rng in corpora(N_CORPORA, [0.2] * 5):
        table = slice_table(scores, "accent", POLICY, rng)
        slices.append(table[table["dimension"] == "accent"])
        disparities.append(disparity_table(scores, "accent", POLICY, rng))
    return slices, disparities


def covered(tables, truth, name):
    return np.mean(
        [row[f"{name}_low"] <= truth <= row[f"{name}_high"] for table in tables for _, row in table.iterrows()]
    )


@pytest.mark.slow
def test_the_95_percent_interval_of_a_slice_covers_the_truth(equal):
    slices, _ = equal
    assert sum(map(len, slices)) == 5 * N_CORPORA
    assert covered(slices, 0.2, "wer") >= 0.92


@pytest.mark.slow
def test_the_95_percent_interval_of_a_gap_covers_the_truth(equal):
    _, disparities = equal
    assert covered(disparities, 0.0, "gap") >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_speakers", "spread"),
    [
        pytest.param([5, 5], 0.5, id="few"),
        pytest.param([10, 40], [0.7, 0.35], id="few-vary-more"),
        pytest.param([10, 40], [0.35, 0.7], id="few-vary-less"),
    ],
)
def test_unequal_sides_are_covered_as_well(n_speakers, spread):
    policy = replace(POLICY, n_permutations=100)  # nothing is tested here
    tables = [
        disparity_table(scores, "accent", policy, rng).head(1)
        for scores, rng in corpora(N_CORPORA, [0.2] * 2, n_speakers=n_speakers, spread=spread)
    ]
    assert covered(tables, 0.0, "gap") >= 0.92


@pytest.mark.slow
def test_a_disparity_is_raised_in_about_one_corpus_in_twenty(equal):
    _, disparities = equal
    alarms = np.mean([(table["verdict"] == "disparity").any() for table in disparities])
    assert alarms <= 0.065
    verdicts = np.concatenate([table["verdict"] for table in disparities])
    assert (verdicts == "insufficient").sum() == 0


@pytest.mark.slow
def test_a_planted_disparity_is_found_and_is_the_only_one():
    found, elsewhere = [], []
    for scores, rng in corpora(40, [0.4, 0.2, 0.2, 0.2, 0.2]):
        table = disparity_table(scores, "accent", POLICY, rng).set_index("slice")["verdict"]
        found.append(table["a0"] == "disparity")
        elsewhere.append((table.drop("a0") == "disparity").any())
    assert np.mean(found) >= 0.9
    assert np.mean(elsewhere) <= 0.05


@pytest.mark.slow
def test_a_planted_condition_is_found_within_speakers():
    found = []
    for scores, rng in corpora(20, [0.2], n_speakers=30):
        noisy = rng.random(len(scores)) < 0.5
        planted = scores.assign(condition=np.where(noisy, "tone", "clean"), insertions=scores["insertions"] + noisy)
        table = disparity_table(planted, "condition", POLICY, rng).set_index("slice")["verdict"]
        found.append((table["tone"], table["clean"]) == ("disparity", "advantage"))
    assert np.mean(found) >= 0.9
