"""A folder of recordings and a spreadsheet with whatever columns in, a checked `Kit` out: what a manifest holds."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.attributes import Attribute
from harness.corpus.cells import shown
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet, read_datasheet
from harness.corpus.kit.answers import KIT_FILE, Answers, remembered
from harness.corpus.kit.attribute_columns import DECLINED_TEXTS, UNDECLARED_TEXTS, AttributeColumn, chosen_attributes
from harness.corpus.kit.mapping import fits, mapped, speaker_note, used_times
from harness.corpus.kit.names import AUDIO, SPEAKER
from harness.corpus.kit.options import BadRows, KitOptions
from harness.corpus.kit.recordings import Recordings, spreadsheets_in
from harness.corpus.kit.remarks import numbered_speakers, recording_notes, shape_notes
from harness.corpus.kit.rows import DurationOf, Reading, Record, read_rows
from harness.corpus.kit.sheets import Sheet
from harness.corpus.kit.spreadsheet import NOT_READ, SPREADSHEETS, read_sheets
from harness.corpus.kit.table import Column, Table, table_of
from harness.errors import ManifestError, UsageError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Kit:
    """Holds what a folder and its spreadsheet say, checked and ready to be written as a manifest.

    Attributes:
        folder: Of the recordings.
        spreadsheet: The file, relative to the folder, or as given where it lies elsewhere.
        sheet: Its sheet; "" in a text file.
        n_rows: Data rows of the sheet; those in `records` and those in `left_out` add up to it.
        columns: The header of each column that means something, by what it means.
        records: The rows in use, by row number.
        datasheet: What is declared of them.
        left_out: The problem of every row that is not used, one text a problem.
        without_row: Recordings that no row in use names.
        notes: What was chosen and passed over, in words for a reader of the results.
        options: What was said, now or when the kit was made before.
    """

    folder: Path
    spreadsheet: str
    sheet: str
    n_rows: int
    columns: Mapping[str, str]
    records: tuple[Record, ...]
    datasheet: Datasheet
    left_out: tuple[str, ...]
    without_row: tuple[str, ...]
    notes: tuple[str, ...]
    options: KitOptions


def read_kit(
    folder: Path | str,
    options: KitOptions | None = None,
    *,
    out: Path | str | None = None,
    duration_of: DurationOf | None = None,
) -> Kit:
    """Read and check a customer's recordings and spreadsheet; nothing is written.

    Args:
        folder: Holds the recordings, in folders of their own or not.
        options: What the user says of them; what is not said is found.
        out: Where the kit is, or will be, written: what was answered when it was last made is not asked again.
        duration_of: Says how long a recording is and raises where it cannot be decoded (`audio.audio_duration_s`);
            None leaves that to the transcription.

    Raises:
        UsageError: A file or column is not there, or it cannot be told which is meant: every question is asked at once,
            each with the answer to add to the command.
        ManifestError: Rows cannot be used; every one of them is named by the number that the spreadsheet shows.
    """
    folder, out = Path(folder), None if out is None else Path(out)
    answers = remembered(options or KitOptions(), folder, out)
    options = answers.options
    recordings = Recordings(folder, aside=out)
    path = _spreadsheet(folder, options, out)
    _check_any(recordings)
    table, sheet_notes = _table(read_sheets(path), recordings, options, path.name)
    where = _where(path.name, table.sheet)
    columns = _columns(table, recordings, answers, known=_known_attributes(out), where=where)
    datasheet = _datasheet(folder, options, [each.attribute for each in columns.attributes], out)
    reading = read_rows(
        table,
        columns.meanings,
        columns.attributes,
        recordings,
        empty_text=options.empty_text,
        datasheet=datasheet,
        duration_of=duration_of,
    )
    left_out = _left_out(reading, options.bad_rows, where)
    records, speaker_notes = numbered_speakers(reading.records, table, columns.meanings.get(SPEAKER))
    used = {record.audio for record in records}
    without_row = tuple(path for path in recordings.paths if path not in used)
    log.info("%s: %d of %d rows in use", where, len(records), len(table.lines))
    return Kit(
        folder=folder,
        spreadsheet=options.spreadsheet or path.relative_to(folder).as_posix(),
        sheet=table.sheet.name,
        n_rows=len(table.lines),
        columns={meaning: column.name for meaning, column in columns.meanings.items()},
        records=records,
        datasheet=datasheet,
        left_out=left_out,
        without_row=without_row,
        notes=(
            *answers.notes, *sheet_notes, *table.sheet.notes, *table.notes, *columns.notes, *speaker_notes,
            *recording_notes(recordings, used, without_row),
        ),
        options=options,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Columns:
    """Says which column is what, and how that was found."""

    meanings: Mapping[str, Column]
    attributes: tuple[AttributeColumn, ...]
    notes: tuple[str, ...]


def _columns(
    table: Table, recordings: Recordings, answers: Answers, *, known: Mapping[str, Attribute], where: str
) -> _Columns:
    """Find what each column means; what one meant before counts while its header is still there."""
    before = {meaning: name for meaning, name in answers.columns.items() if not name or table.column(name)}
    told = before | answers.options.columns
    found = mapped(table, recordings, told, where=where)
    meanings = used_times(found.columns, told, is_segmented=_is_segmented(table, found.columns, recordings))
    chosen = chosen_attributes(table, meanings, answers.options, known=known)
    shape = shape_notes(table, meanings, chosen.columns)
    return _Columns(meanings, chosen.columns, (*found.notes, *speaker_note(meanings), *shape, *chosen.notes))


def _spreadsheet(folder: Path, options: KitOptions, out: Path | None) -> Path:
    """Return the spreadsheet that the user named, or the only one there is."""
    if options.spreadsheet is not None:
        return folder / options.spreadsheet  # an absolute path stays what it is
    found = spreadsheets_in(folder, SPREADSHEETS, aside=out)
    if len(found) == 1:
        return folder / found[0]
    if found:
        answers = "\n  ".join(f"\"kit.spreadsheet='{name}'\"" for name in found[:20])
        raise UsageError(f"{folder}: holds {len(found)} spreadsheets. Add to the command which is meant:\n  {answers}")
    others = spreadsheets_in(folder, NOT_READ, aside=out)
    advice = f"Save {shown(others[0])} as XLSX or CSV." if others else "Put it there, or name it with kit.spreadsheet."
    raise UsageError(f"{folder}: holds no spreadsheet in {', '.join(SPREADSHEETS)}. {advice}")


def _check_any(recordings: Recordings) -> None:
    if recordings.paths:
        return
    advice = " Put them there."
    if recordings.not_decoded:
        n_others, example = len(recordings.not_decoded), shown(recordings.not_decoded[0])
        advice = f" Convert its {n_others} files in formats that cannot be, such as {example}, with ffmpeg to FLAC."
    raise UsageError(
        f"{recordings.folder}: holds no recording that can be decoded (WAV, FLAC, OGG, Opus, MP3).{advice}"
    )


def _table(sheets: Sequence[Sheet], recordings: Recordings, options: KitOptions, file: str) -> tuple[Table, list[str]]:
    """Return the table of the sheet that is meant: the one named, the first that fits, or else the first filled one."""
    names = [sheet.name for sheet in sheets]
    if options.sheet is not None:
        sheets = [sheet for sheet in sheets if sheet.name == options.sheet]
        if not sheets:
            raise UsageError(
                f"kit.sheet={options.sheet}: {file} has no such sheet; found {', '.join(map(shown, names))}."
            )
    tables = [table for sheet in sheets if (table := table_of(sheet, recordings)) is not None]
    if not tables:
        raise ManifestError(
            [f"{file}: no row of column names found above the data. Put one there, such as file, transcript, speaker."]
        )
    table = next((table for table in tables if fits(table, recordings)), tables[0])
    if not table.lines:
        raise ManifestError([f"{_where(file, table.sheet)}: has no row below the header in row {table.header.number}."])
    others = [shown(name) for name in names if name != table.sheet.name]
    if options.sheet is None and others:
        return table, [f"sheet {shown(table.sheet.name)} is used; not used: {', '.join(others)}"]
    return table, []


def _where(file: str, sheet: Sheet) -> str:
    return f"{file}, sheet {shown(sheet.name)}" if sheet.name else file


def _is_segmented(table: Table, meanings: Mapping[str, Column], recordings: Recordings) -> bool:
    """Say whether recordings are named by several rows, which then are segments of them."""
    found = [recordings.find(cell).path for cell in table.cells(meanings[AUDIO])]
    named = [path for path in found if path is not None]
    return len(set(named)) < len(named)


def _known_attributes(out: Path | None) -> dict[str, Attribute]:
    before = _datasheet_before(out)
    return {} if before is None else {attribute.name: attribute for attribute in before.attributes}


def _datasheet_before(out: Path | None) -> Datasheet | None:
    """Return the datasheet of the kit that was written there before, and perhaps corrected by hand since."""
    if out is None or not (out / KIT_FILE).is_file() or not (out / DATASHEET_FILE).is_file():
        return None
    return read_datasheet(out / DATASHEET_FILE)


def _datasheet(folder: Path, options: KitOptions, attributes: Sequence[Attribute], out: Path | None) -> Datasheet:
    before = _datasheet_before(out)
    base = before or Datasheet(
        name=folder.resolve().name or "kit",
        version="",
        license="",
        language=None,
        homepage="",
        description="",
        undeclared=UNDECLARED_TEXTS,
        declined=DECLINED_TEXTS,
        attributes=(),
        declared=True,
    )
    return replace(
        base,
        name=options.name or base.name,
        license=options.license or base.license,
        language=options.language or base.language,
        attributes=tuple(attributes),
    )


def _left_out(reading: Reading, bad_rows: BadRows, where: str) -> tuple[str, ...]:
    """Return the problems of the rows left out, or raise them."""
    try:
        reading.listed(where).raise_if_any()
    except ManifestError as error:
        if bad_rows is BadRows.leave_out and reading.records:
            return error.problems
        if bad_rows is BadRows.leave_out:
            raise ManifestError([*error.problems, f"{where}: no row is left to use."]) from error
        last = (
            f"{where}: {len(reading.problems)} rows cannot be used, {len(reading.records)} can. Mend them, or add "
            "kit.bad_rows=leave_out to the command: the others are used, and these listed."
        )
        raise ManifestError([*error.problems, last]) from error
    return ()
