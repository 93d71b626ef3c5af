"""A command line in, a running program out that is written to and read from in lines, and never waited for in vain.

Writing and reading happen together, so that neither side can wait for the other; what it says on stderr is drained by a
thread and its end kept for messages. It runs in a process group of its own, which is killed as a whole: at `end`, when
nobody refers to the program any more, and when the interpreter exits. Should the harness itself be killed, the program
sees the end of its stdin.
"""

import os
import selectors
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO

from harness.errors import BackendError

LONGEST_LINE = 16 * 2**20  # bytes; a transcript of two hours with the times of its words has 2 MB
_KEPT_LINES = 20  # of stderr
_KEPT_CHARACTERS = 400  # of each of them
_CHUNK = 65_536  # bytes; what a pipe holds on Linux
_TICK_S = 0.5  # how often it is asked whether a program that says nothing is still there
_LAST_S = 1.0  # for a process to end whose stdout has, and for its stderr to be read to the end


class ProgramError(BackendError):
    """Says that a program died or is out of step: it has to be ended and started again."""


class NoAnswer(ProgramError):  # noqa: N818  # the name says more than an Error at its end
    """Says that a program said nothing in time."""


class Program:
    """Is a program that runs from now on.

    Args:
        arguments: The program, as a path, and its arguments; no shell reads them.
        cwd: The folder that it runs in; None: this process's.

    Raises:
        OSError: when it cannot be started.
    """

    def __init__(self, arguments: Sequence[str], *, cwd: Path | None) -> None:
        self._process = subprocess.Popen(
            list(arguments),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._stdin, self._stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if self._stdin is None or self._stdout is None or stderr is None:
            raise OSError("a program without pipes")
        os.set_blocking(self._stdin.fileno(), False)
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._n_scanned = 0  # bytes of `_incoming` in which there is no end of a line
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._drain = threading.Thread(target=_keep, args=(stderr, self._said), daemon=True, name="program stderr")
        self._drain.start()
        self._finalizer = weakref.finalize(self, _end, self._process, os.getpid(), 0.0)

    def send(self, line: bytes) -> None:
        """Takes a line that the program will be written while it is being listened to."""
        self._outgoing += line + b"\n"

    def receive(self, *, timeout_s: float) -> bytes:
        """Returns the next line that has more than whitespace in it, without its end.

        Raises:
            NoAnswer: when there is none after so many seconds.
            ProgramError: when the program ended, or a line is longer than 16 MiB.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            if (line := self._next_line()) is not None:
                return line
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise NoAnswer(f"gave no answer in {timeout_s:.1f} s")
            self._exchange(min(left_s, _TICK_S))

    def check_quiet(self) -> None:
        """Looks whether a program that has answered all that it was asked is still there and says no more.

        Raises:
            ProgramError: when it ended, or wrote a line that is no answer to anything.
        """
        self._exchange(0.0)
        if (line := self._next_line()) is not None or (line := bytes(self._incoming).strip()):
            raise ProgramError(f"wrote to stdout without being asked: {shown(line)}")

    def end(self, *, grace_s: float = 0.0) -> None:
        """Closes the program's stdin, gives it time to end and kills what is left of its process group."""
        if self._finalizer.detach() is not None:
            _end(self._process, os.getpid(), grace_s)
        self._drain.join(_LAST_S)

    def last_words(self) -> str:
        """Returns the last 20 lines on its stderr; "" when there are none."""
        return "\n".join(self._said)

    def _next_line(self) -> bytes | None:
        while (end := self._incoming.find(b"\n", self._n_scanned)) >= 0:
            line = bytes(self._incoming[:end]).strip()
            del self._incoming[: end + 1]
            self._n_scanned = 0
            if line:
                return line
        self._n_scanned = len(self._incoming)
        if self._n_scanned > LONGEST_LINE:
            raise ProgramError(f"wrote more than {LONGEST_LINE // 2**20} MiB to stdout without the end of a line")
        return None

    def _exchange(self, timeout_s: float) -> None:
        """Waits until the program says something or listens, and takes or gives what there is, a pipe's worth."""
        stdin, stdout = _open(self._stdin), _open(self._stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if self._outgoing:
                selector.register(stdin, selectors.EVENT_WRITE)
            ready = {key.fileobj for key, _ in selector.select(timeout_s)}
        if stdin in ready:
            self._write(stdin)
        if stdout in ready:
            received = os.read(stdout.fileno(), _CHUNK)
            self._incoming += received
            if not received:
                raise ProgramError(self._how_it_ended())
        elif not ready and self._process.poll() is not None:  # a child of its own may hold its stdout open
            raise ProgramError(self._how_it_ended())

    def _write(self, stdin: IO[bytes]) -> None:
        try:
            written = stdin.write(self._outgoing[:_CHUNK])
        except BrokenPipeError:  # it has closed its stdin: what it says next, or that it ended, tells why
            self._outgoing.clear()
        else:
            del self._outgoing[: written or 0]

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_S)
        status = self._process.returncode
        if status is None:
            return "closed its stdout"
        if status < 0:
            return f"was killed by {Signals(-status).name if -status in list(Signals) else f'signal {-status}'}"
        return f"ended with exit status {status}"


def shown(line: bytes) -> str:
    """Returns the beginning of a line for a message."""
    text = line[:80].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 80 else text)


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ProgramError("has no pipe")
    return pipe


def _keep(stderr: IO[bytes], said: "deque[str]") -> None:
    """Reads all that a program says and keeps the ends of its lines; refers to nothing of the `Program`."""
    last = b""
    with stderr:
        while chunk := os.read(stderr.fileno(), _CHUNK):
            *lines, last = (last + chunk).splitlines(keepends=True)
            if last.endswith((b"\n", b"\r")):
                lines, last = [*lines, last], b""
            said.extend(_text(line) for line in lines if line.strip())
            last = last[:_KEPT_CHARACTERS]
    if last.strip():
        said.append(_text(last))


def _text(line: bytes) -> str:
    return line[: 4 * _KEPT_CHARACTERS].decode("utf-8", "replace").rstrip()[:_KEPT_CHARACTERS]


def _end(process: "subprocess.Popen[bytes]", owner: int, grace_s: float) -> None:
    """Ends a process and its group, in the process that started it; a fork of that one leaves it alone."""
    if os.getpid() != owner:
        return
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and (grace_s == 0.0 or pipe is process.stdin):
            pipe.close()
    if grace_s > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a group that has died
        os.killpg(process.pid, SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
