"""A description, a measured manifest, an export or an exported cache in; the same without people out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from harness.errors import RunDirectoryError
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.people import UTTERANCE, Theirs
from harness.results.forgetting.rows import count_rows, without_rows, write_text, written_anew
from harness.transcription.caching.forgetting import Clips, heard_as
from harness.transcription.caching.rows import as_bytes
from harness.transcription.store import CLEAN

DESCRIBED = ("speakers.csv", "duplicates.csv", "leakage.csv", "conflicts.csv")  # tables that name somebody
ROWS, PROPERTIES = "measurements.jsonl", "properties.csv"
_MANIFESTS = ("manifest.jsonl", "manifest.parquet")
EXPORT = "export.json"


def tables_of(folder: Path, kind: Kind) -> list[Path]:
    """Return the tables of a folder that may name somebody."""
    names = DESCRIBED if kind is Kind.describe else (ROWS,) if kind is Kind.measured else ()
    found = [folder / name for name in names] if names else sorted(folder.glob("*.csv"))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def n_rows(folder: Path, kind: Kind, theirs: Theirs) -> int:
    """Count the rows of theirs in a folder.

    Raises:
        RunDirectoryError: A table is damaged.
    """
    return sum(count_rows(path, theirs) for path in tables_of(folder, kind))


def clear(folder: Path, kind: Kind, theirs: Theirs) -> int:
    """Remove the rows of theirs; of a measured manifest its own first, which are found by those of the measurements.

    Raises:
        RunDirectoryError: A table is damaged, or the manifest is another than that of the measurements.
        StorageError: A table cannot be written.
    """
    if kind is Kind.measured:
        _clear_manifest(folder, theirs)
    return sum(without_rows(path, theirs) for path in tables_of(folder, kind))


def _clear_manifest(folder: Path, theirs: Theirs) -> None:
    """Remove the rows of a measured manifest, whatever it calls its columns: it has the order of its measurements."""
    measured = (folder / ROWS).read_bytes().splitlines() if (folder / ROWS).is_file() else []
    ids = [json.loads(line).get(UTTERANCE) for line in measured]
    gone = [name in theirs.utterance_ids for name in ids]
    if not any(gone):
        return
    for path in (folder / name for name in _MANIFESTS):
        if not path.is_file() or path.is_symlink():
            continue
        table = pd.read_parquet(path) if path.suffix == ".parquet" else None
        lines = path.read_bytes().splitlines(keepends=True) if table is None else []
        n_found = len(lines) if table is None else len(table)
        if n_found == len(gone) - sum(gone):  # done by a command that was stopped after this
            continue
        if n_found != len(gone):
            raise RunDirectoryError(f"{path}: has {n_found} rows and {ROWS} {len(gone)}. Measure it again.")
        with written_anew(path) as part:
            if table is None:
                part.write_bytes(b"".join(line for line, is_gone in zip(lines, gone, strict=True) if not is_gone))
            else:
                table[[not each for each in gone]].reset_index(drop=True).to_parquet(part, index=False)


def export_record(folder: Path) -> Mapping[str, object]:
    """Return what an export says of itself; nothing where it cannot be read."""
    try:
        told = json.loads((folder / EXPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def exported_files(folder: Path) -> list[Path]:
    """Return the files that an export wrote and that are there; names that lead elsewhere are not its own."""
    names = export_record(folder).get("files")
    told = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    paths = [folder / name for name in told if name == Path(name).name and "\0" not in name and name != EXPORT]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def clear_export(folder: Path) -> None:
    """Remove the files of an export; what says what they were stays, so that another can be written in their place.

    Raises:
        StorageError: The record cannot be written.
    """
    for path in exported_files(folder):
        path.unlink(missing_ok=True)
    record = dict(export_record(folder)) | {"files": []}
    write_text(folder / EXPORT, json.dumps(record, ensure_ascii=False, indent=2) + "\n")


def n_cached_lines(path: Path, clips: Clips) -> int:
    """Count the lines of an exported cache that are of somebody's clips."""
    return sum(is_theirs for _, is_theirs in _cached_lines(path, clips))


def clear_cached_lines(path: Path, clips: Clips) -> None:
    """Remove the lines of an exported cache that are of somebody's clips.

    Raises:
        StorageError: It cannot be written.
    """
    with written_anew(path) as part, part.open("wb") as file:
        file.writelines(line for line, is_theirs in _cached_lines(path, clips) if not is_theirs)


def _cached_lines(path: Path, clips: Clips) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue  # torn
            yield line, isinstance(record, dict) and _is_of(record, clips)


def _is_of(record: Mapping[str, object], clips: Clips) -> bool:
    digest, text, audio_s = (record.get(name) for name in ("audio_digest", "text", "audio_s"))
    if isinstance(digest, str) and as_bytes(digest) in clips.audio_digests:
        return True
    if not isinstance(audio_s, int | float):
        return False
    if isinstance(text, str) and heard_as(text, audio_s) in clips.heard:
        return True
    return record.get("condition") != CLEAN and float(audio_s) in clips.lengths_s
