"""Waveforms in, what a recogniser heard out, wherever it stands: in this process, or at the end of a line to another.

A line can break, because the recogniser at its end died, or hung and was stopped; the worker is then started again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast

from harness.audio import SAMPLE_RATE, Waveform
from harness.backends import Backend, Identity
from harness.errors import BackendError
from harness.transcription.recognition import Heard, Recogniser, Spent


class RecogniserLostError(BackendError):
    """Says how a recogniser was lost: it died, or it gave no answer and was stopped.

    Attributes:
        seconds: How long it was asked before.
    """

    seconds = 0.0


class NotStartedError(RecogniserLostError):
    """Says how a recogniser was lost before it had heard anything: no clip is to blame."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Says how long a recogniser may be silent before it counts as hanging.

    Attributes:
        start_s: Seconds to load and to warm up.
        batch_s: Seconds for a batch, and
        per_audio_s: as many more for each second of its audio.
    """

    start_s: float
    batch_s: float
    per_audio_s: float

    def of(self, waveforms: Sequence[Waveform]) -> float:
        """Return the seconds for a batch."""
        return self.batch_s + self.per_audio_s * sum(map(len, waveforms)) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Reply:
    """Is what a recogniser heard, and all that it has spent so far."""

    heard: list[Heard]
    spent: Spent


class Worker(Protocol):
    """Is a recogniser, wherever it stands; one thread at a time speaks with it."""

    def identity(self) -> Identity:
        """Start it where it is not running and return who it is.

        Raises:
            RecogniserLostError: It was lost before it could say.
            HarnessError: It cannot be started.
        """
        ...

    def recognise(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        """Return what was heard in each waveform; start it where it is not running.

        Raises:
            RecogniserLostError: It was lost over these waveforms; the next call starts another.
            HarnessError: It cannot work at all.
        """
        ...

    def spent(self) -> Spent:
        """Return what was used since it was warm, by those that were lost, too."""
        ...

    def close(self) -> None:
        """End it, also in the middle of a batch; may be called from another thread, and twice."""
        ...


class InThisProcess:
    """Is the worker that is no other process: nothing protects from a backend that hangs or takes the process along."""

    def __init__(self, backend: Backend) -> None:
        self._recogniser = Recogniser(backend)
        self.identity, self.recognise = self._recogniser.identity, self._recogniser.recognise
        self.spent, self.close = self._recogniser.spent, self._recogniser.close


@dataclass(frozen=True, slots=True)
class Question:
    """Is a method of `Recogniser`, and what it is asked about."""

    method: Literal["identity", "warm_up", "recognise"]
    waveforms: Sequence[Waveform] = ()


class Line(Protocol):
    """Leads to a recogniser in another process."""

    def connect(self) -> None:
        """Begin a new recogniser's process in the place of a lost one."""
        ...

    def ask(self, question: Question, timeout_s: float) -> object:
        """Return an identity, nothing, or a `Reply`, as the question wants it.

        Raises:
            RecogniserLostError: It died, or gave no answer in time and was stopped.
            HarnessError: What `Recogniser` raises.
        """
        ...

    def disconnect(self) -> None:
        """Stop the recogniser's process, whatever it does; may be called from another thread, and twice."""
        ...


class Remote:
    """Is the worker at the end of a line.

    Args:
        line: Leads to it.
        limits: Of patience.
    """

    def __init__(self, line: Line, limits: Limits) -> None:
        self._line, self._limits = line, limits
        self._identity: Identity | None = None
        self._is_connected = self._is_warm = self._is_closed = False
        self._spent = self._spent_before = Spent()  # of the present process, and of those that were lost
        self._start_s = 0.0  # of all of them

    def identity(self) -> Identity:
        """Start it where it is not running and return who it is."""
        if self._is_closed:
            raise NotStartedError("the recogniser was ended")
        if not self._is_connected or self._identity is None:
            with self._starting():
                self._identity = self._connected()
        return self._identity

    def recognise(self, waveforms: Sequence[Waveform]) -> list[Heard]:
        """Return what was heard in each waveform; start it where it is not running."""
        self._warm_up()
        started = time.perf_counter()
        try:
            reply = cast("Reply", self._line.ask(Question("recognise", list(waveforms)), self._limits.of(waveforms)))
        except RecogniserLostError as lost:
            lost.seconds = time.perf_counter() - started
            self._lose(lost.seconds)
            raise
        self._spent = reply.spent
        return reply.heard

    def spent(self) -> Spent:
        """Return what was used since it was warm, by those that were lost, too."""
        return replace(_sum(self._spent_before, self._spent), warm_up_s=self._start_s)

    def close(self) -> None:
        """End it."""
        self._is_closed = True
        self._line.disconnect()

    def _connected(self) -> Identity:
        self._line.connect()
        if self._is_closed:  # by another thread, which has found nothing to end
            self._line.disconnect()
            raise NotStartedError("the recogniser was ended")
        identity = cast("Identity", self._line.ask(Question("identity"), self._limits.start_s))
        if self._identity not in (None, identity):
            raise BackendError(
                f"the recogniser that replaced a lost one is another: {identity}; expected {self._identity}. Its "
                "weights or options were changed during the run; give the command again"
            )
        self._is_connected, self._is_warm = True, False
        return identity

    def _warm_up(self) -> None:
        self.identity()
        if not self._is_warm:
            with self._starting():
                self._line.ask(Question("warm_up"), self._limits.start_s)
            self._is_warm = True

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Count the seconds of a start; what is lost before it has heard a clip was not started."""
        started = time.perf_counter()
        try:
            yield
        except RecogniserLostError as lost:
            self._lose(0.0)
            raise NotStartedError(str(lost)) from lost
        finally:
            self._start_s += time.perf_counter() - started

    def _lose(self, seconds: float) -> None:
        """End what is left of it; the seconds that it was asked in vain are its own."""
        self._line.disconnect()
        self._is_connected = False
        spent = _sum(self._spent_before, self._spent)
        self._spent_before, self._spent = replace(spent, busy_s=spent.busy_s + seconds), Spent()


def _sum(before: Spent, now: Spent) -> Spent:
    """Add what two processes of one worker used, one after the other."""
    stages = before.stages_s.keys() | now.stages_s.keys()
    return replace(
        now,
        device=now.device if now.busy_s else before.device,
        busy_s=before.busy_s + now.busy_s,
        stages_s={name: before.stages_s.get(name, 0.0) + now.stages_s.get(name, 0.0) for name in sorted(stages)},
        peak_memory_bytes=max(before.peak_memory_bytes, now.peak_memory_bytes),
        peak_device_memory_bytes=max(
            filter(None, (before.peak_device_memory_bytes, now.peak_device_memory_bytes)), default=None
        ),
        fits=now.fits or before.fits,
    )
