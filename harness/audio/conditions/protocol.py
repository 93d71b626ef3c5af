"""What a condition is: a waveform in, the waveform that another room, line or device would have given out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from harness.audio.waveform import Waveform


@runtime_checkable
class Condition(Protocol):
    """Is what turns a clean recording into the one that another room, line or device would have given.

    A class of your own needs no more than these two; what it is made from (its public attributes, plain values) becomes
    part of the key under which transcripts are kept. If its code changes, so must an attribute, `version` for example.
    """

    @property
    def name(self) -> str:
        """What outputs call it: letters, digits, `.`, `_`, `-`, at most 60 of them."""
        ...

    def __call__(self, waveform: Waveform, *, rng: np.random.Generator) -> Waveform:
        """Returns the waveform under the condition; everything random comes from `rng`.

        Args:
            waveform: `(num_samples,)`, float32, mono, 16 kHz, finite, never to be changed in place.
            rng: Is the same for the same utterance and condition, for every system, night and order.
        """
        ...


@dataclass(frozen=True, slots=True)
class Conditioned:
    """Is a waveform under a condition.

    Attributes:
        waveform: `(num_samples,)`, float32, finite.
        facts: What was done to this clip, by name, each with its unit: `noise_level_db`, `scale`, `clipped_share` …;
            those of a chain's steps begin with the step's number, `2.scale`. Finite numbers.
    """

    waveform: Waveform
    facts: Mapping[str, float] = field(default_factory=dict)
