"""The spans of terms and the seconds they were found in, in; the term-weighted value of every slice out.

TWV = 1 - mean over terms of (P_miss + beta P_FA), with P_miss = missed / said and P_FA = spurious / (seconds - said):
one trial a second (NIST, The Spoken Term Detection 2006 Evaluation Plan, section 3). A term counts as much as another,
however often it is said. beta = 999.9 prices a false alarm at a tenth of a hit for terms said once in 10,000 s, so that
in ten minutes of speech a single spurious term costs 1.7 / n_terms: read it on hours of speech, not on a handful.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import divide
from harness.fairness.membership import Membership, as_list, everybody
from harness.fairness.policy import Failures, Policy
from harness.fairness.terms.places import in_slices, memberships, term_spans

BETA = 999.9  # (cost / value) (1 / prior - 1) with 0.1 and 1e-4, NIST 2006
TERM_VALUE_COLUMNS = ("condition", "dimension", "slice", "n_terms", "n_spans", "n_spurious", "audio_s", "value", "note")


def term_values(
    scores: pd.DataFrame,
    spans: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    beta: float = BETA,
) -> pd.DataFrame:
    """Give the term-weighted value of every slice under every condition: 1 is perfect, 0 is no better than silence.

    It is described, not tested: the mean over terms is not a ratio of sums over speakers.

    Args:
        scores: As `score` makes them, with the attributes and `audio_s`.
        spans: As `count_terms` makes them of these scores.
        by: Dimensions.
        policy: What failures count as.
        orders: Order of the values of an attribute.
        beta: Price of false alarms, at least 0.

    Returns:
        One row a condition and slice with TERM_VALUE_COLUMNS, everybody first. `n_terms` of the list were said there,
        spurious ones of other terms are in `n_spurious` and in no value. NaN where no term was said or the seconds
        of an utterance are not known, and `note` says so.

    Raises:
        UsageError: A column is missing, a dimension is not in the scores, or beta is negative.
        DataError: The spans are not of these scores.
    """
    if not beta >= 0:
        raise UsageError(f"beta={beta}; expected a price of at least 0, such as {BETA}")
    policy = policy or Policy()
    if "audio_s" not in scores:
        raise UsageError("the scores have no column audio_s; the value of terms needs the seconds of every utterance")
    found = term_spans(scores, spans, policy)
    numbered = scores.reset_index(drop=True)
    if policy.failures is Failures.left_out and "failed" in numbered:
        numbered["audio_s"] = numbered["audio_s"].where(~numbered["failed"].astype(bool), 0.0)
    parts = [everybody(numbered), *memberships(numbered, as_list(by), orders)]
    conditions = list(numbered["condition"].unique())
    tables = [_rows(numbered, found, part, condition, beta) for condition in conditions for part in parts]
    return pd.concat(tables, ignore_index=True)[list(TERM_VALUE_COLUMNS)]


def _rows(scores: pd.DataFrame, found: pd.DataFrame, part: Membership, condition: str, beta: float) -> pd.DataFrame:
    here = (scores["condition"] == condition).to_numpy()[part.rows]
    n_slices = len(part.slices)
    seconds = scores["audio_s"].to_numpy(np.float64)[part.rows]
    audio_s = np.bincount(part.codes[here], weights=seconds[here], minlength=n_slices)  # (n_slices,) NaN: not known
    terms = (
        in_slices(found[found["condition"] == condition], part)
        .groupby(["code", "position"])
        .agg(n=("missed", "size"), n_missed=("missed", "sum"), n_spurious=("spurious", "sum"))
        .reset_index()
        .assign(n_said=lambda rows: rows["n"] - rows["n_spurious"])
    )
    said = terms[terms["n_said"] > 0]
    code = said["code"].to_numpy(np.int64)
    miss = divide(said["n_missed"], said["n_said"])
    alarm = divide(said["n_spurious"], audio_s[code] - said["n_said"].to_numpy(np.float64))
    cost = np.bincount(code, weights=miss + beta * alarm, minlength=n_slices)
    n_terms = np.bincount(code, minlength=n_slices)
    value = 1 - divide(cost, n_terms)
    return pd.DataFrame(
        {
            "condition": condition,
            "dimension": part.dimension,
            "slice": part.slices,
            "n_terms": n_terms,
            "n_spans": _summed(terms, "n_said", n_slices),
            "n_spurious": _summed(terms, "n_spurious", n_slices),
            "audio_s": audio_s,
            "value": value,
            "note": [_note(*each) for each in zip(n_terms, audio_s, value, strict=True)],
        }
    )


def _summed(terms: pd.DataFrame, name: str, n_slices: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    totals = np.bincount(terms["code"].to_numpy(np.int64), weights=terms[name], minlength=n_slices)
    return totals.astype(np.int64)


def _note(n_terms: int, audio_s: float, value: float) -> str:
    if not n_terms:
        return "no term was said: no value"
    if np.isnan(audio_s):
        return "the seconds of an utterance are not known: no value"
    return "fewer seconds than terms: no value" if np.isnan(value) else ""
