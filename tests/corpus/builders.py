"""Small corpora on disk for tests: rows in, files in every manifest format out."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from harness.corpus import Manifest
from harness.errors import ManifestError

Row = Mapping[str, object]
TEXT_FORMATS = (".jsonl", ".csv", ".tsv")
FORMATS = (*TEXT_FORMATS, ".parquet")


def row(utterance_id: str = "u1", **cells: object) -> dict[str, object]:
    """Return a row that is good unless a cell says otherwise."""
    return {"utterance_id": utterance_id, "text": "hello there", "speaker_id": "s1", **cells}


def write_manifest(folder: Path, rows: Sequence[Row], *, suffix: str = ".jsonl") -> Path:
    path = folder / f"toy{suffix}"
    if suffix == ".parquet":
        columns = dict.fromkeys(name for cells in rows for name in cells)
        pq.write_table(pa.table({name: [cells.get(name) for cells in rows] for name in columns}), path)
    elif suffix in (".csv", ".tsv"):
        _write_separated(path, rows, "," if suffix == ".csv" else "\t")
    else:
        path.write_text("".join(json.dumps(cells) + "\n" for cells in rows), encoding="utf-8")
    return path


def write_datasheet(folder: Path, attributes: Mapping[str, object] | None = None, **keys: object) -> Path:
    path = folder / "datasheet.yaml"
    path.write_text(yaml.safe_dump({"name": "toy corpus", "attributes": dict(attributes or {}), **keys}))
    return path


def self_reported(kind: str = "demographic", **keys: object) -> dict[str, object]:
    return {"kind": kind, "provenance": "self_reported", **keys}


def load(path: Path, **options: object) -> Manifest:
    """Load for scoring only, unless the options say otherwise."""
    return Manifest.load(path, **{"require_audio": False, **options})


def problems_of(action: Callable[[], object]) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        action()
    return list(caught.value.problems)


def _write_separated(path: Path, rows: Sequence[Row], separator: str) -> None:
    names = list(dict.fromkeys(name for cells in rows for name in cells))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(names)
        for cells in rows:
            writer.writerow([_cell(cells.get(name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)
