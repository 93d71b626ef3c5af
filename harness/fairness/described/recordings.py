"""Paths of recordings in, a name for the bytes of each out: equal names, equal recordings.

Files of different sizes differ, so only those that share their size with another are read, a little at a time.
"""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.provenance import digest_of_file

THREADS = 4  # a digest waits for the disk, and is computed without Python's lock


@dataclass(frozen=True, slots=True)
class Sizes:
    """Holds the size of every recording that is there.

    Attributes:
        bytes_of: By path.
        alike: Paths of files that have the size of another one, in the order given.
        n_files: Recordings that were looked for.
    """

    bytes_of: Mapping[str, int]
    alike: tuple[str, ...]
    n_files: int


@dataclass(frozen=True, slots=True)
class Contents:
    """Holds what is known of recordings.

    Attributes:
        digests: A text for the bytes of every file that is there: its SHA-256, or its size where no other has it.
        n_files: Recordings that were looked for.
        n_absent: Of them, those that are not there, are no regular files or cannot be read.
        n_read: Files that were read.
    """

    digests: Mapping[str, str]
    n_files: int
    n_absent: int
    n_read: int


def sizes_of(paths: Iterable[str | None]) -> Sizes:
    """Look up the size of every recording once; None is no recording."""
    distinct = dict.fromkeys(path for path in paths if path is not None)
    found = {path: size for path in distinct if (size := _size(path)) is not None}
    times = Counter(found.values())
    return Sizes(found, tuple(path for path, size in found.items() if times[size] > 1), len(distinct))


def contents(sizes: Sizes, told: Callable[[int], None] = lambda _: None) -> Contents:
    """Read the recordings that could be the same as another.

    Args:
        sizes: Of all recordings that are compared.
        told: Given how many more were read.
    """
    alike = set(sizes.alike)
    digests = {path: f"{size} bytes" for path, size in sizes.bytes_of.items() if path not in alike}
    with ThreadPoolExecutor(THREADS) as pool:
        for path, digest in zip(sizes.alike, pool.map(_digest, sizes.alike), strict=True):
            if digest is not None:
                digests[path] = digest
            told(1)
    return Contents(digests, sizes.n_files, sizes.n_files - len(digests), len(sizes.alike))


def _size(path: str) -> int | None:
    """Return the size of a regular file; None for what is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path for each of two million files takes longer than the call)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _digest(path: str) -> str | None:
    try:
        return digest_of_file(Path(path))
    except OSError:
        return None
