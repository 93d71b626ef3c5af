"""Kaldi's list of recordings, `wav.scp`, in; what audio each entry names out. Commands in it are never run.

An entry is a path, a command whose output is the recording (`sph2pipe -f wav a.sph |`), or a place in an archive
(`audio.ark:4711`). Only a path names a recording that is heard here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.corpus.cells import CellError, shown
from harness.corpus.importers.audio_roots import AudioRoot, found_root
from harness.corpus.importers.corpus import Ledger
from harness.corpus.importers.keyed import keyed_lines

WAV_SCP = "wav.scp"
_ARCHIVE = re.compile(r".*(:[0-9]+|\.ark)(\[[0-9:,]*\])?", re.DOTALL)


def is_command(entry: str) -> bool:
    """Returns whether Kaldi would run an entry, or wait for it at its standard input."""
    return entry.startswith("|") or entry.endswith("|") or entry == "-"


def is_in_archive(entry: str) -> bool:
    """Returns whether Kaldi would look for an entry inside a file."""
    return _ARCHIVE.fullmatch(entry) is not None


class WavScp:
    """Knows what a list's entries name.

    Attributes:
        root: The folder that audio paths start from.
    """

    def __init__(self, path: Path, ledger: Ledger) -> None:
        """Looks through the list; entries in archives are refused, and commands are counted."""
        self._path = path
        self._ledger = ledger
        self.root = AudioRoot(None, is_there=False)
        if not path.is_file():
            ledger.remark(f"no {WAV_SCP}: transcripts made elsewhere can be scored, no recording is named")
            return
        self._look()
        if next(self._paths(), None) is not None:
            self.root = found_root(self._paths, path.parent, ledger)

    def audio(self, entry: str, place: str) -> str | None:
        """Returns the path of a recording, as seen from the root; None where the entry names none."""
        if is_command(entry) or is_in_archive(entry) or not entry:
            return None
        try:
            return self.root.relative(entry)
        except CellError as error:
            self._ledger.refuse(place, f"names {shown(entry)}; expected {error}")
            return None

    def _look(self) -> None:
        n_entries, n_commands, example = 0, 0, ""
        for number, _, entry in keyed_lines(self._path):
            n_entries += 1
            if is_command(entry):
                n_commands += 1
                example = example or entry
            elif is_in_archive(entry):
                self._ledger.refuse(
                    f"{WAV_SCP}:{number}",
                    f"names {shown(entry)}, a place in an archive; expected the path of a file. Write recordings as "
                    f"files (wav-copy), or remove {WAV_SCP} to score transcripts without them.",
                )
            elif not entry:
                self._ledger.refuse(f"{WAV_SCP}:{number}", "names no file. Name one or remove the line.")
        if n_commands:
            self._ledger.remark(
                f"{n_commands} of {n_entries} entries of {WAV_SCP} are commands, such as {shown(example)}: commands "
                "are never run, so these recordings are not named and not heard. Write them as files to hear them"
            )

    def _paths(self) -> Iterator[str]:
        for _, _, entry in keyed_lines(self._path):
            if entry and not is_command(entry) and not is_in_archive(entry):
                yield entry
