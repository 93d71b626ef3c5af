"""Where slices cross a WER: by hand, beside the slices' own intervals, directions, censored ends, who is left out."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import isotonic_regression

from harness.errors import UsageError
from harness.fairness import slice_table
from harness.fairness.conditions import CROSSING_COLUMNS, crossing_table
from tests.fairness.builders import policy_of
from tests.fairness.conditions.builders import levels, levels_of_tones, one, tones, under

SNR = {"k20": 20.0, "k10": 10.0, "k5": 5.0, "k0": 0.0}
KITCHEN = levels(SNR, "kitchen")


def kitchen(shares, accents=None, n_words=100, clean=2, **columns):
    """Return speakers of `n_words` words who each have these errors at 20, 10, 5 and 0 dB."""
    n = len(shares)
    counts = {"clean": [clean] * n} | {name: [row[k] for row in shares] for k, name in enumerate(SNR)}
    return under(counts, [n_words] * n, accent=accents or ["a"] * n, **columns)


def found(scores, told=KITCHEN, *, wer=0.2, by="accent", **options):
    return crossing_table(scores, by, told, wer=wer, policy=policy_of(**options))


def test_a_crossing_by_hand():
    table = found(kitchen([[5, 10, 30, 60]] * 6, ["a"] * 3 + ["b"] * 3))
    assert tuple(table.columns) == CROSSING_COLUMNS
    assert table["slice"].tolist() == ["all", "a", "b"]
    assert table["crossing"].tolist() == [7.5] * 3  # half way from 10 % at 10 dB to 30 % at 5 dB
    assert one(table, slice="all")[["sweep", "parameter", "wer", "n_speakers"]].tolist() == [
        "kitchen",
        "snr_db",
        0.2,
        6,
    ]


def test_levels_out_of_order_are_pooled_by_their_words():
    scores = kitchen([[5, 25, 15, 60]] * 6)
    fit = isotonic_regression([0.05, 0.25, 0.15, 0.6]).x
    assert fit[1:3] == pytest.approx([0.2, 0.2])
    assert found(scores, wer=0.3)["crossing"].iloc[0] == pytest.approx(5 - 5 * 0.1 / 0.4)


def test_the_direction_is_that_of_the_data():
    loss = levels({"k20": 0.0, "k10": 5.0, "k5": 10.0, "k0": 20.0}, "loss", "loss_share")
    table = found(kitchen([[5, 10, 30, 60]] * 6), loss)
    assert table["crossing"].iloc[0] == 7.5


@pytest.mark.parametrize(
    ("wer", "said"),
    [
        pytest.param(0.7, "never above 70 %: at most 60.0 % at every snr_db measured, 0 to 20", id="never"),
        pytest.param(
            0.03, "always above 3 %: at least 5.0 % at every snr_db measured, 0 to 20; 2.0 % clean", id="always"
        ),
    ],
)
def test_beyond_the_levels_there_is_no_number_but_a_word(wer, said):
    row = found(kitchen([[5, 10, 30, 60]] * 6), wer=wer).iloc[0]
    assert np.isnan(row[["crossing", "crossing_low", "crossing_high"]].astype(float)).all()
    assert row["note"] == said


def test_an_end_beyond_the_levels_is_open_and_said():
    row = found(kitchen([[5, 10, 30, 60]] * 4 + [[1, 2, 3, 5]] * 4)).iloc[0]
    assert np.isfinite(row["crossing"])
    assert np.isnan(row["crossing_low"])
    assert "no lower end: other such speakers may be never above 20 %" in row["note"]


def test_the_interval_holds_the_levels_whose_wer_s_own_interval_holds_the_wer():
    shares = [[int(f * e) for e in (5, 10, 30, 60)] for f in np.random.default_rng(5).lognormal(0, 0.3, 24)]
    scores, accents = kitchen(shares, ["a", "b"] * 12), "accent"
    rng = [np.random.default_rng(9) for _ in range(5)]
    table = crossing_table(scores, accents, KITCHEN, wer=0.2, policy=policy_of(), rng=rng[0])
    limits = [
        one(slice_table(scores[scores["condition"] == name], accents, policy_of(), each), slice="a")
        for name, each in zip(SNR, rng[1:], strict=True)
    ]
    ends = [np.interp(0.2, [row[end] for row in limits], list(SNR.values())) for end in ("wer_low", "wer_high")]
    assert one(table, slice="a")[["crossing_low", "crossing_high"]].tolist() == pytest.approx(ends)


def test_a_sweep_of_tones_has_no_crossing_where_one_of_them_hurts():
    scores = under({"clean": [1] * 6} | {f"t{k}": [60 if k == 3 else 5] * 6 for k in range(8)}, [100] * 6)
    told = levels({f"t{k}": 100.0 * 2**k for k in range(8)}, "tone", "frequency_hz")
    row = found(scores, told, by=[]).iloc[0]
    assert np.isnan(row["crossing"])
    assert row["note"] == "no crossing: WER neither rises nor falls steadily with frequency_hz"


def test_few_speakers_have_a_crossing_and_no_interval():
    row = one(found(kitchen([[5, 10, 30, 60]] * 6, ["a"] * 5 + ["b"])), slice="b")
    assert row["crossing"] == 7.5
    assert np.isnan(row["crossing_low"])
    assert row["note"] == "1 speaker: no interval"


def test_without_ids_there_is_no_interval():
    row = found(kitchen([[5, 10, 30, 60]] * 6).assign(speaker_id=None)).iloc[0]
    assert (row["crossing"], row["n_speakers"], row["note"]) == (7.5, 0, "0 speakers: no interval")


def test_without_words_there_is_no_crossing():
    scores = kitchen([[5, 10, 30, 60]] * 6, ["a"] * 5 + ["b"])
    silent = scores["accent"] == "b"
    scores.loc[silent, ["hits", "substitutions"]] = 0
    row = one(found(scores), slice="b")
    assert row["note"].startswith("no reference words at some level: no crossing")


def test_undeclared_people_are_a_row_and_conditions_without_a_level_are_none():
    told = pd.concat([KITCHEN, levels({"phone": np.nan}, "phone")])
    scores = kitchen([[5, 10, 30, 60]] * 6, ["a"] * 5 + [""])
    phone = scores[scores["condition"] == "k5"].assign(condition="phone")
    table = found(pd.concat([scores, phone]), told)
    assert table["slice"].tolist() == ["all", "a", "undeclared"]
    assert set(table["sweep"]) == {"kitchen"}


def test_the_same_seed_gives_the_same_table_in_any_order_of_rows():
    scores = tones(np.random.default_rng(1), ["a", "b"] * 5, n_conditions=3)
    told = levels_of_tones(3)
    again = found(scores.sample(frac=1, random_state=1), told.iloc[::-1])
    pd.testing.assert_frame_equal(found(scores, told), again)


@pytest.mark.parametrize("wer", [0, -0.1, np.nan, np.inf])
def test_what_is_no_wer_is_refused(wer):
    with pytest.raises(UsageError, match="wer="):
        found(kitchen([[5, 10, 30, 60]] * 6), wer=wer)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"parameter": ["snr_db", "snr_db", "snr_db", "level_db"]}, "one parameter", id="two-parameters"),
        pytest.param({"level": [20.0, 10.0, 10.0, 0.0]}, "two conditions at one level", id="two-at-a-level"),
    ],
)
def test_a_sweep_that_is_none_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        found(kitchen([[5, 10, 30, 60]] * 6), KITCHEN.assign(**change))


def test_intervals_cover_the_crossing_of_few_speakers():
    rng, n_covered, n_draws = np.random.default_rng(0), 0, 30
    for _ in range(n_draws):
        factors = rng.lognormal(-0.125, 0.5, 8)
        row = found(kitchen(rng.poisson(np.outer(factors, [5, 10, 30, 60])).tolist()), n_resamples=200).iloc[0]
        low, high = row["crossing_low"], row["crossing_high"]
        n_covered += not (low > 7.5 or high < 7.5)
    assert n_covered >= 0.87 * n_draws
