"""The metrics table: what it has rows for, what it says where there is no number, and what it survives."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Failures
from harness.fairness.distances import energy_distance_squared, hoeffding_half_width, pair_of, wasserstein
from harness.fairness.kinds.barycentre_rows import barycentre_row
from harness.fairness.kinds.inequality import generalised_entropy, gini
from harness.fairness.kinds.rate_cells import sum_rates
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.kinds.speaker_rows import quantile_limits
from harness.fairness.kinds.word_metrics import rates
from harness.fairness.membership import membership
from harness.fairness.metrics import METRIC_COLUMNS, metrics_table
from harness.fairness.speaker_sums import checked_scores, speaker_codes
from tests.fairness.builders import policy_of, scores_of, simulated, speakers_of

SCORES = simulated(np.random.default_rng(0), [0.15, 0.3, 0.3], n_speakers=[14, 20, 16])
GAP_METRICS = [
    "word_recall_gap", "word_precision_gap", "word_f1_gap", "deletion_rate_gap", "substitution_rate_gap",
    "insertion_rate_gap", "usable_rate_gap", "equalised_odds_gap", "usable_rate_ratio",
]  # fmt: skip
DISTANCE_METRICS = [
    "wasserstein_1", "wasserstein_1_worse", "wasserstein_1_better", "energy_distance_squared", "mmd_squared",
    "sinkhorn_divergence",
]  # fmt: skip
BOUND_METRICS = ["speaker_wer_gap_hoeffding", "speaker_wer_gap_bernstein"]


def table_of(scores=SCORES, by="accent", policy=None, seed=0, **options):
    return metrics_table(scores, by, policy or policy_of(), np.random.default_rng(seed), **options)


def rows_of(table, name="", dimension="accent", comparator=""):
    here = (table["dimension"] == dimension) & (table["slice"] == name) & (table["comparator"] == comparator)
    return table[here].set_index("metric")


def speaker_wers(scores, accents):
    counts = scores[scores["accent"].isin(accents)].groupby("speaker_id")[["hits", "substitutions", "insertions"]].sum()
    return ((counts["substitutions"] + counts["insertions"]) / (counts["hits"] + counts["substitutions"])).to_numpy()


def explained(table):
    """Say whether every missing value has a note, and every row a source."""
    silent = table[table["value"].isna() & (table["note"] == "")]
    return silent.empty and (table["source"] != "").all()


def test_the_columns_are_those_of_the_contract():
    table = table_of()
    assert tuple(table.columns) == METRIC_COLUMNS
    assert not table.duplicated(["dimension", "slice", "comparator", "metric"]).any()
    assert explained(table)


def test_every_slice_comparison_and_dimension_has_its_rows():
    table = table_of(by=["accent"])
    assert {"word_recall", "speaker_wer_p90", "speaker_wer_cvar_10"} <= set(rows_of(table, "all", "overall").index)
    for name in ("a0", "a1", "a2"):
        assert list(rows_of(table, name, comparator="rest").index) == [*GAP_METRICS, *DISTANCE_METRICS, *BOUND_METRICS]
        assert rows_of(table, name).index[0] == "word_recall"
    whole = set(rows_of(table).index)
    assert {
        "max_min_range",
        "max_min_range_corrected",
        "max_ratio",
        "worst_relative_gap",
        "slice_wer_deviation",
    } < whole
    assert {"theil_of_errors_between", "gini_of_served_words", "wasserstein_barycentre", "faas"} < whole


def test_undeclared_people_have_rates_and_no_gaps():
    scores = SCORES.assign(accent=SCORES["accent"].where(SCORES["accent"] != "a2", None))
    table = table_of(scores)
    assert rows_of(table, "undeclared").loc["word_recall", "n_speakers"] == 16
    assert set(table.loc[table["comparator"] != "", "slice"]) == {"a0", "a1"}
    assert rows_of(table).loc["max_min_range", "n_speakers"] == 34
    assert rows_of(table).loc["gini_of_errors", "n_speakers"] == 34


def test_below_the_floors_there_are_values_and_neither_intervals_nor_tests():
    table = table_of(policy=policy_of(min_speakers=15))
    few = rows_of(table, "a0", comparator="rest")
    assert "14 speakers with an id where the policy asks for 15" in few.loc["word_recall_gap", "note"]
    assert (
        few.loc["word_recall_gap", "value"]
        == rows_of(table_of(), "a0", comparator="rest").loc["word_recall_gap", "value"]
    )
    assert few[["value_low", "value_high", "p_value"]].isna().all(axis=None)
    assert few.loc["wasserstein_1", "note"].endswith("no distance")
    assert not set(few.index) & set(BOUND_METRICS)
    assert rows_of(table).loc["max_min_range", "note"].endswith("2 slices")


def test_distances_are_those_of_the_wers_of_speakers():
    table = table_of()
    x, y = speaker_wers(SCORES, ["a0"]), speaker_wers(SCORES, ["a1", "a2"])
    found = rows_of(table, "a0", comparator="rest")
    assert found.loc["wasserstein_1", "value"] == pytest.approx(wasserstein(pair_of(x, y))[0])
    assert found.loc["energy_distance_squared", "value"] == pytest.approx(energy_distance_squared(pair_of(x, y))[0])
    worse, better = (found.loc[f"wasserstein_1_{part}", "value"] for part in ("worse", "better"))
    assert worse + better == pytest.approx(found.loc["wasserstein_1", "value"])
    assert worse - better == pytest.approx(x.mean() - y.mean())
    assert found.loc[DISTANCE_METRICS, "p_value"].between(0.001, 1).all()
    assert found.loc[DISTANCE_METRICS, "note"].str.contains("p uncorrected").all()


def test_a_bound_holds_the_mean_gap_and_is_wider_than_an_interval():
    found = rows_of(table_of(), "a0", comparator="rest")
    x, y = speaker_wers(SCORES, ["a0"]), speaker_wers(SCORES, ["a1", "a2"])
    for metric in BOUND_METRICS:
        row = found.loc[metric]
        assert row["value"] == pytest.approx(np.minimum(x, 1).mean() - np.minimum(y, 1).mean())
        assert row["value_high"] - row["value_low"] > 0.3
        halves = [hoeffding_half_width(np.array([float(n)]), n_groups=2, delta=0.05)[0] for n in (len(x), len(y))]
        if metric.endswith("hoeffding"):
            assert row["value_high"] - row["value"] == pytest.approx(sum(halves))
        assert -1 <= row["value_low"] < row["value"] < row["value_high"] <= 1


def test_inequality_is_that_of_the_speakers_in_declared_slices():
    found = rows_of(table_of())
    wers = [speaker_wers(SCORES, [name]) for name in ("a0", "a1", "a2")]
    codes, flat = np.repeat([0, 1, 2], [len(each) for each in wers]), np.concatenate(wers)
    once = np.ones((1, len(flat)))
    parts = generalised_entropy(flat, codes, 2, once)
    for suffix, expected in (("", parts.total), ("_between", parts.between), ("_within", parts.within)):
        row = found.loc[f"generalised_entropy_2_of_errors{suffix}"]
        assert row["value"] == pytest.approx(expected[0])
        if suffix:
            assert "no interval" in row["note"]
            assert np.isnan(row["value_low"])
        else:
            assert row["value_low"] <= row["value"] <= row["value_high"]
            assert "too narrow" in row["note"]
    assert found.loc["gini_of_errors", "value"] == pytest.approx(gini(flat, once)[0])
    assert "benefit" in found.loc["gini_of_errors", "note"]


@pytest.mark.parametrize("n_speakers", [36, 60, 200])
def test_two_speakers_hold_the_worst_tenth_s_quantile_between_them_as_often_as_they_say(n_speakers):
    rng = np.random.default_rng(n_speakers)
    limits = [quantile_limits(rng.exponential(size=n_speakers), 0.05) for _ in range(2_000)]
    covered = np.mean([low <= np.log(10) <= high for low, high in limits])  # the 90 % quantile is log 10
    assert 0.94 < covered < 0.99


def test_the_mean_of_the_worst_has_no_interval_and_says_why():
    row = rows_of(table_of(), "a1").loc["speaker_wer_cvar_10"]
    assert row["value"] == np.sort(speaker_wers(SCORES, ["a1"]))[18:].mean()
    assert np.isnan(row["value_low"])
    assert "no interval" in row["note"]


def test_few_speakers_have_a_worst_one_and_no_interval():
    row = rows_of(table_of(speakers_of({"a": [10, 20, 90]})), "a").loc["speaker_wer_p90"]
    assert row["value"] == 0.9
    assert np.isnan([row["value_low"], row["value_high"]]).all()
    assert "no interval" in row["note"]


def test_failures_that_are_left_out_are_no_support():
    scores = speakers_of({"a": [10] * 6, "b": [20] * 6}).assign(failed=[True] * 4 + [False] * 8)
    kept, left_out = (
        rows_of(table_of(scores, policy=policy_of(min_utterances=5, failures=failures))).loc["max_min_range", "note"]
        for failures in (Failures.deletions, Failures.left_out)
    )
    assert kept.endswith("2 slices")
    assert left_out.startswith("1 of 2 declared slices")


def test_the_range_of_equal_slices_is_corrected_downward():
    raw, corrected = [], []
    for seed in range(12):
        scores = simulated(np.random.default_rng(seed), [0.2] * 5, n_utterances=5)
        found = rows_of(table_of(scores, policy=policy_of(n_resamples=100, n_permutations=100)))["value"]
        raw.append(found["max_min_range"])
        corrected.append(found["max_min_range_corrected"])
    assert 0.4 * np.mean(raw) < np.mean(corrected) < 0.8 * np.mean(raw)


def test_the_deviation_weighs_slices_by_their_speakers():
    found = rows_of(table_of(speakers_of({"a": [10, 10, 10], "b": [30]}), policy=policy_of(min_speakers=2)))
    assert "1 of 2 declared slices reach the policy's floors" in found.loc["max_min_range", "note"]
    found = rows_of(table_of(speakers_of({"a": [10] * 6, "b": [30] * 2})))
    assert found.loc["slice_wer_deviation", "value"] == pytest.approx(np.sqrt(0.75 * 0.05**2 + 0.25 * 0.15**2))
    assert found.loc["worst_relative_gap", "value"] == pytest.approx((0.3 - 0.15) / 0.15)
    assert found.loc["max_ratio", "value"] == pytest.approx(3)


def test_faas_states_its_defects_and_is_no_test():
    row = rows_of(table_of()).loc["faas"]
    assert np.isfinite(row["value"])
    assert np.isnan(row["p_value"])
    assert "no evidence" in row["note"]
    run = rows_of(table_of(by=["accent"]), "", "overall").loc["faas"]
    assert run["note"].startswith("mean of 1 attribute;")


def test_the_faas_category_weighs_slices_by_their_utterances():
    row = rows_of(table_of(speakers_of({"a": [10] * 6, "b": [30] * 2, "c": [20] * 4}))).loc["faas"]
    assert row["note"].startswith("category 66.67, p ")  # (6 * 100 + 2 * 0 + 4 * 50) / 12


def test_labels_that_mean_nothing_have_uniform_barycentre_p_values():
    """Of 100 corpora; 10 % of p-values are below .1, give or take 6 at two sigma."""
    p_values = []
    for seed in range(100):
        scores = checked_scores(simulated(np.random.default_rng(seed), [0.2] * 3, n_utterances=5), policy_of())
        cells = sum_rates(rates(scores), membership(scores, "accent"), speaker_codes(scores))
        p_values.append(barycentre_row(cells, np.arange(3), Draws(100, 99, seed)).p_value)
    assert 0.42 < np.mean(p_values) < 0.58
    assert np.mean(np.array(p_values) <= 0.1) <= 0.17


def test_conditions_of_the_same_speakers_are_swapped_within_them():
    clean = simulated(np.random.default_rng(0), [0.3], n_speakers=12, spread=1.0)
    noise = clean.assign(
        utterance_id=clean["utterance_id"] + "n",
        hits=np.maximum(clean["hits"] - 2, 0),
        substitutions=clean["substitutions"] + np.minimum(clean["hits"], 2),
    )
    scores = pd.concat([clean.assign(condition="clean"), noise.assign(condition="noise")], ignore_index=True)
    table = table_of(scores, "condition")
    apart = table_of(scores.assign(speaker_id=scores["speaker_id"] + scores["condition"]), "condition")
    p_values = [rows_of(each, "noise", "condition", "rest").loc["wasserstein_1", "p_value"] for each in (table, apart)]
    assert p_values[0] < 0.005 < p_values[1]
    assert rows_of(table, "", "condition").loc["wasserstein_barycentre", "p_value"] < 0.005


def test_the_same_seed_gives_the_same_table_and_another_the_same_values():
    first, again, other = table_of(), table_of(), table_of(seed=1)
    pd.testing.assert_frame_equal(first, again)
    corrected = first["metric"] == "max_min_range_corrected"
    scored = first["metric"] == "faas"  # rests on a permutation p-value
    kept = ~corrected & ~scored
    np.testing.assert_array_equal(first.loc[kept, "value"], other.loc[kept, "value"])


def test_order_of_rows_changes_nothing_but_rounding():
    shuffled = table_of(SCORES.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(table_of(), shuffled)


def test_a_dimension_alone_is_described_as_among_others():
    scores = SCORES.assign(gender=np.where(SCORES.index % 40 < 20, "f", "m"))
    both, alone = table_of(scores, ["accent", "gender"]), table_of(scores, "gender")
    there = both[both["dimension"] == "gender"].reset_index(drop=True)
    pd.testing.assert_frame_equal(there, alone[alone["dimension"] == "gender"].reset_index(drop=True))


SOME_IDS = SCORES["speaker_id"].where(SCORES.index % 3 > 0)
SEVERAL = SCORES["accent"].map(lambda name: (name, "all", "b"))
MANY = pd.concat([SCORES.iloc[:100], SCORES.iloc[-100:]], ignore_index=True)


@pytest.mark.parametrize(
    ("scores", "by"),
    [
        pytest.param(SCORES[SCORES["speaker_id"] == "s000"], "accent", id="one-speaker"),
        pytest.param(SCORES[SCORES["accent"] == "a0"], "accent", id="one-slice"),
        pytest.param(speakers_of({"a": [20] * 6, "b": [20] * 6}), "accent", id="all-alike"),
        pytest.param(speakers_of({"a": [0] * 6, "b": [0] * 6}), "accent", id="no-errors"),
        pytest.param(speakers_of({"a": [100] * 6, "b": [100] * 6}), "accent", id="all-wrong"),
        pytest.param(speakers_of({"a": [300, 250, 20], "b": [900, 10, 5000]}), "accent", id="wer-above-one"),
        pytest.param(speakers_of({"a": [2, 1, 0], "b": [3, 1, 0]}, words=0), "accent", id="no-words-insertions"),
        pytest.param(speakers_of({"a": [0, 0, 0], "b": [0, 0, 0]}, words=0), "accent", id="no-words-at-all"),
        pytest.param(
            scores_of([3, 2, 5, 1, 2], [0, 0, 10, 10, 0], accent=["a", "a", "b", "b", "c"]), "accent", id="silent-slice"
        ),
        pytest.param(SCORES.assign(speaker_id=None), "accent", id="no-speaker-ids"),
        pytest.param(SCORES.assign(speaker_id=SOME_IDS), "accent", id="some-ids"),
        pytest.param(SCORES.assign(accent=None), "accent", id="nobody-declared"),
        pytest.param(SCORES.assign(failed=SCORES.index % 5 == 0), "accent", id="failures"),
        pytest.param(SCORES.assign(failed=True), "accent", id="all-failed"),
        pytest.param(SCORES.assign(accent=SEVERAL), "accent", id="multi-valued"),
        pytest.param(MANY.assign(accent=[f"v{i}" for i in range(200)]), "accent", id="a-value-an-utterance"),
        pytest.param(SCORES.iloc[:0], "accent", id="no-utterances"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("comparator", ["rest", "largest"])
def test_bad_input_gives_numbers_or_says_why_not(scores, by, comparator):
    table = table_of(scores, by, policy_of(comparator=comparator, n_resamples=100, n_permutations=100))
    assert tuple(table.columns) == METRIC_COLUMNS
    assert explained(table)
    assert not np.isinf(table[["value", "value_low", "value_high"]].to_numpy(float)).any()
    assert (table["value_low"].isna() == table["value_high"].isna()).all()
    assert table["p_value"].dropna().between(0, 1, inclusive="right").all()


def test_five_thousand_values_are_described_one_by_one():
    rng = np.random.default_rng(0)
    scores = simulated(rng, [0.2], n_speakers=500, n_utterances=12)
    scores = scores.assign(accent=[f"v{i % 5_000}" for i in range(len(scores))])
    table = table_of(scores, policy=policy_of(min_speakers=5, n_resamples=100, n_permutations=100))
    assert (table["metric"] == "word_recall").sum() == 5_001
    assert explained(table)


def test_an_unknown_dimension_is_an_error():
    with pytest.raises(UsageError, match="no attribute 'dialect'"):
        table_of(by="dialect")
