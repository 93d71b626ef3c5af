"""Scores, a dimension and covariates in, the units that can be matched out: people, or utterances where those vary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats, Indices
from harness.fairness.matching.propensity import Covariates
from harness.fairness.membership import AND, Membership, membership
from harness.fairness.regression.adjusted_covariates import UTTERANCE_LENGTH, Covariate, covariates_of
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, speaker_codes

SPEAKER, UTTERANCE = "speaker", "utterance"
MOST_LEVELS = 50  # of an attribute that is matched on
_CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class Units:
    """Holds the units of a dimension: who or what is matched, and on what."""

    part: Membership
    kind: str  # SPEAKER or UTTERANCE
    codes: Ints  # (n_utterances,) the unit of each utterance; -1: of none
    ids: npt.NDArray[np.object_]  # (n_units,)
    covariates: Covariates
    strata: Ints  # (n_units,) partners are of one stratum
    problem: str  # why nothing can be matched; empty when it can
    note: str

    def told(self) -> Bools:
        """Say who declared a value, (n_utterances,)."""
        return self._marked(self.part.rows[self.part.declared[self.part.codes]])

    def members(self, name: str) -> Bools:
        """Say which utterances are in a slice, (n_utterances,)."""
        return self._marked(self.part.rows[self.part.codes == self.part.slices.index(name)])

    def among(self, utterances: Bools) -> Indices:
        """Return the units of some utterances, rising."""
        found: Indices = np.unique(self.codes[utterances & (self.codes >= 0)]).astype(np.intp)
        return found

    def utterances_of(self, units: Indices) -> Bools:
        """Say which utterances are of some units, (n_utterances,)."""
        found: Bools = np.isin(self.codes, units)
        return found

    def _marked(self, rows: Ints) -> Bools:
        marked = np.zeros(len(self.codes), dtype=bool)
        marked[rows] = True
        return marked


def units_of(
    counted: pd.DataFrame,
    dimension: str,
    on: Sequence[str],
    *,
    exact: Sequence[str] = (),
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Units:
    """Find the units of a dimension.

    They are speakers where the dimension and all that is matched on are the same in all utterances of each speaker;
    what has no speaker id then belongs to nobody. Otherwise they are utterances. Who has neither words nor errors is no
    unit: that is no evidence.

    Args:
        counted: As returned by `checked_scores`.
        dimension: An attribute or an intersection.
        on: Covariates, as for `matched_table`.
        exact: Attributes that partners share; of utterances under several conditions, `condition` is one of them.
        orders: Order of the values of an attribute.

    Raises:
        UsageError: A covariate is no column, or is an outcome.
    """
    own = dimension.split(AND)
    wanted = [name for name in dict.fromkeys(on) if name not in own]
    alike = [name for name in dict.fromkeys(exact) if name not in own]
    speakers = speaker_codes(counted)
    heard = counted[list(WORD_COUNTS)].to_numpy(np.int64).sum(axis=1) > 0
    kind = SPEAKER if _belong_to_speakers(counted, speakers, [*own, *wanted, *alike]) else UTTERANCE
    n_conditions = len(counted[_CONDITION].unique()) if _CONDITION in counted else 1
    if kind == UTTERANCE and n_conditions > 1 and _CONDITION not in own:
        alike = list(dict.fromkeys([*alike, _CONDITION]))
    rows = np.where(heard, speakers if kind == SPEAKER else np.arange(len(counted)), -1)
    used, first = np.unique(rows[rows >= 0], return_index=True)
    representatives = counted.iloc[np.flatnonzero(rows >= 0)[first]].reset_index(drop=True)
    covariates, problem = _columns(covariates_of(representatives, wanted), len(representatives))
    if not wanted and not alike:
        problem = f"nothing to match on is left beside {dimension} itself"
    n_unnamed = int((heard & (rows < 0)).sum())
    return Units(
        part=membership(counted, dimension, orders=orders),
        kind=kind,
        codes=np.where(rows >= 0, np.searchsorted(used, rows), -1),
        ids=representatives["speaker_id" if kind == SPEAKER else "utterance_id"].to_numpy(object),
        covariates=covariates,
        strata=_strata(representatives, alike),
        problem=problem,
        note=f"{n_unnamed} utterances without a speaker id left out" if n_unnamed else "",
    )


def _belong_to_speakers(counted: pd.DataFrame, speakers: Ints, names: Sequence[str]) -> bool:
    """Say whether every named speaker has one value of each attribute; utterances have lengths, speakers do not."""
    named = speakers >= 0
    if UTTERANCE_LENGTH in names or not named.any():
        return False
    for name in names:
        if name in counted:
            found = pd.DataFrame({"speaker": speakers[named], "value": counted.loc[named, name].map(str)})
            if found.drop_duplicates()["speaker"].duplicated().any():
                return False
    return True


def _columns(found: Sequence[Covariate], n_units: int) -> tuple[Covariates, str]:
    """Return every number and every level as a column, and what is wrong with a covariate."""
    names: list[str] = []
    values = [np.empty((n_units, 0))]
    levels: list[bool] = []
    problems = []
    for each in found:
        present = np.unique(each.codes)
        if each.numbers is not None:
            known = each.codes == 0
            mean = float(each.numbers[known].mean()) if known.any() else 0.0
            names, levels = [*names, each.name], [*levels, False]
            values.append(np.where(known, each.numbers, mean)[:, None])
            present = present[present > 0]  # who was not measured
        if len(present) > MOST_LEVELS:
            problems.append(f"{each.name} has {len(present)} values, too many to match on ({MOST_LEVELS} at most)")
            continue
        names += [f"{each.name}={each.levels[code]}" for code in present]
        levels += [True] * len(present)
        values.append((each.codes[:, None] == present).astype(np.float64))
    table: Floats = np.hstack(values)  # (n_units, n_columns)
    return Covariates(tuple(names), table, np.array(levels, dtype=bool)), "; ".join(problems)


def _strata(representatives: pd.DataFrame, alike: Sequence[str]) -> Ints:
    """Number the combinations of values that partners share, (n_units,)."""
    if not alike:
        return np.zeros(len(representatives), dtype=np.int64)
    values = representatives[list(alike)].map(str)
    return np.asarray(values.groupby(list(alike), dropna=False, observed=True).ngroup(), dtype=np.int64)
