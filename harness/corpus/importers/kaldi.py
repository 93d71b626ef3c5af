"""A Kaldi data folder in; a record for each line of its `text` out.

```
text                 utterance, what was said
wav.scp              recording, its file; without `segments` recordings are utterances
segments             utterance, recording, begin, end in seconds (-1: to its end), perhaps a channel
utt2spk or spk2utt   who spoke
utt2lang             the language
utt2dur, reco2dur    seconds, where there are no segments
utt2X, spk2X         any other such file is an attribute X, of utterances or of people
```

Ids are those of `text`. Commands in `wav.scp` are never run, and recordings in archives are refused. Where every
utterance is its own speaker, as Kaldi has it where nobody knows who spoke, speakers are unknown. What
`harness export format=kaldi` has put beside these files is read, too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, duration_s, shown
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.datasheets import annotated
from harness.corpus.importers.exported import Exact, sheet_beside
from harness.corpus.importers.kaldi_files import TEXT, DataFiles
from harness.corpus.importers.keyed import keyed_lines
from harness.corpus.importers.languages import language_of
from harness.corpus.importers.open_attributes import read_cell
from harness.corpus.importers.wav_scp import WAV_SCP, WavScp
from harness.corpus.spans import span
from harness.corpus.tokens import token
from harness.errors import ManifestError, UsageError

SEGMENTS, LANGUAGES = "segments", "utt2lang"
DURATIONS, RECORDING_DURATIONS = "utt2dur", "reco2dur"
TO_THE_END = "-1"  # as an end
_TO_THE_END = re.compile(r"-1(\.0*)?")
CHANNEL, OTHER_LANGUAGE = "channel", "language_name"
_TECHNICAL = ("num_frames", "num_samples", "uniq", "warp")  # X of files that say nothing of people or speech
_RESERVED = frozenset({"spk", "utt", "lang", "dur", *_TECHNICAL})
_LONGEST_NAME = 200  # bytes; file systems end at 255


def attribute_word(name: str) -> str:
    """Returns what follows `utt2` in the name of the file that an attribute is in.

    >>> attribute_word("accent"), attribute_word("first language"), attribute_word("dur")
    ('accent', 'first%20language', '%64ur')
    """
    word = token(name, never="/", at_most=_LONGEST_NAME)
    return f"%{ord(word[0]):02x}{word[1:]}" if word.partition(".")[0] in _RESERVED else word


def read_kaldi(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a data folder, such as `data/test`.

    Raises:
        UsageError: It has no `text`.
    """
    if not (source / TEXT).is_file():
        folders = sorted(path.parent.name for path in source.glob(f"*/{TEXT}"))[:20] if source.is_dir() else []
        advice = f" Name one of its folders: {', '.join(folders)}." if folders else ""
        raise UsageError(f"source={source}: no file {TEXT} in it; expected a Kaldi data folder.{advice}")
    sheet = sheet_beside(source, "kaldi", options)
    recordings = WavScp(source / WAV_SCP, ledger)
    return Corpus(sheet, _records(source, sheet, recordings, ledger), recordings.root.found)


def _records(source: Path, sheet: Datasheet, recordings: WavScp, ledger: Ledger) -> Iterator[Record]:
    folder, exact = _Folder(source, sheet, recordings, ledger), Exact(source)
    for number, key, text in keyed_lines(source / TEXT):
        try:
            record = folder.record(number, key, text)
        except CellError as error:
            ledger.refuse(f"{TEXT}:{number}", f"utterance {shown(key)} {error}")
        else:
            if record is not None:
                yield exact.restored(record)
    exact.close()
    folder.close()


@dataclass(frozen=True, slots=True)
class _Place:
    """Is where an utterance is to be heard.

    Attributes:
        entry: Of its recording in `wav.scp`; None where there is none.
        offset_s: Seconds.
        duration_s: Seconds; None where the folder does not say.
        channel: Of a recording that has several; None where none is named.
    """

    entry: str | None
    offset_s: float = 0.0
    duration_s: float | None = None
    channel: str | None = None


class _Folder:
    """Gathers what the files of a folder say of one utterance after another."""

    def __init__(self, source: Path, sheet: Datasheet, recordings: WavScp, ledger: Ledger) -> None:
        self._ledger = ledger
        self._recordings = recordings
        self._files = DataFiles(source, ledger)
        self._segments = self._files.leading(SEGMENTS)
        self._entries = self._files.leading(WAV_SCP) if self._segments is None else None
        self._entries_of_recordings = {} if self._segments is None else self._files.values(WAV_SCP)
        self._durations = [self._files.further(each) for each in (DURATIONS, RECORDING_DURATIONS)]
        self._speakers = self._files.speakers()
        self._languages = self._files.further(LANGUAGES)
        names = _attribute_names(source, sheet, ledger)
        self._of_utterances = {name: self._files.further(f"utt2{word}") for word, name in names.items()}
        self._of_people = {name: self._files.values(f"spk2{word}") for word, name in names.items()}
        self._undeclared: Mapping[str, Value] = {attribute.name: "" for attribute in sheet.attributes}
        self._n_unheard = 0

    def record(self, number: int, key: str, text: str) -> Record | None:
        """Returns the record of a line of `text`; None where it is left out.

        Raises:
            CellError: The folder says something unusable of it.
        """
        place = self._place(key)
        speaker_id = (self._speakers.value(key) if self._speakers else None) or None
        attributes = {**self._undeclared, **self._values(key, speaker_id)}
        if place.channel is not None:
            attributes[CHANNEL] = place.channel
        language, named = self._language(key)
        if place.duration_s == 0:
            self._ledger.leave_out(f"{TEXT}:{number}", "its segment ends where it begins")
            return None
        return Record(
            file=TEXT,
            line=number,
            utterance_id=key,
            text=text,
            audio=self._audio(place, number),
            speaker_id=speaker_id,
            offset=place.offset_s,
            duration=place.duration_s,
            language=language,
            attributes={**attributes, **named},
        )

    def close(self) -> None:
        """Tells what no line of `text` asked for, and what it asked for in vain."""
        self._files.close()
        if self._n_unheard and self._recordings.root.folder is not None:
            self._ledger.remark(f"{self._n_unheard} utterances of {TEXT} have no recording in the folder")

    def _place(self, key: str) -> _Place:
        if self._segments is not None:
            return self._segment(self._segments.value(key))
        durations = [each.value(key) for each in self._durations if each is not None]
        stated = next((each for each in durations if each), None)
        seconds = None if stated is None else read_cell(DURATIONS, stated, duration_s)
        return _Place(self._entries.value(key) if self._entries else None, duration_s=seconds)

    def _segment(self, line: str | None) -> _Place:
        if line is None:
            return _Place(None)
        cells = line.split()
        if len(cells) not in (3, 4):
            raise CellError(f"has {shown(line)} in {SEGMENTS}; expected recording, begin, end and perhaps a channel.")
        entry, channel = self._entries_of_recordings.get(cells[0]), cells[3] if len(cells) > 3 else None
        to_the_end = _TO_THE_END.fullmatch(cells[2]) is not None
        where = read_cell(SEGMENTS, line, lambda _: span(cells[1], cells[1] if to_the_end else cells[2]))
        return _Place(entry, where.offset_s, None if to_the_end else where.duration_s, channel)

    def _audio(self, place: _Place, number: int) -> str | None:
        if place.entry is None:
            self._n_unheard += 1
            return None
        if place.channel is not None:
            self._ledger.remark(
                "utterances on one channel of a recording with several name no recording, since all channels would be "
                "heard at once; split the files by channel to hear them"
            )
            return None
        return self._recordings.audio(place.entry, f"{TEXT}:{number}")

    def _language(self, key: str) -> tuple[str | None, Mapping[str, Value]]:
        """Returns the tag, and what is written where that is none."""
        written = self._languages.value(key) if self._languages else None
        if not written:
            return None, {}
        tag = language_of(written)
        return tag, {} if tag is not None else {OTHER_LANGUAGE: written}

    def _values(self, key: str, speaker_id: str | None) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, of_utterance in self._of_utterances.items():
            value = of_utterance.value(key) if of_utterance else None
            if value is None and speaker_id is not None:
                value = self._of_people[name].get(speaker_id)
            if value is not None:
                values[name] = value
        return values


def _attribute_names(source: Path, sheet: Datasheet, ledger: Ledger) -> Mapping[str, str]:
    """Returns the attributes by what stands in the names of their files."""
    declared = {attribute_word(attribute.name): attribute.name for attribute in sheet.attributes}
    names = {}
    for word in sorted({path.name[4:] for stem in ("utt2", "spk2") for path in source.glob(f"{stem}?*")}):
        if word.partition(".")[0] in _RESERVED:
            continue
        name = declared.get(word, word)
        try:
            names[word] = annotated(name, multivalued=False).name
        except ManifestError as error:
            ledger.remark(f"utt2{word} or spk2{word}, not used: {error}")
    return names
