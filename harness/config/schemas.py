"""The options of every module in, one schema per pipeline out: what a configuration may say, with types."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from harness.config.overrides import dimension_policy
from harness.fairness import Policy
from harness.fairness.discovery import DiscoveryOptions
from harness.fairness.gate import GateOptions
from harness.fairness.planning import PlanOptions
from harness.pipelines.audit_settings import AuditOptions
from harness.pipelines.cache import CacheAction
from harness.pipelines.evaluation import SliceOptions
from harness.pipelines.evidence import EvidenceOptions
from harness.report.html import ReportOptions
from harness.results.history import Where
from harness.results.tracking import TrackingOptions
from harness.transcription import CacheOptions, ExecutorOptions
from harness.transcription.cache import CacheFileOptions
from harness.transcription.caching.contents import PruneOptions


@dataclass(kw_only=True)
class ManifestOptions:
    """Says which manifest is read, and how.

    Attributes:
        path: The manifest file.
        name: What outputs call it; None: what the datasheet or the file is called.
        columns: The file's column for a contract column, where they differ.
        audio_root: Folder that audio paths are relative to; None: the manifest's.
        allow_outside: Whether audio may lie outside that folder.
        language: BCP 47, for rows that name none.
        grammar: JSGF grammar of the domain, for backends that can use one.
    """

    path: str = MISSING
    name: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    audio_root: str | None = None
    allow_outside: bool = False
    language: str | None = None
    grammar: str | None = None


@dataclass(kw_only=True)
class PolicyOptions(Policy):
    """Is a policy whose overrides by dimension are plain mappings, as command lines and YAML files have them."""

    dimensions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Turn the overrides into what a policy holds, and check them."""
        self.dimensions = {name: dimension_policy(name, options) for name, options in self.dimensions.items()}
        super().__post_init__()


@dataclass(kw_only=True)
class Scoring:
    """Holds what every pipeline that counts word errors is configured by.

    Attributes:
        spellings: Table of spellings that is read before normalising: `dialect`, or a CSV file; None: none.
        seed: Of everything that is drawn.
        run_dir: The run directory, made or continued; None: one of its own below `runs/`.
        allow_targets: Classes of yours that a configuration may name, such as `[mine.Backend]`.
        reference_pattern: Regular expression of what is no words in references, such as `'<[^>]*>'`; None: nothing.
    """

    manifest: ManifestOptions = field(default_factory=ManifestOptions)
    normalizer: Any = MISSING
    policy: PolicyOptions = field(default_factory=PolicyOptions)
    slices: SliceOptions = field(default_factory=SliceOptions)
    spellings: str | None = None
    seed: int = 0
    run_dir: str | None = None
    allow_targets: list[str] = field(default_factory=list)
    reference_pattern: str | None = None


@dataclass(kw_only=True)
class Common(Scoring):
    """Holds what every pipeline that measures is configured by."""

    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)


@dataclass(kw_only=True)
class BenchmarkConfig(Common):
    """Is the schema of `harness benchmark`."""

    backend: Any = MISSING
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    cache: CacheOptions = field(default_factory=CacheOptions)


@dataclass(kw_only=True)
class RescoreConfig(Common):
    """Is the schema of `harness rescore`.

    Attributes:
        hypotheses: The transcripts: a CSV, TSV or JSON Lines file, or a run directory.
        columns: The file's column for `utterance_id` or `text`, where they differ.
        stem_ids: Whether ids are file names, compared without folder and extension.
        allow_missing: Whether utterances without a transcript count as failed; else they are an error.
    """

    hypotheses: str = MISSING
    columns: dict[str, str] = field(default_factory=dict)
    stem_ids: bool = False
    allow_missing: bool = False


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
class ReportConfig:
    """Is the schema of `harness report`.

    Attributes:
        run: A finished run directory.
    """

    run: str = MISSING
    report: ReportOptions = field(default_factory=ReportOptions)


@dataclass(kw_only=True)
class ServiceCardConfig:
    """Is the schema of `harness service_card`; `run` is a run directory or a list of them.

    Attributes:
        run: A finished run directory, or `[A,B]`: one for each configuration of the service.
        service: What its author states, YAML; None: nothing is stated.
        out: The folder that the card is written to; None: that of the run, where there is one.
        verify: A `service_card.json` to check against its runs; None: a card is made.
        model_index: Whether the Hugging Face hub's model index is written, too; None: where its package is installed.
    """

    run: Any = MISSING
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
    "rescore": RescoreConfig,
    "compare": CompareConfig,
    "discover": DiscoverConfig,
    "plan": PlanConfig,
    "audit_invariance": AuditInvarianceConfig,
    "cache": CacheConfig,
    "report": ReportConfig,
    "service_card": ServiceCardConfig,
    "history": HistoryConfig,
    "nightly": NightlyConfig,
    "bless": BlessConfig,
}


def schema(options: type) -> DictConfig:
    """Return a schema whose mappings take any key, so that `manifest.columns.text=sentence` needs no plus sign."""
    node = OmegaConf.structured(options)
    for key in ("manifest.columns", "columns", "policy.dimensions"):
        mapping = OmegaConf.select(node, key)
        if mapping is not None:
            OmegaConf.set_struct(mapping, False)
    if not isinstance(node, DictConfig):
        raise TypeError(f"{options.__name__} is no dataclass")
    return node
