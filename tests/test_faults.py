"""Whatever breaks, the run ends, says what happened, and the same command completes it."""

import json

import pytest

from tests.builders import FEW_RESAMPLES, harness, hypothesis_lines, tone_corpus, tone_rows

ROWS = tone_rows(n_speakers=2, n_utterances=3)
TEXT = str(ROWS[4]["text"])
BAD = {row["utterance_id"] for row in ROWS if row["text"] == TEXT}


@pytest.fixture
def run(tmp_path):
    """Return what runs a benchmark through a recogniser that goes wrong."""
    manifest = tone_corpus(tmp_path / "corpus", ROWS)

    def run(fault, *options):
        return harness(
            "benchmark", f"manifest.path={manifest}", "normalizer=verbatim", *FEW_RESAMPLES, "evidence.metrics=false",
            "backend=tones", f"backend._target_=harness.backends.faults.{fault}", "executor.batch_size=4",
            f"allow_targets=[harness.backends.faults.{fault}]", "run_dir=run", "policy.max_failed=1", *options,
            cwd=tmp_path,
        )  # fmt: skip

    return run


def errors(folder):
    return {line["utterance_id"]: line["error"] for line in hypothesis_lines(folder / "run") if line["error"]}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("fault", "options", "reason"),
    [
        pytest.param("Dying", [], "the recogniser's process was ended by SIGKILL", id="a-clip-that-kills"),
        pytest.param(
            "Hanging",
            ["executor.timeout_s=1.5", "executor.timeout_per_audio=0"],
            "no answer in 1.5 s",
            id="that-hangs",
        ),
        pytest.param("Failing", [], "RuntimeError: Failing: told to fail", id="that-raises"),
        pytest.param("Refusing", [], "Refusing: told to refuse", id="that-is-refused"),
        pytest.param("Garbled", ["+backend.kind=no_text"], "expected str", id="whose-text-is-garbled"),
        pytest.param("Garbled", ["+backend.kind=endless"], "expected at most 100000", id="whose-text-does-not-end"),
    ],
)
def test_a_clip_that_goes_wrong_is_a_failure_with_its_reason_and_the_only_one(
    run, tmp_path, fault, options, reason, workers
):
    ended = run(fault, f"+backend.on_text={TEXT}", f"executor.workers={workers}", *options)
    assert ended.is_in_words
    assert ended.exit_status == 0, ended.err
    failed = errors(tmp_path)
    assert set(failed) == BAD
    assert all(reason in error for error in failed.values())
    assert len(hypothesis_lines(tmp_path / "run")) == len(ROWS)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["failure_reasons"][0]["n"] == len(BAD)


def test_a_recogniser_that_is_lost_too_often_stops_the_run_with_words_and_the_same_command_completes_it(run, tmp_path):
    arguments = ("Dying", "+backend.on_call=3", f"+backend.once={tmp_path / 'once'}", "executor.max_losses=0")
    ended = run(*arguments)
    assert ended.exit_status == 1
    assert "lost 1 times in a row, lastly: the recogniser's process was ended by SIGKILL" in ended.err
    assert "what is done is kept" in ended.err
    n_kept = len(hypothesis_lines(tmp_path / "run"))
    assert 0 < n_kept < len(ROWS)
    assert run(*arguments).exit_status == 0
    assert len(hypothesis_lines(tmp_path / "run")) == len(ROWS)
    assert errors(tmp_path) == {}


def test_a_recogniser_that_dies_once_costs_nothing_but_a_warning(run, tmp_path):
    ended = run("Dying", "+backend.on_call=3", f"+backend.once={tmp_path / 'once'}")
    assert ended.exit_status == 0
    assert "a recogniser was lost, its 4 clips are heard again" in ended.err
    assert errors(tmp_path) == {}


def test_too_little_memory_for_a_batch_is_found_out_and_told(run, tmp_path):
    ended = run("OutOfMemory", "+backend.fits=2")
    assert ended.exit_status == 0
    assert errors(tmp_path) == {}
    sessions = (tmp_path / "run" / "sessions.jsonl").read_text().splitlines()
    assert [json.loads(line)["fits"] for line in sessions] == [2]


def test_a_damaged_cache_costs_a_warning_and_its_transcripts_are_recognised_again(run, tmp_path):
    cache = tmp_path / "cache.sqlite"
    assert run("Slow", "+backend.seconds=0", f"cache.path={cache}").exit_status == 0
    cache.write_bytes(b"no database" * 1000)
    (tmp_path / "run").rename(tmp_path / "first")
    ended = run("Slow", "+backend.seconds=0", f"cache.path={cache}")
    assert ended.exit_status == 0
    assert "damaged" in ended.err
    texts = [
        {line["utterance_id"]: line["text"] for line in hypothesis_lines(tmp_path / each)} for each in ("first", "run")
    ]
    assert texts[0] == texts[1]
