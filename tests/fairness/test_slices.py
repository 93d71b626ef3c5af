import doctest
import importlib

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Failures, dimensions, slice_table
from harness.fairness.bootstrap import rate_intervals, resample_weights
from harness.fairness.slices import SLICE_COLUMNS
from harness.fairness.speaker_sums import MOST_CELLS
from tests.fairness.builders import WORD_COUNTS, policy_of, row_of, scores_of, simulated, speakers_of
from tests.shared import DATA, needs_data

POLICY = policy_of()


def table_of(scores, by="accent", policy=POLICY, **options):
    return slice_table(scores, by, policy, np.random.default_rng(0), **options)


def slices_of(table, dimension="accent"):
    return table.loc[table["dimension"] == dimension, "slice"].tolist()


def naive(scores, chosen):
    """Return what a slice's row must hold, an utterance at a time."""
    rows = [row for row, inside in zip(scores.to_dict("records"), chosen, strict=True) if inside]
    counts = {name: sum(row[name] for row in rows) for name in WORD_COUNTS}
    words = counts["hits"] + counts["substitutions"] + counts["deletions"]
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    speakers = {row["speaker_id"] for row in rows}
    return counts | {
        "n_utterances": len(rows),
        "n_speakers": len(speakers),
        "reference_words": words,
        "wer": errors / words,
        "speaker_mean_wer": np.mean([_speaker_wer(rows, speaker) for speaker in speakers]),
    }


def _speaker_wer(rows, speaker):
    own = [row for row in rows if row["speaker_id"] == speaker]
    errors = sum(row["substitutions"] + row["deletions"] + row["insertions"] for row in own)
    return errors / sum(row["hits"] + row["substitutions"] + row["deletions"] for row in own)


@pytest.fixture(scope="module")
def corpus():
    scores = simulated(np.random.default_rng(0), [0.2, 0.3, 0.1], n_speakers=(6, 12, 4), n_utterances=8)
    rng = np.random.default_rng(1)
    return scores.assign(
        gender=rng.choice(["f", "m", "declined", "undeclared"], len(scores)), deletions=rng.integers(0, 2, len(scores))
    )


@needs_data("vectors")
def test_v2_1_overall_and_the_worst_intersection():
    vectors = pd.read_csv(DATA / "vectors" / "slices.csv", keep_default_na=False)
    scores = scores_of(
        vectors["errors"],
        vectors["words"],
        vectors["speaker"].astype(str).tolist(),
        accent=vectors["accent"].tolist(),
        noise=vectors["noise"].tolist(),
    )
    table = table_of(scores, "accent & noise")
    assert row_of(table, "all")["wer"] == pytest.approx(0.1193687, abs=5e-7)  # .11936894; its last digit is off
    crossed = table[table["dimension"] == "accent & noise"]
    assert len(crossed) == 12
    assert row_of(crossed, "NG & tone1k")["wer"] == pytest.approx(0.3010159, abs=5e-8)
    assert crossed["wer"].max() - crossed["wer"].min() == pytest.approx(0.2049459, abs=2e-7)  # .20494599
    assert crossed["wer"].min() / crossed["wer"].max() == pytest.approx(0.3191522, abs=5e-8)
    assert crossed["n_utterances"].sum() == len(vectors)


def test_every_row_equals_a_naive_sum(corpus):
    table = table_of(corpus, ["accent", "gender", "accent & gender"])
    for row in table.to_dict("records"):
        chosen = pd.Series(True, index=corpus.index)
        if row["dimension"] != "overall":
            for name, value in zip(row["dimension"].split(" & "), row["slice"].split(" & "), strict=True):
                chosen &= corpus[name] == value
        for column, expected in naive(corpus, chosen).items():
            assert row[column] == pytest.approx(expected, rel=1e-12), (row["slice"], column)


def test_columns_are_those_of_the_contract_and_a_note(corpus):
    assert table_of(corpus).columns.tolist() == list(SLICE_COLUMNS)
    assert SLICE_COLUMNS[:17] == (
        *("dimension", "slice", "n_utterances", "n_speakers", "n_failed", "reference_words", *WORD_COUNTS),
        *("wer", "wer_low", "wer_high", "cer", "speaker_mean_wer", "hallucination_rate", "rtfx"),
    )


def test_rows_in_slices_are_rows_of_scores_in_every_dimension(corpus):
    table = table_of(corpus, ["accent", "gender", "accent & gender"])
    for _, rows in table.groupby("dimension"):
        assert rows["n_utterances"].sum() == len(corpus)
        assert rows["reference_words"].sum() == corpus[["hits", "substitutions", "deletions"]].to_numpy().sum()


def test_the_first_row_is_everybody(corpus):
    first = table_of(corpus).iloc[0]
    assert (first["dimension"], first["slice"], first["n_utterances"]) == ("overall", "all", len(corpus))


def test_a_dimension_given_twice_is_shown_once(corpus):
    pd.testing.assert_frame_equal(table_of(corpus, ["accent", "accent"]), table_of(corpus, "accent"))


def test_intervals_equal_those_of_each_slice_alone():
    scores = simulated(np.random.default_rng(3), [0.2, 0.3], n_speakers=(6, 12))
    table = table_of(scores)
    per_speaker = scores.assign(
        errors=scores["substitutions"] + scores["insertions"], words=scores["hits"] + scores["substitutions"]
    )
    sums = per_speaker.pivot_table(["errors", "words"], "speaker_id", "accent", aggfunc="sum", fill_value=0)
    errors, words = (sums[name].to_numpy(np.float64) for name in ("errors", "words"))
    weights = resample_weights(18, POLICY.n_resamples, np.random.default_rng(0))
    expected = rate_intervals(errors, words, words > 0, weights=weights, confidence=0.95)
    for name, interval in zip(["a0", "a1"], expected, strict=True):
        row = row_of(table, name)
        assert (row["wer_low"], row["wer_high"]) == pytest.approx((interval.low, interval.high), rel=1e-12)


def test_the_order_of_rows_changes_nothing(corpus):
    shuffled = corpus.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(table_of(shuffled, ["accent", "gender"]), table_of(corpus, ["accent", "gender"]))


def test_an_utterance_in_two_parts_changes_no_rate_and_no_interval(corpus):
    counts = corpus[WORD_COUNTS]
    first = corpus.assign(**{name: counts[name] // 2 for name in WORD_COUNTS})
    second = corpus.assign(**{name: counts[name] - counts[name] // 2 for name in WORD_COUNTS})
    rates = ["slice", "wer", "wer_low", "wer_high", "speaker_mean_wer", "reference_words", "n_speakers"]
    pd.testing.assert_frame_equal(table_of(pd.concat([first, second]))[rates], table_of(corpus)[rates])


def test_a_further_dimension_changes_no_other(corpus):
    alone, beside = table_of(corpus, "accent"), table_of(corpus, ["gender", "accent"])
    beside = beside[beside["dimension"] != "gender"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, beside)


def test_one_seed_gives_the_same_bytes_and_another_does_not(corpus):
    csv = table_of(corpus).to_csv()
    assert table_of(corpus).to_csv() == csv
    assert slice_table(corpus, "accent", POLICY, np.random.default_rng(1)).to_csv() != csv
    assert slice_table(corpus, "accent", POLICY).to_csv() == slice_table(corpus, "accent", POLICY).to_csv()


def test_the_scores_are_left_as_they_were(corpus):
    before = corpus.copy(deep=True)
    table_of(corpus, ["accent", "gender"])
    pd.testing.assert_frame_equal(corpus, before)


def test_the_index_of_the_scores_does_not_matter(corpus):
    pd.testing.assert_frame_equal(table_of(corpus.set_index(corpus["utterance_id"])), table_of(corpus))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param("undeclared", "undeclared", id="undeclared"),
        pytest.param("declined", "declined", id="declined"),
        pytest.param("", "undeclared", id="empty"),
        pytest.param(None, "undeclared", id="none"),
        pytest.param(np.nan, "undeclared", id="nan"),
        pytest.param(pd.NA, "undeclared", id="na"),
        pytest.param((), "undeclared", id="no-values"),
        pytest.param((None,), "undeclared", id="a-missing-value"),
    ],
)
def test_who_said_nothing_of_themselves_is_a_row_and_comes_last(value, name):
    scores = scores_of([1, 2, 3], [10, 10, 10], accent=pd.Series(["zulu", value, "irish"], dtype=object))
    table = table_of(scores)
    assert slices_of(table) == ["irish", "zulu", name]
    assert row_of(table, name)["wer"] == 0.2


@pytest.mark.parametrize("name", ["NA", "nan", "None", "null", "N/A", "0", "False"])
def test_a_slice_may_be_called_anything(name):
    table = table_of(scores_of([1, 2], [10, 10], accent=[name, "irish"]))
    assert row_of(table, name)["wer"] == 0.1


def test_numbers_and_categories_are_sliced_by_their_names():
    scores = scores_of([1, 2, 3], [10, 10, 10], age=pd.Categorical(["18-30", "31+", "18-30"]), floor=[1, 2, 2])
    table = table_of(scores, ["age", "floor"])
    assert slices_of(table, "age") == ["18-30", "31+"]
    assert slices_of(table, "floor") == ["1", "2"]


def test_values_stand_in_the_order_of_the_datasheet_then_by_name():
    scores = scores_of([1] * 5, [10] * 5, age=["old", "undeclared", "young", "middle", "ageless"])
    assert slices_of(table_of(scores, "age", orders={"age": ("young", "middle", "old")}), "age") == [
        *("young", "middle", "old", "ageless", "undeclared"),
    ]


@pytest.mark.parametrize("several", [tuple, list, set, np.array], ids=["tuple", "list", "set", "array"])
def test_several_values_count_in_each_of_their_slices(several):
    both = pd.Series([several(["irish", "welsh"]), several(["irish"]), several(["irish", "irish"])], dtype=object)
    table = table_of(scores_of([1, 2, 6], [10, 10, 20], accent=both))
    assert (row_of(table, "irish")["n_utterances"], row_of(table, "irish")["wer"]) == (3, 9 / 40)
    assert (row_of(table, "welsh")["n_utterances"], row_of(table, "welsh")["wer"]) == (1, 0.1)
    assert row_of(table, "all")["n_utterances"] == 3


def test_several_values_are_crossed_each_with_each():
    accent = pd.Series([("irish", "welsh"), ("irish",)], dtype=object)
    use = pd.Series([("home", "work"), ("home",)], dtype=object)
    table = table_of(scores_of([1, 2], [10, 10], accent=accent, use=use), "accent & use")
    crossed = table[table["dimension"] == "accent & use"].set_index("slice")["n_utterances"]
    assert crossed.to_dict() == {"irish & home": 2, "irish & work": 1, "welsh & home": 1, "welsh & work": 1}


def test_intersections_keep_undeclared_parts_and_only_those_that_occur():
    scores = scores_of([1, 2, 3], [10] * 3, accent=["irish", "irish", ""], gender=["f", None, "declined"])
    assert slices_of(table_of(scores, "accent & gender"), "accent & gender") == [
        *("irish & f", "irish & undeclared", "undeclared & declined"),
    ]


def test_a_value_that_contains_the_sign_of_intersections_is_spelled_out_inside_them():
    accent, gender = ["Kent & Essex", "Kent", "Kent & Essex"], ["f", "x & y", "m"]
    table = table_of(scores_of([1, 2, 3], [10] * 3, accent=accent, gender=gender), ["accent", "accent & gender"])
    assert slices_of(table) == ["Kent", "Kent & Essex"]
    crossed = table[table["dimension"] == "accent & gender"].set_index("slice")["wer"]
    assert crossed.to_dict() == {"Kent & x and y": 0.2, "Kent and Essex & f": 0.1, "Kent and Essex & m": 0.3}
    assert all(len(name.split(" & ")) == 2 for name in crossed.index)


def test_insertions_on_empty_references_count():
    table = table_of(scores_of([1, 3], [10, 0], ["a", "a"], accent=["irish"] * 2))
    row = row_of(table, "irish")
    assert (row["insertions"], row["reference_words"], row["wer"]) == (3, 10, 0.4)


def test_a_slice_without_reference_words_has_no_rate_and_says_so():
    row = row_of(table_of(scores_of([2, 1, 3, 1], [0, 0, 10, 10], accent=["a", "a", "b", "b"])), "a")
    assert np.isnan(row[["wer", "wer_low", "wer_high", "speaker_mean_wer"]].astype(float)).all()
    assert (row["insertions"], row["note"]) == (3, "no reference words: no rate")


def test_wer_may_exceed_one():
    row = row_of(table_of(speakers_of({"a": [150, 90, 200, 120, 180, 30]})), "a")
    assert row["wer"] == pytest.approx(770 / 600)
    assert row["wer_low"] < row["wer"] < row["wer_high"]


@pytest.mark.parametrize("n_speakers", [2, 5, 10, 40])
def test_no_errors_at_all_are_no_certainty(n_speakers):
    row = row_of(table_of(speakers_of({"a": [0] * n_speakers})), "a")
    assert (row["wer"], row["wer_low"]) == (0, 0)
    assert row["wer_high"] > 1 / (100 * n_speakers)


def test_one_speaker_has_a_rate_and_no_interval():
    row = row_of(table_of(scores_of([1, 2, 3], [10, 10, 10], ["a", "a", "b"], accent=["x", "x", "y"])), "x")
    assert (row["wer"], row["n_speakers"], row["note"]) == (0.15, 1, "1 speaker: no interval")
    assert np.isnan([row["wer_low"], row["wer_high"]]).all()


@pytest.mark.parametrize("missing", [None, np.nan, ""], ids=["none", "nan", "empty"])
def test_without_speaker_ids_there_is_no_interval(missing):
    ids = pd.Series([missing] * 30, dtype=object)
    row = row_of(table_of(scores_of([1, 2, 0] * 10, [10] * 30, ids, accent=["x"] * 30)), "x")
    assert (row["wer"], row["n_speakers"], row["note"]) == (0.1, 0, "no speaker ids: no interval")
    assert np.isnan([row["wer_low"], row["wer_high"]]).all()


@pytest.mark.parametrize("missing", [None, np.nan, ""], ids=["none", "nan", "empty"])
def test_utterances_without_a_speaker_id_are_one_cluster(missing):
    errors, words = [3, 1, 4, 1, 5, 9, 2, 6], [20] * 8
    named = ["a", "a", "b", "b", "c", "c", "unknown", "unknown"]
    whole = row_of(table_of(scores_of(errors, words, named, accent=["x"] * 8)), "x")
    some = row_of(table_of(scores_of(errors, words, [*named[:6], missing, missing], accent=["x"] * 8)), "x")
    assert (some["wer_low"], some["wer_high"]) == (whole["wer_low"], whole["wer_high"])
    assert (whole["n_speakers"], some["n_speakers"]) == (4, 3)


def test_one_named_speaker_beside_unnamed_utterances_has_no_interval():
    row = row_of(table_of(scores_of([3, 1, 4], [20] * 3, ["a", None, None], accent=["x"] * 3)), "x")
    assert np.isnan([row["wer_low"], row["wer_high"]]).all()
    assert row["note"] == "1 speaker: no interval"


def test_a_silent_speaker_with_an_id_beside_unnamed_utterances_makes_no_interval():
    scores = scores_of([3, 10, 4], [20, 10, 20], ["a", "b", None], accent=["x"] * 3).assign(failed=[False, True, False])
    row = row_of(table_of(scores, policy=policy_of(failures=Failures.left_out)), "x")
    assert (row["n_speakers"], row["wer"], row["note"]) == (2, 7 / 40, "1 speaker: no interval")
    assert np.isnan([row["wer_low"], row["wer_high"]]).all()


def test_numbers_as_speaker_ids_are_speakers():
    errors, words = [3, 1, 4, 1], [20] * 4
    rows = [row_of(table_of(scores_of(errors, words, ids, accent=["x"] * 4)), "x") for ids in ([7, 7, 8, 9], [*"7789"])]
    pd.testing.assert_series_equal(*rows)


def test_failures_are_counted_and_are_deletions_by_default():
    scores = scores_of([0, 10, 2], [10, 10, 20], accent=["x"] * 3).assign(failed=[False, True, False])
    row = row_of(table_of(scores), "x")
    assert (row["n_utterances"], row["n_failed"], row["reference_words"], row["wer"]) == (3, 1, 40, 0.3)


def test_failures_left_out_lose_their_words_and_stay_in_the_counts():
    scores = scores_of([0, 10, 2], [10, 10, 20], accent=["x"] * 3).assign(failed=[False, True, False])
    row = row_of(table_of(scores, policy=policy_of(failures=Failures.left_out)), "x")
    assert (row["n_utterances"], row["n_failed"], row["reference_words"]) == (3, 1, 30)
    assert row["wer"] == pytest.approx(2 / 30)


def test_speakers_of_whom_nothing_was_counted_are_no_evidence():
    scores = scores_of([20] + [10] * 9, [100] * 10, accent=["x"] * 10).assign(failed=[False] + [True] * 9)
    row = row_of(table_of(scores, policy=policy_of(failures=Failures.left_out)), "x")
    assert (row["n_speakers"], row["wer"]) == (10, 0.2)
    assert np.isnan([row["wer_low"], row["wer_high"]]).all()
    assert row["note"] == "1 speaker: no interval"


def test_characters_hallucinations_and_speed_are_ratios_of_sums():
    scores = scores_of([1, 2, 3], [10, 10, 10], accent=["x", "x", "y"]).assign(
        character_hits=[40, 30, 20],
        character_substitutions=[1, 2, 3],
        character_deletions=[0, 1, 2],
        character_insertions=[2, 0, 1],
        hallucination=[True, False, True],
        failed=[False, False, True],
        audio_s=[10.0, np.nan, 6.0],
        processing_s=[2.0, 5.0, 2.0],
    )
    table = table_of(scores)
    first, second = row_of(table, "x"), row_of(table, "y")
    assert first["cer"] == pytest.approx(6 / 74)
    assert (first["hallucination_rate"], first["rtfx"]) == (0.5, 5.0)
    assert (np.isnan(second["hallucination_rate"]), np.isnan(second["rtfx"])) == (True, True)  # its only clip failed


def test_what_was_not_measured_is_nan(corpus):
    assert table_of(corpus)[["cer", "hallucination_rate", "rtfx"]].isna().all(axis=None)


def test_an_empty_corpus_is_a_row_without_a_rate(corpus):
    table = table_of(corpus.iloc[:0])
    assert table["slice"].tolist() == ["all"]
    assert table.loc[0, "n_utterances"] == 0
    assert np.isnan(table.loc[0, "wer"])


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([1, -1, 2], id="negative"),
        pytest.param([1.0, np.nan, 2.0], id="nan"),
        pytest.param([1.0, 0.5, 2.0], id="fraction"),
        pytest.param([1.0, np.inf, 2.0], id="infinite"),
        pytest.param(["1", "two", "3"], id="words"),
        pytest.param(pd.array([1, None, 2], dtype="Int64"), id="na"),
    ],
)
@pytest.mark.parametrize("column", WORD_COUNTS)
def test_what_is_no_count_is_refused_by_column(column, counts):
    scores = scores_of([1, 2, 3], [10, 10, 10], accent=["x"] * 3)
    with pytest.raises(UsageError, match=rf"'{column}' .* expected integers >= 0"):
        table_of(scores.assign(**{column: counts}))


def test_whole_floats_and_nullable_integers_are_counts():
    scores = scores_of([1, 2, 3], [10, 10, 10], accent=["x"] * 3)
    for kind in ("float64", "Int64", "int32", "uint8"):
        pd.testing.assert_frame_equal(table_of(scores.astype(dict.fromkeys(WORD_COUNTS, kind))), table_of(scores))


@pytest.mark.parametrize("column", ["utterance_id", "speaker_id", *WORD_COUNTS])
def test_a_missing_column_is_named(column):
    with pytest.raises(UsageError, match=rf"lack \['{column}'\]"):
        table_of(scores_of([1], [10], accent=["x"]).drop(columns=column))


@pytest.mark.parametrize("by", ["acent", "accent & gender", ["accent", "age"]])
def test_an_unknown_attribute_is_named(by):
    with pytest.raises(UsageError, match=r"no attribute '(acent|gender|age)' to slice by; the scores have .*accent"):
        table_of(scores_of([1], [10], accent=["x"]), by)


def test_an_attribute_of_5_000_values_is_a_table_like_any_other():
    errors, words = np.random.default_rng(0).integers(0, 30, 10_000), np.full(10_000, 100)
    values = [f"v{k % 5_000:04d}" for k in range(10_000)]
    scores = scores_of(errors, words, accent=values, room=[f"r{k % 4_999}" for k in range(10_000)])
    assert MOST_CELLS < 10_000 * 5_000
    table = table_of(scores, ["accent", "accent & room"], policy_of(n_resamples=100))
    accents = table[table["dimension"] == "accent"]
    assert (len(accents), len(table)) == (5_000, 1 + 5_000 + 10_000)
    assert (accents["n_speakers"] == 2).all()
    assert accents["wer_low"].notna().all()
    assert set(accents["note"]) == {"low_support: interval from 2 speakers"}
    alone = table_of(scores[scores["accent"] == "v0007"], "accent", policy_of(n_resamples=100))
    rates = ["wer", "wer_low", "wer_high", "speaker_mean_wer"]
    assert row_of(accents, "v0007")[rates].tolist() == row_of(alone, "v0007")[rates].tolist()


def test_cells_that_are_equal_but_not_alike_are_values_of_their_own():
    mixed = pd.Series([1, True, 1.0, "1", "True"], dtype=object)
    table = table_of(scores_of([1, 2, 3, 4, 5], [10] * 5, accent=mixed))
    assert slices_of(table) == ["1", "1.0", "True"]
    assert row_of(table, "1")["n_utterances"] == 2


def test_dimensions_are_attributes_then_their_intersections():
    assert dimensions(["a", "b", "c"], 3) == ["a", "b", "c", "a & b", "a & c", "b & c", "a & b & c"]
    assert dimensions(["a", "b"]) == ["a", "b"]
    assert dimensions(["a"], 1_000_000_000) == ["a"]
    with pytest.raises(UsageError, match=r"intersections=0; expected 1 \(none\) or more"):
        dimensions(["a"], 0)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(importlib.import_module("harness.fairness.membership")).failed == 0
