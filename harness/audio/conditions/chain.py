"""A clip in, the clip through several conditions, one after the other, out: a kitchen, then a telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from harness.audio.conditions.applying import conditioned, stretch_of
from harness.audio.conditions.base import LONGEST_NAME, AcousticCondition
from harness.audio.conditions.identity import spawned
from harness.audio.conditions.protocol import Condition, Conditioned
from harness.audio.waveform import Waveform
from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(AcousticCondition):
    """Applies conditions in order, each with a draw of its own.

    Attributes:
        steps: The conditions, at least one; anybody's as well.
    """

    steps: tuple[Condition, ...]

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
        """Returns the clip after the last step; facts: those of every step, `1.noise_level_db`, `2.clipped_share`."""
        done = Conditioned(waveform)
        for i, (step, own) in enumerate(zip(self.steps, spawned(rng, len(self.steps)), strict=True), start=1):
            done = self.joined(done, conditioned(step, done.waveform, rng=own), number=i)
        return done

    def joined(self, before: Conditioned, after: Conditioned, *, number: int) -> Conditioned:
        """Returns what a step made, with the facts of those before it; the number is the step's, from 1."""
        facts = {f"{number}.{fact}": value for fact, value in after.facts.items()}
        return Conditioned(after.waveform, dict(before.facts) | facts)

    @property
    def stretch(self) -> float:
        """The product of the steps'."""
        return prod(stretch_of(step) for step in self.steps)

    def default_name(self) -> str:
        """Returns the names of the steps, `kitchen_10db-telephone_mulaw`."""
        return "-".join(step.name for step in self.steps)[:LONGEST_NAME]

    def _check(self) -> None:
        steps = self.steps
        if not isinstance(steps, Sequence) or not steps or not all(isinstance(step, Condition) for step in steps):
            raise UsageError(f"Chain: steps={steps!r}; expected a list of at least one condition.")
        object.__setattr__(self, "steps", tuple(steps))
