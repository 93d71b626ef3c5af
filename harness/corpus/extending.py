"""A manifest and new columns in, a manifest with both and the datasheet that declares them out, as text or as a frame.

Every cell stays as its file has it. Columns get the names of the contract, so that the new manifest needs no mapping;
ids that were derived from audio paths are written out, since a new folder would derive others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow.parquet
import yaml

from harness.corpus.attributes import CONTRACT_COLUMNS, Attribute
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import SURROGATES, shown
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.declaring import declaration
from harness.corpus.manifest import Manifest, manifest_digest
from harness.corpus.reading import Table, read_table
from harness.corpus.selection import Selection, select
from harness.corpus.withdrawal import without_withdrawn
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import UsageError

UNUSED = "_unused"  # put behind a column whose name the mapping gives to another
NO_DATASHEET = "Taken as annotated: the manifest that was measured had no datasheet."


@dataclass(frozen=True, slots=True)
class Extension:
    """Holds what is added to a manifest.

    Attributes:
        columns: Cells by new column, one a row of the manifest.
        attributes: Declarations of those that are attributes.
        audio_filepaths: What the new manifest calls each recording; None where the row has none.
    """

    columns: Mapping[str, Sequence[object]]
    attributes: Sequence[Attribute]
    audio_filepaths: Sequence[str | None]


def check_extension(manifest: Manifest, mapping: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuses new columns that would take an old one's place.

    Raises:
        UsageError: The manifest has such a column, in whatever capitals, or has changed since it was read.
    """
    table, selection = _read(manifest, mapping)
    old = {name.casefold(): name for name in _new_names(table, selection).values()}
    taken = [name for name in names if name.casefold() in old]
    if taken:
        raise UsageError(
            f"{manifest.path.name} has a column {', '.join(map(shown, taken))} already. Give the new columns names of "
            "their own: prefix=measured_"
        )


def extended_lines(manifest: Manifest, mapping: Mapping[str, str], extension: Extension) -> str:
    """Returns the new manifest as JSON Lines.

    Args:
        manifest: What is extended.
        mapping: The file's column for a contract column or attribute, as the manifest was loaded with.
        extension: What is added.

    Raises:
        UsageError: The manifest's file has changed since it was read.
    """
    old_cells = manifest_columns(manifest, mapping)
    known = _known(manifest, extension)
    columns: dict[str, Sequence[object]] = {**known, **old_cells, **known, **extension.columns}
    rows = zip(*columns.values(), strict=True)
    return "".join(f"{_line(dict(zip(columns, row, strict=True)))}\n" for row in rows)


def extended_frame(manifest: Manifest, mapping: Mapping[str, str], extension: Extension) -> pd.DataFrame:
    """Returns the new manifest of a Parquet one, whose types stay, as `extended_lines` does."""
    table, selection = _read(manifest, mapping)
    frame: pd.DataFrame = pyarrow.parquet.read_table(manifest.path).to_pandas(types_mapper=pd.ArrowDtype)
    frame = frame.iloc[[row - 1 for row in table.lines]].rename(columns=_new_names(table, selection))
    added = _known(manifest, extension) | dict(extension.columns)
    return frame.assign(**{name: pd.Series(list(cells), index=frame.index) for name, cells in added.items()})


def manifest_columns(manifest: Manifest, mapping: Mapping[str, str]) -> dict[str, Sequence[object]]:
    """Returns the cells of every column as the manifest's file has them, by the contract's names where it has one.

    Args:
        manifest: As it was loaded.
        mapping: The file's column for a contract column or attribute, as it was loaded with.

    Raises:
        UsageError: The manifest's file has changed since it was read.
    """
    table, selection = _read(manifest, mapping)
    return {new: table.columns[old] for old, new in _new_names(table, selection).items() if old in table.columns}


def extended_datasheet(manifest: Manifest, extension: Extension) -> str:
    """Returns the old datasheet as YAML with the new attributes declared in it.

    Without an old one, attributes are declared as they were used, and say that nobody declared them.
    """
    content = _old_datasheet(manifest)
    old = content.get("attributes")
    new = {each.name: declaration(each) for each in extension.attributes}
    content |= {"name": manifest.name, "attributes": (old if isinstance(old, dict) else {}) | new}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _old_datasheet(manifest: Manifest) -> dict[str, object]:
    sheet = manifest.datasheet
    if sheet.declared:
        path = manifest.path.absolute().parent / DATASHEET_FILE
        return {str(key): value for key, value in yaml_mapping(path.read_bytes(), path.name).items()}
    attributes = {each.name: declaration(each) | {"description": NO_DATASHEET} for each in sheet.attributes}
    return {
        "name": manifest.name,
        "undeclared": list(sheet.undeclared),
        "declined": list(sheet.declined),
        "attributes": attributes,
    }


def _read(manifest: Manifest, mapping: Mapping[str, str]) -> tuple[Table, Selection]:
    data = manifest.path.read_bytes()
    sheet = manifest.path.absolute().parent / DATASHEET_FILE
    beside = sheet.read_bytes() if sheet.is_file() else b""
    people = manifest.left_out.people
    if manifest_digest(data, beside, people) != manifest.digest:
        raise UsageError(f"{manifest.path}: it or its {DATASHEET_FILE} has changed since it was read. Measure it anew.")
    table = read_table(manifest.path.name, manifest.path.suffix, data)
    selection = select(table, manifest.datasheet, mapping, require_audio=False)
    anywhere = AudioFolder(manifest.path.absolute().parent, allow_outside=True, must_exist=False)
    return without_withdrawn(table, selection, people, anywhere)[0], selection


def _new_names(table: Table, selection: Selection) -> dict[str, str]:
    """Returns the new name of every old column: the contract's for what is used, else its own."""
    used = {old: new for new, old in selection.columns.items()}
    taken = {*used.values(), "utterance_id", "audio_filepath"}
    names = {}
    for old in (*table.columns, *table.unreadable):
        new = used.get(old, old)
        while old not in used and (new in taken or new in CONTRACT_COLUMNS):
            new += UNUSED
        taken.add(new)
        names[old] = new
    return names


def _known(manifest: Manifest, extension: Extension) -> dict[str, Sequence[object]]:
    """Returns the columns that the new manifest states although the old one may have left them to be derived."""
    columns: dict[str, Sequence[object]] = {
        "utterance_id": manifest.frame["utterance_id"].tolist(),
        "audio_filepath": list(extension.audio_filepaths),
    }
    languages = manifest.frame["language"].tolist()
    return columns | ({"language": languages} if any(languages) else {})


def _line(row: Mapping[str, object]) -> str:
    line = json.dumps(row, ensure_ascii=False)
    return json.dumps(row) if SURROGATES.search(line) else line  # half a pair, in a column that nobody uses
