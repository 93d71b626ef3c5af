import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from scipy.special import gammaln

from harness.fairness.regression.mixed_poisson import likelihood_ratio, likelihood_ratio_p_value, mixed_fit
from harness.fairness.regression.poisson import cells_of, loglinear_coefficients
from tests.fairness.poisson_vectors import V4_1, V4_2, Rows, fixture, rows_of, simulation
from tests.shared import DATA, needs_data


def without_slice(cells):
    return cells.with_columns(range(cells.design.shape[1] - 1))


def slice_test(cells):
    return likelihood_ratio(mixed_fit(without_slice(cells)), mixed_fit(cells))


def exact_log_likelihood(rows, coefficients, sds):
    """Integrate every speaker's likelihood by the trapezoid rule, utterance by utterance."""
    total = 0.0
    for speaker, sd in zip(np.unique(rows.speakers), sds, strict=True):
        own = rows.speakers == speaker
        u = np.linspace(-10 * sd, 10 * sd, 20_001)  # (n_grid,)
        eta = np.log(rows.words[own]) + rows.design[own] @ coefficients + u[:, None]  # (n_grid, n_utterances)
        terms = (rows.errors[own] * eta - np.exp(eta)).sum(axis=1) - gammaln(rows.errors[own] + 1).sum()
        total += np.log(trapezoid(np.exp(terms - u**2 / (2 * sd**2)) / (sd * np.sqrt(2 * np.pi)), u))
    return total


# Vectors


def test_v4_1_is_the_fit_of_glmer():
    fit = mixed_fit(fixture(V4_1).cells, n_nodes=25)
    assert fit.coefficients == pytest.approx([-2.494324, 0.318994, 1.068509], abs=1e-6)
    assert fit.standard_errors == pytest.approx([0.502788, 0.215655, 0.644696], abs=1e-6)
    assert fit.speaker_sd == pytest.approx([0.8055545], abs=5e-8)


def test_v4_1_to_the_digits_of_the_first_quadrature():
    cells = fixture(V4_1).cells
    fit = mixed_fit(cells, n_nodes=25)
    assert fit.coefficients == pytest.approx([-2.49432448, 0.31899420, 1.06850951], abs=1e-8)
    assert fit.standard_errors == pytest.approx([0.50278792, 0.21565527, 0.64469587], abs=1e-8)
    assert fit.log_likelihood == pytest.approx(-51.57490645, abs=1e-8)
    smaller = mixed_fit(without_slice(cells), n_nodes=25)
    assert likelihood_ratio(smaller, fit) == pytest.approx(2.47577113, abs=1e-8)


def test_v4_1_with_fewer_nodes_moves_by_less_than_a_millionth():
    few, many = (mixed_fit(fixture(V4_1).cells, n_nodes=n_nodes) for n_nodes in (15, 25))
    assert few.coefficients == pytest.approx(many.coefficients, abs=1e-6)
    assert few.log_likelihood == pytest.approx(many.log_likelihood, abs=1e-6)


def test_v4_2_a_spread_of_zero_is_found_and_the_rest_is_the_log_linear_fit():
    cells = fixture(V4_2).cells
    fit = mixed_fit(cells)
    assert fit.speaker_sd.tolist() == [0.0]
    assert fit.coefficients == pytest.approx([-2.231271, 0.116404, 0.931117], abs=1e-6)
    assert fit.standard_errors == pytest.approx([0.259399, 0.239517, 0.264663], abs=1e-6)
    assert fit.log_likelihood == pytest.approx(-46.377565, abs=1e-6)
    assert fit.coefficients == pytest.approx(loglinear_coefficients(cells), abs=1e-9)
    assert fit.effects == pytest.approx(np.zeros(8), abs=1e-6)
    assert fit.converged


GLMER = [  # of METHODS 4: speakers, utterances each, slice, its error, speaker sd, likelihood ratio
    pytest.param(50, 20, 0.313950, 0.154355, 0.499489, 3.95872, id="1k"),
    pytest.param(200, 50, 0.520632, 0.072921, 0.495133, 45.4011, id="10k"),
    pytest.param(1000, 100, 0.402050, 0.032662, 0.504390, 141.1397, id="100k"),
]


@pytest.mark.parametrize(("n_speakers", "n_utterances", "slope", "error", "sd", "ratio"), GLMER)
def test_simulations_are_the_fits_of_glmer(n_speakers, n_utterances, slope, error, sd, ratio):
    cells = rows_of(simulation(n_speakers, n_utterances)).cells
    fit = mixed_fit(cells)
    assert fit.coefficients[-1] == pytest.approx(slope, abs=4e-6)  # glmer stops that far from the maximum
    assert fit.standard_errors[-1] == pytest.approx(error, abs=2e-6)
    assert fit.speaker_sd == pytest.approx([sd], abs=4e-6)
    assert slice_test(cells) == pytest.approx(ratio, abs=1e-4)


@pytest.mark.parametrize(
    ("n_speakers", "n_utterances", "slope"), [(50, 20, 0.313948), (200, 50, 0.520635), (1000, 100, 0.402048)]
)
def test_simulations_are_the_fits_of_the_first_quadrature(n_speakers, n_utterances, slope):
    fit = mixed_fit(rows_of(simulation(n_speakers, n_utterances)).cells)
    assert fit.coefficients[-1] == pytest.approx(slope, abs=6e-7)


@pytest.mark.parametrize(("n_speakers", "n_utterances", "md5"), [(50, 20, "14621fcc"), (200, 50, "e3c73923")])
def test_v4_3_the_simulation_is_made_anew_to_the_byte(n_speakers, n_utterances, md5):
    text = simulation(n_speakers, n_utterances).to_csv(index=False)
    assert hashlib.md5(text.encode()).hexdigest().startswith(md5)


@needs_data("vectors")
def test_the_files_hold_the_fixtures():
    tiny = pd.read_csv(DATA / "vectors" / "tiny.csv")
    made = fixture(V4_1)
    assert tiny["y"].tolist() == made.errors.tolist()
    assert tiny["N"].tolist() == made.words.tolist()
    assert tiny[["noisy", "grp"]].to_numpy().tolist() == made.design[:, 1:].tolist()
    for name, size in (("sim_1k", (50, 20)), ("sim_10k", (200, 50))):
        pd.testing.assert_frame_equal(
            pd.read_csv(DATA / "vectors" / f"{name}.csv", dtype={"spk": object}),
            simulation(*size).astype({"spk": object}),
        )


# An integral that nobody here wrote


@pytest.mark.parametrize("sd", [0.3, 0.8, 2.5])
def test_the_likelihood_is_the_integral_over_speakers(sd):
    rng = np.random.default_rng(3)
    speakers = np.repeat(np.arange(12), 3)
    words = rng.integers(3, 20, 36).astype(float)
    design = np.column_stack([np.ones(36), speakers % 2]).astype(float)
    errors = rng.poisson(0.2 * words * np.exp(rng.normal(0, sd, 12))[speakers]).astype(float)
    rows = Rows(errors, words, design, speakers)
    fit = mixed_fit(rows.cells, n_nodes=25)
    there = exact_log_likelihood(rows, fit.coefficients, np.repeat(fit.speaker_sd, 12))
    assert fit.log_likelihood == pytest.approx(there, abs=2e-5)
    for step in np.eye(2) * 0.02:
        for sign in (-1, 1):
            shifted = exact_log_likelihood(rows, fit.coefficients + sign * step, np.repeat(fit.speaker_sd, 12))
            assert shifted < there
    for factor in (0.97, 1.03):
        assert exact_log_likelihood(rows, fit.coefficients, np.repeat(fit.speaker_sd * factor, 12)) < there


def test_standard_errors_are_those_of_the_curvature():
    rows = fixture(V4_1)
    fit = mixed_fit(rows.cells, n_nodes=25)
    top, step = np.append(fit.coefficients, fit.speaker_sd), 1e-3

    def height(point):
        return exact_log_likelihood(rows, point[:3], np.repeat(point[3:], 8))

    moves = np.eye(4) * step
    curvature = [
        [
            (height(top + a + b) - height(top + a - b) - height(top - a + b) + height(top - a - b)) / (4 * step**2)
            for a in moves
        ]
        for b in moves
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array(curvature))))[:3]
    assert fit.standard_errors == pytest.approx(errors, rel=1e-4)


def test_two_spreads_are_those_of_two_fits():
    rows = rows_of(simulation(50, 20))
    inside = rows.design[:, -1] == 1
    ones = np.ones((len(inside), 1))
    sides = [
        mixed_fit(cells_of(rows.errors[side], rows.words[side], ones[side], rows.speakers[side]))
        for side in (~inside, inside)
    ]
    both = rows.cells.with_columns([0, 3])
    groups = (both.of_speakers(both.design[:, 1]) > 0).astype(np.int64)
    fit = mixed_fit(both, groups=groups)
    assert fit.speaker_sd == pytest.approx(np.concatenate([side.speaker_sd for side in sides]), abs=1e-6)
    assert fit.log_likelihood == pytest.approx(sum(side.log_likelihood for side in sides), abs=1e-6)
    assert likelihood_ratio(mixed_fit(both), fit) > 0


def test_pearson_chi2_is_that_of_utterances():
    rows = rows_of(simulation(50, 20))
    fit = mixed_fit(rows.cells)
    means = rows.words * np.exp(rows.design @ fit.coefficients + fit.effects[rows.speakers])
    chi2 = ((rows.errors - means) ** 2 / means).sum()
    assert fit.dispersion == pytest.approx(chi2 / (1000 - 4 - fit.reliability.sum()))


@pytest.mark.parametrize(
    ("shape", "least", "most"), [pytest.param(None, 0.9, 1.1, id="Poisson"), pytest.param(0.5, 3, 5, id="more")]
)
def test_dispersion_is_one_for_poisson_counts_only(shape, least, most):
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(100), 20)
    words = np.full(2000, 10.0)
    means = 0.15 * words * np.exp(rng.normal(0, 0.5, 100))[speakers]
    errors = rng.poisson(means * (1 if shape is None else rng.gamma(shape, 1 / shape, 2000)))
    fit = mixed_fit(cells_of(errors.astype(float), words, np.ones((2000, 1)), speakers))
    assert least < fit.dispersion < most


# Invariances


def test_splitting_an_utterance_changes_nothing():
    rows = rows_of(simulation(50, 20))
    rng = np.random.default_rng(0)
    first_words = rng.integers(1, rows.words)
    first = rng.hypergeometric(rows.errors.astype(int), 1000, rows.errors.astype(int)).clip(max=rows.errors)
    halves = cells_of(
        np.concatenate([first, rows.errors - first]).astype(float),
        np.concatenate([first_words, rows.words - first_words]).astype(float),
        np.vstack([rows.design, rows.design]),
        np.concatenate([rows.speakers, rows.speakers]),
    )
    whole, split = mixed_fit(rows.cells), mixed_fit(halves)
    assert split.coefficients == pytest.approx(whole.coefficients, abs=1e-9)
    assert split.standard_errors == pytest.approx(whole.standard_errors, abs=1e-9)
    assert slice_test(halves) == pytest.approx(slice_test(rows.cells), abs=1e-7)


def test_words_in_another_unit_move_the_intercept_alone():
    rows = fixture(V4_1)
    tens = cells_of(rows.errors, rows.words / 10, rows.design, rows.speakers)
    fit, scaled = mixed_fit(rows.cells), mixed_fit(tens)
    assert scaled.coefficients - fit.coefficients == pytest.approx([np.log(10), 0, 0], abs=1e-8)
    assert scaled.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)


def test_a_covariate_in_another_unit_has_another_slope_and_nothing_else():
    rows = rows_of(simulation(50, 20))
    hertz = rows.design * [1, 1, 1e6, 1]
    fit = mixed_fit(rows.cells)
    scaled = mixed_fit(cells_of(rows.errors, rows.words, hertz, rows.speakers))
    assert scaled.coefficients * [1, 1, 1e6, 1] == pytest.approx(fit.coefficients, rel=1e-7)
    assert scaled.standard_errors * [1, 1, 1e6, 1] == pytest.approx(fit.standard_errors, rel=1e-7)


def test_swapping_slice_and_comparator_turns_the_ratio_over():
    rows = fixture(V4_1)
    other = np.column_stack([rows.design[:, :2], 1 - rows.design[:, 2]])
    fit, turned = mixed_fit(rows.cells), mixed_fit(cells_of(rows.errors, rows.words, other, rows.speakers))
    assert turned.coefficients[-1] == pytest.approx(-fit.coefficients[-1], abs=1e-8)
    assert turned.standard_errors[-1] == pytest.approx(fit.standard_errors[-1], abs=1e-8)


# What is hard on a fit


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        pytest.param([0, 0, 0, 1], [5, 5, 5, 5], id="one-error-in-all"),
        pytest.param([100, 300, 50, 900], [100] * 4, id="more-errors-than-words"),
        pytest.param([100_000, 120_000, 90_000, 150_000], [1_000_000] * 4, id="a-million-words-each"),
        pytest.param([7, 7, 7, 7], [50] * 4, id="all-alike"),
    ],
)
def test_extreme_counts_are_fitted(errors, words):
    cells = cells_of(np.array(errors, float), np.array(words, float), np.ones((4, 1)), np.arange(4))
    fit = mixed_fit(cells)
    assert fit.converged
    assert np.isfinite(fit.log_likelihood)
    assert np.all(np.isfinite(fit.coefficients))


def test_a_likelihood_that_rises_without_end_is_no_fit():
    cells = cells_of(np.array([0.0, 0, 0, 90_000]), np.full(4, 1e5), np.ones((4, 1)), np.arange(4))
    assert not mixed_fit(cells).converged


def test_one_speaker_has_no_spread_to_estimate_and_is_the_pooled_rate():
    cells = cells_of(np.array([3.0, 4]), np.array([10.0, 20]), np.ones((2, 1)), np.zeros(2, int))
    fit = mixed_fit(cells)
    assert fit.speaker_sd.tolist() == [0.0]
    assert np.exp(fit.coefficients[0]) == pytest.approx(7 / 30)


def test_the_test_of_nested_models_is_a_chi2_test():
    cells = fixture(V4_1).cells
    smaller, larger = mixed_fit(without_slice(cells)), mixed_fit(cells)
    assert likelihood_ratio_p_value(smaller, larger) == pytest.approx(0.11561, abs=1e-5)
    assert likelihood_ratio_p_value(larger, larger) == 1
    assert likelihood_ratio(larger, smaller) == 0
