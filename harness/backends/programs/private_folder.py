"""Recordings in, files of a folder of our own out, which goes with whoever made it, however that ends."""

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

_PREFIX = "harness-clips-"
_LOCK = "lock"


class PrivateFolder:
    """Is a folder that only this user can read, for as long as somebody refers to it.

    What a killed process left behind is removed by the next folder made: each is locked for as long as its process
    lives, and the recordings of people should not outlive what they were written for.

    Attributes:
        path: Where it is, below the system's folder for temporary files.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.path, lock = _locked_folder()
        self._finalizer = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def remove(self) -> None:
        """Removes the folder and all that is in it; a second call does nothing."""
        self._finalizer()


def _locked_folder() -> tuple[Path, int]:
    """Makes a folder that nobody's sweep removes, and returns it with its open lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        with suppress(OSError):  # a file system without locks, where no sweep gets one either
            fcntl.flock(lock, fcntl.LOCK_SH)
        if (folder / _LOCK).exists():  # else a sweep was between the last two lines
            return folder, lock
        os.close(lock)


def _remove(folder: Path, lock: int, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the process that made it
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _sweep(parent: Path) -> None:
    """Removes the folders whose processes are gone."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # still in use, or gone meanwhile
            if folder.lstat().st_uid != os.getuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
