"""Word errors, reference words and covariates in, ratios of error rates averaged over people out.

The log-linear model: errors are words exp(x b) on average; exp(b_j) is the ratio of pooled error rates that one unit of
column j makes. Coefficients are those of independent Poisson counts, which are consistent however utterances of a
speaker hang together (Liang and Zeger 1986); standard errors are clustered by speaker and reduced in bias for few of
them (Mancl and DeRouen 2001). `mixed_poisson` fits the same cells with a random effect per speaker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import gammaln

from harness.fairness.bootstrap import Floats
from harness.fairness.speaker_sums import Ints

MOST_STEPS = 100
DECREMENT = 1e-10  # log likelihood still to be gained when Newton's method takes its last step
_SLACK = 1e-9  # relative; a step may lose what rounding and quadrature cost near the maximum
_HALVINGS = 40
_DEPENDENT = 1e-7  # share of a column's length outside the span of the columns before it
_SPARSE = 8  # possible keys a row, from which they are sorted instead of counted
_BLOCK_CELLS = 4_000_000  # of (speakers, columns, columns) held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Cells:
    """Holds sums over utterances of one speaker with equal covariates, which are all that the likelihood needs."""

    errors: Floats  # (n_cells,)
    words: Floats  # (n_cells,) > 0
    design: Floats  # (n_cells, n_columns); the first column is 1
    starts: Ints  # (n_speakers,) first cell of each speaker
    speakers: Ints  # (n_speakers,) as the caller numbers them
    square_rates: Floats  # (n_cells,) sum of errors^2 / words over the utterances
    constant: float  # the part of the log likelihood without parameters
    n_utterances: int

    def of_speakers(self, rows: Floats) -> Floats:
        """Sum over the cells of each speaker, (n_speakers, ...)."""
        sums: Floats = np.add.reduceat(rows, self.starts, axis=0)
        return sums

    def per_cell(self, values: Floats) -> Floats:
        """Repeat a speaker's value for each of the speaker's cells, (n_cells,)."""
        return np.repeat(values, np.diff(self.starts, append=len(self.errors)))

    def means(self, coefficients: Floats) -> Floats:
        """Return words exp(x b), (n_cells,)."""
        means: Floats = self.words * np.exp(self.design @ coefficients)
        return means

    def with_columns(self, columns: Sequence[int]) -> "Cells":
        """Return the cells of the model that has only these columns."""
        return replace(self, design=self.design[:, list(columns)])


@dataclass(frozen=True, slots=True)
class PopulationFit:
    """Holds the estimates of the log-linear model."""

    coefficients: Floats  # (n_columns,) logarithms of ratios
    standard_errors: Floats  # (n_columns,) NaN where the coefficient rests on one speaker


def cells_of(errors: Floats, words: Floats, design: Floats, speakers: Ints) -> Cells:
    """Sum utterances of equal covariates within a speaker.

    Args:
        errors: Word errors, (n_utterances,), >= 0.
        words: Reference words, (n_utterances,), > 0: their logarithm is the offset.
        design: Covariates, (n_utterances, n_columns), finite; the first column is 1.
        speakers: Whose each utterance is, (n_utterances,).
    """
    cells, first = _numbered(speakers, design)
    starts = np.flatnonzero(np.diff(speakers[first], prepend=speakers[first[:1]] - 1))
    n_cells = len(first)
    return Cells(
        errors=_summed(cells, errors, n_cells),
        words=_summed(cells, words, n_cells),
        design=np.ascontiguousarray(design[first]),
        starts=starts,
        speakers=speakers[first[starts]],
        square_rates=_summed(cells, errors**2 / words, n_cells),
        constant=float((errors * np.log(words) - gammaln(errors + 1)).sum()),
        n_utterances=len(errors),
    )


def _summed(cells: Ints, values: Floats, n_cells: int) -> Floats:
    return np.bincount(cells, weights=values, minlength=n_cells).astype(np.float64, copy=False)


def _numbered(speakers: Ints, design: Floats) -> tuple[Ints, Ints]:
    """Number cells speaker by speaker: the cell of each utterance, and the first utterance of each cell."""
    lowest = int(speakers.min(initial=0))
    cells, n_cells = _ranked(speakers - lowest, int(speakers.max(initial=0)) - lowest + 1)
    for column in design.T[:0:-1]:
        codes, values = pd.factorize(column, sort=True)
        cells, n_cells = _ranked(cells * len(values) + codes, n_cells * len(values))
    first = np.empty(n_cells, dtype=np.int64)
    first[cells[::-1]] = np.arange(len(cells))[::-1]
    return cells, first


def _ranked(keys: Ints, n_keys: int) -> tuple[Ints, int]:
    """Replace keys in [0, n_keys) by their ranks among those that are there; return these and their number."""
    if n_keys > _SPARSE * len(keys):
        ranks, known = pd.factorize(keys, sort=True)
        return ranks, len(known)
    there = np.bincount(keys, minlength=n_keys) > 0
    return (np.cumsum(there) - 1)[keys], int(there.sum())


def dependent_columns(design: Floats) -> list[int]:
    """Return the columns that are combinations of columns before them (Gram-Schmidt, taken twice).

    A pivoted decomposition finds as many, but names them by their length; this one by the caller's order.
    """
    basis = np.empty_like(design, order="F")
    n_kept, dependent = 0, []
    for position, column in enumerate(design.T):
        kept, rest = basis[:, :n_kept], column
        for _ in range(2):
            rest = rest - kept @ (kept.T @ rest)
        length = np.linalg.norm(rest)
        if length <= _DEPENDENT * np.linalg.norm(column):
            dependent.append(position)
        else:
            basis[:, n_kept] = rest / length
            n_kept += 1
    return dependent


def population_fit(cells: Cells) -> PopulationFit:
    """Fit the log-linear model.

    Args:
        cells: At least one word error; columns that are independent, also among the cells with errors.
    """
    coefficients = loglinear_coefficients(cells)
    shifts = _deletion_shifts(cells, cells.means(coefficients))
    return PopulationFit(coefficients, np.sqrt((shifts**2).sum(axis=0)))


def loglinear_coefficients(cells: Cells) -> Floats:
    """Maximise the likelihood of independent Poisson counts, (n_columns,)."""

    def log_likelihood(b: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(cells.errors @ (cells.design @ b) - cells.means(b).sum())

    b = np.zeros(cells.design.shape[1])
    b[0] = np.log(cells.errors.sum() / cells.words.sum())
    best = log_likelihood(b)
    for _ in range(MOST_STEPS):
        mean = cells.means(b)
        gradient = cells.design.T @ (cells.errors - mean)
        information = cells.design.T @ (mean[:, None] * cells.design)
        step = np.linalg.solve(information, gradient).astype(np.float64)
        b, best = climbed(log_likelihood, b, step, best=best)
        if gradient @ step < DECREMENT:
            break
    return b


def climbed(
    log_likelihood: Callable[[Floats], float], start: Floats, step: Floats, *, best: float
) -> tuple[Floats, float]:
    """Take a step, halved until the log likelihood does not fall; stay where no part of it helps."""
    for _ in range(_HALVINGS):
        there = start + step
        found = log_likelihood(there)
        if found >= best - _SLACK * (1 + abs(best)):
            return there, found
        step = step / 2
    return start, best


def _deletion_shifts(cells: Cells, mean: Floats) -> Floats:
    """Return (B - A_s)^-1 score_s of every speaker, (n_speakers, n_columns); the sandwich is their cross product.

    A_s = X_s' diag(mean) X_s and B is the sum of all A_s. By the Woodbury identity it is Mancl and DeRouen's
    B^-1 X_s' (I - H_s)^-1 residual_s, in matrices of the size of the coefficients. Where B - A_s is singular, a
    coefficient that cannot be had without speaker s is NaN, and others are what they are.
    """
    bread = cells.design.T @ (mean[:, None] * cells.design)
    scale = 1 / np.sqrt(np.diag(bread))
    design = cells.design * scale
    scores = cells.of_speakers(design * (cells.errors - mean)[:, None])  # (n_speakers, n_columns)
    n_speakers, n_columns = scores.shape
    block = max(1, _BLOCK_CELLS // n_columns**2)
    ends = np.append(cells.starts, len(mean))
    shifts = []
    for first in range(0, n_speakers, block):
        speakers, rows = slice(first, first + block), slice(ends[first], ends[min(first + block, n_speakers)])
        own = _informations(design[rows], mean[rows], cells.starts[speakers] - ends[first])
        rest = bread * np.outer(scale, scale) - own  # (n_block, n_columns, n_columns)
        inverse = np.linalg.pinv(rest, rcond=_DEPENDENT, hermitian=True)
        estimable = np.abs(inverse @ rest - np.eye(n_columns)).max(axis=2) < np.sqrt(_DEPENDENT)
        shifts.append(np.where(estimable, (inverse @ scores[speakers, :, None])[:, :, 0], np.nan))
    return np.concatenate(shifts) * scale


def _informations(design: Floats, mean: Floats, starts: Ints) -> Floats:
    """Return X_s' diag(mean) X_s of every speaker, (n_speakers, n_columns, n_columns)."""
    weighted = design * mean[:, None]
    columns = [np.add.reduceat(weighted * column[:, None], starts, axis=0) for column in design.T]
    return np.stack(columns, axis=1)
