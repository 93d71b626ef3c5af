"""What settings change: a naive recount of every row, and verdicts on the disparities that a harness makes."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import DataError
from harness.fairness import Correction
from harness.fairness.invariance import INVARIANCE_COLUMNS, Hearing, invariance_table, texts_differ
from tests.fairness.builders import policy_of, scores_of

N_SPEAKERS, N_UTTERANCES = 12, 5  # of each accent


def heard(errors, *, texts=None, failed=(), words=20):
    """Return scores of two accents and some who declared none, with texts that say what they got wrong."""
    n = len(errors)
    accents = np.repeat(["north", "south", "undeclared"], n // 3)
    speakers = [f"{accent}{k // N_UTTERANCES}" for accent, k in zip(accents, range(n), strict=True)]
    shown = [f"wrong {count}" for count in errors] if texts is None else texts
    lost = np.isin(np.arange(n), list(failed))
    return scores_of(
        np.where(lost, words, errors),
        [words] * n,
        speakers,
        accent=accents,
        hypothesis=["" if gone else text.lower() for gone, text in zip(lost, shown, strict=True)],
        text=pd.Series([None if gone else text for gone, text in zip(lost, shown, strict=True)], dtype=object),
        failed=lost,
    )


def n_rows():
    return 3 * N_SPEAKERS * N_UTTERANCES


def table_of(before, *after, policy=None, by="accent"):
    hearings = [Hearing(f"s{k}", "batch", "reference", before, each) for k, each in enumerate(after)]
    return invariance_table(hearings, by, policy or policy_of())


def row_of(table, name, setting="s0"):
    return table.set_index(["setting", "slice"]).loc[(setting, name)]


@pytest.fixture
def drawn():
    rng = np.random.default_rng(1)
    before = rng.integers(0, 6, n_rows())
    return before, np.where(rng.random(n_rows()) < 0.3, rng.integers(0, 9, n_rows()), before)


def test_every_row_equals_a_naive_recount(drawn):
    first, second = heard(drawn[0]), heard(drawn[1], failed=[3, 70])
    table = table_of(first, second)
    assert tuple(table.columns) == INVARIANCE_COLUMNS
    assert table["slice"].tolist() == ["all", "north", "south", "undeclared"]
    for name in table["slice"]:
        rows = np.ones(n_rows(), bool) if name == "all" else (first["accent"] == name).to_numpy()
        row = row_of(table, name)
        one, other = first[rows], second[rows]
        changed = [a != b for a, b in zip(one["text"], other["text"], strict=True)]
        wers = [each[["substitutions", "insertions"]].to_numpy().sum() / (20 * rows.sum()) for each in (one, other)]
        assert (row["n_utterances"], row["n_speakers"]) == (rows.sum(), one["speaker_id"].nunique())
        assert row["n_changed"] == row["n_changed_normalised"] == sum(changed)
        assert row["share_changed"] == pytest.approx(np.mean(changed))
        assert row["share_changed_low"] < row["share_changed"] < row["share_changed_high"] <= 1
        assert row["n_failed"] == other["failed"].sum()
        assert (row["against_wer"], row["wer"]) == pytest.approx(tuple(wers))
        assert row["wer_difference"] == pytest.approx(wers[1] - wers[0])
        assert row["wer_difference_low"] < row["wer_difference"] < row["wer_difference_high"]


def test_what_is_added_to_a_gap_is_the_slice_s_difference_less_that_of_the_rest(drawn):
    table = table_of(heard(drawn[0]), heard(drawn[1]))
    north, south, silent = (row_of(table, name) for name in ("north", "south", "undeclared"))
    assert north["added_gap"] == pytest.approx(north["wer_difference"] - south["wer_difference"])
    assert north["added_gap"] == pytest.approx(-south["added_gap"])
    assert (north["p_value"], north["p_adjusted"]) == (south["p_value"], south["p_adjusted"])
    assert np.isnan(silent["added_gap"])
    assert silent["verdict"] == row_of(table, "all")["verdict"] == ""


def test_padding_that_costs_one_accent_its_words_is_a_disparity_of_the_harness():
    before = np.full(n_rows(), 2)
    after = np.where(np.arange(n_rows()) < n_rows() // 3, 5, 2)
    row = row_of(table_of(heard(before), heard(after)), "north")
    assert row["verdict"] == "disparity"
    assert row["added_gap"] == pytest.approx(3 / 20)
    assert row["reason"].startswith("worse than rest by at least 3 points: +15.0 points")
    assert row_of(table_of(heard(after), heard(before)), "north")["verdict"] == "advantage"


def test_nothing_changed_is_shown_as_equal_only_where_the_data_can():
    same = heard(np.full(n_rows(), 2))
    assert row_of(table_of(same, same), "north")["verdict"] == "within_margin"
    strict = row_of(table_of(same, same, policy=policy_of(margin=0.001)), "north")
    assert strict["verdict"] == "inconclusive"
    all_of_them = row_of(table_of(same, same), "all")
    assert (all_of_them["n_changed"], all_of_them["share_changed"]) == (0, 0)
    assert 0 < all_of_them["share_changed_high"] < 0.1, "no change seen is not no change"


@pytest.mark.parametrize(("n_texts", "verdict"), [(50, "inconclusive"), (800, "within_margin")])
def test_no_change_among_a_few_texts_is_no_proof_of_equality_and_among_many_is(n_texts, verdict):
    accents, speakers = np.repeat(["north", "south"], n_texts // 2), [f"s{k * 10 // n_texts}" for k in range(n_texts)]
    same = scores_of([0] * n_texts, [5] * n_texts, speakers, accent=accents, failed=[False] * n_texts)
    same = same.assign(text="one", hypothesis="one")
    assert row_of(table_of(same, same), "north")["verdict"] == verdict


def test_the_interval_of_a_wer_difference_allows_for_one_changed_text():
    row = row_of(table_of(*[heard(np.full(n_rows(), 2))] * 2), "north")
    half = stats.t.ppf(0.975, N_SPEAKERS - 1) / (N_SPEAKERS * N_UTTERANCES)
    assert (row["wer_difference_low"], row["wer_difference_high"]) == pytest.approx((-half, half))


def test_the_correction_runs_over_all_settings_and_counts_mirrored_slices_once(drawn):
    first, second = heard(drawn[0]), heard(drawn[1])
    raw = row_of(table_of(first, second, policy=policy_of(correction=Correction.none)), "north")["p_value"]
    several = table_of(first, *[second] * 4)
    assert len(set(several["p_adjusted"].dropna())) == 1
    assert row_of(several, "north", "s3")["p_adjusted"] == pytest.approx(min(1, 4 * raw))


def test_a_change_of_case_is_a_change_of_text_and_not_of_words():
    texts = ["one two"] * n_rows()
    before = heard(np.zeros(n_rows(), int), texts=texts)
    after = heard(np.zeros(n_rows(), int), texts=["One two", *texts[1:]])
    row = row_of(table_of(before, after), "all")
    assert (row["n_changed"], row["n_changed_normalised"], row["wer_difference"]) == (1, 0, 0)


def test_failing_under_one_setting_alone_is_a_change_and_under_both_is_none():
    errors = np.zeros(n_rows(), int)
    one, both = heard(errors, failed=[0]), heard(errors, failed=[0, 1])
    assert row_of(table_of(one, one), "all")["n_changed"] == 0
    row = row_of(table_of(one, both), "all")
    assert (row["n_changed"], row["n_changed_normalised"], row["n_failed"]) == (1, 1, 2)


def test_one_speaker_or_none_with_an_id_has_no_interval_and_says_so():
    errors = np.zeros(n_rows(), int)
    for speaker, said in (("s", "1 speaker: no interval"), (None, "no speaker ids: no interval")):
        before = heard(errors).assign(speaker_id=speaker)
        row = row_of(table_of(before, before), "all")
        assert row[["share_changed_low", "wer_difference_low"]].isna().all()
        assert row["note"] == said
        assert row_of(table_of(before, before), "north")["verdict"] == "insufficient"


def test_the_order_of_the_rows_does_not_matter(drawn):
    first, second = heard(drawn[0]), heard(drawn[1])
    shuffled = second.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(table_of(first, second), table_of(first, shuffled))


def test_other_utterances_are_refused(drawn):
    first = heard(drawn[0])
    with pytest.raises(DataError, match="u0"):
        table_of(first, first.iloc[1:])


def test_none_equals_only_none():
    before = pd.Series([None, None, "", "a", float("nan")], dtype=object)
    after = pd.Series([None, "", "", "b", None], dtype=object)
    assert texts_differ(before, after).tolist() == [False, True, False, True, False]
