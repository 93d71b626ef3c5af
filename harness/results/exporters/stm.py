"""A table in; NIST STM segments out, attributes in their labels, with what a recogniser returned where there is a run.

```
ref.stm                        recording channel speaker begin end <O,label,label> reference, as written
wav.scp                        recordings by name
hyp.stm                        with a run: the same segments with what was returned; empty where it failed
exact.jsonl, datasheet.yaml    what these cannot say: ids, languages, texts of several lines; what attributes are
```

Places of a label are attributes in the order of the datasheet, after `O`, which is all segments. A value stands as one
word, with `%` and bytes for blanks and commas. sclite's report has room for 15 values of all attributes together: an
attribute that has no room is in no label, only in `exact.jsonl`. The attribute `channel` is the channel; without one it
is `1`. STM needs an end: where the manifest has no duration it is that of the recording, if that can be read. With
several conditions there are `hyp_CONDITION.stm`.

sclite reads `ref.stm` as a reference, and labels for its report `-o lur`. It takes hypotheses to it with the time of
every word only (CTM), which a run does not have: times made up would decide what counts as an error. `hyp.stm` is for
tools that compare segments; for sclite use `format=trn`, where hypotheses are normalised, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.attributes import Attribute
from harness.corpus.cells import shown
from harness.corpus.importers.exported import EXACT_FILE, Told, exact_line
from harness.corpus.importers.stm import IGNORED, NOBODY, NOT_TRANSCRIBED, REFERENCE
from harness.corpus.importers.stm_header import CHANNEL, NOT_IN_LABELS, OVERALL
from harness.corpus.importers.wav_scp import WAV_SCP
from harness.corpus.spans import end_text, seconds_text
from harness.corpus.tokens import BLANKS, one_line, token
from harness.errors import UsageError
from harness.results.exporters.headers import Headers
from harness.results.exporters.json_lines import by_condition, rows, write_datasheet, write_json_lines
from harness.results.exporters.lines import (
    Spoken,
    as_line,
    check_entries,
    recording_names,
    remove_stale,
    utterances,
    write_lines,
)
from harness.results.exporters.sclite import LONGEST_WORD
from harness.results.exporters.table import ExportTable

MOST_LABELS = 15  # beside `O`; with more, and with labels that are not declared, sclite's report ends in an error
_UNKNOWN = "unknown"  # speaker
_ONE_CHANNEL = "1"
_NOT_FIRST = ";"  # twice it begins a comment
_LONGEST_LABEL = 60  # bytes, or characters of a heading; sclite's report cannot hold hundreds
_ALTERNATIVES = re.compile(r"\{\s[^{}/]*\s/\s[^{}]*\s\}")
_LONG_WORD = re.compile(rf"[^{BLANKS}]{{{LONGEST_WORD // 4},}}")  # a character has at most 4 bytes
_DEEPEST = 10  # alternatives in alternatives
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Segment:
    """Is an utterance under the words that STM has for it."""

    spoken: Spoken
    recording: str
    channel: str
    speaker: str
    begin: str
    end: str
    labels: tuple[str, ...]

    @property
    def key(self) -> str:
        """Returns the id that an import derives."""
        return f"{self.recording}_{self.channel}_{self.speaker}_{self.begin}-{self.end}"

    @property
    def start(self) -> str:
        """Returns the line without what was said."""
        label = ",".join((OVERALL.upper(), *self.labels))
        return f"{self.recording} {self.channel} {self.speaker} {self.begin} {self.end} <{label}>"


def write_stm(table: ExportTable, out: Path) -> list[Path]:
    """Writes the segments; returns the files.

    Raises:
        UsageError: An utterance has no duration and no recording to take it from, or the path of a recording would mean
            something else in `wav.scp`.
    """
    spoken = _timed(utterances(table))
    check_entries(spoken, "stm")
    labelled = _labelled(table.attributes, spoken)
    segments = _segments(spoken, labelled)
    header = _header(labelled, segments)
    files: dict[str, Iterable[str]] = {
        REFERENCE: [*header, *(f"{each.start} {transcript(each.spoken.text)}".rstrip(" ") for each in segments)],
        **_heard(table, segments, header),
    }
    if recordings := _recordings(segments):
        files[WAV_SCP] = recordings
    written = write_lines(out, files)
    written += (
        [write_json_lines(out / EXACT_FILE, exact)]
        if (exact := list(_exact(segments, labelled, table.datasheet.language)))
        else []
    )
    written.append(write_datasheet(table, out))
    remove_stale(out, ("hyp*.stm", WAV_SCP, EXACT_FILE), written)
    return written


def transcript(text: str) -> str:
    """Returns what was said as a line that says nothing else: no end of an alternative without a begin.

    >>> transcript("i've { um / uh / @ } as far"), transcript("so } it is"), transcript("<NA>")
    ("i've { um / uh / @ } as far", 'so %7d it is', '%3cNA>')
    """
    line, rest = one_line(text), one_line(text)
    for _ in range(_DEEPEST):
        rest = _ALTERNATIVES.sub("x", rest)
    if "{" in rest or "}" in rest:
        line = line.replace("{", "%7b").replace("}", "%7d")
    if len(line) > LONGEST_WORD // 4:
        line = _LONG_WORD.sub(_shortened, line)
    return token(line, never=line[0]) if line.casefold() in (IGNORED, NOT_TRANSCRIBED) else line


def _shortened(found: re.Match[str]) -> str:
    """Returns a word that sclite reads to its end."""
    return token(found[0], at_most=LONGEST_WORD) if len(found[0].encode()) > LONGEST_WORD else found[0]


def _timed(spoken: Iterable[Spoken]) -> list[Spoken]:
    """Returns utterances with durations."""
    headers, timed, unknown = Headers(), [], []
    for each in spoken:
        duration_s = each.duration_s or headers.left_s(each.audio, each.offset_s)
        if duration_s is None:
            unknown.append(shown(each.utterance_id))
        timed.append(replace(each, duration_s=duration_s))
    if unknown:
        raise UsageError(
            f"format=stm: {len(unknown)} utterances have no duration and no recording that says it, such as "
            f"{', '.join(unknown[:_SHOWN])}; STM needs an end. Add durations to the manifest."
        )
    return timed


def _labelled(attributes: Sequence[Attribute], spoken: Sequence[Spoken]) -> list[Attribute]:
    """Returns the attributes that labels have room for, the first ones first."""
    labelled: list[Attribute] = []
    labels: set[str] = set()
    for attribute in attributes:
        if attribute.name == CHANNEL:
            continue
        more = {_label(each, attribute).casefold() for each in spoken} - {""}
        if len(labels | more) <= MOST_LABELS:
            labels |= more
            labelled.append(attribute)
    return labelled


def _label(spoken: Spoken, attribute: Attribute) -> str:
    value = as_line(spoken.attributes[attribute.name])
    return value and token(value, never=NOT_IN_LABELS, at_most=_LONGEST_LABEL)


def _segments(spoken: Sequence[Spoken], labelled: Sequence[Attribute]) -> list[_Segment]:
    """Returns segments in the order that sclite wants: by recording, channel and begin."""
    names = recording_names((each.audio for each in spoken), never=_NOT_FIRST)
    taken = set(names.values())
    segments = []
    for each in spoken:
        recording = _alone(each, taken) if each.audio is None else names[each.audio]
        segments.append(
            _Segment(
                spoken=each,
                recording=recording,
                channel=_channel(each),
                speaker=_speaker(each.speaker_id),
                begin=seconds_text(each.offset_s),
                end=end_text(each.offset_s, each.duration_s or 0.0),
                labels=tuple(_label(each, attribute) for attribute in labelled),
            )
        )
    return sorted(segments, key=lambda each: (each.recording, each.channel, each.spoken.offset_s))


def _alone(spoken: Spoken, taken: set[str]) -> str:
    """Returns a name for the recording of an utterance that names none: the utterance's, and no recording's."""
    word = token(spoken.utterance_id, never=_NOT_FIRST)
    return f"{word}%" if word in taken else word


def _channel(spoken: Spoken) -> str:
    value = as_line(spoken.attributes.get(CHANNEL, ""))
    return token(value) if value else _ONE_CHANNEL


def _speaker(speaker_id: str | None) -> str:
    if speaker_id is None:
        return _UNKNOWN
    word = token(speaker_id)
    return token(speaker_id, never=speaker_id[0]) if word.casefold() in NOBODY else word


def _header(labelled: Sequence[Attribute], segments: Sequence[_Segment]) -> list[str]:
    lines = [';; CATEGORY "0" "" ""', f';; LABEL "{OVERALL.upper()}" "Overall" "All segments"']
    declared = {OVERALL}
    for place, attribute in enumerate(labelled, start=1):
        name = token(attribute.name, never='"')
        lines.append(f';; CATEGORY "{place}" "{name}" "{_quoted(attribute.description)}"')
        values = {each.labels[place - 1]: each.spoken.attributes[attribute.name] for each in segments}
        for label in sorted(values):
            if label and label.casefold() not in declared:  # sclite has one list for all places, and folds capitals
                declared.add(label.casefold())
                lines.append(f';; LABEL "{label}" "{_quoted(as_line(values[label]))[:_LONGEST_LABEL]}" ""')
    return lines


def _quoted(text: str) -> str:
    return one_line(text).replace('"', "'")


def _heard(table: ExportTable, segments: Sequence[_Segment], header: Sequence[str]) -> dict[str, Iterable[str]]:
    files: dict[str, Iterable[str]] = {}
    for name, frame in by_condition(table) if table.has_run else ():
        texts = {row["utterance_id"]: row["pred_text"] for row in rows(frame, ("utterance_id", "pred_text"))}
        files[f"hyp{name and f'_{name}'}.stm"] = [
            *header,
            *(
                f"{each.start} {transcript(str(texts[each.spoken.utterance_id] or ''))}".rstrip(" ")
                for each in segments
            ),
        ]
    return files


def _recordings(segments: Iterable[_Segment]) -> list[str]:
    return sorted({f"{each.recording} {each.spoken.audio}" for each in segments if each.spoken.audio is not None})


def _exact(
    segments: Iterable[_Segment], labelled: Sequence[Attribute], language: str | None
) -> Iterator[dict[str, object]]:
    for each in segments:
        spoken = each.spoken
        written = {
            "utterance_id": each.key,
            "text": transcript(spoken.text),
            "speaker_id": each.speaker,
            "language": None,
        }
        exact = {
            "utterance_id": spoken.utterance_id,
            "text": spoken.text,
            "speaker_id": spoken.speaker_id,
            "language": None if spoken.language == language else spoken.language,
        }
        line = exact_line(each.key, Told(written, _labels(each, labelled)), Told(exact, spoken.attributes))
        if line is not None:
            yield line


def _labels(segment: _Segment, labelled: Sequence[Attribute]) -> Mapping[str, str]:
    """Returns what an import reads as attributes."""
    labels = dict(zip([attribute.name for attribute in labelled], segment.labels, strict=True))
    return {**dict.fromkeys(segment.spoken.attributes, ""), **labels, CHANNEL: segment.channel}
