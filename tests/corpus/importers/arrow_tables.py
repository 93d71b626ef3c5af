"""Rows with recordings in, tables of Arrow's types and files laid out as `datasets` writes them out."""

import io
import json
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

RECORDING = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def tone(num_samples: int = 80) -> bytes:
    """Return a WAV file of a few milliseconds."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(bytes(range(100)) * (num_samples // 50 + 1))
    return file.getvalue()


def held(path: str | None = None, data: bytes | None = tone()) -> dict[str, object]:
    """Return a cell of a column of recordings."""
    return {"bytes": data, "path": path}


def class_label(*names: str) -> dict[str, object]:
    return {"names": list(names), "_type": "ClassLabel"}


def table(features: Mapping[str, object] | None = None, /, **columns: object) -> pa.Table:
    """Return a table; cells of `held` get their type, features stand in the metadata as `datasets` writes them."""
    made = pa.table({name: _array(cells) for name, cells in columns.items()})
    if features is None:
        return made
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": dict(features)}})})


def _array(cells: object) -> object:
    is_recordings = isinstance(cells, list) and any(isinstance(cell, dict) and "bytes" in cell for cell in cells)
    return pa.array(cells, type=RECORDING) if is_recordings else cells


def write_parquet(path: Path, content: pa.Table, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, **options)
    return path


def save_to_disk(
    folder: Path,
    *shards: pa.Table,
    features: Mapping[str, object] | None = None,
    split: str | None = None,
    compression: str | None = None,
    **info: object,
) -> Path:
    """Write a dataset as `Dataset.save_to_disk` does."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data-{number:05d}-of-{len(shards):05d}.arrow" for number in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, shard.schema, options=options) as out:
            out.write_table(shard)
    state = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": "d5b590c03a5e02c5",
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features or {}, **info}))
    return folder


def save_splits(folder: Path, splits: Mapping[str, Sequence[pa.Table]]) -> Path:
    """Write a dataset with splits as `DatasetDict.save_to_disk` does."""
    for split, shards in splits.items():
        save_to_disk(folder / split, *shards, split=split)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return folder
