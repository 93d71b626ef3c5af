"""Tables and facts of one run in, the run directory of the contract out, and back.

A run directory belongs to one configuration, one manifest and one backend: it is opened again only by the same.
"""

import fcntl
import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import RunDirectoryError, StorageError, UsageError
from harness.results.collected import check_facts
from harness.transcription import HypothesisStore

log = logging.getLogger(__name__)

CONFIG, FACTS, SCORES, SLICES, DISPARITIES, SUMMARY = (
    "config.yaml", "run.json", "scores.parquet", "slices.csv", "disparities.csv", "summary.json",
)  # fmt: skip
REPORT, HTML = "report.md", "report.html"
METRICS, ADJUSTED, MATCHED, BALANCE, NORMALIZERS = (  # the evidence beside the verdicts; a run may have none of it
    "metrics.csv", "adjusted.csv", "matched.csv", "balance.csv", "normalizers.csv",
)  # fmt: skip
SPEED = "speed.csv"  # of the runs whose transcripts have times
LEVELS, CONDITIONS, EXTRA_HARM, CROSSINGS, PLACED = (  # of harness last_mile; the last where a run is beside it
    "levels.csv", "conditions.csv", "extra_harm.csv", "crossings.csv", "placed.csv",
)  # fmt: skip
TERMS, TERM_COUNTS, TERM_SPANS, TERM_LIST, TERM_EXAMPLES, TERM_VALUES = (  # where a list of terms was given
    "terms.csv", "terms.parquet", "term_spans.parquet", "term_list.csv", "term_examples.csv", "term_values.csv",
)  # fmt: skip
COMPARISONS, DISCOVERIES, PLAN = "comparisons.csv", "discoveries.csv", "plan.csv"  # of the pipelines of these names
INVARIANCE, CHANGED = "invariance.csv", "changed.jsonl"  # of harness audit_invariance
_NAMES = ("dimension", "slice", "comparator", "condition", "sweep", "term", "said", "heard", "heard_instead")
_FROM_RUNS = ("compare", "discover", "plan", "audit_invariance", "describe")  # their run directories have no scores
_PART = ".part"  # ends the names of files that are being written
_ORPHANED_AFTER_S = 3600  # no file of a run is written for so long
_NOT_IN_FINGERPRINT = ("run_dir", "executor", "cache", "report", "tracking")  # where, how fast and how shown, not what


@dataclass(frozen=True, slots=True)
class Run:
    """Is a run directory; its tables are read when asked for."""

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Open a finished run.

        Raises:
            UsageError: The folder is no run, its run has not ended, or what it says of people was inferred.
        """
        run = cls(Path(path))
        if not run.path.is_dir():
            raise UsageError(f"{path}: no such run directory. Give the folder that a run printed.")
        of = _read_json(run.path / FACTS).get("pipeline") if (run.path / FACTS).is_file() else None
        if of in _FROM_RUNS:
            raise UsageError(f"{path}: a run of harness {of}; give one of harness benchmark or rescore.")
        missing = [
            name for name in (CONFIG, FACTS, SCORES, SLICES, DISPARITIES, SUMMARY) if not (run.path / name).is_file()
        ]
        if missing:
            raise UsageError(
                f"{path}: not a finished run; {', '.join(missing)} missing. Give the folder that a run printed, or "
                "finish the run by giving its command again."
            )
        check_facts(run.path, run.facts, run.summary)
        return run

    @property
    def scores(self) -> pd.DataFrame:
        """Return the scores, one row an utterance and condition.

        Raises:
            RunDirectoryError: They cannot be read.
        """
        try:
            return pd.read_parquet(self.path / SCORES)
        except (OSError, ValueError) as error:
            raise RunDirectoryError(f"{self.path / SCORES}: not Parquet ({error}). Make the run again.") from error

    @property
    def slices(self) -> pd.DataFrame:
        """Return the slice table."""
        return _read_csv(self.path / SLICES)

    @property
    def disparities(self) -> pd.DataFrame:
        """Return the disparity table."""
        return _read_csv(self.path / DISPARITIES)

    def optional(self, name: str) -> pd.DataFrame | None:
        """Return a table that not every run has; None where this one has not."""
        return _read_csv(self.path / name) if (self.path / name).is_file() else None

    @property
    def summary(self) -> dict[str, Any]:
        """Return the headline."""
        return _read_json(self.path / SUMMARY)

    @property
    def facts(self) -> dict[str, Any]:
        """Return run.json: commit, versions, digests, timings, counts."""
        return _read_json(self.path / FACTS)

    @property
    def hypotheses(self) -> HypothesisStore:
        """Return the hypotheses, raw."""
        return HypothesisStore(self.path / "hypotheses")

    @property
    def finished(self) -> bool:
        """Say whether the run has ended: its report is the last file it writes."""
        return (self.path / REPORT).is_file()

    def reopen(self) -> None:
        """Take away what says that the run has ended, before its tables are written anew."""
        for name in (HTML, REPORT, SUMMARY):
            (self.path / name).unlink(missing_ok=True)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table whole or not at all; the suffix of its name is its format."""
        with self._whole(name) as part:
            if name.endswith(".parquet"):
                table.to_parquet(part, index=False)
            else:
                table.to_csv(part, index=False, lineterminator="\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all."""
        with self._whole(name) as part:
            part.write_text(text, encoding="utf-8")

    def write_json(self, name: str, facts: Mapping[str, object]) -> None:
        """Write facts as JSON, NaN as null."""
        self.write_text(name, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")

    @contextmanager
    def _whole(self, name: str) -> Iterator[Path]:
        """Give a path to write to, and put what was written there in the place of `name`.

        Raises:
            StorageError: The disk is full or the folder is not writable.
        """
        part = self.path / f".{name}.{os.getpid()}-{secrets.token_hex(4)}{_PART}"
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(self.path / name)
        except OSError as error:
            raise StorageError(
                f"{self.path / name}: cannot write ({error.strerror or error}). What is written is kept; make room or "
                "choose another run_dir=, then give the same command again."
            ) from error
        finally:
            with suppress(OSError):  # in its place, where nothing went wrong
                part.unlink()


@contextmanager
def open_run_directory(
    run_dir: str | None, *, pipeline: str, name: str, config_yaml: str, fingerprint: Mapping[str, object]
) -> Iterator[Run]:
    """Make a run directory or open the one that the same command left, and hold it until the block ends.

    Args:
        run_dir: The folder; None: the newest unfinished one of the same fingerprint, or a new one under `runs/`.
        pipeline: Name of the pipeline.
        name: Manifest and backend, as in `demo_pocketsphinx`.
        config_yaml: The resolved configuration, for `config.yaml`.
        fingerprint: What must be the same for the run to be continued: configuration, digests, backend identity.

    Raises:
        RunDirectoryError: The folder belongs to another configuration or another process works in it.
    """
    wanted = _flat({key: value for key, value in fingerprint.items() if key != "config"})
    wanted |= _flat({"config": _comparable(fingerprint.get("config"))})
    with _held(run_dir, Path("runs") / pipeline, name, wanted) as path:
        run = Run(path)
        differences = _differences(run, wanted)
        if differences:
            raise RunDirectoryError(
                f"{path}: made by another command; it differs in\n  "
                + "\n  ".join(differences)
                + "\nChoose another run_dir=, or give the command it was made with."
            )
        _remove_orphans(path)
        if not (path / FACTS).exists():  # first, for without it nothing says that this is a run directory
            run.write_json(FACTS, {"fingerprint": wanted})
        run.write_text(CONFIG, config_yaml)
        yield run


def _remove_orphans(path: Path) -> None:
    """Remove what killed processes had begun to write; what is younger may be a report that is being made anew."""
    for part in path.glob(f"*{_PART}"):
        with suppress(OSError):  # gone meanwhile: in its place
            if part.is_file() and time.time() - part.stat().st_mtime > _ORPHANED_AFTER_S:
                part.unlink()


def make_folder(path: Path, option: str) -> None:
    """Make a folder where there is none.

    Raises:
        RunDirectoryError: It cannot be made; the message names the option that chose it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot make this folder ({error.strerror}). Choose another {option}=."
        ) from error


@contextmanager
def _held(run_dir: str | None, parent: Path, name: str, wanted: Mapping[str, str]) -> Iterator[Path]:
    """Yield a folder that this process alone works in, for as long as the block lasts."""
    path, lock = _claimed(run_dir, parent, name, wanted)
    try:
        yield path
    finally:
        os.close(lock)  # releases the lock; a killed process releases it too


def _claimed(run_dir: str | None, parent: Path, name: str, wanted: Mapping[str, str]) -> tuple[Path, int]:
    if run_dir is not None:
        path = Path(run_dir)
        make_folder(path, "run_dir")
        lock = _lock(path)
        if lock is None:
            raise RunDirectoryError(f"{path}: another process works in it. Wait for it, or choose another run_dir=.")
        return path, lock
    for path in sorted(parent.glob(f"*_{_safe(name)}*"), reverse=True):
        run = Run(path)
        if run.finished or not (path / FACTS).is_file() or _differences(run, wanted):
            continue
        lock = _lock(path)
        if lock is not None and not run.finished:  # another process may have finished it in between
            log.info("continuing %s", path)
            return path, lock
        if lock is not None:
            os.close(lock)
    while True:
        path = parent / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}_{_safe(name)}"
        if not path.exists():
            make_folder(path, "run_dir")
            lock = _lock(path)
            if lock is not None:
                return path, lock


def _lock(path: Path) -> int | None:
    """Take the folder's lock; None when another process has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        os.close(handle)
        raise RunDirectoryError(
            f"{path}: this file system has no locks ({error.strerror}). Choose a run_dir= on another one."
        ) from error
    return handle


def _differences(run: Run, wanted: Mapping[str, str]) -> list[str]:
    """Return what differs between a folder's fingerprint and the wanted one; an empty folder differs in nothing."""
    if not (run.path / FACTS).is_file():
        others = [path.name for path in run.path.iterdir() if not path.name.endswith(_PART)]
        return [f"{FACTS}: absent, and it holds {others[0]!r}: it is not a run directory"] if others else []
    try:
        found = run.facts.get("fingerprint")
    except RunDirectoryError as error:  # damaged: nobody's to continue, and no reason to stop another run
        return [str(error)]
    if not isinstance(found, dict):
        return [f"its {FACTS} has no fingerprint: it is not a run of this harness"]
    keys = sorted(found.keys() | wanted.keys())
    return [
        f"{key}: there {found.get(key, 'absent')}, here {wanted.get(key, 'absent')}"
        for key in keys
        if found.get(key) != wanted.get(key)
    ]


def _comparable(config: object) -> object:
    if not isinstance(config, Mapping):
        return config
    return {key: value for key, value in config.items() if key not in _NOT_IN_FINGERPRINT}


def _flat(tree: object, prefix: str = "") -> dict[str, str]:
    """Return a nested mapping as dotted keys and JSON values."""
    if isinstance(tree, Mapping) and tree:
        return {
            key: value
            for name, branch in tree.items()
            for key, value in _flat(branch, f"{prefix}.{name}" if prefix else str(name)).items()
        }
    return {prefix: json.dumps(tree, ensure_ascii=False, default=str)}


def _safe(name: str) -> str:
    """Return a name that is safe in a path: letters, digits, `-`, `.` and `_`, at most 100 bytes."""
    kept = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in name)
    return kept.strip(".-").encode()[:100].decode(errors="ignore") or "run"


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a table of the contract; only an empty cell is missing, a slice may be called `NA`."""
    names = dict.fromkeys(_NAMES, str)  # also where all of them are numerals
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=names)
    except (OSError, ValueError) as error:  # pandas' own errors of torn and empty files are ValueErrors
        raise RunDirectoryError(f"{path}: not a table ({' '.join(str(error).split())}). Make the run again.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path}: not JSON ({error}). Remove the run directory or choose another.") from error
    if not isinstance(content, dict):
        raise RunDirectoryError(f"{path}: expected a JSON object. Remove the run directory or choose another.")
    return content
