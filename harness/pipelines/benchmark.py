"""A manifest and a backend in, a complete run directory out: the main job."""

from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.hearing import HearingJob, heard
from harness.pipelines.job import Outcome


@dataclass(frozen=True, kw_only=True)
class BenchmarkJob(HearingJob):
    """Holds everything a benchmark needs, as ordinary objects."""

    def __post_init__(self) -> None:
        """Refuse what would be pooled although nobody meets it pooled."""
        if len(self.conditions) > 1:
            names = [condition.name for condition in self.conditions]
            raise UsageError(
                f"a benchmark is heard under one condition, and {names} were chosen. `harness last_mile` hears every "
                "utterance under each of them and says for whom it is worse."
            )


def benchmark(job: BenchmarkJob) -> Outcome:
    """Transcribe what is not transcribed yet, then score, slice and judge.

    Raises:
        HarnessError: Something could not be measured; the message says what and what to do.
    """
    evaluation = job.evaluation()
    with heard(job, pipeline="benchmark") as found:
        scores = scored(found.hypotheses, evaluation)
        return evaluate(found.run, scores, found.hypotheses, replace(evaluation, facts=found.facts))
