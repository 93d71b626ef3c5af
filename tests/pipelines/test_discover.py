"""A run in, a search out: what is written, what is refused, what is shown, and how the command ends."""

import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.errors import StorageError, UsageError
from harness.fairness import DimensionPolicy
from harness.fairness.discovery import NOT_ASSESSABLE_COLUMNS, UTTERANCE_LENGTH, DiscoveryOptions
from harness.fairness.search.confirmation import DISCOVERY_COLUMNS
from harness.pipelines.discover import DiscoverJob, discover_slices
from harness.report.discoveries import DISCOVERIES, MOST_SHOWN, NOT_ASSESSABLE, render, sentence, show_discoveries
from harness.results import Run
from harness.results.run import FACTS, SCORES, SUMMARY
from tests.builders import DECLARED, FEW_RESAMPLES, harness
from tests.fairness.builders import scores_of
from tests.report.builders import finished_run, promising
from tests.shared import DATA, needs_data

FILES = {"config.yaml", "discoveries.csv", "not_assessable.csv", "run.json", "summary.json", "report.md"}


def run_of(folder, worse=None, *, worse_value="rough", provenance="annotated", note="", **columns):
    """Return a run of 80 speakers with ten utterances each, those of every third of them worse; the rest are equal."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(80), 10)
    voices = np.where(speakers % 3 == 0, worse_value, "smooth").astype(object)
    words = rng.integers(5, 20, len(speakers))
    wrong = rng.poisson(words * np.where((speakers % 3 == 0) & (worse is not None), worse or 0, 0.2))
    scores = scores_of(wrong, words, [f"s{i:02d}" for i in speakers], voice=voices, condition="clean", **columns)
    (folder / "source").mkdir(parents=True)
    run = Run(folder / "source")
    told = {name: {"kind": "acoustic", "provenance": provenance} for name in ("voice", *columns)}
    run.write_table(SCORES, scores)
    run.write_json(
        FACTS,
        {
            "manifest": {"name": "tones", "attributes": told},
            "backend": {"name": "deaf"},
            "normalizer": "verbatim",
            "commit": "abc",
        },
    )
    run.write_json(SUMMARY, {"notes": [note] if note else []})
    return run


def job_of(run, run_dir=None, **changes):
    job = DiscoverJob(
        run=run,
        options=DiscoveryOptions(),
        policy=promising(),
        by=None,
        seed=0,
        run_dir=None if run_dir is None else str(run_dir),
        config={},
        config_yaml="policy: {}\n",
    )
    return replace(job, **changes)


def table_of(run, name):
    return pd.read_csv(run.path / name, keep_default_na=False)


def shown(run):
    out = io.StringIO()
    show_discoveries(run, out)
    return out.getvalue()


def test_every_file_of_the_contract_is_written_and_the_report_is_made_of_them(tmp_path):
    run = discover_slices(job_of(run_of(tmp_path, 0.5, note="read this"), tmp_path / "found")).run
    assert {path.name for path in run.path.iterdir()} == FILES
    assert tuple(table_of(run, DISCOVERIES).columns) == DISCOVERY_COLUMNS
    assert tuple(table_of(run, NOT_ASSESSABLE).columns) == NOT_ASSESSABLE_COLUMNS
    report = (run.path / "report.md").read_text(encoding="utf-8")
    assert report == render(run)
    assert report.startswith("# What a search finds in tones through deaf\n")
    assert "- read this\n" in report
    assert "## Confirmed\n\n| dimension |" in report
    assert "which is not the same as none" in report
    assert "harness/discovery/1:" in report
    assert (run.path / "config.yaml").read_text() == "policy: {}\n"
    assert run.finished


def test_a_worse_slice_is_told_in_the_summary_with_its_numbers(tmp_path):
    summary = discover_slices(job_of(run_of(tmp_path, 0.5), tmp_path / "found")).run.summary
    first = summary["confirmed"][0]
    assert (first["dimension"], first["slice"]) == ("voice", "rough")
    assert first["gap_low"] < 0.3 < first["gap_high"]
    assert summary["n_confirmed"] == len(summary["confirmed"]) >= summary["n_beyond_margin"] >= 1
    assert summary["n_discovery_speakers"] + summary["n_validation_speakers"] == 80
    assert summary["passed"]


@pytest.mark.parametrize(
    ("worse", "fail_on_discovery", "margin", "exit_status"),
    [
        pytest.param(0.5, False, 0.03, 0, id="only-told"),
        pytest.param(0.5, True, 0.03, 3, id="violated"),
        pytest.param(0.5, True, 0.6, 0, id="within-the-margin"),
        pytest.param(None, True, 0.03, 0, id="nothing-there"),
    ],
)
def test_a_discovery_fails_the_command_where_that_is_asked_for(tmp_path, worse, fail_on_discovery, margin, exit_status):
    options = DiscoveryOptions(fail_on_discovery=fail_on_discovery)
    job = job_of(run_of(tmp_path, worse), tmp_path / "found", options=options, policy=promising(margin=margin))
    outcome = discover_slices(job)
    assert outcome.exit_status == exit_status
    assert outcome.run.summary["passed"] is (exit_status == 0)
    assert ("VIOLATED" in sentence(outcome.run)) is (exit_status == 3)


def test_without_a_finding_the_report_says_so(tmp_path):
    run = discover_slices(job_of(run_of(tmp_path), tmp_path / "found")).run
    assert "## Confirmed\n\nNone.\n" in render(run)
    assert "0 confirmed" in shown(run)
    assert run.summary["confirmed"] == []


@pytest.mark.parametrize(
    ("by", "searched"),
    [
        pytest.param(None, ["voice", UTTERANCE_LENGTH], id="all"),
        pytest.param(["voice", "voice"], ["voice"], id="one"),
        pytest.param([UTTERANCE_LENGTH], [UTTERANCE_LENGTH], id="length"),
    ],
)
def test_what_is_searched_is_what_was_asked_for(tmp_path, by, searched):
    run = discover_slices(job_of(run_of(tmp_path, 0.5), tmp_path / "found", by=by)).run
    assert run.facts["searched"] == searched
    assert set(table_of(run, DISCOVERIES)["dimension"].str.split(" & ").explode()) <= set(searched)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"by": ["dialect"]}, r"\['dialect'\] cannot be searched; expected some of \['voice'", id="by"),
        pytest.param({"by": []}, "nothing to search; expected", id="nothing"),
        pytest.param(
            {"policy": promising(dimensions={"voice & age": DimensionPolicy(margin=0.1)})},
            r"policy.dimensions names \['voice & age'\], which are not searched",
            id="promise",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        discover_slices(job_of(run_of(tmp_path), tmp_path / "found", **changes))
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    ("provenance", "n_values", "slices"),
    [
        pytest.param("measured", 40, {"<10", "10-19", "19-29", ">=29"}, id="quarters"),
        pytest.param("measured", 5, {"0", "1", "2", "3", "4"}, id="levels"),
        pytest.param("annotated", 40, {str(value) for value in range(40)}, id="names"),
    ],
)
def test_many_measured_numbers_are_searched_by_quarters(tmp_path, provenance, n_values, slices):
    values = [str(i % n_values) if i % 7 else "undeclared" for i in range(800)]
    run = run_of(tmp_path, provenance=provenance, loudness=values)
    job = job_of(run, tmp_path / "found", by=["loudness", "voice"], options=DiscoveryOptions(min_speakers=60))
    small = table_of(discover_slices(job).run, NOT_ASSESSABLE)
    crossed = small[small["dimension"] == "voice & loudness"]
    told = small[small["dimension"] == "loudness & voice"]["slice"].str.split(" & ").str[0]
    assert crossed.empty, "named in the order asked for"
    assert set(told) == slices


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([(str(i % 20), "x") for i in range(800)], id="several"),
        pytest.param([str(i % 20) if i % 20 else "x" for i in range(800)], id="one-in-words"),
    ],
)
def test_measured_values_that_are_not_all_numbers_stay_as_they_are(tmp_path, values):
    run = run_of(tmp_path, provenance="measured", loudness=values)
    job = job_of(run, tmp_path / "found", by=["loudness"], options=DiscoveryOptions(min_speakers=60))
    found = set(table_of(discover_slices(job).run, NOT_ASSESSABLE)["slice"])
    assert {"1", "19"} <= found <= {str(i) for i in range(20)} | {"x"}


def test_the_same_job_writes_the_same_tables(tmp_path):
    run = run_of(tmp_path, 0.5)
    first, second = (discover_slices(job_of(run, tmp_path / name)).run.path for name in ("a", "b"))
    for name in (DISCOVERIES, NOT_ASSESSABLE, SUMMARY):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_search_that_is_done_again_and_stopped_has_not_ended(tmp_path, monkeypatch):
    job = job_of(run_of(tmp_path), tmp_path / "found")
    run = discover_slices(job).run

    def full(*_):
        raise StorageError("disk full")

    monkeypatch.setattr(Run, "write_table", full)
    with pytest.raises(StorageError):
        discover_slices(job)
    assert not run.finished


def test_a_run_directory_of_another_search_is_refused(tmp_path):
    run = run_of(tmp_path, 0.5)
    discover_slices(job_of(run, tmp_path / "found"))
    assert discover_slices(job_of(run, tmp_path / "found")).run.finished
    other = run_of(tmp_path / "other")
    with pytest.raises(UsageError, match="made by another command"):
        discover_slices(job_of(other, tmp_path / "found"))


def test_without_a_run_directory_a_new_one_is_named_after_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = discover_slices(job_of(run_of(tmp_path))).run
    assert run.path.parent.as_posix() == "runs/discover"
    assert run.path.name.endswith("_source")


def test_facts_say_what_was_searched_and_how(tmp_path):
    run = run_of(tmp_path)
    facts = discover_slices(job_of(run, tmp_path / "found", seed=7)).run.facts
    assert (facts["pipeline"], facts["seed"], facts["normalizer"]) == ("discover", 7, "verbatim")
    assert facts["options"] == {
        "max_attributes": 3,
        "min_speakers": 10,
        "n_candidates": 5,
        "fail_on_discovery": False,
    }
    assert facts["run"]["name"] == "source"
    assert facts["policy"]["correction"] == "holm"
    assert str(tmp_path) not in json.dumps(facts)


def test_names_from_data_are_shown_as_they_are_and_steer_nothing(tmp_path):
    run = run_of(tmp_path, 0.5, worse_value="<b>[red]|*\x1b[31m")
    run = discover_slices(job_of(run, tmp_path / "found")).run
    assert "&lt;b&gt;\\[red\\]\\|\\*\\[31m" in render(run)
    assert "<b>[red]|*[31m" in shown(run).replace("\n", "")
    assert "\x1b" not in shown(run)


def test_a_long_list_of_small_slices_is_cut_in_the_report_and_whole_in_the_file(tmp_path):
    run = run_of(tmp_path, prompt=[f"p{i % 200}" for i in range(800)])
    run = discover_slices(job_of(run, tmp_path / "found", by=["prompt", "voice"])).run
    small = table_of(run, NOT_ASSESSABLE)
    assert len(small) == run.summary["n_not_assessable"] > MOST_SHOWN
    single = small[~small["dimension"].str.contains("&")]
    assert f"… and {len(single) - MOST_SHOWN} more rows in not_assessable.csv" in render(run)
    assert f"of whom nothing is printed: {len(small) - len(single)}." in render(run)
    assert f"| prompt | {small['slice'].iloc[0]} |" in render(run)


def test_where_everybody_is_enough_the_report_says_so(tmp_path):
    run = discover_slices(job_of(run_of(tmp_path), tmp_path / "found", by=["voice"])).run
    assert "Every slice that occurs has enough people." in render(run)


def test_a_run_that_the_harness_made_can_be_searched(tmp_path):
    """Ten accents of five speakers: too few one by one, and enough for what four of them share."""
    accents = [f"a{i}" for i in range(10)]
    voices = {f"s{i}{j}": "low" if i < 4 else "high" for i in range(10) for j in range(5)}
    declared = DECLARED | {"voice": {"kind": "demographic", "provenance": "self_reported"}}
    source = finished_run(tmp_path, accents, deaf_to=accents[:4], attributes=declared, by_speaker={"voice": voices})
    run = discover_slices(job_of(Run.open(source.path), tmp_path / "found")).run
    found = table_of(run, DISCOVERIES).iloc[0]
    assert (found["dimension"], found["slice"], found["gap"], found["confirmed"]) == ("voice", "low", 1, True)
    small = table_of(run, NOT_ASSESSABLE)
    assert set(small[small["dimension"] == "accent"]["slice"]) == set(accents)


@needs_data("artie")
@pytest.mark.slow
def test_artie_s_indian_accent_is_found_without_being_named(tmp_path):
    told = (("accent", "accent"), ("gender", "demographic"), ("age", "demographic"))
    attributes = {name: {"kind": kind, "provenance": "self_reported"} for name, kind in told}
    sheet = {"name": "artie", "language": "en", "undeclared": ["NA"], "attributes": attributes}
    (tmp_path / "datasheet.yaml").write_text(json.dumps(sheet))
    shutil.copy(DATA / "artie" / "artie-bias-corpus.tsv", tmp_path / "artie.tsv")
    ended = harness(
        "rescore", f"hypotheses={DATA / 'artie' / 'predictions' / 'amazon_en-US.tsv'}", "columns.utterance_id=path",
        "columns.text=prediction", "stem_ids=true", "manifest.path=artie.tsv", "manifest.columns.utterance_id=path",
        "manifest.columns.text=sentence", "manifest.columns.speaker_id=client_id", "policy=report_only",
        *FEW_RESAMPLES, "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    run = discover_slices(job_of(Run.open(tmp_path / "run"), tmp_path / "found")).run
    found = table_of(run, DISCOVERIES)
    assert found[["dimension", "slice", "confirmed"]].iloc[0].tolist() == ["accent", "indian", True]
    small = table_of(run, NOT_ASSESSABLE)
    assert {"african", "hongkong", "scotland"} <= set(small[small["dimension"] == "accent"]["slice"])
