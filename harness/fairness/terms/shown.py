"""Scores and the spans found in them in, a few utterances to read out: where most went wrong that matters."""

import pandas as pd

from harness.errors import UsageError
from harness.scoring.terms import HIT, MISSED, SPAN_COLUMNS

TERM_EXAMPLE_COLUMNS = (
    "what", "condition", "utterance_id", "n_missed", "n_spurious", "said", "heard", "reference", "hypothesis",
)  # fmt: skip
_KEYS = ["utterance_id", "condition"]
_UTTERANCE = ["what", "condition", "utterance_id"]


def term_examples(scores: pd.DataFrame, spans: pd.DataFrame, *, n_examples: int = 5) -> pd.DataFrame:
    """Choose the utterances of each condition in which most terms, numbers or negations went wrong.

    Of equally wrong ones the shortest comes first, which is read soonest. One utterance stands for each thing that was
    said or heard wrongly, so that one word does not fill the list. Failed clips, of which nothing was heard, are none.

    Args:
        scores: As `score` makes them.
        spans: As `count_terms` makes them of these scores.
        n_examples: At most so many of terms, numbers and negations each, under each condition.

    Returns:
        Rows with TERM_EXAMPLE_COLUMNS, worst first; `said` and `heard` are the first of what went wrong there,
        `reference` and `hypothesis` the normalised texts. They are speech of people: not for publication unasked.

    Raises:
        UsageError: A column is missing.
    """
    absent = [name for name in (*_KEYS, "reference", "hypothesis") if name not in scores]
    if absent := absent + [name for name in SPAN_COLUMNS if name not in spans]:
        raise UsageError(f"the scores or the spans of terms lack {', '.join(absent)}; make both of one run")
    wrong = spans[(spans["outcome"] != HIT) & ~spans["failed"].astype(bool)]
    missed = wrong["outcome"] == MISSED
    utterances = (
        wrong.assign(n_missed=missed, n_spurious=~missed)
        .groupby(_UTTERANCE, sort=False)
        .agg(
            n_missed=("n_missed", "sum"),
            n_spurious=("n_spurious", "sum"),
            said=("said", "first"),
            heard=("heard", "first"),
        )
        .reset_index()
        .merge(scores[[*_KEYS, "reference", "hypothesis"]], how="left", on=_KEYS, validate="many_to_one")
        .assign(place=lambda rows: _places(rows, scores), length=lambda rows: rows["reference"].str.len())
        .sort_values(
            ["what", "place", "n_missed", "n_spurious", "length", "utterance_id"],
            ascending=[False, True, False, False, True, True],
        )
        .drop_duplicates(["what", "condition", "said", "heard"])
    )
    return (
        utterances.groupby(["what", "condition"], sort=False)
        .head(n_examples)
        .reset_index(drop=True)[list(TERM_EXAMPLE_COLUMNS)]
    )


def _places(rows: pd.DataFrame, scores: pd.DataFrame) -> pd.Series:
    """Return the place of each row's condition in the order of the scores."""
    return rows["condition"].map({name: place for place, name in enumerate(scores["condition"].unique())})
