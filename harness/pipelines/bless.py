"""A finished run in, the blessed baseline of its cell out: what later nights are compared with."""

import getpass
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.results import Run
from harness.results.baselines import Blessing, CellKey, bless_run
from harness.results.headlines import LeftOutError, headline
from harness.results.night_cells import names_of_night
from harness.results.whole import check_whole
from harness.transcription.store import CLEAN


@dataclass(frozen=True, kw_only=True)
class BlessJob:
    """Holds what `harness bless` needs, as ordinary objects.

    Attributes:
        run: A finished run of a night, or any other.
        baselines: Folder of all baselines.
        reason: Why, for those who ask later.
    """

    run: Run
    baselines: Path
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BlessOutcome:
    """Says what was blessed, and how the command ends."""

    answer: Blessing
    exit_status: int = EXIT_WITHIN_POLICY


def bless(job: BlessJob) -> BlessOutcome:
    """Make a run the baseline of its cell.

    Raises:
        UsageError: It has not ended, or more of its clips failed than its policy allows.
        RunDirectoryError: It is damaged: nothing could be compared with it.
        StorageError: It cannot be copied.
    """
    summary = job.run.summary
    if not job.run.finished:
        raise UsageError(f"{job.run.path}: has not ended. Finish it by giving its command again, then bless it.")
    if summary.get("max_failed_exceeded"):
        raise UsageError(
            f"{job.run.path}: {summary['n_failed']} clips failed, more than its policy allows: no baseline for others."
        )
    check_whole(job.run)
    return BlessOutcome(bless_run(job.run, key_of(job.run), job.baselines, by=_who(), reason=job.reason))


def key_of(run: Run) -> CellKey:
    """Return the cell of a run: a night says which, else its backend or its file of transcripts do.

    Raises:
        UsageError: The run is damaged.
    """
    try:
        told = headline(run.path)
    except LeftOutError as error:
        raise UsageError(f"{run.path}: {error}") from error
    night = names_of_night(run.path)
    condition = night["condition"] or "+".join(run.facts.get("conditions") or [CLEAN])
    return CellKey(told.system, night["manifest"] or told.manifest, condition, told.normalizer)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
