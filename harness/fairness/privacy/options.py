"""What a private release may cost, how it is counted and what is public about its design in, checked options out."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from harness.errors import UsageError

LARGEST_EPSILON = 20.0  # more is no privacy: one speaker may change the odds of any output 485,165,195 times


class ReleaseMethod(Enum):
    """How people are kept from being found in a table."""

    suppression = "suppression"  # slices of few speakers are hidden; no differential privacy
    laplace = "laplace"  # integer Laplace noise: epsilon
    gaussian = "gaussian"  # integer Gaussian noise: rho, told as epsilon at a delta


class Statistic(Enum):
    """Which word error rate a private table holds."""

    auto = "auto"  # public_words where words are public, else mean_of_speakers
    ratio_of_sums = "ratio_of_sums"  # word errors over reference words, both with noise
    mean_of_speakers = "mean_of_speakers"  # each speaker's WER counts once, both sum and number with noise
    public_words = "public_words"  # word errors, with noise, over reference words that are published anyway


@dataclass(kw_only=True)
class Caps:
    """Bounds what one speaker can change; from the design of the corpus that is public, never from the data.

    Noise is as large as a cap: choose what people were asked to say in all, such as 60 words where they read four
    sentences of 15, and half of it as errors. A cap that hardly anyone reaches buys noise and no more truth.

    Attributes:
        words: Reference words of a speaker that count in a dimension: about what most were asked to say. Who read more
            counts as if they had read these (times `cells` of the dimension).
        errors: Word errors of a speaker that count, in those words: `words` times a WER that few people have. Of a
            dimension, times its `cells`.
        rate: Highest WER of a speaker that counts, a fraction; what is above counts as this. Of the mean of speakers
            the only cap.
    """

    words: int = 500
    errors: int = 250
    rate: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: A cap is out of its range; the message names it.
        """
        _require(1 <= self.words <= 10_000_000, "caps.words", self.words, "reference words, at least 1")
        _require(1 <= self.errors <= 10_000_000, "caps.errors", self.errors, "word errors, at least 1")
        _require(0.001 <= self.rate <= 10, "caps.rate", self.rate, "a WER from 0.001 to 10, e.g. 0.5")


@dataclass(kw_only=True)
class PrivacyOptions:
    """Says what a private table may cost and how it is counted; all of it is public.

    Attributes:
        method: laplace or gaussian; suppression is not differential privacy.
        statistic: The WER released.
        epsilon: Most that the whole table may cost.
        delta: Chance, at most, that gaussian costs more than epsilon; laplace needs none.
        caps: What one speaker can change.
        words_are_public: Whether the references, who said them and the attributes are published: then only the errors
            of a speaker are protected, not whether they took part.
        cells: Slices of a dimension in which a speaker counts in full, where it is more than 1 (a dimension of
            conditions that all speakers were recorded under). Who is in more counts in each with less weight.
        shares: Weights by which the cost is split over the dimensions; 1 where not named.
        spread_share: Share of a dimension's cost that tells how much speakers differ, for narrower intervals; 0: none.
        expected_wer: Guess, by which the cost is split within a dimension; a wrong one costs precision, not privacy.
        largest_error: Expected error, a fraction, above which the value of a slice is withheld.
        confidence: Of the intervals.
    """

    method: ReleaseMethod = ReleaseMethod.laplace
    statistic: Statistic = Statistic.auto
    epsilon: float = 1.0
    delta: float = 1e-6
    caps: Caps = field(default_factory=Caps)
    words_are_public: bool = False
    cells: dict[str, int] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    spread_share: float = 0.1
    expected_wer: float = 0.15
    largest_error: float = 0.02
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        _require(0.001 <= self.epsilon <= LARGEST_EPSILON, "epsilon", self.epsilon, "from 0.001 to 20, e.g. 1")
        _require(0 < self.delta <= 1e-3, "delta", self.delta, "a chance far below 1 over the speakers, e.g. 1e-6")
        _require(0 <= self.spread_share <= 0.5, "spread_share", self.spread_share, "a share from 0 to 0.5, e.g. 0.1")
        _require(0 < self.expected_wer <= 2, "expected_wer", self.expected_wer, "a fraction above 0, e.g. 0.15")
        _require(0 < self.largest_error <= 1, "largest_error", self.largest_error, "a fraction above 0, e.g. 0.02")
        _require(0.5 <= self.confidence < 1, "confidence", self.confidence, "at least 0.5, e.g. 0.95")
        for name, n_cells in self.cells.items():
            _require(1 <= n_cells <= 10_000, f"cells[{name}]", n_cells, "a number of slices, at least 1")
        for name, share in self.shares.items():
            _require(isfinite(share) and share > 0, f"shares[{name}]", share, "a weight above 0")
        public = self.words_are_public or self.statistic is not Statistic.public_words
        _require(
            public,
            "statistic",
            self.statistic.value,
            "another: reference words are not declared public (words_are_public)",
        )

    @property
    def counted(self) -> Statistic:
        """Return the statistic that is released: `auto` is decided by what is public, never by the data."""
        if self.statistic is not Statistic.auto:
            return self.statistic
        return Statistic.public_words if self.words_are_public else Statistic.mean_of_speakers


def _require(holds: bool, option: str, found: object, expected: str) -> None:
    if not holds:
        raise UsageError(f"release.{option}={found!r}; expected {expected}.")
