"""A manifest with recordings in, a folder with the same manifest and what its recordings measure out.

The new manifest has every old row and column and one column a property, declared as measured attributes with bins, so
that `slices.by=[snr_db,accent]` slices by them as by any other. No audio is copied.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from harness.audio.measurements import VERSION
from harness.corpus import Manifest
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.extending import (
    Extension,
    check_extension,
    extended_datasheet,
    extended_frame,
    extended_lines,
)
from harness.errors import DataError, RunDirectoryError, StorageError, UsageError
from harness.pipelines.evaluation import EXIT_TOO_MANY_FAILED, EXIT_WITHIN_POLICY
from harness.pipelines.measured_attributes import NOTE, PROPERTIES, measured_attributes
from harness.pipelines.measured_rows import MeasuredRow, Spoken, measured_rows
from harness.pipelines.measured_table import property_table
from harness.provenance import digest_of_recordings, environment, version
from harness.report.properties import PROPERTIES_CSV, Measured
from harness.report.sources import Sources
from harness.results import Run, open_run_directory
from harness.results.run import FACTS
from harness.transcription.progress import CountedProgress, stage

log = logging.getLogger(__name__)

ROWS = "measurements.jsonl"  # what was measured so far, a line an utterance
PARQUET = ".parquet"


@dataclass(frozen=True, kw_only=True)
class MeasureJob:
    """Holds what `harness measure` needs, as ordinary objects.

    Attributes:
        manifest: What is measured, loaded without asking whether its recordings exist.
        columns: The mapping of columns that it was loaded with.
        audio_root: The folder that its audio paths start from.
        allow_outside: Whether recordings may lie outside that folder.
        out: The folder that is written; that of the same measurement is completed.
        prefix: What the names of the new columns begin with.
        threads: That decode and measure.
        max_failed: Largest share of recordings that cannot be heard in what still counts as measured.
        config: Of the run, to tell whether it is the same.
        config_yaml: The same, to be written down.
    """

    manifest: Manifest
    columns: Mapping[str, str] = field(default_factory=dict)
    audio_root: Path
    allow_outside: bool = False
    out: Path
    prefix: str = ""
    threads: int = 2
    max_failed: float = 0.05
    config: Mapping[str, object] = field(default_factory=dict)
    config_yaml: str = "{}\n"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.threads < 1:
            raise UsageError(f"threads={self.threads}; expected 1 or more.")
        if not 0 <= self.max_failed <= 1:
            raise UsageError(f"max_failed={self.max_failed}; expected a share between 0 and 1.")


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """Says what was measured, and how the command ends."""

    answer: Measured
    exit_status: int = EXIT_WITHIN_POLICY


def measure(job: MeasureJob) -> MeasureOutcome:
    """Measure every recording that is not measured yet, then write the new manifest.

    Raises:
        UsageError: The folder is another's, or a new column would replace an old one.
        DataError: No recording could be heard.
        StorageError: Something cannot be written; what is measured is kept.
    """
    started = time.perf_counter()
    check_extension(job.manifest, job.columns, [*(each.name for each in measured_attributes(job.prefix)), _note(job)])
    folder = AudioFolder(job.audio_root, allow_outside=job.allow_outside, must_exist=True)
    try:
        with open_run_directory(
            str(job.out),
            pipeline="measure",
            name=job.manifest.name,
            config_yaml=job.config_yaml,
            fingerprint=_fingerprint(job),
        ) as run:
            rows = _measured(job, folder, run.path / ROWS)
            answer = _written(run, job, _extension(job, folder, rows), rows)
            run.write_json(FACTS, _facts(run, job, rows, time.perf_counter() - started))
    except (RunDirectoryError, StorageError) as error:
        raise type(error)(str(error).replace("run_dir=", "out=")) from error
    too_many = answer.n_failed > job.max_failed * answer.n_utterances
    return MeasureOutcome(answer, EXIT_TOO_MANY_FAILED if too_many else EXIT_WITHIN_POLICY)


def _fingerprint(job: MeasureJob) -> dict[str, object]:
    with stage("looking for recordings", n_rows=len(job.manifest)):
        paths = job.manifest.frame["audio_filepath"].dropna().unique()
        recordings = digest_of_recordings([path for path in paths if Path(path).is_file()])
    return {
        "harness": version("asr-fairness-harness"),
        "measurements": VERSION,
        "config": {key: job.config[key] for key in ("manifest",) if key in job.config},
        "columns": dict(job.columns),
        "prefix": job.prefix,
        "manifest_digest": job.manifest.digest,
        "recordings_digest": recordings,
    }


def _measured(job: MeasureJob, folder: AudioFolder, path: Path) -> list[MeasuredRow]:
    spoken = [
        Spoken(utterance, text)
        for utterance, text in zip(job.manifest.utterances(), job.manifest.frame["text"], strict=True)
    ]
    rows: list[MeasuredRow] = []
    with CountedProgress(len(spoken), doing="measuring", done="measured") as progress:
        for some in measured_rows(spoken, folder, path, threads=job.threads):
            rows += some
            progress.count(len(some), sum(row.failed for row in some))
    n_failed = sum(row.failed for row in rows)
    if n_failed == len(rows):
        raise DataError(f"none of {len(rows)} recordings could be measured; the first: {rows[0].note}.")
    log.info("%d recordings measured, %d failed", len(rows) - n_failed, n_failed)
    return rows


def _extension(job: MeasureJob, folder: AudioFolder, rows: Sequence[MeasuredRow]) -> Extension:
    columns: dict[str, Sequence[object]] = {
        f"{job.prefix}{name}": [getattr(row, name) for row in rows] for name in PROPERTIES
    }
    return Extension(
        columns | {_note(job): [row.note for row in rows]},
        measured_attributes(job.prefix),
        [None if path is None else folder.relative(path) for path in job.manifest.frame["audio_filepath"]],
    )


def _written(run: Run, job: MeasureJob, extension: Extension, rows: Sequence[MeasuredRow]) -> Measured:
    """Write the files that others read, the manifest last: where it is, the folder is whole."""
    table = property_table(job.manifest, rows)
    with stage("writing", n_rows=len(rows)):
        run.write_table(PROPERTIES_CSV, table)
        run.write_text(DATASHEET_FILE, extended_datasheet(job.manifest, extension))
        if job.manifest.path.suffix.lower() == PARQUET:
            name = f"manifest{PARQUET}"
            run.write_table(name, extended_frame(job.manifest, job.columns, extension))
        else:
            name = "manifest.jsonl"
            run.write_text(name, extended_lines(job.manifest, job.columns, extension))
    return Measured(
        path=run.path,
        manifest=name,
        table=table,
        n_utterances=len(rows),
        failed=tuple((row.utterance_id, row.note) for row in rows if row.failed),
        notes=_notes(rows),
        next_options=_next_options(job, extension.audio_filepaths),
        prefix=job.prefix,
        sources=Sources.of_datasheet(job.manifest.datasheet),
    )


def _next_options(job: MeasureJob, audio_filepaths: Sequence[str | None]) -> tuple[str, ...]:
    """Return the options with which other pipelines find the audio: a manifest cannot allow itself another folder."""
    root = f"manifest.audio_root={job.audio_root.absolute()}"
    is_outside = any(path is not None and Path(path).is_absolute() for path in audio_filepaths)
    return (root, "manifest.allow_outside=true") if is_outside else (root,)


def _note(job: MeasureJob) -> str:
    return f"{job.prefix}{NOTE}"


def _notes(rows: Sequence[MeasuredRow]) -> tuple[tuple[str, int], ...]:
    """Return every note of a recording that was heard, and of how many, the most frequent first."""
    counts = Counter(note for row in rows if not row.failed and row.note for note in row.note.split("; "))
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _facts(run: Run, job: MeasureJob, rows: Sequence[MeasuredRow], elapsed_s: float) -> dict[str, object]:
    return {
        "fingerprint": run.facts["fingerprint"],
        "pipeline": "measure",
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "manifest": {"name": job.manifest.name, "digest": job.manifest.digest},
        "measurements": {"version": VERSION, "properties": [f"{job.prefix}{name}" for name in PROPERTIES]},
        "n_rows_in": len(job.manifest),
        "n_measured": sum(not row.failed for row in rows),
        "n_failed": sum(row.failed for row in rows),
        "notes": dict(_notes(rows)),
        "timings_s": {"measuring": elapsed_s},
    }
