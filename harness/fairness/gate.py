"""Scores of a blessed run and of tonight's in, what changed out: differences, intervals, exact tests.

Had nothing changed but noise, the two nights of a unit could be swapped: what it changed by, in word errors, could as
well have the other sign. The p-value (one-sided) is the share of all patterns of signs that reach the sum seen, counted
by `signed_sums`. Units are the speakers of a slice that has enough of them to show anything at a whole night's level:
then clips of one speaker need not be independent. Where it has fewer, units are clips: the noise of two is taken to be
independent, and the claim is about these recordings, not about everyone of that accent. A gap has grown only if, too,
the slice changed otherwise than its comparator, see `exchanged_labels`: when all improve, few do not stay behind. What
this makes of a night, `gate_verdicts` says. At .01 one unchanged night in a hundred failed with heavy-tailed noise of
clips, one in four with 3 points of each speaker's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, divide, t_quantile
from harness.fairness.comparisons import floors
from harness.fairness.membership import OVERALL, Membership, everybody, membership
from harness.fairness.policy import REST, Failures, Policy
from harness.fairness.speaker_sums import Ints, speaker_codes
from harness.fairness.systems.exchanged_labels import chance_of_labels
from harness.fairness.systems.paired_verdicts import SLICE_WER, WER
from harness.fairness.systems.pairing import Pair
from harness.fairness.systems.signed_sums import chance_of_difference, chance_of_sum
from harness.fairness.verdicts import shortfall

GAP = "gap"  # measure: the WER of a slice less its comparator's
CHANGE_COLUMNS = (
    "measure", "dimension", "slice", "comparator", "n_utterances", "n_speakers", "words", "unit", "n_units", "baseline",
    "tonight", "difference", "difference_low", "difference_high", "p_worse", "p_better", "squares", "beyond",
    "shortfall",
)  # fmt: skip


class Changed(Enum):
    """What becomes of utterances whose reference, speaker or attributes are others than in the baseline."""

    refuse = "refuse"  # it is not the same test
    leave_out = "leave_out"


class Unit(Enum):
    """Says within what the two nights are swapped."""

    speakers = "speakers"
    clips = "clips"


@dataclass(kw_only=True)
class GateOptions:
    """Says what fails a night.

    Attributes:
        alpha: Chance of any false alarm in a night. Of 600 unchanged nights (152 tests on EdAcc and Artie, a tenth of
            the words other every night) 2 raised one; at 0.05 15 did, three of one month: nights share a baseline.
        margin: Smallest loss that fails, a WER fraction. At one point, three in a row use up the three that the
            default policy promises, while a tenth of a point, which a large corpus shows, stops nothing.
        min_speakers: Slices of so many are tested over speakers, others over clips; 20 can give a p-value of 2^-20.
        changed: What becomes of utterances with another reference, speaker or attribute than in the baseline.
        min_shared: Smallest share of the baseline's utterances that tonight still has to have.
    """

    alpha: float = 0.01
    margin: float = 0.01
    min_speakers: int = 20
    changed: Changed = Changed.refuse
    min_shared: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        for name, holds, expected in (
            ("alpha", 0 < self.alpha < 0.5, "a level between 0 and 0.5, e.g. 0.01"),
            ("margin", 0 <= self.margin < 1, "a WER difference from 0 to 1: 1 point is 0.01"),
            ("min_speakers", self.min_speakers >= 2, "at least 2"),
            ("min_shared", 0 < self.min_shared <= 1, "a share above 0, at most 1"),
        ):
            if not holds:
                raise UsageError(f"gate.{name}={getattr(self, name)}; expected {expected}.")


def changes(
    pair: Pair,
    by: Sequence[str],
    policy: Policy,
    options: GateOptions,
    *,
    comparators: Mapping[tuple[str, str], str] | None = None,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Measure what changed between two runs of one cell: the WER of everybody, of every declared slice, every gap.

    A slice needs as many utterances and words as the policy asks for; a gap as many speakers, too, for the policy
    promises nothing of smaller ones.

    Args:
        pair: Baseline and tonight (the candidate), as made by `paired_scores`.
        by: Dimensions.
        policy: Floors, promises, the rule for failures; intervals are 1 - its alpha.
        options: Which units are swapped.
        comparators: By dimension and slice, where it is not the rest. Clips that are in both count in the slice only.
        orders: Order of the values of an attribute.

    Returns:
        One row a measure with CHANGE_COLUMNS. Differences are tonight less baseline, fractions: above 0 is worse.
        `beyond` says whether it is a gap that breaks the policy tonight, `squares` the sum of the units' squared
        changes, in words. NaN where nothing was measured or tested; `shortfall` says why.
    """
    clips = _clips(pair, policy)
    rows = [_slice_row(clips, everybody(pair.baseline), 0, policy, options)]
    for name in by:
        part = membership(pair.baseline, name, orders=orders)
        declared = np.flatnonzero(part.declared).tolist()
        rows += [_slice_row(clips, part, code, policy, options) for code in declared]
        for code in declared if len(declared) > 1 else ():
            comparator = (comparators or {}).get((name, part.slices[code]), REST)
            if comparator == REST or comparator in part.slices:
                rows.append(_gap_row(clips, part, code, comparator, policy, options))
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))


@dataclass(frozen=True, slots=True)
class _Clips:
    """Holds what is known of every utterance, (n_utterances,) each."""

    before: Ints  # word errors in the baseline
    after: Ints  # and tonight
    words: Ints
    scored: Bools
    speakers: Ints  # -1: without an id


@dataclass(frozen=True, slots=True)
class _Side:
    """Holds the sums of a slice, or of its comparator, over units."""

    change: Ints  # (n_units,) word errors more than in the baseline
    words: Ints  # (n_units,)
    before: int
    after: int
    support: Floats  # (3,) named speakers, scored utterances, words

    @property
    def total(self) -> int:
        """Return the reference words."""
        return int(self.words.sum())

    def standard_error(self) -> float:
        """Return that of the change in WER, linearised; at least that of one word error; NaN with less than 2 units."""
        n, total = len(self.change), self.total
        if n < 2 or not total:
            return np.nan
        residuals = self.change - self.change.sum() / total * self.words
        return max(float(np.sqrt(n / (n - 1) * (residuals**2).sum())), 1.0) / total


def _clips(pair: Pair, policy: Policy) -> _Clips:
    def summed(scores: pd.DataFrame, *names: str) -> Ints:
        return scores[list(names)].sum(axis=1).to_numpy(np.int64)

    wrong, failed = ("substitutions", "deletions", "insertions"), pair.baseline["failed"].to_numpy(bool)
    return _Clips(
        before=summed(pair.baseline, *wrong),
        after=summed(pair.candidate, *wrong),
        words=summed(pair.baseline, "hits", "substitutions", "deletions"),
        scored=~failed if policy.failures is Failures.left_out else np.ones_like(failed),
        speakers=speaker_codes(pair.baseline),
    )


def _side(clips: _Clips, rows: Ints, unit: Unit) -> _Side:
    """Sum over the units of some utterances; those without a speaker id are one speaker."""
    before, after, words = clips.before[rows], clips.after[rows], clips.words[rows]
    speakers, codes = np.unique(clips.speakers[rows], return_inverse=True)
    heard = np.bincount(codes, weights=before + after + words, minlength=len(speakers)) > 0
    support = [np.count_nonzero(heard & (speakers >= 0)), clips.scored[rows].sum(), words.sum()]
    change = after - before
    if unit is Unit.speakers:
        change, words = (
            np.bincount(codes, weights=each, minlength=len(speakers)).astype(np.int64)[heard]
            for each in (change, words)
        )
    return _Side(change, words, int(before.sum()), int(after.sum()), np.array(support, dtype=np.float64))


def _slice_row(clips: _Clips, part: Membership, code: int, policy: Policy, options: GateOptions) -> dict[str, object]:
    rows = part.rows[part.codes == code]
    side, unit = _side(clips, rows, Unit.speakers), Unit.speakers
    if side.support[0] < options.min_speakers:
        side, unit = _side(clips, rows, Unit.clips), Unit.clips
    missing = shortfall(side.support, np.array([0, *floors(policy)[1:]]))
    before, after, difference = (
        divide(count, side.total).item() for count in (side.before, side.after, side.after - side.before)
    )
    half = t_quantile(np.array(len(side.change) - 1.0), 1 - policy.alpha).item() * side.standard_error()
    p_values = [np.nan if missing else chance_of_sum(sign * side.change) for sign in (1, -1)]
    return {
        "measure": WER if part.dimension == OVERALL else SLICE_WER,
        "comparator": "",
        "beyond": False,
        "baseline": before,
        "tonight": after,
        "squares": float((side.change.astype(float) ** 2).sum()),
        **_common(part, code, side, unit, missing),
        **_numbers(difference, half, p_values),
    }


def _gap_row(
    clips: _Clips, part: Membership, code: int, comparator: str, policy: Policy, options: GateOptions
) -> dict[str, object]:
    rows = np.unique(part.rows[part.codes == code])
    against = part.declared[part.codes] if comparator == REST else part.codes == part.slices.index(comparator)
    both, unit = (rows, np.setdiff1d(part.rows[against], rows)), Unit.speakers
    own, other = (_side(clips, each, unit) for each in both)
    apart = not np.intersect1d(*(clips.speakers[each] for each in both)).size
    if not apart or min(own.support[0], other.support[0]) < options.min_speakers:
        unit = Unit.clips
        own, other = (_side(clips, each, unit) for each in both)
    missing = shortfall(np.minimum(own.support, other.support), floors(policy))
    (before, other_before), (after, other_after) = (
        [divide(count, side.total).item() for count, side in zip(counts, (own, other), strict=True)]
        for counts in ((own.before, other.before), (own.after, other.after))
    )
    gap, ratio = after - other_after, divide(after, other_after).item()
    p_values = [np.nan, np.nan] if missing else _chances_of_gap(own, other, options)
    return {
        "measure": GAP,
        "comparator": comparator,
        "baseline": before - other_before,
        "tonight": gap,
        "beyond": policy.for_dimension(part.dimension).worse(gap, ratio),
        **_common(part, code, own, unit, missing),
        **_numbers(gap - (before - other_before), _half_width(own, other, 1 - policy.alpha), p_values),
    }


def _chances_of_gap(own: _Side, other: _Side, options: GateOptions) -> list[float]:
    """Return the chances of so much worse and so much better a gap: neither noise alone, nor what befell everybody."""
    chances = [chance_of_difference(sign * own.change, own.total, sign * other.change, other.total) for sign in (1, -1)]
    if min(chances) >= options.alpha:
        return chances
    of_labels = chance_of_labels(own.change, own.words, other.change, other.words)
    return [max(chance, of_labels) for chance in chances]


def _common(part: Membership, code: int, side: _Side, unit: Unit, missing: str) -> dict[str, object]:
    return {
        "dimension": part.dimension,
        "slice": part.slices[code],
        "n_utterances": int((part.codes == code).sum()),
        "n_speakers": int(side.support[0]),
        "words": side.total,
        "unit": unit.value,
        "n_units": len(side.change),
        "shortfall": missing,
    }


def _numbers(difference: float, half: float, p_values: Sequence[float]) -> dict[str, object]:
    names = ("difference", "difference_low", "difference_high", "p_worse", "p_better")
    return dict(zip(names, (difference, difference - half, difference + half, *p_values), strict=True))


def _half_width(own: _Side, other: _Side, confidence: float) -> float:
    """Return that of Welch's t interval."""
    squares = np.array([own.standard_error() ** 2, other.standard_error() ** 2])
    freedom = np.array([len(own.change) - 1.0, len(other.change) - 1.0])
    welch = divide(squares.sum() ** 2, divide(squares**2, freedom).sum())
    return t_quantile(welch, confidence).item() * float(np.sqrt(squares.sum()))
