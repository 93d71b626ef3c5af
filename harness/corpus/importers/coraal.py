"""Components of CORAAL in; a record for each line of an interviewee, as a place in its long recording, out.

Layout of a component, such as DCB, after its archives are unpacked, beside one another or in one folder:
`DCB_metadata_YYYY.MM.DD.txt`, `DCB_textfiles_*/DCB_se1_ag1_f_01_1.txt` and `DCB_audio_part*/DCB_se1_ag1_f_01_1.wav`. A
transcript has the columns Line, Spkr, StTime, Content and EnTime with tabs between and no quoting; the metadata have a
row for each file of each interviewee. Pauses have lines of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, number
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import Refuse, Row, tab_cells, tab_rows
from harness.errors import UsageError

COLUMNS = ("Line", "Spkr", "StTime", "Content", "EnTime")
SPEAKER, FILE = "CORAAL.Spkr", "CORAAL.File"
ATTRIBUTES = {
    "CORAAL.Sub": "component",
    "Gender": "gender",
    "Age": "age",
    "Age.Group": "age_group",
    "Year.of.Birth": "year_of_birth",
    "Year.of.Interview": "year_of_interview",
    "CORAAL.SEC.Group": "socioeconomic_group",
    "Edu.Group": "education_group",
    "Interviewer.Gender": "interviewer_gender",
}
EVERYBODY = "everybody"  # the split with interviewers and all others whom the metadata do not describe
TRANSCRIPT = re.compile(r"[A-Z]{3}_se[0-9]_ag[0-9]_[a-z]_[0-9]{2}_[0-9]+\.txt")
PAUSE = re.compile(r"\s*\(pause [0-9.]+\)\s*")
A_PAUSE = "is a pause"
NOT_INTERVIEWED = "is said by an interviewer or by somebody whom the metadata do not describe"
NO_TIME = "ends before it begins, or where it begins"
NO_RECORDING = "is of a recording that is not in the source, though others are"
MARKS = (
    "references hold marks that are no words: score with reference_pattern='<[^>]*>|/[^/]*/|\\([^)]*\\)|[][]', which "
    "keeps the words of overlapping speech without the [ and ] around them, and drops what is masked or not made out"
)

People = Mapping[tuple[str, str], Mapping[str, str]]  # by file and speaker


@dataclass(frozen=True, slots=True)
class _Files:
    """Says where the files of a source are: transcripts, metadata, and recordings by the name of their interview."""

    transcripts: list[Path]
    metadata: list[Path]
    recordings: Mapping[str, str]


def read_coraal(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads all components in a folder: what interviewees say, or with `split=everybody` what anybody does.

    Raises:
        UsageError: There are no transcripts or no metadata, or one has other columns.
        TextFileError: One cannot be read as text.
    """
    if options.split not in (None, EVERYBODY):
        raise UsageError(f"split={options.split}: expected {EVERYBODY}, or none for the people who were interviewed.")
    files = _files(source)
    for path in files.transcripts:
        _check_columns(path, COLUMNS)
    people = _people(files.metadata, ledger)
    if not files.recordings:
        ledger.remark("no recordings in the source: transcripts made elsewhere can be scored, none heard")
    ledger.remark(MARKS)
    everybody = options.split == EVERYBODY
    records = (
        record for path in files.transcripts for record in _lines(path, files, people, ledger, everybody=everybody)
    )
    return Corpus(datasheet("coraal"), records, source if files.recordings else None)


def _lines(path: Path, files: _Files, people: People, ledger: Ledger, *, everybody: bool) -> Iterator[Record]:
    interview = path.stem
    audio = files.recordings.get(interview)
    for row in tab_rows(path, _refusing(path.name, ledger)):
        place, speaker, content = f"{path.name}:{row.line}", row.cells["Spkr"].strip(), row.cells["Content"]
        known = people.get((interview, speaker))
        start, end = _seconds(row, "StTime"), _seconds(row, "EnTime")
        if start is None or end is None:
            ledger.refuse(place, "has no seconds in StTime or EnTime. Correct it, or fetch the component again.")
        elif reason := _left_out(content, start, end, interviewed=everybody or known is not None):
            ledger.leave_out(place, reason)
        elif audio is None and files.recordings:
            ledger.leave_out(place, NO_RECORDING)
        else:
            yield Record(
                file=path.name,
                line=row.line,
                utterance_id=f"{interview}_{row.cells['Line'].strip()}",
                text=content,
                audio=audio,
                speaker_id=speaker or None,
                offset=start,
                duration=round(end - start, 6),
                attributes={**(known or {}), "overlap": "yes" if "[" in content or "]" in content else "no"},
            )


def _left_out(content: str, start: float, end: float, *, interviewed: bool) -> str | None:
    """Returns why a line is no utterance to be scored; None where it is one."""
    if PAUSE.fullmatch(content):
        return A_PAUSE
    if not interviewed:
        return NOT_INTERVIEWED
    return None if end > start else NO_TIME


def _seconds(row: Row, column: str) -> float | None:
    try:
        found = number(row.cells[column])
    except CellError:
        return None
    return found if found is not None and found >= 0 else None


def _files(source: Path) -> _Files:
    transcripts, metadata, recordings = [], [], {}
    for path in sorted(source.rglob("*")):
        if TRANSCRIPT.fullmatch(path.name):
            transcripts.append(path)
        elif "_metadata_" in path.name and path.suffix == ".txt":
            metadata.append(path)
        elif path.suffix == ".wav" and TRANSCRIPT.fullmatch(f"{path.stem}.txt"):
            recordings[path.stem] = path.relative_to(source).as_posix()
    if not transcripts or not metadata:
        missing = "transcripts such as DCB_se1_ag1_f_01_1.txt" if not transcripts else "metadata, DCB_metadata_*.txt"
        raise UsageError(f"source={source}: no {missing} in it. Unpack the component's archives into one folder.")
    return _Files(transcripts, metadata, recordings)


def _people(metadata: list[Path], ledger: Ledger) -> People:
    """Returns what the metadata say of each interviewee, by interview and speaker."""
    people = {}
    for path in metadata:
        _check_columns(path, (SPEAKER, FILE))
        for row in tab_rows(path, _refusing(path.name, ledger)):
            said = {name: row.cells[column] for column, name in ATTRIBUTES.items() if column in row.cells}
            people[row.cells[FILE].strip(), row.cells[SPEAKER].strip()] = said
    return people


def _refusing(file: str, ledger: Ledger) -> Refuse:
    return lambda line, problem: ledger.refuse(f"{file}:{line}", problem)


def _check_columns(path: Path, needed: tuple[str, ...]) -> None:
    _, names = next(tab_cells(path, lambda *_: None))
    if missing := [name for name in needed if name not in names]:
        raise UsageError(f"{path.name}: no column {', '.join(missing)}; found {', '.join(names)}. Is it CORAAL's?")
