"""Tests and corrections of extra harm: a naive max-T, families, what is attainable, who says nothing of factors."""

from itertools import combinations

import numpy as np
import pytest

from harness.fairness import Correction, Family
from harness.fairness.conditions import families
from harness.fairness.conditions.aligned import aligned
from harness.fairness.conditions.families import detectable
from harness.fairness.conditions.harms import HarmScale, extra_harm
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import speaker_codes
from tests.fairness.builders import policy_of
from tests.fairness.conditions.builders import tones, under

ADDITIVE, RATIO = HarmScale.additive, HarmScale.multiplicative


def parts_of(scores, by=("accent",), **options):
    heard, policy = aligned(scores, by), policy_of(**options)
    people = speaker_codes(heard.clean)
    found = [
        extra_harm(name, heard.pair(name, policy), membership(heard.clean, each), speakers=people, policy=policy)
        for name in heard.conditions
        for each in by
    ]
    return [each for each in found if each is not None]


def judged(parts, *, scale=ADDITIVE, **options):
    return families.tested(parts, ["tone"] * len(parts), policy_of(**options), scale=scale, seed=1)


def statistics(added, words, inside):
    """Return the studentised differences of every condition, with the speakers `inside` as the slice."""
    found = []
    for each in added:
        rates, squares = [], []
        for side in (inside, np.setdiff1d(np.arange(len(words)), inside)):
            rate, n = each[side].sum() / words[side].sum(), len(side)
            rates.append(rate)
            squares.append(n / (n - 1) * ((each[side] - rate * words[side]) ** 2).sum() / words[side].sum() ** 2)
        found.append((rates[0] - rates[1]) / np.sqrt(sum(squares)))
    return np.abs(found)


def test_max_t_is_that_of_all_joint_relabellings_of_the_speakers():
    rng = np.random.default_rng(8)
    words, clean = rng.integers(80, 120, 10), rng.integers(3, 12, 10)
    added = rng.integers(2, 30, (3, 10)) + np.array([[0], [0], [1]]) * np.repeat([0, 14], 5)
    counts = {"clean": clean} | {f"t{k}": clean + each for k, each in enumerate(added)}
    parts = parts_of(under(counts, words, accent=["a"] * 5 + ["b"] * 5))
    observed = statistics(added, words, np.arange(5))
    drawn = np.array([statistics(added, words, np.array(side)) for side in combinations(range(10), 5)])
    adjusted = np.maximum.accumulate(
        [(drawn[:, observed <= limit + 1e-9].max(axis=1) >= limit - 1e-9).mean() for limit in np.sort(observed)[::-1]]
    )
    expected = adjusted[np.argsort(np.argsort(-observed))]
    found = judged(parts, n_permutations=9_999).p_adjusted
    assert found[::2] == pytest.approx(expected, abs=0.06)
    assert found[::2].tolist() == found[1::2].tolist()  # each other's mirror image


def test_correlated_conditions_cost_less_than_holm():
    scores = tones(np.random.default_rng(1), ["a"] * 8 + ["b"] * 8, planted=0.3, n_conditions=10)
    by_max_t = judged(parts_of(scores))
    by_itself = judged(parts_of(scores), correction=Correction.none)
    holm = np.minimum(10 * by_itself.p_value.min(), 1)
    assert by_max_t.p_adjusted.min() <= holm
    assert (by_max_t.level >= 0.05 / 10).all()
    assert by_max_t.level.mean() > 1.1 * 0.05 / 10
    assert (by_max_t.p_adjusted >= by_max_t.p_value).all()


def test_families_of_dimensions_are_corrected_apart():
    scores = tones(np.random.default_rng(2), ["a", "b", "c"] * 5, n_conditions=2, gender=["f", "m", "m"] * 5)
    parts = parts_of(scores, ["accent", "gender"])
    together, apart = judged(parts), judged(parts, family=Family.dimension)
    only = judged(parts[::2])
    accents = np.concatenate([np.full(each.n_slices, each.dimension == "accent") for each in parts])
    assert apart.p_adjusted[accents].tolist() == pytest.approx(only.p_adjusted.tolist())
    assert (apart.p_adjusted <= together.p_adjusted + 1e-12).all()


def test_who_did_not_declare_an_attribute_moves_with_what_was_said_under_each_condition():
    scores = tones(np.random.default_rng(3), ["a", "b"] * 8, n_conditions=3, gender=["f", "m", "m", "f"] * 4)
    silent = scores.assign(gender=scores["gender"].where(scores["speaker_id"] < "s012"))
    found = judged(parts_of(silent, ["accent", "gender"]))
    assert np.isfinite(found.p_adjusted).all()


def test_what_so_few_speakers_cannot_show_is_no_number():
    few = parts_of(tones(np.random.default_rng(4), ["a", "b"] * 3, n_conditions=2))
    found = judged(few)
    assert found.smallest.tolist() == [0.1] * 4
    assert np.isnan(detectable(few, found, policy_of(), ADDITIVE)).all()
    many = parts_of(tones(np.random.default_rng(4), ["a", "b"] * 10, n_conditions=2))
    sizes = detectable(many, judged(many), policy_of(), ADDITIVE)
    assert (sizes > 0).all()
    assert (detectable(many, judged(many, scale=RATIO), policy_of(), RATIO) > 1).all()


def test_who_makes_no_error_says_nothing_of_factors():
    words, clean, noisy = [50] * 14, [2, 3, 4, 2, 5, 6] * 2, [9, 8, 9, 7, 12, 15, 3, 5, 6, 2, 9, 7]
    accents = ["a"] * 6 + ["b"] * 6
    scores = under({"clean": [*clean, 0, 0], "noisy": [*noisy, 0, 0]}, words, accent=[*accents, "a", "b"])
    without = under({"clean": clean, "noisy": noisy}, words[:12], accent=accents)
    found, expected = (judged(parts_of(each), scale=RATIO) for each in (scores, without))
    assert found.ratio_p_value.tolist() == expected.ratio_p_value.tolist()
    assert parts_of(scores)[0].ratio_bounds(0.95)[0] == pytest.approx(parts_of(without)[0].ratio_bounds(0.95)[0])


def test_nothing_is_tested_below_the_floors():
    parts = parts_of(tones(np.random.default_rng(5), ["a", "b"] * 4, n_conditions=2))
    found = judged(parts, min_speakers=5)
    assert np.isnan([found.p_value, found.ratio_p_value, found.p_adjusted]).all()
