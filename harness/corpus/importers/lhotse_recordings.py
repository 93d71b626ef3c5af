"""Recordings by their ids in, where each is to be heard out; kept in a temporary file, in little memory.

Supervisions name recordings in any order, and a corpus may have as many recordings as utterances.
"""

import json
import sqlite3

from harness.corpus.cells import CellError, shown
from harness.corpus.importers.lhotse_items import Heard


class RecordingTable:
    """Keeps what is known of recordings until it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file, gone when it is closed
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE recording (id TEXT PRIMARY KEY, heard TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, recording_id: str, found: Heard) -> None:
        """Takes a recording.

        Raises:
            CellError: One of that id is there already.
        """
        try:
            self._database.execute("INSERT INTO recording VALUES (?, ?)", (recording_id, json.dumps(_plain(found))))
        except sqlite3.IntegrityError as error:
            raise CellError(f"has the id {shown(recording_id)} of an earlier recording. Give each its own.") from error

    def get(self, recording_id: object) -> Heard | None:
        """Returns where a recording is to be heard; None where it is not known."""
        if not isinstance(recording_id, str):
            raise CellError(f"has recording_id={shown(recording_id)}; expected the id of a recording.")
        try:
            row = self._database.execute("SELECT heard FROM recording WHERE id = ?", (recording_id,)).fetchone()
        except UnicodeEncodeError:
            return None
        return None if row is None else _heard(row[0])

    def close(self) -> None:
        """Removes the file."""
        self._database.close()


def _plain(found: Heard) -> list[object]:
    return [found.altered, *([path, list(channels)] for path, channels in found.files)]


def _heard(text: str) -> Heard:
    altered, *files = json.loads(text)
    return Heard(tuple((path, tuple(channels)) for path, channels in files), altered)
