"""What is computed in another process is what would be computed here, and what goes wrong there goes wrong here."""

import os
import signal

import pytest

from harness.pipelines import beside as module
from harness.pipelines.beside import beside
from tests.builders import FEW_RESAMPLES, harness, noise_for, tables_but_timings, tone_corpus

MANY = 10**9


def test_a_small_corpus_is_computed_here():
    with beside(os.getpid, n_rows=10) as result:
        assert result() == os.getpid()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_a_large_one_in_another_process():
    with beside(os.getpid, n_rows=MANY) as result:
        assert result() != os.getpid()


def test_a_process_that_is_ended_costs_nothing_but_time():
    here = os.getpid()

    def dies_elsewhere():
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return "computed"

    with beside(dies_elsewhere, n_rows=MANY) as result:
        assert result() == "computed"


def test_an_error_is_raised_here(capfd):
    def fails():
        raise ValueError("a defect")

    with beside(fails, n_rows=MANY) as result, pytest.raises(ValueError, match="a defect"):
        result()
    capfd.readouterr()


def test_leaving_early_ends_the_process():
    def waits():
        signal.pause()

    with beside(waits, n_rows=MANY):
        pass  # a hang here is a failure


def test_a_run_has_the_same_tables_either_way(tmp_path, monkeypatch):
    manifest = tone_corpus(tmp_path / "corpus", audio_of=noise_for("south"))
    command = ["benchmark", f"manifest.path={manifest}", "backend=tones", *FEW_RESAMPLES]
    here = harness(*command, "run_dir=here", cwd=tmp_path)
    monkeypatch.setattr(module, "WORTH_IT", 0)
    there = harness(*command, "run_dir=there", cwd=tmp_path)
    assert here.exit_status == there.exit_status
    assert tables_but_timings(tmp_path / "here") == tables_but_timings(tmp_path / "there")
    normalizers = [(tmp_path / each / "normalizers.csv").read_bytes() for each in ("here", "there")]
    assert normalizers[0] == normalizers[1]
