"""A JSON document of Amazon Transcribe in, what it heard or why it failed out.

The document is what a job writes (`results.transcripts`), or what `get-transcription-job` answers of a failed job.
Source of the layout: the service's developer guide, "Example output" of batch, channel identification, diarization.
"""

from collections.abc import Iterable
from dataclasses import replace

from harness.scoring.transcripts.channels import text_of
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.naming import names_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order, joined
from harness.scoring.transcripts.timing import confidence, piece

_JOBS = ("TranscriptionJob", "MedicalTranscriptionJob")


def is_amazon(document: Node) -> bool:
    """Say whether a document looks like one of the service."""
    results = document.optional("results")
    return document.has("jobName", *_JOBS) or (results is not None and results.has("transcripts"))


def read_amazon(document: Node, names: tuple[str, ...]) -> list[Heard]:
    """Return what a job heard.

    Args:
        document: The file.
        names: Of the file; the job's own are added.

    Raises:
        ShapeError: The document is not as the service writes it, or the job has not ended.
    """
    job = document.optional(*_JOBS)
    if job is not None:
        return [_failed_job(job, names)]
    name, *further = dict.fromkeys((*names, *names_of(document.optional_text("jobName") or "")))
    status = document.optional_text("status") or "COMPLETED"
    if status == "FAILED":
        reason = document.optional_text("failureReason", "FailureReason") or "the job failed"
        return [Heard(name, None, error=reason, further_names=tuple(further))]
    if status != "COMPLETED":
        raise ShapeError(f"is of a job that is {status[:40]!r}; fetch it again when it has ended")
    text, pieces = _heard(document.part("results"))
    return [Heard(name, text, further_names=tuple(further), pieces=pieces)]


def _failed_job(job: Node, names: tuple[str, ...]) -> Heard:
    status = job.text("TranscriptionJobStatus")
    if status != "FAILED":
        raise ShapeError(
            f"tells that a job is {status[:40]!r}, and not what it heard; give the file at its TranscriptFileUri"
        )
    media = job.optional("Media")
    source = None if media is None else media.optional_text("MediaFileUri")
    own = (*names_of(job.optional_text("TranscriptionJobName") or ""), *names_of(source or ""))
    name, *further = dict.fromkeys((*names, *own))
    return Heard(name, None, error=job.optional_text("FailureReason") or "the job failed", further_names=tuple(further))


def _heard(results: Node) -> tuple[str, tuple[Piece, ...]]:
    whole = [each.text("transcript") for each in results.listed("transcripts")]
    if not whole:
        raise ShapeError("results.transcripts has nothing in it; expected the transcript")
    labels = results.optional("channel_labels")
    if labels is None:
        return " ".join(whole).strip(), in_time_order(_words(results.listed("items"), None))
    channels = {
        each.text("channel_label"): _words(each.listed("items"), each.text("channel_label"))
        for each in labels.listed("channels")
    }
    spoken = [channel for channel, words in channels.items() if words]
    pieces = in_time_order([word for words in channels.values() for word in words])
    if len(spoken) < 2:
        return " ".join(whole).strip(), pieces
    return text_of({channel: joined(tuple(channels[channel])) for channel in spoken}, pieces), pieces


def _words(items: Iterable[Node], channel: str | None) -> list[Piece]:
    """Return words with their times, a mark of punctuation with the word before it."""
    words: list[Piece] = []
    for item in items:
        best = next(item.listed("alternatives"), None)
        content = "" if best is None else best.optional_text("content") or ""
        if item.optional_text("type") == "punctuation":
            if words:
                words[-1] = replace(words[-1], text=words[-1].text + content)
            continue
        start_s, end_s = item.optional_seconds("start_time"), item.optional_seconds("end_time")
        if start_s is None or end_s is None:
            raise ShapeError(f"{item.place} has no start_time and end_time; expected those of a word")
        if content:
            sureness = None if best is None else confidence(best)
            words.append(piece(content, (start_s, end_s), sureness=sureness, channel=channel))
    return words
