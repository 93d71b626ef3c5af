"""Scores and covariates in, the ratio of every slice to its comparator out: as it is, and with others held equal.

The ratios without covariates, with each of them and with all say what a gap is made of: a covariate that brings the
ratio to 1 accounts for it. A covariate that is itself a consequence of the attribute, as the strength of an accent is,
takes a part of the gap away that is no less real: read both rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats
from harness.fairness.comparisons import comparisons, floors
from harness.fairness.membership import AND, Membership, as_list, membership
from harness.fairness.policy import REST, Failures, Policy
from harness.fairness.regression.adjusted_covariates import Covariate, block_of, covariates_of
from harness.fairness.regression.adjusted_ratio import Contest, Estimates, adjusted_ratio
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, checked_scores, speaker_codes
from harness.fairness.verdicts import shortfall

ADJUSTED_COLUMNS = (
    "dimension", "slice", "comparator", "covariates", "ratio", "ratio_low", "ratio_high", "p_value",
    "population_ratio", "population_ratio_low", "population_ratio_high", "speaker_sd", "dispersion", "n_speakers",
    "n_utterances", "note",
)  # fmt: skip
NO_COVARIATES = "none"
WITH = " + "  # joins the covariates of a model


@dataclass(frozen=True, slots=True)
class _Utterances:
    """Holds what a model needs of every row of the scores."""

    errors: Floats  # (n_utterances,)
    words: Floats  # (n_utterances,)
    left_out: Bools  # (n_utterances,) failed, and the policy leaves those out
    speakers: Ints  # (n_utterances,) -1 without an id
    n_named: int
    covariates: tuple[Covariate, ...]


def adjusted_table(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    covariates: Sequence[str] = (),
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Fit the ratio of every slice to its comparator without covariates, with each of them, and with all.

    `ratio` is that of the error rates of two speakers alike but for the slice, by a Poisson model with a random effect
    per speaker; `population_ratio` that of the pooled rates of both sides, by a log-linear model clustered by speaker.
    They differ where speakers of one side differ more among each other, and then only the second is a statement about
    the gap. p-values are of the likelihood-ratio test of the first, one at a time: they are not corrected for their
    number. Intervals are t intervals on the logarithm, with as many degrees of freedom as there are speakers less
    coefficients, at 1 - alpha.

    Args:
        scores: As for `disparity_table`.
        by: Dimensions: attributes (`accent`) or intersections (`accent & gender`).
        policy: Names comparators, floors, alpha and the rule for failures; the default policy when None.
        covariates: Columns of the scores, or `utterance_length` (the logarithm of the reference words). Columns of
            numbers are slopes, others levels; undeclared and declined are levels too. One that is part of the
            dimension is passed over there.
        orders: Order of the values of an attribute.

    Returns:
        One row a slice and set of covariates with ADJUSTED_COLUMNS. Speakers with an id and utterances are those in
        the model, 0 where there is none. A slice below the floors has one row. NaN where there is no estimate; `note`
        says why.

    Raises:
        UsageError: A dimension, a needed column, a covariate or a comparator of the policy is not in the scores, or a
            covariate is an outcome.
    """
    policy = policy or Policy()
    counted = checked_scores(scores, policy)
    utterances = _utterances(counted, policy, covariates)
    tables = [_dimension(counted, name, policy, utterances=utterances, orders=orders) for name in as_list(by)]
    return pd.DataFrame([row for rows in tables for row in rows], columns=list(ADJUSTED_COLUMNS))


def _utterances(scores: pd.DataFrame, policy: Policy, covariates: Sequence[str]) -> _Utterances:
    hits, substitutions, deletions, insertions = (scores[name].to_numpy(np.float64) for name in WORD_COUNTS)
    speakers = speaker_codes(scores)
    return _Utterances(
        errors=substitutions + deletions + insertions,
        words=hits + substitutions + deletions,
        left_out=scores["failed"].to_numpy(bool) & (policy.failures is Failures.left_out),
        speakers=speakers,
        n_named=int(speakers.max(initial=-1)) + 1,
        covariates=tuple(covariates_of(scores, covariates)),
    )


def _dimension(
    scores: pd.DataFrame,
    dimension: str,
    policy: Policy,
    *,
    utterances: _Utterances,
    orders: Mapping[str, Sequence[str]] | None,
) -> Iterator[dict[str, object]]:
    """Yield the rows of one dimension; none when there is nobody to compare with."""
    found = comparisons(scores, dimension, policy, orders=orders)
    if found is None:
        return
    part = membership(scores, dimension, orders=orders)
    others = [covariate for covariate in utterances.covariates if covariate.name not in dimension.split(AND)]
    for position, (name, enough) in enumerate(zip(found.slices, found.enough(policy), strict=True)):
        key = {"dimension": dimension, "slice": name, "comparator": found.comparator}
        if enough:
            contest = _contest(utterances, part, (name, found.comparator))
            yield from (key | row for row in _models(contest, others, 1 - policy.alpha))
        else:
            too_few = f"too few to say: {shortfall(found.support[position], floors(policy))}"
            yield key | _row(NO_COVARIATES, Estimates(note=too_few))


def _models(contest: Contest, covariates: Sequence[Covariate], confidence: float) -> Iterator[dict[str, object]]:
    """Yield the ratio as it is, with each covariate, and with all that leave one."""
    yield _row(NO_COVARIATES, adjusted_ratio(contest, [], confidence=confidence))
    used, left_out = [], []
    for covariate in covariates:
        block = block_of(covariate, contest.rows, contest.errors)
        alone = adjusted_ratio(contest, [block], confidence=confidence) if block.usable else Estimates(note=block.note)
        yield _row(block.name, alone)
        if np.isnan(alone.ratio):
            left_out.append(f"without {block.name}: {alone.note}")
        else:
            used.append(block)
    if len(used) > 1:
        everything = adjusted_ratio(contest, used, confidence=confidence)
        note = "; ".join(filter(None, [everything.note, *left_out]))
        yield _row(WITH.join(block.name for block in used), replace(everything, note=note))


def _row(covariates: str, estimates: Estimates) -> dict[str, object]:
    return {"covariates": covariates, **asdict(estimates)}


def _contest(utterances: _Utterances, part: Membership, names: tuple[str, str]) -> Contest:
    """Gather the utterances of a slice and its comparator; those without an id are one speaker on each side."""
    slice_rows, comparator_rows = _sides(part, *names)
    rows = np.concatenate([slice_rows, comparator_rows])
    inside = np.arange(len(rows)) < len(slice_rows)
    named, n_named = utterances.speakers[rows], utterances.n_named
    said = utterances.words[rows] > 0
    unsaid = rows[~said]
    notes = [
        *_silence_notes(utterances.left_out[unsaid], utterances.errors[unsaid].sum()),
        *_sharing_notes(int((named[said] < 0).sum()), _n_shared(slice_rows, comparator_rows)),
    ]
    return Contest(
        slice=names[0],
        comparator=names[1],
        rows=rows[said],
        inside=inside[said],
        errors=utterances.errors[rows[said]],
        words=utterances.words[rows[said]],
        speakers=np.where(named < 0, n_named + inside, named)[said],
        n_named=n_named,
        notes=tuple(notes),
    )


def _sides(part: Membership, name: str, comparator: str) -> tuple[Ints, Ints]:
    """Return the utterances of a slice and of its comparator, as positions in the scores."""
    own = part.rows[part.codes == part.slices.index(name)]
    if comparator != REST:
        return own, part.rows[part.codes == part.slices.index(comparator)]
    others = np.zeros(int(part.rows.max()) + 1, dtype=bool)
    others[part.rows[part.declared[part.codes]]] = True
    others[own] = False
    return own, np.flatnonzero(others)


def _n_shared(slice_rows: Ints, comparator_rows: Ints) -> int:
    """Count the utterances that are on both sides."""
    inside = np.zeros(max(slice_rows.max(initial=0), comparator_rows.max(initial=0)) + 1, dtype=bool)
    inside[slice_rows] = True
    both = np.zeros_like(inside)
    both[comparator_rows] = True
    return int((inside & both).sum())


def _silence_notes(left_out: Bools, n_insertions: float) -> Iterator[str]:
    """Say which utterances have no words to count errors by: the logarithm of their number is the offset."""
    if n_failed := int(left_out.sum()):
        yield f"{n_failed} failed clips left out"
    if n_silent := len(left_out) - n_failed:
        yield (
            f"{n_silent} utterances without reference words left out, whose {n_insertions:.0f} insertions count in the "
            "WER"
        )


def _sharing_notes(n_unnamed: int, n_shared: int) -> Iterator[str]:
    if n_unnamed:
        yield f"{n_unnamed} utterances without a speaker id count as one speaker a side"
    if n_shared:
        yield f"{n_shared} utterances are on both sides"
