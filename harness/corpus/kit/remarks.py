"""What was read of a kit in, what its reader must know out: what was hidden, merged, doubled, or a person's name."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.corpus.cells import listed, shown
from harness.corpus.kit.attribute_columns import AttributeColumn
from harness.corpus.kit.personal import personal_kind
from harness.corpus.kit.recordings import Recordings
from harness.corpus.kit.rows import Record
from harness.corpus.kit.sheets import column_letters, numbers_shown
from harness.corpus.kit.table import Column, Table

MOST_NAMED = 10  # recordings that a note names


def numbered_speakers(
    records: Sequence[Record], table: Table, speaker: Column | None
) -> tuple[tuple[Record, ...], list[str]]:
    """Put numbers in the place of speakers that look like personal data: ids stand in results and reports."""
    kind = None if speaker is None else personal_kind(speaker.name, table.cells(speaker))
    if kind is None or speaker is None:
        return tuple(records), []
    numbers: dict[object, str] = {}
    numbered = []
    for record in records:
        fields = dict(record.fields)
        if "speaker_id" in fields:
            name = fields["speaker_id"]
            fields["speaker_id"] = numbers.setdefault(name, f"speaker-{len(numbers) + 1:03d}")
        numbered.append(replace(record, fields=fields))
    note = (
        f"column {shown(speaker.name)} looks like personal data ({kind}): speakers are called speaker-001 and so on, "
        "in the order of the rows"
    )
    return tuple(numbered), [note]


def shape_notes(table: Table, meanings: Mapping[str, Column], attributes: Sequence[AttributeColumn]) -> list[str]:
    """Say what of the spreadsheet's shape a reader would not expect to count."""
    sheet, notes = table.sheet, []
    numbers = {line.number for line in table.lines}
    hidden_rows = tuple(number for number in sheet.hidden_rows if number in numbers)
    used = {column.position: column for column in (*meanings.values(), *(each.column for each in attributes))}
    hidden = [column.name for position, column in used.items() if position in sheet.hidden_columns]
    merged: dict[str, list[int]] = defaultdict(list)
    for number, position in sorted(sheet.merged):
        if position in used and number in numbers:
            merged[used[position].name].append(number)
    if hidden_rows:
        notes.append(f"{numbers_shown(hidden_rows)}: hidden in the spreadsheet, used all the same")
    if hidden:
        notes.append(f"hidden columns, used all the same: {listed(hidden)}")
    notes += [
        f"column {shown(name)}: the value of a merged cell above counts for {numbers_shown(tuple(rows))}"
        for name, rows in merged.items()
    ]
    chosen = [
        f"{meaning} is {shown(column.name)} (column {column_letters(column.position)})"
        for meaning, column in meanings.items()
    ]
    return [f"columns: {', '.join(chosen)}", *notes]


def recording_notes(recordings: Recordings, used: set[str], without_row: Sequence[str]) -> list[str]:
    """Say which recordings no row uses, which cannot be used, and which are the same."""
    notes = []
    if without_row:
        notes.append(f"{len(without_row)} recordings without a row in use: {_some(without_row)}")
    for paths, what in (
        (recordings.not_decoded, "in formats that cannot be decoded here"),
        (recordings.unusable, "with names that cannot be written down"),
    ):
        if paths:
            notes.append(f"{len(paths)} files {what}: {_some(paths)}")
    for group in _same_bytes(recordings.folder, sorted(used)):
        notes.append(f"the same recording under several names: {_some(group)}")
    return notes


def _same_bytes(folder: Path, paths: Sequence[str]) -> list[tuple[str, ...]]:
    """Return recordings that hold the same bytes; only those of the same size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_size[(folder / path).stat().st_size].append(path)
    by_digest: dict[str, list[str]] = defaultdict(list)
    for path in (path for group in by_size.values() if len(group) > 1 for path in group):
        with (folder / path).open("rb") as file:
            by_digest[hashlib.file_digest(file, "sha256").hexdigest()].append(path)
    return [tuple(group) for group in by_digest.values() if len(group) > 1]


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"{listed(paths[:MOST_NAMED])}{more}"
