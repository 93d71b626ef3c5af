"""The table of an export in, one Parquet file with the types of its columns and the datasheet out.

`NAME.parquet` is a manifest, too, with `datasheet.yaml` beside it: load it with `audio_root` where recordings are to be
heard, since its paths start from there. A run under several conditions has a row for each, and is then no manifest.
pandas, DuckDB and everything else that reads Parquet has ids and texts as strings, seconds and WER as doubles (null
where unknown), counts of words as 64-bit integers, attributes as strings, as lists of strings where several values can
hold at once, or as numbers where every cell is one.

The format has no place for what a manifest's own file said beyond these columns, and for comments.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from harness.corpus.attributes import Attribute
from harness.corpus.cells import scalar_text
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.declaring import datasheet_text
from harness.corpus.values import VALUE_SEPARATOR
from harness.results.exporters.json_lines import write_whole
from harness.results.exporters.table import CONTRACT, COUNTS, OF_A_RUN, ExportTable

METADATA = b"datasheet"  # of the file's schema; and `audio_root`
ROWS_A_GROUP = 100_000
_SECONDS = ("offset", "duration")


def write_parquet(table: ExportTable, out: Path) -> list[Path]:
    """Writes the table and its datasheet.

    Args:
        table: What is exported.
        out: A folder.

    Returns:
        `out/NAME.parquet` and `out/datasheet.yaml`.

    Raises:
        OSError: They cannot be written.
    """
    sheet = datasheet_text(table.datasheet)
    root = str(table.audio_root or "")
    arrow = arrow_table(table).replace_schema_metadata({METADATA: sheet, b"audio_root": os.fsencode(root)})
    path = out / f"{_file_name(table.name)}.parquet"
    with whole(path) as part:
        pyarrow.parquet.write_table(arrow, part, row_group_size=ROWS_A_GROUP, compression="zstd")
    return [path, write_whole(out / DATASHEET_FILE, [sheet.encode()])]


def arrow_table(table: ExportTable) -> pyarrow.Table:
    """Returns the columns with their types; audio paths start from the audio root where they are below it."""
    frame = table.frame
    columns = {name: _contract(frame[name], name) for name in CONTRACT}
    columns["audio_filepath"] = _texts([_below(path, table.audio_root) for path in frame["audio_filepath"]])
    columns |= {attribute.name: _attribute(frame[attribute.name].tolist(), attribute) for attribute in table.attributes}
    if table.has_run:
        columns |= {name: _of_run(frame[name], name) for name in OF_A_RUN}
    return pyarrow.table(columns)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a path to write to, and puts what was written there in the place of `path`; else leaves that as it is."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):  # in its place, where nothing went wrong
            part.unlink()


def _contract(column: pd.Series, name: str) -> pyarrow.Array:
    return _numbers(column.tolist()) if name in _SECONDS else _texts(column.tolist())


def _of_run(column: pd.Series, name: str) -> pyarrow.Array:
    if name in COUNTS:
        return pyarrow.array(column.to_numpy("int64"))
    return _numbers(column.tolist()) if name == "wer" else _texts(column.tolist())


def _attribute(cells: Sequence[object], attribute: Attribute) -> pyarrow.Array:
    if attribute.multivalued:
        return pyarrow.array([_parts(cell) for cell in cells], type=pyarrow.list_(pyarrow.string()))
    found = {type(cell) for cell in cells if cell is not None}
    if found == {int} and all(cell is None or -(2**63) <= cell < 2**63 for cell in cells if isinstance(cell, int)):
        return pyarrow.array(cells, type=pyarrow.int64())
    return _numbers(cells) if found == {float} else _texts(cells)


def _parts(cell: object) -> list[str] | None:
    if isinstance(cell, list | tuple):
        return [scalar_text(each) or "" for each in cell]
    text = scalar_text(cell)
    return None if text is None else text.split(VALUE_SEPARATOR)


def _texts(cells: Sequence[object]) -> pyarrow.Array:
    return pyarrow.array([scalar_text(cell) for cell in cells], type=pyarrow.string())


def _numbers(cells: Sequence[object]) -> pyarrow.Array:
    return pyarrow.array(cells, type=pyarrow.float64(), from_pandas=True)


def _below(path: object, root: Path | None) -> str | None:
    if not isinstance(path, str):
        return None
    for folder in () if root is None else (os.path.normpath(root.absolute()), os.path.realpath(root)):
        path = path.removeprefix(f"{folder}{os.sep}")
    return path


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60] or "manifest"
