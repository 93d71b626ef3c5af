"""What ends a run writes all of it, its report last, and says in the summary why clips failed."""

import os

import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import StorageError, UsageError
from harness.pipelines.evaluation import N_FAILURE_REASONS, evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import Evaluation, SliceOptions
from harness.results import Run, open_run_directory
from harness.results.run import REPORT, SCORES, SUMMARY
from harness.scoring import Verbatim
from tests.builders import tone_corpus
from tests.report.builders import finished_run, promising
from tests.scoring.builders import hypotheses_of


@pytest.fixture
def manifest(tmp_path):
    return Manifest.load(tone_corpus(tmp_path / "corpus"), name="tones")  # 40 utterances


def ended(folder, manifest, *, errors=(), texts=None, **promise):
    """Evaluate a run in which the first utterances failed with these errors and all others were heard."""
    ids = manifest.frame["utterance_id"].tolist()
    heard = texts or dict(zip(ids, manifest.frame["text"], strict=True))
    causes = dict(zip(ids, errors, strict=False))
    heard |= dict.fromkeys(causes)
    hypotheses = hypotheses_of(heard, error=pd.Series([causes.get(name) for name in heard], dtype=object))
    job = Evaluation(
        manifest=manifest, normalizer=Verbatim(), policy=promising(**promise), slices=SliceOptions(), seed=0
    )
    with open_run_directory(
        str(folder / "run"), pipeline="rescore", name="tones", config_yaml="{}\n", fingerprint={}
    ) as run:
        return evaluate(run, scored(hypotheses, job), hypotheses, job)


def test_the_commonest_reasons_of_failure_are_counted(tmp_path, manifest):
    run = ended(tmp_path, manifest, errors=["A: deaf", "B: mute", "B: mute"]).run
    assert run.summary["failure_reasons"] == [{"error": "B: mute", "n": 2}, {"error": "A: deaf", "n": 1}]


def test_of_many_reasons_only_the_commonest_are_listed(tmp_path, manifest):
    errors = [f"E{number}: gone" for number in range(N_FAILURE_REASONS + 2) for _ in range(number + 1)]
    reasons = ended(tmp_path, manifest, errors=errors).run.summary["failure_reasons"]
    expected = [(f"E{number}: gone", number + 1) for number in range(N_FAILURE_REASONS + 1, 1, -1)]
    assert [(reason["error"], reason["n"]) for reason in reasons] == expected


def test_without_failures_there_are_no_reasons(tmp_path, manifest):
    assert ended(tmp_path, manifest).run.summary["failure_reasons"] == []


@pytest.mark.parametrize(
    ("n_failed", "promise", "exit_status"),
    [
        pytest.param(0, {}, 0, id="kept"),
        pytest.param(0, {"fail_on": ["inconclusive", "within_margin"]}, 3, id="violated"),
        pytest.param(3, {}, 4, id="too-many-failed"),
    ],
)
def test_how_the_command_ends_is_what_the_summary_says(tmp_path, manifest, n_failed, promise, exit_status):
    outcome = ended(tmp_path, manifest, errors=["A: deaf"] * n_failed, **promise)
    assert outcome.exit_status == exit_status
    assert outcome.run.summary["passed"] is (exit_status == 0)
    assert outcome.run.finished
    assert Run.open(outcome.run.path) == outcome.run


@pytest.mark.parametrize(
    ("fail_on", "exit_status"),
    [pytest.param(["disparity"], 0, id="lax"), pytest.param(["insufficient"], 3, id="strict")],
)
def test_nothing_to_compare_ends_the_command_as_the_policy_says(tmp_path, fail_on, exit_status):
    manifest = Manifest.load(tone_corpus(tmp_path / "corpus", attributes={}), name="tones")
    assert ended(tmp_path, manifest, fail_on=fail_on).exit_status == exit_status


@pytest.mark.parametrize("last", [SCORES, "slices.csv", "disparities.csv", "run.json", SUMMARY, REPORT])
def test_a_run_that_is_evaluated_again_and_stopped_has_not_ended(tmp_path, monkeypatch, last):
    run = finished_run(tmp_path)
    manifest = Manifest.load(tmp_path / "corpus" / "manifest.jsonl", name="tones")
    monkeypatch.setattr("harness.results.run.secrets.token_hex", lambda _: "0")
    part = run.path / f".{last}.{os.getpid()}-0.part"
    part.mkdir()  # nothing can be written there
    with pytest.raises(StorageError, match=last):
        ended(tmp_path, manifest)
    assert not run.finished
    if last != REPORT:
        with pytest.raises(UsageError, match=r"not a finished run; summary\.json missing"):
            Run.open(run.path)
    part.rmdir()
    assert ended(tmp_path, manifest).run.finished


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"covariates": ["nope"]}, id="covariates-unknown"),
        pytest.param({"covariates": ["hits"]}, id="covariates-outcome"),
        pytest.param({"match_on": ["speaker_id"]}, id="match-on-speaker"),
        pytest.param({"match_exactly": ["hits"]}, id="match-exactly-outcome"),
    ],
)
def test_a_covariate_that_no_scores_will_have_is_refused_before_anything_is_transcribed(manifest, options):
    (option, (name,)) = next(iter(options.items()))
    with pytest.raises(UsageError, match=rf"evidence\.{option} names \['{name}'\]; expected some of"):
        Evaluation(
            manifest=manifest,
            normalizer=Verbatim(),
            policy=promising(),
            slices=SliceOptions(),
            seed=0,
            evidence=EvidenceOptions(**options),
        )


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"covariates": ["accent", "utterance_length", "audio_s"]}, id="covariates"),
        pytest.param({"match_on": ["accent", "utterance_length", "audio_s"]}, id="match-on"),
        pytest.param({"match_exactly": ["accent", "condition"]}, id="match-exactly"),
    ],
)
def test_attributes_and_what_is_measured_of_every_utterance_are_covariates(manifest, options):
    job = Evaluation(
        manifest=manifest,
        normalizer=Verbatim(),
        policy=promising(),
        slices=SliceOptions(),
        seed=0,
        evidence=EvidenceOptions(**options),
    )
    assert options.items() <= vars(job.evidence).items()
