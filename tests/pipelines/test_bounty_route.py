"""A list of measured columns becomes a backend that can be run; any other is refused."""

import shutil
from pathlib import Path

import pytest
import yaml

from harness.results import Run
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows
from tests.pipelines.bounties import QUIET, claim, command, opened, runs, submit


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def measured(made, tmp_path_factory):
    """Return a folder whose list asks the SNR alone, and a run of a backend that stands for both of its systems."""
    place = tmp_path_factory.mktemp("measured") / "here"
    shutil.copytree(made, place)
    opened(place)
    submit(place, claim(place, "snr_db < 10", {"system": "robust"}))
    assert "accepted" in command("check", place).out
    (place / "tones").mkdir()
    tone_corpus(place / "tones", tone_rows(n_speakers=1, n_utterances=2))
    ended = harness(
        "benchmark", "manifest.path=tones/manifest.jsonl", "backend=tones", "run_dir=runs/tones", "cache.enabled=false",
        "executor.workers=0", *QUIET, *FEW_RESAMPLES, cwd=place,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    return place


def route(place, **options):
    systems = {"base": place / "runs/tones", "robust": place / "runs/tones"}
    return command("route", place, **({"out": place / "mine/backend/list.yaml", "runs": systems} | options))


def test_a_list_of_measured_columns_is_a_backend_that_runs(measured):
    ended = route(measured)
    assert ended.exit_status == 0, ended.err
    node = yaml.safe_load((measured / "mine/backend/list.yaml").read_text())
    assert node["_target_"] == "harness.backends.router.Router"
    assert set(node["backends"]) == {"base", "robust"}
    heard = harness(
        "benchmark", "--config-dir", "mine", "backend=list", "manifest.path=tones/manifest.jsonl",
        "run_dir=runs/routed", "cache.enabled=false", "executor.workers=0", *QUIET, *FEW_RESAMPLES, cwd=measured,
    )  # fmt: skip
    assert heard.exit_status == 0, heard.err
    assert Run.open(measured / "runs/routed").summary["wer"] == 0


REFUSED = [
    pytest.param({"runs": {}}, "no run says which backend 'base' is", id="no-run"),
    pytest.param({"runs": {"nobody": "x"}}, "systems names ['nobody']", id="another-system"),
    pytest.param({"out": "list.json"}, "expected a file NAME.yaml", id="no-yaml"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_makes_no_router_is_refused(measured, options, said):
    given = (
        {"out": Path(options["out"])}
        if "out" in options
        else {"runs": {k: Path(v) for k, v in options["runs"].items()}}
    )
    ended = route(measured, **given)
    assert ended.exit_status == 2
    assert said in ended.err


def test_a_run_of_transcripts_is_no_backend(measured):
    ended = route(measured, runs={"base": measured / "runs/base", "robust": measured / "runs/tones"})
    assert ended.exit_status == 2
    assert "its transcripts came as a file" in ended.err


def test_an_empty_list_is_nothing_to_route(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    opened(place)
    ended = route(place)
    assert ended.exit_status == 2
    assert "nothing was accepted" in ended.err
