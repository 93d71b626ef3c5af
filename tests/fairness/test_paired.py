"""The comparisons table, against formulas by hand, loops, scipy, and corpora whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.fairness import Correction, Failures
from harness.fairness.paired import COMPARISON_COLUMNS, comparison_table
from harness.fairness.systems.paired_verdicts import headlines, regressions
from tests.fairness.builders import policy_of, scores_of, speakers_of

MEASURES = ["wer", "max_gap", "worst_slice_wer", "slice_wer"]


def two_systems(seed, wers=((0.2, 0.3), (0.2, 0.3)), *, n_speakers=8, n_utterances=4, own=0.2):
    """Return two systems' scores of the same utterances by speakers who differ; slices are a0, a1, ..."""
    rng = np.random.default_rng(seed)
    accents = np.repeat([f"a{k}" for k in range(len(wers[0]))], n_speakers)
    voice = rng.normal(0, 0.4, len(accents))
    words = rng.integers(20, 60, (len(accents), n_utterances))
    hard = rng.gamma(4, 0.25, words.shape)
    return [
        scores_of(
            rng.poisson(
                np.repeat(wer, n_speakers)[:, None]
                * np.exp(voice + rng.normal(0, own, len(accents)) - (0.16 + own**2) / 2)[:, None]
                * words
                * hard
            ).ravel(),
            words.ravel(),
            np.repeat([f"s{i:03d}" for i in range(len(accents))], n_utterances),
            accent=np.repeat(accents, n_utterances),
        )
        for wer in wers
    ]


def compared(systems, by="accent", seed=0, **options):
    return comparison_table(*systems, by, policy_of(**options), np.random.default_rng(seed))


def row_of(table, measure, name=None):
    found = table[(table["measure"] == measure) & ((table["slice"] == name) | (name is None))]
    assert len(found) == 1, table
    return found.iloc[0]


def sums_of(systems, name=None):
    """Return each speaker's errors of both systems and words, (3, n_speakers)."""
    first, second = (each if name is None else each[each["accent"] == name] for each in systems)
    errors = ["substitutions", "deletions", "insertions"]
    columns = [
        first.groupby("speaker_id")[errors].sum().sum(axis=1),
        second.groupby("speaker_id")[errors].sum().sum(axis=1),
        first.groupby("speaker_id")[["hits", "substitutions", "deletions"]].sum().sum(axis=1),
    ]
    return np.array([column.to_numpy(float) for column in columns])


def linearised(first, second, words):
    """Return the difference of the two ratios and its joint standard error (Cochran 1977)."""
    n, difference = len(words), (second.sum() - first.sum()) / words.sum()
    residuals = second - first - difference * words
    return difference, (n / (n - 1) * (residuals**2).sum()) ** 0.5 / words.sum()


def test_the_table_has_every_measure_in_its_columns():
    table = compared(two_systems(0))
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert list(zip(table["measure"], table["dimension"], table["slice"], strict=True)) == [
        ("wer", "overall", "all"),
        ("max_gap", "accent", ""),
        ("worst_slice_wer", "accent", ""),
        ("slice_wer", "accent", "a0"),
        ("slice_wer", "accent", "a1"),
    ]


def test_numbers_are_pooled_rates_and_their_differences():
    systems = two_systems(1)
    table = compared(systems)
    rates = {}
    for name in (None, "a0", "a1"):
        first, second, words = sums_of(systems, name)
        rates[name] = first.sum() / words.sum(), second.sum() / words.sum()
        row = row_of(table, "slice_wer" if name else "wer", name)
        assert (row["baseline"], row["candidate"]) == pytest.approx(rates[name])
    gap, worst = row_of(table, "max_gap"), row_of(table, "worst_slice_wer")
    assert gap["candidate"] == pytest.approx(abs(rates["a0"][1] - rates["a1"][1]))
    assert worst["baseline"] == pytest.approx(max(rates["a0"][0], rates["a1"][0]))
    assert (table["difference"] - (table["candidate"] - table["baseline"])).abs().max() < 1e-15


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_speakers", [7, 12])
def test_the_interval_is_the_t_interval_of_the_joint_linearisation(n_speakers, seed):
    systems = two_systems(seed, n_speakers=n_speakers)
    table = compared(systems)
    for measure, name, n_people in (("wer", None, 2 * n_speakers), ("slice_wer", "a0", n_speakers)):
        difference, standard_error = linearised(*sums_of(systems, name))
        row = row_of(table, measure, name)
        half = stats.t.ppf(0.975, n_people - 1) * standard_error
        assert (row["difference_low"], row["difference_high"]) == pytest.approx((difference - half, difference + half))


@pytest.mark.parametrize("seed", range(4))
def test_the_test_of_a_slice_is_scipy_s_permutation_of_the_systems_within_speakers(seed):
    systems = two_systems(seed, ((0.2, 0.3), (0.25, 0.3)), n_speakers=8)
    table = compared(systems)
    for name in ("a0", "a1"):
        first, second, _ = sums_of(systems, name)
        expected = stats.permutation_test(
            (first, second),
            lambda a, b, axis: (b - a).sum(axis=axis),
            permutation_type="samples",
            n_resamples=np.inf,
        )
        assert row_of(table, "slice_wer", name)["p_value"] == pytest.approx(expected.pvalue)


def test_the_test_agrees_with_wilcoxon_and_t_on_what_is_plain():
    systems = two_systems(3, ((0.2, 0.2), (0.3, 0.2)), n_speakers=15, own=0.05)
    table = compared(systems)
    first, second, words = sums_of(systems, "a0")
    assert stats.wilcoxon(second / words, first / words).pvalue < 0.005
    assert stats.ttest_rel(second / words, first / words).pvalue < 0.005
    assert row_of(table, "slice_wer", "a0")["p_value"] < 0.005
    assert row_of(table, "slice_wer", "a1")["p_value"] > 0.05


def test_swapping_the_systems_turns_every_row_around():
    systems = two_systems(4, ((0.2, 0.3), (0.5, 0.3)), n_speakers=12)
    there, back = compared(systems), compared(systems[::-1])
    turned = {"better": "worse", "worse": "better"}
    assert (there["difference"] == -back["difference"]).all()
    assert np.allclose(there["difference_low"], -back["difference_high"])
    assert np.allclose(there["p_value"], back["p_value"])
    assert [turned.get(each, each) for each in there["verdict"]] == back["verdict"].tolist()
    assert "worse" in set(there["verdict"])


def test_neither_the_order_of_the_rows_nor_the_cut_into_utterances_changes_a_number():
    systems = two_systems(5, n_speakers=12)
    expected = compared(systems)
    shuffled = [each.sample(frac=1, random_state=k) for k, each in enumerate(systems)]
    pd.testing.assert_frame_equal(compared(shuffled), expected)
    whole = [
        each.groupby("speaker_id", as_index=False)
        .agg({"accent": "first", "hits": "sum", "substitutions": "sum", "deletions": "sum", "insertions": "sum"})
        .assign(utterance_id=lambda rows: rows["speaker_id"])
        for each in systems
    ]
    pd.testing.assert_frame_equal(compared(whole), expected)


def test_the_same_seed_gives_the_same_table():
    systems = two_systems(6, n_speakers=12)
    pd.testing.assert_frame_equal(compared(systems, seed=1), compared(systems, seed=1))
    assert not compared(systems, seed=1).equals(compared(systems, seed=2))


def test_p_values_are_corrected_over_all_tests_of_the_table():
    table = compared(two_systems(7, ((0.2, 0.3, 0.2), (0.23, 0.33, 0.2)), n_speakers=12))
    order = np.argsort(table["p_value"].to_numpy(), kind="stable")
    stepped = np.maximum.accumulate(np.arange(len(order), 0, -1) * table["p_value"].to_numpy()[order])
    assert table["p_adjusted"].to_numpy()[order] == pytest.approx(np.minimum(stepped, 1))
    uncorrected = compared(two_systems(7), correction=Correction.none)
    assert uncorrected["p_value"].equals(uncorrected["p_adjusted"].rename("p_value"))


def test_many_slices_get_as_fine_p_values_as_their_correction_needs():
    table = compared(two_systems(8, ((0.2,) * 40, (0.4,) * 40), n_speakers=14, own=0.05), n_permutations=100)
    assert set(table.loc[table["measure"] == "slice_wer", "verdict"]) == {"worse"}


def test_a_system_is_equal_to_itself():
    system = two_systems(9, n_speakers=12)[0]
    table = compared([system, system])
    assert (table["difference"] == 0).all()
    assert (table["p_value"] == 1).all()
    assert set(table["verdict"]) == {"within_margin"}
    assert regressions(table, policy_of()).empty


def test_a_system_that_is_worse_for_everyone_is_less_accurate_and_as_fair():
    first = two_systems(10, n_speakers=15, n_utterances=10)[0]
    second = first.assign(insertions=first["insertions"] + first.eval("hits + substitutions") // 10)
    table = compared([first, second], margin=0.05)
    verdicts = table.set_index(["measure", "slice"])["verdict"].to_dict()
    assert verdicts["wer", "all"] == verdicts["slice_wer", "a0"] == verdicts["worst_slice_wer", ""] == "worse"
    assert verdicts["max_gap", ""] == "within_margin"
    assert set(regressions(table, policy_of(margin=0.05))["measure"]) == {"wer", "slice_wer", "worst_slice_wer"}
    overall, accent = headlines(table, policy_of())
    assert overall.startswith("Overall, the candidate makes more word errors than the baseline")
    assert accent.startswith("By accent, the candidate is as fair as the baseline within the margin")


def test_a_system_that_is_worse_for_one_slice_is_less_fair():
    table = compared(two_systems(11, ((0.2, 0.2), (0.2, 0.5)), n_speakers=20, own=0.1))
    assert row_of(table, "max_gap")["verdict"] == "worse"
    assert "the candidate is less fair than the baseline" in headlines(table, policy_of())[1]


def test_equal_systems_are_seldom_told_apart_in_any_of_many_slices():
    alarms = [
        compared(two_systems(seed, ((0.2,) * 12,) * 2, n_speakers=6), n_resamples=200)["verdict"]
        .isin(["better", "worse"])
        .any()
        for seed in range(30)
    ]
    assert np.mean(alarms) <= 0.07


def test_slices_below_the_floors_are_shown_and_in_no_extreme():
    systems = [
        pd.concat([each, speakers_of({"few": [90, 90]}).assign(speaker_id=["x", "y"], utterance_id=["x", "y"])])
        for each in two_systems(12, n_speakers=6)
    ]
    table = compared(systems, min_speakers=5)
    few = row_of(table, "slice_wer", "few")
    assert (few["baseline"], few["difference"], few["verdict"]) == (0.9, 0, "insufficient")
    assert few["reason"] == ("too few to say: 2 speakers with an id where the policy asks for 5 (2 speakers)")
    assert np.isnan([few["p_value"], few["p_adjusted"]]).all()
    assert row_of(table, "worst_slice_wer")["candidate"] < 0.9


def test_who_told_nothing_counts_overall_and_is_no_slice():
    systems = [each.assign(accent=each["accent"].replace({"a1": None})) for each in two_systems(13, n_speakers=6)]
    table = compared(systems)
    assert table["slice"].tolist() == ["all", "", "", "a0"]
    _, second, words = sums_of(two_systems(13, n_speakers=6))
    assert row_of(table, "wer")["candidate"] == pytest.approx(second.sum() / words.sum())
    for measure in ("max_gap", "worst_slice_wer"):
        row = row_of(table, measure)
        assert row["verdict"] == "insufficient"
        assert row["reason"] == "too few to say: 1 slice above the policy's floors where a gap needs 2 (6 speakers)"


def alone(**columns):
    """Return two systems' scores of one speaker's utterances."""
    return [
        scores_of(errors, [10] * 4, ["s"] * 4, accent=["a", "a", "b", "b"], **columns) for errors in ([1] * 4, [2] * 4)
    ]


@pytest.mark.parametrize(
    ("systems", "by"),
    [
        pytest.param(alone(), "accent", id="one-speaker"),
        pytest.param(two_systems(0, ((0.2,),) * 2), "accent", id="one-slice"),
        pytest.param([each.assign(speaker_id=None) for each in two_systems(0)], "accent", id="no-speaker-ids"),
        pytest.param([each.assign(speaker_id="") for each in two_systems(0)], "accent", id="empty-speaker-ids"),
        pytest.param([each.assign(accent=None) for each in two_systems(0)], "accent", id="nobody-declared"),
        pytest.param([scores_of([1] * 8, [0] * 8, accent=["a", "b"] * 4)] * 2, "accent", id="no-words"),
        pytest.param(
            [scores_of([0] * 8, [0] * 8, accent=["a", "b"] * 4)] * 2, "accent", id="nothing-said-nothing-heard"
        ),
        pytest.param(
            [scores_of([each] * 12, [10] * 12, accent=["a", "b"] * 6) for each in (30, 45)], "accent", id="wer-above-1"
        ),
        pytest.param([scores_of([1] * 12, [10] * 12, accent=["a", "b"] * 6)] * 2, "accent", id="all-identical"),
        pytest.param(
            [scores_of([each] * 12, [10] * 12, accent=["a", "b"] * 6) for each in (0, 1)], "accent", id="no-spread"
        ),
        pytest.param([each.assign(accent=[("x", "y")] * len(each)) for each in two_systems(0)], "accent", id="several"),
        pytest.param([each.iloc[:0] for each in two_systems(0)], "accent", id="no-utterance"),
        pytest.param(two_systems(0), [], id="no-dimension"),
    ],
)
@pytest.mark.parametrize("failures", list(Failures))
def test_odd_corpora_give_numbers_or_rows_that_say_why_not(systems, by, failures):
    table = compared(systems, by=by, failures=failures)
    for row in table.to_dict("records"):
        numbers = [row[name] for name in ("baseline", "candidate", "difference", "p_value", "p_adjusted")]
        bounds = [row["difference_low"], row["difference_high"]]
        assert row["verdict"] == "insufficient" or np.isfinite([*numbers, *bounds]).all()
        assert row["verdict"] != "insufficient" or row["reason"].startswith("too few to say: ")
        assert "nan" not in row["reason"]
    assert all("nan" not in sentence for sentence in headlines(table, policy_of()))


def test_a_wer_above_one_is_compared_like_any_other():
    table = compared([scores_of([each] * 12, [10] * 12, accent=["a", "b"] * 6) for each in (30, 45)])
    assert row_of(table, "wer")["difference"] == pytest.approx(1.5)
    assert row_of(table, "wer")["verdict"] == "worse"


def test_without_speaker_ids_nothing_is_judged():
    table = compared([each.assign(speaker_id=None) for each in two_systems(0)])
    assert set(table["verdict"]) == {"insufficient"}
    assert "0 speakers with an id where the policy asks for 2" in row_of(table, "wer")["reason"]
    assert table[["difference_low", "p_value"]].isna().all(axis=None)
    assert np.isfinite(row_of(table, "wer")["difference"])


def test_an_attribute_of_five_thousand_values_is_compared():
    rng = np.random.default_rng(0)
    names = [f"v{i}" for i in range(5_000)]
    systems = [scores_of(rng.integers(0, 5, 5_000), [10] * 5_000, village=names) for _ in range(2)]
    table = compared(systems, by="village", min_speakers=5)
    assert len(table) == 5_003
    assert (table["verdict"] == "insufficient").sum() == 5_002


def test_several_values_put_an_utterance_in_several_slices():
    systems = [each.assign(accent=[("x", "y")] * len(each)) for each in two_systems(0)]
    table = compared(systems)
    assert (row_of(table, "slice_wer", "x")["difference"]) == row_of(table, "wer")["difference"]
    assert row_of(table, "max_gap")["candidate"] == 0


def test_conditions_are_slices_that_speakers_share():
    clean, noisy = two_systems(1, n_speakers=6), two_systems(2, ((0.4, 0.5), (0.3, 0.4)), n_speakers=6)
    systems = [
        pd.concat([one.assign(condition="clean"), other.assign(condition="noisy")])
        for one, other in zip(clean, noisy, strict=True)
    ]
    table = compared(systems, by=["condition", "accent & condition"])
    assert table.loc[table["dimension"] == "condition", "slice"].tolist() == ["", "", "clean", "noisy"]
    assert "clean to noisy in the baseline" in table.iloc[1]["reason"]
    assert len(table) == 1 + 4 + 6


def test_the_order_of_values_is_that_given():
    table = comparison_table(*two_systems(0), "accent", policy_of(), orders={"accent": ["a1", "a0"]})
    assert table["slice"].tolist() == ["all", "", "", "a1", "a0"]


def failing():
    """Return two systems of which the first failed on one utterance, all whose words count as deleted."""
    first, second = two_systems(0, n_speakers=6)
    words = first.loc[0, ["hits", "substitutions", "deletions"]].sum()
    first.loc[0, ["hits", "substitutions", "insertions", "deletions"]] = [0, 0, 0, words]
    return [first.assign(failed=first.index == 0), second.assign(failed=False)]


def test_failed_utterances_count_as_the_policy_says_and_are_told():
    systems = failing()
    counted, left_out = (compared(systems, failures=rule) for rule in (Failures.deletions, Failures.left_out))
    first, _, words = sums_of(systems)
    assert row_of(counted, "wer")["baseline"] == pytest.approx(first.sum() / words.sum())
    assert (
        "the baseline failed on 1 and the candidate on 0 of its 48 clips, every word"
        in row_of(counted, "wer")["reason"]
    )
    rest = sums_of([each.iloc[1:] for each in systems])
    assert row_of(left_out, "wer")["candidate"] == pytest.approx(rest[1].sum() / rest[2].sum())
    assert "left out of both" in row_of(left_out, "wer")["reason"]
    assert "clips failed" not in row_of(counted, "slice_wer", "a1")["reason"]


def test_defaults_are_the_default_policy_and_seed():
    systems = two_systems(0, n_speakers=6, n_utterances=8)
    table = comparison_table(*systems, "accent")
    pd.testing.assert_frame_equal(table, comparison_table(*systems, ["accent"], rng=np.random.default_rng(0)))
