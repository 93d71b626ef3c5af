"""Options and a backend's factory in, the workers that recognise out: in this process, in others, or on a cluster."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from math import inf

from harness.errors import UsageError
from harness.transcription.ray_workers import RayLine, Share, cluster, room_for
from harness.transcription.worker_process import MakeBackend, ProcessLine
from harness.transcription.workers import InThisProcess, Limits, Remote, Worker

LONGEST_S = 1e6  # of any time limit: eleven days; what waits longer was forgotten


class Kind(Enum):
    """Says where the recognisers are."""

    local = "local"  # on this machine
    ray = "ray"  # on the nodes of a Ray cluster


class Order(Enum):
    """Says which clips come first, and so which are together in a batch."""

    longest_first = "longest_first"  # like lengths together; what does not fit the device shows at once
    shortest_first = "shortest_first"
    manifest = "manifest"


class ConditionsOn(Enum):
    """Where conditions are applied to decoded audio."""

    auto = "auto"  # the GPU where the command's own process has one and uses it, else the CPU
    cpu = "cpu"
    cuda = "cuda"


@dataclass(kw_only=True)
class ExecutorOptions:
    """Says how clips are batched and decoded, and where they are recognised. No text should depend on any of it.

    Attributes:
        kind: Where the recognisers are.
        workers: Recognisers at once, each in a process of its own; 0: one in this process, which nothing protects from
            it; None: one for each of `gpus`, else one, or as many as the Ray cluster has room for.
        gpus: Numbers of this machine's GPUs, one worker on each in turn; empty: each worker sees all of them.
        address: Of the Ray cluster, such as `10.0.0.1:6379`; None: this machine alone.
        cpus_per_worker: CPU cores that a worker occupies of a Ray cluster.
        gpus_per_worker: GPUs that a worker occupies of a Ray cluster; a fraction shares one.
        batch_size: Clips handed to a backend at once, and the most that a kill can cost of each worker.
        batch_audio_s: Seconds of audio in a batch, unless one clip has more.
        order: Which clips come first.
        decode_threads: Threads that decode audio ahead of recognition.
        prefetch_batches: Decoded batches that may wait for each worker; bounds memory.
        conditions_on: Where conditions are applied; samples differ by less than 1e-4.
        start_timeout_s: A backend that is not ready after so many seconds hangs; fetching weights counts.
        timeout_s: A batch that has no text after so many seconds hangs,
        timeout_per_audio: and so many more for each second of its audio.
        max_losses: So many workers may be lost in a row, without a text in between; one more stops the run.
        retry_failed: Whether clips that failed before are tried again.
        max_consecutive_failures: So many clips that the backend fails on, one after the other, stop the run.
    """

    kind: Kind = Kind.local
    workers: int | None = None
    gpus: list[int] = field(default_factory=list)
    address: str | None = None
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    batch_size: int = 16
    batch_audio_s: float = 600.0
    order: Order = Order.longest_first
    decode_threads: int = 2
    prefetch_batches: int = 2
    conditions_on: ConditionsOn = ConditionsOn.auto
    start_timeout_s: float = 1800.0
    timeout_s: float = 120.0
    timeout_per_audio: float = 30.0
    max_losses: int = 10
    retry_failed: bool = False
    max_consecutive_failures: int = 100

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("batch_size", "decode_threads", "prefetch_batches", "max_consecutive_failures"):
            if getattr(self, name) < 1:
                raise UsageError(f"executor.{name}={getattr(self, name)}; expected 1 or more.")
        for name in ("workers", "max_losses", "cpus_per_worker", "gpus_per_worker", "timeout_per_audio"):
            if not 0 <= (getattr(self, name) or 0) < inf:
                raise UsageError(f"executor.{name}={getattr(self, name)}; expected 0 or more.")
        for name in ("batch_audio_s", "start_timeout_s", "timeout_s"):
            if not 0 < getattr(self, name) <= LONGEST_S:
                raise UsageError(
                    f"executor.{name}={getattr(self, name)}; expected more than 0 seconds, at most {LONGEST_S:g}."
                )
        if min(self.gpus, default=0) < 0:
            raise UsageError(f"executor.gpus={self.gpus}; expected numbers of GPUs, 0 or more.")
        if self.gpus and self.workers == 0:
            raise UsageError(f"executor.gpus={self.gpus} with executor.workers=0; expected 1 worker or more.")
        if self.kind is Kind.ray and self.workers == 0:
            raise UsageError("executor.workers=0 with executor.kind=ray; expected 1 or more, or null.")

    @property
    def conditions_device(self) -> str:
        """Return the device that conditions are applied on, as torch names it.

        Raises:
            UsageError: A GPU is asked for and there is none.
        """
        if self.conditions_on is ConditionsOn.cuda:
            _check_cuda()
        if self.conditions_on is not ConditionsOn.auto:
            return str(self.conditions_on.value)
        torch = sys.modules.get("torch")  # a GPU that nothing here uses would only lose memory to this
        has_gpu = torch is not None and bool(torch.cuda.is_available())
        return str((ConditionsOn.cuda if has_gpu else ConditionsOn.cpu).value)

    @property
    def limits(self) -> Limits:
        """Return how long a worker may be silent."""
        return Limits(self.start_timeout_s, self.timeout_s, self.timeout_per_audio)


def _check_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise UsageError("executor.conditions_on=cuda: torch finds no GPU here. Choose auto or cpu.")


@contextmanager
def recognisers(make: MakeBackend, options: ExecutorOptions) -> Iterator[Sequence[Worker]]:
    """Yield the workers, none of them started yet; end them with the block.

    Args:
        make: Makes the backend; it is pickled unless `workers=0`.
        options: Where, and how many.

    Raises:
        UsageError: There is no such cluster.
    """
    if options.kind is Kind.ray:
        with cluster(options.address):
            share = Share(options.cpus_per_worker, options.gpus_per_worker)
            lines = [RayLine(make, share) for _ in range(options.workers or room_for(share))]
            with _ended([Remote(line, options.limits) for line in lines]) as workers:
                yield workers
    elif options.workers == 0:
        with _ended([InThisProcess(make())]) as workers:
            yield workers
    else:
        n_workers = options.workers or max(1, len(options.gpus))
        processes = [ProcessLine(make, _environment(number, n_workers, options.gpus)) for number in range(n_workers)]
        with _ended([Remote(line, options.limits) for line in processes]) as workers:
            yield workers


@contextmanager
def _ended(workers: Sequence[Worker]) -> Iterator[Sequence[Worker]]:
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


def _environment(number: int, n_workers: int, gpus: Sequence[int]) -> dict[str, str]:
    """Return the variables that share a machine among workers: a GPU each, and cores that they do not fight for."""
    environment = {"CUDA_VISIBLE_DEVICES": str(gpus[number % len(gpus)])} if gpus else {}
    if n_workers > 1 and "OMP_NUM_THREADS" not in os.environ:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // n_workers))
    return environment
