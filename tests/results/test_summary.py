"""The headline is what the tables say: nothing is left out of it, and nothing without evidence gets into it."""

import json

import numpy as np
import pandas as pd
import pytest

from harness.fairness import Failures, Policy, disparity_table, slice_table
from harness.results import summarise


def scores_of(errors_by_accent, *, n_failed=0, n_speakers=6):
    """Return 20 utterances of 10 words a speaker with a number of substitutions each; the last `n_failed` failed."""
    rows = [
        {
            "utterance_id": f"{accent}{speaker}-{number}",
            "speaker_id": f"{accent}{speaker}",
            "accent": accent,
            "hits": 10 - errors - (speaker % 2),
            "substitutions": errors + (speaker % 2),
            "deletions": 0,
            "insertions": 0,
        }
        for accent, errors in errors_by_accent.items()
        for speaker in range(n_speakers)
        for number in range(20)
    ]
    scores = pd.DataFrame(rows)
    scores["failed"] = scores.index >= len(scores) - n_failed
    failed = scores["failed"]
    scores.loc[failed, ["hits", "substitutions", "deletions"]] = [0, 0, 10]
    return scores


def summary_of(scores, policy=None, by=("accent",), notes=()):
    policy = policy or Policy(n_resamples=200, n_permutations=200)
    slices = slice_table(scores, list(by), policy, np.random.default_rng(0))
    disparities = disparity_table(scores, list(by), policy, np.random.default_rng(0))
    return summarise(scores, slices, disparities, policy, notes)


def test_the_rate_is_all_errors_over_all_words():
    summary = summary_of(scores_of({"a": 1, "b": 4}))
    assert summary["wer"] == pytest.approx((1.5 + 4.5) / 20)
    assert (summary["n_utterances"], summary["n_speakers"], summary["reference_words"]) == (240, 12, 2400)
    assert summary["wer_low"] < summary["wer"] < summary["wer_high"]


def test_a_disparity_is_named_and_breaks_the_policy():
    summary = summary_of(scores_of({"a": 1, "b": 4}))
    assert summary["verdicts"]["disparity"] == 1
    assert not summary["passed"]
    assert [(each["dimension"], each["slice"]) for each in summary["violations"]] == [("accent", "b")]
    assert summary["worst_slice"] | {"wer_low": 0, "wer_high": 0} == {
        "dimension": "accent", "slice": "b", "wer": pytest.approx(0.45), "wer_low": 0, "wer_high": 0, "n_speakers": 6.0,
    }  # fmt: skip
    assert summary["max_gap"]["slice"] == "b"
    assert summary["max_gap"]["gap"] == pytest.approx(0.3)


def test_every_comparison_has_one_verdict():
    summary = summary_of(scores_of({"a": 1, "b": 1, "c": 4}))
    assert sum(summary["verdicts"].values()) == summary["n_comparisons"] == summary["n_tested"] == 3


def test_a_slice_with_too_few_people_is_neither_the_worst_nor_the_largest_gap():
    scores = pd.concat([scores_of({"a": 1, "b": 2}), scores_of({"few": 9}, n_speakers=2)], ignore_index=True)
    summary = summary_of(scores)
    assert summary["verdicts"]["insufficient"] == 1
    assert (summary["n_comparisons"], summary["n_tested"]) == (3, 2)
    assert summary["worst_slice"]["slice"] == "b"
    assert summary["max_gap"]["slice"] == "b"


def test_without_enough_people_anywhere_there_is_no_worst_slice():
    summary = summary_of(scores_of({"a": 1, "b": 9}, n_speakers=2))
    assert summary["worst_slice"] is None
    assert summary["max_gap"] is None
    assert (summary["n_comparisons"], summary["n_tested"]) == (2, 0)
    assert summary["passed"]


def test_without_attributes_there_is_a_rate_and_no_verdict():
    summary = summary_of(scores_of({"a": 1}), by=())
    assert summary["n_comparisons"] == 0
    assert summary["wer"] == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("fail_on", "passed"),
    [
        pytest.param(["disparity"], True, id="only-what-is-found-fails"),
        pytest.param([], True, id="nothing-fails"),
        pytest.param(["insufficient"], False, id="too-few-fail"),
        pytest.param(["disparity", "inconclusive", "insufficient"], False, id="strict"),
    ],
)
def test_nothing_to_compare_breaks_a_policy_that_wants_support_everywhere(fail_on, passed):
    summary = summary_of(scores_of({"a": 1}), Policy(n_resamples=200, n_permutations=200, fail_on=fail_on))
    assert (summary["n_comparisons"], summary["n_tested"]) == (0, 0)
    assert summary["violations"] == []
    assert not summary["max_failed_exceeded"]
    assert summary["passed"] is passed


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_headline_says_how_wide_its_interval_was_asked_to_be(alpha):
    policy = Policy(n_resamples=200, n_permutations=200, alpha=alpha)
    summary = summary_of(scores_of({"a": 1, "b": 1}), policy)
    assert summary["confidence"] == pytest.approx(1 - alpha)


def test_failures_show_the_rate_both_ways_whatever_the_policy_counts():
    scores = scores_of({"a": 1, "b": 1}, n_failed=20)
    both = {
        "deletions": pytest.approx((220 * 10 * 0.15 + 20 * 10) / 2400, abs=0.01),
        "left_out": pytest.approx(0.15, abs=0.01),
    }
    for failures in Failures:
        policy = Policy(n_resamples=200, n_permutations=200, failures=failures)
        summary = summary_of(scores, policy)
        assert summary["wer_if_failures_were"] == both
        assert summary["wer"] == pytest.approx(summary["wer_if_failures_were"][failures.value])
        assert (summary["n_failed"], summary["n_utterances"]) == (20, 240)
        assert summary["failures_count_as"] == failures.value


def test_without_failures_there_is_only_one_rate():
    assert summary_of(scores_of({"a": 1, "b": 1}))["wer_if_failures_were"] is None


@pytest.mark.parametrize(
    ("n_failed", "max_failed", "exceeded"),
    [
        pytest.param(0, 0.0, False, id="none-allowed-none-failed"),
        pytest.param(1, 0.0, True, id="none-allowed-one-failed"),
        pytest.param(29, 0.29, False, id="exactly-the-share-allowed"),
        pytest.param(30, 0.29, True, id="one-more-than-allowed"),
        pytest.param(7, 0.07, False, id="exactly-another-share"),
        pytest.param(100, 1.0, False, id="all-allowed-all-failed"),
    ],
)
def test_a_share_of_failures_up_to_the_policy_s_is_a_measurement(n_failed, max_failed, exceeded):
    scores = scores_of({"a": 1}, n_speakers=5, n_failed=n_failed)
    assert len(scores) == 100
    policy = Policy(n_resamples=200, n_permutations=200, max_failed=max_failed)
    summary = summary_of(scores, policy)
    assert summary["max_failed_exceeded"] is exceeded
    assert summary["passed"] is not exceeded


def test_references_without_words_are_counted_and_those_emptied_apart():
    scores = scores_of({"a": 1, "b": 1})
    scores.loc[:2, ["hits", "substitutions"]] = 0
    scores["reference_emptied"] = scores.index == 0
    summary = summary_of(scores)
    assert (summary["n_empty_references"], summary["n_references_emptied"]) == (3, 1)


def test_the_headline_is_json_even_where_nothing_can_be_divided():
    scores = scores_of({"a": 1, "b": 1})
    scores[["hits", "substitutions"]] = 0
    summary = summary_of(scores, notes=["no speaker ids"])
    assert summary["wer"] is None
    assert json.loads(json.dumps(summary, allow_nan=False))["notes"] == ["no speaker ids"]
