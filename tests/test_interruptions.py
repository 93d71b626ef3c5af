"""Killed, interrupted, crowded or out of room, a run keeps what is done, and the same command completes it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders import (
    FEW_RESAMPLES,
    harness,
    harness_process,
    hypothesis_lines,
    noise_for,
    tables_but_timings,
    tone_corpus,
)

BATCH_SIZE = 4
N_UTTERANCES = 40

SLOW = """
import os
import time
from pathlib import Path

from harness.backends.tones import Tones
from harness.errors import BackendError


class Slow(Tones):
    '''Hears tones, writes down how many clips it was given, and holds on before a batch while a file is there.'''

    def __init__(self, *, diary: str, weights: bool = True) -> None:
        self.diary, self.weights, self.n_whole = Path(diary), weights, 0

    def transcribe(self, waveforms):
        if not self.weights:
            raise BackendError("the weights cannot be fetched; give a path")
        self.n_whole += len(waveforms) > 1  # the warm-up is one clip
        while self.n_whole == 5 and os.path.exists(os.environ.get("HELD", "")):
            time.sleep(0.02)
        with self.diary.open("a") as diary:
            diary.write(f"{len(waveforms)}\\n")
        return super().transcribe(waveforms)
"""

STOPS_AT = """
import sys
import time


class Stops:
    def find_spec(self, name, path=None, target=None):
        if name == "MODULE":
            print("loading", flush=True)
            time.sleep(60)


sys.meta_path.insert(0, Stops())
"""


@dataclass(frozen=True)
class Workplace:
    """Is a folder with a corpus and a backend; every command in it is the same command.

    What is started in a process of its own holds on in the middle while the file `held` is there.
    """

    folder: Path

    def command(self, run_dir: str | None = "run", *more: str, weights: bool = True) -> list[str]:
        return [
            "benchmark", *more, "manifest=file", f"manifest.path={self.folder / 'corpus' / 'manifest.jsonl'}",
            "normalizer=verbatim", *FEW_RESAMPLES, f"executor.batch_size={BATCH_SIZE}", "cache.enabled=false",
            "allow_targets=[third_party_slow.Slow]", "backend=tones", "backend._target_=third_party_slow.Slow",
            f"+backend.diary={self.folder / 'diary'}", f"+backend.weights={weights}",
            *([f"run_dir={run_dir}"] if run_dir else []),
        ]  # fmt: skip

    def start(self, *more: str, run_dir: str | None = "run", **options) -> "subprocess.Popen[str]":
        (held := self.folder / "held").touch()
        place = {"PYTHONPATH": str(self.folder), "HELD": str(held)}
        return harness_process(*self.command(run_dir, *more, **options), cwd=self.folder, **place)

    def run(self, **options):
        return harness(*self.command(**options), cwd=self.folder)

    def heard(self) -> int:
        """Return how many clips the backend was given, warm-ups left out."""
        lines = (self.folder / "diary").read_text().splitlines()
        return sum(map(int, lines)) - lines.count("1")  # batches of this corpus are whole: only silence is alone


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    (tmp_path / "third_party_slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    tone_corpus(tmp_path / "corpus", audio_of=noise_for("south"))
    yield Workplace(tmp_path)
    sys.modules.pop("third_party_slow", None)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return the tables of the same corpus and backend, left alone."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "third_party_slow.py").write_text(SLOW)
    tone_corpus(folder / "corpus", audio_of=noise_for("south"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        assert Workplace(folder).run().exit_status == 3
    sys.modules.pop("third_party_slow", None)
    return tables_but_timings(folder / "run")


@contextmanager
def half_way(process, folder, *, n_batches=3):
    """Wait until a run in the folder has some batches on the disk; yield the run."""
    deadline = time.monotonic() + 300
    while not (runs := [run for run in runs_in(folder) if len(hypothesis_lines(run)) >= n_batches * BATCH_SIZE]):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield runs[0]
    finally:
        process.kill()
        process.communicate()


def runs_in(folder):
    return [path.parent for path in folder.rglob("run.json")]


def test_ctrl_c_ends_with_130_and_the_same_command_does_the_rest(workplace, uninterrupted):
    process = workplace.start()
    with half_way(process, workplace.folder):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 130
    assert "what is done is kept. The same command goes on from there" in said
    assert "Traceback" not in said
    kept = len(hypothesis_lines(workplace.folder / "run"))
    assert 0 < kept < N_UTTERANCES
    assert not (workplace.folder / "run" / "summary.json").exists()
    ended = workplace.run()
    assert ended.exit_status == 3, ended.err
    assert f"{N_UTTERANCES - kept} clips transcribed" in ended.err
    assert tables_but_timings(workplace.folder / "run") == uninterrupted


def test_ctrl_c_ends_a_sweep_and_not_only_one_of_its_jobs(workplace):
    process = workplace.start("-m", "seed=1,2,3", run_dir=None)
    with half_way(process, workplace.folder, n_batches=1):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 130
    assert said.count("what is done is kept") == 1
    assert len(runs_in(workplace.folder)) == 1


@pytest.mark.parametrize("module", ["hydra", "pandas", "soundfile", "harness.report.screen"])
def test_ctrl_c_while_the_command_is_still_loading_ends_with_130_without_a_traceback(workplace, module):
    """A finder that stops at one import stands for the first second, in which a person may think better of it."""
    (workplace.folder / "sitecustomize.py").write_text(STOPS_AT.replace("MODULE", module))
    process = workplace.start()
    try:
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert runs_in(workplace.folder) == []


def test_a_kill_costs_at_most_one_batch_and_the_tables_are_the_same(workplace, uninterrupted):
    process = workplace.start()
    with half_way(process, workplace.folder):
        process.kill()
        process.wait()
    kept = hypothesis_lines(workplace.folder / "run")
    assert 0 < len(kept) < N_UTTERANCES
    assert workplace.run().exit_status == 3
    lines = hypothesis_lines(workplace.folder / "run")
    assert lines[: len(kept)] == kept
    assert len(lines) == N_UTTERANCES  # nothing that was done is done again
    assert N_UTTERANCES <= workplace.heard() <= N_UTTERANCES + BATCH_SIZE
    assert tables_but_timings(workplace.folder / "run") == uninterrupted


def test_without_run_dir_the_same_command_finds_the_run_that_was_killed(workplace, uninterrupted):
    process = workplace.start(run_dir=None)
    with half_way(process, workplace.folder) as run:
        process.kill()
        process.wait()
    assert workplace.run(run_dir=None).exit_status == 3
    assert runs_in(workplace.folder) == [run]
    assert tables_but_timings(run) == uninterrupted


def test_two_at_once_never_write_into_one_run(workplace):
    process = workplace.start(run_dir=None)
    with half_way(process, workplace.folder, n_batches=1) as first:
        refused = workplace.run(run_dir=str(first))
        assert refused.exit_status == 2
        assert f"{first}: another process works in it" in refused.err
        assert process.poll() is None
        assert workplace.run(run_dir=None).exit_status == 3
        (workplace.folder / "held").unlink()
        process.communicate(timeout=300)
        assert process.returncode == 3
    both = runs_in(workplace.folder)
    assert len(both) == 2
    assert [len(hypothesis_lines(run)) for run in both] == [N_UTTERANCES] * 2


@pytest.fixture
def finished(workplace):
    assert workplace.run().exit_status == 3
    return workplace


def hypotheses_of(workplace):
    (path,) = (workplace.folder / "run" / "hypotheses").iterdir()
    return path


@pytest.mark.parametrize("n_bytes", [1, 40, -1], ids=["one-byte", "some", "all-but-the-newline"])
def test_a_torn_last_line_is_dropped_and_redone(finished, uninterrupted, n_bytes):
    path = hypotheses_of(finished)
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + last[:n_bytes])
    ended = finished.run()
    assert ended.exit_status == 3, ended.err
    assert "1 clips transcribed" in ended.err
    assert tables_but_timings(finished.folder / "run") == uninterrupted


def test_a_damaged_line_elsewhere_is_an_error_that_names_it(finished):
    path = hypotheses_of(finished)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:6], lines[6][:30] + b"\n", *lines[7:]]))
    ended = finished.run()
    assert ended.exit_status == 1
    assert f"{path.relative_to(finished.folder)}:7: not a hypothesis" in ended.err
    assert "Traceback" not in ended.err


def test_a_backend_that_cannot_start_ends_with_1_and_records_nothing(workplace):
    ended = workplace.run(weights=False)
    assert ended.exit_status == 1
    assert ended.err.splitlines()[-1] == "harness: the weights cannot be fetched; give a path"
    assert hypothesis_lines(workplace.folder / "run") == []


@contextmanager
def small_disk(folder, *, kib):
    """Mount a file system of a few pages; skip where this is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
@pytest.mark.parametrize("kib", [4, 16, 32, 48])
def test_a_full_disk_ends_with_1_and_with_room_the_same_command_completes_the_run(workplace, uninterrupted, kib):
    disk = workplace.folder / "disk"
    with small_disk(disk, kib=kib):
        ended = workplace.run(run_dir="disk/run")
        assert ended.exit_status == 1, ended.err
        assert "No space left on device" in ended.err
        assert "give the same command again" in ended.err
        assert "Traceback" not in ended.err
        kept = len(hypothesis_lines(disk / "run"))
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        ended = workplace.run(run_dir="disk/run")
        assert ended.exit_status == 3, ended.err
        assert kept == 0 or workplace.heard() <= N_UTTERANCES + BATCH_SIZE
        assert tables_but_timings(disk / "run") == uninterrupted
