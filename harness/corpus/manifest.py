"""A manifest file and the datasheet beside it in, a validated `Manifest` out: one row an utterance, nothing dropped."""

import hashlib
import logging
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from harness.corpus.attributes import Attribute
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError, language_tag
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet, absent_datasheet, datasheet_bytes, parse_datasheet
from harness.corpus.people import Withdrawn, withdrawn_beside
from harness.corpus.reading import READERS, read_table
from harness.corpus.rows import Rows, read_rows
from harness.corpus.selection import select
from harness.corpus.withdrawal import LeftOut, without_withdrawn
from harness.errors import UsageError

log = logging.getLogger(__name__)

_LIKELY_SILENT = frozenset({"prefer not to say", "n/a", "not stated", "unknown", "none"})


@dataclass(frozen=True, slots=True)
class Utterance:
    """Says where one utterance is to be heard.

    Attributes:
        utterance_id: Unique in its manifest.
        audio_filepath: Absolute path of the recording; None when the manifest is only for scoring.
        offset_s: Start in the recording, seconds.
        duration_s: Length, seconds; None when not stated: to the end of the recording.
        language: BCP 47 tag; None when not stated.
    """

    utterance_id: str
    audio_filepath: Path | None
    offset_s: float
    duration_s: float | None
    language: str | None


@dataclass(frozen=True, eq=False)
class Manifest:
    """Holds what was said, by whom and how tagged.

    Attributes:
        name: What reports call it.
        path: The manifest file.
        datasheet: What is known of the corpus; without a file, `datasheet.declared` is False.
        frame: One row an utterance, in file order: utterance_id, audio_filepath (absolute, or None), offset and
            duration (seconds; NaN duration: unknown), text, speaker_id and language (or None), then a column an
            attribute whose values are texts, `undeclared` or `declined`; tuples of these where multivalued.
        digest: SHA-256 of the bytes of manifest, datasheet and lists of people who withdrew, in hexadecimal.
        notes: What outputs must say on their face.
        left_out: People who withdrew their consent, and their utterances, which are in no row.
    """

    name: str
    path: Path
    datasheet: Datasheet
    frame: pd.DataFrame
    digest: str
    notes: tuple[str, ...]
    left_out: LeftOut = field(default_factory=LeftOut)

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        audio_root: Path | str | None = None,
        allow_outside: bool = False,
        language: str | None = None,
        require_audio: bool = True,
        withdrawn: Path | str | None = None,
    ) -> "Manifest":
        """Reads and checks a manifest and the datasheet beside it.

        A row's language is its own, else `language`, else the datasheet's. Without a column of ids, an id is the audio
        path without extension, and `#` with the offset for a segment that starts later in its recording.

        Args:
            path: JSON Lines (`.jsonl`, `.ndjson`, NeMo's `.json`), CSV, TSV or Parquet, known by suffix.
            name: What reports call it; the datasheet's name, or the file's, when not given.
            columns: The file's name for a contract column or a declared attribute, where they differ.
            audio_root: The folder audio paths start from and stay in; the manifest's own when not given.
            allow_outside: Whether audio may lie outside that folder; only for manifests you trust.
            language: BCP 47 tag of rows that state none.
            require_audio: Whether each row needs a recording that exists; not so for scoring transcripts.
            withdrawn: A list of people who withdrew their consent, beside that in the manifest's folder.

        Raises:
            UsageError: An argument is wrong, or the file is not there.
            ManifestError: The datasheet or any row is bad; every one of them is named.
        """
        path = Path(path)
        _check_language(language)
        folder = AudioFolder(_existing_folder(audio_root, path), allow_outside=allow_outside, must_exist=require_audio)
        data = _existing_file(path)
        datasheet_data, datasheet = _read_datasheet_beside(path)
        table = read_table(path.name, path.suffix, data)
        selection = select(table, datasheet, columns or {}, require_audio=require_audio)
        people = withdrawn_beside(path, None if withdrawn is None else Path(withdrawn))
        table, left_out = without_withdrawn(table, selection, people, folder)
        rows = read_rows(table, selection, folder)
        frame = _frame(rows, language or selection.datasheet.language)
        log.info("%s: %d utterances, %d attributes", path.name, len(frame), len(rows.attributes))
        return cls(
            name=name or (datasheet.name if datasheet.declared else path.stem),
            path=path,
            datasheet=selection.datasheet,
            frame=frame,
            digest=manifest_digest(data, datasheet_data, people),
            notes=(
                *left_out.note,
                *selection.notes,
                *_speaker_notes(rows),
                *_spelling_notes(frame, selection.datasheet),
            ),
            left_out=left_out,
        )

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Returns what can be sliced on: what the datasheet declares, or every other column when there is none."""
        return self.datasheet.attributes

    def utterances(self) -> Iterator[Utterance]:
        """Yields where each utterance is to be heard, in file order."""
        columns = ("utterance_id", "audio_filepath", "offset", "duration", "language")
        for utterance_id, audio, offset_s, duration_s, language in zip(
            *(self.frame[column] for column in columns), strict=True
        ):
            yield Utterance(
                utterance_id,
                None if audio is None else Path(audio),
                offset_s,
                None if math.isnan(duration_s) else duration_s,
                language,
            )

    def __len__(self) -> int:
        return len(self.frame)


def _existing_file(path: Path) -> bytes:
    if path.suffix.lower() not in READERS:
        raise UsageError(
            f"{path}: the suffix {path.suffix!r} is of no known manifest format; expected one of {', '.join(READERS)}."
        )
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a file. Name the manifest itself with manifest.path.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the manifest cannot be read: {error.strerror}. Correct manifest.path.") from error


def _existing_folder(audio_root: Path | str | None, path: Path) -> Path:
    if audio_root is None:
        return path.absolute().parent
    if not Path(audio_root).is_dir():
        raise UsageError(
            f"manifest.audio_root={audio_root}: no such folder. Name the folder that audio paths start from."
        )
    return Path(audio_root)


def _check_language(language: str | None) -> None:
    try:
        language_tag(language)
    except CellError as error:
        raise UsageError(f"language={language!r}; expected {error}") from error


def _read_datasheet_beside(path: Path) -> tuple[bytes, Datasheet]:
    datasheet_path = path.absolute().parent / DATASHEET_FILE
    misspelt = datasheet_path.with_suffix(".yml")
    if misspelt.exists():
        raise UsageError(f"{misspelt}: would not be read. Rename it to {DATASHEET_FILE}.")
    if not os.path.lexists(datasheet_path):
        return b"", absent_datasheet(path.stem)
    inside = datasheet_path.resolve().is_relative_to(datasheet_path.parent.resolve())
    if not datasheet_path.is_file() or not inside:
        raise UsageError(f"{datasheet_path}: expected a file in the manifest's folder, not a link out of it or a pipe.")
    data = datasheet_bytes(datasheet_path)
    return data, parse_datasheet(data, datasheet_path)


def manifest_digest(data: bytes, datasheet_data: bytes, people: Withdrawn) -> str:
    """Returns the digest of all that the manifest was read from; a list of nobody changes nothing."""
    parts = [data, datasheet_data, *([people.data] if people.speaker_ids else [])]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _frame(rows: Rows, default_language: str | None) -> pd.DataFrame:
    # Objects throughout: pandas 3 would turn None into NaN in a column of texts, pandas 2 would not.
    texts = {
        "utterance_id": rows.utterance_ids,
        "audio_filepath": rows.audio_filepaths,
        "text": rows.references,
        "speaker_id": rows.speaker_ids,
        "language": [language or default_language for language in rows.languages],
        **rows.attributes,
    }
    columns = {name: pd.Series(values, dtype=object) for name, values in texts.items()}
    columns["offset"] = pd.Series(rows.offsets_s, dtype=float)
    columns["duration"] = pd.Series(rows.durations_s, dtype=float)
    first = ["utterance_id", "audio_filepath", "offset", "duration", "text", "speaker_id", "language"]
    return pd.DataFrame({name: columns[name] for name in [*first, *rows.attributes]})


def _speaker_notes(rows: Rows) -> tuple[str, ...]:
    n_unknown = rows.speaker_ids.count(None)
    if n_unknown == 0:
        return ()
    if n_unknown == len(rows.speaker_ids):
        return (
            "no speaker ids: intervals and tests cannot resample speakers; "
            "map a column of them with manifest.columns.speaker_id=ITS_NAME",
        )
    return (f"{n_unknown} of {len(rows.speaker_ids)} utterances have no speaker id",)


def _spelling_notes(frame: pd.DataFrame, datasheet: Datasheet) -> tuple[str, ...]:
    """Name what is taken for different people or groups and may not be meant so."""
    notes = []
    for name in ("speaker_id", *(attribute.name for attribute in datasheet.attributes)):
        cells = frame[name].dropna().unique()
        values = sorted({value for cell in cells for value in (cell if isinstance(cell, tuple) else (cell,))})
        spellings: dict[str, list[str]] = {}
        for value in values:
            spellings.setdefault(value.casefold(), []).append(value)
        alike = [", ".join(group) for group in spellings.values() if len(group) > 1]
        if alike:
            notes.append(f"{name} has values that differ only in case and count as different: {'; '.join(alike[:5])}")
        silent = [value for value in values if value.casefold() in _LIKELY_SILENT]
        if silent and name != "speaker_id":
            notes.append(
                f"{name}: {', '.join(silent)} counts as a group; list it under declined or undeclared if it is none"
            )
    return tuple(notes)
