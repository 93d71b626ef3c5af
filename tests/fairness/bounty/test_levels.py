from itertools import pairwise, product

import pytest
from scipy.special import ndtri

from harness.fairness.bounty import BountyRules, level, number_of_queries
from harness.fairness.bounty.levels import n_possible_repairs, repairs_weight


def total_level(rules, n_asked=0, n_repairs=(), *, most_repairs):
    """Return the levels of all questions that can be asked from here on, by walking every transcript of answers."""
    if n_asked == rules.n_submissions or len(n_repairs) == rules.n_acceptances:
        return 0.0
    rejected = total_level(rules, n_asked + 1, n_repairs, most_repairs=most_repairs)
    accepted = sum(
        len(rules.gain_steps)
        * n_possible_repairs(len(n_repairs) + 1) ** repairs
        * total_level(rules, n_asked + 1, (*n_repairs, repairs), most_repairs=most_repairs)
        for repairs in range(most_repairs + 1)
    )
    return level(rules, n_repairs) + rejected + accepted


@pytest.mark.parametrize(
    ("n_submissions", "n_acceptances", "gain_steps"),
    [
        pytest.param(1, 1, (0.002,), id="one-question"),
        pytest.param(4, 1, (0.002, 0.01), id="one-acceptance"),
        pytest.param(5, 2, (0.002, 0.01, 0.05), id="two"),
        pytest.param(5, 3, (0.002, 0.01), id="three"),
        pytest.param(4, 4, (0.002,), id="all"),
    ],
)
def test_the_levels_of_everything_that_can_be_asked_sum_to_alpha_and_never_above(
    n_submissions, n_acceptances, gain_steps
):
    rules = BountyRules(n_submissions=n_submissions, n_acceptances=n_acceptances, gain_steps=gain_steps)
    few, more = (total_level(rules, most_repairs=most) for most in (1, 7))
    assert few <= more <= rules.alpha * (1 + 1e-12)
    assert more >= 0.95 * rules.alpha  # what is missing are transcripts with 8 repairs at once


@pytest.mark.parametrize("acceptance", [1, 2, 3, 7])
def test_the_weights_of_all_sequences_of_repairs_sum_to_one(acceptance):
    possible = n_possible_repairs(acceptance)
    assert sum(possible**n * repairs_weight(acceptance, n) for n in range(60)) == pytest.approx(1, abs=1e-12)


def test_every_repair_published_costs_and_the_first_acceptance_can_have_none():
    rules = BountyRules()
    assert n_possible_repairs(1) == 0
    assert level(rules, [1]) == 0
    costs = [level(rules, [0, n]) for n in range(4)]
    assert [one / other for one, other in pairwise(costs)] == pytest.approx([10, 10, 10])


def test_the_uniform_count_is_that_of_all_transcripts():
    for n_submissions, n_acceptances in ((1, 0), (4, 1), (6, 3), (7, 2)):
        asked = {
            (n_before, answers)
            for n_before in range(n_submissions)
            for answers in product((False, True), repeat=n_before)
            if sum(answers) <= n_acceptances
        }
        assert number_of_queries(n_submissions, n_acceptances) == len(asked)


def test_a_first_question_is_far_cheaper_than_under_a_uniform_count():
    rules = BountyRules(n_submissions=100, n_acceptances=10)
    assert number_of_queries(100, 10) == 161_045_712_791_435
    uniform = rules.alpha / number_of_queries(100, 10)
    quantiles = [-float(ndtri(each)) for each in (uniform, level(rules, []), level(BountyRules(), []))]
    assert quantiles == pytest.approx([8.09, 3.89, 3.72], abs=0.005)
    small = BountyRules(n_submissions=20, n_acceptances=2)
    assert -ndtri(level(small, [])) == pytest.approx(3.02, abs=0.005)
    after = [-float(ndtri(level(BountyRules(), [0] * n))) for n in range(5)]
    assert after == pytest.approx([3.72, 4.93, 5.96, 6.80, 7.52], abs=0.005)
    assert after == sorted(after)
