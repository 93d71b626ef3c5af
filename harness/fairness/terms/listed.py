"""The spans of terms in, one row a term and condition out: how often it was missed, for what, and by whom most."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import divide
from harness.fairness.membership import Membership, as_list
from harness.fairness.policy import Policy
from harness.fairness.terms.places import in_slices, memberships, term_spans
from harness.scoring.terms import TermList

TERM_LIST_COLUMNS = (
    "condition", "term", "kind", "weight", "n_spans", "n_speakers", "n_missed", "missed_rate", "n_spurious",
    "heard_instead", "n_heard_instead", "worst_dimension", "worst_slice", "worst_slice_n_spans",
    "worst_slice_n_missed", "worst_slice_missed_rate",
)  # fmt: skip
_TERM = ["condition", "position"]
_WORST = {
    "worst_dimension": "",
    "worst_slice": "",
    "worst_slice_n_spans": 0,
    "worst_slice_n_missed": 0,
    "worst_slice_missed_rate": np.nan,
}


def worst_terms(
    scores: pd.DataFrame,
    spans: pd.DataFrame,
    terms: TermList,
    by: str | Sequence[str],
    policy: Policy | None = None,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """List every term under every condition, the one missed most often first.

    Nothing is tested here: with many terms and slices the largest of many rates is large by chance.

    Args:
        scores: As `score` makes them, with the attributes.
        spans: As `count_terms` makes them of these scores.
        terms: The list that was counted; a term that nobody said has a row, too.
        by: Dimensions to look for the worst slice in.
        policy: What failures count as, and the least speakers of a worst slice (`min_speakers`).
        orders: Order of the values of an attribute.

    Returns:
        One row a condition and term with TERM_LIST_COLUMNS. `n_speakers` have an id and said it. `heard_instead` is
        what was heard most often where it was missed, `n_heard_instead` how often; empty with a count above 0: nothing
        was heard. The worst slice is the declared one with the highest rate among those in which enough speakers said
        the term; empty where there is none or nothing was missed. Rates are fractions, NaN where nobody said the term.

    Raises:
        UsageError: A column is missing, or a dimension is not in the scores.
        DataError: The spans are not of these scores.
    """
    policy = policy or Policy()
    found = term_spans(scores, spans, policy)
    said = found[~found["spurious"]]
    parts = memberships(scores, as_list(by), orders)
    table = (
        _all_terms(scores, terms)
        .merge(_counted(said), how="left", on=_TERM, validate="one_to_one")
        .merge(found.groupby(_TERM)["spurious"].sum().rename("n_spurious"), how="left", on=_TERM)
        .merge(_heard_instead(said), how="left", on=_TERM, validate="one_to_one")
        .merge(_worst_slices(said, parts, policy), how="left", on=_TERM, validate="one_to_one")
        .fillna({"heard_instead": "", **{name: blank for name, blank in _WORST.items() if blank == ""}})
    )
    counts = [name for name in TERM_LIST_COLUMNS if name.startswith("n_") or "_n_" in name]
    table[counts] = table[counts].fillna(0).astype(np.int64)
    table["missed_rate"] = divide(table["n_missed"], table["n_spans"])
    order = table.sort_values(["n_missed", "missed_rate", "term"], ascending=[False, False, True], kind="stable")
    return order.sort_values("place", kind="stable").reset_index(drop=True)[list(TERM_LIST_COLUMNS)]


def _all_terms(scores: pd.DataFrame, terms: TermList) -> pd.DataFrame:
    """Return one row a condition, in the order of the scores, and term."""
    conditions = pd.DataFrame({"condition": scores["condition"].unique()}).assign(place=lambda rows: rows.index)
    rows = [(place, term.term, term.kind, term.weight) for place, term in enumerate(terms.terms)]
    return conditions.merge(pd.DataFrame(rows, columns=["position", "term", "kind", "weight"]), how="cross")


def _counted(said: pd.DataFrame) -> pd.DataFrame:
    named = said["speaker_id"].where(said["speaker_id"] != "")
    return (
        said.assign(named=named)
        .groupby(_TERM)
        .agg(n_spans=("missed", "size"), n_missed=("missed", "sum"), n_speakers=("named", "nunique"))
        .reset_index()
    )


def _heard_instead(said: pd.DataFrame) -> pd.DataFrame:
    """Return what each term was taken for most often; of equally often the first by name."""
    taken = said[said["missed"]].groupby([*_TERM, "heard"]).size().rename("n_heard_instead").reset_index()
    first = taken.sort_values(["n_heard_instead", "heard"], ascending=[False, True]).drop_duplicates(_TERM)
    return first.rename(columns={"heard": "heard_instead"})


def _worst_slices(said: pd.DataFrame, parts: Sequence[Membership], policy: Policy) -> pd.DataFrame:
    cells = [_cells(said, part, policy) for part in parts]
    names = ["worst_slice_missed_rate", "worst_slice_n_spans", "worst_dimension", "worst_slice"]
    if not cells:
        return pd.DataFrame(columns=[*_TERM, *_WORST]).astype({"condition": object, "position": np.int64})
    together = pd.concat(cells, ignore_index=True).sort_values(names, ascending=[False, False, True, True])
    return together.drop_duplicates(_TERM)


def _cells(said: pd.DataFrame, part: Membership, policy: Policy) -> pd.DataFrame:
    """Return the declared slices in which a term was missed, and said by enough speakers."""
    placed = in_slices(said, part)
    cells = _per_slice(placed[part.declared[placed["code"]]])
    enough = cells[(cells["n_missed"] > 0) & (cells["n_speakers"] >= policy.min_speakers)]
    return enough[_TERM].assign(
        worst_dimension=part.dimension,
        worst_slice=np.array([*part.slices, ""], dtype=object)[enough["code"].to_numpy(np.int64)],
        worst_slice_n_spans=enough["n_spans"],
        worst_slice_n_missed=enough["n_missed"],
        worst_slice_missed_rate=divide(enough["n_missed"], enough["n_spans"]),
    )


def _per_slice(placed: pd.DataFrame) -> pd.DataFrame:
    keys = [*_TERM, "code"]
    named = placed["speaker_id"].where(placed["speaker_id"] != "")
    return (
        placed.assign(named=named)
        .groupby(keys)
        .agg(n_spans=("missed", "size"), n_missed=("missed", "sum"), n_speakers=("named", "nunique"))
        .reset_index()
    )
