"""The folder of an import in; a place for its parts out, which replace an earlier import's once all are whole.

Whoever reads the folder finds the earlier import, the new one, or for a moment no manifest; never parts of both.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.corpus.cells import shown_path
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.importers.embedded import RECORDINGS, is_ours
from harness.corpus.people import WITHDRAWN_FILE
from harness.errors import ManifestError, StorageError, UsageError

MANIFEST_FILE, IMPORT_FILE, LEFT_OUT_FILE, CHOICE_FOLDER = "manifest.jsonl", "import.yaml", "left_out.tsv", "manifest"
OURS = (MANIFEST_FILE, DATASHEET_FILE, IMPORT_FILE, LEFT_OUT_FILE, WITHDRAWN_FILE)
PARTS = ".import.part"  # a folder in OUT; what is in it is moved out when all of it is whole


@contextmanager
def parts_for(out: Path) -> Iterator[Path]:
    """Gives a folder to write into, and puts what was written there in its place; nothing where an error is raised.

    Raises:
        UsageError: The folder holds what no import has written, or another import writes into it.
        StorageError: It cannot be written.
        ManifestError: A file of the source cannot be read.
    """
    parts = out / PARTS
    try:
        _check_own(out)
        out.mkdir(parents=True, exist_ok=True)
        with locked(out):
            remove_parts(parts)  # of an import that was killed
            parts.mkdir()
            try:
                yield parts
                _put_in_place(parts, out)
            finally:
                shutil.rmtree(parts, ignore_errors=True)
    except OSError as error:
        if error.filename is not None and not _is_below(os.fsdecode(error.filename), out):
            place = shown_path(os.fsdecode(error.filename))
            raise ManifestError(
                [f"{place}: cannot be read: {error.strerror}. Allow it, or correct the path."]
            ) from error
        raise StorageError(f"{out}: cannot write ({error.strerror}). Make room, or choose another folder.") from error


def _check_own(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"out={out}: is a file. Name a folder.")
    for name in (*OURS, CHOICE_FOLDER):
        path = out / name
        if os.path.lexists(path) and path.is_dir() != (name == CHOICE_FOLDER):
            raise UsageError(f"out={out}: {name} is there and no import has written it. Choose another folder.")
    if (out / IMPORT_FILE).exists():
        return
    for name in OURS:
        if os.path.lexists(out / name):
            raise UsageError(
                f"out={out}: {name} is there and no import has written it. Choose another folder, or move it away."
            )


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps other commands from writing into a folder meanwhile.

    Raises:
        UsageError: One does.
    """
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UsageError(
            f"out={out}: another command writes into it. Wait for it, or choose another folder."
        ) from error
    finally:
        os.close(handle)


def remove_parts(parts: Path) -> None:
    """Removes a folder of parts, and of a link only the link: what it leads to is nobody's parts."""
    if parts.is_symlink():
        parts.unlink()
    elif parts.exists():
        shutil.rmtree(parts)


def _put_in_place(parts: Path, out: Path) -> None:
    """Moves what was written to its place: the record of the import first, which owns the rest, the manifest last."""
    (out / MANIFEST_FILE).unlink(missing_ok=True)
    (parts / IMPORT_FILE).replace(out / IMPORT_FILE)
    for name in OURS:
        if name != IMPORT_FILE and not (parts / name).exists():
            (out / name).unlink(missing_ok=True)
    if is_ours(out / RECORDINGS):
        (out / RECORDINGS).rename(parts / f"{RECORDINGS}.old")  # goes with the folder of parts
    if (parts / RECORDINGS).exists():
        (parts / RECORDINGS).rename(out / RECORDINGS)
    files = [path for path in (*parts.glob("*"), *parts.glob(f"{CHOICE_FOLDER}/*")) if path.is_file()]
    for path in sorted(files, key=lambda each: each.name == MANIFEST_FILE):
        place = out / path.relative_to(parts)
        place.parent.mkdir(exist_ok=True)
        path.replace(place)


def _is_below(path: str, folder: Path) -> bool:
    return f"{Path(path).absolute()}/".startswith(f"{folder.absolute()}/")
