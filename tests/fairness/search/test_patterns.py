"""Every conjunction is found with the sums, gaps and errors that enumerating it in pandas gives."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from harness.fairness import Failures
from harness.fairness.comparisons import comparisons
from harness.fairness.gaps import Side, gaps
from harness.fairness.membership import AND
from harness.fairness.search.patterns import crossings, grouped, quartiles
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, scores_of

SILENT = ("undeclared", "declined")
ATTRIBUTES = ["accent", "noise", "tags"]


def mixed(seed, *, n_utterances=400, n_speakers=24):
    """Return scores with an attribute of speakers, one of utterances, and one with several values at once."""
    rng = np.random.default_rng(seed)
    speakers = rng.integers(0, n_speakers, n_utterances)
    tags = [tuple(rng.choice(["p", "q", "r"], rng.integers(0, 3), replace=False)) for _ in range(n_utterances)]
    return scores_of(
        rng.poisson(2, n_utterances),
        rng.integers(0, 12, n_utterances),
        [f"s{i:02d}" for i in speakers],
        accent=np.array(["a", "b", "c", "undeclared"], dtype=object)[speakers % 4],
        noise=rng.choice(np.array(["x", "y", "z", "declined"], dtype=object), n_utterances),
        tags=tags,
    )


def enumerated(scores, names):
    """Return the utterances of every conjunction that occurs and those of everyone else who declared, in pandas."""
    table = pd.DataFrame({"row": range(len(scores))})
    for name in names:
        cells = scores[name].map(lambda cell: list(cell) if isinstance(cell, tuple) else [cell])
        told = cells.explode().rename(name)
        told = told[told.notna() & ~told.isin(SILENT)]
        table = table.merge(told.rename_axis("row").reset_index(), on="row", validate="many_to_many")
    everyone = set(table["row"])
    groups = table.groupby(names, dropna=False, observed=True)["row"]
    return {key: (sorted(set(rows)), sorted(everyone - set(rows))) for key, rows in groups}


def per_speaker(scores, rows, speakers):
    """Return errors, words and utterances of each speaker in these rows."""
    part = scores.iloc[rows]
    counts = pd.DataFrame(
        {
            "errors": part["substitutions"] + part["deletions"] + part["insertions"],
            "words": part["hits"] + part["substitutions"] + part["deletions"],
            "utterances": 1,
        }
    )
    sums = counts.groupby(part["speaker_id"], dropna=False).sum().reindex(speakers, fill_value=0)
    return sums.to_numpy(float).T


def side_of(sums):
    return Side(sums[0][:, None], sums[1][:, None], (sums[0] + sums[1] > 0)[:, None])


def searched(scores, attributes, policy=None, **options):
    policy = policy or policy_of(**options)
    return grouped(checked_scores(scores, policy), attributes, policy)


@pytest.mark.parametrize("seed", range(3))
def test_every_conjunction_has_the_sums_and_the_gap_that_enumeration_gives(seed):
    scores = mixed(seed)
    cells = searched(scores, ATTRIBUTES)
    half = np.random.default_rng(seed).random(len(cells.speaker_ids)) < 0.5
    found = list(crossings(cells, 3))
    assert [crossing.places for crossing in found] == [
        places for size in (1, 2, 3) for places in combinations(range(3), size)
    ]
    for crossing in found:
        names = [ATTRIBUTES[place] for place in crossing.places]
        expected = enumerated(scores, names)
        patterns = [crossing.pattern(k) for k in range(len(crossing.values))]
        assert [tuple(cells.name(pattern).split(AND)) for pattern in patterns] == sorted(expected)
        effects = crossing.effects(half)
        for k, (key, pattern) in enumerate(zip(sorted(expected), patterns, strict=True)):
            sums = [per_speaker(scores, rows, cells.speaker_ids) for rows in expected[key]]
            assert cells.dimension(pattern) == AND.join(names)
            np.testing.assert_array_equal(cells.sums_of(pattern), sums)
            inside, outside = (side_of(each[:, half]) for each in sums)
            dense = gaps(inside, outside)
            assert effects.measured.gap[k] == pytest.approx(dense.gap[0], nan_ok=True)
            assert effects.measured.log_ratio_standard_error[k] == pytest.approx(
                dense.log_ratio_standard_error[0], nan_ok=True
            )
            support = [
                [side.present.sum(), each[2, half].sum(), each[1, half].sum()]
                for side, each in zip((inside, outside), sums, strict=True)
            ]
            assert effects.support[:, :, k].tolist() == support


@pytest.mark.parametrize("names", [["accent"], ["accent", "noise"], ["accent", "noise", "tags"]])
def test_a_pattern_against_everyone_else_is_what_the_verdicts_compare(names):
    """Same slices, same comparator, same support as disparities.csv has for the intersection."""
    policy = policy_of()
    counted = checked_scores(mixed(5), policy)
    cells = grouped(counted, ATTRIBUTES, policy)
    everybody = np.ones(len(cells.speaker_ids), bool)
    judged = comparisons(counted, AND.join(names), policy)
    places = tuple(map(ATTRIBUTES.index, names))
    crossing = next(each for each in crossings(cells, 3) if each.places == places)
    assert tuple(cells.name(crossing.pattern(k)) for k in range(len(crossing.values))) == judged.slices
    effects = crossing.effects(everybody)
    np.testing.assert_allclose(effects.measured.gap, gaps(*judged.sides).gap)
    np.testing.assert_array_equal(effects.support.min(axis=0).T, judged.support)


def test_the_order_of_utterances_changes_nothing():
    scores = mixed(1)
    one, other = (searched(each, ATTRIBUTES) for each in (scores, scores.sample(frac=1, random_state=0)))
    for first, second in zip(crossings(one, 3), crossings(other, 3), strict=True):
        np.testing.assert_array_equal(first.values, second.values)
        np.testing.assert_array_equal(first.inside, second.inside)
        np.testing.assert_array_equal(first.declared, second.declared)


def test_cost_depends_on_speakers_and_combinations_not_on_utterances():
    scores = mixed(2)[["utterance_id", "speaker_id", "accent", "hits", "substitutions", "deletions", "insertions"]]
    many = pd.concat([scores] * 5, ignore_index=True)
    few_cells, cells = searched(scores, ["accent"]), searched(many, ["accent"])
    assert len(cells.speakers) == len(few_cells.speakers) == 24
    np.testing.assert_array_equal(cells.sums, 5 * few_cells.sums)


def test_several_values_read_from_parquet_are_those_written(tmp_path):
    scores = mixed(3)
    scores.to_parquet(tmp_path / "scores.parquet")
    read = pd.read_parquet(tmp_path / "scores.parquet")
    for one, other in zip(
        crossings(searched(scores, ATTRIBUTES), 2), crossings(searched(read, ATTRIBUTES), 2), strict=True
    ):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.inside, other.inside)


@pytest.mark.parametrize(
    "constant",
    [
        pytest.param(["en"] * 6, id="one-value"),
        pytest.param(["en", "undeclared", "declined", "en", "", None], id="one-declared-value"),
        pytest.param([None] * 6, id="none"),
    ],
)
def test_an_attribute_that_separates_nobody_is_left_out(constant):
    scores = scores_of([1] * 6, [5] * 6, accent=["a", "b"] * 3, language=constant)
    assert [column.name for column in searched(scores, ["language", "accent"]).columns] == ["accent"]


def test_utterances_without_a_speaker_are_counted_and_in_no_cell():
    scores = scores_of([1, 2, 3, 4], [5] * 4, ["s1", None, "", "s2"], accent=["a", "a", "b", "b"])
    cells = searched(scores, ["accent"])
    assert (cells.n_unnamed, cells.speaker_ids, cells.sums[0].tolist()) == (2, ("s1", "s2"), [1, 4])


@pytest.mark.parametrize(
    ("failures", "errors", "n_scored"),
    [(Failures.deletions, [5, 1], [1, 1]), (Failures.left_out, [0, 1], [0, 1])],
)
def test_failed_utterances_count_as_the_policy_says(failures, errors, n_scored):
    scores = scores_of([5, 1], [5, 5], accent=["a", "b"]).assign(failed=[True, False])
    cells = searched(scores, ["accent"], failures=failures)
    assert (cells.sums[0].tolist(), cells.sums[2].tolist()) == (errors, n_scored)


def test_nobody_gives_no_patterns():
    scores = scores_of([1, 2], [5, 5], [None, None], accent=["a", "b"])
    assert list(crossings(searched(scores, ["accent"]), 3)) == []


def test_values_with_the_separator_are_named_as_the_slices_are():
    scores = scores_of([1] * 4, [5] * 4, accent=["a & b", "c"] * 2, gender=["f", "f", "m", "m"])
    cells = searched(scores, ["accent", "gender"])
    names = [cells.name(each.pattern(k)) for each in crossings(cells, 2) for k in range(len(each.values))]
    assert names == ["a & b", "c", "f", "m", "a and b & f", "a and b & m", "c & f", "c & m"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8], ["<2", "2-4", "2-4", "4-6", "4-6", ">=6", ">=6", ">=6"], id="words"),
        pytest.param([1, 1, 1, 1, 1, 9], ["all"] * 6, id="most-alike"),
        pytest.param([1, 1, 1, 9, 9, 9], ["<9", "<9", "<9", ">=9", ">=9", ">=9"], id="two-levels"),
        pytest.param([0.12345, 0.2, np.nan, 0.3], ["<0.2", "0.2-0.3", "undeclared", ">=0.3"], id="missing"),
        pytest.param([np.nan, np.nan], ["undeclared", "undeclared"], id="nothing"),
    ],
)
def test_numbers_are_cut_at_their_quartiles(numbers, expected):
    assert quartiles(pd.Series(numbers, index=range(3, 3 + len(numbers)))).tolist() == expected


def test_no_quarter_is_far_from_a_quarter_of_the_utterances():
    numbers = pd.Series(np.random.default_rng(0).gamma(2, 3, 10_000))
    shares = quartiles(numbers).value_counts(normalize=True)
    assert shares.between(0.24, 0.26).all()
    assert len(shares) == 4
