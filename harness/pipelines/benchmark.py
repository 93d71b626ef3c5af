"""A manifest and a backend in, a complete run directory out: the main job."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.backends import Backend, checked_identity
from harness.corpus import Manifest
from harness.pipelines.evaluation import AnyNormalizer, Evaluation, Job, Outcome, SliceOptions, evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.provenance import version
from harness.results import open_run_directory
from harness.transcription import ExecutorOptions, transcribe


@dataclass(frozen=True, kw_only=True)
class BenchmarkJob(Job):
    """Holds everything a benchmark needs, as ordinary objects."""

    manifest: Manifest
    backend: Backend
    backend_name: str
    normalizer: AnyNormalizer
    slices: SliceOptions
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    executor: ExecutorOptions
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
        seed=job.seed,
        reference_pattern=job.reference_pattern,
    )
    identity = checked_identity(job.backend)
    name = f"{job.manifest.name}_{job.backend_name}"
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": job.manifest.digest,
        "recordings_digest": _recordings_digest(job.manifest),
        "backend_identity": identity,
        "normalizer": job.normalizer.id,
    }
    with open_run_directory(
        job.run_dir, pipeline="benchmark", name=name, config_yaml=job.config_yaml, fingerprint=fingerprint
    ) as run:
        done = transcribe(job.manifest, job.backend, run.hypotheses, job.executor)
        facts = {
            "pipeline": "benchmark",
            "backend": {"name": job.backend_name} | identity,
            "n_transcribed_before": done.n_kept,
            "timings_s": {"warm_up": done.warm_up_s, "transcription": done.wall_s},
        }
        hypotheses = run.hypotheses.frame()
        return evaluate(run, scored(hypotheses, evaluation), hypotheses, replace(evaluation, facts=facts))


def _recordings_digest(manifest: Manifest) -> str:
    """Return a digest of the path, size and time of every recording: other audio under the same name is another run."""
    digest = hashlib.sha256()
    for path in dict.fromkeys(manifest.frame["audio_filepath"].dropna()):
        status = Path(path).stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
