"""Audio paths as a manifest writes them in; one folder that all of them start from, and paths inside it, out.

Manifests of other tools name recordings from the root of a machine's file system, or from the folder where the tool
was started. All that are absolute become relative to the folder they have in common; one that leads out of it is
refused, and where they have nothing in common but the machine's root, no recording is named.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, shown_path
from harness.corpus.importers.corpus import Ledger

REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|pipe:")  # addresses and commands; a drive has one letter
_LEVELS = 4  # folders above a manifest that its relative paths may start from

Paths = Callable[[], Iterable[str]]  # every path, each time it is called


@dataclass(frozen=True, slots=True)
class AudioRoot:
    """Is the folder that audio paths start from.

    Attributes:
        folder: That folder; None where absolute paths have nothing in common.
        is_there: Whether there is such a folder on this machine.
    """

    folder: Path | None
    is_there: bool = True

    @property
    def found(self) -> Path | None:
        """Returns the folder; None where it is not there."""
        return self.folder if self.is_there else None

    def relative(self, path: str) -> str | None:
        """Returns a path as seen from the folder, with slashes; None where no recording is to be named.

        Raises:
            CellError: It is absolute and leads elsewhere, or it is none.
        """
        if not path or "\x00" in path:
            raise CellError("the path of a recording. Name its file or remove the row.")
        if not path.startswith("/"):
            return path.removeprefix("./")
        if self.folder is None:
            return None
        inside = os.path.relpath(os.path.normpath(path), self.folder)
        if f"{inside}/".startswith("../"):
            raise CellError(f"a path inside {shown_path(str(self.folder))}, as the first one is. Correct the path.")
        return inside


def found_root(paths: Paths, folder: Path, ledger: Ledger) -> AudioRoot:
    """Returns where audio paths start from: all are looked at where the first is absolute, else only the first.

    Args:
        paths: Gives them.
        folder: That of the manifest.
        ledger: Told what outputs should say.
    """
    first = next(iter(paths()), None)
    if first is None or not first.startswith("/"):
        return AudioRoot(_start_of(first, folder, ledger))
    common = _common_folder(path for path in paths() if path.startswith("/"))
    beside = os.path.normpath(folder.absolute())
    if common == "/":
        ledger.remark(
            "paths of recordings are absolute and have no folder in common: transcripts made elsewhere can be scored, "
            "no recording is named. Put the recordings, or links to them, into one folder to hear them"
        )
        return AudioRoot(None, is_there=False)
    root = beside if f"{common}/".startswith(f"{beside}/") else common
    is_there = Path(root).is_dir()
    if not is_there:
        ledger.remark(
            f"paths of recordings are absolute: all are in {shown_path(root)}, which is not there. To hear them, set "
            "manifest.audio_root to the folder that stands for it"
        )
    elif root != beside:
        ledger.remark(f"paths of recordings are absolute: all are in {shown_path(root)}, which is the audio root")
    return AudioRoot(Path(root), is_there)


def _common_folder(paths: Iterable[str]) -> str:
    common: str | None = None
    for path in paths:
        parent = os.path.normpath(path).rpartition("/")[0] or "/"
        if common is None:
            common = parent
        elif parent != common:
            common = os.path.commonpath([common, parent])
    return "/" if common is None or not common.strip("/") else common


def _start_of(first: str | None, folder: Path, ledger: Ledger) -> Path:
    """Returns the manifest's folder, or one above it or the current one, whichever has the first recording."""
    beside = folder.absolute()
    if first is None or "\x00" in first:
        return beside
    for start in (beside, *list(beside.parents)[:_LEVELS], Path.cwd()):
        if _is_file(start / first):
            if start != beside:
                ledger.remark(f"paths of recordings are relative to {shown_path(str(start))}, which is the audio root")
            return start
    ledger.remark(f"no recording {shown_path(first)} is there: transcripts made elsewhere can be scored, none is heard")
    return beside


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name
        return False
