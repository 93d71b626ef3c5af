"""The scores of a run under all its conditions in, the same utterances under each, in one order, out.

Whatever does not match is an error that names it: a condition that lost an utterance would be compared with another
clean corpus than its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness.membership import AND
from harness.fairness.policy import Failures, Policy
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, checked_scores
from harness.fairness.systems.pairing import N_NAMED, Pair
from harness.transcription.store import CLEAN


@dataclass(frozen=True, slots=True)
class Aligned:
    """Holds the checked scores under every condition: each row is the same utterance in all of them."""

    clean: pd.DataFrame
    conditions: Mapping[str, pd.DataFrame]  # without `clean`, as they came

    def pair(self, condition: str, policy: Policy) -> Pair:
        """Return the scores under a condition beside the clean ones, with failures counted as the policy says.

        Failures that are left out are left out of both where either failed.
        """
        clean, noisy = self.clean, self.conditions[condition]
        if policy.failures is Failures.left_out:
            failed = clean["failed"] | noisy["failed"]
            clean, noisy = (checked_scores(each.assign(failed=failed), policy) for each in (clean, noisy))
        return Pair(baseline=clean, candidate=noisy)


def aligned(scores: pd.DataFrame, by: Sequence[str]) -> Aligned:
    """Put the rows of every condition in the order of the clean ones; counts of failed clips are still in them.

    Args:
        scores: One row an utterance and condition, as for `slice_table`, with `condition`.
        by: Dimensions whose attributes must be the same under every condition.

    Raises:
        UsageError: A needed column or attribute is not in the scores.
        DataError: There are no clean scores, an utterance is there twice or not at all under a condition, or it has
            other words, another speaker or other values there.
    """
    attributes = list(dict.fromkeys(part for name in by for part in name.split(AND)))
    unknown = [name for name in ("condition", *attributes) if name not in scores]
    if unknown:
        raise UsageError(f"the scores have no column {unknown[0]!r}; they have {list(scores.columns)}.")
    names = ["utterance_id", "speaker_id", "condition", *WORD_COUNTS, "failed", *attributes]
    kept = scores[[name for name in dict.fromkeys(names) if name in scores]]
    counted = checked_scores(kept, Policy(failures=Failures.deletions))
    rows, conditions = _rows(counted)
    _refuse([problem for name in ("words", "speaker_id", *attributes) for problem in _differing(counted, rows, name)])
    frames = {name: counted.iloc[each].reset_index(drop=True) for name, each in zip(conditions, rows, strict=True)}
    clean = frames.pop(CLEAN)
    return Aligned(clean, frames)


def _rows(scores: pd.DataFrame) -> tuple[Ints, list[str]]:
    """Return the row of every utterance under every condition, (n_conditions, n_utterances), and their names."""
    conditions, names = pd.factorize(scores["condition"].astype(object), use_na_sentinel=False)
    utterances, ids = pd.factorize(scores["utterance_id"].astype(object), use_na_sentinel=False)
    if CLEAN not in names:
        raise DataError(f"no condition is {CLEAN!r}; found {[*names[:N_NAMED]]}. Harm is told against clean scores.")
    shape = len(names), len(ids)
    n_times = np.bincount(conditions * shape[1] + utterances, minlength=shape[0] * shape[1]).reshape(shape)
    for wrong, what in ((n_times > 1, "more than once"), (n_times == 0, "missing")):
        found = [_several(ids[each], f"{what} under {name!r}") for name, each in zip(names, wrong, strict=True)]
        _refuse([problem for problem in found if problem])
    rows = np.empty(shape, dtype=np.int64)
    rows[conditions, utterances] = np.arange(len(scores))
    return rows[:, np.argsort(rows[names.tolist().index(CLEAN)])], [str(name) for name in names]


def _differing(scores: pd.DataFrame, rows: Ints, name: str) -> list[str]:
    """Name the utterances that have other words, another speaker or other values under some condition."""
    codes = _n_words(scores) if name == "words" else _codes(scores[name])
    first = codes[rows[0]]
    differ = np.any([codes[each] != first for each in rows], axis=0)
    what = {"words": "another number of reference words", "speaker_id": "another speaker_id"}
    problem = _several(
        scores["utterance_id"].to_numpy(object)[rows[0, differ]],
        f"with {what.get(name, f'another {name}')} under some condition",
    )
    return [problem] if problem else []


def _n_words(scores: pd.DataFrame) -> Ints:
    return (scores["hits"] + scores["substitutions"] + scores["deletions"]).to_numpy(np.int64)


def _codes(column: pd.Series) -> Ints:
    """Number what is told; cells that cannot be looked up (lists) by how they are written."""
    try:
        codes, _ = pd.factorize(column, use_na_sentinel=False)
    except TypeError:
        codes, _ = pd.factorize(column.map(repr), use_na_sentinel=False)
    return codes.astype(np.int64)


def _several(ids: npt.NDArray[np.object_], what: str) -> str:
    """Name the first few of the utterances that have a problem; nothing where none has."""
    if not len(ids):
        return ""
    first = ", ".join(repr(each) for each in ids[:N_NAMED])
    more = f" and {len(ids) - N_NAMED} more" if len(ids) > N_NAMED else ""
    return f"{len(ids)} utterance{'' if len(ids) == 1 else 's'} {what}: {first}{more}"


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise DataError(
            "\n".join(
                [
                    "The conditions cannot be compared utterance by utterance.",
                    *problems,
                    "Score all of them with one manifest, one normalizer= and one datasheet; a clip that could not be "
                    "transcribed is a row with failed=True.",
                ]
            )
        )
