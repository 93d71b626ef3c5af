"""Transcripts made elsewhere and a manifest in, a complete run directory out; no audio, no recogniser, no GPU."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from harness.corpus import Manifest
from harness.errors import HypothesesError, UsageError
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import AnyNormalizer, Evaluation, Job, Outcome, SliceOptions
from harness.provenance import digest_of_file, version
from harness.report.html import ReportOptions
from harness.results import Run, open_run_directory
from harness.results.run import FACTS
from harness.results.tracking import TrackingOptions
from harness.scoring import read_hypotheses
from harness.scoring.beside import in_shares
from harness.scoring.terms import TermList
from harness.transcription import HypothesisStore
from harness.transcription.progress import stage
from harness.transcription.store import COLUMNS, rows_as_lines


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Holds transcripts made elsewhere, a row each, and the digest of the files they stand in."""

    frame: pd.DataFrame
    digest: str


def read_transcripts(hypotheses: Path, columns: Mapping[str, str]) -> Transcripts:
    """Read a file of transcripts, or the hypotheses that a run left.

    Args:
        hypotheses: A CSV, TSV or JSON Lines file, or a run directory, whose hypotheses are scored again.
        columns: What a file calls a column.

    Raises:
        HarnessError: There are none, or rows cannot be read; every one is named.
    """
    if not hypotheses.is_dir():
        return Transcripts(read_hypotheses(hypotheses, columns=columns), digest_of_file(hypotheses))
    inside = hypotheses / "hypotheses"
    store = HypothesisStore(inside if inside.is_dir() else hypotheses)
    if not store.files:
        raise UsageError(
            f"hypotheses={hypotheses}: no hypotheses of a run in {store.folder}; expected a run directory, or one "
            "CSV, TSV or JSON Lines file."
        )
    return Transcripts(store.frame(), " ".join(digest_of_file(path) for path in store.files))


@dataclass(frozen=True, kw_only=True)
class RescoreJob(Job):
    """Holds everything that scoring somebody's transcripts needs, as ordinary objects.

    Attributes:
        hypotheses: Where the transcripts are from.
        transcripts: As `read_transcripts` returns them.
        stem_ids: Ids on both sides are file names: compare them without folder and extension.
        allow_missing: Utterances without a transcript count as failed instead of being refused.
        reference_pattern: Regular expression removed from references, e.g. event tags.
        terms: Words that matter; None: none.
    """

    manifest: Manifest
    hypotheses: Path
    transcripts: Transcripts
    stem_ids: bool
    allow_missing: bool
    reference_pattern: str | None
    normalizer: AnyNormalizer
    slices: SliceOptions
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    terms: TermList | None = None


def rescore(job: RescoreJob) -> Outcome:
    """Match transcripts to the manifest, then score, slice and judge.

    Raises:
        HarnessError: Ids do not match, or something else could not be measured; the message says what to do.
    """
    transcripts, digest = job.transcripts.frame, job.transcripts.digest
    manifest = _told_of_conditions(job.manifest, transcripts)
    if job.stem_ids:
        transcripts = transcripts.assign(utterance_id=_stems(transcripts["utterance_id"], job.hypotheses))
        frame = manifest.frame.assign(utterance_id=_stems(manifest.frame["utterance_id"], manifest.path))
        manifest = replace(manifest, frame=frame)
    else:
        _suggest_stems(transcripts["utterance_id"], manifest, job.hypotheses)
    evaluation = Evaluation(
        manifest=manifest,
        normalizer=job.normalizer,
        policy=job.policy,
        slices=job.slices,
        evidence=job.evidence,
        report=job.report,
        tracking=job.tracking,
        seed=job.seed,
        allow_missing=job.allow_missing,
        reference_pattern=job.reference_pattern,
        terms=job.terms,
        facts={
            "pipeline": "rescore",
            "hypotheses": {"file": job.hypotheses.name, "digest": digest},
            "backend": _backend_of(job.hypotheses),
        },
    )
    scores = scored(transcripts, evaluation)  # before a run directory is made: the ids may not match
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": manifest.digest,
        "hypotheses_digest": digest,
        "normalizer": job.normalizer.id,
        "terms": None if job.terms is None else job.terms.digest,
    }
    name = f"{manifest.name}_{job.hypotheses.stem}"
    with open_run_directory(
        job.run_dir, pipeline="rescore", name=name, config_yaml=job.config_yaml, fingerprint=fingerprint
    ) as run:
        with stage("writing", n_rows=len(transcripts)):
            run.hypotheses.replace(in_shares(rows_as_lines, *(_present(transcripts[name]) for name in COLUMNS)))
        return evaluate(run, scores, transcripts, evaluation)


def _told_of_conditions(manifest: Manifest, transcripts: pd.DataFrame) -> Manifest:
    """Note where transcripts were heard under several conditions, as those of a last-mile test: they are one corpus."""
    n_conditions = transcripts["condition"].nunique()
    if n_conditions < 2:
        return manifest
    note = (
        f"every number is of {n_conditions} conditions together, in which an utterance counts once each. "
        "`harness last_mile` judges each by itself"
    )
    return replace(manifest, notes=(*manifest.notes, note))


def _backend_of(hypotheses: Path) -> Mapping[str, object] | None:
    """Return what the run that made the hypotheses says of its backend; None for transcripts made elsewhere."""
    facts = Run(hypotheses).facts if (hypotheses / FACTS).is_file() else {}
    backend = facts.get("backend")
    return backend if isinstance(backend, dict) else None


def _suggest_stems(ids: pd.Series, manifest: Manifest, source: Path) -> None:
    """Say at once what is wrong when only folders and extensions keep all ids from matching.

    Raises:
        HypothesesError: No id matches, and without folder and extension some do.
    """
    known = set(manifest.frame["utterance_id"])
    if not known.isdisjoint(ids) or ids.empty:
        return
    stems = {PurePosixPath(name).stem: name for name in known}
    alike = next((name for name in ids if PurePosixPath(name).stem in stems), None)
    if alike is not None:
        raise HypothesesError(
            [
                f"{source}: none of its {len(ids)} ids is in {manifest.path.name}, but {alike!r} there is "
                f"{stems[PurePosixPath(alike).stem]!r} here. Set stem_ids=true to compare them "
                "without folder and extension."
            ]
        )


def _stems(ids: pd.Series, source: Path) -> list[str]:
    """Return ids without folder and extension.

    Raises:
        HypothesesError: Two ids become one.
    """
    stems = [PurePosixPath(name).stem for name in ids]
    first: dict[str, str] = {}
    problems = []
    for name, stem in zip(ids, stems, strict=True):
        if first.setdefault(stem, name) != name:
            problems.append(
                f"{source}: ids {first[stem]!r} and {name!r} are both {stem!r} without folder and extension; "
                "set stem_ids=false or rename one."
            )
    if problems:
        raise HypothesesError(problems)
    return stems


def _present(column: pd.Series) -> list[object]:
    """Return the cells; None for what pandas calls missing."""
    return column.astype(object).where(column.notna(), None).tolist()
