"""Two runs in, a comparison out: what is written, what is refused, and how the command ends."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import DataError, UsageError
from harness.fairness import DimensionPolicy, Failures, Policy
from harness.fairness.paired import COMPARISON_COLUMNS
from harness.pipelines.compare import CompareJob, compare
from harness.report.comparison import comparisons_of, render_comparison
from harness.results import Run
from harness.results.run import FACTS, SCORES, SUMMARY
from harness.scoring import Verbatim, WhisperEnglish, read_hypotheses, score
from tests.fairness.builders import policy_of
from tests.shared import DATA, needs_data

SYSTEMS = ["parakeet-tdt-0.6b-v3", "whisper-large-v3-turbo"]


def scores_where(deaf_to=(), *, failed=(), accents=("north", "south")):
    """Return scores of five speakers an accent with four utterances of five words, all or none of them heard."""
    said = [
        (accent, f"s{number}{speaker}", f"{number}{speaker}-{turn}")
        for number, accent in enumerate(accents)
        for speaker in range(5)
        for turn in range(4)
    ]
    lost = np.array([accent in deaf_to or name in failed for accent, _, name in said])
    return pd.DataFrame(said, columns=["accent", "speaker_id", "utterance_id"]).assign(
        condition="clean",
        reference="one two three four five",
        hypothesis=np.where(lost, "", "one two three four five"),
        hits=np.where(lost, 0, 5),
        substitutions=0,
        deletions=np.where(lost, 5, 0),
        insertions=0,
        failed=[name in failed for _, _, name in said],
    )


def run_of(folder, scores, **facts):
    """Return a run as `compare` reads it: scores, and what its facts and its summary say of them."""
    folder.mkdir(parents=True)
    run = Run(folder)
    run.write_table(SCORES, scores)
    manifest = {"digest": folder.name, "attributes": {"accent": {"kind": "accent"}}}
    known = {
        "sliced_by": ["accent"],
        "normalizer": Verbatim().id,
        "manifest": manifest,
        "backend": {"name": folder.name},
    }
    run.write_json(FACTS, known | facts)
    run.write_json(SUMMARY, {"notes": []})
    return run


def job_of(baseline, candidate, run_dir=None, **changes):
    job = CompareJob(
        baseline=baseline,
        candidate=candidate,
        policy=policy_of(n_resamples=200, n_permutations=200),
        by=None,
        seed=0,
        run_dir=None if run_dir is None else str(run_dir),
        config={},
        config_yaml="policy: {}\n",
    )
    return replace(job, **changes)


@pytest.fixture
def runs(tmp_path):
    """Return a run that heard everybody, and one that was deaf to the south."""
    return run_of(tmp_path / "old", scores_where()), run_of(tmp_path / "new", scores_where(["south"]))


def rewritten(run, **facts):
    """Return the run with other facts."""
    run.write_json(FACTS, run.facts | facts)
    return run


def test_every_file_of_the_contract_is_written(runs, tmp_path):
    run = compare(job_of(*runs, tmp_path / "comparison")).run
    names = {path.name for path in run.path.iterdir()}
    assert names == {"comparisons.csv", "run.json", "summary.json", "report.md", "config.yaml"}
    table = comparisons_of(run)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert table["measure"].tolist() == ["wer", "mapsswe", "max_gap", "worst_slice_wer", "slice_wer", "slice_wer"]
    assert (run.path / "report.md").read_text(encoding="utf-8") == render_comparison(run)
    assert (run.path / "config.yaml").read_text() == "policy: {}\n"
    assert run.finished


def test_a_system_that_is_deaf_to_some_is_a_regression(runs, tmp_path):
    """Ten speakers, five of them lost: sign flips of five can give no p below .06, of two extremes' ten they can."""
    outcome = compare(job_of(*runs, tmp_path / "there"))
    summary = outcome.run.summary
    assert outcome.exit_status == 3
    assert not summary["passed"]
    assert {(row["measure"], row["dimension"]) for row in summary["regressions"]} >= {("max_gap", "accent")}
    assert summary["dimensions"]["accent"]["max_gap"]["difference"] == 1
    assert any(" is less fair than " in sentence for sentence in summary["headlines"])
    back = compare(job_of(*runs[::-1], tmp_path / "back"))
    assert back.exit_status == 0
    assert back.run.summary["dimensions"]["accent"]["max_gap"]["verdict"] == "better"


def test_a_policy_that_fails_nothing_reports_the_regression_by_its_verdict_only(runs, tmp_path):
    outcome = compare(job_of(*runs, tmp_path / "comparison", policy=policy_of(fail_on=[])))
    assert outcome.exit_status == 0
    assert outcome.run.summary["verdicts"]["worse"] > 0
    assert outcome.run.summary["regressions"] == []
    assert not outcome.run.summary["fails_on_regression"]


def test_a_run_against_itself_is_equal(runs, tmp_path):
    outcome = compare(job_of(runs[0], runs[0], tmp_path / "comparison", policy=policy_of(margin=0.1)))
    summary = outcome.run.summary
    assert outcome.exit_status == 0
    assert summary["verdicts"] == {
        "better": 0,
        "worse": 0,
        "within_margin": 5,
        "inconclusive": 0,
        "insufficient": 0,
        "not_judged": 1,
    }
    assert (summary["baseline"], summary["candidate"]) == ("old (baseline)", "old (candidate)")
    assert summary["mapsswe"]["difference"] is None, "no segment has an error: NaN is null"


def test_the_same_job_writes_the_same_table(runs, tmp_path):
    first, second = (compare(job_of(*runs, tmp_path / name)).run for name in ("a", "b"))
    assert (first.path / "comparisons.csv").read_bytes() == (second.path / "comparisons.csv").read_bytes()
    assert first.summary == second.summary


def test_facts_say_what_was_compared_and_with_what(runs, tmp_path):
    facts = compare(job_of(*runs, tmp_path / "comparison", seed=7)).run.facts
    assert (facts["pipeline"], facts["seed"], facts["sliced_by"]) == ("compare", 7, ["accent"])
    assert facts["baseline"]["scores_digest"] != facts["candidate"]["scores_digest"]
    assert facts["normalizer"] == runs[0].facts["normalizer"]
    assert facts["policy"]["correction"] == "holm"
    assert facts["n_rows"] == 40
    assert facts["baseline"]["name"] == "old"
    assert str(tmp_path) not in json.dumps(facts)


def test_a_run_directory_of_other_runs_is_refused(runs, tmp_path):
    compare(job_of(*runs, tmp_path / "comparison"))
    assert compare(job_of(*runs, tmp_path / "comparison")).run.finished
    with pytest.raises(UsageError, match="made by another command"):
        compare(job_of(*runs[::-1], tmp_path / "comparison"))


def test_without_a_run_directory_a_new_one_is_named_after_both(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    candidate = rewritten(runs[1], backend={"name": "better"})
    run = compare(job_of(runs[0], candidate)).run
    assert run.path.parent.as_posix() == "runs/compare"
    assert run.path.name.endswith("_better_against_old")
    assert run.summary["candidate"] == "better"


def test_transcripts_are_called_after_their_file(runs, tmp_path):
    baseline = rewritten(runs[0], backend=None, hypotheses={"file": "vendor.v2.csv"})
    candidate = rewritten(runs[1], backend=None, hypotheses=None)
    summary = compare(job_of(baseline, candidate, tmp_path / "comparison")).run.summary
    assert (summary["baseline"], summary["candidate"]) == ("vendor.v2", "new")


def test_runs_of_two_normalisers_are_refused_with_the_way_out(runs):
    baseline = rewritten(runs[0], normalizer="whisper_english@1+abc")
    with pytest.raises(DataError) as refused:
        compare(job_of(baseline, runs[1]))
    told = str(refused.value)
    assert "whisper_english@1+abc" in told
    assert runs[1].facts["normalizer"] in told
    assert f"harness rescore hypotheses={runs[1].path}" in told
    assert "normalizer=" in told


def test_runs_of_other_utterances_are_refused(runs, tmp_path):
    other = run_of(tmp_path / "other", scores_where(accents=["north", "west"]))
    with pytest.raises(DataError, match="20 utterances with another accent"):
        compare(job_of(runs[0], other))
    more = run_of(tmp_path / "more", scores_where(accents=["north", "south", "west"]))
    with pytest.raises(DataError, match="20 utterances only in the candidate: '20-0'"):
        compare(job_of(runs[0], more))


def test_nothing_is_written_when_the_runs_do_not_match(runs, tmp_path):
    with pytest.raises(DataError):
        compare(
            job_of(
                runs[0], run_of(tmp_path / "other", scores_where(accents=["north", "west"])), tmp_path / "comparison"
            )
        )
    assert not (tmp_path / "comparison").exists()


@pytest.mark.parametrize(
    ("by", "sliced", "expected"),
    [
        pytest.param(None, ["accent", "gender"], ["accent"], id="what-both-were-sliced-by"),
        pytest.param(None, ["gender"], [], id="nothing-in-common"),
        pytest.param(["accent", "accent"], ["gender"], ["accent"], id="asked-for"),
        pytest.param([], ["accent"], [], id="none-asked-for"),
    ],
)
def test_dimensions_are_those_asked_for_or_shared(runs, tmp_path, by, sliced, expected):
    candidate = rewritten(runs[1], sliced_by=sliced)
    run = compare(job_of(runs[0], candidate, tmp_path / "comparison", by=by)).run
    assert run.facts["sliced_by"] == expected
    assert list(run.summary["dimensions"]) == expected


@pytest.mark.parametrize(
    ("by", "said"),
    [
        pytest.param(None, ["Not compared, for only one of the runs was sliced by it: gender."], id="left-out"),
        pytest.param(["accent"], [], id="asked-for"),
    ],
)
def test_a_dimension_of_one_run_alone_does_not_vanish_in_silence(runs, tmp_path, by, said):
    candidate = rewritten(runs[1], sliced_by=["accent", "gender"])
    notes = compare(job_of(runs[0], candidate, tmp_path / "comparison", by=by)).run.summary["notes"]
    assert [note for note in notes if note.startswith("Not compared")] == said


def test_a_dimension_that_the_runs_do_not_have_is_refused(runs):
    with pytest.raises(
        UsageError, match=r"by names \['gender'\]; expected some of \['accent', 'condition', 'speaker_id'\]"
    ):
        compare(job_of(*runs, by=["gender"]))


@pytest.mark.parametrize("name", ["hits", "hypothesis", "failed", "utterance_id", "accent & hits"])
def test_what_is_measured_is_no_dimension_to_compare_in(runs, name):
    with pytest.raises(UsageError, match=rf"by names \['{name}'\]"):
        compare(job_of(*runs, by=[name]))


def test_a_promise_that_is_not_compared_is_refused(runs):
    policy = policy_of(dimensions={"gender": DimensionPolicy(margin=0.1)})
    with pytest.raises(UsageError, match=r"policy.dimensions names \['gender'\]"):
        compare(job_of(*runs, policy=policy))


def test_values_stand_in_the_order_that_the_baseline_s_facts_give(runs, tmp_path):
    manifest = {"attributes": {"accent": {"kind": "accent", "order": ["south", "north"]}}}
    run = compare(job_of(rewritten(runs[0], manifest=manifest), runs[1], tmp_path / "comparison")).run
    assert comparisons_of(run)["slice"].tolist()[-2:] == ["south", "north"]


@pytest.mark.parametrize(
    ("failed", "max_failed", "exit_status"),
    [pytest.param(3, 0.05, 4, id="too-many"), pytest.param(3, 0.1, 0, id="allowed"), pytest.param(0, 0, 0, id="none")],
)
def test_more_failed_clips_than_allowed_end_the_command_with_4(tmp_path, failed, max_failed, exit_status):
    ids = [f"00-{turn}" for turn in range(failed)]
    baseline = run_of(tmp_path / "old", scores_where())
    candidate = run_of(tmp_path / "new", scores_where(failed=ids))
    policy = policy_of(max_failed=max_failed, margin=0.5)
    outcome = compare(job_of(baseline, candidate, tmp_path / "comparison", policy=policy))
    assert outcome.exit_status == exit_status
    assert outcome.run.summary["n_failed"] == {"baseline": 0, "candidate": failed}
    assert outcome.run.summary["passed"] is (exit_status == 0)


def test_failures_that_are_left_out_are_in_no_segment(tmp_path):
    baseline = run_of(tmp_path / "old", scores_where(["south"]))
    candidate = run_of(tmp_path / "new", scores_where(failed=["00-0", "00-1"]))
    tables = {
        rule: comparisons_of(
            compare(
                job_of(baseline, candidate, tmp_path / rule.value, policy=policy_of(failures=rule, max_failed=1))
            ).run
        ).set_index("measure")
        for rule in Failures
    }
    counted, left_out = (tables[rule]["reason"]["mapsswe"] for rule in (Failures.deletions, Failures.left_out))
    assert "22 segments" in counted
    assert "20 segments" in left_out


def test_notes_of_both_runs_are_told_once(runs, tmp_path):
    for run, notes in zip(runs, (["one", "both"], ["both", "two"]), strict=True):
        run.write_json(SUMMARY, {"notes": notes})
    summary = compare(job_of(*runs, tmp_path / "comparison")).run.summary
    assert summary["notes"][:3] == ["one", "both", "two"]


def test_other_manifest_files_of_the_same_utterances_are_told(runs, tmp_path):
    manifest = runs[0].facts["manifest"]
    same = compare(job_of(rewritten(runs[0], manifest=manifest), rewritten(runs[1], manifest=manifest), tmp_path / "a"))
    other = rewritten(runs[1], manifest=manifest | {"digest": "else"})
    different = compare(job_of(runs[0], other, tmp_path / "b"))
    assert not any("different manifest files" in note for note in same.run.summary["notes"])
    assert any("different manifest files" in note for note in different.run.summary["notes"])


@pytest.fixture(scope="module")
def edacc(tmp_path_factory):
    """Return the runs of two systems on the same 9,177 utterances of conversation."""
    folder = tmp_path_factory.mktemp("edacc")
    runs = []
    for system in SYSTEMS:
        path = DATA / "edacc" / f"{system}.jsonl"
        columns = {"utterance_id": "utt_id", "text": "ref_raw", "speaker_id": "speaker"}
        manifest = Manifest.load(path, name="edacc", columns=columns, require_audio=False)
        hypotheses = read_hypotheses(path, columns={"utterance_id": "utt_id", "text": "hyp_raw"})
        scores = score(manifest, hypotheses, WhisperEnglish(), reference_pattern="<[^<>]*>")
        runs.append(run_of(folder / system, scores))
    return runs


@needs_data("edacc")
@pytest.mark.slow
def test_on_edacc_whisper_is_less_accurate_than_parakeet_and_sixty_people_cannot_tell_which_is_fairer(edacc, tmp_path):
    outcome = compare(job_of(*edacc, tmp_path / "comparison", policy=Policy()))
    table = comparisons_of(outcome.run).set_index(["measure", "slice"])
    published = pd.read_csv(DATA / "edacc" / "published.csv").pivot_table(
        index="accent", columns="system", values="wer"
    )
    for accent, wer in published.iterrows():
        row = table.loc[("slice_wer", accent)]
        assert (row["baseline"], row["candidate"]) == pytest.approx(tuple(wer[SYSTEMS]))
    overall = table.loc[("wer", "all")]
    assert overall["verdict"] == "worse"
    assert (overall["difference"], overall["p_value"] < 0.01) == (pytest.approx(0.0545, abs=0.001), True)
    assert 0.03 < overall["difference_low"] < overall["difference_high"] < 0.08
    assert table.loc[("mapsswe", "all"), "p_value"] < 1e-20
    judged = table[(table["verdict"] != "insufficient")].loc["slice_wer"]
    assert set(judged.index) == {"Mainstream US English", "Nigerian English", "Spanish", "Vietnamese"}
    (gap,) = table.loc["max_gap"].to_dict("records")
    assert gap["difference"] == pytest.approx(np.ptp(judged["candidate"]) - np.ptp(judged["baseline"]))
    assert gap["verdict"] == "inconclusive"
    assert outcome.exit_status == 3
    first, second = outcome.run.summary["headlines"]
    assert first.startswith(f"Overall, {SYSTEMS[1]} makes more word errors than {SYSTEMS[0]}")
    assert second.startswith(f"By accent, the data cannot tell whether {SYSTEMS[1]} or {SYSTEMS[0]} is fairer")
