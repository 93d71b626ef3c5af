"""Hypotheses in, scores, slices, verdicts and the written run out: what every pipeline that measures ends with."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness import Policy, dimensions, disparity_table, slice_table
from harness.fairness.membership import AND, membership
from harness.provenance import environment
from harness.report.markdown import write_report
from harness.results import Run, summarise
from harness.results.run import DISPARITIES, FACTS, SCORES, SLICES, SUMMARY
from harness.scoring import ByLanguage, Normalizer, score
from harness.scoring.score import checked_pattern

log = logging.getLogger(__name__)

AnyNormalizer = Normalizer | ByLanguage

EXIT_WITHIN_POLICY, EXIT_VIOLATED, EXIT_TOO_MANY_FAILED = 0, 3, 4


@dataclass(kw_only=True)
class SliceOptions:
    """Says what to slice by.

    Attributes:
        by: Attributes; None for every one of the manifest.
        intersections: Largest number of attributes that are crossed; 1 crosses none.
    """

    by: list[str] | None = None
    intersections: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.intersections < 1:
            raise UsageError(f"slices.intersections={self.intersections}; expected 1 (none) or more.")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Holds what scoring and judging need beside the hypotheses."""

    manifest: Manifest
    normalizer: AnyNormalizer
    policy: Policy
    slices: SliceOptions
    seed: int
    allow_missing: bool = False
    reference_pattern: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)  # for run.json: what the pipeline itself knows

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before hours of transcription."""
        _chosen(self.manifest, self.slices)
        if self.reference_pattern is not None:
            checked_pattern(self.reference_pattern)


def evaluate(run: Run, hypotheses: pd.DataFrame, job: Evaluation) -> int:
    """Score, slice, judge and write everything; return the exit status."""
    started = time.perf_counter()
    attributes = _chosen(job.manifest, job.slices)
    scores = score(
        job.manifest,
        hypotheses,
        job.normalizer,
        allow_missing=job.allow_missing,
        reference_pattern=job.reference_pattern,
    )
    scored_s = time.perf_counter() - started
    by = _dimensions(scores, attributes, job.slices.intersections)
    orders = {attribute.name: attribute.order for attribute in job.manifest.attributes}
    slices = slice_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    disparities = disparity_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    summary = summarise(scores, slices, disparities, job.policy, job.manifest.notes)
    log.info(
        "%d utterances scored, %d slices judged in %.1f s", len(scores), len(disparities), time.perf_counter() - started
    )
    run.write_table(SCORES, scores)
    run.write_table(SLICES, slices)
    run.write_table(DISPARITIES, disparities)
    run.write_json(FACTS, _facts(run, job, scores, attributes, scored_s, time.perf_counter() - started))
    run.write_json(SUMMARY, summary)
    write_report(run)
    if summary["max_failed_exceeded"]:
        return EXIT_TOO_MANY_FAILED
    return EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED


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


def _dimensions(scores: pd.DataFrame, attributes: list[str], order: int) -> list[str]:
    """Name the dimensions to slice by; an attribute with one declared value crosses into nothing new."""
    varied = [name for name in attributes if membership(scores, name).declared.sum() > 1]
    conditions = ["condition"] if len(scores["condition"].unique()) > 1 else []
    return [*conditions, *attributes, *(name for name in dimensions(varied, order) if AND in name)]


def _facts(
    run: Run, job: Evaluation, scores: pd.DataFrame, attributes: list[str], scored_s: float, evaluated_s: float
) -> dict[str, object]:
    n_failed = int(scores["failed"].sum())
    timings = dict(job.facts.get("timings_s", {})) | {"scoring": scored_s, "evaluation": evaluated_s}  # type: ignore[call-overload]
    sheet = job.manifest.datasheet
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "seed": job.seed,
        "manifest": {
            "name": job.manifest.name,
            "digest": job.manifest.digest,
            "datasheet": sheet.declared,
            "version": sheet.version,
            "license": sheet.license,
            "description": sheet.description,
            "attributes": {
                attribute.name: {"kind": attribute.kind.value, "provenance": attribute.provenance.value}
                for attribute in job.manifest.attributes
            },
        },
        "sliced_by": attributes,
        "normalizer": job.normalizer.id,
        **{key: value for key, value in job.facts.items() if key != "timings_s"},
        "n_rows_in": len(job.manifest),
        "n_scored": len(scores) - n_failed,
        "n_failed": n_failed,
        "timings_s": timings,
    }
