"""The comparisons of a dimension in, a row a distance between the WERs of speakers out, with its test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness.fairness.bootstrap import divide
from harness.fairness.comparisons import Comparisons
from harness.fairness.distances import (
    MMD_BANDWIDTH,
    SINKHORN_REGULARISATION,
    Pair,
    bernstein_half_width,
    energy_distance_squared,
    hoeffding_half_width,
    mmd_squared,
    signed_areas,
    sinkhorn_divergence,
    wasserstein,
)
from harness.fairness.kinds.gap_rows import UNCORRECTED, lacking
from harness.fairness.kinds.metric_rows import MetricRow, joined
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.kinds.relabelling import MOST_ATOMS, affordable, gathered, relabelled, share_as_large
from harness.fairness.policy import Policy
from harness.fairness.sparse_sums import Floats

_SINKHORN_ATOMS = 64  # of its test: it blurs 10 points anyway, and its cost grows with their square
_SINKHORN_TOLERANCE = 1e-8  # WER squared
_VALLENDER, _SZEKELY, _GRETTON = "Vallender 1974", "Székely and Rizzo 2013", "Gretton et al. 2012"


@dataclass(frozen=True, slots=True)
class _Distance:
    metric: str
    source: str
    note: str
    of: Callable[[Pair], Floats]


def _higher(pair: Pair) -> Floats:
    return signed_areas(pair)[0]


def _lower(pair: Pair) -> Floats:
    return signed_areas(pair)[1]


_DISTANCES = (
    _Distance("wasserstein_1", _VALLENDER, "difference of WER between speakers of equal rank", wasserstein),
    _Distance("wasserstein_1_worse", _VALLENDER, "the part where the slice is worse", _higher),
    _Distance("wasserstein_1_better", _VALLENDER, "the part where the slice is better", _lower),
    _Distance("energy_distance_squared", _SZEKELY, "", energy_distance_squared),
    _Distance("mmd_squared", _GRETTON, f"Gaussian kernel, bandwidth {MMD_BANDWIDTH:g}, biased", mmd_squared),
)


def distance_rows(part: Comparisons, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return distances and distribution-free bounds of every comparison that reaches the policy's floors.

    Each speaker counts once. The p-values are of the hypothesis that labels mean nothing: permuted over speakers, less
    often, down to 99 times, where a dimension has more than 200 comparisons. Below the floors there is one row, which
    says so.
    """
    draws = replace(draws, n_permutations=affordable(draws.n_permutations, int(part.enough(policy).sum())))
    rows: list[MetricRow] = []
    for k, missing in enumerate(lacking(part, policy)):
        own, other = speaker_wers(part, k)
        found = _few(own, other, missing) or [*_distances(own, other, draws), *_bounds(own, other, policy.alpha)]
        rows += [
            replace(row, dimension=part.dimension, slice_name=part.slices[k], comparator=part.comparator)
            for row in found
        ]
    return rows


def speaker_wers(part: Comparisons, k: int) -> tuple[Floats, Floats]:
    """Return the WER of every speaker with an id, in a slice and in its comparator, NaN who is not there.

    Two of (n_ids,).
    """
    own, other = (divide(side[0], side[1])[: part.n_ids] for side in part.pairs.one(k))
    return own, other


def _few(own: Floats, other: Floats, missing: str) -> list[MetricRow]:
    """Return the one row of a comparison with too few speakers, or none."""
    n_own, n_other = _present(own), _present(other)
    if not missing and min(n_own, n_other) >= 2:
        return []
    why = missing or f"{n_own} speakers with reference words against {n_other}"
    metric, source = _DISTANCES[0].metric, _DISTANCES[0].source
    return [_row(metric, np.nan, n_speakers=n_own, source=source, note=f"{why}: no distance")]


def _distances(own: Floats, other: Floats, draws: Draws) -> Iterator[MetricRow]:
    pair = relabelled(own, other, n_permutations=draws.n_permutations, seed=draws.seed)
    against = f"against {_present(other)} speakers"
    distinct = len(np.unique(np.concatenate([own[~np.isnan(own)], other[~np.isnan(other)]])))
    coarse = f"{distinct} distinct WERs gathered to {MOST_ATOMS} quantiles" if distinct > MOST_ATOMS else ""
    for distance in _DISTANCES:
        found = distance.of(pair)
        note = joined(distance.note, against, coarse, UNCORRECTED)
        yield _row(distance.metric, found[0], share_as_large(found), _present(own), distance.source, note)
    yield _sinkhorn_row(pair, _present(own), joined(against, coarse))


def _sinkhorn_row(pair: Pair, n_own: int, support: str) -> MetricRow:
    """Return the divergence on all atoms, and its test on fewer."""
    value = sinkhorn_divergence(pair.first())[0]
    tested = gathered(pair, _SINKHORN_ATOMS)
    how = f"debiased dual value, cost (x - y)^2, regularisation {SINKHORN_REGULARISATION:g}"
    coarse = f"p from {_SINKHORN_ATOMS} quantiles" if len(tested.atoms) < len(pair.atoms) else ""
    p_value = share_as_large(sinkhorn_divergence(tested, tolerance=_SINKHORN_TOLERANCE))
    note = joined(how, support, coarse, UNCORRECTED)
    return _row("sinkhorn_divergence", value, p_value, n_own, "Feydy et al. 2019; Oneto et al. 2020", note)


def _bounds(own: Floats, other: Floats, alpha: float) -> Iterator[MetricRow]:
    """Return what is certain of the true gap of the mean speaker WER, clipped at 1, whatever its distribution."""
    clipped = [np.minimum(each[~np.isnan(each)], 1) for each in (own, other)]
    sizes = np.array([len(each) for each in clipped], np.float64)
    variances = np.array([each.var(ddof=1) for each in clipped])
    gap = float(clipped[0].mean() - clipped[1].mean())
    note = f"mean speaker WER, clipped at 1, less that of {len(clipped[1])} speakers; holds whatever the distribution"
    for name, source, half_widths in (
        ("hoeffding", "Hoeffding 1963", hoeffding_half_width(sizes, n_groups=2, delta=alpha)),
        ("bernstein", "Maurer and Pontil 2009", bernstein_half_width(sizes, variances, n_groups=2, delta=alpha)),
    ):
        half = float(half_widths.sum())
        metric = f"speaker_wer_gap_{name}"
        row = _row(metric, gap, n_speakers=len(clipped[0]), source=f"{source}; Donini et al. 2018", note=note)
        yield replace(row, value_low=max(-1.0, gap - half), value_high=min(1.0, gap + half))


def _row(
    metric: str, value: float, p_value: float = np.nan, n_speakers: int = 0, source: str = "", note: str = ""
) -> MetricRow:
    """Return a row whose comparison is still to be named."""
    return MetricRow("", "", "", metric, float(value), p_value=p_value, n_speakers=n_speakers, source=source, note=note)


def _present(wers: Floats) -> int:
    return int((~np.isnan(wers)).sum())
