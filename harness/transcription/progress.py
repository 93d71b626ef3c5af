"""Batches and stages in, what is being done and how long it will still take out, on standard error.

Transcribing shows a bar on a terminal or a line a minute in a log; every other stage shows a line on a terminal, which
is gone when the stage is, and nothing in a log: there each stage has its own line when it is done.
"""

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import ControlType
from rich.text import Text

from harness.transcription.store import Hypothesis

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
TICK_S = 0.5  # what takes less shows no line

_USUAL_S = {  # seconds for 100,000 utterances on two idle cores; what is done before corrects them
    "reading": 1.5,
    "scoring": 2.0,
    "slicing": 0.2,
    "judging": 0.5,
    "scoring under other normalisers": 1.0,
    "weighing the evidence": 3.2,
    "writing": 0.5,
}
_BYTES_PER_ROW = 150  # of a manifest, about
_TELLING_S = 0.5  # shorter stages say little about how fast the machine is


class CountedProgress:
    """Shows how many are done and failed, and how long it will still take: a bar, or a line a minute in a log."""

    def __init__(self, n_total: int | None, *, doing: str, done: str) -> None:
        """Make the bar.

        Args:
            n_total: How many there are; None where nobody knows before the end.
            doing: What is said in front of the bar, `measuring`.
            done: What is said of them in a log, `measured`.
        """
        self.n_total, self.n_done, self.n_failed = n_total, 0, 0
        self._done = done
        self._logged = time.monotonic()
        self._bar = Progress(
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]} ·"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=n_total, told=self._told(""))

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def count(self, n_done: int, n_failed: int, further: str = "") -> None:
        """Count some that are done, those that failed among them; `further` is said beside it."""
        self.n_done += n_done
        self.n_failed += n_failed
        self._bar.update(self._task, advance=n_done, told=self._told(further))
        if self._bar.disable and time.monotonic() - self._logged > LOG_EVERY_S:
            self._logged = time.monotonic()
            told = f", {further}" if further else ""
            of_all = "" if self.n_total is None else f" of {self.n_total}"
            log.info("%d%s %s, %d failed%s", self.n_done, of_all, self._done, self.n_failed, told)

    def _told(self, further: str) -> str:
        return " · ".join(filter(None, [f"{self.n_failed} failed", further]))


class TranscriptionProgress(CountedProgress):
    """Shows how many utterances are done and failed, the speed, and how long it will still take."""

    def __init__(self, n_total: int) -> None:
        super().__init__(n_total, doing="transcribing", done="transcribed")
        self.audio_s = self.processing_s = 0.0

    def advance(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Count a batch; the speed is of what a recogniser was given."""
        for hypothesis in hypotheses:
            if hypothesis.processing_s is not None:
                self.audio_s += (hypothesis.audio_s or 0.0) if hypothesis.error is None else 0.0
                self.processing_s += hypothesis.processing_s
        rtfx = f"RTFx {self.audio_s / self.processing_s:.1f}" if self.processing_s else "RTFx –"
        self.count(len(hypotheses), sum(hypothesis.error is not None for hypothesis in hypotheses), rtfx)


@dataclass(slots=True)
class _Stage:
    """Is what is being done, with how many rows or bytes, since when."""

    doing: str
    n_rows: int
    n_bytes: int
    started: float = field(default_factory=time.monotonic)

    @property
    def usual_s(self) -> float:
        """Return what it usually takes; 0 where nobody knows."""
        return _USUAL_S.get(self.doing, 0.0) * (self.n_rows or self.n_bytes / _BYTES_PER_ROW) / 100_000

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started


class StageLine:
    """Says on a terminal what is being done, for how long, and about how long it still takes.

    A thread draws, so that what is done is not held up. A process that is forked meanwhile finds the lock free and
    draws nothing; before it logs, it clears the line.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._stages: list[_Stage] = []
        self._done_s = self._usual_s = 0.0  # of finished stages: how fast this machine is
        self._live: Live | None = None
        self._is_forked = False
        os.register_at_fork(
            before=self._before_fork, after_in_parent=self._lock.release, after_in_child=self._after_fork
        )

    @contextmanager
    def stage(self, doing: str, *, n_rows: int = 0, n_bytes: int = 0) -> Iterator[None]:
        """Show what is done while the block runs; an inner block is shown instead of the outer one.

        Args:
            doing: Such as `scoring`; what `_USUAL_S` knows is told with the time that is left.
            n_rows: How many utterances it is done with; 0: nobody knows yet.
            n_bytes: Of the file that is read, where nobody knows yet how many utterances are in it.
        """
        if self._is_forked or not sys.stderr.isatty():
            yield
            return
        stage = _Stage(doing, n_rows, n_bytes)
        with nullcontext() if self._stages else self._drawn():
            self._stages.append(stage)
            try:
                yield
            finally:
                self._stages.remove(stage)
        if stage.usual_s > _TELLING_S:
            self._done_s += stage.elapsed_s
            self._usual_s += stage.usual_s

    def clear(self) -> None:
        """Take the line away, until the next tick."""
        if self._is_forked:  # the line is the other process's
            erase = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
            Console(stderr=True).control(erase)
            return
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    @contextmanager
    def _drawn(self) -> Iterator[None]:
        ended, clears = threading.Event(), _Clears(self)
        drawing = threading.Thread(target=self._draw, args=(ended,), daemon=True)
        logging.root.handlers.insert(0, clears)
        drawing.start()
        try:
            yield
        finally:
            ended.set()
            drawing.join()
            logging.root.removeHandler(clears)
            self.clear()

    def _draw(self, ended: threading.Event) -> None:
        while not ended.wait(TICK_S):
            with self._lock:
                stages = self._stages[-1:]
                if stages and self._live is None:
                    console = Console(stderr=True)
                    self._live = Live(
                        console=console,
                        auto_refresh=False,
                        transient=True,
                        redirect_stdout=False,
                        redirect_stderr=False,
                    )
                    self._live.start()
                for stage in stages:
                    text = Text(self._said(stage), no_wrap=True, overflow="ellipsis")
                    self._live.update(text, refresh=True)  # type: ignore[union-attr]

    def _said(self, stage: _Stage) -> str:
        rows = f" · {stage.n_rows:,} utterances" if stage.n_rows else ""
        return f"{stage.doing}{rows} · {stage.elapsed_s:.0f} s{self._left(stage)}"

    def _left(self, stage: _Stage) -> str:
        slowness = self._done_s / self._usual_s if self._usual_s else 1.0
        left_s = stage.usual_s * slowness - stage.elapsed_s
        return f" · about {in_words(left_s)} left" if left_s > 0 else ""

    def _before_fork(self) -> None:
        self._lock.acquire()
        self.clear()

    def _after_fork(self) -> None:
        self._is_forked = True
        self._lock.release()


class _Clears(logging.Handler):
    """Stands before the handlers that write, and takes the line away for them."""

    def __init__(self, line: StageLine) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        self._line.clear()


def in_words(seconds: float) -> str:
    """Write a time that is not known exactly.

    >>> in_words(3.2), in_words(41), in_words(200)
    ('4 s', '45 s', '4 min')
    """
    if seconds > 90:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds) if seconds < 10 else 5 * math.ceil(seconds / 5)} s"


stage = StageLine().stage
