"""Sums of rates and a dimension's comparisons in, a row a gap out: which words are lost, how much is of no use.

Gaps are slice less comparator, of what is reported: a recall gap of -0.05 is worse, a deletion gap of -0.05 better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.fairness.bootstrap import Interval, divide, resample_weights
from harness.fairness.comparison_tests import gap_p_values
from harness.fairness.comparisons import Comparisons, floors
from harness.fairness.gaps import gap_ratio_intervals, gaps_of, pair_gap_intervals
from harness.fairness.kinds.metric_rows import MetricRow, joined
from harness.fairness.kinds.rate_cells import Cells, rate_pairs, slice_totals
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.kinds.word_metrics import Rate, Sense
from harness.fairness.pairs import Pairs
from harness.fairness.policy import REST, Policy
from harness.fairness.sparse_sums import Bools, Floats, Indices
from harness.fairness.verdicts import shortfall

GAP_RATES = (
    "word_recall", "word_precision", "word_f1", "deletion_rate", "substitution_rate", "insertion_rate", "usable_rate",
    "hallucination_rate", "empty_output_rate",
)  # fmt: skip
FOUR_FIFTHS = 0.8  # Uniform Guidelines on Employee Selection Procedures, 1978: a rule of thumb, no test
UNCORRECTED = "p uncorrected"
_BELOW_FOUR_FIFTHS = "warning: below four fifths of the comparator's"
_BY_BONFERRONI = "the larger of |recall gap| and |insertion gap|, interval and p by Bonferroni"


@dataclass(frozen=True, slots=True)
class GapMetric:
    """Holds one metric of every comparison of a dimension; NaN where there is no number, and the note says why."""

    metric: str
    source: str
    value: Floats  # (n_comparisons,)
    bounds: Floats  # (2, n_comparisons) at 1 - alpha
    outer: Floats  # (2, n_comparisons) at 1 - alpha / 2: two of these hold together at 1 - alpha
    p_value: Floats  # (n_comparisons,)
    n_speakers: Floats  # (n_comparisons,) with an id and a chance, of the slice
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Support:
    """Holds what one rate's gaps rest on."""

    position: int  # of the rate
    own: Floats  # (n_comparisons,) harm rates of the slices; NaN without a chance
    other: Floats  # of the comparators
    heard: Floats  # (2, n_comparisons) speakers with an id and a chance
    tested: Indices  # the comparisons that have an interval and a test
    pairs: Pairs  # of these


def gap_rows(cells: Cells, part: Comparisons, policy: Policy, draws: Draws) -> list[MetricRow]:
    """Return the gaps of every comparison, with intervals and tests where the policy's floors are reached.

    The equalised-odds gap is the larger of the recall and the insertion gap (absolute). Its interval joins theirs, each
    at 1 - alpha / 2, and its p-value is twice the smaller of theirs (Bonferroni).

    Args:
        cells: Sums of the dimension.
        part: Its comparisons.
        policy: Floors and level.
        draws: Resamples and permutations.
    """
    names = [rate.name for rate in cells.rates]
    supports = [
        _support(cells, position, part, policy)
        for position in map(names.index, GAP_RATES)
        if cells.chances[position].any()
    ]
    metrics = _gap_metrics(cells, supports, part, policy, draws)
    found = {each.metric: each for each in metrics}
    if "word_recall_gap" in found:
        usable = next(each for each in supports if each.position == names.index("usable_rate"))
        metrics += [
            _equalised_odds(found["word_recall_gap"], found["insertion_rate_gap"]),
            _usable_ratio(cells, usable, part, policy),
        ]
    return [_row(metric, part, k) for k in range(len(part.slices)) for metric in metrics]


def lacking(part: Comparisons, policy: Policy) -> tuple[str, ...]:
    """Say what each comparison lacks for a test, "" when nothing."""
    missing = (shortfall(row, floors(policy)) for row in part.support)
    return tuple(f"too few to say: {each}" if each else "" for each in missing)


def slice_codes(cells: Cells, part: Comparisons) -> tuple[Indices, int | None]:
    """Return the positions of the slices compared and of their comparator; None for the rest."""
    codes = {name: code for code, name in enumerate(cells.part.slices)}
    chosen = None if part.comparator == REST else codes[part.comparator]
    return np.array([codes[name] for name in part.slices], dtype=np.intp), chosen


def _row(metric: GapMetric, part: Comparisons, k: int) -> MetricRow:
    return MetricRow(
        dimension=part.dimension,
        slice_name=part.slices[k],
        comparator=part.comparator,
        metric=metric.metric,
        value=float(metric.value[k]),
        value_low=float(metric.bounds[0, k]),
        value_high=float(metric.bounds[1, k]),
        p_value=float(metric.p_value[k]),
        n_speakers=int(metric.n_speakers[k]),
        source=metric.source,
        note=metric.notes[k],
    )


def _support(cells: Cells, position: int, part: Comparisons, policy: Policy) -> _Support:
    codes, chosen = slice_codes(cells, part)
    heard = _heard(cells, position, codes, chosen)
    tested = np.flatnonzero(part.enough(policy) & (heard.min(axis=0) >= 2))  # below, it may be the unnamed alone
    own, other = _harms(cells, position, codes, chosen)
    return _Support(position, own, other, heard, tested, rate_pairs(cells, codes[tested], chosen, position))


def _gap_metrics(
    cells: Cells, supports: Sequence[_Support], part: Comparisons, policy: Policy, draws: Draws
) -> list[GapMetric]:
    """Measure the gaps of all rates under the same resamples and permutations."""
    pairs = [each.pairs for each in supports]
    if not pairs:
        return []
    weights = resample_weights(pairs[0].common.shape[1], draws.n_resamples, np.random.default_rng(draws.seed))
    levels = [1 - policy.alpha, 1 - policy.alpha / 2]
    intervals = pair_gap_intervals(pairs, weights=weights, confidences=levels)
    p_values = gap_p_values(
        pairs,
        wanted=[_erring(each) for each in pairs],
        n_permutations=draws.n_permutations,
        n_finest=draws.n_permutations,
        seed=draws.seed,
    )
    few = lacking(part, policy)
    return [
        _gap_metric(cells.rates[each.position], each, _as_table(bounds), found, few)
        for each, bounds, found in zip(supports, intervals, p_values, strict=True)
    ]


def _gap_metric(rate: Rate, support: _Support, bounds: Floats, p_values: Floats, few: Sequence[str]) -> GapMetric:
    """Put what was tested among what was not, as reported: of a rate that is kept, the gap of the harm mirrored."""
    gap = support.own - support.other
    table, p_value = np.full((4, len(gap)), np.nan), np.full(len(gap), np.nan)
    table[:, support.tested] = np.clip(bounds, -rate.most, rate.most)
    p_value[support.tested] = np.where(_erring(support.pairs), p_values, 1)  # nothing happened on either side
    if rate.sense is Sense.kept:
        gap, table = -gap, -table[[1, 0, 3, 2]]
    return GapMetric(
        metric=f"{rate.name}_gap",
        source=rate.source,
        value=gap,
        bounds=table[:2],
        outer=table[2:],
        p_value=p_value,
        n_speakers=support.heard[0],
        notes=_notes(rate, gap, few, support.heard),
    )


def _equalised_odds(recall: GapMetric, insertions: GapMetric) -> GapMetric:
    """Return the larger of the two absolute gaps (Hardt et al. 2016)."""
    lows, highs = zip(*(_absolute(each.outer) for each in (recall, insertions)), strict=True)
    return GapMetric(
        metric="equalised_odds_gap",
        source=recall.source,
        value=np.maximum(np.abs(recall.value), np.abs(insertions.value)),
        bounds=np.stack([np.maximum(*lows), np.maximum(*highs)]),
        outer=np.full_like(recall.outer, np.nan),
        p_value=np.minimum(1, 2 * np.minimum(recall.p_value, insertions.p_value)),
        n_speakers=recall.n_speakers,
        notes=tuple(joined(_BY_BONFERRONI, note) for note in recall.notes),
    )


def _usable_ratio(cells: Cells, support: _Support, part: Comparisons, policy: Policy) -> GapMetric:
    """Return the quotient of the usable rates; below four fifths there is a warning, never a verdict."""
    ratio = divide(1 - support.own, 1 - support.other)
    bounds = np.full((2, len(ratio)), np.nan)
    pairs = _kept(support.pairs)
    intervals = gap_ratio_intervals(gaps_of(pairs), pairs.n_shared() > 0, confidence=1 - policy.alpha)
    bounds[:, support.tested] = _as_table([intervals])
    rate = cells.rates[support.position]
    plain = _notes(rate, ratio, lacking(part, policy), support.heard, "p: see usable_rate_gap")
    warnings = [_BELOW_FOUR_FIFTHS if quotient < FOUR_FIFTHS else "" for quotient in ratio]
    return GapMetric(
        metric="usable_rate_ratio",
        source="Uniform Guidelines 1978",
        value=ratio,
        bounds=bounds,
        outer=np.full_like(bounds, np.nan),
        p_value=np.full(len(ratio), np.nan),
        n_speakers=support.heard[0],
        notes=tuple(joined(*both) for both in zip(warnings, plain, strict=True)),
    )


def _notes(rate: Rate, values: Floats, few: Sequence[str], heard: Floats, tested: str = UNCORRECTED) -> tuple[str, ...]:
    """Say of every comparison why there is no gap or no test, or that p stands alone."""

    def note(value: float, missing: str, n_speakers: int, n_others: int) -> str:
        if np.isnan(value):
            return joined(rate.without if n_speakers == 0 or n_others == 0 else "the comparator has none", missing)
        if not missing and min(n_speakers, n_others) < 2:
            return f"{n_speakers} speakers against {n_others} had a chance: no interval, no test"
        return missing or tested

    n_speakers, n_others = heard.astype(int).tolist()
    return tuple(map(note, values.tolist(), few, n_speakers, n_others))


def _harms(cells: Cells, position: int, codes: Indices, chosen: int | None) -> tuple[Floats, Floats]:
    """Return the harm rates of slices and of their comparators, (n_comparisons,) each."""
    events, chances = slice_totals(cells, position)
    if chosen is not None:
        return divide(events, chances)[codes], np.full(len(codes), divide(events, chances)[chosen])
    others = cells.told_events[position].sum() - events, cells.told_chances[position].sum() - chances
    return divide(events, chances)[codes], divide(*others)[codes]


def _heard(cells: Cells, position: int, codes: Indices, chosen: int | None) -> Floats:
    """Count the speakers with an id and a chance, of slices and comparators, (2, n_comparisons)."""
    here = cells.events[position] + cells.chances[position]
    told = cells.told_events[position] + cells.told_chances[position]
    named = (here > 0) & (cells.speakers < cells.n_ids)
    only_here = named & (told[cells.speakers] <= here)
    own, apart = (np.bincount(cells.codes[each], minlength=len(cells.part.slices)) for each in (named, only_here))
    others = (told[: cells.n_ids] > 0).sum() - apart[codes] if chosen is None else own[np.full_like(codes, chosen)]
    return np.stack([own[codes], others]).astype(np.float64)


def _erring(pairs: Pairs) -> Bools:
    """Say in which comparisons anything happened, (n_comparisons,)."""
    own, other = pairs.totals()
    erring: Bools = own[0] + other[0] > 0
    return erring


def _absolute(bounds: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of an absolute value whose signed value lies between two bounds, (n_comparisons,) each."""
    low, high = bounds
    return np.maximum(0, np.maximum(low, -high)), np.maximum(-low, high)


def _as_table(intervals: Sequence[Sequence[Interval]]) -> Floats:
    """Return low and high of every level, (2 * n_levels, n_comparisons)."""
    rows = [[getattr(each, end) for each in level] for level in intervals for end in ("low", "high")]
    return np.array(rows, dtype=np.float64)


def _kept(pairs: Pairs) -> Pairs:
    """Return the same chances, and what was not harmed of them."""

    def less(sums: Floats) -> Floats:
        return np.stack([sums[1] - sums[0], sums[1], sums[2]])

    return Pairs(pairs.starts, pairs.speakers, less(pairs.own), less(pairs.other), less(pairs.common))
