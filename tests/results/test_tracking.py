"""A finished run stands in an MLflow store as it was measured; what keeps it out is a warning, never a failed run."""

import json
import logging
import os
import threading

import pandas as pd
import pytest
import yaml

from harness.errors import UsageError
from harness.results import Run, tracking
from harness.results.tracking import Tracker, TrackingOptions, files, metric_name, metrics, parameters, track
from tests.report.builders import finished_run
from tests.results.histories import night

HOSTILE = ["naïve café", "a/b", "..", ".", "", "x" * 1_000, "a:b", "<b>", "\x00", "\u202e", "../../etc", " lead", "a|b"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("base"), ("north", "south"), deaf_to=["south"])


@pytest.fixture
def run(base, tmp_path):
    folder = night(base, tmp_path / "run")
    (folder / "report.html").write_text("<p>what somebody said</p>")
    return Run(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the address of a local store, made once: making its tables takes seconds."""
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    pytest.importorskip("alembic", reason="a local MLflow store needs alembic")
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def in_store(store, tmp_path, monkeypatch):
    """Return a function that logs a run and returns the client, the logged run and the names of its files."""
    monkeypatch.chdir(tmp_path)  # where MLflow puts the files of a local store

    def logged(run, **options):
        from mlflow.tracking import MlflowClient

        experiment = f"of {tmp_path.name}"
        track(run, TrackingOptions(kind=Tracker.mlflow, uri=store, experiment=experiment, **options))
        client = MlflowClient(tracking_uri=store)
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        return client, client.search_runs([found.experiment_id])

    return logged


quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")


@quiet
def test_a_run_is_logged_with_its_numbers_configuration_and_tables(in_store, run):
    (run.path / "config.yaml").write_text(
        yaml.safe_dump({"seed": 0, "policy": {"margin": 0.03, "fail_on": ["disparity"]}})
    )
    client, (logged,) = in_store(run)
    assert (logged.info.status, logged.info.run_name) == ("FINISHED", run.path.name)
    summary = run.summary
    assert logged.data.metrics["wer"] == summary["wer"]
    assert logged.data.metrics["max_gap"] == summary["max_gap"]["gap"]
    assert logged.data.metrics["policy_held"] == 0.0
    assert logged.data.metrics["verdicts/disparity"] == summary["verdicts"]["disparity"]
    gaps = pd.read_csv(run.path / "disparities.csv").set_index("slice")
    assert logged.data.metrics["gap/accent/south"] == pytest.approx(gaps.loc["south", "gap"], rel=1e-12)
    assert logged.data.params["policy.margin"] == "0.03"
    assert logged.data.params["policy.fail_on"] == "['disparity']"
    assert logged.data.params["manifest_name"] == "tones"
    uploaded = {each.path for each in client.list_artifacts(logged.info.run_id)}
    assert {"slices.csv", "disparities.csv", "summary.json", "report.md", "config.yaml"} <= uploaded
    assert not {"report.html", "scores.parquet", "hypotheses"} & uploaded


@quiet
def test_more_metrics_than_one_request_takes_are_all_logged(in_store, run):
    table = pd.read_csv(run.path / "slices.csv")
    rows = pd.concat([table.iloc[[1]]] * 700, ignore_index=True)
    rows.assign(slice=[f"accent {number}" for number in range(700)]).to_csv(run.path / "slices.csv", index=False)
    _, (logged,) = in_store(run)
    assert sum(name.startswith("wer/accent/") for name in logged.data.metrics) == 700


@quiet
def test_names_that_mlflow_refuses_are_replaced_and_stay_apart(in_store, run):
    table = pd.read_csv(run.path / "slices.csv")
    rows = pd.concat([table.iloc[[1]]] * len(HOSTILE), ignore_index=True).assign(dimension="accent", slice=HOSTILE)
    rows.to_csv(run.path / "slices.csv", index=False)
    _, (logged,) = in_store(run)
    assert logged.info.status == "FINISHED"
    assert sum(name.startswith("wer/accent/") for name in logged.data.metrics) == len(HOSTILE)


@quiet
def test_two_runs_at_once_share_an_experiment(in_store, base, tmp_path):
    runs = [Run(night(base, tmp_path / f"n{number}", number)) for number in range(2)]
    results = []
    threads = [threading.Thread(target=lambda run=run: results.append(in_store(run))) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.info.run_name for _, found in results for each in found} == {"n0", "n1"}


@quiet
@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("http://127.0.0.1:9", id="nobody-listens"),
        pytest.param("nonsense://store", id="a-scheme-nobody-knows"),
        pytest.param("sqlite:////dev/null/mlflow.db", id="a-file-that-cannot-be"),
    ],
)
def test_a_store_that_cannot_be_reached_is_a_warning(run, caplog, monkeypatch, uri):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    with caplog.at_level(logging.WARNING, logger="harness"):
        track(run, TrackingOptions(kind=Tracker.mlflow, uri=uri))
    (warning,) = [record.getMessage() for record in caplog.records if record.name.startswith("harness")]
    assert warning.startswith("not logged to MLflow (")
    assert str(run.path) in warning
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


@quiet
def test_a_run_that_breaks_off_is_marked_as_failed(in_store, run, caplog):
    with caplog.at_level(logging.WARNING, logger="harness"):
        (run.path / "slices.csv").write_text("dimension\naccent\n")
        _, (logged,) = in_store(run)
    assert logged.info.status == "FAILED"
    assert "not logged to MLflow" in caplog.text


def test_without_mlflow_the_warning_says_how_to_have_it(run, caplog, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlflow.entities", None)
    with caplog.at_level(logging.WARNING, logger="harness"):
        track(run, TrackingOptions(kind=Tracker.mlflow, uri="sqlite:///x.db"))
    assert "pip install 'asr-fairness-harness[mlflow]'" in caplog.text


def test_nothing_is_logged_unless_it_is_asked_for(run, monkeypatch):
    monkeypatch.setattr(tracking, "_logged", lambda *_: pytest.fail("it was logged"))
    track(run, TrackingOptions())


def test_passwords_are_neither_taken_nor_told(run, caplog, monkeypatch):
    with pytest.raises(UsageError, match=r"https://mlflow\.example: expected an address without name and password"):
        TrackingOptions(kind=Tracker.mlflow, uri="https://me:secret@mlflow.example")

    def refused(*_):
        raise OSError("https://me:secret@mlflow.example refused")

    monkeypatch.setattr(tracking, "_logged", refused)
    with caplog.at_level(logging.WARNING, logger="harness"):
        track(run, TrackingOptions(kind=Tracker.mlflow))
    assert "https://mlflow.example refused" in caplog.text
    assert "secret" not in caplog.text


def test_an_address_without_a_tracker_is_an_error():
    with pytest.raises(UsageError, match="is of tracking=mlflow"):
        TrackingOptions(uri="sqlite:///x.db")


def test_secrets_of_a_configuration_are_not_logged(run):
    config = {
        "backend": {"api_key": "abc", "access_token": "def", "tokenizer": "fine", "beam_size": 5},
        "password": "ghi",
    }
    (run.path / "config.yaml").write_text(yaml.safe_dump(config))
    told = parameters(run)
    assert {told[name] for name in ("backend.api_key", "backend.access_token", "password")} == {"(not logged)"}
    assert (told["backend.tokenizer"], told["backend.beam_size"]) == ("fine", "5")


def test_no_transcript_and_no_speaker_is_told(base, tmp_path):
    folder = night(base, tmp_path / "n", facts={"sliced_by": ["accent", "accent & speaker_id"]})
    for name in ("slices.csv", "disparities.csv"):
        table = pd.read_csv(folder / name)
        table.assign(dimension=table["dimension"].replace("accent", "accent & speaker_id")).to_csv(
            folder / name, index=False
        )
    run = Run(folder)
    told = json.dumps([metrics(run), parameters(run)])
    speakers = set(run.scores["speaker_id"])
    assert not [speaker for speaker in speakers if f"/{speaker}" in told or f'"{speaker}"' in told]
    assert not [text for text in set(run.scores["reference"]) if text in told]
    assert files(run, private=False) == ["config.yaml", "run.json"]
    assert {"slices.csv", "report.md"} <= set(files(run, private=True))


def test_a_number_that_is_none_is_no_metric(run):
    table = pd.read_csv(run.path / "slices.csv").assign(wer_low=float("nan"), wer_high=float("inf"))
    table.to_csv(run.path / "slices.csv", index=False)
    told = metrics(run)
    assert "wer/accent/south" in told
    assert not {"wer_low/accent/south", "wer_high/accent/south", "rtfx"} & set(told)


@pytest.mark.parametrize("name", [pytest.param(name, id=ascii(name)[:20]) for name in HOSTILE])
def test_a_metric_has_a_name_that_a_path_can_have(name):
    told = metric_name(name)
    assert 0 < len(told) < 250
    assert not {"/", ":", "|", "<"} & set(told)
    assert os.path.normpath(f"wer/{told}") == f"wer/{told}"


def test_the_environment_is_left_as_it_was(run, monkeypatch):
    before = dict(os.environ)
    monkeypatch.setattr(tracking, "_logged", lambda *_: os.environ["MLFLOW_DISABLE_TELEMETRY"])
    track(run, TrackingOptions(kind=Tracker.mlflow))
    assert dict(os.environ) == before
