"""A recogniser that dies or hangs takes nothing with it: it is replaced, and only the clip that did it has failed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from harness.backends.faults import Dying, Failing, Hanging, OutOfMemory, Slow
from harness.backends.tones import Tones, synthesise
from harness.corpus import Manifest
from harness.errors import BackendError, UsageError
from harness.transcription.decoding import Batch
from harness.transcription.scheduling import Ahead, heard_in_parallel
from harness.transcription.worker_process import ProcessLine
from harness.transcription.workers import Limits, RecogniserLostError, Remote
from tests.builders import tone_corpus, tone_rows

TEXTS = ["zero one", "two three four", "five"]
CLIPS = [synthesise(text) for text in TEXTS]
LIMITS = Limits(start_s=60.0, batch_s=60.0, per_audio_s=0.0)
IMPATIENT = Limits(start_s=60.0, batch_s=2.0, per_audio_s=0.0)


@pytest.fixture
def worker():
    """Return what makes a worker of a backend's factory; ends them all."""
    made = []

    def make(factory, limits=LIMITS):
        made.append(Remote(ProcessLine(factory, {}), limits))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def utterances(tmp_path):
    rows = tone_rows(("north",), n_speakers=3, n_utterances=1)
    rows = [row | {"text": text} for row, text in zip(rows, TEXTS, strict=True)]
    return list(Manifest.load(tone_corpus(tmp_path / "corpus", rows)).utterances())


def heard(worker, clips=CLIPS):
    return [(each.text, each.error) for each in worker.recognise(clips)]


def run(utterances, *workers, max_losses=4, batch_size=3, n_times=1):
    """Return the text and the error of each utterance, in their order."""
    batches = [utterances[start : start + batch_size] for start in range(0, len(utterances), batch_size)]
    done = heard_in_parallel([Batch(each) for each in batches] * n_times, workers, Ahead(2, 2), max_losses=max_losses)
    found = {each.utterance_id: (each.text, each.error) for batch in done for each in batch.hypotheses}
    return [found[utterance.utterance_id] for utterance in utterances]


def pid_of(worker):
    return worker._line._process.pid


def is_running(pid):
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_hears_what_the_backend_hears_and_is_who_it_is(worker):
    tones = worker(Tones)
    assert tones.identity() == Tones().identity()
    assert heard(tones) == [(text, None) for text in TEXTS]
    assert pid_of(tones) != os.getpid()
    spent = tones.spent()
    assert spent.busy_s > 0
    assert spent.warm_up_s > 0
    assert spent.peak_memory_bytes > 1e6


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_clip_that_kills_the_process_is_the_only_failure_and_says_how_it_died(worker, utterances, n_workers):
    dying = [worker(partial(Dying, on_text=TEXTS[1], signal_number=11)) for _ in range(n_workers)]
    assert run(utterances, *dying) == [
        (TEXTS[0], None),
        (None, "RecogniserLostError: the recogniser's process was ended by SIGSEGV"),
        (TEXTS[2], None),
    ]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_process_that_is_killed_once_costs_no_clip(worker, utterances, tmp_path, batch_size):
    dying = worker(partial(Dying, on_text=TEXTS[1], once=str(tmp_path / "once")))
    assert run(utterances, dying, batch_size=batch_size) == [(text, None) for text in TEXTS]


def test_a_process_that_is_killed_between_batches_is_replaced(worker):
    tones = worker(Tones)
    heard(tones)
    os.kill(pid_of(tones), signal.SIGKILL)
    with pytest.raises(RecogniserLostError, match="SIGKILL, which the system sends when memory runs out"):
        heard(tones)
    assert heard(tones) == [(text, None) for text in TEXTS]


def test_a_clip_that_hangs_is_the_only_failure(worker, utterances):
    first, hung, last = run(utterances, worker(partial(Hanging, on_text=TEXTS[1]), IMPATIENT))
    assert (first, last) == ((TEXTS[0], None), (TEXTS[2], None))
    assert hung[0] is None
    assert "the recogniser gave no answer in 2 s and was stopped (see executor.timeout_s)" in hung[1]


def test_a_process_that_hangs_is_ended(worker):
    hanging = worker(partial(Hanging, on_text=TEXTS[1]), IMPATIENT)
    heard(hanging, CLIPS[:1])
    pid = pid_of(hanging)
    with pytest.raises(RecogniserLostError):
        heard(hanging)
    assert not is_running(pid)


def test_a_backend_that_hangs_on_everything_ends_the_run_with_words(worker, utterances):
    hanging = worker(partial(Hanging, on_call=2), Limits(60.0, 0.5, 0.0))
    with pytest.raises(
        BackendError,
        match=r"lost 3 times in a row, lastly: the recogniser gave no answer in 0.5 s.*what is done is kept",
    ):
        run(utterances, hanging, max_losses=2)


def test_a_backend_that_hangs_before_its_first_clip_ends_the_run_with_words(worker, utterances):
    with pytest.raises(BackendError, match="the recogniser gave no answer in 2 s"):
        run(utterances, worker(Hanging, Limits(2.0, 60.0, 0.0)), max_losses=0)


def test_a_slow_backend_is_no_hanging_one(worker):
    assert heard(worker(partial(Slow, seconds=0.3), IMPATIENT)) == [(text, None) for text in TEXTS]


def test_losses_with_texts_in_between_are_not_in_a_row(worker, utterances):
    dying = worker(partial(Dying, on_text=TEXTS[1]))
    assert [text for text, _ in run(utterances, dying, max_losses=2, n_times=2)] == [TEXTS[0], None, TEXTS[2]]


class Unstartable(Tones):
    """Starts once in this folder, and never again."""

    def __init__(self, folder):
        try:
            (Path(folder) / "started").touch(exist_ok=False)
        except FileExistsError:
            os._exit(7)


def test_a_worker_that_cannot_be_started_again_is_done_without(worker, utterances, tmp_path):
    gone, other = worker(partial(Unstartable, str(tmp_path))), worker(Tones)
    heard(gone)
    os.kill(pid_of(gone), signal.SIGKILL)
    assert run(utterances, gone, other, n_times=4) == [(text, None) for text in TEXTS]


def test_the_last_worker_that_cannot_be_started_again_ends_the_run(worker, utterances, tmp_path):
    gone = worker(partial(Unstartable, str(tmp_path)))
    heard(gone)
    os.kill(pid_of(gone), signal.SIGKILL)
    with pytest.raises(BackendError, match=r"could not be started: the recogniser's process ended with status 7"):
        run(utterances, gone)


def test_what_a_backend_raises_stays_in_its_process_as_a_failure(worker):
    texts = heard(worker(partial(Failing, on_text=TEXTS[0])))
    assert [text for text, _ in texts] == [None, TEXTS[1], TEXTS[2]]
    assert texts[0][1].startswith("RuntimeError: Failing: told to fail")


def test_memory_that_does_not_suffice_is_found_out_there_and_told_here(worker):
    small = worker(partial(OutOfMemory, fits=2))
    assert heard(small, CLIPS[:1] * 6) == [(TEXTS[0], None)] * 6
    assert small.spent().fits == 1


def no_weights():
    raise UsageError("weights=none: no such file; give a path")


def no_backend():
    raise RuntimeError("a defect in the factory")


def test_an_error_with_words_for_the_user_comes_out_as_it_is(worker):
    with pytest.raises(UsageError, match="weights=none: no such file; give a path"):
        worker(no_weights).identity()


def test_a_factory_that_fails_for_no_good_reason_says_what_it_was(worker):
    with pytest.raises(BackendError, match="could not be started: RuntimeError: a defect in the factory"):
        worker(no_backend).identity()


class Talkative(Tones):
    """Prints what nobody asked for."""

    def transcribe(self, waveforms):
        print("loading model...", flush=True)
        return super().transcribe(waveforms)


def test_what_a_backend_prints_is_not_among_the_results(worker, capfd):
    assert heard(worker(Talkative)) == [(text, None) for text in TEXTS]
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "loading model" in printed.err


class Changing(Tones):
    """Is another recogniser after a file was made."""

    def __init__(self, flag):
        self.flag = flag

    def identity(self):
        return {"backend": "changing", "version": Path(self.flag).exists()}


def test_a_recogniser_that_is_another_after_it_was_replaced_ends_the_run(worker, tmp_path):
    changing = worker(partial(Changing, str(tmp_path / "flag")))
    heard(changing)
    os.kill(pid_of(changing), signal.SIGKILL)
    (tmp_path / "flag").touch()
    with pytest.raises(RecogniserLostError):
        heard(changing)
    with pytest.raises(BackendError, match="the recogniser that replaced a lost one is another"):
        heard(changing)


def test_closing_twice_and_before_the_start_is_nothing(worker):
    unused, used = worker(Tones), worker(Tones)
    unused.close()
    heard(used)
    pid = pid_of(used)
    used.close()
    used.close()
    assert not is_running(pid)
    with pytest.raises(BackendError, match="ended"):
        heard(used)


ORPHAN = """
from functools import partial
from harness.backends.faults import Hanging
from harness.backends.tones import synthesise
from harness.transcription.worker_process import ProcessLine
from harness.transcription.workers import Limits, Remote

worker = Remote(ProcessLine(Hanging, {}), Limits(60.0, 60.0, 0.0))
worker.identity()
print(worker._line._process.pid, flush=True)
worker.recognise([synthesise("one")])
"""


def test_a_recogniser_that_hangs_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 120
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


class Tidy(Tones):
    """Hangs, and tidies up when it is told to end."""

    def __init__(self, folder):
        self.left = Path(folder) / "recording.wav"

    def transcribe(self, waveforms):
        self.left.touch()
        if len(waveforms) > 1:
            time.sleep(3600)
        return super().transcribe(waveforms)

    def close(self):
        self.left.unlink(missing_ok=True)


@pytest.mark.parametrize("n_clips", [1, 3], ids=["idle", "busy"])
def test_a_backend_tidies_up_whether_it_is_ended_idle_or_busy(worker, tmp_path, n_clips):
    tidy = worker(partial(Tidy, str(tmp_path)), IMPATIENT)
    if n_clips == 1:
        heard(tidy, CLIPS[:1])
        assert (tmp_path / "recording.wav").exists()
    else:
        with pytest.raises(RecogniserLostError):
            heard(tidy)
    tidy.close()
    assert not (tmp_path / "recording.wav").exists()


def test_a_process_that_is_stopped_while_it_is_sent_audio_is_ended_too(worker):
    tones = worker(Tones, IMPATIENT)
    heard(tones)
    pid = pid_of(tones)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(RecogniserLostError, match="no answer in 2 s"):
        heard(tones, [CLIPS[0]] * 400)
    assert not is_running(pid)
    assert heard(tones) == [(text, None) for text in TEXTS]


def test_a_recogniser_that_dies_before_it_heard_anything_is_no_clip_s_fault(worker, utterances, tmp_path):
    dying = worker(partial(Dying, on_call=1, once=str(tmp_path / "once")))
    assert run(utterances, dying, max_losses=1) == [(text, None) for text in TEXTS]
    never = worker(partial(Dying, on_call=1))
    with pytest.raises(BackendError, match="lost 2 times in a row"):
        run(utterances, never, max_losses=1)


def test_the_time_of_a_lost_recogniser_is_its_own_and_its_start_is_warm_up(worker, tmp_path):
    hanging = worker(partial(Hanging, on_text=TEXTS[1], once=str(tmp_path / "once")), IMPATIENT)
    with pytest.raises(RecogniserLostError) as lost:
        heard(hanging)
    assert lost.value.seconds >= 2
    assert hanging.spent().busy_s >= 2
    before = hanging.spent().warm_up_s
    assert before > 0.05  # a process was started
    heard(hanging)
    assert hanging.spent().warm_up_s > before + 0.05
