"""The run directory: what a run writes and what everything after it reads."""

from harness.results.frames import Evaluated, evaluate_frame
from harness.results.run import Run, open_run_directory
from harness.results.summary import summarise

__all__ = ["Evaluated", "Run", "evaluate_frame", "open_run_directory", "summarise"]
