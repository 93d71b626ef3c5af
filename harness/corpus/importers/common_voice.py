"""A release of Mozilla Common Voice in, of any language and version; a record for each clip of one of its lists out.

Layout of a release: `cv-corpus-VERSION/LANGUAGE/{validated,train,dev,test,invalidated,other}.tsv` beside `clips/`;
until version 4 without the folder of the language. Lists have tabs and no quoting; in some versions sentences with
quotation marks or apostrophes stand in quotation marks of their own all the same, and stay so. Columns differ: `path`
has no suffix in the first versions, `accent` became `accents`, `variant` came with version 13, `sentence_domain` with
17. Durations are beside the lists since version 14. Releases of spontaneous speech, which have one list and other
columns, are read by `spontaneous_speech`. Extracts for studies, with `id` and `text` for `path` and `sentence`, are
read, too; those are quoted as CSV is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import LANGUAGE_TAG
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.clip_durations import read_clip_durations
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.spontaneous_speech import find_spontaneous_list, read_spontaneous_speech
from harness.corpus.textfiles import Refuse, csv_rows, tab_cells
from harness.errors import UsageError

USUAL = "test"
CLIPS, SUFFIX, RELEASE = "clips", ".mp3", "cv-corpus-"
ATTRIBUTES = {"age": "age", "gender": "gender", "sex": "gender", "accents": "accents", "accent": "accents",
              "variant": "variant", "sentence_domain": "sentence_domain"}  # fmt: skip
NOT_LISTS = frozenset({"clip_durations", "reported", "validated_sentences", "unvalidated_sentences"})
_PATHS, _TEXTS = ("path", "id"), ("sentence", "text")
_CLIP_NAME = re.compile(r"common_voice_([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)_[0-9]+")

Cells = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class _List:
    """Is a list of clips, and where in its rows the columns are that matter."""

    table: Path
    names: list[str]
    path: int
    text: int

    @property
    def is_extract(self) -> bool:
        """Returns whether it is a study's own, whose clips are elsewhere."""
        return self.names[self.path] != _PATHS[0]

    def rows(self, refuse: Refuse) -> Cells:
        """Yields the line and the cells of every row but the header's."""
        rows = _extract_cells(self.table, refuse) if self.is_extract else tab_cells(self.table, refuse)
        next(rows)
        yield from rows


def read_common_voice(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads one list of a release, `test` unless `split` names another; the source may be that list itself.

    Raises:
        UsageError: There is no such list, or it has no columns of clips and sentences.
        TextFileError: It cannot be read as text.
    """
    spontaneous = find_spontaneous_list(source)
    if spontaneous is not None:
        if not source.is_file() and _found(source, options.split):
            raise UsageError(f"source={source}: has read and spontaneous speech. Name the folder of one release.")
        return read_spontaneous_speech(spontaneous, options, ledger)
    table = _list(source, options.split)
    _, names = next(tab_cells(table, _nobody))
    listed = _List(table, names, _column(_PATHS, names, table), _column(_TEXTS, names, table))
    audio_root = table.parent if (table.parent / CLIPS).is_dir() and not listed.is_extract else None
    if audio_root is None:
        ledger.remark(f"no folder {CLIPS} beside {table.name}: transcripts made elsewhere can be scored, no clip heard")
    language = options.language or _language(listed)
    return Corpus(_of_release(datasheet("common_voice"), language, table), _records(listed, ledger), audio_root)


def _records(listed: _List, ledger: Ledger) -> Iterator[Record]:
    durations = read_clip_durations(listed.table.parent, ledger)
    file, path, text = listed.table.name, listed.path, listed.text
    speaker = listed.names.index("client_id") if "client_id" in listed.names else None
    columns = [(ATTRIBUTES[name], place) for place, name in enumerate(listed.names) if name in ATTRIBUTES]
    for line, cells in listed.rows(lambda line, problem: ledger.refuse(f"{file}:{line}", problem)):
        clip = cells[path]
        if not listed.is_extract and not clip.endswith(SUFFIX):
            clip += SUFFIX
        yield Record(
            file=file,
            line=line,
            utterance_id=clip.removesuffix(SUFFIX),
            text=cells[text],
            audio=None if listed.is_extract else f"{CLIPS}/{clip}",
            speaker_id=(cells[speaker] or None) if speaker is not None else None,
            duration=durations.seconds(clip),
            attributes={name: cells[place] for name, place in columns},
        )


def _extract_cells(table: Path, refuse: Refuse) -> Cells:
    """Yields rows of a list that is quoted as CSV is; the first stands for the header."""
    yield 1, []
    for row in csv_rows(table, refuse, separator="\t"):
        yield row.line, list(row.cells.values())


def _list(source: Path, split: str | None) -> Path:
    """Returns the file of the list that is wanted."""
    if source.is_file():
        return source
    wanted, found = f"{split or USUAL}.tsv", _found(source, split)
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(str(path.parent.relative_to(source)) for path in found[:20])
        raise UsageError(f"source={source}: has {wanted} for several languages: {several}. Name the folder of one.")
    lists = sorted({path.stem for path in source.rglob("*.tsv")} - NOT_LISTS)[:20]
    raise UsageError(
        f"source={source}: no {wanted} in it; found {', '.join(lists) or 'no list'}. Name the folder of a language in "
        "a Common Voice release, and one of its lists: split=NAME."
    )


def _found(source: Path, split: str | None) -> list[Path]:
    """Returns the files of that name in a release, in a language's folder, or in a folder of releases."""
    wanted = f"{split or USUAL}.tsv"
    return sorted(path for depth in ("", "*/", "*/*/") for path in source.glob(f"{depth}*.tsv") if path.name == wanted)


def _column(known: tuple[str, ...], names: list[str], table: Path) -> int:
    for name in known:
        if name in names:
            return names.index(name)
    raise UsageError(
        f"{table.name}: none of the columns {' or '.join(known)}; found {', '.join(names)}. Is it a list of clips of a "
        "Common Voice release?"
    )


def _language(listed: _List) -> str | None:
    """Returns the language that the first row, its clip's name or the release's folder names; None where none does."""
    _, cells = next(listed.rows(_nobody), (0, [""] * len(listed.names)))
    if "locale" in listed.names and LANGUAGE_TAG.fullmatch(locale := cells[listed.names.index("locale")]):
        return locale
    clip = _CLIP_NAME.match(cells[listed.path])
    if clip:
        return clip.group(1)
    folder = listed.table.absolute().parent
    is_release = folder.parent.name.startswith(RELEASE)
    return folder.name if is_release and LANGUAGE_TAG.fullmatch(folder.name) else None


def _of_release(sheet: Datasheet, language: str | None, table: Path) -> Datasheet:
    version = next((part for part in table.absolute().parts if part.startswith(RELEASE)), "")
    return replace(sheet, language=language, version=version.removeprefix(RELEASE))


def _nobody(line: int, problem: str) -> None:
    """Leaves a bad row to the second look, which names it."""
