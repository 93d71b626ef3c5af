"""A manifest, conditions and a backend in, an open run directory with every hypothesis out."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pandas as pd

from harness.audio.conditions import Condition, digest_of
from harness.backends import Identity
from harness.corpus import Manifest
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import AnyNormalizer, Evaluation, Job, SliceOptions
from harness.provenance import digest_of_recordings, version
from harness.report.html import ReportOptions
from harness.results import Run, open_run_directory
from harness.results.tracking import TrackingOptions
from harness.scoring.terms import TermList
from harness.transcription import (
    CacheOptions,
    ExecutorOptions,
    Session,
    Transcribed,
    TranscriptCache,
    recognisers,
    sessions,
    transcribe,
)
from harness.transcription.progress import stage
from harness.transcription.store import CLEAN
from harness.transcription.worker_process import MakeBackend


@dataclass(frozen=True, kw_only=True)
class HearingJob(Job):
    """Holds everything that hearing a manifest needs, as ordinary objects.

    Attributes:
        manifest: What is heard.
        make_backend: Makes the recogniser, in whatever process; it is pickled unless `executor.workers` is 0.
        backend_name: What outputs call it.
        normalizer: Rules applied to references and hypotheses alike.
        slices: What to slice by.
        evidence: Which further tables are made.
        report: What report.html holds.
        tracking: Where the finished run is logged to.
        executor: How clips are batched, and where they are recognised.
        cache: Where transcripts of earlier runs are.
        reference_pattern: What is not words in references; None: nothing.
        terms: Words that matter; None: none.
        conditions: Under which each utterance is heard; none: as it was recorded.
    """

    manifest: Manifest
    make_backend: MakeBackend
    backend_name: str
    normalizer: AnyNormalizer
    slices: SliceOptions
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    executor: ExecutorOptions
    cache: CacheOptions = field(default_factory=CacheOptions)
    reference_pattern: str | None
    terms: TermList | None = None
    conditions: tuple[Condition, ...] = ()

    def evaluation(self) -> Evaluation:
        """Return what scoring and judging need; what cannot be meant is refused here, before hours of transcription."""
        return Evaluation(
            manifest=self.manifest,
            normalizer=self.normalizer,
            policy=self.policy,
            slices=self.slices,
            evidence=self.evidence,
            report=self.report,
            tracking=self.tracking,
            seed=self.seed,
            reference_pattern=self.reference_pattern,
            terms=self.terms,
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """Is an open run directory, all of its hypotheses, and what run.json tells of how they were made."""

    run: Run
    hypotheses: pd.DataFrame
    facts: dict[str, object]


@contextmanager
def heard(job: HearingJob, *, pipeline: str) -> Iterator[Heard]:
    """Transcribe what is not transcribed yet, and keep the run directory open.

    Raises:
        HarnessError: Something could not be heard at all; the message says what and what to do.
    """
    with stage("looking for recordings", n_rows=len(job.manifest)):  # first: loading a recogniser may take minutes
        recordings = digest_of_recordings(job.manifest.frame["audio_filepath"].dropna())
    with ExitStack() as hearing:
        workers = hearing.enter_context(recognisers(job.make_backend, job.executor))
        with stage("starting the recogniser"):
            identity = workers[0].identity()
        cache = hearing.enter_context(TranscriptCache(job.cache.file, identity)) if job.cache.enabled else None
        with open_run_directory(
            job.run_dir,
            pipeline=pipeline,
            name=f"{job.manifest.name}_{job.backend_name}",
            config_yaml=job.config_yaml,
            fingerprint=_fingerprint(job, identity, recordings),
        ) as run:
            done = transcribe(
                job.manifest, workers, run.hypotheses, job.executor, cache=cache, conditions=job.conditions
            )
            hearing.close()  # what follows has the memory to itself
            hypotheses = run.hypotheses.frame()
            facts = _facts(job, identity, done, sessions.read(run.path)) | _from_cache(hypotheses)
            yield Heard(run, hypotheses, {"pipeline": pipeline} | facts)


def _fingerprint(job: HearingJob, identity: Identity, recordings: str) -> dict[str, object]:
    return {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": job.manifest.digest,
        "recordings_digest": recordings,
        "backend_identity": identity,
        "normalizer": job.normalizer.id,
        "conditions": _digests(job.conditions),
        "terms": None if job.terms is None else job.terms.digest,
    }


def _digests(conditions: Sequence[Condition]) -> dict[str, str]:
    return {each.name: digest_of(each) for each in conditions if each.name != CLEAN}


def _facts(job: HearingJob, identity: Identity, done: Transcribed, parts: Sequence[Session]) -> dict[str, object]:
    devices = sorted({device for part in parts for device in part.devices})  # none of a session that was killed
    return {
        "backend": {"name": job.backend_name} | identity,
        "conditions": _digests(job.conditions),
        "device": ", ".join(devices) or None,
        "conditions_on": job.executor.conditions_device if job.conditions else None,
        "n_transcribed_before": done.n_kept,
        "timings_s": {
            "warm_up": sum(part.warm_up_s for part in parts),
            "transcription": sum(part.wall_s for part in parts),
        },
    }


def _from_cache(hypotheses: pd.DataFrame) -> dict[str, object]:
    return {"n_cached": int(hypotheses["cached"].eq(True).sum())}
