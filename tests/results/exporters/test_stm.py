"""A STM says what the manifest says, in Kaldi's order, and an import finds all of it again."""

import pytest
from hypothesis import given, settings

from tests.results.exporters.line_round_trips import check_round_trip, manifests


@settings(max_examples=300, deadline=None)
@given(manifests())
def test_export_and_import_lose_nothing(rows):
    check_round_trip("stm", rows)
