"""Transcripts made elsewhere and a manifest in, a complete run directory out; no audio, no recogniser, no GPU."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from pathlib import Path

import pandas as pd

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import AnyNormalizer, Evaluation, Job, Outcome, SliceOptions
from harness.provenance import digest_of_file, version
from harness.report.html import ReportOptions
from harness.results import Run, open_run_directory
from harness.results.run import FACTS
from harness.results.tracking import TrackingOptions
from harness.scoring.beside import in_shares
from harness.scoring.terms import TermList
from harness.scoring.transcripts import Format, Matched, MatchOptions, match, read_hypotheses
from harness.scoring.transcripts.folders import files_in
from harness.scoring.transcripts.stems import stem, stems, suggest_stems, with_stems
from harness.transcription import HypothesisStore
from harness.transcription.progress import stage
from harness.transcription.store import COLUMNS, Hypothesis, as_lines, rows_as_lines

UNMATCHED = "unmatched.csv"  # of a run: transcripts, utterances and words that belong to nothing


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Holds transcripts made elsewhere, a row each, and the digest of the files they stand in."""

    frame: pd.DataFrame
    digest: str


def read_transcripts(hypotheses: Path, columns: Mapping[str, str], *, format: Format = Format.auto) -> Transcripts:
    """Read transcripts in any format, or the hypotheses that a run left.

    Args:
        hypotheses: A file or folder as `read_hypotheses` takes it, or a run directory, whose hypotheses are scored
            again.
        columns: What a table calls a column.
        format: What a file or folder is, where that cannot be told.

    Raises:
        HarnessError: There are none, or rows cannot be read; every one is named.
    """
    if not hypotheses.is_dir():
        return Transcripts(read_hypotheses(hypotheses, columns=columns, format=format), digest_of_file(hypotheses))
    inside = hypotheses / "hypotheses"
    store = HypothesisStore(inside if inside.is_dir() else hypotheses)
    if store.files and format is Format.auto:
        return Transcripts(store.frame(), " ".join(digest_of_file(path) for path in store.files))
    if (hypotheses / FACTS).is_file():
        raise UsageError(f"hypotheses={hypotheses}: a run directory with no hypotheses of a run in {store.folder}.")
    frame = read_hypotheses(hypotheses, columns=columns, format=format)
    return Transcripts(frame, _digest_of_files(files_in(hypotheses, format), hypotheses))


def _digest_of_files(paths: Sequence[Path], folder: Path) -> str:
    """Return a digest of the names and bytes of files."""
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{digest_of_file(path)}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class RescoreJob(Job):
    """Holds everything that scoring somebody's transcripts needs, as ordinary objects.

    Attributes:
        hypotheses: Where the transcripts are from.
        transcripts: As `read_transcripts` returns them.
        stem_ids: Ids on both sides are file names: compare them without folder and extension.
        allow_missing: Utterances without a transcript count as failed instead of being refused.
        allow_extra: Transcripts of no utterance are listed in unmatched.csv instead of being refused.
        reference_pattern: Regular expression removed from references, e.g. event tags.
        terms: Words that matter; None: none.
    """

    manifest: Manifest
    hypotheses: Path
    transcripts: Transcripts
    stem_ids: bool
    allow_missing: bool
    allow_extra: bool
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
    digest = job.transcripts.digest
    matched, manifest = _matched(job)
    transcripts = matched.hypotheses
    manifest = _told_of_conditions(replace(manifest, notes=(*manifest.notes, *matched.notes)), transcripts)
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
            "hypotheses": {"file": job.hypotheses.name, "digest": digest, "unmatched": matched.counts},
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
            run.hypotheses.replace(_lines(transcripts))
        _write_unmatched(run, matched)
        return evaluate(run, scores, transcripts, evaluation)


def _matched(job: RescoreJob) -> tuple[Matched, Manifest]:
    """Return the transcripts of the manifest's utterances, and the manifest with the ids that were compared."""
    transcripts, manifest = job.transcripts.frame, job.manifest
    if job.stem_ids:
        manifest = with_stems(manifest)
        if "heard" not in transcripts:
            transcripts = transcripts.assign(utterance_id=stems(transcripts["utterance_id"], job.hypotheses))
    options = MatchOptions(
        allow_missing=job.allow_missing, allow_extra=job.allow_extra, stem=stem if job.stem_ids else str
    )
    matched = match(transcripts, manifest, options)
    if not job.stem_ids:
        suggest_stems(matched.hypotheses["utterance_id"], manifest, job.hypotheses)
    return matched, manifest


def _lines(transcripts: pd.DataFrame) -> Iterable[str]:
    """Return the lines of a run's hypotheses, with words and their times where the transcripts have them."""
    columns = [_present(transcripts[name]) for name in COLUMNS]
    if "words" not in transcripts:
        return in_shares(rows_as_lines, *columns)
    rows = zip(*columns, _present(transcripts["words"]), strict=True)
    return (as_lines([each]) for each in starmap(Hypothesis, rows))


def _write_unmatched(run: Run, matched: Matched) -> None:
    """List what matched nothing; a list of an earlier start of the same run goes where there is nothing to list."""
    if len(matched.unmatched):
        run.write_table(UNMATCHED, matched.unmatched)
    else:
        (run.path / UNMATCHED).unlink(missing_ok=True)


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


def _present(column: pd.Series) -> list[object]:
    """Return the cells; None for what pandas calls missing."""
    return column.astype(object).where(column.notna(), None).tolist()
