"""What Hydra composed in, the job of a release built and run."""

from pathlib import Path

from harness.config.composed import Composed
from harness.errors import UsageError
from harness.pipelines.release import ReleaseJob, ReleaseOutcome, release
from harness.results import Run


def release_job(composed: Composed) -> ReleaseOutcome:
    """Release what a run says of groups of people."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    if not options.out.strip():
        raise UsageError("out= names nothing. Name a folder that is not there yet.")
    return release(ReleaseJob(run=Run.open(options.run), out=Path(options.out), options=options.release))
