r"""NIST STM files in, one or a folder of them with recordings; a record for each of their segments out.

```
;; comment
recording channel speaker begin end <label,label> what was said
```

Segments stay segments of their recordings, which are looked for beside the file under the name that it has for them,
whatever their extension; a list `wav.scp`, as an export writes it, comes first. Ids are
`RECORDING_CHANNEL_SPEAKER_BEGIN-END` with times in seconds as short as they are exact: `sw_4390_A_sw_4390_A_0.1-12.53`.

Each place of the label is an attribute, named by its `;; CATEGORY` or else `label_N`; `O`, which is every segment's, is
none. A word that begins with `<` and follows the times is a label, as for sclite. Of a folder with `ref.stm` only that
is read, else all `.stm`. References stay as they are written, alternatives and all; remarks say what is in them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.corpus.cells import CellError, shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.exported import Exact, sheet_beside
from harness.corpus.importers.open_attributes import read_cell
from harness.corpus.importers.stm_header import CHANNEL, COMMENT, MOST_PLACES, OVERALL, Header, read_header
from harness.corpus.importers.stm_recordings import Recordings
from harness.corpus.spans import plain_seconds, span
from harness.corpus.textfiles import text_lines
from harness.corpus.tokens import BLANKS
from harness.errors import UsageError

REFERENCE = "ref.stm"
IGNORED = "ignore_time_segment_in_scoring"
NOT_TRANSCRIBED = "<na>"
NOBODY = ("inter_segment_gap", "excluded_region")  # as speakers: what lies between segments
STM_FOLDER = "stm"  # recordings lie in a folder beside it
N_FIELDS = 5  # before label and text
_BLANKS = re.compile(f"[{BLANKS}]+")

# What a reference may hold beside words, and what scoring makes of it.
_MARKS = {
    re.compile(r"\{[^{}/]*/[^{}]*\}"): (
        "alternatives { a / b }: the words of all are counted; reference_pattern='\\{|/[^{}]*\\}' keeps the first"
    ),
    re.compile(r"\(%[^()\s]*\)"): (
        "hesitations such as (%hesitation): Whisper's normalisers drop words in brackets, the others count them; "
        "reference_pattern='\\(%[^()]*\\)' drops them"
    ),
    re.compile(r"(?:^|\s)\([^()%\s][^()]*\)(?:\s|$)"): (
        "words in brackets, optionally deletable for sclite -D: Whisper's normalisers drop them, the others count them"
    ),
    re.compile(r"(?:^|\s)(?:-[^\s-]\S*|\S*[^\s-]-)(?:\s|$)"): "fragments such as wor-: they are counted as words",
    re.compile(r"<[^<>]*>|\[[^\[\]]*\]"): (
        "tags such as <unk>: Whisper's normalisers drop them, the others count their words; "
        "reference_pattern='<[^>]*>' drops them"
    ),
    re.compile(r"(?:^|\s)@(?:\s|$)"): "the word @, which stands for none: normalisers that keep symbols count it",
}
_ANY_MARK = re.compile(r"[{(<\[@-]")  # most references have none


def read_stm(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a file, or those of a folder.

    Raises:
        UsageError: There is none.
    """
    files = _files(source)
    folder = source if source.is_dir() else source.parent
    header = read_header(files, sheet_beside(folder, "stm", options))
    in_its_own = folder.name.casefold() == STM_FOLDER and any(path.parent == folder for path in files)
    start = folder.parent if in_its_own else folder
    recordings = Recordings(folder, header.channels, ledger, start=start)
    names = {path: path.relative_to(folder).as_posix() for path in files}
    return Corpus(header.sheet, _records(folder, names, header, recordings, ledger), recordings.root)


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if (source / REFERENCE).is_file():
        return [source / REFERENCE]
    files = sorted(path for path in source.rglob("*") if path.suffix.casefold() == ".stm" and path.is_file())
    if not files:
        raise UsageError(f"source={source}: no .stm file in it. Name one, or a folder that holds some.")
    return files


def _records(
    folder: Path, names: Mapping[Path, str], header: Header, recordings: Recordings, ledger: Ledger
) -> Iterator[Record]:
    exact, marks = Exact(folder), Counter[str]()
    for path, name in names.items():
        for number, line in text_lines(path, name=name):
            if line.startswith(COMMENT) or not line.strip(BLANKS):
                continue
            try:
                record = _record(name, number, line, header, recordings)
            except CellError as error:
                ledger.refuse(f"{name}:{number}", str(error))
                continue
            if reason := _reason_to_leave(record):
                ledger.leave_out(record.place, reason)
            else:
                record = exact.restored(record)
                if _ANY_MARK.search(record.text):
                    marks.update(what for mark, what in _MARKS.items() if mark.search(record.text))
                yield record
    exact.close()
    for what, n_references in marks.items():
        ledger.remark(f"{n_references} references have {what}")


def _record(file: str, number: int, line: str, header: Header, recordings: Recordings) -> Record:
    cells = _BLANKS.split(line.strip(BLANKS), maxsplit=N_FIELDS)
    if len(cells) < N_FIELDS:
        raise CellError(f"has {len(cells)} words; expected recording, channel, speaker, begin, end and what was said.")
    recording, channel, speaker, begin, end, *rest = cells
    label, text = _label_and_text(rest[0] if rest else "")
    where = read_cell("times", f"{begin} {end}", lambda _: span(begin, end))
    return Record(
        file=file,
        line=number,
        utterance_id=f"{recording}_{channel}_{speaker}_{plain_seconds(begin)}-{plain_seconds(end)}",
        text=text,
        audio=recordings.of(recording, f"{file}:{number}"),
        speaker_id=speaker,
        offset=where.offset_s,
        duration=where.duration_s,
        attributes=_attributes(label, channel, header),
    )


def _label_and_text(rest: str) -> tuple[list[str], str]:
    if not rest.startswith("<") or rest.casefold() == NOT_TRANSCRIBED:
        return [], rest
    label, _, text = rest.partition(">")
    places = label[1:].split(",")
    if ">" not in rest or any(each.isspace() for each in label) or len(places) > MOST_PLACES:
        raise CellError(f"has the label {shown(label)}; expected <a,b,c> without blanks. Correct it.")
    return places, text.strip(BLANKS)


def _attributes(label: list[str], channel: str, header: Header) -> dict[str, Value]:
    is_exported = header.sheet.declared
    values: dict[str, Value] = {attribute.name: "" for attribute in header.sheet.attributes if is_exported}
    if CHANNEL in values or not is_exported:
        values[CHANNEL] = channel
    for place, value in enumerate(label):
        if place or value.casefold() != OVERALL:
            values[header.names[place]] = value
    return values


def _reason_to_leave(record: Record) -> str:
    text = record.text.casefold()
    if text == IGNORED:
        return f"not to be scored: {IGNORED.upper()}"
    if (record.speaker_id or "").casefold() in NOBODY:
        return f"between segments: {', '.join(NOBODY)}"
    if text == NOT_TRANSCRIBED:
        return f"not transcribed: {NOT_TRANSCRIBED.upper()}"
    return "it ends where it begins" if not record.duration else ""
