"""Covariates of two sides in, pairs of alike units and how alike the sides are out: propensity scores, greedy matching.

A unit is a speaker or an utterance. The method is that of Koenecke et al. (2020, PNAS 117(14)) after Rosenbaum and
Rubin (1983), with what its software left open decided: the closest unit inside the caliper, ties by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr
from scipy.special import expit, log_expit, logit

from harness.fairness.bootstrap import Bools, Floats, Indices
from harness.fairness.speaker_sums import Ints

MOST_IMBALANCE = 0.1  # standardised mean difference below which sides count as balanced (Austin 2009)
VARIANCE_RATIOS = (0.5, 2.0)  # between which they do (Rubin 2001)
_DEPENDENT = 1e-9  # length of a column of length one that is left outside the span of others
_MOST_STEPS = 25  # of Newton's method: a separated fit goes one unit further with each, others end after five to ten
_LAST_STEP = 1e-10  # the largest change of a coefficient


@dataclass(frozen=True, slots=True)
class Covariates:
    """Holds what units are matched on, a column a number or a level of an attribute."""

    names: tuple[str, ...]  # of the columns, `age=twenties`
    values: Floats  # (n_units, n_columns)
    levels: Bools  # (n_columns,) the column says who has a level, by 1 and 0

    def of(self, units: Indices) -> "Covariates":
        """Return those of some units."""
        return Covariates(self.names, self.values[units], self.levels)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Holds matched units as positions in what was given, or says why there are none."""

    slices: Indices  # (n_pairs,)
    comparators: Indices  # (n_pairs,)
    distances: Floats  # (n_pairs,) of the propensity scores
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """Holds how two sides differ in one covariate; NaN where it has no spread to measure by."""

    covariate: str
    is_level: bool
    smd_before: float  # standardised mean difference, in standard deviations of the slice before matching
    smd_after: float
    variance_ratio_before: float  # slice over comparator; NaN for a level: its variance follows from its mean
    variance_ratio_after: float

    @property
    def reached(self) -> bool:
        """Says whether the matched sides count as balanced in this covariate."""
        low, high = VARIANCE_RATIOS
        outside = self.variance_ratio_after < low or self.variance_ratio_after > high  # NaN is not
        return abs(self.smd_after) < MOST_IMBALANCE and not outside


def matched_pairs(slices: Covariates, comparators: Covariates, strata: Ints, *, caliper: float) -> Pairs:
    """Give each unit of the slice the closest unit of the comparator that is left, by propensity score.

    The score is the probability of being in the slice by logistic regression on the covariates. Units are served from
    the highest score down, ties by row; the partner is the closest one inside the caliper, ties by row, and taken once.
    Units that have a level which nobody on the other side has are alike to no one there and left out first.

    Args:
        slices: Covariates of the slice's units.
        comparators: The same covariates of the comparator's units.
        strata: Partners are of one stratum, (n_slice_units + n_comparator_units,).
        caliper: Largest distance of the scores in standard deviations of all scores, > 0.

    Returns:
        Pairs in the order of the slice's units.
    """
    values = np.vstack([slices.values, comparators.values])  # (n_units, n_columns)
    inside = np.arange(len(values)) < len(slices.values)
    kept, one_sided = _comparable(values, inside, slices.levels)
    names = list(dict.fromkeys(name.partition("=")[0] for name in slices.names))
    if not (kept & inside).any() or not (kept & ~inside).any():
        apart = dict.fromkeys(slices.names[column].partition("=")[0] for column in one_sided)
        return no_pairs(f"the groups do not overlap on {', '.join(apart or names)}: nothing can be matched")
    scores = np.full(len(values), np.nan)
    fitted = propensity_scores(values[kept], inside[kept])
    if fitted is None:
        return no_pairs(f"the groups do not overlap on {', '.join(names)} taken together: nothing can be matched")
    scores[kept] = fitted
    width = caliper * float(fitted.std(ddof=1))
    found = [
        pair
        for stratum in np.unique(strata[kept & inside])
        for pair in _greedy(scores, np.flatnonzero(kept & (strata == stratum)), len(slices.values), width)
    ]
    if not found:
        return no_pairs(f"no two units lie within the caliper of {caliper:g} standard deviations of their scores")
    left, right = np.array(sorted(found), dtype=np.intp).T
    return Pairs(left, right - len(slices.values), np.abs(scores[left] - scores[right]))


def no_pairs(problem: str) -> Pairs:
    """Return no pair and the reason."""
    none = np.empty(0, dtype=np.intp)
    return Pairs(none, none, np.empty(0), problem)


def propensity_scores(values: Floats, inside: Bools) -> Floats | None:
    """Return each unit's probability of being inside by logistic regression; None where it has no finite fit.

    Columns that others explain (collinear, or the same for everybody) change no probability and are left out. Units
    with equal covariates have exactly equal scores.

    Args:
        values: Covariates, (n_units, n_columns).
        inside: Which units are in the slice, (n_units,); some are and some are not.
    """
    distinct, which = np.unique(values, axis=0, return_inverse=True)
    design = _design(distinct)  # (n_distinct, n_independent)
    n_units: Floats = np.bincount(which).astype(np.float64)
    n_inside: Floats = np.bincount(which, weights=inside).astype(np.float64)
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = logit(inside.mean())
    for _ in range(_MOST_STEPS):
        chances = expit(design @ coefficients)
        information = design.T @ (design * (n_units * chances * (1 - chances))[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (n_inside - n_units * chances))
        except np.linalg.LinAlgError:
            return None
        before = _log_likelihood(design @ coefficients, n_inside, n_units)
        while _log_likelihood(design @ (coefficients + step), n_inside, n_units) < before - 1e-9 * abs(before):
            step = step / 2
        coefficients = coefficients + step
        if np.abs(step).max() < _LAST_STEP:
            scores: Floats = expit(design @ coefficients)[which]
            return scores
    return None


def balances(slices: Covariates, comparators: Covariates, pairs: Pairs) -> list[Balance]:
    """Return how the sides differ in each covariate, before and after matching.

    Differences are in standard deviations of the slice's units before matching (of the comparator's, where the slice
    has no spread), so that both can be compared.
    """
    matched = (slices.values[pairs.slices], comparators.values[pairs.comparators])
    found = []
    for column, name in enumerate(slices.names):
        before = (slices.values[:, column], comparators.values[:, column])
        after = (matched[0][:, column], matched[1][:, column])
        unit = _spread(before[0]) or _spread(before[1])
        is_level = bool(slices.levels[column])
        found.append(
            Balance(
                covariate=name,
                is_level=is_level,
                smd_before=_difference(*before, unit),
                smd_after=_difference(*after, unit),
                variance_ratio_before=np.nan if is_level else _variance_ratio(*before),
                variance_ratio_after=np.nan if is_level else _variance_ratio(*after),
            )
        )
    return found


def _comparable(values: Floats, inside: Bools, levels: Bools) -> tuple[Bools, list[int]]:
    """Say who has no level that only one side has, and name the columns of those levels."""
    columns = np.flatnonzero(levels)
    has = values[:, columns] > 0  # (n_units, n_levels)
    kept = np.ones(len(values), dtype=bool)
    one_sided: list[int] = []
    while True:
        left, right = has[inside & kept].any(axis=0), has[~inside & kept].any(axis=0)
        lone = np.flatnonzero(left != right)
        if not len(lone):
            return kept, one_sided
        one_sided += columns[lone].tolist()
        kept &= ~has[:, lone].any(axis=1)


def _design(distinct: Floats) -> Floats:
    """Return a column of ones and the columns that neither it nor others explain, each of length one, in one order."""
    centred = distinct - distinct.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    varied = np.flatnonzero(lengths > _DEPENDENT * np.linalg.norm(distinct, axis=0))
    ones = np.ones((len(distinct), 1))
    if not len(varied):
        return ones
    scaled = centred[:, varied] / lengths[varied]
    _, triangle, order = qr(scaled, mode="economic", pivoting=True)
    independent = np.sort(order[: len(triangle)][np.abs(np.diag(triangle)) > _DEPENDENT])
    return np.hstack([ones, scaled[:, independent] * np.sqrt(len(distinct))])


def _log_likelihood(predictors: Floats, n_inside: Floats, n_units: Floats) -> float:
    return float(n_inside @ log_expit(predictors) + (n_units - n_inside) @ log_expit(-predictors))


def _greedy(scores: Floats, units: Indices, n_slice_units: int, width: float) -> Iterator[tuple[int, int]]:
    """Yield the pairs of one stratum."""
    seekers, offered = units[units < n_slice_units], units[units >= n_slice_units]
    shelves = _Shelves(scores[offered], offered)
    for unit in seekers[np.argsort(-scores[seekers], kind="stable")]:
        partner = shelves.take(float(scores[unit]), width)
        if partner is not None:
            yield int(unit), partner


class _Shelves:
    """Keeps units by score, those of one score in the order of their rows, and hands out the closest one left."""

    def __init__(self, scores: Floats, units: Indices) -> None:
        order = np.lexsort((units, scores))
        labels, first, sizes = np.unique(scores[order], return_index=True, return_counts=True)
        self._units = units[order].tolist()
        self._labels, self._next, self._end = labels, first.tolist(), (first + sizes).tolist()
        # Links to the nearest shelf that is not empty: upwards from itself, and downwards with shelf k at k + 1.
        self._up, self._down = list(range(len(labels) + 1)), list(range(len(labels) + 1))

    def take(self, score: float, width: float) -> int | None:
        """Return the closest unit and remove it; None when none is left within the width."""
        at = int(np.searchsorted(self._labels, score))
        shelves = (_follow(self._down, at) - 1, _follow(self._up, at))
        offers = [
            (abs(score - float(self._labels[shelf])), self._units[self._next[shelf]], shelf)
            for shelf in shelves
            if 0 <= shelf < len(self._labels)
        ]
        distance, unit, shelf = min(offers, default=(np.inf, -1, -1))
        if distance > width:
            return None
        self._next[shelf] += 1
        if self._next[shelf] == self._end[shelf]:
            self._up[shelf], self._down[shelf + 1] = shelf + 1, shelf
        return int(unit)


def _follow(links: list[int], start: int) -> int:
    """Follow links to their end, shortening the way for those who come after."""
    while links[start] != start:
        links[start] = links[links[start]]
        start = links[start]
    return start


def _spread(values: Floats) -> float:
    """Return the standard deviation; 0 for one value or none."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _difference(slices: Floats, comparators: Floats, unit: float) -> float:
    if not len(slices) or not len(comparators):
        return np.nan
    difference = float(slices.mean() - comparators.mean())
    return difference / unit if unit > 0 else (np.nan if difference else 0.0)


def _variance_ratio(slices: Floats, comparators: Floats) -> float:
    above, below = _spread(slices) ** 2, _spread(comparators) ** 2
    return above / below if below > 0 else (np.inf if above > 0 else np.nan)
