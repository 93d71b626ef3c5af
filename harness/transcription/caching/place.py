"""Where a transcript cache is to lie in, its folder, its lock and what is in its way out: all that is no SQLite.

A file that is in use cannot be moved aside: SQLite finds the log of a file by its name, and would mix two of them. So
whoever has a cache open holds a shared lock on `FILE.lock`, and whoever makes it or moves it aside an exclusive one.
"""

import fcntl
import os
import stat
import time
from pathlib import Path

from harness.errors import StorageError

BUSY_S = 5.0  # seconds to wait for another run that makes or writes the file: it takes milliseconds
ELSEWHERE = "Choose a folder on a local disk with cache.path=."
_POLL_S = 0.05
_LOGS = ("", "-wal", "-shm", "-journal")  # what SQLite keeps beside a file, by its name
_KINDS = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
_NETWORKS = frozenset(  # file systems that machines share; the memory that SQLite's log is shared through is not
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "9p", "fuse.sshfs"}
    | {"fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.juicefs"}
)


def inode(path: Path) -> int:
    """Return what tells the file at a path from others; 0 when there is none."""
    try:
        return path.lstat().st_ino
    except OSError:
        return 0


def check_kind(path: Path) -> None:
    """Refuse what is no plain file: a link could lead anywhere, a pipe would wait for ever.

    Raises:
        StorageError: Naming what it is.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "device")
        raise StorageError(f"{path}: a {kind}; expected a file. Name the file itself with cache.path=.")


def open_lock(path: Path) -> int:
    """Make the folder, and open the file beside the cache whose lock tells who uses it; return its descriptor.

    Raises:
        OSError: Nothing can be made here.
        StorageError: Other machines may write here too, or what should be the lock's file is none.
    """
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    kind = file_system(path.parent)
    if kind in _NETWORKS:
        raise StorageError(f"{path}: lies on {kind}, where SQLite cannot keep machines apart. {ELSEWHERE}")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    lock = os.open(f"{path}.lock", flags, 0o600)
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise StorageError(f"{path}.lock: expected a file. Remove it.")
    return lock


def share(lock: int, path: Path) -> None:
    """Take the lock of those who use the file.

    Raises:
        StorageError: The file is being made or moved for too long, or this file system has no locks.
    """
    _take(lock, fcntl.LOCK_SH, f"{path}: another process has locked it.")


def claim(lock: int, path: Path) -> None:
    """Take the lock of those who make the file or move it aside.

    Raises:
        StorageError: Others still use it, or this file system has no locks.
    """
    _take(lock, fcntl.LOCK_EX, f"{path}: damaged or removed, and another run still uses it; the next run mends it.")


def move_aside(path: Path) -> Path:
    """Move a file and its logs out of the way under a name that is free; return where it is.

    Raises:
        StorageError: The folder cannot be written to.
    """
    number = 1
    while any(os.path.lexists(f"{path}.damaged-{number}{suffix}") for suffix in _LOGS):
        number += 1
    aside = Path(f"{path}.damaged-{number}")
    try:
        for suffix in reversed(_LOGS):  # the file last: a kill in between leaves a file that is still seen as damaged
            if os.path.lexists(f"{path}{suffix}"):
                Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    except OSError as error:
        raise StorageError(f"{path}: damaged, and cannot be moved aside ({error.strerror}). {ELSEWHERE}") from error
    return aside


def file_system(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Return the kind of file system that a folder lies on, e.g. `ext4`; None where the system does not say.

    Args:
        folder: It exists.
        mounts: What is mounted where, as Linux tells it (proc_pid_mountinfo(5)); other systems do not.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    place, depth, found = folder.resolve(), 0, None
    for line in lines:
        fields, _, kind = line.partition(" - ")
        point = Path(fields.split()[4].replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= depth:  # of two on one place, the later one is seen
            depth, found = len(point.parts), kind.split()[0]
    return found


def _take(lock: int, how: int, refused: str) -> None:
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StorageError(refused) from None
        except OSError as error:
            raise StorageError(f"the cache's folder has no locks ({error.strerror}). {ELSEWHERE}") from error
        time.sleep(_POLL_S)
