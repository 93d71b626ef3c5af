"""Batches of clips and workers in, hypotheses out as they are made: decoding runs ahead of recognition on threads.

The command's process decodes, asks the cache and writes; workers only hear. So nothing is written twice or by two, and
a lost worker takes nothing with it but the batch it was in, which is heard again.
"""

import logging
import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from harness.backends import Identity
from harness.errors import BackendError
from harness.transcription.cache import TranscriptCache
from harness.transcription.decoding import CPU, Batch, Decoded, Decoders
from harness.transcription.hearing import Done, failed, hear
from harness.transcription.workers import NotStartedError, RecogniserLostError, Worker

log = logging.getLogger(__name__)

_Clips = list[Future[Decoded]]

_END_S = 2.0  # for threads to notice that nothing is left to hear


@dataclass(frozen=True, slots=True)
class Ahead:
    """Says how far decoding may run ahead.

    Attributes:
        threads: That decode.
        batches: Decoded batches that may wait for each worker; bounds memory.
        device: That conditions are applied on.
    """

    threads: int
    batches: int
    device: str = CPU


def heard_in_turn(
    batches: Sequence[Batch], worker: Worker, ahead: Ahead, *, cache: TranscriptCache | None = None
) -> Iterator[Done]:
    """Yield the batches in order, heard in the thread that asks for them."""
    decoders = Decoders(ahead.threads, device=ahead.device)
    with decoders.threads:
        waiting: queue.SimpleQueue[_Clips] = queue.SimpleQueue()
        try:
            for batch in batches:
                waiting.put(decoders.submit(batch))
                if waiting.qsize() > ahead.batches:
                    yield _heard(waiting.get(), worker, cache)
            while not waiting.empty():
                yield _heard(waiting.get(), worker, cache)
        finally:
            decoders.threads.shutdown(cancel_futures=True)


def heard_in_parallel(
    batches: Sequence[Batch],
    workers: Sequence[Worker],
    ahead: Ahead,
    *,
    max_losses: int,
    cache: TranscriptCache | None = None,
) -> Iterator[Done]:
    """Yield batches as they are done; each worker is driven by a thread of its own.

    A batch over which a recogniser was lost is heard again clip by clip, by whichever worker is free. A clip over which
    one is lost again is a failure. A worker that cannot be started again is done without, unless it is the last.

    Args:
        batches: What is heard.
        workers: The recognisers; the others must be who the first is.
        ahead: How far decoding runs ahead.
        max_losses: So many recognisers may be lost in a row, without a text in between; one more ends the run.
        cache: Transcripts of earlier runs; None: nothing is known.

    Raises:
        HarnessError: A worker cannot work at all or is not the recogniser that the first one is, or too many were lost.
    """
    crew = _Crew(cache, workers[0].identity(), n_alive=len(workers), max_losses=max_losses)
    upcoming, decoders = iter(batches), Decoders(ahead.threads, device=ahead.device)
    with decoders.threads, ThreadPoolExecutor(len(workers), thread_name_prefix="drive") as drivers:

        def feed() -> None:
            while crew.n_under_way < most and (batch := next(upcoming, None)) is not None:
                crew.give(_Task(decoders.submit(batch)))

        most = len(workers) * (1 + ahead.batches)
        driving = [drivers.submit(crew.drive, worker) for worker in workers]
        try:
            feed()
            while crew.n_under_way:
                done = crew.next_done()
                if done is not None:
                    feed()
                    yield done
        finally:
            decoders.threads.shutdown(wait=False, cancel_futures=True)
            for _ in workers:
                crew.waiting.put(None)
            wait(driving, timeout=0 if crew.n_under_way else _END_S)
            for worker, drive in zip(workers, driving, strict=True):
                if not drive.done():  # hearing what nobody waits for any more, or waiting for a place to start
                    worker.close()


@dataclass(frozen=True, slots=True)
class _Task:
    """Is a batch to hear, and whether a recogniser was lost over it before."""

    clips: _Clips
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class _Lost:
    """Is a batch over which a recogniser was lost."""

    task: _Task
    reason: RecogniserLostError


@dataclass(frozen=True, slots=True)
class _Gone:
    """Says that a worker could not be started again."""

    reason: RecogniserLostError


@dataclass
class _Crew:
    """Holds what the threads that drive workers share with the thread that reads the results, and what it counts."""

    cache: TranscriptCache | None
    identity: Identity
    n_alive: int
    max_losses: int
    n_under_way: int = 0
    n_losses: int = 0  # since the last text
    waiting: "queue.SimpleQueue[_Task | None]" = field(default_factory=queue.SimpleQueue)
    ended: "queue.SimpleQueue[Done | _Lost | _Gone | BaseException]" = field(default_factory=queue.SimpleQueue)

    def give(self, task: _Task) -> None:
        """Let a worker hear a batch."""
        self.n_under_way += 1
        self.waiting.put(task)

    def next_done(self) -> Done | None:
        """Wait for what happens next; return a batch that is done, None where something else happened."""
        event = self.ended.get()
        if isinstance(event, BaseException):
            raise event
        if isinstance(event, _Gone):
            self._do_without(event)
            return None
        self.n_under_way -= 1
        if isinstance(event, Done):
            if any(hypothesis.error is None and not hypothesis.cached for hypothesis in event.hypotheses):
                self.n_losses = 0
            return event
        return self._again(event)

    def drive(self, worker: Worker) -> None:
        """Let one worker hear what is waiting until nothing is left, or it cannot go on."""
        try:
            while self._is_ready(worker) and (task := self.waiting.get()) is not None:
                try:
                    self.ended.put(_heard(task.clips, worker, self.cache))
                except RecogniserLostError as lost:
                    self.ended.put(_Lost(task, lost))
        except BaseException as error:  # handed to the thread that reads the results, whatever it is
            self.ended.put(error)

    def _is_ready(self, worker: Worker) -> bool:
        """Start a worker that is not running; say whether it could be."""
        try:
            identity = worker.identity()
        except RecogniserLostError as lost:
            self.ended.put(_Gone(lost))
            return False
        if identity != self.identity:
            raise BackendError(f"two workers are not the same recogniser: {identity}; {self.identity}")
        return True

    def _again(self, lost: _Lost) -> Done | None:
        """Give the clips of a lost batch to the workers again, one by one; a clip that is lost again has failed."""
        self.n_losses += 1
        if self.n_losses > self.max_losses:
            raise BackendError(
                f"a recogniser was lost {self.n_losses} times in a row, lastly: {lost.reason}. The run stops here and "
                "what is done is kept; mend the cause, then give the same command"
            ) from lost.reason
        if isinstance(lost.reason, NotStartedError):
            log.warning("a recogniser was lost before it heard anything: %s", lost.reason)
            self.give(lost.task)
            return None
        if lost.task.is_second:
            return failed(lost.task.clips[0].result(), lost.reason)
        log.warning("a recogniser was lost, its %d clips are heard again: %s", len(lost.task.clips), lost.reason)
        for clip in lost.task.clips:
            self.give(_Task([clip], is_second=True))
        return None

    def _do_without(self, gone: _Gone) -> None:
        self.n_alive -= 1
        if not self.n_alive:
            raise BackendError(f"the recogniser could not be started: {gone.reason}") from gone.reason
        log.warning("a recogniser could not be started, going on with %d: %s", self.n_alive, gone.reason)


def _heard(clips: _Clips, worker: Worker, cache: TranscriptCache | None) -> Done:
    started = time.perf_counter()
    decoded = [clip.result() for clip in clips]
    return hear(decoded, worker, cache, waited_s=time.perf_counter() - started)
