"""A run whose run.json says that attributes of people were inferred is opened by nothing."""

import json

import pytest

from harness.errors import RunDirectoryError
from harness.results import Run
from harness.results.headlines import LeftOutError, Reason, headline
from harness.results.history import read_history
from tests.builders import harness
from tests.report.builders import finished_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def edited(run):
    """Return the run with a run.json that says how an attribute was collected, for as long as the test lasts."""
    path, before = run.path / "run.json", (run.path / "run.json").read_text(encoding="utf-8")

    def edit(**told):
        facts = json.loads(before)
        facts["manifest"]["attributes"]["accent"] |= told
        path.write_text(json.dumps(facts), encoding="utf-8")
        return run

    yield edit
    path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("provenance", ["inferred", " Inferred", "predicted"])
def test_a_run_of_inferred_people_is_not_opened_and_says_why(edited, provenance):
    with pytest.raises(RunDirectoryError, match=r"run.json: attribute 'accent' is of kind accent and .* refused"):
        Run.open(edited(provenance=provenance).path)


def test_a_run_of_inferred_content_is_opened(edited):
    facts = edited(provenance="measured").facts
    facts["manifest"]["attributes"]["topic"] = {"kind": "content", "provenance": "inferred"}
    edited(provenance="measured").write_json("run.json", facts)
    Run.open(edited(provenance="measured").path)


def test_it_is_left_out_of_the_history_with_the_reason(edited):
    run = edited(provenance="inferred")
    with pytest.raises(LeftOutError, match="never guessed from a voice") as caught:
        headline(run.path)
    assert caught.value.kind is Reason.refused
    history = read_history([run.path.parent])
    assert history.runs.empty
    assert [each.kind for each in history.left_out] == [Reason.refused]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("report run={run}", id="report"),
        pytest.param("report run={other} report.beside=[{run}]", id="beside"),
        pytest.param("compare baseline={run} candidate={run}", id="compare"),
        pytest.param("discover run={run}", id="discover"),
        pytest.param("plan run={run}", id="plan"),
        pytest.param("service_card run={run} out={out}", id="service-card"),
        pytest.param("export run={run} format=nemo out={out} manifest.path={manifest}", id="export"),
        pytest.param("bless run={run} baselines={out}", id="bless"),
    ],
)
def test_no_command_takes_it(run, edited, tmp_path, command):
    other = finished_run(tmp_path / "other") if "{other}" in command else run
    manifest = run.path.parent / "corpus" / "manifest.jsonl"
    edited(provenance="inferred")
    words = command.format(run=run.path, other=other.path, out=tmp_path / "out", manifest=manifest).split()
    done = harness(*words, cwd=tmp_path)
    assert done.exit_status == 2
    assert "never guessed from a voice" in done.err
