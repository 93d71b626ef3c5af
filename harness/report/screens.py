"""A pipeline's name and its run directory, or the answer of `harness cache`, in; what the command prints out."""

from typing import IO

from harness.report.cache import CacheAnswer, show_cache
from harness.report.comparison import show_comparison
from harness.report.discoveries import show_discoveries
from harness.report.invariance import show_invariance
from harness.report.plan import show_plan
from harness.report.screen import show as show_verdicts
from harness.results import Run

_SCREENS = {
    "compare": show_comparison,
    "discover": show_discoveries,
    "plan": show_plan,
    "audit_invariance": show_invariance,
}


def show(pipeline: str, shown: Run | CacheAnswer, out: IO[str]) -> None:
    """Print the table of a run: that of its pipeline, or the verdicts of one that measures; or an answer."""
    if isinstance(shown, Run):
        _SCREENS.get(pipeline, show_verdicts)(shown, out)
    else:
        show_cache(shown, out)
