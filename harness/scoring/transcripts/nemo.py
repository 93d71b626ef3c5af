"""Predictions of NeMo in, a transcript an utterance out: the lines of a manifest, each with `pred_text` added.

An id is the line's own `utterance_id`, else the one that a manifest without ids gets: the path without extension, and
`#` with the offset for a segment that starts later. Where that is none of the manifest's, path and offset tell.
Source of the layout: NeMo 2.x, `write_transcription`; `text` there is the reference.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from harness.corpus.cells import number_text
from harness.errors import HypothesesError, UsageError
from harness.scoring.transcripts.documents import Node, ShapeError
from harness.scoring.transcripts.json_lines import json_objects
from harness.scoring.transcripts.naming import names_of
from harness.scoring.transcripts.records import MOST_PROBLEMS, Heard, Piece, in_time_order
from harness.scoring.transcripts.tables import BadCellError, Table, utterance_id
from harness.scoring.transcripts.timing import confidence, piece

PREDICTED = "pred_text"


def is_nemo(names: Mapping[str, object]) -> bool:
    """Say whether the keys of a line are those of a prediction."""
    return any(name == PREDICTED or name.startswith(f"{PREDICTED}_") for name in names)


def read_nemo(table: Table, columns: Mapping[str, str]) -> list[Heard]:
    """Return the predictions of a file, in its order.

    Args:
        table: Of the file.
        columns: The file's name for `text`, where several models wrote their predictions, and for `utterance_id`.

    Raises:
        UsageError: There are predictions of several models, or another column is mapped.
        HypothesesError: Lines cannot be read; every one is named.
    """
    if further := sorted(set(columns) - {"text", "utterance_id"}):
        raise UsageError(f"columns {', '.join(further)}: predictions of NeMo have only text and utterance_id to map")
    found: list[Heard] = []
    for line, cells in json_objects(table):
        try:
            found.append(_heard(Node(cells), line, columns, predicted=_predicted(cells, columns, table)))
        except (ShapeError, BadCellError) as problem:
            table.refuse(line, str(problem))
        if len(table.problems) >= MOST_PROBLEMS:
            break
    if table.problems or not found:
        raise HypothesesError(table.problems or [f"{table.path}: is empty; expected a line per utterance"])
    return found


def _predicted(cells: Mapping[str, object], columns: Mapping[str, str], table: Table) -> str:
    """Return the key of what was heard."""
    if "text" in columns:
        return columns["text"]
    keys = [PREDICTED] if PREDICTED in cells else [key for key in cells if is_nemo({key: None})]
    if len(keys) > 1:
        raise UsageError(
            f"{table.path}: has the predictions of {len(keys)} models, {', '.join(map(repr, sorted(keys)[:5]))}; "
            f"choose one with columns.text={sorted(keys)[0]}"
        )
    return keys[0] if keys else PREDICTED


def _heard(found: Node, line: int, columns: Mapping[str, str], *, predicted: str) -> Heard:
    if not found.has(predicted):
        raise ShapeError(f"has no {predicted}; expected what was heard")
    text = found.optional_text(predicted)
    path = found.optional_text("audio_filepath") or ""
    offset_s = found.optional_seconds("offset") or 0.0
    names = _names(found, columns.get("utterance_id", "utterance_id"), path, offset_s=offset_s)
    duration_s = found.optional_seconds("duration")
    return Heard(
        names[0],
        text,
        further_names=names[1:],
        pieces=in_time_order(list(_words(found))),
        audio_s=math.nan if duration_s is None else duration_s,
        recording=path or None,
        from_s=offset_s if path else None,
        line=line,
    )


def _names(found: Node, key: str, path: str, *, offset_s: float) -> tuple[str, ...]:
    given = found.optional(key)
    if given is not None:
        return (utterance_id({"utterance_id": given.value}),)
    stem = PurePosixPath(path)
    derived = str(stem.with_suffix("")) if stem.name else ""
    further = () if offset_s else names_of(path)
    if derived and offset_s:
        derived = f"{derived}#{number_text(offset_s)}"
    names = tuple(name for name in dict.fromkeys((derived, *further)) if name)
    if not names:
        raise ShapeError("has neither audio_filepath nor utterance_id; expected one that says what was heard")
    return names


def _words(found: Node) -> Iterator[Piece]:
    """Yield the words where their times were asked for; other files have texts or nothing there."""
    if not isinstance(found.value, dict) or not isinstance(found.value.get("word"), list):
        return
    for word in found.listed("word"):
        start_s, end_s = word.optional_seconds("start"), word.optional_seconds("end")
        if start_s is not None and end_s is not None:
            yield piece(word.text("word"), (start_s, end_s), sureness=confidence(word))
