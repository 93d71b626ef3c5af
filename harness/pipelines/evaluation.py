"""Hypotheses in, scores, slices, verdicts and the written run out: what every pipeline that measures ends with."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.errors import HarnessError, UsageError
from harness.fairness import Policy, dimensions, disparity_table, slice_table
from harness.fairness.membership import AND, membership
from harness.fairness.policy import KEYWORDS, REST
from harness.fairness.speed import speed_table
from harness.pipelines.evidence import (
    EvidenceOptions,
    Judged,
    check_covariates,
    evidence_tables,
    other_scores,
    under_other_normalizers,
)
from harness.provenance import environment
from harness.report.html import ReportOptions, write_html
from harness.report.markdown import write_report
from harness.results import Run, summarise
from harness.results.run import DISPARITIES, FACTS, SCORES, SLICES, SPEED, SUMMARY
from harness.results.speed import run_speed
from harness.results.tracking import TrackingOptions, track
from harness.scoring import ByLanguage, Normalizer, score
from harness.scoring.beside import beside
from harness.scoring.score import checked_pattern
from harness.transcription import sessions
from harness.transcription.progress import stage

log = logging.getLogger(__name__)

AnyNormalizer = Normalizer | ByLanguage

N_FAILURE_REASONS = 5
EXIT_WITHIN_POLICY, EXIT_VIOLATED, EXIT_TOO_MANY_FAILED = 0, 3, 4


@dataclass(kw_only=True)
class SliceOptions:
    """Says what to slice by.

    Attributes:
        by: Attributes; None for every one of the manifest.
        intersections: Largest number of attributes that are crossed; 1 crosses none. Every slice that is tested
            makes it harder for the others to be found.
    """

    by: list[str] | None = None
    intersections: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.intersections < 1:
            raise UsageError(f"slices.intersections={self.intersections}; expected 1 (none) or more.")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Holds what every pipeline needs, as ordinary objects.

    Attributes:
        policy: What is promised, and how sure a verdict must be.
        seed: Of everything that is drawn.
        run_dir: The run directory; None for one of its own.
        config: Resolved; part of what makes a run the same run.
        config_yaml: The same, as it is written down.
    """

    policy: Policy
    seed: int
    run_dir: str | None
    config: Mapping[str, object]
    config_yaml: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Holds what scoring and judging need beside the hypotheses."""

    manifest: Manifest
    normalizer: AnyNormalizer
    policy: Policy
    slices: SliceOptions
    seed: int
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    allow_missing: bool = False
    reference_pattern: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)  # for run.json: what the pipeline itself knows

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before hours of transcription."""
        _check_promises(self.manifest, _dimensions(self.manifest, self.slices), self.policy)
        names = [attribute.name for attribute in self.manifest.attributes]
        check_covariates(self.evidence, names, self.manifest.name)
        if self.reference_pattern is not None:
            checked_pattern(self.reference_pattern)

    @property
    def by(self) -> list[str]:
        """Name the dimensions to slice by."""
        return _dimensions(self.manifest, self.slices)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Says where a pipeline wrote and how its command ends."""

    run: Run
    exit_status: int


def scored(hypotheses: pd.DataFrame, job: Evaluation) -> pd.DataFrame:
    """Count the errors of every utterance of the job's manifest.

    Raises:
        HypothesesError: The hypotheses do not match the manifest.
    """
    with stage("scoring", n_rows=len(job.manifest)):
        return score(
            job.manifest,
            hypotheses,
            job.normalizer,
            allow_missing=job.allow_missing,
            reference_pattern=job.reference_pattern,
        )


def evaluate(run: Run, scores: pd.DataFrame, hypotheses: pd.DataFrame, job: Evaluation) -> Outcome:
    """Slice, judge and write everything."""
    started = time.perf_counter()
    by = _dimensions(job.manifest, job.slices)
    if len(scores["condition"].unique()) > 1:
        by = ["condition", *by]
    orders = {attribute.name: attribute.order for attribute in job.manifest.attributes}
    with stage("slicing", n_rows=len(scores)):
        slices = slice_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    with stage("judging", n_rows=len(scores)):
        disparities = disparity_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    judged = Judged(scores, disparities, by, orders, job.policy, job.seed)
    disparities, evidence = _evidence(judged, hypotheses, job)
    speed = _speed(run, judged, hypotheses)
    summary = summarise(scores, slices, disparities, job.policy, job.manifest.notes)
    summary["failure_reasons"] = _failure_reasons(hypotheses)
    log.info(
        "%d utterances scored, %d slices judged in %.1f s", len(scores), len(disparities), time.perf_counter() - started
    )
    run.reopen()
    with stage("writing", n_rows=len(scores)):
        run.write_table(SCORES, scores)
    run.write_table(SLICES, slices)
    run.write_table(DISPARITIES, disparities)
    for name, table in (evidence | speed).items():
        run.write_table(name, table)
    facts = _facts(run, job, scores, by, time.perf_counter() - started)
    run.write_json(FACTS, facts | {"speed": _speed_facts(run, speed[SPEED]) if speed else None})
    run.write_json(SUMMARY, summary)
    write_report(run)
    _draw(run, job.report)
    track(run, job.tracking)
    if summary["max_failed_exceeded"]:
        return Outcome(run, EXIT_TOO_MANY_FAILED)
    return Outcome(run, EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED)


def _draw(run: Run, options: ReportOptions) -> None:
    """Write the pages of a run that is whole without them: what goes wrong is said and changes no verdict."""
    if not options.html:
        return
    started = time.perf_counter()
    try:
        with stage("drawing the report"):
            write_html(run, options)
    except HarnessError as error:
        log.warning("no report.html: %s", error)
    except Exception:
        log.exception("no report.html: the harness itself failed; this is a defect, please report it with this")
    else:
        log.info("report.html written in %.1f s", time.perf_counter() - started)


def _evidence(
    judged: Judged, hypotheses: pd.DataFrame, job: Evaluation
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return the disparities, marked where they depend on the normaliser, and the tables of further evidence."""
    if not job.evidence.sensitivity:
        with stage("weighing the evidence", n_rows=len(judged.scores)):
            return judged.disparities, evidence_tables(judged, job.evidence)
    scores = other_scores(
        judged,
        job.evidence,
        manifest=job.manifest,
        hypotheses=hypotheses,
        normalizer=job.normalizer,
        reference_pattern=job.reference_pattern,
    )
    n_rows = len(judged.scores)
    with (
        stage("weighing the evidence", n_rows=n_rows),
        beside(partial(under_other_normalizers, judged, scores), n_rows=n_rows) as found,
    ):
        tables = evidence_tables(judged, job.evidence)
        disparities, verdicts = found()
    return disparities, tables | verdicts


def _speed(run: Run, judged: Judged, hypotheses: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the table of speed; none where nobody looked at a clock."""
    if judged.scores["processing_s"].isna().all() and not sessions.read(run.path):
        return {}
    return {SPEED: speed_table(judged.scores, hypotheses, judged.by, orders=judged.orders)}


def _speed_facts(run: Run, speed: pd.DataFrame) -> dict[str, object]:
    told = sessions.read(run.path)
    return run_speed(speed, told, run.hypotheses.attempts() if told else None)


def _chosen(manifest: Manifest, options: SliceOptions) -> list[str]:
    """Return the attributes to slice by.

    Raises:
        UsageError: One that was asked for is not in the manifest.
    """
    names = [attribute.name for attribute in manifest.attributes]
    if options.by is None:
        return names
    known = [*names, "speaker_id"]
    unknown = [name for name in options.by if name not in known]
    if unknown:
        raise UsageError(f"slices.by names {unknown}; the attributes of {manifest.name} are {known}.")
    return list(dict.fromkeys(options.by))


def _dimensions(manifest: Manifest, options: SliceOptions) -> list[str]:
    """Name the dimensions to slice by; an attribute with one declared value crosses into nothing new."""
    attributes = _chosen(manifest, options)
    varied = [name for name in attributes if membership(manifest.frame, name).declared.sum() > 1]
    return [*attributes, *(name for name in dimensions(varied, options.intersections) if AND in name)]


def _check_promises(manifest: Manifest, by: list[str], policy: Policy) -> None:
    """Refuse a promise that would never be checked.

    Raises:
        UsageError: The policy names a dimension that is not sliced by, or a comparator that is no value of one.
    """
    unchecked = [name for name in policy.dimensions if name not in [*by, "condition"]]
    if unchecked:
        raise UsageError(
            f"policy.dimensions names {unchecked}, which this run does not slice by; it slices by {by}. Correct the "
            "name, or see slices.by and slices.intersections."
        )
    for name in by:
        comparator = policy.for_dimension(name).comparator
        part = membership(manifest.frame, name)
        declared = [value for value, told in zip(part.slices, part.declared, strict=True) if told]
        if comparator not in (REST, *KEYWORDS, *declared) and len(declared) > 1:
            raise UsageError(
                f"policy comparator {comparator!r} is no slice of {name}; expected {REST}, {', '.join(KEYWORDS)} or "
                f"one of {declared}. Set one for a dimension with 'policy.dimensions={{{name}: {{comparator: …}}}}'"
            )


def _failure_reasons(hypotheses: pd.DataFrame) -> list[dict[str, object]]:
    """Return the commonest errors of failed clips and how often each occurred."""
    counts = hypotheses["error"].dropna().value_counts().head(N_FAILURE_REASONS)
    return [{"error": error, "n": int(count)} for error, count in counts.items()]


def _plain(policy: Policy) -> dict[str, object]:
    """Return the policy as JSON has it."""
    return {key: getattr(value, "value", value) for key, value in asdict(policy).items()}


def _facts(run: Run, job: Evaluation, scores: pd.DataFrame, by: list[str], evaluated_s: float) -> dict[str, object]:
    n_failed = int(scores["failed"].sum())
    timings = dict(job.facts.get("timings_s", {})) | {"evaluation": evaluated_s}  # type: ignore[call-overload]
    sheet = job.manifest.datasheet
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}",
        "seed": job.seed,
        "manifest": {
            "name": job.manifest.name,
            "digest": job.manifest.digest,
            "datasheet": sheet.declared,
            "version": sheet.version,
            "license": sheet.license,
            "description": sheet.description,
            "attributes": {
                attribute.name: {
                    "kind": attribute.kind.value,
                    "provenance": attribute.provenance.value,
                    "order": list(attribute.order),
                }
                for attribute in job.manifest.attributes
            },
        },
        "sliced_by": by,
        "policy": _plain(job.policy),
        "normalizer": job.normalizer.id,
        **{key: value for key, value in job.facts.items() if key != "timings_s"},
        "n_rows_in": len(job.manifest),
        "n_scored": len(scores) - n_failed,
        "n_failed": n_failed,
        "timings_s": timings,
    }
