"""Cells in, those that may be published out: small ones hidden, and others with them so that none can be worked out.

The threshold rule with complementary suppression, as statistical offices use it (Hundepool et al. 2012, chapters 4 and
5): a cell of fewer than `min_speakers` people is hidden, and so is one of which a single speaker is nearly all. Then
the tables are attacked with everything they say together, over dimensions, intersections and comparators, and whatever
gives a small cell away is hidden too, the least worth first, until nothing does.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import UsageError
from harness.fairness.membership import AND
from harness.results.sharing.attack import known_exactly, range_of
from harness.results.sharing.cells import EVERYBODY_AT, REST, SLICE, Bools, Cells, Ints, Key

log = logging.getLogger(__name__)

LEAST_SPEAKERS = 5  # no floor is lower; many offices ask for 10
DOMINANT_SHARE = 0.75  # of a cell's words from one speaker: the cell is that speaker
MOST_WORK = 40_000_000  # small cells times atoms times cells that are attacked; beyond, intersections are not published
_PRIME = 2_147_483_647  # 2^31 - 1: exact arithmetic, whose products still fit in 64 bits


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Says which cells may be published.

    Attributes:
        published: Their names.
        hidden: The names of all others, small ones and those hidden with them.
        min_speakers: The floor.
        kinds: Rarer counts that may be published for these cells, of those in `Cells.kinds`.
        notes: What was left out beside cells, in words.
    """

    published: frozenset[Key]
    hidden: tuple[Key, ...]
    min_speakers: int
    kinds: frozenset[str]
    notes: tuple[str, ...]


def suppressed(cells: Cells, *, min_speakers: int) -> Suppressed:
    """Choose what to publish.

    Raises:
        UsageError: There are fewer speakers in all than the floor, or one of them is nearly everything.
    """
    small = small_cells(cells, min_speakers)
    if small[0]:
        raise UsageError(
            f"nothing can be shared: {int(cells.n_speakers[0])} speakers in all, or one with more than "
            f"{DOMINANT_SHARE:.0%} of the words; expected at least {min_speakers}."
        )
    candidates = np.ones(len(cells.keys), dtype=bool)
    notes: list[str] = []
    if int(small.sum()) * cells.utterances.size > MOST_WORK:
        candidates = np.array([AND not in key.dimension for key in cells.keys])
        notes.append("intersections are left out: there are too many cells to be sure that none can be worked out")
    published = _published(cells, small, candidates)
    published = _widened(cells, small, published, min_speakers)
    kinds = frozenset(kind for kind in cells.kinds if not _gives_away(cells, kind, small, published))
    notes += [f"{kind} are left out: their counts would give a small slice away" for kind in cells.kinds.keys() - kinds]
    names = frozenset(key for key, is_published in zip(cells.keys, published, strict=True) if is_published)
    hidden = tuple(key for key in cells.keys if key not in names)
    n_slices, n_shown = (sum(key.side == SLICE for key in keys) for keys in (cells.keys, names))
    log.info("%d of %d slices are shown; with the rest of each, %d sums are guarded", n_shown, n_slices, small.sum())
    return Suppressed(names, hidden, min_speakers, kinds, tuple(sorted(notes)))


def small_cells(cells: Cells, min_speakers: int) -> Bools:
    """Return the cells that must not be known: of too few speakers, or nearly all of one, (n_cells,)."""
    small: Bools = (cells.n_speakers < min_speakers) | (cells.largest_share > DOMINANT_SHARE)
    return small


def beside_few(
    keys: Sequence[Key], incidence: Bools, *, few: Collection[Key], kept: Collection[Key], asked: Sequence[Key]
) -> frozenset[Key]:
    """Return which cells are not to be shown lest a cell of few is a sum and difference of those that are.

    Args:
        keys: Names of the cells.
        incidence: (n_cells, n_atoms) which atoms are in which cell.
        few: Cells that are not shown; those that `kept` gives away nothing else can hide.
        kept: Cells that are shown in any case.
        asked: Cells that are shown where they may be, those most worth showing first.
    """
    places = {key: place for place, key in enumerate(keys)}
    hidden_ones = set(few)
    span = _Span(incidence, np.array([key in hidden_ones for key in keys]))
    for key in kept:
        if key in places:
            span.add(places[key])
    span.forget_known()
    hidden: set[Key] = set()
    for key in asked:
        if key not in places or (key.side == REST and replace(key, side=SLICE) in hidden):
            hidden.add(key)  # a rest is told only in the row of its slice
        elif span.gives_away(places[key]):
            hidden.add(key)
        else:
            span.add(places[key])
    return frozenset(hidden)


def _published(cells: Cells, small: Bools, candidates: Bools) -> Bools:
    """Publish cell after cell unless a small one would then be a sum and difference of published ones."""
    spans = [_Span(cells.utterances, small), _Span(cells.speakers, small)]
    published = np.zeros(len(cells.keys), dtype=bool)
    beside = _beside(cells)
    for cell in np.flatnonzero(~small & candidates):
        if cell in beside and not published[beside[int(cell)]]:
            continue  # a rest is told only in the row of its slice
        published[cell] = not any(span.gives_away(int(cell)) for span in spans)
        if published[cell]:
            for span in spans:
                span.add(int(cell))
    return published


class _Span:
    """Knows what follows linearly from the published cells, in exact arithmetic."""

    def __init__(self, incidence: Bools, small: Bools) -> None:
        self._incidence = incidence.astype(np.int64)
        self._basis = np.zeros((0, incidence.shape[1]), dtype=np.int64)
        self._pivots: list[int] = []
        self._left = self._incidence[small]  # of each small cell, what the published ones do not explain

    def gives_away(self, cell: int) -> bool:
        """Say whether a small cell would be known with this one published."""
        new = self._reduced(cell)
        pivot = _first(new)
        return pivot is not None and bool((~_without(self._left, new, pivot).any(axis=1)).any())

    def add(self, cell: int) -> None:
        """Publish a cell."""
        new = self._reduced(cell)
        pivot = _first(new)
        if pivot is not None:
            self._left = _without(self._left, new, pivot)
            self._basis = np.vstack([_without(self._basis, new, pivot), new])
            self._pivots.append(pivot)

    def forget_known(self) -> None:
        """Protect no longer what is known already."""
        self._left = self._left[self._left.any(axis=1)]

    def _reduced(self, cell: int) -> Ints:
        """Return what the published cells do not explain of a cell, its first entry 1."""
        row = self._incidence[cell]
        explained = (
            row[self._pivots, None] * self._basis % _PRIME
        )  # (n_basis, n_atoms); no basis row has another's pivot
        row = (row - explained.sum(axis=0)) % _PRIME
        pivot = _first(row)
        reduced: Ints = row if pivot is None else row * pow(int(row[pivot]), -1, _PRIME) % _PRIME
        return reduced


def _first(row: Ints) -> int | None:
    found = np.flatnonzero(row)
    return int(found[0]) if len(found) else None


def _without(rows: Ints, new: Ints, pivot: int) -> Ints:
    """Return rows with what `new` explains of them taken away."""
    explained: Ints = (rows - rows[:, [pivot]] * new[None, :]) % _PRIME
    return explained


def _widened(cells: Cells, small: Bools, published: Bools, min_speakers: int) -> Bools:
    """Hide what bounds a small cell too closely, the least worth of what tells, until nothing does."""
    published, beside = published.copy(), _beside(cells)
    weak = [int(cell) for cell in np.flatnonzero(small)]
    while weak := list(told_by := _weaknesses(cells, weak, published, min_speakers)):
        others = np.flatnonzero(published)[1:]
        if not len(others):
            break  # everybody alone bounds a cell by everybody
        victims = [max(tellers) if tellers else others[-1] for tellers in told_by.values()]  # in the order of worth
        published[victims] = False  # fewer cells tell less: what was safe before is safe still
        for rest, own in beside.items():
            published[rest] &= published[own]
    return published


def _gives_away(cells: Cells, kind: str, small: Bools, published: Bools) -> bool:
    """Say whether a rarer count of a small cell follows exactly, other than that there are none."""
    targets, shown = np.flatnonzero(small).tolist(), np.flatnonzero(published)
    for measure in cells.kinds[kind]:
        values, incidence = cells.values(measure), cells.incidence(measure)
        told = known_exactly(incidence, values[shown], targets, shown, values=measure.values)
        if any(values[cell] > 0 for cell in told):
            return True
    return False


def _beside(cells: Cells) -> dict[int, int]:
    """Return the position of the slice that each rest is beside, by the rest's."""
    places = {key: place for place, key in enumerate(cells.keys)}
    return {place: places[replace(key, side=SLICE)] for key, place in places.items() if key.side == REST}


def _weaknesses(cells: Cells, targets: list[int], published: Bools, min_speakers: int) -> dict[int, tuple[int, ...]]:
    """Return the small cells that are known too well, each with the published cells that tell, without everybody."""
    shown = np.flatnonzero(published)
    found: dict[int, set[int]] = {}
    for measure in cells.errors:
        values, incidence = cells.values(measure), cells.incidence(measure)
        for cell, told in known_exactly(incidence, values[shown], targets, shown, values=measure.values).items():
            if values[cell] > 0:  # that there are none where none are at all is no secret
                found.setdefault(cell, set()).update(told.told_by)
    for measure in cells.support:
        values = cells.values(measure)
        for cell in targets:
            if cell in found:
                continue
            bounds = range_of(cells, measure, cell, shown)
            is_wide = bounds.high - bounds.low >= values[cell]
            if not is_wide or (measure.of_speakers and bounds.high < min_speakers):
                found.setdefault(cell, set()).update(bounds.told_by)
    return {cell: tuple(tellers - {EVERYBODY_AT}) for cell, tellers in found.items()}
