"""A run directory that is damaged, unfinished or of another pipeline is refused with the remedy, never a traceback."""

import json

import pytest

from harness.errors import RunDirectoryError, UsageError
from harness.pipelines.bless import BlessJob, bless
from harness.pipelines.report import ReportJob, report
from harness.pipelines.service_card import ServiceCardJob, service_card
from harness.report.html import ReportOptions
from harness.results import Run
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    DISPARITIES,
    FACTS,
    MATCHED,
    METRICS,
    NORMALIZERS,
    SCORES,
    SLICES,
    SPEED,
    SUMMARY,
)
from harness.results.whole import check_whole
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


COMMANDS = {
    "bless": lambda run, folder: bless(BlessJob(run=run, baselines=folder)),
    "report": lambda run, _: report(ReportJob(run=run, options=ReportOptions())),
    "service_card": lambda run, folder: service_card(ServiceCardJob(runs=[run], out=folder)),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        pytest.param(SCORES, lambda content: content[:2_000], id="torn-scores"),
        pytest.param(SLICES, lambda _: b"a,b\n1,2\n", id="other-slices"),
        pytest.param(SLICES, lambda content: content.replace(b",20,", b",many,"), id="no-number"),
        pytest.param(DISPARITIES, lambda _: b"dimension,slice\nx,y\n", id="other-gaps"),
        pytest.param(SUMMARY, lambda _: b'{"notes": []}', id="empty-summary"),
    ],
)
def test_nothing_is_built_on_a_damaged_run(run, tmp_path, command, name, damage):
    path = run.path / name
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert path.read_bytes() != content
    with pytest.raises(RunDirectoryError, match="Make the run again"):
        COMMANDS[command](run, tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [METRICS, ADJUSTED, MATCHED, BALANCE, NORMALIZERS, SPEED])
def test_a_table_that_a_run_may_have_is_its_own_or_an_error_in_words(run, tmp_path, command, name):
    (run.path / name).write_text("dimension,slice\naccent,north\n")
    with pytest.raises(RunDirectoryError, match=rf"{name} has no column .*Make the run again"):
        COMMANDS[command](run, tmp_path / "made")


def test_a_cell_of_the_evidence_that_should_be_a_number_is_named(run):
    table = "dimension,slice,comparator,metric,value,value_low,value_high\naccent,north,,word_f1,many,,\n"
    (run.path / METRICS).write_text(table)
    with pytest.raises(RunDirectoryError, match=r"metrics\.csv: value has a cell that is no number"):
        check_whole(run)


def test_gaps_under_other_normalisers_need_to_say_which_depend_on_them(run):
    columns = "dimension,slice,normalizer,verdict,wer,gap,gap_low,gap_high,edited_share"
    (run.path / NORMALIZERS).write_text(f"{columns}\naccent,north,x,inconclusive,.1,0,0,0,0\n")
    run.write_table(DISPARITIES, run.disparities.drop(columns="normaliser_sensitive", errors="ignore"))
    with pytest.raises(RunDirectoryError, match="has no column normaliser_sensitive"):
        check_whole(run)
