"""Scores of two systems in, the same utterances of both out, and per-speaker sums; what does not match is named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness.comparisons import floors
from harness.fairness.membership import AND, Membership
from harness.fairness.pairs import Pairs
from harness.fairness.policy import Failures, Policy
from harness.fairness.sparse_sums import Bools, Floats, starts_of
from harness.fairness.speaker_sums import Ints, checked_scores
from harness.transcription.store import CLEAN

N_NAMED = 3  # utterances that a message names
_KEYS = ["utterance_id", "condition"]


@dataclass(frozen=True, slots=True)
class PairedSums:
    """Holds two systems' per-speaker sums over the declared slices of a dimension, and what supports a verdict."""

    dimension: str
    slices: tuple[str, ...]
    pairs: Pairs  # the candidate's sums as `own`, the baseline's as `other`: of the same people and words
    n_named: int  # speakers with an id; the unnamed one comes after them
    support: Floats  # (n_slices, 3) named speakers, scored utterances, reference words
    n_failed: Floats  # (n_slices, 3) utterances that the baseline failed on, the candidate, and all utterances

    def enough(self, policy: Policy) -> Bools:
        """Say which slices reach the policy's floors, (n_slices,)."""
        reached: Bools = np.all(self.support >= floors(policy), axis=1)
        return reached


@dataclass(frozen=True, slots=True)
class Pair:
    """Holds the checked scores of two systems: each row is the same utterance under the same condition in both."""

    baseline: pd.DataFrame
    candidate: pd.DataFrame


def paired_scores(baseline: pd.DataFrame, candidate: pd.DataFrame, by: Sequence[str], policy: Policy) -> Pair:
    """Match two systems' scores utterance by utterance, and count failures as the policy says.

    Failures that are left out are left out of both systems where either failed.

    Args:
        baseline: Scores as for `slice_table`; without `condition` all of it is clean.
        candidate: The same of the other system, in any order.
        by: Dimensions whose attributes must be the same in both.
        policy: Says what failures count as.

    Raises:
        UsageError: A needed column or attribute is not in both scores.
        DataError: Utterances that are in one only or there twice, or that have other references, speakers or values.
    """
    attributes = list(dict.fromkeys(part for name in by for part in name.split(AND)))
    first, second = (
        _checked(baseline, "baseline", attributes, policy),
        _checked(candidate, "candidate", attributes, policy),
    )
    second = _in_order_of(first, second)
    keys = pd.MultiIndex.from_frame(first[_KEYS])
    _refuse(
        _several(keys[_differ_in_words(first, second)], "with another reference"),
        "Score both with one manifest, one normalizer= and one reference_pattern=.",
    )
    _refuse(
        [
            problem
            for name in ("speaker_id", *attributes)
            for problem in _several(keys[_told(first[name]) != _told(second[name])], f"with another {name}")
        ],
        "Score both with one manifest and one datasheet.",
    )
    if policy.failures is Failures.left_out:
        failed = first["failed"] | second["failed"]
        first, second = first.assign(failed=failed), second.assign(failed=failed)
    return Pair(checked_scores(first, policy), checked_scores(second, policy))


def paired_sums(pair: Pair, part: Membership, speakers: Ints, policy: Policy) -> PairedSums:
    """Sum both systems' errors per speaker and declared slice; the unnamed speaker, when there is one, comes last.

    Args:
        pair: As made by `paired_scores`.
        part: Slices of its utterances.
        speakers: As numbered by `speaker_codes`.
        policy: Says what failures count as.
    """
    n_named = int(speakers.max(initial=-1)) + 1
    n_speakers = n_named + int((speakers < 0).any())
    declared = np.flatnonzero(part.declared)
    told = part.declared[part.codes]
    rows, columns = part.rows[told], np.searchsorted(declared, part.codes[told])
    people = np.where(speakers < 0, n_named, speakers)[rows]
    cells, positions = np.unique(columns * n_speakers + people, return_inverse=True)
    counts = (_n_errors(pair.candidate), _n_errors(pair.baseline), _n_words(pair.baseline))
    sums = np.stack([np.bincount(positions, weights=each[rows], minlength=len(cells)) for each in counts])
    heard = sums.sum(axis=0) > 0  # who only kept silent is no evidence
    columns_heard, people_heard = np.divmod(cells[heard], max(1, n_speakers))
    candidate, baseline, words = sums[:, heard]
    failed = [scores["failed"].to_numpy(np.int64) for scores in (pair.baseline, pair.candidate)]
    scored = 1 - failed[0] if policy.failures is Failures.left_out else np.ones_like(failed[0])

    def per_slice(weights: Floats | Ints, codes: Ints) -> Floats:
        return np.bincount(codes, weights=weights, minlength=len(declared)).astype(np.float64)

    named = (people_heard < n_named).astype(np.float64)
    return PairedSums(
        dimension=part.dimension,
        slices=tuple(part.slices[code] for code in declared),
        pairs=Pairs(
            starts_of(columns_heard, len(declared)),
            people_heard,
            np.stack([candidate, words, np.ones_like(words)]),
            np.stack([baseline, words, np.ones_like(words)]),
            np.zeros((3, n_speakers)),
        ),
        n_named=n_named,
        support=np.stack(
            [
                per_slice(named, columns_heard),
                per_slice(scored[rows], columns),
                per_slice(words, columns_heard),
            ],
            axis=1,
        ),
        n_failed=np.stack([per_slice(each[rows], columns) for each in (*failed, np.ones_like(failed[0]))], axis=1),
    )


def _checked(scores: pd.DataFrame, name: str, attributes: Sequence[str], policy: Policy) -> pd.DataFrame:
    """Return the scores with the counts of failed utterances still in them."""
    counted = checked_scores(scores, replace(policy, failures=Failures.deletions))
    counted = counted if "condition" in counted else counted.assign(condition=CLEAN)
    unknown = [attribute for attribute in attributes if attribute not in counted]
    if unknown:
        raise UsageError(f"the {name} has no attribute {unknown[0]!r} to slice by; its scores have {list(counted)}.")
    return counted


def _in_order_of(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the second scores in the order of the first.

    Raises:
        DataError: An utterance is in one of them only, or twice in one.
    """
    keys, others = (pd.MultiIndex.from_frame(scores[_KEYS]) for scores in (first, second))
    _refuse(
        [
            *_several(keys[keys.duplicated()], "more than once in the baseline"),
            *_several(others[others.duplicated()], "more than once in the candidate"),
            *_several(keys[~keys.isin(others)], "only in the baseline"),
            *_several(others[~others.isin(keys)], "only in the candidate"),
        ],
        "Score both on one manifest, under the same conditions.",
    )
    return second.iloc[others.get_indexer(keys)].reset_index(drop=True)


def _refuse(problems: Sequence[str], remedy: str) -> None:
    if problems:
        raise DataError("\n".join(["The two systems cannot be compared utterance by utterance.", *problems, remedy]))


def _several(keys: pd.MultiIndex, what: str) -> list[str]:
    """Name the first few of the utterances that have a problem; nothing where none has."""
    if keys.empty:
        return []
    first = ", ".join(f"{utterance!r} ({condition})" for utterance, condition in keys[:N_NAMED])
    more = f" and {len(keys) - N_NAMED} more" if len(keys) > N_NAMED else ""
    return [f"{len(keys)} utterance{'' if len(keys) == 1 else 's'} {what}: {first}{more}"]


def _differ_in_words(first: pd.DataFrame, second: pd.DataFrame) -> Bools:
    """Say where the references differ: in their number of words and, where both scores have the texts, in those."""
    differ: Bools = _n_words(first) != _n_words(second)
    if "reference" in first and "reference" in second:
        differ |= first["reference"].to_numpy(object) != second["reference"].to_numpy(object)
    return differ


def _n_errors(scores: pd.DataFrame) -> Ints:
    return (scores["substitutions"] + scores["deletions"] + scores["insertions"]).to_numpy(np.int64)


def _n_words(scores: pd.DataFrame) -> Ints:
    return (scores["hits"] + scores["substitutions"] + scores["deletions"]).to_numpy(np.int64)


def _told(column: pd.Series) -> npt.NDArray[np.object_]:
    """Return what was told, in a form that can be compared: sets of texts, empty where nothing was."""
    told = np.empty(len(column), dtype=object)
    told[:] = [frozenset(map(str, _parts(cell))) for cell in column.tolist()]
    return told


def _parts(cell: object) -> tuple[object, ...]:
    parts = tuple(cell) if isinstance(cell, tuple | list | set | frozenset | np.ndarray) else (cell,)
    return tuple(part for part in parts if not pd.isna(part) and part != "")
