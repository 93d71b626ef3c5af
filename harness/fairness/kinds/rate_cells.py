"""Rates per utterance and a dimension in, their sums per speaker and slice out, held only where there are any.

A speaker is in one slice, or in a few: for 5,000 slices of 5,000 speakers there are 5,000 sums, not 25 million.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.fairness.bootstrap import divide
from harness.fairness.kinds.word_metrics import Rate
from harness.fairness.membership import Membership
from harness.fairness.pairs import Pairs
from harness.fairness.sparse_sums import Floats, Indices, SparseSums, column_of_cells, per_column, picked
from harness.fairness.speaker_sums import Ints

WER = 0  # position of the word error rate among the rates


@dataclass(frozen=True, slots=True)
class Cells:
    """Holds the events and chances of every rate, per speaker and slice of a dimension.

    An utterance without a speaker id belongs to one further, unnamed speaker, who is the last.
    """

    part: Membership
    rates: tuple[Rate, ...]
    n_ids: int  # speakers with an id
    n_speakers: int  # n_ids, or one more
    starts: Indices  # (n_slices + 1,) the cells of slice k are starts[k] to starts[k + 1]
    speakers: Indices  # (n_cells,) rising within a slice
    events: Floats  # (n_rates, n_cells)
    chances: Floats  # (n_rates, n_cells)
    told_events: Floats  # (n_rates, n_speakers) over utterances in any declared slice, once each
    told_chances: Floats  # (n_rates, n_speakers)

    @property
    def codes(self) -> Indices:
        """Return the slice of every cell, (n_cells,)."""
        return column_of_cells(self.starts)


@dataclass(frozen=True, slots=True)
class SpeakerRates:
    """Holds the WER of every speaker with an id and reference words, once in each slice that they are in."""

    wer: Floats  # (n_cells,) may be above 1
    words: Floats  # (n_cells,)
    speakers: Indices  # (n_cells,)
    codes: Indices  # (n_cells,) position of the slice; rising


def sum_rates(rates: Sequence[Rate], part: Membership, speakers: Ints) -> Cells:
    """Sum every rate per speaker and slice.

    Args:
        rates: Of the utterances that `part` was found in.
        part: The slices of a dimension.
        speakers: Number of the speaker of every utterance, -1 without an id, (n_utterances,).
    """
    n_ids = int(speakers.max(initial=-1)) + 1
    n_speakers = n_ids + int((speakers < 0).any())
    numbered = np.where(speakers < 0, n_ids, speakers)
    keys, cells = np.unique(part.codes * max(1, n_speakers) + numbered[part.rows], return_inverse=True)
    codes, here = np.divmod(keys, max(1, n_speakers))
    told = np.zeros(len(speakers))
    told[part.rows[part.declared[part.codes]]] = 1

    def per_cell(counts: Floats) -> Floats:
        return np.bincount(cells, weights=counts[part.rows], minlength=len(keys)).astype(np.float64)

    def per_speaker(counts: Floats) -> Floats:
        return np.bincount(numbered, weights=counts * told, minlength=n_speakers).astype(np.float64)

    return Cells(
        part=part,
        rates=tuple(rates),
        n_ids=n_ids,
        n_speakers=n_speakers,
        starts=np.searchsorted(codes, np.arange(len(part.slices) + 1)).astype(np.intp),
        speakers=here,
        events=np.stack([per_cell(rate.events) for rate in rates]),
        chances=np.stack([per_cell(rate.chances) for rate in rates]),
        told_events=np.stack([per_speaker(rate.events) for rate in rates]),
        told_chances=np.stack([per_speaker(rate.chances) for rate in rates]),
    )


def sparse_rates(cells: Cells, positions: Sequence[int]) -> SparseSums:
    """Return the sums of some rates side by side, as (n_rates * n_slices) columns, rate by rate."""
    sizes = np.diff(cells.starts)
    starts = np.concatenate([[0], np.cumsum(np.tile(sizes, len(positions)))]).astype(np.intp)
    events, chances = (each[positions].ravel() for each in (cells.events, cells.chances))
    sums = np.stack([events, chances, events + chances > 0])
    return SparseSums(cells.n_speakers, starts, np.tile(cells.speakers, len(positions)), sums)


def slice_totals(cells: Cells, position: int) -> tuple[Floats, Floats]:
    """Return the events and chances of one rate, (n_slices,) each."""
    events, chances = per_column(cells.starts, np.stack([cells.events[position], cells.chances[position]]))
    return events, chances


def rate_pairs(cells: Cells, columns: Indices, chosen: int | None, position: int) -> Pairs:
    """Return the sums of slices and of their comparators, of one rate.

    The utterances without a speaker id are one speaker on each side, not one person on both.

    Args:
        cells: Of the dimension.
        columns: The slices.
        chosen: The comparator of all; None: everybody else who declared a value.
        position: Of the rate.
    """
    starts, here = picked(cells.starts, columns)
    speakers = cells.speakers[here]
    own = _with_presence(cells.events[position, here], cells.chances[position, here])
    if chosen is None:
        common = _with_presence(cells.told_events[position], cells.told_chances[position])
        other = _with_presence(*(common[:2, speakers] - own[:2]))
    else:
        common = np.zeros((3, cells.n_speakers))
        those = slice(cells.starts[chosen], cells.starts[chosen + 1])
        common[:, cells.speakers[those]] = _with_presence(cells.events[position, those], cells.chances[position, those])
        other = common[:, speakers]
    pairs = Pairs(starts, speakers, own, other, common)
    return pairs if cells.n_speakers == cells.n_ids else _unnamed_apart(pairs)


def speaker_rates(cells: Cells) -> SpeakerRates:
    """Return each named speaker's word error rate in each slice, the declared ones and the others."""
    events, chances = cells.events[WER], cells.chances[WER]
    kept = (chances > 0) & (cells.speakers < cells.n_ids)
    return SpeakerRates(
        wer=divide(events, chances)[kept],
        words=chances[kept],
        speakers=cells.speakers[kept],
        codes=cells.codes[kept],
    )


def _with_presence(events: Floats, chances: Floats) -> Floats:
    """Return events, chances and presence, (3, n)."""
    return np.stack([events, chances, events + chances > 0])


def _unnamed_apart(pairs: Pairs) -> Pairs:
    """Move the comparator's share of the last speaker to a further one, in every comparison."""
    last = pairs.common.shape[1] - 1
    common = np.insert(pairs.common, last, 0, axis=1)
    cells = np.flatnonzero(pairs.speakers == last)  # each the last of its comparison
    own, other = np.insert(pairs.own, cells + 1, 0, axis=1), np.insert(pairs.other, cells, 0, axis=1)
    n_more = np.concatenate(
        [[0], np.cumsum(np.bincount(column_of_cells(pairs.starts)[cells], minlength=pairs.n_comparisons))]
    )
    return Pairs(pairs.starts + n_more, np.insert(pairs.speakers, cells + 1, last + 1), own, other, common)
