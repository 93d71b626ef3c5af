"""A Hugging Face dataset saved to disk in; a record for each of its rows out.

Layout, as `Dataset.save_to_disk` of `datasets` writes it: `data-00000-of-00002.arrow`, … (streams of Arrow),
`state.json` (their names, the split) and `dataset_info.json` (features, licence, citation). `DatasetDict.save_to_disk`
writes `dataset_dict.json` and such a folder for each split. `datasets` itself is not needed and nothing of it is run.

Recordings are usually in the tables, as bytes; they are written to files. Classes become their names.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow

from harness.corpus.cells import shown
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.arrow.columns import columns
from harness.corpus.importers.arrow.features import features_of, schema_features
from harness.corpus.importers.arrow.first_rows import look
from harness.corpus.importers.arrow.records import records
from harness.corpus.importers.arrow.shards import Shard, Table
from harness.corpus.importers.arrow.streams import stream_batches, stream_schema
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger
from harness.corpus.importers.datasheets import open_datasheet
from harness.errors import ManifestError, UsageError

DICT, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
USUAL = "test"
MOST_JSON_BYTES = 64 << 20  # `dataset_info.json` has a checksum for each file that a dataset was made of
MOST_CHARACTERS = 2_000  # of a description


def read_hf_dataset(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads one split of a dataset, `test` or the only one unless `split` names another.

    Raises:
        UsageError: The folder is no such dataset, or has no such split; or columns are to be chosen.
        ManifestError: A file of it is damaged.
    """
    folder = _folder(source, options.split, ledger)
    state, info = _json(folder / STATE), _json(folder / INFO)
    _check_split(state, options.split, folder)
    paths = _files(state, folder)
    schema = stream_schema(paths[0])
    features = features_of(info.get("features")) if info.get("features") else schema_features(schema)
    chosen = columns(schema, features, options.columns, ledger)
    table = Table([Shard(path.name, partial(_batches, path, schema)) for path in paths], chosen, source)
    found = look(table, ledger)
    sheet = replace(_sheet(info, source), language=options.language)
    return Corpus(sheet, records(table, found, ledger), None if found.root is None else found.root.folder)


def _batches(path: Path, expected: pyarrow.Schema, wanted: Sequence[str], n_rows: int) -> Iterator[pyarrow.RecordBatch]:
    """Yields whole rows: a stream cannot be read in part, and what is mapped and not used costs nothing."""
    del wanted
    schema = stream_schema(path)
    if not schema.equals(expected):
        raise ManifestError([f"{path.name}: its columns are not those of the first file. Save the dataset anew."])
    return stream_batches(path, n_rows)


def _folder(source: Path, split: str | None, ledger: Ledger) -> Path:
    """Returns the folder of the split that is wanted."""
    if (source / STATE).is_file():
        return source
    if not (source / DICT).is_file():
        raise UsageError(f"source={source}: {_no_dataset(source)}")
    splits = [name for name in _list(_json(source / DICT).get("splits")) if isinstance(name, str)]
    _refuse_paths(splits, source / DICT)
    wanted = split or (USUAL if USUAL in splits else splits[0] if len(splits) == 1 else None)
    if wanted not in splits:
        raise UsageError(
            f"split={split or ''}: {source.name} has the splits {', '.join(map(shown, splits)) or 'none'}. Name one of "
            "them."
        )
    if split is None and len(splits) > 1:
        ledger.remark(f"split {wanted} was taken of the splits {', '.join(sorted(splits))}")
    if not (source / wanted / STATE).is_file():
        raise UsageError(f"source={source}: no {STATE} in {wanted}, which {DICT} names. Save the dataset anew.")
    return source / wanted


def _no_dataset(source: Path) -> str:
    if any(source.glob("*.parquet")) or any(source.glob("data/*.parquet")):
        return "holds Parquet files. Import it with format=parquet."
    if any(source.glob("*.arrow")):
        return (
            f"holds Arrow files and no {STATE}: it is a cache of load_dataset. Save the dataset first: "
            "dataset.save_to_disk(FOLDER)."
        )
    return f"no {STATE} and no {DICT} in it. Name the folder that dataset.save_to_disk(FOLDER) wrote."


def _check_split(state: Mapping[str, object], split: str | None, folder: Path) -> None:
    own = state.get("_split")
    if split is not None and folder.name != split and own != split:
        named = f"is the split {shown(own)}" if isinstance(own, str) else "names no split"
        raise UsageError(f"split={split}: {folder.name} {named}. Leave split out, or name the folder of all splits.")


def _files(state: Mapping[str, object], folder: Path) -> list[Path]:
    """Returns the files of a dataset, all of which must be there."""
    if state.get("_indices_data_files"):
        raise UsageError(
            f"{folder.name}/{STATE}: chooses rows by a further file, as old versions of `datasets` did. Load the "
            "dataset and save it anew."
        )
    listed = [each.get("filename") for each in _list(state.get("_data_files")) if isinstance(each, dict)]
    names = [name for name in listed if isinstance(name, str)]
    _refuse_paths(names, folder / STATE)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing or not names:
        what = f"{len(missing)} of {len(names)} files are not there, such as {missing[0]}" if missing else "no files"
        raise UsageError(f"{folder.name}/{STATE}: {what}. Copy the dataset anew, with all files.")
    return [folder / name for name in names]


def _refuse_paths(names: Sequence[str], file: Path) -> None:
    for name in names:
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise UsageError(f"{file.parent.name}/{file.name}: names {shown(name)}; expected the name of a file in it.")


def _sheet(info: Mapping[str, object], source: Path) -> Datasheet:
    sheet = open_datasheet(_words(info.get("dataset_name")) or source.absolute().name)
    version = info.get("version")
    return replace(
        sheet,
        version=_words(version.get("version_str")) if isinstance(version, dict) else "",
        license=_words(info.get("license")),
        homepage=_words(info.get("homepage")),
        description=_words(info.get("description")),
        citation=_words(info.get("citation")),
    )


def _words(found: object) -> str:
    """Returns a text on one line, without what a terminal would obey."""
    text = " ".join(found.split()) if isinstance(found, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:MOST_CHARACTERS].strip()


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _json(path: Path) -> Mapping[str, object]:
    where = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise UsageError(f"{where}: is not there. Name the folder that dataset.save_to_disk(FOLDER) wrote.")
    if path.stat().st_size > MOST_JSON_BYTES:
        raise UsageError(f"{where}: has {path.stat().st_size:,} bytes; expected at most {MOST_JSON_BYTES:,}.")
    try:
        found: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError([f"{where}: is not JSON ({str(error)[:100]}). Save the dataset anew."]) from error
    if not isinstance(found, dict):
        raise ManifestError([f"{where}: holds {shown(found)}; expected one JSON object. Save the dataset anew."])
    return found
