"""The same utterances under every condition: order, and everything that does not match named."""

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.fairness import Failures
from harness.fairness.conditions.aligned import aligned
from tests.fairness.builders import policy_of
from tests.fairness.conditions.builders import example, under


def test_every_condition_has_the_utterances_in_the_order_of_clean():
    scores = example().sample(frac=1, random_state=3)
    found = aligned(scores, ["accent"])
    expected = scores[scores["condition"] == "clean"]["utterance_id"].tolist()
    assert found.clean["utterance_id"].tolist() == expected
    assert found.conditions["noisy"]["utterance_id"].tolist() == expected
    assert (found.conditions["noisy"]["condition"] == "noisy").all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda s: s.drop(index=13), "1 utterance missing under 'noisy': 'u3'", id="lost"),
        pytest.param(lambda s: s.drop(index=3), "1 utterance missing under 'clean': 'u3'", id="lost-clean"),
        pytest.param(
            lambda s: s.assign(utterance_id=s["utterance_id"].replace("u3", "u4")), "more than once", id="twice"
        ),
        pytest.param(
            lambda s: s.assign(hits=s["hits"] + (s.index == 13)),
            "with another number of reference words under some condition: 'u3'",
            id="other-words",
        ),
        pytest.param(
            lambda s: s.assign(speaker_id=s["speaker_id"].where(s.index != 13)),
            "with another speaker_id under some condition: 'u3'",
            id="other-speaker",
        ),
        pytest.param(
            lambda s: s.assign(accent=s["accent"].where(s.index != 13, "c")), "with another accent", id="other-value"
        ),
        pytest.param(lambda s: s[s["condition"] == "noisy"], "no condition is 'clean'", id="no-clean"),
    ],
)
def test_what_does_not_match_is_an_error_that_names_it(change, said):
    with pytest.raises(DataError) as raised:
        aligned(change(example()), ["accent"])
    assert said in str(raised.value)


@pytest.mark.parametrize("column", ["condition", "accent"])
def test_a_missing_column_is_named(column):
    with pytest.raises(UsageError, match=column):
        aligned(example().drop(columns=column), ["accent"])


def test_several_values_may_be_told_in_lists():
    scores = example(accent=[["a", "b"]] * 5 + [["b"]] * 5)
    assert len(aligned(scores, ["accent"]).clean) == 10


def test_failures_left_out_are_left_out_of_both_and_counted_ones_stay():
    scores = under({"clean": [1, 1], "noisy": [2, 9]}, [9, 9])
    scores.loc[3, "failed"] = True
    pair = aligned(scores, []).pair("noisy", policy_of(failures=Failures.left_out))
    assert pair.baseline["failed"].tolist() == pair.candidate["failed"].tolist() == [False, True]
    assert pair.baseline["hits"].tolist() == [8, 0]
    kept = aligned(scores, []).pair("noisy", policy_of())
    assert kept.candidate["substitutions"].tolist() == [2, 9]
    assert np.array_equal(scores["failed"], [False, False, False, True])  # not touched
