from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Correction, DimensionPolicy, Failures, Policy, Verdict, disparity_table, violations
from harness.fairness.disparity import DISPARITY_COLUMNS
from harness.fairness.power import minimum_detectable_gap
from harness.fairness.significance import adjusted, permutation_p_values, sign_flip_p_values
from tests.fairness.builders import WORD_COUNTS, policy_of, row_of, scores_of, simulated, speakers_of
from tests.shared import DATA, needs_data

LEVEL = [20, 24, 16, 22, 18, 21, 19, 23, 17, 20]  # word errors of ten speakers, 100 words each
HIGH, LOW = [count + 25 for count in LEVEL], [count // 4 for count in LEVEL]


def judged(scores, by="accent", policy=None, seed=0, **options):
    return disparity_table(scores, by, policy or policy_of(), np.random.default_rng(seed), **options)


def verdicts(table):
    return dict(zip(table["slice"], table["verdict"], strict=True))


def in_utterances(scores, n=4):
    """Split every row into n utterances of the same speaker, so that the floors of the default policy are met."""
    parts = [scores.assign(**{name: (scores[name] + k) // n for name in WORD_COUNTS}) for k in range(n)]
    return pd.concat(parts, ignore_index=True).assign(utterance_id=[f"u{i}" for i in range(n * len(scores))])


def conditions_of(clean: Sequence[int], noisy: Sequence[int], words: int = 200) -> pd.DataFrame:
    """Return every speaker once clean and once noisy."""
    speakers = [f"s{i}" for i in range(len(clean))]
    both = ["clean"] * len(clean) + ["noisy"] * len(noisy)
    return scores_of([*clean, *noisy], [words] * len(both), speakers * 2, condition=both)


@pytest.fixture(scope="module")
def corpus():
    scores = simulated(np.random.default_rng(0), [0.15, 0.3, 0.12], n_speakers=(7, 12, 15), n_utterances=6)
    rng = np.random.default_rng(1)
    return scores.assign(
        gender=rng.permutation(np.repeat(["f", "m"], len(scores) // 2)),
        condition=rng.choice(["clean", "tone"], len(scores)),
    )


# Numbers


def test_columns_are_those_of_the_contract(corpus):
    assert judged(corpus).columns.tolist() == list(DISPARITY_COLUMNS)
    assert len(DISPARITY_COLUMNS) == 16


def test_gap_and_ratio_are_of_the_pooled_rates_against_everybody_else(corpus):
    words = corpus["hits"] + corpus["substitutions"]
    errors = corpus["substitutions"] + corpus["insertions"]
    table = judged(corpus)
    for name in ("a0", "a1", "a2"):
        inside = corpus["accent"] == name
        own, other = errors[inside].sum() / words[inside].sum(), errors[~inside].sum() / words[~inside].sum()
        row = row_of(table, name)
        assert (row["comparator"], row["wer"], row["comparator_wer"]) == ("rest", own, other)
        assert (row["gap"], row["ratio"]) == pytest.approx((own - other, own / other))
        assert row["gap_low"] < row["gap"] < row["gap_high"]
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]


def test_p_values_of_speaker_slices_are_permutations_of_speakers(corpus):
    sums = corpus.assign(
        words=corpus["hits"] + corpus["substitutions"], errors=corpus["substitutions"] + corpus["insertions"]
    )
    sums = sums.groupby("speaker_id").agg({"words": "sum", "errors": "sum", "accent": "first"})
    members = np.stack([sums["accent"] == name for name in ("a0", "a1", "a2")], axis=1)
    table = judged(corpus)
    seed = int(np.random.default_rng(0).integers(2**62))
    errors, words = (sums[name].to_numpy(np.float64) for name in ("errors", "words"))
    expected = permutation_p_values(errors, words, members, n_permutations=999, seed=seed)
    assert table["p_value"].tolist() == expected.tolist()


def test_p_values_within_speakers_are_sign_flips():
    clean, noisy = [20, 31, 12, 44, 25, 30], [32, 35, 30, 41, 48, 39]
    table = judged(conditions_of(clean, noisy), "condition")
    pooled = (sum(clean) + sum(noisy)) / 2400
    shares = [(n - pooled * 200) / 1200 - (c - pooled * 200) / 1200 for c, n in zip(clean, noisy, strict=True)]
    exact = sign_flip_p_values(np.array(shares)[:, None], n_permutations=999, seed=0)[0]
    assert sum(shares) == pytest.approx(row_of(table, "noisy")["gap"])
    assert table["p_value"].tolist() == pytest.approx([exact, exact])


@pytest.mark.parametrize("correction", [each for each in Correction if each is not Correction.max_t])
def test_the_correction_runs_over_every_dimension(corpus, correction):
    table = judged(corpus, ["accent", "gender", "condition"], policy_of(correction=correction))
    assert table["dimension"].tolist() == ["accent"] * 3 + ["gender"] * 2 + ["condition"] * 2
    accents, genders, conditions = [0, 1, 2], [3, 4], [5, 6]
    p_values, found = table["p_value"].to_numpy(), table["p_adjusted"].to_numpy()
    expected = adjusted(p_values[[*accents, genders[0], conditions[0]]], correction)
    np.testing.assert_array_equal(found[[*accents, genders[0], conditions[0]]], expected)
    for first, second in (genders, conditions):  # one hypothesis, seen from both ends
        assert (p_values[second], found[second]) == (p_values[first], found[first])
    assert table["p_value"].notna().all()


@pytest.mark.parametrize("correction", list(Correction), ids=lambda c: c.value)
def test_two_slices_against_each_other_are_one_test(correction):
    table = judged(simulated(np.random.default_rng(5), [0.2, 0.3]), policy=policy_of(correction=correction))
    assert table["p_value"].tolist() == [table["p_value"][0]] * 2
    assert table["p_adjusted"].tolist() == table["p_value"].tolist()
    own = [group for _, group in simulated(np.random.default_rng(5), [0.2, 0.3]).groupby("accent")]
    expected = rise_of(*(sums_of(group) for group in own), alpha=0.05)
    assert table["minimum_detectable_gap"].tolist() == pytest.approx([expected] * 2)


def sums_of(scores):
    """Return errors and words of every speaker, (2, n_speakers)."""
    totals = scores.groupby("speaker_id")[["hits", "substitutions", "deletions", "insertions"]].sum()
    words = totals["hits"] + totals["substitutions"] + totals["deletions"]
    return np.array([totals["substitutions"] + totals["deletions"] + totals["insertions"], words])


def rise_of(a, b, *, alpha):
    """Return the detectable rise over the WER of both sides, by Cochran's and Welch's formulas."""
    squares = []
    for errors, words in (a, b):
        n, rate = len(errors), errors.sum() / words.sum()
        squares.append(n / (n - 1) * ((errors - rate * words) ** 2).sum() / errors.sum() ** 2)
    freedom = sum(squares) ** 2 / sum(q**2 / (len(side[0]) - 1) for q, side in zip(squares, (a, b), strict=True))
    pooled = (a[0].sum() + b[0].sum()) / (a[1].sum() + b[1].sum())
    found = minimum_detectable_gap(np.array([sum(squares) ** 0.5]), np.array([freedom]), alpha=alpha)[0]
    return pooled * (np.exp(found) - 1)


def test_two_slices_against_a_third_are_two_tests():
    table = judged(speakers_of({"a": HIGH, "b": HIGH[::-1], "c": LEVEL}), policy=policy_of(comparator="c"))
    assert table["p_adjusted"].tolist() == pytest.approx([2 * p for p in table["p_value"]])
    same = conditions_of(LEVEL, LEVEL)
    third = same[same["condition"] == "clean"].assign(condition="studio")
    beside = speakers_of({"p": HIGH, "q": LEVEL})
    scores = pd.concat([same, third, beside], ignore_index=True)
    policy = policy_of(dimensions={"condition": DimensionPolicy(comparator="studio")})
    row = row_of(judged(scores, ["condition", "accent"], policy), "p")
    assert row["p_adjusted"] == pytest.approx(3 * row["p_value"])  # alike in every number, and yet two tests


def test_many_comparisons_leave_a_large_gap_significant():
    rng = np.random.default_rng(0)
    cells = [(f"a{i:02d}", f"r{j:02d}") for i in range(20) for j in range(15) for _ in range(6)]
    rates = np.array([0.95 if cell == ("a03", "r04") else 0.04 for cell in cells])
    errors = rng.poisson(rates * 200 * rng.gamma(20, 1 / 20, len(rates)))
    accents, rooms = zip(*cells, strict=True)
    scores = in_utterances(scores_of(errors, [200] * len(cells), accent=list(accents), room=list(rooms)))
    table = judged(scores, "accent & room", Policy(n_resamples=100))
    assert len(table) == 300
    assert table.loc[table["verdict"] == "disparity", "slice"].tolist() == ["a03 & r04"]
    row = row_of(table, "a03 & r04")
    assert 300 * 2 / 10_000 > 0.05 > row["p_adjusted"]  # 9,999 permutations could not have shown it
    assert row["p_adjusted"] == pytest.approx(300 * row["p_value"])


def test_where_no_p_value_can_pass_the_correction_no_gap_is_detectable_and_the_reason_says_so():
    slices = {f"a{k}": [20, 60, 30, 45, 10 + k] for k in range(10)} | {"base": [22, 58, 31, 40, 12]}
    scores = in_utterances(speakers_of(slices))
    table = judged(scores, policy=Policy(comparator="base"))
    assert len(table) == 10
    assert 2 / comb(10, 5) > 0.05 / 10
    assert table["minimum_detectable_gap"].isna().all()
    assert set(table["verdict"]) == {"inconclusive"}
    assert table["reason"].str.contains("so few speakers cannot show any gap among so many comparisons").all()
    assert not table["reason"].str.contains("80 % probability").any()
    six = judged(scores[scores["accent"].isin([*list(slices)[:6], "base"])], policy=Policy(comparator="base"))
    assert 2 / comb(10, 5) < 0.05 / 6
    assert six["minimum_detectable_gap"].between(0.1, 2).all()
    assert six["reason"].str.contains("80 % probability").all()
    alone = judged(scores, policy=Policy(comparator="base", correction=Correction.none))
    assert alone["minimum_detectable_gap"].notna().all()


def test_the_detectable_gap_is_at_the_corrected_level():
    table = judged(in_utterances(speakers_of({"a": LEVEL, "b": LEVEL, "c": HIGH})))
    row = row_of(table, "a")
    level, high = (np.array([errors, [100] * len(errors)]) for errors in (LEVEL, HIGH))
    expected = rise_of(level, np.hstack([level, high]), alpha=0.05 / 3)
    assert row["minimum_detectable_gap"] == pytest.approx(expected)
    uncorrected = judged(
        in_utterances(speakers_of({"a": LEVEL, "b": HIGH})), policy=policy_of(correction=Correction.none)
    )
    assert row_of(uncorrected, "a")["minimum_detectable_gap"] == pytest.approx(rise_of(level, high, alpha=0.05))


@needs_data("vectors")
def test_v2_1_the_worst_intersection_against_the_best():
    vectors = pd.read_csv(DATA / "vectors" / "slices.csv", keep_default_na=False)
    columns = {name: vectors[name].tolist() for name in ("accent", "noise")}
    scores = scores_of(vectors["errors"], vectors["words"], vectors["speaker"].astype(str).tolist(), **columns)
    row = row_of(judged(scores, "accent & noise", policy_of(comparator="best")), "NG & tone1k")
    assert row["comparator"] == "UK & tone1k"
    assert row["gap"] == pytest.approx(0.2049459, abs=2e-7)
    assert 1 / row["ratio"] == pytest.approx(0.3191522, abs=5e-8)
    assert row["verdict"] == "disparity"


# Invariants


def test_the_order_of_rows_changes_nothing(corpus):
    shuffled = corpus.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(judged(shuffled, ["accent", "gender"]), judged(corpus, ["accent", "gender"]))


def test_an_utterance_in_two_parts_changes_no_number(corpus):
    counts = corpus[WORD_COUNTS]
    first = corpus.assign(**{name: counts[name] // 2 for name in WORD_COUNTS})
    second = corpus.assign(**{name: counts[name] - counts[name] // 2 for name in WORD_COUNTS})
    pd.testing.assert_frame_equal(judged(pd.concat([first, second])), judged(corpus))


@pytest.mark.parametrize("sizes", [(5, 7), (10, 12)], ids=["few", "many"])
def test_swapping_slice_and_comparator_negates_the_gap(sizes):
    scores = simulated(np.random.default_rng(4), [0.2, 0.3], n_speakers=sizes)
    there, back = (judged(scores, policy=policy_of(comparator=name)).iloc[0] for name in ("a0", "a1"))
    assert (there["slice"], back["slice"]) == ("a1", "a0")
    assert (back["gap"], back["gap_low"], back["gap_high"]) == pytest.approx(
        (-there["gap"], -there["gap_high"], -there["gap_low"])
    )
    assert (back["ratio"], back["ratio_low"], back["ratio_high"]) == pytest.approx(
        (1 / there["ratio"], 1 / there["ratio_high"], 1 / there["ratio_low"])
    )
    assert (back["p_value"], back["minimum_detectable_gap"]) == (there["p_value"], there["minimum_detectable_gap"])


@pytest.mark.parametrize("sizes", [(8, 12), (12, 12)], ids=["unequal", "equal"])
def test_of_two_slices_each_is_the_others_rest(sizes):
    table = judged(simulated(np.random.default_rng(5), [0.2, 0.25], n_speakers=sizes))
    assert table["gap"].tolist() == [table["gap"][0], -table["gap"][0]]
    assert table["p_value"][0] == table["p_value"][1]


def test_a_further_dimension_changes_no_p_value_and_no_interval(corpus):
    alone, beside = judged(corpus), judged(corpus, ["gender", "condition", "accent"])
    columns = ["slice", "gap", "gap_low", "gap_high", "ratio_low", "ratio_high", "p_value"]
    beside = beside.loc[beside["dimension"] == "accent", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone[columns], beside)


def test_one_seed_gives_the_same_bytes_and_another_does_not(corpus):
    csv = judged(corpus).to_csv()
    assert judged(corpus).to_csv() == csv
    assert judged(corpus, seed=1).to_csv() != csv
    assert disparity_table(corpus, "accent", policy_of()).to_csv() == csv


def test_the_scores_are_left_as_they_were(corpus):
    before = corpus.copy(deep=True)
    judged(corpus, ["accent", "gender"])
    pd.testing.assert_frame_equal(corpus, before)


def test_slices_with_the_same_speakers_are_tested_on_their_own_counts():
    accents = {"clean": LEVEL, "noisy": HIGH}
    shared = [(f"x{i}", name, count) for name, each in accents.items() for i, count in enumerate(each)]
    speakers, names, counts = zip(*shared, *[(f"y{i}", "studio", count) for i, count in enumerate(LEVEL)], strict=True)
    scores = scores_of(counts, [100] * 30, list(speakers), condition=list(names))
    policy = policy_of(comparator="studio")
    both = judged(scores, "condition", policy)
    for name in accents:
        alone = judged(scores[scores["condition"].isin([name, "studio"])], "condition", policy)
        assert row_of(both, name)["p_value"] == row_of(alone, name)["p_value"]
    assert verdicts(both)["noisy"] == "disparity"


# Who is compared


@pytest.mark.parametrize(
    "silent", ["undeclared", "declined", "", None, np.nan], ids=["undeclared", "declined", "empty", "none", "nan"]
)
def test_who_said_nothing_of_themselves_is_neither_slice_nor_comparator(silent):
    scores = speakers_of({"a": LEVEL, "b": HIGH, "c": [90] * 10})
    scores["accent"] = scores["accent"].astype(object).where(scores["accent"] != "c", silent)
    table = judged(scores)
    assert table["slice"].tolist() == ["a", "b"]
    columns = ["slice", "comparator_wer", "gap", "p_value", "verdict"]
    pd.testing.assert_frame_equal(table[columns], judged(speakers_of({"a": LEVEL, "b": HIGH}))[columns])


def test_intersections_with_an_undeclared_part_are_not_judged():
    scores = speakers_of({"a": LEVEL, "b": HIGH, "c": LOW}).assign(gender=["f", "m", "declined", "f", ""] * 6)
    table = judged(scores, "accent & gender")
    assert set(table["slice"]) == {f"{accent} & {gender}" for accent in "abc" for gender in "fm"}


def test_who_has_several_values_is_in_both_slices_and_in_the_rest_of_neither():
    accent = pd.Series([("a", "b")] * 5 + [("a",)] * 5 + [("b",)] * 5, dtype=object)
    table = judged(scores_of([10] * 5 + [20] * 5 + [40] * 5, [100] * 15, accent=accent))
    first, second = row_of(table, "a"), row_of(table, "b")
    assert (first["wer"], first["comparator_wer"]) == (0.15, 0.4)
    assert (second["wer"], second["comparator_wer"]) == (0.25, 0.2)
    assert "10 speakers against 5" in first["reason"]


@pytest.mark.parametrize("name", ["NA", "nan", "None", "0"])
def test_a_slice_of_any_name_is_judged(name):
    assert row_of(judged(speakers_of({name: HIGH, "b": LEVEL})), name)["verdict"] == "disparity"


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        pytest.param("best", "a", id="best"),
        pytest.param("largest", "c", id="largest"),
        pytest.param("b", "b", id="named"),
    ],
)
def test_the_comparator_is_the_one_promised_and_is_not_judged(comparator, expected):
    scores = speakers_of({"a": LOW, "b": HIGH, "c": [*LEVEL, *LEVEL]})
    table = judged(scores, policy=policy_of(comparator=comparator))
    assert set(table["comparator"]) == {expected}
    assert set(table["slice"]) == {"a", "b", "c"} - {expected}
    rates = {"a": sum(LOW) / 1000, "b": sum(HIGH) / 1000, "c": sum(LEVEL) / 1000}
    assert table["comparator_wer"].unique() == pytest.approx([rates[expected]])


def test_the_best_comparator_has_enough_people_behind_it():
    scores = speakers_of({"tiny": [0, 0], "a": LEVEL, "b": HIGH})
    table = judged(scores, policy=policy_of(comparator="best", min_speakers=5))
    assert set(table["comparator"]) == {"a"}
    assert row_of(table, "tiny")["verdict"] == "insufficient"


def test_an_unknown_comparator_names_the_slices_there_are():
    with pytest.raises(
        UsageError, match=r"'us' is no declared slice of accent; .* \['a', 'b'\]. Set policy.dimensions.accent"
    ):
        judged(speakers_of({"a": LEVEL, "b": HIGH}), policy=policy_of(comparator="us"))


def test_undeclared_people_cannot_be_a_comparator():
    with pytest.raises(UsageError, match="'undeclared' is no declared slice"):
        judged(speakers_of({"a": LEVEL, "b": HIGH, "": LEVEL}), policy=policy_of(comparator="undeclared"))


def test_an_unknown_attribute_is_named():
    with pytest.raises(UsageError, match="no attribute 'acent' to slice by"):
        judged(speakers_of({"a": LEVEL, "b": HIGH}), "acent")


def test_what_is_no_count_is_refused():
    with pytest.raises(UsageError, match=r"'hits' .* expected integers >= 0"):
        judged(speakers_of({"a": LEVEL, "b": HIGH}).assign(hits=-1))


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(speakers_of({"a": LEVEL}), id="one-slice"),
        pytest.param(speakers_of({"a": LEVEL, "": HIGH, "declined": HIGH}), id="one-declared"),
        pytest.param(speakers_of({"a": LEVEL}).iloc[:0], id="no-rows"),
    ],
)
def test_with_nobody_to_compare_there_are_no_rows_but_all_columns(scores):
    table = judged(scores)
    assert (len(table), table.columns.tolist()) == (0, list(DISPARITY_COLUMNS))
    assert len(violations(table, Policy())) == 0


def test_among_5_000_small_slices_a_large_one_is_judged_and_each_of_them_has_a_row():
    rng = np.random.default_rng(0)
    accents = [f"v{k % 5_000:04d}" for k in range(10_000)] + ["large"] * 60
    errors = np.concatenate([rng.poisson(20, 10_000), rng.poisson(60, 60)])
    scores = scores_of(errors, [100] * len(errors), accent=accents)
    table = judged(scores, policy=policy_of(min_speakers=5, n_resamples=100, correction=Correction.max_t))
    assert len(table) == 5_001
    assert table.loc[table["verdict"] != "insufficient", ["slice", "verdict"]].to_numpy().tolist() == [
        ["large", "disparity"]
    ]
    small = row_of(table, "v0042")
    assert small["gap_low"] < small["gap"] < small["gap_high"]
    assert "2 speakers with an id where the policy asks for 5" in small["reason"]


# Verdicts


def test_worse_by_the_margin_and_significant_is_a_disparity():
    row = row_of(judged(in_utterances(speakers_of({"a": HIGH, "b": LEVEL})), policy=Policy()), "a")
    assert row["verdict"] == "disparity"
    for fact in ("worse than rest", "3 points", "+25.0 points", "95 %", "adjusted p 0.0002", "10 speakers against 10"):
        assert fact in row["reason"]


def test_better_by_the_margin_and_significant_is_an_advantage():
    row = row_of(judged(in_utterances(speakers_of({"a": HIGH, "b": LEVEL})), policy=Policy()), "b")
    assert row["verdict"] == "advantage"
    for fact in ("better than rest", "3 points", "-25.0 points", "95 %", "adjusted p 0.0002", "10 speakers against 10"):
        assert fact in row["reason"]


def test_an_interval_inside_the_margin_is_equality_shown():
    table = judged(in_utterances(speakers_of({"a": LEVEL, "b": LEVEL[::-1]})), policy=Policy())
    row = row_of(table, "a")
    assert verdicts(table) == {"a": "within_margin", "b": "within_margin"}
    for fact in ("equal to rest within 3 points", "90 % interval", "+0.0 points", "10 speakers against 10"):
        assert fact in row["reason"]
    assert max(abs(row["gap_low"]), abs(row["gap_high"])) < 0.03


def test_an_interval_wider_than_the_margin_is_inconclusive_and_says_what_could_have_been_seen():
    wide = [5, 45, 12, 38, 3, 29, 41, 8, 19, 30]
    row = row_of(judged(in_utterances(speakers_of({"a": wide, "b": wide[::-1]})), policy=Policy()), "a")
    assert row["verdict"] == "inconclusive"
    detectable = (
        f"a gap of about {100 * row['minimum_detectable_gap']:.1f} points would have been seen with 80 % probability"
    )
    for fact in ("neither a gap of 3 points nor equality", detectable, "10 speakers against 10"):
        assert fact in row["reason"]


@pytest.mark.parametrize(
    ("scores", "facts"),
    [
        pytest.param(
            in_utterances(speakers_of({"a": HIGH[:4], "b": LEVEL}), 8),
            ["4 speakers with an id where the policy asks for 5", "4 speakers against 10"],
            id="speakers",
        ),
        pytest.param(
            speakers_of({"a": HIGH, "b": LEVEL}), ["10 utterances where the policy asks for 20"], id="utterances"
        ),
        pytest.param(
            in_utterances(speakers_of({"a": [2] * 10, "b": [1] * 10}, words=8)),
            ["80 reference words where the policy asks for 100"],
            id="words",
        ),
        pytest.param(
            in_utterances(speakers_of({"a": HIGH, "b": LEVEL})).assign(speaker_id=None),
            ["0 speakers with an id where the policy asks for 5"],
            id="no-speaker-ids",
        ),
        pytest.param(
            speakers_of({"a": [2], "b": [1]}, words=8),
            ["1 speaker with an id where", "1 utterance where", "8 reference words where"],
            id="all-three",
        ),
    ],
)
def test_below_a_floor_no_test_is_run_and_the_reason_names_each_floor(scores, facts):
    row = row_of(judged(scores, policy=Policy(n_resamples=100)), "a")
    assert row["verdict"] == "insufficient"
    assert np.isnan([row["p_value"], row["p_adjusted"]]).all()
    for fact in ["too few to say", *facts]:
        assert fact in row["reason"]


def test_the_floor_holds_for_the_comparator_too():
    table = judged(in_utterances(speakers_of({"a": HIGH, "b": LEVEL[:4]}), 8), policy=Policy())
    assert verdicts(table) == {"a": "insufficient", "b": "insufficient"}


def test_undeclared_utterances_do_not_help_the_comparator_over_its_floor():
    scores = pd.concat([in_utterances(speakers_of({"a": HIGH, "": LEVEL}), 8), speakers_of({"b": LEVEL})])
    row = row_of(judged(scores, policy=policy_of(min_utterances=20)), "a")
    assert row["verdict"] == "insufficient"
    assert "10 utterances where" in row["reason"]


def test_a_slice_without_words_is_insufficient_with_a_reason():
    scores = scores_of([1] * 10 + LEVEL, [0] * 10 + [100] * 10, accent=["a"] * 10 + ["b"] * 10)
    row = row_of(judged(scores), "a")
    assert row["verdict"] == "insufficient"
    assert "0 reference words" in row["reason"]
    assert np.isnan(row[["wer", "gap", "gap_low", "gap_high", "ratio", "p_value"]].astype(float)).all()


def test_insufficient_slices_take_no_share_of_the_correction():
    few = speakers_of({"a": HIGH, "b": LEVEL, "c": [20]})
    table = judged(few, policy=policy_of(min_speakers=2, correction=Correction.holm))
    tested = table["p_value"].notna()
    assert tested.tolist() == [True, True, False]
    np.testing.assert_array_equal(
        table.loc[tested, "p_adjusted"], adjusted(table.loc[tested, "p_value"], Correction.holm)
    )


V3_6 = {"x": [12, 15, 11, 18, 14, 13, 16, 17], "y": [13, 16, 12, 15, 17, 14, 18, 15, 16]}  # errors in 100 words


def test_v3_6_equivalence_is_shown_at_the_published_margin_and_at_no_smaller_one_than_the_interval():
    scores = in_utterances(speakers_of(V3_6))
    row = row_of(judged(scores, policy=Policy(margin=0.04)), "x")
    assert row["verdict"] == "within_margin"
    assert row["p_value"] == pytest.approx(0.5785, abs=0.08)  # Welch's t; here both tails of a permutation
    assert row_of(judged(scores, policy=Policy(margin=0.02)), "x")["verdict"] == "inconclusive"


def test_significant_but_smaller_than_the_margin_is_no_disparity():
    scores = in_utterances(speakers_of({"a": [count + 2 for count in LEVEL * 6], "b": LEVEL * 6}))
    row = row_of(judged(scores, policy=Policy(margin=0.04)), "a")
    assert row["p_adjusted"] < 0.05
    assert row["verdict"] == "within_margin"


def test_significant_and_neither_beyond_the_margin_nor_inside_says_that_a_difference_is_shown():
    scores = in_utterances(speakers_of({"a": [count + 3 for count in LEVEL * 2], "b": LEVEL * 2}))
    table = judged(scores, policy=Policy(margin=0.035))
    assert (table["p_adjusted"] < 0.05).all()
    assert table["gap"].abs().max() < 0.035 < table["gap_high"].max()
    assert verdicts(table) == {"a": "inconclusive", "b": "inconclusive"}
    expected = "a difference is shown, but neither that it reaches 3.5 points nor that it stays inside: "
    assert table["reason"].str.startswith(expected).all()
    assert not table["reason"].str.contains("equality|would have been seen").any()


@pytest.mark.parametrize(("comparator", "said"), [("best", True), ("largest", False), ("a", False), ("rest", False)])
def test_only_the_best_comparator_comes_with_a_word_on_its_picking(comparator, said):
    scores = in_utterances(speakers_of({"a": LEVEL, "b": HIGH, "c": [count + 4 for count in LEVEL]}))
    table = judged(scores, policy=policy_of(comparator=comparator))
    words = "; p ignores that the best slice was picked from the same data"
    assert table["reason"].str.endswith(words).tolist() == [said] * len(table)


def test_as_large_as_the_margin_but_not_significant_is_inconclusive():
    scores = in_utterances(speakers_of({"a": [10, 60, 20, 70, 15], "b": [5, 40, 30, 8, 33]}))
    row = row_of(judged(scores, policy=Policy()), "a")
    assert row["gap"] > 0.1
    assert row["p_adjusted"] > 0.05
    assert row["verdict"] == "inconclusive"


def test_a_ratio_margin_finds_what_the_gap_margin_allows():
    scores = in_utterances(speakers_of({"a": [4, 5, 4, 3, 4, 4, 5, 3, 4, 4], "b": [2, 2, 1, 2, 3, 2, 2, 1, 3, 2]}))
    assert row_of(judged(scores, policy=Policy()), "a")["verdict"] == "within_margin"
    row = row_of(judged(scores, policy=Policy(margin_ratio=1.5)), "a")
    assert row["verdict"] == "disparity"
    assert "3 points or ×1.5" in row["reason"]


def test_a_ratio_to_a_comparator_without_errors_is_beyond_any_margin_and_its_mirror_too():
    few = [2, 1, 2, 3, 2, 1, 2, 2, 1, 2]
    scores = in_utterances(speakers_of({"a": few, "b": [0] * 10}, words=400), 4)
    assert verdicts(judged(scores, policy=Policy(margin=0.05))) == {"a": "within_margin", "b": "within_margin"}
    table = judged(scores, policy=Policy(margin=0.05, margin_ratio=50))
    assert np.isnan(row_of(table, "a")["ratio"])
    assert row_of(table, "b")["ratio"] == 0
    assert verdicts(table) == {"a": "disparity", "b": "advantage"}


def test_without_errors_on_either_side_no_ratio_is_shown():
    silent = in_utterances(speakers_of({"a": [0] * 10, "b": [0] * 10}))
    table = judged(silent, policy=Policy(margin_ratio=2))
    assert verdicts(table) == {"a": "inconclusive", "b": "inconclusive"}


def test_what_may_be_far_better_is_not_shown_to_be_equal():
    table = judged(in_utterances(speakers_of({"a": [5, 35, 12, 8, 3, 2], "b": [50] * 6})), policy=Policy(margin=0.4))
    assert verdicts(table) == {"a": "inconclusive", "b": "inconclusive"}


def test_what_may_be_far_better_by_ratio_is_not_shown_to_be_equal():
    scores = in_utterances(speakers_of({"a": [4, 30, 8, 22, 6, 14], "b": [20] * 6}))
    row = row_of(judged(scores, policy=Policy(margin=0.5, margin_ratio=1.6)), "a")
    assert row["ratio_low"] < 1 / 1.6 < row["ratio"] < row["ratio_high"] < 1.6
    assert row["verdict"] == "inconclusive"


def test_equality_of_ratios_is_judged_at_the_narrow_interval_too():
    scores = in_utterances(speakers_of({"a": LEVEL, "b": LEVEL}))
    row = row_of(judged(scores, policy=Policy(margin=0.5)), "a")
    wide = row["ratio_high"]
    narrow = row_of(judged(scores, policy=Policy(margin=0.5, alpha=0.1)), "a")["ratio_high"]
    between = (wide + narrow) / 2
    assert row_of(judged(scores, policy=Policy(margin=0.5, margin_ratio=between)), "a")["verdict"] == "within_margin"
    assert (
        row_of(judged(scores, policy=Policy(margin=0.5, margin_ratio=(1 + narrow) / 2)), "a")["verdict"]
        == "inconclusive"
    )


def test_equality_must_hold_within_every_margin():
    scores = in_utterances(speakers_of({"a": [2, 3, 2, 1, 4], "b": [2, 2, 3, 2, 2]}))
    assert row_of(judged(scores, policy=Policy()), "a")["verdict"] == "within_margin"
    assert row_of(judged(scores, policy=Policy(margin_ratio=1.25)), "a")["verdict"] == "inconclusive"


def test_a_dimension_has_its_own_margin_comparator_and_failing_verdicts():
    scores = in_utterances(speakers_of({"a": HIGH, "b": LEVEL})).assign(
        gender=lambda s: s["accent"].map({"a": "f", "b": "m"})
    )
    policy = Policy(dimensions={"gender": DimensionPolicy(margin=0.5, comparator="m", fail_on=["within_margin"])})
    table = judged(scores, ["accent", "gender"], policy)
    assert row_of(table, "a", "accent")["verdict"] == "disparity"
    assert row_of(table, "f", "gender")["verdict"] == "within_margin"
    assert table.loc[table["dimension"] == "gender", "comparator"].tolist() == ["m"]
    assert violations(table, policy)["slice"].tolist() == ["a", "f"]


@pytest.mark.parametrize("verdict", [each.value for each in Verdict])
def test_the_verdicts_that_fail_a_run_are_those_promised(verdict):
    wide = [5, 45, 12, 38, 3, 29, 41, 8, 19, 30]
    parts = [{"a": HIGH, "b": LEVEL}, {"a": LEVEL, "b": LEVEL}, {"a": wide, "b": wide}, {"a": LEVEL, "b": LEVEL[:2]}]
    frames = [judged(in_utterances(speakers_of(part)), policy=Policy()) for part in parts]
    table = pd.concat(frames, ignore_index=True)
    assert set(table["verdict"]) == {each.value for each in Verdict}
    assert set(violations(table, Policy(fail_on=[verdict]))["verdict"]) == {verdict}
    assert len(violations(table, Policy(fail_on=[]))) == 0


# Edges


def test_nobody_errs_and_that_is_equality_only_as_far_as_it_was_measured():
    silent = in_utterances(speakers_of({"a": [0] * 10, "b": [0] * 10}))
    row = row_of(judged(silent, policy=Policy()), "a")
    assert (row["verdict"], row["gap"], row["p_value"]) == ("within_margin", 0, 1)
    assert row["gap_low"] < 0 < row["gap_high"]
    assert np.isnan(row["ratio"])
    assert row_of(judged(silent, policy=Policy(margin=0.001)), "a")["verdict"] == "inconclusive"


def test_a_comparator_without_errors_still_shows_a_disparity():
    row = row_of(judged(in_utterances(speakers_of({"a": LEVEL, "b": [0] * 10})), policy=Policy()), "a")
    assert (row["verdict"], row["gap"]) == ("disparity", 0.2)
    assert np.isnan(row["ratio"])


def test_a_condition_that_changes_nothing_is_within_the_margin():
    row = row_of(judged(conditions_of(LEVEL, LEVEL), "condition"), "noisy")
    assert (row["verdict"], row["gap"], row["p_value"]) == ("within_margin", 0, 1)
    assert row["gap_low"] < 0 < row["gap_high"]


def test_speakers_on_both_sides_show_a_small_gap_that_speakers_apart_would_not():
    clean = [4, 60, 20, 44, 12, 30, 52, 8, 36, 26]
    noisy = [count + 8 + count % 3 for count in clean]
    together = row_of(judged(conditions_of(clean, noisy), "condition", policy_of(n_permutations=2_000)), "noisy")
    alone = row_of(judged(speakers_of({"clean": clean, "noisy": noisy}, words=200)), "noisy")
    assert together["gap"] == alone["gap"]
    assert together["verdict"] == "disparity"
    assert alone["verdict"] == "inconclusive"
    assert together["gap_high"] - together["gap_low"] < 0.3 * (alone["gap_high"] - alone["gap_low"])


def test_more_errors_than_words_are_judged_like_any_others():
    row = row_of(
        judged(in_utterances(speakers_of({"a": [count + 100 for count in LEVEL], "b": LEVEL})), policy=Policy()), "a"
    )
    assert (row["wer"], row["verdict"]) == (1.2, "disparity")


def test_failures_as_deletions_make_a_disparity_that_leaving_them_out_hides():
    scores = in_utterances(speakers_of({"a": LEVEL, "b": LEVEL}), 10)
    failed = (scores["accent"] == "a") & (scores.index % 20 < 8)
    lost = scores.assign(
        failed=failed,
        deletions=scores["deletions"].where(~failed, scores["hits"] + scores["substitutions"]),
        hits=scores["hits"].where(~failed, 0),
        substitutions=scores["substitutions"].where(~failed, 0),
    )
    assert failed.sum() > 30
    assert row_of(judged(lost, policy=Policy()), "a")["verdict"] == "disparity"
    assert row_of(judged(lost, policy=Policy(failures=Failures.left_out)), "a")["verdict"] != "disparity"


def test_speakers_of_whom_nothing_was_counted_do_not_reach_a_floor():
    scores = in_utterances(speakers_of({"a": HIGH, "b": LEVEL}))
    failed = (scores["accent"] == "a") & ~scores["speaker_id"].isin(["s000", "s001"])
    policy = Policy(failures=Failures.left_out)
    row = row_of(judged(scores.assign(failed=failed), policy=policy), "a")
    assert row["verdict"] == "insufficient"
    assert "2 speakers" in row["reason"]


def test_the_floor_counts_scored_utterances():
    scores = in_utterances(speakers_of({"a": HIGH, "b": LEVEL}))
    failed = (scores["accent"] == "b") & (scores.index >= 40)  # two of every speaker's four
    lost = scores.assign(failed=failed)
    assert (lost["accent"] == "b").sum() - failed.sum() == 20
    policies = [Policy(failures=rule, min_utterances=21) for rule in (Failures.left_out, Failures.deletions)]
    left_out, deletions = (judged(lost, policy=policy) for policy in policies)
    assert verdicts(left_out) == {"a": "insufficient", "b": "insufficient"}
    assert left_out["reason"].str.contains("20 utterances where the policy asks for 21").all()
    assert "insufficient" not in set(deletions["verdict"])
    assert "insufficient" not in set(judged(lost, policy=Policy(failures=Failures.left_out))["verdict"])


def test_the_best_comparator_was_heard_often_enough():
    scores = in_utterances(speakers_of({"a": LEVEL, "b": HIGH, "c": LOW}))
    failed = (scores["accent"] == "c") & ~scores["speaker_id"].isin(["s020", "s021"])
    policy = Policy(comparator="best", failures=Failures.left_out, min_utterances=1, min_words=1)
    table = judged(scores.assign(failed=failed), policy=policy)
    assert set(table["comparator"]) == {"a"}
    assert verdicts(table) == {"b": "disparity", "c": "insufficient"}


@pytest.mark.parametrize("missing", [None, np.nan, ""], ids=["none", "nan", "empty"])
def test_a_few_missing_ids_do_not_change_the_test(missing):
    scores = simulated(np.random.default_rng(0), [0.2, 0.23, 0.2], n_speakers=20)
    assert len(scores) == 1_200
    without = scores.assign(
        speaker_id=scores["speaker_id"].astype(object).where(~scores.index.isin([30, 900]), missing)
    )
    policy = policy_of(n_permutations=9_999)
    whole, some = judged(scores, policy=policy), judged(without, policy=policy)
    assert some["p_value"].tolist() == pytest.approx(whole["p_value"].tolist(), abs=0.02)
    columns = ["gap_low", "gap_high", "minimum_detectable_gap"]
    np.testing.assert_allclose(some[columns], whole[columns], atol=0.01)
    assert some["gap"].tolist() == whole["gap"].tolist()


def test_the_unnamed_are_one_further_speaker_on_each_side():
    scores = speakers_of({"a": HIGH, "b": [*LEVEL, 30, 25]})
    last_of = {"s009": "x", "s021": "y"}  # of either side
    unnamed = scores.assign(speaker_id=scores["speaker_id"].astype(object).where(~scores["speaker_id"].isin(last_of)))
    named = scores.assign(speaker_id=scores["speaker_id"].replace(last_of))
    columns = ["gap", "ratio", "ratio_low", "ratio_high", "minimum_detectable_gap"]
    some, whole = judged(unnamed), judged(named)
    np.testing.assert_allclose(some[columns].astype(float), whole[columns].astype(float), rtol=1e-12)
    assert "9 speakers against 11" in row_of(some, "a")["reason"]
    assert "10 speakers against 12" in row_of(whole, "a")["reason"]


@pytest.mark.parametrize("comparators", [("rest", "rest"), ("a0", "a1")], ids=["rest", "named"])
@pytest.mark.parametrize("sizes", [(15, 15), (12, 20)], ids=["equal", "unequal"])
def test_two_slices_with_unnamed_utterances_mirror_each_other(comparators, sizes):
    scores = simulated(np.random.default_rng(7), [0.2, 0.25], n_speakers=sizes)
    scores["speaker_id"] = scores["speaker_id"].where(~scores.index.isin([3, 200, 250, 400]), None)
    of_a0, of_a1 = (
        row_of(judged(scores, policy=policy_of(comparator=comparator)), name)
        for name, comparator in zip(["a0", "a1"], comparators[::-1], strict=True)
    )
    assert of_a0["p_value"] == of_a1["p_value"]
    assert (of_a0["gap_low"], of_a0["gap_high"]) == pytest.approx((-of_a1["gap_high"], -of_a1["gap_low"]), rel=1e-9)
    assert of_a0["minimum_detectable_gap"] == of_a1["minimum_detectable_gap"]


@pytest.mark.parametrize(("n_named", "shown"), [(0, False), (1, False), (2, True)])
def test_below_two_named_speakers_on_a_side_nothing_is_said_beyond_the_gap(n_named, shown):
    scores = speakers_of({"a": HIGH, "b": LEVEL})
    nameless = (scores["accent"] == "a") & ~scores["speaker_id"].isin([f"s{i:03d}" for i in range(n_named)])
    table = judged(scores.assign(speaker_id=scores["speaker_id"].where(~nameless, None)))
    for name in "ab":
        row = row_of(table, name)
        assert abs(row["gap"]) == 0.25
        assert row["ratio"] > 0
        numbers = row[["gap_low", "gap_high", "ratio_low", "ratio_high", "minimum_detectable_gap", "p_value"]]
        assert numbers.notna().tolist() == [shown] * 6
        assert (row["verdict"] == "insufficient") is not shown


def test_a_condition_of_more_than_a_thousand_speakers_is_judged():
    clean = np.random.default_rng(0).integers(10, 40, 1_100)
    table = judged(conditions_of(clean, clean + 10), "condition", policy_of(n_resamples=100, n_permutations=100))
    assert verdicts(table) == {"clean": "advantage", "noisy": "disparity"}


@pytest.mark.parametrize("missing", [None, np.nan, ""], ids=["none", "nan", "empty"])
def test_utterances_without_a_speaker_id_do_not_count_towards_the_floor(missing):
    scores = speakers_of({"a": HIGH, "b": LEVEL})
    scores["speaker_id"] = (
        scores["speaker_id"].astype(object).where(~scores["speaker_id"].isin(["s000", "s001"]), missing)
    )
    row = row_of(judged(scores, policy=policy_of(min_speakers=9)), "a")
    assert row["verdict"] == "insufficient"
    assert "8 speakers with an id where the policy asks for 9" in row["reason"]
    assert row_of(judged(scores, policy=policy_of(min_speakers=8)), "a")["verdict"] == "disparity"


def test_the_p_value_is_not_below_what_enumeration_allows():
    table = judged(speakers_of({"a": [90, 91, 92, 93, 94], "b": [1, 2, 3, 4, 5]}))
    assert table["p_value"].tolist() == pytest.approx([2 / 252] * 2)
    table = judged(speakers_of({"a": [90, 91], "b": [1, 2]}), policy=policy_of(min_speakers=2))
    assert table["p_value"].min() >= 2 / 6


def test_a_reason_says_how_many_clips_of_the_slice_failed(corpus):
    scores = corpus.assign(failed=[value == "a0" and row % 3 == 0 for row, value in enumerate(corpus["accent"])])
    reasons = judged(scores, "accent").set_index("slice")["reason"]
    n_failed, n_clips = int(scores["failed"].sum()), int((scores["accent"] == "a0").sum())
    assert f"{n_failed} of its {n_clips} clips failed, every word of them counted as deleted" in reasons["a0"]
    assert not reasons.drop("a0").str.contains("clips failed").any()
