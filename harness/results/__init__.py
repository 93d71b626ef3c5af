"""The run directory: what a run writes and what everything after it reads."""

from harness.results.run import Run, open_run_directory
from harness.results.summary import summarise

__all__ = ["Run", "open_run_directory", "summarise"]
