"""A JSON document of Azure Speech in, what it heard or why it failed out.

Of batch transcription (`recognizedPhrases`, or the report of a batch), of fast transcription (`phrases`) and of the
interface for short audio (`DisplayText`, `NBest`). The text is what is displayed: normalising is the scoring's. A short
clip in which nothing was recognised (`NoMatch`, `InitialSilenceTimeout`) is a transcript without words.
Source of the layout: the service's guides "Get batch transcription results", "Fast transcription", "REST API for short
audio".
"""

from collections.abc import Sequence

from harness.scoring.transcripts.channels import text_of
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.naming import names_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order
from harness.scoring.transcripts.timing import MILLISECOND_S, TICK_S, channel_name, confidence, length, piece, span

_NOTHING_HEARD = ("NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "EndOfDictation")


def is_azure(document: Node) -> bool:
    """Say whether a document looks like one of the service."""
    batch = document.has("combinedRecognizedPhrases", "recognizedPhrases", "combinedPhrases")
    return batch or document.has("RecognitionStatus") or _is_report(document)


def _is_report(document: Node) -> bool:
    return document.has("successfulTranscriptionsCount", "failedTranscriptionsCount")


def read_azure(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what was heard; of a report, the recordings that failed: what was heard in the others is in other files.

    Raises:
        ShapeError: The document is not as the service writes it.
    """
    if _is_report(document):
        return [_failed(each) for each in document.listed("details") if each.text("status") != "Succeeded"]
    if document.has("RecognitionStatus"):
        return [_short(document, names)]
    if document.has("combinedPhrases"):
        return [_fast(document, names)]
    return [_batch(document, names)]


def _failed(detail: Node) -> Heard:
    source = detail.text("source")
    name, *further = names_of(source) or (source,)
    reasons = (detail.optional_text(key) for key in ("errorKind", "errorMessage"))
    reason = ": ".join(each for each in reasons if each) or f"the service says {detail.text('status')[:40]!r}"
    return Heard(name, None, error=reason, further_names=tuple(further))


def _batch(document: Node, names: tuple[str, ...]) -> Heard:
    own = names_of(document.optional_text("source") or "")  # files of results are called by numbers
    name, *further = dict.fromkeys((*own, *names))
    texts = {
        channel_name(each, "channel") or "": each.optional_text("display", "lexical") or ""
        for each in document.listed("combinedRecognizedPhrases")
    }
    phrases: list[Piece] = []
    words: list[list[Piece]] = []
    for phrase in document.listed("recognizedPhrases"):
        channel = channel_name(phrase, "channel") or ""
        best = next(phrase.listed("nBest"), None)
        if best is None:
            continue
        text = best.optional_text("display", "lexical") or ""
        if "combinedRecognizedPhrases" not in document:
            texts[channel] = f"{texts.get(channel, '')} {text}".strip()
        if "offsetInTicks" in phrase:
            phrases.append(piece(text, _ticks(phrase), channel=channel))
        if text.strip():
            spoken = list(best.listed("displayWords")) or list(best.listed("words"))
            words.append([_word(each, channel) for each in spoken])
    return Heard(
        name,
        text_of(texts, phrases),
        further_names=tuple(further),
        pieces=_finest(words, phrases),
        are_words=all(words),
        audio_s=length(document, "durationInTicks", unit_s=TICK_S),
    )


def _fast(document: Node, names: tuple[str, ...]) -> Heard:
    texts = {channel_name(each, "channel") or "": each.text("text") for each in document.listed("combinedPhrases")}
    phrases = [_timed(each) for each in document.listed("phrases")]
    words = [
        [_timed(word, channel=channel_name(phrase, "channel")) for word in phrase.listed("words")]
        for phrase in document.listed("phrases")
        if phrase.text("text").strip()
    ]
    return Heard(
        names[0],
        text_of(texts, phrases),
        further_names=names[1:],
        pieces=_finest(words, phrases),
        are_words=all(words),
        audio_s=length(document, "durationMilliseconds", unit_s=MILLISECOND_S),
    )


def _finest(words: Sequence[Sequence[Piece]], phrases: list[Piece]) -> tuple[Piece, ...]:
    """Return the words where every phrase has them, else the phrases: nothing that was heard is in neither."""
    return in_time_order([word for each in words for word in each] if all(words) else phrases)


def _short(document: Node, names: tuple[str, ...]) -> Heard:
    status = document.text("RecognitionStatus")
    if status in _NOTHING_HEARD:
        return Heard(names[0], "", further_names=names[1:])
    if status != "Success":
        return Heard(names[0], None, error=f"RecognitionStatus {status[:40]}", further_names=names[1:])
    best = next(document.listed("NBest"), None)
    text = document.optional_text("DisplayText")
    if text is None:
        if best is None:
            raise ShapeError("has neither DisplayText nor NBest; expected one of them")
        text = best.text("Display")
    words = [] if best is None else [_word(each, None) for each in best.listed("Words")]
    return Heard(names[0], text, further_names=names[1:], pieces=in_time_order(words))


def _timed(part: Node, *, channel: str | None = None) -> Piece:
    """Return a phrase or a word of fast transcription."""
    start_s = part.optional_seconds("offsetMilliseconds", unit_s=MILLISECOND_S)
    length_s = part.optional_seconds("durationMilliseconds", unit_s=MILLISECOND_S) or 0.0
    times = span(start_s, None if start_s is None else start_s + length_s, part)
    channel = channel or channel_name(part, "channel") or ""
    return piece(part.text("text"), times, sureness=confidence(part), channel=channel)


def _word(word: Node, channel: str | None) -> Piece:
    text = word.text("displayText", "word", "Word")
    return piece(text, _ticks(word), sureness=confidence(word, "confidence"), channel=channel)


def _ticks(part: Node) -> tuple[float, float]:
    start_s = part.optional_seconds("offsetInTicks", "Offset", unit_s=TICK_S)
    length_s = part.optional_seconds("durationInTicks", "Duration", unit_s=TICK_S) or 0.0
    return span(start_s, None if start_s is None else start_s + length_s, part)
