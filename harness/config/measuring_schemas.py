"""The options of the pipelines that hear or score a manifest in, their schemas out."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from harness.config.overrides import dimension_policy
from harness.corpus.kit import KitOptions
from harness.fairness import Policy
from harness.fairness.conditions import HarmScale
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import SliceOptions
from harness.pipelines.last_mile import Share
from harness.report.html import ReportOptions
from harness.results.tracking import TrackingOptions
from harness.scoring.transcripts import Format
from harness.transcription import CacheOptions, ExecutorOptions


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
        withdrawn: A list of people who withdrew their consent, a speaker id a line; it adds to `withdrawn.txt` beside
            the manifest.
    """

    path: str = MISSING
    name: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    audio_root: str | None = None
    allow_outside: bool = False
    language: str | None = None
    grammar: str | None = None
    withdrawn: str | None = None


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
    """Holds what every pipeline that measures is configured by.

    Attributes:
        terms: CSV file of words that matter, such as medicines; None: none. README says what its columns are.
    """

    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    terms: str | None = None


@dataclass(kw_only=True)
class KitConfig(KitOptions):
    """Says what a folder of recordings with a spreadsheet is, where `manifest.path` names one.

    Attributes:
        out: Folder that its manifest is written to; None: `kit` in the folder of the recordings.
    """

    out: str | None = None


@dataclass(kw_only=True)
class BenchmarkConfig(Common):
    """Is the schema of `harness benchmark`.

    Attributes:
        conditions: What is done to the audio, by name; `condition=` chooses, `conditions.NAME.OPTION=` changes.
    """

    backend: Any = MISSING
    conditions: dict[str, Any] = field(default_factory=dict)
    kit: KitConfig = field(default_factory=KitConfig)
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    cache: CacheOptions = field(default_factory=CacheOptions)


@dataclass(kw_only=True)
class LastMileConfig(BenchmarkConfig):
    """Is the schema of `harness last_mile`.

    Attributes:
        noises: Recordings of your own rooms; each becomes conditions of its name.
        snr_db: Speech over noise for `noises`, in dB.
        crossed: Conditions that are also put together, one level of each.
        wer: Highest WER that is of use. At which level of a sweep a slice crosses it is looked for.
        scale: What verdicts on extra harm are about: `additive`, words more in a hundred; `multiplicative`, times more.
        beside: A run, as of a public benchmark, to place the gaps beside.
        share: What may leave the house: a folder without audio, texts, speakers or numbers of few people.
        share_to: The folder of what is shared; None: beside the run directory, called as it is with `_shared`.
    """

    noises: list[str] = field(default_factory=list)
    snr_db: list[float] = field(default_factory=lambda: [20.0, 10.0, 5.0, 0.0])
    crossed: list[str] = field(default_factory=list)
    wer: float = 0.2
    scale: HarmScale = HarmScale.additive
    beside: str | None = None
    share: Share = Share.none
    share_to: str | None = None


@dataclass(kw_only=True)
class RescoreConfig(Common):
    """Is the schema of `harness rescore`.

    Attributes:
        hypotheses: The transcripts: a table, TRN, STM, CTM or JSON, a folder of `.txt` or `.json`, or a run directory.
        format: How they are written, where suffix and content do not tell.
        columns: The file's column for `utterance_id` or `text`, where they differ.
        stem_ids: Whether ids are file names, compared without folder and extension.
        allow_missing: Whether utterances without a transcript count as failed; else an error.
        allow_extra: Whether transcripts of no utterance are listed only; else an error.
    """

    hypotheses: str = MISSING
    format: Format = Format.auto
    columns: dict[str, str] = field(default_factory=dict)
    stem_ids: bool = False
    allow_missing: bool = False
    allow_extra: bool = False
