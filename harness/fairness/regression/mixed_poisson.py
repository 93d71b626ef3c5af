"""Cells of word errors, words and covariates in, ratios of error rates speaker for speaker out.

The model (Liu, Veliche and Peng 2022): errors of a cell of speaker s are Poisson with mean words exp(x b + u_s), where
u_s is normal with mean 0 and standard deviation sigma. exp(b_j) is the ratio that one unit of column j makes for a
speaker. The integral over u_s needs only the sums of a speaker's errors and of words exp(x b), and is taken by adaptive
Gauss-Hermite quadrature (Liu and Pierce 1994; Pinheiro and Bates 1995). Written with u = sigma v, gradient and Hessian
are posterior moments under the same nodes and nothing is divided by sigma: a spread of zero is an ordinary stationary
point, which Newton's method reaches like any other.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, wrightomega

from harness.fairness.bootstrap import Floats
from harness.fairness.regression.poisson import DECREMENT, MOST_STEPS, Cells, climbed, loglinear_coefficients
from harness.fairness.speaker_sums import Ints

N_NODES = 15  # 25 give the same estimates to 7 digits
NO_SPREAD = 1e-4  # of log rates; less is zero: one word error in 10,000
_FIRST_SPREAD = (0.1, 2.0)  # bounds of the moment estimate that the search starts from
_FLATTEST = 1e-9  # curvature kept in a step, relative to the largest


@dataclass(frozen=True, slots=True)
class MixedFit:
    """Holds the maximum likelihood estimates of a Poisson model with a random effect per speaker."""

    coefficients: Floats  # (n_columns,) logarithms of ratios
    standard_errors: Floats  # (n_columns,) from the observed information; NaN where that is not positive
    speaker_sd: Floats  # (n_groups,) of speakers' log rates; exactly 0 below NO_SPREAD
    log_likelihood: float
    dispersion: float  # Pearson's chi2 over its degrees of freedom: 0.9 to 1 for Poisson counts; NaN without any
    effects: Floats  # (n_speakers,) u at its mode: log rate against a speaker like them; 0 where there is no spread
    reliability: Floats  # (n_speakers,) share of sigma^2 that the modes' variance is: sigma^2 m / (1 + sigma^2 m)
    converged: bool


@dataclass(frozen=True, slots=True)
class _Problem:
    """Holds what does not change during a fit; a point is the coefficients, then a sigma per group of speakers."""

    cells: Cells
    errors: Floats  # (n_speakers,)
    groups: Ints  # (n_speakers,)
    n_groups: int
    nodes: Floats  # (n_nodes,)
    log_weights: Floats  # (n_nodes,) of the integral of exp(-t^2 / 2) f(t), taken of f alone
    n_columns: int


@dataclass(frozen=True, slots=True)
class _Posterior:
    """Holds every speaker's standardised effect v at the quadrature nodes."""

    log_integral: Floats  # (n_speakers,)
    weights: Floats  # (n_speakers, n_nodes) sum to 1
    effects: Floats  # (n_speakers, n_nodes) v
    factors: Floats  # (n_speakers, n_nodes) exp(sigma v)
    modes: Floats  # (n_speakers,) of u = sigma v
    mode_means: Floats  # (n_speakers,) errors expected there


@dataclass(frozen=True, slots=True)
class _Curved:
    """Holds gradient and Hessian of the log likelihood at a point."""

    log_likelihood: float
    gradient: Floats  # (n_columns + n_groups,)
    hessian: Floats  # (n_columns + n_groups, n_columns + n_groups)


def mixed_fit(cells: Cells, *, groups: Ints | None = None, n_nodes: int = N_NODES) -> MixedFit:
    """Fit the model by Newton's method, from the log-linear coefficients.

    Args:
        cells: At least one word error; columns that are independent, also among the cells with errors.
        groups: Which standard deviation each speaker has, (n_speakers,) every number from 0; one for all when None.
        n_nodes: Quadrature nodes.
    """
    problem = _problem(cells, np.zeros(len(cells.starts), dtype=np.int64) if groups is None else groups, n_nodes)
    point = _start(problem)
    here, converged = _curved(problem, point), False
    for _ in range(MOST_STEPS):
        step = _ascent(here)
        point, _ = climbed(lambda there: _log_likelihood(problem, there), point, step, best=here.log_likelihood)
        converged = bool(here.gradient @ step < DECREMENT)
        here = _curved(problem, point)
        if converged:
            break
    spread = np.abs(point[problem.n_columns :])
    posterior = _at(problem, point)
    expected = spread[problem.groups] ** 2 * posterior.mode_means
    reliability = expected / (1 + expected)
    return MixedFit(
        coefficients=point[: problem.n_columns],
        standard_errors=_standard_errors(here.hessian)[: problem.n_columns],
        speaker_sd=np.where(spread < NO_SPREAD, 0.0, spread),
        log_likelihood=here.log_likelihood + cells.constant,
        dispersion=_dispersion(cells, cells.means(point[: problem.n_columns]), posterior.modes, reliability.sum()),
        effects=posterior.modes,
        reliability=reliability,
        converged=converged,
    )


def likelihood_ratio_p_value(smaller: MixedFit, larger: MixedFit, *, freedom: int = 1) -> float:
    """Return the p-value of nested models that are `freedom` parameters apart (chi2)."""
    return float(chdtrc(freedom, likelihood_ratio(smaller, larger)))


def likelihood_ratio(smaller: MixedFit, larger: MixedFit) -> float:
    """Return twice the difference of the log likelihoods of nested models, >= 0."""
    return max(0.0, 2 * (larger.log_likelihood - smaller.log_likelihood))


def _problem(cells: Cells, groups: Ints, n_nodes: int) -> _Problem:
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    return _Problem(
        cells=cells,
        errors=cells.of_speakers(cells.errors),
        groups=groups,
        n_groups=int(groups.max()) + 1,
        nodes=nodes,
        log_weights=np.log(weights) + nodes**2 / 2 - np.log(2 * np.pi) / 2,
        n_columns=cells.design.shape[1],
    )


def _start(problem: _Problem) -> Floats:
    """Return the log-linear coefficients and the spread by moments: var(errors) = mean + sigma^2 mean^2."""
    coefficients = loglinear_coefficients(problem.cells)
    means = problem.cells.of_speakers(problem.cells.means(coefficients))
    excess = np.bincount(problem.groups, weights=(problem.errors - means) ** 2 - means, minlength=problem.n_groups)
    squares = np.bincount(problem.groups, weights=means**2, minlength=problem.n_groups)
    spread = np.clip(np.sqrt(np.maximum(excess, 0) / squares), *_FIRST_SPREAD)
    coefficients[0] -= (spread**2).mean() / 2  # the mean of exp(u) is exp(sigma^2 / 2)
    return np.concatenate([coefficients, spread])


def _posterior(problem: _Problem, spread: Floats, means: Floats) -> _Posterior:
    """Place the nodes around each speaker's mode.

    Args:
        problem: Holds the speakers' errors.
        spread: Sigma of each speaker, (n_speakers,); its sign does not matter.
        means: Errors expected of each speaker where u = 0, (n_speakers,).
    """
    errors, variance = problem.errors, spread**2
    with np.errstate(divide="ignore"):  # sigma = 0: omega(-inf) = 0, and so is the mode
        mode = variance * errors - wrightomega(np.log(variance * means) + variance * errors)
    mode_means = means * np.exp(mode)
    width = 1 / np.sqrt(1 + variance * mode_means)
    effects = (spread * (errors - mode_means))[:, None] + width[:, None] * problem.nodes  # (n_speakers, n_nodes)
    shifts = spread[:, None] * effects
    factors = np.exp(shifts)
    terms = problem.log_weights + errors[:, None] * shifts - means[:, None] * factors - effects**2 / 2
    highest = terms.max(axis=1, keepdims=True)
    weights = np.exp(terms - highest)
    totals = weights.sum(axis=1, keepdims=True)
    log_integral = np.log(width) + (highest + np.log(totals))[:, 0]
    return _Posterior(log_integral, weights / totals, effects, factors, mode, mode_means)


def _log_likelihood(problem: _Problem, point: Floats) -> float:
    """Return the log likelihood without its constant; -inf where it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _sum_of_logs(problem, point, _at(problem, point))
    return found if np.isfinite(found) else -np.inf


def _sum_of_logs(problem: _Problem, point: Floats, posterior: _Posterior) -> float:
    linear = problem.cells.design @ point[: problem.n_columns]
    return float(problem.cells.errors @ linear + posterior.log_integral.sum())


def _at(problem: _Problem, point: Floats) -> _Posterior:
    means = problem.cells.of_speakers(problem.cells.means(point[: problem.n_columns]))
    return _posterior(problem, point[problem.n_columns :][problem.groups], means)


def _curved(problem: _Problem, point: Floats) -> _Curved:
    """Differentiate under the integral: every derivative is a posterior moment of exp(sigma v) and v."""
    cells, posterior = problem.cells, _at(problem, point)
    means = cells.means(point[: problem.n_columns])  # (n_cells,)
    totals = cells.of_speakers(means)[:, None]
    slopes = cells.of_speakers(means[:, None] * cells.design)  # (n_speakers, n_columns) of the totals

    def mean(values: Floats) -> Floats:
        moments: Floats = (posterior.weights * values).sum(axis=1)
        return moments

    effects, factors = posterior.effects, posterior.factors
    pulls = effects * (problem.errors[:, None] - totals * factors)  # derivative by sigma
    factor, pull = mean(factors), mean(pulls)
    fitted = cells.per_cell(factor) * means
    by_group = np.eye(problem.n_groups)[problem.groups]  # (n_speakers, n_groups)
    factor_variance = mean(factors**2) - factor**2
    across = -mean(effects * factors) - mean(factors * pulls) + factor * pull
    down = mean(pulls**2) - pull**2 - mean(effects**2 * totals * factors)
    upper = slopes.T @ (factor_variance[:, None] * slopes) - cells.design.T @ (fitted[:, None] * cells.design)
    side = slopes.T @ (across[:, None] * by_group)
    return _Curved(
        log_likelihood=_sum_of_logs(problem, point, posterior),
        gradient=np.concatenate([cells.design.T @ (cells.errors - fitted), by_group.T @ pull]),
        hessian=np.block([[upper, side], [side.T, np.diag(by_group.T @ down)]]),
    )


def _ascent(here: _Curved) -> Floats:
    """Return Newton's step, turned uphill along directions that curve the wrong way."""
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(here.hessian)), np.finfo(float).tiny))
    curvatures, directions = np.linalg.eigh(-here.hessian * np.outer(scale, scale))
    steepness = np.maximum(np.abs(curvatures), _FLATTEST * np.abs(curvatures).max())
    step: Floats = scale * (directions @ (directions.T @ (scale * here.gradient) / steepness))
    return step


def _standard_errors(hessian: Floats) -> Floats:
    """Invert the observed information; NaN throughout where it is not positive."""
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), np.finfo(float).tiny))
    curvatures, directions = np.linalg.eigh(-hessian * np.outer(scale, scale))
    if curvatures.min() <= _FLATTEST * curvatures.max():
        return np.full(len(hessian), np.nan)
    errors: Floats = scale * np.sqrt((directions**2 / curvatures).sum(axis=1))
    return errors


def _dispersion(cells: Cells, means: Floats, modes: Floats, n_effects: float) -> float:
    """Return Pearson's chi2 of the utterances, given each speaker's effect, over its degrees of freedom.

    A speaker's effect takes as much freedom as it is reliable: shrunk to nothing, it takes none.
    """
    fitted = means * cells.per_cell(np.exp(modes))
    chi2 = (cells.square_rates * cells.words / fitted - 2 * cells.errors + fitted).sum()
    freedom = cells.n_utterances - cells.design.shape[1] - n_effects
    return float(chi2 / freedom) if freedom >= 1 else float("nan")
