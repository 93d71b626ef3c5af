"""Rates of what matters are judged as word error rates are: the same intervals, tests, floors and failures."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.fairness import Failures, disparity_table, slice_table
from harness.fairness.terms import (
    MEASURES,
    TERM_EXAMPLE_COLUMNS,
    TERM_LIST_COLUMNS,
    TERM_TABLE_COLUMNS,
    TERM_VALUE_COLUMNS,
    term_examples,
    term_table,
    term_values,
    worst_terms,
)
from harness.scoring.terms import Term, TermList
from tests.fairness.builders import policy_of
from tests.scoring.term_builders import counted, list_of, pairs_of, totals

POLICY = policy_of(n_resamples=200, n_permutations=199)
WARD = list_of(Term("morphine", kind="medicine", weight=3), Term("scan", kind="device"), "nurse")
RIGHT = ("no morphine 5 mg after the scan", "no morphine 5 mg after the scan")
WRONG = ("no morphine 5 mg after the scan", "more fiend 9 mg after the nurse scan")


def table_of(scores, terms=WARD, by="accent", policy=POLICY):
    return term_table(scores, counted(scores, terms).scores, by, policy)


def row_of(table, measure, name="all", condition="clean"):
    found = table[(table["measure"] == measure) & (table["slice"] == name) & (table["condition"] == condition)]
    assert len(found) == 1
    return found.iloc[0]


def test_every_measure_by_hand():
    scores = pairs_of(*([WRONG] * 6 + [RIGHT] * 34), accent=["x"] * 20 + ["y"] * 20)
    table = table_of(scores)
    assert tuple(table.columns) == TERM_TABLE_COLUMNS
    expected = {  # hits, substitutions, deletions, insertions of the six speakers, and of the fourteen others
        "missed_term_rate": (6 + 28, 0, 6, 0),
        "spurious_term_rate": (6 + 28, 0, 6, 0),
        "keyword_wer": (6 + 28, 6, 0, 6),
        "number_error_rate": (14, 0, 6, 0),
        "dose_error_rate": (14, 0, 6, 0),
        "negation_error_rate": (14, 0, 6, 0),
    }
    for measure, counts in expected.items():
        row = row_of(table, measure, "x")
        assert tuple(row[["hits", "substitutions", "deletions", "insertions"]]) == counts, measure
        assert row["n_spans"] == sum(counts[:3])
        assert row["rate"] == pytest.approx(sum(counts[1:]) / sum(counts[:3]))
        assert row_of(table, measure, "y")["rate"] == 0
        assert row["gap"] == pytest.approx(row["rate"])
    assert set(table["measure"]) == {measure.name for measure in MEASURES}


def test_intervals_tests_and_verdicts_are_those_of_word_errors():
    scores = pairs_of(*([WRONG] * 9 + [RIGHT] * 31), accent=["x"] * 20 + ["y"] * 20)
    found = counted(scores, WARD).scores
    missed = found["term_spans"] - found["term_hits"]
    as_words = scores.assign(hits=found["term_hits"], substitutions=0, deletions=missed, insertions=0)
    seed = int(np.random.default_rng(7).integers(2**62))
    rates = slice_table(as_words, "accent", POLICY, np.random.default_rng(seed))
    judged = disparity_table(as_words, "accent", POLICY, np.random.default_rng(seed))
    table = term_table(scores, found, "accent", POLICY, np.random.default_rng(7)).query("measure == 'missed_term_rate'")
    np.testing.assert_array_equal(table[["rate", "low"]], rates[["wer", "wer_low"]])
    np.testing.assert_array_equal(table["high"], rates["wer_high"].clip(upper=1))
    names = ["gap", "gap_low", "gap_high", "ratio", "p_value", "p_adjusted", "verdict", "comparator"]
    for name in names:
        np.testing.assert_array_equal(table[name].to_numpy()[1:], judged[name].to_numpy())
    assert judged["verdict"].tolist() == ["disparity", "advantage"]


def test_the_rates_of_two_systems_without_slices():
    """Everybody is a row where nobody is compared."""
    said = ("give ten milligrams of morphine", "he did not take his medicine this morning", "turn off the monitor")
    heard = ("give two milligrams of more fiend", "he did take his medicine this morning", "turn of the motor")
    terms = list_of("milligrams", "morphine", "medicine", "monitor")
    table = table_of(pairs_of(*zip(said, heard, strict=True)), terms, by=[])
    rates = {row["measure"]: row["rate"] for row in table.to_dict("records")}
    assert rates["missed_term_rate"] == 0.5
    assert rates["negation_error_rate"] == rates["dose_error_rate"] == 1.0


def test_no_rate_of_what_can_only_be_missed_or_not_ends_above_one():
    table = table_of(pairs_of(RIGHT, WRONG, WRONG, accent=["x", "x", "y"]))
    assert (table[table["measure"] == "missed_term_rate"]["high"].dropna() <= 1).all()


def test_the_floor_is_one_of_what_is_counted_and_the_reason_says_so():
    scores = pairs_of(*([WRONG] * 10 + [RIGHT] * 10), accent=["x"] * 10 + ["y"] * 10)
    table = table_of(scores, policy=policy_of(min_utterances=10, min_words=25))
    terms, words, doses = (row_of(table, name, "x") for name in ("missed_term_rate", "keyword_wer", "dose_error_rate"))
    assert terms["verdict"] == "disparity"  # 20 terms where 10 utterances are asked for
    assert (words["verdict"], words["reason"][:60]) == (
        "insufficient",
        "too few to say: 20 words where the policy asks for 25 (10 sp",
    )
    assert doses["verdict"] == "disparity"
    few = row_of(table_of(scores, policy=policy_of(min_utterances=11)), "dose_error_rate", "x")
    assert "10 numbers with a unit where the policy asks for 11" in few["reason"]


def test_weighted_words_raise_the_floor_of_words_as_much():
    heavy = list_of(Term("morphine", weight=100))
    scores = pairs_of(*([WRONG] * 10 + [RIGHT] * 10), accent=["x"] * 10 + ["y"] * 10)
    row = row_of(table_of(scores, heavy, policy=policy_of(min_words=71)), "weighted_wer", "x")
    assert row["verdict"] == "insufficient"
    assert row["n_spans"] == 10 * (7 + 99)


def test_without_weights_the_weighted_rate_is_not_told_again():
    scores = pairs_of(RIGHT, WRONG, accent=["x", "y"])
    assert "weighted_wer" not in set(table_of(scores, list_of("morphine"))["measure"])
    weighted = row_of(table_of(scores), "weighted_wer")
    assert weighted["n_spans"] == 2 * (7 + 2)


def test_what_nobody_said_has_no_rate_and_the_note_says_why():
    scores = pairs_of(("a b", "a b"), ("a", "b"), accent=["x", "y"])
    table = table_of(scores, TermList(()))
    assert table["rate"].isna().all()
    assert row_of(table, "missed_term_rate")["note"] == "no terms: no rate"
    assert row_of(table, "negation_error_rate", "x")["note"] == "no negations: no rate"
    assert set(table["verdict"]) == {"", "insufficient"}


def test_a_failed_clip_counts_as_the_policy_says():
    scores = pairs_of(RIGHT, (RIGHT[0], ""), accent=["x", "x"], failed=[False, True])
    missed = row_of(table_of(scores), "missed_term_rate", "x")
    assert (missed["n_failed"], missed["n_spans"], missed["rate"]) == (1, 4, 0.5)
    left_out = policy_of(failures=Failures.left_out)
    kept = row_of(table_of(scores, policy=left_out), "missed_term_rate", "x")
    assert (kept["n_failed"], kept["n_spans"], kept["rate"]) == (1, 2, 0.0)
    spans = counted(scores, WARD).spans
    listed = [worst_terms(scores, spans, WARD, "accent", policy) for policy in (POLICY, left_out)]
    assert [each["n_missed"].sum() for each in listed] == [2, 0]


def test_the_undeclared_are_rows_without_a_verdict():
    table = table_of(pairs_of(RIGHT, WRONG, RIGHT, accent=["x", "y", None]))
    row = row_of(table, "missed_term_rate", "undeclared")
    assert (row["verdict"], row["reason"], row["comparator"]) == ("", "", "")
    assert np.isnan(row["gap"])


def two_conditions():
    clean, noisy = (
        pairs_of(*pairs, accent=["x"] * 3 + ["y"] * 3) for pairs in ([RIGHT] * 6, [WRONG] * 3 + [RIGHT] * 3)
    )
    return pd.concat([clean, noisy.assign(condition="kitchen_0db")], ignore_index=True)


def test_conditions_are_told_apart():
    scores = two_conditions()
    table = table_of(scores)
    assert row_of(table, "missed_term_rate", "x")["rate"] == 0
    assert row_of(table, "missed_term_rate", "x", "kitchen_0db")["rate"] == 0.5
    assert len(table) == len(table.drop_duplicates(["measure", "condition", "dimension", "slice"])) == 7 * 2 * 3


def test_the_order_of_rows_changes_nothing():
    scores = two_conditions()
    found = counted(scores, WARD).scores
    shuffled = found.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        term_table(scores, found, "accent", POLICY), term_table(scores, shuffled, "accent", POLICY)
    )


def test_counts_of_other_scores_are_refused():
    scores = two_conditions()
    found = counted(scores, WARD).scores
    with pytest.raises(DataError, match="not of the same utterances"):
        term_table(scores, found[1:], "accent", POLICY)
    with pytest.raises(UsageError, match="lack negations"):
        term_table(scores, found.drop(columns="negations"), "accent", POLICY)
    with pytest.raises(DataError, match="scores do not have"):
        worst_terms(scores[3:], counted(scores, WARD).spans, WARD, "accent")


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from([RIGHT, WRONG, ("a", "scan"), ("", "")]), min_size=4, max_size=12))
def test_slices_add_up_to_everybody(pairs):
    scores = pairs_of(*pairs, accent=["xyz"[i % 3] for i in range(len(pairs))])
    table = table_of(scores, policy=policy_of(n_resamples=100, n_permutations=100))
    for measure, rows in table.groupby("measure"):
        parts = rows[rows["dimension"] == "accent"]
        for name in ("n_spans", "hits", "substitutions", "deletions", "insertions", "n_utterances"):
            assert parts[name].sum() == row_of(table, measure)[name]


# The list of terms


def test_terms_are_listed_with_what_was_heard_and_by_whom():
    pairs = [WRONG, WRONG, ("morphine", "more food"), RIGHT, RIGHT, RIGHT]
    scores = pairs_of(*pairs, accent=["x", "x", "x", "y", "y", "y"])
    listed = worst_terms(scores, counted(scores, WARD).spans, WARD, "accent", POLICY)
    assert tuple(listed.columns) == TERM_LIST_COLUMNS
    first = listed.iloc[0]
    assert (first["term"], first["kind"], first["weight"]) == ("morphine", "medicine", 3)
    assert (first["n_spans"], first["n_missed"], first["n_speakers"], first["missed_rate"]) == (6, 3, 6, 0.5)
    assert (first["heard_instead"], first["n_heard_instead"]) == ("fiend", 2)
    assert tuple(first.filter(like="worst")) == ("accent", "x", 3, 3, 1.0)
    nurse = listed[listed["term"] == "nurse"].iloc[0]
    assert (nurse["n_spans"], nurse["n_spurious"], nurse["worst_slice"], nurse["heard_instead"]) == (0, 2, "", "")
    assert np.isnan(nurse["missed_rate"])


def test_a_slice_of_too_few_speakers_is_not_the_worst():
    scores = pairs_of(WRONG, RIGHT, RIGHT, WRONG, accent=["x", "y", "y", "y"])
    listed = worst_terms(scores, counted(scores, WARD).spans, WARD, "accent", POLICY)
    assert listed.iloc[0]["worst_slice"] == "y"
    nobody = worst_terms(scores, counted(scores, WARD).spans, WARD, "accent", policy_of(min_speakers=9))
    assert set(nobody["worst_slice"]) == {""}


@pytest.mark.parametrize("by", [[], ["accent"]])
def test_every_term_has_a_row_under_every_condition_and_the_counts_add_up(by):
    scores = two_conditions()
    found = counted(scores, WARD)
    listed = worst_terms(scores, found.spans, WARD, by, POLICY)
    assert listed["condition"].tolist() == ["clean"] * 3 + ["kitchen_0db"] * 3
    sums = totals(found)
    assert listed["n_spans"].sum() == sums["term_spans"]
    assert listed["n_missed"].sum() == sums["term_spans"] - sums["term_hits"]
    assert listed["n_spurious"].sum() == sums["term_spurious"]


def test_an_empty_list_has_no_rows():
    scores = pairs_of(RIGHT, accent=["x"])
    assert worst_terms(scores, counted(scores, TermList(())).spans, TermList(()), "accent").empty


# Examples


def test_examples_are_the_worst_utterances_each_of_another_error():
    pairs = [RIGHT, ("scan the scan", "can the can"), ("a scan", "a can"), ("morphine", "fiend"), ("not", "note")]
    scores = pairs_of(*pairs)
    shown = term_examples(scores, counted(scores, WARD).spans)
    assert tuple(shown.columns) == TERM_EXAMPLE_COLUMNS
    terms = shown[shown["what"] == "term"]
    assert terms["utterance_id"].tolist() == ["u1", "u3"]
    assert terms.iloc[0][["n_missed", "said", "heard"]].tolist() == [2, "scan", "can"]
    assert shown[shown["what"] == "negation"]["utterance_id"].tolist() == ["u4"]
    assert len(term_examples(scores, counted(scores, WARD).spans, n_examples=1)) == 2


def test_failed_clips_are_no_examples():
    scores = pairs_of((RIGHT[0], ""), failed=[True])
    assert term_examples(scores, counted(scores, WARD).spans).empty


# Term-weighted value


def test_the_value_of_terms_by_hand():
    pairs = [("scan morphine", "scan"), ("scan", "nurse scan"), ("the", "the scan")]
    scores = pairs_of(*pairs, accent=["x", "x", "y"], audio_s=[400.0, 600.0, 1000.0])
    values = term_values(scores, counted(scores, WARD).spans, "accent", beta=100.0)
    assert tuple(values.columns) == TERM_VALUE_COLUMNS
    everybody, x, y = values.to_dict("records")
    scan, morphine = 100.0 * 1 / (2000 - 2), 1.0  # P_miss + beta P_FA
    assert everybody["value"] == pytest.approx(1 - (scan + morphine) / 2)
    assert (everybody["n_terms"], everybody["n_spans"], everybody["n_spurious"]) == (2, 3, 2)
    assert x["value"] == pytest.approx(1 - (0.0 + 1.0) / 2)
    assert np.isnan(y["value"])
    assert y["note"] == "no term was said: no value"


def test_a_value_needs_the_seconds_of_every_utterance():
    scores = pairs_of(RIGHT, RIGHT, accent=["x", "y"], audio_s=[10.0, np.nan])
    everybody, x, y = term_values(scores, counted(scores, WARD).spans, "accent").to_dict("records")
    assert x["value"] == 1.0
    assert np.isnan([everybody["value"], y["value"]]).all()
    assert "seconds" in y["note"]
    with pytest.raises(UsageError, match="audio_s"):
        term_values(scores.drop(columns="audio_s"), counted(scores, WARD).spans, "accent")
