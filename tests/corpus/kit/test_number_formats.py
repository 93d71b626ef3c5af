"""A stored number is shown as its format says; what no rule covers is the plain number, never a wrong one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.kit.number_formats import number_shown


@pytest.mark.parametrize(
    ("stored", "code", "shown"),
    [
        pytest.param("1.5", "# ?/?", "1.5", id="fraction"),
        pytest.param("12345", "0.00E+00", "12345", id="exponent"),
        pytest.param("1E-2", None, "0.01", id="stored-with-exponent"),
        pytest.param("-0", None, "0", id="minus-zero"),
        pytest.param("abc", "0", "abc", id="no-number"),
        pytest.param("nan", "0", "nan", id="not-a-number"),
        pytest.param("1500", "0.0,", "1.5", id="in-thousands"),
        pytest.param("5", "0.##", "5", id="optional-decimals"),
        pytest.param("0.5", "#.0", ".5", id="no-leading-zero"),
        pytest.param("3", '"Nr. "0', "Nr. 3", id="label-with-a-dot"),
        pytest.param("3", '0"€"', "3€", id="letters-beyond-ascii"),
        pytest.param("3", "\\x0", "x3", id="escaped"),
        pytest.param("0", '0;-0;"none"', "none", id="words-for-zero"),
        pytest.param("3", "[Red]0;[Blue]0", "3", id="colours"),
        pytest.param("60.5", "yyyy", "1900", id="the-day-that-was-not"),
        pytest.param("-1", "yyyy-mm-dd", "-1", id="before-all-dates"),
        pytest.param("9999999", "yyyy-mm-dd", "9999999", id="after-all-dates"),
        pytest.param("0.999999", "hh:mm:ss", "00:00:00", id="a-second-short-of-a-day"),
        pytest.param("45306.5", "mmmm d, yyyy", "January 15, 2024", id="name-of-the-month"),
        pytest.param("45306", 'ddd "den" d/m', "Mon den 15/1", id="name-of-the-day"),
        pytest.param("0.0012345", "mm:ss.0", "01:46.7", id="tenths"),
    ],
)
def test_a_number_is_shown_as_its_format_says(stored, code, shown):
    assert number_shown(stored, code) == shown


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_decimals_are_those_of_python(number, places):
    code = f"0.{'0' * places}" if places else "0"
    value = number / 1000
    assert number_shown(repr(value), code) in (f"{value:.{places}f}", f"{value:.{places}f}".replace("-0", "0", 1))


@given(st.text(max_size=30), st.floats(allow_nan=False, allow_infinity=False))
def test_no_format_whatsoever_ends_in_an_error(code, number):
    assert isinstance(number_shown(repr(number), code), str)
