"""A table's cells in; what files of words and lines can hold of them, and what they cannot, out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path, PurePath

from harness.corpus.cells import scalar_text, shown, shown_path
from harness.corpus.importers.corpus import Value
from harness.corpus.importers.wav_scp import is_command, is_in_archive
from harness.corpus.tokens import one_line, token
from harness.corpus.values import VALUE_SEPARATOR
from harness.errors import UsageError
from harness.results.exporters.json_lines import write_whole
from harness.results.exporters.table import CONTRACT, ExportTable

_SHOWN = 20  # problems in a message


@dataclass(frozen=True, slots=True)
class Spoken:
    """Is an utterance of a table.

    Attributes:
        utterance_id: Its id.
        text: The reference.
        audio: Absolute path of the recording; None where there is none.
        offset_s: Seconds.
        duration_s: Seconds; None where unknown.
        speaker_id: None where unknown.
        language: BCP 47, or None.
        attributes: What the manifest has for each: a text, "" where it has nothing, or texts that no text can join.
    """

    utterance_id: str
    text: str
    audio: str | None
    offset_s: float
    duration_s: float | None
    speaker_id: str | None
    language: str | None
    attributes: Mapping[str, Value]


def utterances(table: ExportTable) -> Iterator[Spoken]:
    """Yields the utterances of a table, once each, whatever the conditions of a run."""
    names = [attribute.name for attribute in table.attributes]
    frame = table.frame.drop_duplicates("utterance_id") if table.has_run else table.frame
    columns = [frame[name].tolist() for name in (*CONTRACT, *names)]
    for utterance_id, audio, offset_s, duration_s, text, speaker_id, language, *cells in zip(*columns, strict=True):
        yield Spoken(
            utterance_id,
            text,
            audio,
            float(offset_s),
            None if isnan(duration_s) else float(duration_s),
            speaker_id,
            language,
            {name: said(cell) for name, cell in zip(names, cells, strict=True)},
        )


def said(cell: object) -> Value:
    """Returns what a manifest's cell says as a text; several values are joined as a manifest joins them.

    >>> said(None), said(3.0), said(["a", "b"]), said(["a|b", "c"])
    ('', '3', 'a|b', ['a|b', 'c'])
    """
    if not isinstance(cell, list | tuple):
        return scalar_text(cell) or ""
    parts = [scalar_text(part) or "" for part in cell]
    return VALUE_SEPARATOR.join(parts) if all(part and VALUE_SEPARATOR not in part for part in parts) else parts


def as_line(value: Value) -> str:
    """Returns a value as a line; where it is not the same, the line is what comes nearest."""
    return one_line(VALUE_SEPARATOR.join(value) if isinstance(value, list) else str(value))


def recording_names(paths: Iterable[str | None], *, never: str = "", taken: Iterable[str] = ()) -> dict[str, str]:
    """Returns a word for each recording: its file's name without extension, numbered where that is another's, too."""
    names: dict[str, str] = {}
    used = set(taken)
    for path in paths:
        if path is None or path in names:
            continue
        stem = token(PurePath(path).stem, never=never)
        name, number = stem, 1
        while name in used:
            number += 1
            name = f"{stem}-{number}"
        used.add(name)
        names[path] = name
    return names


def check_entries(spoken: Iterable[Spoken], format_name: str) -> None:
    """Refuses paths that Kaldi would read as something else than a file's, such as a command that it runs.

    Raises:
        UsageError: There are such; the first ones are named.
    """
    problems = []
    for each in spoken:
        if each.audio is not None and (reason := _no_entry(each.audio)):
            problems.append(
                f"utterance {shown(each.utterance_id)}: {shown_path(each.audio)} {reason}. Rename the file."
            )
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UsageError(f"format={format_name}: recordings cannot be listed:\n" + "\n".join(problems[:_SHOWN]) + more)


def write_lines(out: Path, files: Mapping[str, Iterable[str]]) -> list[Path]:
    """Writes files of lines, each whole or not at all; returns those written."""
    return [write_whole(out / name, (f"{line}\n".encode() for line in lines)) for name, lines in files.items()]


def remove_stale(out: Path, patterns: Iterable[str], written: Iterable[Path]) -> None:
    """Removes what an earlier export of the same format has written and this one has not."""
    kept = set(written)
    for pattern in patterns:
        for path in out.glob(pattern):
            if path.is_file() and path not in kept:
                path.unlink()


def _no_entry(path: str) -> str:
    if is_command(path):
        return "would be run as a command"
    if is_in_archive(path):
        return "would be looked for in an archive"
    return "has blanks around it" if one_line(path) != path else ""
