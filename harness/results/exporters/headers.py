"""Paths of recordings in, what their headers say out, each looked at once; None where no recording is to be read."""

import logging

from harness.audio import AudioHeader, audio_header
from harness.errors import AudioError

log = logging.getLogger(__name__)


class Headers:
    """Reads headers, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[str, AudioHeader | None] = {}

    def of(self, path: object) -> AudioHeader | None:
        """Returns what a recording's header says; None where there is no path, no file or nothing readable in it."""
        if not isinstance(path, str):
            return None
        if path not in self._known:
            try:
                self._known[path] = audio_header(path)
            except AudioError as error:
                log.debug("%s", error)
                self._known[path] = None
        return self._known[path]

    def left_s(self, path: object, offset: object) -> float | None:
        """Returns how many seconds of a recording follow an offset; None where nobody knows, or none do."""
        header = self.of(path)
        if header is None or not isinstance(offset, int | float):
            return None
        left_s = header.duration_s - offset
        return left_s if left_s > 0 else None
