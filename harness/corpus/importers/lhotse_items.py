"""A supervision and its recording, as lhotse has them, in; the record of an utterance out. No audio is ever loaded.

A recording is only looked up: what file it is in, and on which channels. Files are named, addresses and bytes inside a
manifest are not followed, and a command is refused: lhotse would run it to hear the recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.corpus import cells
from harness.corpus.cells import CellError, shown
from harness.corpus.importers.audio_roots import REMOTE, AudioRoot
from harness.corpus.importers.corpus import Ledger, Record
from harness.corpus.importers.languages import language_of
from harness.corpus.importers.open_attributes import OpenAttributes, read_cell

if TYPE_CHECKING:
    from lhotse import Recording, SupervisionSegment

OTHER_LANGUAGE = "language_name"  # the attribute that keeps a language which is no tag
STATED_DURATION = "duration_as_stated"  # seconds, where an export had to end an utterance with its recording
NO_TRANSCRIPT = "it has no transcript: its supervision has no text"
HARMLESS = frozenset({"Resample"})  # transforms after which times and words are those of the file
_NEVER_HEARD = frozenset({"url", "memory", "shar"})
_EXACT_DIGITS = 8  # of seconds, to which lhotse itself rounds sums of times


@dataclass(frozen=True, slots=True)
class Heard:
    """Says where a recording is.

    Attributes:
        files: Path and channels of each of its files; the path is None for what is no file.
        altered: What is done to the file's sound before anybody hears it, in words; empty for nothing.
    """

    files: tuple[tuple[str | None, tuple[int, ...]], ...]
    altered: str = ""

    @property
    def channels(self) -> frozenset[int]:
        """Returns all channels."""
        return frozenset(channel for _, channels in self.files for channel in channels)

    def path(self, channels: frozenset[int]) -> str | None:
        """Returns the file that holds these channels and no others; None where there is none."""
        return next((path for path, held in self.files if frozenset(held) == channels), None)


def heard(recording: "Recording") -> Heard:
    """Returns where a recording is.

    Raises:
        CellError: A source of it is a command, or is written so that nobody can tell what it is.
    """
    if not isinstance(recording.sources, list):
        raise CellError(f"has sources={shown(recording.sources)}; expected a list of sources. Make the manifest anew.")
    files = tuple((_file(each.type, each.source), _channels(each.channels)) for each in recording.sources)
    return Heard(files, _altered(recording.transforms))


def _file(kind: object, source: object) -> str | None:
    if kind == "command":
        raise CellError(
            f"is a recording that a command makes: {shown(source)}; no command is ever run. Convert such recordings to "
            "files and make the manifest anew."
        )
    if kind in _NEVER_HEARD or (isinstance(source, str) and REMOTE.match(source)):
        return None
    if kind != "file" or not isinstance(source, str):
        raise CellError(f"has a source of type {shown(kind)}; expected a file and its path. Make the manifest anew.")
    return source


def _channels(found: object) -> tuple[int, ...]:
    listed = found if isinstance(found, list | tuple) else [found]
    if not all(isinstance(channel, int) and not isinstance(channel, bool) for channel in listed):
        raise CellError(f"has channel={shown(found)}; expected a whole number or a list of them. Correct it.")
    return tuple(listed)


def _altered(transforms: object) -> str:
    names = []
    for each in transforms if isinstance(transforms, list | tuple) else []:
        name = each.get("name") if isinstance(each, Mapping) else type(each).__name__
        if name not in HARMLESS:
            names.append(str(name)[:40])
    return ", ".join(names)


class Utterances:
    """Turns supervisions into records."""

    def __init__(self, root: AudioRoot, ledger: Ledger) -> None:
        self._root = root
        self._ledger = ledger
        self._attributes = OpenAttributes(ledger)

    def tell(self) -> None:
        """Tells the ledger what was left out of attributes, once all records are read."""
        self._attributes.tell()

    def record(
        self,
        supervision: "SupervisionSegment",
        recording: Heard | None,
        *,
        place: tuple[str, int],
        start_s: float = 0.0,
        more: Mapping[str, object] | None = None,
    ) -> Record | None:
        """Returns the record of an utterance; None where it is left out.

        Args:
            supervision: What was said.
            recording: Where it is to be heard; None where nobody says.
            place: File and line.
            start_s: Where the cut that it is in starts in its recording, seconds.
            more: Attributes beside its own, which come first.

        Raises:
            CellError: It says something unusable; the message names it.
        """
        reason = NO_TRANSCRIPT if supervision.text is None else _altered_reason(recording)
        if reason:
            self._ledger.leave_out(f"{place[0]}:{place[1]}", reason)
            return None
        channels = frozenset(_channels(supervision.channel))
        custom = {**(more or {}), **_mapping(supervision.custom)}
        duration_s = custom.pop(STATED_DURATION, supervision.duration)
        language, others = self._others(supervision, recording, channels)
        return Record(
            file=place[0],
            line=place[1],
            utterance_id=read_cell("id", supervision.id, cells.identifier),
            text=read_cell("text", supervision.text, cells.reference),
            audio=self._audio(recording, channels),
            speaker_id=read_cell("speaker", supervision.speaker, cells.optional_identifier),
            offset=_start(supervision.start, start_s),
            duration=read_cell("duration", duration_s, _seconds),
            language=language,
            attributes=self._attributes.of({**others, **custom}),
        )

    def _audio(self, recording: Heard | None, channels: frozenset[int]) -> str | None:
        if recording is None:
            self._ledger.remark("some supervisions name no recording that is described: they can be scored, not heard")
            return None
        path = recording.path(channels)
        if path is not None:
            return read_cell("source", path, lambda _: self._root.relative(path))
        if any(path is None for path, _ in recording.files):
            self._ledger.remark("recordings that are no files (addresses, bytes) are not fetched: scored, not heard")
        else:
            self._ledger.remark(
                "utterances on one channel of a file with several name no recording, since all channels would be heard "
                "at once; split the files by channel to hear them"
            )
        return None

    def _others(
        self, supervision: "SupervisionSegment", recording: Heard | None, channels: frozenset[int]
    ) -> tuple[str | None, dict[str, object]]:
        """Returns the language's tag, and what is an attribute here and a field there."""
        others: dict[str, object] = {}
        if supervision.gender is not None:
            others["gender"] = supervision.gender
        if recording is not None and channels < recording.channels:
            others["channel"] = "|".join(map(str, sorted(channels)))
        written = supervision.language
        if written is not None and not isinstance(written, str):
            raise CellError(f"has language={shown(written)}; expected a text such as en-GB. Correct it.")
        tag = language_of(written) if written else None
        if written and tag is None:
            others[OTHER_LANGUAGE] = written
        return tag, others


def _altered_reason(recording: Heard | None) -> str:
    if recording is None or not recording.altered:
        return ""
    return f"its recording is altered before it is heard ({recording.altered}), so its file is another one"


def _start(start: object, cut_start_s: float) -> float:
    start_s = read_cell("start", start, lambda cell: cells.number(cell) or 0.0)
    both = start_s + cut_start_s if not (start_s and cut_start_s) else round(start_s + cut_start_s, _EXACT_DIGITS)
    return read_cell("start", both, cells.offset_s)


def _seconds(cell: object) -> float:
    found = cells.duration_s(cell)
    if found != found:
        raise CellError("seconds above zero. Make the manifest anew.")
    return found


def _mapping(custom: object) -> dict[str, object]:
    if custom is None:
        return {}
    if not isinstance(custom, Mapping) or not all(isinstance(name, str) for name in custom):
        raise CellError(f"has custom={shown(custom)}; expected a mapping from names to values. Correct it.")
    return dict(custom)
