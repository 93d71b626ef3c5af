"""Each of the faulty recognisers goes wrong in its own way, when it was told to, and hears tones otherwise."""

import signal
import subprocess
import sys

import pytest

from harness.backends import Failure, Tones, check_transcripts, checked_identity, faults
from harness.backends.testing import check_contract
from harness.backends.tones import synthesise
from harness.errors import BackendError, UsageError
from tests.shared import REPOSITORY

CLIPS = [synthesise("one two"), synthesise("three"), synthesise("four")]
HEARD = Tones().transcribe(CLIPS)
TAKING_ALL_OPTIONS = [faults.Dying, faults.Failing, faults.Forgetful, faults.Garbled, faults.Hanging, faults.Refusing]


def wrong(backend, clips=CLIPS):
    """Says whether a call goes wrong, for backends that raise."""
    try:
        return backend.transcribe(clips) != Tones().transcribe(clips)
    except RuntimeError:
        return True


def test_neither_trigger_means_every_call():
    backend = faults.Failing()
    assert [wrong(backend), wrong(backend, CLIPS[:1]), wrong(backend, [])] == [True, True, True]
    assert backend.calls == [3, 1, 0]


def test_a_call_sets_it_off_once():
    backend = faults.Failing(on_call=2)
    assert [wrong(backend) for _ in range(4)] == [False, True, False, False]


def test_a_clip_sets_it_off_in_every_call_that_holds_it_and_in_no_other():
    backend = faults.Failing(on_text="three")
    assert [wrong(backend), wrong(backend, CLIPS[:1]), wrong(backend, CLIPS[1:2])] == [True, False, True]


@pytest.mark.parametrize("trigger", [{}, {"on_text": "three"}])
def test_once_is_once_for_all_objects(tmp_path, trigger):
    backends = [faults.Failing(once=str(tmp_path / "once"), **trigger) for _ in range(2)]
    assert [wrong(backends[0], CLIPS[:1]) for _ in range(1)] == [not trigger]
    assert [wrong(backend) for backend in (*backends, *backends)] == [bool(trigger), False, False, False]


def test_a_refused_clip_is_a_failure_and_the_others_are_heard():
    first, refused, last = faults.Refusing(on_text="three").transcribe(CLIPS)
    assert [first, last] == [HEARD[0], HEARD[2]]
    assert isinstance(refused, Failure)


def test_the_forgetful_one_returns_too_few():
    assert faults.Forgetful().transcribe(CLIPS) == HEARD[:2]


def test_memory_is_enough_for_so_many_clips():
    backend = faults.OutOfMemory(fits=2)
    assert backend.transcribe(CLIPS[:2]) == HEARD[:2]
    with pytest.raises(RuntimeError, match="out of memory") as raised:
        backend.transcribe(CLIPS)
    assert type(raised.value).__name__ == "OutOfMemoryError"


def test_the_slow_one_is_right():
    assert faults.Slow(seconds=0.01).transcribe(CLIPS) == HEARD


@pytest.mark.parametrize("kind", ["nothing", "a_text", "no_transcript", "no_text"])
def test_what_is_garbled_breaks_the_contract(kind):
    backend = faults.Garbled(kind=kind, on_text="three")
    with pytest.raises(BackendError):
        check_transcripts(backend, backend.transcribe(CLIPS), n_waveforms=3)
    assert backend.transcribe(CLIPS[:1]) == HEARD[:1]


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        pytest.param("half_a_character", {"text_is_clean"}, id="half_a_character"),
        pytest.param("no_time", {"words_are_the_text"}, id="no_time"),
        pytest.param("unordered", {"words_are_the_text"}, id="unordered"),
    ],
)
def test_what_is_garbled_more_finely_is_found_by_the_contract(kind, claims):
    findings = check_contract(lambda: faults.Garbled(kind=kind, on_text="one"), longest_s=1.0)
    assert {finding.claim.name for finding in findings if finding.verdict == "broken"} == claims


def test_an_endless_text_is_a_million_characters():
    assert len(faults.Garbled(kind="endless").transcribe(CLIPS[:1])[0].text) == 1_000_000


def in_a_process(program):
    command = [sys.executable, "-c", f"from tests.backends.test_faults import CLIPS, faults\n{program}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_the_dying_one_takes_its_process_with_it(number):
    program = f"backend = faults.Dying(on_text='three', signal_number={int(number)})\n"
    program += "print(backend.transcribe(CLIPS[:1])[0].text, flush=True)\nbackend.transcribe(CLIPS)"
    with in_a_process(program) as process:
        assert process.stdout.read() == "one two\n"
    assert process.returncode == -number


def test_the_hanging_one_is_there_until_it_is_killed():
    program = "import threading\nthreading.Timer(0.2, lambda: print('still there', flush=True)).start()\n"
    with in_a_process(f"{program}faults.Hanging().transcribe(CLIPS)") as process:
        assert process.stdout.readline() == "still there\n"
        assert process.poll() is None
        process.kill()


def test_each_has_an_identity_of_its_own_that_no_option_changes():
    identities = [checked_identity(each()) for each in (*TAKING_ALL_OPTIONS, faults.Slow, faults.OutOfMemory)]
    assert len({tuple(identity.items()) for identity in identities}) == len(identities)
    assert faults.Slow(seconds=9.0, on_text="one").identity() == faults.Slow().identity()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda: faults.Failing(on_call=0), "on_call=0; expected 1 or more", id="call-0"),
        pytest.param(lambda: faults.Failing(on_call=1, on_text="one"), "one of the two", id="both"),
        pytest.param(lambda: faults.Slow(seconds=float("inf")), "seconds=inf", id="for-ever"),
        pytest.param(lambda: faults.OutOfMemory(fits=-1), "fits=-1", id="less-than-none"),
        pytest.param(lambda: faults.Garbled(kind="odd"), "kind='odd'; expected one of nothing, a_text", id="kind"),
        pytest.param(lambda: faults.Dying(signal_number=0), "signal_number=0", id="signal"),
    ],
)
def test_options_out_of_range_are_refused(make, told):
    with pytest.raises(UsageError, match=told):
        make()
