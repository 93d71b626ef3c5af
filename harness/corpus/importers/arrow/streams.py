"""An Arrow stream file in, its record batches out, checked before they are used and never unpacked.

The file is mapped into memory, so that what is declared in it costs nothing until it is there. `datasets` writes such
files without compression; a compressed one can unpack to any size and is refused.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow

from harness.corpus.importers.arrow.cells import readable
from harness.errors import ManifestError

FILE_MAGIC = b"ARROW1"  # of the other format that Arrow has
END = b"\xff\xff\xff\xff\0\0\0\0"  # of every stream that was closed
# Of the flatbuffers of Arrow's Message.fbs: the header's types, and the positions of fields in their tables.
_DICTIONARY, _RECORDS = 2, 3
_HEADER_TYPE, _HEADER, _DATA_OF_DICTIONARY, _COMPRESSION = 1, 2, 1, 3
_DAMAGED = (pyarrow.ArrowException, OSError, ValueError, struct.error, MemoryError)


def stream_schema(path: Path) -> pyarrow.Schema:
    """Returns the schema of a stream.

    Raises:
        ManifestError: It is none, or damaged, or packed.
    """
    with _damage_named(path), pyarrow.memory_map(str(path)) as file:
        return readable(pyarrow.ipc.open_stream(file).schema)


def stream_batches(path: Path, n_rows: int) -> Iterator[pyarrow.RecordBatch]:
    """Yields the rows of a stream, at most so many at a time.

    Raises:
        ManifestError: It is damaged, or packed.
    """
    with _damage_named(path), pyarrow.memory_map(str(path)) as file:
        _check_messages(file)
        file.seek(0)
        for batch in pyarrow.ipc.open_stream(file):
            batch.validate(full=True)  # offsets that lead out of the file are an error here, and a crash later
            for start in range(0, batch.num_rows, n_rows):
                yield batch.slice(start, n_rows)


def _check_messages(file: pyarrow.MemoryMappedFile) -> None:
    """Refuses a stream with messages that are cut off, or packed."""
    reader = pyarrow.ipc.MessageReader.open_stream(file)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            break
        if _is_packed(message.metadata.to_pybytes()):
            raise pyarrow.ArrowInvalid("its batches are compressed, which `save_to_disk` never does")
    if file.read_at(len(END), max(0, file.size() - len(END))) != END:
        raise pyarrow.ArrowInvalid("it is cut off: the mark of its end is not there")


def _is_packed(message: bytes) -> bool:
    (root,) = struct.unpack_from("<I", message)
    kind, header = _field(message, root, _HEADER_TYPE), _field(message, root, _HEADER)
    if not kind or not header or message[kind] not in (_DICTIONARY, _RECORDS):
        return False
    table = _followed(message, header)
    if message[kind] == _DICTIONARY:
        inner = _field(message, table, _DATA_OF_DICTIONARY)
        table = _followed(message, inner) if inner else table
    return _field(message, table, _COMPRESSION) != 0


def _field(message: bytes, table: int, number: int) -> int:
    """Returns where a field of a table of flatbuffers stands; 0 where it is not there."""
    (back,) = struct.unpack_from("<i", message, table)
    (size,) = struct.unpack_from("<H", message, table - back)
    place = 4 + 2 * number
    if place + 2 > size:
        return 0
    (offset,) = struct.unpack_from("<H", message, table - back + place)
    return table + offset if offset else 0


def _followed(message: bytes, place: int) -> int:
    (distance,) = struct.unpack_from("<I", message, place)
    return place + int(distance)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        with path.open("rb") as file:
            is_other = file.read(len(FILE_MAGIC)) == FILE_MAGIC
        what = "it is of Arrow's file format, not a stream" if is_other else " ".join(str(error).split())[:200]
        raise ManifestError(
            [f"{path.name}: cannot be read as a stream of Arrow: {what}. Save the dataset anew."]
        ) from error
