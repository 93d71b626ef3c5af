import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import DimensionPolicy, Failures, Policy, disparity_table
from harness.fairness.adjusted import ADJUSTED_COLUMNS, adjusted_table
from harness.fairness.comparisons import comparisons
from harness.fairness.speaker_sums import checked_scores
from tests.fairness.builders import WORD_COUNTS, policy_of, scores_of, simulated

NUMBERS = [name for name in ADJUSTED_COLUMNS if name.startswith(("ratio", "population", "p_value", "speaker_sd"))]


@pytest.fixture(scope="module")
def corpus():
    scores = simulated(np.random.default_rng(0), [0.15, 0.3, 0.2], n_speakers=(7, 12, 15), n_utterances=6)
    rng = np.random.default_rng(1)
    return scores.assign(
        gender=np.repeat(rng.choice(["f", "m", "undeclared", "declined"], 34), 6),
        condition=rng.choice(["clean", "tone"], len(scores)),
        snr_db=rng.normal(20, 5, len(scores)),
    )


def fitted(scores, by="accent", covariates=(), policy=None, **options):
    return adjusted_table(scores, by, policy or policy_of(), covariates, **options)


def row_of(table, name, covariates="none"):
    found = table[(table["slice"] == name) & (table["covariates"] == covariates)]
    assert len(found) == 1, table
    return found.iloc[0]


def recorded_in_noise(seed=0, *, share_a=0.9, share_b=0.1, slope=1.0):
    """Return two accents that are alike; one of them was recorded in noise, which multiplies errors by e^slope."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(60), 20)
    noisy = rng.random(len(speakers)) < np.where(speakers < 30, share_a, share_b)
    words = rng.integers(5, 20, len(speakers))
    rates = 0.1 * np.exp(slope * noisy + rng.normal(0, 0.3, 60)[speakers])
    return scores_of(
        rng.poisson(rates * words),
        words,
        [f"s{speaker:02d}" for speaker in speakers],
        accent=np.where(speakers < 30, "a", "b"),
        device=np.where(noisy, "street", "studio"),
    )


# What the table says


def test_columns_are_those_of_the_contract(corpus):
    assert fitted(corpus, covariates=["gender"]).columns.tolist() == list(ADJUSTED_COLUMNS)
    assert len(ADJUSTED_COLUMNS) == 16


def test_every_slice_is_shown_as_it_is_with_each_covariate_and_with_all(corpus):
    table = fitted(corpus, covariates=["gender", "snr_db", "utterance_length"])
    expected = ["none", "gender", "snr_db", "utterance_length", "gender + snr_db + utterance_length"]
    assert table["slice"].tolist() == ["a0"] * 5 + ["a1"] * 5 + ["a2"] * 5
    assert table["covariates"].tolist() == expected * 3
    assert set(table["comparator"]) == {"rest"}
    assert np.isfinite(table[NUMBERS].to_numpy(float)).all()


def test_one_covariate_needs_no_row_of_all(corpus):
    assert fitted(corpus, covariates=["gender"])["covariates"].tolist() == ["none", "gender"] * 3


def test_a_covariate_that_accounts_for_the_gap_brings_the_ratio_to_one():
    table = fitted(recorded_in_noise(), covariates=["device"])
    raw, held_equal = row_of(table, "a"), row_of(table, "a", "device")
    assert raw["ratio_low"] > 1.4
    assert raw["p_value"] < 1e-6
    assert held_equal["ratio_low"] < 1 < held_equal["ratio_high"]
    assert held_equal["ratio"] == pytest.approx(1, abs=0.2)
    assert held_equal["population_ratio"] == pytest.approx(1, abs=0.2)


def test_the_population_ratio_as_it_is_is_the_ratio_of_the_disparity_table(corpus):
    adjusted = fitted(corpus, by=["accent", "condition", "accent & gender"])
    disparities = disparity_table(corpus, ["accent", "condition", "accent & gender"], policy_of())
    both = disparities.merge(adjusted, on=["dimension", "slice", "comparator"], validate="one_to_one")
    assert len(both) == len(disparities)
    shown = both["population_ratio"].notna()
    assert shown.sum() >= 9
    assert both.loc[shown, "population_ratio"].to_numpy() == pytest.approx(both.loc[shown, "ratio_x"].to_numpy())


@pytest.mark.parametrize(("comparator", "name"), [("rest", "rest"), ("best", "a0"), ("largest", "a2"), ("a1", "a1")])
def test_comparators_are_those_of_the_disparity_table(corpus, comparator, name):
    policy = policy_of(comparator=comparator)
    table = fitted(corpus, policy=policy)
    found = comparisons(checked_scores(corpus, policy), "accent", policy)
    assert set(table["comparator"]) == {name}
    assert table["slice"].tolist() == list(found.slices)
    slices, comparators = found.sides
    rates = [side.errors.sum(axis=0) / side.words.sum(axis=0) for side in (slices, comparators)]
    assert table["population_ratio"].to_numpy() == pytest.approx(rates[0] / rates[1])
    assert table["n_speakers"].tolist() == (slices.present | comparators.present).sum(axis=0).tolist()


def test_two_slices_are_each_others_reciprocal():
    table = fitted(recorded_in_noise(), covariates=["device"])
    a, b = row_of(table, "a", "device"), row_of(table, "b", "device")
    assert a["ratio"] == pytest.approx(1 / b["ratio"])
    assert a["ratio_low"] == pytest.approx(1 / b["ratio_high"])
    assert a["p_value"] == pytest.approx(b["p_value"])


def test_the_level_of_the_intervals_is_the_policys():
    scores = recorded_in_noise()
    wide, narrow = (row_of(fitted(scores, policy=policy_of(alpha=alpha)), "a") for alpha in (0.01, 0.2))
    assert wide["ratio_low"] < narrow["ratio_low"]
    assert wide["ratio"] == narrow["ratio"]


def test_an_attribute_of_the_dimension_is_no_covariate_of_it(corpus):
    table = fitted(corpus, by=["accent", "accent & gender"], covariates=["accent", "gender"])
    assert set(table[table["dimension"] == "accent"]["covariates"]) == {"none", "gender"}
    assert set(table[table["dimension"] == "accent & gender"]["covariates"]) == {"none"}


def test_the_order_of_values_is_the_one_given(corpus):
    table = fitted(corpus, orders={"accent": ["a2", "a0"]})
    assert table["slice"].tolist() == ["a2", "a0", "a1"]


def test_a_speaker_may_be_on_both_sides(corpus):
    row = row_of(fitted(corpus, by="condition", covariates=["accent"]), "tone", "accent")
    assert (row["n_speakers"], row["n_utterances"]) == (34, 204)
    assert row["ratio"] == pytest.approx(1, abs=0.3)


def test_the_order_of_rows_changes_nothing(corpus):
    shuffled = corpus.sample(frac=1, random_state=1)
    first, second = (fitted(scores, covariates=["gender", "snr_db"]) for scores in (corpus, shuffled))
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_the_scores_are_not_changed(corpus):
    before = corpus.copy(deep=True)
    fitted(corpus, covariates=["gender", "utterance_length"])
    pd.testing.assert_frame_equal(corpus, before)


# Who is counted, and who is not


def test_undeclared_people_are_no_slice_and_a_level_of_a_covariate(corpus):
    table = fitted(corpus, by="gender")
    assert table["slice"].tolist() == ["f", "m"]
    assert row_of(fitted(corpus, covariates=["gender"]), "a0", "gender")["n_utterances"] == len(corpus)


def test_utterances_without_reference_words_are_counted_in_the_note():
    scores = recorded_in_noise()
    silent = scores_of([3, 2], [0, 0], ["s00", "s59"], accent=["a", "b"], device=["studio", "studio"])
    row = row_of(fitted(pd.concat([scores, silent])), "a")
    assert row["n_utterances"] == len(scores)
    assert row["note"].startswith("2 utterances without reference words left out, whose 5 insertions count in the WER")
    assert row["ratio"] == row_of(fitted(scores), "a")["ratio"]


def test_failed_clips_are_what_the_policy_says():
    scores = recorded_in_noise()
    failed = np.arange(len(scores)) % 100 == 0
    counted = scores.assign(failed=failed)
    kept = row_of(fitted(counted), "a")
    left_out = row_of(fitted(counted, policy=policy_of(failures=Failures.left_out)), "a")
    assert (kept["n_utterances"], left_out["n_utterances"]) == (1200, 1188)
    assert left_out["note"] == "12 failed clips left out"
    assert left_out["ratio"] == pytest.approx(row_of(fitted(scores[~failed]), "a")["ratio"], rel=1e-9)


def test_utterances_without_a_speaker_id_are_one_speaker_a_side_and_no_person():
    scores = recorded_in_noise()
    unnamed = scores["speaker_id"].isin(["s00", "s01", "s58", "s59"])
    row = row_of(fitted(scores.assign(speaker_id=scores["speaker_id"].where(~unnamed, None))), "a")
    assert row["n_speakers"] == 56
    assert row["n_utterances"] == 1200
    assert row["note"] == "80 utterances without a speaker id count as one speaker a side"
    merged = {"s01": "s00", "s59": "s58"}
    same = row_of(fitted(scores.assign(speaker_id=scores["speaker_id"].replace(merged))), "a")
    assert row["ratio"] == pytest.approx(same["ratio"], rel=1e-9)


def test_without_any_speaker_id_nothing_is_fitted():
    table = fitted(recorded_in_noise().assign(speaker_id=""), covariates=["device"])
    assert table["covariates"].tolist() == ["none", "none"]
    assert table["note"].str.startswith("too few to say: 0 speakers with an id").all()
    assert table[NUMBERS].isna().all(axis=None)


def test_a_slice_below_the_floors_has_a_row_that_says_so(corpus):
    table = fitted(corpus, policy=Policy(min_speakers=10, min_utterances=20, min_words=100), covariates=["gender"])
    few = row_of(table, "a0")
    assert few["note"] == "too few to say: 7 speakers with an id where the policy asks for 10"
    assert (table["slice"] == "a0").sum() == 1
    assert np.isfinite(row_of(table, "a1", "gender")["ratio"])


def test_several_values_put_an_utterance_on_both_sides_of_a_named_comparator():
    scores = recorded_in_noise()
    accents = [("a", "b") if i % 100 == 0 else (accent,) for i, accent in enumerate(scores["accent"])]
    policy = policy_of(dimensions={"accent": DimensionPolicy(comparator="b")})
    row = row_of(fitted(scores.assign(accent=accents), policy=policy), "a")
    assert row["n_utterances"] == 1212
    assert row["note"].startswith("12 utterances are on both sides")


# Covariates that cannot be held equal


def test_what_cannot_be_held_equal_says_why_and_is_left_out_of_all():
    scores = recorded_in_noise()
    one_each = scores.assign(region=scores["accent"].str.upper(), town=scores["speaker_id"], language="en")
    table = fitted(one_each, covariates=["device", "region", "town", "language", "utterance_length"])
    assert table["covariates"].tolist()[:6] == [
        "none", "device", "region", "town", "language", "utterance_length"
    ]  # fmt: skip
    assert row_of(table, "a", "region")["note"] == "a cannot be told apart from region=B: no ratio"
    assert row_of(table, "a", "town")["note"].startswith("town has 60 values, a model takes 20")
    assert row_of(table, "a", "language")["note"] == "language is the same throughout: nothing to adjust for"
    everything = row_of(table, "a", "device + utterance_length")
    assert np.isfinite(everything["ratio"])
    assert "without region: a cannot be told apart" in everything["note"]
    assert "without town: town has 60 values" in everything["note"]


def test_two_names_for_one_covariate_are_adjusted_for_once():
    scores = recorded_in_noise()
    table = fitted(scores.assign(room=scores["device"].str.upper()), covariates=["device", "room"])
    both, once = row_of(table, "a", "device + room"), row_of(table, "a", "device")
    assert both["ratio"] == pytest.approx(once["ratio"], rel=1e-9)
    assert "follows from other covariates" in both["note"]


def test_a_covariate_may_be_constant_in_one_comparison_only():
    scores = recorded_in_noise()
    accents = scores["accent"].where((scores["accent"] == "a") | (scores["speaker_id"] < "s45"), "c")
    regions = accents.map({"a": "north", "b": "north", "c": "south"})
    table = fitted(scores.assign(accent=accents, region=regions), "accent", ["region"], policy_of(comparator="a"))
    assert row_of(table, "b", "region")["note"] == "region is the same throughout: nothing to adjust for"
    assert "cannot be told apart" in row_of(table, "c", "region")["note"]


# Bad input


BAD = [
    pytest.param(lambda s: s[s["speaker_id"] == "s00"], id="one-speaker"),
    pytest.param(lambda s: s.assign(accent="a"), id="one-slice"),
    pytest.param(lambda s: s.assign(**dict.fromkeys(WORD_COUNTS, 1)), id="all-alike"),
    pytest.param(lambda s: s.assign(hits=0, substitutions=0, deletions=0), id="no-reference-words"),
    pytest.param(lambda s: s.assign(substitutions=0, deletions=0, insertions=0), id="no-errors"),
    pytest.param(lambda s: s.assign(insertions=s["hits"] * 5), id="WER-above-1"),
    pytest.param(lambda s: s.assign(accent=[f"v{i}" for i in range(len(s))]), id="a-value-each"),
    pytest.param(lambda s: s.assign(accent="declined"), id="nobody-declared"),
    pytest.param(lambda s: s.assign(speaker_id=None), id="no-ids"),
    pytest.param(lambda s: s.assign(failed=True), id="all-failed"),
    pytest.param(lambda s: s.assign(device=[("x", "y")] * len(s)), id="several-values"),
    pytest.param(lambda s: s.assign(device=np.nan), id="nothing-measured"),
    pytest.param(lambda s: s.iloc[:0], id="no-rows"),
]


@pytest.mark.parametrize("spoiled", BAD)
@pytest.mark.parametrize("failures", Failures)
def test_bad_input_gives_a_number_or_a_row_that_says_why_not(spoiled, failures):
    scores = spoiled(recorded_in_noise())
    table = fitted(scores, ["accent", "device & accent"], ["device", "utterance_length"], policy_of(failures=failures))
    silent = table[NUMBERS].isna().any(axis=1) & (table["note"] == "")
    assert not silent.any(), table[silent]
    assert table.columns.tolist() == list(ADJUSTED_COLUMNS)


def test_identical_slices_have_a_ratio_of_one():
    scores = pd.concat([recorded_in_noise().query("accent == 'b'")] * 2, ignore_index=True)
    half = len(scores) // 2
    named = scores["speaker_id"] + np.where(np.arange(len(scores)) < half, "x", "y")
    row = row_of(fitted(scores.assign(speaker_id=named, accent=np.repeat(["a", "b"], half))), "a")
    assert row["ratio"] == pytest.approx(1, abs=1e-6)
    assert row["p_value"] == pytest.approx(1, abs=1e-3)


def test_five_thousand_slices_are_rows_without_a_fit():
    rng = np.random.default_rng(0)
    scores = scores_of(rng.integers(0, 3, 10_000), [10] * 10_000, accent=[f"v{i // 2}" for i in range(10_000)])
    table = fitted(scores, policy=Policy(), covariates=["utterance_length"])
    assert len(table) == 5_000
    assert table["note"].str.startswith("too few to say").all()


def test_a_word_that_is_no_attribute_is_refused(corpus):
    with pytest.raises(UsageError, match="acent"):
        fitted(corpus, by="acent")
    with pytest.raises(UsageError, match="covariate 'gendre'"):
        fitted(corpus, covariates=["gendre"])
    with pytest.raises(UsageError, match="no declared slice"):
        fitted(corpus, policy=policy_of(comparator="a9"))
