"""A JSON document and the name of a service in, what that service heard out."""

from collections.abc import Callable
from pathlib import Path

from harness.errors import HypothesesError
from harness.scoring.transcripts.amazon import read_amazon
from harness.scoring.transcripts.assemblyai import read_assemblyai
from harness.scoring.transcripts.azure import read_azure
from harness.scoring.transcripts.deepgram import read_deepgram
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.formats import Format, looks_like, service_of
from harness.scoring.transcripts.google import read_google
from harness.scoring.transcripts.records import Heard
from harness.scoring.transcripts.whisper import read_whisper
from harness.transcription.words import on_one_line

_READERS: dict[Format, Callable[[Node, tuple[str, ...]], list[Heard]]] = {
    Format.amazon: read_amazon,
    Format.google: read_google,
    Format.azure: read_azure,
    Format.deepgram: read_deepgram,
    Format.assemblyai: read_assemblyai,
    Format.whisper: read_whisper,
}


def heard_in(document: Node, service: Format, *, path: Path, names: tuple[str, ...]) -> list[Heard]:
    """Return what a document says was heard.

    Args:
        document: The file.
        service: Whose it is.
        path: For messages.
        names: What the recording is called by its file.

    Raises:
        HypothesesError: The document is not as the service writes it.
    """
    try:
        found = _READERS[service](document, names)
    except ShapeError as error:
        other = service_of(document)
        hint = "" if other in (service, None) else f"; it looks like the JSON of {other.value}"
        seen = f"; found {looks_like(document)}" if other is None else ""
        raise HypothesesError([f"{path}: {error}{hint}{seen} (read as format={service.value})"]) from error
    return [_in_one_line(each) for each in found]


def _in_one_line(heard: Heard) -> Heard:
    """Return a transcript whose reason, where it failed, is of one line, as those of a run are."""
    if heard.error is None:
        return heard
    return Heard(heard.name, None, error=on_one_line(heard.error), further_names=heard.further_names)
