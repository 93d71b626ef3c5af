"""Files of a table in; their rows out, a batch at a time, and where in a batch its recordings are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow

from harness.corpus.importers.arrow.cells import Held, cells, data, part, text
from harness.corpus.importers.arrow.columns import Columns

ROWS_AT_ONCE = 64  # of short cells; of recordings one, so that a page that unpacks to much is one at a time

# Opens a file: takes the columns that are wanted (`audio.path` for a part of one) and how many rows at a time at most.
Batches = Callable[[Sequence[str], int], Iterator[pyarrow.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Shard:
    """Is one file of a table.

    Attributes:
        name: As messages show it.
        batches: Gives its rows; raises a `ManifestError` where it is damaged.
    """

    name: str
    batches: Batches


@dataclass(frozen=True, slots=True)
class Table:
    """Is what is imported.

    Attributes:
        shards: Its files, in order.
        columns: Which of its columns is what.
        folder: That they are in.
    """

    shards: Sequence[Shard]
    columns: Columns
    folder: Path

    @property
    def audio_columns(self) -> list[str]:
        """Returns what is read to find recordings."""
        name = self.columns.contract.get("audio_filepath")
        if name is None:
            return []
        return [f"{name}.{each}" for each in self.columns.parts] if self.columns.audio is Held.recording else [name]


class BatchAudio:
    """Finds the recordings of a batch."""

    def __init__(self, batch: pyarrow.RecordBatch, columns: Columns) -> None:
        name = columns.contract.get("audio_filepath")
        column = batch.column(name) if name in batch.schema.names else None
        is_recording = columns.audio is Held.recording and column is not None
        self._data = part(column, "bytes") if is_recording else (column if columns.audio is Held.data else None)
        paths = part(column, "path") if is_recording else (column if columns.audio is Held.text else None)
        self._paths = None if paths is None else cells(paths)

    def data(self, row: int) -> bytes | None:
        """Returns the bytes of a recording; None where the table does not hold them."""
        return None if self._data is None else data(self._data, row)

    def has_data(self, row: int) -> bool:
        """Returns whether the table holds a recording."""
        return self._data is not None and bool(self._data[row].is_valid)

    def path(self, row: int) -> str | None:
        """Returns what a recording is called; None where it is not."""
        return None if self._paths is None else text(self._paths[row]) or None


def stem(path: str | None) -> str | None:
    """Returns the name of a recording without folders and suffix; None where it has none."""
    return PurePosixPath(path.replace("\\", "/")).stem or None if path else None


def paths_of(table: Table) -> Iterator[str]:
    """Yields the paths of all recordings, where there are such; recordings that the table holds are not read."""
    wanted = [name for name in table.audio_columns if not name.endswith(".bytes")]
    for shard in table.shards if wanted else ():
        for batch in shard.batches(wanted, ROWS_AT_ONCE):
            audio = BatchAudio(batch, table.columns)
            yield from (path for row in range(batch.num_rows) if (path := audio.path(row)))
