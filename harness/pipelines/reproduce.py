"""A bundle in, a run directory of its claim made anew out, and whether every table is the one that was claimed."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import comb

import pandas as pd

from harness.errors import UsageError
from harness.fairness import Policy
from harness.pipelines.evaluation import EXIT_VIOLATED, EXIT_WITHIN_POLICY, evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import Evaluation, SliceOptions
from harness.pipelines.last_mile import Told, evaluate_conditions
from harness.provenance import PACKAGES, version
from harness.report.bundles import Reproduced, VersionDiffers
from harness.results import Run, open_run_directory
from harness.results.bundles import Bundle, BundleError, Difference, compare_tables
from harness.transcription.progress import stage

DIFFERENCES, REPRODUCED = "differences.csv", "reproduced.json"  # in the run directory
MOST_DRAWS, MOST_DIMENSIONS, MOST_CROSSED = 200_000, 2_000, 10  # of somebody else's claim


@dataclass(frozen=True, kw_only=True)
class ReproduceJob:
    """Holds what `harness reproduce` needs, as ordinary objects.

    Attributes:
        bundle: Open and checked.
        evaluation: What the claim was scored and judged by, with its manifest.
        told: What the claim tells of conditions; None where it is of no last-mile test.
        tolerance: Largest difference of two numbers that are the same, as a share of the larger one; 0: every digit.
        run_dir: The run directory; None for one of its own.
        config: The configuration of the claim.
        config_yaml: The same, as it is written down.
    """

    bundle: Bundle
    evaluation: Evaluation
    told: Told | None
    tolerance: float
    run_dir: str | None
    config: Mapping[str, object]
    config_yaml: str

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 <= self.tolerance < 0.01:
            raise UsageError(f"tolerance={self.tolerance}; expected a share below 0.01, or 0: every digit.")


@dataclass(frozen=True, slots=True)
class ReproduceOutcome:
    """Says what was found, and how the command ends."""

    answer: Reproduced
    exit_status: int


def reproduce(job: ReproduceJob) -> ReproduceOutcome:
    """Score the hypotheses of a bundle again, make every table anew, and compare it with what is claimed.

    Raises:
        HarnessError: It could not be done; the message says why.
    """
    evaluation = replace(job.evaluation, facts=_facts(job))
    hypotheses = job.bundle.hypotheses()
    scores = scored(hypotheses, evaluation)  # before a run directory is made
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "bundle_digest": job.bundle.digest,
        "manifest_digest": evaluation.manifest.digest,
        "normalizer": evaluation.normalizer.id,
    }
    name = f"{evaluation.manifest.name}_{job.bundle.path.stem}"
    with open_run_directory(
        job.run_dir, pipeline="reproduce", name=name, config_yaml=job.config_yaml, fingerprint=fingerprint
    ) as run:
        run.hypotheses.replace(job.bundle.lines())
        if job.told is None:
            evaluate(run, scores, hypotheses, evaluation)
        else:
            evaluate_conditions(run, scores, hypotheses, evaluation, told=job.told)
        found = _found(job, run)
        _write(run, found)
    return ReproduceOutcome(found, EXIT_VIOLATED if found.differences else EXIT_WITHIN_POLICY)


def check_bounds(
    bundle: Bundle, *, policy: Policy, slices: SliceOptions, evidence: EvidenceOptions, n_attributes: int
) -> None:
    """Refuse a claim that would take for ever to judge: somebody else states what is drawn and crossed.

    Raises:
        BundleError: It draws or crosses more than any claim does.
    """
    n_draws = max(policy.n_resamples, policy.n_permutations)
    if n_draws > MOST_DRAWS:
        raise BundleError(f"{bundle.path}: draws {n_draws:,} times; expected {MOST_DRAWS:,} at most.")
    named = max(len(names or []) for names in (evidence.covariates, evidence.match_on, evidence.match_exactly))
    if named > n_attributes + MOST_CROSSED:
        raise BundleError(f"{bundle.path}: names {named:,} covariates, with {n_attributes} attributes.")
    depth = slices.intersections
    if depth > MOST_CROSSED or sum(comb(n_attributes, k) for k in range(1, depth + 1)) > MOST_DIMENSIONS:
        raise BundleError(
            f"{bundle.path}: crosses {depth:,} of {n_attributes} attributes; expected {MOST_CROSSED} at most, and no "
            f"more than {MOST_DIMENSIONS:,} dimensions in all."
        )


def _facts(job: ReproduceJob) -> dict[str, object]:
    """Return what run.json says of where the hypotheses are from, beside what is measured here."""
    claimed = job.bundle.facts
    backend, conditions = claimed.get("backend"), claimed.get("conditions")
    return {
        "pipeline": "rescore" if job.told is None else "last_mile",
        "backend": backend if _names_itself(backend) else None,
        "conditions": conditions if isinstance(conditions, dict) else {},
        "hypotheses": {"file": job.bundle.path.name, "digest": job.bundle.digest},
        "reproduced": {
            "bundle": job.bundle.digest,
            "pipeline": job.bundle.about["pipeline"],
            "manifest_digest": job.bundle.about["manifest"]["digest"],
        },
    }


def _names_itself(backend: object) -> bool:
    """Say whether what a claim says of its backend is what runs say: values by name, its own name among them."""
    return (
        isinstance(backend, dict)
        and isinstance(backend.get("name"), str)
        and all(value is None or isinstance(value, str | int | float) for value in backend.values())
    )


def _found(job: ReproduceJob, run: Run) -> Reproduced:
    with stage("comparing"):
        compared = compare_tables(job.bundle.claims, run.path, tolerance=job.tolerance)
    manifest, backend = job.evaluation.manifest.name, run.facts["backend"]
    return Reproduced(
        bundle=job.bundle.path,
        digest=job.bundle.digest,
        path=run.path,
        system=f"{backend['name']} on {manifest}" if backend else f"transcripts of {manifest}",
        compared=tuple(compared),
        versions=tuple(_versions(job.bundle.versions)),
        disagrees=tuple(_disagreements(job)),
    )


def _versions(claimed: Mapping[str, str]) -> Iterator[VersionDiffers]:
    for name, told in claimed.items():
        here = platform.python_version() if name == "python" else version(name) if name in PACKAGES else None
        if here is not None and here != told:
            yield VersionDiffers(name, told, here)


def _disagreements(job: ReproduceJob) -> Iterator[str]:
    """Yield where the claim's facts are not those of its configuration, as it is read here."""
    facts, evaluation = job.bundle.facts, job.evaluation
    if facts["normalizer"] != evaluation.normalizer.id:
        yield (
            f"Normalised by other rules: claimed {facts['normalizer']}; its configuration makes "
            f"{evaluation.normalizer.id} here."
        )
    if facts.get("seed") != evaluation.seed:
        yield f"Its facts name the seed {facts.get('seed')!r:.40}, its configuration {evaluation.seed}."
    claimed = facts.get("sliced_by")
    if claimed != evaluation.by and claimed != ["condition", *evaluation.by]:
        yield f"Its facts name other dimensions than its configuration, which slices by {', '.join(evaluation.by)}."


def _write(run: Run, found: Reproduced) -> None:
    """Write every difference, and the answer for programs."""
    names = [each.name for each in fields(Difference)]
    run.write_table(DIFFERENCES, pd.DataFrame([asdict(each) for each in found.differences], columns=names))
    tables = {
        each.file: {"n_cells": each.n_cells, "n_rounded": each.n_rounded, "n_different": len(each.differences)}
        for each in found.compared
    }
    run.write_json(
        REPRODUCED,
        {
            "bundle": found.bundle.name,
            "digest": found.digest,
            "reproduced": not found.differences,
            "identical": not found.differences and not found.n_rounded,
            "tables": tables,
            "versions": [asdict(each) for each in found.versions],
            "disagrees": list(found.disagrees),
        },
    )
