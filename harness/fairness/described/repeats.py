"""A coded manifest in, what is in it more than once out: a part of a recording, a recording, a text of one person."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.described.coded import NOTHING, Coded
from harness.fairness.speaker_sums import Ints

DUPLICATE_COLUMNS = ("kind", "group", "n_in_group", "differs_in", "utterance_id", "speaker_id", "text")
KIND_COLUMNS = ("kind", "n_groups", "n_utterances", "n_repeats", "n_groups_differing")
SEGMENT, AUDIO, TEXT = "segment", "audio", "text"
KINDS = (SEGMENT, AUDIO, TEXT)


def duplicates(frame: pd.DataFrame, them: Coded) -> pd.DataFrame:
    """List what is in a manifest more than once.

    Args:
        frame: As `Manifest.frame`.
        them: The same, coded.

    Returns:
        One row an utterance of a group with DUPLICATE_COLUMNS. A group of the kind `segment` is the same part of the
        same file, of `audio` the same part of files with the same bytes and different names (where these were looked
        at; of each file the first such utterance, for the others are in `segment`), of `text` the same words, but for
        case and punctuation, by the same speaker. `differs_in` says what is not the same although it should be:
        speaker, text, or both.
    """
    texts = them.numbered_texts()
    tables = [_table(frame, them, texts, *found) for found in _groups(them, texts)]
    return pd.concat(tables, ignore_index=True)


def duplicates_by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Count groups and utterances, and of these the repeats, of every kind; KIND_COLUMNS."""
    rows = []
    for kind in KINDS:
        part = table[table["kind"] == kind]
        n_groups = part["group"].nunique()
        differing = part.loc[part["differs_in"] != "", "group"].nunique()
        rows.append((kind, n_groups, len(part), len(part) - n_groups, differing))
    return pd.DataFrame(rows, columns=list(KIND_COLUMNS))


def _groups(them: Coded, texts: Ints) -> Iterator[tuple[str, Ints, Ints]]:
    """Yield of every kind the utterances that are in a group, and the group of each."""
    segments = them.segments(them.paths)
    yield (SEGMENT, *_repeated(segments, segments != NOTHING))
    if them.contents is not None:
        parts = them.segments(them.contents)
        first = ~pd.Series(segments).duplicated().to_numpy(bool)  # the others are repeats of the same file already
        yield (AUDIO, *_repeated(parts, first & (parts != NOTHING)))
    people = max(1, len(them.speaker_ids))
    yield (TEXT, *_repeated(texts * people + them.speakers, (texts >= 0) & (them.speakers >= 0)))


def _repeated(keys: "npt.NDArray[np.generic]", counted: "npt.NDArray[np.bool_]") -> tuple[Ints, Ints]:
    """Return the rows, of those counted, whose key another one has, too, and a number for each of these keys."""
    rows = np.flatnonzero(counted)
    numbers, distinct = pd.factorize(keys[rows])
    repeated = np.bincount(numbers, minlength=len(distinct))[numbers] > 1
    return rows[repeated], pd.factorize(numbers[repeated])[0].astype(np.int64)


def _varies(values: Ints, groups: Ints) -> "npt.NDArray[np.bool_]":
    """Say of every row whether its group has different values."""
    n_groups = int(groups.max(initial=-1)) + 1
    least, most = np.full(n_groups, np.iinfo(np.int64).max), np.full(n_groups, -1)
    np.minimum.at(least, groups, values)
    np.maximum.at(most, groups, values)
    varying: npt.NDArray[np.bool_] = (least != most)[groups]
    return varying


def _table(frame: pd.DataFrame, them: Coded, texts: Ints, kind: str, rows: Ints, groups: Ints) -> pd.DataFrame:
    order = np.argsort(groups, kind="stable")
    rows, groups = rows[order], groups[order]
    by_speaker, by_text = (_varies(values[rows], groups) for values in (them.speakers, texts))
    differs_in = np.select(
        [by_speaker & by_text, by_speaker, by_text], ["speaker and text", "speaker", "text"], default=""
    )
    said = frame[["utterance_id", "speaker_id", "text"]].iloc[rows].reset_index(drop=True)
    n_in_group = np.bincount(groups)[groups] if len(groups) else groups
    return said.assign(kind=kind, group=groups + 1, n_in_group=n_in_group, differs_in=differs_in)[
        list(DUPLICATE_COLUMNS)
    ]
