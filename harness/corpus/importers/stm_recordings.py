"""A folder with STM files in; the file of each recording that they name out.

STM names recordings without folder and extension. A list `wav.scp` beside the file says which is which; else every
file below the folder, or below the one above where they lie in `stm/`, is looked at.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from harness.corpus.importers.corpus import Ledger
from harness.corpus.importers.keyed import keyed_lines
from harness.corpus.importers.wav_scp import WAV_SCP, WavScp

SUFFIXES = frozenset({".wav", ".flac", ".sph", ".mp3", ".ogg", ".opus", ".m4a", ".aiff", ".aif", ".au", ".wv"})
MOST_FILES = 2_000_000  # looked at; below a folder such as a home there may be more


class Recordings:
    """Knows the recordings by their names.

    Attributes:
        root: The folder that audio paths start from; None where none was found.
    """

    def __init__(self, folder: Path, channels: Mapping[str, frozenset[str]], ledger: Ledger, *, start: Path) -> None:
        """Finds the recordings; those with several channels are left out, since all would be heard at once.

        Args:
            folder: Of the STM files.
            channels: Channels by recording.
            ledger: Told what outputs should say.
            start: The folder that is looked through where there is no list.
        """
        self._list: WavScp | None = None
        self._paths: dict[str, str] = {}
        self._several: frozenset[str] = frozenset()
        if (folder / WAV_SCP).is_file():
            self._list = WavScp(folder / WAV_SCP, ledger)
            self._paths = {name: entry for _, name, entry in keyed_lines(folder / WAV_SCP)}
            self.root = self._list.root.found
        else:
            self._paths = _found(start, channels, ledger)
            self.root = start if self._paths else None
            self._several = frozenset(name for name in self._paths if len(channels[name]) > 1)
        missing = len([name for name in channels if name not in self._paths])
        if missing:
            ledger.remark(f"{missing} of {len(channels)} recordings are not beside the file: they are not heard")
        if self._several:
            ledger.remark(
                f"{len(self._several)} recordings have segments on several channels and are not named, since all "
                "channels would be heard at once; split them by channel, and the file, to hear them"
            )

    def of(self, name: str, place: str) -> str | None:
        """Returns the path of a recording, as seen from the root; None where it is not to be heard."""
        path = self._paths.get(name)
        if path is None or name in self._several:
            return None
        return path if self._list is None else self._list.audio(path, place)


def _found(start: Path, wanted: Mapping[str, frozenset[str]], ledger: Ledger) -> dict[str, str]:
    """Returns paths by name; a name that several files have is nobody's."""
    found: dict[str, str] = {}
    ambiguous, n_files = set(), 0
    for folder, folders, names in os.walk(start):
        folders.sort()
        for name in names:
            n_files += 1
            stem, suffix = os.path.splitext(name)  # noqa: PTH122 (a million names)
            if stem in wanted and suffix.casefold() in SUFFIXES:
                path = Path(folder, name).relative_to(start).as_posix()
                ambiguous.update([stem] if found.setdefault(stem, path) != path else [])
        if n_files > MOST_FILES:
            ledger.remark(f"more than {MOST_FILES:,} files below {start.name}: recordings may be among those not seen")
            break
    for name in ambiguous:
        del found[name]
    if ambiguous:
        ledger.remark(f"{len(ambiguous)} recordings are there several times, so it is not known which: none is named")
    return found
