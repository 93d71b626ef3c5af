"""Scores and the spans found in them in, every span with the row and the slices that it belongs to out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness.membership import Membership, membership
from harness.fairness.policy import Failures, Policy
from harness.scoring.terms import MISSED, SPAN_COLUMNS, SPURIOUS, TERM

_KEYS = ["utterance_id", "condition"]


def term_spans(scores: pd.DataFrame, spans: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the spans of terms with the `row` of the scores each is in, and bool `missed` and `spurious`.

    Raises:
        UsageError: A column is missing.
        DataError: A span is of an utterance that the scores do not have.
    """
    absent = [name for name in _KEYS if name not in scores] + [name for name in SPAN_COLUMNS if name not in spans]
    if absent:
        raise UsageError(f"the scores or the spans of terms lack {', '.join(absent)}; make both of one run")
    rows = scores[_KEYS].assign(row=np.arange(len(scores)))
    found = spans[spans["what"] == TERM].merge(rows, how="left", on=_KEYS, validate="many_to_one")
    if found["row"].isna().any():
        raise DataError("some spans of terms are of utterances that the scores do not have; count the terms of these")
    if policy.failures is Failures.left_out:
        found = found[~found["failed"].astype(bool)]
    outcome = found["outcome"]
    return found.assign(row=found["row"].astype(np.int64), missed=outcome == MISSED, spurious=outcome == SPURIOUS)


def in_slices(found: pd.DataFrame, part: Membership) -> pd.DataFrame:
    """Return every span once for each slice that it is in, with the slice's `code`."""
    cells = pd.DataFrame({"row": part.rows, "code": part.codes})
    return found.merge(cells, how="inner", on="row")


def memberships(
    scores: pd.DataFrame, by: Sequence[str], orders: Mapping[str, Sequence[str]] | None
) -> list[Membership]:
    """Return who is in which slice, dimension by dimension."""
    numbered = scores.reset_index(drop=True)
    return [membership(numbered, name, orders=orders) for name in by]
