"""Parquet files with a column of audio in; a record for each row of one split out.

The source is one file, or a folder of them as the hub lays datasets out: `data/test-00000-of-00003.parquet`, with a
configuration `en/test-00000-of-00003.parquet`, converted `en/test/0000.parquet`, by hand `test.parquet`. Rows are read
a batch at a time: of a file of any size only a page of each column is in memory, as large as its writer made it.

Recordings are usually in the tables, as bytes; they are written to files. Classes become their names. A
`datasheet.yaml` beside the files, such as an export writes, says what the attributes are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet

from harness.corpus.cells import listed
from harness.corpus.importers.arrow.cells import readable
from harness.corpus.importers.arrow.columns import columns
from harness.corpus.importers.arrow.features import schema_features
from harness.corpus.importers.arrow.first_rows import look
from harness.corpus.importers.arrow.records import records
from harness.corpus.importers.arrow.shards import Shard, Table
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger
from harness.corpus.importers.exported import sheet_beside
from harness.errors import ManifestError, UsageError

USUAL = "test"
SPLITS = ("train", "test", "validation", "valid", "dev", "eval")  # names of files that are splits by themselves
MOST_FILES = 100_000
_BUFFER = 1 << 20  # bytes; read at a time, where a whole row group would be otherwise
_SHARD = re.compile(r"(?P<split>.+)-(?P<number>[0-9]{5})-of-(?P<total>[0-9]{5})(-[0-9a-f]+)?")
_DAMAGED = (pyarrow.ArrowException, OSError, ValueError, MemoryError)


@dataclass(frozen=True, slots=True)
class _Part:
    """Is a file and what its name says.

    Attributes:
        path: The file.
        folder: Which configuration it is of, as seen from the source.
        split: None where its name says none.
        number: Of the shard; None where its name says none.
        n_shards: How many there are.
    """

    path: Path
    folder: str
    split: str | None
    number: int | None = None
    n_shards: int = 1


def read_parquet(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads one split, `test` or the only one unless `split` names another.

    Raises:
        UsageError: There are no such files, or shards are missing; or a split or columns are to be chosen.
        ManifestError: A file is damaged.
    """
    folder = source if source.is_dir() else source.parent
    paths = _paths(source, options.split, ledger)
    schema = _schema(paths[0])
    chosen = columns(schema, schema_features(schema), options.columns, ledger)
    shards = [Shard(path.relative_to(folder).as_posix(), partial(_batches, path, schema)) for path in paths]
    table = Table(shards, chosen, folder)
    found = look(table, ledger)
    name = source.absolute().name if source.is_dir() else source.stem
    root = None if found.root is None else found.root.folder
    return Corpus(sheet_beside(folder, name, options), records(table, found, ledger), root)


def _schema(path: Path) -> pyarrow.Schema:
    with _damage_named(path), _opened(path) as file:
        return readable(file.schema_arrow)


def _batches(path: Path, expected: pyarrow.Schema, wanted: Sequence[str], n_rows: int) -> Iterator[pyarrow.RecordBatch]:
    with _damage_named(path), _opened(path) as file:
        _check_alike(path, readable(file.schema_arrow), expected)
        n_read = 0
        for batch in file.iter_batches(batch_size=n_rows, columns=list(wanted), use_threads=False):
            n_read += batch.num_rows
            yield batch
        if n_read != file.metadata.num_rows:
            raise pyarrow.ArrowInvalid(f"it declares {file.metadata.num_rows:,} rows and holds {n_read:,}")


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    """Opens a file so that it is read a page at a time: neither ahead by row groups, nor mapped, nor in threads."""
    return pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True)


def _check_alike(path: Path, schema: pyarrow.Schema, expected: pyarrow.Schema) -> None:
    """Refuses a file whose columns or classes are others than those of the first."""
    labels, known = schema_features(schema).labels, schema_features(expected).labels
    if not schema.equals(expected) or labels != known:
        changed = {*schema.names} ^ {*expected.names} or {name for name in labels if labels[name] != known.get(name)}
        changed = changed or {each.name for each in schema if each.type != expected.field(each.name).type}
        what = listed(sorted(changed)) or "their order"
        raise ManifestError([f"{path.name}: its columns are not those of the first file: {what}. Write them alike."])


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise ManifestError([f"{path.name}: cannot be read as Parquet: {reason}. Fetch or write it again."]) from error


def _paths(source: Path, split: str | None, ledger: Ledger) -> list[Path]:
    """Returns the files of the split that is wanted, in order."""
    if source.is_file():
        if split is not None and _part(source, source.parent).split not in (split, None):
            raise UsageError(f"split={split}: {source.name} is of another. Leave split out, or name the folder.")
        return [source]
    parts = _parts(source)
    wanted = _chosen(parts, split, source, ledger)
    folders = sorted({part.folder for part in wanted})
    if len(folders) > 1 and wanted[0].split is not None:
        raise UsageError(
            f"source={source}: has {wanted[0].split} for several configurations: {listed(folders[:40])}. Name the "
            "folder of one."
        )
    _check_whole(wanted, source)
    return [part.path for part in wanted]


def _parts(source: Path) -> list[_Part]:
    paths = sorted(
        path
        for path in source.rglob("*.parquet")
        if path.is_file() and not any(name.startswith(".") for name in path.relative_to(source).parts)
    )
    if not paths:
        raise UsageError(f"source={source}: no Parquet file in it. Name a file, or the folder that holds them.")
    if len(paths) > MOST_FILES:
        raise UsageError(f"source={source}: has {len(paths):,} Parquet files; expected at most {MOST_FILES:,}.")
    return [_part(path, source) for path in paths]


def _part(path: Path, source: Path) -> _Part:
    folder = path.parent.relative_to(source)
    if shard := _SHARD.fullmatch(path.stem):
        return _Part(path, folder.as_posix(), shard["split"], int(shard["number"]), int(shard["total"]))
    if path.stem.isdecimal() and folder.name in SPLITS:
        return _Part(path, folder.parent.as_posix(), folder.name)
    return _Part(path, folder.as_posix(), path.stem if path.stem in SPLITS else None)


def _chosen(parts: Sequence[_Part], split: str | None, source: Path, ledger: Ledger) -> list[_Part]:
    by_split: dict[str | None, list[_Part]] = {}
    for part in parts:
        by_split.setdefault(part.split, []).append(part)
    only = next(iter(by_split)) if len(by_split) == 1 else None
    wanted = split or (USUAL if USUAL in by_split else only)
    if wanted not in by_split or (wanted is None and len(by_split) > 1):
        raise UsageError(
            f"split={split or ''}: {source.name} has {_names(by_split)}. Name one of them, or the file itself as "
            "source."
        )
    if split is None and len(by_split) > 1:
        ledger.remark(f"split {wanted} was taken of {_names(by_split)}")
    return by_split[wanted]


def _names(by_split: Mapping[str | None, Sequence[_Part]]) -> str:
    names = listed(sorted(name for name in by_split if name is not None))
    unnamed = len(by_split.get(None, ()))
    return f"the splits {names or 'none'}" + (f" and {unnamed} files whose names say none" if unnamed else "")


def _check_whole(parts: Sequence[_Part], source: Path) -> None:
    """Refuses a split of which shards are missing or there twice, as after an unfinished download."""
    numbered = [part for part in parts if part.number is not None]
    expected = sorted({(part.n_shards, number) for part in numbered for number in range(part.n_shards)})
    found = sorted((part.n_shards, part.number or 0) for part in numbered)
    if found != expected:
        missing = [f"{number:05d}-of-{total:05d}" for total, number in expected if (total, number) not in found]
        what = f"shards are missing: {', '.join(missing[:10])}" if missing else "some shards are there twice"
        raise UsageError(f"source={source}: {len(found)} files of {parts[0].split}; {what}. Fetch the split again.")
    if len({part.n_shards for part in numbered}) > 1:
        raise UsageError(f"source={source}: has {parts[0].split} in two versions. Remove one, or name the file itself.")
