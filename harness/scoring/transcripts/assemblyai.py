"""A transcript of AssemblyAI in, what was heard or why it failed out; its times are in milliseconds.

Source of the layout: the service's reference of `GET /v2/transcript` and "Multichannel transcription".
"""

from harness.scoring.transcripts.channels import text_of
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.naming import names_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order, joined
from harness.scoring.transcripts.timing import MILLISECOND_S, channel_name, confidence, length, piece, span


def is_assemblyai(document: Node) -> bool:
    """Say whether a document looks like one of the service."""
    return document.has("audio_url") or (document.has("id") and document.has("status") and document.has("text"))


def read_assemblyai(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what was heard.

    Raises:
        ShapeError: The document is not as the service writes it, or is of a transcript that is not finished.
    """
    own = names_of(document.optional_text("audio_url") or "")
    name, *further = dict.fromkeys((*names, *own))
    status = document.text("status")
    if status == "error":
        reason = document.optional_text("error") or "the service gave no reason"
        return [Heard(name, None, error=reason, further_names=tuple(further))]
    if status != "completed":
        raise ShapeError(f"is of a transcript that is {status[:40]!r}; fetch it again when it is completed")
    words = [_piece(each) for each in document.listed("words")]
    return [
        Heard(
            name,
            _text(document, words),
            further_names=tuple(further),
            pieces=in_time_order(words),
            audio_s=length(document, "audio_duration"),
        )
    ]


def _text(document: Node, words: list[Piece]) -> str:
    channels = {each.channel for each in words}
    if len(channels) < 2:
        return document.optional_text("text") or joined(tuple(words))
    turns = [_piece(each) for each in document.listed("utterances")]
    by_channel = {channel: joined(tuple(each for each in words if each.channel == channel)) for channel in channels}
    return text_of({channel or "": text for channel, text in by_channel.items()}, turns or words)


def _piece(part: Node) -> Piece:
    """Return a word or a turn."""
    start_s, end_s = (part.optional_seconds(key, unit_s=MILLISECOND_S) for key in ("start", "end"))
    times = span(start_s, end_s, part)
    return piece(part.text("text"), times, sureness=confidence(part), channel=channel_name(part, "channel"))
