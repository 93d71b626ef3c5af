"""A manifest and people in; what it has of them out, and the list beside it by which later runs leave them out.

Manifest and recordings are their owner's: nothing of them is changed. The list names people as the manifest itself
does, so that it tells nobody more than the manifest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

from harness.audio import SAMPLE_RATE, read_waveform
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError, duration_s, optional_identifier
from harness.corpus.datasheet import DATASHEET_FILE, absent_datasheet, datasheet_bytes, parse_datasheet
from harness.corpus.importers.placing import locked
from harness.corpus.manifest import manifest_digest
from harness.corpus.people import WITHDRAWN_FILE, Withdrawn, list_in, read_withdrawn
from harness.corpus.reading import Table, read_table
from harness.corpus.rows import read_rows
from harness.corpus.selection import select
from harness.errors import AudioError, UsageError
from harness.results.forgetting.people import Sought, Theirs, names_of_recordings
from harness.results.forgetting.rows import write_text
from harness.transcription.cache import waveform_digest


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """Says where a manifest is and how it is read, as the options of a run do.

    Attributes:
        path: The file.
        columns: Its columns for those of the contract, where they differ.
        audio_root: The folder that audio paths start from; None: its own.
        allow_outside: Whether audio may lie outside that.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    audio_root: Path | None = None
    allow_outside: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """Is where an utterance is heard."""

    path: Path
    offset_s: float
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class ManifestOfThem:
    """Is what a manifest has of people.

    Attributes:
        source: The manifest.
        name: What runs of it call it.
        theirs: Their ids.
        clips: Their recordings.
        is_listed: Whether the list beside it has all of them.
        digest: Of the manifest and its datasheet, as of a run from before anybody withdrew.
    """

    source: ManifestSource
    name: str
    theirs: Theirs
    clips: tuple[Clip, ...]
    is_listed: bool
    digest: str

    @property
    def list(self) -> Path:
        """Return the list of those who withdrew, which need not be there."""
        return self.source.path.absolute().parent / WITHDRAWN_FILE


def look_into(source: ManifestSource, sought: Sought) -> ManifestOfThem | None:
    """Return what a manifest has of people; None where it has nothing, or does not say who speaks.

    Raises:
        HarnessError: It cannot be read as a manifest.
    """
    path = source.path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the manifest cannot be read ({error.strerror}).") from error
    sheet_path = path.absolute().parent / DATASHEET_FILE
    has_sheet = sheet_path.is_file() and not sheet_path.is_symlink()
    sheet_data = datasheet_bytes(sheet_path) if has_sheet else b""
    sheet = parse_datasheet(sheet_data, sheet_path) if has_sheet else absent_datasheet(path.stem)
    table = read_table(path.name, path.suffix, data)
    selection = select(table, sheet, source.columns, require_audio=False)
    column = selection.columns.get("speaker_id")
    if column is None:
        return None
    speakers = [_speaker(cell) for cell in table.columns[column]]
    people = sought.among(dict.fromkeys(speakers))
    if not people:
        return None
    rows = [row for row, speaker in enumerate(speakers) if speaker in people]
    names = {
        name: each for name, each in selection.columns.items() if name in ("utterance_id", "audio_filepath", "offset")
    }
    bare = type(selection)(names, absent_datasheet(path.stem), ())
    folder = AudioFolder(
        source.audio_root or path.absolute().parent, allow_outside=source.allow_outside, must_exist=False
    )
    theirs = read_rows(_rows_of(table, rows), bare, folder)
    durations = table.columns.get(selection.columns.get("duration", ""), [None] * len(table))
    clips = zip(theirs.audio_filepaths, theirs.offsets_s, [durations[row] for row in rows], strict=True)
    return ManifestOfThem(
        source,
        sheet.name if sheet.declared else path.stem,
        Theirs(people, frozenset(filter(None, theirs.utterance_ids)), names_of_recordings(theirs.audio_filepaths)),
        tuple(Clip(Path(audio), offset_s, _seconds(told)) for audio, offset_s, told in clips if audio),
        people <= _listed(path),
        manifest_digest(data, sheet_data, Withdrawn(frozenset())),
    )


def withdraw(manifest: ManifestOfThem) -> None:
    """Add people to the list beside their manifest; those whom it names stay as they are written.

    Raises:
        UsageError: There is a list that nobody would find, or that cannot be read; or another process writes there.
        StorageError: It cannot be written.
    """
    path = manifest.list
    with locked(path.parent):
        named = _listed(manifest.source.path)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        new = sorted(manifest.theirs.speaker_ids - named)
        lines = "".join(f"{' ' if each.startswith('#') else ''}{each}\n" for each in new)
        if new:
            write_text(path, f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{lines}")


def recordings_of(clips: Sequence[Clip]) -> Iterator[tuple[bytes, float] | None]:
    """Yield the digest of each clip's audio as a cache knows it, and its seconds; None where it cannot be heard."""
    for clip in clips:
        try:
            waveform = read_waveform(clip.path, offset_s=clip.offset_s, duration_s=clip.duration_s)
        except (AudioError, OSError, RuntimeError, ValueError):
            yield None
        else:
            yield waveform_digest(waveform).encode(), len(waveform) / SAMPLE_RATE


def _listed(manifest: Path) -> frozenset[str]:
    found = list_in(manifest.absolute().parent)
    return frozenset() if found is None else read_withdrawn(found).speaker_ids


def _speaker(cell: object) -> str | None:
    try:
        return optional_identifier(cell)
    except CellError:
        return None


def _seconds(cell: object) -> float | None:
    try:
        seconds = duration_s(cell)
    except CellError:
        return None
    return None if isnan(seconds) else seconds


def _rows_of(table: Table, rows: Sequence[int]) -> Table:
    columns = {name: [cells[row] for row in rows] for name, cells in table.columns.items()}
    return Table(table.problems, columns, [table.lines[row] for row in rows])
