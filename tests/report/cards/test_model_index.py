"""The model index is what huggingface_hub reads and writes, with a slice and its support on each metric."""

import json
import sys
from importlib.util import find_spec

import pytest
import yaml

from harness.errors import UsageError
from harness.pipelines.service_card import ServiceCardJob, service_card
from harness.report.cards.card import make_card
from harness.report.cards.model_index import MODEL_INDEX, TASK, model_index, model_index_text, read_model_index
from tests.report.cards.builders import STATED, authored, checked, copy_of, rows

needs_hub = pytest.mark.skipif(find_spec("huggingface_hub") is None, reason="huggingface_hub is not installed")


def metrics(card):
    (model,) = model_index(card)
    return [metric for result in model["results"] for metric in result["metrics"]]


def test_everybody_and_every_group_with_enough_people_is_in_it(run, card):
    found = {(metric["type"], metric["args"]["slice"]): metric for metric in metrics(card)}
    everybody = rows(run, "slices.csv")[0]
    assert found["wer", "all"]["value"] == round(100 * float(everybody["wer"]), 1)
    assert found["wer", "all"]["args"]["n_speakers"] == int(everybody["n_speakers"])
    assert found["wer", "all"]["args"]["ci95"] == [
        round(100 * float(everybody[name]), 1) for name in ("wer_low", "wer_high")
    ]
    assert ("f1", "accent=south") in found
    assert not [key for key in found if "west" in key[1] or "undeclared" in key[1]]


def test_metrics_say_unit_support_and_normaliser(card):
    for metric in metrics(card):
        assert metric["args"]["unit"] == "percent"
        assert metric["args"]["n_speakers"] >= 5
        assert metric["args"]["normalizer"].startswith("verbatim")
        assert set(metric["args"]) >= {"configuration", "slice", "n_utterances", "reference_words"}


def test_two_runs_of_one_data_set_are_one_result(run, tmp_path):
    second = copy_of(run, tmp_path / "second")
    (model,) = model_index(make_card([run, second], authored()))
    (result,) = model["results"]
    assert len({metric["args"]["configuration"] for metric in result["metrics"]}) == 2
    assert result["task"]["type"] == TASK


@needs_hub
def test_huggingface_hub_reads_what_it_wrote(card):
    from huggingface_hub import EvalResult, ModelCardData

    text = model_index_text(card)
    index = yaml.safe_load(text)["model-index"]
    assert index == json.loads(json.dumps(model_index(card)))
    data = ModelCardData(**{"model-index": index})
    assert data.model_name == STATED["service"]
    assert all(isinstance(result, EvalResult) for result in data.eval_results)
    assert len(data.eval_results) == len(metrics(card))
    assert {result.task_type for result in data.eval_results} == {TASK}
    assert yaml.safe_load(data.to_yaml())["model-index"] == index


@needs_hub
def test_it_goes_at_the_top_of_a_model_s_readme(card):
    from huggingface_hub import ModelCard

    readme = ModelCard(f"---\n{model_index_text(card)}---\n# A model\n")
    assert len(readme.data.eval_results) == len(metrics(card))


@needs_hub
def test_it_is_checked_with_the_card(run, tmp_path):
    service_card(ServiceCardJob(runs=[run], out=tmp_path / "card"))
    assert checked(tmp_path / "card", run).exit_status == 0
    path = tmp_path / "card" / MODEL_INDEX
    path.write_text(path.read_text().replace("value: 41.7", "value: 31.7", 1))
    outcome = checked(tmp_path / "card", run)
    assert outcome.exit_status == 3
    said = f"{MODEL_INDEX}: 0/results/0/metrics/0/value: expected 41.7, found 31.7"
    assert [str(problem) for problem in outcome.answer.problems] == [said]


def test_without_the_package_the_error_says_what_to_install(card, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'asr-fairness-harness\[card\]'.*model_index=false"):
        model_index_text(card)


def test_a_file_that_is_no_yaml_is_no_model_index(tmp_path):
    path = tmp_path / MODEL_INDEX
    path.write_text("model-index: [")
    assert read_model_index(path) is None
