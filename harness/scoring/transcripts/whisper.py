"""A JSON file of Whisper in, what was heard out: of the command, of OpenAI's interface, or of WhisperX.

Source of the layout: openai-whisper's writer of JSON, the reference of `verbose_json`, WhisperX's segments.
"""

from harness.scoring.transcripts.documents import Node
from harness.scoring.transcripts.records import Heard, Piece, in_time_order, joined
from harness.scoring.transcripts.timing import confidence, length, piece


def is_whisper(document: Node) -> bool:
    """Say whether a document looks like one of Whisper."""
    return document.has("text", "segments") and not document.has("utterance_id", "audio_filepath")


def read_whisper(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what was heard; words with times where all have them, else the segments.

    Raises:
        ShapeError: The document is not as Whisper writes it.
    """
    segments = list(document.listed("segments"))
    stretches = _pieces(segments, "text")
    words = _pieces(_nested(segments) or list(document.listed("words")), "word")
    text = document.optional_text("text") if segments else document.text("text")
    return [
        Heard(
            names[0],
            joined(tuple(stretches or ())) if text is None else text.strip(),
            further_names=names[1:],
            pieces=in_time_order(words or stretches or []),
            are_words=bool(words),
            audio_s=length(document, "duration"),
        )
    ]


def _nested(segments: list[Node]) -> list[Node]:
    """Return the words of all segments; none where a segment has a text and no words."""
    nested = [list(each.listed("words")) for each in segments if each.text("text").strip()]
    return [word for words in nested for word in words] if all(nested) else []


def _pieces(parts: list[Node], key: str) -> list[Piece] | None:
    """Return parts with their times; None where one has none, as WhisperX's numerals."""
    found = []
    for each in parts:
        start_s, end_s = each.optional_seconds("start"), each.optional_seconds("end")
        text = each.text(key)
        if start_s is None or end_s is None:
            return None
        if text.strip():
            found.append(piece(text, (start_s, end_s), sureness=confidence(each, "probability", "score")))
    return found
