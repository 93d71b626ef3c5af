"""A NeMo manifest in, plain or of a tarred dataset, in one file or in shards; a record for each of its lines out.

A line is a JSON object with `audio_filepath` and `duration`, and mostly `text`, `offset`, `speaker` and `lang` (or
`source_lang` and `target_lang`). Every other key is an attribute, except what a recogniser returned.
Shards are named as NeMo names them, `manifest__OP_0..3_CL_.json` or `manifest_{0..3}.json`, or by their folder.

Without the key `utterance_id` (which `harness export format=nemo` writes), or `columns.utterance_id`, an id is the path
of the recording without extension, and `#` with the offset for a segment that starts later.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from harness.corpus import cells
from harness.corpus.cells import CellError, number_text, shown
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet, read_datasheet
from harness.corpus.importers.audio_roots import REMOTE, AudioRoot, found_root
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import open_datasheet
from harness.corpus.importers.languages import language_of
from harness.corpus.importers.open_attributes import OpenAttributes, read_cell
from harness.corpus.textfiles import json_objects
from harness.errors import DataError, UsageError

KEYS = {  # of the contract's columns, the first that a line has
    "utterance_id": ("utterance_id",),
    "audio_filepath": ("audio_filepath", "audio_filename"),
    "text": ("text", "normalized_text", "answer", "transcript", "transcription", "sentence"),
    "speaker_id": ("speaker_id", "speaker"),
    "offset": ("offset",),
    "duration": ("duration",),
    "language": ("language", "lang", "target_lang", "source_lang"),
}
MOST_SHARDS = 100_000
OTHER_LANGUAGE = "language_name"  # the attribute that keeps a language which is no tag
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_BRACES = re.compile(r"(?:_OP_|[{(\[<])(\d+)\.\.(\d+)(?:_CL_|[})\]>])")
_SHARD = re.compile(r"(.*?)(\d+)(\.jsonl?(?:\.gz)?)")
_NO_TRANSCRIPT = "-"

Known = Mapping[str, tuple[str, ...]]


def read_nemo(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads a manifest; `columns` says which keys stand for `text`, `utterance_id` and others where it is not plain.

    Raises:
        UsageError: There is no manifest, or its first line names no recording or has no text.
    """
    files = _files(source)
    keys = _keys(options)
    _check_first(files[0], keys)
    folder = files[0].parent
    root = found_root(partial(_paths, files, keys), folder, ledger)
    sheet = _datasheet(folder, source, options)
    return Corpus(sheet, _records(files, keys, root, ledger), root.found)


def _files(source: Path) -> list[Path]:
    """Returns the files of the manifest, in the order of their numbers."""
    braces = _BRACES.search(source.name)
    if braces and not source.exists():
        return _expanded(source, braces)
    if source.is_file():
        return [source]
    found = sorted(path for path in source.glob("*") if path.name.endswith(_SUFFIXES) and path.is_file())
    named = [path for path in found if "manifest" in path.name] or found
    shards = [(match, path) for path in named if (match := _SHARD.fullmatch(path.name))]
    if len(named) > 1 and len(shards) == len(named) and len({match[1] for match, _ in shards}) == 1:
        return [path for _, path in sorted(shards, key=lambda each: int(each[0][2]))]
    if len(named) == 1:
        return named
    several = ", ".join(path.name for path in named[:20]) or "no .json or .jsonl file"
    raise UsageError(f"source={source}: expected one manifest or its shards; found {several}. Name the file itself.")


def _expanded(source: Path, braces: re.Match[str]) -> list[Path]:
    first, last = braces[1], braces[2]
    if not 0 <= int(last) - int(first) < MOST_SHARDS:
        raise UsageError(f"source={source}: expected shards from a number to a higher one, at most {MOST_SHARDS:,}.")
    width = len(first) if first.startswith("0") else 0
    before, after = source.name[: braces.start()], source.name[braces.end() :]
    files = [source.with_name(f"{before}{n:0{width}}{after}") for n in range(int(first), int(last) + 1)]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise UsageError(f"source={source}: {len(missing)} shards are not there, such as {missing[0]}. Complete it.")
    return files


def _keys(options: ImportOptions) -> Known:
    for name in options.columns:
        if name not in KEYS:
            raise UsageError(f"columns.{name}: means nothing to a NeMo manifest; expected one of {', '.join(KEYS)}.")
    return {name: (options.columns[name],) if name in options.columns else known for name, known in KEYS.items()}


def _check_first(file: Path, keys: Known) -> None:
    """Looks at the first line that can be read; what is wrong with lines is told when they are read."""
    _, row = next(json_objects(file, lambda *_: None), (0, None))
    if row is None:
        raise UsageError(f"source={file}: no line of it is a JSON object; expected a NeMo manifest.")
    for name in ("audio_filepath", "text"):
        if not any(key in row for key in keys[name]):
            raise UsageError(
                f"{file.name}: has none of the keys {', '.join(keys[name])}; found {', '.join(map(shown, row))[:300]}. "
                f"Name the one that stands for it: columns.{name}=KEY."
            )


def _datasheet(folder: Path, source: Path, options: ImportOptions) -> Datasheet:
    """Returns the datasheet beside the manifest, as an export writes it; else one that declares nothing."""
    beside = folder / DATASHEET_FILE
    name = source.name.split(".")[0] if source.is_file() else source.resolve().name
    sheet = read_datasheet(beside) if beside.is_file() else open_datasheet(name)
    return replace(sheet, language=options.language) if options.language else sheet


def _rows(files: list[Path], ledger: Ledger) -> Iterator[tuple[str, int, dict[str, object]]]:
    """Yields file, line and object."""
    for file in files:
        name = file.name

        def refuse(line: int, problem: str, name: str = name) -> None:
            ledger.refuse(f"{name}:{line}", problem)

        for line, row in json_objects(file, refuse):
            yield name, line, row


def _paths(files: list[Path], keys: Known) -> Iterator[str]:
    """Yields audio paths; what cannot be read is told later."""
    for file in files:
        try:
            for _, row in json_objects(file, lambda *_: None):
                path = row.get(_first(row, keys["audio_filepath"]))
                if isinstance(path, str) and path and not _is_remote(path):
                    yield path
        except DataError:
            return


def _records(files: list[Path], keys: Known, root: AudioRoot, ledger: Ledger) -> Iterator[Record]:
    reader = _RowReader(keys, root, ledger)
    for file, line, row in _rows(files, ledger):
        place = f"{file}:{line}"
        reason = _reason_to_leave(row, keys)
        if reason:
            ledger.leave_out(place, reason)
            continue
        try:
            record = reader.record(row, file, line)
        except CellError as error:
            ledger.refuse(place, str(error))
        else:
            yield record
    reader.attributes.tell()


def _reason_to_leave(row: Mapping[str, object], keys: Known) -> str:
    if row.get("_skipme"):
        return "marked with _skipme, which NeMo leaves out, too"
    if isinstance(row.get(_first(row, keys["audio_filepath"])), list):
        return "its audio is several files at once, a channel each"
    source, target = row.get("source_lang"), row.get("target_lang")
    is_stated = _first(row, keys["language"]) not in ("source_lang", "target_lang")
    if not is_stated and isinstance(source, str) and isinstance(target, str) and source != target:
        return "its text is a translation: source_lang and target_lang differ"
    return ""


class _RowReader:
    """Turns a line's object into a record."""

    def __init__(self, keys: Known, root: AudioRoot, ledger: Ledger) -> None:
        self._keys = keys
        self._root = root
        self._ledger = ledger
        self.attributes = OpenAttributes(ledger)

    def record(self, row: Mapping[str, object], file: str, line: int) -> Record:
        """Returns the record; raises a `CellError` that says what is wrong with the line."""
        used = {name: _first(row, known) for name, known in self._keys.items()}
        audio = self._audio(row, used["audio_filepath"])
        offset_s = read_cell(used["offset"], row.get(used["offset"]), cells.offset_s)
        duration_s = read_cell(used["duration"], row.get(used["duration"]), cells.duration_s)
        language, named = self._language(row, used["language"])
        others = {key: cell for key, cell in row.items() if key not in used.values()}
        return Record(
            file=file,
            line=line,
            utterance_id=_id(row, used, audio, offset_s),
            text=self._text(row, used["text"]),
            audio=audio,
            speaker_id=read_cell(used["speaker_id"], row.get(used["speaker_id"]), cells.optional_identifier),
            offset=offset_s,
            duration=None if duration_s != duration_s else duration_s,  # NaN where unknown
            language=language,
            attributes=self.attributes.of({**others, **named}),
        )

    def _audio(self, row: Mapping[str, object], key: str) -> str | None:
        path = row.get(key)
        if path is None or path == "":
            return None
        if not isinstance(path, str):
            raise CellError(f"has {key}={shown(path)}; expected the path of a recording. Correct it.")
        if _is_remote(path):
            self._ledger.remark(
                "recordings at addresses are not fetched: their transcripts can be scored, none is heard"
            )
            return None
        return read_cell(key, path, lambda _: self._root.relative(path))

    def _text(self, row: Mapping[str, object], key: str) -> str:
        text = read_cell(key, row.get(key), cells.reference)
        if text == _NO_TRANSCRIPT:
            self._ledger.remark("text is '-' in some rows, as in manifests of what nobody transcribed: scored as it is")
        return text

    def _language(self, row: Mapping[str, object], key: str) -> tuple[str | None, Mapping[str, object]]:
        """Returns the tag, and what is written where that is none."""
        written = row.get(key)
        if written is None or written == "":
            return None, {}
        if not isinstance(written, str):
            raise CellError(f"has {key}={shown(written)}; expected a language such as en-GB. Correct it.")
        tag = language_of(written)
        return tag, {} if tag is not None else {OTHER_LANGUAGE: written}


def _id(row: Mapping[str, object], used: Mapping[str, str], audio: str | None, offset_s: float) -> str:
    if row.get(used["utterance_id"]) is not None:
        return read_cell(used["utterance_id"], row.get(used["utterance_id"]), cells.identifier)
    path = audio or str(row.get(used["audio_filepath"]) or "")
    if not PurePosixPath(path).name:
        raise CellError(f"has neither {used['utterance_id']} nor the path of a recording to make an id of. Add one.")
    stem = str(PurePosixPath(path).with_suffix("")).lstrip("/")
    return f"{stem}#{number_text(offset_s)}" if offset_s else stem


def _first(row: Mapping[str, object], known: tuple[str, ...]) -> str:
    """Returns the first of the keys that a line has, whatever it holds; else the first one."""
    return next((key for key in known if key in row), known[0])


def _is_remote(path: str) -> bool:
    return REMOTE.match(path) is not None or path.rstrip().endswith("|")
