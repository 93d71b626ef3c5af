import numpy as np
import pytest

from harness.fairness.comparisons import comparisons
from harness.fairness.pairs import Side, once, pairs_of, weighed
from harness.fairness.sparse_sums import moments
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, simulated

COMPARATORS = ["rest", "a1"]


@pytest.fixture(scope="module")
def scores():
    """Return utterances of an accent (one a speaker), a condition (any) and a few without a speaker id."""
    rng = np.random.default_rng(0)
    scores = simulated(rng, [0.2, 0.3, 0.15], n_speakers=(6, 9, 15), n_utterances=5)
    return scores.assign(
        condition=rng.choice(["a1", "noise", "phone", ""], len(scores)),
        speaker_id=scores["speaker_id"].where(~scores.index.isin([0, 7, 60, 148]), None),
    )


def parts_of(scores):
    counted = checked_scores(scores, policy_of())
    return [
        comparisons(counted, dimension, policy_of(comparator=comparator))
        for dimension in ("accent", "condition")
        for comparator in COMPARATORS
    ]


def full_moments(side):
    tables = np.stack([side.errors, side.words, side.present]).astype(float)
    return moments(tables)


def test_sums_of_pairs_are_those_of_the_full_sides(scores):
    for part in parts_of(scores):
        block = np.random.default_rng(1).integers(0, 4, (50, len(part.sides[0].errors))).astype(float)
        found, observed = weighed(part.pairs).under(block), once(part.pairs)
        for side, drawn, totals in zip(part.sides, found, (observed.own, observed.other), strict=True):
            np.testing.assert_array_equal(drawn, np.stack([block @ each for each in full_moments(side)]))
            np.testing.assert_array_equal(totals, full_moments(side).sum(axis=1))


def test_counts_of_pairs_are_those_of_the_full_sides(scores):
    for part in parts_of(scores):
        a, b = part.sides
        np.testing.assert_array_equal(part.pairs.n_shared(), (a.present & b.present).sum(axis=0))
        for side, erring, totals in zip((a, b), part.pairs.erring(), part.pairs.totals(), strict=True):
            np.testing.assert_array_equal(erring, (side.errors > 0).sum(axis=0))
            np.testing.assert_array_equal(totals[2], side.present.sum(axis=0))
        both = [np.stack([each.errors, each.words, each.present])[:, :, 1] for each in (a, b)]
        np.testing.assert_array_equal(part.pairs.one(1), both)


def test_the_products_of_who_is_on_both_sides_are_those_of_the_full_sides(scores):
    for part in parts_of(scores):
        a, b = part.sides
        found = once(part.pairs)
        for k, products in zip(found.shared, found.products.T, strict=True):
            expected = [
                (getattr(a, left)[:, k] * getattr(b, right)[:, k] * (a.present & b.present)[:, k]).sum()
                for left in ("errors", "words")
                for right in ("errors", "words")
            ]
            assert products.tolist() == expected


def test_full_sides_survive_being_paired():
    rng = np.random.default_rng(2)
    words = rng.integers(0, 3, (2, 8, 4)) * 10.0
    sides = [Side(each / 10, each, each > 0) for each in words]
    for side, found in zip(sides, pairs_of(*sides).sides(), strict=True):
        for name in ("errors", "words", "present"):
            np.testing.assert_array_equal(getattr(found, name), getattr(side, name))


def test_the_first_speakers_are_those_of_the_full_sides(scores):
    for part in parts_of(scores):
        kept = part.pairs.of_first(20).sides()
        for side, found in zip(part.sides, kept, strict=True):
            np.testing.assert_array_equal(found.errors, side.errors[:20])
            np.testing.assert_array_equal(found.present, side.present[:20])
