"""A response of Deepgram to a recording in, what it heard or why it failed out.

Source of the layout: the service's reference of pre-recorded audio, "Multichannel" and "Errors".
"""

from harness.scoring.transcripts.channels import text_of
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.records import Heard, Piece, in_time_order
from harness.scoring.transcripts.timing import channel_name, confidence, length, piece, span


def is_deepgram(document: Node) -> bool:
    """Say whether a document looks like one of the service."""
    results = document.optional("results")
    if results is not None and results.has("channels"):
        return True
    return document.has("request_id") and document.has("err_code", "err_msg", "category")


def read_deepgram(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what was heard.

    Raises:
        ShapeError: The document is not as the service writes it.
    """
    refused = [document.optional_text(key) for key in ("err_code", "category", "err_msg", "message", "details")]
    if any(refused) and "results" not in document:
        reason = ": ".join(each for each in refused if each)
        return [Heard(names[0], None, error=reason, further_names=names[1:])]
    results = document.part("results")
    texts: dict[str, str] = {}
    words: list[Piece] = []
    channels = list(results.listed("channels"))
    if not channels:
        raise ShapeError("results.channels has nothing in it; expected a channel")
    for number, channel in enumerate(channels):
        best = next(channel.listed("alternatives"), None)
        if best is not None:
            texts[str(number)] = best.text("transcript")
            words += [_word(each, str(number)) for each in best.listed("words")]
    audio_s = length(document.optional("metadata"), "duration")
    text = text_of(texts, _phrases(results) or words)
    return [Heard(names[0], text, further_names=names[1:], pieces=in_time_order(words), audio_s=audio_s)]


def _phrases(results: Node) -> list[Piece]:
    """Return what was said at once, where it was asked for."""
    return [
        piece(
            each.text("transcript"),
            span(each.optional_seconds("start"), each.optional_seconds("end"), each),
            channel=channel_name(each, "channel") or "0",
        )
        for each in results.listed("utterances")
    ]


def _word(word: Node, channel: str) -> Piece:
    times = span(word.optional_seconds("start"), word.optional_seconds("end"), word)
    return piece(word.text("punctuated_word", "word"), times, sureness=confidence(word), channel=channel)
