"""Gathered counts and a seed in, a published half and a sealed one out, with no person in both.

Chance alone, drawn from the seed, says who is in which half: no error count has a part in it. The published half has
codes in the place of people's ids, and rows in no order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError
from harness.fairness.bounty import Holdout
from harness.predicates import ColumnKind
from harness.results.bounties.gathering import COUNTED, TEXTS
from harness.results.bounties.rules import DeclaredColumn, Half


@dataclass(frozen=True, slots=True)
class Halves:
    """Holds both halves, rows as those of `Gathered.frame`."""

    development: pd.DataFrame
    holdout: pd.DataFrame


def split(frame: pd.DataFrame, *, development_share: float, seed: int, min_speakers: int) -> Halves:
    """Divide the people by chance.

    Args:
        frame: As of `Gathered`.
        development_share: Share of people whose half is published.
        seed: Who knows it knows who is where: it is sealed.
        min_speakers: That each half needs.

    Raises:
        DataError: A half would have fewer people than a group needs.
    """
    people = sorted(frame["speaker_id"].unique())
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(people))
    n_development = round(development_share * len(people))
    if min(n_development, len(people) - n_development) < min_speakers:
        raise DataError(
            f"{len(people)} people make halves of {n_development} and {len(people) - n_development}; expected at least "
            f"{min_speakers} in each (rules.min_speakers). Open a bounty on a larger corpus."
        )
    published = {people[place] for place in order[:n_development]}
    inside = frame["speaker_id"].isin(published).to_numpy()
    development = frame[inside].iloc[rng.permutation(int(inside.sum()))].reset_index(drop=True)
    holdout = frame[~inside].reset_index(drop=True)
    return Halves(development, holdout)


def published(
    development: pd.DataFrame, *, rules_columns: Sequence[str], texts: bool, ids: bool, seed: int
) -> pd.DataFrame:
    """Return the development half as hunters get it.

    Columns: utterance_id (a code unless ids are asked for), speaker_id (a code), the declared columns, words, and for
    every system NAME `errors:NAME`, `substitutions:NAME`, `deletions:NAME`, `insertions:NAME`; with texts `language`,
    `reference` and `hypothesis:NAME`, normalised.
    """
    rng = np.random.default_rng([seed, 1])
    people = list(dict.fromkeys(development["speaker_id"]))
    codes = dict(zip(people, (f"p{code:05d}" for code in rng.permutation(len(people))), strict=True))
    told = development.assign(speaker_id=[codes[name] for name in development["speaker_id"]])
    if not ids:
        told = told.assign(utterance_id=[f"u{row:06d}" for row in range(len(told))])
    systems = systems_of(development)
    counts = [f"{count}:{name}" for name in systems for count in ("errors", *COUNTED)]
    said = ["language", "reference", *(f"{TEXTS[1]}:{name}" for name in systems)] if texts else []
    return told[["utterance_id", "speaker_id", *rules_columns, "words", *counts, *said]]


def systems_of(frame: pd.DataFrame) -> list[str]:
    """Return the systems that a half has counts of."""
    return [str(name).partition(":")[2] for name in frame if str(name).startswith("errors:")]


def with_values(columns: Sequence[DeclaredColumn], development: pd.DataFrame) -> tuple[DeclaredColumn, ...]:
    """Return the columns with the values that the development half has of texts."""
    return tuple(
        each if each.kind == ColumnKind.number.value else replace(each, values=_values(development[each.name]))
        for each in columns
    )


def _values(column: pd.Series) -> tuple[str, ...]:
    cells = [cell for cell in column if cell is not None]
    return tuple(sorted({value for cell in cells for value in (cell if isinstance(cell, list) else [cell])}))


def counted(frame: pd.DataFrame) -> Half:
    """Count who and what is in a half."""
    return Half(int(frame["speaker_id"].nunique()), len(frame), int(frame["words"].sum()))


def holdout_of(
    frame: pd.DataFrame,
    columns: Sequence[DeclaredColumn],
    further: Mapping[str, npt.NDArray[np.int64]] | None = None,
) -> Holdout:
    """Return a half as questions are asked about it.

    Args:
        frame: Sealed or published.
        columns: That predicates may name.
        further: Clipped errors of more systems, (n_rows,) each.
    """
    speakers, _ = pd.factorize(frame["speaker_id"], sort=True)
    errors = {name: frame[f"errors:{name}"].to_numpy(np.int64) for name in systems_of(frame)}
    return Holdout(
        frame=_typed(frame, columns),
        speakers=speakers.astype(np.int64),
        words=frame["words"].to_numpy(np.int64),
        errors=errors | dict(further or {}),
    )


def _typed(frame: pd.DataFrame, columns: Sequence[DeclaredColumn]) -> pd.DataFrame:
    """Return the declared columns alone, numbers as floats and several values as lists."""
    return pd.DataFrame(
        {
            each.name: frame[each.name].astype(np.float64)
            if each.kind == ColumnKind.number.value
            else pd.Series([_cell(cell) for cell in frame[each.name]], dtype=object)
            for each in columns
        }
    ).reset_index(drop=True)


def _cell(cell: object) -> object:
    return [str(each) for each in cell] if isinstance(cell, np.ndarray | list | tuple) else cell


def check_counts(frame: pd.DataFrame, columns: Sequence[DeclaredColumn], systems: Sequence[str], what: str) -> None:
    """Refuse a half, whoever has it from somebody, that lacks what questions are asked about.

    Raises:
        DataError: A column is missing, or counts are none.
    """
    needed = [
        "utterance_id",
        "speaker_id",
        "words",
        *(each.name for each in columns),
        *(f"errors:{name}" for name in systems),
    ]
    missing = [name for name in needed if name not in frame]
    if missing:
        raise DataError(f"{what}: lacks the columns {missing[:5]}. Get the file anew.")
    for name in ("words", *(f"errors:{name}" for name in systems)):
        if not pd.api.types.is_integer_dtype(frame[name]) or (frame[name] < 0).any():
            raise DataError(f"{what}: {name} holds what is no count. Get the file anew.")
