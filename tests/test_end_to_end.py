"""From recordings to a judged run directory: nothing disappears, failures are told, the same bytes give the same."""

import json
import re
import runpy
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from harness.audio import read_waveform
from harness.backends import Transcript
from harness.errors import BackendError
from harness.pipelines.benchmark import benchmark
from harness.provenance import version
from harness.results import Run
from harness.scoring import Verbatim
from harness.transcription import ExecutorOptions
from tests.builders import (
    FEW_RESAMPLES,
    Scripted,
    benchmark_job,
    harness,
    hypothesis_lines,
    noise_for,
    tables_but_timings,
    tone_corpus,
    tone_rows,
)
from tests.shared import REPOSITORY

TONES = ("benchmark", "manifest=file", "backend=tones", "normalizer=verbatim", "run_dir=run", *FEW_RESAMPLES)
POLICIES = ("default", "strict")
CONTRACT = REPOSITORY.parent / "shared" / "check_run.py"  # the contract as its authors check it, where they left it
FILES = {
    "config.yaml", "run.json", "hypotheses", "scores.parquet", "slices.csv", "disparities.csv", "summary.json",
    "report.md", "metrics.csv", "adjusted.csv", "normalizers.csv", "sessions.jsonl", "speed.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Return the folder of a run in which every word is heard, and how its command ended."""
    folder = tmp_path_factory.mktemp("held")
    corpus = tone_corpus(folder / "corpus")
    return folder, harness(*TONES, "cache.enabled=false", f"manifest.path={corpus}", cwd=folder)


@pytest.fixture(scope="module")
def violated(tmp_path_factory):
    """Return the folder of a run whose south cannot be heard and whose west nobody declared, and how it ended."""
    folder = tmp_path_factory.mktemp("violated")
    rows = tone_rows(("north", "south", "")) + [row | {"utterance_id": "p"} for row in tone_rows(("prefer not",))[:1]]
    corpus = tone_corpus(folder / "corpus", rows, audio_of=noise_for("south"), sheet={"declined": ["prefer not"]})
    return folder, harness(*TONES, "cache.enabled=false", f"manifest.path={corpus}", cwd=folder)


def summary_of(folder):
    return json.loads((folder / "run" / "summary.json").read_text())


def broken_contract(run):
    """Return what the authors' own check finds wrong with a run directory; nothing where it is absent."""
    return runpy.run_path(str(CONTRACT))["breaches"](run) if CONTRACT.is_file() else []


def test_a_run_that_holds_ends_with_0_and_says_so(held):
    folder, ended = held
    assert ended.exit_status == 0, ended.err
    assert summary_of(folder)["passed"] is True
    assert summary_of(folder)["wer"] == 0.0
    assert summary_of(folder)["failure_reasons"] == []
    assert (summary_of(folder)["n_tested"], summary_of(folder)["n_comparisons"]) == (2, 2)
    assert "Policy default: held" in ended.out


def test_a_run_that_does_not_ends_with_3_and_names_the_slice(violated):
    folder, ended = violated
    assert ended.exit_status == 3, ended.err
    summary = summary_of(folder)
    assert summary["passed"] is False
    assert [(each["dimension"], each["slice"]) for each in summary["violations"]] == [("accent", "south")]
    assert "VIOLATED" in ended.out
    assert re.search(r"south .* 100\.0 % .* disparity", ended.out)


@pytest.mark.parametrize("which", ["held", "violated"])
def test_a_run_directory_has_every_file_of_the_contract_and_no_other(which, request):
    folder, _ = request.getfixturevalue(which)
    assert {path.name for path in (folder / "run").iterdir()} == FILES


@pytest.mark.skipif(not CONTRACT.is_file(), reason=f"no {CONTRACT.name} at {CONTRACT.parent}")
@pytest.mark.parametrize("which", ["held", "violated"])
def test_a_run_directory_passes_the_authors_own_check(which, request):
    folder, _ = request.getfixturevalue(which)
    assert broken_contract(folder / "run") == []


def test_everybody_is_in_the_scores_in_the_order_of_the_manifest(violated):
    folder, _ = violated
    lines = (folder / "corpus" / "manifest.jsonl").read_text().splitlines()
    scores = Run.open(folder / "run").scores
    assert scores["utterance_id"].tolist() == [json.loads(line)["utterance_id"] for line in lines]
    facts = Run.open(folder / "run").facts
    assert (facts["n_rows_in"], facts["n_scored"], facts["n_failed"]) == (61, 61, 0)


def test_people_who_said_nothing_of_themselves_are_rows_and_are_not_judged(violated):
    run = Run.open(violated[0] / "run")
    assert run.slices.query("dimension == 'accent'").set_index("slice")["n_utterances"].to_dict() == {
        "north": 20, "south": 20, "undeclared": 20, "declined": 1,
    }  # fmt: skip
    assert run.disparities["slice"].tolist() == ["north", "south"]


def test_the_facts_say_what_made_the_numbers(held):
    facts = Run.open(held[0] / "run").facts
    assert facts["backend"]["backend"] == "tones"
    assert facts["normalizer"].startswith("verbatim")
    assert len(facts["manifest"]["digest"]) == 64
    assert facts["manifest"]["license"] == "CC0-1.0"
    assert facts["device"] == "cpu"
    assert facts["versions"]["jiwer"]
    assert set(facts["timings_s"]) == {"warm_up", "transcription", "evaluation"}
    assert facts["fingerprint"]["harness"] == json.dumps(version("asr-fairness-harness"))
    assert (facts["policy"]["name"], facts["policy"]["margin"], facts["policy"]["n_resamples"]) == (
        "default",
        0.03,
        200,
    )
    finished = datetime.strptime(facts["finished"].rpartition(" ")[0], "%Y-%m-%d %H:%M:%S")
    assert timedelta(0) <= datetime.now() - finished < timedelta(hours=1)


def test_the_configuration_is_kept_as_it_was_resolved(held):
    config = (held[0] / "run" / "config.yaml").read_text()
    assert "n_resamples: 200" in config
    assert "${" not in config


def test_raw_text_is_kept(held):
    lines = hypothesis_lines(held[0] / "run")
    assert len(lines) == 40
    assert all(line["error"] is None and line["condition"] == "clean" for line in lines)
    assert {word["text"] for line in lines for word in line["words"]} == set(
        " ".join(line["text"] for line in lines).split()
    )


def test_two_runs_differ_in_timings_only_whatever_the_batches(held):
    folder, _ = held
    manifest = f"manifest.path={folder / 'corpus' / 'manifest.jsonl'}"
    assert harness(*TONES, manifest, "run_dir=again", "executor.batch_size=7", cwd=folder).exit_status == 0
    assert tables_but_timings(folder / "again") == tables_but_timings(folder / "run")


def test_hypotheses_rescored_from_another_folder_give_the_tables_of_the_run_they_come_from(violated, tmp_path):
    folder, _ = violated
    ended = harness(
        "rescore", f"manifest.path={folder / 'corpus' / 'manifest.jsonl'}", "normalizer=verbatim", *FEW_RESAMPLES,
        f"hypotheses={folder / 'run' / 'hypotheses' / '0001.jsonl'}", "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 3
    assert broken_contract(tmp_path / "run") == []
    assert tables_but_timings(tmp_path / "run") == tables_but_timings(folder / "run")


def test_every_intersection_and_every_value_of_a_multivalued_attribute_is_a_slice(tmp_path):
    rows = [
        row | {"gender": "female" if number % 2 else "male", "mood": ["calm", "tired"] if number % 3 else ["calm"]}
        for number, row in enumerate(tone_rows())
    ]
    attributes = {
        "accent": {"kind": "accent", "provenance": "self_reported", "order": ["south", "north"]},
        "gender": {"kind": "demographic", "provenance": "self_reported"},
        "mood": {"kind": "content", "provenance": "annotated", "multivalued": True},
    }
    corpus = tone_corpus(tmp_path / "corpus", rows, attributes=attributes)
    ended = harness(*TONES, f"manifest.path={corpus}", "slices.intersections=2", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    slices = Run.open(tmp_path / "run").slices
    assert slices["dimension"].drop_duplicates().tolist() == [
        "overall", "accent", "gender", "mood", "accent & gender", "accent & mood", "gender & mood",
    ]  # fmt: skip
    assert slices.query("dimension == 'accent'")["slice"].tolist() == ["south", "north"]
    assert slices.query("dimension == 'mood'").set_index("slice")["n_utterances"].to_dict() == {"calm": 40, "tired": 26}
    assert slices.query("dimension == 'accent & gender'")["n_utterances"].sum() == 40
    ended = harness(*TONES, f"manifest.path={corpus}", "run_dir=uncrossed", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    uncrossed = Run.open(tmp_path / "uncrossed").slices
    assert uncrossed["dimension"].drop_duplicates().tolist() == ["overall", "accent", "gender", "mood"]


def test_without_a_datasheet_every_output_says_so(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", attributes=None)
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 0
    said = "no datasheet: attributes are used as annotated"
    assert said in ended.out
    assert said in (tmp_path / "run" / "report.md").read_text()
    assert said in summary_of(tmp_path)["notes"]
    assert Run.open(tmp_path / "run").facts["manifest"]["datasheet"] is False


def test_without_speakers_there_is_a_rate_no_interval_no_verdict_and_the_outputs_say_so(tmp_path):
    rows = [row | {"speaker_id": None} for row in tone_rows()]
    corpus = tone_corpus(tmp_path / "corpus", rows, audio_of=noise_for("south"))
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    run = Run.open(tmp_path / "run")
    assert run.slices["wer"].tolist() == [0.5, 0.0, 1.0]
    assert run.slices[["wer_low", "wer_high"]].isna().all(axis=None)
    assert set(run.disparities["verdict"]) == {"insufficient"}
    assert "no speaker ids" in ended.out
    assert "manifest.columns.speaker_id=ITS_NAME" in " ".join(summary_of(tmp_path)["notes"])
    assert "no speaker ids" in (tmp_path / "run" / "report.md").read_text()
    assert broken_contract(tmp_path / "run") == []


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a | b", "[bold red]x[/]", "`rm -rf`", "=cmd()", "NA", "nan", "1"]
)
def test_a_hostile_name_of_a_slice_is_only_a_name(tmp_path, name):
    corpus = tone_corpus(tmp_path / "corpus", tone_rows((name, "south")))
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert f"│ {name} " in ended.out
    assert "<script" not in (tmp_path / "run" / "report.md").read_text()
    run = Run.open(tmp_path / "run")
    assert set(run.disparities["slice"]) == {name, "south"}
    assert set(run.slices["slice"]) == {"all", name, "south"}
    assert broken_contract(tmp_path / "run") == []


def test_no_escape_sequence_of_a_manifest_reaches_the_screen_or_the_report(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", tone_rows(("\x1b[31mred\x07", "south")))
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert "\x1b" not in ended.out
    report = tmp_path / "run" / "report.md"
    assert not report.exists() or "\x1b" not in report.read_text()


# Failures


def test_a_broken_recording_is_a_failure_with_a_reason_counted_everywhere(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    (tmp_path / "corpus" / "audio" / "10-0.wav").write_bytes(b"RIFF____WAVEfmt broken")
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    (line,) = [line for line in hypothesis_lines(tmp_path / "run") if line["text"] is None]
    assert line["utterance_id"] == "10-0"
    assert line["error"].startswith("AudioError: ")
    assert line["audio_s"] is None
    run = Run.open(tmp_path / "run")
    assert run.slices.set_index("slice")["n_failed"].to_dict() == {"all": 1, "north": 0, "south": 1}
    assert run.scores.set_index("utterance_id").loc["10-0", ["failed", "deletions", "hits"]].tolist() == [True, 5, 0]
    summary = summary_of(tmp_path)
    assert (summary["n_failed"], summary["n_utterances"]) == (1, 40)
    assert summary["wer"] == 5 / 200
    assert summary["wer_if_failures_were"] == {"deletions": 5 / 200, "left_out": 0.0}
    assert summary["failure_reasons"] == [{"error": line["error"], "n": 1}]
    for said in (ended.out, (tmp_path / "run" / "report.md").read_text()):
        assert "1 of 40 clips failed" in said
    assert (run.facts["n_rows_in"], run.facts["n_scored"], run.facts["n_failed"]) == (40, 39, 1)
    assert broken_contract(tmp_path / "run") == []


def test_failures_left_out_by_the_policy_are_still_counted_as_failures(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    (tmp_path / "corpus" / "audio" / "10-0.wav").write_bytes(b"")
    ended = harness(*TONES, f"manifest.path={corpus}", "policy.failures=left_out", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    overall = Run.open(tmp_path / "run").slices.iloc[0]
    assert (overall["n_failed"], overall["n_utterances"], overall["reference_words"]) == (1, 40, 195)
    assert (summary_of(tmp_path)["wer"], summary_of(tmp_path)["n_failed"]) == (0.0, 1)
    assert broken_contract(tmp_path / "run") == []


def test_more_failures_than_allowed_end_with_4_whatever_else_was_found(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", audio_of=noise_for("south"))
    for speaker in range(3):
        (tmp_path / "corpus" / "audio" / f"0{speaker}-0.wav").write_bytes(b"")
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 4
    assert summary_of(tmp_path)["max_failed_exceeded"] is True
    assert summary_of(tmp_path)["passed"] is False
    assert "3 of 40 clips failed, more than allowed" in ended.out
    assert broken_contract(tmp_path / "run") == []


def raises_on_a_batch(waveforms):
    if len(waveforms) > 1:
        raise RuntimeError("out of memory")


def raises_on_every_clip(_):
    raise RuntimeError("deaf")


def no_text(waveforms):
    return [Transcript(None)] * len(waveforms)


def too_few(waveforms):
    return [Transcript("one")] * (len(waveforms) - 1)


@pytest.mark.parametrize(
    ("fails", "n_failed", "status"),
    [
        pytest.param(raises_on_a_batch, 0, 0, id="raises-on-a-batch"),
        pytest.param(raises_on_every_clip, 40, 4, id="raises-on-every-clip"),
        pytest.param(no_text, 40, 4, id="no-text"),
        pytest.param(too_few, 40, 4, id="too-few-transcripts"),
    ],
)
def test_a_backend_that_misbehaves_ends_in_counted_failures(tmp_path, fails, n_failed, status):
    job = benchmark_job(
        tone_corpus(tmp_path / "corpus"), tmp_path / "run", backend=Scripted(fails), normalizer=Verbatim()
    )
    outcome = benchmark(job)
    assert outcome.exit_status == status
    assert summary_of(tmp_path)["n_failed"] == n_failed
    assert sum(reason["n"] for reason in summary_of(tmp_path)["failure_reasons"]) == n_failed
    assert summary_of(tmp_path)["wer"] == n_failed / 40
    assert outcome.run.slices.iloc[0]["n_utterances"] == 40
    assert broken_contract(tmp_path / "run") == []


def test_when_every_clip_fails_leaving_them_out_leaves_no_rate_and_no_verdict(tmp_path):
    for path in (corpus := tone_corpus(tmp_path / "corpus")).parent.glob("audio/*.wav"):
        path.write_bytes(b"")
    ended = harness(*TONES, f"manifest.path={corpus}", "policy.failures=left_out", cwd=tmp_path)
    assert ended.exit_status == 4, ended.err
    assert summary_of(tmp_path)["wer"] is None
    assert summary_of(tmp_path)["wer_if_failures_were"] == {"deletions": 1.0, "left_out": None}
    assert set(Run.open(tmp_path / "run").disparities["verdict"]) == {"insufficient"}


def test_a_backend_that_cannot_start_ends_the_run_before_anything_is_recorded(tmp_path):
    def no_weights(_):
        raise BackendError("weights cannot be fetched; give model=PATH")

    job = benchmark_job(tone_corpus(tmp_path / "corpus"), tmp_path / "run", backend=Scripted(no_weights))
    with pytest.raises(BackendError):
        benchmark(job)
    assert hypothesis_lines(tmp_path / "run") == []
    benchmark(benchmark_job(job.manifest.path, tmp_path / "run", backend=Scripted()))  # and goes on once they can
    assert len(hypothesis_lines(tmp_path / "run")) == 40


def test_slices_are_the_sums_of_the_scores(violated):
    run = Run.open(violated[0] / "run")
    counts = ["hits", "substitutions", "deletions", "insertions"]
    by_accent = run.scores.groupby("accent", dropna=False)[counts].sum()
    slices = run.slices.query("dimension == 'accent'").set_index("slice")[counts]
    pd.testing.assert_frame_equal(
        slices.sort_index(), by_accent.sort_index(), check_names=False, check_index_type=False
    )


def test_a_policy_for_one_dimension_decides_on_the_command_line(violated, tmp_path):
    """The README's forms: the same gap of 100 points, against a named slice, then within a margin."""
    manifest = f"manifest.path={violated[0] / 'corpus' / 'manifest.jsonl'}"
    named = harness(*TONES, manifest, "policy.dimensions.accent={comparator: north}", cwd=tmp_path)
    assert named.exit_status == 3, named.err
    disparities = Run.open(tmp_path / "run").disparities
    assert disparities[["slice", "comparator"]].to_numpy().tolist() == [["south", "north"]]
    held = harness(
        *TONES, manifest, "policy.dimensions.accent.fail_on=[within_margin]", "policy.dimensions.accent.margin=1",
        "run_dir=held", cwd=tmp_path,
    )  # fmt: skip
    assert held.exit_status == 0, held.err
    assert Run.open(tmp_path / "held").facts["policy"]["dimensions"]["accent"]["margin"] == 1


def test_strict_is_violated_by_slices_that_nobody_could_test(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=2))
    manifest = f"manifest.path={corpus}"
    lax, strict = (harness(*TONES, manifest, f"policy={name}", f"run_dir={name}", cwd=tmp_path) for name in POLICIES)
    assert (lax.exit_status, strict.exit_status) == (0, 3), strict.err
    assert "NOTHING COULD BE TESTED" in lax.out
    summary = json.loads((tmp_path / "strict" / "summary.json").read_text())
    assert (summary["n_tested"], summary["passed"]) == (0, False)
    assert {each["verdict"] for each in summary["violations"]} == {"insufficient"}


def test_failed_clips_are_redone_when_asked_and_only_those(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    bad = read_waveform(corpus.parent / "audio" / "10-0.wav")

    def raises_on_one(waveforms):
        if any(np.array_equal(waveform, bad) for waveform in waveforms):
            raise RuntimeError("out of memory")

    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    n_alike = [row["text"] for row in rows].count(next(r["text"] for r in rows if r["utterance_id"] == "10-0"))
    job = benchmark_job(corpus, tmp_path / "run", backend=Scripted(raises_on_one), normalizer=Verbatim())
    benchmark(job)
    again = Scripted()
    benchmark(replace(job, make_backend=lambda: again))
    assert (again.calls, summary_of(tmp_path)["n_failed"]) == ([], n_alike)
    assert summary_of(tmp_path)["failure_reasons"] == [{"error": "RuntimeError: out of memory", "n": n_alike}]
    benchmark(replace(job, make_backend=lambda: again, executor=ExecutorOptions(retry_failed=True, workers=0)))
    assert sum(again.calls) == 1 + n_alike  # the warm-up, and the clips that had failed
    assert (summary_of(tmp_path)["n_failed"], summary_of(tmp_path)["wer"]) == (0, 0.0)
    assert summary_of(tmp_path)["failure_reasons"] == []
    assert len(hypothesis_lines(tmp_path / "run")) == 40 + n_alike  # what failed is kept
    assert broken_contract(tmp_path / "run") == []


def test_retrying_is_an_option_of_the_command_that_belongs_to_the_same_run(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    (corpus.parent / "audio" / "10-0.wav").write_bytes(b"")
    once = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    again = harness(*TONES, f"manifest.path={corpus}", "executor.retry_failed=true", cwd=tmp_path)
    assert (once.exit_status, again.exit_status) == (0, 0), again.err
    assert "39 clips are transcribed, 1 are left" in again.err
    assert summary_of(tmp_path)["n_failed"] == 1


def test_a_recording_that_changed_under_its_name_makes_another_run(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    assert harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path).exit_status == 0
    (corpus.parent / "audio" / "10-0.wav").write_bytes(b"")
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "recordings_digest: there" in ended.err
    assert summary_of(tmp_path)["n_failed"] == 0


def test_a_backend_that_fails_on_a_hundred_clips_in_a_row_stops_the_run_with_a_remedy(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=15))  # 120 clips
    job = benchmark_job(corpus, tmp_path / "run", backend=Scripted(raises_on_every_clip), normalizer=Verbatim())
    with pytest.raises(
        BackendError, match=r"failed on the last 100 clips.*deaf.*executor\.retry_failed=true"
    ) as caught:
        benchmark(job)
    assert caught.value.exit_status == 1
    assert len(hypothesis_lines(tmp_path / "run")) == 100
    assert not (tmp_path / "run" / "summary.json").exists()
    mended = benchmark(replace(job, make_backend=Scripted, executor=ExecutorOptions(retry_failed=True, workers=0)))
    assert mended.exit_status == 0
    assert (summary_of(tmp_path)["n_failed"], summary_of(tmp_path)["n_utterances"]) == (0, 120)


def test_recordings_that_cannot_be_decoded_are_no_failures_of_the_backend(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=15))
    for path in corpus.parent.glob("audio/*.wav"):
        path.write_bytes(b"")
    assert benchmark(benchmark_job(corpus, tmp_path / "run")).exit_status == 4
    assert summary_of(tmp_path)["n_failed"] == 120


def test_a_run_directory_is_rescored_and_remembers_its_recogniser(violated, tmp_path):
    folder, _ = violated
    ended = harness(
        "rescore", f"manifest.path={folder / 'corpus' / 'manifest.jsonl'}", "normalizer=verbatim", *FEW_RESAMPLES,
        f"hypotheses={folder / 'run'}", "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 3, ended.err
    assert tables_but_timings(tmp_path / "run") == tables_but_timings(folder / "run")
    original, again = Run.open(folder / "run").facts, Run.open(tmp_path / "run").facts
    assert again["backend"] == original["backend"]
    assert again["backend"]["backend"] == "tones"
    assert again["pipeline"] == "rescore"
    assert broken_contract(tmp_path / "run") == []


@pytest.mark.usefixtures("drawn")
def test_a_run_draws_its_report_and_is_whole_without_it(tmp_path, monkeypatch):
    corpus = tone_corpus(tmp_path / "corpus")
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert "Policy default: held" in (tmp_path / "run" / "report.html").read_text()

    def breaks(*_):
        raise KeyError("a defect of the report")

    monkeypatch.setattr("harness.pipelines.evaluation.write_html", breaks)
    again = harness(
        *(each for each in TONES if not each.startswith("run_dir")),
        "run_dir=other",
        f"manifest.path={corpus}",
        cwd=tmp_path,
    )
    assert again.exit_status == 0
    assert "no report.html" in again.err
    assert tables_but_timings(tmp_path / "other") == tables_but_timings(tmp_path / "run")
