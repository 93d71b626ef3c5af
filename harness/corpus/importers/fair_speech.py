"""Meta's Fair-Speech in; a record for each voice command out.

Layout, relied on as of the release of August 2024: one list with tabs (handed out as `asr_fairness_metadata.tsv`, and
under other names) with the columns `hash_name, transcription, age, gender, first_language, socioeconomic_bkgd,
ethnicity`, and an archive that unpacks to `asr_fairness_audio/HASH_NAME.wav`. The list is found by its columns. It says
what each speaker said of themselves and not who the speaker is: 593 people stand behind 26,471 rows, unnamed.
"""

from collections.abc import Iterator
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT, children, is_plain_name, refusing
from harness.corpus.textfiles import Row, tab_cells, tab_rows
from harness.errors import TextFileError, UsageError

ATTRIBUTES = {"age": "age", "gender": "gender", "first_language": "first_language", "ethnicity": "ethnicity",
              "socioeconomic_bkgd": "socioeconomic_background",
              "socioeconomic_background": "socioeconomic_background"}  # fmt: skip
AUDIO = "asr_fairness_audio"
_NEEDED = ("hash_name", "transcription")
_FOLDERS = (AUDIO, "audio", f"audio/{AUDIO}")


def read_fair_speech(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:  # noqa: ARG001 (one part)
    """Reads the release.

    Raises:
        UsageError: There is no list with its columns.
    """
    table = _table(source)
    root = table.parent
    folders = tuple(each for each in _FOLDERS if (root / each).is_dir())
    if not folders:
        ledger.remark(f"no folder {AUDIO} beside {table.name}: transcripts made elsewhere can be scored, no clip heard")
    ledger.remark("the release does not say who spoke: intervals cannot take clips of one person together")
    return Corpus(datasheet("fair_speech"), _records(table, folders, ledger), root if folders else None)


def _records(table: Path, folders: tuple[str, ...], ledger: Ledger) -> Iterator[Record]:
    for row in tab_rows(table, refusing(table.name, ledger)):
        record = _record(row, table, folders, ledger)
        if record is not None:
            yield record


def _record(row: Row, table: Path, folders: tuple[str, ...], ledger: Ledger) -> Record | None:
    place, clip = f"{table.name}:{row.line}", row.cells["hash_name"]
    if not is_plain_name(clip):
        ledger.refuse(place, f"has the hash_name {shown(clip)}; expected the name of a recording. Correct it.")
        return None
    text = row.cells["transcription"].strip()
    if not text:
        ledger.leave_out(place, NO_TRANSCRIPT)
        return None
    clip = clip.removesuffix(".wav")
    audio = next((f"{each}/{clip}.wav" for each in folders if (table.parent / each / f"{clip}.wav").is_file()), None)
    if folders and audio is None:
        ledger.leave_out(place, NO_RECORDING)
        return None
    return Record(
        file=table.name,
        line=row.line,
        utterance_id=clip,
        text=text,
        audio=audio,
        attributes={name: row.cells[column] for column, name in ATTRIBUTES.items() if column in row.cells},
    )


def _table(source: Path) -> Path:
    """Returns the list, which is known by its columns."""
    tables = [source] if source.is_file() else [each for each in children(source) if each.suffix == ".tsv"]
    for each in tables:
        if set(_NEEDED) <= _columns(each):
            return each
    found = ", ".join(each.name for each in tables[:20]) or "no list"
    raise UsageError(
        f"source={source}: no list with the columns {' and '.join(_NEEDED)} in it; found {found}. Name the folder that "
        "holds Fair-Speech's asr_fairness_metadata.tsv."
    )


def _columns(table: Path) -> set[str]:
    try:
        _, names = next(tab_cells(table, lambda *_: None))
    except TextFileError:
        return set()
    return set(names)
