"""The test of a proposed pattern is the one its speakers allow, and the verdict says what the numbers say."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.fairness import DimensionPolicy
from harness.fairness.gaps import gaps
from harness.fairness.search.confirmation import beyond_margin, log_ratio, side_of, validated
from harness.fairness.search.patterns import grouped
from harness.fairness.significance import permutation_p_values
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, scores_of

NG, TONE = ((0, 0),), ((1, 1),)  # of accent (NG, UK) and noise (clean, tone)


def world(seed=0, n_speakers=40):
    """Return scores of speakers with an accent each who speak in both conditions, and who is searched."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), 10)
    words = rng.integers(5, 20, len(speakers))
    errors = rng.poisson(words * 0.2 * np.exp(rng.normal(0, 0.5, n_speakers))[speakers])
    scores = scores_of(
        errors,
        words,
        [f"s{i:02d}" for i in speakers],
        accent=np.where(speakers % 3 == 0, "NG", "UK").astype(object),
        noise=np.array(["clean", "tone"], dtype=object)[np.arange(len(speakers)) % 2],
    )
    return scores, np.arange(n_speakers) % 2 == 0


def candidates_of(patterns, policy=None, seed=0):
    policy = policy or policy_of()
    scores, half = world()
    cells = grouped(checked_scores(scores, policy), ["accent", "noise"], policy)
    return cells, half, validated(cells, patterns, half, policy=policy, seed=seed)


def test_speakers_who_are_inside_or_outside_are_permuted():
    cells, half, table = candidates_of([NG])
    inside, outside = cells.sums_of(NG)
    errors, words, _ = (inside + outside)[:, ~half]
    members = inside[1, ~half][:, None] > 0
    expected = permutation_p_values(errors, words, members, n_permutations=999, seed=0)
    assert table["p_value"].tolist() == expected.tolist()


def test_speakers_on_both_sides_get_students_t_of_the_joint_log_ratio():
    cells, half, table = candidates_of([TONE])
    inside, outside = (side_of(each[:, ~half]) for each in cells.sums_of(TONE))
    measured = gaps(inside, outside)
    t = np.log(measured.ratio[0]) / measured.log_ratio_standard_error[0]
    assert table["p_value"][0] == pytest.approx(2 * stats.t.sf(abs(t), 20 - 1))


def test_the_lower_limit_is_that_of_the_two_sided_interval():
    cells, half, _ = candidates_of([NG])
    found = log_ratio(*(side_of(each[:, half]) for each in cells.sums_of(NG)))
    low, _ = stats.t.interval(0.95, found.freedom, found.value, found.standard_error)
    assert found.lower(0.05) == pytest.approx(low)
    assert found.freedom == 6, "seven of them are inside"


def test_a_side_of_one_speaker_has_no_limit():
    lonely = side_of(np.array([[2.0, 0], [10, 0], [1, 0]]))
    others = side_of(np.array([[0.0, 3], [0, 10], [0, 1]]))
    assert np.isnan(log_ratio(lonely, others).lower(0.05))


def test_many_candidates_get_finer_permutations():
    """With 100 permutations no p-value is below 2 / 101, which no correction of four lets pass."""
    _, _, few = candidates_of([NG], policy_of(n_permutations=100))
    assert few["p_value"][0] * 101 == pytest.approx(round(few["p_value"][0] * 101))
    _, _, many = candidates_of([NG] * 4, policy_of(n_permutations=100))
    assert many["p_value"][0] * 321 == pytest.approx(round(many["p_value"][0] * 321))


def test_no_pattern_gives_an_empty_table():
    assert candidates_of([])[2].empty


def row(**changes):
    return {"dimension": "accent", "confirmed": True, "gap": 0.04, "wer": 0.24, "outside_wer": 0.2} | changes


@pytest.mark.parametrize(
    ("changes", "promise", "is_beyond"),
    [
        pytest.param({}, {}, True, id="points"),
        pytest.param({"confirmed": False}, {}, False, id="not-confirmed"),
        pytest.param({"gap": 0.02}, {}, False, id="small"),
        pytest.param({"gap": 0.02}, {"margin_ratio": 1.1}, True, id="ratio"),
        pytest.param({"gap": 0.02, "outside_wer": 0.0}, {"margin_ratio": 1.1}, True, id="ratio-to-no-errors"),
        pytest.param({}, {"dimensions": {"accent": DimensionPolicy(margin=0.1)}}, False, id="of-the-dimension"),
    ],
)
def test_beyond_the_margin_is_what_the_policy_calls_worse(changes, promise, is_beyond):
    assert len(beyond_margin(pd.DataFrame([row(**changes)]), policy_of(**promise))) == is_beyond


@pytest.mark.parametrize(
    ("seed_errors", "beginning"),
    [
        pytest.param({"NG": 9}, "worse by at least 3 points or ×1.2, among speakers", id="found"),
        pytest.param({"UK": 2}, "not confirmed, not even worse, among speakers", id="better"),
        pytest.param({}, "not confirmed, among speakers the search did not see: +", id="chance"),
    ],
)
def test_the_reason_says_what_was_found(seed_errors, beginning):
    policy = policy_of(margin_ratio=1.2)
    scores, half = world(seed=3)
    for accent, factor in seed_errors.items():
        own = scores["accent"] == accent
        scores["insertions"] += np.where(own, factor * scores["substitutions"], 0)
    cells = grouped(checked_scores(scores, policy), ["accent", "noise"], policy)
    found = validated(cells, [NG], half, policy=policy, seed=0).iloc[0]
    assert found["reason"].startswith(beginning)
    assert f"adjusted p {found['p_adjusted']:.2g} ({found['n_speakers']} speakers against 13)" in found["reason"]


def test_a_confirmed_gap_below_the_margin_is_called_so():
    policy = policy_of(margin=0.9)
    scores, half = world()
    scores["insertions"] += np.where(scores["accent"] == "NG", 9 * scores["substitutions"], 0)
    scores = scores.assign(insertions=scores["insertions"].clip(upper=9))
    cells = grouped(checked_scores(scores, policy), ["accent", "noise"], policy)
    found = validated(cells, [NG], half, policy=policy, seed=0).iloc[0]
    assert found["confirmed"]
    assert found["reason"].startswith("worse by less than 90 points, among")
