import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Policy
from harness.fairness.regression.adjusted_covariates import MOST_LEVELS, block_of, covariates_of
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import scores_of


def block(values, errors=None, name="gender"):
    """Return the block of one column, ten words an utterance, one error each unless told."""
    errors = np.ones(len(values), int) if errors is None else np.asarray(errors)
    scores = checked_scores(scores_of(errors, [10] * len(values), **{name: values}), Policy())
    (covariate,) = covariates_of(scores, [name])
    return block_of(covariate, np.arange(len(values)), errors.astype(float))


def test_levels_are_indicators_against_the_most_frequent():
    found = block(["f", "m", "m", "x"])
    assert found.columns == ("gender=f", "gender=x")
    assert found.values.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert not found.mute.any()
    assert found.usable
    assert found.note == ""


def test_who_said_nothing_is_a_level_so_that_nobody_vanishes():
    found = block(["f", "f", "", None, "declined", "undeclared"], name="accent")
    assert found.columns == ("accent=f", "accent=declined")
    assert found.values.sum(axis=0).tolist() == [2, 1]


def test_several_values_are_one_level_whatever_their_order():
    found = block([("a", "b"), ("b", "a"), ("a",), (), ("a", "b")])
    assert found.columns == ("gender=a", "gender=undeclared")
    assert found.values.sum(axis=0).tolist() == [1, 1]


def test_yes_and_no_are_levels():
    assert block([True, False, False], name="scripted").columns == ("scripted=True",)


def test_as_many_levels_as_a_model_takes_and_no_more():
    values = [f"v{i}" for i in range(MOST_LEVELS)]
    assert len(block(values).columns) == MOST_LEVELS - 1
    found = block([*values, "v99"])
    assert not found.usable
    assert found.note == "gender has 21 values, a model takes 20: not adjusted for. Give it bins"


def test_five_thousand_values_are_no_covariate():
    assert block([f"v{i}" for i in range(5_000)]).note.startswith("gender has 5000 values")


def test_one_value_throughout_is_nothing_to_adjust_for():
    found = block(["f", "f"])
    assert not found.usable
    assert found.note == "gender is the same throughout: nothing to adjust for"


def test_a_level_without_errors_is_left_out_with_its_utterances():
    found = block(["f", "m", "m", "x", "x"], errors=[1, 2, 0, 0, 0])
    assert found.columns == ("gender=f",)
    assert found.mute.tolist() == [False, False, False, True, True]
    assert found.note == "gender=x has no word errors: its 2 utterances left out"


def test_when_one_level_has_all_errors_there_is_no_column_left():
    found = block(["f", "m"], errors=[1, 0])
    assert found.usable
    assert found.values.shape == (2, 0)
    assert found.mute.tolist() == [False, True]


def test_numbers_are_one_standardised_slope():
    found = block([1.0, 2.0, 3.0], name="snr_db")
    assert found.columns == ("snr_db",)
    assert found.values[:, 0] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_what_was_not_measured_is_a_level_of_its_own(missing):
    found = block([1.0, 3.0, missing], name="snr_db")
    assert found.columns == ("snr_db", "snr_db not measured")
    assert found.values.tolist() == [[-1, 0], [1, 0], [0, 1]]
    assert found.note == "snr_db was not measured on 1 utterances: a level of their own"


def test_nullable_integers_are_numbers():
    found = block(pd.array([20, None, 40, 30], dtype="Int64"), name="age")
    assert found.columns == ("age", "age not measured")


def test_not_measured_and_without_errors_is_left_out():
    found = block([1.0, 3.0, np.nan], errors=[1, 1, 0], name="snr_db")
    assert found.columns == ("snr_db",)
    assert found.mute.tolist() == [False, False, True]
    assert found.note == "snr_db not measured has no word errors: its 1 utterances left out"


@pytest.mark.parametrize("number", [0.0, 1e6, 0.1, np.nan])
def test_one_number_throughout_is_nothing_to_adjust_for(number):
    assert not block([number] * 7, name="snr_db").usable


def test_utterance_length_is_the_logarithm_of_the_words():
    scores = checked_scores(scores_of([1, 1, 9], [2, 8, 4]), Policy())
    (covariate,) = covariates_of(scores, ["utterance_length"])
    found = block_of(covariate, np.arange(3), np.ones(3))
    logs = np.log([2, 8, 4])
    assert found.values[:, 0] == pytest.approx((logs - logs.mean()) / logs.std())


def test_a_covariate_named_twice_counts_once():
    scores = checked_scores(scores_of([1], [2], gender=["f"]), Policy())
    assert len(covariates_of(scores, ["gender", "gender"])) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("gendre", r"'gendre' is not in the scores; expected utterance_length or .*'gender'", id="unknown"),
        pytest.param("insertions", "'insertions' is an outcome", id="counts"),
        pytest.param("speaker_id", "'speaker_id' is an outcome", id="who-spoke"),
        pytest.param("utterance_length", "built in and also a column", id="two-meanings"),
    ],
)
def test_what_cannot_be_held_equal_is_refused(name, message):
    scores = scores_of([1], [2], gender=["f"], utterance_length=["long"])
    with pytest.raises(UsageError, match=message):
        covariates_of(checked_scores(scores, Policy()), [name])


def test_condition_and_audio_length_are_no_outcomes():
    scores = scores_of([1, 1], [2, 2], condition=["clean", "noisy"], audio_s=[1.0, 2.0])
    assert len(covariates_of(checked_scores(scores, Policy()), ["condition", "audio_s"])) == 2
