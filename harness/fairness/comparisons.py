"""Scores and a policy in, every slice of a dimension paired with its comparator out, with the support of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, Indices, divide
from harness.fairness.gaps import Side
from harness.fairness.membership import Membership, membership
from harness.fairness.policy import KEYWORDS, REST, Failures, Policy, Promise
from harness.fairness.speaker_sums import SpeakerSums, speaker_codes, speaker_sums


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Holds every comparison of one dimension: parallel sequences, one entry a slice that is judged."""

    dimension: str
    slices: tuple[str, ...]
    comparator: str
    promise: Promise
    sides: tuple[Side, Side]  # of slices and of comparators, (n_speakers, n_comparisons)
    named: Floats  # (n_comparisons, 2) speakers with an id, of slice and comparator
    support: Floats  # (n_comparisons, 3) the smaller of both sides: named speakers, scored utterances, words
    n_failed: Floats  # (n_comparisons, 2) failed utterances and all utterances of the slice
    mirrored: bool  # the two rows are one hypothesis seen from both ends

    def enough(self, policy: Policy) -> Bools:
        """Say which comparisons reach the policy's floors, (n_comparisons,)."""
        reached: Bools = np.all(self.support >= floors(policy), axis=1)
        return reached


def floors(policy: Policy) -> Floats:
    """Return the least speakers, utterances and words for a verdict, (3,)."""
    return np.array([policy.min_speakers, policy.min_utterances, policy.min_words], dtype=np.float64)


def comparisons(
    scores: pd.DataFrame,
    dimension: str,
    policy: Policy,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Comparisons | None:
    """Pair every declared slice with its comparator; None when there is nobody to compare with.

    Args:
        scores: As returned by `checked_scores`.
        dimension: An attribute or an intersection.
        policy: Names the comparator.
        orders: Order of the values of an attribute.

    Raises:
        UsageError: The policy names a comparator that is no declared slice.
    """
    part = membership(scores, dimension, orders=orders)
    declared = np.flatnonzero(part.declared)
    if len(declared) < 2:
        return None
    promise = policy.for_dimension(dimension)
    speakers = speaker_codes(scores)
    n_named = int(speakers.max(initial=-1)) + 1
    sums = speaker_sums(scores, part, speakers)
    scored = np.ones(len(scores)) if policy.failures is Failures.deletions else 1.0 - scores["failed"].to_numpy(float)
    n_scored = np.bincount(part.codes, weights=scored[part.rows], minlength=len(part.slices)).astype(np.intp)
    support = np.stack([sums.n_heard, n_scored, sums.words.sum(axis=0)], axis=1).astype(np.float64)
    failed = np.bincount(part.codes, weights=scores["failed"].to_numpy(float)[part.rows], minlength=len(part.slices))
    n_utterances = np.bincount(part.codes, minlength=len(part.slices))
    chosen = _comparator(part, sums, support, declared, promise, policy)
    judged = declared if chosen is None else declared[declared != chosen]
    slices = Side(sums.errors[:, judged], sums.words[:, judged], sums.present[:, judged])
    rest = _rest(sums, slices, judged) if chosen is None else _repeated(sums, chosen, len(judged))
    told = np.unique(part.rows[part.declared[part.codes]])
    others = scored[told].sum() - n_scored[judged] if chosen is None else np.full(len(judged), n_scored[chosen])
    named = np.stack([side.present[:n_named].sum(axis=0) for side in (slices, rest)], axis=1).astype(np.float64)
    words = np.minimum(slices.words.sum(axis=0), rest.words.sum(axis=0))
    smaller = np.stack([named.min(axis=1), np.minimum(n_scored[judged], others), words], axis=1)
    return Comparisons(
        dimension=dimension,
        slices=tuple(part.slices[code] for code in judged),
        comparator=REST if chosen is None else part.slices[chosen],
        promise=promise,
        sides=(slices, rest) if len(sums.errors) == n_named else _unnamed_apart(slices, rest),
        named=named,
        support=smaller,
        n_failed=np.stack([failed[judged], n_utterances[judged]], axis=1).astype(np.float64),
        mirrored=chosen is None and _mirrored(slices, rest) and bool((smaller == smaller[0]).all()),
    )


def _mirrored(slices: Side, comparators: Side) -> bool:
    """Say whether there are two slices and each is the other's comparator."""
    if slices.errors.shape[1] != 2:
        return False
    same_errors = (slices.errors == comparators.errors[:, ::-1]).all()
    return bool(same_errors and (slices.words == comparators.words[:, ::-1]).all())


def _rest(sums: SpeakerSums, slices: Side, judged: Indices) -> Side:
    """Return everybody else who declared a value."""
    return Side(
        sums.declared_errors[:, None] - slices.errors,
        sums.declared_words[:, None] - slices.words,
        sums.outside[:, judged],
    )


def _repeated(sums: SpeakerSums, chosen: int, count: int) -> Side:
    """Return one slice as the comparator of all others."""
    columns = np.full(count, chosen)
    return Side(sums.errors[:, columns], sums.words[:, columns], sums.present[:, columns])


def _unnamed_apart(slices: Side, comparators: Side) -> tuple[Side, Side]:
    """Count the utterances without a speaker id as one speaker on each side, not as one person on both.

    Who of the two comes first depends on the sums alone: swapping the sides draws the same people.
    """
    later = [own < other for own, other in zip(_sizes(slices), _sizes(comparators), strict=True)]
    positions = np.array(later, dtype=np.intp)
    return _with_row(slices, positions), _with_row(comparators, 1 - positions)


def _sizes(side: Side) -> list[tuple[float, ...]]:
    """Return words and errors of the unnamed, then of all, per comparison."""
    return list(
        zip(side.words[-1], side.errors[-1], side.words.sum(axis=0), side.errors.sum(axis=0), strict=True),
    )


def _with_row(side: Side, positions: Indices) -> Side:
    """Move the last row of each comparison to its position of two."""

    def moved(table: Floats) -> Floats:
        last = np.zeros((2, table.shape[1]), dtype=table.dtype)
        last[positions, np.arange(table.shape[1])] = table[-1]
        return np.vstack([table[:-1], last])

    return Side(moved(side.errors), moved(side.words), moved(side.present.astype(np.float64)) > 0)


def _comparator(
    part: Membership,
    sums: SpeakerSums,
    support: Floats,
    declared: Indices,
    promise: Promise,
    policy: Policy,
) -> int | None:
    """Return the position of the slice that gaps are measured against; None for the rest."""
    if promise.comparator == REST:
        return None
    if promise.comparator in KEYWORDS:
        n_heard, _, words = support.T
        candidates = declared[np.all(support[declared] >= floors(policy), axis=1)]
        candidates = candidates if len(candidates) else declared
        rates = np.nan_to_num(divide(sums.errors.sum(axis=0), words), nan=np.inf)
        keys = rates if promise.comparator == "best" else -n_heard
        return int(candidates[np.lexsort((-words[candidates], keys[candidates]))[0]])
    names = [part.slices[code] for code in declared]
    if promise.comparator not in names:
        raise UsageError(
            f"policy comparator {promise.comparator!r} is no declared slice of {part.dimension}; expected rest, best, "
            f"largest or one of {names}. Set policy.dimensions.{part.dimension}.comparator."
        )
    return int(declared[names.index(promise.comparator)])
