import builtins
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness.regression.crossed import crossed_ratio
from harness.fairness.regression.mixed_poisson import likelihood_ratio_p_value, mixed_fit
from tests.fairness.poisson_vectors import rows_of, simulation

needs_gpboost = pytest.mark.skipif(find_spec("gpboost") is None, reason="the crossed extra is not installed")


def crossed(rows, prompts=None):
    return crossed_ratio(
        rows.errors,
        rows.words,
        rows.design[:, -1] == 1,
        speakers=rows.speakers,
        prompts=prompts,
        covariates=rows.design[:, 1:-1],
    )


def read_sentences(seed, n_speakers=150, n_prompts=40):
    """Return people who each read half the sentences; sentences differ by a standard deviation of .6."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), n_prompts // 2)
    prompts = np.concatenate([rng.permutation(n_prompts)[: n_prompts // 2] for _ in range(n_speakers)])
    inside = (np.arange(n_speakers) % 3 == 0)[speakers]
    effects = rng.normal(0, 0.4, n_speakers)[speakers] + rng.normal(0, 0.6, n_prompts)[prompts]
    words = rng.integers(5, 20, len(speakers)).astype(float)
    errors = rng.poisson(words * np.exp(-1.8 + 0.5 * inside + effects)).astype(float)
    return errors, words, inside, speakers, prompts


@needs_gpboost
def test_speakers_alone_are_the_published_fit_of_the_simulation():
    found = crossed(rows_of(simulation(200, 50)))
    assert found.log_ratio == pytest.approx(0.520630, abs=1e-6)
    assert found.log_ratio_standard_error == pytest.approx(0.07292, abs=2e-5)
    assert found.ratio_low < found.ratio < found.ratio_high
    assert np.isnan(found.prompt_sd)


@needs_gpboost
def test_speakers_alone_agree_with_quadrature():
    rows = rows_of(simulation(50, 20))
    found, own = crossed(rows), mixed_fit(rows.cells)
    smaller = mixed_fit(rows.cells.with_columns([0, 1, 2]))
    assert found.log_ratio == pytest.approx(own.coefficients[-1], abs=2e-4)
    assert found.speaker_sd == pytest.approx(own.speaker_sd[0], abs=1e-3)
    assert found.p_value == pytest.approx(likelihood_ratio_p_value(smaller, own), rel=5e-3)


@needs_gpboost
def test_prompts_that_do_not_matter_have_no_spread_and_change_nothing():
    rows = rows_of(simulation(50, 20))
    prompts = np.tile(np.arange(20), 50)
    alone, both = crossed(rows), crossed(rows, prompts)
    assert both.prompt_sd < 0.06
    assert both.log_ratio == pytest.approx(alone.log_ratio, abs=2e-3)


@needs_gpboost
def test_crossed_effects_are_found_apart():
    errors, words, inside, speakers, prompts = read_sentences(0)
    found = crossed_ratio(errors, words, inside, speakers=speakers, prompts=prompts)
    assert found.speaker_sd == pytest.approx(0.4, abs=0.08)
    assert found.prompt_sd == pytest.approx(0.6, abs=0.15)
    assert abs(found.log_ratio - 0.5) < 2 * found.log_ratio_standard_error
    alone = crossed_ratio(errors, words, inside, speakers=speakers, prompts=None)
    assert found.log_likelihood > alone.log_likelihood + 100


@needs_gpboost
def test_names_of_speakers_do_not_matter():
    errors, words, inside, speakers, prompts = read_sentences(1, n_speakers=30, n_prompts=10)
    first = crossed_ratio(errors, words, inside, speakers=speakers, prompts=prompts)
    renamed = pd.factorize(np.array([f"{s}!" for s in speakers[::-1]]))[0][::-1]
    second = crossed_ratio(errors, words, inside, speakers=renamed, prompts=prompts + 7)
    assert second.log_ratio == pytest.approx(first.log_ratio, abs=1e-5)


def test_without_gpboost_the_extra_is_named(monkeypatch):
    original = builtins.__import__

    def refused(name, *rest):
        if name == "gpboost":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refused)
    errors, words, inside, speakers, prompts = read_sentences(1, n_speakers=30, n_prompts=10)
    with pytest.raises(UsageError, match=r"pip install 'asr-fairness-harness\[crossed\]'"):
        crossed_ratio(errors, words, inside, speakers=speakers, prompts=prompts)


@pytest.mark.parametrize(
    ("errors", "words", "inside"),
    [
        pytest.param([1, 1], [0, 5], [True, False], id="no-reference-words"),
        pytest.param([0, 1], [5, 5], [True, False], id="no-errors-in-the-slice"),
        pytest.param([1, 1], [5, 5], [True, True], id="no-comparator"),
    ],
)
def test_what_no_model_can_hold_is_refused(errors, words, inside):
    with pytest.raises(UsageError, match="reference words in every utterance and word errors on both sides"):
        crossed_ratio(
            np.array(errors, float), np.array(words, float), np.array(inside), speakers=np.arange(2), prompts=None
        )
