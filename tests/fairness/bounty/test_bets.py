import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fairness.bounty.bets import betting_p_value


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(-1, 1)), min_size=1, max_size=30))
def test_it_is_a_probability_whatever_is_gained(people):
    words = np.array([said for said, _ in people])
    gains = np.array([int(said * share) for said, share in people])
    p_value = betting_p_value(gains, words)
    assert 0 <= p_value <= 1
    assert p_value == 1 or gains.sum() > 0


@pytest.mark.parametrize(
    ("worse", "share"),
    [
        pytest.param(59, 1 / 60, id="fails-one-in-sixty-altogether"),
        pytest.param(19, 1 / 20, id="fails-one-in-twenty"),
        pytest.param(1, 1 / 2, id="symmetric"),
    ],
)
def test_it_holds_its_level_where_an_alternative_rarely_fails_somebody(worse, share):
    rng = np.random.default_rng(0)
    for n in (20, 100, 400):
        gains = np.where(rng.random((2_000, n)) < share, -worse, 1)
        found = np.array([betting_p_value(row, np.full(n, 60)) for row in gains])
        assert all((found <= level).mean() <= level for level in (0.05, 0.01))


def test_it_costs_what_a_speaker_can_lose_times_the_digits_of_the_level():
    words = np.full(200, 60)
    needed = next(total for total in range(1, 10_000) if betting_p_value(spread(total, 200), words) <= 1e-4)
    assert needed == pytest.approx(60 * (np.log(1e4) + 1), rel=0.25)


def spread(total, n):
    """Return `n` gains that sum to `total` and are as alike as whole numbers can be."""
    return np.diff(np.linspace(0, total, n + 1).round()).astype(np.int64)
