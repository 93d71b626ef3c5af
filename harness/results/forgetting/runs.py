"""A run directory, or a baseline's copy of one, in; what it keeps of people, and the same without their rows, out.

Rows are removed in an order that a kill leaves a way back from: first what is found by ids that the scores tell, the
scores last. Every table that is made of the scores is removed before them, so that none can outlive them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from harness.errors import RunDirectoryError
from harness.results.forgetting.people import SPEAKER, UTTERANCE, Sought, Theirs, theirs_of
from harness.results.forgetting.rows import count_rows, without_rows
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    CHANGED,
    CONDITIONS,
    CROSSINGS,
    DISPARITIES,
    EXTRA_HARM,
    FACTS,
    HTML,
    MATCHED,
    METRICS,
    NORMALIZERS,
    PLACED,
    REPORT,
    SCORES,
    SLICES,
    SPEED,
    SUMMARY,
    TERM_COUNTS,
    TERM_EXAMPLES,
    TERM_LIST,
    TERM_SPANS,
    TERM_VALUES,
    TERMS,
)
from harness.transcription.caching.forgetting import heard_as

HYPOTHESES, UNMATCHED = "hypotheses", "unmatched.csv"
FORGOTTEN = "forgotten"  # of run.json: a note each time that somebody was
DERIVED = (  # all that is made of the scores, what says that the run has ended first
    HTML, REPORT, SUMMARY, SLICES, DISPARITIES, METRICS, ADJUSTED, MATCHED, BALANCE, NORMALIZERS, SPEED, CONDITIONS,
    EXTRA_HARM, CROSSINGS, PLACED, TERMS, TERM_COUNTS, TERM_SPANS, TERM_LIST, TERM_EXAMPLES, TERM_VALUES,
)  # fmt: skip
_LARGEST = 20_000_000  # bytes of a run.json


@dataclass(frozen=True, slots=True)
class Origin:
    """Says of which manifest a run is.

    Attributes:
        name: What the run calls it.
        path: As the run was told; empty where it does not say.
        digest: Of the manifest, its datasheet and its list of those who withdrew; empty where it does not say.
        forgotten: When somebody was last forgotten in the run, seconds since 1970; 0: never.
    """

    name: str
    path: str
    digest: str
    forgotten: float = 0.0


def facts_of(folder: Path) -> Mapping[str, object] | None:
    """Return run.json where it is that of a run of this harness; else None."""
    path = folder / FACTS
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("fingerprint"), dict) else None


def origin_of(facts: Mapping[str, object]) -> Origin:
    """Return of which manifest a run is, as far as its facts tell."""
    fingerprint, manifest = facts.get("fingerprint"), facts.get("manifest")
    told = fingerprint if isinstance(fingerprint, Mapping) else {}
    about = manifest if isinstance(manifest, Mapping) else {}
    path, digest = _plain(told.get("config.manifest.path")), _plain(told.get("manifest_digest"))
    name = about.get("name") or _plain(told.get("config.manifest.name")) or Path(path).stem
    return Origin(str(name), path, str(about.get("digest") or digest), _last(facts.get(FORGOTTEN)))


def _last(told: object) -> float:
    """Return when the last of a run's notes on those who were forgotten was written."""
    try:
        return datetime.fromisoformat(told[-1]["at"]).timestamp() if isinstance(told, list) else 0.0
    except (LookupError, TypeError, ValueError, OverflowError, OSError):
        return 0.0


def _plain(encoded: object) -> str:
    """Return a text of a fingerprint, which has it as JSON."""
    try:
        told = json.loads(encoded) if isinstance(encoded, str) else None
    except ValueError:
        return ""
    return told if isinstance(told, str) else ""


def theirs_in(folder: Path, sought: Sought) -> Theirs | None:
    """Return what the scores of a run know of people; None where there are no scores.

    Raises:
        RunDirectoryError: They cannot be read.
    """
    path = folder / SCORES
    if path.is_symlink() or not path.is_file():
        return None
    try:
        speakers = pyarrow.parquet.read_table(path, columns=[SPEAKER])[SPEAKER]
        people = sought.among(speakers.unique().to_pylist())
        if not people:
            return Theirs()
        rows = pd.read_parquet(path, columns=[SPEAKER, UTTERANCE])
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        raise RunDirectoryError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}).") from error
    return theirs_of(rows, people)


def hypotheses_of(folder: Path) -> list[Path]:
    """Return the files of hypotheses of a run, those of the settings of an audit among them."""
    inside = folder / HYPOTHESES
    if inside.is_symlink():
        return []
    return sorted(path for path in inside.rglob("*.jsonl") if path.is_file() and not path.is_symlink())


def row_files_of(folder: Path) -> Iterator[Path]:
    """Yield the files with a row an utterance that are found by ids, the scores last."""
    yield from hypotheses_of(folder)
    for name in (UNMATCHED, CHANGED, SCORES):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            yield path


def n_rows_of(folder: Path, theirs: Theirs) -> int:
    """Count their rows in the files of a run that has no scores yet.

    Raises:
        RunDirectoryError: One of the files is damaged.
    """
    return sum(count_rows(path, _seen(path, theirs)) for path in row_files_of(folder))


def heard_in(folder: Path, theirs: Theirs) -> Iterator[tuple[bytes, float]]:
    """Yield what a run heard of them, as a cache may have it; lines that are damaged tell nothing."""
    for path in hypotheses_of(folder):
        with path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict) and theirs.has(UTTERANCE, record.get(UTTERANCE)):
                    text, audio_s = record.get("text"), record.get("audio_s")
                    if isinstance(text, str) and isinstance(audio_s, int | float):
                        yield heard_as(text, audio_s)


def remove_derived(folder: Path) -> None:
    """Remove all that is made of the scores."""
    for name in DERIVED:
        (folder / name).unlink(missing_ok=True)


def remove_rows(folder: Path, theirs: Theirs) -> int:
    """Remove their rows from every file of a run; the scores are the last. Return how many there were.

    Raises:
        RunDirectoryError: A file is damaged.
        StorageError: A file cannot be written.
    """
    return sum(without_rows(path, _seen(path, theirs)) for path in list(row_files_of(folder)))


def _seen(path: Path, theirs: Theirs) -> Theirs:
    return theirs.of_unmatched if path.name == UNMATCHED else theirs
