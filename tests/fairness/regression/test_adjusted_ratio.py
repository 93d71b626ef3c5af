from dataclasses import replace

import numpy as np
import pytest
from scipy.special import chdtrc, stdtrit
from scipy.stats import levene

from harness.fairness.regression.adjusted_covariates import Block
from harness.fairness.regression.adjusted_ratio import SPREAD_LEVEL, Contest, adjusted_ratio, spread_p_value
from harness.fairness.regression.mixed_poisson import mixed_fit
from harness.fairness.regression.poisson import cells_of
from tests.fairness.poisson_vectors import V4_1, V4_2, fixture, rows_of, simulation


def contest_of(rows, **options):
    """Return a comparison whose slice is the last column of the design."""
    return Contest(
        slice="scottish",
        comparator="rest",
        rows=np.arange(len(rows.errors)),
        inside=rows.design[:, -1] == 1,
        errors=rows.errors,
        words=rows.words,
        speakers=rows.speakers,
        n_named=int(rows.speakers.max()) + 1,
        **options,
    )


def block_of_columns(name, *columns, mute=None):
    values = np.column_stack(columns)
    names = tuple(f"{name}{k}" for k in range(values.shape[1]))
    return Block(name, names, values, np.zeros(len(values), bool) if mute is None else mute)


def ratio_of(rows, *blocks, confidence=0.95, **options):
    return adjusted_ratio(contest_of(rows, **options), blocks, confidence=confidence)


def test_v4_1_is_a_ratio_with_its_interval_and_test():
    rows = fixture(V4_1)
    found = ratio_of(rows, block_of_columns("noisy", rows.design[:, 1]))
    half = stdtrit(8 - 3, 0.975)
    assert np.log(found.ratio) == pytest.approx(1.068509, abs=1e-6)
    assert np.log(found.ratio_high / found.ratio) == pytest.approx(half * 0.644696, abs=1e-5)
    assert np.log(found.ratio / found.ratio_low) == pytest.approx(half * 0.644696, abs=1e-5)
    assert found.p_value == pytest.approx(chdtrc(1, 2.475771), abs=1e-6)
    assert np.log(found.population_ratio) == pytest.approx(0.998932, abs=1e-6)
    assert np.log(found.population_ratio_high / found.population_ratio) == pytest.approx(half * 0.764577, abs=1e-5)
    assert found.speaker_sd == pytest.approx(0.8055545, abs=1e-6)
    assert (found.n_speakers, found.n_utterances, found.note) == (8, 32, "")


def test_v4_2_says_that_speakers_do_not_differ():
    rows = fixture(V4_2)
    found = ratio_of(rows, block_of_columns("noisy", rows.design[:, 1]))
    assert found.speaker_sd == 0
    assert found.note == "speakers differ no more than chance makes them"
    assert np.log(found.ratio) == pytest.approx(0.931117, abs=1e-6)
    assert found.ratio == pytest.approx(found.population_ratio)


def test_without_covariates_the_population_ratio_is_that_of_the_pooled_rates():
    rows = rows_of(simulation(50, 20))
    inside = rows.design[:, -1] == 1
    pooled = [rows.errors[side].sum() / rows.words[side].sum() for side in (inside, ~inside)]
    assert ratio_of(rows).population_ratio == pytest.approx(pooled[0] / pooled[1])


def test_speakers_who_are_fitted_exactly_leave_no_interval_of_the_population_ratio():
    rows = fixture(V4_1)
    contest = replace(contest_of(rows), errors=rows.words * np.where(rows.design[:, -1] == 1, 0.5, 0.25))
    found = adjusted_ratio(contest, [], confidence=0.95)
    assert found.population_ratio == pytest.approx(2)
    assert np.isnan([found.population_ratio_low, found.population_ratio_high]).all()
    assert "or fits every speaker exactly: no interval of it" in found.note


def test_a_wider_interval_for_more_confidence():
    rows = fixture(V4_1)
    wide, narrow = (ratio_of(rows, confidence=confidence) for confidence in (0.99, 0.9))
    assert wide.ratio_low < narrow.ratio_low < narrow.ratio_high < wide.ratio_high


# What cannot be told apart


def test_a_covariate_that_is_the_slice_is_named_and_there_is_no_ratio():
    rows = rows_of(simulation(50, 20))
    found = ratio_of(
        rows, block_of_columns("z", rows.design[:, 2]), block_of_columns("region=", 1 - rows.design[:, -1])
    )
    assert np.isnan(found.ratio)
    assert np.isnan(found.population_ratio)
    assert found.note == "scottish cannot be told apart from region=0: no ratio"
    assert (found.n_speakers, found.n_utterances) == (0, 0)


def test_a_column_that_follows_from_others_is_named_and_changes_nothing():
    rows = rows_of(simulation(50, 20))
    noisy, z = rows.design[:, 1], rows.design[:, 2]
    once = ratio_of(rows, block_of_columns("noisy", noisy), block_of_columns("z", z))
    twice = ratio_of(rows, block_of_columns("noisy", noisy), block_of_columns("z", z, 3 * z - 2 * noisy + 1))
    assert twice.note.startswith("z1 follows from other covariates")
    assert twice.ratio == pytest.approx(once.ratio, rel=1e-9)
    assert twice.p_value == pytest.approx(once.p_value, rel=1e-6)


@pytest.mark.parametrize(
    ("side", "who"), [pytest.param(1, "scottish", id="slice"), pytest.param(0, "rest", id="comparator")]
)
def test_a_side_without_errors_has_no_ratio_that_a_model_can_hold(side, who):
    rows = fixture(V4_1)
    contest = contest_of(rows)
    silent = Contest(
        **{name: getattr(contest, name) for name in ("slice", "comparator", "rows", "inside", "words", "speakers")},
        errors=np.where(rows.design[:, -1] == side, 0.0, rows.errors),
        n_named=8,
    )
    found = adjusted_ratio(silent, [], confidence=0.95)
    assert np.isnan(found.ratio)
    assert found.note == f"no word errors of {who}: no ratio that a model can hold"


def test_errors_at_too_few_combinations_are_said_to_be_so():
    rows = fixture(V4_1)
    inside = rows.design[:, -1] == 1
    level = np.where(inside, rows.errors == 0, rows.errors > 0).astype(float)
    found = ratio_of(rows, block_of_columns("level", level))
    assert np.isnan(found.ratio)
    assert found.note == "word errors at too few combinations of the covariates: no ratio"


def test_more_coefficients_than_speakers_leave_no_interval():
    rows = fixture(V4_1)
    columns = np.random.default_rng(0).normal(size=(6, 32))
    found = ratio_of(rows, block_of_columns("x", *columns))
    assert found.note.startswith("8 speakers for 8 coefficients: no interval")
    assert np.isfinite(found.ratio)
    assert np.isnan([found.ratio_low, found.ratio_high, found.population_ratio_low]).all()


def test_mute_utterances_weigh_nothing():
    rows = fixture(V4_1)
    mute = np.tile([True, False, False, False], 8) & (rows.errors == 0)
    found = ratio_of(rows, block_of_columns("level", rows.design[:, 1], mute=mute))
    unheard = cells_of(rows.errors, np.where(mute, 1e-9, rows.words), rows.design, rows.speakers)
    assert np.log(found.ratio) == pytest.approx(mixed_fit(unheard).coefficients[-1], abs=1e-6)
    assert found.n_utterances == 32 - mute.sum()


def test_utterances_without_an_id_are_not_counted_as_speakers():
    rows = fixture(V4_1)
    contest = contest_of(rows)
    parts = {name: getattr(contest, name) for name in ("slice", "comparator", "rows", "inside", "errors", "words")}
    found = adjusted_ratio(Contest(**parts, speakers=rows.speakers, n_named=7), [], confidence=0.95)
    assert (found.n_speakers, found.ratio) == (7, ratio_of(rows).ratio)


# Spread


def speakers_drawn(rng, n_speakers, spreads, n_utterances=30):
    """Return cells of two sides whose expected WER is .2, slice first; utterances vary more than Poisson counts."""
    sd = np.repeat(spreads, n_speakers)
    rates = 0.2 * np.exp(rng.normal(0, sd) - sd**2 / 2)
    words = rng.integers(5, 20, (len(sd), n_utterances)).astype(float)
    errors = rng.poisson(rates[:, None] * words * rng.gamma(2, 0.5, words.shape))
    inside = np.repeat([1.0, 0.0], n_speakers)
    sums = errors.sum(axis=1).astype(float), words.sum(axis=1)
    return cells_of(*sums, np.column_stack([np.ones(len(sd)), inside]), np.arange(len(sd)))


def share_warned(n_speakers, spreads, n_corpora=150):
    rng = np.random.default_rng(5)
    drawn = (speakers_drawn(rng, n_speakers, spreads) for _ in range(n_corpora))
    return np.mean([spread_p_value(cells, mixed_fit(cells)) < SPREAD_LEVEL for cells in drawn])


@pytest.mark.parametrize(
    ("n_speakers", "spreads"),
    [
        pytest.param((10, 40), (0.7, 0.35), id="10-at-.7-against-40-at-.35"),
        pytest.param((10, 40), (0.35, 0.7), id="10-at-.35-against-40-at-.7"),
    ],
)
def test_unequal_spread_is_warned_of_in_most_corpora(n_speakers, spreads):
    assert share_warned(n_speakers, spreads) > 0.5


@pytest.mark.parametrize("n_speakers", [(5, 5), (10, 40), (40, 10)])
def test_equal_spread_is_warned_of_in_few(n_speakers):
    assert share_warned(n_speakers, (0.5, 0.5)) < 0.16  # of 1,000 corpora: 0.02, 0.10, 0.10


def test_the_spread_test_is_that_of_brown_and_forsythe_on_standardised_effects():
    cells = speakers_drawn(np.random.default_rng(1), (12, 9), (0.6, 0.4))
    fit = mixed_fit(cells)
    standardised = fit.effects / np.sqrt(fit.reliability)
    inside = cells.design[:, 1] == 1
    expected = levene(standardised[inside], standardised[~inside], center="median").pvalue
    assert spread_p_value(cells, fit) == pytest.approx(expected)


def test_the_warning_gives_both_spreads_and_the_test_to_read():
    rng = np.random.default_rng(2)
    cells = speakers_drawn(rng, (20, 20), (1.0, 0.1))
    ones = np.arange(40)
    contest = Contest("scottish", "rest", ones, cells.design[:, 1] == 1, cells.errors, cells.words, ones, 40)
    note = adjusted_ratio(contest, [], confidence=0.95).note
    assert note.startswith("speaker spread differs (0.9")
    assert note.endswith("): read the permutation test, not this ratio")


@pytest.mark.parametrize(
    ("errors", "inside"),
    [
        pytest.param([2, 2, 2, 2, 2, 2], [1, 1, 1, 0, 0, 0], id="no-spread"),
        pytest.param([2, 90, 5, 40, 1, 70], [1, 0, 0, 0, 0, 0], id="one-speaker-on-a-side"),
    ],
)
def test_there_is_no_spread_test_without_spreads(errors, inside):
    design = np.column_stack([np.ones(6), inside]).astype(float)
    cells = cells_of(np.array(errors, float), np.full(6, 100.0), design, np.arange(6))
    assert np.isnan(spread_p_value(cells, mixed_fit(cells)))


def test_who_is_on_both_sides_makes_overdispersion_matter():
    rng = np.random.default_rng(0)
    speakers, inside = np.repeat(np.arange(20), 20), np.tile([0.0, 1.0], 200)
    words = np.full(400, 20.0)
    errors = rng.poisson(0.2 * words * rng.gamma(0.5, 2, 400)).astype(float)
    contest = Contest("noisy", "rest", np.arange(400), inside == 1, errors, words, speakers, 20)
    found = adjusted_ratio(contest, [], confidence=0.95)
    assert found.dispersion > 3
    assert "interval and p-value are too narrow, read the population ratio" in found.note
    assert np.isfinite(found.p_value)
