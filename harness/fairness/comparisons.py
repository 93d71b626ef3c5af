"""Scores and a policy in, every slice of a dimension paired with its comparator out, with the support of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, Indices, divide
from harness.fairness.gaps import Side
from harness.fairness.membership import Membership, membership
from harness.fairness.pairs import Pairs
from harness.fairness.policy import KEYWORDS, REST, Failures, Policy, Promise
from harness.fairness.sparse_sums import SparseSums, column_of_cells, starts_of
from harness.fairness.speaker_sums import Ints, refuse_too_many, slice_sums, speaker_codes


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Holds every comparison of one dimension: parallel sequences, one entry a slice that is judged."""

    dimension: str
    slices: tuple[str, ...]
    comparator: str
    promise: Promise
    pairs: Pairs  # both sides of every comparison
    declared: Floats  # (3, n_speakers) errors, words, presence of each speaker over every declared slice
    n_ids: int  # rows of speakers with an id; the two after them, when there are any, are of utterances without
    named: Floats  # (n_comparisons, 2) speakers with an id, of slice and comparator
    support: Floats  # (n_comparisons, 3) the smaller of both sides: named speakers, scored utterances, words
    n_failed: Floats  # (n_comparisons, 2) failed utterances and all utterances of the slice
    mirrored: bool  # the two rows are one hypothesis seen from both ends

    @property
    def sides(self) -> tuple[Side, Side]:
        """Return slices and comparators in full, (n_speakers, n_comparisons).

        Raises:
            UsageError: There are more speakers times slices than memory holds.
        """
        refuse_too_many(self.pairs.common.shape[1], len(self.slices), self.dimension)
        return self.pairs.sides()

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
    speakers: Ints | None = None,
) -> Comparisons | None:
    """Pair every declared slice with its comparator; None when there is nobody to compare with.

    Args:
        scores: As returned by `checked_scores`.
        dimension: An attribute or an intersection.
        policy: Names the comparator.
        orders: Order of the values of an attribute.
        speakers: The scores' `speaker_codes`, for who has them already.

    Raises:
        UsageError: The policy names a comparator that is no declared slice.
    """
    part = membership(scores, dimension, orders=orders)
    declared = np.flatnonzero(part.declared)
    if len(declared) < 2:
        return None
    promise = policy.for_dimension(dimension)
    sums = slice_sums(scores, part, speaker_codes(scores) if speakers is None else speakers)
    words = sums.slices.totals()[1]
    scored = np.ones(len(scores)) if policy.failures is Failures.deletions else 1.0 - scores["failed"].to_numpy(float)
    n_scored = np.bincount(part.codes, weights=scored[part.rows], minlength=len(part.slices)).astype(np.intp)
    support = np.stack([sums.n_heard, n_scored, words], axis=1).astype(np.float64)
    failed = np.bincount(part.codes, weights=scores["failed"].to_numpy(float)[part.rows], minlength=len(part.slices))
    n_utterances = np.bincount(part.codes, minlength=len(part.slices))
    chosen = _comparator(part, sums.slices, support, declared, promise, policy)
    judged = declared if chosen is None else declared[declared != chosen]
    slices = sums.slices.pick(judged)
    pairs = _against_rest(slices, sums.declared) if chosen is None else _against_one(slices, sums.slices.pick([chosen]))
    told = np.zeros(len(scores), dtype=bool)
    told[part.rows[part.declared[part.codes]]] = True
    others = scored[told].sum() - n_scored[judged] if chosen is None else np.full(len(judged), n_scored[chosen])
    named = np.stack([side[2] for side in pairs.of_first(sums.n_ids).totals()], axis=1)
    words_here = np.minimum(*(side[1] for side in pairs.totals()))
    smaller = np.stack([named.min(axis=1), np.minimum(n_scored[judged], others), words_here], axis=1)
    return Comparisons(
        dimension=dimension,
        slices=tuple(part.slices[code] for code in judged),
        comparator=REST if chosen is None else part.slices[chosen],
        promise=promise,
        pairs=pairs if sums.slices.n_speakers == sums.n_ids else _unnamed_apart(pairs),
        declared=sums.declared,
        n_ids=sums.n_ids,
        named=named,
        support=smaller,
        n_failed=np.stack([failed[judged], n_utterances[judged]], axis=1).astype(np.float64),
        mirrored=chosen is None and _mirrored(pairs) and bool((smaller == smaller[0]).all()),
    )


def _mirrored(pairs: Pairs) -> bool:
    """Say whether there are two slices and each is the other's comparator."""
    if pairs.n_comparisons != 2:
        return False
    own, other = pairs.sides()
    same_errors = (own.errors == other.errors[:, ::-1]).all()
    return bool(same_errors and (own.words == other.words[:, ::-1]).all())


def _against_rest(slices: SparseSums, declared: Floats) -> Pairs:
    """Pair with everybody else who declared a value."""
    errors, words = declared[:2, slices.speakers] - slices.sums[:2]
    return Pairs(slices.starts, slices.speakers, slices.sums, np.stack([errors, words, errors + words > 0]), declared)


def _against_one(slices: SparseSums, chosen: SparseSums) -> Pairs:
    """Pair all slices with the same one."""
    common = chosen.dense()[:, :, 0]
    return Pairs(slices.starts, slices.speakers, slices.sums, common[:, slices.speakers], common)


def _unnamed_apart(pairs: Pairs) -> Pairs:
    """Count the utterances without a speaker id, in the last row, as one speaker on each side, not one person on both.

    Who of the two comes first depends on the sums alone: swapping the sides draws the same people.
    """
    row, columns = pairs.common.shape[1] - 1, np.arange(pairs.n_comparisons)
    own, other = np.zeros((3, len(columns))), np.repeat(pairs.common[:, row:], len(columns), axis=1)
    last = pairs.speakers == row
    having = column_of_cells(pairs.starts)[last]
    own[:, having], other[:, having] = pairs.own[:, last], pairs.other[:, last]
    sizes = [
        list(zip(each[1], each[0], total[1], total[0], strict=True))
        for each, total in zip((own, other), pairs.totals(), strict=True)
    ]
    later = np.array([one < another for one, another in zip(*sizes, strict=True)], dtype=np.intp)
    named, nobody = pairs.of_first(row), np.zeros_like(own)
    return _with_cells(
        Pairs(named.starts, named.speakers, named.own, named.other, np.pad(named.common, ((0, 0), (0, 2)))),
        speakers=np.concatenate([np.full(len(columns), row), np.full(len(columns), row + 1)]),
        own=np.hstack([np.where(later == position, own, nobody) for position in (0, 1)]),
        other=np.hstack([np.where(later == position, nobody, other) for position in (0, 1)]),
    )


def _with_cells(pairs: Pairs, *, speakers: Indices, own: Floats, other: Floats) -> Pairs:
    """Add cells of further speakers, a whole row of comparisons at a time."""
    further = np.tile(np.arange(pairs.n_comparisons), len(speakers) // pairs.n_comparisons)
    columns = np.concatenate([column_of_cells(pairs.starts), further])
    order = np.argsort(columns, kind="stable")
    return Pairs(
        starts=starts_of(columns, pairs.n_comparisons),
        speakers=np.concatenate([pairs.speakers, speakers])[order],
        own=np.hstack([pairs.own, own])[:, order],
        other=np.hstack([pairs.other, other])[:, order],
        common=pairs.common,
    )


def _comparator(
    part: Membership,
    sums: SparseSums,
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
        rates = np.nan_to_num(divide(sums.totals()[0], words), nan=np.inf)
        keys = rates if promise.comparator == "best" else -n_heard
        return int(candidates[np.lexsort((-words[candidates], keys[candidates]))[0]])
    names = [part.slices[code] for code in declared]
    if promise.comparator not in names:
        raise UsageError(
            f"policy comparator {promise.comparator!r} is no declared slice of {part.dimension}; expected rest, best, "
            f"largest or one of {names}. Set policy.dimensions.{part.dimension}.comparator."
        )
    return int(declared[names.index(promise.comparator)])
