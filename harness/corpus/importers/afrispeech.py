"""AfriSpeech-200 in, as its hub repository lays it out; a record for each clip of one part out.

Layout, relied on as of the hub repository's state of November 2023 and the authors' lists: lists with commas and quotes
in `transcripts/ACCENT/{train,dev,test}.csv`, with the columns `idx, user_ids, accent, age_group, country, transcript,
nchars, audio_ids, audio_paths, duration, origin, domain, split, gender`. `audio_paths` ends in `RECORDING/CLIP.wav`
whatever stands before; beside the lists, archives `audio/ACCENT/PART/PART_ACCENT_N.tar.gz`, to be unpacked where they
are. Which folders they have inside is not documented, so a clip is looked for in several places. Folders of accents
differ from the column `accent` where that has commas or brackets; the folder's name counts.
The hub's own reader calls a clip `RECORDING/CLIP`, and so does this one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import NO_RECORDING, NO_TRANSCRIPT, is_plain_name, parts, refusing, seconds
from harness.corpus.textfiles import Row, csv_rows
from harness.errors import UsageError

PARTS, USUAL = ("train", "dev", "test"), "test"
LISTS, AUDIO = "transcripts", "audio"
ATTRIBUTES = ("accent", "age_group", "gender", "country", "origin", "domain")
LISTED_TWICE = "is listed before with the same words"
_NEEDED = ("audio_paths", "transcript")
_SPEAKERS = ("user_ids", "speaker_id")
# Where a clip may lie, below the root: what comes of unpacking the archives in place, or as the lists name it.
_PLACES = (
    "audio/{accent}/{part}/{clip}",
    "audio/{accent}/{clip}",
    "audio/{part}/{clip}",
    "audio/{clip}",
    "audio/{accent}/{part}/{part}/{clip}",
    "AfriSpeech-100/{part}/{clip}",
    "{part}/{clip}",
)


@dataclass(frozen=True, slots=True)
class _List:
    """Is a list of clips.

    Attributes:
        path: The file.
        name: What messages call it.
        root: The folder that has the recordings somewhere in it; None where there are none.
    """

    path: Path
    name: str
    root: Path | None


def read_afrispeech(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a part of all accents, `test` unless `split` names another; the source may be one accent's folder or list.

    Raises:
        UsageError: There is no list of such a part, or it is another corpus's.
    """
    chosen = parts(options.split, PARTS, usual=USUAL)
    paths = _paths(source, chosen)
    for path in paths:
        _check_columns(path)
    root = _root(paths[0])
    has_audio = (root / AUDIO).is_dir() or any((root / each).is_dir() for each in ("AfriSpeech-100", *chosen))
    if not has_audio:
        ledger.remark(f"no folder {AUDIO} beside the lists: transcripts made elsewhere can be scored, no clip heard")
    lists = [_List(path, f"{path.parent.name}/{path.name}", root if has_audio else None) for path in paths]
    return Corpus(datasheet("afrispeech"), _records(lists, ledger), root if has_audio else None)


def _records(lists: Sequence[_List], ledger: Ledger) -> Iterator[Record]:
    seen: set[int] = set()  # a number for each clip: 67,577 in the release
    for listed in lists:
        for row in csv_rows(listed.path, refusing(listed.name, ledger), name=listed.name):
            record = _record(row, listed, ledger)
            if record is None:
                continue
            if (number := hash((record.utterance_id, record.text))) in seen:
                ledger.leave_out(record.place, LISTED_TWICE)
                continue
            seen.add(number)
            yield record


def _record(row: Row, listed: _List, ledger: Ledger) -> Record | None:
    place = f"{listed.name}:{row.line}"
    recording, clip = (["", *row.cells["audio_paths"].split("/")])[-2:]
    if not is_plain_name(recording) or not is_plain_name(clip):
        found = shown(row.cells["audio_paths"])
        ledger.refuse(place, f"has audio_paths={found}; expected a path that ends in RECORDING/CLIP.wav. Correct it.")
        return None
    try:
        duration = seconds(row.cells.get("duration"))
    except CellError as error:
        ledger.refuse(place, f"has duration={shown(row.cells['duration'])}; expected {error}")
        return None
    text = row.cells["transcript"].strip()  # many end in a line break
    if not text:
        ledger.leave_out(place, NO_TRANSCRIPT)
        return None
    audio = _audio(listed, f"{recording}/{clip}", row.cells.get("accent", ""))
    if listed.root is not None and audio is None:
        ledger.leave_out(place, NO_RECORDING)
        return None
    return Record(
        file=listed.name,
        line=row.line,
        utterance_id=f"{recording}/{clip.removesuffix('.wav')}",
        text=text,
        audio=audio,
        speaker_id=next((row.cells[each] for each in _SPEAKERS if row.cells.get(each)), None),
        duration=duration,
        attributes={each: row.cells[each] for each in ATTRIBUTES if each in row.cells},
    )


def _audio(listed: _List, clip: str, accent: str) -> str | None:
    """Returns where a clip lies, relative to the root; None where it does not, or there is no audio at all."""
    named = listed.path.parent.name
    folder = accent if named == LISTS and is_plain_name(accent) else named
    for place in _PLACES if listed.root is not None else ():
        audio = place.format(accent=folder, part=listed.path.stem, clip=clip)
        if listed.root is not None and (listed.root / audio).is_file():
            return audio
    return None


def _paths(source: Path, chosen: Sequence[str]) -> Sequence[Path]:
    if source.is_file():
        return [source]
    for pattern in (f"{LISTS}/*/", f"{LISTS}/", "*/", ""):
        if found := [path for part in chosen for path in sorted(source.glob(f"{pattern}{part}.csv"))]:
            return found
    lists = sorted({path.name for pattern in ("*.csv", "*/*.csv", "*/*/*.csv") for path in source.glob(pattern)})
    raise UsageError(
        f"source={source}: no {LISTS}/ACCENT/{chosen[0]}.csv in it; found {', '.join(lists[:20]) or 'no list'}. Name "
        "the folder of AfriSpeech-200, or one of its lists."
    )


def _root(first: Path) -> Path:
    """Returns the folder that has the lists' folder in it; that of the list where there is none."""
    for folder in list(first.absolute().parents)[:2]:
        if folder.name == LISTS:
            return folder.parent
    return first.parent


def _check_columns(path: Path) -> None:
    first = next(csv_rows(path, lambda *_: None), None)
    if first is not None and not set(_NEEDED) <= first.cells.keys():
        raise UsageError(
            f"{path.name}: has the columns {', '.join(first.cells)}; expected {' and '.join(_NEEDED)} among them. "
            "Is it a list of AfriSpeech-200?"
        )
