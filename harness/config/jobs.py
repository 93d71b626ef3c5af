"""Hydra's composed configuration in, the ordinary objects of a pipeline out.

Only targets on an allow-list are run: a configuration file is data, it must not be able to run code.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from omegaconf import OmegaConf

from harness.config.composed import Composed
from harness.config.schemas import ManifestOptions
from harness.corpus import Manifest
from harness.errors import UsageError
from harness.pipelines.audit_invariance import AuditJob, audit_invariance
from harness.pipelines.audit_settings import variant_names
from harness.pipelines.benchmark import BenchmarkJob, benchmark
from harness.pipelines.bless import BlessJob, BlessOutcome, bless
from harness.pipelines.cache import CacheJob, CacheOutcome, cache
from harness.pipelines.compare import CompareJob, compare
from harness.pipelines.discover import DiscoverJob, discover_slices
from harness.pipelines.evaluation import Outcome
from harness.pipelines.history import HistoryJob, HistoryOutcome, history
from harness.pipelines.nightly import NightlyJob, NightOutcome, nightly
from harness.pipelines.plan import PlanJob, plan
from harness.pipelines.report import ReportJob, report
from harness.pipelines.rescore import RescoreJob, Transcripts, read_transcripts, rescore
from harness.pipelines.service_card import CardOutcome, ServiceCardJob, service_card
from harness.results import Run
from harness.scoring import ByLanguage, Normalizer
from harness.scoring.beside import beside
from harness.scoring.spellings import DIALECT_SPELLINGS, read_spellings, with_spellings
from harness.transcription.progress import stage

AnyOutcome: TypeAlias = (
    Outcome | BlessOutcome | CacheOutcome | CardOutcome | HistoryOutcome | NightOutcome
)  # a run directory, or an answer

DIALECT = "dialect"  # names the table of spellings that comes with the package
BYTES_PER_TRANSCRIPT = 100  # about


def run(composed: Composed) -> AnyOutcome:
    """Build the objects of a pipeline and run it.

    Raises:
        HarnessError: The configuration is wrong, or something could not be measured; the message says what.
    """
    return _RUNS[composed.pipeline](composed)


def _benchmark(composed: Composed) -> Outcome:
    plain = composed.plain
    backend = composed.plugin("backend")  # what is wrong with it is said here, before any process is started
    options = composed.options()
    return benchmark(
        BenchmarkJob(
            manifest=_manifest(options.manifest, require_audio=True),
            make_backend=composed.maker("backend"),
            backend_name=composed.choices.get("backend", type(backend).__name__),
            executor=options.executor,
            cache=options.cache,
            **_measured(composed, options, plain),
        )
    )


def _audit_invariance(composed: Composed) -> Outcome:
    plain = composed.plain
    backend = composed.plugin("backend")
    options = composed.options()
    return audit_invariance(
        AuditJob(
            manifest=_manifest(options.manifest, require_audio=True),
            makers=_makers(composed, options.audit.variants),
            backend_name=composed.choices.get("backend", type(backend).__name__),
            normalizer=_normalizer(composed, options.spellings),
            slices=options.slices,
            executor=options.executor,
            options=options.audit,
            reference_pattern=options.reference_pattern,
            **_judged(options, plain),
        )
    )


def _makers(composed: Composed, variants: Sequence[dict[str, object]] | None) -> dict[str, Callable[[], Any]]:
    """Return what builds each variant of the backend, by name.

    Raises:
        UsageError: A variant is another backend, or has an option that the backend does not take.
    """
    makers = {}
    for position, (name, changes) in enumerate(zip(variant_names(variants), variants or [{}], strict=True)):
        if any(key.startswith("_") for key in changes):
            raise UsageError(f"audit.variants[{position}]={changes}; expected options of the backend that is chosen.")
        makers[name] = composed.maker("backend", changes)
        try:
            makers[name]()
        except UsageError as error:
            raise UsageError(f"audit.variants[{position}] ({name}): {error}") from error
    return makers


def _rescore(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    hypotheses = Path(options.hypotheses)
    if not hypotheses.exists():
        raise UsageError(
            f"hypotheses={options.hypotheses}: no such file or folder. Give a CSV, TSV or JSON Lines file, or a run "
            "directory."
        )
    n_rows = hypotheses.stat().st_size // BYTES_PER_TRANSCRIPT
    with beside(partial(read_transcripts, hypotheses, options.columns), n_rows=n_rows) as transcripts:
        job = RescoreJob(
            manifest=_manifest(options.manifest, require_audio=False),
            hypotheses=hypotheses,
            transcripts=_received(transcripts, hypotheses),
            stem_ids=options.stem_ids,
            allow_missing=options.allow_missing,
            **_measured(composed, options, plain),
        )
    return rescore(job)


def _received(transcripts: Callable[[], Transcripts], path: Path) -> Transcripts:
    with stage("reading", n_bytes=path.stat().st_size):
        return transcripts()


def _compare(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return compare(
        CompareJob(
            baseline=Run.open(options.baseline),
            candidate=Run.open(options.candidate),
            by=options.by,
            **_judged(options, plain),
        )
    )


def _discover(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return discover_slices(
        DiscoverJob(run=Run.open(options.run), options=options.discovery, by=options.by, **_judged(options, plain))
    )


def _plan(composed: Composed) -> Outcome:
    plain = composed.plain
    options = composed.options()
    return plan(
        PlanJob(
            manifest=None if options.manifest.path is None else _manifest(options.manifest, require_audio=False),
            run=None if options.run is None else Run.open(options.run),
            options=options.plan,
            by=options.by,
            **_judged(options, plain),
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
    """Return one path or several as a list."""
    given: list[object] = option if isinstance(option, list) else [option]
    paths = [path for path in given if isinstance(path, str)]
    if len(paths) < len(given):
        raise UsageError(f"{name}={option}; expected a path, or a list of them: {name}=[A,B].")
    return paths


def _measured(composed: Composed, options: Any, plain: dict[str, object]) -> dict[str, Any]:  # noqa: ANN401
    """Return what every pipeline that measures is made of."""
    return {
        "normalizer": _normalizer(composed, options.spellings),
        "slices": options.slices,
        "evidence": options.evidence,
        "report": options.report,
        "tracking": options.tracking,
        "reference_pattern": options.reference_pattern,
    } | _judged(options, plain)


def _normalizer(composed: Composed, spellings: str | None) -> Normalizer | ByLanguage:
    """Return the normaliser, which reads a table of spellings first where one is named: `dialect` or a CSV file."""
    chosen: Normalizer | ByLanguage = composed.plugin("normalizer")
    if spellings is None:
        return chosen
    return with_spellings(chosen, read_spellings(DIALECT_SPELLINGS if spellings == DIALECT else spellings))


def _judged(options: Any, plain: dict[str, object]) -> dict[str, Any]:  # noqa: ANN401
    """Return what every pipeline that judges is made of."""
    if options.seed < 0:
        raise UsageError(f"seed={options.seed}; expected a whole number >= 0.")
    return {
        "policy": options.policy,
        "seed": options.seed,
        "run_dir": options.run_dir,
        "config": plain,
        "config_yaml": OmegaConf.to_yaml(OmegaConf.create(plain)),
    }


def _manifest(options: ManifestOptions, *, require_audio: bool) -> Manifest:
    path = Path(options.path)
    with stage("reading", n_bytes=path.stat().st_size if path.is_file() else 0):
        return Manifest.load(
            path,
            name=options.name,
            columns=options.columns,
            audio_root=Path(options.audio_root) if options.audio_root is not None and require_audio else None,
            allow_outside=options.allow_outside,
            language=options.language,
            require_audio=require_audio,
        )


_RUNS: dict[str, Callable[[Composed], AnyOutcome]] = {
    "benchmark": _benchmark,
    "rescore": _rescore,
    "compare": _compare,
    "discover": _discover,
    "plan": _plan,
    "audit_invariance": _audit_invariance,
    "cache": _cache,
    "report": _report,
    "service_card": _service_card,
    "history": _history,
    "nightly": _nightly,
    "bless": _bless,
}
