"""Counts of terms, numbers and negations in, rates per slice and condition with verdicts out, as word error rates are.

A missed term is to the terms said what a wrong word is to the words said, so that intervals, tests, corrections and
verdicts are those of `slice_table` and `disparity_table`: speakers are resampled, and the policy judges.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness.disparity import disparity_table
from harness.fairness.membership import as_list
from harness.fairness.policy import Policy
from harness.fairness.slices import slice_table
from harness.fairness.speaker_sums import WORD_COUNTS
from harness.scoring.terms import COUNTS

log = logging.getLogger(__name__)

TERM_TABLE_COLUMNS = (
    "measure", "condition", "dimension", "slice", "comparator", "n_utterances", "n_speakers", "n_failed", "n_spans",
    *WORD_COUNTS, "rate", "low", "high", "comparator_rate", "gap", "gap_low", "gap_high", "ratio", "ratio_low",
    "ratio_high", "p_value", "p_adjusted", "verdict", "reason", "minimum_detectable_gap", "note",
)  # fmt: skip
_KEYS = ["utterance_id", "condition"]
_ROW = ["dimension", "slice"]


@dataclass(frozen=True, slots=True)
class Measure:
    """Is an error rate of what matters; its counts take the place of a word error rate's.

    Attributes:
        name: What outputs call it.
        unit: What is counted, one of it.
        hits: Column of `term_scores` that counts what is right; empty: `total` less `deletions`.
        substitutions: Column of what was heard as something else; empty: told with the deletions.
        deletions: Column of what else is wrong; empty: `total` less `hits`.
        insertions: Column of what was not said; empty: not counted.
        total: Column of all that was said, where one of the above is empty.
        is_of_words: Whether words are counted, so that the policy's floor of words holds as it is.
    """

    name: str
    unit: str
    hits: str = ""
    substitutions: str = ""
    deletions: str = ""
    insertions: str = ""
    total: str = ""
    is_of_words: bool = False

    def counts(self, found: pd.DataFrame) -> dict[str, pd.Series]:
        """Return hits, substitutions, deletions and insertions of every row of `term_scores`."""
        nothing = pd.Series(0, index=found.index, dtype=np.int64)
        deletions = found[self.deletions] if self.deletions else found[self.total] - found[self.hits]
        hits = found[self.hits] if self.hits else found[self.total] - deletions
        substitutions, insertions = (found[name] if name else nothing for name in (self.substitutions, self.insertions))
        return dict(zip(WORD_COUNTS, (hits, substitutions, deletions, insertions), strict=True))


def _of_words(name: str, prefix: str) -> Measure:
    columns = {count: f"{prefix}_{count}" for count in WORD_COUNTS}
    return Measure(name, "word", **columns, is_of_words=True)


WEIGHTED = _of_words("weighted_wer", "weighted")
MEASURES = (
    Measure("missed_term_rate", "term", hits="term_hits", total="term_spans"),
    Measure("spurious_term_rate", "heard term", hits="term_hits", deletions="term_spurious"),
    _of_words("keyword_wer", "keyword"),
    WEIGHTED,
    Measure("number_error_rate", "number", hits="number_hits", total="number_spans"),
    Measure("dose_error_rate", "number with a unit", hits="dose_hits", total="dose_spans"),
    Measure(
        "negation_error_rate",
        "negation",
        deletions="negations_lost",
        insertions="negations_added",
        total="negations",
    ),
)


def term_table(
    scores: pd.DataFrame,
    term_scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    rng: np.random.Generator | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Give every error rate of what matters for every slice under every condition, and judge it.

    Measures: `missed_term_rate` (missed terms of those said, 1 - recall), `spurious_term_rate` (terms heard that were
    not said, of all that were heard and counted, 1 - precision), `keyword_wer` (the word error rate of words of
    terms), `weighted_wer` (of all words, each counted as its term's weight says; only where some term of the corpus
    weighs more than 1: else it is the WER), `number_error_rate`, `dose_error_rate` (numbers with a unit),
    `negation_error_rate` (lost and added, of those said). Higher is worse.

    Args:
        scores: As `score` makes them, with the attributes.
        term_scores: As `harness.scoring.terms.term_scores` makes them of these scores.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: What was promised; its margins are read as differences and quotients of these rates. Where whole terms,
            numbers or negations are counted, at least `min_utterances` of them are asked for, not `min_words`.
        rng: Draws resamples and permutations, the same for all measures and conditions; seed 0 when None.
        orders: Order of the values of an attribute.

    Returns:
        One row a measure, condition and slice with TERM_TABLE_COLUMNS, everybody (`overall`, `all`) first. `n_spans` is
        what the rate divides by: terms, numbers, negations or words said, or for `spurious_term_rate` terms heard.
        `hits`, `substitutions`, `deletions`, `insertions` are of the measure; what was missed as a whole is a deletion.
        Rates are fractions, NaN where nothing was said. Where a slice is compared with none, its gap is NaN and
        its verdict empty. A measure under a condition is a family: p-values are corrected over its slices, not over
        measures and conditions.

    Raises:
        UsageError: A column is missing, or a dimension is not in the scores.
        DataError: `term_scores` are not of the same utterances and conditions.
    """
    started_s = time.perf_counter()
    policy = policy or Policy()
    seed = int((rng or np.random.default_rng(0)).integers(2**62))
    found = _joined(scores, term_scores)
    tables = [_rates(measure, found, as_list(by), policy, orders, seed=seed) for measure in _worth_telling(found)]
    log.info("%d measures of terms, numbers and negations in %.1f s", len(tables), time.perf_counter() - started_s)
    return pd.concat(tables, ignore_index=True)[list(TERM_TABLE_COLUMNS)]


def _rates(
    measure: Measure,
    found: pd.DataFrame,
    by: Sequence[str],
    policy: Policy,
    orders: Mapping[str, Sequence[str]] | None,
    *,
    seed: int,
) -> pd.DataFrame:
    """Return the rows of a measure under every condition."""
    floors = _with_floors(policy, measure, found)
    counted = found.assign(**measure.counts(found))
    tables = []
    for condition in found["condition"].unique():
        rows = counted[counted["condition"] == condition]
        slices = slice_table(rows, by, floors, np.random.default_rng(seed), orders=orders)
        judged = disparity_table(rows, by, floors, np.random.default_rng(seed), orders=orders)
        tables.append(_table(measure, slices, judged).assign(condition=condition))
    return pd.concat(tables, ignore_index=True)


def _joined(scores: pd.DataFrame, term_scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores, without what is not counted here, with the counts of `term_scores` beside them."""
    if missing := [name for name in _KEYS if name not in scores] + [
        name for name in (*_KEYS, *COUNTS) if name not in term_scores
    ]:
        raise UsageError(f"the scores or the counts of terms lack {', '.join(missing)}; make both of one run")
    others = [name for name in scores if not str(name).startswith("character_") and name != "hallucination"]
    found = scores[others].merge(term_scores[[*_KEYS, *COUNTS]], how="left", on=_KEYS, validate="one_to_one")
    if len(term_scores) != len(scores) or found[COUNTS[0]].isna().any():
        raise DataError(
            f"{len(term_scores)} rows of counts of terms and {len(scores)} scores are not of the same utterances and "
            "conditions; count the terms of these scores"
        )
    return found


def _worth_telling(found: pd.DataFrame) -> list[Measure]:
    """Return the measures, without the weighted one where it is the word error rate."""
    weighs = any((found[f"weighted_{name}"] != found[name]).any() for name in WORD_COUNTS)
    return [measure for measure in MEASURES if weighs or measure is not WEIGHTED]


def _with_floors(policy: Policy, measure: Measure, found: pd.DataFrame) -> Policy:
    """Return the policy with its floor of words as one of what the measure counts."""
    if measure is not WEIGHTED:
        return policy if measure.is_of_words else replace(policy, min_words=policy.min_utterances)
    said = list(WORD_COUNTS[:3])
    weight = found[[f"weighted_{name}" for name in said]].to_numpy().sum() / max(1, found[said].to_numpy().sum())
    return replace(policy, min_words=max(1, ceil(policy.min_words * weight)))


def _table(measure: Measure, slices: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a measure under a condition; gaps and verdicts are blank where nothing is compared."""
    rates = slices.rename(columns={"reference_words": "n_spans", "wer": "rate", "wer_low": "low", "wer_high": "high"})
    if not measure.insertions:  # a share of what was said: no interval ends above it
        rates["high"] = rates["high"].clip(upper=1.0)
    gaps = judged.rename(columns={"comparator_wer": "comparator_rate"}).drop(columns="wer")
    table = rates.merge(gaps, how="left", on=_ROW, validate="one_to_one").assign(measure=measure.name)
    words = {name: table[name].astype(object).where(table[name].notna(), "") for name in ("comparator", "verdict")}
    return table.assign(**words, **{name: _in_units(table[name], measure) for name in ("reason", "note")})


def _in_units(texts: pd.Series, measure: Measure) -> pd.Series:
    """Say of a reason or a note what is counted, which they call reference words."""
    one, many = measure.unit, measure.unit.replace("number", "numbers") if " " in measure.unit else f"{measure.unit}s"
    return pd.Series(
        [
            text.replace("reference words", many).replace("reference word", one) if isinstance(text, str) else ""
            for text in texts
        ],
        index=texts.index,
        dtype=object,
    )
