"""Files in, one archive whose bytes depend on their names and contents alone out; and back, from a stranger's archive.

The archive is a tar file (POSIX ustar) without compression: whatever packs also has versions, and packs the same bytes
differently. Entries stand in the order of their names, with one time, one owner and one mode. What a stranger sends is
read only where it is what this module writes, byte for byte: an entry is a file of a known name, nothing else can be
said. So there are no links, devices, folders, second names or paths in it, and nothing that unpacks to more than it is.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO

from harness.corpus.cells import shown
from harness.errors import DataError, StorageError, UsageError

_BLOCK = 512  # bytes; a header is one, and contents are filled up to whole ones
_END = bytes(2 * _BLOCK)
_NAME, _SIZE, _KIND = slice(0, 100), slice(124, 135), slice(156, 157)
_LARGEST = 8**11 - 1  # bytes of an entry: eleven octal digits
_AT_ONCE = 1 << 20  # bytes that are copied at once
_KINDS = {
    **dict.fromkeys((b"1", b"2"), "a link"), b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a pipe",
    **dict.fromkeys((b"x", b"g", b"L", b"K", b"S"), "an extension of the format"),
}  # fmt: skip
_PACKED = {b"\x1f\x8b": "gunzip", b"PK": "unzip", b"BZ": "bunzip2", b"\xfd7": "unxz", b"\x28\xb5": "unzstd"}


class BundleError(DataError):
    """Says why a bundle is not what was published, or is none."""


@dataclass(frozen=True, slots=True)
class Member:
    """Is a file of an archive: where its bytes begin, and how many there are."""

    start: int
    size: int


def write_archive(out: Path, files: Mapping[str, Path]) -> str:
    """Write files as one archive, whole or not at all.

    Args:
        out: The archive; one that is there and is the same stays.
        files: Where the content of each entry is, by its name: ASCII, at most 100 characters.

    Returns:
        The SHA-256 of the archive, in hexadecimal.

    Raises:
        UsageError: Something else is there.
        StorageError: It cannot be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            for name in sorted(files):
                _write(file, name, files[name])
            file.write(_END)
            file.flush()
            os.fsync(file.fileno())
        digest = _digest(part)
        if not os.path.lexists(out):
            part.replace(out)
        elif not out.is_file() or _digest(out) != digest:
            raise UsageError(f"out={out}: is there, and is another bundle or none. Remove it, or choose another name.")
    except OSError as error:
        raise StorageError(f"out={out}: cannot write ({error.strerror or error}). Choose another place.") from error
    finally:
        part.unlink(missing_ok=True)
    return digest


def _write(file: IO[bytes], name: str, content: Path) -> None:
    size = content.stat().st_size
    if size > _LARGEST:
        raise DataError(
            f"{name}: has {size:,} bytes; an entry of the archive holds {_LARGEST:,}. Bundle a smaller run."
        )
    file.write(header(name, size))
    with content.open("rb") as source:
        while chunk := source.read(_AT_ONCE):
            file.write(chunk)
    file.write(bytes(-size % _BLOCK))


def header(name: str, size: int) -> bytes:
    """Return the one header that a file of this name and size has: mode 644, owner 0, time 0 (POSIX.1-1988, ustar)."""
    owner = b"0000000\0"
    before = [name.encode("ascii").ljust(100, b"\0"), b"0000644\0", owner, owner, b"%011o\0" % size, b"0" * 11 + b"\0"]
    after = [b"0", bytes(100), b"ustar\x0000", bytes(64), owner, owner, bytes(167)]
    total = sum(map(sum, (*before, *after))) + 8 * ord(" ")
    return b"".join([*before, b"%06o\0 " % total, *after])


@dataclass(frozen=True, slots=True)
class Archive:
    """Is an archive of known files, which is open to be read."""

    path: Path
    members: Mapping[str, Member]
    file: BufferedReader

    def copy(self, name: str, to: Path) -> str:
        """Write what an entry holds to a file; return its SHA-256, in hexadecimal.

        Raises:
            BundleError: Something stands between it and the next entry.
            StorageError: It cannot be written.
        """
        digest, size = hashlib.sha256(), self.members[name].size
        left = size
        self.file.seek(self.members[name].start)
        try:
            with to.open("xb") as target:
                while left and (chunk := self.file.read(min(_AT_ONCE, left))):
                    digest.update(chunk)
                    target.write(chunk)
                    left -= len(chunk)
        except OSError as error:
            raise StorageError(
                f"{to.parent}: cannot write ({error.strerror or error}). Set TMPDIR elsewhere."
            ) from error
        if left or any(self.file.read(-size % _BLOCK)):
            raise BundleError(f"{self.path}: is damaged behind {name}. Get it again.")
        return digest.hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 of all of it, in hexadecimal."""
        self.file.seek(0)
        return hashlib.file_digest(self.file, "sha256").hexdigest()


@contextmanager
def opened(path: Path, largest: Callable[[str], int | None]) -> Iterator[Archive]:
    """Open an archive once every header of it is checked; no content is read.

    Args:
        path: Somebody's file.
        largest: How many bytes an entry of a name may have; None: there is none of this name.

    Raises:
        UsageError: There is no such file.
        BundleError: It is not what `write_archive` writes, or holds something else than a bundle.
    """
    if not path.is_file():
        raise UsageError(f"bundle={path}: no such file. Name the bundle that was published, a .tar file.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"bundle={path}: cannot be read ({error.strerror}).") from error
    with file:
        yield Archive(path, _members(path, file, largest), file)


def _members(path: Path, file: BufferedReader, largest: Callable[[str], int | None]) -> dict[str, Member]:
    members: dict[str, Member] = {}
    total = os.fstat(file.fileno()).st_size
    at, before = 0, ""
    while (block := file.read(_BLOCK)) != _END[:_BLOCK]:
        name, size = _told(path, block, at)
        most = largest(name)
        if most is None:
            raise BundleError(f"{path}: holds {shown(name)}, which is no file of a bundle.")
        if name <= before:
            raise BundleError(f"{path}: {shown(name)} stands in it twice, or out of order.")
        if size > most:
            raise BundleError(f"{path}: {name} has {size:,} bytes; a bundle has {most:,} at most.")
        members[name] = Member(at + _BLOCK, size)
        at, before = at + _BLOCK + size + -size % _BLOCK, name
        if at > total:
            raise BundleError(f"{path}: is cut off in {name}. Get it again.")
        file.seek(at)
    if (end := block + file.read(_BLOCK + 1)) != _END:
        wrong = "is cut off at its end" if len(end) < len(_END) else "has something behind its end"
        raise BundleError(f"{path}: {wrong}. Get it again.")
    return members


def _told(path: Path, block: bytes, at: int) -> tuple[str, int]:
    """Return the name and size that a header says, once it is known to say nothing else."""
    if not at and (packed := next((how for mark, how in _PACKED.items() if block.startswith(mark)), None)):
        raise BundleError(f"{path}: is packed. Unpack it first, as with {packed}: a bundle is a plain .tar file.")
    if len(block) < _BLOCK:
        raise BundleError(f"{path}: {'is cut off. Get it again.' if at else 'is no bundle; expected a .tar file.'}")
    kind = _KINDS.get(block[_KIND])
    name, digits = block[_NAME].split(b"\0")[0].decode("latin-1"), block[_SIZE]
    if kind is not None:
        raise BundleError(f"{path}: {shown(name)} is {kind}; a bundle holds nothing but files.")
    size = int(digits, 8) if set(digits) <= set(b"01234567") else -1
    if size < 0 or not name.isascii() or header(name, size) != block:
        what = "is no bundle of this harness: " if not at else ""
        raise BundleError(
            f"{path}: {what}{shown(name)} is not written as files of a bundle are. Get it as it was published."
        )
    return name, size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
