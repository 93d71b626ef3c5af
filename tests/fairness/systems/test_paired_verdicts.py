"""Verdicts on two systems follow from the numbers, and the sentences from the verdicts."""

import numpy as np
import pandas as pd
import pytest

from harness.fairness import DimensionPolicy
from harness.fairness.bootstrap import Interval
from harness.fairness.systems.paired_verdicts import ComparisonVerdict, Difference, headlines, regressions, verdict
from tests.fairness.builders import policy_of


def difference(value, *, half=0.01, p_adjusted=0.001, **fields):
    interval = Interval(value - half, value + half)
    row = {
        "measure": "slice_wer",
        "dimension": "accent",
        "name": "north",
        "baseline": 0.2,
        "candidate": 0.2 + value,
        "wide": interval,
        "narrow": interval,
        "p_adjusted": p_adjusted,
        "detectable": 0.05,
        "n_speakers": 12,
    }
    return Difference(**(row | fields))


@pytest.mark.parametrize(
    ("row", "expected", "reason"),
    [
        pytest.param(
            difference(0.05),
            "worse",
            "the candidate is worse by at least 3 points: +5.0 points, 95 % +4.0 to +6.0, adjusted p 0.001 (12 "
            "speakers)",
            id="worse",
        ),
        pytest.param(difference(-0.05), "better", "the candidate is better by at least 3 points: -5.0", id="better"),
        pytest.param(
            difference(0.02), "worse", "the candidate is worse by less than 3 points: +2.0", id="slightly-worse"
        ),
        pytest.param(
            difference(-0.02), "better", "the candidate is better by less than 3 points", id="slightly-better"
        ),
        pytest.param(
            difference(0.0, p_adjusted=0.9),
            "within_margin",
            "equal within 3 points: 90 % interval -1.0 to +1.0; +0.0 points",
            id="equal",
        ),
        pytest.param(
            difference(0.05, half=0.06, p_adjusted=0.2),
            "inconclusive",
            "neither a difference nor equality within 3 points is shown (a difference of about 5.0 points would have "
            "been seen with 80 % probability): +5.0 points",
            id="neither",
        ),
        pytest.param(
            difference(0.05, half=0.06, p_adjusted=0.2, detectable=np.nan),
            "inconclusive",
            "neither a difference nor equality within 3 points is shown (so few speakers cannot show any difference "
            "among so many comparisons)",
            id="never",
        ),
        pytest.param(
            difference(0.05, half=np.nan, p_adjusted=np.nan, n_speakers=1, shortfall="1 speaker where ..."),
            "insufficient",
            "too few to say: 1 speaker where ... (1 speaker)",
            id="too-few",
        ),
        pytest.param(
            difference(0.05, remark="north in both"),
            "worse",
            "adjusted p 0.001 (12 speakers; north in both)",
            id="remark",
        ),
    ],
)
def test_the_verdict_and_its_reason(row, expected, reason):
    found, told = verdict(row, policy_of())
    assert found is ComparisonVerdict(expected)
    assert reason in told


def test_the_margin_is_the_dimension_s():
    policy = policy_of(dimensions={"accent": DimensionPolicy(margin=0.1)})
    assert verdict(difference(0.05), policy)[1].startswith("the candidate is worse by less than 10 points")
    assert verdict(difference(0.05, p_adjusted=0.2), policy)[0] is ComparisonVerdict.within_margin


def table_of(*rows):
    """Return comparisons of (measure, dimension, slice, difference, verdict)."""
    names = ["measure", "dimension", "slice", "difference", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(
        baseline=0.2,
        candidate=0.2 + table["difference"],
        difference_low=table["difference"] - 0.01,
        difference_high=table["difference"] + 0.01,
        p_value=0.01,
        p_adjusted=0.02,
        reason="too few to say: 1 slice",
    )


def extremes(gap, worst, overall="inconclusive"):
    return table_of(
        ("wer", "overall", "all", 0.01, overall),
        ("max_gap", "accent", "", -0.02, gap),
        ("worst_slice_wer", "accent", "", 0.04, worst),
        ("slice_wer", "accent", "north", 0.04, "worse"),
    )


@pytest.mark.parametrize(
    ("row", "options", "broken"),
    [
        pytest.param(("wer", "overall", "all", 0.03, "worse"), {}, True, id="by-the-margin"),
        pytest.param(("wer", "overall", "all", 0.029, "worse"), {}, False, id="by-less"),
        pytest.param(("slice_wer", "accent", "north", 0.2, "inconclusive"), {}, False, id="not-shown"),
        pytest.param(("slice_wer", "accent", "north", -0.2, "better"), {}, False, id="better"),
        pytest.param(("mapsswe", "overall", "all", 0.5, "not_judged"), {}, False, id="mapsswe"),
        pytest.param(("max_gap", "accent", "", 0.05, "worse"), {}, True, id="a-larger-gap"),
        pytest.param(("max_gap", "accent", "", 0.05, "worse"), {"fail_on": []}, False, id="report-only"),
        pytest.param(
            ("max_gap", "accent", "", 0.05, "worse"),
            {"dimensions": {"accent": DimensionPolicy(margin=0.1)}},
            False,
            id="wider-margin",
        ),
        pytest.param(
            ("max_gap", "accent", "", 0.05, "worse"),
            {"dimensions": {"accent": DimensionPolicy(fail_on=["insufficient"])}},
            False,
            id="dimension-that-fails-on-other-verdicts",
        ),
    ],
)
def test_a_regression_is_a_worse_of_at_least_the_margin_where_a_disparity_fails(row, options, broken):
    assert len(regressions(table_of(row), policy_of(**options))) == broken


def test_no_comparison_has_no_regression():
    assert regressions(table_of(), policy_of()).empty


@pytest.mark.parametrize(
    ("gap", "worst", "fair", "served"),
    [
        pytest.param(
            "better", "worse", "new is fairer than old", "new serves its worst slice worse", id="levelled-down"
        ),
        pytest.param(
            "worse", "better", "new is less fair than old", "new serves its worst slice better", id="less-fair"
        ),
        pytest.param(
            "within_margin",
            "within_margin",
            "new is as fair as old within the margin",
            "both serve their worst slice equally within the margin",
            id="equal",
        ),
        pytest.param(
            "inconclusive",
            "inconclusive",
            "the data cannot tell whether new or old is fairer",
            "the data cannot tell which serves its worst slice better",
            id="cannot-tell",
        ),
    ],
)
def test_a_dimension_s_sentence_says_which_is_fairer_and_how_the_worst_slice_fares(gap, worst, fair, served):
    _, sentence = headlines(extremes(gap, worst), policy_of(), baseline="old", candidate="new")
    assert sentence == (
        f"By accent, {fair} (largest gap 18.0 against 20.0 points: -2.0 points, 95 % -3.0 to -1.0, adjusted p 0.02); "
        f"{served} (its WER 24.0 against 20.0 %: +4.0 points, 95 % +3.0 to +5.0, adjusted p 0.02)."
    )


@pytest.mark.parametrize(
    ("overall", "said"),
    [
        pytest.param("better", "new makes fewer word errors than old (21.0 against 20.0", id="better"),
        pytest.param("worse", "new makes more word errors than old", id="worse"),
        pytest.param("within_margin", "new is as accurate as old within the margin", id="equal"),
        pytest.param("inconclusive", "the data cannot tell whether new or old is more accurate", id="cannot-tell"),
    ],
)
def test_the_first_sentence_says_which_is_more_accurate(overall, said):
    first, _ = headlines(extremes("worse", "worse", overall), policy_of(), baseline="old", candidate="new")
    assert first.startswith(f"Overall, {said}")


def test_too_few_people_are_said_to_be_too_few():
    first, second = headlines(extremes("insufficient", "insufficient", "insufficient"), policy_of())
    assert first.endswith("is more accurate (too few to say: 1 slice).")
    assert "the data cannot tell whether the candidate or the baseline is fairer" in second
    assert "nan" not in first + second


def test_every_verdict_of_a_dimension_has_its_words():
    for each in ComparisonVerdict:
        if each is not ComparisonVerdict.not_judged:
            assert len(headlines(extremes(each.value, each.value, each.value), policy_of())) == 2


def test_a_name_with_braces_is_a_name():
    first, _ = headlines(extremes("worse", "worse", "worse"), policy_of(), baseline="{x}", candidate="{0}")
    assert first.startswith("Overall, {0} makes more word errors than {x}")
