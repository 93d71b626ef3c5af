"""Scores of one corpus under several normalisers in, every gap under each of them and what changes with it out.

Only the texts are read by other rules; speakers, slices, comparators, resamples and permutations stay the same.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, divide
from harness.fairness.disparity import disparity_table
from harness.fairness.membership import Membership, membership
from harness.fairness.policy import KEYWORDS, REST, DimensionPolicy, Failures, Policy, Promise, Verdict
from harness.fairness.speaker_sums import WORD_COUNTS, checked_scores
from harness.scoring.profiles import STRICT, token_edits

SENSITIVE = "normaliser_sensitive"
SENSITIVITY_COLUMNS = (
    "dimension", "slice", "comparator", "normalizer", "reference_words", "substitutions", "deletions", "insertions",
    "wer", "comparator_wer", "gap", "gap_low", "gap_high", "p_adjusted", "verdict", "edited_share",
    "comparator_edited_share", "hypothesis_edited_share", "comparator_hypothesis_edited_share", "reason",
)  # fmt: skip
_KEYS = ["dimension", "slice"]
_JUDGED = ("wer", "comparator_wer", "gap", "gap_low", "gap_high", "p_adjusted", "verdict", "reason")
_EDITED = {"reference": "edited_share", "hypothesis": "hypothesis_edited_share"}


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Holds what changes with the normaliser."""

    verdicts: pd.DataFrame  # one row a slice and profile, SENSITIVITY_COLUMNS
    disparities: pd.DataFrame  # the disparity table of the first profile, with the column SENSITIVE


def sensitivity(
    scores_by_profile: Mapping[str, pd.DataFrame],
    by: str | Sequence[str],
    policy: Policy,
    rng: np.random.Generator,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    disparities: pd.DataFrame | None = None,
) -> Sensitivity:
    """Judge every slice under every profile, with the same draws, and say where it matters.

    Args:
        scores_by_profile: Scores of the same rows under each profile, the run's own first; `lowercase_no_punctuation`
            is one of them, because edits are counted from it.
        by: Dimensions, as for `disparity_table`.
        policy: What was promised. A comparator that is found in the data (`best`, `largest`) is the one found under
            the first profile, under all of them.
        rng: Draws resamples and permutations, the same for each profile; its own state is left as it is.
        orders: Order of the values of an attribute.
        disparities: The disparity table of the first profile where it is made already, with the same draws; it is
            made here when None.

    Returns:
        The verdicts under each profile, slice by slice in the order of the disparity table; `edited_share` is the
        share of the slice's reference words (less case and punctuation) that the profile edits, and
        `hypothesis_edited_share` that of its recognised words, each also for the comparator: a normaliser that edits
        6 % of one slice and 1 % of another is itself a disparity. NaN where there is no such word. And the disparity
        table of the first profile with the column `normaliser_sensitive`, as `aligned_disparities` has it.

    Raises:
        UsageError: Fewer than two profiles, none of them strict, or profiles of different rows.
    """
    _check_profiles(scores_by_profile)
    own, *others = scores_by_profile
    if disparities is None:
        disparities = disparity_table(scores_by_profile[own], by, policy, deepcopy(rng), orders=orders)
    pinned = _pinned(policy, disparities)
    tables = {own: disparities} | {
        name: disparity_table(scores_by_profile[name], by, pinned, deepcopy(rng), orders=orders) for name in others
    }
    aligned = aligned_disparities(disparities, [tables[name] for name in others], policy)
    if disparities.empty:
        return Sensitivity(pd.DataFrame(columns=list(SENSITIVITY_COLUMNS)), aligned)
    strict = scores_by_profile[STRICT]
    words = {column: np.array([len(text.split()) for text in strict[column]], dtype=np.float64) for column in _EDITED}
    totals = [_totals(strict, dimension, pinned) for dimension in disparities["dimension"].unique()]
    blocks = [
        _same_rows(disparities, tables[name])[[*_KEYS, "comparator", *_JUDGED]]
        .assign(normalizer=name)
        .merge(
            _counts_and_shares(scores, strict, totals, policy, words=words), on=_KEYS, how="left", validate="one_to_one"
        )
        for name, scores in scores_by_profile.items()
    ]
    verdicts = pd.concat(blocks).sort_index(kind="stable")  # row i of every block is one slice
    return Sensitivity(verdicts[list(SENSITIVITY_COLUMNS)].reset_index(drop=True), aligned)


def aligned_disparities(disparities: pd.DataFrame, others: Sequence[pd.DataFrame], policy: Policy) -> pd.DataFrame:
    """Return a disparity table with the column `normaliser_sensitive`, seen beside those of other profiles.

    A slice is sensitive when, between any two profiles,

    - its verdict differs, or there is a gap under one and none under the other;
    - its gap changes sign, unless equality is shown under all of them (`within_margin`): then it is around zero and
      inside the promise whatever its sign. `insufficient` slices count here: their gap is all there is to read;
    - or, where no test is run under any of them (`insufficient`), its gap crosses the policy's margin. Where tests are
      run, the verdict has said already on which side of the margin it is, or that this cannot be told.

    Args:
        disparities: The run's own table.
        others: Tables of the same slices under other profiles.
        policy: Its margins.

    Raises:
        UsageError: A table has other slices.
    """
    tables = [disparities, *(_same_rows(disparities, other) for other in others)]
    promises = [policy.for_dimension(dimension) for dimension in disparities["dimension"]]
    verdicts = np.array([table["verdict"].astype(str).to_numpy(str) for table in tables])  # (n_profiles, n_slices)
    gaps = np.array([table["gap"].to_numpy(np.float64) for table in tables])
    sides = np.array([_sides_of_margin(table, promises) for table in tables])
    signs = np.sign(np.nan_to_num(gaps))
    changes = _differs(verdicts) | _differs(np.isnan(gaps))
    flips = (signs.min(axis=0) < 0) & (signs.max(axis=0) > 0)
    shown_equal = (verdicts == Verdict.within_margin.value).all(axis=0)
    untested = (verdicts == Verdict.insufficient.value).all(axis=0)
    return disparities.assign(**{SENSITIVE: changes | (flips & ~shown_equal) | (_differs(sides) & untested)})


def _check_profiles(scores_by_profile: Mapping[str, pd.DataFrame]) -> None:
    names = list(scores_by_profile)
    if len(names) < 2:
        raise UsageError(f"scores under {names}; expected two profiles or more, to see what changes between them.")
    if STRICT not in names:
        raise UsageError(f"scores under {names}; expected {STRICT!r} among them: edits are counted from it.")
    keys = ["utterance_id", *(["condition"] if "condition" in scores_by_profile[names[0]] else [])]
    rows = scores_by_profile[names[0]][keys].reset_index(drop=True)
    for name in names[1:]:
        if not scores_by_profile[name].reindex(columns=keys).reset_index(drop=True).equals(rows):
            raise UsageError(f"the scores under {name} have other rows than those under {names[0]}; score both alike.")


def _pinned(policy: Policy, disparities: pd.DataFrame) -> Policy:
    """Name the comparators that were found in the data, so that the same slices are compared under every profile."""
    found = disparities.drop_duplicates("dimension")
    pinned = {
        dimension: replace(policy.dimensions.get(dimension, DimensionPolicy()), comparator=comparator)
        for dimension, comparator in zip(found["dimension"], found["comparator"], strict=True)
        if policy.for_dimension(dimension).comparator in KEYWORDS
    }
    return replace(policy, dimensions=policy.dimensions | pinned)


def _same_rows(disparities: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Bring another table into the order of the run's own."""
    joined = disparities[_KEYS].merge(other, on=_KEYS, how="left", validate="one_to_one", indicator="found")
    if len(other) != len(disparities) or not (joined["found"] == "both").all():
        raise UsageError("the disparity tables of two profiles have other slices; make both of the same scores.")
    return joined.drop(columns="found")


def _sides_of_margin(table: pd.DataFrame, promises: Sequence[Promise]) -> Floats:
    """Return 1 where a gap reaches a margin, -1 where its mirror image does, and 0 inside, (n_slices,)."""
    rows = zip(table["gap"].tolist(), table["ratio"].tolist(), promises, strict=True)
    return np.array([promise.worse(gap, ratio) - float(promise.better(gap, ratio)) for gap, ratio, promise in rows])


def _differs(values: np.ndarray) -> Bools:
    """Say for each column whether its rows differ, (n_columns,)."""
    differs: Bools = (values != values[:1]).any(axis=0)
    return differs


@dataclass(frozen=True, slots=True)
class _Totals:
    """Adds up rows of scores over the slices of a dimension that are compared, and over their comparators."""

    part: Membership
    told: Bools  # (n_rows,) in a declared slice
    chosen: int | None  # the slice that all others are compared with; None: everybody else who declared a value

    def of(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return the totals of counts, (n_rows,), of slices and of comparators, (n_slices,) each."""
        part = self.part
        totals = np.bincount(part.codes, weights=counts[part.rows], minlength=len(part.slices)).astype(np.float64)
        rest = counts[self.told].sum() - totals
        return totals, rest if self.chosen is None else np.full_like(totals, totals[self.chosen])


def _totals(scores: pd.DataFrame, dimension: str, policy: Policy) -> _Totals:
    part = membership(scores, dimension)
    told = np.zeros(len(scores), dtype=bool)
    told[part.rows[part.declared[part.codes]]] = True
    comparator = policy.for_dimension(dimension).comparator
    return _Totals(part, told, None if comparator == REST else part.slices.index(comparator))


def _counts_and_shares(
    scores: pd.DataFrame,
    strict: pd.DataFrame,
    totals: Sequence[_Totals],
    policy: Policy,
    *,
    words: Mapping[str, Floats],
) -> pd.DataFrame:
    """Return the words of every slice under a profile and the shares of words (of strict texts) that it edits."""
    counted = checked_scores(scores, policy)
    left_out = counted["failed"].to_numpy(bool) & np.array(policy.failures is Failures.left_out)
    counts = {name: counted[name].to_numpy(np.float64) for name in WORD_COUNTS}
    columns = []
    for column, share in _EDITED.items():
        edits = token_edits(strict[column].tolist(), scores[column].tolist()).astype(np.float64)
        columns.append((share, np.where(left_out, 0, edits), np.where(left_out, 0, words[column])))
    tables = []
    for each in totals:
        sums = {name: each.of(values)[0].astype(np.int64) for name, values in counts.items()}
        table = {"dimension": each.part.dimension, "slice": each.part.slices, **sums}
        for share, edits, said in columns:
            own, comparator = map(divide, each.of(edits), each.of(said))
            table |= {share: own, f"comparator_{share}": comparator}
        tables.append(pd.DataFrame(table))
    found = pd.concat(tables, ignore_index=True)
    return found.assign(reference_words=found["hits"] + found["substitutions"] + found["deletions"])
