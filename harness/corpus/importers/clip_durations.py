"""The durations that come with a Common Voice release in, seconds by clip out, in twelve bytes a clip.

Since version 16.1 they are in `clip_durations.tsv`, whose header is `clip` and `duration[ms]`; versions 14 to 16.0 have
them in `times.txt`, without a header. Both name the clips of all lists, which for English are two million and more: a
dictionary of them would take 300 MB.
"""

from array import array
from bisect import bisect_left
from pathlib import Path

import numpy as np

from harness.corpus.importers.corpus import Ledger
from harness.corpus.textfiles import text_lines

FILES = ("clip_durations.tsv", "times.txt")
LONGEST_MS = 2**31 - 1


class ClipDurations:
    """Knows how long clips are; each is kept as a 64-bit number and its milliseconds, in the order of the numbers."""

    def __init__(self, numbers: "array[int]", milliseconds: "array[int]") -> None:
        """Sorts clips by their numbers; those whose number another one has count as unknown."""
        keys, values = np.array(numbers, dtype=np.int64), np.array(milliseconds, dtype=np.int32)
        order = np.argsort(keys, kind="stable")
        keys, values = keys[order], values[order]
        other_before = np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]
        other_after = np.concatenate((keys[1:] != keys[:-1], [True]))[: len(keys)]
        once = other_before & other_after  # (n_clips,)
        self._numbers = array("q", keys[once].tobytes())
        self._milliseconds = array("i", values[once].tobytes())

    def seconds(self, clip: str) -> float | None:
        """Returns how long a clip is; None where the release does not say."""
        number = hash(clip)
        place = bisect_left(self._numbers, number)
        if place == len(self._numbers) or self._numbers[place] != number:
            return None
        return self._milliseconds[place] / 1_000


def read_clip_durations(folder: Path, ledger: Ledger) -> ClipDurations:
    """Reads the durations beside a list; of none where the release has no such file.

    A line that is no clip and its milliseconds is refused; a clip of zero milliseconds or of `undefined` is unknown.
    """
    numbers, milliseconds = array("q"), array("i")
    for path in (folder / name for name in FILES):
        if not path.is_file():
            continue
        for line, text in text_lines(path):
            clip, tab, length = text.partition("\t")
            if length.isdecimal() and len(length) <= 10 and 0 < int(length) <= LONGEST_MS:
                numbers.append(hash(clip))
                milliseconds.append(int(length))
            elif line > 1 and text and not tab:
                ledger.refuse(
                    f"{path.name}:{line}", "is no clip and its milliseconds with a tab between. Fetch it again."
                )
        break
    return ClipDurations(numbers, milliseconds)
