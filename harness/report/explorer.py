"""A run in, what its utterance explorer shows out: as many utterances as a page can carry, the worst first, as columns.

A small run is shown whole. Of a large one the page says which utterances it shows and how many there are; all of them
are in scores.parquet. `templates/explorer.js` reads what is made here, `templates/explorer.html.j2` is its place.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from harness.report.aligned import LONGEST_TEXT, AlignedTexts, aligned_texts
from harness.report.explorer_few import without_few
from harness.report.explorer_filters import FAILED, SIGNS, Filter, Filters, combinations, filters
from harness.report.explorer_rows import Ints, Ranking, ranking
from harness.report.pages import embedded, visible
from harness.report.recordings import NOT_FOUND, Recording, Recordings, recordings
from harness.report.shown import ShownRun
from harness.results import Run

TRANSCRIPTS, SPEAKERS = "transcripts", "speakers"  # what can be left out
SMALL_RUN = 20_000  # utterances; up to here the report is to stay below 3 MB, above it may have 5
BUDGETS = (1_180_000, 2_150_000)  # bytes of JSON, of a small and of a large run
LONGEST_NAME = 160  # characters of an id or a value

_MOST_TOTALS = 30_000  # numbers in the table of exact totals, some 4 bytes each
_MOST_ALIGNED = 2e10  # reference words × hypothesis words, some 5 s of aligning
_ROW_BYTES = 30  # of the numbers of an utterance, at least
_SPEAKER_BYTES = 3  # of the number of its speaker
_TIME_BYTES = 16  # of its place in a recording
_SPEAKER = "speaker_id"
_COUNTS = ("hits", "substitutions", "deletions", "insertions")


class Redacting(Protocol):
    """Says what a report leaves out: TRANSCRIPTS, SPEAKERS or both, as the options of a report do."""

    @property
    def redact(self) -> Collection[str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Shown:
    """Holds what is written of some utterances.

    Attributes:
        rows: Positions in the scores.
        ids: None where left out.
        speakers: None where not known or left out.
        texts: None where transcripts are left out.
        recordings: None where there is none.
    """

    rows: Ints
    ids: list[str | None]
    speakers: list[str | None]
    texts: list[AlignedTexts] | None
    recordings: list[Recording | None]

    def at(self, places: Ints) -> "_Shown":
        """Return some of them, in the order given."""
        chosen = places.tolist()
        return _Shown(
            self.rows[places],
            [self.ids[i] for i in chosen],
            [self.speakers[i] for i in chosen],
            None if self.texts is None else [self.texts[i] for i in chosen],
            [self.recordings[i] for i in chosen],
        )


def explorer_data(run: Run, options: Redacting, printed: ShownRun | None = None) -> dict[str, object]:
    """Return what the explorer of a run shows, for `page(data={"utterances": …}, scripts=["explorer.js"])`.

    What is left out is nowhere in it. Where anything is, so are ids of utterances and paths of recordings, which may
    name who speaks or say what is said; an utterance is then called by its row in scores.parquet. Without speakers, no
    utterance has attributes that make its speaker one of few, or would with what is `printed` of the run beside.
    """
    redacted = frozenset(options.redact)
    scores = without_few(run.scores, run.facts, printed) if SPEAKERS in redacted else run.scores
    found = filters(scores, run.facts, without=_SPEAKER if SPEAKERS in redacted else None)
    ranked = ranking(scores, found.parts)
    fixed = _fixed(found, len(scores), redacted) | _totals(found)
    room = BUDGETS[len(scores) > SMALL_RUN] - len(embedded(fixed).encode())
    rows = _within_reach(scores, ranked, room, has_texts=TRANSCRIPTS not in redacted)
    heard = _recordings(run, scores.iloc[rows], redacted)
    candidates = _candidates(scores, rows, heard, redacted)
    n_shown = int(np.searchsorted(np.cumsum(_bytes(scores, found, candidates)), room, side="right"))
    shown, sample = candidates.at(np.argsort(rows[:n_shown])), ranked.first(n_shown)
    return (
        fixed
        | ({"sample": asdict(sample)} if sample else {"sample": None, "totals": None})
        | _columns(scores, found, shown)
        | _texts(shown.texts)
        | _played(shown.recordings, heard.note)
    )


def _fixed(found: Filters, n_rows: int, redacted: Collection[str]) -> dict[str, object]:
    """Return what does not grow with what is shown."""
    return {
        "n_rows": n_rows,
        "redacted": sorted(redacted),
        "left_out": [[_name(name), n_values] for name, n_values in found.left_out],
        "kinds": [[name, int(is_of.sum()), name in SIGNS] for name, is_of in found.kinds.items()],
        "failed_bit": list(found.kinds).index(FAILED),
        "filters": [
            {
                "name": _name(each.name),
                "values": [_name(value) for value in each.values],
                "totals": each.totals.tolist(),
                "cells": None if _is_single(each) else each.cells,
            }
            for each in (found.condition, *found.attributes)
        ],
    }


def _totals(found: Filters) -> dict[str, object]:
    """Return how many utterances of the run have each combination of cells and kinds; None where they are too many."""
    columns = [_kinds(found), *(each.of for each in (found.condition, *found.attributes))]
    firsts, totals = combinations(columns)
    if len(firsts) * (len(columns) + 1) > _MOST_TOTALS:
        return {"totals": None}
    return {"totals": [totals.tolist(), *(column[firsts].tolist() for column in columns)]}


def _within_reach(scores: pd.DataFrame, ranked: Ranking, room: int, *, has_texts: bool) -> Ints:
    """Return the positions that may fit, by a low guess of what each needs, most worth reading first."""
    ordered = scores[[*_COUNTS, *(f"character_{name}" for name in _COUNTS)]].iloc[ranked.order]
    counts = ordered.to_numpy(np.float64).T
    said, heard, errors = counts[:3].sum(axis=0), counts[[0, 1, 3]].sum(axis=0), counts[1:4].sum(axis=0)
    n_said, n_heard = counts[4:7].sum(axis=0), counts[[4, 5, 7]].sum(axis=0)  # characters
    texts = n_said + n_heard * (counts[1] + counts[3]) / np.maximum(heard, 1) + errors
    least = np.cumsum(_ROW_BYTES + np.minimum(texts, LONGEST_TEXT if has_texts else 0))
    n_fit = np.searchsorted(least, room, side="right")
    n_aligned = np.searchsorted(np.cumsum((said + 1) * (heard + 1)), _MOST_ALIGNED)
    return ranked.order[: max(1, min(n_fit, n_aligned))]


def _recordings(run: Run, rows: pd.DataFrame, redacted: Collection[str]) -> Recordings:
    if redacted:
        return Recordings({}, "")
    return recordings(run, rows["utterance_id"].tolist())


def _candidates(scores: pd.DataFrame, rows: Ints, heard: Recordings, redacted: Collection[str]) -> _Shown:
    chosen = scores.iloc[rows]
    ids = chosen["utterance_id"].tolist()
    is_told = [SPEAKERS not in redacted and isinstance(each, str) for each in chosen[_SPEAKER]]
    has_texts = TRANSCRIPTS not in redacted
    return _Shown(
        rows,
        [None if redacted else _name(each) for each in ids],
        [_name(each) if is_one else None for each, is_one in zip(chosen[_SPEAKER], is_told, strict=True)],
        aligned_texts(chosen["reference"].tolist(), chosen["hypothesis"].tolist()) if has_texts else None,
        [heard.found.get(each) for each in ids],
    )


def _bytes(scores: pd.DataFrame, found: Filters, shown: _Shown) -> Ints:
    """Return what each utterance adds to the page: its texts, its numbers, and names that it is the first to have."""
    addresses = [None if each is None else each.address for each in shown.recordings]
    columns = [_without(_common_beginning(shown.ids), shown.ids), _firsts(shown.speakers), _firsts(addresses)]
    if shown.texts is not None:
        columns += [[getattr(text, name) for text in shown.texts] for name in ("reference", "heard", "edits")]
    rows = zip(*columns, strict=True)
    texts = [len(embedded([name for name in row if name is not None]).encode()) for row in rows]
    times = [_TIME_BYTES * (each is not None) for each in shown.recordings]
    codes = [_kinds(found), *(each.of for each in (found.condition, *found.attributes) if len(each.cells) > 1)]
    numbers = [*(scores[name].to_numpy(np.int64) for name in _COUNTS), *codes]
    digits = np.log10(np.maximum(np.stack(numbers)[:, shown.rows], 1)).astype(np.int64) + 2  # (n_columns, n_shown)
    total: Ints = digits.sum(axis=0) + np.add(texts, times) + _SPEAKER_BYTES
    return total


def _firsts(names: Sequence[str | None]) -> list[str | None]:
    """Return each name where it stands first, None elsewhere."""
    again = pd.Series(list(names), dtype=object).duplicated()
    return [None if is_again else name for name, is_again in zip(names, again, strict=True)]


def _columns(scores: pd.DataFrame, found: Filters, shown: _Shown) -> dict[str, object]:
    """Return a column of each thing: ids or rows, from 1, speakers, counts, kinds as bits, the cell of each filter."""
    prefix = _common_beginning(shown.ids)
    speakers, names = pd.factorize(pd.Series(shown.speakers, dtype=object))
    rows = scores.iloc[shown.rows]
    return {
        "id_prefix": prefix,
        "ids": None if None in shown.ids else _without(prefix, shown.ids),
        "rows": (shown.rows + 1).tolist() if None in shown.ids else None,
        "speakers": {"names": list(names), "of": speakers.tolist()} if len(names) else None,
        **{name: rows[name].tolist() for name in _COUNTS},
        "kinds_of": _kinds(found)[shown.rows].tolist(),
        "cells_of": [
            None if len(each.cells) == 1 else each.of[shown.rows].tolist()
            for each in (found.condition, *found.attributes)
        ],
    }


def _texts(texts: Sequence[AlignedTexts] | None) -> dict[str, object]:
    """Return the columns of texts, and of those that are shortened the place and the words cut off at their ends."""
    if texts is None:
        return {"references": None}
    return {
        "references": [each.reference for each in texts],
        "heard": [each.heard for each in texts],
        "edits": [each.edits for each in texts],
        "shortened": [
            (place, each.n_reference_cut, each.n_hypothesis_cut)
            for place, each in enumerate(texts)
            if each.is_shortened
        ],
    }


def _played(found: Sequence[Recording | None], note: str) -> dict[str, object]:
    """Return where each utterance is heard, None where none is, and what a reader must know of it."""
    addresses = [None if each is None else each.address for each in found]
    n_lost = addresses.count(None)
    lost = f"{NOT_FOUND}{n_lost:,} of the {len(found):,} here." if n_lost else ""
    if n_lost == len(found):
        return {"recordings": None, "recordings_note": note}
    base = _common_beginning(addresses)
    files, names = pd.factorize(pd.Series(_without(base, addresses), dtype=object))
    played = {
        "base": base,
        "names": list(names),
        "of": files.tolist(),
        "starts": [each and _rounded(each.start_s) for each in found],
        "ends": [each and _rounded(each.end_s) for each in found],
    }
    return {"recordings": played, "recordings_note": lost}


def _common_beginning(names: Sequence[str | None]) -> str:
    """Return what all begin with that are there; that of the first and the last in order is that of all."""
    there = [name for name in names if name is not None]
    first, last = (min(there), max(there)) if there else ("", "")
    n_alike = next((i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return first[:n_alike]


def _without(beginning: str, names: Sequence[str | None]) -> list[str | None]:
    return [None if name is None else name[len(beginning) :] for name in names]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _kinds(found: Filters) -> Ints:
    """Return the kinds of each utterance, the first kind as the lowest bit."""
    return np.array(sum(is_of.astype(np.int64) << bit for bit, is_of in enumerate(found.kinds.values())), np.int64)


def _is_single(each: Filter) -> bool:
    """Say whether every cell is one value, in the order of the values."""
    return each.cells == tuple((number,) for number in range(len(each.values)))


def _name(text: object) -> str:
    """Return an id or a value, every character visible and not longer than a line or two."""
    name = str(text)
    return visible(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
