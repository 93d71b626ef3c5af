"""Word errors, reference words, speakers and prompts in, a ratio with random effects of both out.

Where the same sentences are read by many people, utterances of one sentence resemble each other as those of one speaker
do. The integral over crossed effects has no closed sums; gpboost (Sigrist 2022) takes it by Laplace's approximation,
which agrees with quadrature to about 1e-5 on the logarithm of the ratio from some 50 utterances a speaker. Its default
solver and tolerance drift in the third digit, so both are set here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtri

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats
from harness.fairness.speaker_sums import Ints

_TOLERANCE = 1e-10  # relative change of the likelihood; the default moved a log ratio of .5206 to .5231 (version 1.8)


@dataclass(frozen=True, slots=True)
class CrossedRatio:
    """Holds the ratio of slice to comparator; intervals are normal on the logarithm."""

    ratio: float
    ratio_low: float
    ratio_high: float
    p_value: float  # likelihood-ratio test of a ratio of 1
    log_ratio: float
    log_ratio_standard_error: float
    speaker_sd: float  # of log rates
    prompt_sd: float  # of log rates; NaN without prompts
    log_likelihood: float  # Laplace's approximation


@dataclass(frozen=True, slots=True)
class _Fit:
    coefficients: Floats  # (n_columns,)
    standard_errors: Floats  # (n_columns,)
    variances: Floats  # (n_effects,)
    log_likelihood: float


def crossed_ratio(
    errors: Floats,
    words: Floats,
    inside: Bools,
    *,
    speakers: Ints,
    prompts: Ints | None,
    covariates: Floats | None = None,
    confidence: float = 0.95,
) -> CrossedRatio:
    """Fit the ratio of error rates inside and outside a slice.

    Args:
        errors: Word errors, (n_utterances,), some on either side.
        words: Reference words, (n_utterances,), > 0.
        inside: Who is in the slice, (n_utterances,).
        speakers: Whose each utterance is, (n_utterances,).
        prompts: What was read, (n_utterances,); None for no effect of it.
        covariates: Columns to hold equal, (n_utterances, n_columns); none when None.
        confidence: Of the interval.

    Raises:
        UsageError: gpboost is not installed, or the counts cannot be modelled.
    """
    if not (words > 0).all() or not errors[inside].any() or not errors[~inside].any():
        raise UsageError(
            "crossed_ratio needs reference words in every utterance and word errors on both sides. Leave out "
            "utterances without reference words; without word errors there is no ratio."
        )
    columns = [np.ones(len(errors)), *([] if covariates is None else covariates.T)]
    effects = np.stack([speakers] if prompts is None else [speakers, prompts], axis=1)
    larger = _fit(errors, words, np.stack([*columns, inside.astype(np.float64)], axis=1), effects=effects)
    smaller = _fit(errors, words, np.stack(columns, axis=1), effects=effects)
    log_ratio, standard_error = float(larger.coefficients[-1]), float(larger.standard_errors[-1])
    half = float(ndtri((1 + confidence) / 2)) * standard_error
    spread = np.sqrt(larger.variances)
    return CrossedRatio(
        ratio=float(np.exp(log_ratio)),
        ratio_low=float(np.exp(log_ratio - half)),
        ratio_high=float(np.exp(log_ratio + half)),
        p_value=float(chdtrc(1, max(0.0, 2 * (larger.log_likelihood - smaller.log_likelihood)))),
        log_ratio=log_ratio,
        log_ratio_standard_error=standard_error,
        speaker_sd=float(spread[0]),
        prompt_sd=float(spread[1]) if prompts is not None else float("nan"),
        log_likelihood=larger.log_likelihood,
    )


def _fit(errors: Floats, words: Floats, design: Floats, *, effects: Ints) -> _Fit:
    """Maximise gpboost's approximate likelihood."""
    try:
        import gpboost  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError(
            "random effects of speaker and prompt need gpboost, which is not installed. "
            "Install it with: pip install 'asr-fairness-harness[crossed]'"
        ) from error
    model = gpboost.GPModel(group_data=effects, likelihood="poisson", matrix_inversion_method="cholesky")
    model.fit(y=errors, X=design, offset=np.log(words), params={"delta_rel_conv": _TOLERANCE})
    coefficients, standard_errors = np.asarray(model.get_coef(std_err=True, format_pandas=False), dtype=np.float64)
    variances = np.asarray(model.get_cov_pars(format_pandas=False), dtype=np.float64).ravel()
    return _Fit(coefficients, standard_errors, variances, -float(model.get_current_neg_log_likelihood()))
