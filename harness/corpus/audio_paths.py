"""Audio paths as an untrusted manifest writes them in, absolute paths of recordings inside the allowed folder out."""

import os
import stat
from pathlib import Path

from harness.corpus.cells import CONTROL_CHARACTERS, CellError, scalar_text, shown_path


class AudioFolder:
    """Resolves audio paths against one folder and refuses those that leave it.

    A path leaves the folder when it says so (`..`, an absolute path elsewhere) or, where recordings must exist, when a
    symbolic link on the way leads out. The folder itself may be a link.
    """

    def __init__(self, folder: Path, *, allow_outside: bool, must_exist: bool) -> None:
        self._real_folder = os.path.realpath(folder)
        # `link/..` is not where it seems, so dots are resolved by the file system; else the folder keeps its own name.
        self._folder = self._real_folder if ".." in folder.parts else str(folder.absolute())
        self._allow_outside = allow_outside
        self.must_exist = must_exist
        self._real_parents: dict[str, str] = {}

    def not_looking(self) -> "AudioFolder":
        """Returns the same folder, whose recordings need not exist."""
        return AudioFolder(Path(self._folder), allow_outside=self._allow_outside, must_exist=False)

    def absolute(self, cell: object) -> str:
        """Returns the absolute path of a recording.

        Raises:
            CellError: The cell is empty, or the path leaves the folder, or leads to no regular file though it must.
        """
        written = scalar_text(cell)
        if not written:
            raise CellError("the path of a recording. Name its file or remove the row.")
        if CONTROL_CHARACTERS.search(written):
            raise CellError("a path without NUL or other control characters. Rename the file.")
        path = os.path.normpath(written if written.startswith(os.sep) else f"{self._folder}{os.sep}{written}")
        if not self._allow_outside and not (_is_inside(path, self._folder) or _is_inside(path, self._real_folder)):
            raise self._outside()
        if self.must_exist:
            self._check_file(path)
        return path

    def relative(self, path: str) -> str:
        """Returns a path as seen from the folder where it lies inside, else the path itself."""
        for folder in (self._folder, self._real_folder):
            if _is_inside(path, folder):
                return os.path.relpath(path, folder)
        return path

    def absolute_or_none(self, cell: object) -> str | None:
        """Returns None where the cell is empty, else what `absolute` does."""
        return None if scalar_text(cell) in (None, "") else self.absolute(cell)

    def _check_file(self, path: str) -> None:
        try:
            found = os.lstat(path)
            real = self._real(path, is_link=stat.S_ISLNK(found.st_mode))
            if stat.S_ISLNK(found.st_mode):
                found = Path(real).stat()
        except OSError as error:
            place = f"{shown_path(path)} ({error.strerror})"
            raise CellError(f"a recording at {place}. Put it there, correct the path or remove the row.") from error
        if not self._allow_outside and not _is_inside(real, self._real_folder):
            raise self._outside()
        if not stat.S_ISREG(found.st_mode):
            raise CellError("a regular file. Name a recording or remove the row.")

    def _real(self, path: str, *, is_link: bool) -> str:
        if is_link:
            return os.path.realpath(path)
        parent, name = os.path.split(path)
        real_parent = self._real_parents.get(parent)
        if real_parent is None:
            real_parent = self._real_parents[parent] = os.path.realpath(parent)
        return f"{real_parent.rstrip(os.sep)}{os.sep}{name}"

    def _outside(self) -> CellError:
        return CellError(
            f"a path inside {shown_path(self._folder)}. Move the recording there, set manifest.audio_root to the "
            "folder that holds all of them, or set manifest.allow_outside=true if you trust this manifest to read "
            "files elsewhere."
        )


def _is_inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
