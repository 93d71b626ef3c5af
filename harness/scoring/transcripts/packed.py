"""A file in, an error out where it is an archive or packed: what is inside is given, not what it came in."""

from pathlib import Path

from harness.errors import UsageError

_MARKS = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet, which is one)",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "packed with gzip",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstandard",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
}
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257


def refuse_packed(path: Path) -> None:
    """Let a file pass that is none.

    Raises:
        UsageError: It is an archive, or packed.
    """
    with path.open("rb") as file:
        start = file.read(_TAR_MARK_AT + len(_TAR_MARK))
    what = next((what for mark, what in _MARKS.items() if start.startswith(mark)), None)
    if start[_TAR_MARK_AT:] == _TAR_MARK:
        what = "a tar archive"
    if what is not None:
        raise UsageError(
            f"{path}: is {what}; expected transcripts as they are. Unpack it into a folder of its own and give the "
            "folder or file; of a spreadsheet, save the sheet as CSV"
        )
