"""Hypotheses in, JSON Lines on disk out, and back: append-only, one writer a file, whole lines or nothing."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from sys import float_info
from types import TracebackType
from typing import IO, Self

import pandas as pd

from harness.errors import HypothesesError, StorageError

CLEAN = "clean"  # the label of untouched audio
COLUMNS = ("utterance_id", "condition", "text", "error", "audio_s", "processing_s")
TIMES = ("latency_s", "cost_usd", "cached")
OPTIONAL = ("words", *TIMES, "applied")  # written only where they say something


@dataclass(frozen=True, slots=True)
class HypothesisWord:
    """Is a word of a hypothesis and when it was heard."""

    text: str
    start: float  # seconds from the start of the utterance
    end: float
    confidence: float | None  # None: the backend gives none


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Is what a backend made of an utterance under a condition.

    Attributes:
        text: What it returned, raw; None when it failed.
        error: Why it failed; None when it did not.
        audio_s: Seconds of audio, under the condition; None when it could not be decoded.
        processing_s: Seconds the backend took; a batch's time is shared in proportion to the audio.
        words: Word times, in seconds of what was recorded; None when the backend gives none.
        latency_s: Seconds from handing the clip's batch to the backend to its text, or what the backend itself says.
        cost_usd: What it cost; None where nothing is charged.
        cached: Whether the same audio was recognised before; it then took no time.
        applied: What the condition did to this clip, by name; None where it did nothing to tell.
    """

    utterance_id: str
    condition: str
    text: str | None
    error: str | None = None
    audio_s: float | None = None
    processing_s: float | None = None
    words: tuple[HypothesisWord, ...] | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    cached: bool | None = None
    applied: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """Counts all that recognisers were ever given, failures that were tried again among them.

    Attributes:
        n_clips: Clips, each as often as it was given.
        cost_usd: What they cost; None where nothing is charged.
    """

    n_clips: int
    cost_usd: float | None


class HypothesisStore:
    """Keeps the hypotheses of a run in `hypotheses/*.jsonl`; every writer adds a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def done(self, *, retry_failed: bool = False) -> set[tuple[str, str]]:
        """Return the utterance ids and conditions that have a hypothesis; failures only if they are not retried."""
        return {
            (str(record["utterance_id"]), str(record["condition"]))
            for record in self._records()
            if record["error"] is None or not retry_failed
        }

    def frame(self) -> pd.DataFrame:
        """Return all hypotheses, one a row, with the columns COLUMNS and TIMES; the order is that of the files."""
        names = (*COLUMNS, *TIMES)
        rows = [tuple(record.get(name) for name in names) for record in self._records()]
        numbers = dict.fromkeys(("audio_s", "processing_s", "latency_s", "cost_usd"), "float64")
        return pd.DataFrame(rows, columns=list(names), dtype=object).astype(numbers | {"cached": "bool"})

    def attempts(self) -> Attempts:
        """Count what recognisers were given, whatever became of it."""
        n_clips, cost_usd = 0, None
        for path in self.files:
            for record in _complete_records(path):
                n_clips += record["processing_s"] is not None
                if isinstance(cost := record.get("cost_usd"), int | float):
                    cost_usd = (cost_usd or 0.0) + cost
        return Attempts(n_clips, cost_usd)

    def writer(self) -> "HypothesisWriter":
        """Start a new file; close it with a `with` block."""
        number = 1 + max((int(path.stem) for path in self.files), default=0)
        return HypothesisWriter(self.folder / f"{number:04d}.jsonl")

    def replace(self, lines: Iterable[str]) -> None:
        """Put these hypotheses, as made by `as_lines`, in the place of all there are: transcripts made elsewhere.

        Raises:
            StorageError: The disk is full or the folder is not writable.
        """
        whole = self.folder / "0001.jsonl"
        part = whole.with_suffix(".part")
        with _told(whole):
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            for path in self.files:
                path.unlink()
            part.replace(whole)

    @property
    def files(self) -> list[Path]:
        """Return the files of hypotheses, oldest first."""
        return sorted(path for path in self.folder.glob("*.jsonl") if path.stem.isdigit() and path.is_file())

    def _records(self) -> Iterator[Mapping[str, object]]:
        """Return the newest record of each utterance and condition, in the order of the first."""
        newest: dict[tuple[object, object], Mapping[str, object]] = {}
        for path in self.files:
            for record in _complete_records(path):
                newest[record["utterance_id"], record["condition"]] = record
        return iter(newest.values())


class HypothesisWriter:
    """Appends whole lines to one file and hands them to the operating system at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Return the writer; the file is made with the first batch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring what is written to the disk and close the file."""
        if self._file is not None:
            with _told(self.path), self._file:
                os.fsync(self._file.fileno())

    def append(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Write a batch in one call, so that a killed run has lost at most the batch it was in.

        Raises:
            StorageError: The disk is full or the folder is not writable.
        """
        with _told(self.path):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("xb", buffering=0)
            rest = memoryview(as_lines(hypotheses).encode("utf-8"))
            while rest:  # on a disk that is nearly full, a write takes a part and only the next one fails
                rest = rest[self._file.write(rest) :]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write hypotheses ({error.strerror or error}). What is written is kept; make room or "
            "choose another run_dir=, then give the same command again."
        ) from error


_ENCODER = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False
)  # one for all lines: making it takes as long as using it


_CELLS = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=("\n", ": "))
_columns, _optional = attrgetter(*COLUMNS), attrgetter(*OPTIONAL)


def as_lines(hypotheses: Iterable[Hypothesis]) -> str:
    """Return the lines of a file of hypotheses."""
    return "".join(map(_line, hypotheses))


def rows_as_lines(*columns: Sequence[object]) -> str:
    """Return the lines of hypotheses that are given as columns, in the order of COLUMNS; None where there is nothing.

    A column at a time is encoded: a cell holds no line break, so they come apart again.
    """
    if not columns[0]:
        return ""
    encoded = (_CELLS.encode(list(column))[1:-1].split("\n") for column in columns)
    keys = (f"{_ENCODER.encode(name)}: " for name in COLUMNS)
    named = [map(key.__add__, cells) for key, cells in zip(keys, encoded, strict=True)]
    return "".join([f"{{{', '.join(row)}}}\n" for row in zip(*named, strict=True)])


def _line(hypothesis: Hypothesis) -> str:
    record = dict(zip(COLUMNS, _columns(hypothesis), strict=True))
    further = zip(OPTIONAL, _optional(hypothesis), strict=True)
    record |= {name: value for name, value in further if value is not None}
    if hypothesis.words is not None:
        record["words"] = [asdict(word) for word in hypothesis.words]
    return _ENCODER.encode(record) + "\n"


def _complete_records(path: Path) -> Iterator[dict[str, object]]:
    """Yield the records of a file; a torn last line is dropped, a damaged line elsewhere is an error."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # torn by a kill: it is redone
            try:
                record = json.loads(line)
                complete = isinstance(record, dict) and _is_hypothesis(record)
            except (ValueError, RecursionError):
                complete = False
            if not complete:
                raise HypothesesError(
                    [f"{path}:{number}: not a hypothesis; expected a JSON object with {COLUMNS}. Remove the line."]
                )
            yield record


def _is_hypothesis(record: dict[str, object]) -> bool:
    """Say whether a record has the contract's columns with the contract's types."""
    if not record.keys() >= set(COLUMNS):
        return False
    texts = all(isinstance(record[name], str) for name in ("utterance_id", "condition"))
    optional = all(record[name] is None or isinstance(record[name], str) for name in ("text", "error"))
    seconds = all(_is_number(record[name]) for name in ("audio_s", "processing_s"))
    times = all(_is_number(record.get(name), least=-float_info.max) for name in ("latency_s", "cost_usd"))
    return texts and optional and seconds and times and isinstance(record.get("cached"), bool | None)


def _is_number(value: object, *, least: float = 0.0) -> bool:
    """Say whether a value is a finite number, or absent."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return least <= value <= float_info.max
    return value is None
