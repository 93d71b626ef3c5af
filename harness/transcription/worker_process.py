"""A backend's factory in, a line to a recogniser in a process of its own out: what it breaks, it breaks there.

The two ends speak over a socket pair; nobody else can. The process ends with its parent, however that ends.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import cast

from harness import errors
from harness.backends import Backend
from harness.errors import HarnessError
from harness.transcription.recognition import Recogniser
from harness.transcription.words import in_words
from harness.transcription.workers import Question, RecogniserLostError, Reply

MakeBackend = Callable[[], Backend]  # can be pickled: a function or class that can be imported, with its arguments

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from harness.transcription import worker_process as w"
)
_COMMAND = f"{_START}; w.serve(int(sys.argv[1]), parent=int(sys.argv[3]))"
_PARENT_EVERY_S = 1.0  # how soon a process notices that its parent was killed
_END_S = 3.0  # for a process that is told to end, before it is made to


@dataclass(frozen=True, slots=True)
class Refusal:
    """Is an error of the harness's tree that went through a process's end: its class's name and its message."""

    kind: str
    message: str

    def raised(self) -> HarnessError:
        """Return the error as it was."""
        kind = getattr(errors, self.kind, errors.BackendError)
        return cast("HarnessError", kind([self.message] if hasattr(kind, "problems") else self.message))


class Station:
    """Answers questions about one recogniser, in the process where that stands; makes it at the first."""

    def __init__(self, make: MakeBackend) -> None:
        self._make = make
        self._recogniser: Recogniser | None = None

    def answer(self, question: Question) -> object:
        """Return an identity, nothing or a `Reply`, as the question wants it; or a `Refusal`."""
        try:
            recogniser = self._made()
            if question.method == "identity":
                return recogniser.identity()
            if question.method == "warm_up":
                recogniser.warm_up()
                return None
            return Reply(recogniser.recognise(question.waveforms), recogniser.spent())
        except HarnessError as error:
            return Refusal(type(error).__name__, str(error))
        except Exception as error:
            return Refusal("BackendError", f"the recogniser could not be started: {in_words(error)}")
        except SystemExit as ended:  # somebody's plugin: its 0 is not our 0
            return Refusal("BackendError", f"the backend left with SystemExit({ended.code!r}); nothing was measured")

    def close(self) -> None:
        """End what the backend started."""
        if self._recogniser is not None:
            self._recogniser.close()

    def _made(self) -> Recogniser:
        if self._recogniser is None:
            self._recogniser = Recogniser(self._make())
        return self._recogniser


class ProcessLine:
    """Leads to a recogniser in a process of its own on this machine.

    Args:
        make: Makes the backend, there.
        environment: Variables that the process has beside this one's, such as CUDA_VISIBLE_DEVICES.
    """

    def __init__(self, make: MakeBackend, environment: Mapping[str, str]) -> None:
        self._make, self._environment = make, dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: Connection | None = None
        self._is_asking = self._is_late = False
        self._stopping = threading.Lock()

    def connect(self) -> None:
        """Start the process."""
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, str(theirs.fileno()), json.dumps(sys.path), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=2,  # results alone go to standard output
                start_new_session=True,  # Ctrl-C is the parent's, and what the backend starts is ended with it
            )
        with self._stopping:
            self._process, self._ours, self._is_asking, self._is_late = process, ours, False, False
        self._exchange(self._make, ours.send)

    def disconnect(self) -> None:
        """Let the process end what its backend started, and itself; one that takes too long is killed."""
        with self._stopping:  # another thread that stops it, too, waits until it is gone
            process, ours, self._process, self._ours = self._process, self._ours, None, None
            if process is not None and ours is not None:
                self._end(process, ours)

    def _end(self, process: "subprocess.Popen[bytes]", ours: Connection) -> None:
        if self._is_asking:
            with suppress(ProcessLookupError):
                process.terminate()
        else:
            ours.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        ours.close()

    def ask(self, question: Question, timeout_s: float) -> object:
        """Return the recogniser's answer; see `Line`."""
        ours = self._ours
        if ours is None:
            raise RecogniserLostError("the recogniser was stopped")
        watch = threading.Timer(timeout_s, self._give_up)  # over sending, too, which a stopped process blocks
        self._is_asking = True
        watch.start()
        try:
            self._exchange(question, ours.send)
            answer = self._exchange(None, lambda _: ours.recv())
        except RecogniserLostError as lost:
            if not self._is_late:
                raise
            message = f"the recogniser gave no answer in {timeout_s:g} s and was stopped (see executor.timeout_s)"
            raise RecogniserLostError(message) from lost
        finally:
            watch.cancel()
        self._is_asking = False
        if isinstance(answer, Refusal):
            raise answer.raised()
        return answer

    def _exchange(self, message: object, way: Callable[[object], object]) -> object:
        try:
            return way(message)
        except (EOFError, OSError, TypeError) as error:  # TypeError: closed by another thread in the middle of it
            raise RecogniserLostError(self._how_it_ended()) from error

    def _give_up(self) -> None:
        self._is_late = True
        self.disconnect()

    def _how_it_ended(self) -> str:
        process = self._process
        if process is None:
            return "the recogniser was stopped"
        try:
            status = process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return "the recogniser's process no longer answers"
        if status >= 0:
            return f"the recogniser's process ended with status {status}"
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
        return f"the recogniser's process was ended by {name}{hint}"


def serve(descriptor: int, *, parent: int) -> None:
    """Answer questions on a socket until its other end is closed: the whole of a recogniser's process."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an interrupt, which every `finally` sees
    os.set_inheritable(descriptor, False)  # or what the backend starts, or forks, would keep it open
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with Connection(descriptor) as theirs, suppress(EOFError, OSError, KeyboardInterrupt):
        station = Station(theirs.recv())
        try:
            while True:
                theirs.send(station.answer(theirs.recv()))
        finally:
            station.close()


def _end_with(parent: int) -> None:
    """End this process and what it started when its parent is gone, even in the middle of a batch."""
    while os.getppid() == parent:
        time.sleep(_PARENT_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_END_S)
    os.killpg(os.getpid(), signal.SIGKILL)
