"""What an export has written beside a format's own files in; what those files cannot say, exactly, out.

Kaldi and STM have no place for an id with a blank in it, for a text of two lines or for what an attribute is. An export
writes what comes nearest into their files, `datasheet.yaml` as it is, and into `exact.jsonl` a line for every utterance
that they do not say exactly:

```
{"key": "u%201", "written": {"utterance_id": "u%201"}, "exact": {"utterance_id": "u 1"}}
```

`key` is what the importer derives as the id, lines stand in its order, and `written` is what it must find: where the
files were changed since, the import stops.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet, read_datasheet
from harness.corpus.importers.corpus import ImportOptions, Record, Value
from harness.corpus.importers.datasheets import open_datasheet
from harness.corpus.textfiles import json_objects
from harness.errors import ManifestError

EXACT_FILE = "exact.jsonl"
FIELDS = ("utterance_id", "text", "speaker_id", "language", "attributes")

Said = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """Is what is told of an utterance.

    Attributes:
        fields: Those of a record that are texts or None, by name.
        attributes: Its attributes.
    """

    fields: Mapping[str, str | None]
    attributes: Mapping[str, Value]


def sheet_beside(folder: Path, name: str, options: ImportOptions) -> Datasheet:
    """Returns the datasheet in a folder, else one that declares nothing."""
    path = folder / DATASHEET_FILE
    sheet = read_datasheet(path) if path.is_file() else open_datasheet(name)
    return replace(sheet, language=options.language) if options.language else sheet


def exact_line(key: str, written: Told, exact: Told) -> dict[str, object] | None:
    """Returns the line that `exact.jsonl` needs for an utterance; None where the files say it exactly."""
    fields = [name for name, value in exact.fields.items() if written.fields.get(name) != value]
    names = [name for name, value in exact.attributes.items() if written.attributes.get(name) != value]
    if not fields and not names:
        return None
    return {"key": key, "written": _of(written, fields, names), "exact": _of(exact, fields, names)}


def encoded(line: Mapping[str, object]) -> str:
    """Returns a line of the file; the same content is the same text."""
    return json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


class Exact:
    """Puts back what the files of a format could not say."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EXACT_FILE
        self._lines = self._read() if self._path.is_file() else iter(())
        self._next = next(self._lines, None)

    def restored(self, record: Record) -> Record:
        """Returns the record as it was exported.

        Raises:
            ManifestError: The files say something else than the export wrote.
        """
        if self._next is None or self._next[1] != record.utterance_id:
            return record
        line, _, written, exact = self._next
        self._next = next(self._lines, None)
        if any(not _is_found(record, name, each) for name, each in written.items()):
            raise self._changed(line, record.utterance_id)
        fields = {name: each for name, each in exact.items() if name != "attributes"}
        attributes = exact.get("attributes")
        if isinstance(attributes, Mapping):
            fields["attributes"] = {**record.attributes, **attributes}
        return replace(record, **fields)  # type: ignore[arg-type]  # `_checked` has seen the types

    def close(self) -> None:
        """Raises a `ManifestError` where lines are left: the utterance they are of is not where it was."""
        if self._next is not None:
            raise self._changed(self._next[0], self._next[1])

    def _changed(self, line: int, key: str) -> ManifestError:
        return ManifestError(
            [
                f"{EXACT_FILE}:{line}: says more of {shown(key)}, which is not as the export wrote it: files "
                f"beside it were changed since. Export again, or remove {EXACT_FILE} to take them as they are."
            ]
        )

    def _read(self) -> Iterator[tuple[int, str, Said, Said]]:
        problems: list[str] = []
        for line, row in json_objects(self._path, lambda line, problem: problems.append(f"{line}: {problem}")):
            key, written, exact = row.get("key"), row.get("written"), row.get("exact")
            if isinstance(key, str) and isinstance(written, dict) and isinstance(exact, dict) and _is_sound(exact):
                yield line, key, written, exact
            else:
                problems.append(f"{line}: expected key, written and exact, as an export writes them.")
            if problems:
                break
        if problems:
            raise ManifestError([f"{EXACT_FILE}:{problem}" for problem in problems])


def _of(told: Told, fields: list[str], names: list[str]) -> dict[str, object]:
    said: dict[str, object] = {name: told.fields.get(name) for name in fields}
    return said | ({"attributes": {name: told.attributes.get(name) for name in names}} if names else {})


def _is_found(record: Record, name: str, written: object) -> bool:
    if name == "attributes" and isinstance(written, Mapping):
        return all(record.attributes.get(each) == value for each, value in written.items())
    return name in FIELDS and getattr(record, name) == written


def _is_sound(exact: Said) -> bool:
    for name, value in exact.items():
        if name == "attributes":
            if not isinstance(value, dict) or not all(_is_value(each) for each in value.values()):
                return False
        elif name not in FIELDS or not (
            isinstance(value, str) or (value is None and name in ("speaker_id", "language"))
        ):
            return False
    return True


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str | int | float | None)
