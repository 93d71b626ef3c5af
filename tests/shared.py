"""Where the tests look for real recordings and transcripts; without them they skip and say so."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


def needs_data(folder: str) -> pytest.MarkDecorator:
    """Skip unless `folder` of the real data is there."""
    return pytest.mark.skipif(
        not (DATA / folder).exists(),
        reason=f"no real data at {DATA / folder}; set HARNESS_TEST_DATA to the folder that holds {folder}/",
    )
