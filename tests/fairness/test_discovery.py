"""What a search proposes rests on one half of the speakers, what is said of it on the other; nobody few is judged."""

import doctest
import importlib
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from harness.errors import UsageError
from harness.fairness.comparisons import comparisons
from harness.fairness.discovery import (
    MOST_LISTED,
    NOT_ASSESSABLE_COLUMNS,
    UTTERANCE_LENGTH,
    DiscoveryOptions,
    discover,
    in_discovery_half,
    searchable,
)
from harness.fairness.gaps import gaps
from harness.fairness.membership import AND
from harness.fairness.search.confirmation import DISCOVERY_COLUMNS
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import policy_of, scores_of
from tests.shared import DATA, needs_data

TOLD = ["accent", "gender", "noise"]
FEW = {"n_resamples": 200, "n_permutations": 999}


def world(seed, *, planted=None, times=3.0, n_speakers=100, n_utterances=20):
    """Return scores of speakers who differ, with the rows that a query names made worse, and no other effect."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), n_utterances)
    n_rows = len(speakers)
    columns = {
        "accent": rng.choice(np.array(["a", "b", "c", "d"], dtype=object), n_speakers)[speakers],
        "gender": rng.choice(np.array(["f", "m"], dtype=object), n_speakers)[speakers],
        "noise": rng.choice(np.array(["clean", "hum", "talk"], dtype=object), n_rows),
    }
    inside = pd.DataFrame(columns).eval(planted).to_numpy() if planted else np.zeros(n_rows, bool)
    words = rng.integers(5, 20, n_rows)
    rates = 0.2 * np.exp(rng.normal(0, 0.5, n_speakers) - 0.125)[speakers] * np.where(inside, times, 1)
    errors = rng.poisson(rates * words * rng.gamma(2, 0.5, n_rows))
    return scores_of(errors, words, [f"s{i:03d}" for i in speakers], **columns)


def searched(scores, attributes=TOLD, policy=None, **options):
    return discover(scores, attributes, policy or policy_of(**FEW), options=DiscoveryOptions(**options))


def names_of(table):
    return list(zip(table["dimension"], table["slice"], strict=True))


def half_of(scores):
    """Say which rows are of speakers in the discovery half."""
    return in_discovery_half(scores["speaker_id"].tolist())


def with_errors(scores, rows, factor):
    """Return the scores with more word errors in some rows."""
    more = np.where(rows, factor * (scores["substitutions"] + scores["insertions"]), 0)
    return scores.assign(insertions=scores["insertions"] + more)


PLANTED, EITHER = "accent == 'a' and noise == 'hum'", "accent == 'a' or noise == 'hum'"


def test_a_planted_conjunction_is_found_first_and_confirmed():
    found = searched(world(0, planted=PLANTED))
    assert names_of(found.candidates)[0] == ("accent & noise", "a & hum")
    first = found.candidates.iloc[0]
    assert first["confirmed"]
    assert first["gap_low"] < first["gap"] < first["gap_high"]
    assert first["reason"].startswith("worse by at least 3 points, among speakers the search did not see: +")
    assert tuple(found.candidates.columns) == DISCOVERY_COLUMNS
    assert tuple(found.not_assessable.columns) == NOT_ASSESSABLE_COLUMNS


def test_the_numbers_are_those_of_the_half_that_was_not_searched():
    scores = world(0, planted=PLANTED)
    first = searched(scores).candidates.iloc[0]
    policy = policy_of()
    for rows, gap, n_speakers in (
        (~half_of(scores), "gap", "n_speakers"),
        (half_of(scores), "discovery_gap", "discovery_n_speakers"),
    ):
        part = comparisons(checked_scores(scores[rows], policy), first["dimension"], policy)
        k = part.slices.index(first["slice"])
        measured = gaps(*part.sides)
        assert first[gap] == pytest.approx(measured.gap[k])
        assert first[n_speakers] == part.sides[0].present[:, k].sum()
    validation = scores[~half_of(scores)].query(PLANTED)
    assert first["n_utterances"] == len(validation)
    assert first["reference_words"] == validation[["hits", "substitutions", "deletions"]].sum(axis=None)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_proposed_does_not_depend_on_how_the_validation_half_fared(seed):
    scores = world(seed, planted=EITHER, times=1.5)
    told = ["dimension", "slice", "discovery_gap", "discovery_n_speakers"]
    before = searched(scores, n_candidates=8).candidates
    for worse in ("accent == 'b'", "accent == 'a' and gender == 'f'", "noise == 'hum' and gender == 'm'"):
        changed = with_errors(scores, ~half_of(scores) & scores.eval(worse), 5)
        after = searched(changed, n_candidates=8).candidates
        pd.testing.assert_frame_equal(before[told], after[told])
        assert not np.allclose(before["gap"], after["gap"])


def test_what_is_confirmed_does_not_depend_on_how_far_the_discovery_half_went():
    scores = world(3, planted="noise == 'hum'")
    before = searched(scores, n_candidates=1).candidates
    worse = half_of(scores) & scores.eval("noise == 'hum'")
    after = searched(with_errors(scores, worse, 3), n_candidates=1).candidates
    same = [name for name in DISCOVERY_COLUMNS if not name.startswith("discovery_")]
    pd.testing.assert_frame_equal(before[same], after[same])
    assert (after["discovery_gap"] > before["discovery_gap"]).all()


def test_who_is_in_which_half_is_recorded_and_moves_with_nobody_else():
    ids = [f"s{i:04d}" for i in range(2_000)]
    halves = in_discovery_half(ids)
    assert 0.45 < halves.mean() < 0.55
    assert halves[::7].tolist() == in_discovery_half(ids[::7]).tolist()
    assert doctest.testmod(importlib.import_module("harness.fairness.discovery")).failed == 0


@pytest.mark.parametrize("seed", range(8))
def test_without_any_effect_nothing_is_confirmed(seed):
    """A hundred such corpora are in benchmarks/discovery.py."""
    assert not searched(world(seed)).candidates["confirmed"].any()


def test_a_slice_that_alone_has_errors_is_found():
    scores = world(4)
    inside = scores["accent"] == "a"
    only = scores.assign(substitutions=scores["substitutions"].where(inside, 0), insertions=0)
    first = searched(only).candidates.iloc[0]
    assert (first["slice"], first["outside_wer"], first["confirmed"]) == ("a", 0, True)


def test_only_worse_slices_are_proposed():
    better = searched(world(4, planted="accent == 'a'", times=0.2)).candidates
    assert ("accent", "a") not in names_of(better)
    assert (better["discovery_gap"] > 0).all()


def test_slices_that_are_all_alike_propose_nothing():
    scores = scores_of([2] * 200, [10] * 200, [f"s{i // 4}" for i in range(200)], noise=["a", "b"] * 100)
    found = searched(scores, ["noise", UTTERANCE_LENGTH])
    assert (found.candidates.empty, found.n_assessed) == (True, 2)
    assert found.notes == (f"Not searched, for they have fewer than two declared values: {UTTERANCE_LENGTH}.",)


def test_p_values_are_corrected_over_the_candidates():
    found = searched(world(2, planted=EITHER, times=1.5), n_candidates=8).candidates
    assert len(found) > 2
    expected = multipletests(found["p_value"], method="holm")[1]
    assert found["p_adjusted"].tolist() == pytest.approx(expected.tolist())
    assert found["confirmed"].tolist() == ((expected < 0.05) & (found["gap"] > 0)).tolist()


def test_more_candidates_than_are_asked_for_are_never_tested():
    scores = world(2, planted=EITHER, times=1.5)
    many = searched(scores, n_candidates=8).candidates
    assert len(many) > 2
    assert names_of(searched(scores, n_candidates=2).candidates) == names_of(many)[:2]


def test_a_pattern_whose_part_has_its_gap_is_no_further_finding():
    """Everybody in `a` also has the tag: what is true of the one is true of both together."""
    scores = world(6, planted="accent == 'a'")
    scores["tag"] = np.where(scores["accent"] == "a", "t", "u")
    names = names_of(searched(scores, ["accent", "tag"], n_candidates=9).candidates)
    assert names == [("accent", "a")], "nor is the tag, which names the same utterances, another finding"


@pytest.mark.parametrize("seed", range(6))
def test_no_part_of_a_candidate_has_nine_tenths_of_its_gap(seed):
    scores = world(seed, planted=EITHER, times=1.3)
    half = checked_scores(scores[half_of(scores)], policy_of())
    for candidate in searched(scores, n_candidates=20).candidates.itertuples():
        named = dict(zip(candidate.dimension.split(AND), candidate.slice.split(AND), strict=True))
        for names in (part for size in range(1, len(named)) for part in combinations(named, size)):
            judged = comparisons(half, AND.join(names), policy_of())
            k = judged.slices.index(AND.join(named[name] for name in names))
            assert gaps(*judged.sides).gap[k] < 0.9 * candidate.discovery_gap


def test_a_refinement_must_be_worse_than_the_rest_of_what_is_proposed():
    refined = [
        name
        for seed in range(10)
        for dimension, name in names_of(searched(world(seed, planted="accent == 'a'", times=2.5)).candidates)
        if name.startswith("a & ") and dimension != "accent"
    ]
    assert len(refined) <= 2, "the effect is of the accent alone"


@pytest.mark.parametrize("max_attributes", [1, 2, 3])
def test_every_conjunction_that_occurs_is_assessed_or_listed_as_not_assessable(max_attributes):
    scores = world(7, n_speakers=40)
    scores["region"] = [f"r{int(name[1:]) % 9}" for name in scores["speaker_id"]]
    attributes = [*TOLD, "region"]
    found = searched(scores, attributes, max_attributes=max_attributes)
    occurring = {
        (AND.join(names), AND.join([key] if isinstance(key, str) else key)): people
        for size in range(1, max_attributes + 1)
        for names in combinations(attributes, size)
        for key, people in scores.groupby(list(names) if size > 1 else names[0], dropna=False, observed=True)[
            "speaker_id"
        ]
        .nunique()
        .items()
    }
    listed = dict(zip(names_of(found.not_assessable), found.not_assessable["n_speakers"], strict=True))
    assert listed.items() <= occurring.items()
    assert {name for name, people in occurring.items() if people < 10} <= set(listed)
    assert found.n_assessed + found.n_not_assessable == len(occurring)
    assert found.n_not_assessable == len(listed)
    assert set(names_of(found.candidates)).isdisjoint(listed)
    assert found.not_assessable["reason"].str.len().gt(0).all()


def speakers_in(half, count):
    """Return ids that the hash puts into a half."""
    ids = [f"p{i}" for i in range(500)]
    return [name for name, searched_here in zip(ids, in_discovery_half(ids), strict=True) if searched_here == half][
        :count
    ]


@pytest.mark.parametrize(
    ("n_searched", "n_held_out", "reason"),
    [
        pytest.param(7, 2, "speakers: 9 where 10 are asked for", id="inside"),
        pytest.param(8, 4, "validation half: 4 speakers with an id where the policy asks for 5", id="validation"),
        pytest.param(1, 12, "discovery half: fewer than 2 speakers on a side", id="discovery"),
        pytest.param(6, 6, None, id="enough"),
        pytest.param(
            27, 24, "speakers to compare with: 9 where 10 are asked for", id="outside"
        ),
    ],
)  # fmt: skip
def test_a_slice_that_one_half_could_not_judge_is_listed_with_the_reason(n_searched, n_held_out, reason):
    """Thirty people in each half."""
    people = speakers_in(True, 30) + speakers_in(False, 30)
    few = set(speakers_in(True, n_searched) + speakers_in(False, n_held_out))
    ids = [name for name in people for _ in range(5)]
    accents = ["few" if name in few else "many" for name in ids]
    scores = scores_of([1] * len(ids), [10] * len(ids), ids, accent=accents)
    small = searched(scores, ["accent"], policy_of(min_speakers=5)).not_assessable.set_index("slice")["reason"]
    assert small.get("few") == reason


def test_few_words_or_utterances_in_the_validation_half_are_no_evidence():
    scores = world(8)
    small = searched(scores, policy=policy_of(min_words=20_000)).not_assessable
    assert small["reason"].str.contains("reference words where the policy asks for 20000|speakers: ").all()
    small = searched(scores, policy=policy_of(min_utterances=2_000)).not_assessable
    assert small["reason"].str.contains("utterances where the policy asks for 2000|speakers: ").all()


@pytest.mark.parametrize("silent", ["undeclared", "declined", "", None])
def test_undeclared_and_declined_are_part_of_no_pattern(silent):
    scores = world(9, planted="accent == 'a'")
    scores["accent"] = scores["accent"].where(scores["accent"] != "a", silent)
    found = searched(scores)
    parts = {part for name in [*found.candidates["slice"], *found.not_assessable["slice"]] for part in name.split(AND)}
    assert parts <= {"b", "c", "d", "f", "m", "clean", "hum", "talk"}


def test_utterances_without_a_speaker_are_in_neither_half_and_counted():
    scores = world(10, planted=PLANTED)
    nobody = scores.assign(speaker_id=None, accent="a", noise="hum").sample(n=300, random_state=0)
    found = searched(pd.concat([scores, with_errors(nobody, np.ones(300, bool), 9)], ignore_index=True))
    pd.testing.assert_frame_equal(found.candidates, searched(scores).candidates)
    assert found.notes[0].startswith("Utterances without a speaker id: 300. They are in neither half")


def test_an_attribute_of_thousands_of_values_is_counted_not_named():
    scores = world(11, planted=PLANTED, n_speakers=100, n_utterances=60)
    scores["prompt"] = [f"p{i % 5_000}" for i in range(len(scores))]
    found = searched(scores, [*TOLD, "prompt"])
    assert names_of(found.candidates)[0] == ("accent & noise", "a & hum")
    of_prompts = found.not_assessable[found.not_assessable["dimension"].str.contains("prompt")]
    assert of_prompts["slice"].str.fullmatch(r"\(\d+ slices\)").all()
    assert of_prompts["slice"].iloc[0] == "(5000 slices)"
    assert of_prompts["n_speakers"].iloc[0] == 2
    assert found.n_not_assessable > MOST_LISTED > len(found.not_assessable)


def test_utterance_length_and_measured_numbers_are_searched_by_quarters():
    scores = world(12)
    scores["audio_s"] = np.arange(len(scores)) % 40 / 2
    words = scores["hits"] + scores["substitutions"] + scores["deletions"]
    found = searched(with_errors(scores, words < 8, 3), searchable(scores, TOLD))
    assert names_of(found.candidates)[0] == (UTTERANCE_LENGTH, "<8")
    assert found.n_dimensions == 5 + 10 + 10
    slow = searched(with_errors(scores, scores["audio_s"] >= 15, 3), searchable(scores, TOLD))
    assert names_of(slow.candidates)[0] == ("audio_s", ">=14.5")


def test_what_can_be_searched_is_what_varies_and_was_measured():
    scores = world(0).assign(condition="clean", audio_s=np.nan)
    assert searchable(scores, TOLD) == [*TOLD, UTTERANCE_LENGTH]
    both = pd.concat([scores, scores.assign(condition="siren", audio_s=1.0)])
    assert searchable(both, TOLD) == ["condition", *TOLD, UTTERANCE_LENGTH, "audio_s"]


def test_an_attribute_of_the_manifest_called_utterance_length_is_its_own():
    scores = world(0).assign(utterance_length="short")
    assert searched(scores, [*TOLD, UTTERANCE_LENGTH]).notes


def test_the_order_of_utterances_and_the_comparator_of_the_policy_change_nothing():
    scores = world(13, planted=PLANTED)
    expected = searched(scores)
    for found in (
        searched(scores.sample(frac=1, random_state=1)),
        searched(scores, policy=policy_of(**FEW, comparator="best")),
    ):
        pd.testing.assert_frame_equal(found.candidates, expected.candidates)
        pd.testing.assert_frame_equal(found.not_assessable, expected.not_assessable)


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(scores_of([], [], [], accent=[]), id="nobody"),
        pytest.param(scores_of([3] * 30, [9] * 30, ["s1"] * 30, accent=["a", "b"] * 15), id="one-speaker"),
        pytest.param(scores_of([3] * 40, [9] * 40, accent=["a"] * 40), id="one-slice"),
        pytest.param(scores_of([3] * 40, [9] * 40, [None] * 40, accent=["a", "b"] * 20), id="no-ids"),
        pytest.param(scores_of([0] * 80, [0] * 80, accent=["a", "b"] * 40), id="no-words"),
        pytest.param(scores_of([2] * 80, [0] * 80, accent=["a", "b"] * 40), id="insertions-without-words"),
    ],
)
def test_data_that_shows_nothing_proposes_nothing(scores):
    found = searched(scores, ["accent", UTTERANCE_LENGTH])
    assert found.candidates.empty
    assert tuple(found.candidates.columns) == DISCOVERY_COLUMNS
    assert found.n_assessed == 0


def test_more_errors_than_words_are_a_slice_like_any_other():
    scores = world(14)
    found = searched(with_errors(scores, scores.eval(PLANTED), 30)).candidates
    assert names_of(found)[0] == ("accent & noise", "a & hum")
    assert found["wer"].iloc[0] > 1
    assert found["confirmed"].iloc[0]


def test_an_attribute_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no attribute 'dialect' to search; the scores have"):
        searched(world(0), ["accent", "dialect"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"max_attributes": 0}, "discovery.max_attributes=0; expected 1 to 3", id="no-attribute"),
        pytest.param({"max_attributes": 4}, "discovery.max_attributes=4; expected 1 to 3", id="too-many"),
        pytest.param({"min_speakers": 3}, "discovery.min_speakers=3; expected at least 4", id="few-speakers"),
        pytest.param({"n_candidates": 0}, "discovery.n_candidates=0; expected at least 1", id="no-candidate"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        DiscoveryOptions(**options)


@pytest.fixture(scope="module")
def v6_1():
    """Return the table of V2.1 and V6.1: 9,000 utterances of 300 speakers, NG & tone1k made three times worse."""
    table = pd.read_csv(DATA / "vectors" / "slices.csv", keep_default_na=False)
    told = {name: table[name] for name in ("accent", "gender", "age", "noise")}
    return table, scores_of(table["errors"], table["words"], [f"s{i:03d}" for i in table["speaker"]], **told)


@needs_data("vectors")
def test_v6_1_the_planted_slice_is_found_first(v6_1):
    _, scores = v6_1
    found = discover(scores, searchable(scores, ["accent", "gender", "age", "noise"])).candidates
    first = found.iloc[0]
    assert (first["dimension"], first["slice"], first["confirmed"]) == ("accent & noise", "NG & tone1k", True)
    assert 0.10 < first["gap_low"] < 0.2049459 < first["gap_high"], "V2.1: the gap over all speakers"


@needs_data("vectors")
def test_v6_1_it_is_also_first_by_sliceline_s_score(v6_1):
    """Sagadeeva and Boehm (2021): .95 (mean errors in the slice / mean - 1) - .05 (n / n in the slice - 1)."""
    table, _ = v6_1
    mean, n = table["errors"].mean(), len(table)
    scores = {
        (names, key): 0.95 * (part["errors"].mean() / mean - 1) - 0.05 * (n / len(part) - 1)
        for size in (1, 2, 3)
        for names in combinations(["accent", "gender", "age", "noise"], size)
        for key, part in table.groupby(list(names), dropna=False, observed=True)
        if len(part) >= 60
    }
    best = max(scores, key=lambda name: scores[name])
    assert best == (("accent", "noise"), ("NG", "tone1k"))
    assert scores[best] == pytest.approx(0.4023779, abs=5e-8)
    printed = 0.95 * (4.243719 / 1.657 - 1) - 0.05 * (9_000 / 398 - 1)  # from the mean rounded to six decimals
    assert printed == pytest.approx(0.4023781, abs=5e-8)
