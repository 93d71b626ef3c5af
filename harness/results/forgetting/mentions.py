"""Files and ids in; which of the files still name one of the ids out, whatever they are written in.

This is what is looked at after the rows are gone: nothing that a known table holds should be left to be found here.
"""

import gzip
import html
import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet

_BLOCK = 8_000_000  # bytes that are searched at once
_MOST_NEEDLES = 200  # of the ids of utterances, any of which would show that rows were left
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz")


class Needles:
    """Is a set of ids as files of several formats write them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names[:_MOST_NEEDLES])
        forms = {form for name in self.names for form in _forms(name)}
        self.forms = tuple(sorted(forms))
        self.longest = max(map(len, self.forms), default=0)

    def are_in(self, data: bytes) -> bool:
        """Say whether bytes have one of the ids, no letter or digit before or after it."""
        return any(_has(data, form) for form in self.forms)


def _forms(name: str) -> Iterator[bytes]:
    """Yield an id as plain text, JSON and HTML have it."""
    yield name.encode(errors="surrogatepass")
    for as_ascii in (True, False):
        yield json.dumps(name, ensure_ascii=as_ascii)[1:-1].encode(errors="surrogatepass")
    yield html.escape(name).encode(errors="surrogatepass")


def _has(data: bytes, form: bytes) -> bool:
    place = data.find(form)
    while place >= 0:
        before, after = data[place - 1 : place], data[place + len(form) : place + len(form) + 1]
        if not (before.isalnum() or after.isalnum()):
            return True
        place = data.find(form, place + 1)
    return False


def mentions(path: Path, needles: Needles) -> bool:
    """Say whether a file names one of them; packed files and Parquet are looked into.

    A file that cannot be read names nobody that could be found.
    """
    if not needles.forms or path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            begins = file.read(4)
        if begins == _PARQUET:
            return _in_parquet(path, needles)
        if path.name.endswith(_TAR_SUFFIXES):
            return _in_archive(path, needles)
        with gzip.open(path) if begins.startswith(_GZIP) else path.open("rb") as file:
            return _in_stream(file, needles)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, pyarrow.ArrowException):
        return False


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in order; no link is followed."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from files_of(path)
        elif path.is_file():
            yield path


def _in_stream(file: "IO[bytes] | gzip.GzipFile", needles: Needles) -> bool:
    rest = b""
    while block := file.read(_BLOCK):
        data = rest + block
        if needles.are_in(data):
            return True
        rest = data[-(needles.longest + 2) :]
    return False


def _in_archive(path: Path, needles: Needles) -> bool:
    """Look into the members of a tar archive, one after the other; nothing is unpacked to the disk."""
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            with _member(archive, member) as file:
                if file is not None and _in_stream(file, needles):
                    return True
    return False


@contextmanager
def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[IO[bytes] | None]:
    file = archive.extractfile(member) if member.isfile() else None
    try:
        yield file
    finally:
        if file is not None:
            file.close()


def _in_parquet(path: Path, needles: Needles) -> bool:
    file = pyarrow.parquet.ParquetFile(path)
    for batch in file.iter_batches():
        for column in batch.columns:
            kind = column.type
            if pyarrow.types.is_dictionary(kind):
                column, kind = column.dictionary, column.dictionary.type
            if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
                cells = column.to_pylist()
                if any(cell in needles.names for cell in cells) or needles.are_in(
                    "\n".join(filter(None, cells)).encode()
                ):
                    return True
    return needles.are_in(str(file.schema_arrow.metadata).encode())
