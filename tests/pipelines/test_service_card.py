"""The command writes a card whole, refuses what it cannot mean, and says what it wrote."""

import io

import pytest
import yaml

from harness.config import configs_folder
from harness.errors import RunDirectoryError, UsageError
from harness.pipelines.service_card import ServiceCardJob, service_card
from harness.report.cards.model_index import MODEL_INDEX
from harness.report.cards.screen import show_card
from tests.report.builders import finished_run
from tests.report.cards.builders import STATED, copy_of

FILES = {"service_card.md", "service_card.html", "service_card.json"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("tones"))


def job(*runs, **options):
    return ServiceCardJob(runs=runs, **({"model_index": False} | options))


def refusal(wanted):
    with pytest.raises(UsageError) as refused:
        service_card(wanted)
    return str(refused.value)


def test_a_card_of_one_run_is_written_into_its_folder(run, tmp_path):
    own = copy_of(run, tmp_path / "own")
    before = {path.name for path in own.path.iterdir()}
    outcome = service_card(job(own))
    assert outcome.exit_status == 0
    assert {path.name for path in own.path.iterdir()} - before == FILES
    assert service_card(job(own, verify=own.path)).exit_status == 0


def test_a_folder_is_made_for_a_card(run, tmp_path):
    service_card(job(run, out=tmp_path / "a" / "b"))
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == FILES


def test_the_model_index_is_written_where_its_package_is(run, tmp_path):
    pytest.importorskip("huggingface_hub")
    outcome = service_card(job(run, out=tmp_path, model_index=True))
    assert set(outcome.answer.files) == FILES | {MODEL_INDEX}
    assert yaml.safe_load((tmp_path / MODEL_INDEX).read_text())["model-index"]


def test_a_card_is_written_without_the_package_too_and_says_what_is_missing(run, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.pipelines.service_card.find_spec", lambda _: None)
    answer = service_card(job(run, out=tmp_path, model_index=None)).answer
    assert set(answer.files) == FILES
    assert "pip install 'asr-fairness-harness[card]'" in answer.notes[0]


def test_what_was_written_and_what_is_missing_is_shown(run, tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text(yaml.safe_dump(STATED))
    out = io.StringIO()
    show_card(service_card(job(run, service=path, out=tmp_path / "card")).answer, out)
    lines = out.getvalue().splitlines()
    assert "values, each with the file and row it was read from." in lines[0]
    assert lines[1].startswith("Not stated by the author: As of, Card written by, Contact,")
    assert lines[-1] == f"Card: {tmp_path / 'card'} (service_card.md, service_card.html, service_card.json)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"verify": "card", "service": "card.yaml"}, "service: of a card that is made", id="service"),
        pytest.param({"verify": "card", "out": "folder"}, "out: of a card that is made", id="out"),
    ],
)
def test_options_that_would_be_ignored_are_refused(run, tmp_path, options, said):
    assert said in refusal(job(run, **{name: tmp_path / value for name, value in options.items()}))


def test_a_card_needs_a_run():
    assert "run=[] gives no run" in refusal(job())


def test_the_same_run_twice_is_refused(run, tmp_path):
    assert "same run twice" in refusal(job(run, run, out=tmp_path))


def test_a_card_of_several_runs_needs_a_folder(run, tmp_path):
    assert "expected out=FOLDER" in refusal(job(run, copy_of(run, tmp_path / "second")))


def test_a_folder_that_cannot_be_made_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match=r"out=.*file.*cannot make this folder"):
        service_card(job(run, out=tmp_path / "file"))


def test_nothing_is_written_where_the_author_s_file_is_wrong(run, tmp_path):
    (tmp_path / "card.yaml").write_text("servise: a")
    assert "Did you mean service?" in refusal(job(run, service=tmp_path / "card.yaml", out=tmp_path / "card"))
    assert not (tmp_path / "card").exists()


def test_the_pipeline_has_a_configuration():
    config = yaml.safe_load((configs_folder() / "service_card.yaml").read_text())
    assert config["defaults"][0] == "service_card_schema"
