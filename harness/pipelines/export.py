"""A manifest, or a run and its manifest, in; files that other tools read out."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.corpus import Manifest
from harness.corpus.declaring import told_attributes
from harness.corpus.importers.placing import locked, remove_parts
from harness.errors import StorageError, UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.provenance import version
from harness.report.exported import Exported
from harness.report.sources import Sources
from harness.results import Run
from harness.results.exporters.formats import NEEDS_RUN, ExportFormat, writer
from harness.results.exporters.table import export_table
from harness.transcription.progress import stage

_PARTS = ".export.part"  # a folder in OUT; what is in it is moved out when all of it is whole
EXPORT_FILE = "export.json"  # says what a folder was written from; one that has none is nobody's to write into


@dataclass(frozen=True, kw_only=True)
class ExportJob:
    """Holds what `harness export` needs, as ordinary objects.

    Attributes:
        format: What is written.
        manifest: What is exported.
        columns: The mapping of columns that it was loaded with.
        run: A finished run of it; None: the manifest alone.
        out: The folder that is written.
        audio_root: The folder that its audio paths start from.
    """

    format: ExportFormat
    manifest: Manifest
    columns: Mapping[str, str] = field(default_factory=dict)
    run: Run | None
    out: Path
    audio_root: Path | None = None


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """Says what was exported, and how the command ends."""

    answer: Exported
    exit_status: int = EXIT_WITHIN_POLICY


def export(job: ExportJob) -> ExportOutcome:
    """Write the manifest, with what the run says of it, in another tool's format.

    Raises:
        UsageError: The format is unknown or needs a run, or the folder is somebody else's.
        StorageError: It cannot be written.
    """
    write = writer(job.format)
    if job.run is None and job.format in NEEDS_RUN:
        raise UsageError(f"format={job.format.name}: holds what a recogniser made of the corpus. Give run=RUN.")
    _check_own(job.out)
    table = export_table(job.manifest, job.columns, run=job.run, audio_root=job.audio_root)
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        with locked(job.out), stage("writing", n_rows=len(table.frame)):
            paths = _written(job, lambda parts: write(table, parts))
    except OSError as error:
        raise StorageError(f"out={job.out}: cannot write ({error.strerror}). Make room, or choose another.") from error
    said = Sources.of_datasheet(job.manifest.datasheet).sentence
    notes = (*job.manifest.left_out.note, *([said] if said else []))
    return ExportOutcome(Exported(job.format.name, job.out, paths, len(table.frame), notes))


def _check_own(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"out={out}: is a file. Name a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / EXPORT_FILE).is_file():
        raise UsageError(f"out={out}: is not empty and no export has written it. Choose another folder, or empty it.")


def _written(job: ExportJob, write: Callable[[Path], Sequence[Path]]) -> tuple[Path, ...]:
    """Write all files, then put them in the place of those of an earlier export, of which none stays."""
    parts = job.out / _PARTS
    remove_parts(parts)  # of an export that was killed
    parts.mkdir()
    try:
        names = [path.name for path in write(parts)]
        old = _files_of_before(job.out)
        _write_record(job, names, parts / EXPORT_FILE)
        (parts / EXPORT_FILE).replace(job.out / EXPORT_FILE)
        for name in old:
            (job.out / name).unlink(missing_ok=True)
        for name in names:
            (parts / name).replace(job.out / name)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return tuple(job.out / name for name in names)


def _files_of_before(out: Path) -> list[str]:
    """Return the names of the files that an earlier export wrote; it may have held somebody who withdrew since."""
    try:
        found = json.loads((out / EXPORT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    names = found.get("files") if isinstance(found, dict) else None
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    known = [name for name in known if name != EXPORT_FILE]
    return [name for name in known if name == Path(name).name and "\0" not in name and (out / name).is_file()]


def _write_record(job: ExportJob, names: Sequence[str], path: Path) -> None:
    record = {
        "harness": version("asr-fairness-harness"),
        "format": job.format.name,
        "manifest": {"name": job.manifest.name, "digest": job.manifest.digest},
        "run": None if job.run is None else job.run.path.resolve().name,
        "datasheet": job.manifest.datasheet.declared,
        "attributes": told_attributes(job.manifest.attributes),
        "license": job.manifest.datasheet.license,
        "notes": list(job.manifest.notes),
        "files": list(names),
    }
    text = json.dumps(record, ensure_ascii=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
