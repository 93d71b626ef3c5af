"""A manifest, the scores of a run, or nothing yet in; what its speakers could show and how many it would take, out.

No audio and no recogniser is needed: how much speakers differ is assumed, or estimated from a run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Floats, divide, one_error
from harness.fairness.comparisons import Comparisons, comparisons, floors
from harness.fairness.families import families
from harness.fairness.multiplicity import strictest_level
from harness.fairness.pairs import once
from harness.fairness.policy import REST, Policy
from harness.fairness.power import LARGEST_GAP, POWER, Design, Group, attainable, detectable_gap, power_of_gap
from harness.fairness.speaker_spread import ENOUGH_SPEAKERS, Spread, estimated_group, group_of, spread_of_scores
from harness.fairness.speaker_sums import checked_scores
from harness.fairness.verdicts import shortfall

PLAN_COLUMNS = (
    "dimension", "slice", "n_speakers", "words_per_speaker", "wer_assumed", "speaker_cv", "detectable_gap",
    "gap_asked", "power", "n_speakers_needed", "note",
)  # fmt: skip
EQUAL_GROUPS = "two equal groups"  # the dimension of the rows that are about nobody's slices
MOST_SPEAKERS = 100_000  # a slice that needs more is not recruited
_MORE_WORDS = 10  # the rows of equal groups come with so many times as many words per speaker, too
_SAME_PEOPLE = "the same people are on both sides: pairing shows smaller gaps than these, which are of different people"


@dataclass(kw_only=True)
class PlanOptions:
    """Says what is asked, and what is assumed of speakers where no run tells it.

    Attributes:
        wer: Of the comparator, a fraction.
        gap: To be found, a WER difference; None: the policy's margin.
        speaker_cv: Standard deviation of speakers' expected WER over its mean.
        dispersion: Variance of a speaker's errors over their expected number; 1 is Poisson, bursts make it more.
        words_per_speaker: Reference words, where no manifest tells.
        power: Chance of finding the gap.
        n_comparisons: Slices that will be tested and corrected for; None: all of the manifest or run, or one.
        speakers: Sizes of two equal groups to show.
    """

    wer: float = 0.15
    gap: float | None = None
    speaker_cv: float = 0.5
    dispersion: float = 1.5
    words_per_speaker: float = 400
    power: float = POWER
    n_comparisons: int | None = None
    speakers: list[int] = field(default_factory=lambda: [5, 10, 20, 30, 50, 100, 200, 500])

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        _require(0 < self.wer <= 2, "wer", self.wer, "a fraction above 0, e.g. 0.15")
        _require(self.gap is None or 0 < self.gap <= 1, "gap", self.gap, "a WER difference: 3 points are 0.03; or null")
        _require(0 < self.speaker_cv <= 5, "speaker_cv", self.speaker_cv, "a quotient above 0, e.g. 0.5")
        _require(0 < self.dispersion <= 100, "dispersion", self.dispersion, "a quotient above 0, e.g. 1.5")
        words, count = self.words_per_speaker, self.n_comparisons
        _require(isfinite(words) and words >= 1, "words_per_speaker", words, "at least 1")
        _require(0.1 <= self.power < 1, "power", self.power, "a chance of at least 0.1, e.g. 0.8")
        _require(count is None or count >= 1, "n_comparisons", count, "at least 1, or null")
        enough = bool(self.speakers) and min(self.speakers) >= 2
        _require(enough, "speakers", self.speakers, "sizes of at least 2, e.g. [10,20,50]")


@dataclass(frozen=True, slots=True)
class Plan:
    """Holds the table of a plan and what it rests on.

    `table` has PLAN_COLUMNS: rows of EQUAL_GROUPS, then one a slice. `n_speakers` counts those with an id, `power` is
    the chance of finding `gap_asked` with them, `n_speakers_needed` is how many it takes in the slice, its comparator
    as it is (equal groups: in each). Gaps and WERs are fractions; where nothing reaches the power they are NaN and
    `note` says why.
    """

    table: pd.DataFrame
    spread: Spread
    n_comparisons: int  # that p-values are corrected for, most
    level: float  # that a p-value has to meet, strictest


def plan_groups(policy: Policy, options: PlanOptions) -> Plan:
    """Plan two equal groups, before there is anything."""
    return _plan([], _assumed(options), policy, options, sides_of=_assumed_sides)


def plan_manifest(
    frame: pd.DataFrame,
    by: Sequence[str],
    policy: Policy,
    options: PlanOptions,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Plan the slices of a manifest; only its references are read, words are what blanks separate.

    The best slice is not known before a run: where the policy compares with it, the rest stands in.

    Args:
        frame: As `Manifest.frame`: utterance_id, text, speaker_id and the attributes.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Margins, level, correction, comparators and floors.
        options: What is assumed.
        orders: Order of the values of an attribute.

    Raises:
        UsageError: A dimension or a comparator named by the policy is not in the manifest.
    """
    words = frame["text"].map(lambda text: len(text.split()) if isinstance(text, str) else 0).astype(np.int64)
    nothing = dict.fromkeys(("substitutions", "deletions", "insertions"), 0)
    known, assumed = _without_best(policy), _assumed(options)
    said = words.groupby(frame["speaker_id"], dropna=True).sum()
    if said.sum() > 0:
        assumed = replace(assumed, words_per_speaker=float(said[said > 0].mean()))
    parts = _parts(frame.assign(hits=words, failed=False, **nothing), by, known, orders)
    return _plan(parts, assumed, known, options, sides_of=_assumed_sides)


def plan_scores(
    scores: pd.DataFrame,
    by: Sequence[str],
    policy: Policy,
    options: PlanOptions,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Plan the slices of a run: WER, spread and dispersion are estimated from its scores where speakers are enough.

    Args:
        scores: As for `slice_table`.
        by: Dimensions.
        policy: Margins, level, correction, comparators, floors, and what failures count as.
        options: What is assumed where the scores do not tell.
        orders: Order of the values of an attribute.

    Raises:
        UsageError: A dimension, a needed column or a comparator named by the policy is not in the scores.
    """
    counted = checked_scores(scores, policy)
    spread = spread_of_scores(counted, _assumed(options))
    return _plan(_parts(counted, by, policy, orders), spread, policy, options, sides_of=_estimated_sides)


def speakers_needed(power_with: Callable[[Floats], Floats], n_rows: int, *, power: float) -> Floats:
    """Return the fewest speakers with which each row reaches a power, (n_rows,); NaN above MOST_SPEAKERS.

    >>> speakers_needed(lambda n_speakers: n_speakers / 100, 1, power=0.8).tolist()
    [80.0]
    """
    few, enough = np.ones(n_rows), np.full(n_rows, float(MOST_SPEAKERS))
    never = ~(power_with(enough) >= power)
    while np.any(enough - few > 1):
        middle = np.floor((few + enough) / 2)
        reached = power_with(middle) >= power
        few, enough = np.where(reached, few, middle), np.where(reached, middle, enough)
    return np.where(never, np.nan, enough)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Holds the two sides of every comparison of a dimension, and what is to be said of how they vary."""

    design: Design
    notes: Sequence[str]  # one a comparison; empty where there is nothing to say


_SidesOf = Callable[[Comparisons, Spread], _Sides]


def _assumed_sides(part: Comparisons, spread: Spread) -> _Sides:
    """Return the sides with everything but their speakers and words as assumed."""
    sums = once(part.pairs.of_first(part.n_ids))
    rate = np.full(len(part.slices), spread.wer)
    return _Sides(Design(rate, group_of(sums.own, spread), group_of(sums.other, spread)), [""] * len(part.slices))


def _estimated_sides(part: Comparisons, spread: Spread) -> _Sides:
    """Return the sides as their scores say, where speakers are enough."""
    sums = once(part.pairs.of_first(part.n_ids))
    errors, words = sums.other[:2]
    rate = np.fmax(divide(errors, words), one_error(words))
    rate = np.where(np.isnan(rate), spread.wer, rate)
    fewer = np.minimum(sums.own[5], sums.other[5])
    notes = [
        f"speaker_cv where speakers are fewer than {ENOUGH_SPEAKERS} is everybody's" if few else ""
        for few in fewer < ENOUGH_SPEAKERS
    ]
    return _Sides(Design(rate, estimated_group(sums.own, spread), estimated_group(sums.other, spread)), notes)


def _plan(
    parts: Sequence[Comparisons], spread: Spread, policy: Policy, options: PlanOptions, *, sides_of: _SidesOf
) -> Plan:
    counts = _n_comparisons(parts, policy, options)
    most = int(counts.max(initial=options.n_comparisons or 1))
    tables = [_equal_groups(spread, policy, options, n_comparisons=most)]
    for part in parts:
        count, counts = int(counts[0]), counts[len(part.slices) :]
        tables.append(_slices(part, sides_of(part, spread), policy, options, n_comparisons=count))
    level = strictest_level(most, policy.correction, policy.alpha)
    return Plan(pd.concat(tables, ignore_index=True), spread, most, level)


def _n_comparisons(parts: Sequence[Comparisons], policy: Policy, options: PlanOptions) -> Floats:
    """Count for every comparison the family it is corrected in, twins once, small slices too, (n_comparisons,)."""
    if not parts or options.n_comparisons is not None:
        return np.full(sum(len(part.slices) for part in parts), float(options.n_comparisons or 1))
    names = families(parts, policy).names
    first = np.concatenate([[True] + [not part.mirrored] * (len(part.slices) - 1) for part in parts])
    _, of_family = np.unique(names, return_inverse=True)
    per_family: Floats = np.bincount(of_family, weights=first).astype(np.float64)
    return per_family[of_family]


def _slices(
    part: Comparisons, sides: _Sides, policy: Policy, options: PlanOptions, *, n_comparisons: int
) -> pd.DataFrame:
    """Return the rows of one dimension."""
    design, level = sides.design, strictest_level(n_comparisons, policy.correction, policy.alpha)
    gap = part.promise.margin if options.gap is None else options.gap

    def with_speakers(n_speakers: Floats) -> Design:
        return replace(design, slices=replace(design.slices, n_speakers=n_speakers))

    rows = _answers(design, with_speakers, gap=gap, alpha=level, power=options.power)
    notes = _notes(part, sides, rows, floor=floors(policy), level=level)
    return rows.assign(dimension=part.dimension, slice=part.slices, note=notes)[list(PLAN_COLUMNS)]


def _equal_groups(spread: Spread, policy: Policy, options: PlanOptions, *, n_comparisons: int) -> pd.DataFrame:
    """Return the rows of two groups of one size, with the words that are planned and with many more."""
    level = strictest_level(n_comparisons, policy.correction, policy.alpha)
    gap = policy.margin if options.gap is None else options.gap
    sizes = np.array(sorted(set(options.speakers)), dtype=np.float64)
    tables = []
    for times in (1, _MORE_WORDS):
        wordy = replace(spread, words_per_speaker=times * spread.words_per_speaker)
        with_speakers = partial(_equal, spread=wordy)
        tables.append(_answers(with_speakers(sizes), with_speakers, gap=gap, alpha=level, power=options.power))
    rows = pd.concat(tables, ignore_index=True).assign(dimension=EQUAL_GROUPS, slice="each")
    unanswered = f"no gap up to {LARGEST_GAP:g} is found with this power"
    return rows.assign(note=np.where(rows["detectable_gap"].isna(), unanswered, ""))[list(PLAN_COLUMNS)]


def _equal(n_speakers: Floats, *, spread: Spread) -> Design:
    same = Group(
        n_speakers,
        *(
            np.full_like(n_speakers, each)
            for each in (spread.words_per_speaker, spread.speaker_cv, spread.dispersion, 1.0)
        ),
    )
    return Design(np.full_like(n_speakers, spread.wer), same, same)


def _answers(
    design: Design, with_speakers: Callable[[Floats], Design], *, gap: float, alpha: float, power: float
) -> pd.DataFrame:
    """Return what so many speakers show and how many it takes, one row an entry of the design."""
    asked = np.full_like(design.rate, gap)

    def power_with(n_speakers: Floats) -> Floats:
        return power_of_gap(asked, with_speakers(n_speakers), alpha=alpha)

    return pd.DataFrame(
        {
            "n_speakers": design.slices.n_speakers.astype(np.int64),
            "words_per_speaker": design.slices.words_per_speaker,
            "wer_assumed": design.rate,
            "speaker_cv": design.slices.speaker_cv,
            "detectable_gap": detectable_gap(design, alpha=alpha, power=power),
            "gap_asked": asked,
            "power": power_of_gap(asked, design, alpha=alpha),
            "n_speakers_needed": speakers_needed(power_with, len(asked), power=power),
        }
    )


def _notes(part: Comparisons, sides: _Sides, rows: pd.DataFrame, *, floor: Floats, level: float) -> list[str]:
    """Say of every comparison what its numbers do not."""
    own, other = sides.design.slices.n_speakers, sides.design.comparators.n_speakers
    shown = (np.minimum(own, other) >= 2) & attainable(own, other, alpha=level)
    found, answered = rows["detectable_gap"].notna(), rows["n_speakers_needed"].notna()
    shared = part.pairs.n_shared() > 0
    notes = []
    for k, said in enumerate(sides.notes):
        missing = shortfall(part.support[k], floor)
        remarks = {
            f"no verdict: {missing}": bool(missing),
            f"no gap, however large, is shown by {own[k]:.0f} against {other[k]:.0f} at level {level:.2g}": not shown[
                k
            ],
            f"no gap up to {LARGEST_GAP:g} is found with this power": bool(shown[k] and not found[k]),
            f"more speakers here alone are not enough: its comparator has {other[k]:.0f}": not answered[k],
            _SAME_PEOPLE: bool(shared[k]),
            said: bool(said),
        }
        notes.append("; ".join(remark for remark, holds in remarks.items() if holds))
    return notes


def _parts(
    scores: pd.DataFrame, by: Sequence[str], policy: Policy, orders: Mapping[str, Sequence[str]] | None
) -> list[Comparisons]:
    found = [comparisons(scores, name, policy, orders=orders) for name in dict.fromkeys(by)]
    return [part for part in found if part is not None]


def _assumed(options: PlanOptions) -> Spread:
    return Spread(options.wer, options.speaker_cv, options.dispersion, options.words_per_speaker)


def _without_best(policy: Policy) -> Policy:
    """Return the policy with the rest where it names the best slice."""
    overrides = {
        name: replace(override, comparator=REST) if override.comparator == "best" else override
        for name, override in policy.dimensions.items()
    }
    comparator = REST if policy.comparator == "best" else policy.comparator
    return replace(policy, comparator=comparator, dimensions=overrides)


def _require(holds: bool, option: str, found: object, expected: str) -> None:
    if not holds:
        raise UsageError(f"plan.{option}={found}; expected {expected}.")
