"""A manifest, and others to keep apart from it, in; a run directory that says who is in it and what to do next, out."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from harness.corpus import Manifest
from harness.corpus.declaring import told_attributes
from harness.errors import UsageError
from harness.fairness.described import Contents, DescribeOptions, SameAudio, Sizes, contents, sizes_of
from harness.fairness.membership import AND, dimensions, membership
from harness.fairness.planning import PlanOptions
from harness.pipelines.description import LANGUAGE, Asked, Description, called, described
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.pipelines.job import Job, Outcome
from harness.provenance import digest_of_recordings, environment, version
from harness.report.described.markdown import write_markdown
from harness.report.described.page import write_page
from harness.report.described.seen import PAGE
from harness.results import Run, open_run_directory
from harness.results.run import FACTS, SUMMARY
from harness.transcription.progress import CountedProgress, stage

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DescribeJob(Job):
    """Holds everything a description needs, as ordinary objects.

    Attributes:
        manifest: What is described; its audio is needed only to compare what is in it.
        against: Manifests it should share nothing with, such as training data.
        options: What is described, and what the page shows of it.
        plan: What is asked of slices, and what is assumed of recognisers.
        policy: Margins, level, correction, comparators and floors of the plan.
        by: Dimensions; None for every attribute of the manifest.
        seed: Written down only: nothing here is random.
    """

    manifest: Manifest
    against: Sequence[Manifest]
    options: DescribeOptions
    plan: PlanOptions
    by: list[str] | None


def describe(job: DescribeJob) -> Outcome:
    """Say who is in a manifest, what is there twice, what it could show and what to do next; write it.

    Raises:
        UsageError: A dimension is not in the manifest, or the policy promises something of what is not planned.
    """
    started = time.perf_counter()
    asked = _asked(job)
    recordings = _paths(job) if job.options.audio is SameAudio.contents else None
    sizes = None if recordings is None else sizes_of(recordings)
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": job.manifest.digest,
        "against_digests": [each.digest for each in job.against],
        "recordings_digest": None if sizes is None else digest_of_recordings(sizes.bytes_of),
    }
    with open_run_directory(
        job.run_dir,
        pipeline="describe",
        name=job.manifest.name,
        config_yaml=job.config_yaml,
        fingerprint=fingerprint,
    ) as run:
        found = None if sizes is None else _contents(sizes)
        with stage("describing", n_rows=len(job.manifest)):
            description = described(job.manifest, asked, job.against, found)
        elapsed_s = time.perf_counter() - started
        log.info("%d utterances described in %.1f s", len(job.manifest), elapsed_s)
        _write(run, job, description, elapsed_s)
        return Outcome(run, EXIT_WITHIN_POLICY)


def _write(run: Run, job: DescribeJob, description: Description, elapsed_s: float) -> None:
    run.reopen()
    (run.path / PAGE).unlink(missing_ok=True)
    for name, table in description.tables.items():
        run.write_table(name, table)
    run.write_json(FACTS, _facts(run, job, elapsed_s))
    run.write_json(SUMMARY, description.summary)
    write_page(run)
    write_markdown(run)  # last: with it the run has ended


def _asked(job: DescribeJob) -> Asked:
    """Return what is asked of the manifest.

    Raises:
        UsageError: A dimension is not in the manifest, or the policy promises something of what is not planned.
    """
    names = [attribute.name for attribute in job.manifest.attributes]
    chosen = list(dict.fromkeys(names if job.by is None else job.by))
    unknown = [name for name in chosen if not set(name.split(AND)) <= set(names)]
    if unknown:
        raise UsageError(f"by={job.by}: {unknown} not in manifest {job.manifest.name}; it has {names}.")
    unchecked = [name for name in job.policy.dimensions if name not in chosen]
    if unchecked:
        raise UsageError(f"policy.dimensions names {unchecked}, which are not described; described are {chosen}.")
    single = [name for name in chosen if AND not in name]
    varied = [name for name in single if membership(job.manifest.frame, name).declared.sum() > 1]
    crossed = [name for name in dimensions(varied, job.options.intersections) if AND in name]
    orders = {attribute.name: attribute.order for attribute in job.manifest.attributes}
    counted = list(dict.fromkeys([*chosen, *crossed, LANGUAGE]))
    return Asked(chosen, counted, orders, job.options, job.plan, job.policy)


def _paths(job: DescribeJob) -> list[str | None]:
    return [path for manifest in (job.manifest, *job.against) for path in manifest.frame["audio_filepath"]]


def _contents(sizes: Sizes) -> Contents:
    with CountedProgress(len(sizes.alike), doing="reading recordings", done="recordings read") as progress:
        return contents(sizes, told=lambda n_more: progress.count(n_more, 0))


def _facts(run: Run, job: DescribeJob, elapsed_s: float) -> dict[str, object]:
    sheet = job.manifest.datasheet
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "pipeline": "describe",
        "seed": job.seed,
        "manifest": {
            "name": job.manifest.name,
            "digest": job.manifest.digest,
            "description": sheet.description,
            "license": sheet.license,
            "citation": sheet.citation,
            "datasheet": sheet.declared,
            "attributes": told_attributes(job.manifest.attributes),
        },
        "against": [{"name": called(each), "digest": each.digest} for each in job.against],
        "options": _plain(asdict(job.options)),
        "plan": asdict(job.plan),
        "policy": _plain(asdict(job.policy)),
        "timings_s": {"describe": elapsed_s},
    }


def _plain(options: Mapping[str, object]) -> dict[str, object]:
    return {name: getattr(value, "value", value) for name, value in options.items()}
