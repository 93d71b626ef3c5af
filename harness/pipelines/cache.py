"""The transcript cache in; what it holds, what was removed, or a file with all of it out. Nothing is measured."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.errors import UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.report.cache import CacheAnswer
from harness.transcription.caching.contents import PruneOptions, contents, prune, selected
from harness.transcription.caching.export import export


class CacheAction(Enum):
    """Says what is done with a cache."""

    show = "show"
    prune = "prune"
    export = "export"


@dataclass(frozen=True, kw_only=True)
class CacheJob:
    """Holds what `harness cache` needs, as ordinary objects.

    Attributes:
        path: The cache's file.
        action: What is done.
        prune: Which transcripts are removed.
        dry_run: Whether what would be removed is only shown.
        out: The file that is exported to; None where nothing is.
    """

    path: Path
    action: CacheAction = CacheAction.show
    prune: PruneOptions
    dry_run: bool = False
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class CacheOutcome:
    """Says what was found or done, and how the command ends."""

    answer: CacheAnswer
    exit_status: int = EXIT_WITHIN_POLICY


def cache(job: CacheJob) -> CacheOutcome:
    """Show, prune or export a transcript cache.

    Raises:
        UsageError: An option is missing, or belongs to another action.
        StorageError: The cache is damaged or cannot be read, or something cannot be written.
    """
    _check_options(job)
    if job.action is CacheAction.prune:
        return CacheOutcome(selected(job.path, job.prune) if job.dry_run else prune(job.path, job.prune))
    if job.out is not None:
        return CacheOutcome(export(job.path, job.out))
    return CacheOutcome(contents(job.path))


def _check_options(job: CacheJob) -> None:
    """Refuse options that would be ignored: somebody meant something by them."""
    given = {
        CacheAction.prune: [*job.prune.given, *["prune.all"] * job.prune.all, *["dry_run"] * job.dry_run],
        CacheAction.export: ["out"] * (job.out is not None),
    }
    for action, names in given.items():
        if names and job.action is not action:
            raise UsageError(f"{', '.join(names)}: of action={action.value}; found action={job.action.value}.")
    if job.action is CacheAction.export and job.out is None:
        raise UsageError("action=export says not where to; expected out=FILE, e.g. out=transcripts.jsonl")
