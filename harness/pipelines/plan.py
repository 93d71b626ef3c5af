"""A manifest, a finished run, or neither in; a run directory that says what so many speakers can show, out."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from harness.corpus import Manifest
from harness.corpus.declaring import told_attributes
from harness.errors import UsageError
from harness.fairness.membership import AND
from harness.fairness.planning import EQUAL_GROUPS, Plan, PlanOptions, plan_groups, plan_manifest, plan_scores
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.pipelines.job import Job, Outcome
from harness.provenance import digest_of_file, environment, version
from harness.report.plan import PLAN, write_plan
from harness.results import Run, open_run_directory
from harness.results.run import FACTS, SCORES, SUMMARY
from harness.results.summary import number

log = logging.getLogger(__name__)

_SPEAKER_ID = "speaker_id"  # every speaker is their own slice there: nothing to plan
_NO_ATTRIBUTES = ("condition", _SPEAKER_ID)  # dimensions that no manifest declares


@dataclass(frozen=True, kw_only=True)
class PlanJob(Job):
    """Holds everything a plan needs, as ordinary objects.

    Attributes:
        manifest: What has been recorded, or is to be; its audio is not needed. None: nothing yet.
        run: A finished run, whose scores tell how much speakers differ; instead of a manifest.
        options: What is asked, and what is assumed.
        policy: Margins, level, correction, comparators and floors.
        by: Dimensions; None for every attribute of the manifest, or what the run was sliced by.
        seed: Written down only: nothing here is random.
    """

    manifest: Manifest | None
    run: Run | None
    options: PlanOptions
    by: list[str] | None


@dataclass(frozen=True, slots=True)
class _Source:
    """Is what a plan is about, for its name, its fingerprint and its report."""

    name: str
    kind: str  # groups, manifest or run
    digests: Mapping[str, str]
    notes: Sequence[str]


def plan(job: PlanJob) -> Outcome:
    """Say what the speakers of a manifest or run can show, and how many it would take; write it.

    Raises:
        UsageError: Both a manifest and a run are given, or a dimension is in neither.
    """
    started = time.perf_counter()
    source = _source(job)
    found = _planned(job)
    fingerprint = {"harness": version("asr-fairness-harness"), "config": job.config, **source.digests}
    with open_run_directory(
        job.run_dir, pipeline="plan", name=source.name, config_yaml=job.config_yaml, fingerprint=fingerprint
    ) as run:
        elapsed_s = time.perf_counter() - started
        log.info("%d rows planned in %.1f s", len(found.table), elapsed_s)
        run.reopen()
        run.write_table(PLAN, found.table)
        run.write_json(FACTS, _facts(run, job, source, elapsed_s))
        run.write_json(SUMMARY, _summary(found, job, source))
        write_plan(run)
        return Outcome(run, EXIT_WITHIN_POLICY)


def _planned(job: PlanJob) -> Plan:
    if job.run is not None:
        facts = job.run.facts
        orders = {name: about.get("order", []) for name, about in facts["manifest"]["attributes"].items()}
        scores = job.run.scores
        sliced = [name for name in facts["sliced_by"] if name != _SPEAKER_ID]
        by = _known(job, sliced, [*orders, *_NO_ATTRIBUTES], f"run {job.run.path}")
        return plan_scores(scores, by, job.policy, job.options, orders=orders)
    if job.manifest is not None:
        orders = {attribute.name: attribute.order for attribute in job.manifest.attributes}
        names = list(orders)
        by = _known(job, names, names, f"manifest {job.manifest.name}")
        return plan_manifest(job.manifest.frame, by, job.policy, job.options, orders=orders)
    if job.by:
        raise UsageError(f"by={job.by}: there is nothing to slice. Give manifest= or run=, or leave out by.")
    return plan_groups(job.policy, job.options)


def _known(job: PlanJob, default: Sequence[str], known: Sequence[str], where: str) -> list[str]:
    """Return the dimensions to plan.

    Raises:
        UsageError: One that was asked for is not there, or the policy promises something of what is not planned.
    """
    chosen = list(dict.fromkeys(default if job.by is None else job.by))
    unknown = [name for name in chosen if not set(name.split(AND)) <= set(known)]
    if unknown:
        raise UsageError(f"by={job.by}: {unknown} not in {where}; it has {list(default)} and what they cross into.")
    unchecked = [name for name in job.policy.dimensions if name not in chosen]
    if unchecked:
        raise UsageError(f"policy.dimensions names {unchecked}, which are not planned; planned are {chosen}.")
    return chosen


def _source(job: PlanJob) -> _Source:
    """Return what the plan is about.

    Raises:
        UsageError: It is about both a manifest and a run.
    """
    if job.run is not None and job.manifest is not None:
        raise UsageError(
            "both a manifest and a run to plan; expected one of them: the run has its manifest's attributes."
        )
    if job.run is not None:
        digests = {"scores_digest": digest_of_file(job.run.path / SCORES)}
        return _Source(job.run.path.resolve().name, "run", digests, job.run.summary["notes"])
    if job.manifest is not None:
        digests = {"manifest_digest": job.manifest.digest}
        return _Source(job.manifest.name, "manifest", digests, job.manifest.notes)
    return _Source("two equal groups", "groups", {}, ())


def _summary(found: Plan, job: PlanJob, source: _Source) -> dict[str, object]:
    rows = found.table[found.table["dimension"] != EQUAL_GROUPS]
    groups = found.table[found.table["dimension"] == EQUAL_GROUPS].drop_duplicates("words_per_speaker")
    gap = job.policy.margin if job.options.gap is None else job.options.gap
    return {
        "source": source.kind,
        "name": source.name,
        "policy": job.policy.name,
        "gap_asked": gap,
        "power": job.options.power,
        "alpha": job.policy.alpha,
        "correction": job.policy.correction.value,
        "n_comparisons": found.n_comparisons,
        "level": found.level,
        "wer": found.spread.wer,
        "speaker_cv": found.spread.speaker_cv,
        "dispersion": found.spread.dispersion,
        "words_per_speaker": found.spread.words_per_speaker,
        "n_speakers_needed_each": [
            {"words_per_speaker": words, "n_speakers": number(needed)}
            for words, needed in zip(groups["words_per_speaker"], groups["n_speakers_needed"], strict=True)
        ],
        "n_slices": len(rows),
        "n_slices_enough": int((rows["power"] >= job.options.power).sum()),
        "notes": [*source.notes, *found.spread.notes],
    }


def _facts(run: Run, job: PlanJob, source: _Source, elapsed_s: float) -> dict[str, object]:
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "pipeline": "plan",
        "seed": job.seed,
        "source": {"kind": source.kind, "name": source.name, **source.digests},
        "manifest": _manifest(job),
        "options": asdict(job.options),
        "policy": {key: getattr(value, "value", value) for key, value in asdict(job.policy).items()},
        "timings_s": {"plan": elapsed_s},
    }


def _manifest(job: PlanJob) -> object:
    """Return what is told of the attributes; nothing where there is neither a manifest nor a run."""
    if job.run is not None:
        return {name: job.run.facts["manifest"].get(name) for name in ("datasheet", "attributes")}
    if job.manifest is None:
        return {}
    return {
        "datasheet": job.manifest.datasheet.declared,
        "attributes": told_attributes(job.manifest.attributes),
    }
