import warnings

import numpy as np
import pytest

from harness.fairness.regression.poisson import cells_of, climbed, dependent_columns, population_fit
from tests.fairness.poisson_vectors import V4_1, V4_2, Rows, fixture, rows_of, simulation


def gee(rows, cov_type):
    """Return coefficients and standard errors of statsmodels' GEE, working independence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.genmod.cov_struct import Independence
        from statsmodels.genmod.families import Poisson
        from statsmodels.genmod.generalized_estimating_equations import GEE

        model = GEE(
            rows.errors,
            rows.design,
            rows.speakers,
            family=Poisson(),
            cov_struct=Independence(),
            offset=np.log(rows.words),
        )
        fit = model.fit(cov_type=cov_type, maxiter=100, ctol=1e-12)
    return np.asarray(fit.params), np.asarray(fit.bse)


def uneven(seed=0, n_speakers=9):
    """Return speakers of 1 to 9 utterances with a level, a slope and a slice."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), rng.integers(1, 10, n_speakers))
    n_rows = len(speakers)
    design = np.column_stack(
        [np.ones(n_rows), rng.integers(0, 2, n_rows), rng.normal(20, 5, n_rows), speakers % 2]
    ).astype(float)
    words = rng.integers(1, 30, n_rows).astype(float)
    errors = rng.poisson(0.3 * words * rng.gamma(2, 0.5, n_speakers)[speakers]).astype(float)
    return Rows(errors, words, design, speakers)


def test_v4_1_population_averaged_coefficients_and_bias_reduced_errors():
    fit = population_fit(fixture(V4_1).cells)
    assert fit.coefficients == pytest.approx([-2.113946, 0.231814, 0.998932], abs=1e-6)
    assert fit.standard_errors == pytest.approx([0.679219, 0.143240, 0.764577], abs=1e-6)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(fixture(V4_1), id="V4.1"),
        pytest.param(fixture(V4_2), id="V4.2"),
        pytest.param(rows_of(simulation(50, 20)), id="sim_1k"),
        pytest.param(uneven(), id="speakers-of-1-to-9-utterances"),
    ],
)
def test_the_sandwich_is_that_of_an_implementation_in_utterances(rows):
    coefficients, errors = gee(rows, "bias_reduced")
    fit = population_fit(rows.cells)
    assert fit.coefficients == pytest.approx(coefficients, rel=1e-6, abs=1e-8)
    assert fit.standard_errors == pytest.approx(errors, rel=1e-6)


@pytest.mark.parametrize(
    ("size", "slope", "error"),
    [
        pytest.param((50, 20), 0.411, 0.217, id="sim_1k"),
        pytest.param((200, 50), 0.559, 0.079, id="sim_10k"),
        pytest.param((1000, 100), 0.383, 0.034, id="sim_100k"),
    ],
)
def test_the_simulations_have_the_published_independence_fits(size, slope, error):
    fit = population_fit(rows_of(simulation(*size)).cells)
    assert fit.coefficients[-1] == pytest.approx(slope, abs=5e-4)
    assert fit.standard_errors[-1] == pytest.approx(error, abs=5e-4)


def test_the_sandwich_is_wider_than_the_plain_one():
    rows = fixture(V4_1)
    _, robust = gee(rows, "robust")
    assert robust == pytest.approx([0.518100, 0.108089, 0.576243], abs=1e-6)
    assert np.all(population_fit(rows.cells).standard_errors > robust)


def test_blocks_of_speakers_change_nothing(monkeypatch):
    rows = rows_of(simulation(50, 20))
    whole = population_fit(rows.cells)
    monkeypatch.setattr("harness.fairness.regression.poisson._BLOCK_CELLS", 7 * 16)
    parts = population_fit(rows.cells)
    assert parts.standard_errors == pytest.approx(whole.standard_errors, rel=1e-10)


def test_a_coefficient_that_rests_on_one_speaker_has_no_error_and_others_keep_theirs():
    rows = uneven()
    alone = (rows.speakers == 3).astype(float)
    with_level = Rows(rows.errors, rows.words, np.column_stack([rows.design, alone]), rows.speakers)
    fit = population_fit(with_level.cells)
    assert np.isnan(fit.standard_errors[-1])
    assert np.all(np.isfinite(fit.standard_errors[:-1]))


def test_equal_rows_of_a_speaker_become_one_cell():
    rows = fixture(V4_1)
    cells = rows.cells
    assert len(cells.errors) == 16
    assert cells.n_utterances == 32
    assert cells.errors.sum() == 88
    assert cells.words.sum() == 348
    assert cells.speakers.tolist() == list(range(8))
    assert cells.of_speakers(cells.errors).tolist() == rows.errors.reshape(8, 4).sum(axis=1).tolist()


def test_cells_do_not_depend_on_the_order_of_utterances():
    rows = uneven()
    order = np.random.default_rng(1).permutation(len(rows.errors))
    shuffled = cells_of(rows.errors[order], rows.words[order], rows.design[order], rows.speakers[order])
    assert np.array_equal(shuffled.errors, rows.cells.errors)
    assert np.array_equal(shuffled.design, rows.cells.design)
    assert shuffled.constant == pytest.approx(rows.cells.constant)


def test_speakers_with_the_same_covariates_stay_apart():
    ones = np.ones(4)
    cells = cells_of(ones, ones * 5, np.ones((4, 1)), np.array([7, -1, 7, 0]))
    assert cells.speakers.tolist() == [-1, 0, 7]
    assert cells.errors.tolist() == [1, 1, 2]


def test_columns_that_follow_from_earlier_ones_are_named_in_order():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30))
    design = np.column_stack([np.ones(30), a, 1e6 * a + 2, b, a - 1e-3 * b, rng.normal(size=30)])
    assert dependent_columns(design) == [2, 4]


def test_a_column_of_zeros_is_dependent():
    assert dependent_columns(np.column_stack([np.ones(5), np.zeros(5), np.arange(5.0)])) == [1]


def test_nearly_collinear_is_not_collinear():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    assert dependent_columns(np.column_stack([np.ones(200), a, a + 1e-4 * rng.normal(size=200)])) == []


def test_no_cells_have_no_columns_to_tell_apart():
    assert dependent_columns(np.empty((0, 3))) == [0, 1, 2]


def test_a_step_that_loses_is_halved_and_one_that_cannot_win_is_not_taken():
    def hill(x):
        return float(-(x[0] ** 2))

    halved, value = climbed(hill, np.array([1.0]), np.array([-3.5]), best=-1.0)
    assert abs(halved[0]) < 1
    assert value > -1
    stayed, value = climbed(hill, np.array([1.0]), np.array([4.0]), best=-0.5)
    assert (stayed.tolist(), value) == ([1.0], -0.5)
