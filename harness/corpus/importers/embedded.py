"""A recording's bytes in; a file with a name that is safe out, for sources that hold recordings and not their paths.

Nothing in the source names a file: its name is made of the utterance's id, and its suffix of how the bytes begin.
"""

import hashlib
from pathlib import Path

from harness.corpus.cells import CellError
from harness.errors import UsageError

RECORDINGS = "recordings"  # the folder, beside the manifest
MARK = ".import_corpus"  # a file in it: an import wrote the folder, and may take it away
MOST_BYTES = 512 << 20  # of a recording; 48 minutes of 48 kHz stereo in 32 bits, 4.6 hours of 16 kHz mono in 16
FILES_A_FOLDER = 10_000
LONGEST_NAME = 100  # bytes, without the hash and the suffix; file systems take 255

_BEGINNINGS = (  # bytes, where they stand, suffix
    (b"WAVE", 8, ".wav"),
    (b"fLaC", 0, ".flac"),
    (b"OggS", 0, ".ogg"),
    (b"ID3", 0, ".mp3"),
    (b"AIFF", 8, ".aiff"),
    (b"AIFC", 8, ".aiff"),
    (b".snd", 0, ".au"),
    (b"caff", 0, ".caf"),
    (b"NIST_1A", 0, ".sph"),
    (b"riff\x2e\x91\xcf\x11", 0, ".w64"),
    (b"ftyp", 4, ".m4a"),
    (b"\x1aE\xdf\xa3", 0, ".webm"),
    (b"#!AMR", 0, ".amr"),
)


class Recordings:
    """Writes recordings into a folder as they come.

    Attributes:
        n_written: How many it wrote.
    """

    def __init__(self, parts: Path, out: Path) -> None:
        """Writes below `parts`, what is to become `out`; nothing is made before the first recording."""
        self._parts = parts
        self._out = out
        self.n_written = 0

    def write(self, utterance_id: str, data: bytes) -> str:
        """Writes a recording; returns its path below the folder, with slashes.

        Raises:
            CellError: It is no recording, or too large.
            UsageError: The folder of recordings is there and no import has written it.
            OSError: It cannot be written.
        """
        suffix = suffix_of(data)
        if not self.n_written:
            self._begin()
        folder = f"{RECORDINGS}/{self.n_written // FILES_A_FOLDER:04d}"
        if self.n_written % FILES_A_FOLDER == 0:
            (self._parts / folder).mkdir(exist_ok=True)
        path = folder
        for name in _names(utterance_id):
            path = f"{folder}/{name}{suffix}"
            if self._wrote(path, data):
                break  # else there is an earlier record of the same id, for which the import is refused
        self.n_written += 1
        return path

    def _wrote(self, path: str, data: bytes) -> bool:
        """Writes a file unless there is one of that name, in whatever capitals the file system takes for the same."""
        try:
            with (self._parts / path).open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        return True

    def _begin(self) -> None:
        there = self._out / RECORDINGS
        if there.exists() and not is_ours(there):
            raise UsageError(
                f"out={self._out}: {RECORDINGS} is there and no import has written it. Choose another folder, or move "
                "it away."
            )
        (self._parts / RECORDINGS).mkdir()
        (self._parts / RECORDINGS / MARK).touch()


def is_ours(folder: Path) -> bool:
    """Returns whether an import wrote a folder of recordings; never of a link, which leads to somebody else's."""
    return (folder / MARK).is_file() and not folder.is_symlink()


def suffix_of(data: bytes) -> str:
    """Returns the suffix of a recording, by its first bytes.

    Raises:
        CellError: They are those of no recording, or there are too many bytes.
    """
    if len(data) > MOST_BYTES:
        raise CellError(
            f"a recording of at most {MOST_BYTES >> 20} MiB, not {len(data) >> 20} MiB. Cut it into utterances, or "
            "keep it in a file of its own and its path in the column."
        )
    for beginning, start, suffix in _BEGINNINGS:
        if data[start : start + len(beginning)] == beginning:
            return suffix
    if data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE0 == 0xE0 and data[1] & 0x06:  # MPEG audio, layers I-III
        return ".mp3"
    raise CellError(
        f"the bytes of a recording (WAV, FLAC, OGG, MP3 or another kind that says so), not {len(data):,} bytes that "
        f"begin with {data[:8].hex(' ') or 'nothing'}. Write it as a file of such a kind, or remove the row."
    )


def _names(utterance_id: str) -> tuple[str, ...]:
    """Returns the names a recording can have: its id where that is a safe one, then one that no other id has."""
    kept = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in utterance_id)
    safe = kept.lstrip("-.").encode()[:LONGEST_NAME].decode(errors="ignore")
    hashed = f"{safe or 'recording'}-{hashlib.sha256(utterance_id.encode(errors='surrogatepass')).hexdigest()[:32]}"
    return (safe, hashed) if safe == utterance_id else (hashed,)
