"""Attributes in; how many people declared each, declined, or were not asked, and who said two things, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.corpus import DECLINED, Attribute
from harness.corpus.attributes import KINDS_OF_PEOPLE
from harness.fairness.described.coded import Coded
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import Ints

Bools = npt.NDArray[np.bool_]

TOLD_COLUMNS = (
    "attribute", "kind", "provenance", "n_values", "n_speakers_declared", "n_speakers_declined",
    "n_speakers_undeclared", "n_utterances_declared", "n_utterances_declined", "n_utterances_undeclared",
    "n_speakers_several", "n_speakers_partly", "n_utterances_fillable",
)  # fmt: skip
CONFLICT_COLUMNS = ("speaker_id", "attribute", "value", "n_utterances")


@dataclass(frozen=True, slots=True)
class Told:
    """Holds what was told of attributes.

    Attributes:
        table: One row an attribute with TOLD_COLUMNS. A speaker declared when any of their utterances has a value, else
            declined when any was declined. `n_speakers_several` count those with several declared values over their
            utterances, `n_speakers_partly` those who declared in some utterances and not in others;
            `n_utterances_fillable` are the others, of speakers with one value.
        conflicts: One row for each value of a speaker who has several of an attribute that describes people, with
            CONFLICT_COLUMNS, by attribute and speaker.
    """

    table: pd.DataFrame
    conflicts: pd.DataFrame


def told(frame: pd.DataFrame, them: Coded, attributes: Sequence[Attribute]) -> Told:
    """Count who declared what.

    Args:
        frame: As `Manifest.frame`.
        them: The same, coded.
        attributes: Of the manifest.
    """
    rows, conflicts = [], [pd.DataFrame(columns=list(CONFLICT_COLUMNS))]
    for attribute in attributes:
        spoken = _spoken(frame, attribute.name)
        cells = _cells(frame[attribute.name], them, spoken.declared)
        rows.append(_row(attribute, them, spoken, cells))
        if attribute.kind in KINDS_OF_PEOPLE and cells.several.any():
            conflicts.append(_conflicts(attribute.name, them, cells))
    table = pd.DataFrame(rows, columns=list(TOLD_COLUMNS))
    found = [part for part in conflicts if len(part)] or conflicts
    return Told(table, pd.concat(found, ignore_index=True))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Says of every utterance whether a value is declared or declined."""

    n_values: int
    declared: Bools
    declined: Bools


@dataclass(frozen=True, slots=True)
class _Cells:
    """Holds how often each speaker with an id has each declared cell."""

    speakers: Ints  # (n_cells,)
    values: Ints  # (n_cells,) position in `names`
    n_utterances: Ints  # (n_cells,)
    names: Sequence[object]
    several: Bools  # (n_speakers,) who has more than one


def _spoken(frame: pd.DataFrame, name: str) -> _Spoken:
    part = membership(frame, name)
    declared, declined = (np.zeros(len(frame), dtype=bool) for _ in range(2))
    declared[part.rows[part.declared[part.codes]]] = True
    if DECLINED in part.slices:
        declined[part.rows[part.codes == part.slices.index(DECLINED)]] = True
    return _Spoken(int(part.declared.sum()), declared, declined & ~declared)


def _cells(column: pd.Series, them: Coded, declared: Bools) -> _Cells:
    values, names = pd.factorize(column.astype(object))
    counted = np.flatnonzero(declared & (them.speakers >= 0))
    n_names = max(1, len(names))
    keys, n_utterances = np.unique(them.speakers[counted] * n_names + values[counted], return_counts=True)
    speakers, found = np.divmod(keys, n_names)
    several = np.bincount(speakers, minlength=len(them.speaker_ids)) > 1
    return _Cells(speakers, found, n_utterances, list(names), several)


def _row(attribute: Attribute, them: Coded, spoken: _Spoken, cells: _Cells) -> tuple[object, ...]:
    n_people = len(them.speaker_ids)
    silent = ~spoken.declared
    declared, declined, quiet = (_people(them, of, n_people) for of in (spoken.declared, spoken.declined, silent))
    fillable = np.append(declared & ~cells.several, False)[them.speakers] & silent
    return (
        attribute.name,
        attribute.kind.value,
        attribute.provenance.value,
        spoken.n_values,
        int(declared.sum()),
        int((declined & ~declared).sum()),
        int((~declared & ~declined).sum()),
        int(spoken.declared.sum()),
        int(spoken.declined.sum()),
        int((silent & ~spoken.declined).sum()),
        int(cells.several.sum()),
        int((declared & quiet).sum()),
        int(fillable.sum()),
    )


def _people(them: Coded, utterances: Bools, n_people: int) -> Bools:
    """Say which speakers have any of some utterances, (n_speakers,)."""
    return np.bincount(them.speakers[utterances & (them.speakers >= 0)], minlength=n_people) > 0


def _conflicts(name: str, them: Coded, cells: _Cells) -> pd.DataFrame:
    kept = cells.several[cells.speakers]
    values = [cells.names[value] for value in cells.values[kept]]
    return pd.DataFrame(
        {
            "speaker_id": them.speaker_ids[cells.speakers[kept]],
            "attribute": name,
            "value": ["; ".join(map(str, value)) if isinstance(value, tuple) else str(value) for value in values],
            "n_utterances": cells.n_utterances[kept],
        }
    )
