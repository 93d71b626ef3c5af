"""Transcripts and a manifest in; the transcripts of its utterances, and a list of all that matched nothing, out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from harness.corpus import Manifest
from harness.errors import HypothesesError
from harness.scoring.transcripts.places import Places, Recordings
from harness.scoring.transcripts.placing import PlacingError, Told, place
from harness.scoring.transcripts.records import Heard, Piece
from harness.transcription.store import CLEAN

EXTRA, MISSING, OUTSIDE = "extra_transcript", "missing_transcript", "word_outside"
UNMATCHED_COLUMNS = (
    *("kind", "utterance_id", "condition", "channel", "start_s", "end_s", "text", "file", "line"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matched:
    """Holds what is scored, and what is not.

    Attributes:
        hypotheses: As `read_hypotheses` returns them, a row an utterance; with a column `words` (tuples of
            `HypothesisWord`, or None) where the source has times.
        unmatched: A row for each transcript of no utterance, utterance without a transcript, and word or stretch that
            is in the time of no utterance: kind, utterance_id (of a word: its recording), condition, channel, start_s,
            end_s, text (of words), file, line.
        notes: What outputs must say of it.
        n_withdrawn: Transcripts of people who withdrew; they are listed nowhere.
    """

    hypotheses: pd.DataFrame
    unmatched: pd.DataFrame
    notes: tuple[str, ...]
    n_withdrawn: int

    @property
    def counts(self) -> dict[str, int]:
        """Return how much of each kind matched nothing."""
        found = self.unmatched["kind"].value_counts()
        return {kind: int(found.get(kind, 0)) for kind in (EXTRA, MISSING, OUTSIDE)} | {"withdrawn": self.n_withdrawn}


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """Says how transcripts find their utterances.

    Attributes:
        allow_missing: Utterances without a transcript are listed; the scoring counts them as failed.
        allow_extra: Transcripts of no utterance are listed instead of being left for the scoring to refuse.
        stem: What of a name is compared.
    """

    allow_missing: bool = False
    allow_extra: bool = False
    stem: Callable[[str], str] = str


def match(transcripts: pd.DataFrame, manifest: Manifest, options: MatchOptions) -> Matched:
    """Give transcripts to the utterances that they are of.

    Args:
        transcripts: As `read_hypotheses` returns them.
        manifest: What was said.
        options: How.

    Raises:
        HypothesesError: What was heard in a recording cannot be given to its utterances, or has names of several.
    """
    placing = _Placing(manifest, options)
    table = placing.placed(transcripts) if "heard" in transcripts else transcripts
    is_withdrawn = table["utterance_id"].isin(manifest.left_out.utterance_ids)
    table = table[~is_withdrawn] if is_withdrawn.any() else table
    expected = manifest.frame["utterance_id"]
    known = table["utterance_id"].isin(expected)
    extra = table[~known] if options.allow_extra and known.any() else table.iloc[:0]
    scored = table[known] if len(extra) else table
    missing = _missing(scored, expected) if options.allow_missing else []
    unmatched = [*_extra(extra), *missing, *placing.outside]
    return Matched(
        scored.reset_index(drop=True),
        pd.DataFrame(unmatched, columns=list(UNMATCHED_COLUMNS), dtype=object),
        (*_notes(len(extra), len(missing)), *placing.notes, *_withdrawn(int(is_withdrawn.sum()))),
        int(is_withdrawn.sum()),
    )


def _extra(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return rows of the list; a transcript that says of no file where it stands is listed by its id."""
    nowhere = pd.Series([None] * len(rows), index=rows.index)
    files, lines = (rows.get(name, nowhere) for name in ("file", "line"))
    return [
        (EXTRA, utterance_id, condition, None, None, None, None, file, line)
        for utterance_id, condition, file, line in zip(
            rows["utterance_id"], rows["condition"], files, lines, strict=True
        )
    ]


def _missing(rows: pd.DataFrame, expected: pd.Series) -> list[tuple[object, ...]]:
    found = [(condition, expected[~expected.isin(own["utterance_id"])]) for condition, own in rows.groupby("condition")]
    return [
        (MISSING, utterance_id, condition, *[None] * 6)
        for condition, absent in found or [(CLEAN, expected)]
        for utterance_id in absent
    ]


def _notes(n_extra: int, n_missing: int) -> list[str]:
    notes = []
    if n_extra:
        notes.append(f"{n_extra} transcripts are of no utterance of the manifest: unmatched.csv lists them")
    if n_missing:
        notes.append(f"{n_missing} utterances have no transcript and count as failed: unmatched.csv lists them")
    return notes


def _withdrawn(n: int) -> tuple[str, ...]:
    return (f"{n} transcripts of people who withdrew their consent are left out",) if n else ()


@dataclass
class _Placing:
    """Finds the utterances of what was heard, and gathers what is in none of them."""

    manifest: Manifest
    options: MatchOptions
    outside: list[tuple[object, ...]] = field(default_factory=list)
    n_between: int = 0
    n_joined: int = 0

    @cached_property
    def _withdrawn(self) -> frozenset[str]:
        return self.manifest.left_out.utterance_ids

    @cached_property
    def _known(self) -> frozenset[str]:
        return self._withdrawn.union(self.manifest.frame["utterance_id"])

    @cached_property
    def _recordings(self) -> Recordings:
        return Recordings(self.manifest)

    def placed(self, transcripts: pd.DataFrame) -> pd.DataFrame:
        """Return a row an utterance.

        Raises:
            HypothesesError: Something cannot be placed; every such transcript is named.
        """
        problems: list[str] = []
        rows: list[tuple[Told, Heard, str]] = []
        named = self._known.intersection(name for heard in transcripts["heard"] for name in self._names(heard))
        for heard, file in zip(transcripts["heard"], transcripts["file"], strict=True):
            try:
                rows += [(told, heard, file) for told in self._told(heard, file, named)]
            except PlacingError as error:
                problems.append(f"{file}:{heard.line}: transcript {heard.name!r:.200} {error}")
        if problems:
            raise HypothesesError(problems)
        return _table(rows)

    def _names(self, heard: Heard) -> list[str]:
        return [self.options.stem(name) for name in heard.names]

    def _told(self, heard: Heard, file: str, named: frozenset[str]) -> Sequence[Told]:
        names = self._names(heard)
        ids = [name for name in dict.fromkeys(names) if name in named]
        if len(ids) > 1:
            raise PlacingError(f"has the names of several utterances, {ids[0]!r} and {ids[1]!r}; rename its file")
        found = self._recordings_meant(heard, ids, named)
        if not found:
            return [Told.whole((ids or names)[0], heard)]
        if len(found) > 1:
            raise PlacingError(
                f"may be of any of {len(found)} recordings of that name; put it in folders as the recordings are"
            )
        return self._of_recording(heard, found[0], file)

    def _recordings_meant(self, heard: Heard, ids: Sequence[str], named: frozenset[str]) -> Sequence[Places]:
        """Return the recordings that it may be of; none where it is of an utterance, or of nothing.

        The first utterance of a recording may be called as the recording is: its transcript is told from that of the
        whole by those of the others, which then have names of their own.
        """
        if not ids:
            both = (*heard.names, *self._names(heard))
            return self._recordings.called(both) if heard.recording is None else self._recordings.like(heard.recording)
        shared = self._recordings.shared(ids[0]) if heard.from_s is None else []
        return [each for each in shared if len(named.intersection(each.utterance_ids)) < 2]

    def _of_recording(self, heard: Heard, places: Places, file: str) -> Sequence[Told]:
        if self._withdrawn.issuperset(places.utterance_ids):
            return [Told.whole(places.utterance_ids[0], heard)]
        found = place(heard, places)
        self.n_between += found.n_between
        self.n_joined += found.are_channels_joined
        self.outside += [self._listed(heard, each, file) for each in found.outside]
        return found.told

    def _listed(self, heard: Heard, piece: Piece, file: str) -> tuple[object, ...]:
        """Return a row of the list; nobody's words are told where they may be those of somebody who withdrew."""
        text = None if self._withdrawn else piece.text
        times = (piece.start_s, piece.end_s)
        return (OUTSIDE, heard.name, heard.condition, piece.channel, *times, text, file, piece.line or heard.line)

    @property
    def notes(self) -> list[str]:
        """Return what outputs must say."""
        notes = []
        if self.outside:
            notes.append(
                f"{len(self.outside)} words or stretches were heard in the time of no utterance and are not scored: "
                "unmatched.csv lists them"
            )
        if self.n_between:
            notes.append(
                f"{self.n_between} words were heard where utterances overlap: each counts for the one whose middle is "
                "nearest"
            )
        if self.n_joined:
            notes.append(f"in {self.n_joined} recordings, words of several channels are joined in the order of time")
        return notes


def _table(rows: Sequence[tuple[Told, Heard, str]]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "utterance_id": [told.utterance_id for told, _, _ in rows],
        "condition": [heard.condition for _, heard, _ in rows],
        "text": [told.text for told, _, _ in rows],
        "error": [told.error for told, _, _ in rows],
        "audio_s": [told.audio_s for told, _, _ in rows],
        "processing_s": [math.nan] * len(rows),
        "file": [file for _, _, file in rows],
        "line": [heard.line for _, heard, _ in rows],
    }
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    table = table.astype({"audio_s": float, "processing_s": float, "line": "int64"})
    words = [told.words for told, _, _ in rows]
    return table if all(each is None for each in words) else table.assign(words=pd.Series(words, dtype=object))
