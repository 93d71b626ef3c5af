"""A table in; recordings, supervisions and cuts that lhotse reads out, attributes and what a run says in `custom`.

```
OUT/recordings.jsonl.gz                      recordings whose headers can be read
OUT/supervisions.jsonl.gz                    their utterances
OUT/cuts.jsonl.gz                            the same with their recordings: a cut an utterance
OUT/supervisions_without_recordings.jsonl.gz utterances whose recordings are not there
OUT/datasheet.yaml                           what the attributes are and who says so, which lhotse has no place for
```

Where no recording is there, `supervisions.jsonl.gz` has all utterances. With several conditions there are supervisions
and cuts of each, `supervisions_CONDITION.jsonl.gz`; recordings are as recorded, not as heard.

A supervision needs a duration, and ends with its recording: where the manifest has none it is what is left of the
recording, and where it is rounded up, `custom` keeps it as `duration_as_stated`. The path of a recording that is not
there is not kept.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from harness.audio import AudioHeader
from harness.corpus.importers.lhotse_files import WITHOUT_RECORDINGS
from harness.corpus.importers.lhotse_items import STATED_DURATION
from harness.errors import UsageError
from harness.results.exporters.headers import Headers
from harness.results.exporters.json_lines import (
    Plain,
    by_condition,
    check_names,
    of_a_run,
    rows,
    write_datasheet,
    write_json_lines,
)
from harness.results.exporters.table import CONTRACT, OF_A_RUN, ExportTable

log = logging.getLogger(__name__)

ENDS_S = 1e-3  # by which lhotse lets a supervision end after its recording
_SHOWN = 5  # utterances named in a message
_GENDER = "gender"

Item = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Recording:
    """Is a recording as lhotse is told of it."""

    name: str
    path: str
    header: AudioHeader

    @property
    def channel(self) -> int | list[int]:
        n_channels = self.header.num_channels
        return 0 if n_channels == 1 else list(range(n_channels))

    def item(self) -> Item:
        source = {"type": "file", "channels": list(range(self.header.num_channels)), "source": self.path}
        return {
            "id": self.name,
            "sources": [source],
            "sampling_rate": self.header.sample_rate,
            "num_samples": self.header.num_samples,
            "duration": self.header.duration_s,
            "channel_ids": source["channels"],
        }


def write_lhotse(table: ExportTable, out: Path) -> list[Path]:
    """Writes the manifests and the datasheet; returns the files.

    Raises:
        UsageError: Utterances have no duration and no recording to take it from.
    """
    check_names(table, "lhotse")
    recordings = _recordings(table)
    written = []
    if recordings:
        items = (recording.item() for recording in recordings.values())
        written.append(write_json_lines(out / "recordings.jsonl.gz", items))
    for name, frame in by_condition(table):
        written += _write_utterances(_Utterances(table, frame, recordings), out, f"_{name}" if name else "")
    return [*written, write_datasheet(table, out)]


def _recordings(table: ExportTable) -> dict[str, _Recording]:
    """Returns recordings that can be read, by path; a name is a path without extension, where that is one's alone."""
    headers = Headers()
    taken: set[str] = set()
    found: dict[str, _Recording] = {}
    for path in dict.fromkeys(path for path in table.frame["audio_filepath"] if isinstance(path, str)):
        header = headers.of(path)
        if header is not None:
            name = _name(path, table.audio_root)
            unique = str(PurePosixPath(name).with_suffix(""))
            while unique in taken:
                unique = f"{unique}_" if unique.startswith(name) else name
            taken.add(unique)
            found[path] = _Recording(unique, path, header)
    return found


def _name(path: str, audio_root: Path | None) -> str:
    inside = PurePosixPath(path)
    if audio_root is not None and inside.is_relative_to(audio_root.absolute().as_posix()):
        inside = inside.relative_to(audio_root.absolute().as_posix())
    return str(inside)


def _write_utterances(utterances: "_Utterances", out: Path, ending: str) -> list[Path]:
    apart = f"_{WITHOUT_RECORDINGS}" if utterances.n_heard else ""
    written = []
    if utterances.n_heard:
        supervisions = (segment for segment, _ in utterances.heard())
        written.append(write_json_lines(out / f"supervisions{ending}.jsonl.gz", supervisions))
        written.append(write_json_lines(out / f"cuts{ending}.jsonl.gz", utterances.cuts()))
    if utterances.n_heard < utterances.n:
        log.warning(
            "%d utterances are supervisions alone: their recordings are not there, or end before them",
            utterances.n - utterances.n_heard,
        )
        path = out / f"supervisions{ending}{apart}.jsonl.gz"
        written.append(write_json_lines(path, utterances.unheard()))
    return written


class _Utterances:
    """Makes supervisions and cuts of a table's rows."""

    def __init__(self, table: ExportTable, frame: pd.DataFrame, recordings: Mapping[str, _Recording]) -> None:
        self._table = table
        self._frame = frame
        self._recordings = recordings
        self._names = [attribute.name for attribute in table.attributes]
        self.n = len(frame)
        self.n_heard = sum(recording is not None for _, recording in self._rows())
        self._check_durations()

    def heard(self) -> Iterator[tuple[Item, _Recording]]:
        """Yields supervisions with their recordings."""
        for row, recording in self._rows():
            if recording is not None:
                yield self._supervision(row, recording), recording

    def unheard(self) -> Iterator[Item]:
        """Yields supervisions whose recordings are not there."""
        for row, recording in self._rows():
            if recording is None:
                yield self._supervision(row, None)

    def cuts(self) -> Iterator[Item]:
        """Yields a cut for each supervision that has a recording."""
        for segment, recording in self.heard():
            yield {
                "id": segment["id"],
                "start": segment["start"],
                "duration": segment["duration"],
                "channel": recording.channel,
                "supervisions": [{**segment, "start": 0.0}],
                "recording": recording.item(),
                "type": "MonoCut" if recording.header.num_channels == 1 else "MultiCut",
            }

    def _rows(self) -> Iterator[tuple[dict[str, Plain], _Recording | None]]:
        """Yields rows and their recordings; None where it is not there or has ended before the utterance starts."""
        names = (*CONTRACT, *self._names, *(OF_A_RUN if self._table.has_run else ()))
        for row in rows(self._frame, names):
            recording = self._recordings.get(str(row["audio_filepath"]))
            yield row, recording if recording is not None and _left_s(row, recording) > 0 else None

    def _check_durations(self) -> None:
        unknown = [row["utterance_id"] for row, recording in self._rows() if row["duration"] is None and not recording]
        if unknown:
            shown = ", ".join(map(str, unknown[:_SHOWN]))
            raise UsageError(
                f"format=lhotse: {len(unknown)} utterances have no duration and no recording to take it from, such as "
                f"{shown}; a supervision needs one. Put the recordings there, or choose format=nemo."
            )

    def _supervision(self, row: Mapping[str, Plain], recording: _Recording | None) -> Item:
        custom: dict[str, Plain] = {name: row[name] for name in self._names}
        fields: dict[str, Plain] = {"text": row["text"], "language": row["language"], "speaker": row["speaker_id"]}
        if isinstance(custom.get(_GENDER), str):
            fields[_GENDER] = custom.pop(_GENDER)
        duration = row["duration"]
        if recording is not None:
            left_s = _left_s(row, recording)
            if duration is None or (isinstance(duration, int | float) and duration > left_s + ENDS_S):
                custom |= {} if duration is None else {STATED_DURATION: duration}
                duration = left_s
        return {
            "id": row["utterance_id"],
            "recording_id": _recording_name(row, self._table) if recording is None else recording.name,
            "start": row["offset"],
            "duration": duration,
            "channel": 0 if recording is None else recording.channel,
            **{name: value for name, value in fields.items() if value is not None},
            "custom": {**custom, **(of_a_run(row) if self._table.has_run else {})},
        }


def _left_s(row: Mapping[str, Plain], recording: _Recording) -> float:
    offset = row["offset"]
    return recording.header.duration_s - (offset if isinstance(offset, int | float) else 0.0)


def _recording_name(row: Mapping[str, Plain], table: ExportTable) -> str:
    """Returns what stands for a recording that nobody can look at: its path's name, or that of its only utterance."""
    path = row["audio_filepath"]
    if not isinstance(path, str):
        return str(row["utterance_id"])
    return str(PurePosixPath(_name(path, table.audio_root)).with_suffix(""))
