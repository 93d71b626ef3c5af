"""Columns that say who a person is are seen by their name or their cells; what describes groups is not."""

import pytest

from harness.corpus.kit.personal import personal_kind


@pytest.mark.parametrize(
    ("header", "cells", "kind"),
    [
        pytest.param("Name", ["x"], "names", id="name"),
        pytest.param("Patient's name", ["x"], "names", id="whose-name"),
        pytest.param("Nachname", ["x"], "names", id="german"),
        pytest.param("Prénom", ["x"], "names", id="french"),
        pytest.param("E-Mail", [""], "e-mail addresses", id="mail-without-any"),
        pytest.param("Contact", ["ward 3", "a.b@c.org"], "e-mail addresses", id="one-mail"),
        pytest.param("Reach at", ["+49 170 1234567", "0171/7654321", "(030) 123456"], "phone numbers", id="phones"),
        pytest.param("Geburtsdatum", ["x"], "dates of birth", id="header-of-births"),
        pytest.param("Date", ["1961-03-04", "1985-01-02", "1999-12-31"], "dates of birth", id="years-apart"),
        pytest.param("Datum", ["4.3.1961", "2. Mai 1985"], "dates of birth", id="german-dates"),
        pytest.param("Who", ["Anna Schmidt", "Dr. Jan van der Meer", "Li Wei"], "names", id="full-names"),
        pytest.param("MRN", ["1"], "numbers of persons", id="record-number"),
        pytest.param("Ward name", ["A", "B"], None, id="name-of-a-place"),
        pytest.param("Device", ["iPad Pro", "iPad Air"], None, id="few-capitalised"),
        pytest.param("Recorded", ["2026-01-02", "2026-03-04"], None, id="dates-of-recording"),
        pytest.param("SNR", ["12.5", "-3.25", "20"], None, id="numbers"),
        pytest.param("Run", ["2024-0001", "2024-0002"], None, id="years-with-numbers"),
        pytest.param("Country of birth", ["PL", "DE"], None, id="country"),
        pytest.param("Accent", ["Scottish", "New York"], None, id="accent"),
    ],
)
def test_personal_data_is_told_from_attributes(header, cells, kind):
    assert personal_kind(header, cells) == kind


def test_a_long_cell_is_looked_at_in_no_time():
    assert personal_kind("x", ["a" * 1_000_000, "A " * 500_000, "1" * 1_000_000]) is None
