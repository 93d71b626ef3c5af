"""Hydra's composed configuration in, the ordinary objects of a pipeline out.

Only targets on an allow-list are run: a configuration file is data, it must not be able to run code.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from omegaconf import OmegaConf

from harness.config.bounty_jobs import (
    bounty_check_job,
    bounty_close_job,
    bounty_open_job,
    bounty_preview_job,
    bounty_route_job,
    bounty_status_job,
    bounty_submit_job,
    bounty_verify_job,
)
from harness.config.bundle_jobs import bundle_job, reproduce_job
from harness.config.composed import Composed
from harness.config.corpus_jobs import export_job, import_corpus_job
from harness.config.forget_jobs import forget_job
from harness.config.measuring_jobs import audit_invariance_job, benchmark_job, last_mile_job, rescore_job
from harness.config.parts import judged, manifest
from harness.config.release_jobs import release_job
from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness.described import SameAudio
from harness.pipelines.bless import BlessJob, BlessOutcome, bless
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.bundle import BundleOutcome
from harness.pipelines.cache import CacheJob, CacheOutcome, cache
from harness.pipelines.compare import CompareJob, compare
from harness.pipelines.describe import DescribeJob, describe
from harness.pipelines.discover import DiscoverJob, discover_slices
from harness.pipelines.export import ExportOutcome
from harness.pipelines.forget import ForgetOutcome
from harness.pipelines.history import HistoryJob, HistoryOutcome, history
from harness.pipelines.import_corpus import ImportOutcome
from harness.pipelines.job import Outcome
from harness.pipelines.measure import MeasureJob, MeasureOutcome, measure
from harness.pipelines.nightly import NightlyJob, NightOutcome, nightly
from harness.pipelines.plan import PlanJob, plan
from harness.pipelines.release import ReleaseOutcome
from harness.pipelines.report import ReportJob, report
from harness.pipelines.reproduce import ReproduceOutcome
from harness.pipelines.service_card import CardOutcome, ServiceCardJob, service_card
from harness.results import Run
from harness.results.releases.record import ReleasedRun

AnyOutcome: TypeAlias = (
    Outcome
    | BlessOutcome
    | BountyOutcome
    | BundleOutcome
    | CacheOutcome
    | CardOutcome
    | ExportOutcome
    | ForgetOutcome
    | HistoryOutcome
    | ImportOutcome
    | MeasureOutcome
    | NightOutcome
    | ReleaseOutcome
    | ReproduceOutcome
)  # a run directory, or an answer


def run(composed: Composed) -> AnyOutcome:
    """Build the objects of a pipeline and run it.

    Raises:
        HarnessError: The configuration is wrong, or something could not be measured; the message says what.
    """
    return _RUNS[composed.pipeline](composed)


def _compare(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return compare(
        CompareJob(
            baseline=Run.open(options.baseline),
            candidate=Run.open(options.candidate),
            by=options.by,
            **judged(options, plain),
        )
    )


def _discover(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return discover_slices(
        DiscoverJob(run=Run.open(options.run), options=options.discovery, by=options.by, **judged(options, plain))
    )


def _plan(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return plan(
        PlanJob(
            manifest=None if options.manifest.path is None else manifest(options.manifest, require_audio=False),
            run=None if options.run is None else Run.open(options.run),
            options=options.plan,
            by=options.by,
            **judged(options, plain),
        )
    )


def _describe(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    source = options.manifest
    root = None if source.audio_root is None else Path(source.audio_root)
    if options.describe.audio is SameAudio.paths and root is not None and not root.is_dir():
        root = None  # nothing is looked up there
    return describe(
        DescribeJob(
            manifest=manifest(source, require_audio=False, audio_root=root),
            against=[
                Manifest.load(
                    path,
                    columns=options.columns,
                    audio_root=root,
                    allow_outside=source.allow_outside,
                    require_audio=False,
                )
                for path in options.against
            ],
            options=options.describe,
            plan=options.plan,
            by=options.by,
            **judged(options, plain),
        )
    )


def _measure(composed: Composed) -> MeasureOutcome:
    plain = composed.plain
    options = composed.options()
    source = options.manifest
    root = Path(source.audio_root or Path(source.path).parent)
    return measure(
        MeasureJob(
            manifest=manifest(source, require_audio=False, audio_root=root),  # what is not there is a row that says so
            columns=source.columns,
            audio_root=root,
            allow_outside=source.allow_outside,
            out=Path(options.out),
            prefix=options.prefix or "",
            threads=options.threads,
            max_failed=options.max_failed,
            config=plain,
            config_yaml=OmegaConf.to_yaml(OmegaConf.create(plain)),
        )
    )


def _cache(composed: Composed) -> CacheOutcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return cache(
        CacheJob(
            path=options.cache.file,
            action=options.action,
            prune=options.prune,
            dry_run=options.dry_run,
            out=None if options.out is None else Path(options.out),
        )
    )


def _report(composed: Composed) -> Outcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return report(ReportJob(run=Run.open(options.run), options=options.report))


def _service_card(composed: Composed) -> CardOutcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return service_card(
        ServiceCardJob(
            runs=[Run.open(path) for path in _paths("run", options.run)],
            releases=[ReleasedRun.open(path) for path in _paths("release", options.release)],
            service=_path(options.service),
            out=_path(options.out),
            verify=_path(options.verify),
            model_index=options.model_index,
        )
    )


def _history(composed: Composed) -> HistoryOutcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return history(
        HistoryJob(
            runs=tuple(map(Path, _paths("runs", options.runs))),
            where=options.where,
            last=options.last,
            board=_path(options.board),
            out=_path(options.out),
        )
    )


def _nightly(composed: Composed) -> NightOutcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return nightly(
        NightlyJob(
            matrix=Path(options.matrix),
            nights=Path(options.nights),
            night=options.night,
            baselines=Path(options.baselines),
            board=_path(options.board),
            gate=options.gate,
            fail_on_policy=options.fail_on_policy,
            cell_timeout_s=options.cell_timeout_s,
        )
    )


def _bless(composed: Composed) -> BlessOutcome:
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    return bless(BlessJob(run=Run.open(options.run), baselines=Path(options.baselines), reason=options.reason or ""))


def _path(option: str | None) -> Path | None:
    return None if option is None else Path(option)


def _paths(name: str, option: object) -> list[str]:
    """Return one path or several as a list; none where the option is null."""
    given: list[object] = option if isinstance(option, list) else [] if option is None else [option]
    paths = [path for path in given if isinstance(path, str)]
    if len(paths) < len(given):
        raise UsageError(f"{name}={option}; expected a path, or a list of them: {name}=[A,B].")
    return paths


_RUNS: dict[str, Callable[[Composed], AnyOutcome]] = {
    "benchmark": benchmark_job,
    "last_mile": last_mile_job,
    "rescore": rescore_job,
    "compare": _compare,
    "discover": _discover,
    "plan": _plan,
    "describe": _describe,
    "audit_invariance": audit_invariance_job,
    "measure": _measure,
    "import_corpus": import_corpus_job,
    "export": export_job,
    "release": release_job,
    "bounty_open": bounty_open_job,
    "bounty_submit": bounty_submit_job,
    "bounty_check": bounty_check_job,
    "bounty_status": bounty_status_job,
    "bounty_close": bounty_close_job,
    "bounty_verify": bounty_verify_job,
    "bounty_preview": bounty_preview_job,
    "bounty_route": bounty_route_job,
    "cache": _cache,
    "forget": forget_job,
    "bundle": bundle_job,
    "reproduce": reproduce_job,
    "report": _report,
    "service_card": _service_card,
    "history": _history,
    "nightly": _nightly,
    "bless": _bless,
}
