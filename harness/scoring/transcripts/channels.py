"""Pieces of several channels in, their text in the order of time out: what people say in turns reads as they said it.

Where a source has the text of several channels and no times, their order is nobody's guess: that is refused.
"""

from collections.abc import Mapping, Sequence

from harness.scoring.transcripts.documents import ShapeError
from harness.scoring.transcripts.records import Piece, in_time_order, joined


def text_of(texts: Mapping[str, str], pieces: Sequence[Piece]) -> str:
    """Return the whole text of a recording.

    Args:
        texts: What was heard on each channel, as the source wrote it.
        pieces: The same with times, where the source has them: whole phrases read better than words.

    Raises:
        ShapeError: Several channels have words, and one of them has no times.
    """
    spoken = {channel: text for channel, text in texts.items() if text.strip()}
    if len(spoken) < 2:
        return next(iter(spoken.values()), "")
    timed = {each.channel for each in pieces}
    if not timed >= set(spoken):
        raise ShapeError(
            f"has words on {len(spoken)} channels and no times to put them in order; ask for the times of words, or "
            "transcribe each channel as a recording of its own."
        )
    return joined(in_time_order([each for each in pieces if each.channel in spoken]))
