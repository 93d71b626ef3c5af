"""What a system adds to gaps: a published example, a naive recount, swaps, and tests that keep their level."""

import numpy as np
import pytest
from scipy import stats

from harness.fairness import Failures
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import speaker_codes
from harness.fairness.systems.added_gaps import added_gap_p_values, added_gaps
from harness.fairness.systems.pairing import paired_scores
from tests.fairness.builders import policy_of, scores_of

A = [(200, 10, 22), (180, 9, 15), (220, 12, 25), (150, 6, 14), (190, 11, 20)]  # words, errors before and after
B = [(210, 22, 45), (170, 15, 38), (200, 25, 41), (160, 14, 30), (180, 20, 44)]


def found(before, after, *, policy=None, dimension="accent"):
    policy = policy or policy_of()
    pair = paired_scores(before, after, [dimension], policy)
    return added_gaps(pair, membership(pair.baseline, dimension), speaker_codes(pair.baseline), policy)


def scores(rows, column, *, accents, speakers=None):
    words, errors = [row[0] for row in rows], [row[column] for row in rows]
    return scores_of(errors, words, speakers, accent=accents)


def example(column):
    return scores([*A, *B], column, accents=["a"] * 5 + ["b"] * 5)


def in_utterances(column, n=40):
    """Return the example with what each speaker said and got wrong in so many utterances."""
    counts = [[np.bincount(np.arange(row[k]) % n, minlength=n) for row in (*A, *B)] for k in (0, column)]
    words, errors = (np.concatenate(each) for each in counts)
    speakers = np.repeat([f"s{k}" for k in range(10)], n)
    return scores_of(errors, words, speakers, accent=np.repeat(["a", "b"], 5 * n))


def p_values(gaps, **options):
    policy = policy_of(**options)
    return added_gap_p_values([gaps], policy, n_finest=policy.n_permutations, seed=0)[0]


def test_the_worked_example_of_a_difference_of_differences():
    gaps = found(example(1), example(2))
    assert gaps.slices == ("a", "b")
    assert gaps.gap == pytest.approx([-0.0598057, 0.0598057], abs=1e-7)
    assert gaps.measured.standard_error == pytest.approx([np.hypot(0.0049195, 0.0105112)] * 2, rel=1e-5)
    assert gaps.mirrored
    assert p_values(gaps) == pytest.approx([2 / 252] * 2)


def test_the_interval_is_welch_s():
    gaps = found(in_utterances(1), in_utterances(2))
    squares = np.array([0.0049195, 0.0105112]) ** 2
    freedom = squares.sum() ** 2 / (squares**2 / 4).sum()
    assert gaps.freedom == pytest.approx([freedom] * 2, rel=1e-4)
    low, high = gaps.bounds(0.95)
    assert (low[1] > 0, high[0] < 0) == (True, True)
    assert high[1] - gaps.gap[1] == pytest.approx(gaps.gap[1] - low[1])
    assert high - gaps.gap == pytest.approx(stats.t.ppf(0.975, gaps.freedom) * np.sqrt(squares.sum()), rel=1e-4)


def test_no_interval_is_narrower_than_one_changed_text_of_the_smaller_side():
    rows = [f"{accent}{k}" for accent, n in (("a", 20), ("b", 60)) for k in range(n)]  # ten words each
    scores = scores_of(
        [0] * 80, [10] * 80, [f"{row[0]}{int(row[1:]) % 5}" for row in rows], accent=[r[0] for r in rows]
    )
    gaps = found(scores, scores)
    assert gaps.standard_error.tolist() == [1 / 20, 1 / 20]
    assert gaps.bounds(0.9)[1] == pytest.approx(stats.t.ppf(0.95, gaps.freedom) / 20)


@pytest.mark.slow
def test_rare_loops_that_make_a_gap_at_the_margin_are_covered_and_not_called_equal():
    rng, margin, n_draws = np.random.default_rng(0), 0.03, 150
    accents, speakers = np.repeat(["a", "b"], 50), np.repeat([f"s{k}" for k in range(10)], 10)
    before = scores_of([0] * 100, [5] * 100, speakers, accent=accents)
    n_covered = n_equal = 0
    for _ in range(n_draws):
        loops = (accents == "a") & (rng.random(100) < margin)
        gaps = found(before, scores_of(5 * loops, [5] * 100, speakers, accent=accents))
        (low, high), (narrow_low, narrow_high) = ([end[0] for end in gaps.bounds(c)] for c in (0.95, 0.9))
        n_covered += low <= margin <= high
        n_equal += -margin < narrow_low and narrow_high < margin
    assert n_covered >= 0.93 * n_draws
    assert n_equal <= 0.05 * n_draws


def test_a_naive_recount_with_several_values_and_people_without_an_id():
    rng = np.random.default_rng(3)
    n = 60
    accents = [
        ("x", "y") if k % 7 == 0 else ("x",) if k % 2 else ("y",) if k % 3 else ("undeclared",) for k in range(n)
    ]
    speakers = [None if k % 11 == 0 else f"s{k % 13}" for k in range(n)]
    words, before, after = rng.integers(0, 9, n), rng.integers(0, 5, n), rng.integers(0, 5, n)
    first, second = (scores_of(errors, words, speakers, accent=accents) for errors in (before, after))
    gaps = found(first, second)
    for name, gap in zip(gaps.slices, gaps.gap, strict=True):
        inside = np.array([name in each for each in accents])
        outside = ~inside & np.array([each != ("undeclared",) for each in accents])
        rates = [(after - before)[rows].sum() / words[rows].sum() for rows in (inside, outside)]
        assert gap == pytest.approx(rates[0] - rates[1])


def test_swapping_the_systems_negates_what_is_added_and_keeps_p():
    there, back = found(example(1), example(2)), found(example(2), example(1))
    assert there.gap == pytest.approx(-back.gap)
    assert p_values(there) == pytest.approx(p_values(back))


def test_nothing_added_is_no_evidence_of_anything():
    gaps = found(example(1), example(1))
    assert gaps.gap.tolist() == [0, 0]
    assert p_values(gaps).tolist() == [1, 1]
    low, high = gaps.bounds(0.95)
    assert (low < 0).all()  # one text can always change
    assert (high > 0).all()


def test_one_declared_slice_has_no_rest():
    table = scores(A, 1, accents=["a"] * 4 + ["undeclared"])
    assert found(table, table) is None


def test_below_the_floors_there_is_no_test_and_without_ids_no_interval():
    before, after = (scores([*A, *B], k, accents=["a"] * 5 + ["b"] * 5, speakers=[None] * 10) for k in (1, 2))
    gaps = found(before, after)
    assert np.isnan(gaps.bounds(0.95)).all()
    assert np.isnan(p_values(gaps)).all()
    assert np.isnan(p_values(found(example(1), example(2)), min_speakers=6)).all()


def test_failures_left_out_add_nothing():
    failed = [True] + [False] * 9
    before = example(1)
    after = example(2).assign(failed=failed)
    policy = policy_of(failures=Failures.left_out)
    gaps = found(before, after, policy=policy)
    assert gaps.gap == pytest.approx(found(before.iloc[1:], example(2).iloc[1:]).gap)
