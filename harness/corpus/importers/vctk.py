"""The CSTR VCTK Corpus in; a record for each sentence that one microphone recorded out.

Layout of version 0.92, relied on as it is unpacked: `wav48_silence_trimmed/SPEAKER/SPEAKER_NNN_mic{1,2}.flac`,
`txt/SPEAKER/SPEAKER_NNN.txt` and `speaker-info.txt`. Version 0.80 has `wav48/SPEAKER/SPEAKER_NNN.wav`, one microphone
and speakers without `p` in `speaker-info.txt`. That file has columns apart by any number of spaces: id, age, gender,
accent, region, comments in brackets. An accent can be two words (`Australian English`), a region several or none.
Speaker p315 has no transcripts, p280 and p315 no second microphone, and some sentences of p362 no recording: these are
left out. Speaker p280 is not in `speaker-info.txt` of version 0.80.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import (
    NO_RECORDING,
    NO_TRANSCRIPT,
    child,
    children,
    files_by_stem,
    parts,
    words_of,
)
from harness.corpus.textfiles import text_lines
from harness.errors import UsageError

MICROPHONES, USUAL = ("mic1", "mic2"), "mic1"
SPEAKERS = "speaker-info.txt"
TEXTS = "txt"
_LAYOUTS = (("wav48_silence_trimmed", ".flac", "0.92"), ("wav48", ".wav", "0.80"))
_LINE = re.compile(r"(?P<speaker>[A-Za-z]?[0-9]+)\s+(?P<age>[0-9]+)\s+(?P<gender>\S+)\s+(?P<rest>[^(]*)(?P<comment>.*)")
_TWO_WORDS = ("Australian", "NewZealand")  # accents that the file follows with "English"


@dataclass(frozen=True, slots=True)
class _Release:
    """Is what a copy has.

    Attributes:
        root: The folder with everything in it.
        texts: Of the transcripts.
        recordings: Of the recordings; None where there are none.
        ends: How the names of those that are read end, by their microphone; "" where names do not say.
        people: What is known of speakers, by their names in lower case.
    """

    root: Path
    texts: Path
    recordings: Path | None
    ends: Mapping[str, str]
    people: Mapping[str, Mapping[str, Value]]

    def heard(self, speaker: str) -> Mapping[str, Mapping[str, str]]:
        """Returns names of a speaker's recordings by sentence, by microphone."""
        folder = None if self.recordings is None else self.recordings / speaker
        return {microphone: files_by_stem(folder, end) for microphone, end in self.ends.items()}

    def about(self, speaker: str) -> Mapping[str, Value]:
        """Returns what is known of a speaker."""
        name = speaker.casefold()
        return self.people.get(name, self.people.get(name.removeprefix("p"), {}))


def read_vctk(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads what the first microphone recorded, or with `split=mic2` the second, or with `split=all` both.

    Raises:
        UsageError: There is no folder of transcripts with the names of speakers in it.
    """
    chosen = parts(options.split, MICROPHONES, usual=USUAL)
    root = _root(source)
    name, suffix, version = next((each for each in _LAYOUTS if child(root, each[0])), ("", "", ""))
    has_two = version == "0.92"
    if not version:
        ledger.remark(
            f"no folder {_LAYOUTS[0][0]} beside {TEXTS}: transcripts made elsewhere can be scored, none heard"
        )
    if has_two and len(chosen) == 1:
        ledger.remark(f"each sentence was recorded by two microphones: {chosen[0]} is read, split=all reads both")
    release = _Release(
        root=root,
        texts=child(root, TEXTS) or root / TEXTS,
        recordings=child(root, name) if version else None,
        ends={each: f"_{each}{suffix}" for each in chosen} if has_two else {"": suffix},
        people=_people(root, ledger),
    )
    sheet = replace(datasheet("vctk"), version=version)
    return Corpus(sheet, _records(release, ledger), root if version else None)


def _records(release: _Release, ledger: Ledger) -> Iterator[Record]:
    folders = [each for each in (release.texts, release.recordings) if each is not None]
    for speaker in sorted({each.name for folder in folders for each in children(folder)}):
        transcripts = files_by_stem(release.texts / speaker, ".txt")
        heard = release.heard(speaker)
        for sentence in sorted({*transcripts, *(stem for files in heard.values() for stem in files)}):
            place = f"{TEXTS}/{speaker}/{transcripts.get(sentence, sentence)}"
            if sentence not in transcripts:
                ledger.leave_out(place, NO_TRANSCRIPT)
                continue
            text = words_of(release.texts / speaker / transcripts[sentence], place, ledger)
            if text == "":
                ledger.leave_out(place, NO_TRANSCRIPT)
            elif text is not None:
                said = Record(
                    file=place,
                    line=1,
                    utterance_id=sentence,
                    text=text,
                    speaker_id=speaker,
                    attributes=release.about(speaker),
                )
                yield from _heard(said, heard, release, ledger)


def _heard(said: Record, heard: Mapping[str, Mapping[str, str]], release: _Release, ledger: Ledger) -> Iterator[Record]:
    """Yields a sentence once for each microphone that has it; once without audio where there is none at all."""
    if release.recordings is None:
        yield said
        return
    for microphone, files in heard.items():
        if said.utterance_id not in files:
            ledger.leave_out(said.file, NO_RECORDING)
            continue
        name = files[said.utterance_id]
        yield replace(
            said,
            utterance_id=name.rpartition(".")[0],
            audio=f"{release.recordings.name}/{said.speaker_id}/{name}",
            attributes={**said.attributes, **({"microphone": microphone} if microphone else {})},
        )


def _root(source: Path) -> Path:
    for folder in (source, *children(source)):
        texts = child(folder, TEXTS) if folder.is_dir() else None
        if texts is not None and any(_named_after_its_folder(each) for each in children(texts)):
            return folder
    raise UsageError(
        f"source={source}: no {TEXTS}/p225/p225_001.txt or the like in it. Name the folder of the VCTK Corpus that has "
        f"{TEXTS}, {_LAYOUTS[0][0]} or {_LAYOUTS[1][0]}, and {SPEAKERS}."
    )


def _named_after_its_folder(folder: Path) -> bool:
    first = next(iter(files_by_stem(folder, ".txt")), "")
    return first.startswith(f"{folder.name}_")


def _people(root: Path, ledger: Ledger) -> Mapping[str, Mapping[str, Value]]:
    table = child(root, SPEAKERS)
    if table is None:
        ledger.remark(f"no {SPEAKERS} in the source: age, gender, accent and region are undeclared for everybody")
        return {}
    people: dict[str, Mapping[str, Value]] = {}
    for line, text in text_lines(table):
        if not text.strip() or text.split()[0] == "ID":
            continue
        found = _LINE.fullmatch(text.strip())
        if found is None:
            ledger.refuse(f"{table.name}:{line}", "is no speaker; expected id, age, gender, accent and perhaps region.")
            continue
        accent, region = _accent_and_region(found["rest"].split())
        people[found["speaker"].casefold()] = {
            "age": found["age"],
            "gender": found["gender"],
            "accent": accent,
            "region": region,
        }
    return people


def _accent_and_region(words: list[str]) -> tuple[str, str]:
    n_accent = 2 if words[:1] and words[0] in _TWO_WORDS and words[1:2] == ["English"] else 1
    return " ".join(words[:n_accent]), " ".join(words[n_accent:])
