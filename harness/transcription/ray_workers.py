"""A backend's factory in, lines to recognisers on the nodes of a Ray cluster out; where they stand is Ray's to say.

The clips are decoded where the command runs and sent along, so that nodes need no file system in common: only this
package, the backend's own, and its weights. A node that is lost takes a batch with it, which another one hears again.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.errors import UsageError
from harness.transcription.worker_process import MakeBackend, Refusal, Station
from harness.transcription.workers import Question, RecogniserLostError

if TYPE_CHECKING:
    from ray.actor import ActorHandle

_END_S = 5.0  # for an actor to end what its backend started
_CONNECT_S = 10.0  # for a cluster to answer; Ray itself tries for many minutes


@dataclass(frozen=True, slots=True)
class Share:
    """Is what one recogniser occupies of a cluster.

    Attributes:
        cpus: CPU cores, as Ray counts them.
        gpus: GPUs; a fraction lets several recognisers share one.
    """

    cpus: float
    gpus: float


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Join the cluster at an address, or start one on this machine, until the block ends.

    Raises:
        UsageError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a measurement tells nobody that it took place
    try:
        import ray
    except ImportError as error:
        raise UsageError("executor=ray needs the package ray: pip install 'asr-fairness-harness[ray]'") from error
    if ray.is_initialized():  # the caller's own, who also ends it
        yield
        return
    _check_answers(address)
    try:
        ray.init(address=address or "local", include_dashboard=None if address else False, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_cluster(address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Refuse an address, given as HOST:PORT, where nobody answers.

    Raises:
        UsageError: Nobody does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # `auto`, or none: Ray finds out by itself
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
        if not (address or "").startswith("ray://"):
            _check_health(f"{host}:{port}")
    except (OSError, OverflowError, subprocess.SubprocessError) as error:
        raise _no_cluster(address, error) from error


def _check_health(address: str) -> None:
    """Ask whether it is Ray that answers, in a process that can be ended: Ray's own library tries for many minutes.

    Raises:
        OSError, subprocess.SubprocessError: It is not.
    """
    ask = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "health-check", "--address", address]
    subprocess.run(ask, timeout=3 * _CONNECT_S, check=True, capture_output=True)


def _no_cluster(address: str | None, error: Exception) -> UsageError:
    return UsageError(
        f"executor.address={address}: no Ray cluster answers there ({type(error).__name__}). Start one "
        "with `ray start --head`, give its HOST:6379, or leave the address out to use this machine alone"
    )


def room_for(share: Share) -> int:
    """Return how many recognisers the cluster has room for now, at least one."""
    import ray

    has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    rooms = [has.get(name, 0.0) / need for name, need in (("CPU", share.cpus), ("GPU", share.gpus)) if need > 0]
    return max(1, int(min(rooms, default=1)))


class RayLine:
    """Leads to a recogniser in an actor of its own.

    Args:
        make: Makes the backend, there.
        share: What the actor occupies.
    """

    def __init__(self, make: MakeBackend, share: Share) -> None:
        self._make, self._share = make, share
        self._actor: ActorHandle[Station] | None = None
        self._is_asking = False

    def connect(self) -> None:
        """Ask for an actor; Ray places it where there is room, now or when there is."""
        import ray

        self._is_asking = False
        place = ray.remote(num_cpus=self._share.cpus, num_gpus=self._share.gpus, max_restarts=0)
        self._actor = cast("ActorHandle[Station]", place(Station).remote(self._make))

    def disconnect(self) -> None:
        """Let an idle actor end what its backend started; end it, whatever it does."""
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        actor, self._actor = self._actor, None
        if actor is None or not ray.is_initialized():
            return
        if not self._is_asking:
            with suppress(GetTimeoutError, RayError):
                ray.get(actor.close.remote(), timeout=_END_S)
        ray.kill(actor)

    def ask(self, question: Question, timeout_s: float) -> object:
        """Return the recogniser's answer; see `Line`."""
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        if self._actor is None:
            raise RecogniserLostError("the recogniser was stopped")
        self._is_asking = True
        try:
            answer: object = ray.get(self._actor.answer.remote(question), timeout=timeout_s)
        except GetTimeoutError as error:
            self.disconnect()
            raise RecogniserLostError(
                f"the recogniser gave no answer in {timeout_s:g} s and was stopped (see executor.timeout_s; does the "
                f"cluster have room for an actor of {self._share.cpus:g} CPUs and {self._share.gpus:g} GPUs?)"
            ) from error
        except RayError as error:
            raise RecogniserLostError(_first_lines(error)) from error
        self._is_asking = False
        if isinstance(answer, Refusal):
            raise answer.raised()
        return answer


def _first_lines(error: Exception) -> str:
    """Return what Ray says of a lost actor, on one line and without addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return " ".join(lines)[:300] or type(error).__name__
