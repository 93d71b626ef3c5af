"""A file and a folder in, the address of the file in a page that lies in the folder out."""

import os
from pathlib import Path
from urllib.parse import quote


def link(file: Path, folder: Path) -> str:
    """Return where a file lies from a folder, percent-encoded, so that no name is taken for a scheme or an anchor.

    >>> link(Path("/runs/a#b/javascript:x/report.md"), Path("/runs/board"))
    '../a%23b/javascript%3Ax/report.md'
    """
    return quote(os.fsencode(os.path.relpath(os.path.abspath(file), os.path.realpath(folder))))  # noqa: PTH100
