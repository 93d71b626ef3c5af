"""A manifest, a run or nothing in, a plan out: what is written, what is refused, what is shown."""

import io
import json
from dataclasses import replace

import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import StorageError, UsageError
from harness.fairness import DimensionPolicy, Policy
from harness.fairness.planning import EQUAL_GROUPS, PLAN_COLUMNS, PlanOptions
from harness.pipelines.job import SliceOptions
from harness.pipelines.plan import PlanJob, plan
from harness.report.plan import MAX_ROWS, PLAN, plan_sentence, render_plan, show_plan
from harness.results import Run
from harness.results.run import SUMMARY
from tests.builders import DECLARED, tone_corpus, tone_rows
from tests.report.builders import finished_run

FILES = {"config.yaml", "plan.csv", "run.json", "summary.json", "report.md"}


def manifest_of(folder, accents=("north", "south"), n_speakers=8, **options):
    rows = tone_rows(accents, n_speakers=n_speakers)
    path = tone_corpus(folder / "corpus", rows, **options)
    for audio in (folder / "corpus" / "audio").iterdir():
        audio.unlink()
    return Manifest.load(path, require_audio=False)


def job_of(run_dir=None, **changes):
    job = PlanJob(
        manifest=None,
        run=None,
        options=PlanOptions(),
        policy=Policy(),
        by=None,
        seed=0,
        run_dir=None if run_dir is None else str(run_dir),
        config={},
        config_yaml="policy: {}\n",
    )
    return replace(job, **changes)


def table_of(run):
    return pd.read_csv(run.path / PLAN, keep_default_na=False, na_values=[""])


def shown(run):
    out = io.StringIO()
    show_plan(run, out)
    return out.getvalue()


def test_without_anything_recorded_two_equal_groups_are_planned(tmp_path):
    outcome = plan(job_of(tmp_path / "out", options=PlanOptions(gap=0.05)))
    assert outcome.exit_status == 0
    assert {path.name for path in outcome.run.path.iterdir()} == FILES
    assert tuple(table_of(outcome.run).columns) == PLAN_COLUMNS
    assert set(table_of(outcome.run)["dimension"]) == {EQUAL_GROUPS}
    report = (outcome.run.path / "report.md").read_text(encoding="utf-8")
    assert report == render_plan(outcome.run)
    assert "To show a gap of 5.0 points with 80 % probability takes 55 people in each of two equal groups" in report
    assert "if they said 10 times as much" in report
    assert "## Slices" not in report
    assert outcome.run.finished
    assert (outcome.run.path / "config.yaml").read_text() == "policy: {}\n"


def test_a_manifest_is_planned_without_its_audio(tmp_path):
    run = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path))).run
    slices = table_of(run).query("dimension == 'accent'")
    assert slices[["slice", "n_speakers", "words_per_speaker"]].to_numpy().tolist() == [
        ["north", 8, 20],
        ["south", 8, 20],
    ]
    assert run.summary["n_slices"] == 2
    assert run.summary["n_slices_enough"] == 0
    assert run.summary["words_per_speaker"] == 20
    assert plan_sentence(run).startswith("0 of 2 slices have people enough to show a gap of 3.0 points")
    assert "| accent | north | 8 | 20 | 15.0 % | 0.50 |" in render_plan(run)


def test_a_run_is_planned_with_what_its_scores_tell(tmp_path):
    source = finished_run(tmp_path, ("north", "south", "west"), deaf_to=["west"])
    run = plan(job_of(tmp_path / "out", run=Run.open(source.path))).run
    slices = table_of(run).query("dimension == 'accent'").set_index("slice")
    assert slices.loc["north", "wer_assumed"] == pytest.approx(0.5)
    assert run.summary["wer"] == pytest.approx(1 / 3)
    assert "speaker_cv where speakers are fewer than 10" in slices.loc["north", "note"]
    assert run.facts["source"]["kind"] == "run"


def test_intersections_and_conditions_of_a_run_are_planned(tmp_path):
    declared = DECLARED | {"voice": {"kind": "demographic", "provenance": "self_reported"}}
    voices = {f"s{i}{j}": "low" if j < 3 else "high" for i in range(2) for j in range(5)}
    source = finished_run(
        tmp_path, attributes=declared, by_speaker={"voice": voices}, slices=SliceOptions(intersections=2)
    )
    run = plan(job_of(tmp_path / "out", run=Run.open(source.path))).run
    assert set(table_of(run)["dimension"]) == {EQUAL_GROUPS, "accent", "voice", "accent & voice"}
    assert run.summary["n_comparisons"] == 1 + 1 + 4
    chosen = plan(job_of(tmp_path / "chosen", run=Run.open(source.path), by=["voice & accent"])).run
    assert set(table_of(chosen)["dimension"]) == {EQUAL_GROUPS, "voice & accent"}


@pytest.mark.parametrize("name", ["hits", "hypothesis", "failed", "accent & hits"])
def test_what_is_measured_is_no_dimension_to_plan(tmp_path, name):
    source = finished_run(tmp_path)
    with pytest.raises(UsageError, match=rf"\['{name}'\] not in run"):
        plan(job_of(tmp_path / "out", run=Run.open(source.path), by=[name]))


def test_a_run_and_a_manifest_at_once_are_refused(tmp_path):
    source = finished_run(tmp_path / "run")
    with pytest.raises(UsageError, match="both a manifest and a run"):
        plan(job_of(tmp_path / "out", run=Run.open(source.path), manifest=manifest_of(tmp_path)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"by": ["dialect"]}, r"\['dialect'\] not in manifest tones; it has \['accent'\]", id="by"),
        pytest.param({"by": ["accent & age"]}, r"\['accent & age'\] not in manifest tones", id="crossed"),
        pytest.param(
            {"policy": Policy(dimensions={"voice": DimensionPolicy(margin=0.1)})},
            r"policy.dimensions names \['voice'\], which are not planned; planned are \['accent'\]",
            id="promise",
        ),
        pytest.param({"policy": Policy(comparator="east")}, "comparator 'east' is no declared slice", id="comparator"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path), **changes))
    assert not (tmp_path / "out").exists()


def test_slices_of_nothing_are_refused(tmp_path):
    with pytest.raises(UsageError, match="there is nothing to slice"):
        plan(job_of(tmp_path / "out", by=["accent"]))


def test_a_manifest_whose_people_are_all_alike_has_nothing_to_compare(tmp_path):
    run = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path, ["north"]))).run
    assert "No slice could be compared" in render_plan(run)
    assert "people in each" in shown(run)


def test_the_notes_of_a_manifest_are_in_the_report_and_on_the_screen(tmp_path):
    manifest = manifest_of(tmp_path, attributes=None)
    assert manifest.notes
    run = plan(job_of(tmp_path / "out", manifest=manifest)).run
    assert f"- {manifest.notes[0]}" in render_plan(run)
    assert f"Note: {manifest.notes[0]}" in shown(run)


def test_many_slices_are_cut_on_the_screen_and_whole_in_the_file(tmp_path):
    accents = [f"a{i:02d}" for i in range(MAX_ROWS + 3)]
    run = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path, accents, n_speakers=2))).run
    assert "… and 3 more rows in plan.csv and report.md" in shown(run)
    assert all(f"| {accent} |" in render_plan(run) for accent in accents)


def test_names_from_data_are_shown_as_they_are_and_steer_nothing(tmp_path):
    run = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path, ["<b>[red]|*", "NA"]))).run
    assert "&lt;b&gt;\\[red\\]\\|\\*" in render_plan(run)
    assert "| NA |" in render_plan(run)
    assert "<b>[red]|*" in shown(run)


def test_numbers_that_nothing_reaches_are_dashes_with_a_reason(tmp_path):
    run = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path, n_speakers=2))).run
    row = next(line for line in render_plan(run).splitlines() if line.startswith("| accent | north |"))
    assert "| – | 0 % for 3.0 | – |" in row
    assert "no gap, however large, is shown by 2 against 2" in row
    impossible = plan(job_of(tmp_path / "none", options=PlanOptions(gap=0.00001))).run
    assert "takes more than 100,000 people in each" in plan_sentence(impossible)
    assert impossible.summary["n_speakers_needed_each"][0]["n_speakers"] is None


def test_facts_say_what_was_planned_and_from_what(tmp_path):
    facts = plan(job_of(tmp_path / "out", manifest=manifest_of(tmp_path), seed=7)).run.facts
    assert (facts["pipeline"], facts["seed"], facts["source"]["kind"]) == ("plan", 7, "manifest")
    assert facts["options"]["speaker_cv"] == 0.5
    assert facts["policy"]["correction"] == "holm"
    assert str(tmp_path) not in json.dumps(facts)


def test_the_same_job_writes_the_same_plan_and_another_one_is_refused(tmp_path):
    manifest = manifest_of(tmp_path)
    first, second = (plan(job_of(tmp_path / name, manifest=manifest)).run.path for name in ("a", "b"))
    for name in (PLAN, SUMMARY):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert plan(job_of(first, manifest=manifest)).run.finished
    with pytest.raises(UsageError, match="made by another command"):
        plan(job_of(first))


def test_a_plan_that_is_done_again_and_stopped_has_not_ended(tmp_path, monkeypatch):
    run = plan(job_of(tmp_path / "out")).run

    def full(*_):
        raise StorageError("disk full")

    monkeypatch.setattr(Run, "write_table", full)
    with pytest.raises(StorageError):
        plan(job_of(tmp_path / "out"))
    assert not run.finished


def test_without_a_run_directory_a_new_one_is_named_after_the_manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = plan(job_of(manifest=manifest_of(tmp_path))).run
    assert run.path.parent.as_posix() == "runs/plan"
    assert run.path.name.endswith("_tones")
