"""Scores and the slices of a run that are of few people out: which others are not printed, so that nobody subtracts.

A slice of many less one that is all of it but one person is that person. The rule is that of exact releases: no slice
of few is a sum and difference of slices that are shown (`harness.results.sharing.suppression`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.fairness import Failures
from harness.fairness.membership import AND, OVERALL
from harness.results.few import Key as Name
from harness.results.few import keys_of
from harness.results.run import Run
from harness.results.sharing.cells import ALL, REST, SLICE, Key, members_of
from harness.results.sharing.suppression import beside_few

CLASS = "\0alike"  # a dimension for `hidden_of`, the column of those who are alike in everything told of them
MOST_STEPS = 5_000_000_000  # cells times atoms times what each is compared with, some seconds; beyond, fewer are shown


@dataclass(frozen=True, slots=True)
class Complements:
    """Says what is not to be shown besides slices of few.

    Attributes:
        slices: Slices of more people.
        gaps: Slices of which nothing is to be said that tells of everyone else, with whom they are compared.
    """

    slices: frozenset[Name] = frozenset()
    gaps: frozenset[Name] = frozenset()


NOTHING = Complements()


def complements(run: Run, shown: pd.DataFrame, few: Collection[Name], *, is_kept: Callable[[str], bool]) -> Complements:
    """Return what is not to be shown either.

    Args:
        run: Finished.
        shown: Rows of its slices.csv that would be shown, with dimension, slice and n_speakers.
        few: Slices that are not.
        is_kept: Says of a dimension whether its slices are shown in any case.
    """
    if not few:
        return NOTHING
    keys = keys_shown(shown, run.disparities)
    kept = [key for key in keys if is_kept(key.dimension)]
    asked = [key for key in keys if not is_kept(key.dimension)]
    hidden = hidden_of(counted(run.scores, run.summary), few=[Key(*name) for name in few], kept=kept, asked=asked)
    by_side = {
        side: frozenset((key.dimension, key.slice_name) for key in hidden if key.side == side) for side in (SLICE, REST)
    }
    return Complements(by_side[SLICE], by_side[REST])


def keys_shown(slices: pd.DataFrame, disparities: pd.DataFrame) -> list[Key]:
    """Return every cell that rows of these tables tell of, those most worth showing first.

    Of as many attributes, slices come before what they are compared with, and large ones before small ones.
    """
    compared = set(keys_of(disparities[disparities["comparator"] == REST]))
    ordered = slices.assign(_size=slices["dimension"].str.count(AND)).sort_values(
        ["_size", "n_speakers"], ascending=[True, False], kind="stable"
    )
    keys: list[Key] = []
    for _, rows in ordered.groupby("_size", sort=True):
        names = keys_of(rows)
        keys += [Key(*name) for name in names] + [Key(*name, REST) for name in names if name in compared]
    return keys


def hidden_of(
    scores: pd.DataFrame, *, few: Collection[Key], kept: Collection[Key], asked: Sequence[Key]
) -> frozenset[Key]:
    """Return which of the cells `asked` give one of `few` away; all of several attributes where that is much work."""
    by = [name for name in dict.fromkeys(key.dimension for key in (*few, *kept, *asked)) if name != OVERALL]
    keys, incidence = members_of(scores, by)
    n_shown, n_atoms = len(kept) + len(asked), incidence.shape[1]
    crossed = {key for key in asked if AND in key.dimension or key.dimension == CLASS}
    if crossed and n_shown * n_atoms * (len(few) + min(n_shown, n_atoms)) > MOST_STEPS:
        simple = [key for key in asked if key not in crossed]
        return hidden_of(scores, few=few, kept=kept, asked=simple) | crossed
    return beside_few(keys, incidence, few=few, kept=[ALL, *kept], asked=asked)


def counted(scores: pd.DataFrame, summary: Mapping[str, object]) -> pd.DataFrame:
    """Return the scores that rates are made of: without failed clips where the policy leaves those out."""
    left_out = summary.get("failures_count_as") == Failures.left_out.value
    return scores[~scores["failed"].astype(bool)] if left_out else scores
