"""Folders in; everything in them that a harness wrote and that keeps, or may keep, somebody, out.

No link is followed, and folders are told by what is in them, never by their names.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.results.baselines import BLESSING
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.marker import MARKER
from harness.results.forgetting.runs import facts_of
from harness.results.run import FACTS, SCORES

_MEASURES = ("benchmark", "rescore", "last_mile")
_OF_PIPELINE = {
    "audit_invariance": Kind.audit,
    "describe": Kind.describe,
    "measure": Kind.measured,
    "compare": Kind.derived,
    "discover": Kind.derived,
    "plan": Kind.derived,
}
_RECORDS = {  # a file that tells what its folder is, in the order in which they are looked for
    BLESSING: Kind.baseline,
    "hidden.csv": Kind.aggregate,  # of what was shared
    "export.json": Kind.export,
    "import.yaml": Kind.manifest,
    "kit.yaml": Kind.manifest,
}
_AGGREGATES = ("service_card.json", "release.json", "releases.jsonl", "nightly.json")
_LOGS = (".log", ".cell.json")
_NIGHT_FILES = ("nightly.json", "nightly.md", "nightly.xml", "changes.csv")
_ARCHIVES = (".tar", ".tar.gz", ".tgz")
_OTHERS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".html", ".yaml", ".xml", ".log", ".parquet", ".gz")
_CACHED = {"key", "identity", "condition", "audio_digest", "text", "audio_s"}  # of a line of an exported cache
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """Is a folder or a file that may keep somebody."""

    path: Path
    kind: Kind


def seen_in(folders: Sequence[Path]) -> Iterator[Seen]:
    """Yield what is in folders, each once, in the order of the names.

    Raises:
        UsageError: A folder is not there.
    """
    known: set[tuple[Path, Kind]] = set()
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                f"where={folder}: no such folder. Name the folders with runs, baselines and what is of them."
            )
        for seen in _below(folder):
            place = (seen.path.resolve(), seen.kind)
            if place not in known:
                known.add(place)
                yield seen


def _below(folder: Path) -> Iterator[Seen]:
    """Walk down; what is in a run is the run's, and not looked at again."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield Seen(folder, Kind.other)
        return
    names = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    kind = _kind_of(folder, names)
    if kind is not None:
        yield Seen(folder, kind)
        yield from (Seen(folder / name, Kind.aggregate) for name in sorted(names & set(_AGGREGATES)))
    if kind not in (None, Kind.manifest):
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _below(path)
        elif kind is None and entry.is_file(follow_symlinks=False):
            yield from _of_file(path, names)


def _kind_of(folder: Path, names: set[str]) -> Kind | None:
    """Return what a folder is; None: nothing but a folder."""
    for name, kind in _RECORDS.items():
        if name in names:
            return kind
    if "ledger.jsonl" in names and (folder / "public" / "rules.json").is_file():
        return Kind.bounty
    facts = facts_of(folder) if FACTS in names else None
    if facts is None:
        return Kind.run if MARKER in names and SCORES in names else None
    pipeline = facts.get("pipeline")
    if isinstance(pipeline, str) and pipeline in _OF_PIPELINE:
        return _OF_PIPELINE[pipeline]
    if SCORES in names or MARKER in names:
        return Kind.run
    if pipeline in (None, *_MEASURES):
        return Kind.measured if "measurements.jsonl" in names else Kind.unfinished
    return Kind.aggregate


def _of_file(path: Path, beside: set[str]) -> Iterator[Seen]:
    name = path.name
    if name in _AGGREGATES:
        yield Seen(path, Kind.aggregate)
    if name.endswith(_LOGS) or (name in _NIGHT_FILES and _NIGHT_FILES[0] in beside):
        yield Seen(path, Kind.log)
    elif name.endswith(_ARCHIVES):
        yield Seen(path, Kind.bundle)
    elif name == "index.html":
        yield Seen(path, Kind.aggregate)
    elif name.endswith(".jsonl") and _is_exported_cache(path):
        yield Seen(path, Kind.cache_export)
    elif name not in _AGGREGATES and name.endswith(_OTHERS):
        yield Seen(path, Kind.other)


def _is_exported_cache(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            record = json.loads(file.readline(_LONGEST_LINE))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and set(record) >= _CACHED
