"""What people read of what is kept of somebody: one place is told as one."""

from pathlib import Path

import pytest

from harness.report.forgotten import sentences
from harness.results.forgetting.answer import Forgotten, Row, State
from harness.results.forgetting.kinds import Kind


def told(n_places, *, n_near=0):
    rows = tuple(Row(Path(f"place{number}"), Kind.run, "", 0, State.remains) for number in range(n_places))
    return " ".join(sentences(Forgotten(3, 0, n_near, (), rows, (), is_applied=True)))


@pytest.mark.parametrize(
    ("n", "words"),
    [
        pytest.param(1, "1 place keeps something of them or was made with it.", id="one"),
        pytest.param(2, "2 places keep something of them or were made with it.", id="two"),
    ],
)
def test_places_are_told_as_people_count(n, words):
    assert words in told(n)


def test_one_who_is_nearly_somebody_is_told_as_one():
    assert "1 of them differs from people in capitals" in told(1, n_near=1)
    assert "2 of them differ from people in capitals" in told(1, n_near=2)
