"""A release of Mozilla Common Voice in, of any language and version; a record for each clip of one of its lists out.

Layout of a release: `cv-corpus-VERSION/LANGUAGE/{validated,train,dev,test,invalidated,other}.tsv` beside `clips/` and,
since version 14, `clip_durations.tsv`. Lists have tabs and no quoting; their columns differ between versions: `accent`
became `accents` with version 8, `variant` came with 10, `sentence_id` and `sentence_domain` with 17. Extracts with `id`
and `text` for `path` and `sentence` are read, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.corpus.cells import LANGUAGE_TAG
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import Row, tab_rows
from harness.errors import UsageError

USUAL = "test"
CLIPS, DURATIONS = "clips", "clip_durations.tsv"
ATTRIBUTES = {"age": "age", "gender": "gender", "sex": "gender", "accents": "accents", "accent": "accents",
              "variant": "variant"}  # fmt: skip
_PATHS, _TEXTS = ("path", "id"), ("sentence", "text")


def read_common_voice(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads one list of a release, `test` unless `split` names another; the source may be that list itself.

    Raises:
        UsageError: There is no such list, or it has no columns of clips and sentences.
    """
    table = _list(source, options.split)
    first = next(iter(tab_rows(table, lambda *_: None)), None)
    names = list(first.cells) if first else []
    path, text = _name(_PATHS, names, table), _name(_TEXTS, names, table)
    folder = table.parent / CLIPS
    if not folder.is_dir():
        ledger.remark(f"no folder {CLIPS} beside {table.name}: transcripts made elsewhere can be scored, no clip heard")
    language = options.language or _language(first, table)
    return Corpus(
        _of_language(datasheet("common_voice"), language, table),
        _records(table, path, text, ledger),
        table.parent if folder.is_dir() else None,
    )


def _records(table: Path, path: str, text: str, ledger: Ledger) -> Iterator[Record]:
    durations = _durations(table.parent / DURATIONS, ledger)
    for row in tab_rows(table, lambda line, problem: ledger.refuse(f"{table.name}:{line}", problem)):
        clip = row.cells[path]
        yield Record(
            file=table.name,
            line=row.line,
            utterance_id=clip.removesuffix(".mp3"),
            text=row.cells[text],
            audio=f"{CLIPS}/{clip}" if path == "path" else None,
            speaker_id=row.cells.get("client_id") or None,
            duration=durations.get(clip),
            language=None,
            attributes={name: row.cells[column] for column, name in ATTRIBUTES.items() if column in row.cells},
        )


def _list(source: Path, split: str | None) -> Path:
    """Returns the file of the list that is wanted."""
    if source.is_file():
        return source
    wanted = f"{split or USUAL}.tsv"
    found = sorted(path for pattern in (wanted, f"*/{wanted}", f"*/*/{wanted}") for path in source.glob(pattern))
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(str(path.parent.relative_to(source)) for path in found[:20])
        raise UsageError(f"source={source}: has {wanted} for several languages: {several}. Name the folder of one.")
    lists = sorted(path.stem for path in source.rglob("*.tsv"))[:20]
    raise UsageError(
        f"source={source}: no {wanted} in it; found {', '.join(lists) or 'no list'}. Name the folder of a language in "
        "a Common Voice release, and its list with split=validated."
    )


def _name(known: tuple[str, ...], names: list[str], table: Path) -> str:
    for name in known:
        if name in names:
            return name
    raise UsageError(
        f"{table.name}: none of the columns {' or '.join(known)}; found {', '.join(names) or 'no row'}. Is it a list "
        "of a Common Voice release?"
    )


def _language(first: Row | None, table: Path) -> str | None:
    """Returns the language that the rows or the folder name; None where neither does."""
    stated = (first.cells.get("locale") if first else None) or table.absolute().parent.name
    return stated if LANGUAGE_TAG.fullmatch(stated) else None


def _of_language(sheet: Datasheet, language: str | None, table: Path) -> Datasheet:
    version = next((part for part in table.absolute().parts if part.startswith("cv-corpus-")), "")
    return replace(sheet, language=language, version=version.removeprefix("cv-corpus-"))


def _durations(path: Path, ledger: Ledger) -> Mapping[str, float]:
    """Returns seconds by clip, of all lists: for two million clips about 300 MB, so only where the file is there."""
    if not path.is_file():
        return {}
    durations = {}
    for row in tab_rows(path, lambda line, problem: ledger.refuse(f"{path.name}:{line}", problem)):
        clip, milliseconds = list(row.cells.values())[:2]
        if milliseconds.isdecimal() and int(milliseconds):
            durations[clip] = int(milliseconds) / 1_000
    return durations
