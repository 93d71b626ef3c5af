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
    chosen = _comparator(part, sums, declared, n_scored, promise, policy)
    judged = declared if chosen is None else declared[declared != chosen]
    slices = Side(sums.errors[:, judged], sums.words[:, judged], sums.present[:, judged])
    rest = _rest(sums, slices, judged) if chosen is None else _repeated(sums, chosen, len(judged))
    told = np.unique(part.rows[part.declared[part.codes]])
    others = scored[told].sum() - n_scored[judged] if chosen is None else np.full(len(judged), n_scored[chosen])
    named = np.stack([side.present[:n_named].sum(axis=0) for side in (slices, rest)], axis=1).astype(np.float64)
    words = np.minimum(slices.words.sum(axis=0), rest.words.sum(axis=0))
    return Comparisons(
        dimension=dimension,
        slices=tuple(part.slices[code] for code in judged),
        comparator=REST if chosen is None else part.slices[chosen],
        promise=promise,
        sides=_unnamed_apart(slices, rest, n_named),
        named=named,
        support=np.stack([named.min(axis=1), np.minimum(n_scored[judged], others), words], axis=1),
        mirrored=_mirrored(slices, rest),
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


def _unnamed_apart(slices: Side, comparators: Side, n_named: int) -> tuple[Side, Side]:
    """Count the utterances without a speaker id as one speaker on each side, not as one person on both."""
    if len(slices.errors) == n_named:
        return slices, comparators
    return _with_row(slices, 0), _with_row(comparators, 1)


def _with_row(side: Side, position: int) -> Side:
    """Move the last row to `position` of two."""

    def moved(table: Floats) -> Floats:
        last = np.zeros((2, table.shape[1]), dtype=table.dtype)
        last[position] = table[-1]
        return np.vstack([table[:-1], last])

    return Side(moved(side.errors), moved(side.words), moved(side.present.astype(np.float64)) > 0)


def _comparator(
    part: Membership,
    sums: SpeakerSums,
    declared: Indices,
    n_scored: Indices,
    promise: Promise,
    policy: Policy,
) -> int | None:
    """Return the position of the slice that gaps are measured against; None for the rest."""
    if promise.comparator == REST:
        return None
    if promise.comparator in KEYWORDS:
        words = sums.words.sum(axis=0)
        enough = (
            (sums.n_named >= policy.min_speakers) & (n_scored >= policy.min_utterances) & (words >= policy.min_words)
        )
        candidates = declared[enough[declared]]
        candidates = candidates if len(candidates) else declared
        rates = np.nan_to_num(divide(sums.errors.sum(axis=0), words), nan=np.inf)
        keys = rates if promise.comparator == "best" else -sums.n_named.astype(np.float64)
        return int(candidates[np.lexsort((-words[candidates], keys[candidates]))[0]])
    names = [part.slices[code] for code in declared]
    if promise.comparator not in names:
        raise UsageError(
            f"policy comparator {promise.comparator!r} is no declared slice of {part.dimension}; expected rest, best, "
            f"largest or one of {names}. Set policy.dimensions.{part.dimension}.comparator."
        )
    return int(declared[names.index(promise.comparator)])
