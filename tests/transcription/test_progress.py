"""What takes long is said on a terminal, and nowhere else; it leaves nothing behind and holds nothing up."""

import os
import pty
import subprocess
import sys
import textwrap

import pytest

from harness.transcription.progress import StageLine
from tests.shared import REPOSITORY

BEGIN = """
import logging, os, sys, threading, time
from harness.transcription import progress
progress.TICK_S = 0.02
logging.basicConfig(level=logging.INFO, format="%(message)s")
line = progress.StageLine()
stage, drawn, seconds = line.stage, threading.Semaphore(0), 0.25
progress._Stage.elapsed_s = property(lambda _: seconds)  # however slow the machine is

class Live(progress.Live):
    def update(self, *args, **options):
        super().update(*args, **options)
        drawn.release()

progress.Live = Live

def wait():
    "Wait until all that is so by now is on the screen: the first line drawn may have been begun before."
    while drawn.acquire(blocking=False):
        pass
    assert drawn.acquire(timeout=60) and drawn.acquire(timeout=60)
"""


def shown(program):
    """Run a program whose standard error is a terminal; return all that the terminal was sent."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-c", BEGIN + textwrap.dedent(program)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stderr=end, stdout=subprocess.DEVNULL, env=environment)
    os.close(end)
    sent = b""
    try:
        while part := os.read(terminal, 65536):
            sent += part
    except OSError:  # Linux says so that nobody writes any more
        pass
    finally:
        os.close(terminal)
    assert process.wait(60) == 0, sent.decode()
    return sent.decode()


def left_on_screen(sent):
    """Return what remains: a line that is erased, or gone up to and erased, is gone."""
    kept = []
    for line in sent.replace("\x1b[?25l", "").replace("\x1b[?25h", "").split("\n"):
        while line.startswith("\r\x1b[1A\x1b[2K"):
            kept.pop()
            line = line.removeprefix("\r\x1b[1A\x1b[2K")
        kept.append(line.rsplit("\x1b[2K", 1)[-1].strip("\r"))
    return [line for line in kept if line]


def test_a_stage_is_named_with_its_rows_and_the_time_that_is_left_and_leaves_nothing():
    sent = shown(
        """
        with stage("scoring", n_rows=200_000):
            wait()
        """
    )
    assert "scoring · 200,000 utterances · 0 s · about 4 s left" in sent
    assert left_on_screen(sent) == []


def test_what_is_done_corrects_how_long_the_rest_takes():
    sent = shown(
        """
        progress._USUAL_S.update(reading=600.0, scoring=6000.0)
        with stage("reading", n_rows=100_000):
            wait()
            seconds = 0.6
        seconds = 0.25
        with stage("scoring", n_rows=100_000):
            wait()
        """
    )
    assert "reading · 100,000 utterances · 0 s · about 10 min left" in sent
    assert "scoring · 100,000 utterances · 0 s · about 6 s left" in sent


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param('stage("searching", n_rows=10)', id="nobody-knows-how-long"),
        pytest.param('stage("scoring", n_rows=10)', id="longer-than-usual"),
    ],
)
def test_no_time_is_told_that_nobody_knows(stage):
    sent = shown(f"with {stage}:\n    wait()")
    assert "10 utterances · 0 s" in sent
    assert "left" not in sent


def test_an_inner_stage_is_shown_while_it_lasts():
    sent = shown(
        """
        with stage("outer"):
            wait()
            with stage("inner"):
                wait()
            wait()
        """
    )
    assert sent.index("outer") < sent.index("inner") < sent.rindex("outer")
    assert left_on_screen(sent) == []


def test_a_line_of_the_log_has_a_line_of_its_own():
    sent = shown(
        """
        with stage("scoring"):
            wait()
            logging.info("first")
            wait()
            logging.info("second")
        logging.info("third")
        """
    )
    assert left_on_screen(sent) == ["first", "second", "third"]
    assert sent.count("scoring") > 2


def test_an_error_leaves_no_line_and_no_handler_behind():
    sent = shown(
        """
        try:
            with stage("scoring"):
                wait()
                raise ValueError
        except ValueError:
            print("caught", threading.active_count(), len(logging.root.handlers), file=sys.stderr)
        """
    )
    assert left_on_screen(sent) == ["caught 1 1"]


def test_processes_that_are_forked_meanwhile_draw_nothing_log_and_end():
    sent = shown(
        """
        progress.TICK_S = 0.0005
        with stage("judging"):
            wait()
            for number in range(50):
                if os.fork() == 0:
                    with stage("inside"):
                        logging.info("child %d", number)
                    os._exit(0)
                os.wait()
        """
    )
    assert "inside" not in sent
    assert all(f"child {number}\r\n" in sent for number in range(50))


def test_what_a_forked_process_logs_has_a_line_of_its_own():
    sent = shown(
        """
        asked, ask = os.pipe()
        with stage("judging"):
            wait()
            if os.fork() == 0:
                os.read(asked, 1)
                logging.info("child")
                os._exit(0)
            wait()
            with line._lock:  # the line stands, and is not drawn anew before the child has ended
                os.write(ask, b".")
                os.wait()
        """
    )
    assert "child" in left_on_screen(sent)


def test_a_log_is_told_nothing_of_stages(capfd, caplog):
    with StageLine().stage("scoring", n_rows=10**9):
        pass
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
