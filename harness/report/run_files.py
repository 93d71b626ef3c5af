"""A run directory in, what it says of itself read once out: what every page of a run begins with."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.results import Run


@dataclass(frozen=True)
class RunFiles:
    """Is a run whose facts and headline are read once."""

    run: Run

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return run.json."""
        return self.run.facts

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Return summary.json."""
        return self.run.summary
