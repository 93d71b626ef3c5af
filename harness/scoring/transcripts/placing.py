"""What was heard in a recording and where its utterances are in, what was heard in each of them out.

A word belongs to the utterance in whose time its middle is: the rule of NIST's sclite for CTM against STM, which also
adds words between utterances to the next one, unless the gap is marked as not to be scored; here such words are listed
and are nobody's. Where utterances overlap, a word belongs to the one whose middle is nearest. A stretch without times
of words goes whole to the utterance that has its times, else to the one that its middle is in; one that holds most of
several utterances is refused.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.scoring.transcripts.places import Place, Places
from harness.scoring.transcripts.records import Heard, Piece, as_words, in_time_order, joined
from harness.transcription.store import HypothesisWord

_LATE_S = 0.5  # a word this long after the stated end of a whole recording is in it: durations are rounded


class PlacingError(ValueError):
    """Says why what was heard in a recording cannot be given to its utterances."""


@dataclass(frozen=True, slots=True)
class Told:
    """Is what was heard in an utterance.

    Attributes:
        audio_s: Its length, seconds; NaN where the source says none, or only that of the whole recording.
    """

    utterance_id: str
    text: str | None
    error: str | None = None
    words: tuple[HypothesisWord, ...] | None = None
    audio_s: float = math.nan

    @classmethod
    def whole(cls, utterance_id: str, heard: Heard) -> "Told":
        """Return all that was heard, in one utterance."""
        return cls(utterance_id, heard.text, heard.error, heard.words(), heard.audio_s)


@dataclass(slots=True)
class Placed:
    """Gathers what was heard in the utterances of a recording.

    Attributes:
        told: An utterance each, those in which nothing was heard among them.
        outside: Pieces that are in no utterance.
        n_between: Words where utterances overlap.
        are_channels_joined: Whether the words of several channels are in one transcript.
    """

    told: list[Told] = field(default_factory=list)
    outside: list[Piece] = field(default_factory=list)
    n_between: int = 0
    are_channels_joined: bool = False


def place(heard: Heard, places: Places) -> Placed:
    """Give what was heard in a recording to its utterances.

    Raises:
        PlacingError: It cannot be told what was said in which.
    """
    chosen = _from_there(heard, places)
    if chosen is not None:
        return Placed([Told.whole(chosen.utterance_id, heard)])
    if heard.text is None:
        return Placed([Told(each.utterance_id, None, heard.error) for each in places.places])
    if _is_whole(heard, places):
        only = places.places[0].utterance_id
        return Placed([Told.whole(only, heard)], are_channels_joined=_n_channels(heard) > 1)
    _check_times(heard, places)
    return _by_channel(heard, places)


def _n_channels(heard: Heard) -> int:
    return len({each.channel for each in heard.pieces})


def _from_there(heard: Heard, places: Places) -> Place | None:
    """Return the utterance that begins where a source says that what was heard begins."""
    if heard.from_s is None:
        return None
    found = [each for each in places.places if each.is_at(heard.from_s, each.end_s)]
    if len(found) > 1:  # of the same start
        found = [each for each in found if each.is_at(heard.from_s, heard.from_s + heard.audio_s)]
    if len(found) != 1:
        raise PlacingError(f"begins at {heard.from_s:g} s, where {len(found) or 'no'} utterances of the manifest begin")
    return found[0]


def _is_whole(heard: Heard, places: Places) -> bool:
    """Say whether a recording is one utterance."""
    if len(places.places) > 1 or places.places[0].start_s:
        return False
    return all(each.middle_s <= places.places[0].end_s + _LATE_S for each in heard.pieces)


def _check_times(heard: Heard, places: Places) -> None:
    n = len(places.places)
    if not heard.pieces and heard.text:
        several = f"{n} utterances" if n > 1 else "more than its one utterance"
        raise PlacingError(
            f"is of a recording with {several}, and has no times to tell them apart; ask for the times of words, or "
            "transcribe every utterance by itself, and give a table if names do not tell utterances from recordings"
        )
    endless = [each.utterance_id for each in places.places if each.end_s == math.inf]
    if endless and n > 1:
        raise PlacingError(
            f"is of a recording with {n} utterances, of which {endless[0]!r} has no duration in the manifest; add it"
        )


def _by_channel(heard: Heard, places: Places) -> Placed:
    """Give each channel's words to the utterances of that channel, where the manifest tells channels apart."""
    spoken = {each.channel for each in heard.pieces} - {None}
    if not spoken or not places.channels or (len(spoken) == 1 and not spoken & places.channels):
        return _placed(heard.pieces, places, are_words=heard.are_words, joined_channels=len(spoken) > 1)
    if len(spoken) == 1 and len(places.channels) == 1:
        return _placed(heard.pieces, places, are_words=heard.are_words, joined_channels=False)
    if len(spoken) > 1 and not places.channels <= spoken:
        raise PlacingError(
            f"has the channels {_listed(spoken)}, and the manifest {_listed(places.channels)}; write them alike"
        )
    whole = Placed()
    for channel in sorted(spoken, key=str):
        own = Places([each for each in places.places if each.channel == channel])
        found = _placed(
            [each for each in heard.pieces if each.channel == channel],
            own,
            are_words=heard.are_words,
            joined_channels=False,
        )
        whole.told += found.told
        whole.outside += found.outside
        whole.n_between += found.n_between
    return whole


def _listed(names: set[str] | set[str | None]) -> str:
    return ", ".join(sorted(f"{name!r:.40}" for name in names)[:5])


def _placed(pieces: Sequence[Piece], places: Places, *, are_words: bool, joined_channels: bool) -> Placed:
    found = Placed(are_channels_joined=joined_channels)
    own: dict[str, list[Piece]] = {each.utterance_id: [] for each in places.places}
    owner: Callable[[Piece, Places], Place | None] = _owner_of_word if are_words else _owner_of_stretch
    for piece in pieces:
        place = owner(piece, places)
        if place is None:
            found.outside.append(piece)
        else:
            own[place.utterance_id].append(piece)
            found.n_between += sum(each.surely_holds(piece.middle_s) for each in places.holding(piece.middle_s)) > 1
    for each in places.places:
        said = in_time_order(own[each.utterance_id])
        words = as_words(said, from_s=each.start_s) if are_words and said else None
        found.told.append(Told(each.utterance_id, joined(said), None, words))
    return found


def _owner_of_word(word: Piece, places: Places) -> Place | None:
    return places.nearest(word.middle_s)


def _owner_of_stretch(stretch: Piece, places: Places) -> Place | None:
    same = [each for each in places.holding(stretch.middle_s) if each.is_at(stretch.start_s, stretch.end_s)]
    if same:
        return same[0]
    several = places.between(stretch.start_s, stretch.end_s)
    if len(several) > 1 and stretch.text.strip():
        raise PlacingError(
            f"has a stretch from {stretch.start_s:g} to {stretch.end_s:g} s without times of its words, which holds "
            f"most of {len(several)} utterances, {several[0].utterance_id!r} and {several[1].utterance_id!r} among "
            "them; ask for the times of words"
        )
    return places.nearest(stretch.middle_s)
