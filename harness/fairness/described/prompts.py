"""Dimensions in, how far their slices say the same texts out: what is said differently is not compared by a word.

Slices whose people read texts of their own differ in people and in texts at once, and no count tells which of the two
an error rate is of. Beside the share of utterances whose text is also said in another slice stands what it would be had
the texts been dealt out without regard to who reads: with N utterances, n of them in the slice, a text said m times is
said outside it, too, with chance 1 - ((n - 1) / (N - 1))^(m - 1), nearly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from harness.fairness.bootstrap import divide
from harness.fairness.described.coded import Coded, Floats
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import Ints

OVERLAP_COLUMNS = (
    "dimension", "slice", "n_utterances", "n_utterances_shared", "share", "share_expected", "n_texts", "n_texts_shared",
    "n_texts_several_read_only_here",
)  # fmt: skip
PAIR_COLUMNS = ("dimension", "slice", "other", "n_utterances", "n_utterances_shared", "share", "n_texts_shared")
MOST_PAIRED = 60  # slices of a dimension that are compared with one another; those of most utterances


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Holds what slices say alike.

    Attributes:
        table: One row a declared slice with OVERLAP_COLUMNS: `share` of its utterances, of those with a text, is also
            said in another declared slice; `share_expected` would be, had texts been dealt out at random.
            `n_texts_several_read_only_here` are said by two people or more, all of this slice.
        pairs: One row for each two slices with PAIR_COLUMNS, of the MOST_PAIRED largest: `share` of the utterances of
            the slice is also said in the other.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Said:
    """Holds utterances of declared slices that have a text, once for each slice they are in."""

    slices: tuple[str, ...]
    codes: Ints  # (n,) position in `slices`
    texts: Ints  # (n,) from 0
    speakers: Ints  # (n,) -1 without an id


def overlaps(
    frame: pd.DataFrame, them: Coded, by: Sequence[str], *, orders: Mapping[str, Sequence[str]] | None = None
) -> Overlaps:
    """Compare the texts of the slices of every dimension that has at least two declared ones.

    Args:
        frame: As `Manifest.frame`.
        them: The same, coded.
        by: Dimensions.
        orders: Order of the values of an attribute.
    """
    texts = them.numbered_texts()
    tables = [pd.DataFrame(columns=list(OVERLAP_COLUMNS))]
    pairs = [pd.DataFrame(columns=list(PAIR_COLUMNS))]
    for name in by:
        said = _said(frame, them, texts, name, orders)
        if len(said.slices) > 1 and len(said.codes):
            counts = _counts(said)
            tables.append(_rows(said, counts).assign(dimension=name))
            pairs.append(_pairs(said, counts).assign(dimension=name))
    return Overlaps(_joined(tables, OVERLAP_COLUMNS), _joined(pairs, PAIR_COLUMNS))


def _said(
    frame: pd.DataFrame, them: Coded, texts: Ints, name: str, orders: Mapping[str, Sequence[str]] | None
) -> _Said:
    part = membership(frame, name, orders=orders)
    declared = np.flatnonzero(part.declared)
    place = np.full(len(part.slices), -1, dtype=np.int64)
    place[declared] = np.arange(len(declared))
    codes = place[part.codes]
    kept = (codes >= 0) & (texts[part.rows] >= 0)
    rows = part.rows[kept]
    return _Said(tuple(part.slices[code] for code in declared), codes[kept], texts[rows], them.speakers[rows])


def _counts(said: _Said) -> sparse.csr_matrix:
    """Count the utterances of every text in every slice, (n_texts, n_slices)."""
    shape = (int(said.texts.max()) + 1, len(said.slices))
    return sparse.coo_matrix((np.ones(len(said.codes)), (said.texts, said.codes)), shape=shape).tocsr()


def _rows(said: _Said, counts: sparse.csr_matrix) -> pd.DataFrame:
    n_slices_of_text = np.diff(counts.indptr)
    cells = counts.tocoo()
    in_others = n_slices_of_text[cells.row] > 1
    n_slices, n_utterances = len(said.slices), np.bincount(said.codes, minlength=len(said.slices))
    n_shared = np.bincount(cells.col, weights=cells.data * in_others, minlength=n_slices)
    several = _n_readers(said)[cells.row] > 1
    said_times = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()  # (n_texts,)
    return pd.DataFrame(
        {
            "dimension": "",
            "slice": said.slices,
            "n_utterances": n_utterances,
            "n_utterances_shared": n_shared.astype(np.int64),
            "share": divide(n_shared, n_utterances),
            "share_expected": _expected(n_utterances.astype(np.int64), said_times),
            "n_texts": np.bincount(cells.col, minlength=n_slices),
            "n_texts_shared": np.bincount(cells.col[in_others], minlength=n_slices),
            "n_texts_several_read_only_here": np.bincount(cells.col[~in_others & several], minlength=n_slices),
        }
    )[list(OVERLAP_COLUMNS)]


def _expected(n_utterances: Ints, n_of_text: Floats) -> Floats:
    """Return the share that would also be said elsewhere had texts been dealt out at random, (n_slices,)."""
    total = int(n_utterances.sum())
    times, n_texts = np.unique(n_of_text[n_of_text > 0], return_counts=True)
    utterances = times * n_texts  # that say a text which is said so many times
    all_here = np.clip((n_utterances - 1) / max(1, total - 1), 0, 1)
    elsewhere = 1 - all_here[:, None] ** (times - 1)[None, :]  # (n_slices, n_times)
    return np.where(n_utterances > 0, elsewhere @ utterances / max(1, total), np.nan)


def _n_readers(said: _Said) -> Ints:
    """Count the people with an id who say each text, (n_texts,)."""
    named = said.speakers >= 0
    n_people = int(said.speakers.max(initial=-1)) + 1
    pairs = np.unique(said.texts[named] * max(1, n_people) + said.speakers[named])
    return np.bincount(pairs // max(1, n_people), minlength=int(said.texts.max()) + 1)


def _pairs(said: _Said, counts: sparse.csr_matrix) -> pd.DataFrame:
    n_utterances = np.bincount(said.codes, minlength=len(said.slices))
    largest = np.sort(np.argsort(-n_utterances, kind="stable")[:MOST_PAIRED])
    counts = counts[:, largest]
    there = (counts > 0).astype(np.float64)
    shared, texts = (np.asarray((each.T @ there).todense()) for each in (counts, there))
    one, other = np.nonzero(~np.eye(len(largest), dtype=bool))
    names = np.array(said.slices, dtype=object)[largest]
    return pd.DataFrame(
        {
            "dimension": "",
            "slice": names[one],
            "other": names[other],
            "n_utterances": n_utterances[largest][one],
            "n_utterances_shared": shared[one, other].astype(np.int64),
            "share": divide(shared[one, other], n_utterances[largest][one]),
            "n_texts_shared": texts[one, other].astype(np.int64),
        }
    )[list(PAIR_COLUMNS)]


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    found = [table for table in tables if len(table)] or list(tables)
    return pd.concat(found, ignore_index=True)[list(columns)]
