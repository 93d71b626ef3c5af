"""A pipeline's name and its run directory in, what the command prints out."""

from typing import IO

from harness.report.comparison import show_comparison
from harness.report.discoveries import show_discoveries
from harness.report.plan import show_plan
from harness.report.screen import show as show_verdicts
from harness.results import Run

_SCREENS = {"compare": show_comparison, "discover": show_discoveries, "plan": show_plan}


def show(pipeline: str, run: Run, out: IO[str]) -> None:
    """Print the table of a run: that of its pipeline, or the verdicts of one that measures."""
    _SCREENS.get(pipeline, show_verdicts)(run, out)
