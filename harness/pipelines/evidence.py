"""Scores and verdicts in, the evidence beside them out: other normalisers, covariates, matching, kinds of error."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness import Policy
from harness.fairness.adjusted import adjusted_table
from harness.fairness.matched import matched_table
from harness.fairness.membership import AND
from harness.fairness.metrics import metrics_table
from harness.fairness.regression.adjusted_covariates import UTTERANCE_LENGTH
from harness.fairness.sensitivity import sensitivity
from harness.results.run import ADJUSTED, BALANCE, MATCHED, METRICS, NORMALIZERS
from harness.scoring import ByLanguage, Normalizer
from harness.scoring.profiles import profile, profile_name, profiles_beside, score_beside
from harness.transcription.progress import stage

log = logging.getLogger(__name__)

_MEASURED = ("condition", "audio_s")  # columns of the scores that are no outcome, beside the attributes


@dataclass(kw_only=True)
class EvidenceOptions:
    """Says what is looked at beside the verdicts.

    Attributes:
        sensitivity: Whether everything is scored under other normalisers as well, to see which verdicts depend on that.
        normalizers: Names of further ones, beside the strict one (`auto` where the run's own is strict).
        adjusted: Whether ratios are fitted with and without covariates.
        covariates: Attributes, measured columns or `utterance_length`; None: that and every attribute sliced by.
        match_on: Covariates that slice and comparator are matched on; empty: they are not matched.
        match_exactly: Attributes, of these or others, that matched pairs must have in common.
        caliper: Largest difference of the propensity score within a pair, in its standard deviations.
        metrics: Whether recall, precision, rates of each kind of error, distances and inequality are computed.
        usable_wer: Highest WER of an utterance whose transcript is of use.
    """

    sensitivity: bool = True
    normalizers: list[str] = field(default_factory=list)
    adjusted: bool = True
    covariates: list[str] | None = None
    match_on: list[str] = field(default_factory=list)
    match_exactly: list[str] = field(default_factory=list)
    caliper: float = 0.2
    metrics: bool = True
    usable_wer: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        for name in self.normalizers:
            profile(name)
        if not 0 < self.caliper <= 10:
            raise UsageError(f"evidence.caliper={self.caliper}; expected standard deviations between 0 and 10.")
        if not 0 <= self.usable_wer <= 1:
            raise UsageError(f"evidence.usable_wer={self.usable_wer}; expected a WER between 0 and 1: 50 % are 0.5.")


@dataclass(frozen=True, slots=True)
class Judged:
    """Holds what a run has measured and judged, and what it was measured with."""

    scores: pd.DataFrame
    disparities: pd.DataFrame
    by: Sequence[str]
    orders: Mapping[str, Sequence[str]]
    policy: Policy
    seed: int

    def rng(self) -> np.random.Generator:
        """Return the generator that every table of the run begins with."""
        return np.random.default_rng(self.seed)


def check_covariates(options: EvidenceOptions, attributes: Sequence[str], where: str) -> None:
    """Refuse a covariate that the scores will not have, before hours of transcription.

    Raises:
        UsageError: A name is neither an attribute nor measured of every utterance; the message names its option.
    """
    exact = [*attributes, *_MEASURED]
    known = [UTTERANCE_LENGTH, *exact]
    asked = {
        "covariates": (options.covariates or [], known),
        "match_on": (options.match_on, known),
        "match_exactly": (options.match_exactly, exact),
    }
    for option, (names, expected) in asked.items():
        if unknown := [name for name in names if name not in expected]:
            raise UsageError(
                f"evidence.{option} names {unknown}; expected some of {expected}: attributes of {where}, and what is "
                "measured of every utterance."
            )


def evidence_tables(judged: Judged, options: EvidenceOptions) -> dict[str, pd.DataFrame]:
    """Return the tables that need nothing but the scores, by the name of their file.

    Raises:
        UsageError: A covariate is not in the scores.
    """
    tables: dict[str, pd.DataFrame] = {}
    if options.adjusted:
        started = time.perf_counter()
        covariates = _covariates(judged) if options.covariates is None else options.covariates
        tables[ADJUSTED] = adjusted_table(judged.scores, judged.by, judged.policy, covariates, orders=judged.orders)
        log.info("%d ratios fitted in %.1f s", len(tables[ADJUSTED]), time.perf_counter() - started)
    if options.match_on or options.match_exactly:
        matched = matched_table(
            judged.scores,
            judged.by,
            judged.policy,
            options.match_on,
            judged.rng(),
            exact=options.match_exactly,
            caliper=options.caliper,
            orders=judged.orders,
        )
        tables |= {MATCHED: matched.gaps, BALANCE: matched.balance}
    if options.metrics:
        started = time.perf_counter()
        tables[METRICS] = metrics_table(
            judged.scores,
            judged.by,
            judged.policy,
            judged.rng(),
            orders=judged.orders,
            usable_wer=options.usable_wer,
        )
        log.info("%d metrics in %.1f s", len(tables[METRICS]), time.perf_counter() - started)
    return tables


def other_scores(
    judged: Judged,
    options: EvidenceOptions,
    *,
    manifest: Manifest,
    hypotheses: pd.DataFrame,
    normalizer: Normalizer | ByLanguage,
    reference_pattern: str | None,
) -> dict[str, pd.DataFrame]:
    """Return the scores under the run's own normaliser and, counted once more, under each other one, by its name."""
    started = time.perf_counter()
    others = profiles_beside(normalizer, options.normalizers)
    with stage("scoring under other normalisers", n_rows=len(judged.scores)):
        scores = score_beside(judged.scores, manifest, hypotheses, others, reference_pattern=reference_pattern)
    log.info("scored under %s, too, in %.1f s", ", ".join(others), time.perf_counter() - started)
    return {profile_name(normalizer): judged.scores} | scores


def under_other_normalizers(
    judged: Judged, scores: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Judge once more under other normalisers.

    Returns:
        The disparities with the column `normaliser_sensitive`, and every gap under every normaliser, by the name of its
        file.
    """
    started = time.perf_counter()
    found = sensitivity(
        scores, judged.by, judged.policy, judged.rng(), orders=judged.orders, disparities=judged.disparities
    )
    log.info("judged under %s in %.1f s", " and ".join(scores), time.perf_counter() - started)
    return found.disparities, {NORMALIZERS: found.verdicts}


def _covariates(judged: Judged) -> list[str]:
    """Return utterance length and the attributes sliced by, each once; who spoke is the random effect."""
    names = dict.fromkeys(name for dimension in judged.by for name in dimension.split(AND))
    return [UTTERANCE_LENGTH, *(name for name in names if name != "speaker_id")]
