"""VoxPopuli's transcribed speech in, one language or several; a record for each segment of one part out.

Layout, relied on as the authors' `get_asr_data` writes it: `transcribed_data/LANGUAGE/asr_{train,dev,test}.tsv` (plain
or packed with gzip) beside `YEAR/ID.ogg`, where the id begins with the year. Columns, with tabs and no quoting: `id,
raw_text, normalized_text, speaker_id, split, gender`, and since February 2022 `is_gold_transcript, accent`. The hub's
copy has `data/LANGUAGE/asr_PART.tsv` beside `PART/PART_part_N/ID.wav`. English with other accents than native ones is
the language `en_accented`, which has a test part only. What is not known is written `None`.

The reference is `normalized_text`, which is there for nearly every segment and has numbers in words; `raw_text` is
empty for many. It stands in where `normalized_text` is empty.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import LANGUAGE_TAG, shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT, children, is_plain_name, parts, refusing
from harness.corpus.textfiles import Row, tab_cells, tab_rows
from harness.errors import UsageError

PARTS, USUAL = ("train", "dev", "test"), "test"
ATTRIBUTES = ("gender", "accent", "is_gold_transcript")
UNKNOWN = "None"
_NEEDED = ("id", "raw_text", "normalized_text", "speaker_id")
_PLACES = ("", "*/", "transcribed_data/*/", "data/*/")  # of lists, below the source
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True, slots=True)
class _List:
    """Is a list of segments.

    Attributes:
        path: The file.
        name: What messages call it.
        language: BCP 47.
        folders: Where its recordings may lie, below the folder of languages; empty where it has none.
        root: The folder of languages; None where no list has recordings.
    """

    path: Path
    name: str
    language: str
    folders: tuple[str, ...]
    root: Path | None = None


def read_voxpopuli(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a part, `test` unless `split` names another, of every language there, or of the one that `language` names.

    Raises:
        UsageError: There is no list of such a part, or it is another corpus's.
    """
    chosen = parts(options.split, PARTS, usual=USUAL)
    lists = [_list(path) for path in _paths(source, chosen, options.language)]
    root = lists[0].path.parent.parent
    has_audio = any(each.folders for each in lists)
    if not has_audio:
        ledger.remark("no recordings beside the lists: transcripts made elsewhere can be scored, no segment heard")
    languages = {each.language for each in lists}
    sheet = replace(datasheet("voxpopuli"), language=languages.pop() if len(languages) == 1 else None)
    lists = [replace(each, root=root if has_audio else None) for each in lists]
    return Corpus(sheet, _records(lists, ledger), root if has_audio else None)


def _records(lists: Sequence[_List], ledger: Ledger) -> Iterator[Record]:
    for each in lists:
        for row in tab_rows(each.path, refusing(each.name, ledger), name=each.name):
            record = _record(row, each, ledger)
            if record is not None:
                yield record


def _record(row: Row, listed: _List, ledger: Ledger) -> Record | None:
    place, segment = f"{listed.name}:{row.line}", row.cells["id"]
    if not is_plain_name(segment):
        ledger.refuse(place, f"has the id {shown(segment)}; expected the name of a recording. Correct it.")
        return None
    text = row.cells["normalized_text"].strip() or row.cells["raw_text"].strip()
    if not text:
        ledger.leave_out(place, NO_TRANSCRIPT)
        return None
    audio = None if listed.root is None else _audio(listed.root, listed, segment)
    if listed.root is not None and audio is None:
        ledger.leave_out(place, NO_RECORDING)
        return None
    return Record(
        file=listed.name,
        line=row.line,
        utterance_id=segment,
        text=text,
        audio=audio,
        speaker_id=row.cells["speaker_id"] if row.cells["speaker_id"] not in ("", UNKNOWN) else None,
        language=listed.language,
        attributes={name: row.cells[name] for name in ATTRIBUTES if name in row.cells},
    )


def _audio(root: Path, listed: _List, segment: str) -> str | None:
    """Returns where a segment lies, relative to the root; None where it does not."""
    for folder in (f"{listed.path.parent.name}/{segment[:4]}", *listed.folders):
        for suffix in (".ogg", ".wav"):
            if (root / folder / f"{segment}{suffix}").is_file():
                return f"{folder}/{segment}{suffix}"
    return None


def _list(path: Path) -> _List:
    folder, part = path.parent, path.name.split(".")[0].removeprefix("asr_")
    name = f"{folder.absolute().name}/{path.name}"
    _, names = next(tab_cells(path, lambda *_: None, name=name))
    if not set(_NEEDED) <= set(names):
        raise UsageError(
            f"{name}: has the columns {', '.join(names)}; expected {', '.join(_NEEDED)} among them. Is it a list "
            "of VoxPopuli, as its own scripts write it?"
        )
    language = folder.absolute().name.split("_")[0]
    if not LANGUAGE_TAG.fullmatch(language):
        raise UsageError(f"{name}: its folder names no language; expected one such as en/asr_{part}.tsv. Rename it.")
    years = [each for each in children(folder) if each.is_dir() and _YEAR.fullmatch(each.name)]
    shards = [each for each in children(folder / part) if each.is_dir()]
    below = [*years[:1], *shards, *([folder / part] if (folder / part).is_dir() else [])]
    return _List(path, name, language, tuple(each.relative_to(folder.parent).as_posix() for each in below))


def _paths(source: Path, chosen: Sequence[str], language: str | None) -> list[Path]:
    if source.is_file():
        return [source.absolute()]
    wanted = [f"asr_{part}.tsv{packed}" for part in chosen for packed in ("", ".gz")]
    for pattern in _PLACES:
        found = [path for name in wanted for path in sorted(source.absolute().glob(f"{pattern}{name}"))]
        if language is not None and pattern:
            found = [path for path in found if path.parent.name.casefold() == language.replace("-", "_").casefold()]
        if found:
            return _without_packed_twins(found)
    lists = sorted(path.relative_to(source).as_posix() for each in _PLACES for path in source.glob(f"{each}asr_*.tsv*"))
    raise UsageError(
        f"source={source}: no transcribed_data/{language or 'LANGUAGE'}/asr_{chosen[0]}.tsv in it; found "
        f"{', '.join(lists[:20]) or 'no list'}. Name the folder of VoxPopuli, and one of its parts with split=train."
    )


def _without_packed_twins(found: Sequence[Path]) -> list[Path]:
    """Returns lists without those that are there unpacked, too."""
    return [path for path in found if path.suffix != ".gz" or path.with_suffix("") not in found]
