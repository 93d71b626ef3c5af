"""The folder of the Artie Bias Corpus in; a record for each row of its one list out.

Layout of the release: `artie-bias-corpus.tsv` beside its clips, `common_voice_en_NUMBER.mp3`; copies have the clips in
a folder of their own, or as WAV. The list is quoted as CSV is, has tabs, and `NA` where a speaker stated nothing.
"""

from collections.abc import Iterator
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import csv_rows, tab_cells
from harness.errors import UsageError

LIST = "artie-bias-corpus.tsv"
FOLDERS = ("", "artie-bias-corpus", "clips")  # that clips are in, from the list's
SUFFIXES = (".mp3", ".wav")
NEEDED = ("client_id", "path", "sentence", "age", "gender", "accent")
ATTRIBUTES = ("age", "gender", "accent")


def read_artie(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:  # noqa: ARG001 (one list, one language)
    """Reads the list, which may be the source itself.

    Raises:
        UsageError: There is no such list, or it has other columns.
        TextFileError: It cannot be read as text.
    """
    table = _list(source)
    _, names = next(tab_cells(table, lambda *_: None))
    if missing := [name for name in NEEDED if name not in names]:
        raise UsageError(f"{table.name}: no column {', '.join(missing)}; found {', '.join(names)}. Is it the corpus's?")
    clips = _clips(table)
    if clips is None:
        ledger.remark(f"no clips beside {table.name}: transcripts made elsewhere can be scored, no clip heard")
    return Corpus(datasheet("artie"), _records(table, clips, ledger), None if clips is None else table.parent)


def _records(table: Path, clips: tuple[str, str] | None, ledger: Ledger) -> Iterator[Record]:
    for row in csv_rows(table, lambda line, problem: ledger.refuse(f"{table.name}:{line}", problem), separator="\t"):
        stem = row.cells["path"].removesuffix(SUFFIXES[0])
        yield Record(
            file=table.name,
            line=row.line,
            utterance_id=stem,
            text=row.cells["sentence"],
            audio=None if clips is None else f"{clips[0]}{stem}{clips[1]}",
            speaker_id=row.cells["client_id"] or None,
            attributes={name: row.cells[name] for name in ATTRIBUTES},
        )


def _list(source: Path) -> Path:
    if source.is_file():
        return source
    for table in (source / LIST, source / FOLDERS[1] / LIST):
        if table.is_file():
            return table
    found = sorted(path.name for path in source.glob("*"))[:10]
    raise UsageError(
        f"source={source}: no {LIST} in it; found {', '.join(found) or 'nothing'}. Name the corpus's folder."
    )


def _clips(table: Path) -> tuple[str, str] | None:
    """Returns folder, with a slash, and suffix of the clips; None where there are none."""
    for folder in FOLDERS:
        for suffix in SUFFIXES:
            if next((table.parent / folder).glob(f"common_voice_en_*{suffix}"), None) is not None:
                return (f"{folder}/" if folder else ""), suffix
    return None
