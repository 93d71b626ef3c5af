"""What people read of a release: numbers of things in words, one of them as one."""

import pandas as pd
import pytest

from harness.report.releases import words
from harness.results.releases.record import Release


def released(*worth):
    facts = {"method": "laplace", "settings": {"largest_error": 0.02}}
    return Release(facts, pd.DataFrame({"worth": list(worth)}))


@pytest.mark.parametrize(
    ("worth", "told"),
    [
        pytest.param([True], "The only slice is told well enough", id="one"),
        pytest.param([True, True], "All 2 slices are told well enough", id="all"),
        pytest.param([True, False], "1 of 2 slices is told well enough", id="one-of-several"),
        pytest.param([False], "0 of 1 slice are told well enough", id="none-of-one"),
    ],
)
def test_how_many_slices_of_a_private_release_are_told_is_told_as_people_count(worth, told):
    assert words.counts(released(*worth)).startswith(told)


def test_one_slice_of_an_exact_release_is_told_as_one():
    table = pd.DataFrame({"dimension": ["overall", "accent"]})
    exact = Release({"method": "suppression", "n_hidden": {"accent": 2}}, table)
    assert words.counts(exact).startswith("1 slice is shown and 2 hidden")
