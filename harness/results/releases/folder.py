"""Texts in, a folder of them that is there whole or not at all out."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.errors import StorageError
from harness.results.sharing import check_empty

_RESERVED = ".reserved"
_ROOM = 4_000_000  # bytes that a release of many slices takes


class PartFolder:
    """Is a folder that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, texts: Mapping[str, str]) -> None:
        """Write files, onto the disk.

        Raises:
            OSError: They cannot be written.
        """
        (self.path / _RESERVED).unlink(missing_ok=True)
        for name, text in texts.items():
            _write(self.path / name, text.encode())


@contextmanager
def whole_folder(out: Path) -> Iterator[PartFolder]:
    """Give a folder to write to, and put it in the place of `out` when all is written; nothing after an error.

    Room is taken before the block begins: what is drawn in it cannot be drawn again for nothing.

    Raises:
        UsageError: The place holds something.
        StorageError: It cannot be written.
    """
    check_empty(out)
    part: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        part.chmod(0o755)
        _write(part / _RESERVED, bytes(_ROOM))
        yield PartFolder(part)
        part.rename(out)  # over an empty folder too
    except OSError as error:
        raise StorageError(
            f"out={out}: cannot write ({error.strerror or error}). Make room, or choose another folder."
        ) from error
    finally:
        if part is not None and part.exists():
            shutil.rmtree(part, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
