"""Scores and names of covariates in, the columns of a regression out, with what had to be left out in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.corpus.attributes import CONTRACT_COLUMNS, OUTPUT_COLUMNS
from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import Ints

UTTERANCE_LENGTH = "utterance_length"  # built in: the logarithm of the reference words
MOST_LEVELS = 20  # of an attribute in a model
_NOT_MEASURED = "not measured"
_CAUSES = {"condition", "language", "duration", "audio_s"}  # columns of the contract that are no outcome
_OUTCOMES = (set(CONTRACT_COLUMNS) | OUTPUT_COLUMNS) - _CAUSES


@dataclass(frozen=True, slots=True)
class Covariate:
    """Holds the value of every utterance: a level of an attribute, or a number and the levels measured or not."""

    name: str
    levels: tuple[str, ...]
    codes: Ints  # (n_utterances,) position in `levels`
    numbers: Floats | None  # (n_utterances,) 0 where not measured; None for an attribute


@dataclass(frozen=True, slots=True)
class Block:
    """Holds the columns that a covariate makes among some utterances.

    An utterance is mute when it stands at a level without any word error. The likelihood is then highest with the
    level's rate at zero, where its utterances have no part in it: they and the level are left out.
    """

    name: str
    columns: tuple[str, ...]
    values: Floats  # (n_utterances, n_columns)
    mute: Bools  # (n_utterances,)
    notes: tuple[str, ...] = ()
    usable: bool = True  # in a model; if not, the note says why

    @property
    def note(self) -> str:
        """Return the notes in one line."""
        return "; ".join(self.notes)


def covariates_of(scores: pd.DataFrame, names: Sequence[str]) -> list[Covariate]:
    """Return the covariates, each once.

    Args:
        scores: As returned by `checked_scores`.
        names: Columns of the scores, or `utterance_length`. A column of numbers is one slope; any other is an
            attribute, whose undeclared and declined are levels like others and whose several values are one level.

    Raises:
        UsageError: A name is no column, is an outcome, or has two meanings.
    """
    return [_covariate(scores, name) for name in dict.fromkeys(names)]


def block_of(covariate: Covariate, rows: Ints, errors: Floats) -> Block:
    """Return the columns of a covariate among some utterances.

    Args:
        covariate: Of all utterances.
        rows: Positions of the utterances, (n_rows,).
        errors: Their word errors, (n_rows,).
    """
    if covariate.numbers is not None:
        return _numbers_block(covariate, covariate.numbers[rows], covariate.codes[rows], errors)
    return _levels_block(covariate, covariate.codes[rows], errors)


def _covariate(scores: pd.DataFrame, name: str) -> Covariate:
    if name == UTTERANCE_LENGTH:
        if name in scores:
            raise UsageError(
                f"covariate {name!r} is built in and also a column of the scores. Rename the column, or leave it out."
            )
        words = (scores["hits"] + scores["substitutions"] + scores["deletions"]).to_numpy(np.float64)
        return _numbers(name, np.log(np.maximum(words, 1)))
    if name not in scores or name in _OUTCOMES:
        found = [column for column in scores.columns if column not in _OUTCOMES]
        why = "is an outcome, which explains nothing" if name in scores else "is not in the scores"
        raise UsageError(f"covariate {name!r} {why}; expected {UTTERANCE_LENGTH} or some of {found}.")
    column = scores[name]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return _numbers(name, column.to_numpy(np.float64, na_value=np.nan))
    return _levels(scores, name)


def _numbers(name: str, numbers: Floats) -> Covariate:
    measured = np.isfinite(numbers)
    return Covariate(
        name=name,
        levels=(name, f"{name} {_NOT_MEASURED}"),
        codes=(~measured).astype(np.int64),
        numbers=np.where(measured, numbers, 0.0),
    )


def _levels(scores: pd.DataFrame, name: str) -> Covariate:
    part = membership(scores, name)
    if len(part.rows) == len(scores):
        return Covariate(name, part.slices, part.codes[np.argsort(part.rows)], None)
    values: list[list[str]] = [[] for _ in range(len(scores))]
    for row, code in zip(part.rows.tolist(), part.codes.tolist(), strict=True):
        values[row].append(part.slices[code])
    codes, levels = pd.factorize(np.array([" + ".join(sorted(each)) for each in values], dtype=object), sort=True)
    return Covariate(name, tuple(levels), codes.astype(np.int64), None)


def _levels_block(covariate: Covariate, codes: Ints, errors: Floats) -> Block:
    """Return an indicator per level that has word errors, but for the one that has most utterances."""
    n_levels = len(covariate.levels)
    counts = np.bincount(codes, minlength=n_levels)
    if (n_found := int((counts > 0).sum())) > MOST_LEVELS:
        return _refused(
            covariate.name, codes, f"has {n_found} values, a model takes {MOST_LEVELS}: not adjusted for. Give it bins"
        )
    if n_found < 2:
        return _refused(covariate.name, codes, "is the same throughout: nothing to adjust for")
    erring, mute, notes = _erring(covariate, codes, errors)
    kept = np.delete(erring, np.argmax(counts[erring])) if len(erring) else erring
    return Block(
        name=covariate.name,
        columns=tuple(f"{covariate.name}={covariate.levels[code]}" for code in kept),
        values=(codes[:, None] == kept).astype(np.float64),
        mute=mute,
        notes=notes,
    )


def _numbers_block(covariate: Covariate, numbers: Floats, codes: Ints, errors: Floats) -> Block:
    """Return the standardised number, and an indicator of who has none where somebody erred without."""
    _, mute, notes = _erring(covariate, codes, errors)
    measured = codes == 0
    known = numbers[measured & ~mute]
    spread = float(known.std()) if len(known) else 0.0
    if spread <= np.finfo(float).eps * float(np.abs(known).max(initial=0)):
        return _refused(covariate.name, codes, "is the same throughout: nothing to adjust for")
    values = [np.where(measured, (numbers - known.mean()) / spread, 0.0)]
    if n_missing := int((~measured & ~mute).sum()):
        values.append((~measured).astype(np.float64))
        notes = (*notes, f"{covariate.name} was not measured on {n_missing} utterances: a level of their own")
    return Block(
        name=covariate.name,
        columns=covariate.levels[: len(values)],
        values=np.stack(values, axis=1),
        mute=mute,
        notes=notes,
    )


def _erring(covariate: Covariate, codes: Ints, errors: Floats) -> tuple[Ints, Bools, tuple[str, ...]]:
    """Return the levels that have word errors, who stands at others, and a note of each of those."""
    n_levels = len(covariate.levels)
    counts = np.bincount(codes, minlength=n_levels)
    wrong = np.bincount(codes, weights=errors, minlength=n_levels) > 0
    silent = np.flatnonzero((counts > 0) & ~wrong)
    shown = covariate.levels if covariate.numbers is not None else [f"{covariate.name}={x}" for x in covariate.levels]
    notes = tuple(f"{shown[code]} has no word errors: its {counts[code]} utterances left out" for code in silent)
    return np.flatnonzero(wrong).astype(np.int64), np.isin(codes, silent), notes


def _refused(name: str, codes: Ints, why: str) -> Block:
    n_rows = len(codes)
    return Block(name, (), np.empty((n_rows, 0)), np.zeros(n_rows, dtype=bool), (f"{name} {why}",), usable=False)
