"""A response of Google Speech-to-Text in, what it heard or why it failed out.

Versions 1 and 2, answered at once (`results`), as an ended operation (`response`, `error`) or for a batch of files
(`results` by address). Keys are in the spelling of the REST interface or of the Python client (`start_time`).
Source of the layout: the REST reference of `RecognizeResponse`, `LongRunningRecognizeResponse`,
`BatchRecognizeResponse` and `Operation`.
"""

from collections.abc import Iterator

from harness.scoring.transcripts.channels import text_of
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.naming import names_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order
from harness.scoring.transcripts.timing import channel_name, confidence, optional_duration, piece

_OF_A_RESPONSE = ("totalBilledTime", "total_billed_time", "totalBilledDuration", "total_billed_duration")
_OF_A_FILE = ("inlineResult", "inline_result", "cloudStorageResult", "cloud_storage_result", "transcript", "uri")


def is_google(document: Node) -> bool:
    """Say whether a document looks like one of the service."""
    if document.has("response", *_OF_A_RESPONSE) or _is_operation(document):
        return True
    results = document.optional("results")
    if results is None:
        return False
    if isinstance(results.value, list):
        return any(Node(each).has("alternatives", "resultEndTime", "resultEndOffset") for each in results.value)
    found = list(results.value.values()) if isinstance(results.value, dict) else []
    return bool(found) and all(Node(each).has("error", *_OF_A_FILE) for each in found)


def _is_operation(document: Node) -> bool:
    return document.has("name") and document.has("done", "metadata")


def read_google(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what was heard in each file that a response is of.

    Raises:
        ShapeError: The document is not as the service writes it, or the operation has not ended.
    """
    error = document.optional("error")
    if error is not None:
        return [_failed(error, names)]
    response = document.optional("response")
    if response is None and _is_operation(document):
        raise ShapeError("is of an operation that has not ended; fetch it again when it has")
    whole = document if response is None else response
    results = whole.optional("results")
    if results is not None and isinstance(results.value, dict):
        return [each for uri, found in results.entries() for each in _of_file(uri, found)]
    return [_heard(whole, names)]


def _failed(error: Node, names: tuple[str, ...]) -> Heard:
    code = error.optional_number("code")
    reason = error.optional_text("message") or "the service gave no reason"
    return Heard(
        names[0], None, error=reason if code is None else f"{reason} (code {code:.0f})", further_names=names[1:]
    )


def _of_file(uri: str, found: Node) -> Iterator[Heard]:
    """Yield what a batch says of one file; an error without a code is none."""
    names = names_of(uri) or (uri,)
    error = found.optional("error")
    if error is not None and error.value:
        yield _failed(error, names)
        return
    inline = found.optional("inlineResult", "inline_result")
    transcript = (found if inline is None else inline).optional("transcript")
    if transcript is None:
        raise ShapeError(f"{found.place} says where the transcript lies, and not what it is; fetch that file")
    yield _heard(transcript, names)


def _heard(response: Node, names: tuple[str, ...]) -> Heard:
    results = list(response.listed("results"))
    texts: dict[str, str] = {}
    phrases: list[Piece] = []
    words: list[list[Piece]] = []
    for result in results:
        best = next(result.listed("alternatives"), None)
        text = None if best is None else best.optional_text("transcript")
        if best is None or not text:  # with speakers told apart, the last result repeats the words of all others
            continue
        channel = channel_name(result, "channelTag", "channel_tag")
        texts[channel or ""] = f"{texts.get(channel or '', '')} {text.strip()}".strip()
        found = _words(best, channel)
        words.append(found)
        end_s = optional_duration(result, "resultEndTime", "result_end_time", "resultEndOffset", "result_end_offset")
        if found:
            phrases.append(piece(text, (found[0].start_s, found[-1].end_s), channel=channel))
        elif end_s is not None:
            phrases.append(piece(text, (end_s, end_s), channel=channel))
    text = text_of(texts, phrases if len(texts) > 1 else [])
    pieces = in_time_order([word for each in words for word in each]) if all(words) else ()
    return Heard(names[0], text, further_names=names[1:], pieces=pieces)


def _words(best: Node, channel: str | None) -> list[Piece]:
    """Return words, none where one has no times; the service leaves out a start of zero in some clients' spelling."""
    words = []
    for word in best.listed("words"):
        end_s = optional_duration(word, "endTime", "end_time", "endOffset", "end_offset")
        start_s = optional_duration(word, "startTime", "start_time", "startOffset", "start_offset")
        if end_s is None:
            return []  # they were not asked for
        times = (0.0 if start_s is None else start_s, end_s)
        words.append(piece(word.text("word"), times, sureness=confidence(word), channel=channel))
    return words
