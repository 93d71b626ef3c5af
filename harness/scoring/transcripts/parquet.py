"""A Parquet file of transcripts in, its rows of cells out; a row's line is its number, from 1."""

from collections.abc import Iterator, Mapping

import pyarrow
import pyarrow.parquet

from harness.errors import HypothesesError
from harness.scoring.transcripts.tables import Row, Table

_ROWS_AT_ONCE = 10_000


def parquet_rows(table: Table, sources: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a file; only columns that are used are read.

    Raises:
        HypothesesError: The file is none of Parquet, or two of its columns have one name.
    """
    try:
        with pyarrow.parquet.ParquetFile(table.path) as file:
            names: list[str] = list(file.schema_arrow.names)
            if len(set(names)) < len(names):
                raise HypothesesError([f"{table.path}: has two columns of one name; rename one"])
            table.names.update(dict.fromkeys(names))
            used = {column: source for column, source in sources.items() if source in table.names}
            line = 0
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(dict.fromkeys(used.values()))):
                cells = {column: batch.column(source).to_pylist() for column, source in used.items()}
                for row in range(batch.num_rows):
                    line += 1
                    yield line, {column: _known(values[row]) for column, values in cells.items()}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HypothesesError([f"{table.path}: is not a readable Parquet file ({reason}); write it again"]) from error


def _known(cell: object) -> object:
    """Return a cell; None for NaN, which is how pandas writes that there is nothing."""
    return None if isinstance(cell, float) and cell != cell else cell
