"""A manifest in, its recordings with their utterances in the order of time out: where a word of a recording belongs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, isnan
from pathlib import PurePath, PurePosixPath

from harness.corpus import Manifest
from harness.corpus.attributes import DECLINED, UNDECLARED

CHANNEL = "channel"  # the attribute that says of which channel of its recording an utterance is
SAME_S = 0.01  # what times may be rounded by


@dataclass(frozen=True, slots=True)
class Place:
    """Is where an utterance is in its recording.

    Attributes:
        end_s: Infinite where the manifest does not say.
        channel: As the manifest calls it; None where it does not say.
    """

    utterance_id: str
    start_s: float
    end_s: float
    channel: str | None

    def holds(self, middle_s: float) -> bool:
        """Say whether a time is in the utterance, or at one of its ends."""
        return self.start_s <= middle_s <= self.end_s

    def surely_holds(self, middle_s: float) -> bool:
        """Say whether a time is in the utterance, and at none of its ends."""
        return self.start_s < middle_s < self.end_s

    def is_at(self, start_s: float, end_s: float) -> bool:
        """Say whether the utterance has these times, but for rounding."""
        return abs(self.start_s - start_s) <= SAME_S and abs(self.end_s - end_s) <= SAME_S


class Places:
    """Holds places of one recording by their start, and finds those that a time is in."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = sorted(places, key=lambda each: (each.start_s, each.end_s))
        self._starts_s = [each.start_s for each in self.places]
        self._latest_ends_s = list(accumulate((each.end_s for each in self.places), max))

    def holding(self, middle_s: float) -> list[Place]:
        """Return the places that a time is in."""
        found = []
        position = bisect_right(self._starts_s, middle_s)
        while position and self._latest_ends_s[position - 1] >= middle_s:
            position -= 1
            if self.places[position].holds(middle_s):
                found.append(self.places[position])
        return found

    def nearest(self, middle_s: float) -> Place | None:
        """Return the place that a time is in, of several the one whose middle is nearest; None: it is in none."""
        found = self.holding(middle_s)
        if len(found) < 2:
            return found[0] if found else None
        return min(found, key=lambda each: (abs(each.start_s + each.end_s - 2 * middle_s), each.start_s))

    def between(self, start_s: float, end_s: float) -> list[Place]:
        """Return the places whose middle is between two times."""
        first = bisect_right(self._latest_ends_s, start_s)
        last = bisect_right(self._starts_s, end_s)
        return [each for each in self.places[first:last] if start_s < (each.start_s + each.end_s) / 2 < end_s]

    @property
    def channels(self) -> set[str]:
        """Return the channels that the manifest names."""
        return {each.channel for each in self.places if each.channel is not None}


class Recordings:
    """Finds a recording of a manifest by what somebody calls it."""

    def __init__(self, manifest: Manifest) -> None:
        by_path: dict[str, list[Place]] = {}
        frame = manifest.frame
        channels = frame[CHANNEL] if CHANNEL in frame else [None] * len(frame)
        columns = (frame[name] for name in ("utterance_id", "audio_filepath", "offset", "duration"))
        for utterance_id, path, offset_s, duration_s, channel in zip(*columns, channels, strict=True):
            if path is not None:
                end_s = inf if isnan(duration_s) else offset_s + duration_s
                by_path.setdefault(path, []).append(Place(utterance_id, offset_s, end_s, _channel(channel)))
        self._by_path = by_path
        self._by_name: dict[str, list[str]] = {}
        for path in by_path:
            for name in {PurePath(path).stem, PurePath(path).name}:
                self._by_name.setdefault(name, []).append(path)

    def called(self, names: Sequence[str]) -> list[Places]:
        """Return the recordings that may be meant by any of some names: paths, or parts of their ends."""
        fewest: list[str] = []
        for name in names:
            paths = self._by_name.get(PurePosixPath(name).name, [])
            found = [path for path in paths if _ends_with(path, name)] or paths
            if found and (not fewest or len(found) < len(fewest)):
                fewest = found
        return [Places(self._by_path[path]) for path in fewest]


def _channel(value: object) -> str | None:
    return value if isinstance(value, str) and value not in (UNDECLARED, DECLINED) else None


def _ends_with(path: str, name: str) -> bool:
    """Say whether the last folders and the name of a path are these."""
    wanted = PurePosixPath(name).parts
    with_suffix, without = PurePath(path).parts, PurePath(path).with_suffix("").parts
    return wanted in (with_suffix[-len(wanted) :], without[-len(wanted) :])
