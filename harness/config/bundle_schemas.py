"""The options of bundles in, the schemas of `harness bundle`, `harness reproduce` and of what a bundle states out."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from harness.config.corpus_schemas import ExportedManifestOptions
from harness.config.measuring_schemas import ManifestOptions, PolicyOptions
from harness.fairness.conditions import HarmScale
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import SliceOptions
from harness.results.bundles import Ids, References


@dataclass(kw_only=True)
class BundleConfig:
    """Is the schema of `harness bundle`; what the run names is read where that lies, unless it is given.

    Attributes:
        run: A finished run directory, of benchmark, rescore or last_mile.
        out: The archive, a `.tar` file; None: called as the run directory is, in the current folder.
        references: Whether references and attributes are in it; `auto`: where the corpus's licence is known to let them
            be passed on.
        ids: Whether codes stand for the ids of utterances and speakers; tables stay as they are.
        spellings: The table of spellings, where it lies elsewhere now.
        terms: The list of terms, where it lies elsewhere now.
        beside: The run that its gaps were placed beside, where that lies elsewhere now.
    """

    run: str = MISSING
    out: str | None = None
    references: References = References.auto
    ids: Ids = Ids.coded
    manifest: ExportedManifestOptions = field(default_factory=ExportedManifestOptions)
    spellings: str | None = None
    terms: str | None = None
    beside: str | None = None


@dataclass(kw_only=True)
class OwnManifestOptions(ManifestOptions):
    """Names somebody's own copy of a corpus, where a bundle has none.

    Attributes:
        path: Your own copy of the corpus; None: what is in the bundle.
    """

    path: str | None = None  # type: ignore[assignment]


@dataclass(kw_only=True)
class ReproduceConfig:
    """Is the schema of `harness reproduce`.

    Attributes:
        bundle: A bundle that somebody published.
        tolerance: Largest difference of two numbers that are the same, as a share of them; 0: every digit.
        run_dir: The run directory, made or continued; None: one of its own below `runs/`.
        reference_pattern: The regular expression that the bundle states, where it states one: you have read it.
        allow_targets: Normalisers of somebody's own that the bundle may name, such as `[mine.Normalizer]`.
        html: Whether the run that is made gets its `report.html`, too.
    """

    bundle: str = MISSING
    manifest: OwnManifestOptions = field(default_factory=OwnManifestOptions)
    tolerance: float = 1e-6
    run_dir: str | None = None
    reference_pattern: str | None = None
    allow_targets: list[str] = field(default_factory=list)
    html: bool = False


@dataclass(kw_only=True)
class ClaimConfig:
    """Is the schema of a bundle's `config.json`, which somebody else has written."""

    policy: PolicyOptions = field(default_factory=PolicyOptions)
    slices: SliceOptions = field(default_factory=SliceOptions)
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    normalizer: Any = None
    conditions: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    reference_pattern: str | None = None
    allow_missing: bool = False
    stem_ids: bool = False
    wer: float = 0.2
    scale: HarmScale = HarmScale.additive
    spellings: str | None = None
    terms: str | None = None
    beside: str | None = None
