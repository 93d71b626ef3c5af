"""The list of a Common Voice release of spontaneous speech in; a record for each transcribed recording out.

Layout of a release, `sps-corpus-VERSION-DATE-LANGUAGE/`: `ss-corpus-LANGUAGE.tsv` beside `audios/`. People answer a
question in their own words, others transcribe what they said; tags such as `[noise]` in it are no words. The list names
the part each row is of in its column `split`: train, dev or test for validated transcripts, else `unassigned`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.corpus.cells import LANGUAGE_TAG
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import Row, tab_cells, tab_rows
from harness.errors import UsageError

AUDIOS, LIST, RELEASE = "audios", "ss-corpus-", "sps-corpus-"
USUAL = "test"
NEEDED = ("audio_file", "transcription")
ATTRIBUTES = ("age", "gender", "accents", "variant")
NOT_TRANSCRIBED = "nobody has transcribed it yet"


def find_spontaneous_list(source: Path) -> Path | None:
    """Returns the list of a release of spontaneous speech; None where the source is none.

    Raises:
        UsageError: There are several.
    """
    if source.is_file():
        return source if source.name.startswith(LIST) else None
    found = sorted(path for depth in ("", "*/", "*/*/") for path in source.glob(f"{depth}{LIST}*.tsv"))
    if len(found) > 1:
        several = ", ".join(str(path.parent.relative_to(source)) for path in found[:20])
        raise UsageError(f"source={source}: has spontaneous speech of several languages: {several}. Name one's folder.")
    return found[0] if found else None


def read_spontaneous_speech(table: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads the rows of one part, `test` unless `split` names another.

    Raises:
        UsageError: The list has not the columns of a recording and its transcription.
        TextFileError: It cannot be read as text.
    """
    _, names = next(tab_cells(table, lambda *_: None))
    if missing := [name for name in NEEDED if name not in names]:
        raise UsageError(f"{table.name}: no column {' and no '.join(missing)}; found {', '.join(names)}.")
    if not (table.parent / AUDIOS).is_dir():
        ledger.remark(
            f"no folder {AUDIOS} beside {table.name}: transcripts made elsewhere can be scored, nothing heard"
        )
    ledger.remark("tags such as [noise] in the references are no words: score with reference_pattern='\\[[^\\]]*\\]'")
    stated = table.name.removeprefix(LIST).removesuffix(".tsv")
    version = next((part for part in table.absolute().parts if part.startswith(RELEASE)), "")
    sheet = replace(
        datasheet("common_voice_spontaneous"),
        language=options.language or (stated if LANGUAGE_TAG.fullmatch(stated) else None),
        version=version.removeprefix(RELEASE),
    )
    audio_root = table.parent if (table.parent / AUDIOS).is_dir() else None
    return Corpus(sheet, _records(table, options.split or USUAL, ledger), audio_root)


def _records(table: Path, part: str, ledger: Ledger) -> Iterator[Record]:
    for row in tab_rows(table, lambda line, problem: ledger.refuse(f"{table.name}:{line}", problem)):
        place, stands_in = f"{table.name}:{row.line}", row.cells.get("split")
        if stands_in is not None and stands_in != part:
            ledger.leave_out(place, f"is of another part than {part}")
        elif not row.cells["transcription"].strip():
            ledger.leave_out(place, NOT_TRANSCRIBED)
        else:
            yield _record(row, table.name)


def _record(row: Row, file: str) -> Record:
    recording, length = row.cells["audio_file"], row.cells.get("duration_ms", "")
    return Record(
        file=file,
        line=row.line,
        utterance_id=recording.removesuffix(".mp3"),
        text=row.cells["transcription"],
        audio=f"{AUDIOS}/{recording}",
        speaker_id=row.cells.get("client_id") or None,
        duration=int(length) / 1_000 if length.isdecimal() and len(length) <= 10 and int(length) else None,
        attributes={name: row.cells[name] for name in ATTRIBUTES if name in row.cells},
    )
