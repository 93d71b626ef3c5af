"""Clean and noisy scores of the same utterances in, what the condition adds to every slice, and how much more, out.

The harm of a condition to a slice is what it adds to the slice's WER. How much more it adds than to the rest is told on
two scales: the difference of both harms (additive: extra wrong words per reference word), and the quotient of the
factors by which word errors grew (multiplicative: of V12.3's 5 against 5 speakers the first is .0598, z 5.2, the second
exp(.031), z .14). The log of the second is the interaction in a Poisson model of word errors with an effect of each
speaker, the condition, and condition x slice; word errors of a speaker are overdispersed, so its standard error is
clustered by speaker: that of a ratio of sums, noisy errors over clean ones. Of ratios of 3 to 56 speakers a side its
95 % intervals cover .92 to .95 (.90 where eight vary twice as much as 56), the model's own .63 to .73; intervals of the
extra harm .92 to .98 (.86).
"""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Floats, divide, t_quantile
from harness.fairness.gaps import Gaps, degrees_of_freedom, gap_ratio_intervals, gaps_of
from harness.fairness.max_t import Contrasts
from harness.fairness.membership import Membership
from harness.fairness.pairs import Pairs, pairs_of
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Bools, Indices
from harness.fairness.speaker_sums import Ints
from harness.fairness.systems.added_gaps import (
    SHIFT,
    AddedGaps,
    added_gaps,
    one_text,
    own_and_other,
    shifted,
    side_of,
)
from harness.fairness.systems.pairing import Pair, paired_sums

_CHANGED = 10  # texts that tell how they vary, as 10 speakers who err do


class HarmScale(Enum):
    """On which scale one slice is said to be harmed more than others."""

    additive = "additive"  # the difference of what is added: extra wrong words per reference word
    multiplicative = "multiplicative"  # the quotient of the factors by which word errors grew


@dataclass(frozen=True, slots=True)
class ExtraHarm:
    """Holds how much more a condition adds to every declared slice of a dimension than to the rest, on both scales."""

    condition: str
    gaps: AddedGaps  # the additive scale: errors added, over words
    factors: Pairs  # the multiplicative scale: noisy errors, over clean errors as their `words`
    measured: Gaps  # of `factors`: its ratio is the ratio of ratios
    everything: Floats  # (4, n_speakers) noisy and clean errors, words, presence over all utterances, of who has an id
    least_error: Floats  # (n_slices,) that the additive standard error may have
    n_failed: Ints  # (n_slices,) clips that failed under the condition
    n_utterances: Ints  # (n_slices,)

    @property
    def dimension(self) -> str:
        """Name the dimension."""
        return self.gaps.dimension

    @property
    def has_ratio(self) -> Bools:
        """Say where slice and rest both have clean errors to multiply, (n_slices,)."""
        both: Bools = ~np.isnan(self.measured.ratio)
        return both

    @property
    def n_slices(self) -> int:
        """Count the declared slices."""
        return len(self.gaps.slices)

    @property
    def n_ids(self) -> int:
        """Count the speakers with an id; two rows of who has none come after them in `gaps` and `factors`."""
        return int(self.everything.shape[1])

    def on(self, scale: HarmScale) -> Pairs:
        """Return what the test of a scale rearranges.

        The additive one: errors added over words, every rate raised by the same.
        """
        return shifted(self.gaps.pairs) if scale is HarmScale.additive else self.factors

    def declared(self, scale: HarmScale) -> Floats:
        """Return the sums of each speaker over all declared slices, (3, n_speakers) and nobody without an id."""
        own, other = self.on(scale).one(0)
        sums = own + other
        sums[2] = np.minimum(sums[2], 1)
        sums[:, self.n_ids :] = 0
        return sums

    def contrasts(self, columns: Indices, scale: HarmScale, someone: Bools) -> Contrasts:
        """Return some of the comparisons for rearrangements that are joint with those of other conditions.

        Args:
            columns: Which.
            scale: Of the test.
            someone: Who declared a value of any dimension, (n_speakers,): with who did not declare one of this
                dimension, all that they said changes its place.
        """
        declared, everything = self.declared(scale), np.zeros((3, len(someone)))
        noisy, clean, words, present = self.everything
        errors, over = (noisy - clean + SHIFT * words, words) if scale is HarmScale.additive else (noisy, clean)
        everything[:, : self.n_ids] = errors, over, present
        told = np.where((declared[2] > 0) | ~someone, declared, everything)
        return Contrasts(replace(self.on(scale).pick(columns), common=declared), rest=True, declared=told)

    def standard_error(self, scale: HarmScale) -> Floats:
        """Return that of the extra harm, or of the logarithm of the ratio of ratios, (n_slices,)."""
        if scale is HarmScale.multiplicative:
            return self.measured.log_ratio_standard_error
        return np.fmax(self.gaps.measured.standard_error, self.least_error)

    def freedom(self, scale: HarmScale) -> Floats:
        """Return the degrees of freedom of the standard error, (n_slices,)."""
        return self.gaps.freedom if scale is HarmScale.additive else degrees_of_freedom(self.measured, self._paired())

    def spread_rate(self) -> Floats:
        """Return the rate that the spread of speakers grows with, (n_slices,): the harm, or half the noisy WER.

        Of slice and rest together; the larger of both, and at least one word error's.
        """
        sides = self.factors.totals()
        noisy, clean = (sum(side[k] for side in sides) for k in (0, 1))
        words = sum(side[1] for side in self.gaps.pairs.totals())
        return divide(np.fmax(np.fmax(noisy - clean, noisy / 2), 1), words)

    def why_no_ratio(self) -> list[str]:
        """Say for each slice why it has no ratio of ratios; empty where it has one."""
        clean = zip(self.gaps.slices, *(side[1] > 0 for side in self.factors.totals()), strict=True)
        return [
            "" if own and other else f"no ratio: {'the rest' if own else name} made no word error on clean audio"
            for name, own, other in clean
        ]

    def bounds(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of the extra harms' intervals, (n_slices,) each; NaN below two named speakers on a side."""
        half = t_quantile(self.gaps.freedom, confidence) * self.standard_error(HarmScale.additive)
        half = np.where(self.gaps.n_speakers.min(axis=1) >= 2, half, np.nan)
        return self.gaps.gap - half, self.gaps.gap + half

    def ratio_bounds(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of the ratios' intervals, (n_slices,) each; NaN below two named speakers on a side."""
        intervals = gap_ratio_intervals(self.measured, self._paired(), confidence=confidence)
        supported = self.gaps.n_speakers.min(axis=1) >= 2
        low, high = (np.array([getattr(each, end) for each in intervals]) for end in ("low", "high"))
        return np.where(supported, low, np.nan), np.where(supported, high, np.nan)

    def _paired(self) -> Bools:
        paired: Bools = self.factors.n_shared() > 0
        return paired


def harms(pair: Pair, part: Membership, speakers: Ints, policy: Policy) -> pd.DataFrame:
    """Return what a condition adds to the WER of every slice of a dimension, declared or not.

    The interval is the t interval of the linearised difference, speaker by speaker; NaN below two speakers with an id.

    Args:
        pair: The condition's scores as the candidate, the clean ones as the baseline.
        part: Slices of the utterances.
        speakers: As numbered by `speaker_codes`.
        policy: Level, and what failures count as.
    """
    sums = paired_sums(pair, replace(part, declared=np.ones(len(part.slices), dtype=bool)), speakers, policy)
    found = gaps_of(sums.pairs)
    n_named, n_scored, _ = sums.support.T
    noisy, clean = _counts(pair, policy)[:2]
    changed = np.bincount(part.codes[(noisy != clean)[part.rows]], minlength=len(part.slices)).astype(np.float64)
    error = np.fmax(found.standard_error, _least_error(changed, n_scored))
    half = t_quantile(n_named - 1, 1 - policy.alpha) * np.where(np.isnan(found.gap), np.nan, error)
    return pd.DataFrame(
        {
            "dimension": part.dimension,
            "slice": part.slices,
            "n_utterances": np.bincount(part.codes, minlength=len(part.slices)),
            "n_speakers": n_named.astype(np.int64),
            "clean_wer": found.comparators.rate,
            "wer": found.slices.rate,
            "harm": found.gap,
            "harm_low": found.gap - half,
            "harm_high": found.gap + half,
        }
    )


def extra_harm(condition: str, pair: Pair, part: Membership, *, speakers: Ints, policy: Policy) -> ExtraHarm | None:
    """Return how much more a condition adds to every declared slice than to the rest; None below two such slices.

    Args:
        condition: Its name.
        pair: Its scores as the candidate, the clean ones as the baseline.
        part: Slices of the utterances.
        speakers: As numbered by `speaker_codes`.
        policy: Says what failures count as.
    """
    gaps = added_gaps(pair, part, speakers, policy)
    if gaps is None:
        return None
    counts, n_named = _counts(pair, policy), int(speakers.max(initial=-1)) + 1
    own, other = own_and_other(counts, part, np.where(speakers < 0, n_named, speakers))
    erring = own[[0, 1, 2, 6]], other[[0, 1, 2, 6]]  # who errs neither way says nothing of factors
    factors = pairs_of(side_of(erring[0], n_named, n_named), side_of(erring[1], n_named, n_named + 1))
    sides = (_least_error(side[4].sum(axis=0), side[5].sum(axis=0)) for side in (own, other))
    named = speakers >= 0
    total = np.stack([np.bincount(speakers[named], weights=each[named], minlength=n_named) for each in counts[:4]])
    failed = pair.candidate["failed"].to_numpy(np.float64)[part.rows]
    declared, n_slices = np.flatnonzero(part.declared), len(part.slices)
    return ExtraHarm(
        condition=condition,
        gaps=gaps,
        factors=factors,
        measured=gaps_of(factors),
        everything=np.vstack([total[:3], total[3] > 0]),
        least_error=np.maximum(*sides),
        n_failed=np.bincount(part.codes, weights=failed, minlength=n_slices)[declared].astype(np.int64),
        n_utterances=np.bincount(part.codes, minlength=n_slices)[declared],
    )


def _counts(pair: Pair, policy: Policy) -> Floats:
    """Return of every utterance: noisy and clean errors, words, all of them, if changed, if scored, both errors."""
    noisy, clean = (
        sum(scores[name].to_numpy(np.float64) for name in ("substitutions", "deletions", "insertions"))
        for scores in (pair.candidate, pair.baseline)
    )
    words = sum(pair.baseline[name].to_numpy(np.float64) for name in ("hits", "substitutions", "deletions"))
    left_out = pair.candidate["failed"].to_numpy(bool) & (policy.failures is Failures.left_out)
    return np.stack([noisy, clean, words, noisy + clean + words, noisy != clean, ~left_out, noisy + clean])


def _least_error(n_changed: Floats, n_scored: Floats) -> Floats:
    """Return the standard error of one changed text where too few changed to tell how they vary, else 0, any shape.

    Where texts change at all, they show what a change costs; where none of 50 did, one in 50 still may.
    """
    return np.where(n_changed < np.minimum(_CHANGED, n_scored), one_text(n_scored), 0.0)
