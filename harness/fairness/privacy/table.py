"""Scores, declared slices and options in, a private table out: counted, noised by OpenDP, and told what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.policy import Failures, Policy
from harness.fairness.privacy.contributions import Floats, named_speakers, pairs_of
from harness.fairness.privacy.counting import HIGHEST_RATIO, Counted, counted, deviations
from harness.fairness.privacy.declared import cells_of, check_declared
from harness.fairness.privacy.expected import ABOVE, BELOW, SPREAD, Noise, noises
from harness.fairness.privacy.intervals import NoisySums, Spread, expected_errors, intervals, rates
from harness.fairness.privacy.mechanisms import UNIT, Loss, composed
from harness.fairness.privacy.options import PrivacyOptions, ReleaseMethod, Statistic
from harness.fairness.privacy.records import PRIVATE_COLUMNS, PrivateTable, Proof, Spent
from harness.fairness.privacy.statement import statement_of
from harness.fairness.speaker_sums import checked_scores


def private_table(
    scores: pd.DataFrame,
    *,
    dimensions: Mapping[str, Sequence[str]],
    options: PrivacyOptions | None = None,
    policy: Policy | None = None,
) -> PrivateTable:
    """Release the word error rate of every declared slice so that no speaker can be told to be in the data.

    Every call spends: two tables of one corpus cost the sum. The noise has no seed, so no two tables are alike. The
    rate of a slice whose expected error is too large is withheld: not to protect anyone, which the noise does, but
    because it would be read as if it said something about the people in the slice.

    Args:
        scores: One row an utterance, as for `slice_table`; of one condition, unless `condition` is a dimension.
        dimensions: Declared slices of every dimension, from what is public; `overall` needs none.
        options: What it may cost and how it is counted.
        policy: What failed clips count as.

    Raises:
        UsageError: OpenDP is not installed, an option cannot be meant, or the scores lack a column.
        DataError: An utterance has no speaker id.
    """
    options, policy = options or PrivacyOptions(), policy or Policy()
    _check(options, policy, dimensions)
    checked = checked_scores(scores, policy)
    speakers = named_speakers(checked)
    noise = noises(options, dimensions)
    loss = _loss(noise, options)
    tables = []
    for name, declared in dimensions.items():
        cells, n_cells = cells_of(checked, name, declared), options.cells.get(name, 1)
        told = counted(pairs_of(checked, cells, speakers), options, n_cells=n_cells)
        tables.append(_rows(_Dimension(name, cells.names, n_cells, noise[name], told), options))
    return PrivateTable(
        frame=pd.concat(tables, ignore_index=True),
        cost=Spent(epsilon=loss.epsilon, delta=loss.delta, rho=loss.rho),
        statement=statement_of(options, dimensions, loss),
        proofs=tuple(_proof(name, each) for name, found in noise.items() for each in found.values()),
    )


@dataclass(frozen=True, slots=True)
class _Dimension:
    """Is a dimension that is about to be released."""

    name: str
    slices: tuple[str, ...]
    n_cells: int  # in which a speaker counts in full
    noise: Mapping[str, Noise]
    told: Counted


def _check(options: PrivacyOptions, policy: Policy, dimensions: Mapping[str, Sequence[str]]) -> None:
    check_declared(dimensions)
    if options.method is ReleaseMethod.suppression:
        raise UsageError("release.method=suppression adds no noise: no private table. Choose laplace or gaussian.")
    unknown = sorted((set(options.cells) | set(options.shares)) - set(dimensions))
    if unknown:
        raise UsageError(
            f"release.cells or release.shares names {', '.join(map(repr, unknown))}; expected {sorted(dimensions)}."
        )
    if options.counted is Statistic.public_words and policy.failures is Failures.left_out:
        raise UsageError(
            "policy.failures=left_out makes the words that count depend on what was recognised, so they are not "
            "public. Choose failures=deletions, or another statistic."
        )


def _loss(noise: Mapping[str, Mapping[str, Noise]], options: PrivacyOptions) -> Loss:
    loss = composed([each.mechanism for found in noise.values() for each in found.values()], delta=options.delta)
    if not loss.epsilon <= options.epsilon:
        raise UsageError(
            f"OpenDP proves a cost of epsilon={loss.epsilon!r}, more than the {options.epsilon!r} asked. Nothing was "
            "released."
        )
    return loss


def _rows(dimension: _Dimension, options: PrivacyOptions) -> pd.DataFrame:
    sums = _noisy_sums(dimension, options)
    low, high = intervals(sums, _noisy_spread(dimension, sums, options), confidence=options.confidence)
    error, wer = expected_errors(sums), rates(sums)
    worth = (error <= options.largest_error) & ~np.isnan(wer)
    withheld = f"expected error above {options.largest_error:g}: too few speakers to be worth releasing"
    return pd.DataFrame(
        {
            "dimension": dimension.name,
            "slice": dimension.slices,
            "wer": np.where(worth, wer, np.nan),
            "wer_low": np.where(worth, low, np.nan),
            "wer_high": np.where(worth, high, np.nan),
            "expected_error": error,
            "n_speakers": _n_speakers(dimension.told, sums, options),
            "worth": worth,
            "reason": np.where(worth, "", withheld),
        }
    )[list(PRIVATE_COLUMNS)]


def _noisy_sums(dimension: _Dimension, options: PrivacyOptions) -> NoisySums:
    told, noise = dimension.told, dimension.noise
    above, below = told.pairs.sums(told.above), told.pairs.sums(told.below)
    public = BELOW not in noise
    return NoisySums(
        method=options.method,
        above=noise[ABOVE].noisy(above),
        below=np.array(below) * _words_a_step(dimension, options) if public else noise[BELOW].noisy(below),
        above_error=noise[ABOVE].error,
        below_error=0.0 if public else noise[BELOW].error,
        highest=options.caps.rate if options.counted is Statistic.mean_of_speakers else HIGHEST_RATIO,
    )


def _words_a_step(dimension: _Dimension, options: PrivacyOptions) -> float:
    return options.caps.words * dimension.n_cells / UNIT


def _noisy_spread(dimension: _Dimension, sums: NoisySums, options: PrivacyOptions) -> Spread:
    """Release how far speakers lie from the rates that are released already; without a share, bounds must do.

    A rate r of at most c around a mean m has variance at most m (c - m) (Bhatia and Davis 2000). For errors E of at
    most e and words W of at most w: (E - m W)^2 <= E e + m^2 W w, whose sum is expected to be sum of W x (m e + m^2 w).
    """
    caps, told = options.caps, dimension.told
    of_speakers = options.counted is Statistic.mean_of_speakers
    n_cells = dimension.n_cells
    bounds = (caps.rate, -1.0) if of_speakers else (float(caps.errors * n_cells), float(caps.words * n_cells))
    if SPREAD not in dimension.noise:
        return Spread(np.full(told.pairs.n_cells, np.inf), np.zeros(told.pairs.n_cells), *bounds)
    noise, centres = dimension.noise[SPREAD], np.nan_to_num(rates(sums), nan=sums.highest / 2)
    found = deviations(told, centres, options, n_cells=n_cells)
    shares = noise.noisy(told.pairs.sums(found.steps))
    return Spread(shares * found.largest, noise.error * found.largest, *bounds)


def _n_speakers(told: Counted, sums: NoisySums, options: PrivacyOptions) -> Floats:
    """Return the speakers of every cell where released with noise, or public; NaN where neither."""
    if options.counted is Statistic.mean_of_speakers:
        return np.maximum(0.0, np.rint(sums.below))
    if options.counted is Statistic.public_words:
        spoke = told.pairs.those(told.pairs.words > 0)
        return np.bincount(spoke.cells, minlength=spoke.n_cells).astype(np.float64)
    return np.full(told.pairs.n_cells, np.nan)


def _proof(dimension: str, noise: Noise) -> Proof:
    return Proof(
        dimension=dimension,
        quantity=noise.quantity,
        mechanism=noise.mechanism.kind,
        unit=noise.unit,
        sensitivity=UNIT,
        scale=noise.mechanism.scale,
        loss=noise.mechanism.loss,
    )
