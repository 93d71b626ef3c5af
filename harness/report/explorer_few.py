"""Scores and facts of a run in, the scores as they may be passed on out: nobody is told to be one of few."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.corpus.attributes import AttributeKind
from harness.fairness.speaker_sums import speaker_codes
from harness.report.wording import mapping
from harness.results.few import floor_of

FEW = "(few people)"  # instead of every value of who has what few others have


def without_few(scores: pd.DataFrame, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return the scores with attributes only where as many speakers as the policy asks for have all of them alike.

    Whoever has a combination of values of the attributes, but for acoustic ones, that fewer speakers have, or that
    nobody knows how many have, is said to be of few people in each of them: k-anonymity by leaving out (Samarati and
    Sweeney, 1998), with the policy's floor as k.
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
    codes = pd.Series(speaker_codes(scores), index=scores.index)
    told = codes.where(codes >= 0).groupby([values[name] for name in names], dropna=False, observed=True)
    few = told.transform("nunique") < floor_of(facts)
    return scores.assign(**{name: scores[name].astype(object).mask(few, FEW) for name in names})
