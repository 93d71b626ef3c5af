"""A pipeline's name and its run directory, or the answer of `harness cache`, in; what the command prints out."""

from typing import IO

from harness.corpus.importers import Imported
from harness.report.bounties.answers import (
    BountyAnswer,
    ClosedBounty,
    Opened,
    Previewed,
    Routed,
    Status,
    Taken,
    Verified,
)
from harness.report.bounties.screen import show_bounty
from harness.report.bundles import Reproduced, show_bundled, show_reproduced
from harness.report.cache import CacheAnswer, show_cache
from harness.report.cards.screen import CardAnswer, CardWritten, show_card
from harness.report.cards.verify import Checked
from harness.report.comparison import show_comparison
from harness.report.described.screen import show_description
from harness.report.discoveries import show_discoveries
from harness.report.exported import Exported, show_exported
from harness.report.forgotten import show_forgotten
from harness.report.history import HistoryAnswer, show_history
from harness.report.imported import show_imported
from harness.report.invariance import show_invariance
from harness.report.nightly import Night, show_blessing, show_night
from harness.report.plan import show_plan
from harness.report.properties import Measured, show_measured
from harness.report.releases.screen import ReleaseWritten, show_release
from harness.report.screen import show as show_verdicts
from harness.results import Run
from harness.results.baselines import Blessing
from harness.results.bundles import Bundled
from harness.results.forgetting.answer import Forgotten

_SCREENS = {
    "compare": show_comparison,
    "discover": show_discoveries,
    "plan": show_plan,
    "describe": show_description,
    "audit_invariance": show_invariance,
}


def show(
    pipeline: str,
    shown: Run
    | CacheAnswer
    | CardAnswer
    | HistoryAnswer
    | Measured
    | Blessing
    | Night
    | Imported
    | Exported
    | Bundled
    | Reproduced
    | ReleaseWritten
    | BountyAnswer
    | Forgotten,
    out: IO[str],
) -> None:
    """Print the table of a run: that of its pipeline, or the verdicts of one that measures; or an answer."""
    if isinstance(shown, Run):
        _SCREENS.get(pipeline, show_verdicts)(shown, out)
    elif isinstance(shown, CardWritten | Checked):
        show_card(shown, out)
    elif isinstance(shown, HistoryAnswer):
        show_history(shown, out)
    elif isinstance(shown, Imported):
        show_imported(shown, out)
    elif isinstance(shown, Exported):
        show_exported(shown, out)
    elif isinstance(shown, Opened | Taken | Status | ClosedBounty | Verified | Previewed | Routed):
        show_bounty(shown, out)
    elif isinstance(shown, ReleaseWritten):
        show_release(shown, out)
    elif isinstance(shown, Bundled):
        show_bundled(shown, out)
    elif isinstance(shown, Forgotten):
        show_forgotten(shown, out)
    elif isinstance(shown, Reproduced):
        show_reproduced(shown, out)
    elif isinstance(shown, Measured):
        show_measured(shown, out)
    elif isinstance(shown, Night):
        show_night(shown, out)
    elif isinstance(shown, Blessing):
        show_blessing(shown, out)
    else:
        show_cache(shown, out)
