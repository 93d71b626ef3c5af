"""Any program is a recogniser; whatever it does wrong is a clip's failure in words, and nothing of it is left behind.

The program is a real one: it answers with the number of samples and a checksum of them, and misbehaves on clips of
certain lengths.
"""

import gc
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.audio import read_waveform
from harness.backends import Failure, PocketSphinx, Transcript, Word
from harness.backends.command import Command
from harness.errors import BackendError, UsageError
from tests.shared import DATA, REPOSITORY, needs_data

PROGRAM = """
import base64, io, json, os, signal, subprocess, sys, time, wave, zlib

def tell(answer):
    print(answer if isinstance(answer, str) else json.dumps(answer), flush=True)

def answer_to(clip):
    file = clip["audio"] if "audio" in clip else io.BytesIO(base64.b64decode(clip["audio_base64"]))
    with wave.open(file) as recording:
        pcm = recording.readframes(recording.getnframes())
    return {"id": clip["id"], "text": f"{len(pcm) // 2} {zlib.crc32(pcm)}"}

with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
exec(sys.argv[1])  # what to do first
actions = json.loads(sys.argv[2])  # what to do on a clip of so many samples
held = []
for line in sys.stdin:
    clip = json.loads(line)
    answer = answer_to(clip)
    action = actions.get(answer["text"].split()[0])
    if action:
        exec(action)
    else:
        tell(answer)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "recogniser.py"
    path.write_text(PROGRAM)
    return str(path)


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def make(program, tmp_path, request):
    """Returns a maker of commands that are closed when the test ends."""

    def made(actions=None, *, first="", arguments=(), **options):
        command = [sys.executable, "-S", program, first, json.dumps(actions or {}), *arguments]
        limits = {"start_timeout_s": 60.0, "timeout_s": 60.0, "cwd": str(tmp_path)}
        backend = Command(command=command, **limits | options)
        request.addfinalizer(backend.close)
        return backend

    return made


def clip(num_samples):
    return np.random.default_rng(num_samples).uniform(-1.2, 1.2, num_samples).astype(np.float32)


def expected(num_samples):
    pcm = np.clip(np.rint(clip(num_samples) * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return f"{num_samples} {zlib.crc32(pcm)}"


def texts(heard):
    return [each.text if isinstance(each, Transcript) else None for each in heard]


def pids(folder):
    return [int(line) for line in (folder / "pids").read_text().split()]


def gone(pid):
    """Waits until a process has ended; pytest's own limit is the only one."""
    while _is_alive(pid):
        time.sleep(0.01)
    return True


def _is_alive(pid):
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def clips_left(folder):
    return sorted(path.name for path in folder.glob("harness-clips-*/*.wav"))


@pytest.mark.parametrize("audio", ["wav", "base64"])
@pytest.mark.parametrize("in_flight", [1, 3])
def test_every_clip_is_heard_exactly_and_in_order(make, tmp_path, audio, in_flight):
    backend = make(audio=audio, in_flight=in_flight)
    sizes = [100, 16_000, 0, 1, 400_000, 2_000]
    heard = backend.transcribe([clip(size) for size in sizes])
    assert texts(heard) == [expected(size) if size else "" for size in sizes]
    assert all(each.latency_s > 0 for each, size in zip(heard, sizes, strict=True) if size)
    assert backend.transcribe([]) == []
    assert len(pids(tmp_path)) == 1
    assert clips_left(tmp_path) == []


def test_a_float_file_is_exact(make, tmp_path):
    copying = "import shutil\ndef answer_to(clip): shutil.copy(clip['audio'], 'copy'); return dict(clip, text='a b')"
    assert texts(make(first=copying, audio="wav_float").transcribe([clip(1_000)])) == ["a b"]
    assert soundfile.info(tmp_path / "copy").subtype == "FLOAT"
    samples, sample_rate = soundfile.read(tmp_path / "copy", dtype="float32")
    assert sample_rate == 16_000
    np.testing.assert_array_equal(samples, clip(1_000))


def test_answers_may_come_in_any_order(make):
    holding = "held.append(answer)\nif len(held) == 3:\n    for each in reversed(held): tell(each)"
    backend = make({"10": holding, "11": holding, "12": holding}, in_flight=3)
    assert texts(backend.transcribe([clip(10), clip(11), clip(12), clip(13)])) == [
        expected(size) for size in (10, 11, 12, 13)
    ]


def test_a_clip_waits_for_an_answer_while_others_are_heard(make):
    """One that is slow does not use up the time of those asked for beside it: time counts from the last answer."""
    backend = make({"10": "held.append(answer)", "14": "tell(answer); tell(held[0])"}, in_flight=2)
    sizes = [10, 11, 12, 13, 14]
    assert texts(backend.transcribe([clip(size) for size in sizes])) == [expected(size) for size in sizes]


def test_words_costs_and_failures_are_kept_as_they_were_told(make):
    told = {
        "words": [{"text": "on", "start_s": 0, "end_s": 0.5, "confidence": 1}, {"text": "e", "start_s": 1, "end_s": 1}]
    }
    backend = make(
        {
            "10": f"tell(dict(id=clip['id'], text=' on e\\n', cost_usd=0.25, note='x', **{told!r}))",
            "11": "tell({'id': clip['id'], 'error': 'too long', 'cost_usd': 0.5})",
            "12": "tell({'id': clip['id'], 'text': ''})",
        }
    )
    one, two, three, four = backend.transcribe([clip(10), clip(11), clip(12), clip(13)])
    assert (one.text, one.cost_usd) == ("on e", 0.25)
    assert one.words == (Word("on", 0.0, 0.5, 1.0), Word("e", 1.0, 1.0, None))
    assert isinstance(two, Failure)
    assert two.reason.endswith("the program answered with an error: too long")
    assert two.cost_usd == 0.5
    assert three.text == ""
    assert four.text == expected(13)


TROUBLES = [
    pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV", id="crash"),
    pytest.param(
        "print('no memory', file=sys.stderr); os._exit(3)", "exit status 3; last on stderr: .*no memory", id="exit"
    ),
    pytest.param("os.close(1); time.sleep(1000)", "closed its stdout", id="closed-stdout"),
    pytest.param("tell('Loading the model...')", "no JSON: 'Loading the model...'", id="log-line"),
    pytest.param("tell('[1, 2]')", "no JSON object: '\\[1, 2\\]'", id="list"),
    pytest.param('tell(\'{"text": "one"}\')', "whose id is no number", id="no-id"),
    pytest.param('tell(\'{"id": true, "text": "one"}\')', "whose id is no number", id="id-of-another-kind"),
    pytest.param("tell({'id': clip['id'] + 100, 'text': 'one'})", r"answered id \d+; expected one of", id="wrong-id"),
    pytest.param("tell({'identity': {}})", "wrote its identity twice", id="late-identity"),
    pytest.param("tell('[' * 100_000)", "no JSON", id="nested-too-deep"),
    pytest.param(
        "sys.stdout.buffer.write(b'{\"id\": \\xc3\\n'); sys.stdout.flush()", 'no JSON: \'{"id": \ufffd', id="half-utf-8"
    ),
    pytest.param("tell('x' * 100_000_000)", "more than 16 MiB", id="endless-line"),
    pytest.param("while True: print('x' * 1000)", "no JSON: 'xxx", id="endless-lines"),
]


@pytest.mark.parametrize("in_flight", [1, 3])
@pytest.mark.parametrize(("action", "told"), TROUBLES)
def test_a_clip_that_goes_wrong_is_a_failure_and_its_neighbours_are_heard(make, tmp_path, action, told, in_flight):
    backend = make({"777": action}, in_flight=in_flight)
    first, failed, last = backend.transcribe([clip(100), clip(777), clip(200)])
    assert texts([first, last]) == [expected(100), expected(200)]
    assert isinstance(failed, Failure)
    assert re.search(told, failed.reason), failed.reason
    assert len(failed.reason) < 800
    assert texts(backend.transcribe([clip(300)])) == [expected(300)]
    assert all(gone(pid) for pid in pids(tmp_path)[:-1])
    assert clips_left(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param({"text": 7}, "no text", id="text-is-a-number"),
        pytest.param({"text": None}, "no text", id="text-is-null"),
        pytest.param({}, "no text .* and no error", id="nothing"),
        pytest.param({"text": "\ud800"}, "half a character", id="half-a-character"),
        pytest.param({"text": "one", "words": "one"}, "words that are no list", id="words-are-a-text"),
        pytest.param({"text": "one", "words": ["one"]}, "a word that has no text, at 0", id="word-is-a-text"),
        pytest.param(
            {"text": "a", "words": [{"text": "a", "start_s": 2, "end_s": 1}]}, "from 2.0 s to 1.0 s", id="backwards"
        ),
        pytest.param({"text": "a", "words": [{"text": "a", "start_s": 2}]}, "end_s that is no finite", id="no-end"),
        pytest.param(
            {"text": "a", "words": [{"text": "a", "start_s": math.nan, "end_s": 1}]}, "start_s", id="not-a-number"
        ),
        pytest.param(
            {"text": "a", "words": [{"text": "a", "start_s": 0, "end_s": 1, "confidence": 99}]},
            "confidence of 99",
            id="percent",
        ),
        pytest.param({"text": "a", "cost_usd": "free"}, "cost_usd", id="cost-is-a-text"),
    ],
)
def test_an_answer_that_makes_no_sense_is_that_clip_s_failure_without_a_restart(make, tmp_path, answer, told):
    backend = make({"777": f"nan = math.nan; tell(dict({answer!r}, id=clip['id']))"}, first="import math")
    first, failed, last = backend.transcribe([clip(100), clip(777), clip(200)])
    assert texts([first, last]) == [expected(100), expected(200)]
    assert isinstance(failed, Failure)
    assert re.search(told, failed.reason), failed.reason
    assert len(pids(tmp_path)) == 1


@pytest.mark.parametrize("in_flight", [1, 2])
def test_a_program_that_hangs_is_killed_with_its_children_and_the_next_clip_heard(make, tmp_path, in_flight):
    hanging = "child = subprocess.Popen(['sleep', '1000']); open('pids', 'a').write(f'{child.pid}\\n'); child.wait()"
    backend = make({"777": hanging}, timeout_s=2.0, timeout_per_audio_s=0.0, in_flight=in_flight)
    backend.load()
    first, failed, last = backend.transcribe([clip(100), clip(777), clip(200)])
    assert texts([first, last]) == [expected(100), expected(200)]
    assert isinstance(failed, Failure)
    assert "gave no answer in 2.0 s" in failed.reason
    assert failed.latency_s >= 2
    assert all(gone(pid) for pid in pids(tmp_path)[:-1])


def test_a_longer_clip_has_longer(make):
    late = "time.sleep(0.6); tell(answer)"
    backend = make({"16000": late, "100": late}, timeout_s=0.2, timeout_per_audio_s=10.0)
    heard = backend.transcribe([clip(16_000), clip(100)])
    assert texts(heard) == [expected(16_000), None]


def test_a_program_that_dies_once_costs_no_clip(make, tmp_path):
    dying = "if not os.path.exists('once'): open('once', 'w'); os._exit(1)\ntell(answer)"
    backend = make({"777": dying}, restarts=1)
    assert texts(backend.transcribe([clip(100), clip(777)])) == [expected(100), expected(777)]
    assert len(pids(tmp_path)) == 2


def test_a_program_that_dies_between_two_calls_is_started_again(make, tmp_path):
    backend = make()
    backend.load()
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    assert texts(backend.transcribe([clip(100)])) == [expected(100)]
    assert len(pids(tmp_path)) == 2


@pytest.mark.parametrize("number", ["clip['id']", "clip['id'] + 1"])
def test_a_program_that_says_more_than_it_was_asked_is_not_believed(make, number):
    """Its second answer to a clip cannot become the answer to the next."""
    backend = make({"777": f"tell(answer); tell(dict(answer, id={number}, text='wrong'))"})
    for _ in range(3):
        assert texts(backend.transcribe([clip(777), clip(100)])) == [expected(777), expected(100)]
        time.sleep(0.05)


def test_a_program_that_never_answers_again_is_given_up_after_so_many_restarts(make, tmp_path):
    backend = make({str(size): "print('no GPU', file=sys.stderr); os._exit(9)" for size in range(1, 100)}, restarts=3)
    with pytest.raises(BackendError, match=r"(?s)exit status 9: trouble 4 times in a row .*restarts=3.*no GPU"):
        backend.transcribe([clip(size) for size in range(1, 10)])
    assert len(pids(tmp_path)) == 4
    with pytest.raises(BackendError, match="5 times in a row"):  # given up until it answers
        backend.transcribe([clip(1)])
    assert texts(backend.transcribe([clip(100)])) == [expected(100)]
    assert isinstance(backend.transcribe([clip(1)])[0], Failure)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        pytest.param(
            "print('no such model', file=sys.stderr); sys.exit(2)", "exit status 2.*stderr:\nno such model", id="exits"
        ),
        pytest.param("print('Ready!', flush=True)", "no JSON: 'Ready!'.*writes nothing but answers there", id="logs"),
        pytest.param(
            "sys.stdin.read = sys.stdin.read()", "gave no answer in 2.0 s.*flushes its stdout", id="reads-to-the-end"
        ),
        pytest.param(
            "answer_to = lambda clip: {'id': clip['id'], 'text': 'a', 'words': 7}",
            "words that are no list",
            id="senseless",
        ),
        pytest.param("tell({'identity': [1]})", "identity that is no object", id="identity-is-a-list"),
        pytest.param("tell({'identity': {'a': [1]}})", "identity whose 'a' is no text", id="identity-is-not-plain"),
        pytest.param("tell({'identity': {}}); tell({'identity': {}})", "identity twice", id="two-identities"),
        pytest.param("raise SystemExit('\\n'.join(map(str, range(50))))", "stderr:\n30\n.*\n49$", id="long-stderr"),
    ],
)
@pytest.mark.parametrize("start", ["load", "identity", "transcribe"])
def test_a_program_that_cannot_work_is_an_error_before_the_first_clip(make, tmp_path, first, told, start):
    backend = make(first=first, start_timeout_s=2.0 if "stdin" in first else 60.0)
    with pytest.raises(BackendError) as raised:
        getattr(backend, start)(*([[clip(100)]] if start == "transcribe" else []))
    assert re.search(told, str(raised.value), re.DOTALL), raised.value
    assert len(pids(tmp_path)) == 1
    assert gone(pids(tmp_path)[0])


def test_a_lot_on_stderr_blocks_nobody(make):
    assert texts(make({"10": "sys.stderr.write('x' * 10_000_000); tell(answer)"}).transcribe([clip(10)])) == [
        expected(10)
    ]


def test_a_program_that_writes_much_before_it_reads_is_not_waited_for_for_ever(make):
    """A clip of many bytes in the line meets a program that writes as many: neither waits for the other."""
    long = "tell(dict(answer, note='x' * 10_000_000))"
    backend = make({"2000000": long, "2000001": long}, audio="base64", in_flight=2)
    assert texts(backend.transcribe([clip(2_000_000), clip(2_000_001)])) == [expected(2_000_000), expected(2_000_001)]


def test_what_the_program_says_of_itself_is_part_of_the_identity(make):
    greeting = {"model": "small", "layers": 4, "scale": 0.5, "quantised": True, "adapter": None}
    identity = make(first=f"tell({{'identity': {greeting!r}}})", version="2", audio="base64").identity()
    assert {key: identity[f"program.{key}"] for key in greeting} == greeting
    assert (identity["backend"], identity["version"], identity["audio"]) == ("command", "2", "base64")
    assert identity["command"].startswith(f"{Path(sys.executable).name} -S recogniser.py ")


def test_the_identity_is_that_of_the_files_wherever_they_lie(make, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "model").mkdir(parents=True)
        (tmp_path / folder / "model" / "weights").write_text("1 2 3")
        (tmp_path / folder / "words.txt").write_text("one")
    arguments = {each: (f"{each}/model", f"--words={tmp_path}/{each}/words.txt", "--threads=4") for each in "ab"}
    identities = {each: make(arguments=arguments[each]).identity() for each in "ab"}
    assert identities["a"] == identities["b"]
    assert identities["a"]["command"].endswith(" model --words=words.txt --threads=4")
    assert str(tmp_path) not in json.dumps(identities)
    (tmp_path / "b" / "words.txt").write_text("two")
    other_words = make(arguments=arguments["b"]).identity()
    (tmp_path / "b" / "model" / "weights").write_text("1 2 4")
    other_weights = make(arguments=arguments["b"]).identity()
    others = [make(), make(version="2"), make(audio="base64"), make({"1": "pass"}), make(arguments=("--threads=8",))]
    different = [identities["a"], other_words, other_weights, *(each.identity() for each in others)]
    assert len({json.dumps(each) for each in different}) == len(different)


def test_options_that_decide_no_text_are_not_in_the_identity(make):
    assert make(in_flight=4, timeout_s=1.0, restarts=9, start_timeout_s=9.0).identity() == make().identity()


def test_a_program_that_comes_back_as_another_recogniser_ends_the_run(make):
    first = "tell({'identity': {'model': 'large' if os.path.exists('once') else 'small'}}); open('once', 'w')"
    backend = make({"777": "os._exit(1)"}, first=first)
    with pytest.raises(BackendError, match=r"calls itself \{'model': 'large'\}; expected .*small"):
        backend.transcribe([clip(100), clip(777)])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"command": None}, "expected a list of a program and its arguments", id="no-command"),
        pytest.param({"command": []}, "expected a list", id="empty"),
        pytest.param({"command": "python x.py"}, "expected a list", id="a-text"),
        pytest.param({"command": ["python3", 4]}, "has 4; expected texts", id="a-number"),
        pytest.param({"command": ["no-such-recogniser"]}, "no such program in the PATH", id="not-in-the-path"),
        pytest.param({"command": ["./no/such"]}, "no such program relative to", id="no-file"),
        pytest.param({"command": [__file__]}, "may it be executed", id="not-executable"),
        pytest.param({"cwd": "/no/such"}, "no such folder", id="no-folder"),
        pytest.param({"audio": "mp3"}, "audio='mp3'; expected one of wav, wav_float, base64", id="audio"),
        pytest.param({"in_flight": 0}, "in_flight=0", id="in-flight"),
        pytest.param({"restarts": -1}, "restarts=-1", id="restarts"),
        pytest.param({"timeout_s": 0.0}, "timeout_s=0.0; expected a finite number of seconds > 0", id="no-time"),
        pytest.param({"start_timeout_s": math.inf}, "start_timeout_s=inf", id="for-ever"),
        pytest.param({"timeout_per_audio_s": -1.0}, "timeout_per_audio_s=-1.0", id="less-time"),
    ],
)
def test_wrong_options_are_refused_at_once(options, told):
    with pytest.raises(UsageError, match=told):
        Command(**{"command": ["python3"]} | options)


def test_a_file_that_no_system_can_run_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "recogniser"
    path.write_text("no program")
    path.chmod(0o755)
    with pytest.raises(BackendError, match=r"recogniser cannot be started: .*Exec format error"):
        Command(command=[str(path)]).load()


def test_a_folder_of_too_many_files_is_refused(make, tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(1_001):
        (tmp_path / "data" / str(number)).touch()
    with pytest.raises(UsageError, match="more than 1,000 files"):
        make(arguments=("data",)).identity()


@pytest.mark.parametrize("waveform", [np.array([np.nan], np.float32), np.zeros(10), np.zeros((2, 2), np.float32)])
def test_what_is_no_waveform_never_reaches_the_program(make, tmp_path, waveform):
    with pytest.raises(BackendError, match="Command: waveform 1"):
        make().transcribe([clip(10), waveform])
    assert not (tmp_path / "pids").exists()


def test_closing_ends_the_program_and_removes_its_folder_and_the_next_clip_starts_it_again(make, tmp_path):
    backend = make(first="import atexit; atexit.register(lambda: open('ended', 'w'))")
    assert texts(backend.transcribe([clip(10)])) == [expected(10)]
    backend.close()
    backend.close()
    assert (tmp_path / "ended").exists(), "it saw the end of its stdin and was given time"
    assert list(tmp_path.glob("harness-clips-*")) == []
    assert texts(backend.transcribe([clip(10)])) == [expected(10)]


def test_a_command_that_nobody_refers_to_leaves_nothing_behind(program, tmp_path):
    backend = Command(command=[sys.executable, "-S", program, "", "{}"], cwd=str(tmp_path))
    backend.load()
    assert len(list(tmp_path.glob("harness-clips-*"))) == 1
    del backend
    gc.collect()
    assert gone(pids(tmp_path)[0])
    assert list(tmp_path.glob("harness-clips-*")) == []


HARNESS = """
import sys, time, numpy as np
from harness.backends.command import Command
backend = Command(command=[sys.executable, "-S", *sys.argv[1:]], cwd=".")
backend.load()
print("ready", flush=True)
exec(sys.stdin.readline())
"""


def harness_of(program, folder, actions):
    return subprocess.Popen(
        [sys.executable, "-c", HARNESS, program, "", json.dumps(actions)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)},
    )


@pytest.mark.parametrize(
    ("then", "end"),
    [
        pytest.param("pass", None, id="the-end-of-the-program"),
        pytest.param("1 / 0", None, id="an-error"),
        pytest.param("backend.transcribe([np.ones(777, np.float32)])", signal.SIGINT, id="ctrl-c"),
        pytest.param("backend.transcribe([np.ones(777, np.float32)])", signal.SIGKILL, id="killed"),
    ],
)
def test_nothing_outlives_the_harness_however_it_ends(program, tmp_path, then, end):
    acting = "open('asked', 'w').close(); import select; select.select([sys.stdin], [], [])"
    with harness_of(program, tmp_path, {"777": acting}) as running:
        assert running.stdout.readline() == "ready\n"
        running.stdin.write(then + "\n")
        running.stdin.flush()
        if end is not None:
            while not (tmp_path / "asked").exists():
                time.sleep(0.01)
            running.send_signal(end)
        running.communicate()
    assert gone(pids(tmp_path)[0])
    if end == signal.SIGKILL:  # what it could not remove, the next one does
        assert len(clips_left(tmp_path)) == 1
        Command(command=[sys.executable, "-S", program, "", "{}"], cwd=str(tmp_path)).load()
        gc.collect()
    assert list(tmp_path.glob("harness-clips-*")) == []


def test_the_folder_of_a_living_command_is_left_alone(make, tmp_path):
    first, second = make(), make()
    first.load()
    second.load()
    assert len(list(tmp_path.glob("harness-clips-*"))) == 2
    assert texts(first.transcribe([clip(10)])) == [expected(10)]


def test_an_interrupt_leaves_a_command_that_can_be_used_again(make, tmp_path):
    backend = make({"777": "open('asked', 'w').close(); time.sleep(1000)"})
    backend.load()

    def interrupt():
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        backend.transcribe([clip(777)])
    thread.join()
    assert gone(pids(tmp_path)[0])
    assert texts(backend.transcribe([clip(10)])) == [expected(10)]


def test_threads_take_turns(make):
    backend = make()
    heard = {}
    threads = [
        threading.Thread(target=lambda size=size: heard.update({size: texts(backend.transcribe([clip(size)] * 5))}))
        for size in (10, 20, 30, 40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {size: [expected(size)] * 5 for size in (10, 20, 30, 40)}


EXAMPLES = REPOSITORY / "examples" / "command_backend"


@needs_data("fsdd")
def test_the_pocketsphinx_example_hears_what_the_backend_hears(tmp_path):
    grammar = tmp_path / "digits.gram"
    grammar.write_text("#JSGF V1.0;\ngrammar d;\npublic <d> = zero | one | two | three | four | five | six | seven;\n")
    waveforms = [read_waveform(path) for path in sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::40]]
    backend = Command(command=[sys.executable, str(EXAMPLES / "pocketsphinx_program.py"), str(grammar)])
    assert texts(backend.transcribe(waveforms)) == texts(PocketSphinx(grammar=str(grammar)).transcribe(waveforms))
    assert backend.identity()["program.pocketsphinx"].startswith("5.")
    backend.close()


@pytest.fixture
def _stand_in_vosk(tmp_path, monkeypatch):
    """A package with vosk's interface: it hears how many bytes it was given, a sentence for each 4,000 samples."""
    (tmp_path / "vosk.py").write_text(
        "import json\n"
        "SetLogLevel = Model = lambda _: None\n"
        "class KaldiRecognizer:\n"
        "    def __init__(self, model, rate): assert rate == 16_000; self.n = 0\n"
        "    def SetWords(self, yes): assert yes is True\n"
        "    def AcceptWaveform(self, samples): self.n = len(samples); return self.n == 8_000\n"
        "    def Result(self):\n"
        "        n, self.n = self.n, 0\n"
        "        word = {'word': str(n), 'start': 0.25, 'end': 0.5, 'conf': 1.000001}\n"
        "        return json.dumps({'text': str(n), 'result': [word]} if n else {'text': ''})\n"
        "    FinalResult = Result\n"
    )
    metadata = tmp_path / "vosk-0.3.45.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vosk\nVersion: 0.3.45\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("_stand_in_vosk")
def test_the_vosk_example_puts_sentences_and_their_words_together(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "final.mdl").write_text("weights")
    backend = Command(command=[sys.executable, str(EXAMPLES / "vosk_program.py"), str(tmp_path / "model")])
    (heard, silent) = backend.transcribe([clip(9_000), clip(8_000)])
    assert heard.text == "8000 8000 2000"
    assert heard.words[0] == Word("8000", 0.25, 0.5, 1.0)
    assert len(heard.words) == 3
    assert silent.text == "8000 8000"
    assert backend.identity()["program.vosk"] == "0.3.45"
    backend.close()


SERVER = """#!{python}
import json, re, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = dict(re.findall(rb'name="(\\w+)"(?:; filename="[^"]*")?\\r\\n\\r\\n(.*?)\\r\\n--', body, re.DOTALL))
        wav = fields.pop(b"file")
        print("Received request", flush=True)
        broken = len(wav) == 44 + 2 * 777
        told = {{"error": "failed to process audio"}} if broken else {{"text": " " + str(len(wav)) + "\\n words\\n"}}
        assert fields == {{b"response_format": b"json", b"temperature": b"0.0", b"temperature_inc": b"0.0"}}, fields
        self.send_response(500 if broken else 200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())
        if len(wav) == 44 + 2 * 666:
            sys.exit()
assert sys.argv[1:5] == ["-m", sys.argv[2], "-nt", "--host"] and open(sys.argv[2]).read() == "weights"
open("pids", "a").write(f"{{__import__('os').getpid()}}\\n")
time.sleep(0.3)  # the model is loading
HTTPServer((sys.argv[5], int(sys.argv[7])), Handler).serve_forever()
"""


def test_the_whisper_cpp_example_waits_for_its_server_asks_it_and_takes_it_along(tmp_path):
    server, model = tmp_path / "whisper-server", tmp_path / "ggml.bin"
    server.write_text(SERVER.format(python=sys.executable))
    server.chmod(0o755)
    model.write_text("weights")
    line = [sys.executable, str(EXAMPLES / "whisper_cpp_program.py"), str(server), str(model)]
    backend = Command(command=line, cwd=str(tmp_path))
    one, failed, two = backend.transcribe([clip(100), clip(777), clip(200)])
    assert texts([one, two]) == ["244 words", "444 words"]
    assert "failed to process audio" in failed.reason
    assert len(pids(tmp_path)) == 1
    backend.close()
    assert gone(pids(tmp_path)[0])
