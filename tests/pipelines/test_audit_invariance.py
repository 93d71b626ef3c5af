"""Audits of recognisers that do and do not depend on batch, order and workers: what is heard, written and decided."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.backends.tones import Tones
from harness.corpus import Manifest
from harness.errors import HarnessError, UsageError
from harness.fairness.membership import OVERALL
from harness.pipelines import audit_invariance as module
from harness.pipelines.audit_invariance import AuditJob, audit_invariance
from harness.pipelines.audit_settings import AuditOptions, Factor
from harness.pipelines.job import SliceOptions
from harness.report.invariance import render_invariance
from harness.results import Run
from harness.scoring import Verbatim
from harness.transcription import ExecutorOptions
from harness.transcription.executors import Order
from tests.backends.test_whisper import ENGLISH_ONLY, written_checkpoint
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows
from tests.fairness.builders import policy_of
from tests.pipelines.audit_backends import Crowded, Deaf, OfItsProcess, Padded, Tiring

FEW = {"workers": [0], "batch_sizes": [1, 2], "orders": [Order.manifest, Order.longest_first]}
BOTH = "batch=2 order=longest_first"
FILES = {"config.yaml", "run.json", "summary.json", "report.md", "invariance.csv", "changed.jsonl", "hypotheses"}
ALLOWED = "allow_targets=[tests.pipelines.audit_backends.Padded]"


def rows_by_turns():
    """Return rows of two lengths by turns: in the manifest's order, a batch of two pads one of them."""
    rows = tone_rows(n_utterances=2)
    return [row for pair in zip(shortened_north(rows[:10]), rows[10:], strict=True) for row in pair]


def rows_of_two_lengths():
    """Return rows whose speakers of the north say two words where the others say five."""
    return shortened_north(tone_rows())


def shortened_north(rows):
    return [row | {"text": " ".join(str(row["text"]).split()[:2])} if row["accent"] == "north" else row for row in rows]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return Manifest.load(tone_corpus(tmp_path_factory.mktemp("corpus"), rows_by_turns()))


@pytest.fixture(scope="module")
def padded(corpus, tmp_path_factory):
    """Return the outcome of an audit of a recogniser that padding harms."""
    return audited(corpus, tmp_path_factory.mktemp("padded") / "run", Padded)


def job_of(corpus, run_dir, backend=Tones, *, makers=None, **options):
    return AuditJob(
        manifest=corpus,
        makers=makers or {"as configured": backend},
        backend_name="test",
        normalizer=Verbatim(),
        policy=policy_of(n_resamples=200, n_permutations=200),
        slices=SliceOptions(),
        executor=ExecutorOptions(),
        options=AuditOptions(**(FEW | options)),
        seed=0,
        run_dir=str(run_dir),
        config={},
        config_yaml="{}\n",
    )


def audited(corpus, run_dir, backend=Tones, **options):
    return audit_invariance(job_of(corpus, run_dir, backend, **options))


def table_of(run):
    return pd.read_csv(run.path / "invariance.csv", keep_default_na=False, na_values=[""])


def rows_of(run, setting):
    table = table_of(run)
    return table[table["setting"] == setting].set_index("slice")


def n_changed(run):
    table = table_of(run)
    return table[table["dimension"] == OVERALL].set_index("setting")["n_changed"].to_dict()


def texts_of(run, folder):
    """Return the raw texts that were kept of a setting, by utterance."""
    files = sorted((run.path / "hypotheses" / folder / "hypotheses").glob("*.jsonl"))
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return {line["utterance_id"]: line["text"] for line in lines}


def test_tones_depend_on_nothing_and_every_file_is_written(corpus, tmp_path):
    outcome = audited(corpus, tmp_path / "run")
    assert outcome.exit_status == 0
    assert {path.name for path in outcome.run.path.iterdir()} == FILES
    assert set(n_changed(outcome.run).values()) == {0}
    assert set(n_changed(outcome.run)) == {"repeat", "batch=2", "order=longest_first", BOTH}
    assert (outcome.run.path / "changed.jsonl").read_text() == ""
    assert outcome.run.finished
    assert (outcome.run.path / "report.md").read_text() == render_invariance(outcome.run)


def test_what_batch_and_order_change_is_found_and_equals_a_naive_recount(corpus, padded):
    assert padded.exit_status == 3
    run, frame = padded.run, corpus.frame.set_index("utterance_id")
    words, north = frame["text"].str.split().str.len(), frame["accent"] == "north"
    alone, batch, both = "00_reference", "02_batch-2", "04_batch-2-order-longest-first"
    for setting, against, folder in (("batch=2", alone, batch), (BOTH, batch, both)):
        before, after = (pd.Series(texts_of(run, each))[frame.index] for each in (against, folder))
        more = before.str.split().str.len() - after.str.split().str.len()  # words lost
        rows, changed = rows_of(run, setting), before != after
        assert rows.loc["all", "n_changed"] == changed.sum() > 0
        assert rows.loc[["north", "south"], "n_changed"].tolist() == [changed[north].sum(), changed[~north].sum()]
        assert rows.loc["all", "wer_difference"] == pytest.approx(more.sum() / words.sum())
        missing = (words - after.str.split().str.len())[north]
        assert rows.loc["north", "wer"] == pytest.approx(missing.sum() / words[north].sum())
    assert n_changed(run)["repeat"] == n_changed(run)["order=longest_first"] == 0
    assert run.summary["failing"] == [name for name, n in n_changed(run).items() if n] == ["batch=2", BOTH]


def test_short_utterances_that_lose_most_are_a_disparity_of_the_harness(padded):
    assert rows_of(padded.run, "batch=2").loc["north", "verdict"] == "disparity"
    found = {(row["setting"], row["dimension"], row["slice"]) for row in padded.run.summary["disparities"]}
    assert ("batch=2", "accent", "north") in found


@pytest.mark.parametrize(
    ("fail_on", "failing", "exit_status"),
    [([], [], 0), ([Factor.order], [], 0), ([Factor.batch], ["batch=2"], 3)],
)
def test_a_batch_that_changes_texts_in_any_order_fails_no_audit_of_the_order(
    corpus, tmp_path, fail_on, failing, exit_status
):
    outcome = audited(corpus, tmp_path / "run", Crowded, fail_on=fail_on, repeat=False)
    assert n_changed(outcome.run) == {"batch=2": len(corpus), "order=longest_first": 0, BOTH: 0}
    assert (outcome.run.summary["failing"], outcome.exit_status) == (failing, exit_status)


def test_the_changed_texts_are_kept_beside_what_was_said(corpus, tmp_path):
    run = audited(corpus, tmp_path / "run", Padded, orders=[Order.manifest], repeat=False).run
    lines = [json.loads(line) for line in (run.path / "changed.jsonl").read_text().splitlines()]
    assert len(lines) == n_changed(run)["batch=2"] == 10
    said = corpus.frame.set_index("utterance_id")["text"]
    for line in lines:
        assert line["reference"] == line["text_against"] == said[line["utterance_id"]]
        assert line["text"] == " ".join(line["reference"].split()[:-1])
        assert (line["setting"], line["against"]) == ("batch=2", "reference")
        assert (line["errors_against"], line["errors"]) == (0, 1)


def test_a_recogniser_with_a_memory_depends_on_the_order_and_on_nothing_else(corpus, tmp_path):
    outcome = audited(corpus, tmp_path / "run", Tiring)
    changed = n_changed(outcome.run)
    assert outcome.exit_status == 3
    assert [name for name, n in changed.items() if n] == ["order=longest_first", BOTH]


def test_two_workers_that_hear_differently_are_found_and_both_of_them_hear(corpus, tmp_path):
    few = {"batch_sizes": [1], "orders": [Order.manifest], "n_utterances": 6, "repeat": False}
    outcome = audited(corpus, tmp_path / "run", OfItsProcess, workers=[0, 2], **few)
    assert outcome.exit_status == 3
    assert n_changed(outcome.run) == {"workers=2": 6}
    assert len({text.split()[-1] for text in texts_of(outcome.run, "01_workers-2").values()}) == 2


def test_variants_are_reported_and_fail_nothing_and_one_identity_is_told(corpus, tmp_path):
    makers = {"gain=1.0": Padded, "gain=0.0": lambda: Padded(gain=0.0), "gain=1": lambda: Padded(gain=1.0)}
    variants = [{"gain": 1.0}, {"gain": 0.0}, {"gain": 1}]
    few = {"batch_sizes": [1], "orders": [Order.manifest], "variants": variants, "repeat": False}
    outcome = audited(corpus, tmp_path / "run", makers=makers, **few)
    assert outcome.exit_status == 0
    assert n_changed(outcome.run) == {"gain=0.0": len(corpus), "gain=1": 0}
    (note,) = [note for note in outcome.run.summary["notes"] if "identity" in note]
    assert note.startswith("gain=1 and gain=1.0 have the same identity")
    assert {name: each["gain"] for name, each in outcome.run.facts["variants"].items()}["gain=0.0"] == 0


def test_more_failures_than_allowed_end_with_four_and_nothing_is_claimed(corpus, tmp_path):
    outcome = audited(corpus, tmp_path / "run", Deaf, orders=[Order.manifest], repeat=False)
    assert outcome.exit_status == 4
    assert "cannot be told: all 20 clips failed" in render_invariance(outcome.run)
    assert set(table_of(outcome.run)["n_changed"]) == {0}


class _InterruptedError(BaseException):
    """Stops an audit as Ctrl-C does."""


def test_an_interrupted_audit_goes_on_where_it_was(corpus, padded, tmp_path, monkeypatch):
    heard, whole = [], module.transcribe

    def stopped(manifest, workers, store, options):
        if len(heard) == 3:
            raise _InterruptedError
        heard.append(store.folder.parent.name)
        return whole(manifest, workers, store, options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "transcribe", stopped)
        with pytest.raises(_InterruptedError):
            audited(corpus, tmp_path / "run", Padded)
    assert heard == ["00_reference", "01_repeat", "02_batch-2"]
    before = {path: path.read_bytes() for path in (tmp_path / "run" / "hypotheses").rglob("0*.jsonl")}
    continued = audited(corpus, tmp_path / "run", Padded).run
    assert {path: path.read_bytes() for path in before} == before, "nothing is heard twice"
    for name in ("invariance.csv", "changed.jsonl", "summary.json"):
        assert (continued.path / name).read_bytes() == (padded.run.path / name).read_bytes()


def test_an_audit_does_not_go_on_with_other_audio(tmp_path):
    manifest = Manifest.load(tone_corpus(tmp_path, tone_rows(n_speakers=1, n_utterances=1)))
    few = {"batch_sizes": [1], "orders": [Order.manifest]}
    audited(manifest, tmp_path / "run", **few)
    os.utime(manifest.frame["audio_filepath"].iloc[0], (1, 1))
    with pytest.raises(HarnessError, match="recordings_digest"):
        audited(manifest, tmp_path / "run", **few)


def test_a_subset_has_as_many_of_every_speaker_and_is_drawn_the_same_again(corpus, tmp_path):
    few = {"n_utterances": 10, "orders": [Order.manifest], "repeat": False}
    run = audited(corpus, tmp_path / "run", **few).run
    chosen = texts_of(run, "00_reference")
    speakers = corpus.frame.set_index("utterance_id").loc[list(chosen), "speaker_id"]
    assert len(chosen) == 10
    assert set(Counter(speakers).values()) == {1}
    assert any(note.startswith("10 of 20 utterances were heard") for note in run.summary["notes"])
    assert set(texts_of(audited(corpus, tmp_path / "again", **few).run, "00_reference")) == set(chosen)
    other = audit_invariance(replace(job_of(corpus, tmp_path / "other", **few), seed=1)).run
    assert set(texts_of(other, "00_reference")) != set(chosen)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(tone_rows(["north"], n_speakers=1, n_utterances=1), id="one-utterance"),
        pytest.param(tone_rows(["north"], n_speakers=1, n_utterances=3), id="one-speaker"),
        pytest.param([row | {"speaker_id": None} for row in tone_rows(n_utterances=1)], id="no-ids"),
        pytest.param([row | {"text": ""} for row in tone_rows(n_utterances=1)], id="nothing-said"),
    ],
)
def test_too_little_to_judge_is_heard_and_told(rows, tmp_path):
    manifest = Manifest.load(tone_corpus(tmp_path, rows))
    outcome = audited(manifest, tmp_path / "run", Padded, orders=[Order.manifest], repeat=False)
    assert outcome.exit_status == 0
    assert set(table_of(outcome.run)["verdict"].dropna()) <= {"insufficient"}
    assert "NaN" not in render_invariance(outcome.run)


def test_a_batch_that_could_not_be_as_large_is_told(corpus, tmp_path):
    run = audited(corpus, tmp_path / "run", batch_sizes=[1, 64], orders=[Order.manifest], repeat=False).run
    assert "batch=64: no batch had more than 20 clips (see executor.batch_audio_s)" in run.summary["notes"]


def test_an_audit_is_no_run_to_compare(corpus, tmp_path):
    run = audited(corpus, tmp_path / "run", batch_sizes=[1], orders=[Order.manifest]).run
    with pytest.raises(UsageError, match="a run of harness audit_invariance"):
        Run.open(run.path)


def test_the_command_says_what_changed_and_no_cache_is_made(tmp_path):
    manifest = tone_corpus(tmp_path, rows_by_turns()[:8])
    few = ("audit.workers=[0]", "audit.batch_sizes=[1,2]", "audit.orders=[manifest]", *FEW_RESAMPLES)
    common = ("audit_invariance", f"manifest.path={manifest}", "backend=tones", "run_dir=run", *few)
    ended = harness(*common, cwd=tmp_path)
    assert (ended.exit_status, ended.is_in_words) == (0, True)
    assert ended.out.startswith("None of 8 texts changed with hearing it again or batch size (95 % interval: up to ")
    facts = Run(tmp_path / "run").facts
    assert facts["backend"] == {"name": "tones", "backend": "tones", "version": 1}
    assert [each["setting"] for each in facts["settings"]] == ["reference", "repeat", "batch=2"]
    target = "backend._target_=tests.pipelines.audit_backends.Padded"
    ended = harness(*common[:-5], "run_dir=padded", *few, target, ALLOWED, cwd=tmp_path)
    assert ended.exit_status == 3
    assert ended.out.startswith("Texts depend on batch size (4 of 8 texts, 50.0 %, under batch=2); no text changed")
    assert list(Path(os.environ["XDG_CACHE_HOME"]).iterdir()) == []


@pytest.mark.parametrize(
    ("override", "said"),
    [
        pytest.param("audit.variants=[{beams: 5}]", r"audit.variants[0] (beams=5): backend:", id="unknown-option"),
        pytest.param("audit.variants=[{},{_target_: os.system}]", "audit.variants[1]", id="another-backend"),
        pytest.param("audit.orders=[best]", "audit.orders", id="no-such-order"),
        pytest.param("cache.enabled=true", "cache", id="no-cache"),
        pytest.param("slices.by=[shoes]", "slices.by names ['shoes']", id="no-such-attribute"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_heard(override, said, tmp_path):
    manifest = tone_corpus(tmp_path, tone_rows(n_speakers=2, n_utterances=1))
    few = ("audit.workers=[0]", "run_dir=run")
    ended = harness("audit_invariance", f"manifest.path={manifest}", "backend=tones", *few, override, cwd=tmp_path)
    assert (ended.exit_status, ended.is_in_words) == (2, True)
    assert said in ended.err
    assert not (tmp_path / "run" / "hypotheses").exists()


def test_a_manifest_without_audio_is_refused(tmp_path):
    (tmp_path / "manifest.jsonl").write_text('{"utterance_id": "a", "text": "one"}\n')
    ended = harness("audit_invariance", "manifest.path=manifest.jsonl", "backend=tones", cwd=tmp_path)
    assert (ended.exit_status, ended.is_in_words) == (1, True)
    assert "audio_filepath" in ended.err


def test_pocketsphinx_hears_the_demo_alike_one_by_one_and_together(tmp_path):
    few = ("audit.n_utterances=2", "audit.workers=[0]", "audit.batch_sizes=[1,2]", "audit.orders=[manifest]")
    ended = harness("audit_invariance", *few, "audit.repeat=false", "run_dir=run", *FEW_RESAMPLES, cwd=tmp_path)
    assert (ended.exit_status, ended.is_in_words) == (0, True)
    assert n_changed(Run(tmp_path / "run")) == {"batch=2": 0}


@pytest.fixture
def _one_thread():
    """Keep torch's threads from waiting for one another where other work is running."""
    torch = pytest.importorskip("torch")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.mark.usefixtures("_one_thread")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_whisper_in_half_precision_is_another_recogniser_and_batches_change_nothing_in_single(corpus, tmp_path):
    pytest.importorskip("whisper")
    checkpoint = written_checkpoint(tmp_path / "tiny.pt", ENGLISH_ONLY)
    few = ("audit.n_utterances=2", "audit.workers=[0]", "audit.batch_sizes=[1,2]", "audit.orders=[manifest]")
    options = (f"backend.model={checkpoint}", "audit.variants=[{dtype: float32},{dtype: bfloat16}]")
    manifest = f"manifest.path={corpus.path}"
    run = ("run_dir=run", "audit.repeat=false", *FEW_RESAMPLES)
    ended = harness("audit_invariance", manifest, "backend=whisper", *options, *few, *run, cwd=tmp_path)
    assert (ended.exit_status, ended.is_in_words) == (0, True)
    changed = n_changed(Run(tmp_path / "run"))
    assert changed["batch=2"] == 0
    assert set(changed) == {"batch=2", "dtype=bfloat16"}
    dtypes = {name: each["dtype"] for name, each in Run(tmp_path / "run").facts["variants"].items()}
    assert dtypes == {"dtype=float32": "float32", "dtype=bfloat16": "bfloat16"}
