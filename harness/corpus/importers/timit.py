"""TIMIT in, as LDC93S1 lays it out, in whatever capitals a copy has; a record for each sentence of one part out.

Layout: `TIMIT/{TRAIN,TEST}/DR1…DR8/SPEAKER/SENTENCE.{WAV,TXT,WRD,PHN}` and `TIMIT/DOC/SPKRINFO.TXT`. Copies differ in
capitals and put the documents beside `data/`; ids here are upper case, so that they do not differ. A speaker's folder
is named with the sex, `F` or `M`, and then the id that `SPKRINFO.TXT` has. That file has a line a speaker, after lines
that begin with `;`: id, sex, dialect region, part, date of recording, of birth, height, race, education, comments;
question marks (`??`, `???`, `??/??/??`) mean unknown. A `.TXT` is `FIRST_SAMPLE LAST_SAMPLE WORDS`; that its last
sample is the recording's is not relied on, so no length is taken from it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import (
    NO_RECORDING,
    NO_TRANSCRIPT,
    child,
    children,
    files_by_stem,
    parts,
    refuse_all,
    words_of,
)
from harness.corpus.textfiles import text_lines
from harness.errors import TextFileError, UsageError

PARTS, USUAL = ("train", "test"), "test"
SPEAKERS = "SPKRINFO.TXT"
CENTURY = 1900  # of two-digit years: recorded in 1986 and 1987, and nobody is a hundred
_REGION, _SPEAKER = re.compile(r"dr[1-8]", re.IGNORECASE), re.compile(r"[fm][a-z]{3}[0-9]", re.IGNORECASE)
_TRANSCRIPT = re.compile(r"[0-9]+ [0-9]+ ?(.*)")
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d)")


@dataclass(frozen=True, slots=True)
class _Voice:
    """Is a speaker's folder.

    Attributes:
        folder: The folder.
        name: The speaker, upper case.
        place: The folder as messages show it.
        attributes: What is the same in all its sentences.
    """

    folder: Path
    name: str
    place: str
    attributes: Mapping[str, Value] = field(default_factory=dict)


def read_timit(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a part, `test` unless `split` names the other or all.

    Raises:
        UsageError: There is no folder of that part with folders DR1 to DR8 in it.
    """
    chosen = parts(options.split, PARTS, usual=USUAL)
    root = _root(source, chosen)
    people = _people(root, ledger)
    return Corpus(datasheet("timit"), _records(root, chosen, people, ledger), root)


def _records(
    root: Path, chosen: Sequence[str], people: Mapping[str, Mapping[str, Value]], ledger: Ledger
) -> Iterator[Record]:
    for voice in _voices(root, chosen, people):
        recordings = {**files_by_stem(voice.folder, ".wav.wav"), **_plain(files_by_stem(voice.folder, ".wav"))}
        recordings = {stem.upper(): name for stem, name in recordings.items()}
        transcripts = {stem.upper(): name for stem, name in files_by_stem(voice.folder, ".txt").items()}
        for sentence in sorted({*recordings, *transcripts}):
            place = f"{voice.place}/{transcripts.get(sentence, recordings.get(sentence, ''))}"
            if sentence not in transcripts:
                ledger.leave_out(place, NO_TRANSCRIPT)
            elif sentence not in recordings:
                ledger.leave_out(place, NO_RECORDING)
            elif (text := _words(voice.folder / transcripts[sentence], place, ledger)) is not None:
                yield Record(
                    file=place,
                    line=1,
                    utterance_id=f"{voice.name}_{sentence}",
                    text=text,
                    audio=f"{voice.folder.relative_to(root).as_posix()}/{recordings[sentence]}",
                    speaker_id=voice.name,
                    attributes={**voice.attributes, "sentence_type": sentence[:2]},
                )


def _plain(files: Mapping[str, str]) -> Mapping[str, str]:
    """Returns files without those that have the end twice: copies in another format, left by some who unpacked them."""
    return {stem: name for stem, name in files.items() if not stem.casefold().endswith(".wav")}


def _voices(root: Path, chosen: Sequence[str], people: Mapping[str, Mapping[str, Value]]) -> Iterator[_Voice]:
    for part in chosen:
        for region in children(child(root, part) or root / part):
            if not _REGION.fullmatch(region.name):
                continue
            for folder in children(region):
                if folder.is_dir() and _SPEAKER.fullmatch(folder.name):
                    name = folder.name.upper()
                    attributes = {"dialect_region": region.name.upper(), **people.get(name, {})}
                    yield _Voice(folder, name, folder.relative_to(root).as_posix(), attributes)


def _words(path: Path, place: str, ledger: Ledger) -> str | None:
    text = words_of(path, place, ledger)
    if text is None:
        return None
    found = _TRANSCRIPT.fullmatch(text)
    if found is None:
        ledger.refuse(f"{place}:1", f"holds {shown(text)}; expected two numbers of samples, then the words. Mend it.")
        return None
    if not found[1]:
        ledger.leave_out(f"{place}:1", NO_TRANSCRIPT)
        return None
    return found[1]


def _root(source: Path, chosen: Sequence[str]) -> Path:
    """Returns the folder that has those of the parts."""
    candidates = [source, *children(source), *(below for each in children(source) for below in children(each))]
    for folder in candidates:
        if folder.is_dir() and all(any(_regions(folder, part)) for part in chosen):
            return folder
    raise UsageError(
        f"source={source}: no folder {chosen[0].upper()} with folders DR1 to DR8 in it. Name the folder of TIMIT that "
        "has TRAIN and TEST."
    )


def _regions(folder: Path, part: str) -> Iterator[Path]:
    found = child(folder, part)
    return (each for each in (children(found) if found else ()) if _REGION.fullmatch(each.name))


def _people(root: Path, ledger: Ledger) -> Mapping[str, Mapping[str, Value]]:
    """Returns what is known of speakers, by the name of their folder."""
    for folder in (root, root / "DOC", root / "doc", root.parent, root.parent / "DOC", root.parent / "doc"):
        table = child(folder, SPEAKERS)
        if table is not None and table.is_file():
            return dict(_speakers(table, ledger))
    ledger.remark(f"no {SPEAKERS} in the source: sex, age, race and education are undeclared for everybody")
    return {}


def _speakers(table: Path, ledger: Ledger) -> Iterator[tuple[str, Mapping[str, Value]]]:
    try:
        for line, text in text_lines(table):
            cells = text.split(None, 9)
            if not cells or text.startswith(";"):
                continue
            if len(cells) < 9:
                ledger.refuse(
                    f"{table.name}:{line}",
                    f"has {len(cells)} columns; expected id, sex, dialect region, part, two dates, height, race, "
                    "education. Fetch the file again.",
                )
                continue
            name, sex, _, _, recorded, born, _, race, education = cells[:9]
            age = _age(recorded, born)
            yield f"{sex}{name}".upper(), {"sex": sex, "age": age, "race": race, "education": education}
    except TextFileError as error:
        refuse_all(error, ledger)


def _age(recorded: str, born: str) -> str | None:
    """Returns whole years between two dates written mm/dd/yy; None where either is unknown or no date."""
    days = []
    for text in (recorded, born):
        found = _DATE.fullmatch(text)
        try:
            days.append(date(CENTURY + int(found[3]), int(found[1]), int(found[2])) if found else None)
        except ValueError:
            return None
    first, second = days
    if first is None or second is None or second > first:
        return None
    return str(first.year - second.year - ((first.month, first.day) < (second.month, second.day)))
