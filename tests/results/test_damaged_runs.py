"""A run directory that is damaged, unfinished or of another pipeline is refused with the remedy, never a traceback."""

import json

import pytest

from harness.errors import RunDirectoryError, UsageError
from harness.results import Run
from harness.results.run import FACTS, SCORES, SUMMARY
from tests.report.builders import finished_run


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(FACTS, {}, id="no-facts"),
        pytest.param(FACTS, {"manifest": 5, "sliced_by": [], "normalizer": "x"}, id="manifest-is-a-number"),
        pytest.param(SUMMARY, {}, id="no-summary"),
    ],
)
def test_facts_that_say_too_little_are_damaged(run, name, content):
    (run.path / name).write_text(json.dumps(content))
    with pytest.raises(RunDirectoryError, match=r"damaged\. Make the run again"):
        Run.open(run.path)


def test_scores_that_are_no_parquet_say_so(run):
    (run.path / SCORES).write_bytes(b"")
    (run.path / SCORES).write_bytes(b"PAR1 and no more")
    with pytest.raises(RunDirectoryError, match="not Parquet"):
        _ = Run.open(run.path).scores


def test_a_run_of_another_pipeline_is_named(run):
    facts = run.facts | {"pipeline": "compare"}
    (run.path / FACTS).write_text(json.dumps(facts))
    with pytest.raises(UsageError, match="a run of harness compare; give one of harness benchmark or rescore"):
        Run.open(run.path)


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(UsageError, match="no such run directory"):
        Run.open(tmp_path / "nothing")
