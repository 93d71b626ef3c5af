"""A policy in, checked: the behaviour promised for every slice, and what happens when it is not kept."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from harness.errors import UsageError

REST = "rest"
KEYWORDS = ("best", "largest")  # comparators that are found in the data


class Verdict(Enum):
    """What the evidence says of a slice against its comparator."""

    disparity = "disparity"  # worse than its comparator, by at least the margin
    advantage = "advantage"  # the mirror image
    within_margin = "within_margin"  # the whole interval inside the margin: shown, not assumed
    inconclusive = "inconclusive"  # neither shown
    insufficient = "insufficient"  # below the floor: no test is run


class Correction(Enum):
    """How p-values are corrected for the number of comparisons."""

    holm = "holm"  # one false alarm in a family, whatever the tests have in common
    max_t = "max_t"  # the same, and sharper where slices overlap: the largest of jointly permuted statistics
    fdr_bh = "fdr_bh"  # the share of false alarms among all alarms, tests not negatively related
    fdr_by = "fdr_by"  # the same, whatever the tests have in common
    none = "none"


class Family(Enum):
    """Which comparisons are corrected together; declared before the run."""

    run = "run"  # all of them
    dimension = "dimension"  # those of each attribute, and those of all intersections


class Failures(Enum):
    """What a clip that the backend failed on counts as."""

    deletions = "deletions"  # every word of its reference is a deletion
    left_out = "left_out"  # its words are not counted; it is still counted in n_failed


@dataclass(kw_only=True)
class DimensionPolicy:
    """Overrides for one dimension; what is None is taken from the policy."""

    comparator: str | None = None
    margin: float | None = None
    margin_ratio: float | None = None
    fail_on: list[str] | None = None


@dataclass(kw_only=True)
class Policy:
    """States how far a slice may lie from its comparator, and how sure a verdict must be.

    A gap keeps the promise when it lies inside every margin that is set, and breaks it when it reaches any of them.

    Attributes:
        name: What outputs call the policy.
        comparator: `rest` (everyone else who declared a value), `best` (lowest WER), `largest` (most speakers), or
            the name of a slice. The p-values against `best` ignore that it was picked from the same data: five equal
            slices of 12 speakers raise a disparity in 10 % of corpora instead of 3.5 %.
        margin: Largest WER difference promised, a fraction (0.03 is 3 points), > 0.
        margin_ratio: Largest WER quotient promised, > 1; None promises none.
        alpha: Level of the tests; intervals are 1 - alpha, equivalence uses 1 - 2 alpha.
        correction: Over all comparisons of a family.
        family: The whole run, or each attribute on its own and all intersections together.
        min_speakers: Floor for a verdict, of the slice and of its comparator; at least 2.
        min_utterances: Floor for a verdict.
        min_words: Floor for a verdict, reference words.
        failures: What a failed clip counts as.
        max_failed: Largest share of failed clips that is still a measurement.
        fail_on: Verdicts that violate the policy (exit status 3).
        dimensions: Overrides by dimension, e.g. `accent` or `accent & gender`.
        n_resamples: Bootstrap resamples of speakers.
        n_permutations: Permutations of speakers, for promising tests as many as the correction needs (up to 200,000);
            where no more than this exist they are enumerated.
    """

    name: str = "default"
    comparator: str = "rest"
    margin: float = 0.03
    margin_ratio: float | None = None
    alpha: float = 0.05
    correction: Correction = Correction.holm
    family: Family = Family.run
    min_speakers: int = 5
    min_utterances: int = 20
    min_words: int = 100
    failures: Failures = Failures.deletions
    max_failed: float = 0.05
    fail_on: list[str] = field(default_factory=lambda: [Verdict.disparity.value])
    dimensions: dict[str, DimensionPolicy] = field(default_factory=dict)
    n_resamples: int = 2_000
    n_permutations: int = 9_999

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        _require(0 < self.margin <= 1, "margin", self.margin, "a WER difference between 0 and 1: 3 points are 0.03")
        ratio = self.margin_ratio
        _require(ratio is None or (isfinite(ratio) and ratio > 1), "margin_ratio", ratio, "a quotient > 1, or null")
        _require(0 < self.alpha < 0.5, "alpha", self.alpha, "a level between 0 and 0.5, e.g. 0.05")
        _require(self.min_speakers >= 2, "min_speakers", self.min_speakers, "at least 2: one speaker is no evidence")
        _require(self.min_utterances >= 1, "min_utterances", self.min_utterances, "at least 1")
        _require(self.min_words >= 1, "min_words", self.min_words, "at least 1")
        _require(0 <= self.max_failed <= 1, "max_failed", self.max_failed, "a share between 0 and 1")
        _require(self.n_resamples >= 100, "n_resamples", self.n_resamples, "at least 100")
        _require(self.n_permutations >= 100, "n_permutations", self.n_permutations, "at least 100")
        _require(bool(self.comparator.strip()), "comparator", self.comparator, "rest, best, largest or a slice")
        _check_verdicts("fail_on", self.fail_on)
        for dimension, override in self.dimensions.items():
            if override.fail_on is not None:
                _check_verdicts(f"dimensions[{dimension}].fail_on", override.fail_on)
            self.for_dimension(dimension)

    def for_dimension(self, dimension: str) -> "Promise":
        """Return what is promised for a dimension, overrides applied."""
        override = self.dimensions.get(dimension, DimensionPolicy())
        margin = self.margin if override.margin is None else override.margin
        ratio = self.margin_ratio if override.margin_ratio is None else override.margin_ratio
        _require(0 < margin <= 1, f"dimensions[{dimension}].margin", margin, "a WER difference between 0 and 1")
        _require(
            ratio is None or (isfinite(ratio) and ratio > 1), f"dimensions[{dimension}].margin_ratio", ratio, "> 1"
        )
        comparator = self.comparator if override.comparator is None else override.comparator
        _require(bool(comparator.strip()), f"dimensions[{dimension}].comparator", comparator, "not blank")
        return Promise(
            comparator=comparator,
            margin=margin,
            margin_ratio=ratio,
            fail_on=frozenset(self.fail_on if override.fail_on is None else override.fail_on),
        )


@dataclass(frozen=True, slots=True)
class Promise:
    """Is what a policy promises for one dimension."""

    comparator: str
    margin: float  # WER difference, fraction
    margin_ratio: float | None  # WER quotient; None: not promised
    fail_on: frozenset[str]

    def worse(self, gap: float, ratio: float) -> bool:
        """Say whether a slice is worse by at least a margin; a ratio to no errors at all (NaN) is beyond any."""
        if gap >= self.margin:
            return True
        return self.margin_ratio is not None and gap > 0 and not ratio < self.margin_ratio

    def better(self, gap: float, ratio: float) -> bool:
        """Say whether a slice is better by at least a margin."""
        return gap <= -self.margin or (self.margin_ratio is not None and ratio <= 1 / self.margin_ratio)


def _check_verdicts(option: str, verdicts: list[str]) -> None:
    known = [verdict.value for verdict in Verdict]
    unknown = sorted(set(verdicts) - set(known))
    _require(not unknown, option, unknown, f"verdicts among {known}")


def _require(holds: bool, option: str, found: object, expected: str) -> None:
    if not holds:
        raise UsageError(f"policy.{option}={found!r}; expected {expected}.")
