"""A decision list and the backends that it names in, the transcripts of the backend that each waveform is sent to out.

The list is that of a bounty (`harness.predicates.DecisionList`). It can be run where a waveform alone tells whom its
predicates mean: they ask the level, the speech and the noise, measured as `harness measure` measures them. A list that
asks who speaks is for evaluation only, and refused.
"""

import time
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from harness.audio.measurements import VERSION, Measurements, measure_samples
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import (
    Backend,
    Closing,
    Failure,
    Identity,
    Staged,
    Transcript,
    check_transcripts,
    check_waveforms,
    checked_identity,
)
from harness.backends.routable import AS_RECORDED, KNOWABLE, read_decisions, runnable
from harness.errors import UsageError
from harness.predicates import DecisionList

_MEASURING = "measuring"  # the router's own stage


class Router:
    """Sends every waveform to the backend that a decision list chooses for it.

    Args:
        backends: By the names that the list has for them; each is named by a node or is the base.
        decisions: The list, as `DecisionList.to_dict` returns it; not together with a file.
        file: A JSON file of the same.
        prefix: What the names of measured columns begin with, as in `harness measure`; None for nothing.
        as_recorded: Whether every recording is mono at 16 kHz, so that the waveform is the recording itself; only then
            are `clipped_share` and `bandwidth_hz` what `harness measure` says.

    Raises:
        UsageError: The list is none, asks what a waveform does not tell, or does not name these backends.
    """

    def __init__(
        self,
        *,
        backends: Mapping[str, Backend] | None = None,
        decisions: Mapping[str, object] | None = None,
        file: str | None = None,
        prefix: str | None = None,
        as_recorded: bool = False,
    ) -> None:
        if (decisions is None) == (file is None):
            raise UsageError("Router: expected decisions or file, one of the two: the list that chooses a backend")
        told = decisions if file is None else read_decisions(file)
        self._prefix = prefix or ""
        self._list = runnable(told, prefix=self._prefix, as_recorded=as_recorded)
        self._backends = _named(backends, self._list)
        self._measuring_s = 0.0

    def load(self) -> None:
        """Starts every backend that can be started.

        Raises:
            HarnessError: as their own `load` does.
        """
        for backend in self._backends.values():
            start = getattr(backend, "load", None)
            if callable(start):
                start()

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript | Failure]:
        """Returns what the chosen backend heard in each waveform; each backend gets all of its own at once.

        Raises:
            BackendError: A waveform is not what it should be, or a backend breaks its contract.
            Exception: as the backends raise it.
        """
        check_waveforms("Router", waveforms)
        heard: dict[int, Transcript | Failure] = {}
        for name, positions in self._routes(waveforms).items():
            returned = self._backends[name].transcribe([waveforms[position] for position in positions])
            transcripts = check_transcripts(self._backends[name], returned, n_waveforms=len(positions))
            heard |= dict(zip(positions, transcripts, strict=True))
        return [heard[position] for position in range(len(waveforms))]

    def system_of(self, waveform: Waveform) -> str:
        """Returns the name of the backend that a waveform `(num_samples,)` is sent to."""
        if not self._list.columns:
            return self._list.system_of_row({})
        return self._list.system_of_row(measured(waveform, prefix=self._prefix))

    def identity(self) -> Identity:
        """Returns the digest of the list and the whole identity of every backend, each key after the backend's name.

        Raises:
            HarnessError: as the backends' `identity` does.
        """
        own: Identity = {"backend": "router", "decisions_sha256": self._list.digest, "measurements": VERSION}
        for name, backend in self._backends.items():
            own |= {f"{name}.{key}": value for key, value in checked_identity(backend).items()}
        return own

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds of every backend's stages, added up, and those of measuring."""
        seconds = {_MEASURING: self._measuring_s}
        for backend in self._backends.values():
            for stage, spent in (backend.stage_seconds() if isinstance(backend, Staged) else {}).items():
                seconds[stage] = seconds.get(stage, 0.0) + spent
        return seconds

    def close(self) -> None:
        """Ends what every backend started, also when one of them fails to."""
        errors = []
        for backend in self._backends.values():
            try:
                if isinstance(backend, Closing):
                    backend.close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _routes(self, waveforms: Sequence[Waveform]) -> dict[str, list[int]]:
        """Returns the positions of the waveforms of each backend that has some."""
        started = time.perf_counter()
        routes: dict[str, list[int]] = {}
        for position, waveform in enumerate(waveforms):
            routes.setdefault(self.system_of(waveform), []).append(position)
        self._measuring_s += time.perf_counter() - started
        return routes


def measured(waveform: Waveform, *, prefix: str = "") -> dict[str, float | None]:
    """Returns what is measured of a waveform, by the names of its columns; None where it cannot be told.

    It is what `harness measure` writes of the same recording; `clipped_share` and `bandwidth_hz` only of one that is
    mono at 16 kHz (recorded at 8 kHz, it reads 0.5 to 0.9 kHz wider).

    Args:
        waveform: `(num_samples,)`, 16 kHz.
        prefix: Of the columns' names.
    """
    names = (*KNOWABLE, *AS_RECORDED)
    if not len(waveform):
        return dict.fromkeys((f"{prefix}{name}" for name in names), None)
    found: Measurements = measure_samples(waveform, waveform[:, np.newaxis], SAMPLE_RATE)
    return {f"{prefix}{name}": cast("float | None", getattr(found, name)) for name in names}


def _named(backends: Mapping[str, Backend] | None, decisions: DecisionList) -> dict[str, Backend]:
    """Returns the backends in the order of the list, each of which it names.

    Raises:
        UsageError: One is missing, is no backend, or is named by nobody.
    """
    given = dict(backends or {})
    missing = [name for name in decisions.system_names if name not in given]
    if missing:
        raise UsageError(f"Router: no backend is called {missing[0]!r}; expected backends for {_names(decisions)}")
    odd = [name for name in given if name not in decisions.system_names]
    if odd:
        raise UsageError(f"Router: no node of the list names the backend {odd[0]!r}; expected {_names(decisions)}")
    for name, backend in given.items():
        if not callable(getattr(backend, "transcribe", None)) or not callable(getattr(backend, "identity", None)):
            raise UsageError(
                f"Router: {name!r} is {type(backend).__name__}; expected a backend: its _target_ and options"
            )
    return {name: given[name] for name in decisions.system_names}


def _names(decisions: DecisionList) -> str:
    return ", ".join(map(repr, decisions.system_names))
