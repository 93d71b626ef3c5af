from math import inf, nan

import pytest

from harness.errors import UsageError
from harness.fairness import Correction, DimensionPolicy, Failures, Policy


def test_the_default_promise_is_the_one_the_readme_can_quote():
    policy = Policy()
    assert (policy.comparator, policy.margin, policy.margin_ratio) == ("rest", 0.03, None)
    assert (policy.alpha, policy.correction, policy.failures) == (0.05, Correction.holm, Failures.deletions)
    assert (policy.min_speakers, policy.min_utterances, policy.min_words) == (5, 20, 100)
    assert policy.fail_on == ["disparity"]


@pytest.mark.parametrize(
    ("option", "found"),
    [
        pytest.param("margin", 0.0, id="no-margin"),
        pytest.param("margin", -0.01, id="negative-margin"),
        pytest.param("margin", 1.01, id="margin-above-one"),
        pytest.param("margin", 3, id="margin-in-points"),
        pytest.param("margin", nan, id="margin-nan"),
        pytest.param("margin", inf, id="margin-infinite"),
        pytest.param("margin_ratio", 1.0, id="ratio-one"),
        pytest.param("margin_ratio", 0.8, id="ratio-below-one"),
        pytest.param("margin_ratio", nan, id="ratio-nan"),
        pytest.param("margin_ratio", inf, id="ratio-infinite"),
        pytest.param("alpha", 0.0, id="alpha-zero"),
        pytest.param("alpha", 0.5, id="alpha-half"),
        pytest.param("alpha", 5, id="alpha-in-percent"),
        pytest.param("alpha", nan, id="alpha-nan"),
        pytest.param("min_speakers", 1, id="one-speaker"),
        pytest.param("min_utterances", 0, id="no-utterances"),
        pytest.param("min_words", 0, id="no-words"),
        pytest.param("max_failed", -0.01, id="negative-share"),
        pytest.param("max_failed", 1.01, id="share-above-one"),
        pytest.param("n_resamples", 99, id="few-resamples"),
        pytest.param("n_permutations", 99, id="few-permutations"),
        pytest.param("comparator", " ", id="blank-comparator"),
        pytest.param("fail_on", ["bias"], id="unknown-verdict"),
    ],
)
def test_an_option_out_of_its_range_is_refused_by_name(option, found):
    with pytest.raises(UsageError, match=rf"policy\.{option}=.*; expected "):
        Policy(**{option: found})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("margin", 1e-9, id="tiny-margin"),
        pytest.param("margin", 1.0, id="margin-of-every-word"),
        pytest.param("margin_ratio", 1.01, id="ratio"),
        pytest.param("alpha", 0.499, id="alpha"),
        pytest.param("min_speakers", 2, id="two-speakers"),
        pytest.param("max_failed", 0.0, id="no-failures"),
        pytest.param("max_failed", 1.0, id="all-failures"),
        pytest.param("fail_on", [], id="never-fails"),
        pytest.param("fail_on", ["disparity", "inconclusive", "insufficient"], id="three-verdicts"),
    ],
)
def test_the_ends_of_a_range_are_allowed(option, value):
    assert getattr(Policy(**{option: value}), option) == value


@pytest.mark.parametrize(
    "override",
    [
        pytest.param(DimensionPolicy(margin=0.0), id="margin"),
        pytest.param(DimensionPolicy(margin=3), id="margin-in-points"),
        pytest.param(DimensionPolicy(margin=nan), id="margin-nan"),
        pytest.param(DimensionPolicy(margin_ratio=1.0), id="ratio"),
        pytest.param(DimensionPolicy(margin_ratio=inf), id="ratio-infinite"),
        pytest.param(DimensionPolicy(comparator=""), id="comparator"),
        pytest.param(DimensionPolicy(fail_on=["worse"]), id="verdict"),
    ],
)
def test_an_override_is_checked_like_the_policy_and_names_its_dimension(override):
    with pytest.raises(UsageError, match=r"policy\.dimensions\[accent\]\."):
        Policy(dimensions={"accent": override})


def test_an_override_changes_what_it_names_and_inherits_the_rest():
    policy = Policy(
        comparator="best",
        margin=0.02,
        margin_ratio=1.5,
        dimensions={
            "accent": DimensionPolicy(margin=0.05, fail_on=[]),
            "gender": DimensionPolicy(comparator="largest", margin_ratio=1.1),
        },
    )
    accent, gender, age = (policy.for_dimension(name) for name in ("accent", "gender", "age"))
    assert (accent.comparator, accent.margin, accent.margin_ratio, accent.fail_on) == ("best", 0.05, 1.5, frozenset())
    assert (gender.comparator, gender.margin, gender.margin_ratio) == ("largest", 0.02, 1.1)
    assert gender.fail_on == {"disparity"}
    assert (age.comparator, age.margin, age.margin_ratio) == ("best", 0.02, 1.5)


@pytest.mark.parametrize(
    ("gap", "ratio", "worse", "better"),
    [
        pytest.param(0.03, 1.1, True, False, id="gap-at-the-margin"),
        pytest.param(0.029, 1.1, False, False, id="gap-inside"),
        pytest.param(-0.03, 0.9, False, True, id="mirrored"),
        pytest.param(0.01, 1.25, True, False, id="ratio-at-its-margin"),
        pytest.param(-0.01, 0.8, False, True, id="ratio-mirrored"),
        pytest.param(0.01, 1.24, False, False, id="ratio-inside"),
        pytest.param(0.01, nan, True, False, id="no-errors-to-compare-with"),
        pytest.param(0.05, nan, True, False, id="gap-without-a-ratio"),
        pytest.param(-0.01, 0.0, False, True, id="no-errors-where-the-comparator-has-some"),
        pytest.param(0.0, nan, False, False, id="no-errors-on-either-side"),
    ],
)
def test_a_promise_breaks_when_either_margin_is_reached(gap, ratio, worse, better):
    promise = Policy(margin=0.03, margin_ratio=1.25).for_dimension("accent")
    assert (promise.worse(gap, ratio), promise.better(gap, ratio)) == (worse, better)


def test_without_a_ratio_margin_no_ratio_breaks_the_promise():
    promise = Policy(margin=0.03).for_dimension("accent")
    assert not promise.worse(0.01, 9.0)
    assert not promise.better(-0.01, 0.1)
    assert not promise.worse(0.01, nan)


def test_two_policies_share_no_list():
    first, second = Policy(), Policy()
    first.fail_on.append("insufficient")
    assert second.fail_on == ["disparity"]
