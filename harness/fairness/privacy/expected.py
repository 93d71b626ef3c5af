"""Options and numbers of speakers in, what the noise will do to a rate out, before anything is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.privacy.contributions import Floats, full_share
from harness.fairness.privacy.declared import check_declared
from harness.fairness.privacy.intervals import ALLOWED_DEVIATIONS
from harness.fairness.privacy.mechanisms import UNIT, Mechanism, gaussian_sums, laplace_sums, rho_of
from harness.fairness.privacy.options import PrivacyOptions, ReleaseMethod, Statistic

SPEAKERS = (10, 30, 100, 300, 1_000, 3_000)
_MOST_SPEAKERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Noise:
    """Is the noise of one quantity of a dimension: `unit` is what a step is, `error` its standard deviation."""

    quantity: str
    mechanism: Mechanism
    unit: float

    @property
    def error(self) -> float:
        """Return the standard deviation of the noise, in what is counted; of Laplace that of the continuous one."""
        return self.unit * self.mechanism.scale * (sqrt(2) if self.mechanism.kind == "laplace" else 1)

    def noisy(self, sums: Sequence[int]) -> Floats:
        """Return sums of steps with noise, in what is counted."""
        return np.array(self.mechanism.release(sums), dtype=np.float64) * self.unit


ABOVE, BELOW, SPREAD = "above", "below", "spread"


def noises(options: PrivacyOptions, dimensions: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Noise]]:
    """Return the noise of every quantity of every dimension; what they cost together is at most what was asked.

    A dimension gets its share; of it, the spread gets its own and the rest is split so that the error of the rate at
    `expected_wer` is least: costs as amplitudes to the power 2/3 (epsilon), or as amplitudes (rho).
    """
    check_declared(dimensions)
    total = rho_of(options.epsilon, options.delta) if options.method is ReleaseMethod.gaussian else options.epsilon
    weights = {name: options.shares.get(name, 1.0) for name in dimensions}
    return {
        name: _noises_of(options, options.cells.get(name, 1), total * weight / sum(weights.values()))
        for name, weight in weights.items()
    }


def expected_error(
    n_speakers: float,
    options: PrivacyOptions,
    *,
    dimensions: Mapping[str, Sequence[str]],
    dimension: str | None = None,
    words_per_speaker: float | None = None,
) -> float:
    """Return the root mean square of what the noise will do to the rate of a slice, a fraction; nothing is spent.

    Args:
        n_speakers: In the slice.
        options: Of the release.
        dimensions: Of the whole release: they share its cost.
        dimension: Of the slice; the first when None.
        words_per_speaker: That count in the slice, where words are summed; the cap when None.
    """
    return _of_one(options, dimensions, dimension=dimension, words_per_speaker=words_per_speaker).error / n_speakers


def speakers_needed(
    error: float,
    options: PrivacyOptions,
    *,
    dimensions: Mapping[str, Sequence[str]],
    dimension: str | None = None,
    words_per_speaker: float | None = None,
) -> int:
    """Return how many speakers a slice needs so that a release states an expected error; nothing is spent.

    They are some more than have it: a release does not know how many there are, and allows for fewer.

    Raises:
        UsageError: It would take more than ten million.
    """
    one = _of_one(options, dimensions, dimension=dimension, words_per_speaker=words_per_speaker)
    if not error > 0 or one.error / error > _MOST_SPEAKERS:
        raise UsageError(f"an expected error of {error!r} is out of reach; ask for a larger one, or spend more.")
    return one.needed(error)


def plan_release(
    options: PrivacyOptions,
    dimensions: Mapping[str, Sequence[str]],
    *,
    speakers: Sequence[int] = SPEAKERS,
    words_per_speaker: float | None = None,
) -> pd.DataFrame:
    """Return a row for every dimension and number of speakers in a slice; nothing is spent.

    Columns: dimension, n_speakers, expected_error (fraction), worth (a rate would be told, by and large), and
    n_speakers_needed for it.
    """
    rows = []
    for name in dimensions:
        one = _of_one(options, dimensions, dimension=name, words_per_speaker=words_per_speaker)
        needed = one.needed(options.largest_error)
        rows += [(name, count, one.error / count, count >= needed, needed) for count in speakers]
    return pd.DataFrame(rows, columns=["dimension", "n_speakers", "expected_error", "worth", "n_speakers_needed"])


@dataclass(frozen=True, slots=True)
class _One:
    """Says what a slice of one speaker would have: its expected error, and how many speakers fewer are allowed for."""

    error: float
    allowed: float

    def needed(self, error: float) -> int:
        """Return the fewest speakers of whom a release states at most an error."""
        return max(1, ceil(self.error / error + self.allowed))


def _of_one(
    options: PrivacyOptions,
    dimensions: Mapping[str, Sequence[str]],
    *,
    dimension: str | None,
    words_per_speaker: float | None,
) -> _One:
    parts = noises(options, dimensions)[dimension or next(iter(dimensions))]
    per_speaker = (
        1.0 if options.counted is Statistic.mean_of_speakers else float(words_per_speaker or options.caps.words)
    )
    below = parts[BELOW].error if BELOW in parts else 0.0
    noise = sqrt(parts[ABOVE].error ** 2 + (options.expected_wer * below) ** 2)
    return _One(noise / per_speaker, ALLOWED_DEVIATIONS * below / per_speaker)


def _noises_of(options: PrivacyOptions, n_cells: int, cost: float) -> dict[str, Noise]:
    units = _units(options, n_cells)
    wer = options.expected_wer
    amplitudes = {name: unit * (wer if name == BELOW else 1) for name, (_, unit) in units.items() if name != SPREAD}
    power = 1.0 if options.method is ReleaseMethod.gaussian else 2 / 3
    weights = {name: amplitude**power for name, amplitude in amplitudes.items()}
    rest = 1 - options.spread_share
    shares = {name: rest * weight / sum(weights.values()) for name, weight in weights.items()}
    if options.spread_share:
        shares[SPREAD] = options.spread_share
    made = gaussian_sums if options.method is ReleaseMethod.gaussian else laplace_sums
    return {name: Noise(units[name][0], made(cost * share), units[name][1]) for name, share in shares.items()}


def _units(options: PrivacyOptions, n_cells: int) -> dict[str, tuple[str, float]]:
    """Return what is counted and what a step of it is; a step of the spread depends on the rates found before it."""
    caps = options.caps
    if options.counted is Statistic.mean_of_speakers:
        full = full_share(n_cells, options.method)
        return {
            ABOVE: ("clipped rates", caps.rate / full),
            BELOW: ("speakers", 1 / full),
            SPREAD: ("squared deviations of rates", 1 / full),
        }
    found = {
        ABOVE: ("word errors", caps.errors * n_cells / UNIT),
        SPREAD: ("squared deviations of word errors", 1 / UNIT),
    }
    if options.counted is Statistic.ratio_of_sums:
        found[BELOW] = ("reference words", caps.words * n_cells / UNIT)
    return found
