"""An export's table in, what files of JSON lines hold of it out, written whole or not at all."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite, isnan
from numbers import Integral, Real
from pathlib import Path

import pandas as pd

from harness.corpus.cells import scalar_text
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.declaring import datasheet_text
from harness.corpus.importers.open_attributes import OF_A_RECOGNISER
from harness.errors import UsageError
from harness.results.exporters.table import OF_A_RUN, ExportTable

Plain = str | int | float | Sequence["Plain"] | None  # what JSON can say of a cell

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_ENDS_A_LINE = re.compile("[\x85\u2028\u2029]")  # for some readers, who would tear a line there
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9.+-]+")
_LONGEST_NAME = 60  # characters


def plain(cell: object) -> Plain:
    """Returns a cell of any type as JSON says it; None for NaN.

    >>> plain(float("nan")), plain(3), plain(["a"])
    (None, 3, ['a'])
    """
    if cell is None or isinstance(cell, str | bool):
        return cell
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real):
        number = float(cell)
        return number if isfinite(number) else None if isnan(number) else str(number)
    if isinstance(cell, Iterable):
        return [plain(part) for part in cell]
    return scalar_text(cell)


def rows(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[dict[str, Plain]]:
    """Yields the cells of some columns, a mapping a row."""
    columns = [frame[name].tolist() for name in names]
    for row in zip(*columns, strict=True):
        yield {name: plain(cell) for name, cell in zip(names, row, strict=True)}


def of_a_run(row: Mapping[str, Plain]) -> dict[str, Plain]:
    """Returns what a run says of an utterance; a failed one has its `error` and an empty text, which tools need."""
    said = {name: row[name] for name in OF_A_RUN}
    if said["pred_text"] is None:
        said["pred_text"] = ""
    if not said["error"]:
        del said["error"]
    return said


def check_names(table: ExportTable, format_name: str) -> None:
    """Refuses attributes that the same format would read as what a recogniser returned.

    Raises:
        UsageError: There is one; the message names it.
    """
    for attribute in table.attributes:
        if OF_A_RECOGNISER.fullmatch(attribute.name):
            raise UsageError(
                f"format={format_name}: the attribute {attribute.name} would be taken for what was heard. Rename it."
            )


def by_condition(table: ExportTable) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields a name for files and the rows of each condition; the name is empty where there is only one."""
    conditions = list(dict.fromkeys(table.frame["condition"])) if table.has_run else []
    if len(conditions) < 2:
        yield "", table.frame
        return
    taken: set[str] = set()
    for condition in conditions:
        name = _NOT_IN_A_FILE_NAME.sub("_", str(condition))[:_LONGEST_NAME].strip("_.") or "condition"
        while name in taken:
            name += "_"
        taken.add(name)
        yield name, table.frame[table.frame["condition"] == condition]


def write_json_lines(path: Path, records: Iterable[Mapping[str, object]]) -> Path:
    """Writes a record a line, packed where the name ends in `.gz`; the same records are the same bytes."""
    return write_whole(path, (_line(record) for record in records))


def write_datasheet(table: ExportTable, out: Path) -> Path:
    """Writes who says what the attributes are, which the lines cannot hold; an import finds it beside them."""
    return write_whole(out / DATASHEET_FILE, [datasheet_text(table.datasheet).encode()])


def write_whole(path: Path, chunks: Iterable[bytes]) -> Path:
    """Writes a file, packed where the name ends in `.gz`; what stood there stays until all of it is written."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                    packed.writelines(chunks)
            else:
                file.writelines(chunks)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _line(record: Mapping[str, object]) -> bytes:
    text = _ENCODE(record)
    if not text.isascii():
        text = _ENDS_A_LINE.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text)
    return f"{text}\n".encode()
