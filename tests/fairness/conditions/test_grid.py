"""The grid is what `slice_table` and `disparity_table` say under every condition, corrected together."""

import numpy as np
import pandas as pd
import pytest

from harness.fairness import Correction, disparity_table, slice_table
from harness.fairness.conditions import CONDITION_COLUMNS, condition_grid
from harness.fairness.multiplicity import adjusted
from tests.fairness.builders import policy_of
from tests.fairness.conditions.builders import name_of, one, tones

BY = ["accent", "gender"]


def corpus(**options):
    scores = tones(np.random.default_rng(1), ["a", "b", "c"] * 6, n_conditions=2, gender=["f", "m"] * 9, **options)
    return scores.assign(accent=scores["accent"].where(scores["speaker_id"] != "s017"))


@pytest.mark.parametrize("correction", list(Correction))
def test_every_condition_has_the_rows_of_both_tables(correction):
    scores, policy = corpus(), policy_of(correction=correction)
    grid = condition_grid(scores, BY, policy)
    assert tuple(grid.columns) == CONDITION_COLUMNS
    assert grid["condition"].unique().tolist() == ["clean", name_of(0), name_of(1)]
    seed = int(np.random.default_rng(0).integers(2**62))
    for name, rows in grid.groupby("condition"):
        of_condition = scores[scores["condition"] == name]
        slices = slice_table(of_condition, BY, policy, np.random.default_rng(seed))
        pd.testing.assert_frame_equal(
            rows[[each for each in slices if each in rows]].reset_index(drop=True),
            slices[[each for each in slices if each in rows]],
        )
        gaps = disparity_table(of_condition, BY, policy)
        judged = rows[rows["comparator"] != ""].reset_index(drop=True)
        same = [each for each in gaps if each in rows and each not in ("p_adjusted", "verdict", "reason")]
        pd.testing.assert_frame_equal(judged[same], gaps[same])


def test_p_values_are_corrected_over_all_slices_of_clean_audio_and_over_all_of_the_conditions():
    """Clean audio is what a benchmark would have heard: it has no other verdicts for what was heard beside it."""
    grid = condition_grid(corpus(), BY, policy_of())
    counted = grid["p_value"].notna() & (grid["slice"] != "m")  # f and m are each other's rest
    for clean, n_tests in ((True, 4), (False, 2 * 4)):
        family = counted & ((grid["condition"] == "clean") == clean)
        expected = adjusted(grid["p_value"][family], Correction.holm)
        assert grid["p_adjusted"][family].tolist() == pytest.approx(expected)
        assert family.sum() == n_tests


def test_max_t_is_sharper_than_holm_and_never_below_the_p_value():
    scores = corpus(planted=0.5)
    holm, max_t = (
        condition_grid(scores, BY, policy_of(correction=each))["p_adjusted"].dropna()
        for each in (Correction.holm, Correction.max_t)
    )
    raw = condition_grid(scores, BY, policy_of())["p_value"].dropna()
    assert (max_t >= raw - 1e-12).all()
    assert max_t.mean() < holm.mean()


def test_everybody_and_undeclared_people_have_no_gap():
    grid = condition_grid(corpus(), BY, policy_of())
    first = one(grid, condition=name_of(1), dimension="overall")
    assert first[["slice", "comparator", "verdict"]].tolist() == ["all", "", ""]
    silent = one(grid, condition="clean", slice="undeclared")
    assert silent["n_utterances"] == 8
    assert np.isnan(silent["gap"])


def test_without_a_second_slice_there_are_slices_and_no_gaps():
    grid = condition_grid(corpus().assign(accent="a"), "accent", policy_of())
    assert len(grid) == 6
    assert grid["gap"].isna().all()
    assert set(grid["verdict"]) == {""}
