"""A finished run in, its `report.html` made anew out: with others beside it, or without what must not be published."""

from dataclasses import dataclass

from harness.errors import UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.pipelines.job import Outcome
from harness.report.html import ReportOptions, write_html
from harness.results import Run
from harness.results.whole import check_whole
from harness.transcription.progress import stage


@dataclass(frozen=True, kw_only=True)
class ReportJob:
    """Holds what `harness report` needs, as ordinary objects.

    Attributes:
        run: A finished run.
        options: What its report holds.
    """

    run: Run
    options: ReportOptions


def report(job: ReportJob) -> Outcome:
    """Write the report of a run; what the run found does not change how the command ends.

    Raises:
        UsageError: The report is turned off, or a run beside it is not finished or not of the same utterances.
        RunDirectoryError: The run is damaged.
        StorageError: It cannot be written.
    """
    if not job.options.html:
        raise UsageError("report.html=false: harness report writes nothing else. Leave it out.")
    check_whole(job.run)
    with stage("drawing the report"):
        write_html(job.run, job.options)
    return Outcome(job.run, EXIT_WITHIN_POLICY)
