"""Each unit shows a value as its reader expects it, and what is absent as absent."""

import math

import numpy as np
import pytest

from harness.report.cards.units import UNITS, cell_value, shown


@pytest.mark.parametrize(
    ("unit", "values", "text"),
    [
        pytest.param("percent", [0.2452304976], "24.5 %", id="rate"),
        pytest.param("percent", [0], "0.0 %", id="no-errors"),
        pytest.param("percent_interval", [0.0129, 1.5], "1.3 to > 100 %", id="interval-beyond-all-words"),
        pytest.param("percent_interval", [None, None], "–", id="no-interval"),
        pytest.param("whole_percent", [0.95], "95 %", id="confidence"),
        pytest.param("points", [-0.151258], "-15.1", id="gap"),
        pytest.param("points_interval", [-0.05, 0.1], "-5.0 to +10.0", id="gap-interval"),
        pytest.param("size", [0.4866], "48.7", id="detectable"),
        pytest.param("size", [1.26], "> 100", id="not-detectable"),
        pytest.param("whole_points", [0.03], "3", id="margin"),
        pytest.param("times", [1.816946], "×1.82", id="ratio"),
        pytest.param("times_interval", [1.5, 2.25], "×1.50 to ×2.25", id="ratio-interval"),
        pytest.param("times_interval", [None, 2.25], "–", id="ratio-without-interval"),
        pytest.param("count", [14729], "14,729", id="count"),
        pytest.param("number", [0.05], "0.05", id="level"),
        pytest.param("difference", [-0.125], "-0.12", id="standardised"),
        pytest.param("figure", [1234.5], "1,234", id="fast"),
        pytest.param("figure", [0.123], "0.12", id="slow"),
        pytest.param("figure", [0.00123], "0.0012", id="very-slow"),
        pytest.param("p_value", [0.0086], "0.009", id="p"),
        pytest.param("digest", ["0123456789abcdef0123"], "0123456789abcdef", id="digest"),
        pytest.param("words", ["within_margin"], "within margin", id="verdict"),
        pytest.param("text", ["a\n\u202eb"], "a b", id="somebodys-text"),
        pytest.param("text", [None], "–", id="no-text"),
        pytest.param("text", ["\x00"], "–", id="nothing-to-see"),
    ],
)
def test_a_unit_writes_its_values(unit, values, text):
    assert shown(values, unit) == text


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_every_unit_has_words_for_nothing(unit):
    assert shown([None, None], unit) == "–"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param(math.nan, None, id="empty"),
        pytest.param(math.inf, None, id="not-finite"),
        pytest.param(16.0, 16, id="whole-number-of-a-float-column"),
        pytest.param(np.int64(3), 3, id="numpy"),
        pytest.param(np.bool_(True), True, id="numpy-bool"),
        pytest.param("NA", "NA", id="a-slice-called-na"),
    ],
)
def test_a_cell_is_plain_data(cell, value):
    found = cell_value(cell)
    assert found == value
    assert type(found) is type(value)
