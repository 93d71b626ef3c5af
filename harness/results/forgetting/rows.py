"""A file of rows and whose are to go in; the file without them, whole or not at all, and how many they were out.

JSON Lines, CSV and Parquet: the formats that the harness keeps an utterance, a person or a slice a row in.
"""

import csv
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd

from harness.errors import RunDirectoryError, StorageError
from harness.results.forgetting.people import SPEAKER, UTTERANCE, Theirs

_IDS = (UTTERANCE, SPEAKER, "first_here", "first_there")  # columns that name an utterance or a person
_NAMED, _KIND, _KINDS = "what", "kind", {"speaker": SPEAKER, "utterance": UTTERANCE}  # of leakage.csv
_RETURN = "\udc0d"  # stands for a carriage return while a table is read: no text in UTF-8 has it
_DIMENSION, _SLICE = "dimension", "slice"

IsTheirs = Callable[[Sequence[object]], bool]


def count_rows(path: Path, theirs: Theirs) -> int:
    """Count the rows of theirs in a file.

    Raises:
        RunDirectoryError: It cannot be read.
    """
    return _READERS[path.suffix](path, theirs, None)


def without_rows(path: Path, theirs: Theirs) -> int:
    """Write a file anew without the rows of theirs; one without any stays as it is.

    Raises:
        RunDirectoryError: It cannot be read.
        StorageError: It cannot be written.
    """
    n_theirs = count_rows(path, theirs)
    if n_theirs or _is_torn(path):
        with written_anew(path) as part:
            _READERS[path.suffix](path, theirs, part)
    return n_theirs


@contextmanager
def written_anew(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written there in the place of a file, with its permissions.

    Raises:
        StorageError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with suppress(OSError):  # one that is new has none to keep
            part.chmod(path.stat().st_mode & 0o7777)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write ({error.strerror or error}). Make room or allow it, then give the command again."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Put a text in the place of a file.

    Raises:
        StorageError: It cannot be written.
    """
    with written_anew(path) as part:
        part.write_text(text, encoding="utf-8")


def _is_torn(path: Path) -> bool:
    """Say whether a killed process left part of a line, which may be theirs."""
    if path.suffix != ".jsonl" or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _json_lines(path: Path, theirs: Theirs, part: Path | None) -> int:
    """Drop lines; a torn last one goes, too, for it is redone and may be theirs."""
    n_theirs = 0
    with _lines_to(part) as write, path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise RunDirectoryError(f"{path}:{number}: not JSON ({error}). Remove the line.") from error
            if isinstance(record, dict) and any(theirs.has(name, record.get(name)) for name in _IDS[:2]):
                n_theirs += 1
            else:
                write(line)
    return n_theirs


@contextmanager
def _lines_to(part: Path | None) -> Iterator[Callable[[bytes], object]]:
    if part is None:
        yield lambda _: None
        return
    with part.open("wb") as file:
        yield file.write


def _csv(path: Path, theirs: Theirs, part: Path | None) -> int:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            rows = [[cell.replace(_RETURN, "\r") for cell in row] for row in csv.reader(_own_lines(file))]
    except (OSError, ValueError, csv.Error) as error:
        raise RunDirectoryError(f"{path}: not a table ({error}). Remove it, or make it again.") from error
    header, *others = rows or [[]]
    is_theirs = _of_columns(header, theirs)
    kept = [row for row in others if not is_theirs(row)]
    if part is not None:
        with part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
    return len(others) - len(kept)


def _own_lines(file: Iterable[str]) -> Iterator[str]:
    """Yield lines in which a carriage return of a cell ends none: pandas writes it unquoted, half a text would stay."""
    for number, line in enumerate(file):
        if not number and line.endswith("\r\n"):  # edited elsewhere: returns end its lines
            yield line
            yield from file
            return
        yield line.replace("\r", _RETURN)


def _of_columns(names: Sequence[str], theirs: Theirs) -> IsTheirs:
    """Return what tells their rows of a table by the columns that it has."""
    places = {name: place for place, name in enumerate(names)}
    ids = [(places[name], name) for name in _IDS if name in places]
    slices = (places[_DIMENSION], places[_SLICE]) if {_DIMENSION, _SLICE} <= set(places) else None
    leaks = (places[_KIND], places[_NAMED]) if {_KIND, _NAMED, "first_here"} <= set(places) else None

    def is_theirs(row: Sequence[object]) -> bool:
        if len(row) < len(names):
            return False
        return (
            any(theirs.has(name, row[place]) for place, name in ids)
            or (slices is not None and theirs.has_slice(row[slices[0]], row[slices[1]]))
            or (leaks is not None and theirs.has(_KINDS.get(str(row[leaks[0]]), ""), row[leaks[1]]))
        )

    return is_theirs


def _parquet(path: Path, theirs: Theirs, part: Path | None) -> int:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path}: not Parquet ({error}). Remove it, or make it again.") from error
    ids = [name for name in _IDS if name in table]
    gone = np.zeros(len(table), dtype=bool)
    for name in ids:
        gone |= np.array([theirs.has(name, cell) for cell in table[name]], dtype=bool)
    if part is not None:
        table[~gone].reset_index(drop=True).to_parquet(part, index=False)
    return int(gone.sum())


_READERS = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
