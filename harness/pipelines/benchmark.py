"""A manifest and a backend in, a complete run directory out: the main job."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pandas as pd

from harness.backends import Identity
from harness.corpus import Manifest
from harness.pipelines.evaluation import AnyNormalizer, Evaluation, Job, Outcome, SliceOptions, evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.provenance import digest_of_recordings, version
from harness.report.html import ReportOptions
from harness.results import open_run_directory
from harness.results.tracking import TrackingOptions
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
from harness.transcription.worker_process import MakeBackend


@dataclass(frozen=True, kw_only=True)
class BenchmarkJob(Job):
    """Holds everything a benchmark needs, as ordinary objects.

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


def benchmark(job: BenchmarkJob) -> Outcome:
    """Transcribe what is not transcribed yet, then score, slice and judge.

    Raises:
        HarnessError: Something could not be measured; the message says what and what to do.
    """
    evaluation = Evaluation(
        manifest=job.manifest,
        normalizer=job.normalizer,
        policy=job.policy,
        slices=job.slices,
        evidence=job.evidence,
        report=job.report,
        tracking=job.tracking,
        seed=job.seed,
        reference_pattern=job.reference_pattern,
    )
    with stage("looking for recordings", n_rows=len(job.manifest)):  # first: loading a recogniser may take minutes
        recordings = digest_of_recordings(job.manifest.frame["audio_filepath"].dropna())
    with ExitStack() as hearing:
        workers = hearing.enter_context(recognisers(job.make_backend, job.executor))
        with stage("starting the recogniser"):
            identity = workers[0].identity()
        cache = hearing.enter_context(TranscriptCache(job.cache.file, identity)) if job.cache.enabled else None
        with open_run_directory(
            job.run_dir,
            pipeline="benchmark",
            name=f"{job.manifest.name}_{job.backend_name}",
            config_yaml=job.config_yaml,
            fingerprint=_fingerprint(job, identity, recordings),
        ) as run:
            done = transcribe(job.manifest, workers, run.hypotheses, job.executor, cache=cache)
            hearing.close()  # what follows has the memory to itself
            hypotheses = run.hypotheses.frame()
            facts = _facts(job, identity, done, sessions.read(run.path)) | _from_cache(hypotheses)
            return evaluate(run, scored(hypotheses, evaluation), hypotheses, replace(evaluation, facts=facts))


def _fingerprint(job: BenchmarkJob, identity: Identity, recordings: str) -> dict[str, object]:
    return {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": job.manifest.digest,
        "recordings_digest": recordings,
        "backend_identity": identity,
        "normalizer": job.normalizer.id,
    }


def _facts(job: BenchmarkJob, identity: Identity, done: Transcribed, parts: Sequence[Session]) -> dict[str, object]:
    devices = sorted({device for part in parts for device in part.devices})  # none of a session that was killed
    return {
        "pipeline": "benchmark",
        "backend": {"name": job.backend_name} | identity,
        "device": ", ".join(devices) or None,
        "n_transcribed_before": done.n_kept,
        "timings_s": {
            "warm_up": sum(part.warm_up_s for part in parts),
            "transcription": sum(part.wall_s for part in parts),
        },
    }


def _from_cache(hypotheses: pd.DataFrame) -> dict[str, object]:
    return {"n_cached": int(hypotheses["cached"].eq(True).sum())}
