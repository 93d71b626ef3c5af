"""FLEURS in, a language or several as the hub repository lays them out; a record for each recording of one part out.

Layout, relied on as of hub revision 70bb2e84: `data/LANGUAGE_REGION/{train,dev,test}.tsv` beside archives that unpack
to `audio/{train,dev,test}/`. The lists have tabs, no quoting and no header: sentence id, file name, raw transcription,
normalised transcription, its characters, number of samples at 16 kHz, gender. Several people read each sentence, so
the sentence id is no utterance's: the file's name is. Who read is not said.

The reference is the raw transcription, with its capitals and punctuation; normalising is left to scoring.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT, is_plain_name, parts
from harness.corpus.textfiles import text_lines
from harness.errors import UsageError

PARTS, USUAL = ("train", "dev", "test"), "test"
SAMPLE_RATE = 16_000  # Hz, of the numbers of samples in the lists
_COLUMNS = ("sentence id", "file name", "raw transcription", "transcription", "characters", "samples", "gender")
_PLACES = ("", "*/", "data/*/")  # of lists, below the source
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[a-z]{4})?_([a-z]{2}|[0-9]{3})")  # with Latin America as es_419


@dataclass(frozen=True, slots=True)
class _List:
    """Is a list of recordings.

    Attributes:
        path: The file.
        name: What messages call it.
        language: BCP 47.
        folder: Of its recordings, below the folder of languages; None where it has none.
        root: The folder of languages; None where no list has recordings.
    """

    path: Path
    name: str
    language: str
    folder: str | None
    root: Path | None = None


def read_fleurs(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a part, `test` unless `split` names another, of every language there, or of the one that `language` names.

    Raises:
        UsageError: There is no list of such a part, or it is another corpus's.
    """
    chosen = parts(options.split, PARTS, usual=USUAL)
    lists = [_list(path) for path in _paths(source, chosen, options.language)]
    has_audio = any(each.folder for each in lists)
    if not has_audio:
        ledger.remark("no folder audio beside the lists: transcripts made elsewhere can be scored, no recording heard")
    languages = {each.language for each in lists}
    sheet = replace(datasheet("fleurs"), language=languages.pop() if len(languages) == 1 else None)
    root = lists[0].path.parent.parent if has_audio else None
    return Corpus(sheet, _records([replace(each, root=root) for each in lists], ledger), root)


def bcp47(folder: str) -> str:
    """Returns the language tag of a folder's name.

    >>> bcp47("af_za"), bcp47("cmn_hans_cn"), bcp47("es_419")
    ('af-ZA', 'cmn-Hans-CN', 'es-419')
    """
    language, *rest = folder.split("_")
    return "-".join([language, *(each.title() if len(each) == 4 else each.upper() for each in rest)])


def _records(lists: Sequence[_List], ledger: Ledger) -> Iterator[Record]:
    for each in lists:
        for line, text in text_lines(each.path, name=each.name):
            record = _record(text.split("\t"), f"{each.name}:{line}", each, ledger) if text else None
            if record is not None:
                yield record


def _record(cells: list[str], place: str, listed: _List, ledger: Ledger) -> Record | None:
    if len(cells) != len(_COLUMNS):
        ledger.refuse(place, f"has {len(cells)} cells; expected {len(_COLUMNS)}: {', '.join(_COLUMNS)}.")
        return None
    _, file_name, raw, _, _, n_samples, gender = cells
    if not is_plain_name(file_name):
        ledger.refuse(place, f"has the file name {shown(file_name)}; expected one such as 123.wav. Correct it.")
        return None
    if n_samples and not (n_samples.isascii() and n_samples.isdecimal()):
        ledger.refuse(place, f"has {shown(n_samples)} samples; expected a whole number. Correct it.")
        return None
    if not raw.strip():
        ledger.leave_out(place, NO_TRANSCRIPT)
        return None
    audio = None if listed.root is None else f"{listed.folder}/{file_name}"
    if listed.root is not None and (audio is None or listed.folder is None or not (listed.root / audio).is_file()):
        ledger.leave_out(place, NO_RECORDING)
        return None
    return Record(
        file=listed.name,
        line=int(place.rpartition(":")[2]),
        utterance_id=file_name.removesuffix(".wav"),
        text=raw.strip(),
        audio=audio,
        duration=int(n_samples[:18]) / SAMPLE_RATE if n_samples else None,
        language=listed.language,
        attributes={"gender": gender},
    )


def _list(path: Path) -> _List:
    folder = path.parent
    name = f"{folder.name}/{path.name}"
    first = next((text for _, text in text_lines(path, name=name)), "")
    if not _LANGUAGE.fullmatch(folder.name) or (first and len(first.split("\t")) != len(_COLUMNS)):
        raise UsageError(
            f"{name}: is no list of FLEURS; expected LANGUAGE_REGION/{path.name} without a header, with "
            f"{len(_COLUMNS)} cells a line: {', '.join(_COLUMNS)}."
        )
    places = (folder / "audio" / path.stem, folder / path.stem)
    found = next((each.relative_to(folder.parent).as_posix() for each in places if each.is_dir()), None)
    return _List(path, name, bcp47(folder.name), found)


def _paths(source: Path, chosen: Sequence[str], language: str | None) -> list[Path]:
    if source.is_file():
        return [source.absolute()]
    wanted = None if language is None else language.replace("-", "_").casefold()
    for pattern in _PLACES:
        found = [path for part in chosen for path in sorted(source.absolute().glob(f"{pattern}{part}.tsv"))]
        if wanted is not None and pattern:
            found = [path for path in found if wanted in (path.parent.name, path.parent.name.split("_")[0])]
        if found:
            return found
    lists = sorted(
        path.relative_to(source).as_posix() for each in ("", "*/", "data/*/") for path in source.glob(f"{each}*.tsv")
    )
    raise UsageError(
        f"source={source}: no data/{wanted or 'LANGUAGE_REGION'}/{chosen[0]}.tsv in it; found "
        f"{', '.join(lists[:20]) or 'no list'}. Name the folder of FLEURS or of one of its languages."
    )
