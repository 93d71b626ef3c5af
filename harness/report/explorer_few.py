"""Scores and facts of a run in, the scores as they may be passed on out: nobody is told to be one of few."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.corpus.attributes import AttributeKind
from harness.fairness.speaker_sums import speaker_codes
from harness.report.shown import ShownRun
from harness.report.wording import mapping
from harness.results.complements import CLASS, counted, hidden_of, keys_shown
from harness.results.few import floor_of
from harness.results.sharing.cells import Key

FEW = "(few people)"  # instead of every value of who has what few others have


def without_few(scores: pd.DataFrame, facts: Mapping[str, Any], printed: ShownRun | None = None) -> pd.DataFrame:
    """Return the scores with attributes only where as many speakers as the policy asks for have all of them alike.

    Whoever has a combination of values of the attributes, but for acoustic ones, that fewer speakers have, or that
    nobody knows how many have, is said to be of few people in each of them: k-anonymity by leaving out (Samarati and
    Sweeney, 1998), with the policy's floor as k. So is whoever else has one from which, with the slices that are
    printed beside, few could be worked out by subtraction.
    """
    attributes = mapping(mapping(facts["manifest"])["attributes"])
    names = [
        name
        for name, about in attributes.items()
        if name in scores and mapping(about).get("kind") != AttributeKind.acoustic.value
    ]
    if not names:
        return scores
    values = pd.DataFrame({name: [str(cell) for cell in scores[name]] for name in names}, index=scores.index)
    alike = values.groupby(names, dropna=False, observed=True).ngroup().astype(str)
    codes = pd.Series(speaker_codes(scores), index=scores.index)
    n_speakers = codes.where(codes >= 0).groupby(alike).transform("nunique")
    few = n_speakers < floor_of(facts)
    if printed is not None and few.any():
        few |= alike.isin(_telling(scores, printed, alike, n_speakers.where(~few)))
    return scores.assign(**{name: scores[name].astype(object).mask(few, FEW) for name in names})


def _telling(scores: pd.DataFrame, printed: ShownRun, alike: pd.Series, n_speakers: pd.Series) -> set[str]:
    """Return the classes that give few people away; those who are few have no `n_speakers`."""
    by_size = pd.DataFrame({"alike": alike, "n": n_speakers}).drop_duplicates("alike")
    large = by_size.dropna(subset="n").sort_values("n", ascending=False, kind="stable")["alike"]
    small = by_size.loc[by_size["n"].isna(), "alike"]
    hidden = hidden_of(
        counted(scores.assign(**{CLASS: alike}), printed.summary),
        few=[*(Key(*name) for name in printed.few), *(Key(CLASS, name) for name in small)],
        kept=keys_shown(printed.slices, printed.disparities),
        asked=[Key(CLASS, name) for name in large],
    )
    return {key.slice_name for key in hidden}
