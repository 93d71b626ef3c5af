"""Whole bounties, hunted by the hunters of benchmarks/bounty.py; many more of them are recorded there."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.bounty import DESIGNS, Design, hunt_of, hunted, naively
from harness.fairness.bounty import Assumed, BountyRules, Holdout

RULES = BountyRules()
LUCKY = Design("60 speakers, columns without a meaning", n_speakers=60, traits=True)
PLAIN = Design("60 speakers", n_speakers=60)
UNLUCKY = next(each for each in DESIGNS if each.terrible and each.n_speakers == 200)


def hunts(design, n, n_systems=4):
    return (hunt_of(design, np.random.default_rng([7, number]), n_systems=n_systems) for number in range(n))


def test_of_200_bounties_without_a_better_alternative_at_most_five_percent_accept_anything():
    found = [hunted(hunt, RULES) for hunt in hunts(LUCKY, 200, n_systems=2)]
    assert sum(bool(state.repairs) for state in found) <= 10


def test_a_checker_of_raw_errors_accepts_the_same_noise():
    lists = [naively(hunt, RULES.n_submissions) for hunt in hunts(PLAIN, 3)]
    assert min(len(decisions.groups) for decisions in lists) >= 4


def test_alternatives_that_fail_few_people_altogether_fool_all_but_rules_that_assume_nothing():
    rules = replace(RULES, assumed=Assumed.nothing)
    fooled, held = (sum(bool(hunted(hunt, each).repairs) for hunt in hunts(UNLUCKY, 3)) for each in (RULES, rules))
    assert (fooled, held) == (3, 0)


@pytest.mark.parametrize("assumed", list(Assumed))
def test_a_hunter_finds_what_is_better_and_the_list_gains_it(assumed):
    hunt = next(hunts(Design("400 speakers", n_speakers=400), 1))
    better = replace(hunt, development=improved(hunt.development), holdout=improved(hunt.holdout))
    state = hunted(better, replace(RULES, assumed=assumed))
    assert len(state.repairs) >= 1
    assert state.decisions.groups[0].mask(hunt.holdout.frame)[in_england(hunt.holdout)].all()
    errors = state.decisions.errors(better.holdout)
    assert errors.sum() < better.holdout.errors["system_0"].sum()


def in_england(half):
    return (half.frame["accent"] == "england").to_numpy()


def improved(half: Holdout) -> Holdout:
    """Return a half in which the third system hears a fifth of all people perfectly whom the list mishears."""
    own = np.where(in_england(half), half.words // 2, half.errors["system_0"])
    return replace(half, errors=half.errors | {"system_0": own, "system_3": np.where(in_england(half), 0, half.words)})
