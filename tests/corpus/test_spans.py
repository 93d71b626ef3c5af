"""Times of segments are read without rounding, and written so that they read back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.cells import CellError
from harness.corpus.spans import end_text, plain_seconds, seconds_text, span

SECONDS = st.floats(0, 1e300, allow_nan=False)


@given(SECONDS, st.floats(5e-324, 1e300))
def test_offset_and_duration_are_found_again(offset_s, duration_s):
    found = span(seconds_text(offset_s), end_text(offset_s, duration_s))
    assert (found.offset_s, found.duration_s) == (offset_s, duration_s)


@given(st.decimals(0, 10_000, places=3), st.decimals(0, 10_000, places=3))
def test_a_duration_is_the_number_nearest_to_the_difference(begin, length):
    found = span(str(begin), str(begin + length))
    assert found.duration_s == float(Fraction(length))


@given(SECONDS)
def test_seconds_are_written_in_digits(seconds):
    written = seconds_text(seconds)
    assert set(written) <= set("0123456789.")
    assert float(written) == seconds


@pytest.mark.parametrize(
    ("written", "plain"), [("0.10", "0.1"), ("1e1", "10"), ("007", "7"), (".5", "0.5"), ("3.", "3")]
)
def test_one_time_has_one_spelling(written, plain):
    assert plain_seconds(written) == plain


@pytest.mark.parametrize(
    "times", [("1", "0.5"), ("-1", "2"), ("a", "2"), ("0", "nan"), ("0", "1e999"), ("", "1"), ("0", "1_0")]
)
def test_what_is_no_span_is_refused(times):
    with pytest.raises(CellError):
        span(*times)
