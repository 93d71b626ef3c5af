"""Rates beside WER: their definitions by hand, their gaps, what happens without chances and without events."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Failures, slice_table
from harness.fairness.comparisons import comparisons
from harness.fairness.gaps import gaps_of
from harness.fairness.kinds.gap_rows import slice_codes
from harness.fairness.kinds.rate_cells import WER, rate_pairs, sum_rates
from harness.fairness.kinds.word_metrics import rates
from harness.fairness.membership import membership
from harness.fairness.metrics import metrics_table
from harness.fairness.speaker_sums import checked_scores, speaker_codes
from tests.fairness.builders import policy_of, scores_of, simulated, speakers_of
from tests.shared import DATA, needs_data

FLAGS = ("hallucination_non_speech_insertion", "hallucination_insertion_run", "hallucination_length_ratio",
         "hallucination_loop", "hallucination", "empty_output")  # fmt: skip


def scores_with(counts, **columns):
    """Return one row an utterance of (hits, substitutions, deletions, insertions), each a new speaker of slice a."""
    frame = pd.DataFrame(counts, columns=["hits", "substitutions", "deletions", "insertions"])
    n = len(frame)
    frame["utterance_id"], frame["speaker_id"] = [f"u{i}" for i in range(n)], [f"s{i}" for i in range(n)]
    defaults = dict.fromkeys(FLAGS, False) | {"failed": False, "accent": "a", "audio_s": 6.0}
    return frame.assign(**(defaults | columns))


def table_of(scores, by="accent", policy=None, **options):
    return metrics_table(scores, by, policy or policy_of(), np.random.default_rng(0), **options)


def values_of(table, name="all", dimension="overall", comparator=""):
    here = (table["dimension"] == dimension) & (table["slice"] == name) & (table["comparator"] == comparator)
    return table[here].set_index("metric")


def value_of(scores, metric, **options):
    return values_of(table_of(scores, **options)).loc[metric, "value"]


WORDS = [(6, 2, 1, 3), (9, 0, 0, 0), (0, 0, 4, 0), (0, 0, 0, 2)]  # 15, 2, 5, 5 in all; the last on silence


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("word_recall", 15 / 22),
        ("word_precision", 15 / 22),
        ("word_f1", 30 / (30 + 4 + 5 + 5)),
        ("deletion_rate", 5 / 22),
        ("substitution_rate", 2 / 22),
        ("insertion_rate", 5 / 22),
        ("usable_rate", 1 / 3),  # WER 6/9, 0 and 1; the utterance without reference words has none
        ("words_per_non_speech_utterance", 2),
        ("words_per_non_speech_minute", 20),
    ],
)
def test_a_rate_is_what_its_name_says(metric, expected):
    assert value_of(scores_with(WORDS), metric) == pytest.approx(expected)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    found = values_of(table_of(scores_with(WORDS)))["value"]
    precision, recall = found["word_precision"], found["word_recall"]
    assert found["word_f1"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_deletions_substitutions_and_insertions_add_to_the_wer():
    scores = simulated(np.random.default_rng(0), [0.2, 0.4])
    table = table_of(scores)
    for name in ("a0", "a1"):
        found = values_of(table, name, "accent")["value"]
        parts = sum(found[f"{kind}_rate"] for kind in ("deletion", "substitution", "insertion"))
        row = slice_table(scores, "accent", policy_of()).set_index("slice").loc[name]
        assert parts == pytest.approx(row["wer"])


@pytest.mark.parametrize(("usable_wer", "expected"), [(0.3, 0.25), (0.5, 0.5), (0.7, 0.75), (1.0, 1.0), (0.0, 0.0)])
def test_usable_means_at_most_the_threshold(usable_wer, expected):
    scores = scores_of([3, 5, 7, 10], [10] * 4, accent=["a"] * 4)
    assert value_of(scores, "usable_rate", usable_wer=usable_wer) == pytest.approx(expected)


@pytest.mark.parametrize("usable_wer", [-0.1, np.nan, np.inf])
def test_a_threshold_that_is_no_wer_is_refused(usable_wer):
    with pytest.raises(UsageError, match="usable_wer"):
        table_of(scores_with(WORDS), usable_wer=usable_wer)


def test_flags_are_shares_of_the_utterances_that_could_carry_them():
    counts = [(5, 0, 0, 0), (5, 0, 0, 5), (2, 0, 0, 0), (0, 0, 0, 3), (0, 0, 0, 0), (0, 0, 6, 0)]
    run, ratio, silent = [0, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]
    scores = scores_with(
        counts,
        hallucination_insertion_run=np.array(run, bool),
        hallucination_length_ratio=np.array(ratio, bool),
        hallucination_non_speech_insertion=np.array(silent, bool),
        hallucination=np.array([0, 1, 0, 1, 0, 0], bool),
        empty_output=np.array([0, 0, 0, 0, 0, 1], bool),
    )
    found = values_of(table_of(scores))["value"]
    assert found["insertion_run_rate"] == pytest.approx(1 / 6)
    assert found["length_ratio_rate"] == pytest.approx(1 / 3)  # of references of three words or more
    assert found["non_speech_hallucination_rate"] == pytest.approx(1 / 2)  # of empty references
    assert found["words_per_non_speech_utterance"] == pytest.approx(3 / 2)
    assert found["words_per_non_speech_minute"] == pytest.approx(3 / 0.2)
    assert found["loop_rate"] == 0
    assert found["hallucination_rate"] == pytest.approx(2 / 6)
    assert found["empty_output_rate"] == pytest.approx(1 / 3)


def test_a_failed_clip_invents_nothing_and_is_of_no_use():
    scores = scores_with([(5, 0, 0, 0), (0, 0, 5, 0), (0, 0, 0, 0)], failed=[False, True, True])
    found = values_of(table_of(scores))
    assert found.loc["usable_rate", "value"] == 0.5
    assert found.loc["empty_output_rate", "value"] == 0
    assert found.loc["hallucination_rate", "n_speakers"] == 1
    assert "empty reference" in found.loc["non_speech_hallucination_rate", "note"]
    assert value_of(scores, "usable_rate", policy=policy_of(failures=Failures.left_out)) == 1


@pytest.mark.parametrize("metric", ["hallucination_rate", "empty_output_rate", "deletion_rate", "insertion_rate"])
@pytest.mark.parametrize("n_speakers", [2, 5, 30])
def test_what_was_never_seen_can_still_happen(metric, n_speakers):
    scores = scores_with([(10, 0, 0, 0)] * n_speakers)
    row = values_of(table_of(scores)).loc[metric]
    assert row["value"] == row["value_low"] == 0
    assert 0 < row["value_high"] <= 1 or metric == "insertion_rate"


@pytest.mark.parametrize("n_speakers", [2, 5, 30])
def test_a_share_stays_between_none_and_all(n_speakers):
    everything = scores_with([(0, 0, 10, 0)] * n_speakers, empty_output=True)
    found = values_of(table_of(everything))
    for metric, value in (("word_recall", 0), ("usable_rate", 0), ("deletion_rate", 1), ("empty_output_rate", 1)):
        row = found.loc[metric]
        assert row["value"] == value
        assert 0 <= row["value_low"] <= value <= row["value_high"] <= 1
        assert row["value_high"] > row["value_low"]


def test_insertions_may_be_more_than_the_words():
    scores = scores_with([(1, 0, 0, 9), (2, 0, 0, 5), (3, 0, 0, 8)])
    row = values_of(table_of(scores)).loc["insertion_rate"]
    assert row["value"] == pytest.approx(22 / 6)
    assert row["value_high"] > row["value"]


def test_the_interval_of_what_is_kept_mirrors_that_of_its_harm():
    scores = simulated(np.random.default_rng(0), [0.2], n_speakers=30)
    found = values_of(table_of(scores))
    recall, substituted = found.loc["word_recall"], found.loc["substitution_rate"]
    assert found.loc["deletion_rate", "value"] == 0  # so that recall and substitutions are one less the other
    assert recall["value_low"] == pytest.approx(1 - substituted["value_high"])
    assert recall["value_high"] == pytest.approx(1 - substituted["value_low"])


def test_intervals_resample_speakers_not_utterances():
    scores = simulated(np.random.default_rng(0), [0.3], n_speakers=20, n_utterances=30)
    widths = [
        values_of(table_of(each)).eval("value_high - value_low")["usable_rate"]
        for each in (scores, scores.assign(speaker_id=scores["utterance_id"]))
    ]
    assert widths[0] > 1.5 * widths[1]


@pytest.mark.parametrize("column", [*FLAGS, "audio_s"])
def test_a_rate_whose_column_is_absent_says_so_once(column):
    table = table_of(scores_with([(5, 1, 0, 0), (0, 0, 0, 1), (6, 0, 0, 0)]).drop(columns=column))
    missing = table[table["note"].str.contains(f"no column {column}", regex=False)]
    assert len(missing) == 1
    assert missing.iloc[0]["slice"] == "all"
    assert np.isnan(missing.iloc[0]["value"])


def test_a_slice_without_a_chance_is_a_row_that_says_why():
    scores = scores_with([(5, 1, 0, 0)] * 3 + [(0, 0, 0, 1)] * 3, accent=["a"] * 3 + ["b"] * 3)
    table = table_of(scores)
    spoken, silent = (values_of(table, name, "accent") for name in "ab")
    assert spoken.loc["non_speech_hallucination_rate", "note"] == "no utterance has an empty reference: no rate"
    assert silent.loc["word_recall", "note"] == "no reference words: no rate"
    assert silent.loc["words_per_non_speech_utterance", "value"] == 1


def test_utterances_without_a_speaker_id_are_counted_and_bound_nothing():
    scores = scores_with(WORDS, speaker_id=None)
    row = values_of(table_of(scores)).loc["word_recall"]
    assert row["value"] == pytest.approx(15 / 22)
    assert np.isnan([row["value_low"], row["value_high"]]).all()
    assert row["note"] == "no speaker ids: no interval"


def test_one_speaker_has_a_rate_and_no_interval():
    row = values_of(table_of(scores_with(WORDS, speaker_id="s"))).loc["word_recall"]
    assert row["value"] == pytest.approx(15 / 22)
    assert row["note"] == "1 speaker with an id: no interval"


def test_the_first_rate_is_the_wer():
    first = rates(scores_with(WORDS))[0]
    assert first.name == "wer"
    assert first.events.sum() / first.chances.sum() == pytest.approx(12 / 22)


GAPS = simulated(np.random.default_rng(1), [0.15, 0.3, 0.3], n_speakers=[14, 20, 16])


@pytest.mark.parametrize("comparator", ["rest", "a1"])
def test_a_gap_is_the_difference_of_the_two_rates(comparator):
    table = table_of(GAPS, policy=policy_of(comparator=comparator))
    other = GAPS[GAPS["accent"] != "a0"] if comparator == "rest" else GAPS[GAPS["accent"] == comparator]
    gaps = values_of(table, "a0", "accent", comparator)
    own, rest = values_of(table, "a0", "accent"), values_of(table_of(other.assign(accent="x")))
    for metric in ("word_recall", "word_precision", "word_f1", "substitution_rate", "insertion_rate", "usable_rate"):
        row = gaps.loc[f"{metric}_gap"]
        assert row["value"] == pytest.approx(own.loc[metric, "value"] - rest.loc[metric, "value"])
        assert row["value_low"] < row["value"] < row["value_high"]
        assert 0 < row["p_value"] <= 1
    ratio = gaps.loc["usable_rate_ratio"]
    assert ratio["value"] == pytest.approx(own.loc["usable_rate", "value"] / rest.loc["usable_rate", "value"])
    assert ratio["value_low"] < ratio["value"] < ratio["value_high"]


def test_the_gap_of_recall_without_deletions_is_that_of_substitutions_negated():
    gaps = values_of(table_of(GAPS), "a0", "accent", "rest")
    recall, substituted = gaps.loc["word_recall_gap"], gaps.loc["substitution_rate_gap"]
    assert recall["value"] == pytest.approx(-substituted["value"])
    assert recall["value_low"] == pytest.approx(-substituted["value_high"])
    assert recall["p_value"] == substituted["p_value"]


def test_the_equalised_odds_gap_is_the_larger_one_and_is_no_surer_than_it():
    gaps = values_of(table_of(GAPS), "a0", "accent", "rest")
    odds, recall, inserted = (gaps.loc[f"{name}_gap"] for name in ("equalised_odds", "word_recall", "insertion_rate"))
    assert odds["value"] == pytest.approx(max(abs(recall["value"]), abs(inserted["value"])))
    outer = values_of(table_of(GAPS, policy=policy_of(alpha=0.025)), "a0", "accent", "rest")
    bounds = [outer.loc[f"{name}_gap", ["value_low", "value_high"]] for name in ("word_recall", "insertion_rate")]
    assert odds["value_low"] == pytest.approx(max(max(low, -high, 0) for low, high in bounds))
    assert odds["value_high"] == pytest.approx(max(max(-low, high) for low, high in bounds))
    assert odds["value_low"] < odds["value"] < odds["value_high"]
    assert odds["p_value"] == pytest.approx(min(1, 2 * min(recall["p_value"], inserted["p_value"])))


def test_the_four_fifths_rule_is_a_warning_in_words():
    scores = speakers_of({"a": [60, 70, 65, 20], "b": [10, 20, 30, 20]})
    table = table_of(scores)
    worse, better = (values_of(table, name, "accent", "rest").loc["usable_rate_ratio"] for name in "ab")
    assert worse["value"] == pytest.approx(0.25)
    assert "four fifths" in worse["note"]
    assert better["value"] == pytest.approx(4)
    assert "four fifths" not in better["note"]


def test_no_use_at_all_on_the_other_side_has_no_ratio():
    scores = speakers_of({"a": [10, 20, 15, 20], "b": [90, 80, 70, 80]})
    row = values_of(table_of(scores), "a", "accent", "rest").loc["usable_rate_ratio"]
    assert np.isnan(row["value"])
    assert "comparator" in row["note"]


def test_what_happens_on_neither_side_is_no_evidence():
    gaps = values_of(table_of(GAPS), "a0", "accent", "rest")
    row = gaps.loc["deletion_rate_gap"]
    assert row["value"] == 0
    assert row["p_value"] == 1
    assert row["value_low"] < 0 < row["value_high"]


def test_conditions_are_compared_within_speakers():
    rng = np.random.default_rng(0)
    quiet = simulated(rng, [0.3], n_speakers=20, spread=0.8)
    noisy = quiet.assign(
        utterance_id=quiet["utterance_id"] + "n",
        hits=np.maximum(quiet["hits"] - 1, 0),
        substitutions=quiet["substitutions"] + np.minimum(quiet["hits"], 1),
    )
    scores = pd.concat([quiet.assign(condition="clean"), noisy.assign(condition="noise")], ignore_index=True)
    apart = scores.assign(speaker_id=scores["speaker_id"] + scores["condition"])
    together, separate = (
        values_of(table_of(each, "condition"), "noise", "condition", "rest").loc["word_recall_gap"]
        for each in (scores, apart)
    )
    assert together["value"] == pytest.approx(separate["value"])
    assert together["value_high"] - together["value_low"] < 0.5 * (separate["value_high"] - separate["value_low"])
    assert together["p_value"] < separate["p_value"]


@pytest.mark.parametrize("comparator", ["rest", "a1"])
@pytest.mark.parametrize("ids", [GAPS["speaker_id"], GAPS["speaker_id"].where(GAPS.index % 3 > 0)], ids=["all", "some"])
def test_gaps_compare_the_people_that_verdicts_do(comparator, ids):
    policy = policy_of(comparator=comparator)
    several = GAPS["accent"].map(lambda name: (name, "a1") if name == "a0" else name)
    scores = checked_scores(GAPS.assign(speaker_id=ids, accent=several), policy)
    part = comparisons(scores, "accent", policy)
    cells = sum_rates(rates(scores), membership(scores, "accent"), speaker_codes(scores))
    pairs = rate_pairs(cells, *slice_codes(cells, part), WER)
    for ours, theirs in zip(pairs.totals(), part.pairs.totals(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(pairs.n_shared(), part.pairs.n_shared())
    np.testing.assert_allclose(gaps_of(pairs).standard_error, gaps_of(part.pairs).standard_error)


@pytest.fixture(scope="module")
def vectors():
    frame = pd.read_csv(DATA / "vectors" / "slices.csv")
    scores = scores_of(frame["errors"], frame["words"], frame["speaker"].astype(str))
    return scores.assign(accent=frame["accent"], noise=frame["noise"])


@needs_data("vectors")
def test_v2_1(vectors):
    table = table_of(vectors, "accent & noise")
    slices = slice_table(vectors, "accent & noise", policy_of()).set_index("slice")["wer"]
    assert slices["all"] == pytest.approx(0.1193689, abs=5e-8)
    assert slices["NG & tone1k"] == pytest.approx(0.3010159, abs=5e-8)
    found = values_of(table, "", "accent & noise")
    assert found.loc["worst_slice_wer", "value"] == pytest.approx(0.3010159, abs=5e-8)
    assert found.loc["max_min_range", "value"] == pytest.approx(0.2049459, abs=1e-7)  # printed cut off
    assert found.loc["max_ratio", "value"] == pytest.approx(1 / 0.3191522, rel=2e-7)


@needs_data("vectors")
def test_pooled_rates_of_slices_are_those_of_fairlearn(vectors):
    metrics = pytest.importorskip("fairlearn.metrics")
    frame = metrics.MetricFrame(
        metrics=lambda errors, words: errors.sum() / words.sum(),
        y_true=vectors["substitutions"].to_numpy(),
        y_pred=(vectors["hits"] + vectors["substitutions"]).to_numpy(),
        sensitive_features=vectors[["accent", "noise"]],
    )
    table = table_of(vectors, "accent & noise")
    for (accent, noise), wer in frame.by_group.items():
        found = values_of(table, f"{accent} & {noise}", "accent & noise")
        assert found.loc["substitution_rate", "value"] == pytest.approx(wer)
        assert found.loc["word_recall", "value"] == pytest.approx(1 - wer)
    whole = values_of(table, "", "accent & noise")["value"]
    assert whole["max_min_range"] == pytest.approx(frame.difference(), abs=1e-12)
    assert 1 / whole["max_ratio"] == pytest.approx(frame.ratio(), abs=1e-12)
