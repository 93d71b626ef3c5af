"""What the command says of its speed: recognised, cached, stopped, killed and rescored runs each tell theirs."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from harness.backends.faults import Slow
from harness.backends.tones import synthesise
from harness.pipelines.benchmark import benchmark
from harness.report.speed import speed_sentence
from harness.results import Run
from harness.results.run import SPEED
from harness.transcription import ExecutorOptions
from tests.builders import (
    FEW_RESAMPLES,
    Scripted,
    benchmark_job,
    harness,
    hypothesis_lines,
    tables_but_timings,
    tone_corpus,
    tone_rows,
)
from tests.shared import REPOSITORY

COMMAND = (
    "benchmark", "manifest=file", "backend=tones", "normalizer=verbatim", *FEW_RESAMPLES,
    "evidence.sensitivity=false", "evidence.adjusted=false", "evidence.metrics=false",
)  # fmt: skip
KILLED = """
import os, signal, sys
from pathlib import Path
from harness.pipelines.benchmark import benchmark
from tests.builders import Scripted, benchmark_job

def dies(waveforms):
    if len(backend.calls) > 4:  # the warm-up and three batches
        os.kill(os.getpid(), signal.SIGKILL)

backend = Scripted(dies)
benchmark(benchmark_job(Path(sys.argv[1]), Path(sys.argv[2]), backend=backend))
"""


def speed_of(run):
    return run.facts["speed"]


def counts(row):
    return [row[name] for name in ("n_utterances", "n_recognised", "n_cached", "n_failed", "n_untimed")]


def like_no_other(row):
    """Return the words of a row and a silence of its own: what sounds the same is recognised once."""
    speaker, number = map(int, row["utterance_id"].split("-"))
    return np.concatenate([synthesise(row["text"]), np.zeros(1 + 10 * speaker + number, dtype=np.float32)])


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Return the folder of two runs of one command, of which the second finds every transcript in the cache."""
    folder = tmp_path_factory.mktemp("twice")
    corpus = tone_corpus(folder / "corpus", tone_rows(("north", "south", "")), audio_of=like_no_other)
    (corpus.parent / "audio" / "10-0.wav").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        ends = [harness(*COMMAND, f"manifest.path={corpus}", f"run_dir={name}", cwd=folder) for name in ("a", "b")]
    return folder, *ends


def test_every_run_says_how_fast_it_was(twice):
    folder, ended, _ = twice
    assert ended.exit_status == 0, ended.err
    run = Run.open(folder / "a")
    speed = speed_of(run)
    assert counts(speed) == [60, 59, 0, 1, 0]
    lines = [line for line in hypothesis_lines(run.path) if line["text"] is not None]
    audio_s, processing_s = (sum(line[name] for line in lines) for name in ("audio_s", "processing_s"))
    assert speed["model_rtfx"] == pytest.approx(audio_s / processing_s)
    assert speed["end_to_end_rtfx"] == pytest.approx(audio_s / (speed["wall_s"] - speed["warm_up_s"]))
    assert speed["end_to_end_rtfx"] < speed["model_rtfx"]  # one recogniser: the clock has all that it took, and more
    assert speed_sentence(run) in ended.out
    assert "## Speed" in (run.path / "report.md").read_text()


def test_every_slice_says_it_too_the_undeclared_among_them(twice):
    run = Run.open(twice[0] / "a")
    table = run.optional(SPEED).set_index("slice")
    assert table["n_recognised"].to_dict() == {"all": 59, "north": 20, "south": 19, "undeclared": 20}
    assert table["audio_s"]["all"] == pytest.approx(table["audio_s"][1:].sum())
    assert table["rtfx"].to_dict() == pytest.approx(run.slices.set_index("slice")["rtfx"].to_dict())


def test_what_is_from_the_cache_is_not_fast_but_not_recognised(twice):
    folder, first, second = twice
    assert second.exit_status == first.exit_status
    run = Run.open(folder / "b")
    assert counts(speed_of(run)) == [60, 0, 59, 1, 0]
    assert speed_of(run)["model_rtfx"] is None
    assert "Speed: nothing was recognised; 59 transcripts are from the cache and 1 clip failed." in second.out
    table = run.optional(SPEED).set_index("slice")
    assert table["rtfx"].isna().all()
    assert table["note"]["north"] == "nothing was recognised: 20 from the cache"
    assert tables_but_timings(folder / "a") == tables_but_timings(folder / "b")


def test_cached_and_recognised_clips_in_one_run_are_told_apart(tmp_path):
    rows = tone_rows()
    corpus = tone_corpus(tmp_path / "corpus", rows[:20], audio_of=like_no_other)  # of the north alone
    assert harness(*COMMAND, f"manifest.path={corpus}", "run_dir=a", cwd=tmp_path).exit_status == 0
    corpus = tone_corpus(tmp_path / "corpus", rows, audio_of=like_no_other)
    assert harness(*COMMAND, f"manifest.path={corpus}", "run_dir=b", cwd=tmp_path).exit_status == 0
    run = Run.open(tmp_path / "b")
    assert counts(speed_of(run)) == [40, 20, 20, 0, 0]
    assert "20 from the cache of 40." in speed_sentence(run)
    table = run.optional(SPEED).set_index("slice")
    assert table["n_recognised"].to_dict() == {"all": 20, "north": 0, "south": 20}
    assert table["rtfx"].isna().to_dict() == {"all": False, "north": True, "south": False}
    audio_s = sum(line["audio_s"] for line in hypothesis_lines(run.path) if "cached" not in line)
    assert speed_of(run)["audio_s"] == pytest.approx(audio_s)


def test_a_run_that_was_stopped_and_went_on_sums_its_sessions(tmp_path):
    def stops(_):
        if len(backend.calls) > 4:
            raise KeyboardInterrupt

    backend = Scripted(stops)
    corpus = tone_corpus(tmp_path / "corpus")
    with pytest.raises(KeyboardInterrupt):
        benchmark(benchmark_job(corpus, tmp_path / "run", backend=backend))
    run = benchmark(benchmark_job(corpus, tmp_path / "run", backend=Scripted())).run
    parts = [json.loads(line) for line in (run.path / "sessions.jsonl").read_text().splitlines()]
    assert [(part["ended"], part["n_recognised"]) for part in parts] == [("KeyboardInterrupt", 12), ("done", 28)]
    speed = speed_of(run)
    assert (speed["n_sessions"], speed["n_accounted"], speed["n_given"]) == (2, 40, 40)
    clock_s = sum(part["wall_s"] - part["warm_up_s"] for part in parts)
    assert speed["end_to_end_rtfx"] == pytest.approx(speed["audio_s"] / clock_s)
    assert "killed" not in speed_sentence(run)


def test_a_run_that_was_killed_does_not_say_that_the_rest_took_no_time(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus")
    ended = subprocess.run([sys.executable, "-c", KILLED, corpus, tmp_path / "run"], cwd=REPOSITORY, check=False)
    assert ended.returncode == -9
    n_left = 40 - len(hypothesis_lines(tmp_path / "run"))
    assert 0 < n_left < 40
    run = benchmark(benchmark_job(corpus, tmp_path / "run", backend=Scripted())).run
    (session,) = [json.loads(line) for line in (run.path / "sessions.jsonl").read_text().splitlines()]
    speed = speed_of(run)
    assert counts(speed) == [40, 40, 0, 0, 0]
    assert (speed["n_sessions"], speed["n_accounted"], speed["n_given"]) == (1, n_left, 40)
    assert speed["end_to_end_rtfx"] == pytest.approx(session["audio_s"] / (session["wall_s"] - session["warm_up_s"]))
    assert f"a session that was killed left no account of its time; the others heard {n_left} of 40 clips" in (
        speed_sentence(run)
    )


def test_recognisers_in_processes_of_their_own_say_how_many_they_were(tmp_path):
    job = benchmark_job(
        tone_corpus(tmp_path / "corpus"),
        tmp_path / "run",
        make_backend=partial(Slow, seconds=0.5),  # so that the second is there before all is heard
        executor=ExecutorOptions(workers=2, batch_size=4),
    )
    run = benchmark(job).run
    speed = speed_of(run)
    assert (speed["n_workers"], speed["n_recognised"]) == (2, 40)
    assert sum(speed["stage_shares"].values()) == pytest.approx(1)
    assert 0 <= speed["idle_share"] <= 1
    assert "model-only of one recogniser" in speed_sentence(run)
    assert "end to end with 2" in speed_sentence(run)


@pytest.mark.parametrize(
    ("source", "latency"),
    [pytest.param("run", True, id="run-directory"), pytest.param("run/hypotheses/0001.jsonl", False, id="file")],
)
def test_rescored_transcripts_have_the_model_s_speed_that_they_carry_and_no_other(tmp_path, source, latency):
    corpus = tone_corpus(tmp_path / "corpus")
    original = benchmark(benchmark_job(corpus, tmp_path / "run")).run
    ended = harness(
        "rescore", f"manifest.path={corpus}", "normalizer=verbatim", *FEW_RESAMPLES, f"hypotheses={source}",
        "run_dir=again", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    speed = speed_of(Run.open(tmp_path / "again"))
    assert speed["model_rtfx"] == pytest.approx(speed_of(original)["model_rtfx"])
    assert (speed["n_sessions"], speed["end_to_end_rtfx"]) == (0, None)
    assert (speed["latency_p50_s"] == speed_of(original)["latency_p50_s"]) is latency
    assert "model-only, by the times beside the transcripts; end to end not known" in ended.out


def test_transcripts_without_times_have_no_table_and_no_line(tmp_path):
    rows = tone_rows()
    corpus = tone_corpus(tmp_path / "corpus", rows)
    lines = ["utterance_id,text", *(f"{row['utterance_id']},{row['text']}" for row in rows)]
    Path(tmp_path / "heard.csv").write_text("\n".join(lines) + "\n")
    ended = harness(
        "rescore", f"manifest.path={corpus}", *FEW_RESAMPLES, "hypotheses=heard.csv", "run_dir=run", cwd=tmp_path
    )
    assert ended.exit_status == 0, ended.err
    assert "Speed" not in ended.out
    assert not (tmp_path / "run" / SPEED).exists()
    assert Run.open(tmp_path / "run").facts["speed"] is None
