"""A copy of the Speech Accent Archive in; a record for each person's reading of its one passage out.

Layout of the copy on Kaggle, which is the one that is passed on: `speakers_all.csv`, `reading-passage.txt` and
`recordings/recordings/NAME.mp3`, where NAME is a first language and a number. The list has people without a recording,
and columns without a name at its end. The archive itself, at George Mason University, is a web site; recordings saved
from it have the same names, and are read from `soundtracks/` or as WAV, too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.corpus.cells import CellError, number, shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import Row, csv_rows, text_lines
from harness.errors import UsageError

LIST, PASSAGE = "speakers_all.csv", "reading-passage.txt"
FOLDERS = ("recordings/recordings", "recordings", "soundtracks", "wav")
SUFFIXES = (".mp3", ".wav")
MISSING = "file_missing?"
NEEDED = ("filename", "native_language", "sex", "country")
NUMBERS = ("age", "age_onset")
ATTRIBUTES = ("native_language", "sex", "country", *NUMBERS)
MOST_LINES = 100  # of the passage
NO_RECORDING = "has no recording in the archive"
NOT_THERE = "has a recording that is not in the source, though others are"


def read_speech_accent_archive(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:  # noqa: ARG001 (one list)
    """Reads everybody with a recording; without any recordings in the source, everybody.

    Raises:
        UsageError: The list or the passage is not there, or the list has other columns.
        TextFileError: One of them cannot be read as text.
    """
    for name in (LIST, PASSAGE):
        if not (source / name).is_file():
            found = ", ".join(sorted(path.name for path in source.glob("*"))[:10]) or "nothing"
            raise UsageError(
                f"source={source}: no {name} in it; found {found}. Name the folder of the unpacked archive."
            )
    passage = _passage(source / PASSAGE)
    recordings = _recordings(source)
    if not recordings:
        ledger.remark("no recordings in the source: transcripts made elsewhere can be scored, none heard")
    rows = csv_rows(source / LIST, lambda line, problem: ledger.refuse(f"{LIST}:{line}", problem))
    return Corpus(
        datasheet("speech_accent_archive"),
        _records(_with_columns(rows), passage, recordings, ledger),
        source if recordings else None,
    )


def _records(rows: Iterator[Row], passage: str, recordings: Mapping[str, str], ledger: Ledger) -> Iterator[Record]:
    for row in rows:
        place, name = f"{LIST}:{row.line}", row.cells["filename"].strip()
        numbers = [column for column in NUMBERS if not _is_number(row.cells.get(column, ""))]
        if row.cells.get(MISSING, "").strip().upper() == "TRUE":
            ledger.leave_out(place, NO_RECORDING)
        elif recordings and name not in recordings:
            ledger.leave_out(place, NOT_THERE)
        elif numbers:
            found = shown(row.cells[numbers[0]])
            ledger.refuse(
                place, f"has {numbers[0]}={found}; expected years, or nothing. Correct it, or leave it empty."
            )
        else:
            yield Record(
                file=LIST,
                line=row.line,
                utterance_id=name,
                text=passage,
                audio=recordings.get(name),
                speaker_id=row.cells.get("speakerid", "").strip() or name,
                attributes={column: row.cells[column] for column in ATTRIBUTES if column in row.cells},
            )


def _with_columns(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the rows once the first shows that the columns are the archive's."""
    first = next(rows, None)
    if first is None:
        return
    if missing := [name for name in NEEDED if name not in first.cells]:
        found = ", ".join(map(shown, first.cells))
        raise UsageError(f"{LIST}: no column {', '.join(missing)}; found {found}. Is it the archive's?")
    yield first
    yield from rows


def _passage(path: Path) -> str:
    """Returns what everybody read, whose lines are one text."""
    lines = []
    for line, text in text_lines(path):
        if line > MOST_LINES:
            raise UsageError(
                f"{path.name}: has more than {MOST_LINES} lines; expected the one passage. Fetch it again."
            )
        lines.append(text.strip())
    passage = " ".join(each for each in lines if each)
    if not passage:
        raise UsageError(f"{path.name}: is empty; expected the passage that everybody read. Fetch it again.")
    return passage


def _recordings(source: Path) -> dict[str, str]:
    """Returns the path of each recording by its name; those of the first folder that has some."""
    for folder in FOLDERS:
        found = sorted(path for path in (source / folder).glob("*") if path.suffix in SUFFIXES)
        if found:
            return {path.stem: f"{folder}/{path.name}" for path in found}
    return {}


def _is_number(cell: str) -> bool:
    try:
        return number(cell) is not None or not cell.strip()
    except CellError:
        return False
