"""A manifest in, its recordings with their utterances in the order of time out: where a word of a recording belongs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import inf, isnan
from pathlib import PurePath, PurePosixPath

from harness.corpus import Manifest
from harness.corpus.attributes import DECLINED, UNDECLARED
from harness.corpus.withdrawal import CHANNEL

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
    def utterance_ids(self) -> list[str]:
        """Return the ids of the utterances."""
        return [each.utterance_id for each in self.places]

    @property
    def channels(self) -> set[str]:
        """Return the channels that the manifest names."""
        return {each.channel for each in self.places if each.channel is not None}


class Recordings:
    """Finds a recording of a manifest by what somebody calls it.

    Utterances of people who withdrew keep their places: what was said there is nobody else's.
    """

    def __init__(self, manifest: Manifest) -> None:
        by_path: dict[str, list[Place]] = {}
        for frame in (manifest.frame, manifest.left_out.utterances):
            channels = frame[CHANNEL] if CHANNEL in frame else [None] * len(frame)
            columns = (frame[name] for name in ("utterance_id", "audio_filepath", "offset", "duration"))
            for utterance_id, path, offset_s, duration_s, channel in zip(*columns, channels, strict=True):
                if path is not None:
                    end_s = inf if isnan(duration_s) else offset_s + duration_s
                    by_path.setdefault(path, []).append(Place(utterance_id, offset_s, end_s, _channel(channel)))
        self._by_path = by_path
        self._deepest = max((len(PurePath(path).parts) for path in by_path), default=0)
        self._by_end: dict[int, dict[tuple[str, ...], list[str]]] = {}

    def called(self, names: Sequence[str]) -> list[Places]:
        """Return the recordings that may be meant by any of some names: paths, or whole parts of their ends."""
        if not self._by_path:
            return []
        found = [paths for name in dict.fromkeys(names) if (paths := self._ending_with(PurePosixPath(name).parts))]
        return self._places(min(found, key=len, default=[]))

    def like(self, path: str) -> list[Places]:
        """Return the recordings that have the longest end of a path of some other machine in common with it."""
        parts = PurePosixPath(path).parts
        ends = (self._ending_with(parts[first:]) for first in range(len(parts)))
        return self._places(next((paths for paths in ends if paths), []))

    def shared(self, utterance_id: str) -> list[Places]:
        """Return the recording of an utterance where it has others, too, and is called as the utterance is."""
        path = self._shared.get(utterance_id)
        return (
            []
            if path is None or path not in self._ending_with(PurePosixPath(utterance_id).parts)
            else self._places([path])
        )

    @cached_property
    def _shared(self) -> dict[str, str]:
        return {
            place.utterance_id: path for path, places in self._by_path.items() if len(places) > 1 for place in places
        }

    def _places(self, paths: Sequence[str]) -> list[Places]:
        return [Places(self._by_path[path]) for path in paths]

    def _ending_with(self, parts: tuple[str, ...]) -> list[str]:
        """Return the paths whose last folders and name, with or without its extension, are these."""
        n = len(parts)
        if not 0 < n <= self._deepest:
            return []
        if n not in self._by_end:
            self._by_end[n] = self._ends(n)
        return self._by_end[n].get(parts, [])

    def _ends(self, n: int) -> dict[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = {}
        for path in self._by_path:
            *folders, name = PurePath(path).parts
            for end in dict.fromkeys((name, PurePath(name).stem)):
                if len(folders) >= n - 1:
                    found.setdefault((*folders[len(folders) + 1 - n :], end), []).append(path)
        return found


def _channel(value: object) -> str | None:
    return value if isinstance(value, str) and value not in (UNDECLARED, DECLINED) else None
