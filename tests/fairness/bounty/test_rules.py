import pytest

from harness.errors import UsageError
from harness.fairness.bounty import BountyRules


@pytest.mark.parametrize(
    ("told", "named"),
    [
        pytest.param({"n_submissions": 0}, "n_submissions=0", id="no-question"),
        pytest.param({"n_submissions": 100_000}, "n_submissions=100000", id="more-questions-than-anybody-can-pay"),
        pytest.param({"n_submissions": 3}, "n_acceptances=5", id="more-acceptances-than-questions"),
        pytest.param({"alpha": 0.0}, "alpha=0.0", id="nothing-to-spend"),
        pytest.param({"alpha": float("nan")}, "alpha=nan", id="nan"),
        pytest.param({"min_gain": 0.0}, "min_gain=0.0", id="any-gain"),
        pytest.param({"gain_steps": ()}, "gain_steps=[]", id="no-step"),
        pytest.param({"gain_steps": (0.005, 0.01)}, "gain_steps=[0.005, 0.01]", id="a-gain-below-all-steps"),
        pytest.param({"gain_steps": (0.002, 0.002)}, "gain_steps", id="a-step-twice"),
        pytest.param({"gain_steps": (0.002, float("inf"))}, "gain_steps", id="a-step-without-end"),
        pytest.param({"min_speakers": 4}, "min_speakers=4", id="a-few-people"),
    ],
)
def test_rules_that_promise_nothing_are_refused_by_name(told, named):
    with pytest.raises(UsageError, match="the rules of a bounty") as refused:
        BountyRules(**told)
    assert named in str(refused.value)
    assert "expected" in str(refused.value)


@pytest.mark.parametrize(("gain", "told"), [(0.002, 0.002), (0.0049, 0.002), (0.02, 0.02), (0.7, 0.05)])
def test_of_a_gain_the_step_below_it_is_told(gain, told):
    assert BountyRules().told_gain(gain) == told
