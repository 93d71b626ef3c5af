"""Real people through the real command: published figures, whole corpora, and a run that survives being killed."""

import json
import shutil
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from harness.results import Run
from tests.builders import FEW_RESAMPLES, harness, harness_process, hypothesis_lines, tables_but_timings
from tests.scoring.builders import errors_of
from tests.shared import DATA, REPOSITORY, needs_data

RECORDINGS = DATA / "fsdd" / "recordings"
FSDD = ("benchmark", "manifest=fsdd", *FEW_RESAMPLES)
BATCH_SIZE = 16  # executor=local
COUNTS = ["hits", "substitutions", "deletions", "insertions"]
SYSTEMS = ["canary-qwen-2.5b", "parakeet-tdt-0.6b-v3", "whisper-large-v3-turbo"]
VENDORS = ["amazon_en-GB", "amazon_en-US", "deepspeech_0.7.3", "google_en-US"]


@pytest.fixture(scope="module")
def fsdd(tmp_path_factory):
    """Return the run of all 600 digits of six people."""
    folder = tmp_path_factory.mktemp("fsdd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSDD_DIR", str(RECORDINGS))
        ended = harness(*FSDD, "run_dir=run", cwd=folder)
    assert ended.exit_status == 0, ended.err
    return Run.open(folder / "run")


@needs_data("fsdd")
@pytest.mark.slow
def test_every_digit_of_every_speaker_is_heard_or_counted_as_an_error(fsdd):
    scores = fsdd.scores
    assert len(scores) == 600
    assert scores["reference"].map(str.split).map(len).eq(1).all()
    wrong = [errors_of(r.split(), h.split()) for r, h in zip(scores["reference"], scores["hypothesis"], strict=True)]
    assert scores[COUNTS[1:]].sum(axis="columns").tolist() == wrong
    assert fsdd.summary["n_failed"] == 0
    assert fsdd.summary["wer"] == sum(wrong) / 600


@needs_data("fsdd")
@pytest.mark.slow
def test_the_recogniser_hears_the_french_accent_worst_and_nobody_is_called_a_finding(fsdd):
    """Recorded from pocketsphinx 5.0.4 with its digit grammar; other versions may move by a few words."""
    accents = fsdd.slices.query("dimension == 'accent'").set_index("slice")
    assert accents["wer"].idxmax() == "BEL/French"
    assert accents.loc["BEL/French", "wer"] == pytest.approx(0.55, abs=0.03)
    assert fsdd.summary["wer"] == pytest.approx(0.278, abs=0.02)
    scores = fsdd.scores.assign(errors=fsdd.scores[COUNTS[1:]].sum(axis="columns"))
    by_speaker = scores.groupby("speaker_id", dropna=False)["errors"].agg(["size", "sum"])
    assert by_speaker["size"].tolist() == [100] * 6
    assert set(fsdd.disparities["verdict"]) == {"insufficient"}, "two speakers an accent are no evidence"


@needs_data("fsdd")
@pytest.mark.slow
def test_sixty_clips_give_the_same_bytes_twice_but_for_timings(tmp_path, monkeypatch):
    monkeypatch.setenv("FSDD_DIR", str(RECORDINGS))
    manifest = every_tenth(tmp_path)
    for run_dir in ("first", "second"):
        ended = harness(*FSDD, f"manifest.path={manifest}", f"run_dir={run_dir}", cwd=tmp_path)
        assert ended.exit_status == 0, ended.err
    assert len(hypothesis_lines(tmp_path / "first")) == 60
    assert tables_but_timings(tmp_path / "first") == tables_but_timings(tmp_path / "second")


def every_tenth(folder: Path) -> Path:
    shutil.copy(REPOSITORY / "manifests" / "fsdd" / "datasheet.yaml", folder)
    lines = (REPOSITORY / "manifests" / "fsdd" / "manifest.jsonl").read_text().splitlines(keepends=True)
    (folder / "manifest.jsonl").write_text("".join(lines[::10]))
    return folder / "manifest.jsonl"


@needs_data("fsdd")
@pytest.mark.slow
def test_a_kill_half_way_through_real_speech_costs_a_batch_and_changes_no_number(fsdd, tmp_path, monkeypatch):
    monkeypatch.setenv("FSDD_DIR", str(RECORDINGS))
    process = harness_process(*FSDD, "run_dir=run", cwd=tmp_path)
    deadline = time.monotonic() + 600
    while len(hypothesis_lines(tmp_path / "run")) < 300:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = hypothesis_lines(tmp_path / "run")
    assert 300 <= len(kept) < 600
    ended = harness(*FSDD, "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert f"{600 - len(kept)} clips transcribed" in ended.err  # and the batch that was in the recogniser, once more
    assert len(hypothesis_lines(tmp_path / "run")) == 600
    assert len(kept) % BATCH_SIZE == 0
    assert tables_but_timings(tmp_path / "run") == tables_but_timings(fsdd.path)


@needs_data("edacc")
@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_rescoring_edacc_gives_every_published_word_error_rate(system, tmp_path):
    path = DATA / "edacc" / f"{system}.jsonl"
    ended = harness(
        "rescore", f"hypotheses={path}", "columns.utterance_id=utt_id", "columns.text=hyp_raw",
        f"manifest.path={path}", "manifest.columns.utterance_id=utt_id", "manifest.columns.text=ref_raw",
        "manifest.columns.speaker_id=speaker", "manifest.name=edacc", "reference_pattern='<[^<>]*>'",
        "normalizer=whisper_english", "slices.by=[accent]", "policy=report_only", *FEW_RESAMPLES, "run_dir=run",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    run = Run.open(tmp_path / "run")
    published = pd.read_csv(DATA / "edacc" / "published.csv").query("system == @system").set_index("accent")
    slices = run.slices.query("dimension == 'accent'").set_index("slice").loc[published.index]
    assert len(slices) == 7
    assert (slices["wer"] - published["wer"]).abs().max() < 1e-9
    for ours, theirs in (("n_utterances", "utterances"), ("n_speakers", "speakers"), ("reference_words",) * 2):
        assert slices[ours].tolist() == published[theirs].tolist()
    assert (run.summary["n_utterances"], run.summary["n_speakers"]) == (9177, 60)
    emptied = int((run.scores[["hits", "substitutions", "deletions"]].sum(axis="columns") == 0).sum())
    assert emptied > 0
    assert f"References without words: {emptied}" in ended.out


@needs_data("artie")
@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_utterance_of_artie_is_accounted_for_whatever_the_vendor_returned(vendor, tmp_path):
    attributes = {
        name: {"kind": kind, "provenance": "self_reported"}
        for name, kind in (("accent", "accent"), ("gender", "demographic"), ("age", "demographic"))
    }
    sheet = {"name": "artie", "language": "en", "undeclared": ["NA"], "attributes": attributes}
    (tmp_path / "datasheet.yaml").write_text(json.dumps(sheet))
    shutil.copy(DATA / "artie" / "artie-bias-corpus.tsv", tmp_path / "artie.tsv")
    ended = harness(
        "rescore", f"hypotheses={DATA / 'artie' / 'predictions' / f'{vendor}.tsv'}", "columns.utterance_id=path",
        "columns.text=prediction", "stem_ids=true", "manifest.path=artie.tsv", "manifest.columns.utterance_id=path",
        "manifest.columns.text=sentence", "manifest.columns.speaker_id=client_id", "slices.intersections=1",
        *FEW_RESAMPLES, "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status in (0, 3), ended.err
    run = Run.open(tmp_path / "run")
    slices = run.slices
    assert (run.summary["n_utterances"], run.summary["n_speakers"], run.summary["n_failed"]) == (1712, 969, 0)
    for dimension in attributes:
        part = slices[slices["dimension"] == dimension]
        assert part["n_utterances"].sum() == 1712
        assert part["reference_words"].sum() == slices.iloc[0]["reference_words"]
        assert "undeclared" in set(part["slice"])
    said, heard = run.scores["reference"], run.scores["hypothesis"]
    independent = run.scores.assign(errors=[errors_of(r.split(), h.split()) for r, h in zip(said, heard, strict=True)])
    for dimension in attributes:
        part = slices[slices["dimension"] == dimension].set_index("slice")
        errors = part[COUNTS[1:]].sum(axis="columns")
        assert errors.to_dict() == independent.groupby(dimension, dropna=False)["errors"].sum().to_dict()
