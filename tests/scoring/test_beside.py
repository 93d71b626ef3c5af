"""What is computed in another process is what would be computed here, and what goes wrong there goes wrong here."""

import os
import signal

import pytest

from harness.scoring import beside as module
from harness.scoring.beside import beside, in_shares
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
    assert capfd.readouterr().err == ""


def test_leaving_early_ends_the_process():
    def waits():
        signal.pause()

    with beside(waits, n_rows=MANY):
        pass  # a hang here is a failure


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1_000])
def test_shares_come_back_whole_and_in_order(n_rows, monkeypatch):
    monkeypatch.setattr(module, "WORTH_IT", 1)
    monkeypatch.setattr(module, "SMALLEST_SHARE", 2)
    monkeypatch.setattr(module, "_n_processes", lambda: 5)
    texts, numbers = [f"text {i}" for i in range(n_rows)], list(range(n_rows))
    shares = in_shares(lambda some, others: (os.getpid(), list(zip(some, others, strict=True))), texts, numbers)
    assert [pair for _, pairs in shares for pair in pairs] == list(zip(texts, numbers, strict=True))
    assert len({pid for pid, _ in shares}) == len(shares) == min(5, 1 + n_rows // 2)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_a_share_of_a_share_is_computed_where_it_is(monkeypatch):
    monkeypatch.setattr(module, "WORTH_IT", 1)
    monkeypatch.setattr(module, "SMALLEST_SHARE", 2)

    def own(rows):
        return os.getpid(), list(in_shares(lambda _: os.getpid(), rows))

    *elsewhere, here = in_shares(own, [1] * 100)
    assert elsewhere
    assert all(inner == [pid] for pid, inner in elsewhere)
    assert here[0] == os.getpid()


def test_a_run_has_the_same_tables_either_way(tmp_path, monkeypatch):
    manifest = tone_corpus(tmp_path / "corpus", audio_of=noise_for("south"))
    command = ["benchmark", f"manifest.path={manifest}", "backend=tones", *FEW_RESAMPLES]
    here = harness(*command, "run_dir=here", cwd=tmp_path)
    monkeypatch.setattr(module, "WORTH_IT", 0)
    monkeypatch.setattr(module, "SMALLEST_SHARE", 10)
    there = harness(*command, "run_dir=there", cwd=tmp_path)
    assert here.exit_status == there.exit_status
    assert tables_but_timings(tmp_path / "here") == tables_but_timings(tmp_path / "there")
    normalizers = [(tmp_path / each / "normalizers.csv").read_bytes() for each in ("here", "there")]
    assert normalizers[0] == normalizers[1]
