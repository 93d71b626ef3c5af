"""What a source says of one recording or utterance: its names, its text or why there is none, its times."""

import math
from dataclasses import dataclass

from harness.transcription.store import CLEAN, HypothesisWord

MOST_PROBLEMS = 1_000  # named before a source is given up


@dataclass(frozen=True, slots=True)
class Piece:
    """Is a part of a transcript with its times: a word, or a stretch of words.

    Attributes:
        text: As the source wrote it.
        start_s: Seconds from the start of the recording; never negative.
        end_s: The same; not before `start_s`.
        confidence: In [0, 1]; None where the source has none, or another scale.
        channel: As the source calls it; None where it names none.
        line: Where it stands in a file of lines; 0 in a document.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None
    channel: str | None = None
    line: int = 0

    @property
    def middle_s(self) -> float:
        """Return the time by which a piece belongs to an utterance."""
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True, slots=True)
class Heard:
    """Is what was heard in a recording, or in an utterance of that name: a source does not say which.

    Attributes:
        name: Id of the utterance, or the recording's: a path, or a name with or without extension.
        text: The whole transcript, channels joined in the order of time; None where recognition failed.
        error: Why it failed.
        further_names: Other names that the source has for it.
        pieces: Its parts in the order of time; empty where the source has no times.
        are_words: Whether each piece is one word.
        audio_s: Length, seconds; NaN where the source does not say.
        recording: Path of the recording, where the source has it beside an id; None: any of the names may be its.
        from_s: Where in the recording an utterance begins, seconds; None: the source does not say.
        condition: What was done to the audio.
        line: Where it begins in its file.
    """

    name: str
    text: str | None
    error: str | None = None
    further_names: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    are_words: bool = True
    audio_s: float = math.nan
    recording: str | None = None
    from_s: float | None = None
    condition: str = CLEAN
    line: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Return all names, the most telling first."""
        return (self.name, *self.further_names)

    def words(self, *, from_s: float = 0.0) -> tuple[HypothesisWord, ...] | None:
        """Return the words with seconds from the start of an utterance; None where the source has none."""
        if not self.pieces or not self.are_words:
            return None
        return as_words(self.pieces, from_s=from_s)


def as_words(pieces: tuple[Piece, ...], *, from_s: float) -> tuple[HypothesisWord, ...]:
    """Return words as a run keeps them, with seconds from the start of an utterance."""
    return tuple(
        HypothesisWord(each.text, round(each.start_s - from_s, 6), round(each.end_s - from_s, 6), each.confidence)
        for each in pieces
    )


def joined(pieces: tuple[Piece, ...]) -> str:
    """Return the text of pieces, with single spaces between them."""
    return " ".join(text for each in pieces if (text := each.text.strip()))


def in_time_order(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Return pieces by their start; equal ones stay in the order of the source."""
    return tuple(sorted(pieces, key=lambda each: each.start_s))
