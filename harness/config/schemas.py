"""The options of every module in, one schema per pipeline out: what a configuration may say, with types."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from harness.config.bounty_schemas import (
    BountyCheckConfig,
    BountyCloseConfig,
    BountyOpenConfig,
    BountyPreviewConfig,
    BountyRouteConfig,
    BountyStatusConfig,
    BountySubmitConfig,
    BountyVerifyConfig,
)
from harness.config.bundle_schemas import BundleConfig, ReproduceConfig
from harness.config.corpus_schemas import ExportConfig, ImportCorpusConfig
from harness.config.forget_schemas import ForgetConfig
from harness.config.measuring_schemas import (
    BenchmarkConfig,
    LastMileConfig,
    ManifestOptions,
    PolicyOptions,
    RescoreConfig,
    Scoring,
)
from harness.config.release_schemas import ReleaseConfig
from harness.fairness.described.options import DescribeOptions
from harness.fairness.discovery import DiscoveryOptions
from harness.fairness.gate import GateOptions
from harness.fairness.planning import PlanOptions
from harness.pipelines.audit_settings import AuditOptions
from harness.pipelines.cache import CacheAction
from harness.report.html import ReportOptions
from harness.results.history import Where
from harness.transcription import ExecutorOptions
from harness.transcription.cache import CacheFileOptions
from harness.transcription.caching.contents import PruneOptions


@dataclass(kw_only=True)
class FromRuns:
    """Holds what every pipeline that begins with finished runs is configured by.

    Attributes:
        by: Attributes and crossings such as `accent & gender`; None: all there are.
        seed: Of everything that is drawn.
        run_dir: The run directory, made or continued; None: one of its own below `runs/`.
    """

    policy: PolicyOptions = field(default_factory=PolicyOptions)
    by: list[str] | None = None
    seed: int = 0
    run_dir: str | None = None


@dataclass(kw_only=True)
class CompareConfig(FromRuns):
    """Is the schema of `harness compare`.

    Attributes:
        baseline: A run directory: the system that is there.
        candidate: A run directory of the same utterances: the system that may replace it.
    """

    baseline: str = MISSING
    candidate: str = MISSING


@dataclass(kw_only=True)
class DiscoverConfig(FromRuns):
    """Is the schema of `harness discover`.

    Attributes:
        run: A run directory, whose scores are searched.
    """

    run: str = MISSING
    discovery: DiscoveryOptions = field(default_factory=DiscoveryOptions)


@dataclass(kw_only=True)
class AnyManifestOptions(ManifestOptions):
    """Names a manifest, or none: nobody has been recorded yet.

    Attributes:
        path: The manifest file; None: a run, or what is assumed.
    """

    path: str | None = None  # type: ignore[assignment]


@dataclass(kw_only=True)
class PlanConfig(FromRuns):
    """Is the schema of `harness plan`; a run, a manifest, or neither.

    Attributes:
        run: A run directory, whose scores tell how much speakers differ; None: it is assumed.
    """

    run: str | None = None
    manifest: AnyManifestOptions = field(default_factory=AnyManifestOptions)
    plan: PlanOptions = field(default_factory=PlanOptions)


@dataclass(kw_only=True)
class DescribeConfig(FromRuns):
    """Is the schema of `harness describe`.

    Attributes:
        against: Manifests that it should share nobody and nothing with, such as training data: `[FILE]`.
        columns: The column of those manifests for a contract column, where they differ.
    """

    manifest: ManifestOptions = field(default_factory=ManifestOptions)
    against: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    describe: DescribeOptions = field(default_factory=DescribeOptions)
    plan: PlanOptions = field(default_factory=PlanOptions)


@dataclass(kw_only=True)
class AnyAuditOptions(AuditOptions):
    """Is what an audit varies, with options of backends that no schema knows."""

    variants: list[dict[str, Any]] | None = None


@dataclass(kw_only=True)
class AuditInvarianceConfig(Scoring):
    """Is the schema of `harness audit_invariance`; it has no cache of transcripts."""

    backend: Any = MISSING
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    audit: AnyAuditOptions = field(default_factory=AnyAuditOptions)


@dataclass(kw_only=True)
class CacheConfig:
    """Is the schema of `harness cache`.

    Attributes:
        action: What is done.
        dry_run: Whether pruning only says what it would remove.
        out: The file that exporting writes, JSON Lines.
    """

    cache: CacheFileOptions = field(default_factory=CacheFileOptions)
    action: CacheAction = CacheAction.show
    prune: PruneOptions = field(default_factory=PruneOptions)
    dry_run: bool = False
    out: str | None = None


@dataclass(kw_only=True)
class MeasureConfig:
    """Is the schema of `harness measure`.

    Attributes:
        out: The folder that the new manifest is written to; the same command completes it.
        prefix: What the names of the new columns begin with, such as `measured_`; None: nothing.
        threads: Threads that decode and measure.
        max_failed: Largest share of recordings that cannot be heard in what still counts as measured.
    """

    manifest: ManifestOptions = field(default_factory=ManifestOptions)
    out: str = MISSING
    prefix: str | None = None
    threads: int = 2
    max_failed: float = 0.05


@dataclass(kw_only=True)
class ReportConfig:
    """Is the schema of `harness report`.

    Attributes:
        run: A finished run directory.
    """

    run: str = MISSING
    report: ReportOptions = field(default_factory=ReportOptions)


@dataclass(kw_only=True)
class ServiceCardConfig:
    """Is the schema of `harness service_card`; `run` is a run directory or a list of them, and so is `release`.

    Attributes:
        run: A finished run directory, or `[A,B]`: one for each configuration of the service; null: a release alone.
        release: What `harness release` wrote, or `[A,B]`: the card has its numbers, and none of the run's; that it was
            made from the run is checked where both are given.
        service: What its author states, YAML; None: nothing is stated.
        out: The folder that the card is written to; None: that of the run, where there is one.
        verify: A `service_card.json` to check against its runs; None: a card is made.
        model_index: Whether the Hugging Face hub's model index is written, too; None: where its package is installed.
    """

    run: Any = None
    release: Any = None
    service: str | None = None
    out: str | None = None
    verify: str | None = None
    model_index: bool | None = None


@dataclass(kw_only=True)
class HistoryConfig:
    """Is the schema of `harness history`; `runs` is a folder or a list of them.

    Attributes:
        runs: A folder with run directories, at any depth, or `[A,B]`.
        last: How many rows are shown, the newest first.
        board: The folder that the board is written to; None: it is not.
        out: The file that the rows are written to, CSV or Parquet; None: they are not.
    """

    runs: Any = "runs"
    where: Where = field(default_factory=Where)
    last: int = 20
    board: str | None = None
    out: str | None = None


@dataclass(kw_only=True)
class NightlyConfig:
    """Is the schema of `harness nightly`.

    Attributes:
        matrix: The night's runs, YAML; `examples/nightly/matrix.yaml` says how.
        nights: The folder of all nights.
        night: The name of this one; None: today's date. The same name goes on where it was.
        baselines: The folder of what `harness bless` has blessed.
        board: The folder that the board is written to; None: `board` in that of the nights.
        fail_on_policy: Whether a policy that a cell breaks by itself fails the night, too.
        cell_timeout_s: After so many seconds a cell is ended; None: never.
    """

    matrix: str = MISSING
    nights: str = "runs/nightly"
    night: str | None = None
    baselines: str = "baselines"
    board: str | None = None
    gate: GateOptions = field(default_factory=GateOptions)
    fail_on_policy: bool = False
    cell_timeout_s: float | None = None


@dataclass(kw_only=True)
class BlessConfig:
    """Is the schema of `harness bless`.

    Attributes:
        run: A finished run directory, which later nights are compared with.
        baselines: The folder of all that is blessed.
        reason: Why, for those who ask later.
    """

    run: str = MISSING
    baselines: str = "baselines"
    reason: str | None = None


SCHEMAS: dict[str, type] = {
    "benchmark": BenchmarkConfig,
    "last_mile": LastMileConfig,
    "rescore": RescoreConfig,
    "compare": CompareConfig,
    "discover": DiscoverConfig,
    "plan": PlanConfig,
    "describe": DescribeConfig,
    "audit_invariance": AuditInvarianceConfig,
    "measure": MeasureConfig,
    "import_corpus": ImportCorpusConfig,
    "export": ExportConfig,
    "release": ReleaseConfig,
    "bounty_open": BountyOpenConfig,
    "bounty_submit": BountySubmitConfig,
    "bounty_check": BountyCheckConfig,
    "bounty_status": BountyStatusConfig,
    "bounty_close": BountyCloseConfig,
    "bounty_verify": BountyVerifyConfig,
    "bounty_preview": BountyPreviewConfig,
    "bounty_route": BountyRouteConfig,
    "cache": CacheConfig,
    "forget": ForgetConfig,
    "bundle": BundleConfig,
    "reproduce": ReproduceConfig,
    "report": ReportConfig,
    "service_card": ServiceCardConfig,
    "history": HistoryConfig,
    "nightly": NightlyConfig,
    "bless": BlessConfig,
}


def schema(options: type) -> DictConfig:
    """Return a schema whose mappings take any key, so that `manifest.columns.text=sentence` needs no plus sign."""
    node = OmegaConf.structured(options)
    for key in (
        "manifest.columns",
        "columns",
        "policy.dimensions",
        "alternatives",
        "backends",
        "systems",
        "release.slices",
        "release.cells",
        "release.shares",
    ):
        mapping = OmegaConf.select(node, key)
        if mapping is not None:
            OmegaConf.set_struct(mapping, False)
    if not isinstance(node, DictConfig):
        raise TypeError(f"{options.__name__} is no dataclass")
    return node
