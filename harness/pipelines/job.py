"""A job's parts, as ordinary objects, and what is refused of them before hours of transcription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness import Policy, dimensions
from harness.fairness.membership import AND, membership
from harness.fairness.policy import KEYWORDS, REST
from harness.pipelines.evidence import EvidenceOptions, check_covariates
from harness.report.html import ReportOptions
from harness.results import Run
from harness.results.tracking import TrackingOptions
from harness.scoring import ByLanguage, Normalizer
from harness.scoring.score import checked_pattern
from harness.scoring.terms import TermList

AnyNormalizer = Normalizer | ByLanguage


@dataclass(kw_only=True)
class SliceOptions:
    """Says what to slice by.

    Attributes:
        by: Attributes; None for every one of the manifest.
        intersections: Largest number of attributes that are crossed; 1 crosses none. Every slice that is tested
            makes it harder for the others to be found.
    """

    by: list[str] | None = None
    intersections: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.intersections < 1:
            raise UsageError(f"slices.intersections={self.intersections}; expected 1 (none) or more.")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Holds what every pipeline needs, as ordinary objects.

    Attributes:
        policy: What is promised, and how sure a verdict must be.
        seed: Of everything that is drawn.
        run_dir: The run directory; None for one of its own.
        config: Resolved; part of what makes a run the same run.
        config_yaml: The same, as it is written down.
    """

    policy: Policy
    seed: int
    run_dir: str | None
    config: Mapping[str, object]
    config_yaml: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Holds what scoring and judging need beside the hypotheses."""

    manifest: Manifest
    normalizer: AnyNormalizer
    policy: Policy
    slices: SliceOptions
    seed: int
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    allow_missing: bool = False
    reference_pattern: str | None = None
    terms: TermList | None = None
    facts: Mapping[str, object] = field(default_factory=dict)  # for run.json: what the pipeline itself knows

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before hours of transcription."""
        _check_promises(self.manifest, _dimensions(self.manifest, self.slices), self.policy)
        names = [attribute.name for attribute in self.manifest.attributes]
        check_covariates(self.evidence, names, self.manifest.name)
        if self.reference_pattern is not None:
            checked_pattern(self.reference_pattern)

    @property
    def by(self) -> list[str]:
        """Name the dimensions to slice by."""
        return _dimensions(self.manifest, self.slices)

    @property
    def orders(self) -> dict[str, Sequence[str]]:
        """Return the order of the values of every attribute."""
        return {attribute.name: attribute.order for attribute in self.manifest.attributes}


@dataclass(frozen=True, slots=True)
class Beyond:
    """Holds what a run measured beyond what is judged as a benchmark would be.

    Attributes:
        scores: What scores.parquet holds: what is judged, and more.
        hypotheses: What they were made of.
        tables: Further files, by name.
        summary: What summary.json says of them.
        kept: Whether they are within policy.
        too_many_failed: Whether more clips failed under some condition than is still a measurement.
    """

    scores: pd.DataFrame
    hypotheses: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, object]
    kept: bool
    too_many_failed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Says where a pipeline wrote and how its command ends."""

    run: Run
    exit_status: int
    last_words: str = ""  # for the screen, below the table of the run


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


def _dimensions(manifest: Manifest, options: SliceOptions) -> list[str]:
    """Name the dimensions to slice by; an attribute with one declared value crosses into nothing new."""
    attributes = _chosen(manifest, options)
    varied = [name for name in attributes if membership(manifest.frame, name).declared.sum() > 1]
    return [*attributes, *(name for name in dimensions(varied, options.intersections) if AND in name)]


def _check_promises(manifest: Manifest, by: list[str], policy: Policy) -> None:
    """Refuse a promise that would never be checked.

    Raises:
        UsageError: The policy names a dimension that is not sliced by, or a comparator that is no value of one.
    """
    unchecked = [name for name in policy.dimensions if name not in [*by, "condition"]]
    if unchecked:
        raise UsageError(
            f"policy.dimensions names {unchecked}, which this run does not slice by; it slices by {by}. Correct the "
            "name, or see slices.by and slices.intersections."
        )
    for name in by:
        comparator = policy.for_dimension(name).comparator
        part = membership(manifest.frame, name)
        declared = [value for value, told in zip(part.slices, part.declared, strict=True) if told]
        if comparator not in (REST, *KEYWORDS, *declared) and len(declared) > 1:
            raise UsageError(
                f"policy comparator {comparator!r} is no slice of {name}; expected {REST}, {', '.join(KEYWORDS)} or "
                f"one of {declared}. Set one for a dimension with 'policy.dimensions={{{name}: {{comparator: …}}}}'"
            )
